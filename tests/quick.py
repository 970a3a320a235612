"""Work that every test would do again with the same result, done once in a process.

Each test has a portal of its own: its own app, its own engine, its own database. What those are made of is the same in
all of them: the templates' code, the functions that build addresses, the SQL of a query. Here it is kept between tests.
Nothing kept here knows of a row, a setting or a request.
"""

import gc
from types import CodeType
from typing import Any

import pytest
import sqlalchemy
from flask import Flask
from flask.templating import Environment as FlaskEnvironment
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from portal.store import database


class _Code(BytecodeCache):
    """What templates were translated into, by name and by what the source says."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], CodeType] = {}

    def get_bucket(self, environment: Environment, name: str, filename: str | None, source: str) -> Bucket:
        """By the source itself, for a test may change a template, and by how the app reads templates."""
        how = (environment.trim_blocks, environment.lstrip_blocks, environment.autoescape, *environment.extensions)
        bucket = Bucket(environment, f"{filename} {name} {how!r}", source)
        self.load_bytecode(bucket)
        return bucket

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what is kept, if anything is."""
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        assert bucket.code is not None
        self.kept[bucket.key, bucket.checksum] = bucket.code


_templates = _Code()


def share_templates(patch: pytest.MonkeyPatch) -> None:
    """Let every app take its templates' code from those before it."""
    really = Flask.create_jinja_environment

    def create(app: Flask) -> FlaskEnvironment:
        made = really(app)
        made.bytecode_cache = _templates
        return made

    patch.setattr(Flask, "create_jinja_environment", create)


def share_addresses(patch: pytest.MonkeyPatch) -> None:
    """Take a route's address apart, and compile the function that builds it, once for each route, not once for each
    route of each app.

    Both are made from the address alone. The function is given its route, and with it the converters, later; the
    converters of our addresses know nothing but what stands in the address.
    """
    taken_apart: dict[tuple[object, ...], tuple[Any, ...]] = {}
    really: Any = Rule.compile

    def once(rule: Any) -> None:
        if rule.defaults or rule.map.host_matching:
            really(rule)
            return
        kinds = tuple(rule.map.converters.items())
        key = (rule.rule, rule.subdomain, rule.merge_slashes, rule.map.sort_parameters, rule.map.sort_key, kinds)
        if key not in taken_apart:
            really(rule)
            built = (rule._build.__func__, rule._build_unknown.__func__)
            taken_apart[key] = (rule._parts, rule._trace, rule._converters, rule.arguments, *built)
            return
        parts, trace, converters, arguments, build, build_unknown = taken_apart[key]
        rule._parts, rule._trace, rule._converters = list(parts), list(trace), dict(converters)
        rule.arguments |= arguments
        rule._build, rule._build_unknown = build.__get__(rule, None), build_unknown.__get__(rule, None)

    patch.setattr(Rule, "compile", once)


def share_sql(patch: pytest.MonkeyPatch) -> None:
    """Compile a query to SQL once for each kind of database, not once for each engine.

    SQLAlchemy keeps what it compiled with the engine, and by the dialect. So engines of one kind get the dialect of the
    first of them that has seen its database, and one cache.
    """
    dialects: dict[tuple[str, str], Any] = {}
    compiled: Any = LRUCache(5_000)

    def create(url: str, **how: Any) -> Engine:
        engine = sqlalchemy.create_engine(url, **how)
        kind = (engine.dialect.name, engine.dialect.driver)
        known = dialects.setdefault(kind, engine.dialect)
        if known is not engine.dialect:
            if getattr(known, "server_version_info", None) and known.default_schema_name:
                engine.dialect = engine.pool._dialect = known
            else:
                dialects[kind] = engine.dialect
        engine._compiled_cache = compiled
        return engine

    patch.setattr(database, "create_engine", create)


def look_away_from_what_stays() -> None:
    """What is imported by now stays until the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
