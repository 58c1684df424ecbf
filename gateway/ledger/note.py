"""
Signed notes (C2SP signed-note): a text, an empty line, signature lines.

    gateway.example/ledger
    3
    47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=

    — gateway.example/ledger Tm90IGEgc2lnbmF0dXJlLCBqdXN0IGFuIGV4YW1wbGU=

A signature line names its key by a name and by four bytes that are derived
from name and key. Lines of keys that the reader does not know say nothing and
are skipped. A line of a known key must verify: one that does not makes the
whole note worthless, whatever else stands in it.

Two kinds of key are understood: plain Ed25519, and the Ed25519 cosignatures of
witnesses (C2SP tlog-cosignature), which sign the text together with a time.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.errors import GatewayError

# C2SP asks for at least 16; this is the number at which Go's implementation stops.
MAX_SIGNATURES: Final = 100
KEY_ID_BYTES: Final = 4
_SIGNATURE_BYTES: Final = 64
_TIME_BYTES: Final = 8
_DASH: Final = "\u2014 "


class NoteInvalid(GatewayError):
    """A note, a key's text or a checkpoint is malformed, or its signatures do not carry it."""

    code = "note-invalid"


class KeyType(IntEnum):
    """The byte that tells what a key signs and how (C2SP signed-note, signature types)."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key that is trusted under a name."""

    name: str
    key: Ed25519PublicKey
    type: KeyType = KeyType.ED25519

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Read a verifier key: `name+hex(key id)+base64(type ‖ key)`. Raises `NoteInvalid`."""
        # The base64 at the end may itself hold a plus; a name never does.
        name, _, rest = _clean(vkey).partition("+")
        key_id_hex, _, data = rest.partition("+")
        _check_name(name)
        blob = unbase64(data)
        try:
            key_type = KeyType(blob[0] if blob else 0)
            verifier = cls(name, Ed25519PublicKey.from_public_bytes(blob[1:]), key_type)
        except ValueError as error:
            raise NoteInvalid("a verifier key has an unknown type or a wrong length") from error
        if verifier.key_id.hex() != key_id_hex:
            raise NoteInvalid("a verifier key does not have the id that it names")
        return verifier

    @property
    def key_id(self) -> bytes:
        """The four bytes that name this key on a signature line."""
        return key_id(self.name, self.key.public_bytes_raw(), self.type)

    def __str__(self) -> str:
        blob = bytes([self.type]) + self.key.public_bytes_raw()
        return f"{self.name}+{self.key_id.hex()}+{_base64(blob)}"

    def verify(self, text: str, signature: bytes) -> None:
        """Check a signature line's bytes after the key id. Raises `NoteInvalid`."""
        message = text.encode()
        if self.type is KeyType.COSIGNATURE:
            signed_at = cosignature_time(signature)
            message = b"cosignature/v1\ntime %d\n" % signed_at + message
            signature = signature[_TIME_BYTES:]
        try:
            self.key.verify(signature, message)
        except InvalidSignature as error:
            raise NoteInvalid(f"the signature of {self.name!a} does not verify") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line."""

    name: str
    key_id: bytes
    blob: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedNote:
    """A note taken apart. Nothing in it is verified yet."""

    text: str
    """What is signed; ends with a line feed."""
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, note: str | bytes) -> Self:
        """Take a note apart. Raises `NoteInvalid` where its form is not the specified one."""
        whole = _clean(note)
        text, blank, block = whole.rpartition("\n\n")
        if not blank or not block.endswith("\n"):
            raise NoteInvalid("a note is a text, an empty line, and whole signature lines")
        lines = block[:-1].split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise NoteInvalid(f"a note has at most {MAX_SIGNATURES} signature lines")
        return cls(text=text + "\n", signatures=tuple(map(_signature, lines)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedNote:
    """A note that at least one trusted key signed, and no trusted key contradicts."""

    text: str
    verified: tuple[Verifier, ...]
    """Whose signatures verified, in the order of the lines."""
    ignored: tuple[Signature, ...]
    """Lines of keys that are not known."""


def key_id(name: str, public_bytes: bytes, key_type: int = KeyType.ED25519) -> bytes:
    """Return SHA-256(name ‖ LF ‖ type ‖ public key), the first four bytes."""
    return sha256(name.encode() + b"\n" + bytes([key_type]) + public_bytes).digest()[:KEY_ID_BYTES]


def sign_note(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """
    Sign `text`, which ends with a line feed, and return the whole note.

    Raises `NoteInvalid` where the text or the key's name could not be read back.
    """
    _check_name(name)
    if not _clean(text).endswith("\n"):
        raise NoteInvalid("the text of a note ends with a line feed")
    blob = key_id(name, key.public_key().public_bytes_raw()) + key.sign(text.encode())
    return f"{text}\n{_DASH}{name} {_base64(blob)}\n"


def open_note(note: str | bytes, verifiers: Iterable[Verifier]) -> OpenedNote:
    """
    Verify a note against the keys that are trusted.

    Raises `NoteInvalid`: where it is malformed, where any signature of a
    trusted key fails, and where no trusted key signed it.
    """
    parsed = SignedNote.parse(note)
    trusted = _by_id(verifiers)
    verified, ignored = [], []
    for signature in parsed.signatures:
        verifier = trusted.get((signature.name, signature.key_id))
        if verifier is None:
            ignored.append(signature)
            continue
        verifier.verify(parsed.text, signature.blob)
        verified.append(verifier)
    if not verified:
        raise NoteInvalid("no trusted key signed this note")
    return OpenedNote(text=parsed.text, verified=tuple(verified), ignored=tuple(ignored))


def cosignature_time(signature: bytes) -> int:
    """
    Return the seconds since the epoch at which a witness says it signed.

    `signature` is the line's bytes after the key id: eight bytes of time, then
    the signature. Raises `NoteInvalid`, also for the time 0 and one beyond 63 bits.
    """
    if len(signature) != _TIME_BYTES + _SIGNATURE_BYTES:
        raise NoteInvalid("a cosignature is 8 bytes of time and 64 of signature")
    signed_at = int.from_bytes(signature[:_TIME_BYTES], "big")
    if not 0 < signed_at < 2**63:
        raise NoteInvalid("a cosignature of a checkpoint has a time")
    return signed_at


def unbase64(text: str) -> bytes:
    """Decode padded standard base64, and only its one right spelling. Raises `NoteInvalid`."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalid("what should be base64 is not") from error
    # The decoder lets stray bits after the last byte pass.
    if _base64(data) != text:
        raise NoteInvalid("what should be base64 is not")
    return data


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _clean(note: str | bytes) -> str:
    """The note as text: UTF-8, without control characters but the line feed."""
    try:
        text = note.decode() if isinstance(note, bytes) else note.encode().decode()
    except UnicodeError as error:
        raise NoteInvalid("a note is UTF-8") from error
    if any(letter < " " and letter != "\n" for letter in text):
        raise NoteInvalid("a note has no control characters but the line feed")
    return text


def _check_name(name: str) -> None:
    if not name or "+" in name or any(letter.isspace() for letter in name):
        raise NoteInvalid("a key's name is not empty and has no space and no plus")


def _signature(line: str) -> Signature:
    name, _, data = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise NoteInvalid("a signature line begins with an em dash and a space")
    _check_name(name)
    blob = unbase64(data)
    if len(blob) <= KEY_ID_BYTES:
        raise NoteInvalid("a signature line holds a key id and a signature")
    return Signature(name=name, key_id=blob[:KEY_ID_BYTES], blob=blob[KEY_ID_BYTES:])


def _by_id(verifiers: Iterable[Verifier]) -> dict[tuple[str, bytes], Verifier]:
    trusted: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        other = trusted.setdefault((verifier.name, verifier.key_id), verifier)
        # Four bytes can collide; then a line does not say which key it means.
        if other.key != verifier.key:
            raise NoteInvalid(f"two trusted keys of {verifier.name!a} have the same id")
    return trusted
