"""One decision about many people: everybody is told, nobody twice, and two must agree (K3, S4a)."""

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from gateway.errors import StoreFailed
from gateway.flows import mass_run
from gateway.flows.mass_run import Masses
from tests.cases.forgetting import read
from tests.cases.house import CaseHouse
from tests.cases.masses import (
    ENDED,
    SLOW,
    SWIFT,
    OpenHouse,
    carried,
    cases,
    decided,
    listed,
    mass,
    opened,
    shared,
)
from tests.marks import promise


@promise("K3")
async def test_the_end_of_a_service_reaches_every_recipient_of_everybody(
    open_house: OpenHouse,
) -> None:
    """
    Announced today, nothing ends and nobody is told for thirty days; then every
    recipient of every person is told, and nothing is shared any more.
    """
    house = await open_house()
    await shared(house, 3, slow=2)
    now = house.clock()
    body = {"reason": "service-ended", "everybody": True}
    found = await opened(house, **body, announced_at=now.isoformat())
    masses = Masses(house.gateway)
    house.clock.advance(timedelta(days=30) - timedelta(seconds=1))
    await masses.look()
    waiting = await mass(house, found["mass"])
    early = [await cases(house), [len(one.notices.received) for one in house.recipients.values()]]
    assert (await house.share(subject="u-0")).status == 200
    over = await carried(house, found["mass"])

    assert (waiting["state"], waiting["starts_at"][:10]) == (
        "waiting",
        (now + timedelta(days=30)).date().isoformat(),
    )
    assert early == [[], [0, 0]]
    assert (over["people"], over["opened"], over["left"]) == (3, 3, 0)
    assert {one["partner"]: one["done"] for one in over["recipients"]} == {SWIFT: 3, SLOW: 2}
    assert [len(one.copies) for one in house.recipients.values()] == [0, 0]
    assert {one["reason"] for one in await cases(house)} == {"service-ended"}
    assert (await house.share(subject="u-1")).code == "subject-erased"


@promise("S4a")
async def test_all_that_a_partner_had_is_deleted(open_house: OpenHouse) -> None:
    """Of a partner who breached its agreement everybody's data goes, and others keep theirs."""
    house = await open_house()
    await shared(house, 3, slow=2)
    found = await opened(house, reason="agreement-breached", scope={"partners": [SLOW]})
    over = await carried(house, found["mass"])

    assert (over["people"], over["recipients"][0]["partner"]) == (2, SLOW)
    assert len(over["recipients"]) == 1
    assert [len(house.recipients[one].copies) for one in (SWIFT, SLOW)] == [3, 0]
    assert (await house.share(subject="u-0")).status == 200


async def test_an_agreement_that_is_ended_by_hand_is_told_once(open_house: OpenHouse) -> None:
    """What a mass case told of the end of an agreement time does not tell again."""
    house = await open_house()
    await shared(house, 2)
    body = {"reason": "agreement-ended", "scope": {"partners": [SWIFT]}}
    over = await carried(house, (await opened(house, **body))["mass"])
    again = await carried(house, (await opened(house, **body))["mass"])

    assert (over["opened"], again["people"], again["opened"]) == (2, 0, 0)
    assert len(house.recipients[SWIFT].notices.received) == 2


async def test_the_people_of_a_list_are_told_once_each(open_house: OpenHouse) -> None:
    """
    Of a list whoever stands there is deleted, once; who was never known is kept out, and
    others stay. The ids are nowhere on the disk in the clear, also while they wait.
    """
    house = await open_house()
    await shared(house, 3)
    ids = ["u-0", "u-1", "nobody-欧阳", "u-1", "u-0"]
    reply = await listed(house, ids)
    found = reply.json()
    disk = on_disk(house)
    over = await carried(house, found["mass"])

    assert (reply.status, found["people"], over["opened"], over["passed"]) == (202, 3, 3, 0)
    assert len(house.recipients[SWIFT].notices.received) == 2
    assert all(id.encode() not in disk for id in ids)
    assert (await house.share(subject="nobody-欧阳")).code == "subject-erased"
    assert (await house.share(subject="u-2")).status == 200
    assert (await rows(house, "SELECT count(*) FROM mass_person"))[0] == (0,)


