"""A certificate beside the ledger that it speaks of: the separate program finds every difference."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway import verifier
from gateway.ledger.bundle import lines, pruned_leaf
from gateway.ledger.encode import leaf_hash
from gateway.testing.partner import FakePartner
from tests.cases.forging import b64, ed25519, told, un64
from tests.cases.house import CaseHouse
from tests.marks import promise

Change = Callable[[dict[str, Any]], Any]


@promise("R3")
async def test_a_certificate_says_what_the_ledger_says(
    house: CaseHouse, courier: FakePartner, tmp_path: Path
) -> None:
    """
    The leaves of a case agree with its certificate, and go on from its checkpoint. A
    certificate that says something else is refused even where the gateway's own key
    signed it; where leaves were pruned, it is told how much of it no leaf says.
    """
    case, notice = await told(house, courier)
    await house.sequenced()
    interim = (await house.ask("GET", f"/v1/cases/{case}/certificate?interim=true")).body.decode()
    await house.receipt(house.signed(courier, notice, "completed"))
    await house.until_closed(case)
    await house.sequenced()
    good = (await house.ask("GET", f"/v1/cases/{case}/certificate")).body.decode()
    await house.share(subject="u-2")
    await house.sequenced()
    bundle = await exported(house, tmp_path / "ledger.jsonl")
    (tmp_path / "jwks.json").write_bytes((await house.public("/.well-known/jwks.json")).body)
    sign = ed25519(house.gateway.keys.signing("certificate").private_jwk)

    def verdict(token: str, against: Path = bundle) -> dict[str, Any] | str:
        (tmp_path / "case.jws").write_text(token)
        trust = verifier.read_trust([str(tmp_path / "jwks.json")])
        try:
            asked = verifier.Asked(ledger=against)
            return verifier.check_file(tmp_path / "case.jws", trust, None, asked)
        except verifier.Refuted as error:
            return str(error)

    def lying(change: Change) -> str:
        head, body, _ = good.split(".")
        said = json.loads(un64(body))
        change(said)
        return sign(f"{head}.{b64(said)}")

    for token in (good, interim):
        found = verdict(token)
        assert isinstance(found, dict), found
        assert (found["said_by_leaves"], found["not_found"]) == (True, 0)
    assert "said_by_leaves" in str(verdict(lying(lambda said: None)))
    for name, change in LIES.items():
        assert isinstance(verdict(lying(change)), str), name

    pruned = await exported(house, tmp_path / "pruned.jsonl", prune=True)
    found = verdict(good, pruned)
    assert isinstance(found, dict), found
    assert (found["said_by_leaves"], found["not_found"] > 0) == (False, True)


def another_state(said: dict[str, Any]) -> None:
    """The notice was exempt and not completed."""
    said["notices"][0] |= {"state": "exempt", "evidence": None, "receipts": []}


LIES: dict[str, Change] = {
    "another action": lambda said: said.update(action="restrict"),
    "another case": lambda said: said.update(case="case_" + "0" * 32),
    "a notice is left out": lambda said: said["notices"].clear(),
    "a notice more": lambda said: said["notices"].append(
        {**said["notices"][0], "notice": "ntc_" + "0" * 32}
    ),
    "another state of a notice": another_state,
    "another recipient": lambda said: said["notices"][0].update(partner="harbour-pay"),
    "a receipt that nobody got": lambda said: said["notices"][0]["receipts"].append("e30.e30.AA"),
}


async def exported(house: CaseHouse, path: Path, *, prune: bool = False) -> Path:
    """The ledger in a file; `prune`: with nothing but hashes."""
    head = await house.gateway.store.head()
    leaves = await house.gateway.store.leaves(0, head.size)
    shown = [pruned_leaf(leaf_hash(leaf)) for leaf in leaves] if prune else leaves
    origin = house.gateway.config.origin
    written = lines(
        origin=origin, exported_at=house.clock(), leaves=shown, checkpoint_note=head.cosigned_note
    )
    path.write_bytes(b"".join(written))
    return path
