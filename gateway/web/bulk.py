"""`/share/…` with an NDJSON body: lines read and answers written at the same time."""

import asyncio
from collections import defaultdict
from contextlib import suppress
from time import perf_counter

from aiohttp import web

from gateway.access.scopes import Service
from gateway.errors import CallerError, Reason
from gateway.flows.answers import problem_of
from gateway.flows.bulk import Bulk, CallerGone, Draining, begin
from gateway.flows.bulk_answers import Tally
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Head, Incoming, check_charset
from gateway.flows.record import record_refusal
from gateway.model.ids import PartnerId
from gateway.shape.inflate import Decoder
from gateway.shape.lines import NDJSON
from gateway.web import problems
from gateway.web.requests import check_coding, target
from gateway.web.server import SERVER

# How long answers wait for somebody to take them. Who sends all lines before
# reading the first answer stops both directions once what lies between is full.
TAKEN_SECONDS = 60.0


def is_bulk(request: web.BaseRequest) -> bool:
    """Whether the body is NDJSON."""
    media = request.headers.get("Content-Type", "").partition(";")[0]
    return media.strip().lower() == NDJSON


async def handle(
    request: web.BaseRequest, gateway: Gateway, service: Service, prefix: str
) -> web.StreamResponse:
    """Answer a bulk request line by line, or with a problem before the first."""
    started = perf_counter()
    incoming = _incoming(request, gateway, service, prefix)
    try:
        check_coding(request)
        check_charset(request.headers["Content-Type"].split(";")[1:])
        head, decoder = begin(incoming, gateway)
    except CallerError as error:
        return await _refused(incoming, gateway, error, started)
    return await _stream(request, gateway, head, decoder, started)


def _incoming(
    request: web.BaseRequest, gateway: Gateway, service: Service, prefix: str
) -> Incoming:
    path, query = target(request)
    partner, slash, rest = path.removeprefix(prefix).partition("/")
    headers: dict[str, list[str]] = defaultdict(list)
    for name, value in request.headers.items():
        headers[name.lower()].append(value)
    return Incoming(
        service=service,
        method=request.method,
        partner=partner,
        path=slash + rest,
        query=query,
        headers=headers,
        body=None,
        share=new_id("shr", gateway.random),
    )


async def _refused(
    incoming: Incoming, gateway: Gateway, error: CallerError, started: float
) -> web.Response:
    """What concerns the request as a whole, before any line is read."""
    told = problem_of(error)
    await record_refusal(incoming, gateway, told)
    known = _known(incoming, gateway)
    gateway.metrics.refused(partner=known, code=told.reason.value)
    gateway.log.info(
        "bulk",
        service=incoming.service.name,
        **({"partner": known} if known else {}),
        status=told.status,
        code=told.reason.value,
        milliseconds=(perf_counter() - started) * 1000,
    )
    response = problems.respond(told)
    # The body is not read.
    response.force_close()
    return response


def _known(incoming: Incoming, gateway: Gateway) -> str | None:
    id = PartnerId(incoming.partner)
    return incoming.partner if id in gateway.policy.policy.partners else None


async def _stream(
    request: web.BaseRequest, gateway: Gateway, head: Head, decoder: Decoder, started: float
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"Content-Type": NDJSON, "Cache-Control": "no-store", "Server": SERVER}
    )
    lines = _Lines(request, gateway)
    bulk = Bulk(head, decoder, gateway, lines, _Answers(request, response))
    try:
        tally = await bulk.run()
        await _end(request, response, tally)
    except BaseException:
        # Half an answer is never taken for a whole one.
        if request.transport is not None:
            request.transport.abort()
        raise
    finally:
        lines.close()
        _log(gateway, head, bulk.tally, perf_counter() - started)
    return response


async def _end(request: web.BaseRequest, response: web.StreamResponse, tally: Tally) -> None:
    if tally.whole:
        with suppress(ConnectionError):
            await response.write_eof()
        return
    response.force_close()
    if request.transport is not None:
        # Not aborted: answers that were written shall arrive, and only the end be missing.
        request.transport.close()


def _log(gateway: Gateway, head: Head, tally: Tally, seconds: float) -> None:
    route = head.standing.route
    gateway.log.info(
        "bulk",
        service=head.incoming.service.name,
        partner=head.partner.partner.id,
        route=route.id,
        purpose=route.purpose,
        ground=head.ground or route.ground,
        count=tally.lines,
        records=tally.records,
        refused=tally.lines - tally.records,
        batch=tally.batches,
        state="whole" if tally.whole else "cut",
        milliseconds=seconds * 1000,
    )


class _Lines:
    """Implements `flows.bulk.Lines`."""

    def __init__(self, request: web.BaseRequest, gateway: Gateway) -> None:
        self._request = request
        self._reading: asyncio.Future[bytes] | None = None
        self._stopping = asyncio.ensure_future(gateway.stopping.wait())
        self._gone = asyncio.get_running_loop().create_future()
        self._asked = False

    async def piece(self, patience_seconds: float | None) -> bytes | None:
        """See `Lines.piece`."""
        await self._ask()
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._request.content.readany())
        done, _ = await asyncio.wait(
            (self._reading, self._stopping, self._gone),
            timeout=patience_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self._gone in done:
            raise CallerGone
        if self._stopping in done:
            raise Draining
        return self._read() if done else None

    def give_up(self) -> None:
        """See `Lines.give_up`."""
        if not self._gone.done():
            self._gone.set_result(None)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._stopping.cancel()
        if self._reading is not None:
            self._reading.cancel()

    async def _ask(self) -> None:
        if self._asked:
            return
        self._asked = True
        if self._request.headers.get("Expect", "").lower() == "100-continue":
            # RFC 9110 §10.1.1: who waits to be asked for the body is asked now.
            await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._request.writer.output_size = 0

    def _read(self) -> bytes:
        reading, self._reading = self._reading, None
        assert reading is not None
        try:
            return reading.result()
        except ConnectionError as error:
            raise CallerGone from error
        except web.RequestPayloadError as error:
            transport = self._request.transport
            if transport is None or transport.is_closing():
                raise CallerGone from error
        # Not chained: the error may quote the body.
        raise CallerError(Reason.BODY_MALFORMED, "the body is not framed as HTTP has it")


class _Answers:
    """Implements `flows.bulk.Answers`."""

    def __init__(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        self._request = request
        self._response = response

    async def begin(self) -> None:
        """See `Answers.begin`."""
        if self._response.prepared:
            return
        try:
            await self._response.prepare(self._request)
        except ConnectionError as error:
            raise CallerGone from error

    async def write(self, text: bytes) -> None:
        """See `Answers.write`."""
        try:
            async with asyncio.timeout(TAKEN_SECONDS):
                await self._response.write(text)
        except (ConnectionError, TimeoutError) as error:
            raise CallerGone from error
