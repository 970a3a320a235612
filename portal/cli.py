"""The commands: python -m portal.cli COMMAND. Setting up, running, working, checking.

Each refuses with a plain sentence when something is missing; none shows a traceback for what a person can put right.
"""

import argparse
import csv
import json
import logging
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import date, timedelta
from getpass import getpass
from pathlib import Path
from types import FrameType

import segno
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from cryptography.exceptions import InvalidTag
from sqlalchemy import Engine, func, make_url, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from config import Environment, MailSecurity, NotReady, Settings
from portal import accounts, audit, clock, codes, demo, directory, held, instruments, measures, rounds, services
from portal.access import Role
from portal.instruments import BadPack
from portal.instruments.packs import LARGEST
from portal.notifications import ConsoleTransport, SMTPTransport, Transport
from portal.outside import Allowance
from portal.services import practices
from portal.store import FeedRun, Message, Referral, Service, Staff, Stores, migrate, open_store
from portal.store.migrate import configuration
from portal.web import logs
from portal.web.messages import Renderer

ME = "python -m portal.cli"
THREADS = 4  # for each web process; the database and the hashing of passwords have room for as many
SERVER_LOGGING = Path(logs.__file__).with_name("server_logging.json")
END_SECONDS = 10  # how long children may take to end in order

log = logging.getLogger("portal.cli")


class Stop(Exception):
    """The command cannot go on; the message is the sentence that says what to do."""


# --- what every command stands on -------------------------------------------------------------------------------------


def _make_folder(settings: Settings) -> None:
    """A SQLite file needs its folder; only its owner may look inside."""
    if file := _sqlite_file(settings):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _sqlite_file(settings: Settings) -> Path | None:
    url = make_url(settings.database_url)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def _is_at_head(engine: Engine) -> bool:
    head = ScriptDirectory.from_config(configuration("sqlite://")).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_heads() == (head,)


@contextmanager
def _opened(settings: Settings) -> Iterator[Stores]:
    """The store, when it is there and at the newest migration. Raises Stop."""
    file = _sqlite_file(settings)
    if file and not file.exists():
        raise Stop(f"There is no database yet. Make it with: {ME} set-up")
    held.hold(settings.secret_key, settings.encryption_keys)
    stores = open_store(settings.database_url)
    try:
        if not _is_at_head(stores.engine):
            raise Stop(f"The database is not at the newest migration. Bring it there with: {ME} migrate")
        _refuse_other_keys(stores)
        yield stores
    finally:
        stores.engine.dispose()


def _refuse_other_keys(stores: Stores) -> None:
    """Better no start than pages that fail at the first person's name."""
    with stores.reading() as store:
        for table in (Staff, Referral):
            try:
                store.scalars(select(table).limit(1)).all()
            except (KeyError, InvalidTag):
                raise Stop(
                    "What is stored encrypted cannot be read: PORTAL_ENCRYPTION_KEYS lacks the key that it was written "
                    "with. Put that key back beside the new one."
                ) from None


def _service(store: Session, slug: str | None) -> Service:
    found = services.find(store, slug)
    if found is None:
        missing = f"There is no service with the short name {slug}." if slug else "There is no service yet."
        raise Stop(f"{missing} Make one with: {ME} create-service SLUG NAME")
    return found


def _renderer(settings: Settings) -> Renderer:
    return Renderer(settings.public_url, settings.service)


def transport_of(settings: Settings) -> Transport:
    """The way out that the settings name."""
    mail = settings.mail
    if mail is None:
        return ConsoleTransport()
    return SMTPTransport(mail.host, mail.port, mail.security.value, settings.mail_from, mail.user, mail.password)


def _is_demonstration(settings: Settings) -> bool:
    return settings.environment is not Environment.PRODUCTION


# --- setting up -------------------------------------------------------------------------------------------------------


def _migrate(settings: Settings, _options: argparse.Namespace) -> int:
    _make_folder(settings)
    migrate(settings.database_url)
    print("The database is at the newest migration.")
    return 0


def _set_up(settings: Settings, options: argparse.Namespace) -> int:
    _migrate(settings, options)
    squeeze_files()
    with _opened(settings) as stores, stores.reading() as store:
        found = services.find(store, settings.service)
        if found is None:
            print(f"Next: {ME} create-service SLUG NAME")
        elif not services.may_take_referrals(store, found):
            print(f"Next, somebody on whom every alert ends: {ME} create-staff --role manager")
    return 0


