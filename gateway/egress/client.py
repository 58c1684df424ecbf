"""
One partner's HTTP client.

    send   check the request -> prove ourselves -> connect (guard) -> last look -> write -> read

What is raised tells whether the data may have arrived: `PartnerUnreachable`
and whatever the last look raises mean no, everything else yes. Messages hold
the partner and the kind of trouble; aiohttp's own errors hold whole URLs, so
they are not chained.
"""

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.http import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from gateway.egress.auth import check_auth
from gateway.egress.conversation import converse, request_head
from gateway.egress.exchange import CURRENT, Exchange, guarded_socket
from gateway.egress.guard import AddressRules
from gateway.egress.limits import NotTried
from gateway.egress.proving import Prover, WallClock, wall_clock
from gateway.egress.references import SecretMissing, Secrets
from gateway.egress.tls import read_pins, tls_context
from gateway.errors import (
    GatewayError,
    PartnerCut,
    PartnerFailed,
    PartnerTimeout,
    PartnerUnreachable,
)
from gateway.model.recipients import Tls, Upstream
from gateway.ports import Answer, Outgoing

USER_AGENT = "sharing-gateway"
CONNECTIONS = 64
# Many servers drop an idle connection after 5 seconds (Node, uvicorn, Apache).
# Letting go a little earlier keeps a request from meeting a closing connection,
# which would have to count as "may have arrived".
KEEP_ALIVE_SECONDS = 4.0
# One partner has one origin; what is fetched besides comes from a handful.
MAX_ORIGINS = 64
# aiohttp rounds timeouts above a threshold up to a whole second; ours are exact.
_NEVER_ROUND_SECONDS = float(2**31)

# What the client itself says about the message and the connection. Others of
# these names are left out, so that no declared header can change the framing.
OWN_HEADERS = frozenset(
    {
        *("host", "content-length", "transfer-encoding", "te", "trailer", "expect"),
        *("connection", "keep-alive", "upgrade", "proxy-connection", "proxy-authorization"),
        "accept-encoding",
    }
)

_METHOD = re.compile(r"[A-Za-z]+")
_TARGET = re.compile(r"[\x21-\x7e]+")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# No controls but the tab (RFC 9110 §5.5), and no half of a surrogate pair.
_HEADER_VALUE = re.compile("[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")


