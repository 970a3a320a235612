"""A world in which everything exists that an address can name, twice: two services, each with staff in every role,
referrals, alerts, tasks, a merge, a turn of duty, an invitation. Built once by rooms, copied for each test, with the
addresses of it.
"""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import Rule

from config import Settings
from portal import (
    accounts,
    alerts,
    clock,
    codes,
    create_app,
    directory,
    entries,
    experience,
    goals,
    measures,
    people,
    referrals,
    retention,
    services,
    tasks,
)
from portal.access import MAY, TASKS, Actor, Mine, Permission, Role, Visitor
from portal.accounts import passkeys, providers
from portal.caseload import (
    access_needs,
    care_plan,
    closing,
    contacts,
    details,
    letters,
    moving,
    notes,
    onward,
    risks,
    safeguarding,
    views,
)
from portal.caseload.plan_content import stamp
from portal.clock import now
from portal.instruments.packs import text_hash
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.details import DETAILS
from portal.journeys.goal_setting import GOAL_SETTING
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import ActivityTag, Alert, Practice, Referral, Service
from portal.web.security import door
from tests.arriving import Known, somebody
from tests.authenticator import Authenticator
from tests.inspector import InspectedClient
from tests.pictures import a_picture
from tests.world import Member, a_draft, a_referral, a_service, staff_member, typed_in

DEVICE = Authenticator("http://localhost", "localhost")
MADE_UP_TEXT = (Path(__file__).parent / "fixtures" / "who5.qaa.json").read_bytes()
OTHER_WORDS = json.loads(MADE_UP_TEXT) | {"instructions": "Blorp anew:"}

# A world with everything in it that an address can name, twice -------------------------------------------------------


@dataclass
class World:
    """A database with two services, and what stands in them."""

    file: Path
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[Role, str] = field(default_factory=dict)
    members: dict[Role, Member] = field(default_factory=dict)


def _one_of_each(store: Session, slug: str) -> tuple[dict[str, str], dict[Role, Member]]:
    """A service with one of each; the ids by the names that addresses use."""
    # Open day and night: whatever the hour of the test, nobody is told to come back when the service is open.
    hours = dict.fromkeys(services.WEEKDAYS, [["00:00", "24:00"]])
    service = a_service(store, slug, opening_hours=hours, teams=["North"], logo=services.brand.as_text(a_picture()))
    staff = {role: staff_member(store, service, role) for role in Role}
    boss, manager, worker = (staff[role].actor for role in (Role.ADMINISTRATOR, Role.MANAGER, Role.LINK_WORKER))
    colleague = staff_member(store, service)
    _token(store, colleague)
    second_manager = staff_member(store, service, Role.MANAGER)
    known = somebody(store, service, None, share_onward="yes", email="a@inbox.example", ways=("call", "email"))
    referral = known.referral
    again = a_referral(store, service)
    accepted = referrals.accept(store, service, worker, a_referral(store, service, first_name="Ada").id)
    merged = a_referral(store, service, first_name="Ola")
    a_referral(store, service, first_name="Bea", urgency="not-safe")
    a_referral(store, service, first_name="Cleo", urgency="being-hurt")
    merge = people.merge(store, manager, merged.person_id, a_referral(store, service, first_name="Ola").person_id)
    unopened, opened = store.scalars(select(Alert).where(Alert.service_id == service.id).order_by(Alert.id)).all()
    alerts.open_by_name(store, worker, opened.id)
    draft = a_draft(store, service, "safe-contact")
    task = tasks.add(store, service.id, tasks.Kind.UNFINISHED_FORM, once="made-up", due_at=now(), draft_id=draft.id)
    duty = services.set_duty(store, manager, "duty", worker.staff_id, now(), now() + timedelta(days=3))
    accounts.invite(
        store, boss, f"new-{slug}@staff.example", Role.LINK_WORKER.value, link=lambda token: f"https://x/{token}"
    )
    invitation = accounts.open_invitations(store, boss)[0]
    complaint = experience.comment(store, service, "complaint", "Nobody rang.", language="en", once=f"one {slug}")
    answered = experience.comment(store, service, "complaint", "It was cold.", language="en", once=f"two {slug}")
    experience.reply(store, manager, answered.id, "The heating is on again.")
    said = experience.you_said(store, manager, "It is cold.", "The heating is on.", language="en")
    erasure = retention.ask_erasure(store, service, again.person_id)
    text = measures.import_text(store, service, MADE_UP_TEXT, reviewer="Ola Nowak", actor=boss)
    today = now().date()
    measures.record_licence(
        store, boss, "swemwbs", number="1", holder="The Service", since=today, until=today, declared=True
    )
    measures.turn_on(store, manager, "gas")
    accounts.set_trained_in_gas(store, boss, manager.staff_id, True)
    answers: dict[str, object] = {one.code: one.read([]) for one in GOAL_SETTING.questions if not one.required}
    answers |= {"goal_words": "To meet people.", "goal_need": "loneliness"}
    goal = goals.set_goal(store, service, referral.person_id, referral.id, answers, "en")
    goals.scale(store, manager, goal.id, 2, -1, {level: f"Level {level}" for level in range(-2, 3)})
    action = care_plan.add_action(store, worker, referral.id, goal.id, words="Ring the choir", who="worker")
    need = care_plan.add_need(store, worker, referral.id, need="digital")
    concern = safeguarding.record(store, service, worker, referral.id, concern="Bruises on both arms.")
    return {
        "check_in_id": str(measures.of_referral(store, service.id, referral.id)[0].id),
        "scale": "ons4",
        "goal_id": str(goal.id),
        "what": goals.PUT_ASIDE,
        "becomes": "done",
        "action_id": str(action.id),
        "need_id": str(need.id),
        "concern_id": str(concern.id),
        "risk_id": str(risks.record(store, worker, referral.id, kind="pets").id),
        "access_need_id": str(access_needs.add(store, worker, referral.id, need="step-free").id),
        "note_id": str(notes.write(store, worker, referral.id, words="Rang twice.", shared=False).id),
        "text_id": str(text.id),
        "scale_key": "phq8",
        "locked_scale": "phq9",
        "gated_scale": "swemwbs",
        "erasure_id": str(erasure.id),
        "reference": again.reference,
        "referral_id": str(referral.id),
        "person_id": str(again.person_id),
        "details_seen": details.mark("name", details.known(store, referral)),
        "merged_referral_id": str(merged.id),
        "accepted_referral_id": str(accepted.id),
        "contact_id": str(contacts.record(store, service, manager, accepted.id, once="one", outcome="no-answer").id),
        "accepted_check_in_id": str(measures.of_referral(store, service.id, accepted.id)[0].id),
        "merge_id": str(merge.id),
        "alert_id": str(unopened.id),
        "opened_alert_id": str(opened.id),
        "task_id": str(task.id),
        "way_id": str(people.ways_of(store, service.id, referral.person_id)[0].id),
        "staff_id": str(colleague.actor.staff_id),
        "manager_id": str(second_manager.actor.staff_id),
        "duty_id": str(duty.id),
        "invitation_id": str(invitation.id),
        "draft_id": str(draft.id),
        "comment_id": str(complaint.id),
        "answered_comment_id": str(answered.id),
        "said_id": str(said.id),
        "group_code": "promise",
        "place_code": services.texts.write(store, manager, "closing", "en", "Come back at any time.", number=0).place,
        "language_code": "en",
        **_ended_and_paused(store, service, worker),
        **_led_on_and_told(store, service, worker, known),
        "view_id": str(views.keep(store, manager, "On hold", {"status": "on-hold"}).id),
        **_typed_in(store, service, worker),
        **_directory_of(store, manager),
        "kiosk_id": str(accounts.make_kiosk(store, boss, "Waiting room", codes.new_key()).id),
        **_visits_of(store, service, worker, known),
    }, staff


