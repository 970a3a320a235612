"""What a person answered to each scale, for staff: their own line, the published words for a change, and how each
answer came about.

A person is compared with themselves alone. Better, no reliable change and worse are said only where a rule is
published, and never between answers that were not asked alike; what is missing is missing, and no nought.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from flask import g, url_for
from markupsafe import Markup

from portal import alerts, feedback, i18n
from portal.feedback import BANDS, SCORE, SCORES, Answered, Line, Step
from portal.i18n import N_, gettext, language_name, say_date
from portal.instruments import Direction, Instrument, Kind, Number, ScoreRule, Unlike, Verdict
from portal.journeys import Question
from portal.referrals import Referral
from portal.web import charts, questions
from portal.web.charts import said
from portal.web.check_ins import OCCASIONS
from portal.web.scales import STATUSES

VERDICTS: dict[Verdict, str] = {
    Verdict.BETTER: N_("Better"),
    Verdict.NO_RELIABLE_CHANGE: N_("No reliable change"),
    Verdict.WORSE: N_("Worse"),
}
UNLIKE: dict[Unlike, str] = {
    Unlike.VERSION: N_("Not compared with the time before: another version of the scale."),
    Unlike.WORDING: N_("Not compared with the time before: asked in other words, or in another language."),
    Unlike.MODE: N_("Not compared with the time before: asked in another way."),
}
NOT_ALIKE = N_("The first and the last answers are not compared: words, version or way of asking were not the same.")
WEEKDAY = N_("Asked about yesterday, and the days were not the same day of the week. Compare with care: %(question)s")
NO_RULE = N_("No rule is published for how much change counts here, so none is named.")
NO_ANSWER, NO_SCORE = N_("No answer"), N_("No score, because too much was left out")


@dataclass(frozen=True)
class ShownLine:
    """One score of a scale: the first and the last, and everything between as picture and table. ``weekday``: asked
    about yesterday, on different days of the week."""

    name: str | Markup
    first: str
    last: str
    verdict: str
    because: str
    weekday: bool
    chart: Markup
    table: tuple[tuple[str, str, str | Markup], ...]


@dataclass(frozen=True)
class ShownResponse:
    """How one response came about."""

    on: str
    occasion: str
    address: str
    words: str
    how: str
    alerts: tuple[uuid.UUID, ...]


@dataclass(frozen=True)
class ShownScale:
    """A scale on the case page. ``first`` and ``last``: the days; ``caution``: what stands in the way of comparing."""

    key: str
    title: str
    lines: tuple[ShownLine, ...]
    first: str
    last: str
    caution: tuple[str, ...]
    bands: tuple[str, ...]
    responses: tuple[ShownResponse, ...]
    licence: str


def scales_of(referral: Referral, names: Mapping[uuid.UUID, str]) -> list[ShownScale]:
    """Every scale that the person has answered, in the order in which they first did."""
    lines = {
        key: list(theirs)
        for key, theirs in groupby(
            feedback.lines_of(g.store, g.actor.service_id, referral.person_id), lambda line: line.scale
        )
    }
    by_scale: dict[str, list[Answered]] = {}
    for one in feedback.responses_of(g.store, g.actor.service_id, referral.person_id):
        by_scale.setdefault(one.response.scale, []).append(one)
    raised: dict[uuid.UUID, list[uuid.UUID]] = {}
    for alert in alerts.of_referral(g.store, g.actor, referral.id):
        if alert.form_id:
            raised.setdefault(alert.form_id, []).append(alert.id)
    return [
        _scale(key, sorted(times, key=lambda one: (one.on, one.response.id)), lines.get(key, ()), names, raised)
        for key, times in by_scale.items()
    ]


def _scale(
    key: str,
    times: Sequence[Answered],
    lines: Sequence[Line],
    names: Mapping[uuid.UUID, str],
    raised: Mapping[uuid.UUID, Sequence[uuid.UUID]],
) -> ShownScale:
    instrument = next((one.instrument for one in reversed(times) if one.instrument), None)
    drawn = list(feedback.told_of(lines))
    days = [say_date(point.on, weekday=False) for point in drawn[0].points] if drawn else []
    latest = drawn[0].points[-1].response if drawn else times[-1].response
    asked = feedback.questions_of(g.store, g.service, latest.id, i18n.spoken().code)
    shown = tuple(_line(f"{key}-{number}", line, lines, asked) for number, line in enumerate(drawn))
    # A single picture says by itself where it is broken.
    steps = [step for line in drawn for step in line.steps] if len(drawn) > 1 else []
    caution = list(dict.fromkeys(words for step in steps for words in _why_broken(step)))
    if instrument and drawn and instrument.change is None and len(days) > 1:
        caution.append(gettext(NO_RULE))
    return ShownScale(
        key=key,
        title=instrument.title if instrument else key,
        lines=shown,
        first=days[0] if len(days) > 1 else "",
        last=days[-1] if days else "",
        caution=tuple(caution),
        bands=tuple(dict.fromkeys(line.rule.band_source for line in drawn if line.rule.bands)),
        responses=tuple(_response(one, names, raised.get(one.response.id, ())) for one in reversed(times)),
        licence=instrument.licence.print_line if instrument else "",
    )


def _name(rule: ScoreRule, asked: Mapping[str, Question]) -> str | Markup:
    """The item's own words where the answer itself is the score; the kind of score where there are several."""
    question = asked.get(rule.items[0]) if rule.kind is Kind.NONE else None
    if question is None:
        return gettext(SCORES.get(rule.code, SCORE))
    return questions.exact_words(question.exact, question.label) if question.exact else gettext(question.label)


