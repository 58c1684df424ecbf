"""What ends by itself: a recipient is told to delete, and nobody asked (P6, S4a)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.errors import StoreFailed
from gateway.flows import terms
from gateway.flows.agreements import Calendar
from gateway.testing.behaviour import Cut, CutAt
from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from gateway.testing.notices import acknowledge_only
from gateway.testing.partner import FakePartner
from gateway.workers.terms import end_in_time
from tests.cases.house import CaseHouse
from tests.marks import promise
from tests.promises.house import at_home, empty_home
from tests.promises.manifests import NOWHERE, a_court

DAY = timedelta(days=1)
COURIER = "swift-parcel"
NO_REFERENCE = {"create-shipment": {"receive": {"/tracking_number": {"reference": False}}}}

OpenHouse = Callable[..., Coroutine[Any, Any, CaseHouse]]


@pytest.fixture
async def open_house(tmp_path: Path, clock: Clock) -> AsyncIterator[OpenHouse]:
    """Open a gateway with the courier as a test wants it, and with further recipients."""
    house = CaseHouse(empty_home(tmp_path / "home"), clock)

    async def opened(*others: dict[str, Any], **changes: Any) -> CaseHouse:
        await house.open([a_manifest(COURIER, base_url=NOWHERE, **changes), *others])
        return house

    async with house:
        yield opened


async def looked(house: CaseHouse) -> None:
    """Look at what has ended until nothing more has; outcomes are on the disk by then."""
    await house.gateway.store.flush()
    looking = terms.Terms(house.gateway)
    while await looking.look():
        pass


async def cases(house: CaseHouse, reason: str = "retention-expired") -> list[dict[str, Any]]:
    """All cases with this reason."""
    found = (await house.ask("GET", "/v1/cases")).json()["cases"]
    return [one for one in found if one["reason"] == reason]


async def closed(house: CaseHouse, reason: str = "retention-expired") -> list[dict[str, Any]]:
    """All cases with this reason, once they are closed."""
    return [await house.until_closed(one["case"]) for one in await cases(house, reason)]


def told(partner: FakePartner) -> list[list[str]]:
    """The references of each notice that came."""
    assert all(one.verified for one in partner.notices.received)
    return [list(one.data["references"]) for one in partner.notices.received]


def ids(partner: FakePartner) -> list[str]:
    """The recipient's own ids of what it was given, in order."""
    return [next(iter(copy.references)) for copy in partner.copies]


@promise("P6")
async def test_nobody_asks_and_the_recipient_is_told(open_house: OpenHouse) -> None:
    """
    When a retention ends, its recipient gets a signed notice about that share by
    itself, deletes and confirms; the case is on record, closes, and fences nothing.
    """
    house = await open_house(routes={"create-shipment": {"retention": "1s"}})
    courier = house.recipients[COURIER]
    assert (await house.share()).status == 200
    (share,) = await house.disclosures()
    (record,) = ids(courier)
    async with _at_work(house):
        house.clock.set(datetime.fromisoformat(share["retention_until"]))
        (case,) = await _until_listed(house)
        await house.until_closed(case["case"])
        fresh = await house.share()
    (came,) = courier.notices.received

    assert came.type == "subject.erase"
    assert came.data["subject"] == courier.received[0].claims["sub"]
    assert came.data["references"] == [record]
    assert came.data["purposes"] == ["order-fulfilment"]
    assert "only_references" not in came.data
    assert (came.deleted, fresh.status) == (1, 200)
    leaves = [leaf for leaf in await house.leaves("case") if leaf["case"] == case["case"]]
    assert [leaf["state"] for leaf in leaves] == ["open", "closed"]
    assert leaves[0]["reason"] == "retention-expired"
    assert (leaves[0]["partners"], leaves[0]["purposes"]) == ([COURIER], ["order-fulfilment"])


