"""The portal does not start weak, and says in one sentence each what to do."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import config
from config import Environment, MailSecurity, NotReady, Settings

GOOD_SECRET = "kT8-vQz0RmWc4xLbJd2nYs6FhUe9GaPo1iXt"
GOOD_KEY = base64.b64encode(bytes(range(7, 39))).decode()
OTHER_KEY = base64.b64encode(bytes(range(100, 132))).decode()

PRODUCTION = {
    "PORTAL_ENVIRONMENT": "production",
    "PORTAL_SECRET_KEY": GOOD_SECRET,
    "PORTAL_ENCRYPTION_KEYS": f"1:{GOOD_KEY}",
    "PORTAL_DATABASE_URL": "postgresql://portal:hunter2@db.internal/portal",
    "PORTAL_PUBLIC_URL": "https://refer.st-ives.org.uk",
    "PORTAL_TRUSTED_HOSTS": "refer.st-ives.org.uk",
    "PORTAL_MAIL": "smtp://mailer:letmein@mail.internal:2525",
    "PORTAL_MAIL_FROM": "hello@st-ives.org.uk",
}
DEMONSTRATION = {
    "PORTAL_ENVIRONMENT": "demonstration",
    "PORTAL_SECRET_KEY": GOOD_SECRET,
    "PORTAL_ENCRYPTION_KEYS": f"1:{GOOD_KEY}",
}


def problems_of(environment: dict[str, str]) -> list[str]:
    with pytest.raises(NotReady) as refused:
        Settings.from_environment(environment)
    return refused.value.problems


def test_a_production_installation_starts_when_everything_is_strong() -> None:
    settings = Settings.from_environment(PRODUCTION)
    assert settings.environment is Environment.PRODUCTION
    assert settings.encryption_keys == {1: bytes(range(7, 39))}
    assert settings.languages == ("en",)
    assert settings.service is None
    assert settings.exit_url == "https://www.bbc.co.uk/weather"
    assert settings.provider_network == "open"
    assert settings.mail is not None
    assert (settings.mail.host, settings.mail.port) == ("mail.internal", 2525)
    assert (settings.mail.user, settings.mail.password) == ("mailer", "letmein")
    assert settings.mail.security is MailSecurity.STARTTLS


def test_an_empty_environment_is_told_everything_at_once() -> None:
    problems = problems_of({})
    for name in PRODUCTION:
        assert len([said for said in problems if re.search(rf"\b{name}\b", said)]) == 1, (name, problems)
    assert any("PORTAL_MAIL to smtp://" in said for said in problems)
    assert all("\n" not in said for said in problems)


@pytest.mark.parametrize("name", sorted(PRODUCTION))
def test_production_refuses_when_one_thing_is_missing(name: str) -> None:
    problems = problems_of({key: value for key, value in PRODUCTION.items() if key != name})
    assert any(name in said for said in problems)
    if name != "PORTAL_ENVIRONMENT":
        assert len(problems) == 1, problems


@pytest.mark.parametrize("name", sorted(PRODUCTION))
def test_an_empty_value_is_as_good_as_none(name: str) -> None:
    assert any(name in said for said in problems_of({**PRODUCTION, name: "   "}))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORTAL_ENVIRONMENT", "prod", "one of: production, demonstration, testing"),
        ("PORTAL_SECRET_KEY", GOOD_SECRET[:31], "fewer than 32 characters"),
        ("PORTAL_SECRET_KEY", "a" * 40, "can be guessed"),
        ("PORTAL_SECRET_KEY", "abcdefghijkl" * 4, "can be guessed"),
        ("PORTAL_SECRET_KEY", "ababababab-cdcdcdcdcd-efefefefef-ab", "can be guessed"),
        ("PORTAL_SECRET_KEY", "CHANGE-ME-" + GOOD_SECRET, "can be guessed"),
        ("PORTAL_ENCRYPTION_KEYS", GOOD_KEY, "Key 1 in PORTAL_ENCRYPTION_KEYS is not"),
        ("PORTAL_ENCRYPTION_KEYS", f"0:{GOOD_KEY}", "Key 1 in PORTAL_ENCRYPTION_KEYS is not"),
        ("PORTAL_ENCRYPTION_KEYS", f"256:{GOOD_KEY}", "Key 1 in PORTAL_ENCRYPTION_KEYS is not"),
        ("PORTAL_ENCRYPTION_KEYS", f"1:{GOOD_KEY},2:c2hvcnQ=", "Key 2 in PORTAL_ENCRYPTION_KEYS is not"),
        ("PORTAL_ENCRYPTION_KEYS", "1:not base64!", "Key 1 in PORTAL_ENCRYPTION_KEYS is not"),
        ("PORTAL_ENCRYPTION_KEYS", "1:" + base64.b64encode(b"k" * 32).decode(), "can be guessed"),
        ("PORTAL_ENCRYPTION_KEYS", f"1:{GOOD_KEY},1:{OTHER_KEY}", "two keys with number 1"),
        ("PORTAL_ENCRYPTION_KEYS", f"1:{GOOD_KEY},2:{GOOD_KEY}", "there twice"),
        ("PORTAL_DATABASE_URL", "mysql://portal@db/portal", "must begin with sqlite:/// or postgresql://"),
        ("PORTAL_DATABASE_URL", "portal.sqlite", "must begin with sqlite:/// or postgresql://"),
        ("PORTAL_DATABASE_URL", "sqlite://", "must name a file"),
        ("PORTAL_DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("PORTAL_LISTEN", "8000", "an address and a port"),
        ("PORTAL_LISTEN", "127.0.0.1:99999", "an address and a port"),
        ("PORTAL_PUBLIC_URL", "http://refer.st-ives.org.uk", "must begin with https://"),
        ("PORTAL_PUBLIC_URL", "refer.st-ives.org.uk", "https:// and a host"),
        ("PORTAL_PUBLIC_URL", "https://refer.st-ives.org.uk/portal", "https:// and a host"),
        ("PORTAL_PUBLIC_URL", "https://refer.st-ives.org.uk:port", "https:// and a host"),
        ("PORTAL_PUBLIC_URL", "https://elsewhere.org.uk", "Add elsewhere.org.uk"),
        ("PORTAL_TRUSTED_HOSTS", "*", "is not a host name"),
        ("PORTAL_TRUSTED_HOSTS", "https://refer.st-ives.org.uk", "is not a host name"),
        ("PORTAL_MAIL", "console", "must not be console in production"),
        ("PORTAL_MAIL", "mail.internal", "PORTAL_MAIL must be"),
        ("PORTAL_MAIL", "smtp://mail.internal?starttls=perhaps", "PORTAL_MAIL must be"),
        ("PORTAL_MAIL", "smtp://mail.internal?starttls=no", "must not cross a network in the open"),
        ("PORTAL_MAIL_FROM", "St Ives <hello@st-ives.org.uk>", "one plain email address"),
        ("PORTAL_MAIL_FROM", "hello", "one plain email address"),
        ("PORTAL_LANGUAGES", "en, welsh!", "is not a language code"),
        ("PORTAL_LANGUAGES", "cy", "Add en"),
        ("PORTAL_SERVICE", "St Ives", "short name"),
        ("PORTAL_EXIT_URL", "http://example.com", "must be an https:// address"),
        ("PORTAL_EXIT_URL", "javascript:alert(1)", "must be an https:// address"),
        ("PORTAL_PROVIDER_NETWORK", "yes", "must be open, or private"),
        ("PORTAL_MIAL", "console", "did you mean PORTAL_MAIL?"),
        ("PORTAL_ZZZ", "1", "is not a setting of the portal"),
        ("FLASK_DEBUG", "1", "Take FLASK_DEBUG away"),
    ],
)
def test_production_refuses_what_is_weak(name: str, value: str, said: str) -> None:
    problems = problems_of({**PRODUCTION, name: value})
    assert any(said in sentence for sentence in problems), problems


def test_a_demonstration_needs_only_its_secrets() -> None:
    settings = Settings.from_environment(DEMONSTRATION)
    assert settings.database_url == "sqlite:///instance/portal.sqlite"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.mail is None
    assert settings.languages == ()  # every language there is
    assert (settings.listen_host, settings.listen_port) == ("127.0.0.1", 8000)


@pytest.mark.parametrize("name", ["PORTAL_SECRET_KEY", "PORTAL_ENCRYPTION_KEYS"])
def test_even_a_demonstration_has_no_built_in_secret(name: str) -> None:
    assert len(problems_of({key: value for key, value in DEMONSTRATION.items() if key != name})) == 1


def test_a_demonstration_on_another_port_has_that_port_in_its_address() -> None:
    settings = Settings.from_environment({**DEMONSTRATION, "PORTAL_LISTEN": "[::1]:8123"})
    assert (settings.listen_host, settings.listen_port) == ("::1", 8123)
    assert settings.public_url == "http://127.0.0.1:8123"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_one_address_however_it_is_written(scheme: str) -> None:
    settings = Settings.from_environment({**PRODUCTION, "PORTAL_DATABASE_URL": f"{scheme}://u:p@h/d"})
    assert settings.database_url == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize(
    ("value", "security", "port"),
    [
        ("smtps://mail.internal", MailSecurity.TLS, 465),
        ("smtp://mail.internal", MailSecurity.STARTTLS, 587),
        ("smtp://mail.internal:25?starttls=yes", MailSecurity.STARTTLS, 25),
        ("smtp://localhost?starttls=no", MailSecurity.NONE, 25),
    ],
)
def test_the_way_to_the_mail_server_is_protected_unless_it_stays_on_this_machine(
    value: str, security: MailSecurity, port: int
) -> None:
    server = Settings.from_environment({**PRODUCTION, "PORTAL_MAIL": value}).mail
    assert server is not None
    assert (server.security, server.port) == (security, port)


def test_a_password_with_signs_in_it_is_unquoted() -> None:
    server = Settings.from_environment({**PRODUCTION, "PORTAL_MAIL": "smtp://me%40here:p%2Fw@mail.internal"}).mail
    assert server is not None
    assert (server.user, server.password) == ("me@here", "p/w")


def test_draft_languages_are_switched_on_by_name() -> None:
    assert Settings.from_environment({**PRODUCTION, "PORTAL_LANGUAGES": "en, cy,cy"}).languages == ("en", "cy")


def test_printing_the_settings_shows_no_secret() -> None:
    shown = repr(Settings.from_environment(PRODUCTION))
    for secret in (GOOD_SECRET, GOOD_KEY, repr(bytes(range(7, 39))), "hunter2", "letmein"):
        assert secret not in shown


@pytest.mark.parametrize("name", ["PORTAL_SECRET_KEY", "PORTAL_ENCRYPTION_KEYS", "PORTAL_DATABASE_URL", "PORTAL_MAIL"])
def test_a_refusal_does_not_repeat_the_secret(name: str) -> None:
    weak = "hunter2hunter2"
    assert weak not in "\n".join(problems_of({**PRODUCTION, name: weak}))


def test_production_cookies_are_secure_and_debug_is_off() -> None:
    flask = Settings.from_environment(PRODUCTION).for_flask()
    assert flask["DEBUG"] is False
    assert flask["TESTING"] is False
    assert flask["SESSION_COOKIE_SECURE"] is True
    assert str(flask["SESSION_COOKIE_NAME"]).startswith("__Host-")
    assert flask["SESSION_COOKIE_HTTPONLY"] is True


def test_a_demonstration_over_http_can_keep_its_cookies() -> None:
    flask = Settings.from_environment(DEMONSTRATION).for_flask()
    assert flask["SESSION_COOKIE_SECURE"] is False
    assert not str(flask["SESSION_COOKIE_NAME"]).startswith("__Host-")


def test_settings_cannot_be_changed_afterwards() -> None:
    settings: Any = Settings.from_environment(PRODUCTION)
    with pytest.raises(AttributeError):
        settings.secret_key = "x"
    with pytest.raises(TypeError):
        settings.encryption_keys[2] = b""


def test_variables_of_other_programs_are_left_alone() -> None:
    Settings.from_environment({**PRODUCTION, "PATH": os.defpath, "DJANGO_SECRET": "x"})


def test_config_imports_nothing_of_ours() -> None:
    held = {value.__module__ for value in vars(config).values() if hasattr(value, "__module__")}
    assert not [name for name in held if name.split(".")[0] in {"portal", "tests", "bench", "wsgi"}]


def test_a_web_server_is_told_the_sentences_and_not_a_traceback() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=Path(config.__file__).parent,
        env={"PATH": os.defpath, "PORTAL_ENVIRONMENT": "production"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.startswith("The portal has not started.\n")
    assert "\nSet PORTAL_SECRET_KEY;" in told.stderr
    assert "Traceback" not in told.stderr
