"""The person's own page in a real browser on a small phone: read, change, take a copy, leave."""

import contextlib
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Playwright, expect
from sqlalchemy import select

from portal import exports, i18n
from portal.instruments import catalogue
from portal.store import Goal, GoalRating, ItemAnswer, MeasureResponse, Permission
from tests.browser.coming import (
    VISIT,
    Somebody,
    Team,
    a_team,
    press,
    somebody_with_a_page,
    then_it_fits,
    when_they_come_by_email_and_card,
    with_their_whole_page,
)
from tests.browser.conftest import PHONE, QUIET, MakeContext, _executable
from tests.live import Live

GOALS = ("I would like to meet people.", "میں روز چلنا چاہتی ہوں")
MARKERS = ("Zofia", "Quarshie", "7700", "900123", "1965", "AB10")


@pytest.fixture(scope="module")
def team(live: Live) -> Team:
    return a_team(live)


# The issue's own line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("javascript", [True, False])
def test_somebody_reads_their_page_in_urdu_withdraws_a_permission_and_downloads_what_the_store_has(
    live: Live, team: Team, new_context: MakeContext, tmp_path: Path, axe: Callable[[Page], None], javascript: bool
) -> None:
    known = somebody_with_a_page(live, team, f"urdu-{javascript}@inbox.example", read_language="ur")
    page = new_context(java_script_enabled=javascript, locale="ur").new_page()
    when_they_come_by_email_and_card(page, live, known, "ur")
    then_the_page_is_theirs_and_reads_from_right_to_left(page)
    then_it_fits(page)

    when_they_withdraw(page, "share_gp")
    then_it_says(page, "share_gp", "given")  # the button that stands there now: allow it again
    then_it_says(page, "share_onward", "withdrawn")
    press(page, 'a[href$="/my/copy"]')
    then_it_fits(page)
    if javascript:  # axe is a script
        axe(page)
    told_by_json = when_they_save(page, "json", tmp_path)
    told_by_csv = when_they_save(page, "csv", tmp_path)
    then_the_copy_equals_the_store(live, team, known, json.loads(told_by_json))
    assert told_by_csv.startswith("\N{ZERO WIDTH NO-BREAK SPACE}section,record,field")
    for goal in GOALS:
        assert goal in told_by_csv
        assert goal in page.inner_text("main")


def then_the_page_is_theirs_and_reads_from_right_to_left(page: Page) -> None:
    assert page.get_attribute("html", "dir") == "rtl"
    words = page.inner_text("main")
    for goal in GOALS:
        assert goal in words
    who5 = catalogue()["who5"]
    (labels,) = who5.wordings["en"].options.values()
    assert all(item in words for item in who5.wordings["en"].items.values()), "the words that were shown, to the letter"
    assert any(label in words for label in labels.values())
    # English inside a page that is read from right to left says so itself.
    said = page.locator('main [lang="en"][dir="ltr"]', has_text=next(iter(who5.wordings["en"].items.values())))
    assert said.count() > 0
    assert page.locator("main svg").count() >= 2, "each goal that was rated twice, and the check-ins, have a line"
    for number in ("total", "score", "50%"):
        assert number not in words.lower()


def _switch(page: Page, kind: str) -> Locator:
    return page.locator("main form", has=page.locator(f'input[name="kind"][value="{kind}"]'))


def when_they_withdraw(page: Page, kind: str) -> None:
    with page.expect_navigation():
        _switch(page, kind).locator('button[value="withdrawn"]').click()
    assert page.url.endswith("/my#sharing")


def then_it_says(page: Page, kind: str, offered: str) -> None:
    assert _switch(page, kind).locator("button").get_attribute("value") == offered


def when_they_save(page: Page, ending: str, folder: Path) -> str:
    with page.expect_download() as waiting:
        page.click(f'a[href$="/copy.{ending}"]')
    saved = waiting.value
    assert re.fullmatch(rf"copy-\d{{4}}-\d\d-\d\d\.{ending}", saved.suggested_filename), "it says nothing of what it is"
    saved.save_as(folder / saved.suggested_filename)
    return (folder / saved.suggested_filename).read_text("utf-8")


def _records(copy: dict[str, Any], section: str) -> dict[uuid.UUID, dict[str, Any]]:
    return {
        uuid.UUID(one["id"]): {code: said["value"] for code, said in one["fields"].items()}
        for one in copy["sections"][section]["records"]
    }


