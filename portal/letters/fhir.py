"""A message back as a FHIR R4 document: a Bundle whose first entry is the Composition, in plain dicts.

UK Core profiles where they exist (Goal has none). Codes of SNOMED CT stand only where they are confirmed: the referral
(871731000000106) once an episode, after the service has taken it; that the person declined (871711000000103) only when
the person did; that they need an adjustment (1108111000000107) with each need of their own. What there is no confirmed
code for is told in words.
"""

import uuid
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from portal.letters.checks import SAFE_CONTACT
from portal.letters.document import NO_PRACTICE, Document, Part
from portal.letters.standard import sections

Resource = dict[str, Any]

SNOMED = "http://snomed.info/sct"
REFERRED = {
    "system": SNOMED,
    "code": "871731000000106",
    "display": "Referral to social prescribing service",
}
DECLINED = {"system": SNOMED, "code": "871711000000103", "display": "Social prescribing declined"}
UK_CORE = "https://fhir.hl7.org.uk/StructureDefinition/UKCore-"
HEADINGS = "https://fhir.hl7.org.uk/CodeSystem/UKCore-RecordStandardHeadings"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
STATUS_OF_NUMBER = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
STATUSES_OF_NUMBER = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland"
PREFERENCE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-ContactPreference"
METHODS = "https://fhir.hl7.org.uk/CodeSystem/UKCore-PreferredContactMethod"
INTERPRETER = "http://hl7.org/fhir/StructureDefinition/patient-interpreterRequired"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

REQUEST_STATUS = {
    "submitted": "draft",
    "accepted": "active",
    "active": "active",
    "on-hold": "on-hold",
    "closed": "completed",
    "passed-on": "completed",
    "not-eligible": "revoked",
    "declined": "revoked",
    "withdrawn": "revoked",
    "duplicate": "entered-in-error",
}
"""ServiceRequest.status by our status of a referral."""
TASK_STATUS = {
    "submitted": "requested",
    "accepted": "accepted",
    "active": "in-progress",
    "on-hold": "on-hold",
    "closed": "completed",
    "passed-on": "completed",
    "not-eligible": "rejected",
    "declined": "cancelled",
    "withdrawn": "cancelled",
    "duplicate": "entered-in-error",
}
"""Task.status by our status of a referral."""
STATUS_REASON: dict[str, Resource] = {
    "declined": {"coding": [DECLINED], "text": "The person declined"},
    "withdrawn": {"text": "Withdrawn by the person"},
}
"""Task.statusReason by our status of a referral. Whoever ends what was begun has not declined it: no code is confirmed
for that, so there is none (standards 4.2)."""
GOAL_STATUS = {"active": "active", "on-hold": "on-hold", "completed": "completed"}
ACTION_STATUS = {
    "planned": "not-started",
    "in-progress": "in-progress",
    "done": "completed",
    "declined": "cancelled",
    "stopped": "stopped",
}
"""CarePlan.activity.detail.status by our status of an action."""


def fhir(document: Document) -> Resource:
    """The document. The same document gives the same bundle, whenever it is asked for."""
    made = _Made(document)
    resources = list(made.resources())
    composition = made.composition(resources)
    return {
        "resourceType": "Bundle",
        "id": document.id,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{document.id}"},
        "type": "document",
        "timestamp": document.made_at,
        "entry": [
            {"fullUrl": _url(one["id"]), "resource": one} for one in (composition, *(one for _, one in resources))
        ],
    }


def _url(identity: str) -> str:
    return f"urn:uuid:{identity}"


def _ref(resource: Resource) -> Resource:
    return {"reference": _url(resource["id"])}


def _text(words: str) -> Resource:
    return {"text": words}


