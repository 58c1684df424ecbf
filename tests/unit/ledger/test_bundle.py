"""The bundle: one file that carries a whole ledger, and only grows at its end."""

import gzip
import io
import json
from typing import Any

import pytest

from gateway.ledger.bundle import (
    MAX_LINE,
    BundleInvalid,
    BundleReader,
    Header,
    Mark,
    leaf_line,
    pruned_hash,
    pruned_leaf,
)
from gateway.ledger.checkpoint import open_checkpoint
from gateway.ledger.encode import LedgerEncodeError
from tests.unit.ledger.builders import (
    ORIGIN,
    VERIFIER,
    a_bundle,
    a_checkpoint,
    a_first_bundle,
    a_grown_bundle,
    a_later_bundle,
    a_ledger,
    a_note,
)

LEAVES = a_ledger()
GOOD = a_first_bundle(LEAVES).splitlines(keepends=True)
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

    assert reader.header == Header(origin=ORIGIN)
    assert leaves == LEAVES
    assert open_checkpoint(reader.checkpoint, [VERIFIER]) == a_checkpoint(LEAVES)


def test_the_first_version_is_read_too() -> None:
    """Bundles that were handed out before say how many leaves they have, and are read as ever."""
    reader = BundleReader(io.BytesIO(a_first_bundle(LEAVES)))
    leaves = list(reader.leaves())

    assert (reader.header.format, reader.header.size) == ("sharing-ledger/1", len(LEAVES))
    assert reader.header.exported_at == "2026-03-01T12:00:00.123Z"
    assert leaves == LEAVES
    assert open_checkpoint(reader.checkpoint, [VERIFIER]) == a_checkpoint(LEAVES)


def test_a_bundle_that_grew_has_a_checkpoint_after_each_export() -> None:
    """Several exports into one file are read as one, and each says how far it went."""
    reader = BundleReader(io.BytesIO(a_grown_bundle(LEAVES, 2, 5, 9)))
    items = list(reader.items())

    assert [item for item in items if isinstance(item, bytes)] == LEAVES
    assert [item.size for item in items if isinstance(item, Mark)] == [2, 5, 9]
    assert open_checkpoint(reader.checkpoint, [VERIFIER]) == a_checkpoint(LEAVES)


def test_a_bundle_of_later_leaves_says_where_it_begins() -> None:
    """What is shipped after an earlier bundle has the place of its first leaf, and the tree there."""
    reader = BundleReader(io.BytesIO(a_later_bundle(LEAVES, 6)))

    assert (reader.header.start, len(reader.header.peaks)) == (6, 2)
    assert reader.header.since == a_note(LEAVES[:6])
    assert list(reader.leaves()) == LEAVES[6:]


def test_a_ledger_without_leaves_has_a_bundle() -> None:
    """The bundle of a new ledger has two lines."""
    assert len(a_bundle([]).splitlines()) == 2
    assert read(a_bundle([])) == []


def test_the_header_says_what_kind_of_file_it_is() -> None:
    """The first bytes of a bundle name its format, so that a reader can tell it from others."""
    first = a_bundle(LEAVES).splitlines()[0]

    assert first == b'{"format":"sharing-ledger/2","origin":"gateway.example/ledger"}'


GROWN = a_grown_bundle(LEAVES, 4, 9)


def test_no_beginning_of_a_bundle_looks_whole() -> None:
    """Wherever an export was killed, a reader is told so, unless it was right after a checkpoint."""
    whole = len(a_bundle(LEAVES[:4]))
    for end in {*range(0, len(GROWN), 7), whole - 1, whole + 1, len(GROWN) - 1} - {whole}:
        with pytest.raises(BundleInvalid, match=r"cut|not finished|ends here"):
            read(GROWN[:end])

    assert read(GROWN[:whole]) == LEAVES[:4]


@pytest.mark.parametrize("end", [1, 100, 400, -9, -1])
def test_no_beginning_of_a_compressed_bundle_looks_whole(end: int) -> None:
    """A compressed bundle that was cut is refused in a sentence, and no traceback."""
    data = gzip.compress(GROWN[:2000]) + gzip.compress(GROWN[2000:])

    with gzip.open(io.BytesIO(data[:end])) as stream, pytest.raises(BundleInvalid, match="cut"):
        list(BundleReader(stream).leaves())


ONE = {"format": "sharing-ledger/2", "origin": ORIGIN}
ENDED = a_bundle(LEAVES[:1]).splitlines(keepends=True)[1:]


@pytest.mark.parametrize(
    "wrong",
    [
        ONE | {"origin": 1},
        ONE | {"more": "members"},
        ONE | {"size": 1},
        ONE | {"start": 0, "peaks": []},
        ONE | {"start": 1},
        ONE | {"start": 1, "peaks": []},
        ONE | {"start": 3, "peaks": ["0" * 64]},
        ONE | {"start": 1, "peaks": ["A" * 64]},
        ONE | {"start": 1, "peaks": "0" * 64},
        ONE | {"start": True, "peaks": ["0" * 64]},
        ONE | {"start": 2**63, "peaks": ["0" * 64]},
        ONE | {"start": 1, "peaks": ["0" * 64], "since": 1},
        ONE | {"peaks": []},
        ONE | {"since": "x"},
        {"format": "sharing-ledger/3", "origin": ORIGIN},
    ],
)
def test_a_header_of_another_form_is_refused(wrong: Any) -> None:
    """A header promises what is described and nothing else."""
    with pytest.raises(BundleInvalid) as refused:
        BundleReader(io.BytesIO(json.dumps(wrong).encode() + b"\n"))

    assert refused.value.line == 1


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        ENDED[0],
        b"".join(ENDED) + ENDED[1],
        ENDED[0] + b'{"checkpoint":"x"}\n',
        ENDED[0] + b'{"checkpoint":1,"exported_at":"x"}\n',
        ENDED[0] + b'{"checkpoint":"x","exported_at":"x","more":1}\n',
        b"".join(ENDED) + b"\n",
        b"".join(ENDED)[:-1],
    ],
)
def test_what_is_not_whole_is_refused(rest: bytes) -> None:
    """Leaves without a checkpoint, checkpoints of another form or twice, and cut lines."""
    with pytest.raises(BundleInvalid):
        read(json.dumps(ONE).encode() + b"\n" + rest)


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
