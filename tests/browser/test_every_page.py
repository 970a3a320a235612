"""Every page that there is, on a small phone: read by axe, no wider than 320 px, targets that a thumb hits, text that
may be spaced out.

The addresses come from the app itself, so that a new page is looked at without anybody thinking of it here, and so is
every form that is sent with nothing in it. What neither reaches (thanks, help, what is over) is listed with its
presses.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Error, Page
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from portal import accounts, codes, feedback, measures, referrals, services
from portal.access import Mine, Permission, Role
from portal.instruments import catalogue
from portal.web.security import door
from tests import conftest, everything
from tests.arriving import somebody
from tests.asked import check_in
from tests.browser.coming import CONTINUE, VISIT, press, then_it_fits
from tests.browser.conftest import MakeContext, overflowing
from tests.everything import World
from tests.live import Live, serve
from tests.lived import reads, two_check_ins_and_two_goals
from tests.world import a_referral

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SMALL: dict[str, Any] = {"viewport": {"width": 320, "height": 640}}
NOT_PAGES = {
    "public.exit",
    "public.brand",
    "my.copy_json",
    "my.copy_csv",
    "caseload.letter_fhir",
    "caseload.letter_text_file",
}
LOOKED_AT_ELSEWHERE = ("public.", "journeys.", "open_referral.")
"""Every page of the form: test_referral.py. Open Referral speaks to machines: test_open_referral.py."""
TAKES_THE_VISIT = {"visits.locked"}


@dataclass(frozen=True)
class Everything:
    """A running portal in which everything exists, and somebody there whose page is full."""

    live: Live
    app: Flask
    world: World
    full: dict[str, str]  # addresses of the person with much to show, by what is there

    def rules(self) -> list[Rule]:
        """The pages to look at; those that end a visit last."""
        found = [
            rule
            for rule in everything.rules(self.app, method="GET")
            if rule.endpoint not in NOT_PAGES
            and not rule.endpoint.startswith(LOOKED_AT_ELSEWHERE)
            and door(self.app, rule.endpoint) is not None
            and rule.endpoint != "static"
        ]
        return sorted(found, key=lambda rule: rule.endpoint in TAKES_THE_VISIT)

    def address(self, rule: Rule, language: str) -> str:
        return f"/{language}{everything.address(self.app, self.world, rule)}"


@pytest.fixture(scope="module", params=["en", "ur"])
def language(request: pytest.FixtureRequest) -> str:
    """The language of the pages; each has a portal of its own, for forms are sent."""
    return str(request.param)


@pytest.fixture(scope="module")
def portal(
    language: str, environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Everything]:
    folder = tmp_path_factory.mktemp("everything")
    made = everything.build(environment, migrated_sqlite, folder / "portal.sqlite")
    app = everything.app_on(environment, made.file)
    with serve({**environment, "PORTAL_SERVICE": "here"}, f"sqlite:///{made.file}", folder) as running:
        with running.stores.writing.begin() as store:
            full = _somebody_with_much_to_show(store, made)
        yield Everything(running, app, made, full)
    app.extensions["stores"].engine.dispose()


SCREEN = "a screen in a waiting room"
PROTOCOL = {part: f"Made up: {part}" for part in catalogue()["phq9"].protocol}


def _somebody_with_much_to_show(store: Session, made: World) -> dict[str, str]:
    service = services.find(store, "here")
    assert service
    manager, worker = made.members[Role.MANAGER].actor, made.members[Role.LINK_WORKER].actor
    services.change(store, manager, {"commissioned_by_nhs": True})
    measures.record_protocol(store, manager, "phq9", PROTOCOL)
    measures.turn_on(store, manager, "phq9")
    referral, number = two_check_ins_and_two_goals(store, service, worker, email="full@inbox.example")
    keys = {"full": codes.new_key(), "risk": codes.new_key(), "words": codes.new_key(), "again": codes.new_key()}
    reads(store, service, referral, number, key=keys["full"])
    for kind, scales in (("risk", ["phq9"]), ("words", ["phq9"]), ("again", ["ons4"])):
        asked = check_in(store, somebody(store, service, worker, email=f"{kind}@inbox.example").referral)
        asked.scales = scales
        store.flush()
        if kind != "words":  # so that English is shown, whatever the language of the page is
            feedback.begin(store, service, asked, language="ur", completed_by="interpreter")
        accounts.open_for_check_in(store, service, asked, keys[kind], "en")
        if kind == "again":
            link = measures.new_link(store, asked)
    screen = codes.new_key()
    accounts.make_kiosk(store, made.members[Role.ADMINISTRATOR].actor, "Waiting room", screen)
    other = referrals.accept(store, service, manager, a_referral(store, service, first_name="Nia").id)
    other.assigned_to = UUID(made.ids["here"]["staff_id"])  # somebody else's: nobody reads it without a reason
    return {**keys, "referral": str(referral.id), "link": link, SCREEN: screen, "elsewhere": str(other.id)}


# Who comes -----------------------------------------------------------------------------------------------------------


def comes(context: BrowserContext, portal: Everything, who: str | Role | None) -> Page:
    """A browser with a visit of this kind, of the staff, or of nobody."""
    cookies = {}
    if isinstance(who, Role):
        cookies["staff"] = portal.world.tokens[who]
    elif who == SCREEN:
        cookies["kiosk"] = portal.full[SCREEN]
    elif who:
        cookies[VISIT] = portal.full.get(who) or portal.world.ids["here"][f"visit {who}"]
    context.add_cookies(
        [{"name": name, "value": key, "url": portal.live.address, "httpOnly": True} for name, key in cookies.items()]
    )
    return context.new_page()


def who_opens(portal: Everything, rule: Rule) -> str | Role | None:
    wanted = door(portal.app, rule.endpoint)
    if isinstance(wanted, Mine):
        return "read"
    return everything.who_may(portal.app, rule) if isinstance(wanted, Permission) else None


def turn_of(language: str, number: int) -> bool:
    """Whether a page-state is this language's: axe reads each of them once in `make test`, in English or in Urdu by
    turns, and in both in `make test-deep`."""
    return conftest.DEEP or number % 2 == ("en", "ur").index(language)


Look = Callable[..., None]

TOO_SMALL = """() => {
    // WCAG 2.5.8 word for word: 24 px, or so far from the next target that circles of 24 px do not meet.
    const big = 'button,.nhsuk-button,input,select,textarea,.portal-bar a';
    const free = '[aria-hidden],p,.nhsuk-u-visually-hidden,.nhsuk-skip-link,.nhsuk-error-summary';
    const all = [...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,textarea,summary')]
        .filter(e => !e.closest(free)).map(e => [e, e.getBoundingClientRect()]).filter(([_, box]) => box.width);
    const far = (one, other) => {
        const x = (one.left + one.right) / 2, y = (one.top + one.bottom) / 2;
        const small = other.height < 24 || other.width < 24;
        const dx = small ? x - (other.left + other.right) / 2 : Math.max(other.left - x, 0, x - other.right);
        const dy = small ? y - (other.top + other.bottom) / 2 : Math.max(other.top - y, 0, y - other.bottom);
        return Math.hypot(dx, dy) >= (small ? 24 : 12);
    };
    return all.filter(([e, box]) => (e.matches(big) && box.height < 44)
            || ((box.height < 24 || box.width < 24) && all.some(([f, other]) => f !== e && !far(box, other))))
        .map(([e, box]) => `${e.outerHTML.slice(0, 90)} ${box.width} x ${box.height}`);
}"""

SPACED_OUT = """() => {
    const sheet = new CSSStyleSheet();
    sheet.insertRule('* { line-height: 1.5; letter-spacing: .12em !important; word-spacing: .16em !important }');
    sheet.insertRule('p { margin-bottom: 2em !important }');
    document.adoptedStyleSheets = [sheet];
    return [...document.querySelectorAll('body *:not(input,textarea,select)')]
        .filter(e => getComputedStyle(e).overflow === 'hidden' && e.scrollHeight > e.clientHeight + 2)
        .filter(e => !e.closest('.nhsuk-u-visually-hidden,.nhsuk-skip-link,.nhsuk-table__head,[aria-hidden],svg'))
        .map(e => e.outerHTML.slice(0, 80));
}"""


@pytest.fixture
def look(axe: Callable[..., None]) -> Look:
    """Everything about a page-state that a browser can tell. The page is not fit for use afterwards."""

    def at(page: Page, *, by_axe: bool = True) -> None:
        if by_axe:
            axe(page)
        then_it_fits(page)
        assert page.evaluate(TOO_SMALL) == [], page.url
        page.set_viewport_size({"width": 360, "height": 640})
        assert page.evaluate(SPACED_OUT) == [], page.url
        assert overflowing(page) == [], f"{page.url}, spaced out"
        page.set_viewport_size(SMALL["viewport"])

    return at


@dataclass
class Findings:
    """What was found wrong, page by page: one page does not hide the next."""

    found: list[str] = field(default_factory=list)
    seen: int = 0

    def of(self, look: Look, page: Page, what: str, *, by_axe: bool = True) -> None:
        self.seen += 1
        try:
            look(page, by_axe=by_axe)
        except AssertionError as wrong:
            self.found.append(f"{what}: {wrong}")

    def then_there_are_none(self, at_least: int) -> None:
        assert self.found == [], "\n\n".join(self.found)
        assert self.seen >= at_least, "hardly anything was looked at"


# Every address -------------------------------------------------------------------------------------------------------


def test_every_page_is_fit_for_people(portal: Everything, new_context: MakeContext, look: Look, language: str) -> None:
    findings, pages = Findings(), _pages(portal, new_context)
    for order, rule in enumerate(portal.rules()):
        if language == "en" and not turn_of(language, order):
            continue  # the longer words, from right to left, are those that do not fit
        page = pages(who_opens(portal, rule))
        answer = page.goto(portal.address(rule, language))
        assert answer
        assert answer.status < 500, page.url
        findings.of(look, page, rule.endpoint, by_axe=turn_of(language, order))
    findings.then_there_are_none(70)


def _pages(portal: Everything, new_context: MakeContext) -> Callable[[str | Role | None], Page]:
    """One page for each kind of person."""
    made: dict[str | Role | None, Page] = {}

    def page_of(who: str | Role | None) -> Page:
        if who not in made:
            made[who] = comes(new_context(portal.live.address, **SMALL), portal, who)
        return made[who]

    return page_of


OPEN_ALL = "document.querySelectorAll('details').forEach((one) => (one.open = true))"
FULL = ("my", "my/copy", "my/who-looked", "my/details", "my/stop", "my/erase", "goals", "goals/new", "check-in/done")
FULL_FOR_STAFF = ("", "/plan", "/goals", "/their-page")
IN_ANOTHER_STATE = (
    "referrals/{ended_referral_id}",
    "referrals/{paused_referral_id}",
    "referrals/{accepted_referral_id}",
    "letters/{told_letter_id}",
    "letters/{withdrawn_letter_id}",
    "onward/{forbidden_onward_id}",
    "onward/{forbidden_onward_id}/share",
)
"""Pages whose address is looked at already, with a record in another state."""


def test_the_pages_of_somebody_with_much_to_show_are_fit_for_people(
    portal: Everything, new_context: MakeContext, look: Look, language: str
) -> None:
    findings, page = Findings(), comes(new_context(portal.live.address, **SMALL), portal, "full")
    for path in FULL:
        page.goto(f"/{language}/{path}")
        page.evaluate(OPEN_ALL)
        findings.of(look, page, path)
    staff = comes(new_context(portal.live.address, **SMALL), portal, Role.LINK_WORKER)
    for path in FULL_FOR_STAFF:
        answer = staff.goto(f"/{language}/staff/referrals/{portal.full['referral']}{path}")
        assert answer
        assert answer.status == 200, staff.url
        findings.of(look, staff, f"staff {path}")
    for path in IN_ANOTHER_STATE:
        answer = staff.goto(f"/{language}/staff/{path.format(**portal.world.ids['here'])}")
        assert answer
        assert answer.status == 200, staff.url
        findings.of(look, staff, path)
    findings.then_there_are_none(len(FULL) + len(FULL_FOR_STAFF) + len(IN_ANOTHER_STATE))


# What is reached by presses only -------------------------------------------------------------------------------------


def _fill(**fields: str) -> Callable[[Page], None]:
    def do(page: Page) -> None:
        for name, value in fields.items():
            page.locator(f'main [name="{name}"]').first.fill(value)

    return do


def _choose(name: str, value: str) -> Callable[[Page], None]:
    return lambda page: page.check(f'[name="{name}"][value="{value}"]')


def _press(what: str) -> Callable[[Page], None]:
    return lambda page: press(page, what)


def _open(path: str) -> Callable[[Page], None]:
    """Type an address of the same language."""

    def do(page: Page) -> None:
        page.goto(page.url[: page.url.index("/goals")] + path)

    return do


def _forge(name: str) -> Callable[[Page], None]:
    """What no page offers: somebody changed the page."""

    def do(page: Page) -> None:
        page.locator(f'[name="{name}"]').first.check()
        page.locator(f'[name="{name}"]').first.evaluate("one => { one.value = 'forged' }")

    return do


BUTTON = "main form button.nhsuk-button"


NO_CARD = {"reference": "K7QF-2M9T-1", "number": "123 456 789 012"}
THEIR_PAGE = "staff/referrals/FULL/their-page"
READING = 'form[action$="/reading"] button'


@dataclass(frozen=True)
class State:
    """A page that an address alone does not reach: who opens which page, and what they do there."""

    name: str
    who: str | Role | None
    path: str
    acts: Sequence[Callable[[Page], None]]


STATES = (
    State(
        "the code of an email, a mistake",
        None,
        "your-page",
        (_fill(email="full@inbox.example"), _press(BUTTON), _press(BUTTON)),
    ),
    State("no address", None, "your-page", (_fill(email="nobody"), _press(BUTTON))),
    State("a wrong card", None, "your-page/card", (_fill(**NO_CARD), _press(BUTTON))),
    State("a link that is over", None, "c/" + "A" * 43, (_press(BUTTON),)),
    State("the first question by a link", None, "c/LINK", (_press(BUTTON),)),
    State("a forged answer", "risk", "check-in", (_forge("phq_1"), _press(CONTINUE))),
    State("a risky answer", "risk", "check-in/phq9/phq-9", (_choose("phq_9", "several_days"), _press(CONTINUE))),
    State("saved for later", "risk", "check-in", (_press('button[value="save"]'),)),
    State("no words in this language", "words", "check-in", ()),
    State("everything skipped", "again", "check-in", (_press('button[value="skip"]'),) * 4),
    State("a goal with no words", "goal", "goals/new", (_press(CONTINUE),)),
    State("a goal without a word, waiting", "goal", "goals/new", (_press(CONTINUE), _open("/goals/waiting"))),
    State("the list beside a goal without a word", "read", "goals/new", (_press(CONTINUE), _open("/goals"))),
    State("a compliment", None, "feedback/compliment", (_fill(comment_words="They were kind."), _press(BUTTON))),
    State("a complaint", None, "feedback/complaint", (_fill(comment_words="Nobody rang."), _press(BUTTON))),
    State("an experience", None, "feedback/experience", (_press(BUTTON),)),
    State("the question about the service", None, "feedback/friends-and-family", (_press(BUTTON),)),
    State("an answer that is not there", None, "feedback/answer", (_fill(**NO_CARD), _press(BUTTON))),
    State("erasure asked for", "full", "my/erase", (_press(BUTTON),)),
    State("a form stopped", "full", "my/stop", (_press(BUTTON),)),
    State("a code to hand over", Role.LINK_WORKER, THEIR_PAGE, (_press('form[action$="/code"] button'),)),
    State("why a record is read, with no reason", Role.LINK_WORKER, "staff/referrals/ELSEWHERE", (_press(BUTTON),)),
    State("a screen in a waiting room", SCREEN, "kiosk", ()),
    State("the form on a screen", SCREEN, "kiosk", (_press("main a.nhsuk-button"),)),
    State("reading off", Role.LINK_WORKER, THEIR_PAGE, (_press(READING),)),
    State("reading on without a word", Role.LINK_WORKER, THEIR_PAGE, (_press(READING),)),
)


def test_what_is_reached_by_presses_alone_is_fit_for_people(
    portal: Everything, new_context: MakeContext, look: Look, language: str
) -> None:
    findings = Findings()
    places = list(dict.fromkeys((state.who, state.path) for state in STATES))  # what happens in one follows on
    mine = [state for state in STATES if turn_of(language, places.index((state.who, state.path)))]
    assert len(mine) >= len(STATES) // 3
    for state in mine:
        page = comes(new_context(portal.live.address, **SMALL), portal, state.who)
        path = state.path.replace("FULL", portal.full["referral"]).replace("LINK", portal.full["link"])
        path = path.replace("ELSEWHERE", portal.full["elsewhere"])
        page.goto(f"/{language}/{path}")
        try:
            for act in state.acts:
                act(page)
        except Error as wrong:
            findings.found.append(f"{state.name} is not reached at {page.url}: {wrong.message[:300]}")
        else:
            findings.of(look, page, state.name)
        page.context.close()
    findings.then_there_are_none(len(mine))


# Last, for it changes things: every form with nothing in it ------------------------------------------------------

FORMS = "main form[method=post][novalidate]"
EMPTIED = """form => {
    const fields = "input:is([type=text],[type=email],[type=tel],:not([type])),textarea";
    form.querySelectorAll(fields).forEach((one) => (one.value = ""));
}"""


def test_every_form_sent_with_nothing_in_it_answers_with_a_page_that_is_fit_for_people(
    portal: Everything, new_context: MakeContext, look: Look, language: str
) -> None:
    findings, pages, mistakes = Findings(), _pages(portal, new_context), 0
    for order, rule in enumerate(portal.rules()):
        if not turn_of(language, order):
            continue
        who, address = who_opens(portal, rule), portal.address(rule, language)
        page = pages(who)
        there = page.context.request.get(address).text().count(" novalidate")  # drawn only where there is a form
        for number in range(there):
            page.goto(address)
            page.evaluate(OPEN_ALL)
            form = page.locator(FORMS).nth(number)
            if form.count() == 0:
                break
            form.evaluate(EMPTIED)
            button = form.locator("button:not([aria-hidden=true],[value=back],[value=save],[value=skip])").first
            with page.expect_navigation() as leads_to:
                button.click()
            answer = leads_to.value
            if answer.request.method == "POST":  # not somewhere else: it is the answer itself
                mistakes += answer.status == 422
                findings.of(look, page, f"{rule.endpoint}, form {number + 1}")
    least = 20 if conftest.DEEP else 10  # half of them are the other language's
    findings.then_there_are_none(least)
    assert mistakes >= least
