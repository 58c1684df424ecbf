"""Waiting until something is so, and never for ever."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from gateway.testing.client import GatewayClient

_LONGEST_SECONDS = 15.0
_PAUSE_SECONDS = 0.1
_LOOK_SECONDS = 0.02
_PAGE = 1000


async def settled(desk: GatewayClient, shares: int) -> bool:
    """
    Wait until so many outcomes stand under a checkpoint; whether they did in time.

    An answer does not wait for its outcome's leaf, which follows within a second.
    """
    deadline = time.monotonic() + _LONGEST_SECONDS
    start = outcomes = 0
    while True:
        page = await _entries(desk, start)
        start += len(page)
        outcomes += sum(1 for leaf in page if leaf.get("kind") == "outcome")
        if outcomes >= shares:
            return True
        if time.monotonic() > deadline:
            return False
        if not page:
            await asyncio.sleep(_PAUSE_SECONDS)


async def _entries(desk: GatewayClient, start: int) -> list[dict[str, Any]]:
    reply = await desk.get(f"/v1/ledger/entries?start={start}&limit={_PAGE}")
    if reply.status != 200:
        raise RuntimeError(f"the ledger cannot be read: {reply.status} {reply.code}")
    entries: list[dict[str, Any]] = reply.json()["entries"]
    return entries


async def until(true: Callable[[], bool], *, seconds: float = _LONGEST_SECONDS) -> bool:
    """Wait until something is so; whether it came to that in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_SECONDS)
    return True
