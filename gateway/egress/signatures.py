"""
HTTP message signatures towards a partner (RFC 9421; contract §7, `http_signature`).

What is signed: method, target and, where there is a body, its `Content-Digest`
(RFC 9530), with the time, the key's id and its algorithm.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures import algorithms as registered
from jwt import PyJWK
from jwt.exceptions import PyJWTError
from multidict import CIMultiDict

from gateway.egress.references import SecretMissing, Secrets
from gateway.model.recipients import Auth

LABEL = "sig1"
COVERED = ("@method", "@target-uri")
DIGEST = "content-digest"

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class _Key:
    """A key that was read, and what it was read from."""

    text: str
    private: PrivateKey
    kid: str


@dataclass(slots=True)
class _Message:
    """A request as the library wants to see it."""

    method: str
    url: str
    headers: CIMultiDict[str]


class Signer:
    """
    Signs the requests to one partner.

    The key is an Ed25519 or P-256 private key, as a JWK or as PEM. It is looked
    up at each request, and read again only when it has changed.
    """

    def __init__(self, auth: Auth, secrets: Secrets) -> None:
        self._settings: Mapping[str, str] = auth.settings
        self._secrets = secrets
        self._known: _Key | None = None

    def sign(
        self, method: str, url: str, headers: CIMultiDict[str], body: bytes | None, now: datetime
    ) -> None:
        """
        Add `Signature-Input`, `Signature` and, where it lacks, `Content-Digest`.

        Raises `SecretMissing` where there is no key, or none that signs.
        """
        key = self._key()
        id = self._settings.get("keyid", key.kid)
        if not id:
            raise SecretMissing("the key names no kid, write keyid beside it in the manifest")
        signer = HTTPMessageSigner(
            signature_algorithm=_algorithm(key.private),
            key_resolver=MappingKeyResolver(public_keys={}, private_keys={id: key.private}),
        )
        digested = DIGEST in headers
        signer.sign(
            _Message(method.upper(), url, headers),
            key_id=id,
            created=now,
            label=LABEL,
            covered_component_ids=(*COVERED, DIGEST) if digested else COVERED,
            body=body or None,
            use_existing_digest=digested,
        )

    def _key(self) -> _Key:
        text = self._secrets(self._settings["key"])
        if self._known is None or self._known.text != text:
            self._known = _read(text, self._settings["key"])
        return self._known


def _algorithm(key: PrivateKey) -> type[registered.HTTPSignatureAlgorithm]:
    if isinstance(key, Ed25519PrivateKey):
        return registered.ED25519
    return registered.ECDSA_P256_SHA256


def _read(text: str, reference: str) -> _Key:
    try:
        kid, private = _jwk(json.loads(text)) if text.startswith("{") else ("", _pem(text))
    except (ValueError, TypeError, PyJWTError):
        raise SecretMissing(f"{reference} is no private key, as a JWK or as PEM") from None
    match private:
        case Ed25519PrivateKey():
            return _Key(text, private, kid)
        case EllipticCurvePrivateKey() if isinstance(private.curve, SECP256R1):
            return _Key(text, private, kid)
    raise SecretMissing(f"{reference} is no Ed25519 or P-256 private key")


def _jwk(value: dict[str, Any]) -> tuple[str, Any]:
    return str(value.get("kid", "")), PyJWK.from_dict(value).key


def _pem(text: str) -> Any:
    return load_pem_private_key(text.encode(), password=None)