def _led_on_and_told(store: Session, service: Service, worker: Actor, known: Known) -> dict[str, str]:
    """Places that somebody is referred to, with and without their permission; messages back that wait, that are not
    allowed any more, and one that was sent about the person who visits their own page."""

    def somebody_s(name: str, **answers: object) -> Referral:
        sent = a_referral(store, service, answers={"first_name": name, **answers})
        risks.none_known(store, worker, referrals.accept(store, service, worker, sent.id).id)
        return sent

    def led(referral: Referral) -> onward.Onward:
        once, place = f"led {referral.id}", "The choir"
        return onward.begin(store, worker, referral.id, once=once, kind="referral", need="loneliness", place=place)

    def wanted(referral: Referral) -> letters.Letter:
        return letters.wanted(store, service, worker, referral, "plan")[0]

    def seen(letter: letters.Letter) -> str:
        return letters.shown(store, service, worker, letter.id).seen

    yes, no = somebody_s("Gil", share_gp="yes", share_onward="yes"), somebody_s("Hal", share_gp="yes")
    untold = somebody_s("Ike")
    access_needs.add(store, worker, untold.id, need="bsl-interpreter")
    allowed, forbidden, letter, withdrawn = led(yes), led(no), wanted(yes), wanted(no)
    people.change_permission(store, service, no.person_id, "share_gp", "withdrawn", "en")
    people.change_permission(store, service, known.referral.person_id, "share_gp", "given", "en")
    told = wanted(known.referral)
    letters.send(store, service, worker, told.id, seen=seen(told), how="print")
    name = [one for one in onward.shareable(store, worker, allowed, {}) if one.code == "name"]
    practice = Practice(service_id=service.id, code="D81044", name="Harbour", name_key="harbour")
    store.add(practice)
    store.flush()
    return {
        "onward_id": str(allowed.id),
        "onward_seen": onward.seen_of(name),
        "forbidden_onward_id": str(forbidden.id),
        "letter_id": str(letter.id),
        "letter_seen": seen(letter),
        "withdrawn_letter_id": str(withdrawn.id),
        "told_letter_id": str(told.id),
        "told_referral_id": str(yes.id),
        "unprepared_referral_id": str(somebody_s("Jon", share_gp="yes").id),
        "untold_referral_id": str(untold.id),
        "practice_id": str(practice.id),
    }


