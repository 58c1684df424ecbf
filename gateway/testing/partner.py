"""
A whole recipient: a real HTTP server on loopback that verifies what it is sent.

Every share goes through the recipient kit, as at a real partner: grant, digest,
target, replay, opening. What is accepted is kept as copies, answered, and
deleted when a notice says so. Any call can be made to go wrong by a script.

    async with FakePartner("swift-parcel", purpose="order-fulfilment") as partner:
        partner.trust(issuer=gateway.public_url, jwks=f"{gateway.public_url}/.well-known/jwks.json")
        partner.script.next(*unavailable(2))
        ...
        assert len(partner.received) == 3
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
from aiohttp import web

from gateway import recipient
from gateway.recipient import MemorySeen, RecipientError
from gateway.testing.authority import IssuedCertificate
from gateway.testing.behaviour import Answer, Cut, CutAt, Script, answers, perform
from gateway.testing.copies import Copies, Copy
from gateway.testing.gateway_keys import GatewayKeys, JwksSource
from gateway.testing.keys import PartnerKeys
from gateway.testing.listener import Listener
from gateway.testing.notices import NoticeDesk
from gateway.testing.numbered import Numbered, references_in
from gateway.testing.ports import HOST
from gateway.testing.received import RawRequest, Received, Refusal, open_fields, read_document

NOTICES_PATH = "/privacy/notices"
NO_KEYS = "gateway-keys-unreachable"

Respond = Callable[[Received], Mapping[str, Any] | Answer]
PurposeOf = str | Callable[[str, str], str]
"""The purpose of every route, or of a method and target."""


class FakePartner:
    """
    One recipient. `async with` starts and stops it; between `stop` and `start`
    its address is refused, and it comes back at the same.

    What it saw: `arrivals` (share ids, as soon as the head of a request came),
    `received`, `refused`, `unanswered`, `connections`. What it keeps: `copies`.
    """

    def __init__(
        self,
        partner: str = "swift-parcel",
        *,
        purpose: PurposeOf = "order-fulfilment",
        keys: PartnerKeys | None = None,
        verify: bool = True,
        respond: Respond | None = None,
        reference_names: frozenset[str] | None = None,
        notices_path: str = NOTICES_PATH,
        idempotency: str | None = None,
        tls: IssuedCertificate | None = None,
        client_ca: Path | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """
        `reference_names`: members of its answers that hold its own ids of
        records; by default the one that `Numbered` fills.
        `idempotency`: its own header; what comes again under one value is
        answered as before. `client_ca`: whom a caller must be certified by.
        """
        self.id = partner
        self.keys = keys or PartnerKeys.generate(partner)
        self.tls = tls
        self.script = Script()
        self.copies = Copies()
        self.arrivals: list[str] = []
        self.received: list[Received] = []
        self.refused: list[Refusal] = []
        self.unanswered: list[RawRequest] = []
        self.errors: list[Exception] = []
        """What went wrong in the fake itself; raised when it stops."""
        self.connections = 0
        self.respond: Respond = respond or Numbered()
        self._purpose, self._verify, self._idempotency = purpose, verify, idempotency
        self._reference_names, self._client_ca = reference_names, client_ca
        self._notices_path = notices_path
        self._clock = clock or _wall_clock
        self._counter = itertools.count(1)
        self._seen = MemorySeen()
        self._answers: dict[str, Answer] = {}
        self._issuer = ""
        self._port = 0
        self._running: Listener | None = None
        self.notices = NoticeDesk(
            partner,
            key=self.keys.signature,
            copies=self.copies,
            order=self._next_order,
            clock=self._clock,
        )

    @property
    def base_url(self) -> str:
        """For `upstream.base_url`. Raises RuntimeError before the first start."""
        if not self._port:
            raise RuntimeError("the recipient has no address before it is started")
        return f"{'https' if self.tls else 'http'}://{HOST}:{self._port}"

    @property
    def notices_url(self) -> str:
        """For `deletion.url`."""
        return self.base_url + self._notices_path

    def trust(self, *, issuer: str, jwks: JwksSource) -> None:
        """Name the gateway: who issues grants, and where its keys are."""
        self._issuer = issuer
        self.notices.gateway = GatewayKeys(jwks)

    async def start(self) -> None:
        """Listen: at a free port the first time, after that at the same."""
        tls = self.tls.server_context(client_ca=self._client_ca) if self.tls else None
        self._running = await Listener.start(
            self._handle, connected=self._count, port=self._port, tls=tls
        )
        self._port = self._running.port
        self.notices.open(self._running)

    async def stop(self) -> None:
        """Drop every connection and every waiting call. Raises the first of all errors."""
        if self._running is not None:
            running, self._running = self._running, None
            await self.notices.stop()
            await running.stop()
        for error in (*self.errors, *self.notices.errors):
            raise error

    async def __aenter__(self) -> "FakePartner":
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        return f"<FakePartner {self.id}, {len(self.received)} received>"

    async def _handle(self, request: web.Request, running: Listener) -> web.StreamResponse:
        try:
            if request.method == "POST" and request.path == self._notices_path:
                return await self.notices.handle(request, running)
            return await self._share(request, running)
        except ConnectionError:
            # The caller went away, which is its own business; this goes nowhere.
            return web.Response(status=500)
        except Exception as error:
            self.errors.append(error)
            raise

    async def _share(self, request: web.Request, running: Listener) -> web.StreamResponse:
        behaviour = self.script.take()
        self.arrivals.append(request.headers.get("Sharing-Id", ""))
        if isinstance(behaviour, Cut) and behaviour.at is CutAt.REQUEST:
            return await perform(behaviour, request, Answer(), running.released)
        raw = await self._read(request)
        self.unanswered.append(raw)
        usual = await self._accept(raw, running.session)
        response = await perform(behaviour, request, usual, running.released)
        # Written here and not after the return, so that what counts as answered
        # was answered: a caller that is gone by now makes this raise.
        await response.prepare(request)
        await response.write_eof()
        if answers(behaviour):
            self.unanswered.remove(raw)
        return response

    async def _read(self, request: web.Request) -> RawRequest:
        body = await request.read()
        return RawRequest(
            order=self._next_order(),
            at=self._clock(),
            method=request.method,
            target=request.raw_path,
            headers=request.headers.copy(),
            body=body,
            client_certificate=request.get_extra_info("peercert") or None,
        )

    async def _accept(self, raw: RawRequest, session: aiohttp.ClientSession) -> Answer:
        """Verify and keep a share; the usual answer to it."""
        key = raw.headers.get(self._idempotency, "") if self._idempotency else ""
        earlier = self._answers.get(key) if key else None
        try:
            received = await self._open(raw, session, repeated=earlier is not None)
        except RecipientError as error:
            self.refused.append(Refusal(request=raw, code=error.code))
            return Answer(status=400, data={"error": error.code})
        except aiohttp.ClientError:
            # The gateway died before its keys were fetched: nothing can be verified yet.
            self.refused.append(Refusal(request=raw, code=NO_KEYS))
            return Answer(status=503, data={"error": NO_KEYS})
        self.received.append(received)
        if earlier is not None:
            return earlier
        answer = self._answer(received)
        self._keep(received, answer)
        if key:
            self._answers[key] = answer
        return answer

    async def _open(
        self, raw: RawRequest, session: aiohttp.ClientSession, *, repeated: bool
    ) -> Received:
        if not self._verify:
            document = read_document(raw.body, raw.headers.get("Content-Type"))
            return Received(request=raw, claims={}, body=raw.body, document=document)
        # A repetition carries the grant's id a second time, and rightly.
        seen = MemorySeen() if repeated else self._seen
        opened = await self._gateway_keys().verified(
            session, lambda jwks: self._receive(raw, jwks, seen)
        )
        document = _opened(opened)
        return Received(
            request=raw,
            claims=opened.claims,
            body=opened.body,
            document=document,
            repeated=repeated,
        )

    def _receive(
        self, raw: RawRequest, jwks: Mapping[str, Any], seen: MemorySeen
    ) -> recipient.Received:
        return recipient.receive_share(
            raw.method,
            raw.target,
            raw.headers,
            raw.body,
            keys=self.keys.private_jwks(),
            jwks=jwks,
            partner=self.id,
            issuer=self._issuer,
            purpose=self._purpose_of(raw),
            seen=seen,
            now=self._clock(),
        )

    def _gateway_keys(self) -> GatewayKeys:
        if self.notices.gateway is None:
            raise RuntimeError("the recipient has no gateway's keys yet: call trust() first")
        return self.notices.gateway

    def _answer(self, received: Received) -> Answer:
        if "records" in received.claims:
            return self._bulk_answer(received)
        answer = self.respond(received)
        return answer if isinstance(answer, Answer) else Answer(data=dict(answer))

    def _bulk_answer(self, received: Received) -> Answer:
        """An array with an answer for each record, unless one of them answers for all."""
        answers = []
        for document in received.document:
            answer = self.respond(replace(received, document=document))
            if isinstance(answer, Answer):
                return answer
            answers.append(dict(answer))
        return Answer(data=answers)

    def _keep(self, received: Received, answer: Answer) -> None:
        several = isinstance(received.document, list)
        documents = received.document if several else [received.document]
        own = answer.data if several and isinstance(answer.data, list) else None
        for place, document in enumerate(documents):
            said = own[place] if own and len(own) == len(documents) else answer.data
            references = frozenset(references_in(said, self._names_of_references()))
            self.copies.keep(
                Copy(
                    share=received.share,
                    subject=received.claims.get("sub"),
                    purpose=self._purpose_of(received.request),
                    document=document,
                    references=references,
                    at=received.request.at,
                )
            )

    def _names_of_references(self) -> frozenset[str]:
        if self._reference_names is not None:
            return self._reference_names
        return frozenset({self.respond.member} if isinstance(self.respond, Numbered) else ())

    def _purpose_of(self, raw: RawRequest) -> str:
        if isinstance(self._purpose, str):
            return self._purpose
        return self._purpose(raw.method, raw.target)

    def _count(self) -> None:
        self.connections += 1

    def _next_order(self) -> int:
        return next(self._counter)


def _opened(share: recipient.Received) -> Any:
    """What is in a share as JSON values, sealed fields opened; of a bulk share a list."""
    if "records" not in share.claims:
        return open_fields(read_document(share.body, share.content_type), share.field)
    return [open_fields(read_document(one.body, None), one.field) for one in share.records]


def _wall_clock() -> datetime:
    return datetime.now(UTC)
