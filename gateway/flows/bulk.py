"""
A bulk request: lines in, batches out, an answer for each line (contract §6).

    bytes -> lines -> decide and cut, some at a time -> a frame fills -> it leaves as one
    batch while the next one fills -> answers, in the order of the lines

However many lines there are, two frames are in memory: one on its way and one
that fills. Who sends faster than the partner takes waits at his socket, and so
does who reads the answers more slowly than they come.
"""

import asyncio
from time import perf_counter
from typing import Protocol

from gateway.errors import CallerError, Reason
from gateway.flows.answers import problem_of
from gateway.flows.bulk_answers import Tally, answer, count
from gateway.flows.bulk_batches import carry
from gateway.flows.bulk_frames import Frame, Line, open_frame, read_bulk
from gateway.flows.bulk_lines import judge, refusals
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Head, Incoming
from gateway.flows.record import keep_refusals
from gateway.model.payload import Body
from gateway.shape.inflate import Decoder, decoder_for
from gateway.shape.lines import LineSplitter

# A frame that is not full leaves once it has waited so long for lines.
PATIENCE_SECONDS = 0.25

# A frame holds so many bytes and lines at most, whatever becomes of the lines.
FRAME_BYTES = 4 * 1024 * 1024
FRAME_LINES = 1000
"""Or twice as many as a batch has records, where that is more."""

# So many bytes are decided together at most, so that others get their turn.
TOGETHER_BYTES = 256 * 1024


class CallerGone(Exception):
    """Nobody sends or reads any more."""


class Draining(Exception):
    """The gateway stops: what is on its way ends, no further line is taken."""


class Lines(Protocol):
    """The body of a bulk request as it comes."""

    async def piece(self, patience_seconds: float | None) -> bytes | None:
        """
        What came next; empty at the end; None where nothing came in so many seconds.

        Raises `CallerGone`, `Draining`, and `CallerError` where it is not framed as
        HTTP has it.
        """

    def give_up(self) -> None:
        """From now on, and for who waits already, `piece` raises `CallerGone`."""


class Answers(Protocol):
    """The answer to a bulk request as it goes."""

    async def begin(self) -> None:
        """Send the head, status 200. Raises `CallerGone`."""

    async def write(self, text: bytes) -> None:
        """Send lines. Raises `CallerGone` where nobody takes them."""


def begin(incoming: Incoming, gateway: Gateway) -> tuple[Head, Decoder]:
    """
    Everything that concerns the request as a whole, before its first line.

    Raises `CallerError`; nothing was read then.
    """
    head = read_bulk(incoming, gateway)
    decoder = decoder_for(incoming.one("content-encoding") or "identity")
    if gateway.in_flight >= gateway.config["limits.shares"]:
        detail = "too many shares are in flight at once"
        raise CallerError(Reason.RATE_LIMITED, detail, retry_after=1)
    return head, decoder


