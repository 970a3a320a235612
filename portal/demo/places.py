"""What is near the made-up people: activities, GP practices and where the postcodes are. None of it is anywhere.

Telephone numbers are those that Ofcom keeps for drama (01632 960000 to 960999), addresses of pages and emails are under
example.org (RFC 2606), the codes of the practices begin with X99, which the NHS has given to no practice, and all
points lie in the sea.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any

from portal import codes, directory
from portal.access import Actor
from portal.demo import made_up
from portal.directory import Words
from portal.services import practices
from portal.store import Stores

FEED = "Made-up Council (a file)"
_FEED_PROVIDER = "Made-up Council"

PRACTICES = (
    ("X99901", "Made-up Surgery", "AB1 1XX", "surgery@example.org", ""),
    ("X99902", "Example Street Practice", "AB2 2XX", "", ""),
    ("X99903", "The Sample Health Centre", "AB3 3XX", "", ""),
    ("X99904", "Notreal Medical Practice", "AB1 4XX", "notreal@example.org", ""),
    ("X99905", "Placeholder Lane Surgery", "AB4 1XX", "", ""),
    ("X99906", "The Surgery That Was Made Up and Closed", "AB2 1XX", "", "20250331"),
)
"""Code, name, postcode, email, closed on."""
CONFIRMED = "X99901"
"""The practice whose address the manager has confirmed."""

_SEA: Mapping[str, tuple[float, float]] = {
    "AB1": (57.14, -1.60),
    "AB2": (57.18, -1.53),
    "AB3": (57.10, -1.66),
    "AB4": (57.26, -1.48),
    "AB5": (57.04, -1.74),
}


def _one(
    name: str,
    provider: str,
    needs: str,
    postcode: str,
    days: str,
    hours: str,
    description: str,
    *,
    cost: str = "",
    access: str = "",
    languages: str = "en",
    attending: str = "in-person",
    referrals: bool = False,
    **more: str,
) -> Words:
    page = provider.lower().replace("made-up ", "").replace(" ", "-").replace("’", "")
    opens, _, closes = hours.partition("-")
    return Words(
        name=name,
        provider=provider,
        description=description,
        url=f"https://{page}.example.org/",
        email=f"hello@{page}.example.org",
        phone=f"01632 960{100 + len(name) * 7 + len(provider) * 3:03d}",
        referrals_to=f"referrals@{page}.example.org" if referrals else "",
        free="no" if cost else "yes",
        cost=cost,
        needs=needs.split(),
        languages=languages,
        days=days.split(),
        opens_at=opens,
        closes_at=closes,
        attending=attending.split(),
        access=access.split(),
        place="" if not postcode else f"Made-up {('Hall', 'Library', 'Centre', 'Rooms')[len(name) % 4]}",
        address=f"{len(name)} {made_up.STREETS[len(name) % len(made_up.STREETS)]}" if postcode else "",
        city="Made-up Town" if postcode else "",
        postcode=postcode,
        **more,
    )


ACTIVITIES: tuple[Words, ...] = (
    _one("The Thursday Choir", "Made-up Singers", "loneliness mood-stress", "AB1 1XX", "TH", "14:00-15:30",
         "We sing what we know. Nobody has to read music, and there is cake.", access="step-free hearing large-print"),
    _one("Coffee and company", "Made-up Neighbours", "loneliness", "AB1 2XX", "MO WE", "10:00-12:00",
         "A table where nobody sits alone. Come for ten minutes or for two hours.", access="step-free", referrals=True),
    _one("Evening table", "Made-up Neighbours", "loneliness bereavement", "AB2 1XX", "TU", "18:30-20:30",
         "A warm meal together, for people who find the evenings long.", cost="£2 for the meal", access="step-free"),
    _one("Somebody to talk to by phone", "Made-up Neighbours", "loneliness", "", "MO TU WE TH FR SA SU", "09:00-20:00",
         "The same volunteer rings you once a week.", attending="phone", referrals=True),
    _one("Men’s workshop", "Made-up Shed", "loneliness mood-stress", "AB3 1XX", "WE FR", "10:00-15:00",
         "Wood, bicycles and tea. Women have their own day on Mondays.", access="step-free"),
    _one("Women’s workshop", "Made-up Shed", "loneliness mood-stress", "AB3 1XX", "MO", "10:00-15:00",
         "Wood, bicycles and tea.", access="step-free"),
    _one("Tea in Urdu and Punjabi", "Made-up Women’s Circle", "loneliness language", "AB2 2XX", "TU TH", "13:00-15:00",
         "Women meet, talk and help each other with letters. Children are welcome.", languages="ur, pa, en"),
    _one("Polski stolik", "Made-up Polish Club", "loneliness language", "AB1 3XX", "SA", "11:00-13:00",
         "Coffee, games and help with forms, in Polish.", languages="pl, en"),
    _one("Clwb siarad", "Made-up Welsh Society", "loneliness", "AB1 3XX", "FR", "10:30-12:00",
         "Welsh over a cup of tea, for people who grew up with it and people who learn it.", languages="cy, en"),
    _one("Walk and talk", "Made-up Walkers", "getting-active loneliness", "AB1 4XX", "TU SA", "10:30-11:30",
         "A slow walk by the water. There are benches, and we wait for everybody.", access="step-free"),
    _one("Chair exercise", "Made-up Sports Trust", "getting-active long-term-condition", "AB2 3XX", "MO TH",
         "11:00-12:00", "Gentle exercise sitting down, to music.", cost="£3 each time",
         access="step-free hearing", referrals=True),
    _one("First steps in the water", "Made-up Sports Trust", "getting-active long-term-condition", "AB2 4XX", "WE",
         "14:00-15:00", "Warm pool, small group, somebody in the water with you.", cost="£4 each time",
         access="step-free"),
    _one("Tai chi in the park", "Made-up Sports Trust", "getting-active mood-stress", "AB3 2XX", "SU", "09:30-10:30",
         "Slow movements for any age. In the hall when it rains.", when="Not in August"),
    _one("Yoga for carers", "Made-up Carers Network", "caring getting-active", "AB1 1XX", "WE", "18:00-19:00",
         "An hour of your own. We can find somebody to be with the person you care for.", access="step-free"),
    _one("Carers’ lunch", "Made-up Carers Network", "caring loneliness", "AB3 3XX", "FR", "12:00-14:00",
         "Lunch with others who look after somebody.", access="step-free", referrals=True),
    _one("A break for carers", "Made-up Carers Network", "caring", "", "MO TU WE TH FR", "09:00-17:00",
         "Somebody comes to your home for three hours, so that you can go out.", attending="home",
         cost="Depends on what you have", referrals=True),
    _one("Money and bills advice", "Made-up Advice Shop", "money energy", "AB1 2XX", "MO TU WE TH FR", "09:30-16:00",
         "Bring your letters, opened or not. Nobody is told off here.", languages="en, ur, pl", access="step-free",
         referrals=True),
    _one("Benefits check by phone", "Made-up Advice Shop", "money", "", "TU TH", "10:00-13:00",
         "Half an hour to find out what you can claim.", attending="phone", languages="en, bn, ur"),
    _one("Rent and housing advice", "Made-up Homes", "housing legal", "AB2 1XX", "MO WE", "10:00-16:00",
         "Damp, repairs, notices, rent that you cannot pay.", referrals=True),
    _one("Warm room", "Made-up Library", "energy loneliness", "AB3 3XX", "MO TU WE TH FR SA", "09:00-18:00",
         "Sit, read, charge your phone, drink tea. Nobody asks why you came.", access="step-free hearing sight"),
    _one("Help with heating and draughts", "Made-up Warm Homes", "energy housing", "", "MO TU WE TH FR", "08:30-17:00",
         "Somebody comes, looks, and mends the small things.", attending="home phone", referrals=True),
    _one("Community pantry", "Made-up Food Bank", "food money", "AB1 4XX", "TU FR", "13:00-16:00",
         "Choose a bag of food. You need no paper from anybody.", cost="£3 for a bag", access="step-free"),
    _one("Cook and eat", "Made-up Food Bank", "food healthy-living loneliness", "AB1 4XX", "TH", "11:00-13:30",
         "We cook something cheap together and eat it.", languages="en, so, ar"),
    _one("Phone and tablet help", "Made-up Library", "digital", "AB3 3XX", "WE", "14:00-16:00",
         "One to one, as slowly as you like. Bring what you have.", access="step-free hearing large-print"),
    _one("Get online at home", "Made-up Digital Friends", "digital", "", "MO TH", "10:00-16:00",
         "A volunteer comes to you, and lends you a tablet.", attending="home", referrals=True),
    _one("English for every day", "Made-up College", "language work-training", "AB2 2XX", "MO TU WE", "09:30-11:30",
         "For people who begin, and people who can say a little. There is a crèche.", languages="en, ar, so, ur"),
    _one("English conversation", "Made-up Library", "language loneliness", "AB3 3XX", "SA", "10:30-12:00",
         "Talk about anything but grammar.", access="step-free"),
    _one("Back to work, slowly", "Made-up College", "work-training", "AB2 2XX", "TU", "13:00-16:00",
         "For people who have been ill or at home for a long time.", referrals=True),
    _one("Volunteering with animals", "Made-up Farm", "work-training mood-stress", "AB4 1XX", "MO WE FR SA",
         "09:00-13:00", "Goats, hens and a bad-tempered donkey. Bring boots.", when="All the year round"),
    _one("Allotment group", "Made-up Gardens", "mood-stress getting-active food", "AB3 4XX", "TU SA", "10:00-13:00",
         "Dig, plant, or only sit. You take home what has grown.", access=""),
    _one("Worry group", "Made-up Mind Space", "mood-stress", "AB1 1XX", "WE", "17:30-19:00",
         "Six people, six weeks, one listener who has been there.", access="step-free", referrals=True,
         minimum_age="18"),
    _one("Online evening group", "Made-up Mind Space", "mood-stress loneliness", "", "SU", "19:00-20:00",
         "By video. You can leave your camera off.", attending="online"),
    _one("After a death", "Made-up Bereavement Friends", "bereavement", "AB2 4XX", "MO", "14:00-15:30",
         "Talk, or only listen. Those who have come for longer know what it is like.", access="step-free hearing",
         referrals=True),
    _one("Walking with grief", "Made-up Bereavement Friends", "bereavement getting-active", "AB3 2XX", "SU",
         "11:00-12:30", "Side by side it is easier to talk."),
    _one("Stroke and long illness club", "Made-up Health Club", "long-term-condition loneliness", "AB1 2XX", "TH",
         "10:30-12:30", "Exercise, speech practice and a long tea break.", access="step-free easy-read large-print",
         referrals=True),
    _one("Living with pain", "Made-up Health Club", "long-term-condition", "AB1 2XX", "TU", "16:00-17:30",
         "A course of seven weeks. It does not take the pain away, and it helps.", access="step-free audio"),
    _one("Stop smoking together", "Made-up Health Club", "healthy-living", "AB2 3XX", "FR", "12:00-13:00",
         "Nobody stops by being shouted at. Patches are free.", attending="in-person phone"),
    _one("Ring and ride", "Made-up Minibus", "transport", "", "MO TU WE TH FR", "08:00-18:00",
         "A minibus to your door. Ring two days before.", attending="home", cost="£2.50 each way", access="step-free"),
    _one("Toddlers and tea", "Made-up Families", "parenting loneliness", "AB3 1XX", "MO WE FR", "09:30-11:30",
         "Toys on the floor, tea at the table, somebody to hold the baby.", languages="en, pl, ar", access="step-free"),
    _one("Papers and rights", "Made-up Law Centre", "legal", "AB1 3XX", "TH", "10:00-15:00",
         "Free advice on staying in this country, by appointment.", languages="en, ar, so, ur", referrals=True),
)  # fmt: skip
"""The service's own."""

