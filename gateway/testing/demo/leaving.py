"""
The second half of the story: somebody leaves, and every recipient is told
until it has settled.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.testing.demo import (
    asking,
    audit,
    certified,
    gone,
    lasting,
    leaver,
    minimum,
    notified,
    settling,
    troubles,
)
from gateway.testing.demo.asking import Asked
from gateway.testing.demo.house import House
from gateway.testing.demo.lasting import Audited
from gateway.testing.demo.plan import Demand
from gateway.testing.demo.sabotage import (
    Sabotage,
    change_a_certificate,
    forge_a_certificate,
    forge_a_receipt,
    remove_the_fence,
)
from gateway.testing.demo.told import Stages, Told
from gateway.testing.demo.watching import Progress, follow, hopeless, needs_person


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is known from the first half."""

    demand: tuple[Demand, str]
    """A court's demand about the person who leaves, and the id of its record."""
    audited: Audited | None
    """None in a story that ends before the ledger is looked at again."""


async def tell(
    house: House,
    told: Told,
    stages: Stages,
    before: Before,
    sabotage: Sabotage | None,
    outages: int,
) -> None:
    """
    Tell it; a sabotaged one as far as to where it must have failed.

    `outages`: how often the recipient that is down answers 503.
    """
    with stages.stage("preview", "Somebody leaves: who would be told"):
        who = await leaver.introduce(house, told)
        await troubles.arrange(house, outages)
        told.deletion["previewed"] = await asking.preview(house, who)
    with stages.stage("deletion", "The deletion, with shares in flight"):
        asked, progress = await _delete(house, told, who, before, sabotage, outages)
    with stages.stage("tasks", "What a person must settle"):
        await settling.settle(house, progress, await settling.tasks(house, asked))
        await settling.check_settled(house, asked)
        told.deletion |= _summary(progress)
    if sabotage is Sabotage.FENCE:
        with stages.stage("sabotage", "Sabotage: the fence is taken away"):
            house.screen.line(f"  {await remove_the_fence(house)}")
    with stages.stage("gone", "What is left of the person"):
        await _check_gone(house, told, asked, before)
    if sabotage in (Sabotage.RECEIPT, Sabotage.FENCE):
        return
    with stages.stage("certificate", "The certificate, before somebody who trusts nobody"):
        said = await _certify(house, asked, sabotage)
    if before.audited is not None:
        with stages.stage("ledger-after", "The ledger, and what was proven before"):
            await _audit(house, told, asked, before.audited, said)
    await troubles.over(house)


async def _delete(
    house: House,
    told: Told,
    who: leaver.Leaver,
    before: Before,
    sabotage: Sabotage | None,
    outages: int,
) -> tuple[Asked, Progress]:
    under_way = await asking.set_out(house, who)
    forging = sabotage is Sabotage.RECEIPT and asyncio.create_task(forge_a_receipt(house))
    try:
        asked = await asking.ask(house, told, who, before.demand, under_way)
        progress = Progress(house=house, asked=asked)
        house.screen.line()
        reached = await follow(progress, lambda: _as_far_as_possible(house, asked, progress))
        answered = await asyncio.gather(*under_way)
        told.later.extend(answered)
        told.deletion |= {"in_flight": asked.in_flight, "refused_after": len(asked.tried)}
        house.screen.line()
        if forging:
            house.screen.line(f"  Sabotage: {await forging}")
            house.screen.line()
    finally:
        # Where the story broke off, nobody waits for these any more.
        for task in (*under_way, *([forging] if forging else [])):
            task.cancel()
    house.claims.check(
        "every recipient was told, and whatever needs no person came to its end",
        reached and not any(hopeless(house, one) for one in progress.notices.values()),
        f"{len(progress.notices)} notices",
    )
    notified.check(house, asked, answered, outages)
    return asked, progress


def _as_far_as_possible(house: House, asked: Asked, progress: Progress) -> bool:
    """Whether each notice is settled, or waits for a person or for a miracle."""
    return len(progress.notices) >= len(asked.notices) and all(
        one["settled"] or needs_person(one) or hopeless(house, one)
        for one in progress.notices.values()
    )


def _summary(progress: Progress) -> dict[str, Any]:
    names = ("partner", "state", "evidence", "settled", "attempts")
    return {
        "case": progress.asked.case,
        "state": progress.state,
        "events": len(progress.events),
        "notices": [{name: one[name] for name in names} for one in progress.notices.values()],
    }


async def _check_gone(house: House, told: Told, asked: Asked, before: Before) -> None:
    told.deletion["copies"] = gone.copies(house, asked)
    await asking.refuse_more(
        house, told, asked, before.demand, "whoever asks to share the person's data is refused"
    )
    gone.check_none_left(house, asked)
    await gone.account(house, asked)


async def _certify(house: House, asked: Asked, sabotage: Sabotage | None) -> Mapping[str, Any]:
    path = await certified.fetch(house, asked)
    said = certified.show(house, path)
    if sabotage is Sabotage.CERT:
        forged, done = forge_a_certificate(path)
        house.screen.line(f"  Sabotage: {done}")
        await certified.verify(house, forged)
        house.screen.line(f"  Sabotage: {change_a_certificate(path)}")
    await certified.verify(house, path)
    certified.check_person(house, asked, path, said)
    return said


async def _audit(
    house: House, told: Told, asked: Asked, before: Audited, said: Mapping[str, Any]
) -> None:
    bundle = await audit.export(house, "ledger-after.jsonl")
    verdict = await audit.verify(house, bundle)
    told.ledger = verdict.summary()
    told.arrived = list(minimum.arrivals(house, told.shares))
    told.count(house)
    audit.compare(house, bundle, told.arrived, told.refused)
    await lasting.check_kept(house, before, bundle, verdict)
    share = next(one for one in told.arrived if one.received.share == before.proof.share)
    await audit.prove(
        house, share, f"{share.recipient.id} can still prove that it got its share, as all others"
    )
    lasting.check_told(house, asked, bundle, said)
    lasting.check_unlinked(house, bundle)
    gone.search(house, asked, [house.auditor])