def then_the_copy_equals_the_store(live: Live, team: Team, known: Somebody, copy: dict[str, Any]) -> None:
    """Against the rows themselves, read by a query of this test's own; then against the room that makes the copy."""
    with live.stores.reading() as store:
        responses = {
            one.id: one
            for one in store.scalars(select(MeasureResponse).where(MeasureResponse.person_id == known.person_id))
        }
        assert {one.scale for one in responses.values()} == {"ons4", "who5", "gss-loneliness"}
        answers = [one for one in store.scalars(select(ItemAnswer)) if one.response_id in responses]
        goals = {one.id: one for one in store.scalars(select(Goal).where(Goal.person_id == known.person_id))}
        ratings = [one for one in store.scalars(select(GoalRating)) if one.goal_id in goals]
        permissions = store.scalars(select(Permission).where(Permission.person_id == known.person_id)).all()

        assert len(answers) == 2 * (4 + 5 + 4)
        assert len(goals) == 2
        assert len(ratings) == 3
        in_json = _records(copy, "answers")
        assert in_json.keys() == {one.id for one in answers}
        for answer in answers:
            in_copy = in_json[answer.id]
            parts = {code.removeprefix("answer."): v for code, v in in_copy.items() if code.startswith("answer.")}
            assert (in_copy["item"], parts) == (answer.item, answer.answer)
        assert {k: v["scale"] for k, v in _records(copy, "questions").items()} == {
            one.id: one.scale for one in responses.values()
        }
        assert {k: v["words"] for k, v in _records(copy, "goals").items()} == {k: v.words for k, v in goals.items()}
        assert {k: v["rating"] for k, v in _records(copy, "ratings").items()} == {one.id: one.rating for one in ratings}
        sharing = {k: (v["kind"], v["decision"]) for k, v in _records(copy, "sharing").items()}
        assert sharing == {one.id: (one.kind, one.decision) for one in permissions}
        withdrawn = [one for one in permissions if (one.kind, one.decision) == ("share_gp", "withdrawn")]
        assert len(withdrawn) == 1
        assert withdrawn[0].language == "ur"

        with i18n.speaking("ur"):
            now = json.loads(exports.as_json(exports.everything(store, team.service(store), known.person_id)))
    assert copy["language"] == now["language"] == "ur"
    for section, whole in now["sections"].items():
        if section not in ("audit", "visits"):  # these went on while the copy was made
            assert copy["sections"][section] == whole, section


# Leaving -------------------------------------------------------------------------------------------------------------


def then_nothing_personal_is_here(page: Page) -> None:
    words = page.inner_text("body") + page.title()
    assert not [one for one in (*MARKERS, *GOALS) if one in words], page.url


def then_the_browser_keeps_nothing_but_random_keys(context: BrowserContext, page: Page) -> None:
    assert page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])") == "[{},{}]"
    for cookie in context.cookies():
        name, value = str(cookie.get("name")), str(cookie.get("value"))
        assert name in (VISIT, "asked", "session", "form"), name
        assert cookie.get("httpOnly"), name
        if name != "session":  # Flask's own, which holds the form's token; signed, and looked at in test_sign_in
            assert re.fullmatch(r"[\w-]{43}", value), (name, "not a random key")
        assert not [one for one in MARKERS if one in value]


