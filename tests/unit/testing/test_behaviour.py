"""A fake recipient misbehaves exactly as told."""

import asyncio
import gzip
import json
import time
from pathlib import Path

import aiohttp
import pytest

from gateway.testing.authority import Authority
from gateway.testing.behaviour import (
    Answer,
    Behaviour,
    CloseAfter,
    Cut,
    CutAt,
    Delay,
    Drip,
    GzipBomb,
    Huge,
    Redirect,
    Silence,
    invalid_json,
    unavailable,
    wrong_type,
)
from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from tests.unit.testing.sender import ISSUER, Sender

CUTS = (CutAt.BEFORE_HEADERS, CutAt.AFTER_HEADERS, CutAt.MID_BODY)


async def test_unavailable_for_a_while(partner: FakePartner, sender: Sender) -> None:
    """It answers 503 as many times as told, then as always."""
    partner.script.next(*unavailable(2, retry_after_seconds=1))
    statuses = [(await sender.share(partner, {}, share=str(n)))[0] for n in range(3)]

    assert statuses == [503, 503, 200]
    assert len(partner.received) == 3


async def test_a_standing_behaviour_lasts_until_taken_back(
    partner: FakePartner, sender: Sender
) -> None:
    """A behaviour for every call yields to what is queued, and ends when told."""
    partner.script.always(Answer(status=500))
    partner.script.next(Answer(status=429))
    statuses = [(await sender.share(partner, {}, share=str(n)))[0] for n in range(2)]
    partner.script.always(None)
    statuses.append((await sender.share(partner, {}, share="2"))[0])

    assert statuses == [429, 500, 200]


@pytest.mark.parametrize("at", CUTS)
@pytest.mark.parametrize("tls", [False, True])
async def test_a_cut_connection_was_received_and_stays_unanswered(
    sender: Sender, tmp_path: Path, at: CutAt, tls: bool
) -> None:
    """Wherever the answer is cut, the recipient has the data and the caller no whole answer."""
    served = Authority.create(Clock()()).issue(tmp_path, "partner") if tls else None
    async with FakePartner(verify=False, tls=served) as partner:
        partner.script.next(Cut(at))
        async with aiohttp.ClientSession() as session:
            with pytest.raises(
                (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, OSError)
            ):
                context = served.client_context() if served else True
                response = await session.post(partner.base_url, json={"a": 1}, ssl=context)
                assert at is not CutAt.BEFORE_HEADERS
                assert response.status == 200
                await response.read()

    assert len(partner.received) == len(partner.unanswered) == len(partner.copies) == 1


async def test_cut_in_the_request_was_not_received(partner: FakePartner, sender: Sender) -> None:
    """A recipient that hangs up at the head of a request has seen its share id and no data."""
    partner.script.next(Cut(CutAt.REQUEST))
    with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
        await sender.share(partner, {})

    assert (partner.arrivals, partner.received, partner.unanswered) == (["sh-1"], [], [])


async def test_a_delay_comes_before_the_answer(partner: FakePartner, sender: Sender) -> None:
    """A slow recipient has received the share long before it answers."""
    partner.script.next(Delay(0.2), Delay(0.05, Answer(status=503)))
    began = time.monotonic()
    asking = asyncio.create_task(sender.share(partner, {}))
    await asyncio.sleep(0.1)
    assert (len(partner.received), len(partner.unanswered), asking.done()) == (1, 1, False)

    assert (await asking)[0] == 200
    assert time.monotonic() - began >= 0.2
    assert partner.unanswered == []
    assert (await sender.share(partner, {}, share="sh-2"))[0] == 503


async def test_silence_lasts_until_the_recipient_stops(
    partner: FakePartner, sender: Sender
) -> None:
    """A silent recipient never answers, and stopping it does not take long."""
    partner.script.next(Silence(), Silence())
    with pytest.raises(TimeoutError):
        await sender.share(partner, {}, timeout_seconds=0.1)
    asking = asyncio.create_task(sender.share(partner, {}, share="sh-2"))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await partner.stop()

    with pytest.raises(aiohttp.ClientError):
        await asking
    assert time.monotonic() - began < 2
    assert len(partner.unanswered) == 2


