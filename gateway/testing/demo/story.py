"""
The order in which the story is told: a day of sharing here, and in `leaving`
what happens when one of the people wants to be deleted.

Each stage acts, prints what happened, and claims what must be true of it. The
story holds if every claim does.
"""

import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from gateway.testing.demo import account, audit, beside, leaving, minimum, refusals
from gateway.testing.demo.claims import Claims
from gateway.testing.demo.house import SERVICES, House, MakeHome, open_house
from gateway.testing.demo.lasting import Audited
from gateway.testing.demo.leaving import Before
from gateway.testing.demo.minimum import Arrival, Found
from gateway.testing.demo.people_in_it import LEAD
from gateway.testing.demo.plan import Planned, plan
from gateway.testing.demo.registering import Registered, register
from gateway.testing.demo.sabotage import Sabotage, change_a_leaf
from gateway.testing.demo.screen import Screen
from gateway.testing.demo.told import Stages, Told
from gateway.testing.demo.traffic import AT_ONCE, Sent, send_all


@asynccontextmanager
async def tell(
    folder: Path,
    make_home: MakeHome,
    screen: Screen,
    *,
    shares: int,
    outages: int,
    sabotage: Sabotage | None = None,
) -> AsyncIterator[tuple[House, Told]]:
    """
    Tell the story in an empty `folder`; what was told, while everything still runs.

    `shares`: how many the services ask for; `outages`: how often a recipient
    that is down does not take its notice. Leaving ends what runs.
    """
    told = Told(claims=Claims(screen.claim))
    began = time.perf_counter()
    screen.title("A day of sharing: people who do not exist, and a gateway that does")
    async with AsyncExitStack() as stack:
        stages = Stages(screen, told)
        with stages.stage("home", "A home, its recipients, and the gateway"):
            opened = open_house(folder, make_home, screen, told.claims)
            house = await stack.enter_async_context(opened)
            _introduce(house, told)
        before = await _tell(house, told, stages, shares, sabotage)
        if before is not None:
            await leaving.tell(house, told, stages, before, sabotage, outages)
        told.seconds["total"] = time.perf_counter() - began
        yield house, told


async def _tell(
    house: House, told: Told, stages: Stages, shares: int, sabotage: Sabotage | None
) -> Before | None:
    """The day; what the rest of the story needs of it, if it can go on."""
    now = datetime.now(UTC)
    with stages.stage("consents", "What people agreed to, and what courts demand"):
        registered = await register(house, now)
        _say_registered(house, registered)
    with stages.stage("shares", "Shares"):
        planned = plan(house.cast, registered.orders, shares, now)
        told.sent = await send_all(house, planned)
        _check_shares(house, told)
    with stages.stage("minimum", "What arrived"):
        _check_arrived(house, told)
    with stages.stage("beside", "One share, side by side"):
        beside.show(house, _followed(told))
    with stages.stage("refusals", "Shares that may not leave"):
        told.refused = await refusals.play(house)
    with stages.stage("account", "One person's account"):
        await account.show(house, told.arrived, registered.secret)
    if sabotage is Sabotage.LEAF:
        with stages.stage("sabotage", "Sabotage: the stored ledger is changed"):
            house.screen.line(f"  {await change_a_leaf(house, _followed(told).received.share)}")
    audited = None
    # What is about the certificate or the fence shows without it.
    if sabotage in (None, Sabotage.LEAF):
        with stages.stage("ledger", "The ledger, before somebody who trusts nobody"):
            audited = await _audit(house, told)
        if audited is None or sabotage:
            return None
    return Before(demand=registered.orders[0], audited=audited)


def conclude(screen: Screen, told: Told) -> None:
    """The last lines: how it ended, and what does not hold."""
    claims = told.claims
    screen.line()
    if claims.hold:
        screen.line(screen.strong(f"All {len(claims.all)} claims were checked and hold."))
    else:
        screen.line(screen.strong(f"{len(claims.failed)} of {len(claims.all)} claims do not hold:"))
        for claim in claims.failed:
            screen.claim(claim)
    screen.seconds(told.seconds["total"])


def _introduce(house: House, told: Told) -> None:
    rows = []
    for recipient in house.recipients.values():
        manifest = recipient.manifest
        seals = sorted({route.get("seal", "none") for route in manifest["routes"].values()})
        both = "both sides" if recipient.role.mutual_tls else "server"
        rows.append(
            (manifest["name"], recipient.kind, manifest["territory"], both, "/".join(seals))
        )
        told.recipients.append({"partner": recipient.id, "kind": recipient.kind})
    house.screen.table(("recipient", "kind", "territory", "certificates", "seal"), rows)
    house.screen.line()
    house.screen.line(
        f"  {len(house.cast)} people, {len(SERVICES)} services that send, "
        f"{len(house.recipients)} recipients that verify"
    )