def _directory_of(store: Session, manager: Actor) -> dict[str, str]:
    """An activity of our own with its provider; a feed that has lost most of what it had."""
    words = directory.Words(name="Choir", provider="Town Choirs", needs=["loneliness"], postcode="PE27 5AD")
    own = directory.keeping.add(store, manager, codes.new_id(), words)
    feed = directory.feeds.feed_named(store, manager.service_id, manager, "Council", url="https://feeds.example/")
    theirs = directory.keeping.add(store, manager, codes.new_id(), words)
    store.add(ActivityTag(service_id=manager.service_id, activity_id=theirs.id, kind="topic", value="Singing"))
    directory.keeping.say_wrong(store, manager, theirs.id, "It is on Mondays now.")
    run = directory.ask(store, feed, manager)
    assert run
    run.state, run.error = "done", "shrank"
    theirs.feed_id, feed.taken_at = feed.id, now() + timedelta(minutes=1)
    store.flush()
    assert own.provider_id
    ids = {
        "activity_id": str(own.id),
        "wrong_activity_id": str(theirs.id),
        "provider_id": str(own.provider_id),
        "feed_id": str(feed.id),
    }
    return {**ids, "public_id": UNKNOWN}


UNKNOWN = "00000000-0000-7000-8000-000000000000"


def _typed_in(store: Session, service: Service, worker: Actor) -> dict[str, str]:
    """A form that a colleague has begun to type in, one that can be sent, and one that was."""
    begun = typed_in(store, service, worker, until="name-and-number")
    whole, sent = (typed_in(store, service, worker, answers={"first_name": "Ola"}) for _ in range(2))
    ids = {"entry_id": str(begun.id), "whole_entry_id": str(whole.id), "sent_entry_id": str(sent.id)}
    entries.send(store, service, worker, sent.id)
    return ids


def _ended_and_paused(store: Session, service: Service, worker: Actor) -> dict[str, str]:
    """A case that has ended, one that pauses, one that may be moved; and an alert to be talked over."""
    taken = {
        name: referrals.accept(
            store, service, worker, a_referral(store, service, first_name=name, share_onward="yes").id
        )
        for name in ("Flo", "Gus", "Hal")
    }
    said: dict[str, Any] = {
        "summary": "They sing.",
        "person_summary": "Thank you.",
        "no_action": True,
        "no_known_risks": True,
    }
    ended, paused, moves = (one.id for one in taken.values())
    day = now().date() + timedelta(days=30)
    outcomes = {"loneliness": "resolved"}
    end = closing.close(store, service, worker, ended, reason="goals-met", outcomes=outcomes, follow_up_due=day, **said)
    end.retention_review_due = now().date()
    closing.hold(store, worker, paused, reason="unwell", until=day)
    raised = alerts.raise_by_staff(
        store,
        service,
        worker,
        once="one",
        words="She whispered.",
        reference=taken["Hal"].reference,
        referral_id=moves,
        person_id=taken["Hal"].person_id,
    )
    alerts.ask_supervision(store, worker, raised.id)
    moved_here = a_referral(store, service, first_name="Ida")
    moved_here.source_channel, moved_here.return_hash = "staff", None
    return {
        "ended_referral_id": str(ended),
        "paused_referral_id": str(paused),
        "moves_referral_id": str(moves),
        "listed": moving.listed_as(moving.fields(store, worker, taken["Hal"])),
        "worker_id": str(worker.staff_id),
        "moved_here_referral_id": str(moved_here.id),
        "talk_over_alert_id": str(raised.id),
    }


VISITS = ("choosing", *TASKS, "read", "ended", "idle", "over", "reading-off")
"""Every kind of visit to a person's own page, open or not."""


def _visits_of(store: Session, service: Service, worker: Actor, known: Known) -> dict[str, str]:
    """A visit of each kind by the same person (with reading off by another one); the browser's key by kind."""
    keys = {kind: codes.new_key() for kind in VISITS}

    def comes(known: Known, kind: str) -> Visitor:
        code = accounts.issue_code(store, worker, known.referral.person_id, known.referral.id)
        found = accounts.worker_code_given(store, service, known.referral.reference, code, keys[kind], language="en")
        assert found
        return found

    def reads(known: Known, kind: str) -> Visitor:
        found = accounts.card_given(store, service, comes(known, kind), known.number, keys[kind] + "x")
        assert found
        keys[kind] += "x"
        return found

    comes(known, "choosing")
    for task in TASKS:
        due = measures.due_for(store, service.id, known.referral.person_id)
        accounts.choose_task(store, comes(known, task), task, due[0].id if task == "check-in" else None)
    reads(known, "read")
    accounts.end(store, reads(known, "ended"))
    with clock.later(-timedelta(minutes=30)):
        reads(known, "idle")
    with clock.later(-timedelta(hours=13)):
        reads(known, "over")
    quiet = somebody(store, service, None, first_name="Dee")
    reads(quiet, "reading-off")
    accounts.set_reading(store, service.id, quiet.referral.person_id, False, worker)
    return {f"visit {kind}": key for kind, key in keys.items()}


