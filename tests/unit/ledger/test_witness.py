"""What a witness is asked, and what counts of its answer."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest

from gateway.ledger.note import KeyType, NoteInvalid, SignedNote, Verifier
from gateway.ledger.witness import (
    SIZE_TYPE,
    add_checkpoint,
    cosignature,
    newest_path,
    recorded_size,
    witness_key,
)
from tests.unit.ledger.builders import KEY, ORIGIN, OTHER_KEY, VERIFIER, a_ledger, a_note, digests

NOTE = a_note(a_ledger())
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WITNESS = Verifier("witness.example/w1", OTHER_KEY.public_key(), KeyType.COSIGNATURE)


def line(at: datetime = NOW, note: str = NOTE, witness: Verifier = WITNESS) -> str:
    """A cosignature's line."""
    seconds = int(at.timestamp())
    signed = f"cosignature/v1\ntime {seconds}\n{SignedNote.parse(note).text}".encode()
    blob = witness.key_id + seconds.to_bytes(8, "big") + OTHER_KEY.sign(signed)
    return f"\u2014 {witness.name} {b64encode(blob).decode()}\n"


def test_the_request_is_the_published_one() -> None:
    """An old size, the proof line by line, an empty line, and the checkpoint."""
    proof = digests(2)
    lines = add_checkpoint(20852014, proof, NOTE).decode().split("\n")

    assert lines[0] == "old 20852014"
    assert lines[1:3] == [b64encode(one).decode() for one in proof]
    assert "\n".join(lines[3:]) == f"\n{NOTE}"
    assert add_checkpoint(0, [], NOTE).decode() == f"old 0\n\n{NOTE}"


def test_a_cosignature_is_taken_from_among_others() -> None:
    """The line of the configured key counts, with its time; lines of other keys are passed over."""
    stranger = "\u2014 stranger.example AAAAAAAA\n"
    found = cosignature(f"{stranger}{line()}{stranger}".encode(), NOTE, WITNESS, now=NOW)

    assert (f"{found.line}\n", found.at) == (line(), int(NOW.timestamp()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"thanks\n",
        b"\xff\n",
        line().removesuffix("\n").encode(),
        f"more\n\n{line()}".encode(),
        line(note=a_note(a_ledger(2))).encode(),
        line(NOW + timedelta(minutes=11)).encode(),
        line(NOW - timedelta(minutes=11)).encode(),
        line().replace("witness.example/w1", "witness.example/w2").encode(),
        line(witness=Verifier(WITNESS.name, KEY.public_key(), KeyType.COSIGNATURE)).encode(),
        (line() + line(NOW - timedelta(days=2))).encode(),
    ],
    ids=[str(number) for number in range(12)],
)
def test_what_does_not_vouch_for_this_checkpoint_is_refused(body: bytes) -> None:
    """No line, a malformed one, one over something else or of another time, and one of another key."""
    with pytest.raises(NoteInvalid):
        cosignature(body, NOTE, WITNESS, now=NOW)


@pytest.mark.parametrize(
    ("body", "media", "size"),
    [
        (b"20852014\n", SIZE_TYPE, 20852014),
        (b"0", f"{SIZE_TYPE}; charset=utf-8", 0),
        (b"07\n", SIZE_TYPE, None),
        (b"-1\n", SIZE_TYPE, None),
        (b"5\n5\n", SIZE_TYPE, None),
        (b"5\n", "text/plain", None),
        (b"", SIZE_TYPE, None),
    ],
)
def test_the_size_that_a_witness_has_is_read(body: bytes, media: str, size: int | None) -> None:
    """A 409 says a size in decimal under its own media type, or nothing that counts."""
    assert recorded_size(body, media) == size


def test_a_witness_has_a_key_of_its_own_type() -> None:
    """Only a key for cosignatures is a witness's."""
    assert witness_key(str(WITNESS)) == WITNESS
    for wrong in (str(VERIFIER), "witness.example", ""):
        with pytest.raises(NoteInvalid):
            witness_key(wrong)


def test_what_a_witness_shows_lies_under_the_hash_of_the_name() -> None:
    """The newest checkpoint of a ledger is found by the SHA-256 of its origin."""
    path = newest_path(ORIGIN)

    assert path.endswith("/checkpoint")
    assert len(path.partition("/")[0]) == 64
    assert path != newest_path("other.example/ledger")
