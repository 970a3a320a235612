"""Everything that should not be sent, sent: no page may break, every refusal is a kind sentence, nothing typed is lost.

Each address of the form gets its share of inputs: a few in `make test`, at least 20,000 together in `make test-deep`.
Bodies are made as bytes, because what breaks a form is often what no well-behaved browser would send.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import Settings
from portal import codes, create_app
from portal.access import Role
from portal.journeys import Kind, Question, Step
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.self_referral import SELF_REFERRAL
from portal.web.questions import printable
from tests import run, staffed
from tests.inspector import InspectedClient, Page
from tests.visitor import Visitor

QUICK = 8
"""Inputs for each address while writing."""
DEEP_TOGETHER = 20_000

STEPS = [(f"/refer/{step.slug}", step) for step in SELF_REFERRAL.steps] + [
    (f"/about-you/{step.slug}", step) for step in ABOUT_YOU.steps
]
CARD = Step(
    "carry-on", (Question("reference", "Reference"), Question("number", "Return number")), title="Card"
)  # not a step of a journey, but a form like one
OTHERS: list[tuple[str, Step]] = [
    ("/carry-on", CARD),
    ("/refer/check-your-answers", Step("check")),
    ("/refer/saved", Step("saved")),
    ("/refer/still-here", Step("still-here")),
    ("/refer/again", Step("again")),
    ("/refer/your-email", Step("your-email", (Question("code", "Code"),))),
]
ADDRESSES = STEPS + OTHERS
ALLOWED = {200, 204, 302, 303, 400, 404, 413, 415, 422, 429}


# What is typed -------------------------------------------------------------------------------------------------------

NASTY: list[bytes] = [
    *(text.encode() for text in (
        "", " ", "\x00", "Zo\x00fia", "\r\n\r\n", "\t", "\x1b[31m", "\x7f", "\u0085", "\u2028", "\ufeff", "\u200b",
        "e" + "\u0301" * 200, "\u0301" * 20, "\u202ecod.exe", "\u2066\u2067", "\ufffd", "\ufdd0", "\U0010ffff",
        "\U000e0041" * 40, "👩‍👩‍👧‍👦" * 50, "ﷺ" * 200, "ẞ" * 40, "٢٧ ٣ ١٩٦٥", "２７／３／１９６５",
        "बहुत", "ہمارا نام", "W̷͎͝",
        "<script>alert(1)</script>", "</textarea><h1>x", "\"><img src=x onerror=alert(1)>", "{{7*7}}", "{% raw %}",
        "%(name)s %s %d %%", "%00", "' OR 1=1 --", "../../etc/passwd", "=cmd|'/C calc'!A0", "javascript:alert(1)",
        "null", "None", "undefined", "NaN", "true", "[]", "{}", "-1", "1e309", "0" * 5000, "999999999999999999999999",
        "31 2 1990", "29 2 1900", "0 0 0", "31/12/2999", "1.1.0001", "27 3", "19650327", "Feb 30th 1980", "32 13 19",
        "2999", "1700", "27-3-65", "+44 7700 900123 x9", "0770", "+999 1", "a@b", "a@b@c.d", "a" * 300 + "@x.example",
        "ab1", "AB1 2AA; DROP TABLE draft", "999 999 9999", "not-safe", "prefer-not-to-say", "dont-know", "left-blank",
        "not-asked", "yes", "no", "me", "someone-who-does-not-know", "call", "come-back", "en", "zz-ZZ-x-zzz",
    )),
    *(bytes(raw) for raw in (b"\xed\xa0\x80", b"\xff\xfe", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"abc\x80def")),
]  # fmt: skip
HUGE = [b"x" * 100_000, ("ا" * 50_000).encode(), ("\u0301" * 30_000).encode(), b"\r\n" * 50_000, b"1" * 100_000]

_values = st.one_of(
    st.sampled_from(NASTY),
    st.sampled_from(NASTY),
    st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=40),
    st.dates().map(lambda day: f"{day.day} {day.month} {day.year}".encode()),
    st.sampled_from(HUGE),
)
_going = st.sampled_from(
    [b"", b"save", b"back", b"lock", b"card", b"new-number", b"send-code", b"change", b"zzz", b"\xff"]
)
TOKEN = b"THE-TOKEN-OF-THE-PAGE"
_tokens = st.sampled_from([[TOKEN]] * 12 + [[], [b"forged"], [TOKEN, TOKEN], [b""], [b"\xff\x00"], [b"a" * 9000]])


def _choices(question: Question) -> st.SearchStrategy[bytes]:
    offered = [choice.code.encode() for choice in question.all_choices if not choice.keeps_nothing]
    return st.sampled_from(offered) if offered else _values


@st.composite
def bodies(draw: st.DrawFn, step: Step) -> list[tuple[bytes, bytes]]:
    """The fields of one post, in order: asked for or not, missing, doubled, of the wrong kind."""
    fields: list[tuple[bytes, bytes]] = []
    for question in step.questions:
        how = draw(st.sampled_from(["good", "good", "hostile", "hostile", "hostile", "missing", "twice", "many"]))
        times = {"missing": 0, "twice": 2, "many": draw(st.integers(3, 70))}.get(how, 1)
        value = _choices(question) if how == "good" else st.one_of(_values, _choices(question))
        fields += [(question.code.encode(), draw(value)) for _ in range(times)] if how != "many" else [
            (question.code.encode(), draw(value))
        ] * times  # fmt: skip
    if draw(st.booleans()):
        fields.append((b"go", draw(_going)))
    if draw(st.integers(0, 5)) == 0:
        fields.append(
            (draw(st.sampled_from([b"change", b"zzz", b"\xff\x00", b"a[b]", b"__proto__", b"%"])), draw(_values))
        )
    if draw(st.integers(0, 60)) == 0:
        fields += [(b"x%d" % number, b"1") for number in range(draw(st.sampled_from([190, 300, 3000])))]
    fields += [(b"csrf_token", token) for token in draw(_tokens)]
    return draw(st.permutations(fields)) if len(fields) < 8 else fields


_kinds = st.sampled_from(["form"] * 12 + ["raw", "json", "json-as-form", "multipart", "text", "no type", "binary"])


def _sent(kind: str, fields: list[tuple[bytes, bytes]]) -> tuple[bytes, str]:
    """A body and what it says it is."""
    if kind == "raw":  # nothing quoted, as a broken program would
        return b"&".join(name + b"=" + value for name, value in fields), "application/x-www-form-urlencoded"
    if kind.startswith("json"):
        said = {name.decode("latin-1"): value.decode("latin-1")[:5000] for name, value in fields}
        form = "application/x-www-form-urlencoded" if kind == "json-as-form" else "application/json"
        return json.dumps(said).encode(), form
    if kind == "multipart":
        part = b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        return b"".join(part % field for field in fields) + b"--edge--\r\n", "multipart/form-data; boundary=edge"
    quoted = b"&".join(
        quote_from_bytes(name).encode() + b"=" + quote_from_bytes(value).encode() for name, value in fields
    )
    types = {"text": "text/plain", "no type": "", "binary": "application/octet-stream"}
    return quoted, types.get(kind, "application/x-www-form-urlencoded")


# What must hold ------------------------------------------------------------------------------------------------------


def _shown_value(page: Page, name: str) -> str:
    for one in page.all("input", "textarea"):
        if one.get("name") == name and one.get("type") not in ("radio", "checkbox", "submit"):
            return "".join(one.itertext()).removeprefix("\n") if one.tag == "textarea" else one.get("value", "")
    return ""


def _same(text: str) -> str:
    """Line ends are the page's own affair; one-line fields have none at all."""
    return re.sub(r"[\r\n]+", "", printable(text))


