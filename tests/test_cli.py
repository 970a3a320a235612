"""The commands: each does its work on a real database, and refuses with a sentence, never a traceback."""

import base64
import io
import json
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import brotli
import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from config import Settings
from portal import accounts, cli, clock, codes, demo, notifications, rounds, services
from portal.store import AuditEvent, Message, Stores
from portal.web import STATIC, logs
from tests.inspector import InspectedClient

ROOT = Path(__file__).parent.parent
PASSWORD = "quince harbour violin eleven"

Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> Run:
    """Runs a command with these settings in the environment, and no others."""
    monkeypatch.setattr(logs, "start", lambda level=0: None)  # the log of this process belongs to the tests
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str, typed: str = "", **variables: str) -> int:
        with monkeypatch.context() as patch:
            for name, value in {**environment, **variables}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "stdin", io.StringIO(typed))
            return cli.main(arguments)

    return call


@pytest.fixture
def here(run: Run, database_url: str) -> Run:
    """The same, on a migrated database."""

    def call(*arguments: str, **more: str) -> int:
        return run(*arguments, **{"PORTAL_DATABASE_URL": database_url, **more})

    return call


def a_manager(here: Run, role: str = "manager", **more: str) -> int:
    options = ("--role", role, "--name", "Moss Example", "--email", f"{role}@example.org")
    return here("create-staff", *options, typed=PASSWORD + "\n", **more)


# --- settings and database --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["set-up", "migrate", "check", "verify-audit", "work", "run", "serve", "sign-ins"])
def test_without_settings_every_command_says_what_to_set(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("PORTAL_")]:
        monkeypatch.delenv(name)
    assert cli.main([command]) == 2
    told = capsys.readouterr().err
    assert "Set PORTAL_SECRET_KEY" in told
    assert "Traceback" not in told


def test_an_unknown_command_is_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("make-coffee")
    assert "set-up-demo" in capsys.readouterr().err


