"""
Sealing: compact JWE, ECDH-ES with A256GCM (RFC 7516, RFC 7518 §4.6).

Each seal has an ephemeral key of its own. The key derivation covers
`partner|purpose`, the protected header covers everything else the recipient
must compare. `FORMAT.md` says it exactly.

Per (key, partner, purpose, version) a `PreparedSealer` keeps what does not
change: the header's constant text and the derivation's constant octets. What
is left per seal is the key agreement, one hash and one encryption.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.seal.context import JSON, SealContext, content_type_parameter, party_info
from gateway.seal.encoding import b64, quote
from gateway.seal.keys import EncryptionKey
from gateway.seal.randomness import Random, draw

ALGORITHM = "ECDH-ES"
ENCRYPTION = "A256GCM"
KEY_BITS = 256
NONCE_BYTES = 12
TAG_BYTES = 16

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def seal(plaintext: bytes, key: EncryptionKey, context: SealContext, *, random: Random) -> str:
    """
    Seal once. Whoever seals often keeps a `PreparedSealer`.

    Returns a compact JWE. Raises `ValueError` where partner or purpose is no id.
    """
    sealer = PreparedSealer.of(
        key,
        partner=context.partner,
        purpose=context.purpose,
        purpose_version=context.purpose_version,
    )
    return sealer.seal(
        plaintext,
        share=context.share,
        field=context.field,
        content_type=context.content_type,
        random=random,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSealer:
    """Seals for one key of one partner under one version of one purpose. Make it with `of`."""

    key: EncryptionKey
    _info: bytes = field(repr=False)
    _after_epk: str = field(repr=False)
    _after_cty: str = field(repr=False)
    _after_jti: str = field(repr=False)

    @classmethod
    def of(cls, key: EncryptionKey, *, partner: str, purpose: str, purpose_version: int) -> Self:
        """
        Prepare. Raises `ValueError` where partner or purpose is no id, and where
        the key is bound to other purposes: choosing the key was a mistake then.
        """
        if key.purpose is not None and purpose not in key.purpose:
            raise ValueError("the key is bound to another purpose")
        party = party_info(partner, purpose)
        return cls(
            key=key,
            _info=other_info(ENCRYPTION, apu=b"", apv=party, bits=KEY_BITS),
            _after_epk=f',"kid":{quote(key.kid)},"cty":',
            _after_cty=f',"purpose":{quote(purpose)},"purpose_version":{purpose_version:d},"jti":',
            _after_jti=f',"apv":{quote(b64(party))}',
        )

    def seal(
        self,
        plaintext: bytes,
        *,
        share: str,
        field: str | None = None,
        content_type: str = JSON,
        random: Random,
    ) -> str:
        """
        One body, or one field by its pointer, as a compact JWE.

        `random` is asked for the ephemeral key and the nonce; it must never
        return the same bytes twice.
        """
        epk, secret = _agree(self.key, random)
        ending = "}" if field is None else f',"field":{quote(field)}}}'
        header = (
            f'{{"alg":"{ALGORITHM}","enc":"{ENCRYPTION}","epk":{epk}{self._after_epk}'
            f"{_quoted_cty(content_type)}{self._after_cty}{quote(share)}{self._after_jti}{ending}"
        )
        protected = b64(header.encode("ascii"))
        nonce = draw(random, NONCE_BYTES)
        cipher = AESGCM(concat_kdf(secret, self._info, bits=KEY_BITS))
        sealed = cipher.encrypt(nonce, plaintext, protected.encode("ascii"))
        ciphertext, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
        return f"{protected}..{b64(nonce)}.{b64(ciphertext)}.{b64(tag)}"


def other_info(algorithm: str, *, apu: bytes, apv: bytes, bits: int) -> bytes:
    """OtherInfo of RFC 7518 §4.6.2: AlgorithmID, PartyUInfo, PartyVInfo, SuppPubInfo."""
    parts = (algorithm.encode("ascii"), apu, apv)
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts) + bits.to_bytes(4, "big")


def concat_kdf(secret: bytes, info: bytes, *, bits: int) -> bytes:
    """
    The Concat KDF (NIST SP 800-56A) in its one round of SHA-256, which gives at
    most 256 bits.
    """
    return hashlib.sha256(b"\x00\x00\x00\x01" + secret + info).digest()[: bits // 8]


def _agree(key: EncryptionKey, random: Random) -> tuple[str, bytes]:
    """A fresh ephemeral key as JSON, and the secret it shares with `key`."""
    if isinstance(key.public, X25519PublicKey):
        return _agree_x25519(key.public, random)
    return _agree_p256(key.public, random)


def _agree_x25519(public: X25519PublicKey, random: Random) -> tuple[str, bytes]:
    ephemeral = X25519PrivateKey.from_private_bytes(draw(random, 32))
    x = b64(ephemeral.public_key().public_bytes_raw())
    return f'{{"kty":"OKP","crv":"X25519","x":"{x}"}}', ephemeral.exchange(public)


def _agree_p256(public: EllipticCurvePublicKey, random: Random) -> tuple[str, bytes]:
    # FIPS 186-5 A.2.1: 64 bits more than the order has, so that the remainder is even.
    scalar = int.from_bytes(draw(random, 40), "big") % (_P256_ORDER - 1) + 1
    ephemeral = derive_private_key(scalar, SECP256R1())
    point = ephemeral.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    x, y = b64(point[1:33]), b64(point[33:])
    epk = f'{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}'
    return epk, ephemeral.exchange(ECDH(), public)


@lru_cache(maxsize=64)
def _quoted_cty(content_type: str) -> str:
    return quote(content_type_parameter(content_type))
