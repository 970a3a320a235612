"""The directory of activities for staff: finding one; and for those who look after it, our own activities and
providers, the feeds and what came of them, and what a topic means."""

import uuid
from dataclasses import asdict
from typing import Any

from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import access, codes, directory
from portal.access import Permission
from portal.directory import NotTaken, Words, feeds, keeping, topics
from portal.i18n import N_, gettext
from portal.journeys.self_referral import NEEDS
from portal.outside import Allowance
from portal.web import activities
from portal.web.forms import Code, Email, Form, LongWords, OneOf, SomeOf, Tick
from portal.web.forms import Words as Line
from portal.web.security import allow, keeps_typed

blueprint = Blueprint("directory", __name__, url_prefix="/staff/activities")

PROBLEMS: dict[tuple[str, str], str] = {
    ("url", "not-a-url"): N_("Enter the address of a page, such as https://example.org"),
    ("website", "not-a-url"): N_("Enter the address of a page, such as https://example.org"),
    ("email", "not-an-email"): N_("Enter an email address, such as name@example.org"),
    ("referrals_to", "not-an-email"): N_("Enter an email address, such as name@example.org"),
    ("postcode", "not-a-postcode"): N_("Enter a full postcode, such as PE27 5BQ"),
    ("minimum_age", "not-an-age"): N_("Enter an age in years, such as 18"),
    ("maximum_age", "not-an-age"): N_("Enter an age in years, such as 18"),
    ("maximum_age", "too-young"): N_("Enter an oldest age that is not below the youngest"),
    ("opens_at", "not-a-time"): N_("Enter a time, such as 09:30"),
    ("closes_at", "not-a-time"): N_("Enter a time, such as 09:30"),
    ("languages", "not-a-language"): N_("Enter languages by their English names, with commas, such as Urdu, Polish"),
    ("name", "taken"): N_("There is a feed of this name. Give this one another name"),
    ("name", "too-many"): N_("There are as many feeds as we keep. Use one of those that are there"),
    ("words", "full"): N_("So much is written here already that no more fits. It waits to be put right"),
    ("url", "refused-address"): N_("Enter an address that begins with https:// and is in the open internet"),
}
NAME = N_("Enter a name")
WRONG = N_("Write what is wrong with it")
CHOOSE_FILE = N_("Choose a file or enter an address")
NOT_BOTH = N_("Choose a file or enter an address, not both")
TOO_LARGE = N_("This file is too large for this page. The people who run this portal can take it in for you")
BEING_TAKEN = N_("This feed is being taken in already. Please wait until that is done")
HOURS: dict[int, str] = {6: N_("every 6 hours"), 24: N_("every day"), 168: N_("every week")}
DONE: dict[str, str] = {
    "added": N_("The activity is in the directory."),
    "changed": N_("The activity is changed."),
    "hidden": N_("The activity is hidden. Nobody is offered it any more."),
    "shown": N_("The activity is offered again."),
    "checked": N_("It is written down that you have checked it today."),
    "wrong": N_("Thank you. Whoever looks after the list of activities will put it right."),
    "right": N_("What was said to be wrong does not stand there any more."),
    "referrals": N_("It is written down where referrals go."),
    "provider": N_("The provider is changed."),
    "asked": N_("The feed will be taken in now. This page shows how far it is."),
    "feed": N_("The feed is changed."),
    "gone": N_("What is missing in the feed is not offered any more."),
    "topic": N_("All activities with this topic are found by these needs now."),
}


# Forms ---------------------------------------------------------------------------------------------------------------


