"""The inspector is only worth something if it finds what is wrong: here every defect is planted once."""

from collections.abc import Iterator

import brotli
import pytest
from flask import Flask, Response
from werkzeug.datastructures import Headers

from tests.inspector import INSPECTED, Defective, InspectedClient, defects_of_headers, defects_of_page, direction_of

HEAD = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
GOOD = f"""<!doctype html>
<html lang="en" dir="ltr">
<head>{HEAD}
<title>Your name – Front Door</title>
<link rel="stylesheet" href="/static/app.css"><script type="module" src="/static/app.js"></script></head>
<body>
<a href="#main">Skip to the page</a>
<main id="main">
<h1>Your name</h1>
<form method="post"><input type="hidden" name="csrf_token" value="abc">
<div><label for="name">Name</label> <input id="name" name="name" aria-describedby="hint"></div>
<p id="hint">As you like it written.</p>
<fieldset><legend>Who is it for?</legend>
<input type="radio" id="who" name="who" value="me"><label for="who">Me</label>
<input type="radio" id="who-2" name="who" value="you"><label for="who-2">You</label>
</fieldset>
<ul><li>One</li></ul>
<button>Continue</button></form>
<p lang="ur" dir="rtl">اردو</p>
</main>
</body>
</html>"""
SUMMARY = (
    '<div class="nhsuk-error-summary"><h2>There is a problem</h2><ul><li><a href="#name">Enter it</a></li></ul></div>'
)
BAD_INPUT = GOOD.replace('<main id="main">', f'<main id="main">{SUMMARY}').replace("<title>", "<title>Error: ")
URDU = GOOD.replace('lang="en" dir="ltr"', 'lang="ur" dir="rtl"').replace("Your name", "آپ کا نام")

