"""A visitor without JavaScript: opens pages, fills in the form that stands there, presses a button, follows redirects.

What a press sends is worked out from the page as a browser does it: hidden fields, what stands in the fields, what is
ticked. So a test cannot send what the page does not offer, unless it says so with ``post``.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urljoin, urlsplit
from xml.etree.ElementTree import Element

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from portal import codes, drafts, referrals, services
from portal.i18n import LANGUAGES
from portal.journeys import Journey
from portal.journeys.self_referral import SELF_REFERRAL
from tests.inspector import InspectedClient, Page
from tests.world import ANSWERS

HOME = "http://localhost"
Typed = str | list[str]


class Visitor:
    """One browser. ``page`` is the page that is open, ``response`` the answer it came in, ``path`` its address."""

    def __init__(self, app: Flask, prefix: str = "") -> None:
        client = app.test_client()
        assert isinstance(client, InspectedClient)
        self.client = client
        self.prefix = prefix
        self.page = Page("")
        self.path = ""
        self.response: TestResponse

    # Opening ---------------------------------------------------------------------------------------------------------

    def open(self, address: str) -> "Visitor":
        """Open an address of ours (without language and service: those of the visitor are put before it)."""
        return self.follow(self.prefix + address)

    def follow(self, address: str) -> "Visitor":
        """Open an address as a page names it."""
        return self._arrive(self.client.get(urljoin(f"{HOME}{self.path}", address).removeprefix(HOME)))

    def _arrive(self, response: TestResponse) -> "Visitor":
        for _ in range(10):
            self.path = urlsplit(response.request.url).path
            if urlsplit(response.request.url).query:
                self.path += f"?{urlsplit(response.request.url).query}"
            self.response = response
            if response.location is None or not urljoin(HOME, response.location).startswith(f"{HOME}/"):
                break
            response = self.client.get(urljoin(f"{HOME}{self.path}", response.location).removeprefix(HOME))
        self.page = Page(self.response.get_data(as_text=True))
        return self

    @property
    def here(self) -> str:
        """The address without the visitor's language and service, and without its query."""
        return urlsplit(self.path).path.removeprefix(self.prefix)

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def words(self) -> str:
        """Everything the page says, on one line."""
        return " ".join("".join(self.page.all("body")[0].itertext()).split())

    @property
    def errors(self) -> list[str]:
        """What the error summary lists."""
        summary = self.page.error_summary
        return [] if summary is None else ["".join(link.itertext()).strip() for link in summary.iter("a")]

    def links(self) -> dict[str, str]:
        """Where the page leads: address by words."""
        return {
            " ".join("".join(link.itertext()).split()): link.get("href", "")
            for link in self.page.all("a")
            if link.get("href")
        }

    # Forms -----------------------------------------------------------------------------------------------------------

    def form(self, ending: str = "") -> Element:
        """The form that a press would send: the one for this page, or the one whose address has this ending."""
        forms = [form for form in self.page.all("form") if form.get("method") == "post"]
        for form in forms:
            target = urljoin(f"{HOME}{self.path}", form.get("action") or self.path)
            if urlsplit(target).path.endswith(ending) and "sign-out" not in target:
                return form
        raise AssertionError(f"{self.path} has no form that goes to …{ending}")

    def fields(self, ending: str = "") -> "MultiDict[str, str]":
        """What the form would send as it stands."""
        sent: MultiDict[str, str] = MultiDict()
        for one in self.form(ending).iter():
            name = one.get("name")
            if not name:
                continue
            if one.tag == "textarea":
                sent.add(name, "".join(one.itertext()).removeprefix("\n"))
            elif one.tag == "select":
                chosen = [option for option in one.iter("option") if option.get("selected") is not None]
                for option in chosen or list(one.iter("option"))[:1]:
                    sent.add(name, option.get("value", ""))
            elif one.tag == "input" and (
                one.get("type") not in ("radio", "checkbox", "submit") or one.get("checked") is not None
            ):
                sent.add(name, one.get("value", ""))
        return sent

    def press(self, go: str = "", *, to: str = "", **typed: Typed) -> "Visitor":
        """Fill in what is given, leave the rest as it stands, and press the button with this value (or the first)."""
        fields = self.fields(to)
        for name, value in typed.items():
            fields.setlist(name, value if isinstance(value, list) else [value])
        if go:
            fields["go"] = go
        action = self.form(to).get("action") or self.path
        return self.post(urljoin(f"{HOME}{self.path}", action).removeprefix(HOME), fields)

    def post(self, address: str, fields: Mapping[str, object] | None = None, **more: object) -> "Visitor":
        """Send these fields to an address, whatever the page offers."""
        return self._arrive(self.client.post(address, data=fields, **more))

    @property
    def token(self) -> str:
        """The token of the form on the page."""
        return str(self.fields().get("csrf_token"))

    # The whole form --------------------------------------------------------------------------------------------------

    def refer(self, *, until: str = "check-your-answers", **answers: Typed) -> "Visitor":
        """Fill in the self-referral page by page, from wherever the portal puts the visitor, until this page is open.

        What is not given is typed as ``tests.world.ANSWERS`` has it, or left blank.
        """
        typed = {**ANSWERS, **answers}
        if not self.here.startswith("/refer"):
            self.open("/refer")
        for _ in range(40):
            slug = self.here.removeprefix("/refer/")
            if slug == until:
                return self
            step = SELF_REFERRAL.step(slug)
            if step is None:
                assert slug.endswith("/help"), f"{self.path}: {self.words[:300]}"
                self.carry_on()
                continue
            self.press(**{q.code: typed[q.code] for q in step.questions if q.code in typed})  # type: ignore[arg-type]
            assert self.status == 200, f"{self.path}: {self.errors}"
        raise AssertionError(f"{until} is never reached; at the end: {self.path}")

    def already(self, until: str = "check-your-answers", **answers: Typed) -> "Visitor":
        """Open this page with everything before it filled in: by the rooms, since the pages before it are not what the
        test looks at."""
        self.fill_in(until, **answers)
        self.open(f"/refer/{until}")
        assert self.here == f"/refer/{until}", self.path
        return self

    def fill_in(self, until: str = "", **answers: Typed) -> None:
        """Fill in what is still missing before this page (or everything), without opening a page."""
        app = self.client.application
        spoken = next((code for code in LANGUAGES if self.prefix.endswith(f"/{code}")), "en")
        slug = self.prefix.removeprefix("/at/").split("/")[0] if self.prefix.startswith("/at/") else None
        typed = {**ANSWERS, **answers}
        with app.extensions["stores"].writing.begin() as store:
            service = services.find(store, slug)
            assert service
            key = self.key or ""
            draft = drafts.find(store, service.id, SELF_REFERRAL.code, key)
            if draft is None:
                key = codes.new_key()
                draft = referrals.begin(store, service, spoken, key)
            while (step := SELF_REFERRAL.first_gap(draft.answers)) and step.slug != until:
                raw = {one.code: typed.get(one.code) for one in step.questions}
                assert not referrals.keep(store, service, draft, step, raw, spoken).problems
        self.client.set_cookie(app.config["FORM_COOKIE"], key)

    def carry_on(self) -> "Visitor":
        """Press the button that is a link (Continue on a page without a form)."""
        button = next(link for link in self.page.all("a") if "nhsuk-button" in link.get("class", "").split())
        return self.follow(button.get("href", ""))

    @property
    def key(self) -> str | None:
        """The random key that this browser holds, if any."""
        cookie = self.client.get_cookie(self.client.application.config["FORM_COOKIE"])
        return cookie.value if cookie else None

    def card(self) -> tuple[str, str]:
        """The two numbers of the card on the page."""
        codes = ["".join(one.itertext()) for one in self.page.elements if "portal-card__code" in one.get("class", "")]
        assert len(codes) == 2, self.words
        return codes[0].strip(), codes[1].strip()


def pages_of(journey: Journey) -> list[str]:
    """Every page of a journey by its short name."""
    return [step.slug for step in journey.steps]


def query_of(path: str) -> dict[str, str]:
    """What stands behind the question mark."""
    return dict(parse_qsl(urlsplit(path).query))
