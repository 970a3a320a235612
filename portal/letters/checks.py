"""Our own checks of a FHIR document: what the models of the tests do not look at (they take any code for a status).

The tables are those of HL7 FHIR 4.0.1. A document with a problem is not handed out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

REQUIRED_CODES: Mapping[str, frozenset[str]] = {
    path: frozenset(codes.split())
    for path, codes in {
        "Bundle.type": "document message transaction transaction-response batch batch-response history searchset"
        " collection",
        "Composition.status": "preliminary final amended entered-in-error",
        "Patient.gender": "male female other unknown",
        "ServiceRequest.status": "draft active on-hold revoked completed entered-in-error unknown",
        "ServiceRequest.intent": "proposal plan directive order original-order reflex-order filler-order instance-order"
        " option",
        "ServiceRequest.priority": "routine urgent asap stat",
        "Task.status": "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed"
        " entered-in-error",
        "Task.intent": "unknown proposal plan order original-order reflex-order filler-order instance-order option",
        "Task.priority": "routine urgent asap stat",
        "Goal.lifecycleStatus": "proposed planned accepted active on-hold completed cancelled entered-in-error"
        " rejected",
        "CarePlan.status": "draft active on-hold revoked completed entered-in-error unknown",
        "CarePlan.intent": "proposal plan order option",
        "CarePlan.activity.detail.status": "not-started scheduled in-progress on-hold completed cancelled stopped"
        " unknown entered-in-error",
        "Questionnaire.status": "draft active retired unknown",
        "Questionnaire.item.type": "group display boolean decimal integer date dateTime time string text url choice"
        " open-choice attachment reference quantity",
        "QuestionnaireResponse.status": "in-progress completed amended entered-in-error stopped",
        "Observation.status": "registered preliminary final amended corrected cancelled entered-in-error unknown",
        "Encounter.status": "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown",
        "Communication.status": "preparation in-progress not-done on-hold stopped completed entered-in-error unknown",
        "Communication.priority": "routine urgent asap stat",
        "Consent.status": "draft proposed active rejected inactive entered-in-error",
        "Consent.provision.type": "deny permit",
        "Flag.status": "active inactive entered-in-error",
        "EpisodeOfCare.status": "planned waitlist active onhold finished cancelled entered-in-error",
        "Appointment.status": "proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in"
        " waitlist",
        "*.name.use": "usual official temp nickname anonymous old maiden",
        "*.telecom.system": "phone fax email pager url sms other",
        "*.telecom.use": "home work temp old mobile",
        "*.address.use": "home work temp old billing",
        "*.address.type": "postal physical both",
        "*.identifier.use": "usual official temp secondary old",
        "*.text.status": "generated extensions additional empty",
    }.items()
}
"""The codes that FHIR R4 requires, by element; ``*`` is any resource."""

GOAL_ACHIEVEMENT = frozenset(
    {
        *("in-progress", "improving", "worsening", "no-change", "achieved", "sustaining"),
        *("not-achieved", "no-progress", "not-attainable"),
    }
)

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Bundle": ("type", "entry", "identifier", "timestamp"),
    "Composition": ("status", "type", "date", "author", "title", "subject"),
    "ServiceRequest": ("status", "intent", "subject"),
    "Task": ("status", "intent"),
    "Goal": ("lifecycleStatus", "description", "subject"),
    "CarePlan": ("status", "intent", "subject"),
    "Questionnaire": ("status",),
    "QuestionnaireResponse": ("status",),
    "Observation": ("status", "code"),
    "Condition": ("subject",),
    "Encounter": ("status", "class"),
    "Communication": ("status",),
    "Consent": ("status", "scope", "category"),
    "Flag": ("status", "code", "subject"),
    "EpisodeOfCare": ("status", "patient"),
    "RelatedPerson": ("patient",),
}
"""The elements that must be there, by resource."""

SNOMED = "http://snomed.info/sct"
CONFIRMED = {
    "871731000000106": "ServiceRequest",
    "871711000000103": "Task",
    "1108111000000107": "Flag",
    "224484003": "Observation",
    "425268008": "CarePlan",
    "1092961000000104": "Patient",
    "1092941000000100": "Patient",
}
"""The codes of SNOMED CT that are confirmed, and the resource on which each may stand."""

SAFE_CONTACT = "Safe contact"
"""The category of the flag without which no number and no address of a person goes."""
REFERRED, DECLINED = "871731000000106", "871711000000103"
ETHNIC: Mapping[str, frozenset[str]] = {
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland": frozenset({*"ABCDEFGHJKLMNPRSZ", "99"}),
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryWales": frozenset("ABDEFGHJKLMNPRSTZ"),
}
CHOICES = ("value", "effective", "onset", "abatement", "occurrence", "performed", "scheduled", "deceased", "product")
"""The elements of which a resource has at most one form."""


def check_fhir(bundle: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a document, each in a sentence; nothing when it may be handed out."""
    problems = [f"{path} is empty." for path in _empty(bundle, "Bundle")]
    resources = [entry.get("resource", {}) for entry in bundle.get("entry", ())]
    problems += list(_of_bundle(bundle, resources))
    for one in (bundle, *resources):
        kind = str(one.get("resourceType", ""))
        problems += [f"{kind}.{name} is missing." for name in REQUIRED.get(kind, ()) if name not in one]
        problems += list(_codes(one, kind, kind))
    problems += list(_of_terms(resources))
    problems += list(_of_rules(resources))
    return problems


