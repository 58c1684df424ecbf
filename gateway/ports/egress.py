"""Every outbound connection."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from gateway.model.ids import PartnerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One request to a partner, exactly as it will be sent."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    timeout_seconds: float
    connect_timeout_seconds: float
    response_limit: int
    first_byte_timeout_seconds: float | None = None
    """From the request's first byte to the answer's head; None: the whole alone is bounded."""

    def __repr__(self) -> str:
        return f"<Outgoing {self.method}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A partner's answer, decompressed within bounds."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"<Answer {self.status}>"


class PartnerPort(Protocol):
    """A way to one partner."""

    async def send(self, request: Outgoing, *, last_look: Callable[[], None]) -> Answer:
        """
        Send one request and read the whole answer.

        `last_look` is called right before the first byte leaves on an
        established connection; what it raises is raised here, and nothing was
        sent. Raises `PartnerUnreachable` (nothing was sent), `PartnerTimeout`,
        `PartnerCut` (it may have arrived), `PartnerResponseRefused` (it did).
        """


class Use(StrEnum):
    """What a recipient is called for; it may take one and not the other."""

    SHARES = "shares"
    NOTICES = "notices"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """A recipient is not called now. Nothing was tried, and nothing failed."""

    seconds: float
    """After which it is worth trying again."""
    why: str
    """In fixed words."""


class Permit(AbstractContextManager["Permit"], Protocol):
    """Leave to call a recipient once; leaving the block gives it back."""

    def begin(self) -> NotNow | None:
        """
        Ask right before anything is recorded of the call: None, or that the recipient
        is left alone for a while because it failed every time.
        """


class Egress(Protocol):
    """Ways to all partners."""

    def partner(self, partner: Any, use: Use = Use.SHARES) -> PartnerPort:
        """The way to this partner as its manifest now stands."""

    def admit(self, partner: Any, use: Use = Use.SHARES) -> Permit | NotNow:
        """
        Leave to call a partner, or that it is too much at once for it as its manifest
        says (`concurrency`, `rate`); these bound shares and no notices.
        """

    def resting(self, use: Use) -> tuple[PartnerId, ...]:
        """Who is left alone now."""

    def failing(self) -> tuple[PartnerId, ...]:
        """Who failed every time, and is asked by single calls until it answers."""

    async def published_keys(
        self, partner: Any, *, anew: bool = False
    ) -> tuple[Mapping[str, Any], float]:
        """
        The JWK Set at a partner's `keys` URL, and how many seconds ago it was fetched.
        It is asked for once in five minutes; with `anew` now, unless that was tried a
        moment ago.

        Raises `GatewayError` where none can be had, nor was in the last day.
        """

    def secret(self, reference: str) -> str:
        """The value of a reference in a manifest. Raises `GatewayError` where there is none."""

    def authorities(self) -> Sequence[bytes]:
        """The authorities whose certificates count where nothing else is said, in DER."""

    async def ask(self, request: Outgoing) -> Answer:
        """
        Ask somebody who is no recipient, such as a witness, under the same rules for
        addresses; nothing personal may be in it. Raises as `PartnerPort.send`.
        """

    def keep(self, partners: Iterable[Any]) -> None:
        """After a reload: only these partners count; other ways end with their requests."""

    async def close(self) -> None:
        """Close every connection when its request has ended."""