def test_setting_up_makes_the_database_in_a_folder_of_its_own(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "squeeze_files", lambda: None)
    file = tmp_path / "instance" / "portal.sqlite"
    for _ in range(2):
        assert run("set-up", PORTAL_DATABASE_URL=f"sqlite:///{file}") == 0
        assert "create-service" in capsys.readouterr().out
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("command", [["check"], ["verify-audit"], ["work", "--once"], ["create-service", "a", "A"]])
def test_a_database_that_is_not_there_is_not_made_by_accident(
    command: list[str], run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nothing.sqlite"
    assert run(*command, PORTAL_DATABASE_URL=f"sqlite:///{file}") != 0
    told = capsys.readouterr()
    assert "There is no database yet. Make it with: python -m portal.cli set-up" in told.out + told.err
    assert not file.exists()


def test_a_database_without_its_migrations_is_noticed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "empty.sqlite"
    file.touch()
    assert run("work", "--once", PORTAL_DATABASE_URL=f"sqlite:///{file}") == 2
    assert "python -m portal.cli migrate" in capsys.readouterr().err


def test_a_database_that_is_away_is_told_in_a_sentence(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("verify-audit", PORTAL_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing") == 2
    told = capsys.readouterr().err
    assert told == "The database of PORTAL_DATABASE_URL cannot be used (OperationalError). Is it running?\n"


# --- services and staff -----------------------------------------------------------------------------------------------


def test_a_service_and_its_first_manager_are_made(
    here: Run, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here("create-service", "st-ives", "St Ives Link Workers") == 0
    assert a_manager(here) == 0
    told = capsys.readouterr().out
    secret = told.partition("Secret for the app: ")[2].split()[0]
    assert len([line for line in told.splitlines() if codes.read_recovery_code(line.strip())]) == 10
    with stores.writing.begin() as store:
        service = services.find(store, "st-ives")
        assert service
        assert services.may_take_referrals(store, service)
        token = accounts.begin_sign_in(store, accounts.knock(store, service.id, "manager@example.org"), PASSWORD)
        done = accounts.second_factor_given(store, service.id, token, accounts.code_now(secret))
        assert done.actor.name == "Moss Example"


def test_a_service_that_is_there_already_is_refused_with_a_sentence(
    here: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here("create-service", "one", "One") == 0
    assert here("create-service", "one", "One again") == 2
    assert capsys.readouterr().err == "There is a service with the short name one already.\n"


def test_a_services_settings_are_changed_from_a_file(
    here: Run, stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here("create-service", "one", "One") == 0
    file = tmp_path / "one.json"
    file.write_text('{"phone": "01632 960001", "outcodes": ["PE27"], "promise_working_days": 3}')
    assert here("change-service", str(file)) == 0
    with stores.reading() as store:
        service = services.find(store, "one")
        assert service
        settings = services.settings_of(service)
        assert (settings.phone, settings.outcodes, settings.promise_working_days) == ("01632 960001", ("PE27",), 3)
    file.write_text('{"promise_working_days": null}')
    assert here("change-service", "--service", "one", str(file)) == 0
    with stores.reading() as store:
        service = services.find(store, "one")
        assert service
        assert services.settings_of(service).promise_working_days == 5


@pytest.mark.parametrize("words", ['{"promise_working_days": "soon"}', '{"no_such_setting": 1}', "[]", "{", ""])
def test_settings_that_cannot_be_right_change_nothing_and_get_a_sentence(
    words: str, here: Run, stores: Stores, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here("create-service", "one", "One")
    file = tmp_path / "one.json"
    file.write_text(words)
    assert here("change-service", str(file)) == 2
    assert capsys.readouterr().err.strip()
    with stores.reading() as store:
        service = services.find(store, "one")
        assert service
        assert service.settings == {}


def test_staff_of_no_service_are_refused_before_a_password_is_asked_for(
    here: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert a_manager(here) == 2
    assert capsys.readouterr().err.startswith("There is no service yet.")
    here("create-service", "one", "One")
    assert here("create-staff", "--service", "two", "--role", "manager", "--name", "A", "--email", "a@example.org") == 2
    assert "There is no service with the short name two." in capsys.readouterr().err


def test_a_password_that_can_be_guessed_makes_nobody(
    here: Run, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    here("create-service", "one", "One")
    options = ("--role", "manager", "--name", "A", "--email", "not an email")
    assert here("create-staff", *options, typed="password1234\n") == 2
    told = capsys.readouterr().err
    assert "harder to guess" in told
    assert "Enter an email address" in told
    with stores.reading() as store:
        service = services.find(store, "one")
        assert service
        assert services.managers(store, service.id) == []


def test_at_a_terminal_the_password_is_asked_for_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    answers = iter(["one", "another", "the same", "the same"])
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(cli, "getpass", lambda _question: next(answers))
    with pytest.raises(cli.Stop, match="not the same"):
        cli._password()
    assert cli._password() == "the same"


# --- checking ---------------------------------------------------------------------------------------------------------


def test_checking_says_all_that_is_to_do(here: Run, stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    assert here("check") == 1
    assert "To do: There is no service yet." in capsys.readouterr().out
    here("create-service", "one", "One")
    assert here("check") == 1
    told = capsys.readouterr().out
    for words in ("no active manager", "no active administrator", "no phone number", "nobody on the rota as duty"):
        assert words in told
    assert told.endswith("4 to do.\n")


def test_checking_a_service_that_is_ready_finds_nothing(
    here: Run, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    here("create-service", "one", "One")
    a_manager(here)
    a_manager(here, "administrator")
    with stores.writing.begin() as store:
        service = services.find(store, "one")
        assert service
        staff = services.managers(store, service.id)[0]
        actor = accounts.Actor(service.id, staff.id, staff.name, accounts.Role.MANAGER)
        services.change(store, actor, {"phone": "01632 960123"})
        for position in services.POSITIONS:
            services.set_duty(store, actor, position, staff.id, clock.now())
    assert here("check") == 0
    assert capsys.readouterr().out.endswith("All in order.\n")


def test_checking_notices_settings_that_somebody_wrote_past_the_portal(
    here: Run, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    here("create-service", "one", "One")
    with stores.writing.begin() as store:
        service = services.find(store, "one")
        assert service
        service.settings = {"lock_minutes": 0}
    assert here("check") == 1
    assert "one: lock_minutes must be a whole number" in capsys.readouterr().out


def test_checking_notices_a_key_that_is_missing(here: Run, capsys: pytest.CaptureFixture[str]) -> None:
    here("create-service", "one", "One")
    a_manager(here)
    other = "1:" + base64.b64encode(os.urandom(32)).decode()
    for keys in (other, other.replace("1:", "2:", 1)):
        assert here("check", PORTAL_ENCRYPTION_KEYS=keys) == 1
        assert "PORTAL_ENCRYPTION_KEYS lacks the key" in capsys.readouterr().out
        assert here("work", "--once", PORTAL_ENCRYPTION_KEYS=keys) == 2
        assert "PORTAL_ENCRYPTION_KEYS lacks the key" in capsys.readouterr().err


def test_checking_notices_that_no_worker_runs(here: Run, stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    here("create-service", "one", "One")
    with stores.writing.begin() as store:
        service = services.find(store, "one")
        assert service
        details = {"link": "https://example.org/", "by": "2026-01-01"}
        notifications.tell_address(store, service, "a@example.org", "invitation", once="a", details=details)
    with clock.later(timedelta(hours=1)):
        assert here("check") == 1
    assert "Is a worker running?" in capsys.readouterr().out


def a_free_port() -> int:
    with socket.socket() as trying:
        trying.bind(("127.0.0.1", 0))
        port: int = trying.getsockname()[1]
        return port


def test_checking_asks_the_mail_server(here: Run, capsys: pytest.CaptureFixture[str]) -> None:
    from aiosmtpd.controller import Controller

    nobody = f"smtp://127.0.0.1:{a_free_port()}?starttls=no"
    here("check", PORTAL_MAIL=nobody)
    assert "does not take our messages (ConnectionRefusedError)" in capsys.readouterr().out
    server = Controller(object(), hostname="127.0.0.1", port=a_free_port())
    server.start()
    try:
        here("check", PORTAL_MAIL=f"smtp://127.0.0.1:{server.port}?starttls=no")
        assert "The mail server answers." in capsys.readouterr().out
        # A server that does not offer what was asked for is no server for us.
        here("check", PORTAL_MAIL=f"smtp://127.0.0.1:{server.port}")
        assert "does not take our messages (SMTPNotSupportedError)" in capsys.readouterr().out
    finally:
        server.stop()


def test_a_changed_audit_is_told(here: Run, stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    here("create-service", "one", "One")
    assert here("verify-audit") == 0
    assert capsys.readouterr().out.endswith("one: 1 rows, whole\n")
    with stores.writing.begin() as store:
        store.execute(update(AuditEvent).values(act="did nothing"))
    assert here("verify-audit") == 1
    assert "a row was changed" in capsys.readouterr().out


# --- working ----------------------------------------------------------------------------------------------------------


def test_one_round_sends_what_waits(here: Run, stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    here("create-service", "one", "One")
    with stores.writing.begin() as store:
        service = services.find(store, "one")
        assert service
        details = {"link": "https://example.org/join", "by": "2026-01-01"}
        notifications.tell_address(store, service, "a@example.org", "invitation", once="a", details=details)
    assert here("work", "--once") == 0
    assert "https://example.org/join" in capsys.readouterr().out
    with stores.reading() as store:
        assert [message.state for message in store.query(Message)] == ["sent"]


def test_a_broken_round_is_told_to_whoever_started_it(here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    here("create-service", "one", "One")

    def fails(_store: Session, _service: object) -> int:
        raise ValueError

    monkeypatch.setitem(rounds.PARTS, "alerts-climbed", fails)
    assert here("work", "--once") == 1


def test_messages_go_the_way_the_settings_say(environment: dict[str, str]) -> None:
    printed = cli.transport_of(Settings.from_environment(environment))
    assert isinstance(printed, notifications.ConsoleTransport)
    mail = {"PORTAL_MAIL": "smtps://us:word@mail.example.org", "PORTAL_MAIL_FROM": "door@example.org"}
    sent = cli.transport_of(Settings.from_environment({**environment, **mail}))
    assert sent == notifications.SMTPTransport("mail.example.org", 465, "tls", "door@example.org", "us", "word")


# --- static files -----------------------------------------------------------------------------------------------------


def test_static_files_are_compressed_before_the_start(caplog: pytest.LogCaptureFixture) -> None:
    cli.squeeze_files()  # for real: the twins of other tests that run now are not touched when they are right
    assert caplog.text == ""
    style = STATIC / "portal-ltr.css"
    assert brotli.decompress(style.with_name("portal-ltr.css.br").read_bytes()) == style.read_bytes()


def test_files_that_cannot_be_compressed_do_not_stop_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no portal
    cli.squeeze_files()
    assert "could not be compressed" in caplog.text


# --- the demonstration ------------------------------------------------------------------------------------------------


def production(database_url: str) -> dict[str, str]:
    return {
        "PORTAL_ENVIRONMENT": "production",
        "PORTAL_DATABASE_URL": database_url,
        "PORTAL_PUBLIC_URL": "https://door.example.org",
        "PORTAL_TRUSTED_HOSTS": "door.example.org",
        "PORTAL_MAIL": "smtps://mail.example.org",
        "PORTAL_MAIL_FROM": "door@example.org",
    }


@pytest.mark.parametrize("command", ["set-up-demo", "sign-ins"])
def test_nothing_made_up_stands_beside_real_people(
    command: str, run: Run, sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command, **production(sqlite_url)) == 2
    assert "demonstration" in capsys.readouterr().err


def test_without_a_demonstration_there_are_no_sign_ins(here: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert here("sign-ins") == 2
    assert "set-up-demo" in capsys.readouterr().err


@pytest.mark.parametrize("typed", ["0", "-1", "many"])
def test_a_number_of_people_is_a_number(typed: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("set-up-demo", "--people", typed)
    assert "must be a whole number, 1 or more" in capsys.readouterr().err


@pytest.mark.slow
def test_the_demonstration_is_made_once_and_shows_its_sign_ins(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = {"PORTAL_DATABASE_URL": f"sqlite:///{tmp_path / 'made' / 'portal.sqlite'}"}
    assert run("set-up-demo", "--people", "2", **where) == 0
    told = capsys.readouterr()
    assert "with 2 made-up people" in told.out
    assert told.err.endswith("2 of 2 made-up people\n")
    assert run("set-up-demo", **where) == 0
    assert capsys.readouterr().out == ""
    assert run("sign-ins", **where) == 0
    told = capsys.readouterr()
    assert all(one.email in told.out and demo.password_of(one.email) in told.out for one in demo.STAFF)
    assert "own page" not in told.out  # of two people nobody has a card that is shown


def test_the_cards_of_made_up_people_are_shown_beside_the_sign_ins(
    here: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    staff = demo.DemonstrationSignIn(
        "Lin Made-Up", accounts.Role.LINK_WORKER, "lin@example.org", "password", "123456", "SECRET"
    )
    card = demo.DemonstrationCard("Dot Sample", "en", "K7QF-2M9T-1", "123 456 789 012")
    monkeypatch.setattr(demo, "sign_ins", lambda *_: [staff])
    monkeypatch.setattr(demo, "cards", lambda *_: [card])
    assert here("sign-ins") == 0
    told = capsys.readouterr().out
    assert "/your-page/card" in told
    assert "K7QF-2M9T-1  123 456 789 012  Dot Sample, en" in told


def test_a_bar_is_drawn_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", drawn := Terminal())
    cli._progress(1, 2)
    cli._progress(2, 2)
    assert drawn.getvalue().endswith(f"\r[{'#' * 40}] 2 of 2 made-up people\n")
    assert f"[{'#' * 20}{'.' * 20}] 1 of 2" in drawn.getvalue()


# --- running, for real ------------------------------------------------------------------------------------------------


def started(
    command: str, environment: dict[str, str], database_url: str, port: int, *options: str, **more: str
) -> "subprocess.Popen[str]":
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    return subprocess.Popen(
        [sys.executable, "-m", "portal.cli", command, "--workers", "1"],
        cwd=ROOT,
        env={
            **ours,
            **environment,
            "PORTAL_DATABASE_URL": database_url,
            "PORTAL_LISTEN": f"127.0.0.1:{port}",
            "PYTHONUNBUFFERED": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def page(port: int, path: str = "/") -> tuple[int, str]:
    """Ask until the server answers."""
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(each) for each in told.stdout.split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def a_service(stores: Stores) -> None:
    with stores.writing.begin() as store:
        services.create(store, "one", "A service to look at")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_opens_the_portal_with_its_worker_and_a_signal_ends_both(
    number: signal.Signals, environment: dict[str, str], database_url: str, a_service: None
) -> None:
    port = a_free_port()
    portal = started("run", environment, database_url, port)
    try:
        status, html = page(port)
        assert status == 200
        assert "A service to look at" in html
        children = children_of(portal.pid)
        assert len(children) == 2
        portal.send_signal(number)
        out, err = portal.communicate(timeout=30)
        assert portal.returncode == 0, err
        assert f"The portal is open:   http://127.0.0.1:{port}/" in out
        assert "Traceback" not in err
        assert not any(is_alive(child) for child in children)
    finally:
        portal.kill()
        portal.communicate()


@pytest.mark.slow
def test_when_a_part_dies_the_other_does_not_go_on_alone(
    environment: dict[str, str], sqlite_url: str, postgres_server: str
) -> None:
    port = a_free_port()
    portal = started("run", environment, sqlite_url, port)
    try:
        page(port, "/static/init.js")
        assert portal.stdout
        while "open" not in portal.stdout.readline():
            pass
        children = children_of(portal.pid)
        os.kill(children[-1], signal.SIGKILL)
        _, err = portal.communicate(timeout=30)
        assert portal.returncode == 1
        assert "has ended by itself" in err
        assert not any(is_alive(child) for child in children)
    finally:
        portal.kill()
        portal.communicate()


@pytest.mark.slow
def test_the_server_s_log_is_lines_of_json_with_nothing_personal(environment: dict[str, str], sqlite_url: str) -> None:
    port = a_free_port()
    server = started("serve", environment, sqlite_url, port)
    try:
        assert page(port, "/accessibility?name=Bramble")[0] == 200
        page(port, "/static/init.js")
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=30)
    finally:
        server.kill()
        server.communicate()
    lines = [json.loads(line) for line in (out + err).splitlines()]
    requests = [line for line in lines if line["what"] == "request"]
    assert [(line["method"], line["endpoint"], line["status"]) for line in requests] == [
        ("GET", "public.accessibility", 200)
    ]
    assert set(requests[0]) == {"time", "level", "from", "what", "method", "endpoint", "status", "milliseconds"}
    assert "Bramble" not in out + err
    assert "127.0.0.1" not in json.dumps(requests)


def test_an_address_that_is_taken_is_told_in_a_sentence(here: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("run", "serve"):
            assert here(command, PORTAL_LISTEN=f"127.0.0.1:{port}") == 2
            told = capsys.readouterr().err
            assert f"127.0.0.1:{port} cannot be used" in told
            assert "PORTAL_LISTEN=" in told


# --- the log ----------------------------------------------------------------------------------------------------------


def line(record: logging.LogRecord) -> dict[str, object]:
    found: dict[str, object] = json.loads(logs.JSONLines().format(record))
    return found


def test_other_people_s_lines_are_kept_without_what_they_hold() -> None:
    record = logging.LogRecord("library", logging.WARNING, "", 1, "bad value %s", ("Bramble",), None)
    assert line(record)["what"] == "bad value %s"
    ours = logging.LogRecord("portal.rounds", logging.WARNING, "", 1, "part %s", ("messages",), None)
    assert line(ours)["what"] == "part messages"


def test_of_a_fault_its_kind_and_place_are_kept_not_its_words() -> None:
    try:
        raise ValueError("Bramble Made-Up, 3 Example Street")
    except ValueError:
        record = logging.LogRecord("portal", logging.ERROR, "", 1, "failed on %s", ("/refer/x",), sys.exc_info())
    told = line(record)
    assert told["fault"] == "ValueError"
    assert "test_cli.py" in str(told["where"])
    assert "Bramble" not in json.dumps(told)
    assert "/refer" not in json.dumps(told)


def test_a_request_is_logged_without_its_path(
    app: Flask, client: InspectedClient, caplog: pytest.LogCaptureFixture
) -> None:
    logs.log_requests(app)
    with caplog.at_level(logging.INFO, logger=logs.requests_log.name):
        client.get("/accessibility?name=Bramble")
    records = [record for record in caplog.records if record.name == logs.requests_log.name]
    assert len(records) == 1
    told = line(records[0])
    assert (told["method"], told["endpoint"], told["status"]) == ("GET", "public.accessibility", 200)
    assert "Bramble" not in json.dumps(told)
    assert "/accessibility" not in json.dumps(told)


@pytest.mark.parametrize("when", ["get_bind", "commit"])
def test_while_the_database_is_away_the_page_asks_to_try_again_and_the_log_keeps_no_path(
    app: Flask, client: InspectedClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("Bramble", {}, ConnectionError("Bramble"))

    app.config.update(SHOW_ERROR_PAGES=True, PROPAGATE_EXCEPTIONS=False)
    with monkeypatch.context() as patched:
        patched.setattr(Session, when, away)
        assert client.get("/accessibility").status_code == 503
    told = "".join(map(str, map(line, caplog.records)))
    assert "OperationalError" in told
    assert "/accessibility" not in told
    assert "Bramble" not in told
    assert client.get("/accessibility").status_code == 200


def test_somebody_faster_is_no_fault_of_ours(
    app: Flask, client: InspectedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(*_: object, **__: object) -> None:
        raise StaleDataError

    app.config.update(SHOW_ERROR_PAGES=True, PROPAGATE_EXCEPTIONS=False)
    monkeypatch.setattr(Session, "commit", stale)
    assert client.get("/accessibility").status_code == 409


def test_the_log_is_started_for_the_whole_process() -> None:
    before, level = logging.root.handlers[:], logging.root.level
    try:
        logs.start(logging.ERROR)
        assert [type(handler.formatter) for handler in logging.root.handlers] == [logs.JSONLines]
        assert logging.root.level == logging.ERROR
    finally:
        logging.root.handlers[:] = before
        logging.root.setLevel(level)
