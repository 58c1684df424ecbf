"""
The ledger, exported and checked by a process of its own.

The auditor's folder holds three files: the bundle, the verifier, and the keys
as the public listener gave them. Nothing in it comes from the gateway's own
home but the bundle that is to be checked.
"""

import asyncio
import hashlib
import json
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

import gateway
from gateway.testing.demo import proof
from gateway.testing.demo.house import House
from gateway.testing.demo.minimum import Arrival, grant_hash
from gateway.testing.demo.processes import Ran, run
from gateway.testing.demo.refusals import Refusal
from gateway.testing.demo.waiting import settled
from gateway.testing.people import Person
from gateway.testing.search import Needles, search_tree
from gateway.testing.witness import FakeWitness

# The witness is asked within a second of each checkpoint.
WITNESS_SECONDS = 0.1
WITNESS_TRIES = 100

SHARES = frozenset({"intent", "transfer", "public-disclosure"})

Leaf = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the separate verifier found."""

    verified: bool
    size: int
    root: str
    kinds: Mapping[str, int]
    reason: str
    """Why not, where it does not verify."""

    def summary(self) -> dict[str, Any]:
        """As the story's JSON has it."""
        return {
            "verified": self.verified,
            "size": self.size,
            "root": self.root,
            "kinds": dict(self.kinds),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The exported ledger, as a file and as leaves."""

    path: Path
    lines: tuple[bytes, ...]
    """The exact bytes of each leaf, by index."""

    def leaves(self) -> list[Leaf]:
        """Every leaf, read."""
        return [json.loads(line) for line in self.lines]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That one share is in the ledger, in its recipient's hands."""

    share: str
    leaf: bytes
    """Its canonical bytes."""
    text: str
    """The tlog-proof."""


async def witnessed(house: House, witness: FakeWitness) -> None:
    """Claim that somebody outside cosigned the ledger, by the verifier and that one's key alone."""
    path = house.auditor / "checkpoint"
    for _ in range(WITNESS_TRIES):
        # As anybody gets it; 404 until it is cosigned.
        if (note := await public_text(house, "/ledger/checkpoint/witnessed")) is not None:
            path.write_text(note, encoding="utf-8")
            break
        await asyncio.sleep(WITNESS_SECONDS)
    verifier_in(house, house.auditor)
    words = [sys.executable, "-I", "verifier.py", path.name, "--trust", "jwks.json"]
    words += ["--witness", witness.vkey, "--origin", house.origin, "--json"]
    ran = await run(words, environment={}, folder=house.auditor)
    found: dict[str, Any] = json.loads(ran.out) if ran.out.strip() else {}
    by = ", ".join(found.get("cosigned_by", {}))
    house.claims.check(
        "a witness outside cosigned the ledger, as the verifier sees by the witness's own key",
        ran.code == 0 and bool(by),
        f"{found['size']:,} leaves, {by}" if by else str(found.get("error", ran.told)),
    )


async def public_text(house: House, path: str) -> str | None:
    """What the public listener answers; None where it has nothing there."""
    url = house.gateway.public_url + path
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.text() if response.status == 200 else None


async def export(house: House, name: str) -> Bundle:
    """Write the ledger into a file in the auditor's folder, by the command line."""
    path = house.auditor / name
    ran = await house.command("ledger", "export", str(path))
    if ran.code != 0:
        raise RuntimeError(f"gateway ledger export: {ran.told}")
    lines = path.read_bytes().splitlines()
    return Bundle(path=path, lines=tuple(lines[1:-1]))


async def verify(house: House, bundle: Bundle) -> Verdict:
    """Let the verifier check the bundle, alone, and print and claim what it says."""
    ran = await _verifier(house, bundle)
    verdict = _verdict(ran)
    house.screen.line(f"  python -I verifier.py {bundle.path.name} --trust jwks.json")
    for kind, count in sorted(verdict.kinds.items(), key=lambda row: -row[1]):
        house.screen.line(house.screen.dim(f"  {count:>9,}  {kind}"))
    found = f"{verdict.size:,} leaves, root {verdict.root[:16]}…"
    house.claims.check(
        "one file, run alone with the public keys, verifies the ledger",
        verdict.verified,
        found if verdict.verified else f"the verifier refuses: {verdict.reason}",
    )
    own = await house.command("--json", "ledger", "verify")
    house.claims.check(
        "the gateway's own check of its store comes to the same root",
        own.code == 0 and json.loads(own.out)["root"] == verdict.root,
        "" if own.code == 0 else own.told,
    )
    return verdict


async def _verifier(house: House, bundle: Bundle) -> Ran:
    folder = bundle.path.parent
    verifier_in(house, folder)
    command = [sys.executable, "-I", "verifier.py", bundle.path.name, "--trust", "jwks.json"]
    # Nothing of this process's environment: it could not find the gateway if it wanted to.
    return await run([*command, "--origin", house.origin, "--json"], environment={}, folder=folder)


def verifier_in(house: House, folder: Path) -> None:
    """Put the verifier and the public keys into a folder."""
    shutil.copyfile(Path(gateway.__file__).parent / "verifier.py", folder / "verifier.py")
    (folder / "jwks.json").write_text(json.dumps(house.jwks), encoding="utf-8")


def _verdict(ran: Ran) -> Verdict:
    found: dict[str, Any] = json.loads(ran.out) if ran.out.strip() else {}
    verified = ran.code == 0 and found.get("verified") is True
    where = f"leaf {found['leaf']}: " if found.get("leaf") is not None else ""
    return Verdict(
        verified=verified,
        size=found.get("size", 0),
        root=found.get("root", ""),
        kinds=found.get("kinds", {}),
        reason="" if verified else where + str(found.get("error", ran.told)),
    )


def compare(
    house: House, bundle: Bundle, arrived: Sequence[Arrival], refused: Sequence[Refusal]
) -> None:
    """Claim what the leaves must say about what recipients hold and callers were told."""
    leaves = bundle.leaves()
    intents = {leaf["share"]: leaf for leaf in leaves if leaf["kind"] in SHARES}
    outcomes = Counter(leaf["share"] for leaf in leaves if leaf["kind"] == "outcome")
    house.claims.none_of(
        "every share that a recipient received is in the ledger, with the hash of its very grant",
        [one.recipient.id for one in arrived if not _recorded(one, intents)],
        len(arrived),
        "shares received",
    )
    house.claims.check(
        "every intent has one outcome, and there are as many as shares that arrived",
        set(outcomes) == set(intents)
        and set(outcomes.values()) == {1}
        and len(intents) == len(arrived),
        f"{len(intents)} intents, {outcomes.total()} outcomes",
    )
    told = Counter(leaf["code"] for leaf in leaves if leaf["kind"] == "refusal")
    wanted = Counter(one.reply.code for one in refused)
    house.claims.check(
        "every refusal is a leaf, with its code and clause",
        bool(wanted) and wanted <= told,
        f"{told.total()} refusals of {len(told)} kinds",
    )


def _recorded(one: Arrival, intents: Mapping[str, Leaf]) -> bool:
    leaf = intents.get(one.received.share, {})
    expected = one.recipient.id, one.received.claims["purpose"], grant_hash(one.wire)
    return (leaf.get("partner"), leaf.get("purpose"), leaf.get("grant")) == expected


async def prove(house: House, one: Arrival, claim: str) -> Proof | None:
    """
    Claim that a recipient can show, with its grant, that its share is in the
    ledger; the proof, if it can.
    """
    ran = await house.command("--json", "ledger", "prove", one.received.share)
    try:
        shown = _proof(ran, one)
        place = place_of(shown, house.jwks)
    except (proof.ProofFails, LookupError, ValueError) as error:
        house.claims.check(claim, False, str(error) or ran.told)
        return None
    house.claims.check(claim, True, place)
    return shown


def _proof(ran: Ran, one: Arrival) -> Proof:
    if ran.code != 0:
        raise LookupError(ran.told)
    shown = json.loads(ran.out)["proofs"][0]
    leaf = json.dumps(shown["leaf"], ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if shown["leaf"]["grant"] != grant_hash(one.wire):
        raise proof.ProofFails("the leaf is of another grant")
    return Proof(share=one.received.share, leaf=leaf.encode(), text=shown["proof"])


def place_of(shown: Proof, jwks: Mapping[str, Any]) -> str:
    """Where a proof leads, in words. Raises `ProofFails`."""
    index, size = proof.check(shown.text, shown.leaf, jwks)
    steps = shown.text.partition("\n\n")[0].count("\n") - 1
    digest = hashlib.sha256(b"\x00" + shown.leaf).hexdigest()
    return f"leaf {index} of {size:,}, {digest[:16]}…, {steps} hashes up to the signed root"


def search(house: House, bundle: Bundle) -> None:
    """Claim that nothing of the people is on disk in the clear (contract §2)."""
    marks = {
        f"{person.number} {label}": value
        for person in (member.person for member in house.cast)
        for label, value in _marks(person).items()
    }
    places = [house.home / "data", house.logs, bundle.path]
    findings = search_tree(places, Needles(marks))
    house.claims.none_of(
        "nothing of these people is in the database, its log files, the log or the export",
        [f"{finding.label} as {finding.encoding}" for finding in findings],
        len(marks),
        "values searched for, in any encoding",
    )


def _marks(person: Person) -> dict[str, str]:
    """Some of what singles a person out; the rest travelled together with these."""
    marks = person.marks()
    return {label: marks[label] for label in ("account", "phone", "street", "device_id")}


async def wait(house: House, carried: int) -> None:
    """Until every share has its outcome under a checkpoint: outcomes are written right after."""
    await settled(house.desk, carried)
