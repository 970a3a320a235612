"""Finding an activity: public pages, without a sign-in, without a cookie. What somebody looks for is kept nowhere."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import directory
from portal.directory import Shown, Time
from portal.i18n import N_, gettext, language_name, say_date
from portal.journeys.access_needs import BY_CODE, SAID
from portal.journeys.self_referral import ACCESS_NEEDS, NEEDS
from portal.web.forms import showable
from portal.web.security import public

blueprint = Blueprint("activities", __name__, url_prefix="/activities")

PER_PAGE = 10
MILES = (1, 3, 5, 10, 25)


@blueprint.get("/")
@public
def find() -> ResponseReturnValue:
    """Search, and what was found, the nearest first."""
    if g.service is None:
        abort(404)
    asked = asked_for(request.args)
    searching = bool(request.args)
    found = None
    if searching:
        found = directory.search(g.store, g.service.id, **wish(asked), after=place(request.args), size=PER_PAGE)
    return render_template(
        "directory/public_find.html",
        asked=asked,
        found=found,
        needs=[("", gettext("Anything"), not asked["need"])]
        + [(need.code, gettext(need.label), need.code == asked["need"]) for need in NEEDS if need.code != "other"],
        where=where,
        distance=distance,
        more=url_for("activities.find", **{**kept(asked), "after": found.after}) if found and found.after else "",
        any_there=found is None or bool(found.rows) or directory.any_offered(g.store, g.service.id),
    )


@blueprint.get("/<uuid:activity_id>")
@public
def one(activity_id: uuid.UUID) -> ResponseReturnValue:
    """One activity that is offered."""
    if g.service is None:
        abort(404)
    found = directory.activity(g.store, g.service.id, activity_id)
    if found is None or not found.offered:
        abort(404)
    return render_template("directory/public_one.html", activity=found, **in_words(found))


# What staff and the public see alike ---------------------------------------------------------------------------------


def asked_for(args: Mapping[str, str]) -> dict[str, str]:
    """What somebody looks for, as it came, bounded and showable."""
    names = (
        *("need", "near", "miles", "language", "day", "free", "step_free", "access", "text", "age", "any_age"),
        "everything",
    )
    return {name: showable(args.get(name, ""))[:200] for name in names}


@dataclass(frozen=True)
class KnownOf:
    """What is known of the person for whom somebody on the staff looks. It counts where they choose nothing else, and
    stands in no address: ``near`` their postcode, the ``language`` they speak, their ``age``, the ``access`` needs that
    a place can meet."""

    near: str = ""
    language: str = ""
    age: int | None = None
    access: tuple[str, ...] = ()

    def needs(self) -> list[str]:
        """The access needs in words, as staff say them."""
        return [gettext(BY_CODE[SAID[code]].label) for code in self.access]


ANY = "any"
"""What is chosen in a list to leave out what is known of the person."""


def wish(asked: Mapping[str, str], theirs: KnownOf | None = None) -> dict[str, Any]:
    """What ``directory.search`` is asked for, from what somebody typed and chose, and what is known of the person."""
    theirs = theirs or KnownOf()
    language, access = asked["language"] or theirs.language, (asked["access"],) if asked["access"] else theirs.access
    age = int(asked["age"]) if re.fullmatch("[0-9]{1,3}", asked["age"]) else None
    return {
        "need": asked["need"] or None,
        "near": asked["near"] or theirs.near or None,
        "within_miles": int(asked["miles"]) if asked["miles"] in map(str, MILES) else None,
        "language": language if language != ANY else None,
        "day": asked["day"] or None,
        "free": bool(asked["free"]),
        "access": (*(one for one in access if one and one != ANY), *(("step-free",) if asked["step_free"] else ())),
        "text": asked["text"],
        "age": theirs.age if age is None and not asked["any_age"] else age,
    }


def place(args: Mapping[str, str]) -> str | None:
    """Behind which one a page begins."""
    return args.get("after", "")[:200] or None


Choices = Sequence[tuple[str, str]]


def lists(
    asked: Mapping[str, str], needs: Choices, theirs: KnownOf | None = None
) -> dict[str, list[tuple[str, str, bool]]]:
    """What may be chosen, each list with "any" first, or what is known of the person before it."""
    theirs = theirs or KnownOf()
    languages = [(tag, language_name(tag)) for tag in directory.languages_of(g.store, g.service.id)]
    own = {
        "language": language_name(theirs.language) if theirs.language else "",
        "access": ", ".join(theirs.needs()),
    }
    every: dict[str, tuple[str, Choices]] = {
        "need": (N_("Any need"), needs),
        "day": (N_("Any day"), labelled(directory.DAYS)),
        "language": (N_("Any language"), sorted(languages, key=lambda one: one[1])),
        "access": (N_("Any access"), labelled(directory.ACCESS)),
        "miles": (N_("Any distance"), [(str(far), gettext("%(miles)s miles", miles=far)) for far in MILES]),
    }
    found = {}
    for name, (anything, listed) in every.items():
        first = [("", gettext(anything))]
        if own.get(name):
            first = [("", gettext(N_("Theirs: %(what)s"), what=own[name])), (ANY, gettext(anything))]
        found[name] = [(code, text, code == asked[name]) for code, text in (*first, *listed)]
    return found


def labelled(listed: Mapping[str, str]) -> list[tuple[str, str]]:
    """A list of codes for a field."""
    return [(code, gettext(label)) for code, label in listed.items()]


def kept(asked: Mapping[str, str]) -> dict[str, Any]:
    """The same for the address of the next page."""
    return {name: value for name, value in asked.items() if value}


def where(one: Shown) -> str:
    """In a few words: its nearest place, and how far that is, or that nobody knows."""
    place = next((place for place in one.places if place.kind != "virtual"), None)
    town = next(filter(None, (place.city, place.name, place.postcode)), "") if place else ""
    return town or taking_part(one)


FROM_ANYWHERE: dict[str, tuple[str, str]] = {
    "online": (N_("Online"), N_("Online, from anywhere")),
    "phone": (N_("By phone"), N_("By phone, from anywhere")),
    "home": (N_("They come to your home"), N_("They come to your home")),
}
"""How one takes part without going anywhere: in short, and instead of a distance."""


def taking_part(one: Shown, *, whole: bool = False) -> str:
    """How one takes part without going anywhere; "" when one goes there, or nobody says. ``whole``: as what stands
    where a distance would."""
    return next((gettext(words[whole]) for code, words in FROM_ANYWHERE.items() if code in one.attending), "")


def distance(one: Shown) -> str:
    """How far away it is, never a guess; or that one need not go there, and how one takes part."""
    from_anywhere = taking_part(one, whole=True)
    if from_anywhere and (one.miles is None or "in-person" not in one.attending):
        return from_anywhere
    if one.miles is None:
        return gettext("We do not know how far away it is")
    # What is in the same street is near, and never "0.0 miles" away.
    miles = f"{max(one.miles, 0.1):.1f}" if one.miles < 10 else f"{one.miles:.0f}"
    if one.rough:
        return gettext("About %(miles)s miles", miles=miles)
    return gettext("%(miles)s miles", miles=miles)


def on_days(time: Time) -> str:
    """The days, in words."""
    said = []
    for day in time.days:
        name = gettext(directory.DAYS[day[-2:]])
        said.append(_in_month(day[:-2].lstrip("+"), name) if len(day) > 2 else name)
    return ", ".join(said)


def _in_month(which: str, day: str) -> str:
    if which == "-1":
        return gettext("the last %(day)s of the month", day=day)
    return gettext("%(day)s, number %(which)s in the month", day=day, which=which)


def at_time(time: Time) -> str:
    """From when to when."""
    opens, closes = time.opens_at[:5], time.closes_at[:5]
    if opens and closes:
        return gettext("%(opens)s to %(closes)s", opens=opens, closes=closes)
    return gettext("from %(opens)s", opens=opens) if opens else ""


def when(time: Time) -> str:
    """One time, in words."""
    every = ""
    if time.interval and time.interval > 1:
        every = (
            gettext("every %(number)s weeks", number=time.interval)
            if time.freq == "WEEKLY"
            else gettext("every %(number)s months", number=time.interval)
        )
    parts = [on_days(time), at_time(time), every, time.words]
    if time.to_day:
        parts.append(gettext("until %(day)s", day=say_date(time.to_day, weekday=False)))
    return ". ".join(filter(None, parts))


def ages(one: Shown) -> str:
    """For whom it is, by age; empty when for everybody."""
    if one.minimum_age is not None and one.maximum_age is not None:
        return gettext("%(low)s to %(high)s years", low=one.minimum_age, high=one.maximum_age)
    if one.minimum_age is not None:
        return gettext("%(low)s years and older", low=one.minimum_age)
    return gettext("up to %(high)s years", high=one.maximum_age) if one.maximum_age is not None else ""


def cost(one: Shown) -> str:
    """What it costs; that nobody says is said."""
    if one.free == "yes":
        return gettext("Free") + (f" ({one.cost})" if one.cost and one.cost.casefold() != "free" else "")
    return one.cost or (gettext("Costs money") if one.free == "no" else gettext("We do not know what it costs"))


def in_words(one: Shown) -> dict[str, Any]:
    """Everything about an activity in words, for its page."""
    access = {need.code: need.label for need in ACCESS_NEEDS}
    needs = {need.code: need.label for need in NEEDS}
    return {
        "when": [said for time in one.times if (said := when(time))],
        "ages": ages(one),
        "cost": cost(one),
        "needs": [gettext(needs[code]) for code in one.needs if code in needs],
        "access": [gettext(access[code]) for code in one.access if code in access],
        "languages": [language_name(tag) for tag in one.languages],
        "attending": [gettext(directory.ATTENDING[code]) for code in one.attending if code in directory.ATTENDING],
        "places": [
            {
                "words": ", ".join(filter(None, (place.name, place.address, place.city, place.postcode))),
                "access": place.access,
            }
            for place in one.places
        ],
        "checked": say_date(one.checked_on, weekday=False),
    }
