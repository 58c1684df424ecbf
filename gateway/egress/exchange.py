"""
The moment at which a request leaves, and the address at which it may arrive.

An `Exchange` accompanies one request through aiohttp. It answers the two
questions that aiohttp leaves open: may this address be connected to, and has a
byte of the request been handed to an established connection? Everything that
goes wrong before is "not sent", everything after "may have arrived".
"""

import socket
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from aiohttp.connector import Connection

from gateway.egress.guard import AddressReason, AddressRefused, AddressRules, judge
from gateway.egress.tls import spki_digest
from gateway.errors import PartnerCut, PartnerUnreachable

# aiohttp makes the socket and passes nothing of ours on to it. Tasks copy the
# context in which they start, so this one reaches it, also through the tasks of
# happy eyeballs.
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


def guarded_socket(info: AddressInfo) -> socket.socket:
    """
    Make the socket for one resolved address, if it may be connected to.

    The connector calls this right before it connects to exactly this address,
    for names and literals alike, so no second look-up can change it.
    """
    family, kind, protocol, _, address = info
    CURRENT.get().judge(str(address[0]))
    return socket.socket(family, kind, protocol)
