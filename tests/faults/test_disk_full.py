"""A disk that is full, or may only be read: nothing leaves, and nothing has to be restarted."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest

from gateway.stores.sqlite import SQLiteStore
from gateway.testing.partner import FakePartner
from gateway.testing.received import Received
from gateway.workers import courier as worker
from tests.faults.disk import FULL_BYTES, full_disk, read_only
from tests.faults.scene import (
    ADVERTISER,
    COURIER,
    arrived,
    intended,
    outcomes,
    share_event,
    until,
    until_settled,
    verified,
)
from tests.marks import promise
from tests.promises.house import House, problem_of

Broken = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def store(house: House) -> SQLiteStore:
    """The gateway's own store."""
    store = house.gateway.store
    assert isinstance(store, SQLiteStore)
    return store


@pytest.fixture
async def courier(house: House) -> FakePartner:
    """The recipient of orders."""
    return house.recipients[COURIER]


@pytest.fixture(params=["full", "read-only"])
def broken(request: pytest.FixtureRequest, store: SQLiteStore) -> Broken:
    """A disk that takes nothing while one is inside."""
    if request.param == "read-only":
        return lambda: read_only(store)
    return lambda: full(store)


@contextmanager
def full(store: SQLiteStore) -> Iterator[None]:
    """The disk is full for the database's log, which is where every commit goes."""
    log = store.path.with_name(store.path.name + "-wal")
    assert log.stat().st_size > FULL_BYTES
    with full_disk():
        yield


class TestShares:
    """Without a place in the ledger nothing leaves."""

    @promise("A1")
    async def test_nothing_leaves_while_the_disk_refuses(
        self, house: House, broken: Broken, courier: FakePartner
    ):
        """Shares are refused with 503, nothing reached anybody, and then they are carried again."""
        assert (await house.share()).status == 200
        with broken():
            refused = [await house.share(subject=f"u-{n}") for n in range(3)]
        carried = [await house.share(subject=f"u-{n}") for n in range(3)]

        for reply in refused:
            told = problem_of(reply)
            assert (reply.status, told["code"]) == (503, "ledger-unavailable")
            assert told["disclosed"] == "no"
        assert [reply.status for reply in carried] == [200] * 3
        assert len(courier.arrivals) == 4
        assert (await verified(house)).open_intents == 0

    async def test_many_at_once(self, house: House, broken: Broken, courier: FakePartner):
        """Every one of many shares that share a failing commit is refused, and none waits."""
        with broken():
            refused = await asyncio.gather(*(house.share(subject=f"u-{n}") for n in range(40)))
        carried = await asyncio.gather(*(house.share(subject=f"u-{n}") for n in range(40)))

        assert {reply.code for reply in refused} == {"ledger-unavailable"}
        assert {reply.status for reply in carried} == {200}
        assert len(courier.arrivals) == 40
        assert house.gateway.in_flight == 0
        await verified(house)

    async def test_a_key_that_was_refused_is_used_again(
        self, house: House, broken: Broken, courier: FakePartner
    ):
        """A request that was refused for the disk is carried under the same key afterwards."""
        with broken():
            refused = await house.share(idempotency_key="k-1")
        carried = await house.share(idempotency_key="k-1")

        assert (refused.code, carried.status) == ("ledger-unavailable", 200)
        assert len(courier.arrivals) == 1

    async def test_nothing_is_accepted_for_later(self, house: House, broken: Broken):
        """A share that cannot be kept is not accepted."""
        with broken():
            refused = await house.share(prefer="respond-async")
        accepted = await house.share(prefer="respond-async")

        assert (refused.status, refused.code) == (503, "ledger-unavailable")
        assert accepted.status == 202

    async def test_refusals_stand(self, house: House, broken: Broken):
        """What is refused anyway is refused with its own reason, recorded or not."""
        with broken():
            refused = await share_event(house)

        assert (refused.status, refused.code) == (403, "consent-missing")
        assert house.recipients[ADVERTISER].arrivals == []

    async def test_nobody_reads_unseen(self, house: House, broken: Broken):
        """Where a read cannot be recorded, nothing is shown."""
        await house.share()
        with broken():
            reply = await house.ask("GET", "/v1/subjects/u-1/disclosures")

        assert (reply.status, reply.code) == (503, "ledger-unavailable")
        assert len(await house.disclosures()) == 1


