"""Pages for those who run a service: which scales it uses, in which words, on whose licence."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import instruments, measures
from portal.access import Permission
from portal.i18n import N_, gettext
from portal.instruments import BadPack, Instrument, Obstacle, State
from portal.instruments.packs import LARGEST
from portal.measures import OBSTACLES, CannotDo, Question, TextState
from portal.web.admin import NOT_A_DAY, read_day
from portal.web.forms import Code, Form, LongWords, Tick, Words
from portal.web.security import allow, keeps_typed

blueprint = Blueprint("scales", __name__, url_prefix="/staff/scales")

STATES: Mapping[TextState, str] = {
    TextState.IN_USE: N_("In use"),
    TextState.WAITING: N_("Loaded, waiting for a signature"),
    TextState.NOT_LOADED: N_("An official text exists, and is not loaded"),
    TextState.NOT_IN_HOLDER_LIST: N_("Not in the list of the rights holder"),
    TextState.NONE_FOUND: N_("None found"),
    TextState.REFUSED: N_("Refused"),
}
STATUSES: Mapping[str, str] = {
    "shipped": N_("Comes with the portal"),
    "own-wording": N_("Our own words, translated like the pages"),
    "official-two-sources": N_("Official, two sources agree"),
    "official-one-source": N_("Official, one source"),
    "official-not-held": N_("Official"),
    "licensed": N_("The licensed text of this service"),
}
PARTS: Mapping[str, tuple[str, str]] = {
    "responder": (N_("Who answers"), N_("The name of the person who acts when somebody may not be safe.")),
    "deputy": (N_("Who stands in"), N_("The name of somebody else, for when the first person is away.")),
    "hours": (N_("Hours"), N_("When somebody is there to answer, such as Monday to Friday, 9 to 5.")),
    "target_time": (N_("How soon"), N_("How long it may take until somebody acts, such as one hour.")),
    "out_of_hours": (N_("Outside these hours"), N_("What happens then, and what the person is told.")),
    "clinical_safety_owner": (
        N_("Who owns clinical safety"),
        N_("The name of the person who has agreed to this plan."),
    ),
}
"""The parts of a risk protocol: what each is called, and what belongs there. The codes are those of the data file."""


class ProtocolForm(Form):
    """What happens when an answer says that somebody may not be safe. With a part left blank the scale is off."""

    responder = Words(PARTS["responder"][0], hint=PARTS["responder"][1], longest=300)
    deputy = Words(PARTS["deputy"][0], hint=PARTS["deputy"][1], longest=300)
    hours = Words(PARTS["hours"][0], hint=PARTS["hours"][1], longest=300)
    target_time = Words(PARTS["target_time"][0], hint=PARTS["target_time"][1], longest=300)
    out_of_hours = Words(PARTS["out_of_hours"][0], hint=PARTS["out_of_hours"][1], longest=300)
    clinical_safety_owner = Words(
        PARTS["clinical_safety_owner"][0], hint=PARTS["clinical_safety_owner"][1], longest=300
    )


class LicenceForm(Form):
    """The licence of a gated scale."""

    number = Words(N_("Number of the licence"), missing=N_("Enter the number of the licence"))
    holder = Words(
        N_("Who holds it"),
        hint=N_("The organisation that the licence was given to."),
        missing=N_("Enter who holds the licence"),
    )
    since = Code(N_("First day"), longest=40, hint=N_("Such as 24 11 2026."), missing=NOT_A_DAY)
    until = Code(
        N_("Last day"), longest=40, hint=N_("On the day after it, nobody is asked any more."), missing=NOT_A_DAY
    )
    declared = Tick(N_("We hold this licence, and it covers what we do here"))


class PackForm(Form):
    """An official text, as the file holds it."""

    pack = LongWords(
        N_("The text pack"),
        hint=N_("Open the file, select everything, and paste it here."),
        longest=LARGEST,
        missing=N_("Paste the text pack"),
    )
    reviewer = Words(
        N_("Who has reviewed it"),
        hint=N_("The name of somebody who reads this language well."),
        missing=N_("Enter who has reviewed this text"),
    )


class SignForm(Form):
    """A native speaker has compared a text with its document."""

    name = Words(N_("Name of the native speaker"), missing=N_("Enter the name of the person who compared the texts"))
    day = Code(N_("Day of the comparison"), longest=40, hint=N_("Such as 24 11 2026."), missing=NOT_A_DAY)
    document_sha256 = Code(
        N_("SHA-256 of the document"),
        longest=100,
        hint=N_("64 digits and letters. It says which document was compared."),
        missing=N_("Enter the SHA-256 of the document: 64 digits and letters from a to f"),
    )
    compared = Tick(
        N_("A native speaker has compared every word with the document"),
        missing=N_("Tick the box, if it is true. Until then the text stays off"),
    )


class RefuseForm(Form):
    """A text is not to be used."""

    because = LongWords(N_("Why?"), longest=500, missing=N_("Enter why this text is not to be used"))


class TextForm(Form):
    """The licensed text of a gated scale, whose questions share one list of answers."""

    language = Code(
        N_("Language"),
        longest=35,
        hint=N_("Its tag, such as en, pl or pt-PT."),
        missing=N_("Enter the tag of the language"),
    )
    instruction = LongWords(N_("Instruction (optional)"), longest=2_000, hint=N_("What stands above the questions."))
    questions = LongWords(
        N_("Questions"),
        longest=20_000,
        hint=N_("One on each line, in the order of the form."),
        missing=N_("Enter the questions"),
    )
    answers = LongWords(
        N_("Answers"),
        longest=4_000,
        hint=N_("One on each line, in the order of the form."),
        missing=N_("Enter the answers"),
    )
    declared = Tick(N_("These are the words of the rights holder. Nobody here has translated or changed them"))


class BlocksForm(TextForm):
    """The same, where each question has answers of its own."""

    questions = LongWords(
        N_("Questions and answers"),
        longest=20_000,
        hint=N_(
            "Each question on one line, and below it its answers, one on each line. Then leave a line blank before the "
            "next question."
        ),
        missing=N_("Enter the questions"),
    )
    answers = None  # type: ignore[assignment]  # WTForms' way to take a field out


# Looking -------------------------------------------------------------------------------------------------------------


@blueprint.get("")
@allow(Permission.MANAGE_SCALES)
def overview() -> ResponseReturnValue:
    """Every scale: whether it is used, why not, and what waits."""
    texts = measures.text_states(g.store, g.service)
    lines = []
    for scale, against in measures.standings(g.store, g.service).items():
        waiting = any(line.state is TextState.WAITING for line in texts.get(scale, ()))
        lines.append((scale, instruments.catalogue()[scale].title, _look(against), _reasons(against), waiting))
    return _page("overview", lines=lines)


def _look(against: tuple[Obstacle, ...]) -> tuple[str, str]:
    """The tag of a scale: its words and its colour."""
    if not against:
        return gettext(N_("On")), "green"
    if Obstacle.PROTOCOL_INCOMPLETE in against:
        return gettext(N_("Locked")), "red"
    if {Obstacle.NO_LICENCE, Obstacle.LICENCE_EXPIRED, Obstacle.LICENCE_NOT_YET} & set(against):
        return gettext(N_("Needs a licence")), "yellow"
    return gettext(N_("Off")), "grey"


def _reasons(against: tuple[Obstacle, ...]) -> list[str]:
    return [gettext(OBSTACLES[obstacle]) for obstacle in against]


def _scale_or_404(scale_key: str) -> Instrument:
    found = instruments.catalogue().get(scale_key)
    return found or abort(404)


@blueprint.get("/<scale_key>")
@allow(Permission.MANAGE_SCALES)
def one(scale_key: str) -> ResponseReturnValue:
    """One scale: what it is, what is decided, its texts."""
    return _one(_scale_or_404(scale_key), [], 200)


def _one(instrument: Instrument, problems: list[dict[str, str]], status: int) -> ResponseReturnValue:
    given = measures.recorded(g.store, g.service, instrument.key)
    against = measures.standing(g.store, g.service, instrument.key)
    return _page(
        "one",
        status,
        problems=problems,
        instrument=instrument,
        given=given,
        stands=_look(against),
        reasons=_reasons(against),
        is_on=Obstacle.NOT_TURNED_ON not in against,
        missing=instruments.missing_from_protocol(instrument, given.protocol),
        parts=PARTS,
        gated=instrument.state is State.GATED,
        texts=measures.text_states(g.store, g.service).get(instrument.key, ()),
        states=STATES,
        statuses=STATUSES,
        TextState=TextState,
    )


# Deciding ------------------------------------------------------------------------------------------------------------


@blueprint.post("/<scale_key>/on")
@allow(Permission.MANAGE_SCALES)
def turn_on(scale_key: str) -> ResponseReturnValue:
    """Turn a scale on, if nothing stands against it."""
    instrument = _scale_or_404(scale_key)
    try:
        measures.turn_on(g.store, g.actor, scale_key)
    except CannotDo as refused:
        return _one(instrument, [{"text": said, "href": "#state"} for said in refused.problems.values()], 422)
    return redirect(url_for("scales.one", scale_key=scale_key, done="on"), 303)


@blueprint.post("/<scale_key>/off")
@allow(Permission.MANAGE_SCALES)
def turn_off(scale_key: str) -> ResponseReturnValue:
    """Turn a scale off."""
    _scale_or_404(scale_key)
    measures.turn_off(g.store, g.actor, scale_key)
    return redirect(url_for("scales.one", scale_key=scale_key, done="off"), 303)


@blueprint.route("/<scale_key>/protocol", methods=["GET", "POST"])
@allow(Permission.MANAGE_SCALES)
@keeps_typed
def protocol(scale_key: str) -> ResponseReturnValue:
    """The risk protocol of a locked scale."""
    instrument = _scale_or_404(scale_key)
    if not instrument.protocol:
        abort(404)
    written = measures.recorded(g.store, g.service, scale_key).protocol or {}
    form = ProtocolForm(data=dict(written))
    if form.sent():
        try:
            measures.record_protocol(
                g.store, g.actor, scale_key, {part: form[part].data for part in instrument.protocol}
            )
        except CannotDo as refused:
            _refuse(form, refused)
        else:
            return redirect(url_for("scales.one", scale_key=scale_key, done="protocol"), 303)
    return _form("protocol", form, instrument=instrument)


@blueprint.route("/<scale_key>/licence", methods=["GET", "POST"])
@allow(Permission.MANAGE_SCALES)
@keeps_typed
def licence(scale_key: str) -> ResponseReturnValue:
    """The licence of a gated scale."""
    instrument = _gated_or_404(scale_key)
    form = LicenceForm()
    if form.sent() and _record_licence(scale_key, form):
        return redirect(url_for("scales.one", scale_key=scale_key, done="licence"), 303)
    return _form("licence", form, instrument=instrument)


def _gated_or_404(scale_key: str) -> Instrument:
    instrument = _scale_or_404(scale_key)
    return instrument if instrument.state is State.GATED else abort(404)


def _record_licence(scale_key: str, form: LicenceForm) -> bool:
    since, until = _day_of(form, "since"), _day_of(form, "until")
    if since is None or until is None:
        return False
    try:
        measures.record_licence(
            g.store,
            g.actor,
            scale_key,
            number=form.number.data,
            holder=form.holder.data,
            since=since,
            until=until,
            declared=form.declared.data,
        )
    except CannotDo as refused:
        _refuse(form, refused)
        return False
    return True


def _day_of(form: Form, name: str) -> date | None:
    day = read_day(form[name].data)
    if day is None:
        form.refuse(name, gettext(NOT_A_DAY))
    return day


# Texts ---------------------------------------------------------------------------------------------------------------


@blueprint.route("/text-pack", methods=["GET", "POST"])
@allow(Permission.MANAGE_SCALES)
@keeps_typed
def text_pack() -> ResponseReturnValue:
    """Take an official text in."""
    form = PackForm()
    if form.sent():
        # As it was pasted: what a form makes of other words (Unicode's composed letters) would be another text.
        (raw, *_) = form.pack.raw_data or [""]
        pasted = raw.replace("\r\n", "\n").encode("utf-8", "surrogatepass")
        try:
            text = measures.import_text(g.store, g.service, pasted, reviewer=form.reviewer.data, actor=g.actor)
        except BadPack as bad:
            for sentence in bad.problems:
                form.refuse("pack", sentence)
        else:
            return redirect(url_for("scales.text", text_id=text.id, done="imported"), 303)
    problems = form.problems()
    if form.pack.errors:
        others = [problem for problem in problems if problem["href"] != "#pack"]
        problems = [*({"text": said, "href": "#pack"} for said in form.pack.errors), *others]
    return _form("text_pack", form, problems=problems)


@blueprint.route("/<scale_key>/words", methods=["GET", "POST"])
@allow(Permission.MANAGE_SCALES)
@keeps_typed
def words(scale_key: str) -> ResponseReturnValue:
    """Bring the licensed text of a gated scale."""
    instrument = _gated_or_404(scale_key)
    form = TextForm() if _shares_answers(instrument) else BlocksForm()
    if form.sent():
        try:
            text = measures.bring_text(
                g.store,
                g.actor,
                scale_key,
                form.language.data,
                instruction=form.instruction.data,
                questions=_questions(form),
                declared=form.declared.data,
            )
        except CannotDo as refused:
            _refuse(form, refused, instead="questions")
        else:
            return redirect(url_for("scales.text", text_id=text.id, done="brought"), 303)
    return _form("words", form, instrument=instrument, shares=_shares_answers(instrument))


def _shares_answers(instrument: Instrument) -> bool:
    return len(instrument.option_sets) == 1 and not instrument.ranges


def _questions(form: TextForm) -> list[Question]:
    if "answers" in form:
        labels = tuple(_lines(form["answers"].data))
        return [Question(line, labels) for line in _lines(form.questions.data)]
    blocks: list[list[str]] = [[]]
    for line in form.questions.data.split("\n"):
        if line.strip():
            blocks[-1].append(line.strip())
        elif blocks[-1]:
            blocks.append([])
    return [Question(block[0], tuple(block[1:])) for block in blocks if block]


def _lines(typed: str) -> list[str]:
    return [line.strip() for line in typed.split("\n") if line.strip()]


@blueprint.get("/texts/<uuid:text_id>")
@allow(Permission.MANAGE_SCALES)
def text(text_id: uuid.UUID) -> ResponseReturnValue:
    """One text: its words beside what is known of it, to compare, to sign, to refuse."""
    return _text(text_id, SignForm(formdata=None), RefuseForm(formdata=None), 200)


@blueprint.post("/texts/<uuid:text_id>/sign")
@allow(Permission.MANAGE_SCALES)
@keeps_typed
def sign(text_id: uuid.UUID) -> ResponseReturnValue:
    """A native speaker has compared it: it is on from now."""
    found = measures.text_of(g.store, g.actor, text_id) or abort(404)
    form = SignForm()
    if form.sent() and (day := _day_of(form, "day")):
        try:
            measures.sign_text(
                g.store,
                g.service,
                found.scale,
                found.language,
                name=form["name"].data,
                day=day,
                document_sha256=form.document_sha256.data,
                actor=g.actor,
                text_id=text_id,
            )
        except CannotDo as refused:
            _refuse(form, refused, instead="name")
        else:
            return redirect(url_for("scales.text", text_id=text_id, done="signed"), 303)
    return _text(text_id, form, RefuseForm(formdata=None), 422)


@blueprint.post("/texts/<uuid:text_id>/refuse")
@allow(Permission.MANAGE_SCALES)
@keeps_typed
def refuse(text_id: uuid.UUID) -> ResponseReturnValue:
    """This text is not to be used."""
    measures.text_of(g.store, g.actor, text_id) or abort(404)
    form = RefuseForm()
    if form.sent():
        measures.refuse_text(g.store, g.actor, text_id, form.because.data)
        return redirect(url_for("scales.text", text_id=text_id, done="refused"), 303)
    return _text(text_id, SignForm(formdata=None), form, 422)


def _text(text_id: uuid.UUID, signing: SignForm, refusing: RefuseForm, status: int) -> ResponseReturnValue:
    found = measures.text_of(g.store, g.actor, text_id) or abort(404)
    instrument, wording = measures.shown(g.store, found)
    may_sign, may_refuse = found.state == "waiting", found.state in ("waiting", "on")
    problems = [
        # A form that is not there any more has no fields to lead to: the state of the text says why.
        problem if there else {**problem, "href": "#state"}
        for form, there in ((signing, may_sign), (refusing, may_refuse))
        for problem in form.problems()
    ]
    return _page(
        "text",
        status,
        problems=problems,
        may_sign=may_sign,
        may_refuse=may_refuse,
        text=found,
        instrument=instrument,
        wording=wording,
        signing=signing,
        refusing=refusing,
        statuses=STATUSES,
    )


def _refuse(form: Form, refused: CannotDo, instead: str = "") -> None:
    """Say at its field what is wrong; what belongs to none is said at ``instead``, or at the first."""
    names = [field.name for field in form]
    for name, sentence in refused.problems.items():
        form.refuse(name if name in names else instead or names[0], sentence)


def _form(name: str, form: Form, **given: Any) -> ResponseReturnValue:
    given.setdefault("problems", form.problems())
    return _page(name, 422 if request.method == "POST" else 200, form=form, **given)


def _page(name: str, status: int = 200, **given: Any) -> ResponseReturnValue:
    given.setdefault("problems", [])
    given["done"] = request.args.get("done", "")
    return render_template(f"scales/{name}.html", **given), status
