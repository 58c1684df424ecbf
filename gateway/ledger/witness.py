"""
What a witness is asked, and what counts of its answer (C2SP tlog-witness, tlog-cosignature).

A witness keeps of each ledger the largest checkpoint that it has seen, and signs
only what continues it. So nobody who trusts it can be shown another history
than it was shown itself.

    old 20852014
    PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=

    gateway.example/ledger
    …

The request is the size that the witness has, a consistency proof from there, an
empty line, and the checkpoint. The answer is signature lines for that checkpoint.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from gateway.ledger.note import KeyType, NoteInvalid, SignedNote, Verifier, cosignature_time

SIZE_TYPE: Final = "text/x.tlog.size"
"""Of the answer that says which size a witness has."""

MAX_SKEW: Final = timedelta(minutes=10)
"""How far a witness's clock may be off; more, and it says nothing about now."""

_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosignature:
    """A witness's signature over one checkpoint, verified."""

    line: str
    """As it stands in the note, without its line feed."""
    at: int
    """When it was made, in seconds since the epoch, by the witness's clock."""


def witness_key(vkey: str) -> Verifier:
    """Read a witness's key. Raises `NoteInvalid`, also for a key of another type than 0x04."""
    verifier = Verifier.parse(vkey)
    if verifier.type is not KeyType.COSIGNATURE:
        raise NoteInvalid("a witness's key is of the type 0x04, Ed25519 cosignature")
    return verifier


def add_checkpoint(old: int, proof: Sequence[bytes], note: str) -> bytes:
    """
    Return the body of `POST add-checkpoint`.

    `old` is the size that the witness has, `proof` the consistency proof from there
    (empty from 0 and between equal sizes), `note` the signed checkpoint.
    """
    hashes = [b64encode(digest).decode("ascii") for digest in proof]
    return "\n".join([f"old {old}", *hashes, "", note]).encode()


def recorded_size(body: bytes, content_type: str) -> int | None:
    """Return the size that a 409 says a witness has; None where it says none."""
    found = _SIZE.fullmatch(body)
    if content_type.partition(";")[0].strip().lower() != SIZE_TYPE or found is None:
        return None
    return int(found[1])


def cosignature(body: bytes, note: str, witness: Verifier, *, now: datetime) -> Cosignature:
    """
    Return the witness's signature from the answer to `add-checkpoint`, verified.

    Lines of other keys are ignored, as C2SP tlog-witness asks. Raises `NoteInvalid`
    where a line is malformed, where the one of this key does not verify over this very
    checkpoint or says a time that is not about now, and where there is none.
    """
    text = SignedNote.parse(note).text
    try:
        answered = SignedNote.parse(f"{text}\n{body.decode()}")
    except UnicodeDecodeError as error:
        raise NoteInvalid("a cosignature is UTF-8") from error
    if answered.text != text:
        raise NoteInvalid("a witness answers with signature lines and nothing else")
    found = None
    for signature in answered.signatures:
        if (signature.name, signature.key_id) != (witness.name, witness.key_id):
            continue
        witness.verify(text, signature.blob)
        at = cosignature_time(signature.blob)
        _check_time(at, now)
        blob = b64encode(signature.key_id + signature.blob).decode("ascii")
        found = Cosignature(line=f"\u2014 {signature.name} {blob}", at=at)
    if found is None:
        raise NoteInvalid(f"no signature of {witness.name!a} is in its answer")
    return found


def newest_path(origin: str) -> str:
    """Return where a witness shows the newest checkpoint it cosigned, below its own prefix."""
    return f"{sha256(origin.encode()).hexdigest()}/checkpoint"


def _check_time(at: int, now: datetime) -> None:
    try:
        signed_at = datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise NoteInvalid("a cosignature's time is no time") from error
    if abs(signed_at - now) > MAX_SKEW:
        raise NoteInvalid("a cosignature's time is far from now")
