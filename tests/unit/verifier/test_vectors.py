"""The published vectors of the ledger's formats, decided by the separate verifier."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest

from gateway import verifier
from tests.unit.ledger.builders import VECTORS, vectors

NOTES = vectors("signed-note/notes.json")
CHECKPOINTS = vectors("signed-note/checkpoints.json")
PROOFS = vectors("signed-note/tlog_proofs.json")
TREES = vectors("merkle-rfc6962/tree_constants.json")
INCLUSION = sorted((VECTORS / "merkle-rfc6962" / "inclusion").rglob("*.json"))
JCS = VECTORS / "jcs-rfc8785"


class AnyName(verifier.Trust):
    """Keys that are trusted under their own names, whatever the note's first line is."""

    def of_ledger(self, origin: str) -> dict[verifier.Named, tuple[str, bytes]]:
        """All of them."""
        return {one: (one[0], raw) for one, raw in self.logs.items()}


def trusting(vkeys: list[str]) -> AnyName:
    """Trust in these keys."""
    return AnyName(logs=dict(verifier.read_vkey(one, verifier.ED25519, "key") for one in vkeys))


@pytest.mark.parametrize("name", sorted(path.stem for path in (JCS / "input").iterdir()))
def test_canonical_forms(name: str) -> None:
    """What a leaf may hold has the published bytes; what it may not is refused."""
    value = json.loads((JCS / "input" / f"{name}.json").read_text(encoding="utf-8"))
    try:
        written = verifier.canonical(value).encode()
    except verifier.Refuted:
        # Fractions and null are in no leaf.
        assert name in ("arrays", "values", "weird", "structures")
        return

    assert written == (JCS / "output" / f"{name}.json").read_bytes()
    assert name in ("french", "unicode", "weird", "structures")


def test_roots() -> None:
    """A growing tree has the published root at every size."""
    tree = verifier.Tree()
    roots = [tree.root().hex()]
    for leaf in TREES["leaf_inputs_hex"]:
        tree.add(verifier.sha256(b"\0", bytes.fromhex(leaf)))
        roots.append(tree.root().hex())

    assert roots == list(TREES["root_hash_by_tree_size_hex"])[: len(roots)]
    assert len(roots) > 8


def test_inclusion_proofs() -> None:
    """Every published proof passes or fails as its publisher says."""
    wrong = []
    for path in INCLUSION:
        case = json.loads(path.read_text(encoding="utf-8"))
        hashes = [b64decode(step) for step in case["proof"] or []]
        leaf, root = b64decode(case["leafHash"]), b64decode(case["root"])
        good = {len(one) for one in (leaf, *hashes)} == {32}
        try:
            verifier.check_inclusion(leaf, case["leafIdx"], case["treeSize"], hashes, root)
        except verifier.Refuted:
            good = False
        if good is case["wantErr"]:
            wrong.append(path.name)

    assert not wrong
    assert len(INCLUSION) == 98


@pytest.mark.parametrize("vkey", NOTES["vkey_ok"])
def test_keys(vkey: str) -> None:
    """Published keys are read under their names, by their own type alone."""
    kind = b64decode(vkey.split("+", 2)[2])[:1]
    (name, identifier), raw = verifier.read_vkey(vkey, kind, "key")

    assert vkey == f"{name}+{identifier.hex()}+{b64encode(kind + raw).decode()}"
    with pytest.raises(verifier.WrongUse):
        verifier.read_vkey(vkey, b"\xff", "key")


@pytest.mark.parametrize("case", NOTES["vkey_bad"], ids=lambda case: case["why"])
def test_bad_keys(case: Any) -> None:
    """Published bad keys are trusted under no type."""
    for kind in (verifier.ED25519, verifier.COSIGNATURE):
        with pytest.raises(verifier.WrongUse):
            verifier.read_vkey(case["vkey"], kind, "key")


@pytest.mark.parametrize("number", range(len(NOTES["open_ok"])))
def test_notes(number: int) -> None:
    """Published notes are signed as published; they are refused only because they are no checkpoints."""
    case = NOTES["open_ok"][number]

    with pytest.raises(verifier.Refuted, match=r"size|base64"):
        verifier.open_checkpoint(case["note"], trusting(case["trusted"]))


@pytest.mark.parametrize("case", NOTES["open_fail"], ids=lambda case: case["name"])
def test_bad_notes(case: Any) -> None:
    """Published bad notes are refused for their form or signatures."""
    with pytest.raises(verifier.Refuted) as refused:
        verifier.open_checkpoint(case["note"], trusting(case["trusted"]))

    assert "size" not in str(refused.value)


@pytest.mark.parametrize("case", CHECKPOINTS["ok"], ids=lambda case: case["origin"])
def test_checkpoints(case: Any) -> None:
    """Published checkpoints say what they were published to say, given a root of 32 bytes."""
    root = b64decode(case["root_b64"])[:32].ljust(32)
    body = case["body"].replace(case["root_b64"], b64encode(root).decode())

    assert verifier.size_and_root(body) == (case["size"], root)


@pytest.mark.parametrize("case", CHECKPOINTS["bad"], ids=lambda case: case[0])
def test_bad_checkpoints(case: Any) -> None:
    """Published bad checkpoints are refused, and not only for a root of another length."""
    lines = case[1].split("\n")
    if len(lines) > 2 and lines[2].endswith("="):
        lines[2] = b64encode(bytes(32)).decode()
    for body in (case[1], "\n".join(lines)):
        with pytest.raises(verifier.Refuted):
            verifier.size_and_root(body)


@pytest.mark.parametrize("case", PROOFS["ok"], ids=lambda case: str(case["index"]))
def test_proofs(case: Any) -> None:
    """Published proofs are read as published; what they carry besides is told and not used."""
    index, hashes, extra, note = verifier.read_proof(case["text"])

    assert (index, note) == (case["index"], case["checkpoint"])
    assert hashes == list(map(b64decode, case["hashes"]))
    assert extra is (case["extra"] is not None)


@pytest.mark.parametrize("case", PROOFS["bad"], ids=lambda case: case[0])
def test_bad_proofs(case: Any) -> None:
    """Published bad proofs are refused, or are not taken for proofs at all."""
    first, _, rest = case[1].partition("\n")
    if first != verifier.PROOF:
        assert case[0] == "header"
        return
    with pytest.raises(verifier.Refuted):
        verifier.read_proof(f"{first}\n{rest}")


@pytest.mark.parametrize("number", range(len(NOTES["cosignature_timestamp"])))
def test_cosignatures(number: int) -> None:
    """A published cosignature has a time and fails for its key alone; blobs without one have no form."""
    case = NOTES["cosignature_timestamp"][number]
    try:
        blob = b64decode(case["base64"], validate=True)
    except ValueError:
        blob = b""

    with pytest.raises(verifier.Refuted, match="wrong" if "unix" in case else "malformed"):
        verifier.check_cosignature(bytes(32), blob[4:], "text\n")
