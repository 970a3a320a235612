"""A published scale as a journey: one item on a page, its answers in the order of the form.

The words are the scale's own, in one language, to the letter; ours are only the two ways of giving no answer. Nothing
is chosen beforehand, nothing is required.
"""

from portal.instruments import Instrument, Item, Wording
from portal.instruments.packs import direction_of
from portal.journeys.engine import Choice, Exact, Journey, Kind, Question, Step


def wellbeing_check(instrument: Instrument, wording: Wording, *, one_page: bool = False) -> Journey:
    """The journey through a scale in these words; ``one_page`` for a worker who types in what was answered elsewhere.

    The version of what is asked is the scale's own: it is kept with every response. Raises KeyError for words that are
    not of this scale.
    """
    questions = [_question(instrument, wording, item) for item in instrument.items]
    if one_page:
        steps = [Step(instrument.key, tuple(questions), title=instrument.title)]
    else:
        steps = [Step(slug_of(question.code), (question,)) for question in questions]
    return Journey(code=instrument.key, version=1, steps=tuple(steps))


def slug_of(item: str) -> str:
    """The address of an item's page."""
    return item.replace("_", "-").lower()


def _question(instrument: Instrument, wording: Wording, item: Item) -> Question:
    first = item is instrument.items[0]
    labels = wording.options.get(item.option_set, {})
    recall = recall_of(instrument, wording)
    return Question(
        item.code,
        wording.items[item.code],
        Kind.ONE_OF,
        tuple(
            Choice(option.code, labels.get(option.code, ""), value=option.value)
            for option in instrument.options(item.code)
        ),
        may_decline=True,
        # In a range of numbers people look for a place to say that they cannot tell; worded answers have none printed.
        may_not_know=item.option_set in instrument.ranges,
        source=instrument.publisher,
        exact=Exact(
            wording.language,
            direction_in(wording),
            opening=wording.instruction if first and wording.instruction != recall else "",
            recall=recall,
        ),
    )


def recall_of(instrument: Instrument, wording: Wording) -> str:
    """What stands above each item of a form that asks about one stretch of time: its stem, or the instruction that
    names it. Other forms say it in the items themselves."""
    if wording.stem:
        return wording.stem
    about = {item.recall for item in instrument.items}
    return wording.instruction if len(about) == 1 and "" not in about else ""


def direction_in(wording: Wording) -> str:
    """``ltr`` or ``rtl``: as the text says of itself, else as its language is written."""
    return wording.direction or direction_of(wording.language) or "ltr"