class ActivityForm(Form):
    """One of our own activities."""

    name = Line(N_("Name of the activity"), longest=150, missing=NAME)
    provider = Line(N_("Who runs it"), longest=150, missing=N_("Enter who runs it"))
    description = LongWords(N_("What it is"), longest=4000)
    needs = SomeOf(N_("What it helps with"))
    place = Line(N_("Place"), longest=150, hint=N_("Such as Corn Exchange."))
    address = Line(N_("Street and number"), longest=300)
    city = Line(N_("Town"), longest=100)
    postcode = Code(N_("Postcode"), longest=20)
    access = SomeOf(N_("What the place offers"))
    access_words = Line(N_("More about getting in"), longest=500)
    attending = SomeOf(N_("How people take part"))
    days = SomeOf(N_("Days"))
    opens_at = Code(N_("Begins at"), longest=10, hint=N_("Such as 10:00."))
    closes_at = Code(N_("Ends at"), longest=10)
    when = Line(N_("More about when"), longest=300, hint=N_("Such as: not in the school holidays."))
    free = OneOf(N_("Does it cost money?"), missing="")
    cost = Line(N_("What it costs"), longest=300)
    minimum_age = Code(N_("Youngest age"), longest=10)
    maximum_age = Code(N_("Oldest age"), longest=10)
    languages = Line(N_("Languages beside English"), longest=300, hint=N_("With commas, such as Urdu, Polish."))
    phone = Code(N_("Telephone"), longest=60)
    email = Email(N_("Email address for everybody"), longest=300)
    url = Code(N_("Web page"), longest=500)
    referrals_to = Email(
        N_("Email address for referrals"),
        longest=300,
        hint=N_("Only if they take referrals by email. What you send there holds details of people."),
    )
    notice = Line(N_("Something that people should know now"), longest=300)
    status = OneOf(N_("State"), missing=N_("Select a state"))

    def offer(self) -> None:
        """Set what may be chosen."""
        self.needs.choices = _needs()
        self.access.choices = activities.labelled(directory.ACCESS)
        self.attending.choices = activities.labelled(directory.ATTENDING)
        self.days.choices = activities.labelled(directory.DAYS)
        self.free.choices = [*activities.labelled(directory.FREE), ("", gettext(N_("We do not know")))]
        self.status.choices = activities.labelled(directory.STATUSES)

    def words(self) -> Words:
        """What was typed."""
        typed: dict[str, Any] = {name: self[name].data or "" for name in _WORDS - _LISTS}
        typed |= {name: list(self[name].data or ()) for name in _LISTS}
        return Words(**typed)


_LISTS = frozenset({"needs", "days", "attending", "access"})
_WORDS = frozenset(asdict(Words(name="", provider="")))


class ReferralsForm(Form):
    """Where referrals to an activity go."""

    referrals_to = Email(N_("Email address for referrals"), longest=300, hint=N_("Leave it blank for none."))


class ProviderForm(Form):
    """Who runs activities."""

    name = Line(N_("Name"), longest=150, missing=NAME)
    description = LongWords(N_("What they do"), longest=4000)
    email = Email(N_("Email address"), longest=300)
    website = Code(N_("Web page"), longest=500)


class WrongForm(Form):
    """What is not right with an activity."""

    words = LongWords(
        N_("What is wrong with it?"),
        longest=keeping.LONGEST_WRONG,
        missing=WRONG,
        hint=N_("Such as: it is on Tuesdays now. Write about the activity, never about a person who goes there."),
    )


class NewFeedForm(Form):
    """A feed: an address, or a file."""

    name = Line(N_("Name"), longest=80, missing=NAME, hint=N_("Such as: Council directory."))
    url = Code(N_("Address of the feed"), longest=500, hint=N_("It begins with https://"))
    on = Tick(N_("Ask for it again by itself, every day"))


class FeedForm(Form):
    """How a feed is used."""

    on = Tick(N_("Ask for it again by itself"))
    every_hours = OneOf(N_("How often"), missing="")
    published = Tick(
        N_("Pass its activities on in our own open directory"),
        hint=N_("Only if its licence allows that."),
    )


class TopicForm(Form):
    """What a topic means."""

    needs = SomeOf(N_("Which needs it means"), hint=N_("Tick none if it means none of them."))