async def test_half_a_list_is_none(open_house: OpenHouse) -> None:
    """A list with a broken line deletes nobody, and nothing of it is kept."""
    house = await open_house()
    await shared(house, 1)
    kind = {"Content-Type": "application/x-ndjson"}
    body = json.dumps(ENDED) + '\n"u-0"\n{"subject": "u-1"}\n'
    reply = await house.ask("POST", "/v1/mass-cases", body.encode(), headers=kind)
    await Masses(house.gateway).look()

    assert (reply.status, reply.code) == (400, "request-invalid")
    assert "line 3" in reply.json()["detail"]
    assert "u-1" not in reply.json()["detail"]
    assert (await house.ask("GET", "/v1/mass-cases")).json() == {"mass_cases": []}
    assert await rows(house, "SELECT * FROM mass_case") == []
    assert await house.leaves("case") == []


MEANT_BY_NOBODY: tuple[dict[str, Any], ...] = (
    {},
    {"scope": {}},
    {"everybody": True, "scope": {"partners": [SWIFT]}},
    {"scope": {"partners": ["swift-parcle"]}},
    {"reason": "service-ended", "everybody": True},
    {"reason": "agreement-ended", "everybody": True},
    {"reason": "retention-expired", "scope": {"partners": [SWIFT]}},
)


async def test_whoever_is_meant_must_be_said(open_house: OpenHouse) -> None:
    """A mass case that does not say clearly who is meant is refused, also as a preview."""
    house = await open_house()
    for body in MEANT_BY_NOBODY:
        for query in ("", "?preview=true"):
            reply = await house.ask("POST", f"/v1/mass-cases{query}", ENDED | body)
            assert (reply.status, reply.code) == (400, "request-invalid"), body
    everybody = ENDED | {"everybody": True}
    misspelled = await house.ask("POST", "/v1/mass-cases?preveiw=true", everybody)
    empty = await listed(house, [])

    assert (misspelled.status, empty.status) == (400, 400)
    assert (await house.ask("GET", "/v1/mass-cases")).json() == {"mass_cases": []}


@promise("K3")
async def test_many_people_need_a_second_person(open_house: OpenHouse) -> None:
    """
    Above the set size nothing happens until somebody else than who opened it approves;
    both stand in the ledger.
    """
    house = await open_house(second_person_above="2")
    await shared(house, 3)
    found = await opened(house, everybody=True)
    await Masses(house.gateway).look()
    before = await cases(house)
    opener = (await mass(house, found["mass"]))["opener"]
    own = await decided(house, found["mass"], "approve", by=opener)
    approved = await decided(house, found["mass"], "approve", by="li.wei")
    again = await decided(house, found["mass"], "approve", by="li.wei")
    over = await carried(house, found["mass"])
    said = [one for one in await house.leaves("case") if one["case"] == found["mass"]]

    assert (found["state"], before) == ("proposed", [])
    assert (own.status, own.code) == (403, "service-not-permitted")
    assert (approved.status, again.status) == (200, 409)
    assert (over["opened"], over["approver"]) == (3, "li.wei")
    assert [(one["state"], one.get("actor"), one["count"]) for one in said] == [
        ("proposed", opener, 3),
        ("approved", "li.wei", 3),
        ("started", None, 0),
        ("opened", None, 3),
        ("closed", None, 3),
    ]


async def test_who_grew_beyond_one_persons_word_waits(open_house: OpenHouse) -> None:
    """Where more are meant at the start than when it was opened, a second person is asked."""
    house = await open_house(second_person_above="2")
    await shared(house, 2)
    body = {"reason": "service-ended", "everybody": True}
    found = await opened(house, **body, announced_at=house.clock().isoformat())
    await shared(house, 4)
    house.clock.advance(timedelta(days=30))
    grown = await carried(house, found["mass"], until="proposed")

    assert (found["state"], grown["people"], await cases(house)) == ("waiting", 4, [])
    assert (await decided(house, found["mass"], "approve")).status == 200
    assert (await carried(house, found["mass"]))["opened"] == 4


