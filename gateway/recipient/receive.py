"""
One share, from the request as it came to the data in it.

`receive_share` checks, in this order:

    1. the grant: signature, issuer, recipient, time
    2. the grant belongs to this request: method, target, purpose
    3. the body is the one that was sent: digest in the grant, Content-Digest
    4. Sharing-Id, where it came, is the grant's share
    5. a sealed body opens, for this purpose and this share
    6. a bulk share has as many records as the grant says
    7. the grant was never used before

The last one comes last, so that a forged or broken request uses nothing up.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

from gateway.recipient.arguments import CLOCK_SKEW_SECONDS, Now, check_bytes, check_text, header
from gateway.recipient.encoding import parse_json, unb64_padded
from gateway.recipient.errors import RecipientError
from gateway.recipient.grants import verify_grant
from gateway.recipient.pointers import resolve
from gateway.recipient.replay import Seen
from gateway.recipient.sealed import looks_sealed, open_jwe

SEALED_TYPE = "application/jose"
NDJSON = "application/x-ndjson"

# One member of the dictionary that Content-Digest is (RFC 9530 §2).
_DIGEST = re.compile(r"[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):[ \t]*")
_UNREAD = object()


class Received:
    """
    A share that passed every check.

    Prints its share id and never what is in it.
    """

    __slots__ = ("_document", "_keys", "_partner", "body", "claims", "content_type")

    claims: dict[str, Any]
    """The grant: `jti` is the share's id, `sub` the person's pseudonym here, `retention_until`…"""
    body: bytes
    """As the gateway's caller meant it: opened, if it came sealed."""
    content_type: str | None
    """Media type of `body`, without parameters if it came in the clear."""

    def __init__(
        self,
        *,
        claims: dict[str, Any],
        body: bytes,
        content_type: str | None,
        partner: str,
        keys: Mapping[str, Any],
    ) -> None:
        self.claims = claims
        self.body = body
        self.content_type = content_type
        self._partner = partner
        self._keys = keys
        self._document: Any = _UNREAD

    def __repr__(self) -> str:
        return f"<Received share {self.claims['jti']}>"

    @property
    def records(self) -> "tuple[Received, ...]":
        """
        The records of a bulk share in their order, each with a `body` and fields of
        its own; of any other share itself alone.
        """
        if "records" not in self.claims:
            return (self,)
        return tuple(
            Received(
                claims=self.claims,
                body=line,
                content_type="application/json",
                partner=self._partner,
                keys=self._keys,
            )
            for line in _lines(self.body)
        )

    def field(self, pointer: str) -> Any:
        """
        The value at an RFC 6901 pointer of the JSON body, opened if it is sealed.

        Numbers are as Python's `json` reads them; `body` has their exact text. Of a
        bulk share ask each of its `records`.

        Raises body-malformed, pointer-malformed, field-missing, and what
        `open_sealed` raises.
        """
        value = resolve(self._json(), pointer)
        if not looks_sealed(value):
            return value
        opened = open_jwe(
            value,
            self._keys,
            partner=self._partner,
            purpose=self.claims["purpose"],
            field=pointer,
            jti=self.claims["jti"],
        )
        _check_version(opened.header, self.claims)
        return _read_json(opened.plaintext)

    def _json(self) -> Any:
        if self._document is _UNREAD:
            self._document = _read_json(self.body)
        return self._document


