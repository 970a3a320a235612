"""Migrations, run directly with Alembic: no shell, no ini file."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from portal.store.database import open_engine
from portal.store.planner import tell_planner

MIGRATIONS = Path(__file__).parent / "migrations"


def configuration(url: str) -> Config:
    """Alembic's settings for the database at this URL."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["engine"] = open_engine(url)
    return config


def migrate(url: str, to: str = "head") -> None:
    """Bring the database at this URL to a revision; the newest one unless told."""
    config = configuration(url)
    command.upgrade(config, to)
    tell_planner(config.attributes["engine"])
    config.attributes["engine"].dispose()
