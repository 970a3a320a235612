"""Answering a check-in, item by item: what is asked now, what is kept, what raises an alert, when it is finished.

Nothing that was answered is ever overwritten: each answer is a row of its own and the last one in time counts. What
comes after the end is kept as well and counts in no score. Whatever is saved, late or half-finished, is looked at for
somebody who may not be safe.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal import alerts, audit, instruments, measures, reading
from portal.access import Actor, rows_of
from portal.clock import now, today
from portal.codes import new_id
from portal.feedback.answers import rows_by_response
from portal.i18n import N_
from portal.instruments import Instrument
from portal.journeys import ABSENCES, LEFT_BLANK, Answers, Journey, Problem, Question, Step
from portal.journeys.wellbeing_check import wellbeing_check
from portal.measures import Chosen
from portal.store import CheckIn as CheckIn  # the doors name it in their types
from portal.store import ItemAnswer, MeasureResponse, Referral, Service, ServiceUser
from portal.store.once import write_once

COMPLETED_BY: Mapping[str, str] = {
    "self": N_("They answer on their own"),
    "supporter-reading": N_("Somebody reads the questions to them"),
    "interpreter": N_("An interpreter helps them"),
    "proxy": N_("Somebody else answers for them"),
}
"""Who answers, in the staff's words (data dictionary 4.10)."""

RESPONSE_MODES: Mapping[str, str] = {
    "web": N_("On the web"),
    "phone": N_("By phone"),
    "paper": N_("On paper"),
    "in-person": N_("In person"),
}
"""How the answers come to us (data dictionary 4.10)."""

GOALS = "goals"
"""The rating of goals stands in the plan like a scale, and is kept with the goals."""

RULE = "scale-risk"
"""The alert's rule for an answer that needs a person at once."""


class Gone(LookupError):
    """There is no such check-in of this referral in this service."""


class NotAsked(LookupError):
    """This scale is not asked in this check-in, in any words, of whoever answers."""


@dataclass(frozen=True)
class Open:
    """One scale of a check-in as it is asked now. ``response`` is ``None`` until something has begun.

    ``shown``: its words may be shown now. When a scale is turned off while somebody answers it, what they still send is
    kept, and nothing of it is shown any more.
    """

    chosen: Chosen
    response: MeasureResponse | None
    shown: bool = True

    @property
    def scale(self) -> str:
        """The key of the scale."""
        return self.chosen.instrument.key

    @property
    def instrument(self) -> Instrument:
        """The scale."""
        return self.chosen.instrument

    @property
    def journey(self) -> Journey:
        """Its pages."""
        return wellbeing_check(self.chosen.instrument, self.chosen.wording)

    @property
    def one_page(self) -> Journey:
        """All of it on one page, for whoever types in what was answered elsewhere."""
        return wellbeing_check(self.chosen.instrument, self.chosen.wording, one_page=True)


@dataclass(frozen=True)
class Kept:
    """What became of one page. ``alerted``: an answer on it needs a person at once. ``late``: the check-in had ended
    (finished at ``finished_at``, or nobody is asked any more); what was answered stands beside what counts."""

    problems: Mapping[str, Problem]
    alerted: bool = False
    late: bool = False
    finished_at: datetime | None = None


# What is asked -------------------------------------------------------------------------------------------------------


def find(
    store: Session, service_id: uuid.UUID, check_in_id: uuid.UUID | None, referral_id: uuid.UUID | None = None
) -> CheckIn:
    """A check-in of the service (of this referral). Raises ``Gone``."""
    wanted = rows_of(service_id, CheckIn).where(CheckIn.id == check_in_id)
    if referral_id:
        wanted = wanted.where(CheckIn.referral_id == referral_id)
    found = store.scalar(wanted) if check_in_id else None
    if found is None:
        raise Gone
    return found


def is_open(check_in: CheckIn) -> bool:
    """Whether what is answered now still counts."""
    return measures.takes_answers(check_in)


def ways(store: Session, check_in: CheckIn) -> tuple[str, str] | None:
    """Who answers and how, as was said last; ``None`` before anything was begun."""
    begun = [*_responses(store, check_in).values()]
    return (begun[-1].completed_by, begun[-1].response_mode) if begun else None


