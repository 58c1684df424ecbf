"""Waiting until the ledger says what has happened."""

import asyncio
import time
from typing import Any

from gateway.testing.client import GatewayClient

_LONGEST_SECONDS = 15.0
_PAUSE_SECONDS = 0.1
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
