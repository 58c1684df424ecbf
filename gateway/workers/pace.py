"""Waiting, but never longer than the process wants to live."""

import asyncio


async def first_of(*events: asyncio.Event, seconds: float) -> None:
    """Return when one of the events is set, or after so many seconds."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        # Not each by itself: a cancellation of ours would look like one of theirs, and
        # a worker that is told to end at this moment would go on.
        await asyncio.wait(waits)
