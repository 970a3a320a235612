"""Check-ins in a real browser on a small phone: from the message to the first question, every option of every scale in
both directions, and with the keyboard alone."""

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request
from sqlalchemy import select

from portal import clock, codes, feedback, i18n, measures, notifications
from portal.feedback import GOALS
from portal.instruments import State, catalogue
from portal.journeys.goal_setting import CLOSENESS, GOAL_SETTING
from portal.journeys.wellbeing_check import slug_of
from portal.store import CheckInLink, FriendsAndFamily, GoalRating, ItemAnswer, MeasureResponse, ScaleText
from portal.web.messages import Renderer
from tests.arriving import somebody
from tests.asked import Kept, a_case, check_in, with_made_up_words
from tests.browser.coming import CONTINUE, Team, a_team, press, then_it_fits, with_key
from tests.browser.conftest import MakeContext
from tests.browser.test_look import COVERED
from tests.live import Live
from tests.lived import a_goal, reads


@pytest.fixture(scope="module")
def team(live: Live) -> Team:
    return a_team(live)


# From the message to the first question -------------------------------------------------------------------------------


def given_the_link_of_a_message(live: Live, team: Team, email: str) -> tuple[str, uuid.UUID]:
    """The address in the message that the plan and the post really sent, at an hour when they send."""
    transport = Kept()
    began = clock.now() - timedelta(days=6)
    with live.stores.writing.begin() as store, clock.at(began):
        referral = a_case(store, team.service(store), team.worker.actor, email=email)
        wanted = check_in(store, referral).id
    render = Renderer(live.settings.public_url, live.settings.service)
    for hours in range(1, 24 * 6, 4):
        with clock.at(began + timedelta(hours=hours)):
            with live.stores.writing.begin() as store:
                measures.remind(store, team.service(store))
            notifications.deliver(live.stores, transport, render)
    words = " ".join(one.words.body for _, one in transport.sent if one.to == email).split()
    links = [word for word in words if "/c/" in word]
    assert links, "nothing was sent"
    return links[-1], wanted


def _spent(live: Live, check_in_id: uuid.UUID) -> bool:
    with live.stores.reading() as store:
        links = store.scalars(select(CheckInLink).where(CheckInLink.check_in_id == check_in_id)).all()
        return any(link.used_at for link in links)