PLANTED = [
    # what stands in the good page, what is planted in its place, what the inspector must say
    ("<!doctype html>\n", "", "<!doctype html>"),
    ("<ul><li>One</li></ul>", "<p><ul><li>One</li></ul></p>", "valid HTML at line"),
    ("</main>", "</div></main>", "valid HTML at line"),
    ('<input id="name"', '<input id="name" id="other"', "valid HTML at line"),
    ("<li>One</li>", "One & &nosuch; <li>two</li>", "valid HTML at line"),
    ("<li>One</li>", "<div>One</div>", "into an <li>"),
    ("<ul><li>One</li></ul>", "<span><div>One</div></span>", "Take <div> out of <span>"),
    ("<button>Continue</button>", '<button>Go <a href="/x">on</a></button>', "Take <a"),
    ("<ul><li>One</li></ul>", "<div><li>One</li></div>", "into a <ul>"),
    ("<h1>Your name</h1>", "<h2>Your name</h2>", "exactly one <h1>; it has 0"),
    ("<ul>", "<h1>Again</h1><ul>", "exactly one <h1>; it has 2"),
    ("<h1>Your name</h1>", "<h1> </h1>", "words into the <h1>"),
    ("<ul>", "<h3>Deep</h3><ul>", "must not skip"),
    ("<title>Your name – Front Door</title>", "", "Give the page a <title>"),
    ("<title>Your name – Front Door", "<title>Front Door – Your name", "Begin the title with the <h1>"),
    ("<title>Your name – Front Door", "<title>Your name", "the name of the service"),
    ("<title>Your name", "<title>Error: Your name", "Begin the title with the <h1>"),
    ('id="hint"', 'id="name"', 'its own id: "name" is there 2 times'),
    ('id="hint"', 'id="hint two"', "without spaces"),
    ('aria-describedby="hint"', 'aria-describedby="hints"', 'Point aria-describedby="hints"'),
    ('<label for="name">Name</label>', "Name", "a <label for>"),
    ('<label for="name">Name</label>', '<label for="name"></label>', "a <label for>"),
    ("<button>Continue</button>", "<select name=s><option>1</option></select>", "a <label for>"),
    ("<button>Continue</button>", "<textarea name=t></textarea>", "a <label for>"),
    ("<button>Continue</button>", "<button></button>", "Put words into <button>"),
    ("Skip to the page", "", "Put words into <a"),
    ("<ul>", '<img src="/static/a.png"><ul>', "an alt text"),
    ("<legend>Who is it for?</legend>", "", "one <legend>"),
    ("<fieldset><legend>Who is it for?</legend>", "<div>", "into one <fieldset>"),
    ('<input id="name"', '<input id="name" class="nhsuk-error-message"', "an error summary at the top"),
    ("<html lang=", "<html data-lang=", "<html lang>"),
    ('dir="ltr"', 'dir="rtl"', 'dir="ltr">; dir is "rtl"'),
    ('lang="en" dir="ltr"', 'lang="ur" dir="ltr"', 'lang="ur" dir="rtl"'),
    ('lang="en" dir="ltr"', 'lang="en"', 'dir is ""'),
    ('lang="ur" dir="rtl"', 'lang="ur"', 'Add dir="rtl"'),
    ('<input type="hidden" name="csrf_token" value="abc">', "", "csrf_token"),
    ('value="abc"', 'value=""', "csrf_token"),
    ('<form method="post">', '<form method="get">', "Take the csrf_token out"),
    ('<form method="post">', '<form method="post" action="https://elsewhere.example/">', "our own origin"),
    ('<input id="name"', '<input type="password" value="hunter2" id="name"', "Do not send the password back"),
    ("</body>", "<script>go()</script></body>", "inline <script>"),
    ("</head>", "<style>p{color:red}</style></head>", "inline <style>"),
    ("<ul>", '<ul style="color:red">', "Move style="),
    ("<button>", '<button onclick="go()">', "Move onclick="),
    ('href="#main"', 'href=" JavaScript:go()"', "Take the script out"),
    ('href="/static/app.css"', 'href="https://cdn.example/app.css"', "Serve https://cdn.example"),
    ('src="/static/app.js"', 'src="//cdn.example/app.js"', "Serve //cdn.example"),
    ("<ul>", '<img alt="" src="/a.png" srcset="/a.png 1x, https://cdn.example/b.png 2x"><ul>', "Serve https://cdn"),
    ("</head>", '<meta http-equiv="refresh" content="5"></head>', "http-equiv=refresh"),
    ("<ul>", '<iframe src="/x" title="x"></iframe><ul>', "Take out <iframe"),
    (", initial-scale=1", ", user-scalable=no", "Let people zoom"),
    ("width=device-width, ", "", 'name="viewport"'),
    ("<ul>", "<main></main><ul>", "exactly one <main>"),
    ('<input id="name"', '<input tabindex="3" id="name"', "tabindex above 0"),
    ('<input id="name"', '<input autofocus id="name"', "autofocus"),
    ('href="#main"', 'href="/" target="_blank"', "noopener"),
    ("<ul>", '<ul class="nhsuk-button--login">', "Draw nhsuk-button--login"),
    ("As you like it", "As %(name)s likes it", "Fill in the placeholder '%(name)s'"),
]


def test_a_good_page_has_no_defect() -> None:
    assert defects_of_page(GOOD) == []
    assert defects_of_page(URDU) == []
    assert defects_of_page(BAD_INPUT, status=422) == []


@pytest.mark.parametrize(("stands", "planted", "said"), PLANTED)
def test_a_planted_defect_is_found(stands: str, planted: str, said: str) -> None:
    assert stands in GOOD
    found = defects_of_page(GOOD.replace(stands, planted, 1))
    assert any(said in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("html", "status", "said"),
    [
        (GOOD, 422, "error summary at the top of a page answered with 422"),
        (BAD_INPUT, 200, "with status 422, not 200"),
        (BAD_INPUT.replace('href="#name"', 'href="#nowhere"'), 422, "point at an id that is there; #nowhere"),
        (BAD_INPUT.replace('href="#name"', 'href="/name"'), 422, "point at a field of this page"),
        (BAD_INPUT.replace('<a href="#name">Enter it</a>', "Enter it"), 422, "link to the field of each error"),
        (BAD_INPUT.replace("<title>Error: ", "<title>"), 422, "Begin the title with “Error: ”"),
    ],
)
def test_a_defect_of_an_error_page_is_found(html: str, status: int, said: str) -> None:
    assert any(said in sentence for sentence in defects_of_page(html, status=status))


