"""Make the README's pictures: a real portal with made-up people, in a real browser on a small phone.

python -m tools.screenshots            writes docs/screenshots/*.png
python -m tools.screenshots FOLDER     writes more, in English, Urdu and without JavaScript, to look at
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select

from bench.portal import running
from portal import codes, demo, services
from portal.access import Role
from portal.store import Letter, Referral, Risk, Service
from portal.web.messages import Renderer
from tests import world
from tests.browser.conftest import NAMES, PHONE, QUIET
from tests.live import Live

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
WIDE = {"viewport": {"width": 1100, "height": 900}}
NEXT = "form#page button.nhsuk-button:not([name])"


@contextmanager
def _shown() -> Iterator[tuple[Live, Browser, world.Member]]:
    executable = next((found for name in NAMES if (found := shutil.which(name))), None)
    with running(workers=1, service=False) as portal, sync_playwright() as playwright:
        demo.set_up(portal.stores, Renderer(portal.settings.public_url, None), how_many=60)
        with portal.stores.writing.begin() as store:
            service = store.scalars(select(Service)).one()
            manager = world.staff_member(store, service, Role.MANAGER, name="Mo Made-Up")
        chromium = playwright.chromium.launch(executable_path=executable, args=[*QUIET, "--no-sandbox"])
        yield portal, chromium, manager
        chromium.close()


def _fill(page: Page, what: str, value: str = "") -> None:
    field = page.locator(what)
    if field.count() == 0:
        return
    if value:
        field.first.fill(value)
    else:
        field.first.check()


def _walk(page: Page, language: str, folder: Path, name: str) -> None:
    page.goto(f"/{language}/")
    page.screenshot(path=folder / f"start-{name}.png", full_page=True)
    page.goto(f"/{language}/refer/who-for")
    for _ in range(30):
        slug = page.url.split("?")[0].rsplit("/", 1)[-1]
        page.screenshot(path=folder / f"{slug}-{name}.png", full_page=True)
        if slug == "check-your-answers":
            with page.expect_navigation():
                page.click("main form button.nhsuk-button")
            page.screenshot(path=folder / f"sent-{name}.png", full_page=True)
            return
        if slug == "help":
            with page.expect_navigation():
                page.click("main a.nhsuk-button")
            continue
        for what in ('[value="me"]', '[value="call"]', '[value="come-back"]', '[value="loneliness"]',
                     '[value="not-safe"]'):  # fmt: skip
            _fill(page, what)
        for what, value in {
            "#postcode": "AB10 1AB",
            "#date_of_birth": "27 3 1965",
            "#first_name": "Ann Example",
            "#phone": "07700 900123",
            "#what_matters": "I would like some company. میں اکیلی ہوں",
        }.items():
            _fill(page, what, value)
        with page.expect_navigation():
            page.click(NEXT)


def _open_own_page(page: Page, card: demo.DemonstrationCard, language: str) -> None:
    page.goto(f"/{language}/your-page/card")
    page.fill("#reference", card.reference)
    page.fill("#number", card.number)
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")


def _own_page(page: Page, portal: Live, folder: Path, name: str, language: str) -> None:
    """The sign-in, the page itself, a check-in's first page and a goal; in Urdu of somebody who reads it."""
    for shown, path in (
        ("your-page", "your-page"),
        ("card", "your-page/card"),
        ("worker-code", "your-page/worker-code"),
    ):
        page.goto(f"/{language}/{path}")
        page.screenshot(path=folder / f"{shown}-{name}.png", full_page=True)
    with portal.stores.reading() as store:
        cards = demo.cards(store, services.find(store, demo.SLUG))
    _open_own_page(page, next(card for card in cards if card.language == language), language)
    page.screenshot(path=folder / f"own-page-{name}.png", full_page=True)
    for shown, path in (
        ("check-in", "check-in"),
        ("goals", "goals"),
        ("goal-new", "goals/new"),
        ("who-looked", "my/who-looked"),
        ("copy", "my/copy"),
        ("stop", "my/stop"),
        ("erase", "my/erase"),
        ("reading-off", "your-page/reading-off"),
    ):
        page.goto(f"/{language}/{path}")
        page.screenshot(path=folder / f"{shown}-{name}.png", full_page=True)
    page.goto(f"/{language}/goals")
    page.locator('main a[href*="/goals/"]:not([href*="/new"]):not([href$="/rate"])').first.click()
    page.wait_for_load_state()
    page.screenshot(path=folder / f"goal-{name}.png", full_page=True)
    page.goto(page.url.rstrip("/") + "/rate")
    page.screenshot(path=folder / f"goal-rate-{name}.png", full_page=True)


