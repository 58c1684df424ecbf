"""
Bundles that grew, and bundles of later leaves: what the product's check and the
separate verifier say of them, which must be the same.
"""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gateway import verifier
from gateway.errors import GatewayError
from gateway.ledger.bundle import checkpoint_line, header_line, leaf_line, pruned_leaf
from gateway.ledger.encode import canonical, leaf_hash
from gateway.ledger.verify import check_bundle
from tests.unit.ledger.builders import (
    NOW,
    ORIGIN,
    OTHER_KEY,
    VERIFIER,
    a_bundle,
    a_grown_bundle,
    a_jwks,
    a_later_bundle,
    a_ledger,
    a_note,
    an_intent,
)

LEAVES = a_ledger()
GROWN = a_grown_bundle(LEAVES, 2, 5, 9)
LATER = a_later_bundle(LEAVES, 5)
LINES = GROWN.splitlines(keepends=True)


@pytest.fixture
def asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """What the separate verifier says of a bundle: its exit code and its report."""

    def ask(bundle: bytes, *more: str) -> tuple[int, dict[str, Any]]:
        (tmp_path / "bundle").write_bytes(bundle)
        (tmp_path / "trust").write_text(json.dumps(a_jwks()))
        files = [str(tmp_path / "bundle"), "--trust", str(tmp_path / "trust")]
        code = verifier.main([*files, "--json", *more])
        return code, json.loads(capsys.readouterr().out)

    return ask


def test_a_bundle_that_grew_verifies_as_one(asked: Any) -> None:
    """Three exports into one file verify as the whole ledger, by both implementations."""
    code, found = asked(GROWN)
    own = check_bundle(io.BytesIO(GROWN), [VERIFIER])

    assert (code, found["format"], found["size"]) == (0, "sharing-ledger/2", 9)
    assert (own.size, own.root, own.open_intents) == (9, found["root"], found["open_intents"])
    assert "start" not in found
    assert own.start == 0


def test_a_bundle_of_later_leaves_continues_the_tree(asked: Any) -> None:
    """It shows that the tree of before begins this one, and who signed that one."""
    code, found = asked(LATER, "--origin", ORIGIN)
    own = check_bundle(io.BytesIO(LATER), [VERIFIER])
    whole = check_bundle(io.BytesIO(a_bundle(LEAVES)), [VERIFIER])
    before = check_bundle(io.BytesIO(a_bundle(LEAVES[:5])), [VERIFIER])

    assert (code, found["start"], found["size"]) == (0, 5, 9)
    assert (own.start, own.root, own.start_root) == (5, whole.root, before.root)
    assert (found["root"], found["start_root"]) == (whole.root, before.root)
    assert found["start_signed_by"] == ["checkpoint-2026-1"]


def test_the_roots_are_shown_to_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a checkpoint of before, the reader is told which root to compare with theirs."""
    (tmp_path / "bundle").write_bytes(a_later_bundle(LEAVES, 5, since=None))
    (tmp_path / "trust").write_text(json.dumps(a_jwks()))

    assert verifier.main([str(tmp_path / "bundle"), "--trust", str(tmp_path / "trust")]) == 0
    told = capsys.readouterr().out
    assert "goes on   from 5 leaves that are not in the file" in told
    assert "compare it with yours" in told


def test_an_old_checkpoint_of_a_retired_key_does_no_harm(asked: Any) -> None:
    """Only the last checkpoint must be signed by a key that is trusted today."""
    old = checkpoint_line(a_note(LEAVES[:2], OTHER_KEY), NOW)
    bundle = b"".join([*LINES[:3], old, *LINES[4:]])

    assert check_bundle(io.BytesIO(bundle), [VERIFIER]).size == 9
    assert asked(bundle)[0] == 0


def later(**changes: Any) -> bytes:
    """A later bundle whose header says something else."""
    header, _, rest = LATER.partition(b"\n")
    return json.dumps(json.loads(header) | changes).encode() + b"\n" + rest


EARLIER_MARK = checkpoint_line(a_note(LEAVES[:2]), NOW)

BAD = {
    "an earlier checkpoint of other leaves": GROWN.replace(
        EARLIER_MARK, checkpoint_line(a_note(LEAVES[1:3]), NOW)
    ),
    "an earlier checkpoint at another place": b"".join(
        [*LINES[:2], LINES[3], LINES[2], *LINES[4:]]
    ),
    "an earlier checkpoint of another ledger": GROWN.replace(
        EARLIER_MARK, checkpoint_line(a_note(LEAVES[:2], origin="other.example/ledger"), NOW)
    ),
    "an earlier checkpoint that is no note": GROWN.replace(EARLIER_MARK, checkpoint_line("x", NOW)),
    "a last checkpoint of another key": a_bundle(LEAVES, a_note(LEAVES, OTHER_KEY)),
    "a changed leaf of an earlier export": GROWN.replace(b"share_0", b"share_9", 2),
    "an unfinished export": b"".join(LINES[:-1]),
    "other peaks": later(peaks=["0" * 64, "1" * 64]),
    "a checkpoint of before that is another one": later(since=a_note(LEAVES[:4])),
    "a checkpoint of before by nobody": later(since=a_note(LEAVES[:5], OTHER_KEY)),
    "another ledger's header": GROWN.replace(ORIGIN.encode(), b"other.example/ledger", 1),
    "a start that is not that of the leaves": later(start=6),
}


@pytest.mark.parametrize("bundle", BAD.values(), ids=BAD)
def test_what_contradicts_itself_is_refused_by_both(bundle: bytes, asked: Any) -> None:
    """A bundle that does not show what it claims verifies nowhere."""
    with pytest.raises(GatewayError):
        check_bundle(io.BytesIO(bundle), [VERIFIER])

    assert asked(bundle)[0] == 1


def test_pruned_leaves_and_earlier_ones_may_account_for_outcomes(asked: Any) -> None:
    """An outcome whose attempt was pruned, or is in an earlier file, is no contradiction; another is."""
    pruned = [pruned_leaf(leaf_hash(LEAVES[0])), *LEAVES[1:]]
    orphans = [*LEAVES[1::2], *LEAVES[2::2]]
    refused = a_bundle(orphans)

    assert asked(a_bundle(pruned))[1]["pruned"] == 1
    assert asked(a_later_bundle(LEAVES, 1))[0] == 0
    assert asked(refused)[0] == 1
    for good in (a_bundle(pruned), a_later_bundle(LEAVES, 1)):
        assert check_bundle(io.BytesIO(good), [VERIFIER]).size == 9


def test_a_leaf_from_nowhere_cannot_be_added() -> None:
    """A later bundle with one more leaf than was signed is refused."""
    more = leaf_line(canonical(an_intent(77)))
    lines = LATER.splitlines(keepends=True)

    with pytest.raises(GatewayError, match="the checkpoint is of 9 leaves"):
        check_bundle(io.BytesIO(b"".join([*lines[:-1], more, lines[-1]])), [VERIFIER])


def test_nothing_is_added_to_the_header_of_a_whole_bundle() -> None:
    """A bundle from the first leaf on has no peaks and no checkpoint of before."""
    assert header_line(origin=ORIGIN, since="x") == header_line(origin=ORIGIN)