def _create_service(settings: Settings, options: argparse.Namespace) -> int:
    with _opened(settings) as stores, stores.writing.begin() as store:
        try:
            made = services.create(store, options.slug, options.name)
        except services.BadService as problem:
            raise Stop(str(problem)) from None
        print(f"Made the service {made.name}, at {settings.public_url}/at/{made.slug}")
    print(f"Next, its manager and its administrator: {ME} create-staff --service {options.slug} --role manager")
    return 0


def _change_service(settings: Settings, options: argparse.Namespace) -> int:
    try:
        wanted = json.loads(Path(options.file).read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise Stop(f"{options.file} cannot be read as JSON: {problem}") from None
    if not isinstance(wanted, dict):
        raise Stop(f'{options.file} must hold one JSON object, like {{"phone": "01632 960001"}}.')
    with _opened(settings) as stores, stores.writing.begin() as store:
        service = _service(store, options.service)
        try:
            services.change_from_server(store, service, wanted)
        except (services.BadService, services.BadSettings) as problem:
            raise Stop(str(problem)) from None
        print(f"Changed the service {service.name}: {', '.join(sorted(wanted)) or 'nothing'}")
    return 0


def _import_text(settings: Settings, options: argparse.Namespace) -> int:
    try:
        with Path(options.file).open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as problem:
        raise Stop(f"{options.file} cannot be read: {problem.strerror}") from None
    with _opened(settings) as stores, stores.writing.begin() as store:
        service = _service(store, options.service or settings.service)
        try:
            text = measures.import_text(store, service, data, reviewer=options.reviewer, actor=None)
        except BadPack as bad:
            raise Stop("\n".join([f"{options.file} is not taken in.", *(f"- {one}" for one in bad.problems)])) from None
        print(f"{text.scale} in {text.language} ({text.status}), SHA-256 of the words {text.text_sha256}")
        if text.state == "on":
            print("It is in use from now.")
        else:
            print(f"It is off until a native speaker has compared it with {text.source_url}")
            print(f"Then: {ME} sign-text {text.scale} {text.language} --name … --date … --document-sha256 …")
    return 0


# --- the directory of activities --------------------------------------------------------------------------------------


def _allowance(settings: Settings) -> Allowance:
    """Where feeds may be asked for: in the open internet only, unless everything here is made up."""
    return Allowance(private=settings.environment is Environment.DEMONSTRATION)


def _import_activities(settings: Settings, options: argparse.Namespace) -> int:
    url = options.source if options.source.startswith(("https://", "http://")) else ""
    allowance = _allowance(settings)
    try:
        opened = nullcontext() if url else Path(options.source).open("rb")  # noqa: SIM115 (closed below)
    except OSError as problem:
        raise Stop(f"{options.source} cannot be read: {problem.strerror}") from None
    with opened as file, _opened(settings) as stores:
        with stores.writing.begin() as store:
            service = _service(store, options.service or settings.service)
            name = options.name or (url.partition("//")[2] if url else Path(options.source).name)[:80]
            try:
                feed = directory.feeds.feed_named(store, service.id, None, name, url=url, allowance=allowance)
            except directory.NotTaken as refused:
                raise Stop(_WHY_NO_FEED.get(refused.problem, str(refused))) from None
            run = directory.ask(store, feed, None, begun=True)
            if run is None:
                raise Stop("This feed is being taken in already.")
            service_id, run_id = service.id, run.id
        done = directory.take_in(stores, service_id, run_id, file, allowance=allowance, progress=_tell_progress)
    print(file=sys.stderr)
    return _tell_run(done)


_WHY_NO_FEED = {
    "refused-address": "The address must be https, in the open internet, without a password in it.",
    "taken": "There is a feed of this name with another address. Give this one another --name.",
    "too-many": "There are as many feeds as we keep. One service hardly needs so many.",
}


def _tell_progress(done: int, total: int | None) -> None:
    of = f" of {total:,}" if total else ""
    print(f"\r{done:,}{of} rows", end="", file=sys.stderr, flush=True)


def _tell_run(run: FeedRun) -> int:
    counts = run.counts
    words = ("new", "changed", "same", "gone", "refused")
    print(f"{run.seen:,} rows: " + ", ".join(f"{counts.get(name, 0):,} {name}" for name in words))
    for code, number in sorted(counts.get("kinds", {}).items()):
        print(f"{number:,} × {directory.FAULTS[code].label}")
    for row in run.bad.get("rows", [])[:20]:
        field = f", {row['field']}" if row["field"] else ""
        print(f"page {row['page']}, row {row['row']}, id {row['id'] or '-'}{field}: {row['what']}")
    if run.error:
        print(f"To do: {directory.ERRORS[run.error]}")
    return 0 if run.state == "done" else 1


def _import_postcodes(settings: Settings, options: argparse.Namespace) -> int:
    areas = frozenset(filter(None, (area.strip().upper() for area in (options.areas or "").split(","))))
    with _opened(settings) as stores:
        with stores.reading() as store:
            service_id = _service(store, options.service or settings.service).id
        try:
            with Path(options.file).open(encoding="utf-8-sig", errors="replace", newline="") as file:
                done = directory.import_postcodes(
                    stores,
                    service_id,
                    csv.DictReader(file),
                    areas=areas,
                    progress=lambda number: _tell_progress(number, None),
                )
        except OSError as problem:
            raise Stop(f"{options.file} cannot be read: {problem.strerror}") from None
        except (directory.NotPostcodes, csv.Error):
            raise Stop(f"{options.file} is no list of postcodes: it needs the columns pcds, lat and long.") from None
    print(file=sys.stderr)
    print(f"{done:,} postcodes are known. The directory is placed by them.")
    return 0


def _import_practices(settings: Settings, options: argparse.Namespace) -> int:
    with _opened(settings) as stores:
        with stores.reading() as store:
            service_id = _service(store, options.service or settings.service).id
        try:
            with Path(options.file).open(encoding="utf-8-sig", errors="replace", newline="") as file:
                done = practices.import_practices(
                    stores, service_id, file, lambda report: _tell_progress(report.seen, None)
                )
        except OSError as problem:
            raise Stop(f"{options.file} cannot be read: {problem.strerror}") from None
        except (practices.NotAList, csv.Error):
            raise Stop(f"{options.file} is no list of practices: it needs the columns code and name.") from None
    print(file=sys.stderr)
    words = ("added", "changed", "same", "refused")
    print(f"{done.seen:,} rows: " + ", ".join(f"{getattr(done, word):,} {word}" for word in words))
    for row in done.bad[:20]:
        print(f"line {row.line}, code {row.code or '-'}: {_WHY_NO_PRACTICE[row.why]}")
    return 0


_WHY_NO_PRACTICE = {
    "code": "the code must be a letter and five digits, such as D81044",
    "name": "it has no name that can be kept",
    "twice": "the code stands in the file twice; the first row counts",
}


def _sign_text(settings: Settings, options: argparse.Namespace) -> int:
    with _opened(settings) as stores, stores.writing.begin() as store:
        service = _service(store, options.service or settings.service)
        try:
            text = measures.sign_text(
                store,
                service,
                options.scale,
                options.language,
                name=options.name,
                day=options.date,
                document_sha256=options.document_sha256,
                actor=None,
            )
        except KeyError:
            raise Stop(f"There is no scale {options.scale}. See: {ME} scales") from None
        except measures.CannotDo as refused:
            raise Stop("\n".join(refused.problems.values())) from None
        print(f"{text.scale} in {text.language} is signed by {text.signed_name}, and in use from now.")
    return 0


def _scales(settings: Settings, options: argparse.Namespace) -> int:
    with _opened(settings) as stores, stores.reading() as store:
        service = _service(store, options.service or settings.service)
        texts = measures.text_states(store, service)
        for scale, against in measures.standings(store, service).items():
            why = " ".join(measures.OBSTACLES[obstacle] for obstacle in against)
            print(f"{scale} ({instruments.catalogue()[scale].title}): {why or 'on'}")
            for line in texts.get(scale, ()):
                words = [line.language, line.state.value, line.status, line.variant, line.where]
                print("  " + "  ".join(word for word in words if word))
    return 0


def _password() -> str:
    """Asked twice from a person; from a pipe, its first line."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass("Password: ")
    if getpass("The same password again: ") != password:
        raise Stop("The two passwords are not the same. Nothing was made; try again.")
    return password


def _create_staff(settings: Settings, options: argparse.Namespace) -> int:
    with _opened(settings) as stores:
        with stores.reading() as store:
            _service(store, options.service or settings.service)  # before a password is asked for
        password = _password()
        with stores.writing.begin() as store:
            service = _service(store, options.service or settings.service)
            try:
                staff, secret, recovery = accounts.create_first(
                    store, service, name=options.name, email=options.email, role=options.role, password=password
                )
            except accounts.NotTaken as refused:
                raise Stop(". ".join(refused.problems.values()) + ".") from None
            for_app = accounts.address_for_app(secret, email=staff.email, service_name=service.name)
            print(f"Made {staff.name} ({staff.role}) of {service.name}.")
    print("Scan this with an authenticator app, or type the secret into it. It is shown this once.\n")
    segno.make(for_app, micro=False).terminal(out=sys.stdout, compact=True)
    print(f"\nSecret for the app: {secret}\n")
    print("Recovery codes, each for one sign-in when the phone is lost. They are shown this once:")
    print("\n".join(f"  {codes.show_recovery_code(code)}" for code in recovery))
    return 0


def _progress(done: int, of: int) -> None:
    """A bar where somebody looks; elsewhere every quarter."""
    if sys.stderr.isatty():
        filled = 40 * done // of
        sys.stderr.write(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done} of {of} made-up people")
        sys.stderr.write("\n" if done == of else "")
    elif done == of or done * 4 // of > (done - 1) * 4 // of:
        sys.stderr.write(f"{done} of {of} made-up people\n")
    sys.stderr.flush()


def _set_up_demo(settings: Settings, options: argparse.Namespace) -> int:
    if not _is_demonstration(settings):
        raise Stop("Made-up people do not belong beside real ones: set PORTAL_ENVIRONMENT=demonstration.")
    _make_folder(settings)
    migrate(settings.database_url)
    began = time.perf_counter()
    with _opened(settings) as stores:
        made = demo.set_up(stores, _renderer(settings), how_many=options.people, report=_progress)
    if made:
        print(f"Made {demo.NAME} with {options.people} made-up people in {time.perf_counter() - began:.0f} seconds.")
    return 0


# --- running ----------------------------------------------------------------------------------------------------------


def squeeze_files() -> None:
    """Bring the compressed twins of the static files up to date: a server hands out a twin as it is, so an old one
    would style new pages."""
    done = subprocess.run([sys.executable, "-m", "tools.squeeze"], capture_output=True, check=False)
    if done.returncode:
        log.warning("static files could not be compressed; first visits will take longer")


def server_command(settings: Settings, workers: int) -> list[str]:
    """How the web server is started."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--respawn-failed-workers"),
        *("--host", settings.listen_host, "--port", str(settings.listen_port), "--workers", str(workers)),
        *("--blocking-threads", str(THREADS), "--backpressure", str(THREADS * 8)),
        *("--workers-kill-timeout", str(END_SECONDS - 2), "--log-config", str(SERVER_LOGGING)),
        *("--log-level", "warning" if settings.environment is Environment.DEMONSTRATION else "info"),
        "wsgi:app",
    ]


