"""
The terms of a share, signed: the `Sharing-Grant` header (contract §6).

A grant says who may do what with the data, for how long and under which
edition, and is bound to the request that carries it by method, target and the
digest of the body as sent. It is fresh for five minutes at most.
"""

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from gateway.seal.encoding import b64, quote, quote_text
from gateway.seal.jws import sign_jws
from gateway.seal.keys import SigningKey

__all__ = [
    "GRANT_TYPE",
    "MAX_LIFETIME_SECONDS",
    "GrantTerms",
    "SigningKey",
    "content_digest",
    "digest_field",
    "grant_hash",
    "sign_grant",
    "sign_jws",
]

GRANT_TYPE = "sharing-grant+jwt"
MAX_LIFETIME_SECONDS = 300
SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTerms:
    """
    What one grant says.

    Raises `ValueError` for a life longer than 300 s, a salt that has not
    128 bits, a digest that is not SHA-256, or a time without a zone.
    """

    issuer: str
    """`GATEWAY_PUBLIC__URL`."""
    partner: str
    share: str
    issued_at: datetime
    lifetime_seconds: int = MAX_LIFETIME_SECONDS
    salt: bytes = field(repr=False)
    """16 random bytes, so that nobody can guess a grant from its hash in the ledger."""
    method: str
    target: str = field(repr=False)
    """The full URL of the request as sent; its path may name a person's record."""
    subject: str | None = field(default=None, repr=False)
    """The person's pseudonym for this partner; None on de-identified routes and in bulk."""
    purpose: str
    purpose_version: int
    ground: str
    fields: tuple[str, ...]
    """Declared selectors that were let out."""
    retention_until: datetime
    territory: str
    onward: tuple[str, ...] = ()
    """Partners that the recipient may pass data on to; empty = nobody."""
    edition: str
    digest: bytes = field(repr=False)
    """SHA-256 of the body as sent; of no bytes where there is no body."""
    records: int | None = None
    """How many records a bulk request carries; None for a single share."""

    def __post_init__(self) -> None:
        if not 0 < self.lifetime_seconds <= MAX_LIFETIME_SECONDS:
            raise ValueError(f"a grant lives 1 to {MAX_LIFETIME_SECONDS} seconds")
        if len(self.salt) != SALT_BYTES:
            raise ValueError(f"the salt has {SALT_BYTES} bytes")
        if len(self.digest) != hashlib.sha256().digest_size:
            raise ValueError("the digest is the 32 bytes of SHA-256")
        if self.issued_at.utcoffset() is None or self.retention_until.utcoffset() is None:
            raise ValueError("times need a zone")

    def claims(self) -> dict[str, Any]:
        """The claims of the contract (§6), in its order."""
        claims: dict[str, Any] = json.loads(self.octets())
        return claims

    def octets(self) -> bytes:
        """The claims as they are signed: compact JSON in ASCII."""
        issued = int(self.issued_at.timestamp())
        form = _form(
            self.issuer,
            self.partner,
            self.method,
            self.purpose,
            self.purpose_version,
            self.ground,
            self.fields,
            self.territory,
            self.onward,
            self.edition,
            self.records,
        )
        text = form % (
            quote_text(self.share),
            issued,
            issued + self.lifetime_seconds,
            b64(self.salt),
            quote_text(self.target),
            "" if self.subject is None else f',"sub":{quote_text(self.subject)}',
            _rfc3339(self.retention_until),
            b64(self.digest),
        )
        return text.encode("ascii")


# Grants of one route differ in a few claims only: the others are written once.
@lru_cache(maxsize=1024, typed=True)
def _form(
    issuer: str,
    partner: str,
    method: str,
    purpose: str,
    purpose_version: int,
    ground: str,
    fields: tuple[str, ...],
    territory: str,
    onward: tuple[str, ...],
    edition: str,
    records: int | None,
) -> str:
    """Every claim in the order of the contract (§6), with a gap for each that `octets` fills."""
    members = (
        f'"iss":{_fixed(issuer)},"aud":{_fixed(partner)}',
        '"jti":%s,"iat":%d,"exp":%d,"salt":"%s"',
        f'"htm":{_fixed(method)},"htu":%s%s',
        f'"purpose":{_fixed(purpose)},"purpose_version":{_fixed(purpose_version)}',
        f'"ground":{_fixed(ground)},"fields":{_fixed(list(fields))}',
        f'"retention_until":"%s","territory":{_fixed(territory)},"onward":{_fixed(list(onward))}',
        f'"edition":{_fixed(edition)},"digest":"%s"',
        *(() if records is None else (f'"records":{_fixed(records)}',)),
    )
    return "{" + ",".join(members) + "}"


def _fixed(value: Any) -> str:
    return quote(value).replace("%", "%%")


def sign_grant(terms: GrantTerms, signer: SigningKey) -> str:
    """The `Sharing-Grant`: a compact JWS with `typ` `sharing-grant+jwt`."""
    return sign_jws(terms.octets(), signer, GRANT_TYPE)


def content_digest(body: bytes) -> str:
    """The `Content-Digest` field of a body as sent: `sha-256=:…:` (RFC 9530 §2)."""
    return digest_field(hashlib.sha256(body).digest())


def digest_field(digest: bytes) -> str:
    """The same of a body whose SHA-256 is known already."""
    return f"sha-256=:{b64encode(digest).decode('ascii')}:"


def grant_hash(compact: str) -> str:
    """Hex SHA-256 of a compact grant, as leaves name it (contract §10)."""
    return hashlib.sha256(compact.encode("ascii")).hexdigest()


def _rfc3339(time: datetime) -> str:
    # Whole seconds, rounded down: a retention never ends later than it should.
    return time.astimezone(UTC).isoformat(timespec="seconds")[:-6] + "Z"