def _token(store: Session, member: Member) -> tuple[str, str]:
    """Signed in: the token, and which sign-in it is."""
    knocked = accounts.knock(store, member.actor.service_id, member.email)
    waiting = accounts.begin_sign_in(store, knocked, member.password)
    opened = accounts.second_factor_given(store, member.actor.service_id, waiting, member.recovery_codes.pop())
    return opened.token, str(opened.actor.sign_in_id)


def app_on(environment: dict[str, str], file: Path) -> Flask:
    app = create_app(Settings.from_environment({**environment, "PORTAL_DATABASE_URL": f"sqlite:///{file}"}))
    app.test_client_class = InspectedClient
    app.config["SERVICE"] = "here"
    return app


def build(environment: dict[str, str], migrated: Path, file: Path) -> World:
    """Make the world in a new database."""
    made = World(file)
    shutil.copy(migrated, file)
    app = app_on(environment, file)
    with app.extensions["stores"].writing.begin() as store:
        for slug in ("here", "there"):
            made.ids[slug], members = _one_of_each(store, slug)
            for role, member in members.items():
                if slug == "here":
                    made.members[role] = member
                    made.tokens[role], made.ids[slug][f"sign_in_id of {role}"] = _token(store, member)
            _, made.ids[slug]["sign_in_id"] = _token(store, members[Role.MANAGER])
            made.ids[slug].update(_ways_in(store, members[Role.ADMINISTRATOR]))
    app.extensions["stores"].engine.dispose()
    return made


def _ways_in(store: Session, member: Member) -> dict[str, str]:
    """A passkey, one that a device has just made, and an account elsewhere."""
    service = store.get_one(Service, member.actor.service_id)
    providers.connect(store, member.actor, providers.Claims("https://sign-in.example", member.email, ""))
    key, options = passkeys.begin_new(store, service, member.actor, host=DEVICE.host)
    made = passkeys.add(
        store, member.actor, key, a_device().make(options), "A phone", host=DEVICE.host, origin=DEVICE.origin
    )
    key, options = passkeys.begin_new(store, service, member.actor, host=DEVICE.host)
    return {"passkey_id": str(made.id), "passkey key": key, "passkey answer": a_device().make(options)}


def a_device() -> Authenticator:
    return Authenticator(DEVICE.origin, DEVICE.host)


def visitor(app: Flask, world: World, role: Role | None) -> InspectedClient:
    client = app.test_client()
    assert isinstance(client, InspectedClient)
    if role:
        client.set_cookie(app.config["SIGN_IN_COOKIE"], world.tokens[role])
    return client


def visiting(app: Flask, world: World, kind: str, slug: str = "here") -> InspectedClient:
    """A browser with a visit of this kind (VISITS) to somebody's own page; "" is a browser that was never there."""
    client = visitor(app, world, None)
    if kind:
        client.set_cookie(app.config["VISIT_COOKIE"], world.ids[slug][f"visit {kind}"])
    return client


def who_comes(app: Flask, world: World, rule: Rule) -> InspectedClient:
    """A browser that may come in at this route."""
    wanted = door(app, rule.endpoint)
    if isinstance(wanted, Mine):
        return visiting(app, world, "read")
    return visitor(app, world, who_may(app, rule) if isinstance(wanted, Permission) else None)


def csrf(client: InspectedClient) -> str:
    page = client.get("/carry-on").get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


# Addresses -----------------------------------------------------------------------------------------------------------

