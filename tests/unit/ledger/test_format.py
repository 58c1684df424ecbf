"""FORMAT.md: its examples are true."""

import io
import json
import re
from pathlib import Path

from gateway import verifier
from gateway.ledger import encode
from gateway.ledger.checkpoint import open_checkpoint, trusted_keys
from gateway.ledger.leaf import REQUIRED, Kind
from gateway.ledger.merkle import root_of
from gateway.ledger.verify import check_bundle

TEXT = Path(encode.__file__).with_name("FORMAT.md").read_text(encoding="utf-8")
LEAF, CHECKPOINT, BUNDLE, JWKS = re.findall(r"^```\w+\n(.*?)^```$", TEXT, re.M | re.S)[:4]
ORIGIN = "gateway.example/ledger"


def test_the_example_leaf_is_canonical_and_has_its_hash() -> None:
    """The leaf that opens the document is canonical, and its hash is the one that is printed."""
    leaf = LEAF.rstrip("\n").encode()

    assert encode.canonical(json.loads(leaf)) == leaf
    assert f"`{encode.leaf_hash(leaf).hex()}`" in TEXT
    assert leaf.decode() in BUNDLE


def test_the_example_checkpoint_is_signed_and_of_the_example_leaves() -> None:
    """The checkpoint opens with the printed key and has the root of the printed leaves."""
    checkpoint = open_checkpoint(CHECKPOINT, trusted_keys(json.loads(JWKS), ORIGIN))
    leaves = BUNDLE.splitlines()[1:-1]

    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, len(leaves))
    assert checkpoint.root == root_of([encode.leaf_hash(leaf.encode()) for leaf in leaves])
    assert json.loads(BUNDLE.splitlines()[-1])["checkpoint"] == CHECKPOINT


def test_the_example_bundle_verifies(tmp_path: Path) -> None:
    """The printed bundle verifies with the printed keys, by both implementations."""
    (tmp_path / "bundle").write_text(BUNDLE, encoding="utf-8")
    (tmp_path / "trust").write_text(JWKS, encoding="utf-8")
    report = check_bundle(io.BytesIO(BUNDLE.encode()), trusted_keys(json.loads(JWKS), ORIGIN))

    assert (report.size, report.open_intents) == (2, 0)
    assert verifier.main([str(tmp_path / "bundle"), "--trust", str(tmp_path / "trust")]) == 0


def test_every_kind_is_described_with_its_required_members() -> None:
    """The table of kinds has every kind, and every required member outside of italics."""
    rows = re.findall(r"^\| (`[^|]+`) \| (.*) \|$", TEXT.partition("## 2.")[0], re.M)
    described: dict[str, set[str]] = {}
    for kinds, members in rows:
        plain = re.sub(r"\*`[^`]+`\*", "", members)
        for kind in re.findall(r"`([^`]+)`", kinds):
            described[kind] = set(re.findall(r"`(\w+)`", plain))

    assert {kind: REQUIRED[kind] - described[kind.value] for kind in Kind} == dict.fromkeys(
        Kind, frozenset()
    )
