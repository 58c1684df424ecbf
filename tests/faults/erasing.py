"""
People are being deleted when the gateway is killed with SIGKILL.

    async with Scene.open(folder) as scene:
        blow = await scene.blow()
        assert blow.counts and not blow.broken

Recipients behave as they do: one takes its time to answer, one is unavailable
for a while, one sends its receipt late, one sends two. Of the people of one blow
some are being deleted since their request was answered with 202, and of one the
request itself is on its way. What must hold after the restart:

1. Every case closes, with a certificate that verifies and is about its person.
2. Every recipient that had a share was told, deleted its copies, and was heard.
3. A notice has one id and one body, however often it was sent: what is repeated
   is never told as if it were new.
4. The request without an answer, sent again under its idempotency key, has one
   case and one set of notices.
5. Nothing more is shared about any of them.

Each breach is one line in `Blow.broken`.
"""

import asyncio
import hashlib
import json
import random
import sqlite3
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp

from gateway.cases.certificate import CertificateInvalid, verify_certificate
from gateway.keyring import FileKeyring
from gateway.testing import traffic
from gateway.testing.behaviour import Delay, unavailable
from gateway.testing.builders import a_manifest, a_token, write_manifest
from gateway.testing.client import GatewayClient, Reply
from gateway.testing.notices import NoticeReceived, Plan, Receipt, complete
from gateway.testing.partner import FakePartner
from gateway.testing.people import Person, person
from gateway.testing.server import GatewayProcess
from tests.homes import a_home

PROMPT, SLOW, UNWELL, LATE, STEPWISE = "prompt", "slow", "unwell", "late", "stepwise"
NAMES = (PROMPT, SLOW, UNWELL, LATE, STEPWISE)

SINCE = 2
"""How many people of each blow are being deleted since a 202."""

LONGEST_SECONDS = 1.0
"""From the last 202 to the kill, at most."""
OUTSTANDING_SECONDS = 0.012
"""From the request that gets no answer to the kill, at most."""

CLOSED_SECONDS = 90.0
GRANT_SECONDS = 300.0
SCOPES = ("share", "case:write", "case:read", "ledger:read")
VERIFIED = {"method": "app-session", "reference": "session-17", "at": "2026-11-01T10:00:00Z"}


@dataclass(slots=True)
class Deletion:
    """One person's, and what the app knows of it."""

    whom: Person
    key: str
    partners: Sequence[str]
    """Who has something of the person."""
    answer: dict[str, Any] | None = None
    """Of the 202; None: none came yet."""


