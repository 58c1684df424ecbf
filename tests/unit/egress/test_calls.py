"""Calls through the pool: what counts as a failure, and how long an answer may take to begin."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.egress import ClientPool, SecretFiles
from gateway.egress.limits import FAILURES, Passage
from gateway.errors import PartnerFailed, PartnerTimeout, PartnerUnreachable, Stale
from gateway.model.recipients import Auth, Partner, Upstream
from gateway.ports import NotNow, Use
from tests.unit.egress.test_pool import a_partner
from tests.unit.egress.wire import (
    OK,
    OPEN,
    Wire,
    client_for,
    fine,
    read_request,
    request_to,
    serving,
)


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[ClientPool]:
    """A pool with secrets in a folder, closed after the test."""
    pool = ClientPool(rules=OPEN, secrets=SecretFiles(tmp_path, {}), folder=tmp_path)
    yield pool
    await pool.close()


def begun(pool: ClientPool, partner: Partner, use: Use = Use.SHARES) -> NotNow | None:
    """Whether a call would be tried now."""
    permit = pool.admit(partner, use)
    assert isinstance(permit, Passage)
    with permit:
        return permit.begin()


async def call(pool: ClientPool, partner: Partner, url: str, use: Use = Use.SHARES) -> None:
    """One call, however it ends."""
    with contextlib.suppress(PartnerFailed):
        await pool.partner(partner, use).send(request_to(url), last_look=fine)


async def test_a_partner_that_cannot_be_reached_is_left_alone(pool: ClientPool) -> None:
    """After twenty failures nothing more is tried; notices go their own way."""
    async with serving() as wire:
        partner, url = a_partner(wire), wire.url()
    for _ in range(FAILURES):
        assert begun(pool, partner) is None
        await call(pool, partner, url)

    told = begun(pool, partner)
    assert isinstance(told, NotNow)
    assert 0 < told.seconds <= 1
    assert pool.resting(Use.SHARES) == (partner.id,)
    assert pool.resting(Use.NOTICES) == ()
    assert begun(pool, partner, Use.NOTICES) is None


async def test_an_answer_of_any_status_is_no_failure(pool: ClientPool) -> None:
    """A partner that answers 500, or more than may pass, is there."""
    broken = b"HTTP/1.1 500 Oops\r\nContent-Length: 9999999999\r\nConnection: close\r\n\r\n"
    async with serving(broken) as wire:
        partner = a_partner(wire)
        for _ in range(FAILURES + 1):
            await call(pool, partner, wire.url())

        assert begun(pool, partner) is None


async def test_a_call_that_was_not_tried_is_no_failure(pool: ClientPool, tmp_path: Path) -> None:
    """A missing secret, and a share given up at the last look, say nothing about the partner."""

    def objection() -> None:
        raise Stale("the person's facts changed")

    async with serving() as wire:
        partner = a_partner(wire)
        auth = Auth(scheme="bearer", settings={"value": "file:token"})
        upstream = Upstream(base_url=wire.url(), auth=auth)
        without = dataclasses.replace(partner, digest="2", upstream=upstream)
        for _ in range(FAILURES + 1):
            with pytest.raises(PartnerUnreachable, match="file:token"):
                await pool.partner(without).send(request_to(wire.url()), last_look=fine)
            with pytest.raises(Stale):
                await pool.partner(partner).send(request_to(wire.url()), last_look=objection)

        assert begun(pool, partner) is None
        (tmp_path / "token").write_text("secret")
        answer = await pool.partner(without).send(request_to(wire.url()), last_look=fine)
        assert answer.status == 200


async def test_one_probe_brings_a_partner_back(pool: ClientPool) -> None:
    """Once the pause is over a single call is tried, and its answer opens the way for all."""
    async with serving() as wire:
        partner, url = a_partner(wire), wire.url()
        for _ in range(FAILURES):
            pool._gate(partner.id).failed(Use.SHARES, 0, PartnerTimeout("silent"))
        pool._gate(partner.id).breakers[Use.SHARES].until = 0.0
        probe, other = pool.admit(partner), pool.admit(partner)
        assert isinstance(probe, Passage)
        assert isinstance(other, Passage)
        with probe, other:
            assert probe.begin() is None
            assert isinstance(other.begin(), NotNow)
            await call(pool, partner, url)
            assert other.begin() is None

        assert pool.resting(Use.SHARES) == ()


async def test_an_answer_that_begins_too_late_may_have_arrived() -> None:
    """`first_byte_timeout` ends the waiting long before the whole does."""

    async def silent(
        wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await read_request(wire, reader)
        await asyncio.sleep(5)

    loop = asyncio.get_running_loop()
    async with serving(silent) as wire, client_for() as client:
        request = dataclasses.replace(request_to(wire.url()), first_byte_timeout_seconds=0.1)
        started = loop.time()
        with pytest.raises(PartnerTimeout, match=r"no answer began within 0\.1 s"):
            await client.send(request, last_look=fine)

        assert loop.time() - started < 2
        assert len(wire.requests) == 1


async def test_an_answer_that_has_begun_has_the_whole_time() -> None:
    """What counts is when it begins: a body may take longer."""

    async def slow(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(wire, reader)
        writer.write(OK[:-2])
        await writer.drain()
        await asyncio.sleep(0.4)
        writer.write(OK[-2:])

    async with serving(slow) as wire, client_for() as client:
        request = dataclasses.replace(request_to(wire.url()), first_byte_timeout_seconds=0.2)

        assert (await client.send(request, last_look=fine)).body == b"ok"
