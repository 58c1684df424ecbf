"""The certificate of a case, and everything that is not one."""

import hashlib
import json
from typing import Any

import pytest

from gateway.cases.certificate import CertificateInvalid, claims, subject_hash, verify_certificate
from gateway.model.cases import CaseState, NoticeState, Proof
from gateway.seal.jwk import SigningKey
from gateway.seal.jws import sign_jws
from tests.unit.cases.builders import (
    DAY,
    ISSUER,
    NOTE,
    NOW,
    SALT,
    SUBJECT,
    a_case,
    a_certificate,
    a_jwk,
    a_notice,
    a_settled_notice,
    a_token,
    b64,
    key,
)

JWKS = {"keys": [a_jwk("grant-1", "grant"), a_jwk()]}
OPEN = a_case(a_settled_notice(), a_notice(NoticeState.SENT), state=CaseState.OPEN)
CLOSED = a_case()
SAID = a_certificate(CLOSED)


def test_a_certificate_says_what_was_asked_told_and_signed() -> None:
    """A certificate has the claims of the contract and no others, and nothing of the person."""
    said = claims(CLOSED, issuer=ISSUER, now=NOW, checkpoint_note=NOTE)

    assert said == {
        "iss": ISSUER,
        "iat": int(NOW.timestamp()),
        "case": "case_1",
        "action": "erase",
        "reason": "user-request",
        "state": "closed",
        "accepted_at": "2026-11-22T10:00:00.000Z",
        "closed_at": "2026-11-23T10:00:00.000Z",
        "notices": [{**CLOSED.notices[0].shown(), "receipts": ["receipt.of.1"]}],
        "checkpoint": NOTE,
        "subject_hash": hashlib.sha256(SALT + b"zhang").hexdigest(),
    }
    assert SUBJECT not in json.dumps(said)


def test_a_certificate_of_an_open_case_says_so() -> None:
    """Before the close a certificate is interim, after it not."""
    assert a_certificate(OPEN)["interim"] is True
    assert a_certificate(OPEN)["closed_at"] is None
    assert "interim" not in SAID
    assert "interim" not in a_certificate(a_case(state=CaseState.REFUSED))


def test_the_hash_names_a_person_to_who_has_the_salt() -> None:
    """The subject is hashed behind the salt, as UTF-8."""
    assert subject_hash(b"salt", "张伟") == hashlib.sha256(b"salt" + "张伟".encode()).hexdigest()
    assert subject_hash(b"salt", "a") != subject_hash(b"salu", "a")


@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize(
    "case",
    [CLOSED, OPEN, a_case(state=CaseState.REFUSED, closed_at=NOW), a_case(a_settled_notice(2))],
)
def test_a_certificate_verifies(case: Any, alg: str) -> None:
    """What the gateway signs verifies with the public keys alone, and comes back whole."""
    said = a_certificate(case)

    assert verify_certificate(a_token(said, alg=alg), JWKS) == said


def test_it_verifies_as_the_gateway_signs_it() -> None:
    """The gateway's own signing makes certificates that verify."""
    token = sign_jws(
        SAID, SigningKey(kid="certificate-1", private=key()), "sharing-certificate+jwt"
    )

    assert verify_certificate(token, JWKS) == SAID


def test_retired_keys_still_count() -> None:
    """As long as a key stands in the set, what it signed verifies."""
    keys = {"keys": [a_jwk("certificate-2", "newer"), a_jwk()]}

    assert verify_certificate(a_token(SAID), keys) == SAID


