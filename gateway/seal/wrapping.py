"""
Keys that are destroyed one day, wrapped: those of people, cases and escrows (K2).

A wrapped key names its epoch and opens with that epoch's key and the home's, and
with neither alone. Epoch keys die, the home's never: once an epoch's key is
destroyed, no copy of what it wrapped opens any more, however old the copy is.

    wrapped = 0x02 ‖ epoch (4, big-endian) ‖ nonce (8) ‖ tag (16) ‖ ciphertext (32)

The last two are AES-256-SIV (RFC 5297) under the epoch's key over the first
13 bytes and the masked key: the key XOR HMAC-SHA256(the home's, what the key is
of and where it belongs). A wrap that was moved to another row gives another key
there, under which nothing opens. The mask needs no owner to be known when a key
moves to another epoch. 61 bytes, as many as the first version has, so that a row
is overwritten in its place and leaves no old copy in the file.
"""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.seal.randomness import Random, draw
from gateway.seal.storage import KEY_BYTES, SealBroken, hkdf

VERSION = b"\x02"
FIRST_VERSION = b"\x01"
HOME = 0
"""In place of an epoch: a key wrapped by the first version, under the home's key alone."""
NONCE_BYTES = 8
HEAD_BYTES = 1 + 4 + NONCE_BYTES
WRAPPED_BYTES = HEAD_BYTES + 16 + KEY_BYTES
MAX_EPOCH = 2**31 - 1


class EpochKeyMissing(SealBroken):
    """The key of an epoch is not there: what names this epoch does not open."""

    code = "epoch-key-missing"

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the key of epoch {epoch} is not in keys/epochs/")
        self.epoch = epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochKey:
    """The key of one epoch. `fingerprint` tells it from another, and gives nothing of it away."""

    number: int
    fingerprint: str
    _siv: AESSIV = field(repr=False)

    @classmethod
    def of(cls, number: int, secret: bytes) -> "EpochKey":
        """From 32 bytes. Raises `ValueError` for another length or number."""
        if len(secret) != KEY_BYTES or not 0 < number <= MAX_EPOCH:
            raise ValueError(f"an epoch from 1 on has a key of {KEY_BYTES} bytes")
        siv = AESSIV(hkdf(secret, b"sharing-gateway/1 epoch wrap", 64))
        mark = hkdf(secret, b"sharing-gateway/1 epoch fingerprint", 16)
        return cls(number=number, fingerprint=mark.hex(), _siv=siv)

    def wrap(self, key: bytes, mask: bytes, *, random: Random) -> bytes:
        """A 32-byte key, wrapped; `mask` as `mask_of` gives it."""
        return self._sealed(_xor(key, mask), random)

    def open(self, wrapped: bytes, mask: bytes) -> bytes:
        """The key again. Raises `SealBroken`; under another mask it is another key."""
        return _xor(self.masked(wrapped), mask)

    def take_over(self, wrapped: bytes, before: "EpochKey", *, random: Random) -> bytes:
        """What an earlier epoch wrapped, wrapped anew. Raises `SealBroken`."""
        return self._sealed(before.masked(wrapped), random)

    def _sealed(self, masked: bytes, random: Random) -> bytes:
        head = VERSION + self.number.to_bytes(4, "big") + draw(random, NONCE_BYTES)
        return head + self._siv.encrypt(masked, [head])

    def masked(self, wrapped: bytes) -> bytes:
        """What lies under this epoch's key: the key, still masked. Raises `SealBroken`."""
        if len(wrapped) != WRAPPED_BYTES or epoch_of(wrapped) != self.number:
            raise SealBroken("the wrapped key is not one of this epoch")
        try:
            return self._siv.decrypt(wrapped[HEAD_BYTES:], [wrapped[:HEAD_BYTES]])
        except InvalidTag as error:
            raise SealBroken("the wrapped key does not open with this epoch's key") from error


def epoch_of(wrapped: bytes) -> int:
    """The epoch that a wrapped key names; `HOME` for one that names none, destroyed ones too."""
    return int.from_bytes(wrapped[1:5], "big") if wrapped[:1] == VERSION else HOME


def mask_of(home: bytes, label: bytes) -> bytes:
    """
    What ties a key to its place: HMAC-SHA256 of the label under a secret of the home.

    `label` says what the key is of, `escrow|ntc_…`.
    """
    return hmac.digest(home, label, sha256)


def _xor(one: bytes, other: bytes) -> bytes:
    if len(one) != KEY_BYTES or len(other) != KEY_BYTES:
        raise ValueError(f"the key has {KEY_BYTES} bytes")
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(KEY_BYTES, "big")
