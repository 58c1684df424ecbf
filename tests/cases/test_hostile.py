"""What recipients and services send to stop the others, or never to be done (R3, R4)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.flows import receipts
from gateway.testing.partner import FakePartner
from tests.cases.house import CaseHouse
from tests.cases.test_receipts import told
from tests.marks import promise

FIRST = "0001-01-01T00:00:00Z"
LAST = "9999-12-31T23:59:59.999999Z"


@promise("R4")
async def test_backups_are_not_for_ever(house: CaseHouse, courier: FakePartner) -> None:
    """A receipt with a day that nobody lives to see settles nothing, and every case is shown."""
    case, notice = await told(house, courier)
    reply = await house.receipt(house.signed(courier, notice, "completed", backups_until=LAST[:10]))

    assert (reply.status, reply.code) == (401, "token-invalid")
    assert (await house.notice(case))["state"] == "sent"
    assert (await house.ask("GET", "/v1/cases")).status == 200


async def test_receipts_do_not_fill_the_disk(
    house: CaseHouse, courier: FakePartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Receipts that say nothing new are kept up to a number, and refused behind it; one that
    brings the notice further is taken all the same.
    """
    monkeypatch.setattr(receipts, "MOST_KEPT", 3)
    case, notice = await told(house, courier)
    said = [
        await house.receipt(house.signed(courier, notice, "acknowledged", jti=f"r-{number}"))
        for number in range(5)
    ]
    size = await house.gateway.store.size()
    again = await house.receipt(house.signed(courier, notice, "acknowledged", jti="r-0"))

    assert [one.status for one in said] == [200, 200, 200, 429, 429]
    assert (said[-1].code, again.status) == ("rate-limited", 200)
    assert await house.gateway.store.size() == size
    done = await house.receipt(house.signed(courier, notice, "completed"))
    assert (done.status, (await house.until_closed(case))["state"]) == (200, "closed")


@promise("R3")
async def test_no_time_keeps_anybody_from_being_told(
    house: CaseHouse, courier: FakePartner
) -> None:
    """
    An announcement of long ago is one; an exemption to the end of time is one. Each case
    is planned and shown, and its recipient is told.
    """
    assert (await house.share()).status == 200
    ended = await house.opened_case(reason="service-ended", announced_at=FIRST)
    await house.until(ended["case"], state="completed")

    assert (await house.share(subject="u-2")).status == 200
    exempt = {"partner": courier.id, "reason": "law", "evidence": "§ 1", "until": LAST}
    kept = await house.opened_case("u-2", exempt=[exempt])
    assert (await house.notice(kept["case"]))["next_at"] == LAST[:-4] + "Z"
    assert (await house.ask("GET", "/v1/cases")).status == 200


async def test_a_consent_of_any_time_can_be_withdrawn_by_erasing(house: CaseHouse) -> None:
    """Whatever times a person's consents have, the person is found and can be erased."""
    consent = {
        "subject": "u-1",
        "purpose": "advertising",
        "purpose_version": 1,
        "granted_at": FIRST,
        "method": "explicit",
        "evidence": "e",
        "expires": LAST,
    }
    assert (await house.ask("POST", "/v1/consents", consent)).status == 201
    house.clock.advance(timedelta(seconds=1))

    assert (await house.ask("GET", "/v1/subjects/u-1/disclosures")).status == 200
    assert (await house.opened_case())["state"] == "closed"


@pytest.mark.parametrize("reason", ["\x1b[2Jdone", "one\ntwo", "a\u202eb", "\x9b2J"])
async def test_no_reason_commands_a_terminal(
    house: CaseHouse, courier: FakePartner, reason: str
) -> None:
    """Why somebody settles or exempts is one line that no terminal obeys."""
    _, notice = await told(house, courier)
    body = {"status": "completed", "reason": reason, "evidence": "letter"}
    settled = await house.ask("POST", f"/v1/notices/{notice}/resolve", body)
    exempt = {"partner": courier.id, "reason": reason, "evidence": "letter"}
    kept = await house.erased("u-2", exempt=[exempt])

    assert (settled.status, settled.code, kept.status) == (400, "request-invalid", 400)


async def test_one_notice_that_cannot_be_written_ends_nothing_else(house: CaseHouse) -> None:
    """Whatever goes wrong with a notice is logged with its id, and all others are told."""
    for subject in ("u-1", "u-2"):
        assert (await house.share(subject=subject)).status == 200
    store: Any = house.gateway.store
    change, broken = store.change_notice, list[str]()

    async def changed(id: str, *more: Any) -> Any:
        if id in broken or not broken:
            broken.append(id)
            raise RuntimeError("nobody foresaw this")
        return await change(id, *more)

    store.change_notice = changed
    first, second = [await house.opened_case(subject) for subject in ("u-1", "u-2")]
    ids = {one["case"]: one["notices"][0]["notice"] for one in (first, second)}
    for _ in range(1500):
        if broken:
            break
        await asyncio.sleep(0.01)
    (healthy,) = [case for case, notice in ids.items() if notice not in broken]
    await house.until(healthy, state="completed")

    assert len(set(broken)) == 1