GONE = "The club that is not there any more"
_CLOSED = _one(
    GONE, "Made-up Neighbours", "loneliness", "AB1 2XX", "FR", "10:00-12:00", "It has ended.", status="defunct"
)


def _id(number: int, kind: int) -> str:
    return str(uuid.UUID(int=(kind << 64) + number, version=4))


def _row(number: int, name: str, about: str, topic: str, day: str, postcode: str) -> dict[str, Any]:
    """An activity by the Open Referral UK standard."""
    latitude, longitude = dict(points())[postcode]
    return {
        "id": _id(number, 1),
        "name": name,
        "description": about,
        "url": "https://council.example.org/activities",
        "status": "active",
        "organization": {"id": _id(1, 2), "name": _FEED_PROVIDER, "description": "Not real."},
        "schedules": [
            {"id": _id(number, 3), "freq": "WEEKLY", "byday": day, "opens_at": "10:00", "closes_at": "12:00"}
        ],
        "service_at_locations": [
            {
                "id": _id(number, 4),
                "location": {
                    "id": _id(number, 5),
                    "location_type": "physical",
                    "name": "Made-up Council House",
                    "latitude": latitude,
                    "longitude": longitude,
                    "addresses": [
                        {
                            "id": _id(number, 6),
                            "address_1": f"{number} Example Street",
                            "city": "Made-up Town",
                            "postal_code": postcode,
                            "country": "GB",
                            "address_type": "physical",
                        }
                    ],
                    "accessibility": [{"id": _id(number, 7), "description": "Level access."}],
                },
            }
        ],
        "cost_options": [{"id": _id(number, 8), "amount": 0, "option": "Everybody"}],
        "contacts": [{"id": _id(number, 9), "phones": [{"id": _id(number, 10), "number": f"01632 9602{number:02d}"}]}],
        "attributes": [
            {"id": _id(number, 11), "taxonomy_term": {"id": _id(len(topic), 12), "name": topic, "taxonomy": "Made up"}}
        ],
    }