def documents_of(page: Page) -> list[str]:
    """Fills up with each page that is asked for: its method and the address's kind."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if request.is_navigation_request():
            asked.append(f"{request.method} {'link' if '/c/' in request.url else request.url}")

    page.on("request", note)
    return asked


@pytest.mark.parametrize("javascript", [True, False])
def test_from_the_message_to_the_first_question_are_two_requests(
    live: Live, team: Team, new_context: MakeContext, javascript: bool
) -> None:
    link, which = given_the_link_of_a_message(live, team, f"tapped-{javascript}@inbox.example")
    page = new_context(java_script_enabled=javascript).new_page()
    asked = documents_of(page)
    page.goto(link)
    then_it_fits(page)
    assert "Zofia" not in page.inner_text("body")
    assert not _spent(live, which)
    press(page, "main form button")
    assert asked == ["GET link", "POST link"]
    first = page.locator("form#page input[type=radio]").first
    assert first.get_attribute("name") == "satisfied"
    assert first.is_visible()
    assert _spent(live, which)
    then_it_fits(page)
    page.locator("form#page label").nth(7).click()
    press(page, CONTINUE)
    assert page.url.endswith("/check-in/ons4/worthwhile")
    page.goto(link)  # the same person again, by the same message: they are there already
    press(page, "main form button")
    assert page.locator("form#page input[type=radio]").count() > 0


def test_looking_at_a_link_in_any_way_a_machine_can_spends_nothing(
    live: Live, team: Team, new_context: MakeContext
) -> None:
    link, which = given_the_link_of_a_message(live, team, "scanned@inbox.example")
    scanner = new_context()
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        assert scanner.request.fetch(link, method=method).status in (200, 204)
    for headers in ({"Sec-Purpose": "prefetch"}, {"Purpose": "prefetch"}, {"X-Moz": "prefetch"}):
        scanner.request.get(link, headers=headers)
        scanner.request.post(link, headers=headers)
    other = scanner.new_page()
    other.goto("/en/privacy")
    path = link.removeprefix(live.address)
    other.evaluate(
        """async (path) => {
            for (const rel of ["prefetch", "prerender", "preload"]) {
                const ahead = Object.assign(document.createElement("link"), {rel, href: path, as: "document"});
                document.head.append(ahead);
            }
            for (const method of ["GET", "HEAD", "POST"])
                await fetch(path, {method, credentials: "include"}).catch(() => {});
            const [, token] = (await (await fetch(path)).text()).match(/name="csrf_token" value="([^"]+)"/);
            await fetch(path, {method: "POST", body: new URLSearchParams({csrf_token: token})});
        }""",
        path,
    )
    other.wait_for_timeout(300)
    assert not _spent(live, which)
    page = new_context().new_page()
    page.goto(link)
    press(page, "main form button")
    assert page.locator("form#page input[type=radio]").first.get_attribute("name") == "satisfied"
    assert _spent(live, which)
    late = new_context().new_page()
    late.goto(link)
    press(late, "main form button")
    assert late.locator("form#page").count() == 0, "it opens once"
    then_it_fits(late)


# Every scale, every option, in both directions ------------------------------------------------------------------------


TALL = {"viewport": {"width": 360, "height": 2400}, "device_scale_factor": 1}
"""A whole page at once: nothing has to scroll before it is pressed."""

PROTOCOL = {part: f"Made up: {part}" for part in catalogue()["phq9"].protocol}


def scales_that_are_asked() -> list[str]:
    """Every scale whose words the project itself carries, and that a person answers on these pages."""
    return [
        key
        for key, one in catalogue().items()
        if one.state is not State.GATED and one.wordings and one.items and key not in ("fft", GOALS)
    ]


def in_both_directions() -> Iterator[Any]:
    """Each scale in each direction. `make test` takes a scale for each kind of page (numbers, words, a risky answer) in
    both, and the others by turns; `make test-deep` takes all."""
    both = ("ons4", "who5", "phq9")
    for number, scale in enumerate(scales_that_are_asked()):
        for turn, language in enumerate(("en", "ur")):
            now = scale in both or number % 2 == turn
            yield pytest.param(scale, language, marks=() if now else pytest.mark.deep)


@dataclass(frozen=True)
class Place:
    """One page of a check-in, and its answers in the order of the form: code, number, words."""

    scale: str
    item: str
    options: tuple[tuple[str, int | None, str], ...]


FROM_THE_TOP = """(name) => [...document.querySelectorAll(`input[name="${name}"]`)]
    .map(e => ({id: e.id, words: e.labels[0].innerText.trim(), top: e.labels[0].getBoundingClientRect().top}))
    .sort((one, other) => one.top - other.top)"""


SENT_AND_TAKEN = """async () => {
    const form = document.querySelector("form#page");
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.action, {method: "POST", body, redirect: "manual"});
    return answer.type === "opaqueredirect" || answer.ok;  // on, or to the page with help
}"""


@dataclass
class Asked:
    """A check-in in which every page is answered again and again; the goal at its end is rated last."""

    live: Live
    team: Team
    check_in_id: uuid.UUID
    page: Page
    language: str
    chosen: dict[tuple[str, str], list[tuple[str, int | None]]] = field(default_factory=dict)

    def places(self) -> list[Place]:
        """What is asked, in the words that are shown."""
        with self.live.stores.reading() as store:
            service = self.team.service(store)
            asked = feedback.find(store, service.id, self.check_in_id)
            return [
                Place(one.scale, item.code, tuple(_options(one, item.code)))
                for one in feedback.look(store, service, asked, language=self.language)
                for item in one.instrument.items
            ]

    def answer(self, where: Place, place: int, button: str = CONTINUE) -> None:
        """Open the page if it is not there already, press the words at this place from the top, go on."""
        self._choose(where, place)
        press(self.page, button)

    def answer_and_stay(self, where: Place, place: int) -> None:
        """The same without the next page: what the form would send is sent, and taken."""
        self._choose(where, place)
        assert self.page.evaluate(SENT_AND_TAKEN), (where.item, place)

    def _choose(self, where: Place, place: int) -> None:
        address = f"/{self.language}/check-in/{where.scale}/{slug_of(where.item)}"
        if not self.page.url.endswith(address):
            self.page.goto(address)
        code, value, _ = where.options[place]
        name = CLOSENESS if where.scale == GOALS else where.item
        shown = self.page.evaluate(FROM_THE_TOP, name)
        for one, (_, number, said) in zip(shown, where.options, strict=False):
            assert _reads(one["words"], number, said), (address, one["words"], number, said)
        self.page.locator(f'label[for="{shown[place]["id"]}"]').click()
        self.chosen.setdefault((where.scale, where.item), []).append((code, value))

    def stored(self) -> dict[tuple[str, str], list[tuple[str, int | None]]]:
        """Every answer that was ever kept, in order."""
        found: dict[tuple[str, str], list[tuple[str, int | None]]] = {}
        with self.live.stores.reading() as store:
            theirs = select(MeasureResponse).where(MeasureResponse.check_in_id == self.check_in_id)
            scales = {one.id: one.scale for one in store.scalars(theirs)}
            for row in store.scalars(select(ItemAnswer).order_by(ItemAnswer.created_at, ItemAnswer.id)):
                if row.response_id in scales and "option" in row.answer:
                    kept = found.setdefault((scales[row.response_id], row.item), [])
                    kept.append((row.answer["option"], row.answer["value"]))
        return found


def _reads(shown: str, number: int | None, words: str) -> bool:
    """The words, with the number where the form has it; in a range the number, with words where the range ends."""
    return shown in (words, f"{words} ({number})") or (
        re.match(rf"{number}(?!\d)", shown) is not None and words in shown
    )


def _options(one: feedback.Open, item: str) -> Iterator[tuple[str, int | None, str]]:
    words = one.chosen.wording.options.get(one.instrument.item_by_code[item].option_set, {})
    for option in one.instrument.options(item):
        yield option.code, option.value, words.get(option.code, "")


def given_all_of_it_is_asked(
    live: Live, team: Team, context: BrowserContext, scales: Sequence[str], language: str, *, interpreter: bool = False
) -> Asked:
    key = codes.new_key()
    with live.stores.writing.begin() as store:
        service, manager = team.service(store), team.manager.actor
        known = somebody(store, service, manager, email=f"{uuid.uuid4().hex}@inbox.example")
        asked = check_in(store, known.referral)
        asked.scales = [*scales, GOALS]
        store.flush()
        a_goal(store, service, known.referral, "To walk.")
        if interpreter:
            feedback.begin(store, service, asked, language=language, completed_by="interpreter")
        reads(store, service, known.referral, known.number, key=key)
        which = asked.id
    return Asked(live, team, which, with_key(context, live, key), language)


def given_it_is_on(live: Live, team: Team, scale: str) -> None:
    with live.stores.writing.begin() as store:
        service, manager = team.service(store), team.manager.actor
        if catalogue()[scale].protocol:
            measures.record_protocol(store, manager, scale, PROTOCOL)
        if scale not in measures.offered(store, service):
            measures.turn_on(store, manager, scale)


def has_words_in(live: Live, team: Team, scale: str, language: str) -> bool:
    with live.stores.reading() as store:
        found = measures.choose(store, team.service(store), scale, language=language, today=clock.today())
        return found is not None


def when_each_option_is_chosen_once(asked: Asked) -> None:
    """The last of each page goes the whole way; before it, the page stays and is answered otherwise."""
    for place in asked.places():
        *others, last = range(len(place.options))
        for number in others:
            asked.answer_and_stay(place, number)
        asked.answer(place, last)


def _closeness(language: str) -> Iterator[tuple[str, int | None, str]]:
    with i18n.speaking(language):
        for choice in GOAL_SETTING.question(CLOSENESS).choices:
            yield choice.code, choice.value, i18n.gettext(choice.label)


def then_what_is_stored_is_what_was_chosen(asked: Asked, scale: str) -> None:
    stored = asked.stored()
    for item in catalogue()[scale].items:
        every = {option.code for option in catalogue()[scale].options(item.code)}
        assert {code for code, _ in stored[scale, item.code]} == every, (scale, item.code)
    assert stored == asked.chosen


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("scale", "language"), list(in_both_directions()))
def test_in_both_directions_the_stored_code_is_the_option_that_was_chosen(
    live: Live, team: Team, new_context: MakeContext, scale: str, language: str
) -> None:
    given_it_is_on(live, team, scale)
    # Where there are no words in Urdu, English words stand on a page that is read from right to left.
    interpreter = not has_words_in(live, team, scale, language)
    asked = given_all_of_it_is_asked(live, team, new_context(**TALL), [scale], language, interpreter=interpreter)
    when_each_option_is_chosen_once(asked)
    assert asked.page.get_attribute("html", "dir") == ("rtl" if language == "ur" else "ltr")
    then_what_is_stored_is_what_was_chosen(asked, scale)


@pytest.fixture
def made_up_words(live: Live, team: Team) -> Iterator[None]:
    """WHO-5 in words of Urdu letters that are nobody's, as long as the test lasts."""
    with live.stores.writing.begin() as store:
        with_made_up_words(store, team.service(store), "ur", "rtl")
    yield
    with live.stores.writing.begin() as store:
        for text in store.scalars(select(ScaleText).where(ScaleText.service_id == team.service_id)):
            measures.refuse_text(store, team.manager.actor, text.id, "Made up")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("made_up_words")