SLUGS = {
    "caseload.details_part": "name",
    "caseload.change_details": "name",
    "check_ins.page": "satisfied",
    "check_ins.keep": "satisfied",
    "my.change_detail": DETAILS.steps[0].slug,
    "my.detail": DETAILS.steps[0].slug,
    "goals.step": GOAL_SETTING.steps[0].slug,
    "goals.keep": GOAL_SETTING.steps[0].slug,
    "goals.change": GOAL_SETTING.steps[0].slug,
    "goals.changed": GOAL_SETTING.steps[0].slug,
    "journeys.step": SELF_REFERRAL.steps[0].slug,
    "journeys.keep": SELF_REFERRAL.steps[0].slug,
    "journeys.help_first": "urgent",
    "entry.page": "urgent",
    "entry.keep": "urgent",
    "experience.write": "complaint",
    "experience.send": "complaint",
    "experience.my_write": "experience",
    "experience.my_send": "experience",
    "journeys.about_you": ABOUT_YOU.steps[0].slug,
    "journeys.keep_about_you": ABOUT_YOU.steps[0].slug,
}
INSTEAD: dict[str, dict[str, str]] = {
    "entry.send": {"entry_id": "whole_entry_id"},
    "entry.sent": {"entry_id": "sent_entry_id"},
    "entry.new_number": {"entry_id": "sent_entry_id"},
    "experience.close": {"comment_id": "answered_comment_id"},
    "caseload.add_review": {"referral_id": "accepted_referral_id"},
    "caseload.no_known_risks": {"referral_id": "accepted_referral_id"},
    "caseload.plan_end": {"referral_id": "accepted_referral_id"},
    **dict.fromkeys(
        ("caseload.new_contact", "caseload.record_contact", "caseload.contact", "caseload.change_contact"),
        {"referral_id": "accepted_referral_id"},
    ),
    "caseload.ask_now": {"referral_id": "accepted_referral_id", "check_in_id": "accepted_check_in_id"},
    "caseload.close_alert": {"alert_id": "opened_alert_id"},
    "caseload.talked_over": {"alert_id": "talk_over_alert_id"},
    **dict.fromkeys(
        ("caseload.close", "caseload.close_it", "caseload.hold", "caseload.hold_it"),
        {"referral_id": "accepted_referral_id"},
    ),
    **dict.fromkeys(
        ("caseload.reopen", "caseload.reopen_it", "caseload.followed_up", "caseload.keep_words"),
        {"referral_id": "ended_referral_id"},
    ),
    "directory.right": {"activity_id": "wrong_activity_id"},
    "visits.make_card": {"referral_id": "moved_here_referral_id"},
    **dict.fromkeys(("erasure.keeping_page", "erasure.decide"), {"referral_id": "ended_referral_id"}),
    "caseload.resume": {"referral_id": "paused_referral_id"},
    **dict.fromkeys(
        ("caseload.move", "caseload.move_it", "caseload.move_permission"), {"referral_id": "moves_referral_id"}
    ),
    "caseload.undo_merge": {"referral_id": "merged_referral_id"},
    **dict.fromkeys(
        ("caseload.onward_find", "caseload.onward_new", "caseload.onward_begin"), {"referral_id": "told_referral_id"}
    ),
    "caseload.prepare_letter": {"referral_id": "unprepared_referral_id"},
    "caseload.onward_permission": {"onward_id": "forbidden_onward_id"},
    "caseload.letter_permission": {"letter_id": "withdrawn_letter_id"},
    **dict.fromkeys(("caseload.allow_letter", "caseload.set_interpreter"), {"referral_id": "untold_referral_id"}),
    "my.letter": {"letter_id": "told_letter_id"},
    "scales.licence": {"scale_key": "gated_scale"},
    "scales.protocol": {"scale_key": "locked_scale"},
    "scales.words": {"scale_key": "gated_scale"},
}
"""Where an address needs a record in another state than the usual one."""


def address(app: Flask, world: World, rule: Rule, slug: str = "here", **other: str) -> str:
    """The address of an endpoint, with the ids of a service."""
    given: dict[str, str] = {}
    for name in rule.arguments:
        if name == "slug":
            given[name] = SLUGS[rule.endpoint]
        elif name == "token":
            given[name] = "A" * 43
        else:
            known = INSTEAD.get(rule.endpoint, {}).get(name, name)
            assert known in world.ids[slug], f"Tell tests/test_doors.py where a {name} comes from."
            given[name] = world.ids[slug][known]
    return app.url_map.bind("localhost").build(rule.endpoint, {**given, **other})


def rules(app: Flask, *, staff: bool | None = None, method: str | None = None) -> list[Rule]:
    """The routes, in the order of their addresses."""
    found = [
        rule
        for rule in app.url_map.iter_rules()
        if (staff is None or isinstance(door(app, rule.endpoint), Permission) == staff)
        and (method is None or method in (rule.methods or ()))
    ]
    return sorted(found, key=lambda rule: (rule.rule, rule.endpoint))


def endpoint_at(app: Flask, asked: str, method: str) -> Rule | None:
    """Which route answers; ``None`` when this address is not for this method."""
    try:
        found, _ = app.url_map.bind("localhost").match(asked, method, return_rule=True)
    except MethodNotAllowed:
        return None
    return found


def typed_for(app: Flask, world: World, rule: Rule) -> dict[str, str]:
    """What somebody might have typed on the page before its token died."""
    if rule.endpoint == "sign_in.sign_in":
        return {"email": "nobody@staff.example", "password": "x"}
    if rule.endpoint in TRIED_ELSEWHERE:
        return {"name": "Riverside Council"}
    return good(app, world, rule) if rule.endpoint in GOOD else {}


def who_may(app: Flask, rule: Rule) -> Role:
    wanted = door(app, rule.endpoint)
    assert isinstance(wanted, Permission)
    return next(role for role in (Role.ADMINISTRATOR, Role.MANAGER, Role.LINK_WORKER) if role in MAY[wanted])


Good = Callable[[World], dict[str, str]]


def _nothing(world: World) -> dict[str, str]:
    return {}


ANSWERED = {"completed_by": "self", "response_mode": "phone"}
A_GOAL = {"goal_words": "To sleep.", "goal_need": "other", "importance": "9", "sure": "dont-know"}