async def test_nothing_is_told_before_its_time(open_house: OpenHouse) -> None:
    """Within its retention a share stays where it is."""
    house = await open_house()
    assert (await house.share()).status == 200
    house.clock.advance(30 * DAY - timedelta(seconds=1.5))
    await looked(house)

    assert await cases(house) == []
    assert len(house.recipients[COURIER].copies) == 1


@promise("P6")
async def test_a_newer_share_stays(open_house: OpenHouse) -> None:
    """
    Of two shares of one person each is told at its own end and once, by the
    recipient's own id, and the newer one stays as long as it may.
    """
    house = await open_house()
    courier = house.recipients[COURIER]
    assert (await house.share()).status == 200
    house.clock.advance(10 * DAY)
    assert (await house.share()).status == 200
    older, newer = ids(courier)
    house.clock.advance(20 * DAY)
    await looked(house)
    await closed(house)
    between = ids(courier)
    house.clock.advance(10 * DAY)
    await looked(house)
    await looked(house)
    await closed(house)

    assert between == [newer]
    assert told(courier) == [[older], [newer]]
    narrow = [one.data.get("only_references") for one in courier.notices.received]
    assert narrow == [True, None]
    assert len(courier.copies) == 0


@promise("P6")
async def test_what_cannot_be_told_apart_waits(open_house: OpenHouse) -> None:
    """Without an id of its own a share is told together with the last newer one."""
    house = await open_house(routes=NO_REFERENCE)
    courier = house.recipients[COURIER]
    for _ in range(2):
        assert (await house.share()).status == 200
        house.clock.advance(20 * DAY)
    await looked(house)
    early = await cases(house)
    house.clock.advance(10 * DAY)
    await looked(house)

    assert early == []
    assert len(await closed(house)) == 1
    assert told(courier) == [[]]
    assert len(courier.copies) == 0


async def test_each_person_has_a_case(open_house: OpenHouse) -> None:
    """Whose retentions end together are told each by a case and a pseudonym of their own."""
    house = await open_house()
    for subject in ("u-1", "u-2"):
        assert (await house.share(subject=subject)).status == 200
    await house.facts("u-2", aliases=["mobile-2"])
    assert (await house.share(subject="mobile-2")).status == 200
    house.clock.advance(30 * DAY)
    await looked(house)
    found = await closed(house)
    courier = house.recipients[COURIER]

    assert sorted(len(one["notices"]) for one in found) == [1, 2]
    assert len({one.data["subject"] for one in courier.notices.received}) == 3
    assert len(courier.copies) == 0


async def test_what_never_left_is_not_told(open_house: OpenHouse) -> None:
    """A share of which nothing left needs no deletion."""
    house = await open_house()
    courier = house.recipients[COURIER]
    await courier.stop()
    assert (await house.share()).code == "partner-unreachable"
    await courier.start()
    house.clock.advance(40 * DAY)
    await looked(house)

    assert await cases(house) == []


async def test_what_may_have_arrived_is_told(open_house: OpenHouse) -> None:
    """A share that was cut counts as received, and its recipient is told."""
    house = await open_house()
    courier = house.recipients[COURIER]
    courier.script.next(Cut(CutAt.BEFORE_HEADERS))
    assert (await house.share()).code == "outcome-unknown"
    house.clock.advance(30 * DAY)
    await looked(house)
    await closed(house)

    assert told(courier) == [[]]


async def test_a_declared_disclosure_ends_too(open_house: OpenHouse) -> None:
    """
    What left beside the gateway is told at the retention that was declared, and not
    by itself where none was.
    """
    house = await open_house()
    declared = {
        "subject": "u-1",
        "partner": COURIER,
        "purpose": "order-fulfilment",
        "fields": ["/recipient/name"],
        "categories": ["basic.name"],
        "at": "2026-01-01T00:00:00Z",
    }
    until = {"subject": "u-2", "retention_until": "2026-02-01T00:00:00Z", "references": ["OLD-7"]}
    for body in (declared, declared | until):
        assert (await house.ask("POST", "/v1/disclosures", body)).status == 201
    await looked(house)
    await closed(house)

    assert told(house.recipients[COURIER]) == [["OLD-7"]]