def look(
    store: Session,
    service: Service,
    check_in: CheckIn,
    *,
    language: str,
    completed_by: str | None = None,
    read_out: bool = False,
) -> list[Open]:
    """What is asked in this check-in now; writes nothing. A scale that somebody has begun goes on in the words in which
    it was begun.

    ``completed_by`` empty: as was said before, else ``self``. ``read_out``: a worker is there, who may read the English
    out; an interpreter may as well.
    """
    responses = _responses(store, check_in)
    begun = rows_by_response(store, service.id, [response.id for response in responses.values()])
    said = ways(store, check_in)
    who = completed_by or (said[0] if said else "self")
    person = store.get_one(ServiceUser, (service.id, check_in.person_id))
    age = measures.age_of(person, today())
    found = {
        chosen.instrument.key: Open(chosen, responses.get(chosen.instrument.key))
        for chosen in measures.scales_for(
            store,
            service,
            check_in,
            language=language,
            age=age,
            by_proxy=who == "proxy",
            interpreter=read_out or who == "interpreter",
        )
        if chosen.instrument.key != GOALS and (chosen.instrument.proxy or who != "proxy")
    }
    for scale, response in responses.items():
        if begun[response.id]:
            found.pop(scale, None)  # it goes on in the words in which it was begun, or not at all
            if again := _again(store, service, response, age, by_proxy=who == "proxy"):
                found[scale] = again
    order = {scale: place for place, scale in enumerate(check_in.scales)}
    return sorted(found.values(), key=lambda one: order.get(one.scale, len(order)))


def _again(
    store: Session, service: Service, response: MeasureResponse, age: int | None, *, by_proxy: bool
) -> Open | None:
    """A scale that was begun, in the words in which it was; ``None`` when those words are not here any more."""
    try:
        instrument = measures.instrument_of(store, service.id, response.scale, response.scale_version)
    except KeyError:
        return None
    wording = measures.words_of(
        store, service.id, response.scale, response.scale_version, response.language, response.wording_hash
    )
    if wording is None:
        return None
    against = measures.obstacles_of(
        store, service, response.scale, language=response.language, age=age, by_proxy=by_proxy
    )
    return Open(Chosen(instrument, wording, response.text_status, response.wording_hash), response, not against)


def _responses(store: Session, check_in: CheckIn) -> dict[str, MeasureResponse]:
    theirs = rows_of(check_in.service_id, MeasureResponse).where(MeasureResponse.check_in_id == check_in.id)
    return {response.scale: response for response in store.scalars(theirs.order_by(MeasureResponse.id))}


def without_words(store: Session, service: Service, check_in: CheckIn, language: str) -> tuple[Instrument, ...]:
    """The scales of this check-in that cannot be asked in this language, and could be in English."""
    person = store.get_one(ServiceUser, (service.id, check_in.person_id))
    found = measures.not_available(store, service, check_in, language=language, age=measures.age_of(person, today()))
    return tuple(instruments.catalogue()[scale] for scale in found)


def languages_of(store: Session, service: Service, scale: str) -> tuple[str, ...]:
    """The languages in which there are words of a scale that may be shown; none for what is no scale."""
    if scale not in instruments.catalogue():
        return ()
    brought = measures.recorded(store, service, scale).wordings or {}
    return tuple(dict.fromkeys([*instruments.catalogue()[scale].languages(), *brought]))


def begin(
    store: Session,
    service: Service,
    check_in: CheckIn,
    *,
    language: str,
    completed_by: str | None = None,
    response_mode: str = "web",
    entered_by: uuid.UUID | None = None,
    said_on: date | None = None,
    only: str = "",
) -> list[Open]:
    """The same with a response for each scale (for ``only`` this one), made once.

    Who answers, and how, is written on what is not finished; the words on what nobody has begun to answer. ``said_on``:
    the day that stands on the paper. Raises KeyError for a code that COMPLETED_BY or RESPONSE_MODES does not have, and
    Unreadable for a day that cannot be true.
    """
    if said_on:
        reading.written_on(said_on, today())
    if completed_by:
        COMPLETED_BY[completed_by]
    RESPONSE_MODES[response_mode]
    check_in = _lock(store, check_in)
    opened = look(
        store, service, check_in, language=language, completed_by=completed_by, read_out=entered_by is not None
    )
    said = ways(store, check_in)
    who = completed_by or (said[0] if said else "self")
    begun = rows_by_response(store, service.id, [one.response.id for one in opened if one.response])
    made = []
    for one in opened:
        if one.response is None and only in ("", one.scale):
            one = Open(one.chosen, _new(store, check_in, one.chosen, who, response_mode, entered_by, said_on))
        elif one.response and only in ("", one.scale) and is_open(check_in):
            if not begun[one.response.id]:
                _write_words(one.response, one.chosen)
            if completed_by and not _is_whole(one.instrument, begun[one.response.id]):
                one.response.completed_by, one.response.response_mode = who, response_mode
                one.response.entered_by, one.response.said_on = entered_by, said_on
        made.append(one)
    store.flush()
    return made


def _is_whole(instrument: Instrument, rows: Sequence[ItemAnswer]) -> bool:
    return {row.item for row in rows} >= set(instrument.item_by_code)


def _new(
    store: Session,
    check_in: CheckIn,
    chosen: Chosen,
    who: str,
    mode: str,
    entered_by: uuid.UUID | None,
    said_on: date | None,
) -> MeasureResponse:
    response = MeasureResponse(
        service_id=check_in.service_id,
        id=new_id(),
        check_in_id=check_in.id,
        person_id=check_in.person_id,
        scale=chosen.instrument.key,
        completed_by=who,
        response_mode=mode,
        entered_by=entered_by,
        said_on=said_on,
    )
    _write_words(response, chosen)
    same = rows_of(check_in.service_id, MeasureResponse).where(
        MeasureResponse.check_in_id == check_in.id, MeasureResponse.scale == response.scale
    )
    found, _ = write_once(store, response, same)
    return found


