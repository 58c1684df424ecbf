"""
Shares that may not leave, each for another reason.

A scene is one request, with what it should be answered. Each is sent alone, so
that what arrived meanwhile arrived because of it.
"""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.testing import traffic
from gateway.testing.client import GatewayClient, Reply
from gateway.testing.demo.house import House, Service, token_of
from gateway.testing.demo.people_in_it import LEAD, Choice, Member
from gateway.testing.demo.plan import court_file
from gateway.testing.demo.recipients import FORMER

GUESSER = Service(name="growth-test", partners=("swift-parcel",), purposes=("*",))
"""A service whose token names one partner and every purpose."""
_EVERYONE = Service(name="app-backend", partners=("*",), purposes=("*",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One share that is refused. Prints no data."""

    why: str
    """Who asks for what, in a sentence."""
    code: str
    status: int
    clause: str
    """One that must be among the clauses named."""
    partner: str
    purpose: str
    path: str = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    member: Member = field(repr=False)
    service: Service = _EVERYONE
    evidence: str | None = None
    prefer: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    suspended: bool = False
    """The recipient is suspended while it is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What a scene was answered."""

    scene: Scene
    reply: Reply
    arrived: int
    """Requests that reached any recipient meanwhile."""

    @property
    def problem(self) -> dict[str, Any]:
        """The problem document; empty if it was none."""
        try:
            value = self.reply.json()
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def summary(self) -> dict[str, Any]:
        """What is told of it: no person, no value."""
        names = ("code", "status", "clause", "remedy", "disclosed")
        return {name: self.problem.get(name) for name in names}

    def faults(self) -> list[str]:
        """What of the answer is not as the contract (§6) has it."""
        told, scene = self.problem, self.scene
        checks = {
            "another code": told.get("code") == scene.code == self.reply.code,
            "another status": told.get("status") == scene.status == self.reply.status,
            "the clause is not named": scene.clause in told.get("clause", ()),
            "no remedy": bool(told.get("remedy")),
            "something was disclosed": told.get("disclosed") == "no",
        }
        return [f"{scene.code}: {fault}" for fault, ok in checks.items() if not ok]


def scenes(cast: Sequence[Member]) -> list[Scene]:
    """All of them, in the order in which the contract's checks come."""
    rng = random.Random(7)
    make = _Scenes(rng, cast)
    return [
        *(make.other_service(), make.traversal(), make.suspended(), make.agreement_over()),
        *(make.other_purpose(), make.claimed_demand(), make.opted_out(), make.minor()),
        *(make.no_consent(), make.withdrawn(), make.border()),
        *(make.strict(), make.wrong_type(), make.free_text()),
    ]


class _Scenes:
    def __init__(self, rng: random.Random, cast: Sequence[Member]) -> None:
        self._rng = rng
        self._cast = cast
        self._lead = cast[LEAD]

    def other_service(self) -> Scene:
        return Scene(
            why="a test of the growth team asks for a payment, which its token does not name",
            code="service-not-permitted",
            status=403,
            clause="P5",
            service=GUESSER,
            **self._payment(),
        )

    def traversal(self) -> Scene:
        return Scene(
            why="a path climbs out of the route that is declared",
            code="route-not-declared",
            status=404,
            clause="S3",
            **self._parcel() | {"path": "/v2/shipments/../admin/export"},
        )

    def suspended(self) -> Scene:
        body = traffic.login(self._rng, self._lead.person, datetime.now(UTC))
        return Scene(
            why="link-id was suspended by an operator a moment ago",
            code="partner-suspended",
            status=403,
            clause="S4a",
            partner="link-id",
            purpose="account-login",
            path="/v1/sign-ins",
            body=body,
            member=self._lead,
            suspended=True,
        )

    def agreement_over(self) -> Scene:
        return Scene(
            why=f"the agreement with {FORMER.partner} ended yesterday, and nobody did anything",
            code="agreement-expired",
            status=403,
            clause="S4a",
            **self._parcel() | {"partner": FORMER.partner},
        )

    def other_purpose(self) -> Scene:
        return Scene(
            why="the courier's route is asked to carry advertising",
            code="purpose-not-permitted",
            status=403,
            clause="S3",
            service=GUESSER,
            **self._parcel() | {"purpose": "advertising"},
        )

    def claimed_demand(self) -> Scene:
        return Scene(
            why="a court order is claimed that nobody registered",
            code="evidence-not-valid",
            status=403,
            clause="D2",
            partner="city-court",
            purpose="legal-demand",
            path="/v1/disclosures",
            body=court_file(self._rng, self._lead.person, "2026-CC-9999"),
            member=self._lead,
            evidence='"2026-CC-9999"; type=court-order',
        )

    def opted_out(self) -> Scene:
        return Scene(
            why="the browser of somebody who had agreed now sends Sec-GPC: 1",
            code="opted-out",
            status=403,
            clause="R5",
            headers={"Sec-GPC": "1"},
            **self._event(self._lead),
        )

    def minor(self) -> Scene:
        child = self._one(lambda member: member.guardian is Choice.NO)
        return Scene(
            why="an order of somebody under 18 whose guardian was not asked",
            code="guardian-consent-missing",
            status=403,
            clause="M1",
            **self._parcel() | {"member": child},
        )

    def no_consent(self) -> Scene:
        someone = self._one(lambda m: m.adult and m.advertising is Choice.NO)
        return Scene(
            why="somebody never agreed to advertising",
            code="consent-missing",
            status=403,
            clause="C3",
            **self._event(someone),
        )

    def withdrawn(self) -> Scene:
        someone = self._one(lambda m: m.advertising is Choice.WITHDRAWN)
        return Scene(
            why="somebody agreed to advertising, and took it back",
            code="consent-withdrawn",
            status=403,
            clause="R5",
            **self._event(someone),
        )

    def border(self) -> Scene:
        someone = self._one(lambda m: m.adult and m.abroad is Choice.NO)
        body = traffic.order(self._rng, someone.person)
        return Scene(
            why="a parcel would go to Singapore, and crossing the border was not agreed to",
            code="cross-border-consent-missing",
            status=403,
            clause="K1",
            partner="island-post",
            purpose="order-fulfilment",
            path="/v1/parcels",
            body=body,
            member=someone,
            evidence=f'"{body["order_id"]}"',
        )

    def strict(self) -> Scene:
        return Scene(
            why="Prefer: handling=strict, and the body holds more than is declared",
            code="undeclared-fields",
            status=422,
            clause="P6",
            prefer="handling=strict",
            **self._parcel(),
        )

    def wrong_type(self) -> Scene:
        payment = self._payment()
        payment["body"] = payment["body"] | {"amount_fen": "one hundred"}
        return Scene(
            why="the amount of a payment is no number",
            code="field-type-mismatch",
            status=422,
            clause="S3",
            **payment,
        )

    def free_text(self) -> Scene:
        parcel = self._parcel()
        note = f"到了打{self._lead.person.phone}"
        parcel["body"] = parcel["body"] | {"note": note}
        return Scene(
            why="a telephone number hides in the note to the courier",
            code="personal-data-detected",
            status=422,
            clause="P6",
            **parcel,
        )

    def _one(self, wanted: Callable[[Member], bool]) -> Member:
        return next(member for member in self._cast if wanted(member))

    def _parcel(self) -> dict[str, Any]:
        body = traffic.order(self._rng, self._lead.person)
        return {
            "partner": "swift-parcel",
            "purpose": "order-fulfilment",
            "path": f"/v2/shipments/{body['order_id']}",
            "body": body,
            "member": self._lead,
        }

    def _payment(self) -> dict[str, Any]:
        return {
            "partner": "harbour-pay",
            "purpose": "payment",
            "path": "/v1/charges",
            "body": traffic.payment(self._rng, self._lead.person),
            "member": self._lead,
        }

    def _event(self, member: Member) -> dict[str, Any]:
        return {
            "partner": "bright-reach",
            "purpose": "advertising",
            "path": "/v3/events",
            "body": traffic.ad_event(self._rng, member.person, datetime.now(UTC)),
            "member": member,
        }


async def play(house: House) -> list[Refusal]:
    """Send every scene, print its answer, and check it."""
    refused = []
    for scene in scenes(house.cast):
        refusal = await _play(house, scene)
        refused.append(refusal)
        _print(house, refusal)
    _check(house, refused)
    return refused


async def _play(house: House, scene: Scene) -> Refusal:
    before = house.arrivals()
    async with house.gateway.client(token_of(house.home, scene.service)) as service:

        async def ask() -> Reply:
            return await _ask(service, scene)

        reply = await (_while_suspended(house, scene.partner, ask) if scene.suspended else ask())
    after = house.arrivals()
    return Refusal(scene=scene, reply=reply, arrived=sum(after.values()) - sum(before.values()))


async def _ask(service: GatewayClient, scene: Scene) -> Reply:
    return await service.share(
        scene.partner,
        scene.path,
        dict(scene.body),
        purpose=scene.purpose,
        subject=scene.member.account,
        evidence=scene.evidence,
        prefer=scene.prefer,
        headers=scene.headers,
    )


async def _while_suspended(
    house: House, partner: str, ask: Callable[[], Awaitable[Reply]]
) -> Reply:
    await _must(house.desk.post(f"/v1/partners/{partner}/suspend"))
    try:
        return await ask()
    finally:
        await _must(house.desk.post(f"/v1/partners/{partner}/resume"))


async def _must(asked: Awaitable[Reply]) -> None:
    reply = await asked
    if reply.status != 200:
        raise RuntimeError(f"the privacy desk was answered {reply.status} {reply.code}")


def _print(house: House, refusal: Refusal) -> None:
    told, screen = refusal.problem, house.screen
    clause = " ".join(told.get("clause", ()))
    code = screen.strong(f"{refusal.reply.code}")
    screen.line(f"  {screen.dim('·')} {refusal.scene.why}")
    screen.line(
        f"    {refusal.reply.status} {code}  clause {clause}  disclosed: {told.get('disclosed')}"
    )
    screen.line(f"    {screen.dim('→')} {told.get('remedy')}")


def _check(house: House, refused: Sequence[Refusal]) -> None:
    house.claims.none_of(
        "each is refused with its code, status, clause and remedy",
        [fault for one in refused for fault in one.faults()],
        len({one.reply.code for one in refused}),
        "different refusals",
    )
    house.claims.check(
        "nothing of any of them reached a recipient",
        bool(refused) and not any(one.arrived for one in refused),
        f"{len(refused)} shares asked for",
    )
    house.claims.check(
        f"{FORMER.partner} was not even connected to",
        house.former.fake.connections == 0,
        f"{house.former.fake.connections} connections",
    )