async def test_no_more_than_the_settings_say_a_second(open_house: OpenHouse) -> None:
    """However many wait, a second opens no more cases than it may, also after a pause."""
    house = await open_house(mass_per_second="3")
    await shared(house, 9)
    found = await opened(house, everybody=True)
    masses, counts = Masses(house.gateway), []
    for seconds in (0, 0, 1, 0, 1, 60, 0):
        house.clock.advance(timedelta(seconds=seconds))
        for _ in range(5):
            await masses.look()
        counts.append((await mass(house, found["mass"]))["opened"])

    assert counts == [0, 0, 3, 3, 6, 9, 9]
    assert found["seconds"] == 3


async def test_paused_and_cancelled_means_at_once(open_house: OpenHouse) -> None:
    """
    Who is paused opens nobody's case until it is resumed; cancelled, nobody's ever: who
    waited is forgotten, and what is open goes on.
    """
    house = await open_house(mass_per_second="2")
    await shared(house, 6)
    found = await opened(house, everybody=True)
    masses = Masses(house.gateway)

    async def step() -> int:
        house.clock.advance(timedelta(seconds=1))
        for _ in range(4):
            await masses.look()
        return int((await mass(house, found["mass"]))["opened"])

    first = await step()
    assert (await decided(house, found["mass"], "pause")).json()["state"] == "paused"
    paused = [await step(), await step()]
    assert (await decided(house, found["mass"], "resume")).status == 200
    resumed = await step()
    cancelled = (await decided(house, found["mass"], "cancel")).json()
    last = await step()

    assert (first, paused, resumed, last) == (2, [2, 2], 4, 4)
    assert (cancelled["state"], cancelled["left"]) == ("cancelled", 0)
    assert await rows(house, "SELECT count(*) FROM mass_person") == [(0,)]
    assert (await decided(house, found["mass"], "resume")).status == 409
    assert (await house.share(subject="u-5")).status == 200


@pytest.mark.parametrize("write", ["begin_case", "plan_case", "gather_people"])
async def test_a_death_on_the_way_opens_one_case_each(open_house: OpenHouse, write: str) -> None:
    """Whichever write the process does not live to make, each person has one case in the end."""
    house = await open_house()
    await shared(house, 3)
    found = await opened(house, everybody=True)
    store: Any = house.gateway.store
    setattr(store, write, _dies)
    masses = Masses(house.gateway)
    for _ in range(6):
        house.clock.advance(timedelta(seconds=1))
        with suppress(StoreFailed):
            await masses.look()
    await house.restart()
    over = await carried(house, found["mass"])

    assert (over["people"], over["opened"]) == (3, 3)
    assert len(await cases(house)) == 3
    assert len({one.notice for one in house.recipients[SWIFT].notices.received}) == 3


async def test_who_asked_themselves_is_told_once(open_house: OpenHouse) -> None:
    """Somebody who is deleted while they wait is not told of a second time."""
    house = await open_house(mass_per_second="1")
    await shared(house, 3)
    found = await opened(house, everybody=True)
    masses = Masses(house.gateway)
    for _ in range(4):
        await masses.look()
    assert (await house.opened_case("u-2"))["state"]
    over = await carried(house, found["mass"])

    assert (over["people"], over["opened"] + over["passed"]) == (3, 2)
    assert len(house.recipients[SWIFT].notices.received) == 3