def _say_registered(house: House, registered: Registered) -> None:
    house.screen.line(
        f"  {registered.consents} consents, {registered.withdrawn} of them taken back again; "
        f"{registered.minors} people under 18; {len(registered.orders)} court orders"
    )


def _check_shares(house: House, told: Told) -> None:
    carried = [one for one in told.sent if one.carried]
    refused = Counter(one.reply.code for one in told.sent if one.reply.code)
    house.screen.table(
        ("service", "recipient", "purpose", "carried", "refused"), _by_service(told.sent)
    )
    house.screen.line()
    wrong = [_unexpected(one.planned, one) for one in told.sent if not one.as_expected]
    house.claims.none_of(
        "each share ended as the people's own choices say",
        wrong,
        len(told.sent),
        f"shares: {len(carried)} carried, {refused.total()} refused",
    )
    house.claims.none_of(
        "a share sent twice under one Idempotency-Key arrived once, with one answer",
        *_found(minimum.sent_twice(told.sent, _arrivals_of(house).__getitem__)),
        "shares repeated",
    )
    median, slowest = told.milliseconds().values()
    at_once = f"{AT_ONCE} at once, app and recipients on the same machine"
    house.screen.line(
        house.screen.dim(
            f"      half of the shares within {median} ms, 99 % in {slowest} ms; {at_once}"
        )
    )


def _unexpected(planned: Planned, sent: Sent) -> str:
    wanted = planned.expected or "200"
    return f"{planned.partner} {sent.reply.status} {sent.reply.code or ''} instead of {wanted}"


def _by_service(sent: Sequence[Sent]) -> list[tuple[object, ...]]:
    asked = Counter((o.planned.service, o.planned.partner, o.planned.purpose) for o in sent)
    carried = Counter(
        (o.planned.service, o.planned.partner, o.planned.purpose) for o in sent if o.carried
    )
    return [(*key, carried[key], asked[key] - carried[key] or "") for key in sorted(asked)]


def _arrivals_of(house: House) -> Counter[str]:
    return Counter(
        share for recipient in house.recipients.values() for share in recipient.fake.arrivals
    )


def _check_arrived(house: House, told: Told) -> None:
    fakes = [recipient.fake for recipient in house.recipients.values()]
    told.arrived = list(minimum.arrivals(house, told.sent))
    told.count(house)
    carried = sum(1 for one in told.sent if one.carried)
    house.claims.check(
        "recipients verified every grant, digest and target, and opened every seal",
        not any(fake.refused for fake in fakes) and len(told.arrived) == carried > 0,
        f"{len(told.arrived)} accepted, {sum(len(fake.refused) for fake in fakes)} refused",
    )
    for text, look, what in _COMPARISONS:
        house.claims.none_of(text, *_found(look(told.arrived)), what)


_COMPARISONS = (
    (
        "no field, parameter or header arrived that its manifest does not declare",
        minimum.undeclared,
        "looked at",
    ),
    ("what has no transform is what the app sent", minimum.altered, "values compared"),
    (
        "what is to be sealed cannot be read on the wire",
        minimum.unsealed_on_the_wire,
        "sealed fields and bodies",
    ),
    ("a courier reads masked names", minimum.unmasked, "names"),
    (
        "the gateway showed each recipient its own credential, and a certificate where it is asked",
        minimum.wrong_proof,
        "requests",
    ),
    ("no two recipients know a person by the same name", minimum.linkable, "pseudonyms"),
    ("the app got back what is declared, and no more", minimum.came_back, "values"),
)


def _found(found: Found) -> tuple[list[str], int]:
    return found.problems, found.looked_at


def _followed(told: Told) -> Arrival:
    """The lead's share to the courier."""
    return next(
        one
        for one in told.arrived
        if one.sent.planned.member.person.number == LEAD and one.declared.sealed
    )


async def _audit(house: House, told: Told) -> Audited | None:
    """What was exported and proven, for later; None if it could not be."""
    if house.gateway.running:
        await audit.wait(house, len(told.arrived))
    bundle = await audit.export(house, "ledger.jsonl")
    verdict = await audit.verify(house, bundle)
    told.ledger = verdict.summary()
    audit.compare(house, bundle, told.arrived, told.refused)
    if house.witness is not None and house.gateway.running:
        await audit.witnessed(house, house.witness)
    share = _followed(told)
    proof = await audit.prove(
        house,
        share,
        f"with its grant in hand, {share.recipient.id} proves that its share is in the ledger",
    )
    audit.search(house, bundle)
    return Audited(bundle=bundle, verdict=verdict, proof=proof) if proof else None