class TestOutcomes:
    """What became of a share is written as soon as the disk takes it."""

    @promise("R1")
    async def test_the_caller_gets_the_answer_and_the_ledger_the_outcome(
        self, house: House, store: SQLiteStore, broken: Broken, courier: FakePartner
    ):
        """A disk that fills while a recipient answers costs neither the answer nor the outcome."""
        with ExitStack() as trouble:
            breaks_at_arrival(courier, trouble, broken)
            reply = await house.share(idempotency_key="k-1")
            await store.flush()
            open_meanwhile = await store.open_intents()
        await until_settled(house)
        again = await house.share(idempotency_key="k-1")

        assert reply.status == 200
        assert reply.json()["status"] == "created"
        assert open_meanwhile == 1
        assert await outcomes(house) == {reply.share: ["delivered"]}
        assert [row["outcome"] for row in await house.disclosures()] == ["delivered"]
        assert (again.status, again.body, again.share) == (200, reply.body, reply.share)
        assert len(courier.arrivals) == 1
        assert (await verified(house)).open_intents == 0

    async def test_many_outcomes_are_each_written_once(
        self, house: House, store: SQLiteStore, courier: FakePartner
    ):
        """However often outcomes were tried in vain, each is in the ledger once."""
        with ExitStack() as trouble:
            breaks_at_arrival(courier, trouble, lambda: full(store), at=120)
            replies = await asyncio.gather(*(house.share(subject=f"u-{n}") for n in range(120)))
            await asyncio.sleep(0.05)
        await until_settled(house)

        assert {reply.status for reply in replies} == {200}
        told = await outcomes(house)
        assert told == {reply.share: ["delivered"] for reply in replies}
        assert (await verified(house)).kinds["outcome"] == 120

    async def test_outcomes_of_a_gateway_that_ends_meanwhile(
        self, house: House, store: SQLiteStore, broken: Broken, courier: FakePartner
    ):
        """An outcome that never got to the disk reads `unknown` after the next start."""
        with ExitStack() as trouble:
            breaks_at_arrival(courier, trouble, broken)
            reply = await house.share()
            await store.flush()
            await house.stop()
        await house.start()

        assert reply.status == 200
        assert [row["outcome"] for row in await house.disclosures()] == ["unknown"]
        assert (await verified(house)).open_intents == 0


def breaks_at_arrival(
    partner: FakePartner, trouble: ExitStack, broken: Broken, *, at: int = 1
) -> None:
    """The disk breaks while the recipient has so many shares and answers none before."""
    usual = partner.respond
    arrived = 0

    def respond(received: Received) -> Any:
        nonlocal arrived
        arrived += 1
        if arrived == at:
            trouble.enter_context(broken())
        return usual(received)

    partner.respond = respond


class TestChanges:
    """What cannot be stored does not count, and leaves nothing half done."""

    async def test_a_consent_that_cannot_be_stored(self, house: House, broken: Broken):
        """A consent that was refused is none; the next one counts."""
        await house.consent("u-2")
        with broken():
            reply = await house.ask(
                "POST",
                "/v1/consents",
                {
                    "subject": "u-1",
                    "purpose": "advertising",
                    "purpose_version": 1,
                    "granted_at": "2026-01-01T00:00:00Z",
                    "method": "explicit",
                    "evidence": "box 1",
                },
            )
        before = await share_event(house)
        await house.consent("u-1")

        assert (reply.status, reply.code) == (503, "ledger-unavailable")
        assert before.code == "consent-missing"
        assert (await share_event(house)).status == 200

    async def test_a_withdrawal_that_cannot_be_stored(self, house: House, broken: Broken):
        """A withdrawal that was refused can be made again, and counts then."""
        consent = await house.consent()
        with broken():
            reply = await house.ask("POST", f"/v1/consents/{consent}/withdraw", {"notify": False})
        await house.withdraw(consent)

        assert (reply.status, reply.code) == (503, "ledger-unavailable")
        assert (await share_event(house)).code == "consent-withdrawn"

    async def test_facts_that_cannot_be_stored(self, house: House, broken: Broken):
        """A person whose change was refused is as before, and can be changed afterwards."""
        await house.consent()
        with broken():
            reply = await house.ask("PUT", "/v1/subjects/u-1", {"opt_out": ["sale"]})
        carried = await share_event(house)
        await house.facts(minor=True)

        assert (reply.status, reply.code) == (503, "ledger-unavailable")
        assert carried.status == 200
        assert (await share_event(house)).code == "guardian-consent-missing"

    async def test_a_suspension_that_cannot_be_stored(
        self, house: House, broken: Broken, courier: FakePartner
    ):
        """A partner whose suspension was refused is carried to, and can be suspended afterwards."""
        with broken():
            reply = await house.ask("POST", f"/v1/partners/{COURIER}/suspend")
        carried = await house.share()
        await house.ask("POST", f"/v1/partners/{COURIER}/suspend")
        refused = await house.share()

        assert (reply.status, reply.code) == (503, "ledger-unavailable")
        assert (carried.status, refused.code) == (200, "partner-suspended")
        assert len(courier.arrivals) == 1

    async def test_a_reload_that_cannot_be_recorded(self, house: House, broken: Broken):
        """Documents that cannot be recorded are not adopted before the disk is back."""
        for manifest in (house.folder / "partners").glob("*.yaml"):
            text = manifest.read_text("utf-8").replace("retention: 30d", "retention: 20d")
            manifest.write_text(text, "utf-8")
        with broken():
            reloaded = await house.reload()
        before = await house.share()
        again = await house.reload()
        after = await house.share()

        assert (reloaded, again) == (False, True)
        assert (before.status, after.status) == (200, 200)
        assert len(await house.leaves("policy")) == 2
        until_when = [leaf["retention_until"] for leaf in await house.leaves("intent")]
        assert until_when[0] > until_when[1]

    async def test_a_reload_that_is_recorded_in_part(
        self, house: House, store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
    ):
        """A disk that fills between two partners' changes leaves both of them served."""
        for manifest in (house.folder / "partners").glob("*.yaml"):
            text = manifest.read_text("utf-8").replace("retention: 30d", "retention: 20d")
            manifest.write_text(text, "utf-8")
        await house.consent()
        put, calls = store.put_partner_state, 0

        async def put_one(*arguments: Any) -> None:
            nonlocal calls
            calls += 1
            with ExitStack() as trouble:
                if calls == 2:
                    trouble.enter_context(full(store))
                await put(*arguments)

        monkeypatch.setattr(store, "put_partner_state", put_one)
        reloaded = await house.reload()

        assert (reloaded, calls) == (False, 2)
        assert ((await house.share()).status, (await share_event(house)).status) == (200, 200)


