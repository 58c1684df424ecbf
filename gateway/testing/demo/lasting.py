"""The ledger after somebody was deleted: what was proven stays proven, and links nothing."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.testing.demo import audit, proof
from gateway.testing.demo.asking import Asked
from gateway.testing.demo.audit import Bundle, Leaf, Proof, Verdict
from gateway.testing.demo.house import House


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """A ledger as it was exported and verified, and a recipient's proof of one share in it."""

    bundle: Bundle
    verdict: Verdict
    proof: Proof


def _closes(leaf: Leaf) -> bool:
    return (leaf["kind"], leaf.get("state")) == ("case", "closed")


async def check_kept(house: House, earlier: Audited, new: Bundle, verdict: Verdict) -> None:
    """Claim that the ledger grew and changed nothing, and that an old proof still holds."""
    old = earlier.bundle
    house.claims.check(
        "every leaf of before stands where it stood, byte for byte",
        new.lines[: len(old.lines)] == old.lines and len(new.lines) > len(old.lines) > 0,
        f"{len(old.lines):,} of {len(new.lines):,} leaves",
    )
    query = f"from={earlier.verdict.size}&to={verdict.size}"
    reply = await house.desk.get(f"/v1/ledger/proof/consistency?{query}")
    hashes = [bytes.fromhex(one) for one in reply.json().get("hashes", ())]
    try:
        proof.check_extends(_head(earlier.verdict), _head(verdict), hashes)
        place = audit.place_of(earlier.proof, house.jwks)
    except (proof.ProofFails, ValueError) as error:
        ok, found = False, str(error)
    else:
        ok, found = True, f"{place}, {len(hashes)} more to this one"
    house.claims.check(
        "the proof of before still leads to a signed root, and that root on to this one", ok, found
    )


def _head(verdict: Verdict) -> tuple[int, bytes]:
    return verdict.size, bytes.fromhex(verdict.root)


def check_told(house: House, asked: Asked, bundle: Bundle, said: Mapping[str, Any]) -> None:
    """Claim that the ledger says of the deletion what the certificate does."""
    leaves = bundle.leaves()
    receipts = {leaf["digest"] for leaf in leaves if leaf["kind"] == "receipt"}
    tokens = [token for notice in said["notices"] for token in notice["receipts"]]
    missing = [one for one in tokens if hashlib.sha256(one.encode()).hexdigest() not in receipts]
    house.claims.none_of(
        "every receipt in the certificate is a leaf, by its hash",
        ["one is not in the ledger"] * len(missing),
        len(tokens),
        "receipts",
    )
    mine = [(n, leaf) for n, leaf in enumerate(leaves) if leaf.get("case") == asked.case]
    fence = _first(mine, lambda leaf: leaf["kind"] == "fence")
    key, closed = _first(mine, _destroyed), _first(mine, _closes)
    house.claims.check(
        "the person's key was destroyed behind the fence, and waited for no recipient to finish",
        0 <= fence < key < closed,
        f"the fence is leaf {fence}, the key's end {key}, the case's {closed}",
    )
    checkpoint = str(said["checkpoint"]).split("\n")
    house.claims.check(
        "the certificate's checkpoint is of a ledger in which the case is closed",
        0 <= closed < int(checkpoint[1]),
        f"{checkpoint[1]} leaves",
    )


def _first(mine: Sequence[tuple[int, Leaf]], found: Callable[[Leaf], bool]) -> int:
    """The index of the first leaf like this; -1 if there is none."""
    return next((n for n, leaf in mine if found(leaf)), -1)


def _destroyed(leaf: Leaf) -> bool:
    return (leaf["kind"], leaf.get("owner"), leaf.get("event")) == ("key", "subject", "destroyed")


def check_unlinked(house: House, bundle: Bundle) -> None:
    """Claim that no two leaves name a person alike: without the key nothing links them."""
    named = Counter(leaf["subject"] for leaf in bundle.leaves() if "subject" in leaf)
    house.claims.none_of(
        "no two leaves name a person alike, so nothing links those of a person without a key",
        ["two leaves name a person alike" for times in named.values() if times > 1],
        named.total(),
        "leaves about people",
    )