@dataclass(slots=True)
class Blow:
    """One kill: what was going on, and what was broken by it."""

    number: int
    open_cases: int = 0
    """Answered with 202 and not closed when the process died."""
    stages: dict[str, int] = field(default_factory=dict)
    """How far the unclosed cases were, in the dead process's own words."""
    unsettled: int = 0
    """Notices of those cases without a settlement."""
    sending: int = 0
    """Of these, how many were on their way."""
    told: int = 0
    """Notices that recipients verified, repeats included."""
    repeated: int = 0
    in_flight: int = 0
    """Shares on their way when it died."""
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Whether a case stood between its 202 and its close."""
        return self.open_cases > 0

    def summary(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "counts": self.counts}


class Scene:
    """A home, its gateway and the recipients, over any number of kills."""

    def __init__(
        self, home: Path, partners: dict[str, FakePartner], logs: Path, *, seed: int, refusals: int
    ) -> None:
        self.home, self.partners = home, partners
        self.gateway = GatewayProcess(home, logs=logs)
        self.rng = random.Random(seed)
        self.jwks = FileKeyring(home / "keys").public_jwks()
        self.token = a_token(home, service="order-service", scope=SCOPES)
        self._refusals = refusals
        self._blows = 0
        self._people = 0
        self._kept: list[tuple[Blow, Deletion]] = []
        for partner in partners.values():
            partner.trust(issuer=self.gateway.public_url, jwks=self.jwks)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, folder: Path, *, seed: int = 1, refusals: int = 1
    ) -> AsyncIterator["Scene"]:
        """A running gateway. `refusals`: how often the unwell recipient says 503 in each blow."""
        async with AsyncExitStack() as stack:
            home = await a_home(folder / "home")
            partners = {name: FakePartner(name) for name in NAMES}
            for partner in partners.values():
                await stack.enter_async_context(partner)
                write_manifest(home, partner, _manifest(partner))
            partners[SLOW].notices.script.always(Delay(0.8))
            partners[LATE].notices.plan = complete(after_seconds=0.8)
            partners[STEPWISE].notices.plan = Plan(
                says=None,
                receipts=(Receipt(status="in-progress"), Receipt(after_seconds=0.5)),
            )
            scene = cls(home, partners, folder / "logs", seed=seed, refusals=refusals)
            await stack.enter_async_context(scene.gateway)
            yield scene

    def client(self) -> GatewayClient:
        """The app's side."""
        return self.gateway.client(self.token, timeout_seconds=60)

    async def blow(self, *, in_flight: bool = False) -> Blow:
        """
        Delete some people, kill, start again, and look. With `in_flight` one of
        them has a share on its way when the process dies; it is looked at by `last_look`.
        """
        started = perf_counter()
        blow = Blow(self._blows)
        self._blows += 1
        self.partners[UNWELL].notices.script.next(*unavailable(self._refusals))
        since = [self._deletion(blow) for _ in range(SINCE)]
        outstanding = self._deletion(blow)
        under_way = self._deletion(blow) if in_flight else None
        async with self.client() as app:
            await self._shared([*since, outstanding], app)
            await self._killed(since, outstanding, under_way, app, blow)
        _wreck(self.home, [one.answer["case"] for one in since if one.answer], blow)
        await self.gateway.start()
        async with self.client() as app:
            await self._answered(outstanding, app, blow)
            for deletion in [*since, outstanding]:
                await self._look(deletion, app, blow)
            if under_way is not None:
                await self._answered(under_way, app, blow)
                self._kept.append((blow, under_way))
        blow.seconds = perf_counter() - started
        return blow

    async def last_look(self) -> None:
        """Look at the cases that wait until a share of unknown fate cannot arrive any more."""
        async with self.client() as app:
            for blow, deletion in self._kept:
                await self._look(deletion, app, blow, seconds=GRANT_SECONDS + CLOSED_SECONDS)

    def _deletion(self, blow: Blow) -> Deletion:
        self._people += 1
        few = self.rng.sample(NAMES, self.rng.randrange(2, len(NAMES) + 1))
        partners = sorted({*few, self.rng.choice((SLOW, LATE, UNWELL))})
        return Deletion(person(self._people), f"blow-{blow.number}-{self._people}", partners)

    async def _shared(self, deletions: Sequence[Deletion], app: GatewayClient) -> None:
        replies = await asyncio.gather(
            *(self._share(one.whom, name, app) for one in deletions for name in one.partners)
        )
        assert {reply.status for reply in replies} == {200}

    async def _share(self, whom: Person, partner: str, app: GatewayClient) -> Reply:
        body = traffic.order(random.Random(whom.number), whom)
        path = f"/v2/shipments/P{whom.number}"
        return await app.share(partner, path, body, subject=whom.account)

    async def _killed(
        self,
        since: Sequence[Deletion],
        outstanding: Deletion,
        under_way: Deletion | None,
        app: GatewayClient,
        blow: Blow,
    ) -> None:
        tasks: list[asyncio.Task[Any]] = []
        if under_way is not None:
            blow.in_flight = len(under_way.partners)
            tasks += await self._on_their_way(under_way, app)
        now = [*since, *([under_way] if under_way else [])]
        for one, reply in zip(
            now, await asyncio.gather(*(self._erase(one, app) for one in now)), strict=True
        ):
            assert reply.status == 202, reply
            one.answer = reply.json()
        await asyncio.sleep(self.rng.uniform(0, LONGEST_SECONDS))
        tasks.append(asyncio.create_task(self._erase(outstanding, app)))
        await asyncio.sleep(self.rng.uniform(0, OUTSTANDING_SECONDS))
        await self.gateway.kill()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(ended, Reply | aiohttp.ClientError):
                raise AssertionError(f"what died with the gateway is {ended!r}")
        for name in NAMES:
            self.partners[name].script.always(None)

    async def _on_their_way(
        self, deletion: Deletion, app: GatewayClient
    ) -> list[asyncio.Task[Any]]:
        """Shares that their recipients have received and will not answer before the kill."""
        arrived = [len(self.partners[name].received) for name in deletion.partners]
        for name in deletion.partners:
            self.partners[name].script.always(Delay(4.0))
        tasks = [
            asyncio.create_task(self._share(deletion.whom, name, app)) for name in deletion.partners
        ]
        async with asyncio.timeout(10):
            while any(
                len(self.partners[name].received) == before
                for name, before in zip(deletion.partners, arrived, strict=True)
            ):
                await asyncio.sleep(0.01)
        return tasks

    async def _erase(self, deletion: Deletion, app: GatewayClient) -> Reply:
        body = {
            "action": "erase",
            "subject": deletion.whom.account,
            "reason": "user-request",
            "verified": VERIFIED,
        }
        return await app.post("/v1/cases", body, headers={"Idempotency-Key": deletion.key})

    async def _answered(self, deletion: Deletion, app: GatewayClient, blow: Blow) -> None:
        """The app asks again, until it has an answer; what it had before it has again."""
        async with asyncio.timeout(CLOSED_SECONDS):
            while (reply := await self._erase(deletion, app)).code == "idempotency-in-progress":
                await asyncio.sleep(0.05)
        if reply.status != 202:
            blow.broken.append(f"{deletion.key} again: {reply}")
            return
        answer = reply.json()
        if deletion.answer is not None and _ids(deletion.answer) != _ids(answer):
            blow.broken.append(f"{deletion.key} has other notices than it had")
        deletion.answer = answer

    async def _look(
        self,
        deletion: Deletion,
        app: GatewayClient,
        blow: Blow,
        *,
        seconds: float = CLOSED_SECONDS,
    ) -> None:
        if deletion.answer is None:
            blow.broken.append(f"{deletion.key} has no case")
            return
        try:
            case = await _closed(deletion.answer["case"], app, seconds)
        except TimeoutError:
            blow.broken.append(f"{deletion.key}: its case does not close")
            return
        await self._certified(deletion, app, blow)
        if (again := await self._share(deletion.whom, PROMPT, app)).code != "subject-erased":
            blow.broken.append(f"{deletion.key}: a share of the erased is answered {again}")
        stored = {one["notice"]: one["partner"] for one in case["notices"]}
        if stored != _ids(deletion.answer):
            blow.broken.append(f"{deletion.key} has other notices than its 202 says")
        if sorted(stored.values()) != sorted(deletion.partners):
            blow.broken.append(f"{deletion.key} tells {sorted(stored.values())}")
        for id, name in stored.items():
            for what in heard(self.partners[name], id, blow):
                blow.broken.append(f"{deletion.key}: {name} {what}")

    async def _certified(self, deletion: Deletion, app: GatewayClient, blow: Blow) -> None:
        assert deletion.answer is not None
        reply = await app.get(f"/v1/cases/{deletion.answer['case']}/certificate")
        try:
            said = verify_certificate(reply.body.decode("ascii"), self.jwks)
        except CertificateInvalid as error:
            blow.broken.append(f"{deletion.key}: its certificate does not verify: {error}")
            return
        salt = urlsafe_b64decode(deletion.answer["salt"] + "==")
        about = hashlib.sha256(salt + deletion.whom.account.encode()).hexdigest()
        if said["state"] != "closed" or said["subject_hash"] != about:
            blow.broken.append(f"{deletion.key}: its certificate is not about its person")