def _of_rules(resources: list[Mapping[str, Any]]) -> Iterator[str]:
    """What goes together: a permission with its policy (R4's ppc-1), a number with what was said about using it."""
    of_kind: dict[str, list[Mapping[str, Any]]] = {}
    for one in resources:
        of_kind.setdefault(str(one.get("resourceType", "")), []).append(one)
    if any("policy" not in one and "policyRule" not in one for one in of_kind.get("Consent", ())):
        yield "Consent names no policy under which it was given."
    told = [about.get("text") for one in of_kind.get("Flag", ()) for about in one.get("category", ())]
    if any(one.get("telecom") for one in of_kind.get("Patient", ())) and SAFE_CONTACT not in told:
        yield "A number or an address of the person is without what they said about using it."


def _of_bundle(bundle: Mapping[str, Any], resources: list[Mapping[str, Any]]) -> Iterator[str]:
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "document":
        yield "It is not a Bundle of the type document."
    if not resources or resources[0].get("resourceType") != "Composition":
        yield "The first entry of a document is its Composition."
    urls = [entry.get("fullUrl") for entry in bundle.get("entry", ())]
    if len(set(urls)) != len(urls) or None in urls:
        yield "Every entry has a fullUrl of its own."
    for reference in sorted(
        {str(found) for one in resources for found in _references(one)} - {str(url) for url in urls}
    ):
        yield f"{reference} is not in the document."


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _empty(value: Any, path: str) -> Iterator[str]:
    """FHIR knows no empty string, list or object."""
    if value in ("", None) or (isinstance(value, (Mapping, list)) and not value):
        yield path
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if name != "resource":
                yield from _empty(one, f"{path}.{name}")
            else:
                yield from _empty(one, str(one.get("resourceType", path)) if one else path)
    elif isinstance(value, list):
        for one in value:
            yield from _empty(one, path)


def _codes(value: Any, path: str, kind: str) -> Iterator[str]:
    """The required codes, and the elements that take one form."""
    if isinstance(value, list):
        for one in value:
            yield from _codes(one, path, kind)
        return
    if not isinstance(value, Mapping):
        return
    for stem in CHOICES:
        forms = [name for name in value if name.startswith(stem) and name[len(stem) : len(stem) + 1].isupper()]
        if len(forms) > 1:
            yield f"{path}.{stem} is there in more than one form: {', '.join(sorted(forms))}."
    for name, one in value.items():
        if name == "entry" and kind == "Bundle":
            continue
        here = f"{path}.{name}"
        allowed = REQUIRED_CODES.get(here) or REQUIRED_CODES.get(f"*.{'.'.join(here.split('.')[-2:])}")
        if allowed is not None and isinstance(one, str) and one not in allowed:
            yield f"{here} is {one!r}, which is not one of its codes."
        yield from _codes(one, here, kind)


def _codings(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("system"), str) and isinstance(value.get("code"), str):
            yield value["system"], value["code"]
        for one in value.values():
            yield from _codings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _codings(one)


def _of_terms(resources: list[Mapping[str, Any]]) -> Iterator[str]:
    referred = 0
    for one in resources:
        kind = str(one.get("resourceType", ""))
        for system, code in _codings(one):
            if system == SNOMED and CONFIRMED.get(code) != kind:
                yield f"{kind} has the code {code} of SNOMED CT, which is not confirmed for it."
            if system in ETHNIC and code not in ETHNIC[system]:
                yield f"The ethnic category {code} is not one of {system.rpartition('-')[2] or system}."
            if system.endswith("/goal-achievement") and code not in GOAL_ACHIEVEMENT:
                yield f"Goal.achievementStatus is {code!r}, which is not one of its codes."
            referred += (system, code) == (SNOMED, REFERRED)
        yield from _of_statuses(one, kind)
        if _of_safeguarding(one, kind):
            yield f"{kind} is about safeguarding, which is in no message."
    if referred > 1:
        yield "The referral is coded more than once."


def _of_safeguarding(one: Mapping[str, Any], kind: str) -> bool:
    """Whether a resource is about safeguarding: a section or a flag of that name, or a code of it."""
    named = [str(section.get("title", "")) for section in one.get("section", ())]
    if kind == "Flag":
        named.append(str(one.get("code", {}).get("text", "")))
    coded = (code for _, code in _codings(one))
    return any(words.casefold().startswith("safeguarding") for words in (*named, *coded))


def _of_statuses(one: Mapping[str, Any], kind: str) -> Iterator[str]:
    """What the two codes of a referral say of it must be so."""
    codes = {code for system, code in _codings(one) if system == SNOMED}
    if kind == "ServiceRequest" and REFERRED in codes and one.get("status") in ("draft", "revoked"):
        yield "The referral is coded although nobody has taken it."
    if kind == "Task" and DECLINED in codes and one.get("status") != "cancelled":
        yield "It is coded as declined although the person did not decline."