def _as_read(value: bytes) -> set[str]:
    """Bytes that are no text arrive quoted or as signs for something unreadable; either way they can be seen."""
    return {value.decode("utf-8", "replace"), unquote(quote_from_bytes(value), errors="werkzeug.url_quote")}


def _nothing_typed_is_lost(page: Page, step: Step, fields: list[tuple[bytes, bytes]]) -> None:
    for question in step.questions:
        if question.kind in (Kind.ONE_OF, Kind.SOME_OF, Kind.LANGUAGE):
            continue
        typed = [_as_read(value) for name, value in fields if name == question.code.encode()]
        shown = _same(_shown_value(page, question.code))
        for read in typed[:60]:
            kept = any(_same(one)[: 60 if step is CARD else None] in shown for one in read)
            assert kept, f"{question.code}: {min(read)[:80]!r} is gone"


def _every_refusal_is_kind(page: Page) -> None:
    summary = page.error_summary
    assert summary is not None
    for link in summary.iter("a"):
        said = "".join(link.itertext()).strip()
        assert len(said) > 10
        assert said[0].isupper()
        assert "%(" not in said


class Attacked:
    """A portal under attack, with one form filled in to its end and another one sent, both mended before every blow."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.tried = 0
        self.writer, self.sender = Visitor(app), Visitor(app)
        self.sender.already(safe_ways=["email"], device="own").press()
        self.keys = {id(self.sender): self.sender.key}
        self.tokens = {id(visitor): visitor.open("/carry-on").token for visitor in (self.writer, self.sender)}

    def mended(self, address: str) -> Visitor:
        """The visitor who may use this address, with everything there that a blow before may have broken."""
        visitor = (
            self.sender if address.startswith(("/about-you", "/refer/your-email", "/refer/again")) else self.writer
        )
        if key := self.keys.get(id(visitor)):
            visitor.client.set_cookie(self.app.config["FORM_COOKIE"], key)
        else:
            visitor.fill_in()
        return visitor

    def token(self, visitor: Visitor) -> bytes:
        return self.tokens[id(visitor)].encode()

    def blow(self, address: str, step: Step, kind: str, fields: list[tuple[bytes, bytes]], look: bool = True) -> None:
        """Send one input, and look at what came back."""
        visitor = self.mended(address)
        fields = [(name, self.token(visitor) if value == TOKEN else value) for name, value in fields]
        body, content_type = _sent(kind, fields)
        response = visitor.client.post(address, data=body, content_type=content_type or None)
        self.tried += 1
        assert response.status_code in ALLOWED, f"{response.status_code} at {address}"
        if response.status_code == 422:
            page = Page(response.get_data(as_text=True))
            _every_refusal_is_kind(page)
            if kind in ("form", "multipart"):
                _nothing_typed_is_lost(page, step, fields)
        if look:  # what was stored must be shown again
            onward = visitor.client.get(address)
            assert onward.status_code in ALLOWED | {405}, f"{onward.status_code} after {address}"


@pytest.fixture(scope="module")
def attacked(
    environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attacked]:
    """One portal for all of them: whatever came before must not matter either."""
    file = tmp_path_factory.mktemp("attacked") / "portal.sqlite"
    shutil.copy(migrated_sqlite, file)
    app = create_app(Settings.from_environment({**environment, "PORTAL_DATABASE_URL": f"sqlite:///{file}"}))
    app.test_client_class = InspectedClient
    with app.extensions["stores"].writing.begin() as store:
        staffed.a_colleague(store, staffed.a_service(store, outcodes=["AB10"]), Role.MANAGER)
    under = Attacked(app)
    yield under
    run.note("inputs thrown at the form", under.tried)


def _attack(attacked: Attacked, address: str, step: Step, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(_kinds, bodies(step), st.integers(0, 3))
    def one_after_another(kind: str, fields: list[tuple[bytes, bytes]], look: int) -> None:
        attacked.blow(address, step, kind, fields, look=not look)

    one_after_another()


@pytest.mark.parametrize(("address", "step"), ADDRESSES, ids=[address for address, _ in ADDRESSES])
def test_no_input_breaks_a_page_or_gets_lost(attacked: Attacked, address: str, step: Step) -> None:
    _attack(attacked, address, step, QUICK)


@pytest.mark.deep
@pytest.mark.parametrize(("address", "step"), ADDRESSES, ids=[address for address, _ in ADDRESSES])
def test_no_input_of_twenty_thousand_breaks_a_page_or_gets_lost(attacked: Attacked, address: str, step: Step) -> None:
    _attack(attacked, address, step, DEEP_TOGETHER // len(ADDRESSES) + 1)


# One by one, so that none of them depends on luck ------------------------------------------------------------------


@pytest.mark.parametrize("value", NASTY + HUGE, ids=lambda value: repr(value[:12]))
def test_every_nasty_text_is_kept_or_refused_kindly_and_still_there(attacked: Attacked, value: bytes) -> None:
    for slug in ("name", "where-you-live", "what-matters"):
        step = SELF_REFERRAL.step(slug)
        assert step
        fields = [(one.code.encode(), value) for one in step.questions]
        attacked.blow(f"/refer/{slug}", step, "form", [*fields, (b"csrf_token", TOKEN)], look=False)
    attacked.blow("/carry-on", CARD, "form", [(b"reference", value), (b"number", value), (b"csrf_token", TOKEN)])


@pytest.mark.parametrize(
    ("kind", "status"), [("json", 415), ("text", 415), ("binary", 415), ("json-as-form", 400), ("raw", 303)]
)
def test_only_forms_are_read(attacked: Attacked, kind: str, status: int) -> None:
    token = attacked.token(attacked.mended("/refer"))
    body, content_type = _sent(kind, [(b"first_name", b"Ola"), (b"csrf_token", token)])
    response = attacked.writer.client.post("/refer/name", data=body, content_type=content_type)
    assert response.status_code == status


def test_three_thousand_fields_are_refused_and_what_was_saved_is_still_there(attacked: Attacked) -> None:
    token = attacked.token(attacked.mended("/refer")).decode()
    before = attacked.writer.open("/refer/name").fields()["first_name"]
    fields = {"csrf_token": token, "first_name": "Thousands", **{f"x{number}": "1" for number in range(3000)}}
    response = attacked.writer.client.post("/refer/name", data=fields)
    assert response.status_code == 413
    assert "still there" in response.get_data(as_text=True)
    assert attacked.writer.open("/refer/name").fields()["first_name"] == before


def test_more_than_a_megabyte_is_refused(attacked: Attacked) -> None:
    fields = {"csrf_token": attacked.token(attacked.mended("/refer")).decode(), "first_name": "x" * 1_100_000}
    assert attacked.writer.client.post("/refer/name", data=fields).status_code == 413


def test_the_public_can_upload_no_file(attacked: Attacked) -> None:
    import io

    fields = {
        "csrf_token": attacked.token(attacked.mended("/refer")).decode(),
        "first_name": (io.BytesIO(b"MZ"), "cv.exe"),
    }
    assert attacked.writer.client.post("/refer/name", data=fields).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/refer/%00", "/refer/%ff", "/refer/a%2Fb%3Fc%23d%25",
        "/refer/..%2f..%2fetc%2fpasswd", "/refer/" + "a" * 3000,
        "/refer/name?change=%00%ff", "/refer/name?change=1&change=2", "/%ff/refer", "/ur/ur/refer/name", "/at//refer",
        "/at/%00/", "/at/here/zz/",
        "/at/" + "a" * 200, "//example.org/refer", "/refer/name/", "/refer/name%0d%0aSet-Cookie:x=1", "/xx/", "/UR/",
        "/about-you/%F0%9F%92%A9", "/refer/who-for/help?then=%ff", "/static/../config.py", "/static/%2e%2e/config.py",
        "/refer/sent?thanks=%00", "/help-now?next=//evil.example", "/exit?next=//evil.example",
    ],
)  # fmt: skip
def test_no_address_breaks_anything(attacked: Attacked, path: str) -> None:
    for visitor in (attacked.writer, Visitor(attacked.app)):
        response = visitor.client.get(path)
        # 400 is for a host that is not ours, 422 for a page that still holds something typed that cannot be read.
        assert response.status_code in {200, 302, 303, 308, 400, 404, 422}, response.status_code
        assert "evil" not in (response.location or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Accept-Language", "ur;q=x, *;q=0, " + "a-" * 5000),
        ("Accept-Language", "\x00\xff"),
        ("Accept-Language", "x" * 40 + ",pl"),
        ("Accept-Encoding", "br;q=nan, gzip;q=\xff"),
        ("Cookie", "form=" + "a" * 8000),
        ("Cookie", 'form="\\377\\000"; session=.eJx.forged.x'),
        ("Cookie", "form=\xff\xfe; session=\x00"),
        ("Cookie", "session=" + "W10." * 500),
        ("Cookie", ";;;=;a;form"),
        ("Sec-Fetch-Site", "\xff"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Prefix", "/evil"),
        ("Content-Type", "multipart/form-data"),
        ("Content-Type", 'multipart/form-data; boundary="' + "a" * 200),
        ("Content-Type", "application/x-www-form-urlencoded; charset=utf-7"),
        ("Range", "bytes=0-1,2-3"),
    ],
)
def test_no_header_breaks_anything(attacked: Attacked, name: str, value: str) -> None:
    for address in ("/", "/refer/who-for", "/refer/saved"):
        response = attacked.app.test_client().get(address, headers={name: value})
        assert response.status_code in {200, 302, 303, 400}
        assert "evil" not in response.get_data(as_text=True) + (response.location or "")
    response = attacked.app.test_client().post("/refer/who-for", data=b"a=b", headers={name: value})
    assert response.status_code in {400, 403, 415, 422}


@pytest.mark.parametrize("typed", ["", " ", "\u200b", "\u202e\u2066", "\ufeff\u200d\u00ad"])
def test_what_nobody_can_see_is_no_name(attacked: Attacked, typed: str) -> None:
    attacked.mended("/refer")
    attacked.writer.open("/refer/name").press(first_name=typed)
    assert attacked.writer.status == 422
    assert attacked.writer.errors == ["Type a first name. Any name is fine"]


REAL_NAMES = [
    "Ø",
    "Nguyễn Thị Minh Khai",
    "محمد",
    "李",
    "Ng",
    "O’Brien-Smith",
    "ਗੁਰਪ੍ਰੀਤ",
    "Björk Guðmundsdóttir",
    "X" * 35,
]


@pytest.mark.parametrize("name", REAL_NAMES)
def test_every_real_name_is_taken_as_it_is(attacked: Attacked, name: str) -> None:
    attacked.mended("/refer")
    attacked.writer.open("/refer/name?change=1").press(first_name=name, family_name="")
    assert attacked.writer.here == "/refer/check-your-answers"
    assert name in attacked.writer.words


def test_a_forged_reference_is_told_apart_before_anything_is_looked_up(attacked: Attacked) -> None:
    real = codes.new_reference()
    wrong = real[:-1] + next(one for one in codes.CROCKFORD if one != real[-1])
    attacked.mended("/refer")
    attacked.writer.open("/carry-on").press(reference=wrong, number="123456789012")
    assert attacked.writer.errors == ["Type the reference from your card, like K7QF-2M9T-1"]
