"""
Sealing for the gateway's own store: subject keys, escrow, queued shares.

A protected blob is `version (1 byte) ‖ nonce (12) ‖ AES-256-GCM ciphertext and
tag`. The version is authenticated with the caller's own additional data, which
says what the blob is and where it belongs: a row moved to another place does
not open there.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import GatewayError
from gateway.seal.randomness import Random, draw

VERSION = b"\x01"
KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class SealBroken(GatewayError):
    """A stored blob does not open: changed, moved, cut, or under another key."""

    code = "seal-broken"


def protect(key: bytes, plaintext: bytes, aad: bytes, *, random: Random) -> bytes:
    """
    Seal `plaintext` under a 32-byte key, bound to `aad`.

    The nonce is random, so one key serves at most 2^32 blobs (NIST SP 800-38D
    §8.3). Raises `ValueError` for a key of another length.
    """
    _check_key(key)
    nonce = draw(random, NONCE_BYTES)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, plaintext, VERSION + aad)


def reveal(key: bytes, blob: bytes, aad: bytes) -> bytes:
    """
    What `protect` sealed under the same key and `aad`.

    Raises `SealBroken` where it does not open, `ValueError` for a key of
    another length.
    """
    _check_key(key)
    if blob[:1] != VERSION:
        raise SealBroken("the sealed value has an unknown version")
    if len(blob) < len(VERSION) + NONCE_BYTES + TAG_BYTES:
        raise SealBroken("the sealed value is cut short")
    nonce, sealed = blob[1 : 1 + NONCE_BYTES], blob[1 + NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, sealed, VERSION + aad)
    except InvalidTag as error:
        raise SealBroken("the sealed value does not open with this key in this place") from error


def hkdf(key: bytes, info: bytes, length: int = 32) -> bytes:
    """
    A key for one use out of a uniformly random one: HKDF-SHA256 (RFC 5869)
    without salt. `info` names the use; another name gives an unrelated key.
    """
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(key)


def _check_key(key: bytes) -> None:
    if len(key) != KEY_BYTES:
        raise ValueError(f"the key has {KEY_BYTES} bytes")