async def test_dripping_gives_the_whole_answer_slowly(partner: FakePartner, sender: Sender) -> None:
    """A dripping answer is complete in the end."""
    partner.script.next(Drip(pause_seconds=0.001, bytes_at_once=16))
    status, body = await sender.share(partner, {})

    assert (status, json.loads(body)["status"]) == (200, "created")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_huge_answer_is_as_large_as_told(
    partner: FakePartner, sender: Sender, announced: bool
) -> None:
    """A huge answer is valid JSON of that many bytes."""
    partner.script.next(Huge(size_bytes=300_000, announced=announced))
    _, body = await sender.share(partner, {})

    assert len(body) == 300_000
    assert list(json.loads(body)) == ["padding"]


async def test_a_gzip_bomb_is_small_on_the_wire(partner: FakePartner) -> None:
    """A bomb travels at a thousandth of its size."""
    partner.script.next(GzipBomb(size_bytes=4 << 20))
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.post(partner.base_url, data=b"{}") as response,
    ):
        compressed = await response.read()

    assert response.headers["Content-Encoding"] == "gzip"
    assert len(compressed) < (4 << 20) // 500
    unpacked = gzip.decompress(compressed)
    assert len(unpacked) == 4 << 20
    assert list(json.loads(unpacked)) == ["padding"]


async def test_closing_a_connection_that_was_said_to_stay(
    partner: FakePartner, sender: Sender
) -> None:
    """After a whole answer the connection is gone, and the next call needs a new one."""
    partner.script.next(CloseAfter())
    first = await sender.share(partner, {}, share="a")
    await asyncio.sleep(0.05)
    second = await sender.share(partner, {}, share="b")

    assert (first[0], second[0], partner.connections) == (200, 200, 2)
    assert partner.unanswered == []


@pytest.mark.parametrize(
    "behaviour,status,content_type,body",
    [
        (Redirect("https://elsewhere.example/", 302), 302, "application/json", b""),
        (wrong_type(), 200, "text/html", b"<!doctype html><title>Maintenance</title>"),
        (invalid_json(), 200, "application/json", b'{"tracking_number": "SP00'),
        (Answer(status=204), 204, None, b""),
        (
            Answer(data={"a": "é"}, headers={"X-A": "1"}),
            200,
            "application/json",
            b'{"a": "\xc3\xa9"}',
        ),
    ],
)
async def test_answers_of_other_kinds(
    partner: FakePartner, behaviour: Behaviour, status: int, content_type: str | None, body: bytes
) -> None:
    """Redirects, wrong types, broken JSON and chosen answers go out as told."""
    partner.script.next(behaviour)
    async with (
        aiohttp.ClientSession() as session,
        session.post(partner.base_url, data=b"{}", allow_redirects=False) as response,
    ):
        assert (response.status, await response.read()) == (status, body)

    assert response.content_type == content_type or content_type is None
    assert response.headers.get("Location", "") == getattr(behaviour, "location", "")


async def test_a_caller_that_hangs_up_is_no_fault_of_the_fake(
    sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    """A caller that went away is left unanswered, and that raises and logs nothing."""
    async with FakePartner() as partner:
        partner.trust(issuer=ISSUER, jwks=sender.jwks)
        partner.script.next(Delay(0.2), Drip(pause_seconds=0.02))
        for share in ("a", "b"):
            with pytest.raises(TimeoutError):
                await sender.share(partner, {}, share=share, timeout_seconds=0.1)
        await asyncio.sleep(0.2)

    assert [raw.share for raw in partner.unanswered] == ["a", "b"]
    assert (partner.errors, caplog.records) == ([], [])