FOREIGN_JWK = a_jwk("certificate-9", "foreign")
GOOD = a_token(SAID)
HEAD, BODY, SIGNATURE = GOOD.split(".")
BROKEN: dict[str, tuple[str, str]] = {
    "nothing": ("", "compact JWS"),
    "two parts": (f"{HEAD}.{BODY}", "compact JWS"),
    "four parts": (f"{GOOD}.x", "compact JWS"),
    "another alphabet": (f"{HEAD}.{BODY}.é", "compact JWS"),
    "padding": (f"{HEAD}.{BODY}.{SIGNATURE}==", "base64url"),
    "loose bits": (f"{HEAD}.{BODY}.{SIGNATURE[:-1]}h", "base64url"),
    "a changed claim": (
        f"{HEAD}.{b64(json.dumps(SAID | {'reason': 'unlawful'}).encode())}.{SIGNATURE}",
        "signature",
    ),
    "no signature": (f"{HEAD}.{BODY}.", "signature"),
    "a foreign key under our kid": (a_token(SAID, seed="foreign"), "signature"),
    "a foreign key with its own kid": (
        a_token(SAID, seed="foreign", kid="certificate-9"),
        "no trusted key",
    ),
    "a key in the header": (a_token(SAID, seed="foreign", jwk=FOREIGN_JWK), "not allowed"),
    "a key by address": (a_token(SAID, jku="https://elsewhere.example/jwks"), "not allowed"),
    "a critical extension": (a_token(SAID, crit=["b64"]), "not allowed"),
    "a key of another use": (a_token(SAID, seed="grant", kid="grant-1"), "certificate-…"),
    "no kid": (a_token(SAID, kid=None), "certificate-…"),
    "another type": (a_token(SAID, typ="sharing-grant+jwt"), "typ"),
    "no algorithm": (a_token(SAID, alg="none"), "alg"),
    "another algorithm": (a_token(SAID, alg="HS256"), "alg"),
    "a list": (a_token([SAID]), "object"),
    "no JSON": (a_token(b"{"), "object"),
    "a claim twice": (a_token(b'{"iss":"a","iss":"b"}'), "object"),
    "not a number": (a_token(b'{"iat":NaN}'), "object"),
    "deep nesting": (
        a_token(b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        "object|of a certificate",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_signed_by_a_trusted_key_is_refused(name: str) -> None:
    """A certificate that was changed, or signed by a key that came along, is refused."""
    token, told = BROKEN[name]
    with pytest.raises(CertificateInvalid, match=told):
        verify_certificate(token, JWKS)


NOTICE = SAID["notices"][0]
CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "another claim": ({"subject": "zhang"}, "its claims"),
    "a time as text": ({"iat": "now"}, "wrong type"),
    "a case that is no text": ({"case": 7}, "wrong type"),
    "a hash that is none": ({"subject_hash": "x" * 64}, "subject_hash"),
    "notices that are no list": ({"notices": {}}, "not a list"),
    "a notice that is no object": ({"notices": ["x"]}, "members"),
    "a notice that lacks something": ({"notices": [{"notice": "x"}]}, "members"),
    "receipts that are no texts": ({"notices": [NOTICE | {"receipts": [1]}]}, "receipts"),
    "an unknown notice state": ({"notices": [NOTICE | {"state": "done"}]}, "not known"),
    "a state that is no text": ({"notices": [NOTICE | {"state": []}]}, "wrong type"),
    "a count that is none": ({"notices": [NOTICE | {"attempts": True}]}, "wrong type"),
    "settled that is no boolean": ({"notices": [NOTICE | {"settled": 1}]}, "wrong type"),
    "unknown evidence": ({"notices": [NOTICE | {"evidence": "word"}]}, "not known"),
    "a receipt that is not there": ({"notices": [NOTICE | {"receipts": []}]}, "there is none"),
    "settled by nothing": ({"notices": [NOTICE | {"state": "overdue"}]}, "nothing says"),
    "an unknown case state": ({"state": "done"}, "not known"),
    "closed with an open notice": ({"notices": [NOTICE | {"settled": False}]}, "not settled"),
    "refused at no time": ({"state": "refused", "closed_at": 7}, "not known"),
    "closed at no time": ({"closed_at": None}, "does not say when"),
    "closed and interim": ({"interim": True}, "interim"),
    "open and not interim": ({"state": "open", "closed_at": None}, "interim"),
    "open and closed": ({"state": "open", "interim": True}, "says when it was closed"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_certificate_that_contradicts_itself_is_refused(name: str) -> None:
    """Even signed, a certificate says only what can be: closed means that everybody settled."""
    changes, told = CONTRADICTIONS[name]
    with pytest.raises(CertificateInvalid, match=told):
        verify_certificate(a_token(SAID | changes), JWKS)


def test_a_claim_that_is_missing_is_refused() -> None:
    """A certificate has all its claims."""
    for name in SAID:
        with pytest.raises(CertificateInvalid):
            verify_certificate(a_token({k: v for k, v in SAID.items() if k != name}), JWKS)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"keys": None},
        {"keys": ["x"]},
        {"keys": []},
        {"keys": [a_jwk(), a_jwk()]},
        {"keys": [a_jwk(kty="EC")]},
        {"keys": [a_jwk(crv="X25519")]},
        {"keys": [a_jwk(use="enc")]},
        {"keys": [a_jwk(alg="ES256")]},
        {"keys": [a_jwk(x="AAAA")]},
        {"keys": [a_jwk(x=None)]},
    ],
)
def test_without_one_sound_key_nothing_verifies(keys: Any) -> None:
    """A set without exactly one Ed25519 key of this kid shows nothing."""
    with pytest.raises(CertificateInvalid):
        verify_certificate(GOOD, keys)


def test_what_a_person_resolved_may_close_a_case() -> None:
    """A refusal that a person resolved is settled, on a person's word and no receipt's."""
    resolved = a_notice(NoticeState.REFUSED, proof=Proof.PERSON, settled=True)
    said = a_certificate(a_case(resolved, closed_at=NOW + DAY))

    assert verify_certificate(a_token(said), JWKS)["notices"][0]["evidence"] == "person"