PROMISES = (
    "promise_working_days",
    "contact_attempts",
    "complaint_acknowledge_days",
    "complaint_answer_days",
)

GOOD: dict[str, Good] = {
    "check_ins.enter": lambda world: {**ANSWERED, "satisfied": "7"},
    "check_ins.finish": _nothing,
    "caseload.add_risk": lambda world: {"kind": "pets", "words": "A large dog", "once": "one"},
    "caseload.no_known_risks": _nothing,
    "caseload.end_risk": _nothing,
    "caseload.review_risk": lambda world: {"words": "Two large dogs", "version": "1"},
    "caseload.add_access_need": lambda world: {"need": "lip-reads", "need_of": "self", "once": "one"},
    "caseload.review_access_need": _nothing,
    "caseload.end_access_need": _nothing,
    "caseload.change_access_need": lambda world: {"detail": "And a lift", "version": "1"},
    "caseload.set_practice": lambda world: {"code": "V81999"},
    "caseload.write_note": lambda world: {"who_reads": "staff", "words": "They like mornings.", "once": "one"},
    "caseload.corrected_note": lambda world: {"words": "Rang once.", "once": "one"},
    "caseload.record_safeguarding": lambda world: {"concern": "A locked door.", "once": "one"},
    "caseload.safeguarding_done": lambda world: {"words": "Told the council.", "version": "1"},
    "caseload.end_safeguarding": _nothing,
    "caseload.changed_plan": lambda world: {"strengths": "Sings.", "seen": stamp(care_plan.says_plan(None))},
    "caseload.add_plan_need": lambda world: {"need": "food"},
    "caseload.changed_plan_need": lambda world: {
        "status": "improving",
        "seen": stamp({"status": "open", "words": ""}),
    },
    "caseload.plan_goal_becomes": _nothing,
    "caseload.end_plan_actions": lambda world: {"status": "stopped"},
    "caseload.add_action": lambda world: {"words": "Go along", "who": "worker", "status": "planned", "once": "one"},
    "caseload.changed_action": lambda world: {
        "words": "Ring the choir",
        "who": "worker",
        "status": "done",
        "seen": stamp(
            {
                **dict.fromkeys(("who_name", "barriers"), ""),
                **dict.fromkeys(("due", "sure", "review_due")),
                "words": "Ring the choir",
                "who": "worker",
                "status": "planned",
            }
        ),
    },
    "caseload.action_becomes": _nothing,
    "caseload.agreed_plan": lambda world: {"agreed": "person", "none_known": "y", "seen": "SEEN"},
    "passkeys.new": _nothing,
    "passkeys.add": lambda world: {
        "key": world.ids["here"]["passkey key"],
        "answer": world.ids["here"]["passkey answer"],
        "name": "My tablet",
    },
    "passkeys.end": _nothing,
    "providers.disconnect": _nothing,
    "sign_in.change_password": lambda world: {"password": "velvet anchor pigeon"},
    "goals.staff_add": lambda world: {**A_GOAL, **ANSWERED, "closeness": "2"},
    "goals.staff_rated": lambda world: {**ANSWERED, "closeness": "7"},
    "goals.staff_changed": lambda world: {**A_GOAL, "version": "1"},
    "goals.staff_become": _nothing,
    "goals.staff_scaled": lambda world: {
        **dict.fromkeys(("much_less", "less", "expected", "more", "much_more"), "What it would look like"),
        "weight": "3",
        "baseline": "-2",
    },
    "goals.staff_level": lambda world: {"level": "1"},
    "admin.training": lambda world: {"trained": "yes"},
    "admin.move_to_team": lambda world: {"team": "North"},
    "admin.safeguarding": lambda world: {"may": "yes"},
    "setup.save": lambda world: {
        "was": services.fingerprint(Service(settings={}), PROMISES),
        **dict.fromkeys(PROMISES, "7"),
    },
    "setup.look": lambda world: {
        "was": services.fingerprint(Service(settings={}), ["brand_colour"]),
        "brand_colour": "#005a8c",
    },
    "setup.bring_logo": lambda world: {"logo": (BytesIO(a_picture(8, 8)), "logo.png")},  # type: ignore[dict-item]
    "setup.remove_logo": _nothing,
    "setup.bring_practices": lambda world: {"file": (BytesIO(b"code,name\nD81045,Hill Surgery\n"), "list.csv")},  # type: ignore[dict-item]
    "setup.add_practice": lambda world: {"code": "D81046", "name": "Mill Surgery"},
    "setup.one_practice": lambda world: {"name": "Harbour Surgery", "version": "1"},
    "setup.write": lambda world: {"words": "Thank you.", "number": "1"},
    "setup.take_ours": lambda world: {"number": "1"},
    "entry.begin": lambda world: {"channel": "phone", "completed_by": "self", "language": "en", "said_on": ""},
    "entry.keep": lambda world: {"urgency": "soon"},
    "entry.new_number": _nothing,
    "entry.send": _nothing,
    "entry.throw_away": _nothing,
    "directory.add": lambda world: {"name": "Tea", "provider": "Tea House", "status": "active", "needs": "loneliness"},
    "directory.change": lambda world: {"name": "Tea", "provider": "Tea House", "status": "active", "version": "1"},
    "directory.hide": lambda world: {"hidden": "yes"},
    "directory.checked": _nothing,
    "visits.make_card": _nothing,
    "directory.wrong": lambda world: {"words": "It is on Tuesdays now."},
    "directory.right": _nothing,
    "directory.referrals": lambda world: {"referrals_to": "refer@choirs.example"},
    "directory.provider": lambda world: {"name": "Town Choirs Trust", "version": "1"},
    "directory.add_feed": lambda world: {"name": "County", "url": "https://feeds.example/county"},
    "directory.feed": lambda world: {"on": "y", "every_hours": "24", "published": "y", "version": "2"},
    "directory.fetch_now": _nothing,
    "directory.accept_missing": _nothing,
    "directory.topic": lambda world: {"topic": "Singing", "needs": "mood-stress"},
    "erasure.ask": _nothing,
    "erasure.decide": lambda world: {"decision": "1"},
    "erasure.erase": lambda world: {"reference": world.ids["here"]["reference"], "told": "y"},
    "erasure.refuse": lambda world: {"word": "A court needs it."},
    "experience.acknowledge": _nothing,
    "experience.close": _nothing,
    "experience.hand_over": lambda world: {"to": world.ids["here"]["manager_id"]},
    "experience.publish": lambda world: {"said": "Too dark.", "did": "A second lamp.", "language": "en"},
    "experience.reply": lambda world: {"words": "We are sorry, and have changed it."},
    "experience.withdraw": _nothing,
    "caseload.accept": _nothing,
    "caseload.add_review": lambda world: {"due": (now() + timedelta(days=30)).date().isoformat()},
    "caseload.plan_end": lambda world: {"ends": (now() + timedelta(days=40)).date().isoformat()},
    "caseload.ask_now": _nothing,
    "caseload.change_details": lambda world: {
        "first_name": "Sofia",
        "given_by": people.IN_WORDS,
        "seen": world.ids["here"]["details_seen"],
    },
    "caseload.change_sharing": lambda world: {"say": "evaluation refused", "given_by": people.IN_WORDS},
    "caseload.set_interpreter": _nothing,
    "caseload.confirm_way": _nothing,
    "caseload.close_alert": lambda world: {"done": "Rang, and they are safe."},
    "caseload.decline_it": lambda world: {"reason": "REASON", "text": "", "word": "We are sorry."},
    "caseload.onward_begin": lambda world: {
        "kind": "signpost",
        "need": "loneliness",
        "place": "The choir",
        "check_due": (now() + timedelta(days=14)).date().isoformat(),
    },
    "caseload.onward_send": lambda world: {
        "fields": "name",
        "seen": world.ids["here"]["onward_seen"],
        "how": "hand",
        "to": "Ann, by phone",
    },
    "caseload.onward_permission": lambda world: {"agreed": "y"},
    "caseload.onward_became": lambda world: {"status": "accepted", "on": now().date().isoformat(), "version": "1"},
    "caseload.prepare_letter": lambda world: {"recipient": "gp"},
    "caseload.allow_letter": lambda world: {"recipient": "gp", "agreed": "y"},
    "caseload.send_letter": lambda world: {"seen": world.ids["here"]["letter_seen"], "how": "hand", "by": "print"},
    "caseload.letter_not_needed": lambda world: {"because": "They told the GP themselves."},
    "caseload.letter_permission": lambda world: {"agreed": "y"},
    "caseload.confirm_practice": lambda world: {"email": "harbour@nhs.example", "sure": "y", "version": "1"},
    "caseload.give_to": lambda world: {"to": world.ids["here"]["staff_id"]},
    "caseload.hand_over": lambda world: {"to": world.ids["here"]["staff_id"]},
    "caseload.merge": _nothing,
    "caseload.open_alert": _nothing,
    "caseload.ask_supervision": _nothing,
    "caseload.talked_over": _nothing,
    "caseload.raise_alert": lambda world: {"words": "She whispered.", "once": "two"},
    "caseload.close_it": lambda world: {
        "reason": "goals-met",
        "outcome_loneliness": "resolved",
        "summary": "They sing.",
        "person_summary": "Thank you.",
        "no_action": "y",
        "no_known_risks": "y",
        "follow_up": "",
    },
    "caseload.keep_words": lambda world: {"words": "What I wrote.", "once": "one"},
    "caseload.reopen_it": lambda world: {"because": "They rang."},
    "caseload.hold_it": lambda world: {
        "reason": "unwell",
        "until": (now() + timedelta(days=30)).date().isoformat(),
    },
    "caseload.resume": _nothing,
    "caseload.followed_up": _nothing,
    "caseload.move_it": lambda world: {
        "to": "there",
        "urgency": "no",
        "word": "They are nearer.",
        "no_action": "y",
        "listed": world.ids["here"]["listed"],
    },
    "caseload.move_permission": lambda world: {"agreed": "yes"},
    "caseload.give_all": lambda world: {
        "whose": world.ids["here"]["worker_id"],
        "to": world.ids["here"]["staff_id"],
    },
    "caseload.pass_it_on": lambda world: {
        "to": "The Carers’ Centre",
        "reason": "Nearer",
        "word": "They will ring you.",
    },
    "caseload.record_contact": lambda world: {"outcome": "spoke"},
    "caseload.change_contact": lambda world: {
        "outcome": "spoke",
        "mechanism": "telephone",
        "direction": "out",
        "with_whom": "person",
        "version": "1",
        "day": clock.today().isoformat(),
    },
    "caseload.record_permission": lambda world: {"agreed": "yes"},
    "caseload.say_why_not": lambda world: {"why": "declined"},
    "caseload.drop_view": _nothing,
    "caseload.found": lambda world: {"typed": "Zofia"},
    "caseload.keep_view": lambda world: {"name": "Overdue", "due": "overdue"},
    "caseload.reason_given": lambda world: {"reason": "covering", "words": ""},
    "caseload.task_done": _nothing,
    "caseload.hand_over_task": lambda world: {"to": world.ids["here"]["staff_id"]},
    "caseload.add_to_do": lambda world: {
        "words": "Ask the library",
        "due": clock.today().isoformat(),
        "to": world.ids["here"]["staff_id"],
        "once": "one",
    },
    "caseload.undo_merge": _nothing,
    "admin.change_role": lambda world: {"role": Role.ANALYST.value},
    "admin.end_sign_ins": _nothing,
    "admin.end_turn": _nothing,
    "admin.invite": lambda world: {"email": "someone.new@staff.example", "role": Role.ANALYST.value},
    "admin.left": lambda world: {"seen": "yes"},
    "admin.rota": lambda world: {
        "position": "deputy",
        "staff": world.ids["here"]["staff_id"],
        "starts": "",
        "ends": "",
    },
    "admin.second_factor": _nothing,
    "admin.withdraw": _nothing,
    "kiosk.end": _nothing,
    "kiosk.make": lambda world: {"name": "The waiting room upstairs"},
    "scales.licence": lambda world: {
        "number": "W-1",
        "holder": "The Service",
        "since": "1 1 2026",
        "until": "1 1 2100",
        "declared": "y",
    },
    "scales.protocol": lambda world: {
        "responder": "Amina",
        "deputy": "Moss",
        "hours": "9 to 5",
        "target_time": "One hour",
        "out_of_hours": "At nine",
        "clinical_safety_owner": "Rosa",
    },
    "scales.refuse": lambda world: {"because": "Item 2 reads otherwise in print"},
    "scales.sign": lambda world: {
        "name": "Ola Nowak",
        "day": "1 11 2026",
        "document_sha256": json.loads(MADE_UP_TEXT)["source_sha256"],
        "compared": "y",
    },
    "scales.text_pack": lambda world: {
        "pack": json.dumps(OTHER_WORDS | {"text_sha256": text_hash(OTHER_WORDS)}),
        "reviewer": "Ola Nowak",
    },
    "scales.turn_off": _nothing,
    "scales.turn_on": _nothing,
    "scales.words": lambda world: {
        "language": "en",
        "instruction": "Blorp:",
        "questions": "\n".join(f"Gleep {n}" for n in range(1, 8)),
        "answers": "Na\nNe\nNi\nNo\nNu",
        "declared": "y",
    },
    "visits.issue_code": _nothing,
    "visits.set_reading": lambda world: {"go": "off"},
    "sign_in.end_sign_in": _nothing,
    "sign_in.recovery_codes": lambda world: {"code": "CODE"},
    "sign_in.sign_out_everywhere": _nothing,
}
"""What is typed so that an act of the staff happens."""


TRIED_ELSEWHERE = {
    "providers.connect": "it needs a provider that runs: tests/test_providers.py",
    "providers.keep": "it needs a provider that runs: tests/test_providers.py",
}
"""Acts of the staff that cannot be tried with what is typed alone."""


def good(app: Flask, world: World, rule: Rule) -> dict[str, str]:
    assert rule.endpoint in GOOD, f"Tell tests/test_doors.py what to type for {rule.endpoint}."
    typed = dict(GOOD[rule.endpoint](world))
    for name, value in typed.items():
        if value == "REASON":
            with app.extensions["stores"].reading() as store:
                typed[name] = services.settings_of(services.find(store, "here") or Service()).decline_reasons[0].code
        if value == "SEEN":
            with app.extensions["stores"].reading() as store:
                worker = world.members[Role.LINK_WORKER].actor
                referral = store.get_one(Referral, (worker.service_id, UUID(world.ids["here"]["referral_id"])))
                typed[name] = care_plan.of_referral(store, worker, referral).seen
        if value == "CODE":
            typed[name] = accounts.code_now(world.members[who_may(app, rule)].secret)
    return typed
