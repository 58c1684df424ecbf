"""Asking to be deleted: first what would happen, then that it happens."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from gateway.testing.client import Reply
from gateway.testing.copies import Copy
from gateway.testing.demo.house import House
from gateway.testing.demo.leaver import Leaver
from gateway.testing.demo.plan import Demand, forbidden, parcels
from gateway.testing.demo.told import Told
from gateway.testing.demo.traffic import Sent, send
from gateway.testing.demo.troubles import BY_HAND, SLOW, TODAY, slow_down
from gateway.testing.demo.waiting import until

Task = asyncio.Task[Sent]

_PARCELS = 5
"""How many of the person's orders are on their way when they ask; the guest has one more."""


@dataclass(slots=True, kw_only=True)
class Asked:
    """A deletion that was asked for, and how things stood at its 202."""

    leaver: Leaver
    case: str
    salt: str = field(repr=False)
    """What the app keeps: with it the certificate can be matched to the person."""
    notices: list[dict[str, Any]]
    at: float
    """On the monotonic clock."""
    held: Mapping[str, Sequence[Copy]]
    """What each recipient held of the person."""
    others: Mapping[str, int]
    """How many copies of other people."""
    arrivals: Mapping[str, int]
    """How many requests had reached each recipient."""
    in_flight: int
    """Shares that a recipient had received and not answered."""
    tried: list[Sent] = field(default_factory=list)
    """Shares that were asked for behind the fence."""


def _request(leaver: Leaver) -> dict[str, Any]:
    """For `POST /v1/cases` (contract §9): the person is signed in to the app."""
    return {
        "action": "erase",
        "subject": leaver.member.account,
        "reason": "user-request",
        "verified": {
            "method": "app-session",
            "reference": "session-7b1e-0417",
            "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }


async def preview(house: House, leaver: Leaver) -> int:
    """Ask who would be told, print it and compare; how many notices there would be."""
    reply = await house.app.post("/v1/cases?preview=true", _request(leaver))
    notices: list[dict[str, Any]] = reply.json()["notices"] if reply.status == 200 else []
    held = leaver.held(house)
    house.screen.table(
        ("would be told", "how", "by", "holds", "today"),
        [
            (
                house.name_of(partner),
                "a letter" if partner == BY_HAND else f"{count} webhook{'s' * (count > 1)}",
                next(one["deadline"][:10] for one in notices if one["partner"] == partner),
                len(held[partner]),
                TODAY[partner],
            )
            for partner, count in Counter(one["partner"] for one in notices).items()
        ],
    )
    house.screen.line()
    holders = {partner for partner, copies in held.items() if copies}
    house.claims.check(
        "those would be told who hold something of this person, under any of their ids; no others",
        bool(holders) and {one["partner"] for one in notices} == holders,
        f"{len(holders)} recipients, {sum(map(len, held.values()))} copies",
    )
    cases = await house.desk.get("/v1/cases")
    house.claims.check(
        "asking what would happen does nothing",
        cases.status == 200
        # The end of an agreement opens a case of its own, whoever asks what.
        and {one["reason"] for one in cases.json()["cases"]} <= {"agreement-ended"}
        and not any(
            one.fake.notices.received for one in house.everybody.values() if one != house.former
        ),
        "no case, no notice",
    )
    return len(notices)


async def ask(
    house: House,
    told: Told,
    leaver: Leaver,
    demand: tuple[Demand, str],
    under_way: Collection[Task],
) -> Asked:
    """
    Ask for the deletion while shares are under way, and at its 202 for one share
    of every kind. Raises RuntimeError if it is not accepted.
    """
    # Before the 202, as some recipients have deleted everything a moment after.
    held, others = leaver.held(house), leaver.copies_of_others(house)
    answer, again, took = await _post(house, leaver)
    asked = Asked(
        leaver=leaver,
        case=answer["case"],
        salt=answer["salt"],
        notices=answer["notices"],
        at=time.monotonic(),
        held=held,
        others=others,
        arrivals=house.arrivals(),
        in_flight=sum(not task.done() for task in under_way),
    )
    _say(house, asked, took)
    house.claims.check(
        "the same request, sent again under its key, is the same case",
        again == answer,
        f"202 within {took * 1000:.0f} ms",
    )
    house.claims.check(
        "it is accepted while shares of the person are in flight",
        asked.in_flight > 0,
        f"{asked.in_flight} at {SLOW}, received and not answered",
    )
    await refuse_more(house, told, asked, demand, "behind the fence every kind of share is refused")
    return asked


async def refuse_more(
    house: House, told: Told, asked: Asked, demand: tuple[Demand, str], claim: str
) -> None:
    """Ask for one share of every kind, under both ids of the person, and claim it refused."""
    now = datetime.now(UTC)
    planned = [
        *forbidden(asked.leaver.member, demand, now),
        *forbidden(asked.leaver.alias, demand, now)[:1],
    ]
    sent = await asyncio.gather(*(send(house.services[one.service], one) for one in planned))
    told.later.extend(sent)
    asked.tried.extend(sent)
    house.claims.none_of(
        claim,
        [f"{one.planned.partner} {one.reply.status}" for one in sent if not one.as_expected],
        len(sent),
        "shares, all subject-erased" if all(one.as_expected for one in sent) else "shares",
    )


async def set_out(house: House, leaver: Leaver) -> list[Task]:
    """Send parcels of the person that the slow recipient receives at once and answers later."""
    slow_down(house)
    fake, now = house.recipients[SLOW].fake, datetime.now(UTC)
    planned = [*parcels(leaver.member, _PARCELS, now), *parcels(leaver.alias, 1, now)]
    before = len(fake.received)
    shop = house.services["shop"]
    tasks = [asyncio.create_task(send(shop, one)) for one in planned]
    await until(lambda: len(fake.received) >= before + len(tasks))
    return tasks


async def _post(house: House, leaver: Leaver) -> tuple[dict[str, Any], dict[str, Any], float]:
    """The answer, the answer to the same request again, and the seconds it took."""
    body, key = _request(leaver), {"Idempotency-Key": "leave-0417"}
    began = time.perf_counter()
    reply = await house.app.post("/v1/cases", body, headers=key)
    took = time.perf_counter() - began
    answer = _accepted(reply)
    return answer, _accepted(await house.app.post("/v1/cases", body, headers=key)), took


def _accepted(reply: Reply) -> dict[str, Any]:
    if reply.status != 202:
        raise RuntimeError(f"the deletion was answered {reply.status} {reply.code}, not 202")
    answer: dict[str, Any] = reply.json()
    return answer


def _say(house: House, asked: Asked, took: float) -> None:
    screen = house.screen
    screen.line("  The app, for somebody who is signed in:  POST /v1/cases")
    screen.line(f"  202  case {asked.case}, {len(asked.notices)} notices, {took * 1000:.0f} ms")
    screen.line()