def _line(code: str, line: Line, lines: Sequence[Line], asked: Mapping[str, Question]) -> ShownLine:
    rule, name = line.rule, _name(line.rule, asked)
    labels = [_value_in_words(line, place, asked) for place in range(len(line.points))]
    verdict, because = _verdict(line)
    points = tuple(
        charts.Point(
            point.on,
            point.value,
            label="" if point.value is not None else label,
            broken=" ".join(_why_broken(line.steps[place - 1])) if place else "",
            note=_note(line, place, lines),
        )
        for place, (point, label) in enumerate(zip(line.points, labels, strict=True))
    )
    question = asked.get(rule.items[0]) if rule.kind is Kind.NONE else None
    exact = question.exact if question else None
    category = rule.direction is Direction.CATEGORY
    possible = line.instrument.possible(rule.code)
    picture = charts.Chart(
        code=f"scale-{code}",
        title=question.label if question else f"{line.instrument.title}: {name}",
        points=points,
        lowest=possible[0],
        highest=possible[-1],
        norm=_norm(line.instrument, rule),
        language=exact.language if exact and exact.language != i18n.spoken().code else "",
    )
    return ShownLine(
        name=name,
        first=labels[0] if len(labels) > 1 else "",
        last=labels[-1],
        verdict=verdict,
        because=because,
        weekday=any(step.caution for step in line.steps),
        # Codes are no amounts: what stands for "never" is not more than what stands for "often".
        chart=Markup("")
        if category
        else charts.chart(picture, table=False, titled=len(list(feedback.told_of(lines))) > 1),
        table=tuple(
            (day, labels[place] if category else value, known)
            for place, (day, value, known) in enumerate(charts.rows(picture))
        ),
    )


def _value_in_words(line: Line, place: int, asked: Mapping[str, Question]) -> str:
    """What the score was, with its published band; never a nought for what is missing."""
    point, rule = line.points[place], line.rule
    if rule.kind is Kind.NONE:
        item = next((one.counts for one in point.answered.items if one.item == rule.items[0]), None)
        question = asked.get(rule.items[0])
        if point.value is None:
            return str(questions.said(question, item.code)) if item and question else gettext(NO_ANSWER)
        if rule.direction is Direction.CATEGORY and item and question:
            return questions.said(question, item.code)
    if point.value is None:
        return gettext(NO_SCORE)
    return _with_band(said(point.value), point.band)


def _with_band(value: str, band: str | None) -> str:
    return f"{value} ({gettext(BANDS[band])})" if band in BANDS else value


def _note(line: Line, place: int, lines: Sequence[Line]) -> str:
    point = line.points[place]
    told = [gettext(N_("Band: %(band)s."), band=gettext(BANDS[point.band]))] if point.band in BANDS else []
    others = [one for one in lines if one.rule.items == line.rule.items and one.rule.code != line.rule.code]
    values = [value for one in others if (value := one.points[place].value) is not None]
    told += [gettext(N_("Sum of the answers: %(sum)s."), sum=said(value)) for value in values]
    return " ".join(told)


def _why_broken(step: Step) -> list[str]:
    return [gettext(words) for why, words in UNLIKE.items() if why in step.change.unlike]


def _verdict(line: Line) -> tuple[str, str]:
    """Better, no reliable change or worse from the first to the last, and by which published rule; or why not."""
    published, overall = line.instrument.change, line.overall
    if published is None or published.score != line.rule.code or overall is None:
        return "", ""
    if overall.change.verdict is None or overall.change.difference is None:
        return "", gettext(NOT_ALIKE)
    return gettext(VERDICTS[overall.change.verdict]), gettext(
        N_("From first to last the score moved by %(by)s. A change of %(needed)s or more counts (%(source)s)."),
        by=_isolated(_signed(overall.change.difference)),
        needed=said(published.by),
        source=_isolated(published.source),
    )


def _signed(difference: Number) -> str:
    return f"+{said(difference)}" if difference > 0 else said(difference)


def _isolated(words: str) -> str:
    return f"\N{LEFT-TO-RIGHT ISOLATE}{words}\N{POP DIRECTIONAL ISOLATE}"


def _norm(instrument: Instrument, rule: ScoreRule) -> charts.Norm | None:
    """What people in general answered. Those of people with an illness are no line to draw for anybody here."""
    norm = next((one for one in instrument.norms if one.score == rule.code), None)
    if norm is None:
        return None
    year = gettext(N_("year not stated")) if norm.year == "not stated" else _isolated(norm.year)
    about = _isolated(f"{norm.population}, {norm.statistic} {said(norm.value)}")
    return charts.Norm(norm.value, "; ".join((about, year, _isolated(norm.source))))


def _response(answered: Answered, names: Mapping[uuid.UUID, str], raised: Iterable[uuid.UUID]) -> ShownResponse:
    row, check_in = answered.response, answered.check_in
    words = (
        language_name(row.language),
        gettext(N_("version %(version)s"), version=_isolated(row.scale_version)),
        gettext(STATUSES[row.text_status]) if row.text_status in STATUSES else row.text_status,
    )
    how = [gettext(feedback.COMPLETED_BY[row.completed_by]), gettext(feedback.RESPONSE_MODES[row.response_mode])]
    if row.entered_by:
        how.append(gettext(N_("Typed in by %(name)s"), name=names.get(row.entered_by, "")))
    if not answered.counts:
        how.append(gettext(N_("All of it came after the check-in had ended, and does not count")))
    return ShownResponse(
        on=say_date(answered.on, weekday=False),
        occasion=gettext(OCCASIONS[check_in.occasion]),
        address=url_for("check_ins.entry", referral_id=check_in.referral_id, check_in_id=check_in.id),
        words="; ".join(words),
        how=". ".join(how),
        alerts=tuple(raised),
    )
