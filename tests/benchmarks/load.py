"""
The load: so many connections, each sending its next request when the answer to
the last one is there. A plan comes in as JSON, what happened goes out as JSON.

    python load.py < plan.json > happened.json
"""

import asyncio
import json
import resource
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from time import perf_counter

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.wire import Messages, message

SUBJECT = "{subject}"
"""In a header's value: the request's number stands here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to send, how often, and over how many connections."""

    port: int
    connections: int
    target: str
    headers: dict[str, str]
    body: str
    subjects: int
    """Requests speak of person 0, 1, … in turn, up to this many."""
    seconds: float | None = None
    """How long; None: until every person was spoken of once."""


@dataclass(slots=True, kw_only=True)
class Happened:
    """What came of a plan."""

    requests: int = 0
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    busy: float = 0.0
    """CPU seconds of the load generator for each second of the run."""
    head: str = ""
    body: str = ""
    """Of the last answer."""


class Run:
    """One plan being carried out."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.last = (b"", b"")
        self._number = count()
        self._messages = _rendered(plan)
        self._end = perf_counter() + plan.seconds if plan.seconds is not None else None

    def next(self) -> bytes | None:
        """The next request, or None when the plan is done."""
        number = next(self._number)
        if self._end is None:
            return self._messages[number] if number < len(self._messages) else None
        return self._messages[number % len(self._messages)] if perf_counter() < self._end else None

    def answered(self, head: bytes, body: bytes, seconds: float) -> None:
        """One answer came after so many seconds."""
        self.statuses[head[9:12].decode()] += 1
        self.latencies.append(seconds)
        self.last = head, body


class Caller(asyncio.Protocol):
    """One connection; `done` ends when nothing is left to send, or when it breaks."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._messages = Messages()
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        """Note a complete answer and send the next request."""
        for head, body in self._messages.feed(data):
            self._run.answered(head, body, perf_counter() - self._sent)
            self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """A server that closes leaves a request unanswered, which must not pass unseen."""
        if not self.done.done():
            self.done.set_exception(ConnectionError("the server closed a connection"))

    def _send(self) -> None:
        request = self._run.next()
        assert self._transport is not None
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._sent = perf_counter()
        self._transport.write(request)


async def carry_out(plan: Plan) -> Happened:
    """Carry out a plan. Raises `OSError` where a connection breaks."""
    run = Run(plan)
    loop = asyncio.get_running_loop()
    started, used = perf_counter(), _cpu_seconds()
    callers = [
        (await loop.create_connection(lambda: Caller(run), "127.0.0.1", plan.port))[1]
        for _ in range(plan.connections)
    ]
    await asyncio.gather(*(caller.done for caller in callers))
    seconds = perf_counter() - started
    ordered = sorted(run.latencies)
    return Happened(
        requests=len(ordered),
        seconds=seconds,
        statuses=dict(run.statuses),
        p50_ms=_quantile(ordered, 0.50) * 1000,
        p99_ms=_quantile(ordered, 0.99) * 1000,
        busy=(_cpu_seconds() - used) / seconds,
        head=run.last[0].decode("latin-1"),
        body=run.last[1].decode(),
    )


def _rendered(plan: Plan) -> list[bytes]:
    whole = message(f"POST {plan.target} HTTP/1.1", plan.headers, plan.body.encode())
    return [
        whole.replace(SUBJECT.encode(), f"user-{number:06d}".encode())
        for number in range(plan.subjects)
    ]


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    happened = asyncio.run(carry_out(Plan(**json.load(sys.stdin))))
    json.dump(asdict(happened), sys.stdout)