def _needs() -> list[tuple[str, str]]:
    return [(need.code, gettext(need.label)) for need in NEEDS]


def _refuse(form: Form, refused: NotTaken) -> None:
    name = refused.name if refused.name in form else "name"
    form.refuse(name, gettext(PROBLEMS.get((refused.name, refused.problem), NAME)))


def _allowance() -> Allowance:
    return Allowance(private=bool(current_app.config["DEMONSTRATION"]))


def _page(name: str, status: int = 200, **values: Any) -> tuple[str, int]:
    values.setdefault("problems", [])
    may_manage = access.may(g.actor, Permission.MANAGE_DIRECTORY)
    done = request.args.get("done", "")
    said = gettext(DONE[done]) if done in DONE else ""
    return render_template(f"directory/{name}.html", may_manage=may_manage, said=said, **values), status


# Finding -------------------------------------------------------------------------------------------------------------


@blueprint.get("")
@allow(Permission.READ_DIRECTORY)
def find() -> ResponseReturnValue:
    """Search the directory."""
    asked = activities.asked_for(request.args)
    found = directory.search(
        g.store,
        g.service.id,
        **activities.wish(asked),
        after=activities.place(request.args),
        everything=bool(asked["everything"]) and access.may(g.actor, Permission.MANAGE_DIRECTORY),
    )
    more = url_for("directory.find", **{**activities.kept(asked), "after": found.after}) if found.after else ""
    return _page(
        "find",
        asked=asked,
        found=found,
        more=more,
        lists=activities.lists(asked, _needs()),
        distance=activities.distance,
        link=lambda one: url_for("directory.one", activity_id=one.id),
    )


@blueprint.get("/<uuid:activity_id>")
@allow(Permission.READ_DIRECTORY)
def one(activity_id: uuid.UUID) -> ResponseReturnValue:
    """One activity, and what can be done with it."""
    return _one(activity_id, ReferralsForm(formdata=None), 200)


def _one(
    activity_id: uuid.UUID, form: ReferralsForm, status: int, wrong: WrongForm | None = None
) -> ResponseReturnValue:
    found = directory.activity(g.store, g.service.id, activity_id) or abort(404)
    if status == 200 or wrong:
        form.referrals_to.data = found.referrals_to
    wrong = wrong or WrongForm(formdata=None)
    return _page(
        "one",
        status,
        activity=found,
        form=form,
        wrong=wrong,
        said_wrong=keeping.said_wrong(g.store, g.actor, activity_id),
        may_check=access.may(g.actor, Permission.CHECK_ACTIVITIES),
        problems=form.problems() + wrong.problems(),
        state=gettext(directory.STATUSES[found.status]),
        **activities.in_words(found),
    )


# Looking after it ----------------------------------------------------------------------------------------------------


@blueprint.route("/new", methods=["GET", "POST"])
@allow(Permission.MANAGE_DIRECTORY, lists=tuple(_LISTS))
@keeps_typed
def add() -> ResponseReturnValue:
    """Add one of our own."""
    form = ActivityForm()
    form.offer()
    once = _once()
    if request.method != "POST":
        form.status.data = "active"
    elif form.sent():
        try:
            made = keeping.add(g.store, g.actor, once, form.words())
        except NotTaken as refused:
            _refuse(form, refused)
        else:
            return redirect(url_for("directory.one", activity_id=made.id, done="added"), 303)
    return _page("edit", 200 if request.method != "POST" else 422, form=form, once=once, problems=form.problems())


def _once() -> uuid.UUID:
    try:
        return uuid.UUID(request.form.get("once", ""))
    except ValueError:
        return codes.new_id()