class PartnerClient:
    """
    A way to one partner: own connections, own TLS context.

    Nothing is opened before the first request. `partner` is its id, for
    messages. Of `upstream`, the TLS settings hold for every URL that is asked
    for here; the proof (`auth`) goes to the origin of `base_url` and nowhere else.
    """

    def __init__(
        self,
        partner: str,
        upstream: Upstream | None,
        *,
        rules: AddressRules,
        secrets: Secrets,
        folder: Path,
        connections: int = CONNECTIONS,
        resolver: AbstractResolver | None = None,
        clock: WallClock = wall_clock,
    ) -> None:
        """
        `folder`: where relative `file:` references of the TLS settings begin.
        `connections`: at once; who finds none free waits within the connect
        timeout. Raises `ConfigError` (see `check_upstream`).
        """
        check_upstream(partner, upstream)
        self._partner = partner
        auth = upstream.auth if upstream else None
        post = self.send_without_proof
        self._prover = (
            Prover(partner, auth, secrets=secrets, post=post, clock=clock) if auth else None
        )
        self._tls = upstream.tls if upstream else Tls()
        self._pins = read_pins(partner, self._tls.pins)
        self._origin = URL(upstream.base_url).origin() if upstream else None
        self._rules = rules
        self._folder = folder
        self._connections = connections
        self._resolver = resolver
        self._connector: aiohttp.TCPConnector | None = None
        self._ways: dict[URL, aiohttp.ClientRequest] = {}
        self._active = 0
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def send(self, request: Outgoing, *, last_look: Callable[[], None]) -> Answer:
        """
        Send one request and read the whole answer; a redirect is an answer.

        `last_look` is called right before the first byte leaves on an
        established connection. What it raises is raised here; nothing was sent.

        Raises `PartnerUnreachable` (nothing was sent), `PartnerTimeout` and
        `PartnerCut` (it may have arrived), `PartnerResponseRefused` (it did),
        `ValueError` for a request that cannot be written as HTTP (nothing was
        sent). Nothing is tried a second time. Cancelling one call closes its
        connection and leaves others alone.
        """
        return await self._send(request, last_look, self._prover)

    async def send_without_proof(self, request: Outgoing) -> Answer:
        """As `send`, for what discloses nothing: a token is asked for, a key set is fetched."""
        return await self._send(request, _nothing_to_look_at, None)

    async def _send(
        self, request: Outgoing, last_look: Callable[[], None], prover: Prover | None
    ) -> Answer:
        url = _checked(request)
        exchange = Exchange(
            self._partner,
            rules=self._rules,
            plain=url.scheme == "http",
            pins=self._pins,
            last_look=last_look,
        )
        self._active += 1
        self._idle.clear()
        try:
            return await self._run(request, url, exchange, prover)
        finally:
            self._active -= 1
            if not self._active:
                self._idle.set()
                if self._closed:
                    await self._shut()

    async def close(self) -> None:
        """
        Let requests in flight end, then close every connection.

        Who still holds the client may send: its connections are closed again
        after that.
        """
        if self._prover is not None:
            self._prover.close()
        # Another request may begin between the last one's end and our turn.
        while self._active:
            await self._idle.wait()
        self._closed = True
        await self._shut()

    async def _run(
        self, request: Outgoing, url: URL, exchange: Exchange, prover: Prover | None
    ) -> Answer:
        token = CURRENT.set(exchange)
        try:
            async with asyncio.timeout(request.timeout_seconds):
                answer = await self._attempt(request, url, exchange, prover)
            if not exchange.began:
                raise PartnerUnreachable(f"{self._partner}: it answered before it was asked")
            return answer
        except Exception as error:  # noqa: BLE001  # whatever it is, the caller must learn whether bytes left
            failure = self._failure(error, request, exchange)
        finally:
            CURRENT.reset(token)
        # Outside the handler, so that aiohttp's error does not travel along as context.
        try:
            raise failure
        finally:
            # Else frame and error name each other, and what was read of an answer stays
            # in memory until the garbage collector comes by.
            del failure

    async def _attempt(
        self, request: Outgoing, url: URL, exchange: Exchange, prover: Prover | None
    ) -> Answer:
        headers = _headers(request)
        # The proof goes to the partner's own origin and nowhere else.
        prover = prover if url.origin() == self._origin else None
        if prover is not None:
            await prover.prove(request, headers)
        answer = await self._exchanged(request, url, exchange, headers)
        if prover is not None:
            prover.answered(answer.status, headers)
        return answer

    async def _exchanged(
        self, request: Outgoing, url: URL, exchange: Exchange, headers: CIMultiDict[str]
    ) -> Answer:
        method, body = request.method.upper(), request.body or b""
        connection = await self._open().connect(
            self._way(url), [], _connecting_within(request.connect_timeout_seconds)
        )
        return await converse(
            connection,
            exchange,
            method=method,
            head=request_head(method, url, headers.items(), len(body)),
            body=body,
            partner=self._partner,
            limit=request.response_limit,
            first_byte_seconds=request.first_byte_timeout_seconds,
        )

    def _open(self) -> aiohttp.TCPConnector:
        if self._connector is None:
            self._connector = aiohttp.TCPConnector(
                limit=self._connections,
                keepalive_timeout=KEEP_ALIVE_SECONDS,
                socket_factory=guarded_socket,
                resolver=self._resolver,
                ssl=tls_context(self._tls, self._folder),
            )
        return self._connector

    def _way(self, url: URL) -> aiohttp.ClientRequest:
        """What the connector must know of a request; the same for all to one origin."""
        origin = url.origin()
        way = self._ways.get(origin)
        if way is None:
            if len(self._ways) >= MAX_ORIGINS:
                self._ways.clear()
            way = self._ways[origin] = aiohttp.ClientRequest("GET", origin)
        return way

    async def _shut(self) -> None:
        if self._prover is not None:
            self._prover.close()
        connector, self._connector = self._connector, None
        if connector is not None:
            await connector.close()

    def _failure(self, error: Exception, request: Outgoing, exchange: Exchange) -> BaseException:
        if exchange.objection is not None:
            return exchange.objection
        if not exchange.began:
            return self._unreachable(error, exchange)
        if isinstance(error, PartnerFailed):
            return error
        if isinstance(error, TimeoutError):
            return PartnerTimeout(
                f"{self._partner}: no complete answer within {request.timeout_seconds:g} s"
            )
        return PartnerCut(f"{self._partner}: {_how_cut(error)}")

    def _unreachable(self, error: Exception, exchange: Exchange) -> PartnerUnreachable:
        if isinstance(error, PartnerUnreachable):
            return error
        if exchange.refused is not None:
            return NotTried(f"{self._partner}: address refused: {exchange.refused.value}")
        if isinstance(error, SecretMissing):
            return NotTried(f"{self._partner}: {error}")
        return PartnerUnreachable(f"{self._partner}: {_why_unreachable(error)}")


