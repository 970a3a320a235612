"""The FHIR document of a message back: sound by structure (models of R4B, which name their elements as R4 does here),
and by our own checks of codes, which those models do not make.
"""

import copy
import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from config import Settings
from portal import held, letters
from portal.caseload import letters as messages
from portal.letters import Document, Gathered, check_fhir, fhir
from portal.letters.checks import REQUIRED, REQUIRED_CODES, SAFE_CONTACT
from portal.letters.fhir import ACTION_STATUS, GOAL_STATUS, REQUEST_STATUS, TASK_STATUS
from portal.referrals import STATUSES
from portal.store import open_store
from tests.lettered import a_letter, everything

Bundle = dict[str, Any]


@pytest.fixture(scope="module")
def told(environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Document:
    """The message about a case of which everything is known."""
    file = tmp_path_factory.mktemp("fhir") / "portal.sqlite"
    shutil.copy(migrated_sqlite, file)
    settings = Settings.from_environment({**environment, "PORTAL_DATABASE_URL": f"sqlite:///{file}"})
    held.hold(settings.secret_key, settings.encryption_keys)
    opened = open_store(settings.database_url)
    with opened.writing() as store:
        case = everything(store)
        shown = messages.shown(store, case.service, case.worker.actor, a_letter(store, case).id)
    opened.engine.dispose()
    assert shown.document is not None
    return shown.document


@pytest.fixture
def bundle(told: Document) -> Bundle:
    return copy.deepcopy(fhir(told))


def resources(bundle: Bundle, kind: str) -> list[Bundle]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def model(resource: Bundle) -> Any:
    """The resource as the models read it. Raises ValidationError."""
    return get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def small(status: str = "accepted", **more: Any) -> Gathered:
    """A message of which little is known."""
    worker = letters.WorkerOf(uuid.uuid4(), "Amina", "Link worker")
    made = Gathered(
        letter_id=uuid.uuid4(),
        service_id=uuid.uuid4(),
        service="The Service",
        recipient="gp",
        occasion="plan",
        made_at=datetime(2026, 3, 2, 10, tzinfo=UTC),
        author=worker,
        person=letters.PersonOf(uuid.uuid4(), "Zofia", born="1961"),
        practice=letters.PracticeOf(),
        referral=letters.ReferralOf(
            uuid.uuid4(), status, datetime(2026, 3, 1, 9, tzinfo=UTC), "Zofia", "", "", "x", self_made=True, coded=True
        ),
        no_known_risks=True,
    )
    return replace(made, **more)


# Sound ---------------------------------------------------------------------------------------------------------------


def test_the_whole_document_is_sound_by_structure_and_by_our_own_checks(bundle: Bundle) -> None:
    model(bundle)
    for entry in bundle["entry"]:
        model(entry["resource"])
    assert check_fhir(bundle) == []
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert kinds == {
        *("Composition", "Patient", "Organization", "Practitioner", "PractitionerRole", "ServiceRequest", "Task"),
        *("Encounter", "Observation", "Flag", "CarePlan", "Condition", "Goal", "Consent"),
    }


def test_a_document_of_which_little_is_known_is_sound_too() -> None:
    bundle = fhir(letters.build(small()))
    model(bundle)
    for entry in bundle["entry"]:
        model(entry["resource"])
    assert check_fhir(bundle) == []
    (patient,) = resources(bundle, "Patient")
    assert patient["birthDate"] == "1961"  # a year alone is a FHIR date, and no PRSB item
    assert "telecom" not in patient
    (flag,) = resources(bundle, "Flag")  # "no known risks" is said in words
    assert flag["code"]["text"] == "Not safe: calls, texts, email, letters."
    assert resources(bundle, "Consent") == []


def test_the_composition_comes_first_and_its_sections_are_coded_what_is_asked_first(bundle: Bundle) -> None:
    composition = bundle["entry"][0]["resource"]
    assert composition["resourceType"] == "Composition"
    headings = [section.get("code", {}).get("coding", [{}])[0].get("code", "") for section in composition["section"]]
    assert headings == [
        *("plan-and-requested-actions", "reason-for-referral", "clinical-summary", "risk-mitigation"),
        *("individual-requirements", "", "contact-with-professionals", "signpost-details", "assessments"),
        *("person-demographics", "gp-practice", "consent-for-information-sharing"),
    ]
    assert "review her hearing aid" in composition["section"][0]["text"]["div"]


def test_the_same_document_gives_the_same_bundle_and_survives_being_kept(told: Document) -> None:
    kept = Document.of_json(json.loads(json.dumps(told.to_json())))
    assert kept == told
    assert fhir(kept) == fhir(told)


def test_the_referral_is_coded_once_when_it_was_taken(bundle: Bundle) -> None:
    assert json.dumps(bundle).count("871731000000106") == 1
    (request,) = resources(bundle, "ServiceRequest")
    assert request["code"]["coding"][0]["code"] == "871731000000106"
    assert request["status"] == "completed"
    assert "871711000000103" not in json.dumps(bundle)


def test_a_later_message_of_the_episode_does_not_code_it_again() -> None:
    referral = replace(small().referral, coded=False)
    assert "871731000000106" not in json.dumps(fhir(letters.build(small(referral=referral))))


@pytest.mark.parametrize("status", STATUSES)
def test_only_what_the_person_declined_is_coded_as_declined(status: str) -> None:
    bundle = fhir(letters.build(small(status)))
    assert check_fhir(bundle) == []
    said = json.dumps(bundle)
    assert ("871711000000103" in said) == (status == "declined")
    taken = status in ("accepted", "active", "on-hold", "closed")
    assert ("871731000000106" in said) == taken


def test_single_questions_are_observations_of_their_own_and_no_total_is_made(bundle: Bundle) -> None:
    ons4 = [one for one in resources(bundle, "Observation") if "ONS4" in one["code"]["text"]]
    assert len(ons4) == 8  # four questions, first and latest
    assert {one["valueQuantity"]["value"] for one in ons4} == {3, 8}
    direct = [one for one in resources(bundle, "Observation") if "How often do you feel lonely" in one["code"]["text"]]
    assert all("valueString" in one and "valueQuantity" not in one for one in direct)  # a word is no amount


def test_each_goal_has_its_need_and_each_action_its_goal(bundle: Bundle) -> None:
    (goal,), (need,), (plan,) = (resources(bundle, kind) for kind in ("Goal", "Condition", "CarePlan"))
    assert goal["addresses"] == [{"reference": f"urn:uuid:{need['id']}"}]
    first, activity = (one["detail"] for one in plan["activity"])
    assert first["goal"] == activity["goal"] == [{"reference": f"urn:uuid:{goal['id']}"}]
    assert (activity["status"], activity["scheduledPeriod"]) == ("in-progress", {"end": "2026-03-09"})
    assert (first["status"], first["scheduledString"]) == ("unknown", "Before Easter")  # a first step has no status
    assert goal["startDate"] == "2026-03-02"
    assert plan["category"] == [{"text": "Care and support plan"}]


def test_a_number_goes_with_what_was_said_about_using_it_and_one_that_is_not_safe_does_not_go(bundle: Bundle) -> None:
    patient = of(bundle, "Patient")
    assert [(one["system"], one["rank"]) for one in patient["telecom"]] == [("phone", 1), ("email", 2)]
    (flag,) = (one for one in resources(bundle, "Flag") if one.get("category") == [{"text": SAFE_CONTACT}])
    assert flag["code"]["text"].startswith("Calls: you may leave a message. Do not say who you are to others.")
    (preference,) = (one["extension"] for one in patient["extension"] if "ContactPreference" in one["url"])
    method, times = preference
    assert method["valueCodeableConcept"]["coding"][0]["code"] == "3"
    assert times["valueTiming"] == {"code": {"text": "Weekday mornings"}}


@pytest.mark.parametrize(("channel", "systems"), [("call", ["phone"]), ("text", ["sms"]), ("post", [])])
def test_a_number_for_texts_alone_is_no_telephone(channel: str, systems: list[str]) -> None:
    person = replace(small().person, ways=(letters.WayOf(channel, "07700 900123"),))
    (patient,) = resources(fhir(letters.build(small(person=person))), "Patient")
    assert [one["system"] for one in patient.get("telecom", [])] == systems


def test_each_need_of_their_own_is_a_coded_flag_and_a_carer_s_is_told_in_words(bundle: Bundle) -> None:
    needs = [
        one
        for one in resources(bundle, "Flag")
        if one.get("category", [{"text": SAFE_CONTACT}])[0]["text"] != SAFE_CONTACT
    ]
    assert [one["category"][0]["text"] for one in needs] == [
        *("Support to communicate", "Information in a special form", "Information in a special form")
    ]
    coded = {one["code"]["text"]: one["code"].get("coding", [{}])[0].get("code") for one in needs}
    assert coded == {
        "Uses a hearing aid: On the left. When it is not met: She misses what is said": "1108111000000107",
        "Their carer: Easy Read": None,
        "Large print": "1108111000000107",
    }
    assert all(one["period"] == {"start": "2026-03-02"} for one in needs)


def test_the_permission_under_which_it_goes_is_in_it(bundle: Bundle) -> None:
    consent = of(bundle, "Consent")
    assert consent["policyRule"]["text"].startswith("May we tell your GP practice")
    assert consent["scope"]["coding"][0]["code"] == "patient-privacy"
    assert (consent["status"], consent["provision"]) == ("active", {"type": "permit"})


def test_a_relative_who_referred_them_is_one_of_their_people_and_a_professional_is_not() -> None:
    for related in (True, False):
        referral = replace(small().referral, self_made=False, by="Sam Okoro", by_role="Family", related=related)
        bundle = fhir(letters.build(small(referral=referral)))
        assert check_fhir(bundle) == []
        requester = of(bundle, "ServiceRequest")["requester"]
        assert requester["display"] == "Sam Okoro"
        assert ("reference" in requester) == related
        for one in resources(bundle, "RelatedPerson"):
            assert model(one).name[0].text == "Sam Okoro"
            assert related


@pytest.mark.parametrize(("status", "because"), [("on-hold", "They are away"), ("not-eligible", "Lives elsewhere")])
def test_what_is_on_hold_or_was_not_taken_says_why_where_the_whole_record_goes(status: str, because: str) -> None:
    made = small(status, referral=replace(small(status).referral, because=because))
    assert of(fhir(letters.build(made)), "Task")["statusReason"] == {"text": because}
    assert "statusReason" not in of(fhir(letters.build(replace(made, narrow=True))), "Task")


def test_every_status_of_ours_has_one_of_theirs() -> None:
    assert set(REQUEST_STATUS) == set(TASK_STATUS) == set(STATUSES)
    assert set(REQUEST_STATUS.values()) <= REQUIRED_CODES["ServiceRequest.status"]
    assert set(TASK_STATUS.values()) <= REQUIRED_CODES["Task.status"]
    assert set(GOAL_STATUS.values()) <= REQUIRED_CODES["Goal.lifecycleStatus"]
    assert set(ACTION_STATUS.values()) <= REQUIRED_CODES["CarePlan.activity.detail.status"]


def test_words_that_look_like_markup_stay_words() -> None:
    risk = letters.RiskOf(uuid.uuid4(), "Other", date(2026, 3, 2), '<script>alert("x")</script> & more')
    bundle = fhir(letters.build(small(risks=(risk,), no_known_risks=False)))
    model(bundle)
    said = json.dumps(bundle["entry"][0]["resource"])
    assert "<script>" not in said
    assert "&lt;script&gt;" in said


# Unsound: every one of these must be found ---------------------------------------------------------------------------


def of(bundle: Bundle, kind: str) -> Bundle:
    return resources(bundle, kind)[0]


Spoil = Callable[[Bundle], object]
SPOILT: dict[str, tuple[Spoil, str]] = {
    "a status that does not exist": (
        lambda b: of(b, "ServiceRequest").update(status="bogus"),
        "ServiceRequest.status is 'bogus'",
    ),
    "a code deep within": (
        lambda b: of(b, "CarePlan")["activity"][0]["detail"].update(status="done"),
        "CarePlan.activity.detail.status is 'done'",
    ),
    "an episode's spelling": (lambda b: of(b, "Flag").update(status="onhold"), "Flag.status is 'onhold'"),
    "no subject": (lambda b: of(b, "ServiceRequest").pop("subject"), "ServiceRequest.subject is missing"),
    "no description": (lambda b: of(b, "Goal").pop("description"), "Goal.description is missing"),
    "two forms of one value": (
        lambda b: of(b, "Observation").update(valueString="3"),
        "Observation.value is there in more than one form",
    ),
    "an empty value": (lambda b: of(b, "Goal").update(note=[]), "Goal.note is empty"),
    "a reference to nowhere": (
        lambda b: of(b, "Task").update(focus={"reference": "urn:uuid:nobody"}),
        "urn:uuid:nobody is not in the document",
    ),
    "the composition not first": (lambda b: b["entry"].reverse(), "first entry of a document is its Composition"),
    "another kind of bundle": (lambda b: b.update(type="collection"), "not a Bundle of the type document"),
    "the same address twice": (
        lambda b: b["entry"][1].update(fullUrl=b["entry"][0]["fullUrl"]),
        "a fullUrl of its own",
    ),
    "a code that nobody has confirmed": (
        lambda b: of(b, "Task").update(
            statusReason={"coding": [{"system": "http://snomed.info/sct", "code": "871691000000100"}]}
        ),
        "871691000000100 of SNOMED CT, which is not confirmed",
    ),
    "a list's own id as a code": (
        lambda b: of(b, "Condition").update(
            code={"coding": [{"system": "http://snomed.info/sct", "code": "1373501000000105"}]}
        ),
        "1373501000000105 of SNOMED CT, which is not confirmed",
    ),
    "the referral coded twice": (
        lambda b: b["entry"].append(
            {"fullUrl": "urn:uuid:2", "resource": {**of(b, "ServiceRequest"), "id": "2"}},
        ),
        "coded more than once",
    ),
    "coded before anybody took it": (
        lambda b: of(b, "ServiceRequest").update(status="draft"),
        "coded although nobody has taken it",
    ),
    "declined by the service": (
        lambda b: of(b, "Task").update(
            status="rejected",
            statusReason={"coding": [{"system": "http://snomed.info/sct", "code": "871711000000103"}]},
        ),
        "although the person did not decline",
    ),
    "a Welsh category as an English one": (
        lambda b: of(b, "Patient").update(
            extension=[
                {
                    "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-EthnicCategory",
                    "valueCodeableConcept": {
                        "coding": [
                            {
                                "system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland",
                                "code": "T",
                            }
                        ]
                    },
                }
            ]
        ),
        "ethnic category T is not one of",
    ),
    "a number without the rule": (
        lambda b: [one.pop("category") for one in resources(b, "Flag") if "category" in one],
        "without what they said about using it",
    ),
    "a permission without a policy": (
        lambda b: of(b, "Consent").pop("policyRule"),
        "Consent names no policy",
    ),
    "a permission of another kind": (
        lambda b: of(b, "Consent")["provision"].update(type="allow"),
        "Consent.provision.type is 'allow'",
    ),
    "a code for an adjustment on the person": (
        lambda b: of(b, "Patient").update(
            maritalStatus={"coding": [{"system": "http://snomed.info/sct", "code": "1108111000000107"}]}
        ),
        "1108111000000107 of SNOMED CT, which is not confirmed",
    ),
    "a flag about safeguarding": (
        lambda b: of(b, "Flag").update(code={"text": "Safeguarding: a concern"}),
        "Flag is about safeguarding",
    ),
    "a section about safeguarding": (
        lambda b: of(b, "Composition")["section"].append({"title": "Safeguarding"}),
        "Composition is about safeguarding",
    ),
    "a gender that R4 does not know": (lambda b: of(b, "Patient").update(gender="F"), "Patient.gender is 'F'"),
    "a use of a name that does not exist": (
        lambda b: of(b, "Patient")["name"][0].update(use="legal"),
        "Patient.name.use is 'legal'",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_our_own_checks_find(bundle: Bundle, what: str) -> None:
    spoil, sentence = SPOILT[what]
    spoil(bundle)
    assert any(sentence in problem for problem in check_fhir(bundle)), check_fhir(bundle)


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("ServiceRequest", lambda one: one.pop("subject")),
        ("Goal", lambda one: one.pop("description")),
        ("Observation", lambda one: one.update(valueString="3")),
        ("Patient", lambda one: one.update(favouriteColour="green")),
    ],
)
def test_the_models_find_what_is_wrong_with_the_structure(bundle: Bundle, kind: str, spoil: Spoil) -> None:
    one = of(bundle, kind)
    model(one)
    spoil(one)
    with pytest.raises(ValidationError):
        model(one)


def test_the_models_let_an_invented_code_pass_which_is_why_we_check_ourselves(bundle: Bundle) -> None:
    request = of(bundle, "ServiceRequest")
    request["status"] = "bogus"
    model(request)
    assert check_fhir(bundle)


def test_a_document_with_a_problem_is_not_handed_out(told: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    assert messages.fhir_of(told)["resourceType"] == "Bundle"
    monkeypatch.setitem(TASK_STATUS, "closed", "bogus")
    with pytest.raises(ValueError, match="Task.status is 'bogus'"):
        messages.fhir_of(told)


def test_every_required_element_that_we_check_is_required_by_the_models() -> None:
    for kind in REQUIRED:
        if kind in ("Bundle", "Composition"):
            continue
        fields = get_fhir_model_class(kind).model_fields
        for name in REQUIRED[kind]:
            assert name in fields or f"{name}_fhir" in fields or "class" in name, (kind, name)