def _coding(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{TERMINOLOGY}/{system}", "code": code}]}


def _without_gaps(resource: Resource) -> Resource:
    """FHIR knows no empty value: what is not there has no key."""
    return {name: value for name, value in resource.items() if value not in ("", None, [], {})}


class _Made:
    """The resources of one document; each says of which section it is."""

    def __init__(self, document: Document) -> None:
        self.document, self.facts = document, document.facts
        self.patient = self._patient()
        self.service = self._organisation(self.facts["service_id"], self.facts["service"])
        self.practice = self._practice()
        self.practitioners: dict[str, Resource] = {}
        self.roles: dict[str, Resource] = {}
        self.author = self._worker(self.facts["author_id"], self.facts["author"], self.facts["author_role"])

    def _id(self, kind: str, row: str) -> str:
        """An id of its own for every resource, from the row that it is made of."""
        return str(uuid.uuid5(uuid.UUID(self.document.id), f"{kind}:{row}"))

    def _one(self, code: str) -> Part:
        return self.document.section(code) or Part(code)

    def resources(self) -> Iterator[tuple[str, Resource]]:
        """Every resource but the Composition, with the section that lists it; without one, others point to it."""
        request = self._request()
        conditions, goals, plan = self._plan()
        found: list[tuple[str, Resource]] = [
            ("person", self.patient),
            *(("person", one) for one in self._safe_contact()),
            ("", self.service),
            *([("practice", self.practice)] if self.practice else []),
            ("referral", request),
            *(("referral", one) for one in self._related()),
            ("referral", self._task(request)),
            *(("contacts", self._encounter(one)) for one in self._one("contacts").parts),
            *(("assessments", each) for one in self._one("assessments").parts for each in self._observations(one)),
            *(("risks", self._risk(one)) for one in self._one("risks").parts if not one.facts.get("none")),
            *(("requirements", self._adjustment(one)) for one in self._one("requirements").parts),
            *(("consent", one) for one in self._consent()),
            *(("plan", one) for one in (*plan, *conditions, *goals)),
        ]
        # Last, for only now is it known who is spoken of.
        found += [("", one) for one in (*self.practitioners.values(), *self.roles.values())]
        yield from ((section, _without_gaps(one)) for section, one in found)

    def composition(self, resources: Iterable[tuple[str, Resource]]) -> Resource:
        """The head of the document: every section in words, with what stands for it."""
        of_section: dict[str, list[Resource]] = {}
        for section, resource in resources:
            if section:
                of_section.setdefault(section, []).append(_ref(resource))
        return {
            "resourceType": "Composition",
            "id": self._id("Composition", self.document.id),
            "meta": {"profile": [f"{UK_CORE}Composition"]},
            "status": "final",
            "type": _text("Social prescribing message back"),
            "subject": _ref(self.patient),
            "date": self.document.made_at,
            "author": [_ref(self.author)],
            "title": self.document.title,
            "custodian": _ref(self.service),
            "section": [self._section(one, of_section.get(one.code, [])) for one in self.document.sections],
        }

    def _section(self, part: Part, entries: list[Resource]) -> Resource:
        heading = sections()[part.code].heading
        return _without_gaps(
            {
                "title": part.title,
                "code": {"coding": [{"system": HEADINGS, "code": heading}]} if heading else None,
                "text": {
                    "status": "generated",
                    "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(_narrative(part))}</div>',
                },
                "entry": entries,
            }
        )

    # Who is spoken of ------------------------------------------------------------------------------------------------

    def _patient(self) -> Resource:
        part, facts = self._one("person"), self.facts
        given = part.text_of("first-name")
        name = _without_gaps(
            {"use": "official", "family": part.text_of("family-name"), "given": [given] if given else []}
        )
        called = part.text_of("preferred-name")
        lines = [one.text for one in part.values if one.item.startswith("address-")]
        address = _without_gaps({"use": "home", "line": lines, "postalCode": part.text_of("postcode")})
        communication = {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": facts["language"]}]}}
        return {
            "resourceType": "Patient",
            "id": self._id("Patient", facts["person_id"]),
            "meta": {"profile": [f"{UK_CORE}Patient"]},
            "extension": [*self._preference(part), *self._interpreter()],
            "identifier": [self._number(part)] if part.code_of("nhs-number") else [],
            "name": [name, *([{"use": "usual", "text": called}] if called else [])],
            "telecom": list(_telecom(part)),
            "birthDate": facts["born"],
            "address": [address] if len(address) > 1 else [],
            "communication": [communication] if facts["language"] else [],
        }

    def _interpreter(self) -> Iterator[Resource]:
        if wanted := self.facts["interpreter"]:
            yield {"url": INTERPRETER, "valueBoolean": wanted == "true"}

    def _preference(self, part: Part) -> Iterator[Resource]:
        """How and when they like to be reached."""
        method, times = part.code_of("preferred-contact"), part.facts.get("times")
        found: list[Resource] = []
        if method:
            coded = {"coding": [{"system": METHODS, "code": method}], "text": part.text_of("preferred-contact")}
            found.append({"url": "PreferredContactMethod", "valueCodeableConcept": coded})
        if times:
            found.append({"url": "PreferredContactTimes", "valueTiming": {"code": _text(times)}})
        if found:
            yield {"url": PREFERENCE, "extension": found}

    def _safe_contact(self) -> Iterator[Resource]:
        """What they said about being reached: whoever reads the number alone still sees it flagged."""
        part = self._one("person")
        if words := part.text_of("contact-rule"):
            yield self._flag("safe-contact", words) | {"category": [_text(SAFE_CONTACT)]}

    def _related(self) -> Iterator[Resource]:
        """Whoever referred them, when it was one of their own people."""
        entry = next(iter(self._one("referral").parts), None)
        if entry and entry.facts.get("related"):
            role, name = entry.text_of("referrer-role"), entry.text_of("referrer-name")
            yield {
                "resourceType": "RelatedPerson",
                "id": self._id("RelatedPerson", self.facts["referral_id"]),
                "meta": {"profile": [f"{UK_CORE}RelatedPerson"]},
                "patient": _ref(self.patient),
                "relationship": [_text(role)] if role else [],
                "name": [{"text": name}] if name and name != role else [],
            }

    def _consent(self) -> Iterator[Resource]:
        """The permission under which this goes: R4 wants the policy, and here that is the question that was asked."""
        part = self._one("consent")
        if not part.empty:
            yield {
                "resourceType": "Consent",
                "id": self._id("Consent", part.id),
                "meta": {"profile": [f"{UK_CORE}Consent"]},
                "status": "active",
                "scope": _coding("consentscope", "patient-privacy"),
                "category": [_coding("v3-ActCode", "IDSCL")],
                "patient": _ref(self.patient),
                "dateTime": part.facts["at"],
                "organization": [_ref(self.service)],
                "policyRule": _text(part.facts["wording"]),
                "provision": {"type": "permit"},
            }

    def _number(self, part: Part) -> Resource:
        status = {"coding": [{"system": STATUSES_OF_NUMBER, "code": part.code_of("nhs-number-status")}]}
        return {
            "extension": [{"url": STATUS_OF_NUMBER, "valueCodeableConcept": status}],
            "system": NHS_NUMBER,
            "value": part.code_of("nhs-number"),
        }

    def _organisation(self, row: str, name: str) -> Resource:
        return {
            "resourceType": "Organization",
            "id": self._id("Organization", row),
            "meta": {"profile": [f"{UK_CORE}Organization"]},
            "name": name,
        }

    def _practice(self) -> Resource | None:
        entry = next(iter(self._one("practice").parts), None)
        if entry is None or entry.code_of("practice-code") in NO_PRACTICE:
            return None
        made = self._organisation(entry.code_of("practice-code"), entry.text_of("practice-details"))
        return made | {"identifier": [{"system": ODS, "value": entry.code_of("practice-code")}]}

    def _worker(self, row: str, name: str, role: str) -> Resource:
        """Somebody of the service in their role there; the same one only once."""
        if row not in self.roles:
            self.practitioners[row] = {
                "resourceType": "Practitioner",
                "id": self._id("Practitioner", row),
                "meta": {"profile": [f"{UK_CORE}Practitioner"]},
                "name": [{"use": "official", "text": name}],
            }
            self.roles[row] = {
                "resourceType": "PractitionerRole",
                "id": self._id("PractitionerRole", row),
                "meta": {"profile": [f"{UK_CORE}PractitionerRole"]},
                "practitioner": _ref(self.practitioners[row]),
                "organization": _ref(self.service),
                "code": [_text(role)],
            }
        return self.roles[row]

    # What is told ----------------------------------------------------------------------------------------------------

    def _request(self) -> Resource:
        entry = next(iter(self._one("referral").parts), Part("referral-entry"))
        status = REQUEST_STATUS[self.facts["status"]]
        taken = status in ("active", "on-hold", "completed") and self.facts["status"] != "passed-on"
        code: Resource = {"text": "Referral to social prescribing service"}
        if taken and self.facts["coded"]:
            code = {"coding": [REFERRED]} | code
        self_made = entry.code_of("method") == "7"
        reason = entry.text_of("reason")
        return {
            "resourceType": "ServiceRequest",
            "id": self._id("ServiceRequest", self.facts["referral_id"]),
            "meta": {"profile": [f"{UK_CORE}ServiceRequest"]},
            "status": status,
            "intent": "order",
            "code": code,
            "subject": _ref(self.patient),
            "authoredOn": entry.code_of("referred-on"),
            "requester": self._requester(entry, self_made=self_made),
            "performer": [_ref(self.service)],
            "reasonCode": [_text(reason)] if reason else [],
        }

    def _requester(self, entry: Part, *, self_made: bool) -> Resource:
        if self_made:
            return _ref(self.patient)
        name = {"display": entry.text_of("referrer-name")}
        related = next(self._related(), None)
        return _ref(related) | name if related else name

    def _task(self, request: Resource) -> Resource:
        because = self.facts["because"]
        return {
            "resourceType": "Task",
            "id": self._id("Task", self.facts["referral_id"]),
            "meta": {"profile": [f"{UK_CORE}Task"]},
            "status": TASK_STATUS[self.facts["status"]],
            "statusReason": STATUS_REASON.get(self.facts["status"]) or (_text(because) if because else {}),
            "intent": "order",
            "code": {"coding": [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]},
            "focus": _ref(request),
            "for": _ref(self.patient),
            "authoredOn": request["authoredOn"],
            "owner": _ref(self.service),
        }

    def _encounter(self, part: Part) -> Resource:
        near = part.facts.get("near") == "yes"
        role = None
        if part.facts.get("worker"):
            role = self._worker(part.facts["worker"], part.text_of("seen-by"), part.text_of("seen-by-role"))
        return {
            "resourceType": "Encounter",
            "id": self._id("Encounter", part.id),
            "meta": {"profile": [f"{UK_CORE}Encounter"]},
            "status": "finished",
            "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "AMB" if near else "VR"},
            "type": [_text(part.text_of("contact-type"))],
            "subject": _ref(self.patient),
            "participant": [{"individual": _ref(role)}] if role else [],
            "period": {"start": part.code_of("contact-at")},
        }

    def _observations(self, part: Part) -> Iterator[Resource]:
        """One for each score or question. Single questions are never put together: no total is published for them."""
        name = part.text_of("assessment-name")
        told = [(part, "assessment"), *((one, "subscale") for one in part.parts)]
        for number, (one, kind) in enumerate(told):
            if not one.text_of(f"{kind}-value"):
                continue
            asked = one.text_of(f"{kind}-score")
            amount, words = one.code_of(f"{kind}-value"), one.text_of(f"{kind}-band")
            value = (
                {"valueQuantity": {"value": _amount(amount)}}
                if amount
                else {"valueString": words or one.text_of(f"{kind}-value")}
            )
            yield {
                "resourceType": "Observation",
                "id": self._id("Observation", f"{part.id}:{number}"),
                "meta": {"profile": [f"{UK_CORE}Observation"]},
                "status": "final",
                "category": [_coding("observation-category", "survey")],
                "code": _text(f"{name}: {asked}" if asked else name),
                "subject": _ref(self.patient),
                "effectiveDateTime": part.code_of("assessment-summary"),
                "performer": [_ref(self.patient)],
                "interpretation": [_text(words)] if amount and words else [],
                **value,
            }

    def _flag(self, row: str, words: str, since: str = "") -> Resource:
        return {
            "resourceType": "Flag",
            "id": self._id("Flag", row),
            "meta": {"profile": [f"{UK_CORE}Flag"]},
            "status": "active",
            "code": _text(words),
            "subject": _ref(self.patient),
            "period": {"start": since} if since else {},
        }

    def _risk(self, part: Part) -> Resource:
        return self._flag(part.id, _words(part, "risk", "risk-comment"), part.code_of("risk-from"))

    def _adjustment(self, part: Part) -> Resource:
        made = self._flag(part.id, _words(part, "adjustment", "adjustment-detail"), part.facts["since"])
        made["category"] = [_text(part.facts["category"])]
        if code := part.code_of("adjustment-flag"):
            made["code"] = {"coding": [{"system": SNOMED, "code": code}]} | made["code"]
        return made

    def _plan(self) -> tuple[list[Resource], list[Resource], list[Resource]]:
        """The needs, the goals, and the plan that holds them together."""
        part = self._one("plan")
        conditions, goals, activities = [], [], []
        for need in part.parts:
            condition = self._condition(need)
            conditions.append(condition)
            for goal in need.parts:
                made = self._goal(goal, condition)
                goals.append(made)
                activities += [self._activity(action, made) for action in goal.parts]
        if part.empty:
            return [], [], []
        ended = REQUEST_STATUS[self.facts["status"]] == "completed"
        plan = {
            "resourceType": "CarePlan",
            "id": self._id("CarePlan", part.id or self.facts["referral_id"]),
            "meta": {"profile": [f"{UK_CORE}CarePlan"]},
            "status": "completed" if ended else "active",
            "intent": "plan",
            "category": [_text(part.title)],
            "title": part.title,
            "description": part.text_of("strengths"),
            "subject": _ref(self.patient),
            "created": part.code_of("plan-updated"),
            "author": _ref(self.author),
            "addresses": [_ref(one) for one in conditions],
            "goal": [_ref(one) for one in goals],
            "activity": activities,
        }
        return conditions, goals, [plan]

    def _condition(self, part: Part) -> Resource:
        return {
            "resourceType": "Condition",
            "id": self._id("Condition", part.id),
            "meta": {"profile": [f"{UK_CORE}Condition"]},
            "clinicalStatus": _coding("condition-clinical", part.facts.get("status", "active")),
            "category": [_coding("condition-category", "problem-list-item")],
            "code": _text(part.text_of("need")),
            "subject": _ref(self.patient),
        }

    def _goal(self, part: Part, condition: Resource) -> Resource:
        status = part.code_of("goal-status")
        stands = part.text_of("goal-outcome")
        return {
            "resourceType": "Goal",
            "id": self._id("Goal", part.id),
            "lifecycleStatus": GOAL_STATUS.get(status, "active"),
            "achievementStatus": _coding("goal-achievement", "achieved") if status == "completed" else {},
            "description": _text(part.text_of("goal")),
            "subject": _ref(self.patient),
            "startDate": part.facts["since"],
            "addresses": [_ref(condition)],
            "note": [{"text": stands}] if stands else [],
        }

    def _activity(self, part: Part, goal: Resource) -> Resource:
        who = ", ".join(filter(None, (part.text_of("action-who"), part.text_of("action-role"))))
        until, when = part.code_of("action-when"), part.text_of("action-when")
        detail = {
            "goal": [_ref(goal)],
            "status": ACTION_STATUS.get(part.code_of("action-status"), "unknown"),
            **({"scheduledPeriod": {"end": until}} if until else {"scheduledString": when}),
            "performer": [{"display": who}] if who else [],
            "description": part.text_of("action"),
        }
        return {"detail": _without_gaps(detail)}


def _words(part: Part, what: str, more: str) -> str:
    return ": ".join(filter(None, (part.text_of(what), part.text_of(more))))


_SYSTEMS = {"call": ("phone", "phone"), "text": ("sms", "phone"), "email": ("email", "email")}


def _telecom(part: Part) -> Iterator[Resource]:
    """The ways that they allow and no other, the first one first: a number that is for texts alone is no telephone."""
    ways = [way for way in part.facts.get("ways", "").split() if way in _SYSTEMS]
    for rank, (system, item) in enumerate((_SYSTEMS[way] for way in ways), 1):
        if value := part.text_of(item):
            yield {"system": system, "value": value, "rank": rank}


def _amount(value: str) -> int | float:
    number = float(value)
    return int(number) if number.is_integer() else number


_NATIONAL = ("method", "consultation", "contact-outcome", "nhs-number-status", "preferred-contact")
"""The items whose national code stands behind their words: this is where codes are told."""


def _told(part: Part) -> Iterator[tuple[str, str]]:
    for value in part.values:
        code = f" ({value.coded})" if value.item in _NATIONAL and value.coded else ""
        yield value.label, f"{value.text}{code}"


def _narrative(part: Part) -> Iterator[str]:
    """The words of a part, as the XHTML that a narrative may hold."""
    rows = "".join(
        f"<tr><th>{escape(label)}</th><td>{escape(words).replace(chr(10), '<br/>')}</td></tr>"
        for label, words in _told(part)
    )
    if rows:
        yield f"<table><tbody>{rows}</tbody></table>"
    for below in part.parts:
        if below.title:
            yield f"<p>{escape(below.title)}</p>"
        yield from _narrative(below)