async def test_who_may_not_be_told_is_exempt(open_house: OpenHouse) -> None:
    """The end of a demand that the person may not hear of is on record and told to nobody."""
    house = await open_house(a_court())
    demand = await house.evidence(
        type="demand", partner="city-court", purposes=["legal-demand"], may_tell_subject=False
    )
    body = {"demand": "D-1", "person": {"name": "欧阳明"}}
    shared = await house.share(
        "city-court",
        "/v1/disclosures",
        body,
        purpose="legal-demand",
        ground="legal-obligation",
        evidence=demand,
    )
    assert shared.status == 200, shared.json()
    house.clock.advance(30 * DAY)
    await looked(house)
    (case,) = await closed(house)

    assert [one["reason"] for one in case["notices"]] == ["may-not-be-told"]
    assert house.recipients["city-court"].notices.received == []


async def test_a_deletion_tells_again(open_house: OpenHouse) -> None:
    """A person who is deleted afterwards is told of anew: the recipient may not have settled."""
    house = await open_house()
    courier = house.recipients[COURIER]
    courier.notices.plan = acknowledge_only()
    assert (await house.share()).status == 200
    house.clock.advance(30 * DAY)
    await looked(house)
    (ended,) = await cases(house)
    await house.until(ended["case"], state="acknowledged")
    opened = await house.opened_case()
    await house.until(opened["case"], state="acknowledged")
    await looked(house)

    assert len(courier.notices.received) == 2
    assert len(await cases(house)) == 1


@pytest.mark.parametrize("write", ["begin_case", "plan_case", "finish_case"])
async def test_a_death_on_the_way_tells_once(open_house: OpenHouse, write: str) -> None:
    """
    Whichever write of its case the process does not live to make, after the next
    start the recipient is told of the end, once, by one case.
    """
    house = await open_house()
    assert (await house.share()).status == 200
    await house.gateway.store.flush()
    house.clock.advance(30 * DAY)
    store: Any = house.gateway.store
    setattr(store, write, _dies)
    await terms.Terms(house.gateway).look()
    await house.restart()
    await looked(house)
    (case,) = await closed(house)

    assert len(case["notices"]) == 1
    assert [one.notice for one in house.recipients[COURIER].notices.received] == [
        case["notices"][0]["notice"]
    ]


@promise("S4a")
async def test_an_agreement_that_ends_ends_what_was_shared(
    open_house: OpenHouse, clock: Clock
) -> None:
    """
    From the first day that an agreement does not cover nothing more leaves, and its
    recipient is told to delete everything of everybody; the day before nothing happens.
    """
    end = _day(clock) + 5 * DAY
    house = await open_house(agreement={"expires": end.date()})
    courier = house.recipients[COURIER]
    for subject in ("u-1", "u-1", "u-2"):
        assert (await house.share(subject=subject)).status == 200
    clock.set(end - timedelta(seconds=1))
    await looked(house)
    covered = (await house.share()).status, await cases(house, "agreement-ended")
    clock.set(end)
    await looked(house)
    await looked(house)
    found = await closed(house, "agreement-ended")

    assert covered == (200, [])
    assert len(found) == len(courier.notices.received) == 2
    assert (await house.share()).code == "agreement-expired"
    assert len(courier.copies) == 0
    opened = [leaf for leaf in await house.leaves("case") if leaf["state"] == "open"]
    assert [leaf["partners"] for leaf in opened] == [[COURIER]] * 2