def _said(page: Page, folder: Path, name: str, language: str) -> None:
    for shown, path in (
        ("feedback", "feedback"),
        ("friends-and-family", "feedback/friends-and-family"),
        ("complaint", "feedback/complaint"),
        ("feedback-answer", "feedback/answer"),
        ("you-said", "you-said-we-did"),
    ):
        page.goto(f"/{language}/{path}")
        page.screenshot(path=folder / f"{shown}-{name}.png", full_page=True)


def _sign_in(page: Page, member: world.Member, language: str) -> None:
    page.goto(f"/{language}/staff/sign-in")
    page.fill("#email", member.email)
    page.fill("#password", member.password)
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")
    page.fill("#code", member.recovery_codes.pop())
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")


def _staff(page: Page, portal: Live, manager: world.Member, folder: Path, name: str, language: str) -> None:
    _sign_in(page, manager, language)
    case, answered = _a_case(portal), _a_case_that_answered(portal)
    for shown, path in (
        ("inbox", "inbox"),
        ("case", case),
        ("case-answered", answered),
        ("case-goals", f"{answered}/goals"),
        ("their-page", f"{answered}/their-page"),
        ("decline", f"{case}/decline"),
        ("alerts", "alerts"),
        ("tasks", "tasks"),
        ("scales", "scales"),
        ("scale-who5", "scales/who5"),
        ("scale-phq9", "scales/phq9"),
        ("comments", "comments"),
        ("experience", "experience"),
        ("you-said-edit", "you-said-we-did"),
        ("erasures", "erasures"),
        ("team", "team"),
        ("rota", "rota"),
    ):
        page.goto(f"/{language}/staff/{path}")
        page.screenshot(path=folder / f"{shown}-{name}.png", full_page=True)
    for shown, path, link in (
        ("comment", "comments", 'main a[href*="/comments/"]'),
        ("erasure", "erasures", 'main a[href*="/erasures/"]'),
        ("check-in-entry", answered, 'main a[href*="/check-ins/"]'),
    ):
        page.goto(f"/{language}/staff/{path}")
        if page.locator(link).count():
            page.goto(page.locator(link).first.get_attribute("href") or "")
            page.screenshot(path=folder / f"{shown}-{name}.png", full_page=True)


def _link_worker(browser: Browser, portal: Live, folder: Path) -> None:
    """The day of the demonstration's link worker, small and wide: one sign-in, since a code works once."""
    small = {**PHONE, "viewport": {"width": 360, "height": 800}}
    context = browser.new_context(base_url=portal.address, **small)
    with portal.stores.reading() as store:
        lin = demo.sign_ins(store, services.find(store, demo.SLUG))[0]
    page = context.new_page()
    page.goto("/en/staff/sign-in")
    for field, typed in (("#email", lin.email), ("#password", lin.password), ("#code", lin.code)):
        if field == "#code":
            with page.expect_navigation():
                page.click("main form button.nhsuk-button")
        page.fill(field, typed)
    with page.expect_navigation():
        page.click("main form button.nhsuk-button")
    signed_in = context.storage_state()
    context.close()
    for name, screen in (("360", small), ("1100", WIDE)):
        context = browser.new_context(base_url=portal.address, storage_state=signed_in, **screen)
        _working_day(context.new_page(), _cases_of(portal), folder, name)
        context.close()


def _cases_of(portal: Live) -> dict[str, str]:
    """Cases to look at, by what is to be seen of them."""
    asked = {
        "case-triage": select(Referral).join(Risk, Risk.person_id == Referral.person_id, isouter=True)
        .where(Referral.status == "accepted", Referral.first_contact_at.is_not(None), Risk.id.is_(None)),
        "case-hold": select(Referral).where(Referral.status == "on-hold"),
        "case-closed": select(Referral).join(Letter, Letter.referral_id == Referral.id)
        .where(Referral.status == "closed", Letter.state == "waiting"),
        "case-new": select(Referral).where(Referral.status == "submitted").order_by(Referral.due_at.desc()),
    }  # fmt: skip
    with portal.stores.reading() as store:
        found = {name: store.scalars(query.limit(1)).first() for name, query in asked.items()}
        return {name: f"referrals/{one.id}" for name, one in found.items() if one} | {
            "case-open": _a_case_that_answered(portal)
        }


