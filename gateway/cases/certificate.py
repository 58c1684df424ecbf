"""
The certificate of a case: what was asked, whom it was told, and what each of
them signed (contract §9; R3, A1).

It is a compact JWS by the key `certificate-…` and holds nothing about the
person but a salted hash, so it can be handed on and checked offline by whoever
has the public keys.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.errors import GatewayError
from gateway.model.cases import Case, CaseState, NoticeState, Proof

CERTIFICATE_TYPE: Final = "sharing-certificate+jwt"
KEY_USE: Final = "certificate-"

MAY_NOT_BE_TOLD: Final = "may-not-be-told"
"""Why a recipient is exempt whose notice would tip off (D2)."""

# RFC 9864 renames EdDSA; both mean the one algorithm of an Ed25519 key.
_ALGORITHMS = ("EdDSA", "Ed25519")

# RFC 8725 §3.5, §3.10: no key comes from the message, and nothing critical is known here.
_REFUSED_MEMBERS = frozenset({"crit", "b64", "zip", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"})

_TEXTS = ("iss", "case", "action", "reason", "state", "accepted_at", "checkpoint", "subject_hash")
_CLAIMS = frozenset({*_TEXTS, "iat", "closed_at", "notices"})
_NOTICE = frozenset(
    {"notice", "partner", "state", "reason", "deadline", "backups_until", "attempts", "next_at"}
    | {"evidence", "settled", "receipts"}
)
_NOTICE_TEXTS = ("notice", "partner", "state", "deadline")
_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_HEX_256 = re.compile(r"[0-9a-f]{64}")


class CertificateInvalid(GatewayError):
    """A certificate does not show what it claims. The message says which rule broke."""

    code = "certificate-invalid"


def subject_hash(salt: bytes, subject: str) -> str:
    """
    Hex SHA-256 of the salt's bytes and the subject in UTF-8: who has both can
    show that a certificate is about this person, and nobody else can.
    """
    return hashlib.sha256(salt + subject.encode("utf-8")).hexdigest()


def claims(case: Case, *, issuer: str, now: datetime, checkpoint_note: str) -> dict[str, Any]:
    """
    What a certificate says of a case as it stands; `interim` while it is open.

    It is for the person and for whoever they show it to, so that a recipient with a
    demand of which they may not be told is not in it (D2); the case itself has it.
    `checkpoint_note` is a signed head of the ledger that holds the case's leaves.
    """
    shown = case.shown()
    said: dict[str, Any] = {"iss": issuer, "iat": int(now.timestamp())}
    said |= {
        name: shown[name]
        for name in ("case", "action", "reason", "state", "accepted_at", "closed_at")
    }
    said |= {
        "notices": [
            {**notice.shown(), "receipts": list(notice.receipts)}
            for notice in case.notices
            if (notice.state, notice.reason) != (NoticeState.EXEMPT, MAY_NOT_BE_TOLD)
        ],
        "checkpoint": checkpoint_note,
        "subject_hash": case.subject_hash,
    }
    # R7: on what the request was refused.
    refused = {} if case.ground is None else {"ground": case.ground}
    return said | refused | ({"interim": True} if case.state is CaseState.OPEN else {})


def verify_certificate(token: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
    """
    The claims of a certificate signed by a key `certificate-…` of `jwks`.

    Only keys of that set count, whatever the token brings along. Also checked
    is that the claims do not contradict themselves: a closed case has every
    notice settled. Checkpoint and receipts inside are signatures of others and
    are returned unchecked. Raises `CertificateInvalid`.
    """
    said = opened(token, jwks, CERTIFICATE_TYPE)
    _check_claims(said)
    return said


def opened(token: str, jwks: Mapping[str, Any], typ: str) -> dict[str, Any]:
    """
    The claims of a token of this type signed by a key `certificate-…` of `jwks`,
    looked at no further. Raises `CertificateInvalid`.
    """
    parts = token.split(".")
    if len(parts) != 3 or not token.isascii():
        raise CertificateInvalid("it is not a compact JWS")
    key = _key(_object(parts[0], "header"), jwks, typ)
    try:
        key.verify(_octets(parts[2], "signature"), f"{parts[0]}.{parts[1]}".encode("ascii"))
    except InvalidSignature as error:
        raise CertificateInvalid("the signature is not by the key that it names") from error
    return _object(parts[1], "payload")


def type_of(token: str) -> str:
    """Which type a token says that it is of; nothing of it is checked."""
    try:
        return str(_object(token.partition(".")[0], "header").get("typ"))
    except CertificateInvalid:
        return ""


def _key(header: Mapping[str, Any], jwks: Mapping[str, Any], typ: str) -> Ed25519PublicKey:
    """The trusted key that the header names, by its `kid` alone."""
    if not _REFUSED_MEMBERS.isdisjoint(header):
        raise CertificateInvalid("the header has a member that is not allowed")
    if header.get("typ") != typ:
        raise CertificateInvalid(f"typ is not {typ}")
    if header.get("alg") not in _ALGORITHMS:
        raise CertificateInvalid("alg is not EdDSA")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid.startswith(KEY_USE):
        raise CertificateInvalid(f"a certificate is signed by a key {KEY_USE}…")
    members = jwks.get("keys")
    known = members if isinstance(members, list) else []
    found = [jwk for jwk in known if isinstance(jwk, Mapping) and jwk.get("kid") == kid]
    if len(found) != 1:
        raise CertificateInvalid("no trusted key, or more than one, has this kid")
    return _public(found[0])


def _public(jwk: Mapping[str, Any]) -> Ed25519PublicKey:
    kind = (jwk.get("kty"), jwk.get("crv"), jwk.get("use", "sig"))
    if kind != ("OKP", "Ed25519", "sig") or jwk.get("alg", "EdDSA") not in _ALGORITHMS:
        raise CertificateInvalid("the trusted key of this kid is not for Ed25519 signatures")
    try:
        return Ed25519PublicKey.from_public_bytes(_octets(jwk.get("x"), "key"))
    except ValueError as error:
        raise CertificateInvalid("the trusted key of this kid is malformed") from error


def _check_claims(said: Mapping[str, Any]) -> None:
    if said.keys() - {"interim", "ground"} != _CLAIMS:
        raise CertificateInvalid("its claims are not those of a certificate")
    if not all(isinstance(said[name], str) for name in _TEXTS) or type(said["iat"]) is not int:
        raise CertificateInvalid("a claim is of the wrong type")
    if not _HEX_256.fullmatch(said["subject_hash"]):
        raise CertificateInvalid("subject_hash is not hex SHA-256")
    if not isinstance(said["notices"], list):
        raise CertificateInvalid("notices is not a list")
    for notice in said["notices"]:
        _check_notice(notice)
    _check_state(said)


def _check_notice(notice: Any) -> None:
    if not isinstance(notice, Mapping) or notice.keys() != _NOTICE:
        raise CertificateInvalid("a notice does not have the members of one")
    receipts, evidence = notice["receipts"], notice["evidence"]
    if not isinstance(receipts, list) or not all(isinstance(one, str) for one in receipts):
        raise CertificateInvalid("the receipts of a notice are not a list of texts")
    texts = all(isinstance(notice[name], str) for name in _NOTICE_TEXTS)
    if not texts or type(notice["attempts"]) is not int or type(notice["settled"]) is not bool:
        raise CertificateInvalid("a member of a notice is of the wrong type")
    if notice["state"] not in set(NoticeState) or evidence not in (None, *Proof):
        raise CertificateInvalid("the state of a notice, or on what it rests, is not known")
    if evidence == Proof.RECEIPT and not receipts:
        raise CertificateInvalid("a notice rests on a receipt, and there is none")
    done = notice["state"] in (NoticeState.COMPLETED, NoticeState.EXEMPT)
    if notice["settled"] and not done and evidence != Proof.PERSON:
        raise CertificateInvalid("a notice is settled, and nothing says by what")


def _check_state(said: Mapping[str, Any]) -> None:
    state, closed_at = said["state"], said["closed_at"]
    if state not in set(CaseState) or not isinstance(closed_at, str | None):
        raise CertificateInvalid("the state of the case is not known")
    interim = state == CaseState.OPEN
    if "ground" in said and (state != CaseState.REFUSED or not isinstance(said["ground"], str)):
        raise CertificateInvalid("a ground is what a refused request has, and no other")
    if said.get("interim", False) is not interim:
        raise CertificateInvalid("a certificate is interim while its case is open, and only then")
    if state == CaseState.CLOSED:
        if closed_at is None:
            raise CertificateInvalid("the case is closed, and closed_at does not say when")
        # R3: a case is over when everybody who was told has settled, and not before.
        if not all(notice["settled"] for notice in said["notices"]):
            raise CertificateInvalid("the case is closed, and a notice is not settled")
    elif interim and closed_at is not None:
        raise CertificateInvalid("the case is open, and closed_at says when it was closed")


def _object(part: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(
            _octets(part, name).decode("utf-8"),
            object_pairs_hook=_once,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        # Not chained: the cause carries the text it could not read.
        raise CertificateInvalid(f"the {name} is not one JSON object without repeats") from None
    if not isinstance(value, dict):
        raise CertificateInvalid(f"the {name} is not one JSON object without repeats")
    return value


def _octets(text: Any, name: str) -> bytes:
    """Octets of unpadded base64url in its one spelling (RFC 7515 §2)."""
    if isinstance(text, str) and _ALPHABET.fullmatch(text) and len(text) % 4 != 1:
        octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if urlsafe_b64encode(octets).rstrip(b"=").decode("ascii") == text:
            return octets
    raise CertificateInvalid(f"the {name} is not unpadded base64url")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
