"""
The desk of a recipient that is told to delete.

A notice is a Standard Webhook (contract §9). What is verified and means
`subject.erase` deletes the recipient's copies; then the desk sends signed
receipts to the address that the notice names, until the gateway has answered.
How a notice is settled is a plan; how the line behaves is a script.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import aiohttp
from aiohttp import web

from gateway.recipient import Notice, RecipientError, sign_receipt, verify_notice
from gateway.testing.behaviour import Answer, Cut, CutAt, Delay, Script, pause, perform, replaces
from gateway.testing.copies import Copies
from gateway.testing.gateway_keys import GatewayKeys
from gateway.testing.keys import Jwk
from gateway.testing.listener import Listener

RECEIPT_TYPE = "application/jose"
ERASE = "subject.erase"
ASKED = frozenset(
    f"subject.{action}" for action in ("erase", "rectify", "restrict", "unrestrict", "withdraw")
)
# A recipient whose receipt was not taken tries again: at first at once, then each second.
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt to be sent, some time after the notice was answered."""

    status: str = "completed"
    fields: Mapping[str, Any] = field(default_factory=dict)
    """`reason`, `backups_until`, `downstream` as the contract has them."""
    after_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a recipient does at a notice that it has verified."""

    deletes: bool = True
    says: Mapping[str, Any] | None = field(default_factory=lambda: {"status": "acknowledged"})
    """The JSON of its 200; None for an empty one."""
    receipts: tuple[Receipt, ...] = (Receipt(),)


def complete(*, after_seconds: float = 0.0, **fields: Any) -> Plan:
    """Delete, and say so in a receipt."""
    return Plan(receipts=(Receipt(fields=fields, after_seconds=after_seconds),))


def refuse(reason: str, *, after_seconds: float = 0.0) -> Plan:
    """Keep the data, and say why in a receipt."""
    told = Receipt(status="refused", fields={"reason": reason}, after_seconds=after_seconds)
    return Plan(deletes=False, receipts=(told,))


def acknowledge_only() -> Plan:
    """Say that the notice came, and nothing after that."""
    return Plan(deletes=False, receipts=())


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeReceived:
    """One call at the desk: verified, refused with a `code`, or not looked at. Prints no data."""

    order: int
    """Its place among everything that reached this recipient, shares included."""
    at: datetime
    notice: str
    """`webhook-id` as it came; empty without one."""
    headers: Mapping[str, str]
    raw: bytes
    code: str | None = None
    """Why it was refused; None if it was verified."""
    type: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    deleted: int = 0
    """How many copies went."""
    verified: bool = False

    def __repr__(self) -> str:
        return f"<NoticeReceived {self.notice} {self.type or self.code}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptSent:
    """A receipt, and the status with which the gateway answered."""

    notice: str
    status: str
    token: str = field(repr=False)
    http_status: int


class NoticeDesk:
    """
    The notices' side of a recipient.

    `received` lists every call, `receipts` every receipt with its answer.
    """

    def __init__(
        self,
        partner: str,
        *,
        key: Jwk,
        copies: Copies,
        order: Callable[[], int],
        clock: Callable[[], datetime],
    ) -> None:
        self.script = Script()
        self.plan: Plan = complete()
        """What happens at each notice; may be changed at any time."""
        self.plans: dict[str, Plan] = {}
        """What happens at one notice, by its id, instead."""
        self.received: list[NoticeReceived] = []
        self.receipts: list[ReceiptSent] = []
        self.errors: list[Exception] = []
        """What went wrong with receipts; raised when the recipient stops."""
        self.gateway: GatewayKeys | None = None
        self._partner, self._key, self._copies = partner, key, copies
        self._order, self._clock = order, clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._urls: dict[str, tuple[str, str]] = {}
        self._running: Listener | None = None

    def open(self, running: Listener) -> None:
        """Work on this server from now on."""
        self._running = running

    async def handle(self, request: web.Request, running: Listener) -> web.StreamResponse:
        """Answer one call of the gateway."""
        behaviour, released = self.script.take(), running.released
        if isinstance(behaviour, Cut) and behaviour.at is CutAt.REQUEST:
            return await perform(behaviour, request, Answer(), released)
        order, raw = self._order(), await request.read()
        came = NoticeReceived(
            order=order,
            at=self._clock(),
            notice=request.headers.get("webhook-id", ""),
            headers=dict(request.headers),
            raw=raw,
        )
        if replaces(behaviour):
            self.received.append(came)
            return await perform(behaviour, request, Answer(), released)
        if isinstance(behaviour, Delay):
            await pause(behaviour.seconds, released)
            behaviour = behaviour.then
        usual = await self._settle(came, running.session)
        return await perform(behaviour, request, usual, released)

    async def send_receipt(self, notice: str, receipt: Receipt) -> ReceiptSent:
        """
        Sign and send one receipt for a notice that came, until it is answered.

        Raises KeyError for a notice that never came, and RuntimeError when the
        recipient is not running.
        """
        if self._running is None:
            raise RuntimeError("the recipient is not running")
        session = self._running.session
        url, audience = self._urls[notice]
        await asyncio.sleep(receipt.after_seconds)
        token = sign_receipt(
            self._key,
            partner=self._partner,
            audience=audience,
            notice=notice,
            status=receipt.status,
            now=self._clock(),
            **receipt.fields,
        )
        status = await post_receipt(session, url, token)
        sent = ReceiptSent(notice=notice, status=receipt.status, token=token, http_status=status)
        self.receipts.append(sent)
        return sent

    async def idle(self) -> None:
        """Wait until every planned receipt was answered."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def stop(self) -> None:
        """Give up on receipts that are not out yet."""
        self._running = None
        for task in self._tasks:
            task.cancel()
        await self.idle()

    async def _settle(self, came: NoticeReceived, session: aiohttp.ClientSession) -> Answer:
        if self.gateway is None:
            raise RuntimeError("the recipient has no gateway's keys yet: call trust() first")
        try:
            notice = await self.gateway.verified(
                session,
                lambda jwks: verify_notice(came.headers, came.raw, jwks, now=self._clock()),
            )
        except RecipientError as error:
            self.received.append(replace(came, code=error.code))
            return Answer(status=401, data={"error": error.code})
        except aiohttp.ClientError:
            self.received.append(came)
            return Answer(status=503)
        return self._obey(came, notice)

    def _obey(self, came: NoticeReceived, notice: Notice) -> Answer:
        plan = self.plans.get(notice.id, self.plan)
        deleted = 0
        if notice.type == ERASE and plan.deletes:
            subject = "" if notice.get("only_references") else notice["subject"]
            deleted = self._copies.delete(
                subject, notice.get("references", ()), notice.get("purposes", ())
            )
        self.received.append(
            replace(came, type=notice.type, data=notice, deleted=deleted, verified=True)
        )
        self._urls[notice.id] = (notice["receipts"], notice["issuer"])
        # Of all that is asked but an erasure there is nothing to do here: it uses nothing,
        # before a withdrawal and after it.
        for receipt in plan.receipts if notice.type in ASKED else ():
            self._later(notice.id, receipt)
        return Answer(data=plan.says)

    def _later(self, notice: str, receipt: Receipt) -> None:
        async def send() -> None:
            try:
                await self.send_receipt(notice, receipt)
            except Exception as error:  # noqa: BLE001 (raised again when the recipient stops)
                self.errors.append(error)

        task = asyncio.create_task(send())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def post_receipt(session: aiohttp.ClientSession, url: str, token: str) -> int:
    """
    Send a receipt until the gateway answers below 500; its status.

    A gateway that is down for a while still gets it, as it asks no second time.
    """
    pause_seconds = _FIRST_PAUSE_SECONDS
    while True:
        try:
            async with session.post(
                url, data=token.encode("ascii"), headers={"Content-Type": RECEIPT_TYPE}
            ) as response:
                if response.status < 500:
                    return response.status
        except (aiohttp.ClientConnectionError, TimeoutError):
            pass
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