def check_upstream(partner: str, upstream: Upstream | None) -> None:
    """
    Raise `ConfigError` if a client for this upstream could not work: an `auth`
    that is not supported, a pin that is none. Opens no file.
    """
    if upstream is not None:
        check_auth(partner, upstream.auth)
        read_pins(partner, upstream.tls.pins)


def _headers(request: Outgoing) -> CIMultiDict[str]:
    headers = CIMultiDict(
        (name, value) for name, value in request.headers if name.lower() not in OWN_HEADERS
    )
    headers.setdefault("User-Agent", USER_AGENT)
    headers["Accept-Encoding"] = "gzip, deflate"
    return headers


def _nothing_to_look_at() -> None:
    """What is sent here discloses nothing."""


def _checked(request: Outgoing) -> URL:
    if not _METHOD.fullmatch(request.method):
        raise ValueError("the method is not a word")
    if not _TARGET.fullmatch(request.url):
        raise ValueError("the URL is not percent-encoded")
    url = URL(request.url, encoded=True)
    if url.scheme not in ("http", "https") or not url.raw_host or url.raw_user is not None:
        raise ValueError("the URL is not http or https, has no host, or names a user")
    names = [name for name, _ in request.headers]
    # Each character counts by itself, so all values are looked at in one go.
    values = "".join([value for _, value in request.headers])
    if not all(map(_HEADER_NAME.fullmatch, names)) or not _HEADER_VALUE.fullmatch(values):
        raise ValueError("a header holds characters that HTTP does not carry")
    return url


@lru_cache(maxsize=64)
def _connecting_within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=seconds, ceil_threshold=_NEVER_ROUND_SECONDS)


def _why_unreachable(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "its name does not resolve"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate does not verify"
        case aiohttp.ClientConnectorSSLError() | aiohttp.ClientSSLError():
            return "no TLS connection came about"
        case TimeoutError():
            return "no connection in time"
        case aiohttp.InvalidURL():
            return "its address is not valid"
        case _:
            return f"no connection came about ({_kind(error)})"


def _how_cut(error: Exception) -> str:
    match error:
        case HttpProcessingError():
            return "its answer is not HTTP"
        case GatewayError():
            return error.code
        case _:
            return f"the connection broke before the answer was complete ({_kind(error)})"


def _kind(error: Exception) -> str:
    """The type, and the system's own type below it; both are fixed words."""
    below = getattr(error, "os_error", None) or error.__cause__
    return (
        type(error).__name__ if below is None else f"{type(error).__name__}, {type(below).__name__}"
    )
