"""
What must hold after a gateway was killed and started again.

    async with Scene.open(folder) as scene:
        kill = await kill_once(scene)
        assert kill.counts and not kill.broken

1. The ledger verifies, as the dead process left it and after the restart.
2. Every share that reached a recipient is in the ledger as an intent, and was
   when the process died.
3. Every intent that was open has the outcome `unknown` and stands as such in the
   account of its person.
4. A request that is sent again under its idempotency key is not sent twice: it
   is carried now if it was not before, and else its outcome is not known.
5. A share accepted for later comes to an end, and is sent twice only to a
   recipient that tells repeats apart.
6. Shares are carried again.

Each breach is one line in `Kill.broken`.
"""

import asyncio
import json
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import quote

from gateway.testing.client import GatewayClient, Reply
from gateway.testing.processes import gateway_command, gateway_environment
from tests.faults.killing import ENOUGH_OPEN, SLOW, Call, Came, Scene, Wreck

SHARES = {"intent", "transfer", "public-disclosure"}
# Of the requests that were answered before the kill.
HEARD_REPEATED = 8
QUEUE_SECONDS = 20.0
CHECKPOINT_SECONDS = 10.0

Leaf = dict[str, Any]


@dataclass(slots=True)
class Kill:
    """One kill: what was going on, and what was broken by it."""

    number: int
    open_intents: int
    unanswered: int
    """Shares that a recipient had received and not answered."""
    asked: int
    """Requests of the app; to `unheard` of them it never had an answer."""
    unheard: int
    arrived: int
    """Share ids that recipients had received."""
    closed: int = 0
    """Open intents that got the outcome `unknown` and stand so in their person's account."""
    repeated: int = 0
    """Requests that were sent again under their idempotency keys."""
    leaves: int = 0
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Whether the gateway was busy enough for this kill to show something."""
        return self.open_intents >= ENOUGH_OPEN and self.unanswered >= 1

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "counts": self.counts}


async def kill_once(scene: Scene) -> Kill:
    """Kill, restart, and look at everything."""
    started = perf_counter()
    wreck = await scene.kill()
    await scene.gateway.start()
    kill = Kill(
        number=wreck.number,
        open_intents=len(wreck.opened),
        unanswered=len(wreck.unanswered),
        asked=len(wreck.calls),
        unheard=sum(call.reply is None for call in wreck.calls),
        arrived=len({came.share for came in wreck.came}),
    )
    await Aftermath(scene, wreck, kill).look()
    shutil.rmtree(wreck.home)
    kill.seconds = perf_counter() - started
    return kill


class Aftermath:
    """One look at everything, after one kill and a restart."""

    def __init__(self, scene: Scene, wreck: Wreck, kill: Kill) -> None:
        self.scene, self.wreck, self.kill = scene, wreck, kill
        self.calls = wreck.calls

    async def look(self) -> None:
        """Look, and note every breach in `Kill.broken`."""
        await self._verified(self.wreck.home, "as it was left")
        self._recorded(_leaves_of(self.wreck.home), self.wreck.came)
        async with self.scene.client() as app:
            await self._repeats(app)
            await self._later(app)
            leaves = await _leaves(app, await self._works(app))
            self._recorded(leaves, self.scene.came())
            await self._unknown(app, leaves)
        self._not_twice()
        self.kill.leaves = len(leaves)
        await self._verified(self.scene.home, "after the restart")

    def _broken(self, what: str) -> None:
        self.kill.broken.append(what)

    async def _verified(self, home: Path, when: str) -> None:
        code, said = await _run("--home", str(home), "--json", "ledger", "verify")
        if code != 0:
            self._broken(f"ledger verify {when}: exit {code}: {said}")

    def _recorded(self, leaves: list[Leaf], came: list[Came]) -> None:
        for share in unrecorded(leaves, came):
            self._broken(f"{share} reached a recipient and is not in the ledger")

    async def _unknown(self, app: GatewayClient, leaves: list[Leaf]) -> None:
        """What was open is `unknown` in the ledger and in the account of its person."""
        ended = defaultdict(list)
        for leaf in leaves:
            if leaf["kind"] == "outcome":
                ended[leaf["share"]].append(leaf["outcome"])
        accounts = await self._accounts(app)
        for one in self.wreck.opened:
            if "unknown" not in ended[one.share]:
                self._broken(f"{one.share} was open and has the outcomes {ended[one.share]}")
            elif accounts.get(one.index) != (one.share, "unknown"):
                self._broken(f"{one.share} was open and is in nobody's account as unknown")
            else:
                self.kill.closed += 1

    async def _accounts(self, app: GatewayClient) -> dict[int, tuple[str, str]]:
        """Index of a leaf -> share and outcome, over the accounts of everybody."""
        rows: dict[int, tuple[str, str]] = {}
        whose = {came.share: self._call(came).person.account for came in self.scene.came()}
        for account in sorted({call.person.account for call in self.calls}):
            reply = await app.get(f"/v1/subjects/{quote(account, safe='')}/disclosures")
            for row in reply.json()["disclosures"]:
                rows[row["index"]] = (row["share"], row["outcome"])
                if whose.get(row["share"], account) != account:
                    self._broken(f"{row['share']} is in the account of somebody else")
        return rows

    def _call(self, came: Came) -> Call:
        return next(call for call in self.calls if call.reference == came.reference)

    async def _repeats(self, app: GatewayClient) -> None:
        """Every request without an answer once more, and some that had one."""
        came = {one.reference for one in self.scene.came()}
        heard = [call for call in self.calls if call.reply is not None and not call.later]
        unheard = [call for call in self.calls if call.reply is None]
        again = [*unheard, *self.scene.rng.sample(heard, min(len(heard), HEARD_REPEATED))]
        replies = await asyncio.gather(*(self.scene.ask(app, call) for call in again))
        for call, reply in zip(again, replies, strict=True):
            self.kill.repeated += 1
            if wrong := _wrong(call, reply, call.reference in came):
                self._broken(f"{call.reference} again: {wrong}")
            if call.reply is None:
                call.reply = reply

    async def _later(self, app: GatewayClient) -> None:
        """What was accepted for later comes to an end."""
        accepted = [call for call in self.calls if call.reply and call.reply.status == 202]
        waiting = {call.reply.share: call for call in accepted if call.reply}
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                while waiting:
                    for share in list(waiting):
                        state = (await app.get(f"/v1/shares/{share}")).json()["state"]
                        if state != "queued":
                            del waiting[share]
                    await asyncio.sleep(0.05)
        except TimeoutError:
            for share, call in waiting.items():
                self._broken(f"{call.reference}: {share} was accepted for later and still waits")

    def _not_twice(self) -> None:
        later = {call.reference for call in self.calls if call.later and call.partner == SLOW}
        for reference in sent_twice(self.scene.came(), told_apart=later):
            self._broken(f"{reference} was sent more than once")

    async def _works(self, app: GatewayClient) -> str:
        """Shares with everybody are carried again; the id of the last."""
        last = ""
        for name in self.scene.partners:
            call = self.scene.next_call(name, len(self.calls), later=False)
            self.calls.append(call)
            call.reply = await self.scene.ask(app, call)
            last = call.reply.share or ""
            if call.reply.status != 200:
                self._broken(f"a share with {name} after the restart: {call.reply}")
        return last


def unrecorded(leaves: Iterable[Leaf], came: Iterable[Came]) -> list[str]:
    """Shares that reached a recipient and have no intent among these leaves."""
    known = {leaf["share"] for leaf in leaves if leaf["kind"] in SHARES}
    return sorted({one.share for one in came} - known)


def sent_twice(came: Iterable[Came], *, told_apart: Collection[str]) -> Iterator[str]:
    """
    References of requests that were sent more than once, though they must not be.

    `told_apart`: those that may, as one share, because their recipient tells
    repeats apart.
    """
    arrivals: defaultdict[str, list[str]] = defaultdict(list)
    for one in came:
        arrivals[one.reference].append(one.share)
    for reference, shares in arrivals.items():
        if len(set(shares)) > 1 or (len(shares) > 1 and reference not in told_apart):
            yield reference


def _wrong(call: Call, reply: Reply, came: bool) -> str | None:
    """What is wrong with the answer to a request that was sent again; None: nothing."""
    before = call.reply
    if before is not None and reply.share != before.share:
        return f"another share than {before.share}"
    unknown = (reply.status, reply.code) == (504, "outcome-unknown")
    if call.later:
        return None if reply.status == 202 else f"{reply}"
    if before is None and came and not unknown:
        return f"it had reached the recipient, and now it is {reply}"
    if reply.status == 200 or unknown:
        return None
    return f"{reply}"


def _leaves_of(home: Path) -> list[Leaf]:
    """Every leaf in a copy of a home, whether a checkpoint covers it or not."""
    with closing(sqlite3.connect(home / "data" / "gateway.db")) as db:
        return [json.loads(leaf) for (leaf,) in db.execute("SELECT leaf FROM entry ORDER BY seq")]


async def _leaves(app: GatewayClient, last: str) -> list[Leaf]:
    """Every leaf that a checkpoint covers, once it covers the outcome of the share `last`."""
    leaves: list[Leaf] = []
    async with asyncio.timeout(CHECKPOINT_SECONDS):
        while not any(leaf["kind"] == "outcome" and leaf["share"] == last for leaf in leaves):
            page = await app.get(f"/v1/ledger/entries?start={len(leaves)}&limit=1000")
            leaves += page.json()["entries"]
            await asyncio.sleep(0.02)
    return leaves


async def _run(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *gateway_command(*arguments),
        env=gateway_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode(errors="replace")[-500:]
