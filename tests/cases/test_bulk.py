"""Deletion reaches what left in a batch, record by record (contract §6, §9)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.testing.behaviour import Delay
from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from tests.cases.house import CaseHouse
from tests.marks import promise
from tests.promises.bulk import FIELDS, PARTNER, a_post, an_order, answers, bulk
from tests.promises.house import empty_home

RECEIVE = {"/tracking_number": {"reference": True}}


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[CaseHouse]:
    """A gateway with a recipient that knows records by its own numbers alone."""
    send = {name: spec for name, spec in FIELDS.items() if name != "/account"}
    opened = CaseHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        await opened.open([a_post(send=send, receive=RECEIVE)])
        yield opened


@pytest.fixture
def post(house: CaseHouse) -> FakePartner:
    """That recipient."""
    return house.recipients[PARTNER]


@promise("R2", "R3")
async def test_a_person_of_a_batch_is_deleted_alone(house: CaseHouse, post: FakePartner) -> None:
    """The recipient is told of one record by its own number, deletes it, and keeps the others."""
    assert {one["status"] for one in answers(await bulk(house, map(an_order, (1, 2, 3))))} == {200}
    opened = await house.opened_case("u-2")
    await house.until_closed(opened["case"])
    (notice,) = post.notices.received

    assert notice.data["references"] == ["SP0000000002"]
    assert notice.deleted == 1
    assert [copy.document["order"] for copy in post.copies] == ["O-1", "O-3"]
    assert await house.disclosures("u-2") == []
    assert len(await house.disclosures("u-1")) == 1


@promise("A1", "R2")
async def test_a_notice_waits_for_the_batch(house: CaseHouse, post: FakePartner) -> None:
    """A batch in flight is among what is told of, and the notice goes out after it has ended."""
    post.script.next(Delay(0.4))
    flying = asyncio.create_task(bulk(house, map(an_order, (1, 2))))
    while not post.arrivals:
        await asyncio.sleep(0.01)
    opened = await house.opened_case("u-1")
    await asyncio.sleep(0.1)
    early = len(post.notices.received)
    assert [one["status"] for one in answers(await flying)] == [200, 200]
    await house.until_closed(opened["case"])
    (notice,) = post.notices.received

    assert early == 0
    assert notice.data["references"] == ["SP0000000001"]
    assert notice.deleted == 1
