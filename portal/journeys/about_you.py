"""A little more about you: the equality questions, after sending and all optional.

Value sets are the data dictionary's 4.4 (GSS and Census 2021, NHS Data Dictionary); only what the person says is kept
(data dictionary 2, rule 5). Sex at birth is not asked.
"""

from portal.i18n import N_
from portal.journeys.engine import Choice, Journey, Kind, Question, Step, answered
from portal.journeys.self_referral import YES_NO

ABOUT_YOU = Journey(
    code="about-you",
    version=1,
    steps=(
        Step(
            "ethnic-group",
            (
                Question(
                    code="ethnic_group",
                    label=N_("What is your ethnic group?"),
                    short=N_("Ethnic group"),
                    kind=Kind.ONE_OF,
                    choices=(
                        Choice("white-british", N_("White: English, Welsh, Scottish, Northern Irish or British")),
                        Choice("white-irish", N_("White: Irish")),
                        Choice("white-gypsy-traveller", N_("White: Gypsy or Irish Traveller")),
                        Choice("white-roma", N_("White: Roma")),
                        Choice("white-other", N_("White: any other White background")),
                        Choice("mixed-white-black-caribbean", N_("Mixed: White and Black Caribbean")),
                        Choice("mixed-white-black-african", N_("Mixed: White and Black African")),
                        Choice("mixed-white-asian", N_("Mixed: White and Asian")),
                        Choice("mixed-other", N_("Mixed: any other Mixed or Multiple background")),
                        Choice("asian-indian", N_("Asian: Indian")),
                        Choice("asian-pakistani", N_("Asian: Pakistani")),
                        Choice("asian-bangladeshi", N_("Asian: Bangladeshi")),
                        Choice("asian-chinese", N_("Asian: Chinese")),
                        Choice("asian-other", N_("Asian: any other Asian background")),
                        Choice("black-caribbean", N_("Black: Caribbean")),
                        Choice("black-african", N_("Black: African")),
                        Choice("black-other", N_("Black: any other Black, Black British or Caribbean background")),
                        Choice("other-arab", N_("Arab")),
                        Choice("other-any", N_("Any other ethnic group")),
                    ),
                    may_decline=True,
                    may_not_know=True,
                    source="GSS, Census 2021 England and Wales",
                ),
                Question(
                    code="ethnic_group_words",
                    label=N_("In your own words, if you like"),
                    short=N_("Ethnic group in own words"),
                    longest=100,
                    source="GSS write-in",
                ),
            ),
            title=N_("What is your ethnic group?"),
            why=N_("So that we can see whether everyone gets the same chance. It does not change the help you get."),
        ),
        Step(
            "gender",
            (
                Question(
                    code="gender_identity",
                    label=N_("How do you describe your gender?"),
                    short=N_("Gender"),
                    kind=Kind.ONE_OF,
                    choices=(
                        Choice("male", N_("Male (including trans man)")),
                        Choice("female", N_("Female (including trans woman)")),
                        Choice("non-binary", N_("Non-binary")),
                        Choice("other", N_("Another way")),
                    ),
                    may_decline=True,
                    may_not_know=True,
                    source="NHS Data Dictionary gender identity",
                ),
            ),
            why=N_("So that we can see whether everyone gets the same chance."),
        ),
        Step(
            "sexual-orientation",
            (
                Question(
                    code="sexual_orientation",
                    label=N_("Which of these best describes you?"),
                    short=N_("Sexual orientation"),
                    kind=Kind.ONE_OF,
                    choices=(
                        Choice("heterosexual", N_("Heterosexual or straight")),
                        Choice("gay-lesbian", N_("Gay or lesbian")),
                        Choice("bisexual", N_("Bisexual")),
                        Choice("other", N_("Another way")),
                    ),
                    may_decline=True,
                    may_not_know=True,
                    source="DCB2094",
                ),
            ),
            why=N_("So that we can see whether everyone gets the same chance."),
        ),
        Step(
            "religion",
            (
                Question(
                    code="religion",
                    label=N_("What is your religion?"),
                    short=N_("Religion"),
                    kind=Kind.ONE_OF,
                    choices=(
                        Choice("none", N_("No religion")),
                        Choice("christian", N_("Christian")),
                        Choice("buddhist", N_("Buddhist")),
                        Choice("hindu", N_("Hindu")),
                        Choice("jewish", N_("Jewish")),
                        Choice("muslim", N_("Muslim")),
                        Choice("sikh", N_("Sikh")),
                        Choice("other", N_("Another religion")),
                    ),
                    may_decline=True,
                    may_not_know=True,
                    source="GSS, Census 2021",
                ),
            ),
            why=N_("So that we can see whether everyone gets the same chance."),
        ),
        Step(
            "health",
            (
                Question(
                    code="long_term_condition",
                    label=N_(
                        "Do you have any physical or mental health conditions or illnesses "
                        "lasting or expected to last for 12 months or more?"
                    ),
                    short=N_("Long-term condition"),
                    kind=Kind.ONE_OF,
                    choices=YES_NO,
                    may_decline=True,
                    may_not_know=True,
                    source="GSS harmonised standard",
                ),
            ),
            why=N_("So that we can see whether everyone gets the same chance."),
        ),
        Step(
            "daily-life",
            (
                Question(
                    code="activity_limitation",
                    label=N_("Does this make day-to-day life harder for you?"),
                    short=N_("Makes daily life harder"),
                    kind=Kind.ONE_OF,
                    choices=(
                        Choice("a-lot", N_("Yes, a lot")),
                        Choice("a-little", N_("Yes, a little")),
                        Choice("not-at-all", N_("Not at all")),
                    ),
                    may_decline=True,
                    may_not_know=True,
                    source="GSS harmonised standard, own words",
                ),
            ),
            why=N_("So that we can see whether everyone gets the same chance."),
            only_if=answered("long_term_condition", "yes"),
        ),
        Step(
            "home-and-work",
            (
                Question(
                    code="is_carer",
                    label=N_("Do you look after someone who could not manage without you?"),
                    short=N_("Carer"),
                    kind=Kind.ONE_OF,
                    choices=YES_NO,
                    may_decline=True,
                    may_not_know=True,
                    source="PRSB; data dictionary 4.4",
                ),
                Question(
                    code="employment_status",
                    label=N_("What do you do at the moment?"),
                    short=N_("Work"),
                    kind=Kind.ONE_OF,
                    choices=(
                        Choice("employed", N_("I have a job")),
                        Choice("unemployed", N_("I am looking for work")),
                        Choice("student", N_("I study")),
                        Choice("sick-disabled", N_("I am sick or disabled for a long time")),
                        Choice("homemaker-carer", N_("I look after the home or someone at home")),
                        Choice("not-seeking", N_("I do not work and I am not looking for work")),
                        Choice("voluntary", N_("I volunteer")),
                        Choice("retired", N_("I am retired")),
                    ),
                    may_decline=True,
                    may_not_know=True,
                    source="NHS Data Dictionary employment status",
                ),
                Question(
                    code="household",
                    label=N_("Who do you live with?"),
                    short=N_("Household"),
                    kind=Kind.ONE_OF,
                    choices=(
                        Choice("alone", N_("I live alone")),
                        Choice("partner", N_("With a partner")),
                        Choice("family", N_("With family")),
                        Choice("shared", N_("In a shared house")),
                        Choice("other", N_("Another way")),
                    ),
                    may_decline=True,
                    may_not_know=True,
                    source="PRSB social context",
                ),
                Question(
                    code="accommodation",
                    label=N_("Where do you live?"),
                    short=N_("Home"),
                    kind=Kind.ONE_OF,
                    choices=(
                        Choice("own", N_("In my own home")),
                        Choice("rent-social", N_("I rent from the council or a housing association")),
                        Choice("rent-private", N_("I rent from a private landlord")),
                        Choice("family-friends", N_("With family or friends, and I can stay")),
                        Choice("temporary-hostel", N_("In temporary housing, a hostel or a night shelter")),
                        Choice("sofa-surfing", N_("With different people, nowhere for long")),
                        Choice("rough-sleeping", N_("I sleep outside")),
                        Choice("supported-care", N_("In supported housing or a care home")),
                        Choice("other", N_("Somewhere else")),
                    ),
                    may_decline=True,
                    may_not_know=True,
                    source="NHS Data Dictionary accommodation status, grouped",
                ),
            ),
            title=N_("Home and work"),
            why=N_("So that your link worker knows what your days are like."),
        ),
    ),
)