@pytest.fixture(scope="module")
def shared_phones(playwright: Playwright) -> Iterator[Browser]:
    """A browser that keeps pages for Back, as people's do: Playwright's own flag turns that off (trust 4, row 25). The
    world outside is not there."""
    flags = [*QUIET, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    chromium = playwright.chromium.launch(
        executable_path=_executable(),
        headless=True,
        args=[*flags, "--no-sandbox"] if os.geteuid() == 0 else flags,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield chromium
    chromium.close()


def a_shared_phone(shared_phones: Browser, live: Live, **how: Any) -> BrowserContext:
    context = shared_phones.new_context(base_url=live.address, **PHONE, locale="en-GB", **how)
    context.set_default_timeout(10_000)
    return context


def go_back(page: Page) -> None:
    """As with the Back button: what the browser has kept comes at once, and Playwright does not see it come."""
    with contextlib.suppress(Error):  # the page may be gone before it can answer
        page.evaluate("history.back()")
    let_it_settle(page)


def let_it_settle(page: Page) -> None:
    """Until the same page has stood there, whole, for a while."""
    seen: list[str] = []
    for _ in range(50):
        page.wait_for_timeout(100)
        with contextlib.suppress(Error):
            seen.append(f"{page.evaluate('document.readyState')} {page.evaluate('location.href')}")
        if len(seen) > 3 and set(seen[-4:]) == {seen[-1]} and seen[-1].startswith("complete"):
            return


def leave_by_the_button(page: Page) -> None:
    press(page, 'form[action$="/your-page/leave"] button')


def leave_by_exit(page: Page) -> None:
    page.click(".portal-exit")
    let_it_settle(page)
    assert page.url.startswith("chrome-error:"), "it led elsewhere, and there is nothing there"


def leave_by_the_lock(page: Page) -> None:
    page.goto(page.get_attribute("body", "data-lock-url") or "")


def leave_by_closing_it(page: Page) -> None:
    press(page, 'a[href$="/your-page/reading-off"]')
    press(page, "main form button")


LEAVING = {
    "button": leave_by_the_button,
    "exit": leave_by_exit,
    "lock": leave_by_the_lock,
    "closed": leave_by_closing_it,
}


def test_back_really_brings_kept_pages_in_this_browser(live: Live, shared_phones: Browser) -> None:
    context = a_shared_phone(shared_phones, live)
    page = context.new_page()
    page.goto("/static/favicon.svg")
    page.evaluate("window.before = true")
    page.goto("/en/privacy")
    go_back(page)
    assert page.url.endswith("/favicon.svg")
    assert page.evaluate("window.before") is True, "with Playwright's own flag Back loads anew, and proves nothing"
    context.close()


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("way", LEAVING)
def test_after_leaving_back_shows_nothing_and_the_browser_holds_nothing(
    live: Live, team: Team, shared_phones: Browser, way: str, javascript: bool
) -> None:
    known = somebody_with_a_page(live, team, f"{way}-{javascript}@inbox.example")
    context = a_shared_phone(shared_phones, live, java_script_enabled=javascript)
    page = with_their_whole_page(context, live, team, known)
    for path in ("/en/my", "/en/my/copy", "/en/goals", "/en/my"):
        page.goto(path)
        then_the_browser_keeps_nothing_but_random_keys(context, page)
    assert GOALS[0] in page.inner_text("main")
    LEAVING[way](page)
    assert VISIT not in [one.get("name") for one in context.cookies()]
    for _ in range(6):
        then_nothing_personal_is_here(page)
        before = page.url
        go_back(page)
        if page.url in (before, "about:blank"):
            break
    for path in ("/en/my", "/en/my/copy", "/en/goals", "/en/my/who-looked"):
        page.goto(path)
        then_nothing_personal_is_here(page)
    context.close()


def test_a_page_left_alone_clears_itself_and_back_does_not_bring_it_again(
    live: Live, team: Team, shared_phones: Browser
) -> None:
    known = somebody_with_a_page(live, team, "alone@inbox.example")
    context = a_shared_phone(shared_phones, live)
    page = with_their_whole_page(context, live, team, known)
    page.clock.install()
    page.goto("/en/my")
    assert GOALS[0] in page.inner_text("main")
    page.clock.run_for("23:00:00")
    page.wait_for_url("**/your-page/locked")
    then_nothing_personal_is_here(page)
    go_back(page)
    then_nothing_personal_is_here(page)
    context.close()


def test_no_address_and_no_referrer_says_who_it_is(live: Live, team: Team, page: Page) -> None:
    known = somebody_with_a_page(live, team, "addresses@inbox.example")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url + " " + request.headers.get("referer", "")))
    when_they_come_by_email_and_card(page, live, known)
    for path in ("my", "my/details", "my/who-looked", "my/copy", "my/stop", "my/erase", "goals", "check-in"):
        page.goto(f"/en/{path}")
    secrets = [
        *MARKERS,
        "inbox.example",
        known.reference.replace("-", ""),
        known.number.replace(" ", ""),
        str(known.person_id),
        str(known.referral_id),
    ]
    assert len(asked) > 15
    assert not [one for one in asked for secret in secrets if secret.lower() in one.lower()]


# Pressing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ur"])
def test_what_was_pressed_twice_counts_once_and_can_be_taken_back(
    live: Live, team: Team, new_context: MakeContext, language: str
) -> None:
    known = somebody_with_a_page(live, team, f"twice-{language}@inbox.example")
    page = with_their_whole_page(new_context(), live, team, known)
    page.goto(f"/{language}/my")
    button = _switch(page, "share_gp").locator("button")
    button.click(click_count=3, no_wait_after=True)
    page.wait_for_url("**/my#sharing")
    expect(_switch(page, "share_gp").locator('button[value="given"]')).to_be_visible()
    press(page, 'form:has(input[value="share_gp"]) button')
    with live.stores.reading() as store:
        rows = store.scalars(select(Permission).where(Permission.person_id == known.person_id)).all()
    assert [one.decision for one in rows if one.kind == "share_gp"] == ["given", "withdrawn", "given"]
