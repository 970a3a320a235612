"""The set-up pages: each a few settings that belong together, declared once.

A new setting is a reader in ``services.checked`` and a box here; the page, its check, the overview and the list of
changes follow (tests/test_setup.py refuses a setting that no page shows).
"""

from dataclasses import dataclass

from portal.caseload.lists import CLOSURE_REASONS
from portal.i18n import N_
from portal.services import OutOfHours
from portal.web.setup.boxes import (
    Box,
    Choice,
    Elsewhere,
    Hours,
    Languages,
    Line,
    Lines,
    Minutes,
    Number,
    Practices,
    Tick,
    shown_day,
    typed_day,
)
from portal.web.setup.plan import Plan
from portal.web.setup.reasons import ClosureReasons, DeclineReasons


@dataclass(frozen=True)
class Group:
    """One page. ``code`` is its last word in the address; ``intro`` says why it matters."""

    code: str
    title: str
    intro: str
    boxes: tuple[Box, ...]


NAME = Line("name", N_("Name of the service"), N_("As people read it at the top of every page."))

GROUPS: tuple[Group, ...] = (
    Group(
        "contact",
        N_("Name and contact"),
        N_("Everybody sees this. The phone is an equal way in, for people who do not want to use the form."),
        (
            NAME,
            Line("phone", N_("Phone number"), N_("Such as 01234 567890."), direction="ltr", input_type="tel"),
            Line("email", N_("Email address"), N_("One that somebody reads each working day."), input_type="email"),
            Tick(
                "commissioned_by_nhs",
                N_("The NHS pays for this service"),
                N_("Then people are asked the Friends and Family question, which the NHS wants."),
            ),
        ),
    ),
    Group(
        "hours",
        N_("Opening hours"),
        N_("Promises and alerts count only the time when you are open. Leave a day blank when you are closed."),
        (
            Hours("opening_hours", N_("Opening hours"), N_("Such as 9:00 to 12:30, 13:30 to 17:00.")),
            Lines(
                "closed_days",
                N_("Closed days"),
                N_("Bank holidays and other days off, one on each line, such as 25 12 2026."),
                direction="ltr",
                split=r"[\n,;]",
                reads=typed_day,
                shows=shown_day,
            ),
        ),
    ),
    Group(
        "promise",
        N_("Promises"),
        N_("People read these. A manager is told when one is about to be broken."),
        (
            Number(
                "promise_working_days",
                N_("Working days until we get in touch"),
                N_("From the day on which the form comes in."),
            ),
            Number(
                "contact_attempts",
                N_("Attempts to reach somebody"),
                N_("After so many without an answer, Today asks what is to happen. Nobody is closed by that."),
            ),
            Number("complaint_acknowledge_days", N_("Working days until we say that we have a complaint")),
            Number("complaint_answer_days", N_("Working days until we answer a complaint")),
        ),
    ),
    Group(
        "area",
        N_("For whom you are there"),
        N_("Somebody outside is told who else could help, and can still send the form. You decide."),
        (
            Lines(
                "outcodes",
                N_("Postcode districts"),
                N_("The first half of a postcode, such as PE27. Leave both boxes blank to be there for everybody."),
                direction="ltr",
                split=r"[\s,;]+",
            ),
            Practices(
                "practices",
                N_("GP practices"),
                N_("The code of each practice, such as D81044. Their people belong to you wherever they live."),
                direction="ltr",
                split=r"[\s,;]+",
            ),
            Number("minimum_age", N_("Lowest age"), N_("0 when there is none.")),
            Elsewhere("who_could_help", N_("Who else could help"), N_("Shown to people who are outside.")),
        ),
    ),
    Group(
        "languages",
        N_("Languages"),
        N_(
            "A draft has been written with great care, but no native speaker has checked it. Every page of it says so, "
            "and what matters for safety stands in English beneath."
        ),
        (Languages("languages", N_("Drafts that are switched on")),),
    ),
    Group(
        "check-ins",
        N_("Plan of check-ins"),
        N_("When people are asked how they are. A change counts for people who are accepted from now on."),
        (Plan("check_ins", N_("Plan of check-ins")),),
    ),
    Group(
        "alerts",
        N_("Alerts"),
        N_("An alert says that somebody may not be safe. It climbs to the next person when nobody opens it in time."),
        (
            Minutes("alert_minutes", N_("Minutes to open an alert"), N_("From 5 to 480.")),
            Choice(
                "out_of_hours",
                N_("While you are closed"),
                choices=(
                    (OutOfHours.NEXT_OPENING.value, N_("The time waits until you open. People are told whom to call")),
                    (OutOfHours.ON_CALL.value, N_("The time goes on day and night. Somebody is always on call")),
                ),
            ),
        ),
    ),
    Group(
        "help",
        N_("Help in a crisis, and the way out"),
        N_("The national numbers are always there. Add who helps near you."),
        (
            Elsewhere("helplines", N_("Local helplines"), N_("Each needs a phone number.")),
            Line(
                "exit_url",
                N_("Where “Exit this page” leads"),
                N_("An everyday page, such as a weather forecast. Leave it blank for the usual one."),
                direction="ltr",
                input_type="url",
            ),
        ),
    ),
    Group(
        "reasons",
        N_("Reasons"),
        N_("Tick what you use, number it in your order. What was decided before keeps its name."),
        (
            DeclineReasons("decline_reasons", N_("Why a referral is declined")),
            ClosureReasons(
                "closure_reasons",
                N_("Why a case is closed"),
                N_("Your own words take the place of ours on the screen. Reports count the same thing."),
                ours=tuple((one.code, one.label) for one in CLOSURE_REASONS),
            ),
        ),
    ),
    Group(
        "keeping",
        N_("How long things are kept"),
        N_("Short times keep people safe on shared computers. Nobody’s case is erased by itself."),
        (
            Number("lock_minutes", N_("Minutes until a screen clears itself"), N_("When nobody touches it.")),
            Number("draft_days", N_("Days that an unsent form is kept")),
            Number("link_days", N_("Days that a link in a message works")),
            Number(
                "retention_years",
                N_("Years that a closed case is kept"),
                N_("After that a named person looks at it and decides."),
            ),
        ),
    ),
    Group(
        "directory",
        N_("Directory of activities"),
        N_("Activities that nobody has looked at for long send people to closed doors."),
        (
            Number(
                "activity_fresh_days",
                N_("Days after which an activity is marked as perhaps out of date"),
                N_("Counted from the day on which somebody last checked it."),
            ),
            Tick(
                "publish_activities",
                N_("Everybody may read our directory"),
                N_("Other services can then take it in (Open Referral UK). It names groups and places, never people."),
            ),
        ),
    ),
    Group(
        "teams",
        N_("Teams"),
        N_("For a service with several. Whom you put where is said under Team."),
        (Lines("teams", N_("Names of the teams"), N_("One on each line.")),),
    ),
)

BY_CODE: dict[str, Group] = {group.code: group for group in GROUPS}

OTHER_PAGES: frozenset[str] = frozenset({"brand_colour", "logo", "retired_reasons"})
"""Settings that are set on a page of their own, or with another one."""

LABELS: dict[str, str] = {box.name: box.label for group in GROUPS for box in group.boxes} | {
    "brand_colour": N_("Colour"),
    "logo": N_("Logo"),
    "retired_reasons": N_("Reasons that are no longer used"),
    "role": N_("Role"),
    "team": N_("Team"),
}
"""What each setting is called, also in the list of changes."""