@blueprint.route("/<uuid:activity_id>/change", methods=["GET", "POST"])
@allow(Permission.MANAGE_DIRECTORY, lists=tuple(_LISTS))
@keeps_typed
def change(activity_id: uuid.UUID) -> ResponseReturnValue:
    """Change one of our own. What somebody else changed meanwhile is shown beside what was typed."""
    row = keeping.find(g.store, g.actor, activity_id)
    if row is None or row.feed_id is not None:
        abort(404)
    form = ActivityForm()
    form.offer()
    meanwhile = None
    version = _number("version")
    if request.method != "POST":
        version = row.version
        for name, value in asdict(keeping.words_of(g.store, row)).items():
            form[name].data = value
    elif form.sent():
        try:
            keeping.change(g.store, g.actor, activity_id, version, form.words()) or abort(404)
        except NotTaken as refused:
            _refuse(form, refused)
        except directory.Changed:
            meanwhile, version = directory.activity(g.store, g.service.id, activity_id), row.version
        else:
            return redirect(url_for("directory.one", activity_id=activity_id, done="changed"), 303)
    return _page(
        "edit",
        409 if meanwhile else 200 if request.method != "POST" else 422,
        form=form,
        activity=row,
        version=version,
        problems=form.problems(),
        meanwhile=meanwhile,
    )


