"""What made-up people are made of: names, words, needs, numbers. Nobody here lives anywhere.

So that nobody takes them for real: every family name means "example", "sample" or "made-up" in its own language; phone
numbers are those that Ofcom keeps for drama (07700 900000 to 900999), emails are under example.org (RFC 2606), NHS
numbers are from the range for tests (999…), and the postcode districts AB1 to AB5 have not been in use since Aberdeen's
were changed in the 1990s. The words are our own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from portal import reading

INSIDE = ("AB1", "AB2", "AB3")
"""The postcode districts of the made-up service."""
OUTSIDE = ("AB4", "AB5")


@dataclass(frozen=True)
class Tongue:
    """A language that people speak here. ``page`` is the language of the pages that they used."""

    code: str
    page: str
    first_names: tuple[str, ...]
    family_names: tuple[str, ...]
    share: int


@dataclass(frozen=True)
class Story:
    """What somebody wrote, and the needs that they chose. ``words`` may be empty: the list alone is enough."""

    tongue: str
    words: str
    needs: tuple[str, ...] = ()


TONGUES: tuple[Tongue, ...] = (
    Tongue(
        "en",
        "en",
        (
            "Ada",
            "Bramble",
            "Clover",
            "Dot",
            "Ember",
            "Fern",
            "Gale",
            "Hazel",
            "Ivor",
            "Juniper",
            "Kit",
            "Linden",
            "Merle",
            "Nell",
            "Olive",
            "Perry",
            "Quill",
            "Rowan",
            "Sorrel",
            "Teasel",
        ),
        ("Made-Up", "Testperson", "Example", "Sample", "Notreal", "Placeholder"),
        46,
    ),
    Tongue(
        "cy",
        "cy",
        ("Alaw", "Bryn", "Celyn", "Dwynwen", "Eira", "Ffion", "Gwern", "Heledd", "Idris", "Llinos"),
        ("Enghraifft", "Dychmygol", "Esiampl"),
        10,
    ),
    Tongue(
        "pl",
        "pl",
        ("Bogna", "Czesław", "Elżbieta", "Grażyna", "Jędrzej", "Łucja", "Mścisław", "Światopełk", "Żaneta"),
        ("Przykład", "Próbka", "Zmyślenie"),
        12,
    ),
    Tongue(
        "ur", "ur", ("آمنہ", "بلال", "زینب", "عمران", "فاطمہ", "کامران", "نسرین", "یاسر"), ("مثال", "فرضی", "نمونہ"), 12
    ),
    Tongue("ar", "en", ("أمل", "بدر", "سلمى", "كريم", "هالة"), ("مثال", "وهمي", "تجريبي"), 6),
    Tongue("bn", "en", ("অনন্যা", "করিম", "নাসরিন", "রহিমা", "সুমন"), ("উদাহরণ", "নমুনা", "কাল্পনিক"), 6),
    Tongue("so", "en", ("Ayaan", "Cabdi", "Hodan", "Ifrah", "Warsame"), ("Tusaale", "Tijaabo"), 4),
    Tongue("zh-Hans", "en", ("小明", "晓华", "春梅", "建国"), ("示例", "虚构"), 4),
)

STORIES: tuple[Story, ...] = (
    Story(
        "en",
        "Since I stopped working the days are very long. I used to sing in a choir, and I miss having people to talk "
        "to. I would like one thing in the week that I look forward to.",
        ("loneliness",),
    ),
    Story(
        "en",
        "My heating bill has doubled and I sit in one room with a blanket. I don't understand the letters they send.",
        ("energy", "money"),
    ),
    Story(
        "en", "I look after my brother all day. I love him. I also need an hour for myself now and then.", ("caring",)
    ),
    Story(
        "en",
        "My knees hurt and the doctor says to move more, but I don't want to go to a gym with young people. Is there "
        "something gentle near me?",
        ("getting-active", "long-term-condition"),
    ),
    Story("en", "I lost my wife in spring. The evenings are the worst.", ("bereavement", "loneliness")),
    Story("en", "The flat is damp and my daughter coughs all night.", ("housing", "parenting")),
    Story("en", "I'd like to learn how to use my phone so I can see my grandchildren.", ("digital",)),
    Story("en", "I don't sleep. I worry about everything, mostly about money.", ("mood-stress", "money")),
    Story("en", "i want to do somthing usefull again, mabe volunteer with animals", ("work-training",)),
    Story("en", "", ("food", "money")),
    Story("en", "", ("transport", "loneliness")),
    Story(
        "cy",
        "Rwy'n byw ar fy mhen fy hun ers i'r plant adael. Hoffwn gwrdd â phobl Cymraeg eu hiaith dros baned.",
        ("loneliness",),
    ),
    Story("cy", "Mae'r biliau'n codi bob mis ac rwy'n poeni am y gaeaf.", ("energy", "mood-stress")),
    Story("cy", "Hoffwn gerdded mwy, ond nid ar fy mhen fy hun.", ("getting-active",)),
    Story(
        "pl",
        "Mieszkam tu od trzech lat, ale prawie nikogo nie znam. Chcę lepiej mówić po angielsku i poznać ludzi.",
        ("language", "loneliness"),
    ),
    Story("pl", "Boli mnie kręgosłup i nie mogę wrócić do dawnej pracy. Nie wiem, co dalej.", ("work-training",)),
    Story("pl", "Potrzebuję pomocy z listami z urzędu. Nie wszystko rozumiem.", ("legal", "money")),
    Story(
        "ur",
        "گھر پر اکیلے رہ کر بہت اداسی ہوتی ہے۔ محلے میں کسی سے جان پہچان نہیں۔ کسی سے بات کرنا اچھا لگے گا۔",
        ("loneliness", "mood-stress"),
    ),
    Story("ur", "مجھے انگریزی سیکھنی ہے تاکہ ڈاکٹر سے خود بات ہو سکے۔", ("language",)),
    Story("ur", "گھر میں نمی ہے اور بچے بار بار بیمار پڑتے ہیں۔", ("housing", "parenting")),
    Story("ar", "أشعر بالوحدة منذ أن انتقلت إلى هنا. أود أن أجد مكانًا ألتقي فيه بالناس.", ("loneliness",)),
    Story("ar", "أحتاج إلى مساعدة في السكن، فالغرفة صغيرة جدًا لعائلتي.", ("housing",)),
    Story("bn", "আমি সারাদিন বাড়িতে একা থাকি। কারও সাথে কথা বলতে পারলে ভালো লাগত।", ("loneliness",)),
    Story("bn", "হাঁটুর ব্যথার জন্য বেশি হাঁটতে পারি না। কাছাকাছি কোনো ব্যায়ামের দল আছে কি?", ("getting-active",)),
    Story("so", "Waxaan u baahanahay caawimo xagga guriga iyo biilasha.", ("housing", "money")),
    Story("so", "Waxaan rabaa inaan barto Ingiriisiga oo aan dad la kulmo.", ("language", "loneliness")),
    Story("zh-Hans", "我一个人住，很少出门。我想学一点英语，也想认识新朋友。", ("language", "loneliness")),
    Story("zh-Hans", "看医生的时候我听不懂，希望有人能帮我翻译。", ("language", "long-term-condition")),
)


@dataclass(frozen=True)
class Wish:
    """What somebody would like to be different: the goal, the need it belongs to, why, a first step, and by when."""

    tongue: str
    words: str
    need: str
    why: str = ""
    step: str = ""
    when: str = ""


WISHES: tuple[Wish, ...] = (
    Wish(
        "en",
        "I want to sing in a choir again and know the names of the people beside me.",
        "loneliness",
        "It was the best hour of my week.",
        "Go along once with the link worker and only listen.",
        "next Thursday",
    ),
    Wish(
        "en",
        "I want to open my letters on the day they come and not be afraid of them.",
        "money",
        "I lie awake because of them.",
        "Put them all in one box and open three together with somebody.",
        "this week",
    ),
    Wish(
        "en",
        "Walk to the market and back without stopping, twice a week.",
        "getting-active",
        "I used to meet everybody there.",
        "To the corner and back every morning.",
        "from Monday",
    ),
    Wish("en", "Have one afternoon a week that is only mine.", "caring", "", "Ask my sister about Wednesdays."),
    Wish("en", "See my grandchildren on the telephone every Sunday.", "digital", "They live far away."),
    Wish("en", "Sleep through four nights of the week.", "mood-stress"),
    Wish("en", "Help with the animals on the made-up farm.", "work-training", "I want to be of use."),
    Wish("en", "Get the damp in the flat looked at.", "housing", "My daughter coughs.", "Ring the landlord.", "Friday"),
    Wish("cy", "Hoffwn fynd i’r clwb siarad Cymraeg bob wythnos.", "loneliness", "", "Mynd unwaith gyda ffrind."),
    Wish("cy", "Hoffwn gerdded at y môr unwaith yr wythnos.", "getting-active"),
    Wish("pl", "Chcę sam zadzwonić do urzędu i wszystko zrozumieć.", "language", "", "Zapisać się na kurs."),
    Wish("pl", "Chcę poznać dwie osoby, z którymi mogę pójść na spacer.", "loneliness"),
    Wish("ur", "میں ہفتے میں ایک بار کسی کے ساتھ چائے پینا چاہتی ہوں۔", "loneliness", "", "محلے کی لائبریری جانا۔"),
    Wish("ur", "میں ڈاکٹر سے خود انگریزی میں بات کرنا چاہتی ہوں۔", "language", "مجھے کسی کا انتظار نہ کرنا پڑے۔"),
    Wish("ur", "میں روز شام کو تھوڑی دیر چلنا چاہتی ہوں۔", "getting-active"),
    Wish("ar", "أريد أن أتعرف على شخصين في الحي.", "loneliness"),
    Wish("bn", "আমি সপ্তাহে একদিন বাইরে যেতে চাই।", "getting-active"),
    Wish("so", "Waxaan rabaa inaan Ingiriisi ku hadlo dukaanka.", "language"),
    Wish("zh-Hans", "我想每周跟别人聊一次天。", "loneliness"),
)
LEVELS = (
    "Does not go out at all",
    "Goes out only with somebody",
    "Goes once a week",
    "Goes twice a week",
    "Takes others",
)
"""Five levels of a goal for trained workers, from much less to much more than was expected."""


@dataclass(frozen=True)
class Remark:
    """What somebody says about the service: ``kind`` as ``experience`` has it, some days ago."""

    kind: str
    days: float
    words: str
    language: str = "en"


REMARKS: tuple[Remark, ...] = (
    Remark("complaint", 44, "Nobody rang me for two weeks, and then twice on one day while I was at work."),
    Remark("complaint", 2.2, "The meeting room was up a flight of stairs. I had said that I use a wheelchair."),
    Remark(
        "compliment", 30, "Thank you to whoever came with me the first time. I would have turned round at the door."
    ),
    Remark("compliment", 9, "Diolch am siarad Cymraeg â mi.", "cy"),
    Remark("what-helped", 61, "That I could write it down at night, when nobody else is awake."),
    Remark("what-helped", 35, "Somebody came along the first time."),
    Remark("what-helped", 17, "مجھے اپنی زبان میں لکھنے کو ملا۔", "ur"),
    Remark("what-helped", 5, "Nikt mnie nie poganiał.", "pl"),
    Remark("could-be-better", 52, "Say on the phone who you are before you ask who I am."),
    Remark("could-be-better", 21, "More groups in the evening, please."),
    Remark("could-be-better", 4, "Mwy o grwpiau yn Gymraeg.", "cy"),
)
ANSWER = (
    "You are right, and we are sorry. Two people had the same list. Now one person rings, at the time that you choose. "
    "I have rung you today to say so myself."
)
THANKS = "Thank you for telling us. I have passed it on, and it made somebody’s day."
YOU_SAID: tuple[tuple[str, str], ...] = (
    ("Nobody knew which of you would ring.", "One person rings you, and you know their name beforehand."),
    ("The walking group starts too early.", "It starts at half past ten now."),
    ("The forms are too long.", "You can send the form after five questions now."),
)
WHY_GOOD = (
    "They listened.",
    "I was not hurried.",
    "Somebody came with me the first time.",
    "Everything was explained twice, without a sigh.",
    "I could write in my own language.",
    "The same person every time.",
    "They rang when they said they would.",
    "Nobody asked me the same thing twice.",
)
WHY_NOT_GOOD = (
    "It took too long until somebody rang.",
    "I had to say the same thing three times.",
    "The group that they found was full.",
)
COULD_BE_BETTER = (
    "More groups in the evening.",
    "Ring when you say you will.",
    "A place to sit that is not so loud.",
    "Letters in large print.",
)
"""What people write beside their answer to the Friends and Family question: most write nothing."""

HELPERS = (
    ("Wren Made-Up", "family-friend-carer", ""),
    ("Sage Example", "gp-primary-care", "Made-up Surgery"),
    ("Moss Testperson", "vcse", "Made-up Food Bank"),
    ("Reed Sample", "housing", "Made-up Homes"),
)
PRACTICES = ("Made-up Surgery", "Example Street Practice", "The Sample Health Centre")
MEETING_PLACES = ("The made-up library, Tuesday mornings", "The café beside the example market, any afternoon")
STREETS = ("Example Street", "Sample Lane", "Made-up Terrace")


def phone(number: int) -> str:
    """The nth number for drama, as people type it."""
    return f"07700 900{number % 1000:03d}"


def nhs_numbers() -> Iterator[str]:
    """NHS numbers of the range for tests, each with its right check digit, without end."""
    for number in range(1, 1_000_000):
        for check in range(10):
            try:
                yield reading.nhs_number(f"999{number:06d}{check}", made_up=True)
                break
            except reading.Unreadable:
                continue  # of ten check digits one is right, or none (modulus 11)


def said_in(tongue: str) -> tuple[Story, ...]:
    """The stories of a language."""
    return tuple(story for story in STORIES if story.tongue == tongue)


def wished_in(tongue: str) -> tuple[Wish, ...]:
    """The goals of a language."""
    return tuple(wish for wish in WISHES if wish.tongue == tongue)
