"""
What the services of the app send about people, and what should become of it.

The plan is made of a seed, so the same size gives the same day. What should
become of a share follows from the person's choices alone; that the gateway
comes to the same is what the story checks.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from gateway.testing import traffic
from gateway.testing.demo.people_in_it import LEAD, Choice, Member
from gateway.testing.people import Person, describe, device

SEED = 2026
# Every fifth payment is sent a second time under its key, as apps do when a
# connection was lost.
_REPEAT_EVERY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A share to be sent. Prints no data."""

    service: str
    partner: str
    purpose: str
    path: str = field(repr=False)
    """Path and query, encoded."""
    body: Mapping[str, Any] = field(repr=False)
    member: Member = field(repr=False)
    evidence: str | None = None
    """A whole field value (RFC 9651)."""
    headers: Mapping[str, str] = field(repr=False)
    idempotency_key: str | None = None
    again: bool = False
    """Sent a second time, under the same key."""
    expected: str | None = None
    """The code with which it must be refused; None: it must be carried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a court may learn about whom; registered before the first share rests on it."""

    account: str
    categories: tuple[str, ...]
    may_tell: bool
    reference: str

    def body(self, expires: datetime) -> dict[str, Any]:
        """For `POST /v1/evidence` (contract §5)."""
        return {
            "type": "court-order",
            "reference": self.reference,
            "partner": "city-court",
            "purposes": ["legal-demand"],
            "subjects": [self.account],
            "categories": list(self.categories),
            "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "may_tell_subject": self.may_tell,
        }


def demands(cast: Sequence[Member]) -> list[Demand]:
    """Three orders of the court; the second, about the lead, must not be told to them."""
    lead, other = cast[LEAD].account, cast[LEAD + 9].account
    order, address = "transaction.order", "basic.address"
    return [
        _demand(lead, ("basic.name", address, order), 1, may_tell=True),
        _demand(lead, ("basic.name", "network.account", "network.ip"), 2, may_tell=False),
        _demand(other, ("basic.name", "basic.phone", order), 3, may_tell=True),
    ]


def _demand(account: str, categories: tuple[str, ...], n: int, *, may_tell: bool) -> Demand:
    reference = f"2026-CC-{n:04d}"
    return Demand(account=account, categories=categories, may_tell=may_tell, reference=reference)


def plan(
    cast: Sequence[Member], orders: Sequence[tuple[Demand, str]], total: int, now: datetime
) -> list[Planned]:
    """
    A day of `total` shares in the order of sending.

    `orders`: the court's demands with the ids under which they are registered.
    """
    day = _Day(random.Random(SEED), cast, now)
    lead = cast[LEAD]
    fixed = [make(day, lead) for make in _LEADS_DAY]
    fixed += [day.demanded(demand, evidence) for demand, evidence in orders]
    fixed += [day.parcel(member) for member in cast if member.guardian is Choice.YES]
    drawn = [day.draw() for _ in range(max(0, total - len(fixed)))]
    everything = [*fixed, *drawn]
    day.rng.shuffle(everything)
    return everything


def parcels(member: Member, count: int, now: datetime) -> list[Planned]:
    """Some orders of one person, for the courier."""
    day = _Day(random.Random(f"{SEED}/{member.account}"), [member], now)
    return [day.parcel(member) for _ in range(count)]


def forbidden(member: Member, demand: tuple[Demand, str], now: datetime) -> list[Planned]:
    """
    One share of every kind about somebody who is gone, all to be refused.

    `demand`: a court's demand about them, with the id of its record.
    """
    day = _Day(random.Random(f"{SEED}/gone"), [member], now)
    asked = [make(day, member) for make, _ in _OFTEN]
    asked.append(day.file_for_court(member, *demand))
    return [replace(one, expected="subject-erased", again=False) for one in asked]


