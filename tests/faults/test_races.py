"""
What changes between the decision and the first byte.

Whatever is true when a change has returned holds for every byte that leaves
after it: the last look before the first byte sees it.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest

from gateway.flows import partners, withdrawals
from gateway.flows.answers import Declined, ShareAnswer
from gateway.flows.share import share
from gateway.model.ids import PartnerId
from gateway.ports import Answer, Outgoing, PartnerPort
from gateway.testing.behaviour import Delay
from gateway.testing.partner import FakePartner
from tests.faults.scene import (
    ADVERTISER,
    COURIER,
    an_event,
    an_incoming,
    outcomes,
    share_event,
    until,
    until_settled,
    verified,
)
from tests.marks import promise
from tests.promises.house import House

T = TypeVar("T")


@pytest.fixture
def advertiser(house: House) -> FakePartner:
    """The recipient on consent."""
    return house.recipients[ADVERTISER]


class Looks:
    """Egress that notes the moment at which each share passed its last look."""

    def __init__(self, egress: Any) -> None:
        self._egress = egress
        self._clock = itertools.count(1)
        self.passed: dict[str, int] = {}

    def now(self) -> int:
        """A number that only grows."""
        return next(self._clock)

    def partner(self, partner: Any) -> PartnerPort:
        """The way to this partner, watched."""
        return Watched(self._egress.partner(partner), self)

    def __getattr__(self, name: str) -> Any:
        """All else is egress as it is."""
        return getattr(self._egress, name)


class Watched:
    """A way to a partner that notes every last look that was passed."""

    def __init__(self, way: PartnerPort, looks: Looks) -> None:
        self._way = way
        self._looks = looks

    async def send(self, request: Outgoing, *, last_look: Callable[[], None]) -> Answer:
        def look() -> None:
            last_look()
            self._looks.passed[dict(request.headers)["Sharing-Id"]] = self._looks.now()

        return await self._way.send(request, last_look=look)


@contextmanager
def watched(house: House) -> Iterator[Looks]:
    """Watch every last look of the gateway."""
    egress = house.gateway.egress
    looks = Looks(egress)
    house.gateway.egress = looks  # type: ignore[assignment]
    try:
        yield looks
    finally:
        house.gateway.egress = egress


async def after_turns(turns: int, coroutine: Awaitable[T]) -> T:
    """Run it when the loop has gone round so often."""
    for _ in range(turns):
        await asyncio.sleep(0)
    return await coroutine


async def tried(incoming: Any, house: House) -> ShareAnswer | Declined:
    """Carry a share; its answer or its refusal."""
    try:
        return await share(incoming, house.gateway)
    except Declined as refused:
        return refused


class TestWaitingForAConnection:
    """A share that is recorded and waits for a connection while something changes."""

    @pytest.fixture
    async def house(self, house: House) -> House:
        """A gateway with one connection for each partner."""
        await house.stop()
        house._settings["GATEWAY_EGRESS__CONNECTIONS"] = "1"
        await house.start()
        return house

    async def waiting(
        self, house: House, partner: FakePartner, **options: Any
    ) -> "list[asyncio.Future[Any]]":
        """One share that has the connection, and one behind it whose intent is durable."""
        partner.script.next(Delay(30))
        first = asyncio.ensure_future(self.share(house, partner, "u-first"))
        await until(lambda: len(partner.arrivals) == 1)
        second = asyncio.ensure_future(self.share(house, partner, "u-second", **options))
        async with asyncio.timeout(5):
            while len(await house.leaves("intent")) < 2:
                await asyncio.sleep(0.002)
        return [first, second]

    async def ended(self, partner: FakePartner, shares: "list[asyncio.Future[Any]]") -> list[Any]:
        """Let the recipient answer, and see how both shares end."""
        running: Any = partner
        running._running.released.set()
        return await asyncio.gather(*shares)

    async def share(self, house: House, partner: FakePartner, subject: str, **options: Any) -> Any:
        if partner.id == ADVERTISER:
            return await share_event(house, subject, **options)
        return await house.share(subject=subject, **options)

    @promise("C3")
    async def test_a_consent_is_withdrawn(self, house: House, advertiser: FakePartner):
        """Nothing leaves of a person who withdrew while their share waited to be sent."""
        await house.consent("u-first")
        consent = await house.consent("u-second")
        shares = await self.waiting(house, advertiser)
        await house.withdraw(consent)
        first, second = await self.ended(advertiser, shares)
        await until_settled(house)

        assert first.status == 200
        assert (second.status, second.code) == (403, "consent-withdrawn")
        assert second.json()["disclosed"] == "no"
        assert advertiser.arrivals == [first.share]
        assert sorted((await outcomes(house)).values()) == [["delivered"], ["not-sent"]]
        assert await house.disclosures("u-second") == []

    @promise("S4a")
    async def test_a_partner_is_suspended(self, house: House):
        """Nothing leaves to a partner that was suspended while a share waited to be sent."""
        courier = house.recipients[COURIER]
        shares = await self.waiting(house, courier)
        assert (await house.ask("POST", f"/v1/partners/{COURIER}/suspend")).status < 300
        first, second = await self.ended(courier, shares)

        assert first.status == 200
        assert second.code == "partner-suspended"
        assert courier.arrivals == [first.share]

    async def test_a_person_objects(self, house: House, advertiser: FakePartner):
        """Nothing leaves of a person of whom it is learnt meanwhile that they are a child."""
        await house.consent("u-first")
        await house.consent("u-second")
        shares = await self.waiting(house, advertiser)
        await house.facts("u-second", minor=True)
        first, second = await self.ended(advertiser, shares)

        assert first.status == 200
        assert second.code == "guardian-consent-missing"
        assert advertiser.arrivals == [first.share]

    async def test_something_changes_that_does_not_matter(
        self, house: House, advertiser: FakePartner
    ):
        """A share that may still leave after a change is decided again and leaves once."""
        await house.consent("u-first")
        await house.consent("u-second")
        shares = await self.waiting(house, advertiser)
        await house.consent("u-second", purpose="location-services")
        first, second = await self.ended(advertiser, shares)
        await until_settled(house)

        assert (first.status, second.status) == (200, 200)
        assert advertiser.arrivals == [first.share, second.share]
        assert (await outcomes(house))[second.share] == ["not-sent", "delivered"]
        assert (await verified(house)).open_intents == 0

    async def test_a_key_of_a_share_that_may_not_leave_any_more(
        self, house: House, advertiser: FakePartner
    ):
        """A refusal between the intent and the first byte is not kept under the key."""
        await house.consent("u-first")
        consent = await house.consent("u-second")
        shares = await self.waiting(house, advertiser, idempotency_key="k-1")
        await house.withdraw(consent)
        await self.ended(advertiser, shares)
        refused = await share_event(house, "u-second", idempotency_key="k-1")
        house.clock.advance(seconds=1)
        await house.consent("u-second")
        carried = await share_event(house, "u-second", idempotency_key="k-1")

        assert refused.code == "consent-withdrawn"
        assert carried.status == 200
        assert len(advertiser.arrivals) == 2


@promise("C3")
async def test_no_share_passes_a_withdrawal_that_has_returned(
    house: House, advertiser: FakePartner
):
    """At any distance between share and withdrawal, nothing leaves once the withdrawal is said."""
    gateway = house.gateway
    over: dict[str, int] = {}

    async def withdraw(subject: str) -> None:
        await withdrawals.withdraw(gateway, given[subject], notify=False)
        over[subject] = looks.now()

    async def one(number: int) -> tuple[str, str, Any]:
        subject = f"u-{number}"
        incoming = an_event(gateway, subject)
        sharing, withdrawing = tried(incoming, house), withdraw(subject)
        match number % 12:
            case 0:
                await withdrawing
                ended = await sharing
            case 1:
                ended = await sharing
                await withdrawing
            case _:
                ended, _ = await asyncio.gather(
                    after_turns(number * 5 % 70, sharing), after_turns(number * 3 % 90, withdrawing)
                )
        return subject, incoming.share, ended

    given = {f"u-{n}": await house.consent(f"u-{n}") for n in range(120)}
    with watched(house) as looks:
        results = []
        for start in range(0, 120, 4):
            results += await asyncio.gather(*(one(n) for n in range(start, start + 4)))
    await until_settled(house)

    left = 0
    for subject, id, ended in results:
        if id in looks.passed:
            left += 1
            assert looks.passed[id] < over[subject]
            assert isinstance(ended, ShareAnswer)
        else:
            assert isinstance(ended, Declined)
            assert ended.problem.reason.value == "consent-withdrawn"
            assert id not in advertiser.arrivals
    assert sorted(advertiser.arrivals) == sorted(looks.passed)
    assert 0 < left < 120
    assert (await verified(house)).open_intents == 0


@promise("S4a")
async def test_no_share_passes_a_suspension_that_has_returned(house: House):
    """However partners are suspended and resumed under load, nothing leaves while suspended."""
    gateway = house.gateway
    courier = house.recipients[COURIER]
    id = PartnerId(COURIER)
    periods: list[tuple[int, int]] = []

    async def turn() -> None:
        await partners.suspend(gateway, id, suspended=True, by="operator")
        began = looks.now()
        for _ in range(20):
            await asyncio.sleep(0)
        ended = looks.now()
        await partners.suspend(gateway, id, suspended=False, by="operator")
        periods.append((began, ended))

    with watched(house) as looks:
        results = []
        for start in range(0, 120, 12):
            *ended, _ = await asyncio.gather(
                *(tried(an_incoming(gateway, f"u-{n}"), house) for n in range(start, start + 12)),
                turn(),
            )
            results += ended
    await until_settled(house)

    assert not any(
        began < passed < ended for passed in looks.passed.values() for began, ended in periods
    )
    carried = [one for one in results if isinstance(one, ShareAnswer)]
    refused = [one for one in results if isinstance(one, Declined)]
    assert len(carried) == len(courier.arrivals)
    assert {one.problem.reason.value for one in refused} <= {"partner-suspended"}
    assert len(periods) == 10
    await verified(house)


async def test_a_suspension_and_a_resumption_at_once(house: House):
    """Two operators who contradict each other leave one state, the same in memory and on disk."""
    gateway = house.gateway
    id = PartnerId(COURIER)
    for turn in range(20):
        before = gateway.partners.state(id).epoch
        await asyncio.gather(
            partners.suspend(gateway, id, suspended=turn % 2 == 0, by="one"),
            partners.suspend(gateway, id, suspended=turn % 2 == 1, by="other"),
        )
        state = gateway.partners.state(id)
        assert (await gateway.store.partner_states())[COURIER] == state
        # Each of the two is a change: what was decided between them is decided again.
        assert state.epoch == before + 2


async def test_a_suspension_during_a_reload_is_not_lost(house: House):
    """A partner that is suspended while changed documents are adopted stays suspended."""
    for turn in range(10):
        for manifest in (house.folder / "partners").glob("*.yaml"):
            text = manifest.read_text("utf-8")
            manifest.write_text(text + f"# {turn}\n", "utf-8")
        for _ in range(2):
            await house.ask("POST", f"/v1/partners/{COURIER}/resume")
        reloading = asyncio.ensure_future(house.reload())
        for _ in range(turn):
            await asyncio.sleep(0.001)
        await house.ask("POST", f"/v1/partners/{COURIER}/suspend")
        assert await reloading
        assert (await house.share()).code == "partner-suspended"
        assert (await house.gateway.store.partner_states())[COURIER].suspended


async def test_a_consent_counts_for_the_share_after_it(house: House, advertiser: FakePartner):
    """A consent that was recorded while its person was being read is seen by the next share."""
    gateway = house.gateway
    for number in range(100):
        subject = f"u-{number}"
        early = asyncio.ensure_future(tried(an_event(gateway, subject), house))
        for _ in range(number % 10):
            await asyncio.sleep(0)
        await house.consent(subject)
        after = await tried(an_event(gateway, subject), house)
        await early
        assert isinstance(after, ShareAnswer), number
        assert after.status == 200
    assert len(advertiser.arrivals) >= 100


async def test_a_person_who_is_being_read_during_a_change(
    house: House, advertiser: FakePartner, monkeypatch: pytest.MonkeyPatch
):
    """What was read of a person before a change is not kept after it, however late it comes."""
    gateway = house.gateway
    await house.facts("u-1", opt_out=[])
    store: Any = gateway.store
    read, add = store.subject, store.add_consents
    writing, reading, has_read = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def late_read(lookup: bytes) -> Any:
        state = await read(lookup)
        has_read.set()
        await reading.wait()
        return state

    async def late_write(rows: Any) -> Any:
        await writing.wait()
        return await add(rows)

    monkeypatch.setattr(store, "add_consents", late_write)
    recording = asyncio.ensure_future(house.consent("u-1"))
    await asyncio.sleep(0.02)
    # Some other change of this person throws them out of memory meanwhile.
    gateway.subjects.forget_all()
    monkeypatch.setattr(store, "subject", late_read)
    early = asyncio.ensure_future(tried(an_event(gateway, "u-1"), house))
    await has_read.wait()
    writing.set()
    await recording
    reading.set()
    await early

    after = await tried(an_event(gateway, "u-1"), house)
    assert isinstance(after, ShareAnswer)
    assert len(advertiser.arrivals) >= 1


async def test_two_first_facts_of_a_person_are_both_kept(house: House):
    """Of two changes of somebody unknown at once, neither is lost."""
    for number in range(30):
        subject = f"u-{number}"
        await house.consent("u-other")
        await asyncio.gather(
            house.facts(subject, minor=True), house.facts(subject, opt_out=["sale"])
        )
        state = await house.gateway.store.subject(house.gateway.subjects.lookup(subject))
        assert state is not None
        _, facts = house.gateway.subjects.open_row(state.row)
        assert (facts["minor"], facts["opt_out"]) == (True, ["sale"])