def _refuse_busy_address(settings: Settings) -> None:
    host, port = settings.listen_host, settings.listen_port
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0]) as trying:
            trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trying.bind(found[4])
    except OSError:
        free = f"PORTAL_LISTEN=127.0.0.1:{port + 1 if port < 65535 else 8001}"
        raise Stop(
            f"{host}:{port} cannot be used: something listens there already, or it is not an address of this machine. "
            f"End the other program, or choose another address, for example {free}"
        ) from None


def _serve(settings: Settings, options: argparse.Namespace) -> int:
    with _opened(settings):
        pass
    _refuse_busy_address(settings)
    squeeze_files()
    command = server_command(settings, options.workers)
    os.execv(command[0], command)  # noqa: S606 (our own words; the server takes this process over)


class _Ending:
    """Whether somebody asked us to end: Ctrl-C, or a stop from outside."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked.set()


def _work(settings: Settings, options: argparse.Namespace) -> int:
    with _opened(settings) as stores:
        transport, render = transport_of(settings), _renderer(settings)
        if options.once:
            return 1 if _one_round(stores, transport, render, _allowance(settings)).broken else 0
        ending = _Ending()
        while not ending.asked.is_set():
            try:
                _one_round(stores, transport, render, _allowance(settings))
            except SQLAlchemyError as fault:  # the database is away for a moment: what is due stays due
                log.error("a round could not begin: %s", type(fault).__name__)
            ending.asked.wait(options.every)
    return 0


def _one_round(stores: Stores, transport: Transport, render: Renderer, allowance: Allowance) -> rounds.Round:
    done = rounds.run(stores, transport, render, allowance)
    if not done.idle:
        facts = {**done.counts, **{f"messages-{name}": number for name, number in vars(done.delivered).items()}}
        log.info("round", extra={"facts": {"did": {name: number for name, number in facts.items() if number}}})
    return done


def _run(settings: Settings, options: argparse.Namespace) -> int:
    with _opened(settings):
        pass
    _refuse_busy_address(settings)
    squeeze_files()
    ending = _Ending()
    work = [sys.executable, "-m", "portal.cli", "work", "--every", str(options.every)]
    children = [subprocess.Popen(command) for command in (server_command(settings, options.workers), work)]  # noqa: S603
    try:
        if not _wait_until_open(settings, children, ending):
            return 0 if ending.asked.is_set() else 1
        _say_where(settings)
        while not ending.asked.wait(0.3):
            if any(child.poll() is not None for child in children):
                print("A part of the portal has ended by itself; its last lines above say why.", file=sys.stderr)
                return 1
        return 0
    finally:
        _end(children)


def _wait_until_open(settings: Settings, children: Sequence["subprocess.Popen[bytes]"], ending: _Ending) -> bool:
    """Whether the server answers; False when somebody ended it, or it ended by itself."""
    while not ending.asked.is_set() and all(child.poll() is None for child in children):
        try:
            with socket.create_connection((settings.listen_host, settings.listen_port), timeout=1):
                return True
        except OSError:
            ending.asked.wait(0.1)
    return False


def _end(children: "Sequence[subprocess.Popen[bytes]]") -> None:
    """End our own children, in order when they can."""
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    until = time.monotonic() + END_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _say_where(settings: Settings) -> None:
    print(f"\nThe portal is open:   {settings.public_url}/")
    print(f"Sign in as staff:     {settings.public_url}/staff/sign-in")
    if settings.environment is Environment.DEMONSTRATION:
        _sign_ins(settings, argparse.Namespace())
    if settings.mail is None:
        print("\nMessages are printed here instead of sent.", end=" ")
    print("Ctrl-C ends everything.\n", flush=True)


def _sign_ins(settings: Settings, _options: argparse.Namespace) -> int:
    if not _is_demonstration(settings):
        raise Stop("Only a demonstration shows its sign-ins.")
    with _opened(settings) as stores, stores.reading() as store:
        service = services.find(store, demo.SLUG)
        found, cards = demo.sign_ins(store, service), demo.cards(store, service)
    if not found:
        raise Stop(f"There is no demonstration here. Make it with: {ME} set-up-demo")
    print("\nMade-up staff. A code lives 30 seconds; the sign-in page shows the one that works now.")
    print(f"  {'Email':<18} {'Password':<20} {'Role':<14} {'Code':<7} Secret for an app")
    for one in found:
        print(f"  {one.email:<18} {one.password:<20} {one.role.value:<14} {one.code:<7} {one.secret}")
    if cards:
        print(f"\nMade-up people. Their own page opens with the card: {settings.public_url}/your-page/card")
        print(f"  {'Reference':<12} {'Return number':<16} Name, and the language they read")
        for card in cards:
            print(f"  {card.reference:<12} {card.number:<16} {card.name}, {card.language}")
    return 0


# --- checking ---------------------------------------------------------------------------------------------------------


def _verify_audit(settings: Settings, _options: argparse.Namespace) -> int:
    doubts = 0
    with _opened(settings) as stores, stores.reading() as store:
        for service in services.all_services(store):
            found = audit.verify(store, service.id)
            doubts += len(found)
            print(
                f"{service.slug}: {audit.count(store, service.id)} rows, "
                + (f"{len(found)} doubts" if found else "whole")
            )
            for doubt in found:
                print(f"  {doubt.what}: {doubt.about_id}")
    return 1 if doubts else 0


WAITS_TOO_LONG = timedelta(minutes=15)


def _check(settings: Settings, _options: argparse.Namespace) -> int:
    print("The settings can be read.")
    problems: list[str] = []
    try:
        with _opened(settings) as stores, stores.reading() as store:
            print("The database is there, at the newest migration.")
            problems += _problems_in(store)
    except Stop as stop:
        problems.append(str(stop))
    if settings.mail is None:
        print("Messages are printed, not sent: PORTAL_MAIL is console.")
    elif wrong := _problem_with_mail(settings):
        problems.append(wrong)
    else:
        print("The mail server answers.")
    for problem in problems:
        print(f"To do: {problem}")
    print("All in order." if not problems else f"{len(problems)} to do.")
    return 1 if problems else 0


def _problems_in(store: Session) -> Iterator[str]:
    everybody = services.all_services(store)
    if not everybody:
        yield f"There is no service yet. Make one with: {ME} create-service SLUG NAME"
    for service in everybody:
        yield from _problems_of(store, service)
    waits = store.scalar(select(func.min(Message.run_at)).where(Message.state == "waiting"))
    if waits and clock.now() - waits > WAITS_TOO_LONG:
        since = f"{waits:%Y-%m-%d %H:%M} UTC"
        yield f"Messages have been waiting since {since}. Is a worker running? Start one with: {ME} work"


def _problems_of(store: Session, service: Service) -> Iterator[str]:
    try:
        settings = services.settings_of(service)
    except services.BadSettings as problem:
        yield f"{service.slug}: {problem}"
        return
    if not services.may_take_referrals(store, service):
        yield f"{service.slug} has no active manager, so it takes no forms. {ME} create-staff --role manager"
    if not store.scalars(
        select(Staff.id).where(
            Staff.service_id == service.id, Staff.role == Role.ADMINISTRATOR.value, Staff.state == accounts.STATE_ACTIVE
        )
    ).first():
        yield f"{service.slug} has no active administrator, so nobody can be invited."
    if not settings.phone:
        yield f"{service.slug} shows no phone number: some people can only ring."
    on_rota = {duty.position for duty in services.rota(store, service.id)}
    if missing := [position for position in services.POSITIONS if position not in on_rota]:
        yield f"{service.slug} has nobody on the rota as {', '.join(missing)}; alerts go to a manager instead."


def _problem_with_mail(settings: Settings) -> str:
    """A sentence when messages cannot be handed over; empty when they can. Nothing is sent."""
    mail = settings.mail
    assert mail  # noqa: S101 (told to the type checker)
    context = ssl.create_default_context()
    try:
        server = (
            smtplib.SMTP_SSL(mail.host, mail.port, timeout=10, context=context)
            if mail.security is MailSecurity.TLS
            else smtplib.SMTP(mail.host, mail.port, timeout=10)
        )
        with server:
            if mail.security is MailSecurity.STARTTLS:
                server.starttls(context=context)
            if mail.user:
                server.login(mail.user, mail.password)
            server.noop()
    except (smtplib.SMTPException, OSError) as problem:
        kind = type(problem).__name__
        return f"The mail server of PORTAL_MAIL ({mail.host}:{mail.port}) does not take our messages ({kind})."
    return ""


# --- the command line -------------------------------------------------------------------------------------------------

Command = Callable[[Settings, argparse.Namespace], int]


def _date(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a date such as 2026-11-24") from None


def _positive(typed: str) -> int:
    if not typed.isdecimal() or int(typed) < 1:
        raise argparse.ArgumentTypeError("must be a whole number, 1 or more")
    return int(typed)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    made = argparse.ArgumentParser(prog=ME, description="Commands of the portal. Settings come from the environment.")
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, command: Command, words: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=words, description=words)
        one.set_defaults(do=command)
        return one

    add("set-up", _set_up, "make the database or bring it up to date, and say what comes next")
    add("migrate", _migrate, "bring the database to the newest migration")
    service = add("create-service", _create_service, "make a service that offers link workers")
    service.add_argument("slug", help="its short name in addresses, for ever: small letters, digits, hyphens")
    service.add_argument("name")
    changed = add("change-service", _change_service, "change a service's telephone, hours, area, promise and so on")
    changed.add_argument("file", help="a JSON file with the settings that change; null puts a default back")
    changed.add_argument("--service", help="the service's short name; without it the only one")
    staff = add("create-staff", _create_staff, "make somebody of the staff, such as the first manager")
    staff.add_argument("--service", help="the service's short name; without it the only one")
    staff.add_argument("--role", required=True, choices=[role.value for role in Role])
    staff.add_argument("--name", required=True)
    staff.add_argument("--email", required=True)
    taken = add("import-text", _import_text, "take in the official text of a scale in another language (a text pack)")
    taken.add_argument("file", help="the text pack, a JSON file")
    taken.add_argument("--reviewer", required=True, help="who has reviewed the text: somebody who reads the language")
    signed = add("sign-text", _sign_text, "a native speaker has compared a waiting text with its document")
    signed.add_argument("scale")
    signed.add_argument("language", help="its tag, such as ur or pt-PT")
    signed.add_argument("--name", required=True, help="who compared them")
    signed.add_argument("--date", required=True, type=_date, help="when, such as 2026-11-24")
    signed.add_argument("--document-sha256", required=True, help="SHA-256 of the document that was compared")
    listed = add("scales", _scales, "list the scales, why they are not used, and their texts in every language")
    for one in (taken, signed, listed):
        one.add_argument("--service", help="the service's short name; without it the only one")
    feed = add("import-activities", _import_activities, "take in activities: an Open Referral UK feed, file or address")
    feed.add_argument("source", help="a JSON file, or an https:// address")
    feed.add_argument("--name", help="what the feed is called; without it the name of the file or the address")
    postcodes = add("import-postcodes", _import_postcodes, "load where postcodes are, so that distances are known")
    postcodes.add_argument(
        "file", help="a CSV file with the columns pcds, lat, long (such as the ONS Postcode Directory)"
    )
    postcodes.add_argument("--areas", help="only these areas or districts, such as PE,CB1; without it all")
    surgeries = add(
        "import-practices", _import_practices, "take in a list of GP practices, so that they are found by name"
    )
    surgeries.add_argument("file", help="a CSV file: epraccur of the NHS, or one with the columns code, name, postcode")
    for one in (feed, postcodes, surgeries):
        one.add_argument("--service", help="the service's short name; without it the only one")
    made_up = add("set-up-demo", _set_up_demo, "make a made-up service with made-up people, unless it is there")
    made_up.add_argument("--people", type=_positive, default=demo.PEOPLE)
    add("sign-ins", _sign_ins, "show how to sign in to the demonstration")
    for name, command, words in (
        ("run", _run, "the web server and a worker together, on one machine"),
        ("serve", _serve, "the web server alone"),
    ):
        one = add(name, command, words)
        one.add_argument("--workers", type=_positive, default=min(4, os.cpu_count() or 1), help="web processes")
        if name == "run":
            one.add_argument("--every", type=_positive, default=5, help="seconds between two rounds of the worker")
    work = add("work", _work, "send messages, let alerts climb, keep promises in sight; many may run")
    work.add_argument("--once", action="store_true", help="one round, then end")
    work.add_argument("--every", type=_positive, default=10, help="seconds between two rounds")
    add("verify-audit", _verify_audit, "look whether the audit is whole")
    add("check", _check, "look whether this installation is ready for people")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says. 0 done, 1 not in order, 2 could not begin."""
    options = parser().parse_args(arguments)
    try:
        settings = Settings.from_environment(os.environ)
        logs.start(logging.WARNING if settings.environment is Environment.DEMONSTRATION else logging.INFO)
        command: Command = options.do
        return command(settings, options)
    except NotReady as problem:
        print(f"The portal has not started.\n{problem}", file=sys.stderr)
    except Stop as stop:
        print(stop, file=sys.stderr)
    except DBAPIError as fault:
        kind = type(fault.orig).__name__
        print(f"The database of PORTAL_DATABASE_URL cannot be used ({kind}). Is it running?", file=sys.stderr)
    except KeyboardInterrupt:
        print("Ended.", file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