def _working_day(page: Page, cases: dict[str, str], folder: Path, name: str) -> None:
    def shoot(shown: str, path: str) -> None:
        page.goto(path if path.startswith("/") else f"/en/staff/{path}")
        page.screenshot(path=folder / f"{shown}-{name}.png", full_page=True)

    def first(shown: str, path: str, link: str) -> None:
        """The first page to which such a link leads."""
        page.goto(path if path.startswith("/") else f"/en/staff/{path}")
        if href := page.locator(link).first.get_attribute("href") if page.locator(link).count() else None:
            shoot(shown, href)

    for shown, path in (
        ("today", "today"),
        ("caseload", "caseload"),
        ("caseload-all", "caseload?whose=all&sort=name"),
        ("search", "search"),
        ("inbox", "inbox"),
        ("tasks", "tasks"),
        ("alerts", "alerts"),
        ("letters", "letters"),
        ("practices", "practices?q=made"),
        ("activities", "activities?need=loneliness&near=AB1+1XX"),
        ("entry", "entry/"),
    ):
        shoot(shown, path)
    for shown, path in cases.items():
        shoot(shown, path)
    case, closed = cases["case-open"], cases.get("case-closed", cases["case-open"])
    for part in (
        *("care-plan", "care-plan/change", "care-plan/agree", "care-plan/versions", "contacts/new", "risks"),
        *("access-needs", "gp-practice", "notes", "timeline", "safeguarding", "onward/find", "close", "hold", "give"),
        *("move", "alert"),
    ):
        shoot(part.replace("/", "-"), f"{case}/{part}")
    shoot("reopen", f"{closed}/reopen")
    first("activity", "activities?need=loneliness", 'main a[href*="/staff/activities/"]')
    first("contact", case, 'main a[href*="/contacts/"]:not([href$="/new"])')
    first("onward-step", case, 'main a[href*="/staff/onward/"]')
    first("onward-new", f"{case}/onward/find", 'main a[href*="/onward/new"]')
    first("care-plan-action", f"{case}/care-plan", 'main a[href*="/care-plan/actions/"]')
    first("letter-sent", case, 'main a[href*="/staff/letters/"]')
    first("letter-waiting", closed, 'main a[href*="/staff/letters/"]')
    first("alert-open", "alerts", 'main a[href*="/staff/alerts/"]')
    first("reason", "caseload?whose=all", 'main a[href*="/reason"]')


def look(folder: Path) -> None:
    """Everything, to look at."""
    folder.mkdir(parents=True, exist_ok=True)
    with _shown() as (portal, browser, manager):
        _link_worker(browser, portal, folder)
        for name, language, javascript in (("en", "en", True), ("ur", "ur", True), ("en-no-script", "en", False)):
            context = browser.new_context(base_url=portal.address, java_script_enabled=javascript, **PHONE)
            _walk(context.new_page(), language, folder, name)
            page = context.new_page()
            _said(page, folder, name, language)
            _own_page(page, portal, folder, name, language)
            context.close()
        for name, language, screen in (("en", "en", PHONE), ("ur", "ur", PHONE), ("en-wide", "en", WIDE)):
            context = browser.new_context(base_url=portal.address, **screen)
            _staff(context.new_page(), portal, manager, folder, name, language)
            context.close()


def pictures() -> None:
    """The four of the README."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _shown() as (portal, browser, manager):
        context = browser.new_context(base_url=portal.address, **PHONE)
        page = context.new_page()
        page.goto("/en/")
        page.screenshot(path=FOLDER / "start-en.png")
        page.goto("/ur/refer/who-for")
        for _ in range(3):
            for what in ('[value="me"]',):
                _fill(page, what)
            for what, value in {"#postcode": "AB10 1AB", "#date_of_birth": "1965", "#first_name": "Ann"}.items():
                _fill(page, what, value)
            with page.expect_navigation():
                page.click(NEXT)
        page.screenshot(path=FOLDER / "safe-contact-ur.png")
        context.close()
        context = browser.new_context(base_url=portal.address, **PHONE)
        page = context.new_page()
        whole = Path(FOLDER / ".all")
        whole.mkdir(exist_ok=True)
        _staff(page, portal, manager, whole, "en", "en")
        shutil.rmtree(whole)
        for name, path in (("inbox", "inbox"), ("case", _a_case(portal))):
            page.goto(f"/en/staff/{path}")
            page.screenshot(path=FOLDER / f"{name}.png")
        context.close()


def _a_case(portal: Live) -> str:
    with portal.stores.reading() as store:
        waiting = select(Referral).where(Referral.status == "submitted").order_by(Referral.due_at.desc())
        return f"referrals/{store.scalars(waiting.limit(1)).one().id}"


def _a_case_that_answered(portal: Live) -> str:
    """Of whom there are goals and check-ins to see."""
    with portal.stores.reading() as store:
        sent_by = codes.digest(demo.card_key(demo.CARDS[0]))
        return f"referrals/{store.scalars(select(Referral).where(Referral.sent_key_hash == sent_by)).one().id}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        look(Path(sys.argv[1]))
    else:
        pictures()
