"""What people say about the service: what helped and what could be better, a complaint, a compliment, and the Friends
and Family question in its own exact words. Each is one page, and all of it is optional but the words themselves.
"""

from portal.i18n import N_
from portal.instruments import Instrument, Wording
from portal.journeys.engine import Answers, Choice, Exact, Journey, Kind, Question, Step
from portal.reading import Problem

LONGEST_WORDS = 4000
LONGEST_REPLY_TO = 200

NO_NAMES = N_("Please do not write anybody’s name or telephone number here.")

EXPERIENCE = Journey(
    code="experience",
    version=1,
    steps=(
        Step(
            "experience",
            (
                Question(
                    code="what_helped",
                    label=N_("What helped you?"),
                    kind=Kind.LONG_TEXT,
                    longest=LONGEST_WORDS,
                    hint=NO_NAMES,
                ),
                Question(
                    code="could_be_better",
                    label=N_("What could be better?"),
                    kind=Kind.LONG_TEXT,
                    longest=LONGEST_WORDS,
                    hint=NO_NAMES,
                ),
            ),
            title=N_("What helped, and what could be better?"),
            why=N_("So that we learn from it. You do not have to say who you are."),
            one_needed=("what_helped", "could_be_better"),
            one_needed_missing=N_("Write what helped you, or what could be better"),
        ),
    ),
)
"""Answers are kept as two separate comments, without a name."""

REPLY_HERE = "here"
REPLY_CONTACT = "contact"


def _comment(code: str, title: str, label: str, hint: str, missing: str, why: str) -> Journey:
    return Journey(
        code=code,
        version=1,
        steps=(
            Step(
                code,
                (
                    Question(
                        code="comment_words",
                        label=label,
                        kind=Kind.LONG_TEXT,
                        required=True,
                        missing=missing,
                        longest=LONGEST_WORDS,
                        hint=hint,
                    ),
                    Question(
                        code="comment_reply",
                        label=N_("Would you like an answer?"),
                        kind=Kind.ONE_OF,
                        choices=(
                            Choice(
                                REPLY_HERE,
                                N_("Yes, I will come back here to read it"),
                                hint=N_(
                                    "When you have sent this, we show you two numbers. Both together open our answer."
                                ),
                            ),
                            Choice(REPLY_CONTACT, N_("Yes, please get in touch with me")),
                            Choice("no", N_("No, thank you")),
                        ),
                    ),
                    Question(
                        code="comment_reply_to",
                        label=N_("How can we get in touch with you safely?"),
                        longest=LONGEST_REPLY_TO,
                        missing=N_("Write how we can get in touch with you, or choose another answer"),
                        hint=N_(
                            "Only if you would like that. A telephone number, an email or a postal address that is "
                            "safe for you, and a name to ask for."
                        ),
                    ),
                ),
                title=title,
                why=why,
            ),
        ),
    )


COMPLAINT = _comment(
    "complaint",
    N_("Make a complaint"),
    N_("What happened?"),
    N_("Tell us what went wrong, when, and what you would like us to do. Complaining never changes the help you get."),
    N_("Write what happened"),
    N_("Every complaint is read by a person, who has to answer it by a certain day."),
)
COMPLIMENT = _comment(
    "compliment",
    N_("Say thank you"),
    N_("What was good?"),
    N_("Tell us who or what helped you. We pass it on."),
    N_("Write what was good"),
    N_("It is good to know what we should keep doing."),
)
COMMENTS = {journey.code: journey for journey in (COMPLAINT, COMPLIMENT)}
"""The two that may be answered, by kind."""


def read_page(journey: Journey, raw: Answers) -> tuple[dict[str, object], dict[str, Problem]]:
    """Answers and problems of what was typed on the one page of a journey. Who would like us to get in touch must say
    how; who says how would like it, whatever else was left blank."""
    answers, problems = journey.steps[0].read(raw)
    wants = answers.get("comment_reply") == REPLY_CONTACT
    if wants and not answers.get("comment_reply_to") and "comment_reply_to" not in problems:
        problems["comment_reply_to"] = Problem.MISSING
    return answers, problems


def reply_to(answers: Answers) -> str | None:
    """How the writer would like to hear from us; ``None`` when they would not, or read the answer here."""
    if answers.get("comment_reply") in (REPLY_HERE, "no"):
        return None
    said = answers.get("comment_reply_to")
    return str(said) if said else None


def friends_and_family(instrument: Instrument, wording: Wording) -> Journey:
    """The Friends and Family question and its two free questions, in these words to the letter."""
    (item,) = instrument.items
    labels = wording.options[item.option_set]
    exact = Exact(wording.language, wording.direction)
    return Journey(
        code=instrument.key,
        version=1,
        steps=(
            Step(
                "friends-and-family",
                (
                    Question(
                        code=item.code,
                        label=wording.items[item.code],
                        kind=Kind.ONE_OF,
                        choices=tuple(
                            Choice(option.code, labels[option.code]) for option in instrument.options(item.code)
                        ),
                        required=True,
                        missing=N_("Choose one of the answers"),
                        source=instrument.publisher,
                        exact=Exact(wording.language, wording.direction, opening=wording.instruction),
                    ),
                    *(
                        Question(
                            code=code,
                            label=words,
                            kind=Kind.LONG_TEXT,
                            longest=LONGEST_WORDS,
                            hint=NO_NAMES,
                            source=instrument.publisher,
                            exact=exact,
                        )
                        for code, words in wording.free_text.items()
                    ),
                ),
                title=N_("How was our service?"),
            ),
        ),
    )