def heard(partner: FakePartner, id: str, blow: Blow) -> Iterator[str]:
    """What is wrong with one notice at its recipient."""
    mine = [one for one in partner.notices.received if one.notice == id]
    verified = [one for one in mine if one.verified]
    blow.told += len(verified)
    blow.repeated += max(len(verified) - 1, 0)
    if not verified:
        yield "was never told"
        return
    if len({one.raw for one in mine}) > 1:
        yield "was told the same thing in other words"
    subject = verified[0].data["subject"]
    if other := {one.notice for one in _about(partner, subject)} - {id}:
        yield f"was told of the same person as if it were new: {len(other)} more notices"
    if partner.copies.of(subject):
        yield "still has a copy"
    answers = Counter(
        receipt.http_status for receipt in partner.notices.receipts if receipt.notice == id
    )
    if answers.keys() - {200, 409} or not answers[200]:
        yield f"had its receipts answered {dict(answers)}"


def _manifest(partner: FakePartner) -> dict[str, Any]:
    upstream = {"base_url": partner.base_url, "timeout": "30s"}
    return a_manifest(partner.id, base_url=partner.base_url, upstream=upstream)


def _ids(answer: Mapping[str, Any]) -> dict[str, str]:
    return {one["notice"]: one["partner"] for one in answer["notices"]}


def _about(partner: FakePartner, subject: str) -> Iterator[NoticeReceived]:
    return (
        one for one in partner.notices.received if json.loads(one.raw)["data"]["subject"] == subject
    )


async def _closed(case: str, app: GatewayClient, seconds: float) -> dict[str, Any]:
    async with asyncio.timeout(seconds):
        while True:
            found: dict[str, Any] = (await app.get(f"/v1/cases/{case}")).json()
            if found["state"] == "closed":
                return found
            await asyncio.sleep(0.05)


def _wreck(home: Path, cases: Sequence[str], blow: Blow) -> None:
    """What the dead process left of these cases. Written to, as recovery of the log is a write."""
    with closing(sqlite3.connect(home / "data" / "gateway.db")) as db:
        found = db.execute("SELECT id, state, stage FROM cases WHERE state = 'open'").fetchall()
        blow.open_cases = sum(id in cases for id, _, _ in found)
        blow.stages = dict(Counter(stage for _, _, stage in found))
        blow.unsettled, blow.sending = db.execute(
            "SELECT count(*), coalesce(sum(claimed), 0) FROM notice WHERE settled = 0"
        ).fetchone()