@promise("S4a")
async def test_a_renewed_agreement_ends_nothing_more(open_house: OpenHouse, clock: Clock) -> None:
    """Once the next agreement is on file the rest is left alone."""
    end = _day(clock) + 5 * DAY
    house = await open_house(agreement={"expires": end.date()})
    everybody = terms.BATCH + 2
    for number in range(everybody):
        assert (await house.share(subject=f"u-{number}")).status == 200
    clock.set(end)
    await house.gateway.store.flush()
    assert await terms.Terms(house.gateway).look()
    courier = house.recipients[COURIER]
    renewed = a_manifest(COURIER, base_url=courier.base_url)
    path = house.folder / "partners" / f"{COURIER}.yaml"
    _write(path, at_home(renewed, courier.base_url))
    assert await house.reload()
    await looked(house)

    assert len(await closed(house, "agreement-ended")) == terms.BATCH
    assert len(courier.copies) == 2
    assert (await house.share()).status == 200


async def test_who_is_silent_delays_nobody_else(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While notices of one recipient wait to be tried first, its further cases wait, and
    those of others do not.
    """
    house = await open_house(a_manifest("slow-parcel", base_url=NOWHERE))
    for subject in ("u-1", "u-2"):
        for partner in (COURIER, "slow-parcel"):
            assert (await house.share(partner, subject=subject)).status == 200
    house.clock.advance(30 * DAY)
    monkeypatch.setattr(terms, "MOST_UNTRIED", 1)
    store: Any = house.gateway.store

    async def waiting(now: datetime) -> dict[str, int]:
        return {"slow-parcel": 1}

    store.untried_notices = waiting
    await looked(house)

    assert {one["notices"][0]["partner"] for one in await cases(house)} == {COURIER}
    assert len(await cases(house)) == 2


@promise("S4a")
async def test_the_end_of_an_agreement_is_warned_of(open_house: OpenHouse, clock: Clock) -> None:
    """
    60, 30 and 7 days before its end an agreement is warned of, once each, and at a
    start the nearest of these; the days are counted for whoever watches.
    """
    end = _day(clock) + 62 * DAY
    house = await open_house(agreement={"expires": end.date()})
    days = []
    with capture_logs() as lines:
        calendar = Calendar(house.gateway)
        for left in (61, 60, 60, 31, 30, 29, 8, 7, 6, 1, 0, -1):
            clock.set(end - left * DAY)
            calendar.look()
            days.append(await _days(house))
        clock.set(end - 20 * DAY)
        Calendar(house.gateway).look()
    warned = [line for line in lines if line["event"] == "agreement-ending"]

    assert [line["days"] for line in warned] == [60, 30, 7, 20]
    assert {(line["partner"], line["log_level"]) for line in warned} == {(COURIER, "warning")}
    assert days == [61, 60, 60, 31, 30, 29, 8, 7, 6, 1, 0, -1]


@asynccontextmanager
async def _at_work(house: CaseHouse) -> AsyncIterator[None]:
    """Inside, what time does is done by the worker that `serve` runs."""
    worker = asyncio.create_task(end_in_time(house.gateway))
    try:
        yield
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def _until_listed(house: CaseHouse) -> list[dict[str, Any]]:
    async with asyncio.timeout(5):
        while not (found := await cases(house)):
            await asyncio.sleep(0.02)
    return found


async def _dies(*_: Any, **__: Any) -> Any:
    raise StoreFailed("nothing more was written")


def _day(clock: Clock) -> datetime:
    now = clock()
    return datetime(now.year, now.month, now.day, tzinfo=UTC)


async def _days(house: CaseHouse) -> int:
    text = (await house.ask("GET", "/metrics", token="")).body.decode()
    (line,) = [one for one in text.splitlines() if one.startswith("gateway_agreement_days{")]
    assert f'partner="{COURIER}"' in line
    return int(float(line.rpartition(" ")[2]))


def _write(path: Path, manifest: dict[str, Any]) -> None:
    from gateway.testing.builders import write_yaml

    write_yaml(path, manifest)