class Bulk:
    """One bulk request on its way. Use `run` once."""

    def __init__(
        self, head: Head, decoder: Decoder, gateway: Gateway, lines: Lines, answers: Answers
    ) -> None:
        standing = head.standing
        self._incoming, self._gateway = head.incoming, gateway
        self._records = standing.route.bulk_records or 1
        self._most = max(FRAME_LINES, 2 * self._records)
        self._decoder, self._input, self._answers = decoder, lines, answers
        self._splitter = LineSplitter(standing.limits(gateway.limits).bytes)
        self._frame: Frame | None = None
        self._waiting: list[Line] = []
        self._bytes_waiting = 0
        self._flying: asyncio.Task[None] | None = None
        self.tally = Tally()

    async def run(self) -> Tally:
        """
        Take every line and answer it.

        Ends early, with what has an intent settled, when the caller goes away or the
        gateway stops; then `Tally.whole` is false.
        """
        try:
            await self._all()
        except CallerGone:
            # What is on its way ends as it ends; what has not left stays.
            await self._landed(anybody=False)
        except BaseException:
            await self._break_off()
            raise
        return self.tally

    async def _all(self) -> None:
        try:
            await self._read()
        except Draining:
            await self._leave()
            await self._landed()
            return
        await self._leave()
        await self._landed()
        await self._answers.begin()
        self.tally.whole = True

    async def _read(self) -> None:
        try:
            while piece := await self._next():
                for part in self._decoder.feed(piece):
                    for line in self._splitter.feed(part):
                        await self._take(line)
                await self._decide()
            self._decoder.finish()
        except CallerError as error:
            # Nothing behind it can be read any more.
            await self._unreadable(error)
            return
        for line in self._splitter.finish():
            await self._take(line)

    async def _next(self) -> bytes:
        """What came next; whoever waits too long for it leaves meanwhile."""
        while True:
            frame = self._frame
            patience = None if frame is None else max(0.0, PATIENCE_SECONDS - frame.waited)
            started = perf_counter()
            piece = await self._input.piece(patience)
            if piece is not None:
                if frame is not None:
                    frame.waited += perf_counter() - started
                return piece
            await self._leave()

    async def _take(self, octets: Body | None) -> None:
        self.tally.lines += 1
        if self.tally.lines == 1:
            await self._answers.begin()
        self._waiting.append(Line(number=self.tally.lines, octets=octets))
        self._bytes_waiting += len(octets or b"")
        if len(self._waiting) >= self._room() or self._bytes_waiting >= TOGETHER_BYTES:
            await self._decide()

    def _room(self) -> int:
        """How many lines the frame takes for certain."""
        if self._frame is None:
            return self._records
        records = self._records - self._frame.records
        return min(records, self._most - len(self._frame.lines))

    async def _decide(self) -> None:
        """Decide the lines that wait, and let the frame go once it is full."""
        lines, size = self._waiting, self._bytes_waiting
        if not lines:
            return
        self._waiting, self._bytes_waiting = [], 0
        frame = self._frame = self._frame or open_frame(self._incoming, self._gateway)
        await judge(frame, lines, self._gateway)
        frame.lines += lines
        frame.size += size
        frame.records += sum(line.packed is not None for line in lines)
        if self._room() <= 0 or frame.size >= FRAME_BYTES:
            await self._leave()

    async def _unreadable(self, error: CallerError) -> None:
        await self._decide()
        self.tally.lines += 1
        if self.tally.lines == 1:
            await self._answers.begin()
        line = Line(number=self.tally.lines, octets=None)
        line.decline(problem_of(error))
        frame = self._frame = self._frame or open_frame(self._incoming, self._gateway)
        frame.lines.append(line)

    async def _leave(self) -> None:
        """Let the frame go, as soon as the one before it has come to its end."""
        await self._decide()
        frame, self._frame = self._frame, None
        if frame is None:
            return
        await self._landed()
        self._flying = asyncio.create_task(self._carry(frame))
        self._flying.add_done_callback(self._heed)

    def _heed(self, flying: "asyncio.Task[None]") -> None:
        # Whoever waits for a line would never learn of it.
        if not flying.cancelled() and flying.exception() is not None:
            self._input.give_up()

    async def _carry(self, frame: Frame) -> None:
        started = perf_counter()
        await carry(frame, self._gateway)
        if refused := refusals(frame, self._gateway):
            await keep_refusals(self._gateway, refused)
        count(frame, self.tally, self._gateway, seconds=perf_counter() - started)
        await self._answers.write(answer(frame))

    async def _landed(self, *, anybody: bool = True) -> None:
        flying, self._flying = self._flying, None
        if flying is None:
            return
        try:
            await flying
        except CallerGone:
            if anybody:
                raise

    async def _break_off(self) -> None:
        flying, self._flying = self._flying, None
        if flying is not None:
            flying.cancel()
            await asyncio.gather(flying, return_exceptions=True)