class _Day:
    """Makes the shares of a day."""

    def __init__(self, rng: random.Random, cast: Sequence[Member], now: datetime) -> None:
        self.rng = rng
        self._adults = [member for member in cast if member.adult]
        self._cast = {member.account: member for member in cast}
        self._now = now
        self._payments = 0

    def draw(self) -> Planned:
        """One of what services send all day, about somebody."""
        makes, weights = zip(*_OFTEN, strict=True)
        make: Callable[[_Day, Member], Planned] = self.rng.choices(makes, weights)[0]
        return make(self, self.rng.choice(self._adults))

    def parcel(self, member: Member) -> Planned:
        """An order for the courier, with a query that nobody asked for."""
        order = traffic.order(self.rng, member.person)
        query = f"utm_source=app&buyer={quote(member.person.name)}"
        return self._share(
            "shop",
            "swift-parcel",
            "order-fulfilment",
            f"/v2/shipments/{order['order_id']}?{query}",
            order,
            member,
        )

    def payment(self, member: Member) -> Planned:
        """A charge, under a key that makes sending it twice harmless."""
        self._payments += 1
        body = traffic.payment(self.rng, member.person)
        return self._share(
            "payments",
            "harbour-pay",
            "payment",
            "/v1/charges",
            body,
            member,
            idempotency_key=f'"{body["payment_reference"]}"',
            again=self._payments % _REPEAT_EVERY == 1,
        )

    def sign_in(self, member: Member) -> Planned:
        """A sign-in with an account held elsewhere."""
        body = traffic.login(self.rng, member.person, self._now)
        return self._share("identity", "link-id", "account-login", "/v1/sign-ins", body, member)

    def binding(self, member: Member) -> Planned:
        """Binding that account, which the person must have agreed to."""
        body = traffic.login(self.rng, member.person, self._now)
        return self._share(
            "identity",
            "link-id",
            "account-login",
            "/v1/bindings",
            body,
            member,
            expected=_consented(member.binding),
        )

    def event(self, member: Member) -> Planned:
        """What an advertiser gets, from those who agreed."""
        body = traffic.ad_event(self.rng, member.person, self._now)
        return self._share(
            "marketing",
            "bright-reach",
            "advertising",
            "/v3/events",
            body,
            member,
            expected=_consented(member.advertising),
        )

    def abroad(self, member: Member) -> Planned:
        """A parcel that crosses the border."""
        body = traffic.order(self.rng, member.person)
        customs = [
            {"code": f"0902{n}0", "value": item["price_fen"] / 100, "title": item["title"]}
            for n, item in enumerate(body["items"])
        ]
        return self._share(
            "shop",
            "island-post",
            "order-fulfilment",
            "/v1/parcels",
            body | {"customs": customs},
            member,
            evidence=f'"{body["order_id"]}"',
            expected=None if member.abroad is Choice.YES else "cross-border-consent-missing",
        )

    def callback(self, member: Member) -> Planned:
        """Somebody wants to be called about a parcel; the courier gets a token for the number."""
        body = traffic.ticket(self.rng, member.person)
        more = {"tracking_number": traffic.number(self.rng, "SP"), "phone": member.person.phone}
        return self._share(
            "support",
            "swift-parcel",
            "customer-support",
            "/v2/callbacks",
            body | more,
            member,
            evidence=f'"{body["ticket_id"]}"; type=ticket',
        )

    def demanded(self, demand: Demand, evidence: str) -> Planned:
        """What the court gets; the body holds more than the demand names."""
        return self.file_for_court(self._cast[demand.account], demand, evidence)

    def file_for_court(self, member: Member, demand: Demand, evidence: str) -> Planned:
        """A person's file under a demand, whoever the demand is about."""
        return self._share(
            "legal",
            "city-court",
            "legal-demand",
            "/v1/disclosures",
            court_file(self.rng, member.person, demand.reference),
            member,
            evidence=f'"{evidence}"',
        )

    def _share(
        self,
        service: str,
        partner: str,
        purpose: str,
        path: str,
        body: Mapping[str, Any],
        member: Member,
        **more: Any,
    ) -> Planned:
        return Planned(
            service=service,
            partner=partner,
            purpose=purpose,
            path=path,
            body=body,
            member=member,
            headers=surplus_headers(member.person),
            **more,
        )


def surplus_headers(person: Person) -> dict[str, str]:
    """What an app's HTTP library sends along without being asked."""
    return {
        "Cookie": f"sid={person.device_id}",
        "X-Customer": person.account,
        "Accept-Language": "zh-CN",
    }


def court_file(rng: random.Random, person: Person, reference: str) -> dict[str, Any]:
    """Everything that a court may ever learn of a person, and more."""
    order = traffic.order(rng, person)
    return {
        "demand": reference,
        "person": describe(person) | {"address": person.address},
        "network": {"ip": person.ip},
        "device": device(person),
        "orders": [{"order": order["order_id"], "items": order["items"]}],
        "payments": [{"payer": person.bank_card, "total_fen": order["total_fen"]}],
        "internal": order["internal"],
    }


def _consented(choice: Choice) -> str | None:
    match choice:
        case Choice.YES:
            return None
        case Choice.NO:
            return "consent-missing"
        case Choice.WITHDRAWN:
            return "consent-withdrawn"


_Make = Callable[[_Day, Member], Planned]

_OFTEN: tuple[tuple[_Make, int], ...] = (
    (_Day.parcel, 30),
    (_Day.payment, 22),
    (_Day.sign_in, 16),
    (_Day.event, 16),
    (_Day.abroad, 8),
    (_Day.binding, 4),
    (_Day.callback, 4),
)
# The person whom the story follows meets every recipient.
_LEADS_DAY: tuple[_Make, ...] = (
    *(_Day.parcel, _Day.payment, _Day.sign_in, _Day.binding),
    *(_Day.event, _Day.event, _Day.abroad, _Day.callback),
)