def test_words_that_are_read_from_right_to_left_store_the_option_that_was_chosen(
    live: Live, team: Team, new_context: MakeContext
) -> None:
    asked = given_all_of_it_is_asked(live, team, new_context(**TALL), ["who5"], "ur")
    assert "ب" in asked.places()[0].options[0][2]
    when_each_option_is_chosen_once(asked)
    then_what_is_stored_is_what_was_chosen(asked, "who5")


@pytest.mark.parametrize("language", ["en", "ur"])
def test_a_goal_is_rated_with_the_number_that_was_pressed(
    live: Live, team: Team, new_context: MakeContext, language: str
) -> None:
    asked = given_all_of_it_is_asked(live, team, new_context(**TALL), ["ons4"], language, interpreter=True)
    goal = Place(GOALS, "goal-1", tuple(_closeness(language)))
    assert len(goal.options) == 11
    for place in range(11):
        asked.answer(goal, place, 'form#page button[value="save"]')
    with live.stores.reading() as store:
        kept = store.scalars(select(GoalRating).where(GoalRating.check_in_id == asked.check_in_id)).all()
        in_order = sorted(kept, key=lambda one: (one.created_at, one.id))
        assert [str(one.rating) for one in in_order] == [code for code, *_ in goal.options]


@pytest.mark.parametrize("language", ["en", "ur"])
def test_the_question_about_the_service_stores_the_answer_that_was_pressed(
    live: Live, team: Team, new_context: MakeContext, language: str
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    stored = []
    for place, option in enumerate(catalogue()["fft"].options("experience")):
        page.goto(f"/{language}/feedback/friends-and-family")
        name = page.locator("main input[type=radio]").first.get_attribute("name")
        shown = page.evaluate(FROM_THE_TOP, name)
        page.locator(f'label[for="{shown[place]["id"]}"]').click()
        with live.stores.reading() as store:
            before = {one.id for one in store.scalars(select(FriendsAndFamily))}
        press(page, "main form button.nhsuk-button")
        with live.stores.reading() as store:
            (new,) = [one for one in store.scalars(select(FriendsAndFamily)) if one.id not in before]
        stored.append((new.answer, option.code))
    assert [kept for kept, _ in stored] == [code for _, code in stored]


# With the keyboard alone ----------------------------------------------------------------------------------------------


def tab_to(page: Page, what: str, key: str = "Tab") -> None:
    """Press Tab until it has the focus; wherever the focus is, it is seen."""
    for _ in range(80):
        page.keyboard.press(key)
        told = page.evaluate(COVERED)
        assert told == "end" or told.endswith("||"), told
        if page.locator(what).first.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"The {key} key never reaches {what} on {page.url}")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_check_in_is_answered_with_the_keyboard_alone(
    live: Live, team: Team, new_context: MakeContext, javascript: bool
) -> None:
    context = new_context(java_script_enabled=javascript, is_mobile=False, has_touch=False)
    asked = given_all_of_it_is_asked(live, team, context, ["ons4"], "en")
    page = asked.page
    page.goto("/en/check-in")  # the goal comes first
    tab_to(page, 'button[value="skip"]')
    with page.expect_navigation():
        page.keyboard.press("Enter")
    for item, down, code in (("satisfied", 2, "2"), ("worthwhile", 0, "0"), ("happy", 10, "10"), ("anxious", 5, "5")):
        tab_to(page, f"#{item}")
        page.keyboard.press("Space")  # the first is chosen
        for _ in range(down):
            page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.value") == code
        with page.expect_navigation():
            page.keyboard.press("Enter")
    assert page.url.endswith("/check-in/done")
    kept = {item: said for (_, item), said in asked.stored().items()}
    assert kept == {"satisfied": [("2", 2)], "worthwhile": [("0", 0)], "happy": [("10", 10)], "anxious": [("5", 5)]}


def test_a_goal_is_set_with_the_keyboard_alone(live: Live, team: Team, new_context: MakeContext) -> None:
    context = new_context(is_mobile=False, has_touch=False)
    page = given_all_of_it_is_asked(live, team, context, ["ons4"], "en").page
    page.goto("/en/goals")
    tab_to(page, 'a[href$="/goals/new"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/goals/new**")
    for _ in range(12):
        if page.url.endswith("/goals/kept"):
            break
        if page.locator("#goal_words").count():
            tab_to(page, "#goal_words")
            page.keyboard.type("To sleep through the night.")
        for group in page.locator("form#page fieldset").all():
            tab_to(page, f"#{group.locator('input').first.get_attribute('id')}")
            page.keyboard.press("Space")
        tab_to(page, CONTINUE)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    assert page.url.endswith("/goals/kept"), page.url
    page.goto("/en/goals")
    assert "To sleep through the night." in page.inner_text("main")