async def test_who_comes_meanwhile_is_meant_too(open_house: OpenHouse) -> None:
    """Of everybody nobody is left out who came while their cases were opened."""
    house = await open_house(mass_per_second="2")
    await shared(house, 2)
    found = await opened(house, everybody=True)
    masses = Masses(house.gateway)
    for _ in range(4):
        await masses.look()
    assert (await house.share(subject="u-late")).status == 200
    over = await carried(house, found["mass"])

    assert (over["people"], over["opened"]) == (3, 3)
    assert (await house.share(subject="u-late")).code == "subject-erased"


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_foreseen_is_what_is_done(open_house: OpenHouse, seed: int) -> None:
    """A preview counts people and notices as they come to be, and does nothing itself."""
    house, chance = await open_house(), Random(seed)
    for number in range(6):
        for partner in chance.sample((SWIFT, SLOW), chance.randrange(3)):
            for _ in range(chance.randrange(1, 3)):
                assert (await house.share(partner, subject=f"u-{number}")).status == 200
    await house.facts("u-0", aliases=["mobile-0"])
    assert (await house.share(subject="mobile-0")).status == 200
    size = len(await house.leaves())
    exempt = {"partner": SWIFT, "reason": "law", "evidence": "file 7"}
    ids = [f"u-{number}" for number in range(3)]
    body: dict[str, Any] = {"reason": "agreement-breached", "exempt": [exempt] if seed else []}
    if seed == 1:
        told = (await listed(house, ids, query="?preview=true", **body)).json()
        untouched = len(await house.leaves()) == size
        reply = await listed(house, ids, **body)
    else:
        body |= {"everybody": True} if seed else {"scope": {"partners": [SLOW]}}
        told = (await house.ask("POST", "/v1/mass-cases?preview=true", ENDED | body)).json()
        untouched = len(await house.leaves()) == size
        reply = await house.ask("POST", "/v1/mass-cases", ENDED | body)
    over = await carried(house, reply.json()["mass"])

    assert untouched
    assert told["people"] == over["people"] == over["opened"] + over["passed"]
    assert {one["partner"]: one["notices"] for one in told["recipients"]} == {
        one["partner"]: one["notices"] for one in over["recipients"]
    }
    assert [one["exempt"] for one in told["recipients"] if one["partner"] == SWIFT] == (
        ["law"] if seed else []
    )


def on_disk(house: CaseHouse) -> bytes:
    """All that lies in the folder of data."""
    return b"".join(one.read_bytes() for one in (house.folder / "data").glob("gateway.db*"))


async def rows(house: CaseHouse, query: str) -> list[Any]:
    """What the database says, once every write is in it."""
    await house.gateway.store.flush()
    return read(house.folder / "data" / "gateway.db", query)


async def _dies(*_: Any, **__: Any) -> Any:
    raise StoreFailed("nothing more was written")


async def test_who_asked_themselves_goes_first(open_house: OpenHouse) -> None:
    """A person's own notice does not stand behind those of a mass case."""
    house = await open_house()
    await shared(house, 9)
    store: Any = house.gateway.store
    claim = store.claim_notices
    store.claim_notices = _nothing
    found = await opened(house, scope={"partners": [SWIFT]})
    await carried(house, found["mass"], until="opened")
    own = (await house.opened_case("u-4"))["case"]
    claimed = await claim(house.clock() + timedelta(seconds=1), 10, 3)

    assert len(claimed) == 3
    assert claimed[0].notice.case == own
    assert own not in {one.notice.case for one in claimed[1:]}


async def test_nobody_waits_for_one_who_stays_behind(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recipient that takes nothing for a minute no longer keeps cases from being opened."""
    monkeypatch.setattr(mass_run, "MOST_DUE", 3)
    house = await open_house(mass_per_second="2")
    await shared(house, 9)
    store: Any = house.gateway.store
    store.claim_notices = _nothing
    found = await opened(house, everybody=True)
    masses = Masses(house.gateway)
    for _ in range(30):
        house.clock.advance(timedelta(seconds=1))
        await masses.look()
    waiting = await mass(house, found["mass"])
    over = await carried(house, found["mass"], until="opened")

    assert waiting["opened"] < 9
    assert over["opened"] == 9


async def test_a_clock_that_is_set_back_stops_no_mass_case(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a day that was wrong nothing stays: it closes as soon as all its cases are over."""
    house = await open_house()
    await shared(house, 2)
    found = await opened(house, everybody=True)
    masses, states = Masses(house.gateway), []

    async def later(until: str) -> None:
        for _ in range(100):
            house.clock.advance(timedelta(seconds=1))
            await masses.look()
            states.append((await mass(house, found["mass"]))["state"])
            if states[-1] == until:
                break
            await asyncio.sleep(0.01)

    house.clock.advance(timedelta(days=1))
    with monkeypatch.context() as patched:
        patched.setattr(house.gateway.store, "mass_is_over", _not_yet)
        await later("opened")
        await masses.look()
    house.clock.advance(-timedelta(days=1))
    await later("closed")

    assert (states[-1], "opened" in states) == ("closed", True)


async def _not_yet(*_: Any) -> bool:
    return False


async def _nothing(*_: Any, **__: Any) -> list[Any]:
    return []
