"""
A case as it goes on: its server-sent events, one line for each recipient.

The stream is left and taken up again with `Last-Event-ID`, as a console does
whose connection was cut.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.testing.demo.asking import Asked
from gateway.testing.demo.house import House
from gateway.testing.demo.screen import cut, pad
from gateway.testing.demo.waiting import until

LONGEST_SECONDS = 45.0
"""How long to wait for what does not come. Two answers of 503 cost 15 s at most."""

_NAME, _STATE = 22, 13


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event of the stream."""

    id: int
    kind: str
    """`notice` or `case`."""
    data: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Progress:
    """What the events have said so far."""

    house: House
    asked: Asked
    events: list[Event] = field(default_factory=list)
    notices: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id, as the newest event has it."""
    changed: dict[str, float] = field(default_factory=dict)
    """When it last changed, in seconds since the 202."""
    state: str = ""
    """The case's."""
    ended: bool = False
    """The gateway has ended the stream."""

    def take(self, event: Event) -> None:
        """Note an event and print what changed."""
        self.events.append(event)
        if event.kind == "case":
            self.state = event.data["state"]
            return
        notice = event.data
        before = self.notices.get(notice["notice"])
        self.notices[notice["notice"]] = notice
        if before is None or _words(before) != _words(notice):
            self._show(notice["notice"])

    def _show(self, changed: str) -> None:
        self.changed[changed] = time.monotonic() - self.asked.at
        rows = [self._row(notice) for notice in self.notices.values()]
        self.house.screen.board(rows, list(self.notices).index(changed))

    def _row(self, notice: dict[str, Any]) -> str:
        name = pad(cut(self.house.name_of(notice["partner"]), _NAME), _NAME)
        seconds = f"{self.changed[notice['notice']]:6.2f} s"
        return f"{seconds}  {name}  {pad(notice['state'], _STATE)} {_words(notice)}".rstrip()


def _words(notice: dict[str, Any]) -> str:
    """How a notice stands, in words; the same words mean that nothing changed."""
    if notice["settled"]:
        return {"receipt": "settled by its receipt", "person": "settled by a person"}.get(
            notice["evidence"], "settled"
        )
    if needs_person(notice):
        return f"{notice['reason']}; needs a person"
    if notice["state"] == "queued" and notice["attempts"]:
        return f"not taken {notice['attempts']} ×, again soon"
    if notice["state"] == "queued":
        return "waits for the shares in flight" if notice["next_at"] is None else "to be told"
    return "told"


def needs_person(notice: dict[str, Any]) -> bool:
    """Whether no program brings a notice any further."""
    if notice["settled"]:
        return False
    return notice["state"] in ("refused", "failed", "overdue") or notice["reason"] == "manual"


def hopeless(house: House, notice: dict[str, Any]) -> bool:
    """Whether its recipient's last word was not accepted: nothing more is to come."""
    desk = house.everybody[notice["partner"]].fake.notices
    last = [one for one in desk.receipts if one.notice == notice["notice"]][-1:]
    return any(one.http_status >= 400 for one in last)


async def follow(progress: Progress, enough: Callable[[], bool]) -> bool:
    """Follow the stream from where it was left, until it is enough or ends; whether it was."""
    reading = asyncio.create_task(_read(progress))
    try:
        await until(lambda: enough() or reading.done(), seconds=LONGEST_SECONDS)
        if reading.done():
            reading.result()
        return enough()
    finally:
        reading.cancel()
        # Not by itself: a cancellation of ours would look like its own.
        await asyncio.wait({reading})


async def _read(progress: Progress) -> None:
    house, last = progress.house, progress.events[-1].id if progress.events else 0
    url = f"{house.gateway.internal_url}/v1/cases/{progress.asked.case}/events"
    headers = {"Authorization": f"Bearer {house.app.token}", "Last-Event-ID": str(last)}
    timeout = aiohttp.ClientTimeout(total=None)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(url, headers=headers, raise_for_status=True) as response,
    ):
        async for event in events(response.content):
            progress.take(event)
    progress.ended = True


async def events(lines: AsyncIterable[bytes]) -> AsyncIterator[Event]:
    """
    The events in a stream of lines (HTML, 9.2.6), comments left out.

    Raises KeyError for one without id or data, ValueError for data that is no JSON.
    """
    fields: dict[str, str] = {}
    async for raw in lines:
        line = raw.decode().rstrip("\r\n")
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield Event(id=int(fields["id"]), kind=fields["event"], data=json.loads(fields["data"]))
            fields = {}