def feed() -> bytes:
    """A file as a made-up council would give it; one of its rows has no name, as happens."""
    rows = [
        _row(1, "Swimming for the over-sixties", "A quiet hour in the pool.", "Exercise and sport", "TU", "AB1 4XX"),
        _row(2, "Bus pass help", "Help with the form for a bus pass.", "Transport", "MO", "AB1 1XX"),
        _row(3, "Repair café", "Bring what is broken.", "Social groups for lonely people", "SA", "AB2 3XX"),
        _row(4, "Job club", "Applications, and somebody to practise with.", "Employment", "TH", "AB3 1XX"),
        _row(5, "Family hub", "Everything for families with small children.", "Parenting", "WE", "AB3 3XX"),
        _row(6, "", "", "Social groups", "FR", "AB1 1XX"),
    ]  # fmt: skip
    return json.dumps({"contents": rows, "total_pages": 1, "page_number": 1}).encode()


def points() -> Iterator[tuple[str, tuple[float, float]]]:
    """Where some postcodes of each district are: in the sea."""
    for district, (north, east) in _SEA.items():
        for number in range(1, 5):
            yield f"{district} {number}XX", (north + 0.006 * number, east + 0.009 * number)


def open_up(stores: Stores, manager: Actor) -> None:
    """Everything of it, by the hand of the manager: postcodes, own activities, the council's file, practices."""
    service_id = manager.service_id
    known = [{"pcds": name, "lat": str(north), "long": str(east)} for name, (north, east) in points()]
    directory.import_postcodes(stores, service_id, known)
    with stores.writing.begin() as store:
        for words in (*ACTIVITIES, _CLOSED):
            directory.keeping.add(store, manager, codes.new_id(), words)
        council = directory.feeds.feed_named(store, service_id, manager, FEED, published=True)
        run = directory.ask(store, council, manager, begun=True)
        run_id = run.id if run else None
    if run_id:
        directory.take_in(stores, service_id, run_id, BytesIO(feed()))
    lines = ["code,name,postcode,email,close date", *(",".join(row) for row in PRACTICES)]
    practices.import_practices(stores, service_id, lines)
    with stores.writing.begin() as store:
        listed = practices.by_code(store, service_id, CONFIRMED)
        if listed:
            practices.confirm_email(store, manager, listed.id, listed.email or "", listed.version)