class TestQueue:
    """Shares that are sent later, when the disk fills between sending and writing it down."""

    async def test_a_delivered_share_is_not_sent_again(
        self,
        house: House,
        store: SQLiteStore,
        broken: Broken,
        courier: FakePartner,
        monkeypatch: pytest.MonkeyPatch,
    ):
        """What reached the recipient is delivered once the disk takes that, and sent once."""
        monkeypatch.setattr(worker, "WRITE_AGAIN_SECONDS", 0.01)
        with ExitStack() as trouble:
            breaks_at_arrival(courier, trouble, broken)
            reply = await house.share(prefer="respond-async")
            async with house.courier_at_work():
                await until(lambda: bool(courier.received))
                await asyncio.sleep(0.05)
                meanwhile = (await store.queued(reply.share or "")) or pytest.fail("it is gone")
                trouble.close()
                state = await house.state_of(reply)

        assert meanwhile.state == "queued"
        assert (state["state"], state["status"]) == ("delivered", 200)
        assert courier.arrivals == [reply.share]
        assert await outcomes(house) == {reply.share: ["delivered"]}

    async def test_a_share_that_waits_is_sent_when_the_disk_is_back(
        self, house: House, broken: Broken, courier: FakePartner
    ):
        """A queue that finds the disk full waits, and goes on by itself."""
        reply = await house.share(prefer="respond-async")
        with broken():
            async with house.courier_at_work():
                await asyncio.sleep(0.05)
                nothing = list(courier.arrivals)
        async with house.courier_at_work():
            state = await house.state_of(reply)

        assert nothing == []
        assert state["state"] == "delivered"
        assert courier.arrivals == [reply.share]


async def test_everything_that_arrived_is_in_the_ledger(
    house: House, store: SQLiteStore, courier: FakePartner
):
    """A disk that fills again and again under load never lets a share out unrecorded."""
    replies = []
    for turn in range(6):
        shares = [
            asyncio.ensure_future(
                house.share(subject=f"u-{turn}-{n}", idempotency_key=f"{turn}-{n}")
            )
            for n in range(12)
        ]
        await asyncio.sleep(0.003 * turn)
        with full(store):
            await asyncio.sleep(0.01)
        replies += await asyncio.gather(*shares)
    await until_settled(house)

    told = await outcomes(house)
    assert {reply.status for reply in replies} <= {200, 503}
    assert arrived(courier) <= await intended(house)
    carried = {reply.share or "" for reply in replies if reply.status == 200}
    assert arrived(courier) == carried
    assert all(told[share] == ["delivered"] for share in carried)
    assert (await verified(house)).open_intents == 0
