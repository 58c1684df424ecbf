"""The bundle: one file that carries a whole ledger."""

import io
import json
from typing import Any

import pytest

from gateway.ledger.bundle import (
    MAX_LINE,
    BundleInvalid,
    BundleReader,
    leaf_line,
    lines,
    pruned_hash,
    pruned_leaf,
)
from gateway.ledger.checkpoint import open_checkpoint
from gateway.ledger.encode import LedgerEncodeError
from tests.unit.ledger.builders import (
    NOW,
    ORIGIN,
    VERIFIER,
    a_bundle,
    a_checkpoint,
    a_ledger,
    a_note,
)

LEAVES = a_ledger()
GOOD = a_bundle(LEAVES).splitlines(keepends=True)
HEADER, FOOTER = GOOD[0], GOOD[-1]


def read(data: bytes) -> list[bytes]:
    """The leaves of a bundle, read to its end."""
    reader = BundleReader(io.BytesIO(data))
    leaves = list(reader.leaves())
    assert reader.checkpoint
    return leaves


def header(**changes: Any) -> bytes:
    """The header with changes; a member given as None is left out."""
    members = json.loads(HEADER) | changes
    kept = {name: value for name, value in members.items() if value is not None}
    return json.dumps(kept).encode() + b"\n"


def test_what_was_written_is_read() -> None:
    """A bundle gives back its leaves byte by byte, its header, and a checkpoint that opens."""
    reader = BundleReader(io.BytesIO(a_bundle(LEAVES)))
    leaves = list(reader.leaves())

    assert (reader.header.origin, reader.header.size) == (ORIGIN, len(LEAVES))
    assert reader.header.exported_at == "2026-03-01T12:00:00.123Z"
    assert leaves == LEAVES
    assert open_checkpoint(reader.checkpoint, [VERIFIER]) == a_checkpoint(LEAVES)


def test_a_ledger_without_leaves_has_a_bundle() -> None:
    """The bundle of a new ledger has two lines."""
    assert len(a_bundle([]).splitlines()) == 2
    assert read(a_bundle([])) == []


def test_the_header_says_what_kind_of_file_it_is() -> None:
    """The first bytes of a bundle name its format, so that a reader can tell it from others."""
    assert HEADER.startswith(b'{"format":"sharing-ledger/1","origin":"gateway.example/ledger",')


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 1),
        (b"\n", 1),
        (b"[]\n", 1),
        (b"not json\n", 1),
        (b"\xff\n", 1),
        (header(format="sharing-ledger/2"), 1),
        (header(format=None), 1),
        (header(size=None), 1),
        (header(size=-1), 1),
        (header(size=True), 1),
        (header(size="2"), 1),
        (header(size=2**63), 1),
        (header(origin=1), 1),
        (header(exported_at=1), 1),
        (header(more="members"), 1),
        (HEADER[:-1] + b"\r\n", 1),
        (b" " + HEADER, 1),
        (HEADER[:-1], 1),
        (HEADER.replace(b'"size"', b'"size":1,"size"'), 1),
        (b"[" * 100_000 + b"\n", 1),
        (HEADER, 2),
        (HEADER + b"\n", 2),
        (HEADER + GOOD[1] + FOOTER, 3),
        (b"".join(GOOD[:-1]), 11),
        (b"".join(GOOD[:-1]) + GOOD[1], 11),
        (b"".join(GOOD[:-1]) + b'{"checkpoint":1}\n', 11),
        (b"".join(GOOD[:-1]) + b'{"checkpoint":"x","more":1}\n', 11),
        (b"".join(GOOD)[:-1], 11),
        (b"".join(GOOD)[:-40], 11),
        (b"".join(GOOD) + b"\n", 12),
        (b"".join(GOOD) + GOOD[1], 12),
        (HEADER + b"x" * MAX_LINE + b"\n", 2),
    ],
)
def test_a_file_of_another_form_is_refused_at_its_line(data: bytes, line: int) -> None:
    """Missing, broken, overlong and extra lines are refused, and the line is named."""
    with pytest.raises(BundleInvalid) as refused:
        read(data)

    assert refused.value.line == line
    assert str(refused.value).startswith(f"line {line}: ")


def test_there_is_no_checkpoint_before_the_end() -> None:
    """Who did not read all leaves cannot take the checkpoint for theirs."""
    reader = BundleReader(io.BytesIO(a_bundle(LEAVES)))
    next(reader.leaves())

    with pytest.raises(BundleInvalid, match="not read to its end"):
        assert reader.checkpoint


@pytest.mark.parametrize("given", [LEAVES[:-1], [*LEAVES, LEAVES[0]], []])
def test_a_bundle_of_another_size_is_not_finished(given: list[bytes]) -> None:
    """If the store gives more or fewer leaves than announced, no bundle comes about."""
    writing = lines(
        origin=ORIGIN,
        size=len(LEAVES),
        exported_at=NOW,
        leaves=given,
        checkpoint_note=a_note(LEAVES),
    )
    written = b""
    with pytest.raises(LedgerEncodeError, match="the bundle is of 9 leaves"):
        for line in writing:
            written += line
    with pytest.raises(BundleInvalid):
        read(written)


def test_a_leaf_that_no_reader_would_take_is_not_written() -> None:
    """A leaf of several lines, or longer than a line may be, stops the export."""
    assert leaf_line(b"x" * (MAX_LINE - 1)) == b"x" * (MAX_LINE - 1) + b"\n"
    for leaf in (b"x" * MAX_LINE, b"two\nlines"):
        with pytest.raises(LedgerEncodeError):
            leaf_line(leaf)


def test_a_pruned_leaf_keeps_its_hash() -> None:
    """What stands in place of a pruned leaf is canonical and gives back the hash."""
    digest = bytes(range(32))
    line = pruned_leaf(digest)

    assert line == b'{"leaf_hash":"%s","pruned":true}' % digest.hex().encode()
    assert pruned_hash(json.loads(line)) == digest


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"pruned": True},
        {"pruned": False, "leaf_hash": "0" * 64},
        {"pruned": 1, "leaf_hash": "0" * 64},
        {"pruned": True, "leaf_hash": "0" * 63},
        {"pruned": True, "leaf_hash": "A" * 64},
        {"pruned": True, "leaf_hash": "0" * 62 + " 0"},
        {"pruned": True, "leaf_hash": "x" * 64},
        {"pruned": True, "leaf_hash": 64 * ["0"]},
        {"pruned": True, "leaf_hash": "0" * 64, "kind": "intent"},
    ],
)
def test_nothing_else_passes_for_a_pruned_leaf(value: Any) -> None:
    """Only the exact form stands in place of a pruned leaf."""
    assert pruned_hash(value) is None
