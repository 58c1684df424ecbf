"""Grants: what they say, and how long."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jwt
import pytest

from gateway.seal.terms import content_digest, grant_hash, sign_grant
from tests.marks import promise
from tests.unit.seal.builders import NOW, SHARE, signer, terms


def decoded(compact: str) -> dict[str, Any]:
    """The claims, by another library and a partner's own settings."""
    claims: dict[str, Any] = jwt.decode(
        compact,
        signer().private.public_key(),
        algorithms=["EdDSA"],
        audience="swift-parcel",
        issuer="https://sharing.shop.example",
        options={"require": ["iss", "aud", "iat", "exp", "jti"], "verify_exp": False},
    )
    return claims


@promise("S3", "S4b")
def test_a_grant_says_all_the_contract_says() -> None:
    """A grant verifies with plain PyJWT and holds exactly the contract's claims."""
    compact = sign_grant(terms(onward=("sub-carrier",)), signer())
    issued = int(NOW.timestamp())

    assert jwt.get_unverified_header(compact) == {
        "alg": "EdDSA",
        "kid": "grant-1",
        "typ": "sharing-grant+jwt",
    }
    assert decoded(compact) == {
        "iss": "https://sharing.shop.example",
        "aud": "swift-parcel",
        "jti": SHARE,
        "iat": issued,
        "exp": issued + 300,
        "salt": "AAECAwQFBgcICQoLDA0ODw",
        "htm": "POST",
        "htu": "https://api.swift-parcel.example/v2/shipments?express=1",
        "sub": "h5id367j5jebhels2yrlvzk6nz",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "ground": "core-function",
        "fields": ["/recipient/name", "/items/*/sku"],
        "retention_until": "2026-12-22T10:00:00Z",
        "territory": "CN",
        "onward": ["sub-carrier"],
        "edition": "2026-1",
        "digest": "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o",
    }


@promise("C6")
def test_no_subject_means_no_sub() -> None:
    """On a de-identified route the grant does not name the person, not even as null."""
    assert "sub" not in decoded(sign_grant(terms(subject=None), signer()))


def test_a_bulk_grant_counts_its_records() -> None:
    """Only a bulk grant says how many records it is for."""
    assert decoded(sign_grant(terms(subject=None, records=500), signer()))["records"] == 500
    assert "records" not in decoded(sign_grant(terms(), signer()))


def test_nobody_onward_is_said() -> None:
    """That data may be passed on to nobody stands in the grant as an empty list."""
    assert decoded(sign_grant(terms(), signer()))["onward"] == []


@pytest.mark.parametrize("lifetime", [1, 60, 300])
def test_a_grant_lives_as_long_as_said(lifetime: int) -> None:
    """`exp` is the moment of issue and the lifetime, at most five minutes."""
    claims = terms(lifetime_seconds=lifetime).claims()

    assert claims["exp"] - claims["iat"] == lifetime


@pytest.mark.parametrize(
    "changed",
    [
        {"lifetime_seconds": 301},
        {"lifetime_seconds": 0},
        {"lifetime_seconds": -1},
        {"salt": bytes(15)},
        {"digest": b""},
        {"digest": hashlib.sha256(b"").hexdigest().encode()},
        {"issued_at": NOW.replace(tzinfo=None)},
        {"retention_until": NOW.replace(tzinfo=None)},
    ],
    ids=str,
)
def test_impossible_terms_cannot_be_made(changed: dict[str, Any]) -> None:
    """A long life, a short salt, another hash or a time without a zone is refused at once."""
    with pytest.raises(ValueError):
        terms(**changed)


def test_times_are_utc_and_whole_seconds() -> None:
    """Times of another zone are the same moment in UTC; parts of seconds are cut, not rounded."""
    shanghai = timezone(timedelta(hours=8))
    until = datetime(2026, 12, 22, 18, 0, 0, 999_999, tzinfo=shanghai)
    claims = terms(issued_at=NOW + timedelta(microseconds=999_999), retention_until=until).claims()

    assert claims["retention_until"] == "2026-12-22T10:00:00Z"
    assert claims["iat"] == int(datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp())


@promise("P2")
def test_terms_do_not_print_the_person() -> None:
    """Pseudonym, address, salt and digest stay out of the printed terms."""
    shown = repr(replace(terms(), target="https://api.example/people/欧阳明"))

    assert "h5id367j5jebhels2yrlvzk6nz" not in shown
    assert "欧阳明" not in shown
    assert "salt" not in shown


def test_the_content_digest_is_that_of_the_rfc() -> None:
    """`Content-Digest` is a structured-field byte sequence of SHA-256 (RFC 9530)."""
    assert content_digest(b'{"hello": "world"}\n') == (
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    )


def test_a_grant_in_the_ledger_is_its_hash() -> None:
    """Leaves name a grant by the hex SHA-256 of its compact form."""
    assert grant_hash("a.b.c") == hashlib.sha256(b"a.b.c").hexdigest()


AWKWARD = '100% "quoted" \\ 欧阳明 %s'


@pytest.mark.parametrize(
    "member",
    ["issuer", "partner", "share", "method", "target", "subject", "purpose", "ground", "territory"],
)
def test_a_claim_is_the_text_it_was_given(member: str) -> None:
    """Signs that mean something to JSON, or to what writes it, arrive as they were."""
    claims = json.loads(terms(**{member: AWKWARD, "fields": (AWKWARD,)}).octets())
    names = {
        "issuer": "iss",
        "partner": "aud",
        "share": "jti",
        "method": "htm",
        "target": "htu",
        "subject": "sub",
    }

    assert claims[names.get(member, member)] == AWKWARD
    assert claims["fields"] == [AWKWARD]


def test_what_is_signed_is_compact_ascii() -> None:
    """The octets of a grant are one line of ASCII without white space, in the contract's order."""
    octets = terms(target="https://api.example/人").octets()

    assert octets.isascii()
    assert octets == json.dumps(json.loads(octets), separators=(",", ":")).encode()
    assert octets.startswith(b'{"iss":"https://sharing.shop.example","aud":"swift-parcel","jti":')