@pytest.mark.parametrize(
    ("language", "direction"),
    [
        ("en", "ltr"),
        ("cy", "ltr"),
        ("pl", "ltr"),
        ("ur", "rtl"),
        ("ar", "rtl"),
        ("ckb", "rtl"),
        ("ps", "rtl"),
        ("ku", "ltr"),
    ],
)
def test_the_direction_of_a_language_is_known(language: str, direction: str) -> None:
    assert direction_of(language) == direction


SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Set-Cookie": "session=x; HttpOnly; Path=/; SameSite=Lax",
}


def test_good_headers_have_no_defect() -> None:
    assert defects_of_headers(Headers(SAFE), html=True, static=False) == []
    assert defects_of_headers(Headers({"X-Content-Type-Options": "nosniff"}), html=False, static=True) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Content-Security-Policy", None, "Send a Content-Security-Policy"),
        (
            "Content-Security-Policy",
            SAFE["Content-Security-Policy"].replace("'none'", "'self'", 1),
            "default-src 'none'",
        ),
        ("Content-Security-Policy", SAFE["Content-Security-Policy"] + "; img-src *", "Take * out of img-src"),
        (
            "Content-Security-Policy",
            SAFE["Content-Security-Policy"].replace("style-src 'self'", "style-src 'self' 'unsafe-inline'"),
            "Take 'unsafe-inline' out of style-src",
        ),
        ("Content-Security-Policy", SAFE["Content-Security-Policy"].replace("form-action 'self'", ""), "form-action"),
        ("X-Content-Type-Options", None, "nosniff"),
        ("Referrer-Policy", "unsafe-url", "Referrer-Policy"),
        ("Cache-Control", "max-age=60", "no-store"),
        ("Set-Cookie", "session=x; Path=/; SameSite=Lax", "with HttpOnly"),
        ("Set-Cookie", "session=x; Path=/; HttpOnly", "with SameSite"),
    ],
)
def test_a_defect_in_the_headers_is_found(name: str, value: str | None, said: str) -> None:
    headers = Headers({key: held for key, held in {**SAFE, name: value}.items() if held is not None})
    assert any(said in sentence for sentence in defects_of_headers(headers, html=True, static=False))


@pytest.fixture
def small_app() -> Iterator[InspectedClient]:
    app = Flask(__name__)
    app.test_client_class = InspectedClient
    page = GOOD.replace('<link rel="stylesheet" href="/static/app.css">', "")

    @app.get("/good")
    def good() -> Response:
        return Response(page, headers=SAFE)

    @app.get("/squeezed")
    def squeezed() -> Response:
        return Response(
            brotli.compress(page.replace("<h1>", "<h2>").encode()), headers={**SAFE, "Content-Encoding": "br"}
        )

    @app.get("/bare")
    def bare() -> Response:
        return Response(page)

    @app.get("/data")
    def data() -> Response:
        return Response('{"a": "<p>"}', mimetype="application/json", headers=SAFE)

    client = app.test_client()
    assert isinstance(client, InspectedClient)
    before = INSPECTED.copy()
    yield client
    INSPECTED.clear()  # these are not pages of the portal
    INSPECTED.update(before)


def test_the_client_hands_on_a_good_page(small_app: InspectedClient) -> None:
    before = INSPECTED["200"]
    assert small_app.get("/good").status_code == 200
    assert small_app.get("/data").json == {"a": "<p>"}
    assert INSPECTED["200"] == before + 1


@pytest.mark.parametrize(
    ("path", "said"),
    [("/squeezed", "exactly one <h1>"), ("/bare", "Referrer-Policy"), ("/nowhere", "Content-Security-Policy")],
)
def test_the_client_stops_a_bad_answer_and_says_the_address(small_app: InspectedClient, path: str, said: str) -> None:
    with pytest.raises(Defective, match=f"GET http://localhost{path}") as stopped:
        small_app.get(path)
    assert said in str(stopped.value)