def _write_words(response: MeasureResponse, chosen: Chosen) -> None:
    response.scale_version = chosen.instrument.version
    response.language = chosen.wording.language
    response.text_status, response.wording_hash = chosen.text_status, chosen.wording_hash


def _lock(store: Session, check_in: CheckIn) -> CheckIn:
    """Held until the end: two devices answer one after the other, and neither after the end without being told."""
    wanted = rows_of(check_in.service_id, CheckIn).where(CheckIn.id == check_in.id)
    return store.scalars(wanted.with_for_update().execution_options(populate_existing=True)).one()


# Keeping -------------------------------------------------------------------------------------------------------------


def keep(
    store: Session,
    service: Service,
    check_in: CheckIn,
    opened: Open,
    step: Step,
    raw: Mapping[str, object],
    *,
    actor: Actor | None = None,
) -> Kept:
    """Keep what was answered on one page of a scale; alerts are raised at once. An answer that cannot be read is a
    problem and keeps nothing; the others on the page are kept.

    A page sent with nothing on it is left blank once; it takes back nothing that was said, here or on another device.
    Raises ``NotAsked`` for a scale that has not begun.
    """
    response = opened.response
    if response is None:
        raise NotAsked
    check_in = _lock(store, check_in)
    answers, problems = step.read(raw)
    late = not is_open(check_in)
    rows = rows_by_response(store, service.id, [response.id])[response.id]
    for item, answer in answers.items():
        _append(store, response, [row for row in rows if row.item == item], step_question(step, item), answer, late)
    if answers and not late:
        measures.mark_started(store, check_in)
    if actor:
        audit.record(
            store, service.id, actor, "entered answers", "check_in", check_in.id, scale=opened.scale, late=late
        )
    store.flush()
    alerted = _watch(store, service, check_in, opened.instrument, response, answers)
    return Kept(problems, alerted, late, check_in.completed_at)


def step_question(step: Step, item: str) -> Question:
    """The question of this page with this code."""
    return next(question for question in step.questions if question.code == item)


def _append(
    store: Session,
    response: MeasureResponse,
    before: Sequence[ItemAnswer],
    question: Question,
    answer: object,
    late: bool,
) -> None:
    if answer == LEFT_BLANK and before:
        return
    choice = question.choice(answer)
    kept: dict[str, object] = {"absent": answer}
    if choice and answer not in ABSENCES:
        kept = {"option": choice.code, "value": choice.value}
    if before and before[-1].answer == kept:
        return
    store.add(
        ItemAnswer(service_id=response.service_id, response_id=response.id, item=question.code, answer=kept, late=late)
    )


def _watch(
    store: Session,
    service: Service,
    check_in: CheckIn,
    instrument: Instrument,
    response: MeasureResponse,
    answers: Answers,
) -> bool:
    """Raise an alert for what needs a person at once: on what is saved so far, whatever the total and whether or not
    it counts. Says whether an answer just given is one."""
    saved = _values(rows_by_response(store, service.id, [response.id])[response.id])
    risky = instruments.risks(instrument, saved)
    alerted = False
    for risk in instrument.risk:
        if risk.item not in answers:
            continue
        question = f"{instrument.key}:{risk.item}"
        answer = str(answers[risk.item])
        if risk.item in risky and answer not in ABSENCES:
            alerts.raise_for(
                store,
                service,
                form_id=response.id,
                reference=store.get_one(Referral, (service.id, check_in.referral_id)).reference,
                question=question,
                answer=answer,
                rule=RULE,
                referral_id=check_in.referral_id,
                person_id=check_in.person_id,
            )
            alerted = True
        elif answer != LEFT_BLANK:
            # The first answer stays visible to staff beside the changed one (product 6).
            alerts.answer_changed(store, service.id, response.id, question, answer)
    return alerted


def _values(rows: Sequence[ItemAnswer]) -> dict[str, int | None]:
    """The last answer to each item, late ones too."""
    return {row.item: row.answer.get("value") for row in rows}


def finish(store: Session, service: Service, check_in: CheckIn, *, actor: Actor | None = None) -> CheckIn:
    """The check-in is answered. Finished twice it is finished once, at the first time; one that ended otherwise stays
    as it is."""
    check_in = _lock(store, check_in)
    if not is_open(check_in):
        return check_in
    responses = _responses(store, check_in)
    rows = rows_by_response(store, service.id, [response.id for response in responses.values()])
    moment = now()
    for response in responses.values():
        if rows[response.id]:
            response.completed_at = moment
    measures.mark_answered(store, service, check_in)
    audit.record(store, service.id, actor, "finished a check-in", "check_in", check_in.id)
    store.flush()
    return check_in
