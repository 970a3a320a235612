"""Messages back to the GP and the referrer: everything that is known and nothing else, only where it is allowed, and
what was sent stays as it was."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from config import Settings
from portal import audit, clock, held, i18n, notifications, people, referrals
from portal.access import Role
from portal.caseload import access_needs, closing, gathering, letters, triage
from portal.clock import today
from portal.letters import Document, Part, Value, WayOf, plain, reaching, sheet, standard
from portal.letters.document import fit
from portal.letters.sheet import FOR_MACHINES, LINES, SAID_OTHERWISE, WHOSE
from portal.notifications import Outgoing
from portal.services import practices
from portal.store import Goal, Letter, Message, Service, Stores, open_store
from portal.web.messages import Renderer
from tests.inspector import InspectedClient, Page
from tests.lettered import (
    ADDRESS,
    MONDAY,
    SECRET,
    Case,
    a_letter,
    a_plan,
    accepted,
    close,
    contact,
    everything,
    risk,
)
from tests.world import a_referral, a_service, press, sign_in, staff_member, words_of

STANDARD = Path(__file__).parent / "fixtures" / "prsb-v1.1-message-back.csv"
RENDER = Renderer("https://refer.example.org", "here")


def shown(store: Session, case: Case, letter: Letter) -> letters.Shown:
    return letters.shown(store, case.service, case.worker.actor, letter.id)


def document(store: Session, case: Case, letter: Letter) -> Document:
    found = shown(store, case, letter).document
    assert found is not None
    return found


def send(store: Session, case: Case, letter: Letter, **how: str) -> Letter:
    seen = how.pop("seen", None) or shown(store, case, letter).seen
    return letters.send(store, case.service, case.worker.actor, letter.id, seen=seen, **how)


def items_in(parts: "tuple[Part, ...]") -> Iterator[str]:
    for part in parts:
        yield from (value.item for value in part.values)
        yield from items_in(part.parts)


def post(stores: Stores) -> list[Outgoing]:
    kept: list[Outgoing] = []

    class Keeps:
        def send(self, outgoing: Outgoing) -> None:
            kept.append(outgoing)

    notifications.deliver(stores, Keeps(), RENDER)
    return [one for one in kept if one.to == ADDRESS]


# The standard --------------------------------------------------------------------------------------------------------


def test_every_item_is_declared_as_the_standard_has_it() -> None:
    with STANDARD.open(encoding="utf-8", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(line for line in file if not line.startswith("#"))}
    declared = list(standard.paths())
    assert len(declared) > 70
    for path, item in declared:
        row = rows[path]  # a path that the standard does not have fails here
        longest = re.search(r"maxLength=(\d+)", row["type"])
        assert (item.conformance, item.cardinality) == (row["conformance"], row["cardinality"]), path
        assert item.longest == (int(longest[1]) if longest else 0), path
        assert item.source, path


def test_a_message_has_the_sections_that_we_chose_what_is_asked_of_anybody_first() -> None:
    assert [one.number for one in standard.SECTIONS] == [18, 7, 11, 17, 4, 19, 8, 14, 16, 1, 2, 6]
    assert len(standard.items()) == len(list(standard.paths()))  # no code twice
    assert not any("safeguard" in one.title.casefold() for one in standard.SECTIONS)


# What it says --------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(environment: dict[str, str], file: Path) -> Iterator[Session]:
    settings = Settings.from_environment({**environment, "PORTAL_DATABASE_URL": f"sqlite:///{file}"})
    held.hold(settings.secret_key, settings.encryption_keys)
    opened = open_store(settings.database_url)
    with opened.writing() as session:
        yield session
    opened.engine.dispose()


@pytest.fixture(scope="module")
def told(environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Document:
    """The message about the case of which everything is known: made once, for it is only read."""
    file = tmp_path_factory.mktemp("told") / "portal.sqlite"
    shutil.copy(migrated_sqlite, file)
    with _opened(environment, file) as store:
        case = everything(store)
        return document(store, case, a_letter(store, case))


@pytest.fixture
def here(environment: dict[str, str], sqlite_url: str) -> Iterator[Session]:
    """A store on one database, where it is all the same which: what is asked is what is said, not how it is kept."""
    with _opened(environment, Path(sqlite_url.removeprefix("sqlite:///"))) as session:
        yield session


NOT_KNOWN_HERE = {
    *("nhs-number", "signpost-contact", "referrer-role"),
    *(f"address-{line}" for line in range(2, 6)),
    *("assessment-band",),
}
"""What nobody knows of this case, or what has no place in it: no scale of it has one score with a published band."""


def test_everything_that_is_known_stands_in_it_and_nothing_empty(told: Document) -> None:
    made = told
    assert set(items_in(made.sections)) == set(standard.items()) - NOT_KNOWN_HERE

    def check(part: Part) -> None:
        assert not part.empty, part.code
        assert all(value.text.strip() for value in part.values), part.code
        for below in part.parts:
            check(below)

    for one in made.sections:
        check(one)


def test_it_says_what_happened_in_plain_text_what_is_asked_first(told: Document) -> None:
    words = " ".join(plain(told).split())
    for said in (
        "About: Zofia Quarshie Likes to be called: Zosia Pronouns: she/her Born:",
        "For professionals: Please review her hearing aid.",
        "Agreed with the person: Yes",
        "25 May 2026: In person, in a community place: they came 2 March 2026: Phone call, at their home: spoke with",
        "With: Amina Yusuf, link worker What follows: The case has ended",
        "The lunch club did not work. How it ended: Done in part",
        "Signposted to Lunch club. Stopped going, 25 May 2026. In the way: cost",
        "Their own rating, 0 to 10: 3 on 2 March 2026, 7 on 25 May 2026",
        "Falls or moving about (since 2 March 2026): Stairs without a rail.",
        "GP practice Harbour Surgery, AB10 1AB",
        "Individual requirements Uses a hearing aid: On the left. When it is not met: She misses what is said "
        "Their carer: Easy Read Large print",
        "Action: Look up when they meet. By: The person themselves. Until: Before Easter. How sure they are: 6 of 10",
        "To reach them safely: Calls: you may leave a message. Do not say who you are to others. Others may answer. "
        "Good times: weekday mornings. Email: nothing private. Letters: plain envelope. "
        "Through someone they trust: ask us. Not safe: texts.",
        "Amina Yusuf, link worker, Team North, ",
        "Consent They allowed us to tell their GP practice, on ",
        "life nowadays? First 3 (low), latest 8 (high)",
        "Open Government Licence v3.0",
    ):
        assert said in words, said
    places = [words.index(said) for said in ("About: ", "Plan and requested", "Referral details", "Clinical summary")]
    assert places == sorted(places)
    assert words.index("Clinical summary") < words.index("Risks") < words.index("Person demographics")


def _compared(words: str) -> str:
    return re.sub(r"[\s:-]+", " ", words.casefold())


def _day_of(value: Value) -> str:
    """A moment is read as its day."""
    return re.sub(r"^[a-z]+day | at \d\d:\d\d$", "", value.text, flags=re.IGNORECASE)


def test_every_item_that_is_known_is_read_in_the_text_too(told: Document) -> None:
    words = _compared(plain(told))

    def check(part: Part, *, last: bool = False) -> None:
        for value in part.values:
            if value.item in FOR_MACHINES or (value.item == "contact-outcome" and not last):
                continue  # that another contact followed is seen from the next one
            if value.item == "referrer-contact":
                continue  # they came by themselves: it is their number, which stands under Contact with its rule
            assert _compared(_day_of(value)) in words, value
        for below in part.parts:
            check(below, last=below is part.parts[-1])

    for section in told.sections:
        check(section)


def test_every_item_has_a_place_among_the_lines_or_is_for_machines() -> None:
    lines = [line for found in (WHOSE, *LINES.values()) for line in found]
    placed = [piece.item for line in lines for piece in line.pieces]
    assert sorted((*placed, *SAID_OTHERWISE, *FOR_MACHINES)) == sorted(standard.items())


def test_no_code_is_read_and_the_fhir_document_has_them(told: Document) -> None:
    words = plain(told)
    assert not re.search(r"\(\d+\)", words)
    assert "D81044" not in words
    bundle = json.dumps(letters.fhir_of(told))
    for code in ("Phone call (02)", "The case has ended (1)", "Self referral (7)", "D81044"):
        assert code in bundle, code


def test_nothing_is_said_twice_of_who_referred_them(told: Document) -> None:
    words = " ".join(plain(told).split())
    assert re.search(r"Referred: \d+ \w+ 2026, self referral Referred to: Amina Yusuf, link worker, Team", words)
    assert words.count("01224") + words.count("07700") <= 1  # their own number once
    assert words.count("01234 567890") == 1 + ("Questions? 01234 567890" in words)


def test_of_many_contacts_the_latest_are_told_and_the_others_counted(here: Session) -> None:
    store, case = here, everything(here)
    for days in range(1, 5):
        contact(store, case, "spoke", MONDAY + timedelta(days=days), mechanism="video" if days == 1 else "telephone")
    made = document(store, case, a_letter(store, case))
    section = made.section("contacts")
    assert section is not None
    assert len(section.parts) == 6  # the document has them all
    (block,) = (one for one in sheet(made).blocks if one.code == "contacts")
    assert [row.label for row in block.rows] == [
        *("25 May 2026", "6 March 2026", "5 March 2026", "4 March 2026"),
        *("Before that", "With", "What follows"),
    ]
    assert block.rows[4].words == "2 contacts between 2 March 2026 and 3 March 2026. Phone call: 1, Video call: 1"


def test_what_does_not_fit_the_note_of_a_risk_stays_among_the_risks(here: Session) -> None:
    store = here
    case = accepted(store)
    words = "The stairs are steep and there is no rail. " * 9
    risk(store, case, "falls-mobility", words.strip())
    made = document(store, case, a_letter(store, case, occasion="plan"))
    section = made.section("risks")
    assert section is not None
    assert len(section.parts) == 3
    assert all(len(part.text_of("risk-comment")) <= 150 for part in section.parts)
    others = [one for one in sheet(made).blocks if one.code != "risks"]
    assert "stairs" not in json.dumps([[row.words for row in one.rows] for one in others])
    assert letters.fhir_of(made)


def test_the_page_and_the_text_say_the_same_lines(client: InspectedClient, store: Session) -> None:
    case = everything(store)
    letter = a_letter(store, case)
    sign_in(client, store, case.worker)
    page = " ".join(words_of(client.get(f"/staff/letters/{letter.id}")).split())
    text = client.get(f"/staff/letters/{letter.id}/text.txt").get_data(as_text=True)
    assert len(text.splitlines()) > 40
    for line in re.split(r"\n(?= {0,2}\S)", text):
        if words := " ".join(line.split()):
            assert words in page, words


def test_no_note_of_the_staff_nothing_of_safeguarding_and_nobody_else_s_number(told: Document) -> None:
    everywhere = json.dumps(told.to_json())
    assert SECRET not in everywhere
    assert "safeguarding" not in everywhere.casefold()
    assert "07700 900456" not in everywhere  # whoever they trust


def test_scores_stand_by_name_with_their_days_and_single_questions_are_never_added_up(told: Document) -> None:
    section = told.section("assessments")
    assert section is not None
    ons4 = [part for part in section.parts if "ONS4" in part.text_of("assessment-name")]
    assert [part.text_of("assessment-summary") for part in ons4] == ["2 March 2026 (first)", "25 May 2026 (latest)"]
    for part, value in zip(ons4, ("3", "8"), strict=True):
        assert len(part.parts) == 4
        assert [one.text_of("subscale-value") for one in part.parts] == [value] * 4
        assert not part.text_of("assessment-value")
    assert {one.text_of("subscale-band") for one in ons4[0].parts} == {"low"}  # published for each question
    who5 = next(part for part in section.parts if "WHO-5" in part.text_of("assessment-name"))
    assert who5.text_of("assessment-value") == "40"
    assert not who5.text_of("assessment-band")  # none is published


WAYS = ("call", "text", "email", "post", "through-person")


def test_the_rule_of_safe_contact_fits_its_item_whatever_was_said() -> None:
    """And what is not said to be safe is told as not safe."""
    every_time = "Weekday mornings, Weekday afternoons, Weekday evenings"
    longest = standard.items()["contact-rule"].longest
    assert longest == reaching.LONGEST
    choices = [(channel,) if channel != "call" else ("call", "call-other") for channel in WAYS]
    kinds = [
        WayOf("", message=m, say_who=w, others=o)
        for m in (False, True)
        for w in (False, True)
        for o in ("yes", "no", "")
    ]
    for chosen in product(*((None, *one) for one in choices)):
        for kind in kinds:
            ways = [
                replace(kind, channel=one.removesuffix("-other"), times=every_time, say_who=kind.say_who ^ ("-" in one))
                for one in chosen
                if one
            ]
            said = reaching.rule(ways)
            assert 0 < len(said) <= longest
            for channel, name in reaching.OWN.items():
                shut = channel not in {way.channel for way in ways}
                assert (name in said.partition("Not safe: ")[2]) == shut, said
            if any(way.channel == "call" for way in ways):
                assert ("do not leave a message" in said) == (not kind.message)
                assert ("Others may answer" in said) == (kind.others != "no")


def test_a_way_that_is_not_safe_is_not_sent_and_what_is_not_known_is_a_no(here: Session) -> None:
    case = accepted(
        here, safe_ways=["text"], voicemail_safe=None, may_say_who=None, others_may_answer=None, phone_times=None
    )
    risk(here, case)
    letter = a_letter(here, case, occasion="plan")
    words = " ".join(plain(document(here, case, letter)).split())
    assert "To reach them safely: Texts: do not say who you are. Others may see them. Not safe: calls, email," in words
    for way in people.ways_of(here, case.service.id, case.referral.person_id):
        number, way.allowed = way.address or "", False
    here.flush()
    made = document(here, case, letter)
    everywhere = json.dumps([made.to_json(), letters.fhir_of(made)])
    assert number[-6:] not in everywhere.replace(" ", "")
    assert "To reach them safely: Not safe: calls, texts, email, letters." in plain(made)


def test_texts_to_another_number_are_not_told_under_the_one_for_calls(here: Session) -> None:
    case = accepted(here, safe_ways=["call", "text"])
    risk(here, case)
    letter = a_letter(here, case, occasion="plan")
    assert "To reach them safely: Calls and texts: " in " ".join(plain(document(here, case, letter)).split())
    ways = people.ways_of(here, case.service.id, case.referral.person_id)
    next(way for way in ways if way.channel == "text").address = "+447700900999"
    here.flush()
    made = document(here, case, letter)
    assert "To reach them safely: Calls: " in " ".join(plain(made).split())
    assert '"sms"' not in json.dumps(letters.fhir_of(made))


def test_someone_they_trust_is_named_by_the_national_code_and_not_by_their_number(here: Session) -> None:
    case = accepted(here, safe_ways=["through-person"], trusted_contact="07700 900456")
    risk(here, case)
    made = document(here, case, a_letter(here, case, occasion="plan"))
    section = made.section("person")
    assert section is not None
    assert section.code_of("preferred-contact") == "6"
    assert "900456" not in json.dumps([made.to_json(), letters.fhir_of(made)])
    assert "Contact: Best by telephone, through someone they trust" in plain(made)


def test_a_need_that_has_ended_is_told_to_nobody_and_none_leaves_no_heading(here: Session) -> None:
    case = accepted(here)
    risk(here, case)
    letter = a_letter(here, case, occasion="plan")
    assert "Does not hear well" in plain(document(here, case, letter))
    for one in access_needs.of_person(here, case.service.id, case.referral.person_id):
        access_needs.end(here, case.worker.actor, case.referral.id, one.id)
    made = document(here, case, letter)
    assert made.section("requirements") is None
    everywhere = json.dumps([made.to_json(), letters.fhir_of(made)])
    assert not [words for words in ("hear well", "Large print", "1108111000000107") if words in everywhere]


def test_a_goal_of_an_earlier_referral_is_told_when_it_is_in_the_plan_of_this_one(here: Session) -> None:
    store, case = here, everything(here)
    later = a_referral(store, case.service, share_gp="yes")
    later.person_id = case.referral.person_id
    referrals.accept(store, case.service, case.worker.actor, later.id)
    case.referral = later
    letter = a_letter(store, case, occasion="update")
    assert "To sing with others." not in plain(document(store, case, letter))  # no plan of this one is kept yet
    goal = store.scalars(select(Goal)).one()
    a_plan(store, case, goal)
    words = plain(document(store, case, letter))
    assert words.count("To sing with others.") == 1
    assert words.count("Action: Ring the choir.") == 2  # what was still to do, and what is new
    close(store, case)
    assert "To sing with others." in plain(document(store, case, letter))


def test_a_pause_and_its_reason_are_told_to_other_systems(here: Session) -> None:
    case = accepted(here)
    risk(here, case)
    until = today() + timedelta(days=9)
    closing.hold(here, case.worker.actor, case.referral.id, reason="away", until=until)
    task = json.dumps(letters.fhir_of(document(here, case, a_letter(here, case, occasion="update"))))
    assert '"statusReason": {"text": "They are away"}' in task


def test_what_was_answered_in_another_episode_is_not_in_it(here: Session) -> None:
    store, case = here, everything(here)
    other = a_referral(store, case.service, share_gp="yes")
    other.person_id = case.referral.person_id
    referrals.accept(store, case.service, case.worker.actor, other.id)
    case.referral = other
    made = document(store, case, a_letter(store, case, occasion="update"))
    assert made.section("assessments") is None
    assert made.section("contacts") is None
    assert made.section("summary") is None


def test_that_no_action_is_needed_is_said_in_words(here: Session) -> None:
    store = here
    case = accepted(store)
    risk(store, case)
    close(store, case, actions_professionals=None, no_action=True)
    found = shown(store, case, a_letter(store, case))
    assert not found.asks  # the record says it: nobody types it again
    assert found.document is not None
    assert "For professionals: No action is needed from you." in plain(found.document)


def test_where_the_record_does_not_say_what_is_asked_it_can_be_typed_or_nothing_is(here: Session) -> None:
    store = here
    case = accepted(store)
    risk(store, case)
    letter = a_letter(store, case, occasion="plan")
    assert shown(store, case, letter).asks
    sent = send(store, case, letter, asked="Please ring her daughter.")
    assert sent.content is not None
    assert "Please ring her daughter." in json.dumps(sent.content)


def test_no_known_risks_is_said_and_without_either_nothing_goes(here: Session) -> None:
    store = here
    case = accepted(store)
    letter = a_letter(store, case, occasion="plan")
    found = shown(store, case, letter)
    assert found.why == "risk-not-said"
    with pytest.raises(letters.NotReady):
        send(store, case, letter)
    assert letter.state == "waiting"
    risk(store, case)
    assert "Risks\n  No known risks" in plain(document(store, case, letter))
    assert send(store, case, letter).state == "sent"


def test_a_year_alone_is_no_date_of_birth_and_the_page_says_that_it_is_missing(here: Session) -> None:
    store = here
    case = accepted(store, date_of_birth="1961", family_name="")
    risk(store, case)
    found = shown(store, case, a_letter(store, case, occasion="plan"))
    assert set(found.missing) == {"born", "family-name"}
    assert found.document is not None
    assert "Born" not in plain(found.document)


def test_the_practice_has_a_code_always_the_national_one_where_nobody_knows(here: Session) -> None:
    store = here
    case = accepted(store, gp_registered="not-registered")
    people.read(store, case.worker.actor, case.referral.person_id).gp_practice_code = None
    made = document(store, case, a_letter(store, case, occasion="plan"))
    section = made.section("practice")
    assert section is not None
    assert section.parts[0].code_of("practice-code") == "V81997"
    assert "GP practice\n  Not registered with a GP practice\n" in plain(made)
    triage.set_practice(store, case.worker.actor, case.referral.id, "V81998")
    made = document(store, case, a_letter(store, case, occasion="plan"))
    assert "GP practice\n  A GP practice does not apply\n" in plain(made)
    assert "ods-organization-code" not in json.dumps(letters.fhir_of(made))  # it is no practice


def test_it_is_in_english_whatever_language_the_pages_are_in(here: Session) -> None:
    store, case = here, everything(here)
    letter = a_letter(store, case)
    in_english = shown(store, case, letter).seen
    with i18n.speaking("pl"):
        assert shown(store, case, letter).seen == in_english


def test_words_that_do_not_fit_are_cut_between_words_and_the_rest_is_not_lost() -> None:
    assert fit("one two three", 8) == ("one two…", "three")
    assert fit("one", 8) == ("one", "")


def test_the_code_for_a_referral_goes_once_an_episode_and_to_the_gp(here: Session) -> None:
    store, case = here, everything(here, **HELPED, helper_relationship="social-care")
    first = a_letter(store, case)
    assert not document(store, case, a_letter(store, case, "referrer")).facts["coded"]
    assert document(store, case, first).facts["coded"] == "yes"
    send(store, case, first)
    assert document(store, case, first).facts["coded"] == "yes"  # as it was sent
    second = letters.prepare(store, case.service, case.worker.actor, case.referral.id, "gp")
    assert second.occasion == "update"
    assert not document(store, case, second).facts["coded"]


# Who is told what ----------------------------------------------------------------------------------------------------

HELPED = {
    "referring_for": "someone-who-agrees",
    "helper_name": "Sam Okoro",
    "helper_contact": "sam@charity.example",
    "share_referrer": "yes",
}


@pytest.mark.parametrize(
    ("relationship", "narrow"),
    [("gp-primary-care", False), ("social-care", False), ("vcse", True), ("family-friend-carer", True)],
)
def test_whoever_helped_hears_how_it_goes_and_a_care_professional_the_record(
    here: Session, relationship: str, narrow: bool
) -> None:
    store = here
    case = everything(store, **HELPED, helper_relationship=relationship)
    made = document(store, case, a_letter(store, case, "referrer"))
    codes = [one.code for one in made.sections]
    if narrow:
        assert codes == ["actions", "referral", "person", "consent"]
        known = set(items_in(made.sections))
        assert not {"nhs-number", "phone", "contact-rule", "adjustment", "reason", "risk", "summary"} & known
        assert "telecom" not in json.dumps(letters.fhir_of(made))
        assert not made.facts["born"]
    else:
        assert "risks" in codes
        assert "assessments" in codes


def test_the_number_of_a_relative_is_nobody_else_s_business(here: Session) -> None:
    store = here
    case = everything(store, **HELPED, helper_relationship="family-friend-carer")
    words = plain(document(store, case, a_letter(store, case)))
    assert ", by Sam Okoro, family, friend or carer" in " ".join(words.split())
    assert "sam@charity.example" not in words


# Wanted, waiting -----------------------------------------------------------------------------------------------------


def test_a_message_is_wanted_only_where_it_is_allowed_and_only_once(store: Session) -> None:
    case = accepted(store)
    actor = case.worker.actor
    (first,) = letters.wanted(store, case.service, actor, case.referral, "plan")
    assert (first.recipient, first.state, first.content) == ("gp", "waiting", None)
    assert [one.id for one in letters.wanted(store, case.service, actor, case.referral, "plan")] == [first.id]
    (same,) = letters.wanted(store, case.service, actor, case.referral, "closing")
    assert (same.id, same.occasion) == (first.id, "closing")  # one that waits serves the new occasion
    refused = accepted_here(store, case, share_gp="no")
    assert letters.wanted(store, case.service, actor, refused, "plan") == []
    not_asked = accepted_here(store, case, share_gp=None)
    assert letters.wanted(store, case.service, actor, not_asked, "plan") == []


def accepted_here(store: Session, case: Case, **answers: object) -> referrals.Referral:
    sent = a_referral(store, case.service, answers=answers)
    return referrals.accept(store, case.service, case.worker.actor, sent.id)


def test_after_a_death_nothing_is_wanted(here: Session) -> None:
    store = here
    case = accepted(store)
    close(store, case, reason="died")
    assert letters.wanted(store, case.service, case.worker.actor, case.referral, "closing") == []


def test_a_case_that_ends_a_second_time_wants_a_second_message(here: Session) -> None:
    store = here
    case = accepted(store)
    risk(store, case)
    ended = close(store, case)
    first = a_letter(store, case)
    send(store, case, first)
    assert letters.wanted(store, case.service, case.worker.actor, case.referral, "closing") == []
    with clock.later(timedelta(days=9)):
        ended.reopened_at = clock.now()
        close(store, case)
        (second,) = letters.wanted(store, case.service, case.worker.actor, case.referral, "closing")
    assert second.id != first.id


def test_the_list_says_why_each_waits(store: Session) -> None:
    case = accepted(store)
    letter = a_letter(store, case, occasion="plan")

    def why() -> list[str]:
        return [one.why for one in letters.waiting(store, case.worker.actor)]

    assert why() == ["ready"]
    practices.confirm_email(store, case.manager.actor, case.practice.id, "", case.practice.version)
    assert why() == ["no-address"]
    people.change_permission(store, case.service, case.referral.person_id, "share_gp", "withdrawn", "en")
    assert why() == ["not-allowed"]
    letters.not_needed(store, case.worker.actor, letter.id, "The practice has closed.")
    assert why() == []
    assert letters.waiting(store, case.worker.actor, mine=True) == []


def test_as_many_queries_for_many_as_for_one(store: Session) -> None:
    from sqlalchemy import event

    case = accepted(store)
    a_letter(store, case, occasion="plan")
    asked: list[str] = []
    event.listen(store.get_bind(), "before_cursor_execute", lambda *told: asked.append(told[2]))

    def count() -> int:
        store.expire_all()
        asked.clear()
        letters.waiting(store, case.worker.actor)
        return len(asked)

    one = count()
    for _ in range(3):
        more = accepted_here(store, case, share_gp="yes")
        letters.wanted(store, case.service, case.worker.actor, more, "plan")
    assert count() == one


# Sending -------------------------------------------------------------------------------------------------------------


def test_it_goes_by_email_and_is_kept_as_it_was(stores: Stores) -> None:
    with stores.writing.begin() as store:
        case = everything(store)
        letter = send(store, case, a_letter(store, case))
        assert (letter.state, letter.how, letter.sent_to) == ("sent", "email", ADDRESS)
        assert letter.permission_id is not None
        kept = dict(letter.content or {})
        case.referral.answers = {**case.referral.answers, "what_matters": "Something else."}
        people.read(store, case.worker.actor, case.referral.person_id).first_name = "Changed"
        store.flush()
        again = document(store, case, letter)
        assert again.to_json() == kept
        assert "Changed" not in plain(again)
    (arrived,) = post(stores)
    assert "Zofia" not in arrived.words.subject
    assert "Please review her hearing aid." in arrived.words.body
    with stores.reading() as store:
        message = store.scalars(select(Message).where(Message.template == "message-back")).one()
        assert (message.details, message.person_id) == ({}, None)


def test_pressed_twice_it_goes_once(store: Session) -> None:
    case = everything(store)
    letter = a_letter(store, case)
    seen = shown(store, case, letter).seen
    first = send(store, case, letter, seen=seen).sent_at
    assert send(store, case, letter, seen=seen).sent_at == first
    assert len(list(store.scalars(select(Message).where(Message.template == "message-back")))) == 1


def test_a_permission_taken_back_after_the_page_was_shown_stops_it(store: Session) -> None:
    case = everything(store)
    letter = a_letter(store, case)
    seen = shown(store, case, letter).seen
    people.change_permission(store, case.service, case.referral.person_id, "share_gp", "withdrawn", "en")
    with pytest.raises(letters.NotAllowed):
        letters.send(store, case.service, case.worker.actor, letter.id, seen=seen)
    assert (letter.state, letter.content, letter.sent_at) == ("waiting", None, None)
    assert not list(store.scalars(select(Message).where(Message.template == "message-back")))
    assert shown(store, case, letter).document is None  # nothing is gathered either
    acts = [one.act for one in audit.history_of(store, case.service.id, letter.id)]
    assert "was not allowed to send a message back" in acts


def test_a_permission_taken_back_before_it_leaves_stops_it_and_it_waits_again(stores: Stores) -> None:
    with stores.writing.begin() as store:
        case = everything(store)
        letter = send(store, case, a_letter(store, case))
        people.change_permission(store, case.service, case.referral.person_id, "share_gp", "withdrawn", "en")
        letter_id, referral_id = letter.id, case.referral.id
    assert post(stores) == []
    with stores.writing.begin() as store:
        case = replace(
            case,
            service=store.get_one(Service, case.worker.actor.service_id),
            referral=store.get_one(referrals.Referral, (case.worker.actor.service_id, referral_id)),
        )
        (waits,) = letters.waiting(store, case.worker.actor)
        assert (waits.letter.id, waits.why) == (letter_id, "not-allowed")
        assert letters.for_person(store, case.service.id, case.referral.person_id) == []  # nobody was told anything
        people.change_permission(store, case.service, case.referral.person_id, "share_gp", "given", "en")
        assert [one.why for one in letters.waiting(store, case.worker.actor)] == ["not-arrived"]
        send(store, case, waits.letter)
    assert len(post(stores)) == 1


def test_what_changed_since_the_page_was_shown_is_read_again_first(store: Session) -> None:
    case = everything(store)
    letter = a_letter(store, case)
    seen = shown(store, case, letter).seen
    risk(store, case, "pets", "A big dog.")
    with pytest.raises(letters.OtherWords):
        letters.send(store, case.service, case.worker.actor, letter.id, seen=seen)
    assert letter.state == "waiting"


def test_only_an_address_that_a_manager_has_confirmed_is_used(here: Session) -> None:
    store = here
    case = everything(store)
    letter = a_letter(store, case)
    case.practice.email_confirmed_at = None
    with pytest.raises(letters.NotReady):
        send(store, case, letter)
    sent = send(store, case, letter, how="paste", to="EMIS, by Amina")
    assert (sent.state, sent.how, sent.sent_to, sent.message_id) == ("by-hand", "paste", "EMIS, by Amina", None)
    assert sent.content is not None


def test_by_hand_needs_the_permission_too(here: Session) -> None:
    store = here
    case = everything(store)
    letter = a_letter(store, case)
    seen = shown(store, case, letter).seen
    people.change_permission(store, case.service, case.referral.person_id, "share_gp", "withdrawn", "en")
    with pytest.raises(letters.NotAllowed):
        letters.send(store, case.service, case.worker.actor, letter.id, seen=seen, how="print")
    with pytest.raises(letters.NotPossible):
        letters.send(store, case.service, case.worker.actor, letter.id, seen=seen, how="pigeon")


def test_another_service_s_message_is_not_there(store: Session) -> None:
    case = everything(store)
    letter = a_letter(store, case)
    stranger = staff_member(store, a_service(store, "there")).actor
    for act in (letters.read, letters.allow_by_word):
        with pytest.raises(letters.Gone):
            act(store, stranger, letter.id)
    with pytest.raises(letters.Gone):
        letters.send(store, case.service, stranger, letter.id, seen="")
    with pytest.raises(letters.Gone):
        letters.not_needed(store, stranger, letter.id, "x")


def test_the_gathering_never_reads_what_is_kept_about_safeguarding() -> None:
    source = Path(gathering.__file__).read_text("utf-8")
    imported = source[source.index("from portal.store import") :].partition(")")[0]
    assert "Safeguarding" not in imported
    assert "CaseNote" not in imported


# The pages -----------------------------------------------------------------------------------------------------------


def test_from_a_closed_case_to_a_message_that_is_sent_are_two_presses(client: InspectedClient, store: Session) -> None:
    case = everything(store)
    a_letter(store, case)
    sign_in(client, store, case.worker)
    at_the_case = client.get(f"/staff/referrals/{case.referral.id}")
    found = re.search(r'<a href="(/staff/letters/[^"]+)">Message to the GP</a>', at_the_case.get_data(as_text=True))
    assert found, "the case leads to the message"
    one = found[1]  # press 1: open it
    page = client.get(one)
    assert "This is exactly what will be sent" in words_of(page)
    assert "Please review her hearing aid." in words_of(page)
    sent = press(client, one, "send", how="email")  # press 2: Send. Nothing was typed.
    assert sent.status_code == 303
    done = words_of(client.get(sent.headers["Location"]))
    assert "Sent by email" in done
    assert "Please review her hearing aid." in done
    store.expire_all()
    assert store.scalars(select(Letter)).one().state == "sent"


def test_the_message_is_there_as_text_as_a_page_to_print_and_as_files(client: InspectedClient, store: Session) -> None:
    case = everything(store)
    letter = a_letter(store, case)
    sign_in(client, store, case.worker)
    base = f"/staff/letters/{letter.id}"
    text = client.get(f"{base}/text").get_data(as_text=True)
    assert "<textarea" in text
    assert "Plan and requested actions" in text
    file = client.get(f"{base}/text.txt")
    assert file.content_type == "text/plain; charset=utf-8"
    assert "attachment" in file.headers["Content-Disposition"]
    assert "Please review her hearing aid." in words_of(client.get(f"{base}/print"))
    bundle = client.get(f"{base}/fhir.json")
    assert bundle.content_type == "application/fhir+json"
    assert json.loads(bundle.get_data(as_text=True))["type"] == "document"


def test_where_it_is_not_allowed_nothing_is_shown_and_the_page_offers_to_ask(
    client: InspectedClient, store: Session
) -> None:
    case = everything(store)
    letter = a_letter(store, case)
    people.change_permission(store, case.service, case.referral.person_id, "share_gp", "withdrawn", "en")
    sign_in(client, store, case.worker)
    base = f"/staff/letters/{letter.id}"
    page = words_of(client.get(base))
    assert "They do not allow it now" in page
    assert "review her hearing aid" not in page
    for form in ("text", "text.txt", "print", "fhir.json"):
        assert client.get(f"{base}/{form}").status_code == 404, form
    assert press(client, base, "permission").status_code == 422
    allowed = press(client, base, "permission", agreed="y")
    assert allowed.status_code == 303
    assert "review her hearing aid" in words_of(client.get(base))
    rows = people.permissions_of(store, case.service.id, case.referral.person_id)
    store.expire_all()
    assert rows["share_gp"].given_by == "staff-recorded-verbal"


def test_taken_back_while_the_page_lay_open_it_is_not_sent_and_that_is_said_kindly(
    client: InspectedClient, store: Session
) -> None:
    case = everything(store)
    letter = a_letter(store, case)
    sign_in(client, store, case.worker)
    base = f"/staff/letters/{letter.id}"
    page = client.get(base).get_data(as_text=True)
    token, seen = (
        re.search(rf'name="{name}" value="([^"]+)"', page)[1]  # type: ignore[index]
        for name in ("csrf_token", "seen")
    )
    people.change_permission(store, case.service, case.referral.person_id, "share_gp", "withdrawn", "en")
    late = client.post(f"{base}/send", data={"csrf_token": token, "seen": seen, "how": "email"})
    assert late.status_code == 409
    assert "It was not sent: they do not allow it (any more). Nothing has left." in words_of(late)


def test_by_hand_says_how_and_a_mistake_keeps_what_was_typed(client: InspectedClient, store: Session) -> None:
    case = accepted(store)
    risk(store, case)
    letter = a_letter(store, case, occasion="plan")
    sign_in(client, store, case.worker)
    base = f"/staff/letters/{letter.id}"
    wrong = press(client, base, "send", how="hand", by="", to="", asked="Please ring her.")
    assert wrong.status_code == 422
    assert "Choose how you send it" in words_of(wrong)
    assert "Please ring her." in words_of(wrong)
    assert press(client, base, "send", how="hand", by="print", to="", asked="Please ring her.").status_code == 303
    assert "Please ring her." in words_of(client.get(base))


def test_the_list_leads_to_each_and_one_that_is_not_needed_leaves_it(client: InspectedClient, store: Session) -> None:
    case = everything(store)
    letter = a_letter(store, case)
    sign_in(client, store, case.worker)
    listed = client.get("/staff/letters")
    assert f"/staff/letters/{letter.id}" in listed.get_data(as_text=True)
    assert "Ready to send" in words_of(listed)
    base = f"/staff/letters/{letter.id}"
    assert press(client, base, "not-needed", because="").status_code == 422
    assert press(client, base, "not-needed", because="They told the GP themselves.").status_code == 303
    assert "They told the GP themselves." in words_of(client.get(base))
    assert "Nothing waits to be sent." in words_of(client.get("/staff/letters"))


def test_the_list_has_one_name_wherever_one_meets_it(client: InspectedClient, store: Session) -> None:
    case = everything(store)
    a_letter(store, case)
    sign_in(client, store, case.worker)
    listed = Page(client.get("/staff/letters").get_data(as_text=True))
    led = next(one for one in listed.all("a") if one.get("href") == "/staff/letters")
    (heading,) = listed.all("h1")
    titles = ["".join(one.itertext()) for one in Page(client.get("/staff/today").get_data(as_text=True)).all("h2")]
    assert {"".join(led.itertext()).strip(), "".join(heading.itertext()).strip()} == {"Messages to send"}
    assert any(one.strip().startswith("Messages to send") for one in titles), titles


def test_without_a_permission_the_case_says_so_and_asking_prepares_the_message(
    client: InspectedClient, store: Session
) -> None:
    case = everything(store, share_gp="no")
    sign_in(client, store, case.worker)
    address = f"/staff/referrals/{case.referral.id}"
    assert "they have not allowed it, so nothing goes" in words_of(client.get(address))
    made = press(client, address, "letters/permission")
    assert made.status_code == 303
    assert "This is exactly what will be sent" in words_of(client.get(made.headers["Location"]))


def test_the_person_reads_what_we_told_their_gp_without_what_was_written_about_keeping_safe(here: Session) -> None:
    store = here
    case = everything(store)
    send(store, case, a_letter(store, case))
    (told,) = letters.for_person(store, case.service.id, case.referral.person_id)
    assert told.recipient == "gp"
    other = accepted_here(store, case, share_gp="yes")
    with pytest.raises(letters.Gone):
        letters.one_for_person(store, case.service.id, other.person_id, told.id)


def test_triage_offers_the_practices_that_the_person_may_mean_one_press_each(
    client: InspectedClient, store: Session
) -> None:
    case = accepted(store, gp_practice="Harbour, by the church")
    person = people.read(store, case.worker.actor, case.referral.person_id)
    person.gp_practice_code = None
    store.commit()
    sign_in(client, store, case.worker)
    address = f"/staff/referrals/{case.referral.id}"
    assert "The person called it: Harbour, by the church" in words_of(client.get(address))
    assert "It is this one: Harbour Surgery" in words_of(client.get(address))
    assert "It is this one: Harbour Surgery" in words_of(client.get(f"{address}/gp-practice"))
    assert press(client, address, "/gp-practice", code="D81044").status_code == 303
    assert "It is this one" not in words_of(client.get(address))
    store.refresh(person)
    assert person.gp_practice_code == "D81044"


def test_an_analyst_sees_no_message(client: InspectedClient, store: Session) -> None:
    case = accepted(store)
    letter = a_letter(store, case, occasion="plan")
    sign_in(client, store, staff_member(store, case.service, Role.ANALYST))
    assert client.get(f"/staff/letters/{letter.id}").status_code == 403