def _number(name: str) -> int:
    typed = request.form.get(name, "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0


@blueprint.post("/<uuid:activity_id>/hidden")
@allow(Permission.MANAGE_DIRECTORY)
def hide(activity_id: uuid.UUID) -> ResponseReturnValue:
    """Hide it, or offer it again."""
    hidden = request.form.get("hidden") == "yes"
    if not keeping.hide(g.store, g.actor, activity_id, hidden):
        abort(404)
    return redirect(url_for("directory.one", activity_id=activity_id, done="hidden" if hidden else "shown"), 303)


@blueprint.post("/<uuid:activity_id>/wrong")
@allow(Permission.CHECK_ACTIVITIES)
@keeps_typed
def wrong(activity_id: uuid.UUID) -> ResponseReturnValue:
    """Something is not right with it."""
    form = WrongForm()
    if form.sent():
        try:
            keeping.say_wrong(g.store, g.actor, activity_id, form.words.data) or abort(404)
        except NotTaken as refused:
            form.refuse("words", gettext(PROBLEMS.get((refused.name, refused.problem), WRONG)))
        else:
            return redirect(url_for("directory.one", activity_id=activity_id, done="wrong"), 303)
    return _one(activity_id, ReferralsForm(formdata=None), 422, wrong=form)


@blueprint.post("/<uuid:activity_id>/right")
@allow(Permission.MANAGE_DIRECTORY)
def right(activity_id: uuid.UUID) -> ResponseReturnValue:
    """What was said to be wrong has been looked at."""
    if not keeping.put_right(g.store, g.actor, activity_id):
        abort(404)
    return redirect(url_for("directory.one", activity_id=activity_id, done="right"), 303)


@blueprint.post("/<uuid:activity_id>/checked")
@allow(Permission.CHECK_ACTIVITIES)
def checked(activity_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody has looked today, and it is there."""
    if not keeping.mark_checked(g.store, g.actor, activity_id):
        abort(404)
    return redirect(url_for("directory.one", activity_id=activity_id, done="checked"), 303)


@blueprint.post("/<uuid:activity_id>/referrals")
@allow(Permission.MANAGE_DIRECTORY)
@keeps_typed
def referrals(activity_id: uuid.UUID) -> ResponseReturnValue:
    """Where referrals go."""
    form = ReferralsForm()
    if form.sent():
        try:
            keeping.send_referrals_to(g.store, g.actor, activity_id, form.referrals_to.data) or abort(404)
        except NotTaken as refused:
            _refuse(form, refused)
        else:
            return redirect(url_for("directory.one", activity_id=activity_id, done="referrals"), 303)
    return _one(activity_id, form, 422)


@blueprint.get("/providers")
@allow(Permission.MANAGE_DIRECTORY)
def providers() -> ResponseReturnValue:
    """Our own providers."""
    return _page("providers", providers=keeping.providers(g.store, g.actor))


@blueprint.route("/providers/<uuid:provider_id>", methods=["GET", "POST"])
@allow(Permission.MANAGE_DIRECTORY)
@keeps_typed
def provider(provider_id: uuid.UUID) -> ResponseReturnValue:
    """Change one of them."""
    row = keeping.find_provider(g.store, g.actor, provider_id) or abort(404)
    form, version, meanwhile = ProviderForm(), _number("version"), None
    names = ("name", "description", "email", "website")
    if request.method != "POST":
        version = row.version
        for name in names:
            form[name].data = getattr(row, name) or ""
    elif form.sent():
        try:
            given = {name: form[name].data for name in names}
            keeping.change_provider(g.store, g.actor, provider_id, version, given)
        except NotTaken as refused:
            _refuse(form, refused)
        except directory.Changed:
            meanwhile, version = row, row.version
        else:
            return redirect(url_for("directory.providers", done="provider"), 303)
    status = 409 if meanwhile else 200 if request.method != "POST" else 422
    return _page(
        "provider", status, form=form, provider=row, version=version, meanwhile=meanwhile, problems=form.problems()
    )


# Feeds ---------------------------------------------------------------------------------------------------------------


@blueprint.get("/feeds")
@allow(Permission.MANAGE_DIRECTORY)
def all_feeds() -> ResponseReturnValue:
    """Every feed, and what came of it last."""
    return _page("feeds", lines=feeds.feeds(g.store, g.actor), run_in_words=_run_in_words)


def _run_in_words(run: Any) -> str:
    if run is None:
        return gettext("Not taken in yet")
    said = gettext(directory.RUN_STATES[run.state])
    return f"{said}. {gettext(directory.ERRORS[run.error])}" if run.error else said


@blueprint.route("/feeds/new", methods=["GET", "POST"])
@allow(Permission.MANAGE_DIRECTORY, files=("file",), largest=directory.LARGEST_FILE + 1024 * 1024)
@keeps_typed
def add_feed() -> ResponseReturnValue:
    """A feed by its address, or a file that somebody brings."""
    form = NewFeedForm()
    if form.sent():
        try:
            if feed_id := _new_feed(form):
                return redirect(url_for("directory.feed", feed_id=feed_id, done="asked"), 303)
        except NotTaken as refused:
            _refuse(form, refused)
    status = 200 if request.method != "POST" else 422
    return _page("feed_new", status, form=form, problems=form.problems())


def _new_feed(form: NewFeedForm) -> uuid.UUID | None:
    brought = request.files.get("file")
    file = brought.stream if brought and brought.filename else None
    url = form.url.data
    if bool(url) == (file is not None):
        form.refuse("url", gettext(NOT_BOTH if url else CHOOSE_FILE))
        return None
    if file is not None and file.seek(0, 2) > directory.LARGEST_FILE:
        form.refuse("url", gettext(TOO_LARGE))
        return None
    packed = None
    if file is not None:
        file.seek(0)
        packed = directory.pack(file)
    made = feeds.feed_named(
        g.store, g.service.id, g.actor, form.name.data, url=url, on=form.on.data, allowance=_allowance()
    )
    if directory.ask(g.store, made, g.actor, packed) is None:
        form.refuse("name", gettext(BEING_TAKEN))
        return None
    return made.id


@blueprint.route("/feeds/<uuid:feed_id>", methods=["GET", "POST"])
@allow(Permission.MANAGE_DIRECTORY)
@keeps_typed
def feed(feed_id: uuid.UUID) -> ResponseReturnValue:
    """One feed: how it is used, how far it is, and the report of its last run."""
    row = feeds.find_feed(g.store, g.actor, feed_id) or abort(404)
    form, version, meanwhile = FeedForm(), _number("version"), False
    form.every_hours.choices = [(str(hours), gettext(label)) for hours, label in HOURS.items()]
    if request.method != "POST":
        form.on.data, form.published.data, form.every_hours.data = row.on, row.published, str(row.every_hours)
        version = row.version
    elif form.sent():
        every = int(form.every_hours.data or 0)
        try:
            feeds.change_feed(
                g.store, g.actor, feed_id, version, on=form.on.data, every_hours=every, published=form.published.data
            )
        except directory.Changed:
            meanwhile, version = True, row.version
        else:
            return redirect(url_for("directory.feed", feed_id=feed_id, done="feed"), 303)
    runs = feeds.runs_of(g.store, g.actor, feed_id)
    return _page(
        "feed",
        409 if meanwhile else 200 if request.method != "POST" else 422,
        form=form,
        feed=row,
        version=version,
        meanwhile=meanwhile,
        runs=runs,
        report=_report(runs[0]) if runs else None,
        run_in_words=_run_in_words,
        problems=form.problems(),
    )


def _fault(code: str) -> str:
    """What is wrong with a row of a feed."""
    return gettext(directory.FAULTS[code].label)


def _report(run: Any) -> dict[str, Any]:
    """What a run says, in words."""
    counts = run.counts or {}
    return {
        "counts": [
            (gettext(label), counts.get(name, 0))
            for name, label in (
                ("new", N_("New")),
                ("changed", N_("Changed")),
                ("same", N_("As before")),
                ("gone", N_("No longer in the feed")),
                ("refused", N_("Could not be taken")),
            )
        ],
        "kinds": [(_fault(code), number) for code, number in counts.get("kinds", {}).items()],
        "rows": [
            (
                gettext("Page %(page)s, row %(row)s", page=row["page"], row=row["row"]),
                row["id"],
                row["field"],
                _fault(row["what"]),
            )
            for row in (run.bad or {}).get("rows", [])[:50]
        ],
        "shrank": run.error == "shrank",
        "open": run.state in ("waiting", "running"),
    }


@blueprint.post("/feeds/<uuid:feed_id>/now")
@allow(Permission.MANAGE_DIRECTORY)
def fetch_now(feed_id: uuid.UUID) -> ResponseReturnValue:
    """Ask for it now. Pressed again while it is under way, it goes on."""
    if feeds.ask_now(g.store, g.actor, feed_id) is None:
        abort(404)
    return redirect(url_for("directory.feed", feed_id=feed_id, done="asked"), 303)


@blueprint.post("/feeds/<uuid:feed_id>/gone")
@allow(Permission.MANAGE_DIRECTORY)
def accept_missing(feed_id: uuid.UUID) -> ResponseReturnValue:
    """What the feed did not have any more is really gone."""
    if feeds.accept_missing(g.store, g.actor, feed_id) is None:
        abort(404)
    return redirect(url_for("directory.feed", feed_id=feed_id, done="gone"), 303)


# Topics --------------------------------------------------------------------------------------------------------------


@blueprint.get("/topics")
@allow(Permission.MANAGE_DIRECTORY)
def all_topics() -> ResponseReturnValue:
    """The topics of the feeds, and which needs they mean."""
    lines = topics.topics(g.store, g.actor, request.args.get("after", "")[:150])
    labels = dict(_needs())
    return _page("topics", lines=lines, labels=labels, more=lines[-1].topic if len(lines) == topics.PER_PAGE else "")


@blueprint.route("/topics/change", methods=["GET", "POST"])
@allow(Permission.MANAGE_DIRECTORY, lists=("needs",))
@keeps_typed
def topic() -> ResponseReturnValue:
    """Say what a topic means."""
    name = request.values.get("topic", "")[:150]
    line = topics.named_topic(g.store, g.actor, name) if name else None
    if line is None:
        return all_topics()
    form = TopicForm()
    form.needs.choices = _needs()
    if request.method != "POST":
        form.needs.data = list(line.needs)
    elif form.sent():
        topics.set_topic(g.store, g.actor, name, form.needs.data)
        return redirect(url_for("directory.all_topics", done="topic"), 303)
    return _page("topic", 200 if request.method != "POST" else 422, form=form, line=line, problems=form.problems())
