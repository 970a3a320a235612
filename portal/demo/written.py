"""What made-up link workers write: in contacts and notes, for the person, in plans, and at the end."""

from collections.abc import Mapping, Sequence

FIRST_TALK: Sequence[str] = (
    "Tired, and pleased that somebody rang. Wants to take it slowly. Mornings are better.",
    "We talked for a long time about how it used to be. Two things matter most now, both are in the plan.",
    "Careful at first. Asked who reads this. I showed them their own page, and how to see who has looked.",
    "Knows very well what would help. Needs somebody to come along the first time, and no more than that.",
    "Talked quickly and jumped from one thing to the next. We wrote down three things and left the rest.",
)
PLAN_TALK: Sequence[str] = (
    "We read the plan through together. They changed two words, and said yes to all of it.",
    "Met at the library. Wrote the steps down in their own words. One of them is mine: I ring the choir.",
    "They had thought about it since last time. The first step is smaller now, and that is right.",
)
LATER_TALK: Sequence[str] = (
    "Went once, sat near the door, and stayed to the end.",
    "A bad fortnight: did not go out. We agreed to begin again with the short walk.",
    "Has been three times now and knew the names of two people. Laughed when telling me.",
    "The group was full. We looked for another one together.",
    "Rang to say that the letter has come and it is good news.",
    "Short talk. All is well, and the next step stays as it is.",
)
LEFT_WORD = "Left the message that they allowed: my name, and that I ring again. Nothing about us."
NO_ANSWER = "It rang for a long time."

SHARED: Mapping[str, Sequence[str]] = {
    "en": (
        "We meet on Thursday at two, at the made-up library. I wait inside, beside the door.",
        "I have rung the choir. They know that you come, and somebody called Fern keeps a chair for you.",
        "You asked what to bring: only your glasses. There is no form.",
    ),
    "ur": ("جمعرات کو دو بجے فرضی لائبریری میں ملتے ہیں۔ میں دروازے کے پاس ہوں گی۔",),
    "pl": ("Spotykamy się w czwartek o drugiej w zmyślonej bibliotece. Czekam przy drzwiach.",),
}
"""For the person to read, by the language of their pages."""

NEXT_STEPS: Sequence[str] = (
    "Ring and ask how the first time was.",
    "Look at the letters together.",
    "Go along to the group with them.",
    "Ask whether the place is free now.",
    "Ring in the morning, as they asked.",
    "Read the plan through together.",
)
NOTES: Sequence[tuple[str, bool]] = (
    ("Rings the bell twice when it is them. Speaks softly on the phone.", False),
    ("Their sister has a key and knows about us.", False),
    ("The bus that goes there is the made-up number 9, every twenty minutes.", True),
    ("Do not ring on Fridays: that is the day of the market.", False),
)

STRENGTHS: Sequence[str] = (
    "Sang in a choir for twenty years. Knows everybody in the street by name. Cooks well.",
    "Patient. Good with animals. Writes a fair hand.",
    "Has got through harder years than this one. Two friends who ring back.",
    "Speaks three languages. Walks everywhere. Keeps every promise.",
)
ACTIONS: Sequence[tuple[str, str, str]] = (
    ("Ring the group and say that two of us come.", "worker", ""),
    ("Go along once, and leave whenever I like.", "person", "The first time is the hardest."),
    ("Put the letters in one box and bring it.", "person", ""),
    ("Find out what the bus costs with the pass.", "worker", ""),
    ("Come along on Wednesdays.", "carer", "Works every second week."),
)
"""Words, who does it, what could stand in the way."""
WHY_NOT_AGREED = "They want to think about it until we meet again."

RISKS: Sequence[tuple[str, str]] = (
    ("falls-mobility", "Unsteady on stairs. Meet on the ground floor."),
    ("pets", "A large dog that has to be shut away first."),
    ("lone-worker-visit", "Visits by two of us only, as agreed in the team."),
    ("infection", ""),
)
WORRY = "Made up: they said on the phone that they see no point in getting up. I stay in touch and have told Sam."
CONCERN = "Made up: a neighbour told me that a relative takes the bank card on pay day."
CONCERN_DONE = "I have told the manager on the phone, and have asked nobody else."

ONWARD_REASON = "Small, friendly, and on the way of the bus."
DECLINED = "It is too loud for them."

SUMMARY = (
    "They came because the days had become long. We met four times and spoke on the phone. They go to a group every "
    "week now and have somebody to ring."
)
FOR_PERSON = (
    "You wanted one thing in the week to look forward to. Now there is one. You found it, and went through the door "
    "yourself. If you ever want to talk to us again, come back to your page."
)
ASK_PROFESSIONALS = (
    "Please look at the pain in their knees again: it keeps them from walking as far as they would like."
)
FOR_THEMSELVES = "Keep the Thursdays. Ring the advice shop when the next bill comes."
MOVED_SUMMARY = "They have moved to another town. They know how to find the service there."
MOVED_FOR_PERSON = "All the best in the new place. There are link workers there as well: ask at the GP practice."
NOT_REACHED = "We have rung three times, as they allowed, and reached nobody."
NOT_REACHED_FOR_PERSON = "We could not reach you. You can come back whenever you like: your page stays."
OPENED_AGAIN = "They rang: the group has ended, and they would like to look for another one."
ON_HOLD = "They are with their daughter until then."

TEXTS: Mapping[str, str] = {
    "definition": (
        "A link worker is a person who listens to what matters to you. Together you find support in Made-up Town: "
        "people to meet, help with money or housing, ways to move more.\n\nThis service is made up, to show the portal."
    ),
    "link-worker": "Our link workers are called Lin and Sam. Neither of them is real.",
    "what-happens-next": "One of us rings you, or writes, in the way that you have chosen.",
    "responsible": "The Made-up Organisation, 1 Example Street, Made-up Town, AB1 1XX. It does not exist.",
    "lawful-basis": "This is a demonstration. Do not type anything about a real person.",
    "help-now": "The made-up night line is open from nine in the evening until seven in the morning.",
    "closing": "The door stays open. The Thursday table is for everybody who has ever been with us.",
    "paper-address": "Made-up Link Worker Service, 1 Example Street, Made-up Town, AB1 1XX",
    "letter-end": "Questions? 01632 960123, on weekdays. Made-up Link Worker Service.",
}
"""The service's own words, by their place (``services.texts``)."""
