"""
The moment at which a request leaves, and the address at which it may arrive.

An `Exchange` accompanies one request through aiohttp. It answers the two
questions that aiohttp leaves open: may this address be connected to, and has a
byte of the request been handed to an established connection? Everything that
goes wrong before is "not sent", everything after "may have arrived".

Where the last look stands, and why there. aiohttp's tracing hooks cannot carry
it: what `on_connection_create_end` and `on_connection_reuseconn` raise loses
the connection without closing it, and both come before further awaits. So the
request class does it. aiohttp gathers head and body and hands them to the
transport in one call, in `write_bytes` where there is a body, else in `send`.
Between the look and that call nothing awaits, so nothing of this process can
come between, and what the look raises closes the connection before any byte.
"""

import socket
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from aiohttp import ClientRequest, ClientResponse
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection

from gateway.egress.guard import AddressReason, AddressRefused, AddressRules, judge
from gateway.egress.tls import spki_digest
from gateway.errors import PartnerCut, PartnerUnreachable

# aiohttp makes the request and the socket, and passes nothing of ours on to
# them. Tasks copy the context in which they start, so this one reaches both,
# also through the tasks of happy eyeballs and of the body's writer.
CURRENT: "ContextVar[Exchange]" = ContextVar("gateway_egress_exchange")

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
"""As of `socket.getaddrinfo`."""


class Exchange:
    """One request on its way: what it must pass, and how far it came."""

    __slots__ = ("_look", "_partner", "_pins", "_plain", "_rules", "began", "objection", "refused")

    def __init__(
        self,
        partner: str,
        *,
        rules: AddressRules,
        plain: bool,
        pins: frozenset[bytes],
        last_look: Callable[[], None],
    ) -> None:
        self._partner = partner
        self._rules = rules
        self._plain = plain
        self._pins = pins
        self._look = last_look
        self.began = False
        """The request is about to be handed to an established connection, or was."""
        self.refused: AddressReason | None = None
        """Why an address of this partner was refused; the connector's error may not tell."""
        self.objection: BaseException | None = None
        """What the last look raised."""

    def judge(self, address: str) -> None:
        """Let an address pass or raise `AddressRefused`, and remember why."""
        try:
            judge(address, self._rules, plain=self._plain)
        except AddressRefused as refused:
            self.refused = refused.reason
            raise

    def begin(self, connection: Connection) -> None:
        """
        The last look. When it returns, the next thing to happen is the first byte.

        Raises what the look raises, and `PartnerUnreachable` when the connection
        cannot carry the request after all.
        """
        if self.began:
            raise PartnerCut(f"{self._partner}: the request would have been sent a second time")
        self.check(connection)
        try:
            self._look()
        except BaseException as objection:
            self.objection = objection
            raise
        self.began = True

    def check(self, connection: Connection) -> None:
        """
        Raise `PartnerUnreachable` unless the connection can carry the request.

        A kept one may have been closed by the peer since it was taken, or hold
        an answer that nobody asked for (`should_close`), which would be taken
        for the answer to this request.
        """
        protocol = connection.protocol
        if connection.closed or protocol is None or protocol.should_close:
            raise PartnerUnreachable(f"{self._partner}: the connection was lost before it was used")
        if self._pins and not self._plain:
            tls = protocol.transport and protocol.transport.get_extra_info("ssl_object")
            certificate = tls and tls.getpeercert(binary_form=True)
            if not certificate or spki_digest(certificate) not in self._pins:
                raise PartnerUnreachable(f"{self._partner}: its key is not among the pinned ones")


class GuardedRequest(ClientRequest):
    """aiohttp's request with the last look in it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._exchange = CURRENT.get()

    async def send(self, conn: Connection) -> ClientResponse:
        """Write the request; without a body it leaves here, before anything awaits."""
        # With a body also here: aiohttp starts to read before the body's writer
        # has had its turn, and would find an answer that lies there already.
        self._exchange.check(conn)
        if self._body is None:
            self._exchange.begin(conn)
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Write the body and, in the same call, the head that was kept for it."""
        if self._body is not None:
            try:
                self._exchange.begin(conn)
            except BaseException as objection:  # noqa: BLE001  # handed to whoever waits for the answer
                # This may run in a task of its own; `ClientResponse.start` waits
                # on the protocol, gets the exception and closes the connection.
                if conn.protocol is not None:
                    conn.protocol.set_exception(objection)
                return
        await super().write_bytes(writer, conn, content_length)


def guarded_socket(info: AddressInfo) -> socket.socket:
    """
    Make the socket for one resolved address, if it may be connected to.

    The connector calls this right before it connects to exactly this address,
    for names and literals alike, so no second look-up can change it.
    """
    family, kind, protocol, _, address = info
    CURRENT.get().judge(str(address[0]))
    return socket.socket(family, kind, protocol)