def receive_share(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    keys: Mapping[str, Any],
    jwks: Mapping[str, Any],
    partner: str,
    issuer: str,
    purpose: str,
    seen: Seen,
    now: Now = None,
) -> Received:
    """
    Accept one share, or raise.

    `method` and `headers` are as they came (names in any case); `target` is the
    full URL, or path and query as they stood in the request line; `body` the raw
    bytes. `keys` are this recipient's private keys, `jwks` the gateway's public
    ones, both JWK Sets. `partner` is this recipient's id, `issuer` the gateway's
    public URL, `purpose` the id of what this endpoint takes data for. `seen`
    remembers used grants; `MemorySeen` will do for one process.

    Raises `RecipientError`: what `verify_grant` and `open_sealed` raise, and
    grant-missing, header-repeated, method-mismatch, target-mismatch,
    purpose-mismatch, digest-missing, digest-mismatch, share-mismatch,
    records-mismatch or replayed.
    """
    check_bytes(body)
    grant = header(headers, "Sharing-Grant")
    if grant is None:
        raise RecipientError("grant-missing")
    claims = verify_grant(grant, jwks, partner=partner, issuer=issuer, body=body, now=now)
    _check_request(claims, method=method, target=target, purpose=purpose)
    _check_content_digest(header(headers, "Content-Digest"), body)
    if header(headers, "Sharing-Id") not in (None, claims["jti"]):
        raise RecipientError("share-mismatch", "Sharing-Id is not the grant's share")
    received = _open(claims, body, header(headers, "Content-Type"), partner=partner, keys=keys)
    _check_records(received)
    if not seen.add(claims["jti"], math.ceil(claims["exp"]) + CLOCK_SKEW_SECONDS):
        raise RecipientError("replayed")
    return received


def _check_request(claims: Mapping[str, Any], *, method: str, target: str, purpose: str) -> None:
    if claims["htm"] != method:
        raise RecipientError("method-mismatch")
    sent = claims["htu"]
    origin_form = check_text(target, "the target").startswith("/")
    if target != (_origin_form(sent) if origin_form else sent):
        raise RecipientError("target-mismatch")
    if claims["purpose"] != purpose:
        raise RecipientError("purpose-mismatch", "the grant is for another purpose")


def _origin_form(url: str) -> str:
    """Path and query of a URL exactly as they are spelt (RFC 9112 §3.2.1)."""
    after_scheme = url.partition("://")[2]
    start = min((at for at in map(after_scheme.find, "/?") if at >= 0), default=len(after_scheme))
    form = after_scheme[start:]
    return form if form.startswith("/") else f"/{form}"


def _check_content_digest(value: str | None, body: bytes) -> None:
    if value is None:
        raise RecipientError("digest-missing")
    members = [_DIGEST.fullmatch(member) for member in value.split(",")]
    digests = [match[2] for match in members if match is not None and match[1] == "sha-256"]
    if None in members or len(digests) > 1:
        raise RecipientError("digest-mismatch", "Content-Digest is malformed")
    if not digests:
        raise RecipientError("digest-missing")
    try:
        digest = unb64_padded(digests[0])
    except ValueError as error:
        raise RecipientError("digest-mismatch", "Content-Digest is not base64") from error
    if digest != hashlib.sha256(body).digest():
        raise RecipientError("digest-mismatch", "the body is not the one that Content-Digest names")


def _open(
    claims: dict[str, Any],
    body: bytes,
    content_type: str | None,
    *,
    partner: str,
    keys: Mapping[str, Any],
) -> Received:
    media_type = content_type.partition(";")[0].strip().lower() if content_type else None
    if media_type == SEALED_TYPE:
        opened = open_jwe(
            body.decode("ascii", "replace"),
            keys,
            partner=partner,
            purpose=claims["purpose"],
            field=None,
            jti=claims["jti"],
        )
        _check_version(opened.header, claims)
        body, media_type = opened.plaintext, _media_type(opened.header)
    return Received(claims=claims, body=body, content_type=media_type, partner=partner, keys=keys)


def _check_records(received: Received) -> None:
    """A bulk share has as many lines as its grant says, and nothing else has a count."""
    records = received.claims.get("records")
    if records is None:
        return
    if received.content_type != NDJSON or len(_lines(received.body)) != records:
        raise RecipientError("records-mismatch")


def _lines(body: bytes) -> list[bytes]:
    lines = body.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _media_type(protected: Mapping[str, Any]) -> str | None:
    """What `cty` means: without a slash it is of `application` (RFC 7515 §4.1.10)."""
    cty: str | None = protected.get("cty")
    return cty if cty is None or "/" in cty else f"application/{cty}"


def _check_version(protected: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    if protected.get("purpose_version") != claims["purpose_version"]:
        raise RecipientError(
            "purpose-mismatch", "seal and grant are of two versions of the purpose"
        )


def _read_json(data: bytes) -> Any:
    try:
        return parse_json(data)
    except ValueError as error:
        raise RecipientError("body-malformed") from error
