"""A fake recipient deletes what a verified notice names, and says so in a receipt."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web

from gateway.testing.behaviour import Answer, Cut, CutAt, Delay, unavailable
from gateway.testing.notices import Receipt, acknowledge_only, complete, refuse
from gateway.testing.partner import FakePartner
from tests.unit.testing.sender import ISSUER, Sender


class Receipts:
    """Where receipts go: answers each with the next of `statuses`, or 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.tokens: list[str] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        """One POST of a receipt."""
        assert request.content_type == "application/jose"
        self.tokens.append(await request.text())
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def claims(self, partner: FakePartner) -> list[dict[str, Any]]:
        """What the receipts say, verified with the partner's public key."""
        public = partner.keys.public_jwks()["keys"][-1]
        key = jwt.PyJWK.from_dict(public)
        return [
            jwt.decode(token, key, algorithms=["EdDSA"], audience=ISSUER, issuer=partner.id)
            for token in self.tokens
        ]


@pytest.fixture
async def receipts() -> AsyncIterator[Receipts]:
    """An address that takes receipts."""
    desk, app = Receipts(), web.Application()
    app.router.add_post("/receipts", desk.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    desk.url = f"http://127.0.0.1:{runner.addresses[0][1]}/receipts"
    yield desk
    await runner.cleanup()


def erase(receipts: Receipts, **more: Any) -> dict[str, Any]:
    """The data of a notice about `ps-1`."""
    return {"subject": "ps-1", "references": [], "purposes": [], "receipts": receipts.url} | more


async def test_a_verified_notice_deletes_and_is_receipted(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """The copies of that person go, those of others stay, and a signed receipt says so."""
    await sender.share(partner, {"n": 1}, share="a")
    await sender.share(partner, {"n": 2}, share="b", sub="ps-2")
    status, answer = await sender.notice(partner, erase(receipts))
    await partner.notices.idle()

    assert (status, json.loads(answer)) == (200, {"status": "acknowledged"})
    assert [copy.subject for copy in partner.copies] == ["ps-2"]
    [claims] = receipts.claims(partner)
    assert (claims["notice"], claims["status"]) == ("nt-1", "completed")
    assert [(sent.notice, sent.http_status) for sent in partner.notices.receipts] == [("nt-1", 200)]
    [came] = partner.notices.received
    assert (came.type, came.deleted, came.verified) == ("subject.erase", 1, True)
    assert came.order > partner.received[-1].order


async def test_references_find_what_carries_no_pseudonym(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """A record is found by the recipient's own id of it, which the notice names."""
    _, answer = await sender.share(partner, {"n": 1}, share="a", sub="-")
    await sender.share(partner, {"n": 2}, share="b", sub="-")
    number = json.loads(answer)["tracking_number"]
    await sender.notice(partner, erase(receipts, references=[number]))

    assert [copy.document["n"] for copy in partner.copies] == [2]


async def test_a_scope_spares_other_purposes(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """A notice for some purposes leaves copies that came for others."""
    await sender.share(partner, {})
    await sender.notice(partner, erase(receipts, purposes=["advertising"]), notice="a")
    kept = len(partner.copies)
    await sender.notice(partner, erase(receipts, purposes=["order-fulfilment"]), notice="b")

    assert (kept, len(partner.copies)) == (1, 0)


async def test_a_forged_notice_deletes_nothing(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """A notice signed by somebody else is refused, and nothing happens."""
    await sender.share(partner, {})
    status, answer = await sender.notice(partner, erase(receipts), forged=True)
    await partner.notices.idle()

    assert (status, json.loads(answer)["error"]) == (401, "notice-signature-invalid")
    assert (len(partner.copies), receipts.tokens) == (1, [])
    assert partner.notices.received[0].code == "notice-signature-invalid"


async def test_a_refusal_keeps_the_data_and_says_why(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """A recipient that may not delete says so in its receipt."""
    await sender.share(partner, {})
    partner.notices.plan = refuse("tax records must be kept for ten years")
    await sender.notice(partner, erase(receipts))
    await partner.notices.idle()

    [claims] = receipts.claims(partner)
    assert (claims["status"], claims["reason"][:11]) == ("refused", "tax records")
    assert len(partner.copies) == 1


async def test_some_only_acknowledge(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """A recipient that only acknowledges sends no receipt, until told to."""
    partner.notices.plan = acknowledge_only()
    status, _ = await sender.notice(partner, erase(receipts))
    await partner.notices.idle()
    assert (status, receipts.tokens) == (200, [])

    sent = await partner.notices.send_receipt("nt-1", Receipt(status="in-progress"))
    assert (sent.http_status, receipts.claims(partner)[0]["status"]) == (200, "in-progress")


async def test_plans_for_single_notices(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """One notice may be settled otherwise than the rest, with all that a receipt can say."""
    partner.notices.plans["b"] = complete(backups_until="2026-12-24")
    await sender.notice(partner, erase(receipts), notice="a")
    await sender.notice(partner, erase(receipts), notice="b")
    await partner.notices.idle()

    told = {claims["notice"]: claims.get("backups_until") for claims in receipts.claims(partner)}
    assert told == {"a": None, "b": "2026-12-24"}


async def test_a_desk_that_is_down_does_nothing(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """While it answers 503 nothing is deleted; the same notice later is obeyed."""
    await sender.share(partner, {})
    partner.notices.script.next(*unavailable(2))
    seen = []
    for _ in range(3):
        status, _ = await sender.notice(partner, erase(receipts))
        seen.append((status, len(partner.copies)))

    assert seen == [(503, 1), (503, 1), (200, 0)]
    assert [came.verified for came in partner.notices.received] == [False, False, True]


async def test_a_slow_desk_and_a_cut_answer(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """A slow desk obeys in the end; one whose answer is lost has obeyed all the same."""
    partner.notices.script.next(Delay(0.05), Delay(0.01, Answer(status=500)))
    statuses = [(await sender.notice(partner, erase(receipts), notice=n))[0] for n in "ab"]
    assert statuses == [200, 500]

    await sender.share(partner, {})
    partner.notices.script.next(Cut(CutAt.BEFORE_HEADERS))
    with pytest.raises(aiohttp.ClientConnectionError):
        await sender.notice(partner, erase(receipts), notice="c")
    assert len(partner.copies) == 0


async def test_a_receipt_is_sent_until_the_gateway_answers(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """A gateway that fails for a moment gets the same receipt again; a refusal is final."""
    receipts.statuses = [503, 500, 409]
    await sender.notice(partner, erase(receipts))
    await partner.notices.idle()

    assert len(receipts.tokens) == 3
    assert len(set(receipts.tokens)) == 1
    assert partner.notices.receipts[0].http_status == 409


async def test_stopping_gives_up_on_receipts(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """A recipient that stops sends no receipt afterwards."""
    partner.notices.plan = complete(after_seconds=30)
    await sender.notice(partner, erase(receipts))
    async with asyncio.timeout(2):
        await partner.stop()

    assert receipts.tokens == []


async def test_what_it_cannot_do_it_does_not_confirm(
    partner: FakePartner, sender: Sender, receipts: Receipts
) -> None:
    """A notice of an unknown kind is acknowledged, and no receipt claims that it was obeyed."""
    await sender.share(partner, {})
    status, _ = await sender.notice(partner, erase(receipts), kind="subject.archive")
    await partner.notices.idle()

    assert (status, receipts.tokens, len(partner.copies)) == (200, [], 1)
