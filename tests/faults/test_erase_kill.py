"""The gateway dies while people are being deleted, and every recipient is told all the same (R3)."""

import asyncio
import hashlib
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.cases.certificate import verify_certificate
from gateway.errors import StoreFailed
from gateway.flows.gateway import Gateway
from gateway.testing.behaviour import Cut, CutAt, Delay
from gateway.testing.client import Reply
from gateway.testing.notices import NoticeReceived, ReceiptSent, acknowledge_only, complete
from gateway.testing.partner import FakePartner
from gateway.workers.lanes import close, tell
from tests.faults.erasing import VERIFIED, Blow, Scene, heard
from tests.faults.scene import COURIER, until
from tests.marks import promise
from tests.promises.house import House

KILLS = 2
"""That count. The full size is `python -m tests.faults.kill_cases --times 20`."""


@promise("R3", "A1")
@pytest.mark.timeout(120)
async def test_a_kill_loses_no_notice(tmp_path: Path) -> None:
    """
    Killed with SIGKILL between a 202 and the close, and started again, the gateway
    tells every recipient under the id it had, and closes every case.
    """
    blows: list[Blow] = []
    async with Scene.open(tmp_path) as scene:
        while sum(blow.counts for blow in blows) < KILLS and len(blows) < 2 * KILLS:
            blows.append(await scene.blow())
            print(blows[-1])

    assert [blow.broken for blow in blows] == [[]] * len(blows)
    assert sum(blow.counts for blow in blows) == KILLS, "no case was open at any kill"


@promise("R3")
async def test_a_death_between_fence_and_plan(house: House) -> None:
    """
    A case whose plan the process did not live to make is planned at the next start,
    and the same request gets its answer.
    """
    assert (await house.share()).status == 200
    with_no_plan: Any = house.gateway.store
    with_no_plan.plan_case = _dies
    died = await _erase(house)
    assert (died.status, died.code) == (503, "ledger-unavailable")
    assert (await house.share()).code == "subject-erased"

    await house.restart()
    async with at_work(house.gateway):
        answered = await _repeated(house)
        again = await _erase(house)
        case = await _closed(house, answered["case"])

    assert again.json() == answered
    assert [one["notice"] for one in case["notices"]] == [answered["notices"][0]["notice"]]
    notices = house.recipients[COURIER].notices.received
    assert [one.notice for one in notices] == [answered["notices"][0]["notice"]]
    assert _about(answered["salt"]) == (await _certificate(house, case["case"]))["subject_hash"]
    assert len(house.recipients[COURIER].copies) == 0


async def test_a_plan_by_somebody_else_meanwhile(house: House) -> None:
    """
    Where the closer planned the case while its request was being answered, the
    answer names the notices that are stored, and the salt.
    """
    assert (await house.share()).status == 200
    store: Any = house.gateway.store
    begin_case = store.begin_case

    async def begin_and_be_overtaken(new: Any) -> Any:
        running = await begin_case(new)
        async with at_work(house.gateway):
            await _closed(house, new.case.id)
        return running

    store.begin_case = begin_and_be_overtaken
    answered = (await _erase(house)).json()
    case = (await house.ask("GET", f"/v1/cases/{answered['case']}")).json()

    assert answered["state"] == "closed"
    (told,), (stored,) = answered["notices"], case["notices"]
    assert told == {name: stored[name] for name in told}
    assert _about(answered["salt"]) == (await _certificate(house, case["case"]))["subject_hash"]


async def test_a_death_between_plan_and_forgetting(house: House) -> None:
    """Keys that the process did not live to destroy are destroyed after the next start."""
    assert (await house.share()).status == 200
    store: Any = house.gateway.store
    store.finish_case = _dies
    answered = await _erase(house)
    assert answered.status == 202
    assert await house.gateway.store.subject(house.gateway.subjects.lookup("u-1")) is not None

    await house.restart()
    async with at_work(house.gateway):
        await _closed(house, answered.json()["case"])

    subjects = house.gateway.subjects
    assert await house.gateway.store.subject(subjects.lookup("u-1")) is None
    assert await house.gateway.store.tombstoned(subjects.mark("u-1"), now=house.clock())
    assert (await house.share()).code == "subject-erased"


@promise("R3")
async def test_a_death_between_sending_and_noting(house: House) -> None:
    """
    A recipient that took its notice, and whose answer nobody lived to note, is told
    again under the same id and in the same words.
    """
    desk = house.recipients[COURIER].notices
    desk.plan = acknowledge_only()
    assert (await house.share()).status == 200
    answered = (await _erase(house)).json()
    _lives_for_receipts_only(house)
    async with at_work(house.gateway):
        await until(lambda: len(desk.received) == 1)
        await asyncio.sleep(0.05)
    await house.restart()
    desk.plan = complete()
    async with at_work(house.gateway):
        case = await _closed(house, answered["case"])

    assert [one.notice for one in desk.received] == [answered["notices"][0]["notice"]] * 2
    assert desk.received[0].raw == desk.received[1].raw
    assert case["notices"][0]["attempts"] == 2


