"""A made-up world for tests, built by calling rooms only: services, staff who can really sign in, referrals that went
through every page of the journey.

    service = a_service(store)
    amina = staff_member(store, service)
    referral = a_referral(store, service, first_name="Zofia", urgency="not-safe")
    store.commit()
    sign_in(client, store, amina)
    press(client, f"/staff/referrals/{referral.id}", "accept")
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element

from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import accounts, codes, entries, referrals, services
from portal.access import Actor, Role
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.store import Draft, Service, ServiceUser
from tests.inspector import InspectedClient, Page

PASSWORD = "gravel-otter-lantern-tuesday"
_numbers = itertools.count(1)


# Services and staff --------------------------------------------------------------------------------------------------


def a_service(store: Session, slug: str = "here", **settings: object) -> Service:
    """A service without staff; it takes referrals once it has a manager."""
    return services.create(store, slug, f"Service {slug}", settings)


@dataclass
class Member:
    """Somebody on the staff, and all they need to sign in."""

    actor: Actor
    email: str
    secret: str
    recovery_codes: list[str] = field(repr=False)
    password: str = PASSWORD


def staff_member(
    store: Session, service: Service, role: Role = Role.LINK_WORKER, *, name: str = "", email: str = ""
) -> Member:
    """A new member of staff, made as at the command line."""
    number = next(_numbers)
    staff, secret, recovery = accounts.create_first(
        store,
        service,
        name=name or f"{role.value.capitalize()} {number}",
        email=email or f"worker-{number}@staff.example",
        role=role.value,
        password=PASSWORD,
    )
    return Member(Actor(service.id, staff.id, staff.name, role), staff.email, secret, recovery)


def sign_in(client: InspectedClient, store: Session, member: Member) -> Actor:
    """Sign somebody in on this browser, by password and a recovery code: a code of the app works only once in 30
    seconds. From then on the store is committed before each request of this app: on SQLite one writes at a time.
    """
    knocked = accounts.knock(store, member.actor.service_id, member.email)
    waiting = accounts.begin_sign_in(store, knocked, member.password)
    code = member.recovery_codes.pop()
    opened = accounts.second_factor_given(store, member.actor.service_id, waiting, code)
    store.commit()
    client.set_cookie(client.application.config["SIGN_IN_COOKIE"], opened.token)
    first = client.application.before_request_funcs.setdefault(None, [])
    if store.commit not in first:
        first.insert(0, store.commit)
    return opened.actor


# People --------------------------------------------------------------------------------------------------------------

ANSWERS: Mapping[str, object] = {
    "referring_for": "me",
    "postcode": "AB10 1AB",
    "date_of_birth": "27 3 1965",
    "first_name": "Zofia",
    "family_name": "Quarshie",
    "safe_ways": ["call"],
    "phone": "07700 900123",
    "spoken_language": "en",
    "what_matters": "I would like to meet people.",
    "needs": ["loneliness"],
    "helper_name": "Sam Okoro",
    "helper_relationship": "vcse",
    "helper_contact": "sam@charity.example",
    "email": "zofia@inbox.example",
    "post_address": "1 Made Up Street",
    "trusted_name": "Ola",
    "trusted_contact": "07700 900456",
}
"""What is typed unless a test says otherwise; everything that is not here is left blank."""


def filled_in(
    store: Session,
    service: Service,
    language: str,
    key: str,
    answers: Mapping[str, object] = MappingProxyType({}),
    until: str = "",
) -> Draft:
    """A form filled in page by page in the browser with this key, as far as the page ``until``."""
    typed = {**ANSWERS, **answers}
    draft = referrals.begin(store, service, language, key)
    while step := SELF_REFERRAL.first_gap(draft.answers):
        raw = {question.code: typed.get(question.code) for question in step.questions}
        kept = referrals.keep(store, service, draft, step, raw, language)
        assert not kept.problems, f"{step.slug}: {kept.problems}"
        if step.slug == until:
            break
    return draft


def a_draft(store: Session, service: Service, until: str, *, language: str = "en", **answers: object) -> Draft:
    """A form filled in page by page, up to and including the page ``until``, and not sent."""
    return filled_in(store, service, language, codes.new_key(), answers, until)


def a_referral(
    store: Session,
    service: Service,
    *,
    language: str = "en",
    answers: Mapping[str, object] = MappingProxyType({}),
    **more: object,
) -> Referral:
    """A referral that was filled in page by page and sent; what is typed, by the question's code, as a mapping or by
    name."""
    key = codes.new_key()
    draft = filled_in(store, service, language, key, {**answers, **more}, "")
    return referrals.submit(store, service, draft, key)


def typed_in(
    store: Session,
    service: Service,
    actor: Actor,
    *,
    channel: str = "phone",
    completed_by: str = "self",
    language: str = "en",
    said_on: date | None = None,
    answers: Mapping[str, object] = MappingProxyType({}),
    until: str = "",
) -> Draft:
    """A form that somebody on the staff types in, page by page in the order of its door, up to the page ``until``."""
    typed = {**ANSWERS, **answers}
    how = {"channel": channel, "completed_by": completed_by, "language": language, "said_on": said_on}
    draft = entries.begin(store, service, actor, **how)  # type: ignore[arg-type]
    order = entries.order_of(draft)
    for section in order.sections:
        step = order.page(section, draft.answers)
        raw = {question.code: typed.get(question.code) for question in step.questions}
        kept = entries.keep(store, service, actor, draft, step, raw)
        assert not kept.problems, f"{step.slug}: {kept.problems}"
        if section.slug == until:
            break
    return draft


def person_of(store: Session, referral: Referral) -> ServiceUser:
    """Whose referral it is."""
    return store.get_one(ServiceUser, (referral.service_id, referral.person_id))


# Pages ---------------------------------------------------------------------------------------------------------------


def words_of(response: TestResponse) -> str:
    """Everything that the page says, on one line."""
    page = Page(response.get_data(as_text=True))
    body = page.all("body")[0]
    return " ".join("".join(body.itertext()).split())


def _hidden(form: Element) -> dict[str, str]:
    fields = (one for one in form.iter("input") if one.get("type") == "hidden")
    return {one.get("name", ""): one.get("value", "") for one in fields}


def press(client: InspectedClient, address: str, ending: str = "", **typed: object) -> TestResponse:
    """Open a page, fill in the form that really stands on it and goes to an address with this ending, and send it."""
    page = Page(client.get(address).get_data(as_text=True))
    for form in page.all("form"):
        target = urlsplit(urljoin(f"http://localhost{address}", form.get("action") or address)).path
        if form.get("method") == "post" and target.endswith(ending) and "sign-out" not in target:
            return client.post(target, data={**_hidden(form), **typed})
    raise AssertionError(f"{address} has no form that goes to …{ending}")
