"""Signing in through an organisation's own provider: the whole way against a real OpenID Connect provider on this
machine, and what a false or broken one can do."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import access, accounts, outside
from portal.access import Role
from portal.accounts import providers
from portal.accounts.providers import Asked, Claims, NotLetIn, NotTaken
from portal.outside import STRICT, Allowance
from portal.store import AuditEvent, Ceremony, IdentityProvider, OutsideAccount, Service, SignIn
from tests.feeds import HERE, serving
from tests.inspector import InspectedClient, Page
from tests.world import Member, a_service, press, sign_in, staff_member

BACK = "http://localhost/staff/sign-in/provider/back"
AMINA, STRANGER, UNSURE = "amina-7", "stranger-9", "unsure-3"


@dataclass
class Provider:
    """A provider that runs, and its address."""

    issuer: str


PEOPLE = (
    {"sub": AMINA, "email": "amina@staff.example", "email_verified": True},
    {"sub": STRANGER, "email": "nobody@staff.example", "email_verified": True},
    {"sub": UNSURE, "email": "amina@staff.example", "email_verified": False},
)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    """A process of its own, as a provider is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("oidc-provider-mock")), "--port", str(port)]
    for one in PEOPLE:
        command += ["--user-claims", json.dumps(one)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Provider(_when_up(f"http://127.0.0.1:{port}", running))
    finally:
        running.terminate()
        running.wait(10)


def _when_up(address: str, running: "subprocess.Popen[bytes]") -> str:
    for _ in range(300):
        assert running.poll() is None, "the provider ended by itself"
        try:
            found = requests.get(f"{address}/.well-known/openid-configuration", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
            continue
        return str(found.json()["issuer"])
    raise AssertionError("the provider did not come up")


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def amina(store: Session, service: Service) -> Member:
    return staff_member(store, service, name="Amina Yusuf", email="amina@staff.example")


@pytest.fixture
def boss(store: Session, service: Service) -> Member:
    return staff_member(store, service, Role.ADMINISTRATOR)


def switch_on(store: Session, boss: Member, issuer: str, *, second_factor: bool = True, on: bool = True) -> None:
    given = {"name": "Riverside Council", "issuer": issuer, "client_id": "portal", "client_secret": "a made-up secret"}
    read = providers.read_set_up(given, secret_known=False, allowance=HERE)
    providers.set_up(store, boss.actor, read, on=on, second_factor=second_factor)
    store.commit()


def form_fields(response: TestResponse) -> dict[str, str]:
    form = Page(response.get_data(as_text=True)).all("form")[-1]
    return {str(one.get("name")): str(one.get("value", "")) for one in form.iter("input") if one.get("name")}


def to_the_provider(client: InspectedClient, page: str = "/staff/sign-in", ending: str = "/sign-in/provider") -> str:
    """The address to which we send somebody."""
    shown = press(client, page, ending)
    assert shown.status_code == 200, shown.get_data(as_text=True)
    links = [one.get("href", "") for one in Page(shown.get_data(as_text=True)).all("a")]
    return next(link for link in links if "/oauth2/authorize" in link)


def signs_in_there(address: str, subject: str) -> str:
    """What the provider sends the browser back to, when this person has signed in there."""
    answer = requests.post(address, data={"sub": subject}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return str(answer.headers["Location"])


def comes_back(client: InspectedClient, back: str) -> TestResponse:
    parts = urlsplit(back)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == BACK
    shown = client.get(f"{parts.path}?{parts.query}")
    if shown.status_code != 200:
        return shown
    return client.post(parts.path, data=form_fields(shown))


# The whole way -------------------------------------------------------------------------------------------------------


def test_somebody_signs_in_with_the_account_of_their_organisation(
    client: InspectedClient, store: Session, service: Service, amina: Member, boss: Member, provider: Provider
) -> None:
    switch_on(store, boss, provider.issuer)
    asked = to_the_provider(client)
    told = parse_qs(urlsplit(asked).query)
    assert told["response_type"] == ["code"]
    assert told["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= set(told)
    back = comes_back(client, signs_in_there(asked, AMINA))
    assert (back.status_code, back.location) == (303, "/staff/today")
    assert client.get("/staff/account").status_code == 200
    assert store.scalars(select(SignIn.via).where(SignIn.staff_id == amina.actor.staff_id)).all() == ["provider"]
    bound = store.scalars(select(OutsideAccount)).one()
    assert (bound.staff_id, bound.subject) == (amina.actor.staff_id, AMINA)
    assert store.scalars(select(Ceremony)).all() == []


def test_without_a_second_proof_there_ours_is_asked(
    client: InspectedClient, store: Session, amina: Member, boss: Member, provider: Provider
) -> None:
    switch_on(store, boss, provider.issuer, second_factor=False)
    back = comes_back(client, signs_in_there(to_the_provider(client), AMINA))
    assert back.location == "/staff/second-factor"
    assert client.get("/staff/account").status_code == 302
    press(client, "/staff/second-factor", "/second-factor", code=accounts.code_now(amina.secret))
    assert client.get("/staff/account").status_code == 200


@pytest.mark.parametrize("subject", [STRANGER, UNSURE], ids=["nobody invited them", "an address that nobody checked"])
def test_who_has_no_account_here_gets_none_by_it(
    client: InspectedClient, store: Session, amina: Member, boss: Member, provider: Provider, subject: str
) -> None:
    switch_on(store, boss, provider.issuer)
    back = comes_back(client, signs_in_there(to_the_provider(client), subject))
    assert back.status_code == 403
    assert client.get("/staff/account").status_code == 302
    assert store.scalars(select(OutsideAccount)).all() == []
    assert "provider-unknown" in store.scalars(select(AuditEvent.reason)).all()


def test_a_colleague_who_has_left_is_not_let_in(
    client: InspectedClient, store: Session, amina: Member, boss: Member, provider: Provider
) -> None:
    switch_on(store, boss, provider.issuer)
    assert comes_back(client, signs_in_there(to_the_provider(client), AMINA)).status_code == 303
    client.delete_cookie(client.application.config["SIGN_IN_COOKIE"])
    accounts.leave(store, boss.actor, amina.actor.staff_id)
    store.commit()
    assert comes_back(client, signs_in_there(to_the_provider(client), AMINA)).status_code == 403


def test_who_says_no_there_is_told_kindly(
    client: InspectedClient, store: Session, amina: Member, boss: Member, provider: Provider
) -> None:
    switch_on(store, boss, provider.issuer)
    asked = to_the_provider(client)
    answer = requests.post(asked, data={"action": "deny"}, allow_redirects=False, timeout=10)
    parts = urlsplit(answer.headers["Location"])
    shown = client.get(f"{parts.path}?{parts.query}")
    assert shown.status_code == 403
    assert "did not let you in" in shown.get_data(as_text=True)


def test_somebody_who_is_signed_in_connects_their_account_and_takes_it_off(
    client: InspectedClient, store: Session, service: Service, amina: Member, boss: Member, provider: Provider
) -> None:
    switch_on(store, boss, provider.issuer)
    sign_in(client, store, amina)
    asked = to_the_provider(client, "/staff/account", "/account/provider")
    # Another address there than the one that we know: being signed in is what counts.
    assert comes_back(client, signs_in_there(asked, UNSURE)).location == "/staff/account"
    bound = store.scalars(select(OutsideAccount)).one()
    assert (bound.staff_id, bound.subject) == (amina.actor.staff_id, UNSURE)
    press(client, "/staff/account", "/account/provider/end")
    assert store.scalars(select(OutsideAccount)).all() == []


def test_an_account_there_belongs_to_one_person_here(
    store: Session, service: Service, amina: Member, boss: Member
) -> None:
    who = Claims("https://sign-in.example", "subject", "")
    providers.connect(store, amina.actor, who)
    with pytest.raises(NotLetIn, match="taken"):
        providers.connect(store, boss.actor, who)
    assert providers.connect(store, amina.actor, who).staff_id == amina.actor.staff_id


# What somebody else may try ------------------------------------------------------------------------------------------


def test_what_comes_back_opens_nothing_in_another_browser_nor_twice(
    client: InspectedClient, store: Session, amina: Member, boss: Member, provider: Provider
) -> None:
    switch_on(store, boss, provider.issuer)
    back = signs_in_there(to_the_provider(client), AMINA)
    other = InspectedClient(client.application)
    assert comes_back(other, back).status_code == 403
    assert other.get("/staff/account").status_code == 302
    assert comes_back(client, back).status_code == 303
    client.delete_cookie(client.application.config["SIGN_IN_COOKIE"])
    assert comes_back(client, back).status_code == 403


def test_a_state_of_somebody_else_s_opens_nothing(
    client: InspectedClient, store: Session, amina: Member, boss: Member, provider: Provider
) -> None:
    switch_on(store, boss, provider.issuer)
    back = signs_in_there(to_the_provider(client), AMINA)
    forged = re.sub(r"state=[^&]+", "state=forged", back)
    assert comes_back(client, forged).status_code == 403
    assert client.get("/staff/account").status_code == 302


def test_looking_at_the_way_back_spends_nothing(
    client: InspectedClient, store: Session, amina: Member, boss: Member, provider: Provider
) -> None:
    switch_on(store, boss, provider.issuer)
    back = urlsplit(signs_in_there(to_the_provider(client), AMINA))
    for _ in range(3):
        assert client.get(f"{back.path}?{back.query}").status_code == 200
    assert comes_back(client, back.geturl()).status_code == 303


def test_a_provider_that_is_switched_off_is_neither_shown_nor_asked(
    client: InspectedClient, store: Session, amina: Member, boss: Member, provider: Provider
) -> None:
    switch_on(store, boss, provider.issuer, on=False)
    page = client.get("/staff/sign-in").get_data(as_text=True)
    assert "Riverside Council" not in page
    token = next(one.get("value") for one in Page(page).all("input") if one.get("name") == "csrf_token")
    assert client.post("/staff/sign-in/provider", data={"csrf_token": token}).status_code == 403


@contextmanager
def answering(answers: dict[str, Any]) -> Iterator[str]:
    """A server on this machine that answers as told: by path, the status, the body, and headers."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, *headers = answers.get(self.path, (404, b""))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


WELL_KNOWN = "/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"not json"),
        (200, b"[1, 2]"),
        (500, b"{}"),
        (302, b""),
        (200, b"{}"),
        (200, b"x" * 300_000),
        (200, json.dumps({"issuer": "https://somebody-else.example"}).encode()),
    ],
    ids=["no json", "a list", "an error", "sends us elsewhere", "says nothing", "never ends", "is somebody else"],
)
def test_a_provider_that_makes_no_sense_is_trouble_and_no_crash(answer: tuple[int, bytes]) -> None:
    with answering({WELL_KNOWN: answer}) as address, pytest.raises(NotLetIn, match="trouble"):
        providers.look(Asked(address, "portal", "secret", allowance=HERE))


def test_a_provider_that_is_away_is_trouble_and_no_crash() -> None:
    with pytest.raises(NotLetIn, match="trouble"):
        providers.look(Asked("http://127.0.0.1:9", "portal", "secret", allowance=HERE))


def test_a_provider_may_not_send_our_secret_where_it_is_not_safe() -> None:
    told = {"authorization_endpoint": "https://a.example/a", "jwks_uri": "https://a.example/k"}
    with answering(answers := {}) as address:
        bad = {**told, "issuer": address, "token_endpoint": "http://plain.example/token"}
        answers[WELL_KNOWN] = (200, json.dumps(bad).encode())
        with pytest.raises(NotLetIn, match="trouble"):
            providers.look(Asked(address, "portal", "secret", allowance=HERE))


def says_of_itself(address: str, **other: str) -> tuple[int, bytes]:
    names = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
    told = {"issuer": address, **{name: address + path for name, path in names.items()}, **other}
    return 200, json.dumps(told).encode()


@pytest.fixture
def in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine stands in for one of the open internet; no other address is let through that was not before."""
    really = Allowance.covers
    monkeypatch.setattr(outside, "check", lambda url, allowance: None)
    monkeypatch.setattr(Allowance, "covers", lambda self, one: one == "127.0.0.1" or really(self, one))
    monkeypatch.setattr(providers, "_is_issuer", lambda issuer, allowance: True)


HOUSE = ("https://10.0.0.7/token", "https://169.254.169.254/latest", "https://[::1]/token", "https://[fd12::1]/keys")


@pytest.mark.usefixtures("in_the_open")
@pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("inside", HOUSE)
def test_a_provider_that_names_an_address_of_this_house_is_refused(endpoint: str, inside: str) -> None:
    with answering(answers := {}) as address:
        answers[WELL_KNOWN] = says_of_itself(address)
        assert providers.look(Asked(address, "portal", "secret"))
        answers[WELL_KNOWN] = says_of_itself(address, **{endpoint: inside})
        with pytest.raises(NotLetIn) as refused:
            providers.look(Asked(address, "portal", "secret"))
        assert refused.value.inside


@pytest.mark.usefixtures("in_the_open")
def test_a_name_that_leads_into_this_house_when_the_secret_is_sent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is looked at, and named anew afterwards: what counts is where the connection goes."""
    with answering(answers := {}) as address:
        answers[WELL_KNOWN] = says_of_itself(address, token_endpoint="http://localhost.test/token")
        monkeypatch.setattr(providers, "look_at", lambda url, allowance: None)
        monkeypatch.setattr(socket, "getaddrinfo", _leads_to({"localhost.test": "192.168.0.9"}))
        with pytest.raises(NotLetIn) as refused:
            providers.claims(Asked(address, "portal", "secret"), HELD, "s", "code", BACK)
        assert refused.value.inside


HELD = {"state": "s", "verifier": "v", "nonce": "n"}


def _leads_to(names: dict[str, str]) -> Any:
    def resolve(host: str, port: int, *_more: Any, **_given: Any) -> list[Any]:
        return [(2, 1, 6, "", (names.get(host, host), port))]

    return resolve


def test_a_provider_on_a_network_of_the_house_is_asked_when_whoever_runs_the_server_says_so() -> None:
    at_home = "https://10.0.0.7/token"
    outside.look_at(at_home, Allowance(network=True))
    for allowance, one in ((STRICT, at_home), (Allowance(network=True), "https://127.0.0.1/token")):
        with pytest.raises(outside.FetchFailed, match="refused-address"):
            outside.look_at(one, allowance)


def test_a_redirect_is_never_followed_to_whatever_place() -> None:
    answers: dict[str, Any] = {}
    with serving(lambda path, query: (200, {}, b"secret")) as inside, answering(answers) as address:
        answers[WELL_KNOWN] = (302, b"", ("Location", inside.base))
        with pytest.raises(NotLetIn, match="trouble"):
            providers.look(Asked(address, "portal", "secret", allowance=HERE))
        answers[WELL_KNOWN] = says_of_itself(address)
        for number in (302, 307):
            answers["/token"] = (number, b"", ("Location", inside.base))
            with pytest.raises(NotLetIn, match="trouble"):
                providers.claims(Asked(address, "portal", "secret", allowance=HERE), HELD, "s", "code", BACK)
        assert inside.asked == []


@pytest.mark.parametrize("path", ["/token", "/keys"])
def test_an_answer_without_end_is_cut_off_wherever_it_comes_from(path: str) -> None:
    with answering(answers := {}) as address:
        answers[WELL_KNOWN] = says_of_itself(address)
        answers["/token"] = (200, b'{"id_token": "x"}')
        answers[path] = (200, b" " * 300_000)
        with pytest.raises(NotLetIn, match="trouble") as refused:
            providers.claims(Asked(address, "portal", "secret", allowance=HERE), HELD, "s", "code", BACK)
        assert isinstance(refused.value.__context__, outside.FetchFailed)


def test_a_provider_that_drips_is_cut_off_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "SECONDS", 0.4)

    def dripping() -> Iterator[bytes]:
        while True:
            yield b" "
            time.sleep(0.02)

    with serving(lambda path, query: dripping()) as served, pytest.raises(NotLetIn, match="trouble"):
        providers.look(Asked(served.base, "portal", "secret", allowance=HERE))


# Setting it up -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "sign-in.example",
        "http://sign-in.example",
        "https://",
        "https://a.example?x=1",
        "https://a.example#x",
        "https://u:p@a.example",
        "ftp://a.example",
        "https://[",
        "http://127.0.0.1:5",
    ],
)
def test_an_address_that_cannot_be_a_provider_s_is_told_so(issuer: str) -> None:
    given = {"name": "Council", "issuer": issuer, "client_id": "a", "client_secret": "b"}
    with pytest.raises(NotTaken) as told:
        providers.read_set_up(given, secret_known=False)
    assert set(told.value.problems) == {"issuer"}


def test_an_administrator_sets_it_up_and_nobody_sees_the_secret_again(
    client: InspectedClient, store: Session, service: Service, boss: Member, provider: Provider
) -> None:
    store.commit()
    sign_in(client, store, boss)
    typed = {"name": "Riverside Council", "issuer": provider.issuer, "client_id": "portal", "on": "y"}
    refused = press(client, "/staff/provider", "/provider", **typed)
    assert refused.status_code == 422
    assert 'value="Riverside Council"' in refused.get_data(as_text=True)
    kept = press(client, "/staff/provider", "/provider", **typed, client_secret="hush-hush-123")
    assert kept.status_code == 303, kept.get_data(as_text=True)
    assert "hush-hush-123" not in client.get("/staff/provider").get_data(as_text=True)
    row = store.scalars(select(IdentityProvider)).one()
    assert (row.on, row.second_factor, row.client_secret) == (True, False, "hush-hush-123")
    press(client, "/staff/provider", "/provider", **typed)
    store.expire_all()
    assert store.scalars(select(IdentityProvider)).one().client_secret == "hush-hush-123"
    told = [event.details for event in store.scalars(select(AuditEvent)) if event.about == "identity_provider"]
    assert "hush-hush-123" not in json.dumps(told)


def test_what_is_no_provider_is_not_kept(
    client: InspectedClient, store: Session, service: Service, boss: Member
) -> None:
    store.commit()
    sign_in(client, store, boss)
    with answering({}) as address:
        typed = {"name": "Council", "issuer": address, "client_id": "portal", "client_secret": "x", "on": "y"}
        refused = press(client, "/staff/provider", "/provider", **typed)
    assert refused.status_code == 422
    assert "could not find a sign-in" in refused.get_data(as_text=True)
    assert store.scalars(select(IdentityProvider)).all() == []


@pytest.mark.parametrize("issuer", ["https://10.0.0.7", "https://127.0.0.1", "https://localhost"])
def test_an_address_of_this_house_is_refused_in_words_that_say_what_to_do(
    client: InspectedClient,
    store: Session,
    service: Service,
    boss: Member,
    issuer: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(client.application.config, "PROVIDER_ALLOWANCE", STRICT)
    store.commit()
    sign_in(client, store, boss)
    typed = {"name": "Council", "issuer": issuer, "client_id": "portal", "client_secret": "x", "on": "y"}
    refused = press(client, "/staff/provider", "/provider", **typed)
    assert refused.status_code == 422
    assert "is not in the open internet" in refused.get_data(as_text=True)
    assert f'value="{issuer}"' in refused.get_data(as_text=True)
    assert store.scalars(select(IdentityProvider)).all() == []


def test_only_an_administrator_sets_it_up(store: Session, service: Service, amina: Member) -> None:
    with pytest.raises(access.Refused):
        providers.set_up(store, amina.actor, {}, on=True, second_factor=True)