@promise("R3")
async def test_a_receipt_before_the_notice_is_known_to_be_sent(house: House) -> None:
    """
    A receipt that is faster than the answer to its notice counts, also where nobody
    lived to note that answer; its recipient is not told again.
    """
    desk = house.recipients[COURIER].notices
    assert (await house.share()).status == 200
    answered = (await _erase(house)).json()
    _lives_for_receipts_only(house)
    async with at_work(house.gateway):
        await until(lambda: len(desk.receipts) == 1)
    await house.restart()
    async with at_work(house.gateway):
        case = await _closed(house, answered["case"])
        await asyncio.sleep(0.1)

    assert [receipt.http_status for receipt in desk.receipts] == [200]
    assert case["notices"][0]["evidence"] == "receipt"
    assert len(desk.received) == 1


@promise("A1", "R3")
async def test_a_share_whose_fate_is_unknown(house: House) -> None:
    """
    A recipient whose share was cut is told when that is known, and once more, in the
    same words, when the share cannot arrive any more; only then the case closes.
    """
    courier = house.recipients[COURIER]
    courier.script.next(Delay(0.3, then=Cut(CutAt.BEFORE_HEADERS)))
    share = asyncio.ensure_future(house.share())
    await until(lambda: len(courier.received) == 1)
    answered = (await _erase(house)).json()
    async with at_work(house.gateway):
        await asyncio.sleep(0.15)
        overtaken = len(courier.notices.received)
        await until(lambda: len(courier.notices.receipts) == 1)
    await house.restart()
    async with at_work(house.gateway):
        waiting = (await house.ask("GET", f"/v1/cases/{answered['case']}")).json()
        house.clock.advance(seconds=301)
        case = await _closed(house, answered["case"])

    assert overtaken == 0, "a notice overtook a share"
    assert (await share).code == "outcome-unknown"
    assert (waiting["state"], waiting["notices"][0]["state"]) == ("open", "completed")
    assert waiting["notices"][0]["next_at"] is not None
    assert len(courier.notices.received) == 2
    assert len({(one.notice, one.raw) for one in courier.notices.received}) == 1
    assert case["notices"][0]["attempts"] == 2


async def test_what_is_told_as_if_it_were_new_is_found() -> None:
    """The look at a recipient finds a second notice about the same person, and other words."""
    async with FakePartner(COURIER) as partner:
        one = _received("ntc_a", "who", partner)
        partner.notices.received += [one, replace(one, notice="ntc_b"), replace(one, raw=b"{}")]
        partner.notices.received[2] = replace(one, raw=one.raw.replace(b"{", b"{ ", 1))
        partner.notices.receipts.append(
            ReceiptSent(notice="ntc_a", status="completed", token="", http_status=200)
        )
        wrong = " ".join(heard(partner, "ntc_a", Blow(0)))
        lost = list(heard(partner, "ntc_c", Blow(0)))

    assert "in other words" in wrong
    assert "as if it were new" in wrong
    assert lost == ["was never told"]


def _received(notice: str, subject: str, partner: FakePartner) -> NoticeReceived:
    return NoticeReceived(
        order=1,
        at=partner.notices._clock(),
        notice=notice,
        headers={},
        raw=f'{{"data": {{"subject": "{subject}"}}}}'.encode(),
        data={"subject": subject},
        verified=True,
    )


@asynccontextmanager
async def at_work(gateway: Gateway) -> AsyncIterator[None]:
    """Inside, recipients are told and cases brought to their end; leaving is sudden."""
    workers = [asyncio.create_task(worker(gateway)) for worker in (tell, close)]
    try:
        yield
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _dies(*_: Any, **__: Any) -> Any:
    raise StoreFailed("nothing more was written")


def _lives_for_receipts_only(house: House) -> None:
    """From here on nothing is noted of a notice but what its recipient signs."""
    store: Any = house.gateway.store
    change_notice = store.change_notice

    async def change(id: str, how: Any, close_leaf: Any, now: Any) -> Any:
        def only_receipts(before: Any) -> Any:
            changed = how(before)
            if changed is not None and changed.receipt is None:
                raise StoreFailed("nothing more was written")
            return changed

        return await change_notice(id, only_receipts, close_leaf, now)

    store.change_notice = change


async def _erase(house: House) -> Reply:
    body = {
        "action": "erase",
        "subject": "u-1",
        "reason": "user-request",
        "verified": VERIFIED,
    }
    return await house.ask("POST", "/v1/cases", body, headers={"Idempotency-Key": "deletion-1"})


async def _repeated(house: House) -> dict[str, Any]:
    """The request again, until it has an answer."""
    async with asyncio.timeout(5):
        while (reply := await _erase(house)).code == "idempotency-in-progress":
            await asyncio.sleep(0.02)
    assert reply.status == 202, reply
    answer: dict[str, Any] = reply.json()
    return answer


async def _closed(house: House, case: str) -> dict[str, Any]:
    async with asyncio.timeout(8):
        while True:
            reply = await house.ask("GET", f"/v1/cases/{case}")
            if reply.status == 200 and reply.json()["state"] == "closed":
                found: dict[str, Any] = reply.json()
                return found
            await asyncio.sleep(0.02)


async def _certificate(house: House, case: str) -> dict[str, Any]:
    await house.sequenced()
    reply = await house.ask("GET", f"/v1/cases/{case}/certificate")
    assert reply.status == 200
    return verify_certificate(reply.body.decode(), house.gateway.keys.public_jwks())


def _about(salt: str) -> str:
    return hashlib.sha256(urlsafe_b64decode(salt + "==") + b"u-1").hexdigest()
