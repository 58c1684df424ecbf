"""The format: our vectors come out, open elsewhere, and stand in FORMAT.md."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

import gateway.seal
from gateway.recipient import open_sealed, verify_grant
from gateway.seal.encoding import unb64
from gateway.seal.envelope import seal
from gateway.seal.jws import sign_jws
from gateway.seal.keys import load_private_jwk, public_jwk
from gateway.seal.pseudonym import pseudonym
from gateway.seal.storage import hkdf, protect, reveal
from gateway.seal.terms import content_digest, grant_hash
from tests.unit.seal.builders import Stream, context, sealing_key, vectors

VECTORS = vectors("format.json")
FORMAT = (Path(gateway.seal.__file__).parent / "FORMAT.md").read_text(encoding="utf-8")
SEALS = pytest.mark.parametrize("vector", VECTORS["seals"], ids=lambda vector: vector["name"])
CONTEXT = ("partner", "purpose", "purpose_version", "share", "field", "content_type")


@SEALS
def test_seals_come_out_as_written(vector: dict[str, Any]) -> None:
    """With the same key, text and random values the seal is the same, octet by octet."""
    random = iter(map(bytes.fromhex, vector["random"]))
    jwe = seal(
        vector["plaintext"].encode(),
        sealing_key(vector["recipient_key"]),
        context(**{name: vector[name] for name in CONTEXT}),
        random=lambda length: next(random),
    )

    assert jwe == vector["jwe"]
    assert unb64(jwe.split(".")[0]).decode() == vector["protected"]


@SEALS
def test_seals_open(vector: dict[str, Any]) -> None:
    """Every vector opens with the kit and with another library."""
    jwk = vector["recipient_key"]
    other = JWE()
    other.deserialize(vector["jwe"], key=JWK(**{**jwk, "purpose": "x"}))
    opened = open_sealed(
        vector["jwe"],
        {"keys": [jwk]},
        partner=vector["partner"],
        purpose=vector["purpose"],
        field=vector["field"],
        jti=vector["share"],
    )

    assert opened == other.payload == vector["plaintext"].encode()


def test_a_long_run_comes_out() -> None:
    """Hundreds of seals over all sizes and fields give one known hash."""
    run = VECTORS["run"]
    random = Stream(run["seed"])
    keys = [sealing_key(VECTORS["seals"][place]["recipient_key"]) for place in (0, 2)]
    total = hashlib.sha256()
    for number in range(run["seals"]):
        circumstances = context(
            purpose="payment",
            purpose_version=number + 1,
            share=f"share-{number}",
            field=f"/{number}" if number % 3 else None,
        )
        plaintext = bytes([number % 256]) * number
        total.update(seal(plaintext, keys[number % 2], circumstances, random=random).encode())
        total.update(b"\n")

    assert total.hexdigest() == run["sha256"]


@pytest.mark.parametrize("vector", VECTORS["grants"])
def test_grants_come_out_as_written(vector: dict[str, Any]) -> None:
    """The grant of these claims by this key is this one, and the kit takes it."""
    own = load_private_jwk(vector["key"])
    body = vector["body"].encode()
    claims = verify_grant(
        vector["compact"],
        {"keys": [public_jwk(own.private, own.kid)]},
        partner="swift-parcel",
        issuer="https://sharing.shop.example",
        body=body,
        now=datetime(2026, 11, 22, 10, 1, tzinfo=UTC),
    )

    assert sign_jws(vector["claims"], own, vector["header"]["typ"]) == vector["compact"]
    assert claims == vector["claims"]
    assert grant_hash(vector["compact"]) == vector["sha256"]
    assert content_digest(body) == vector["content_digest"]


@pytest.mark.parametrize("vector", VECTORS["pseudonyms"])
def test_pseudonyms_come_out_as_written(vector: dict[str, Any]) -> None:
    """A change of the derivation would cut every partner off from whom it knows: there is none."""
    key = bytes.fromhex(vector["subject_key"])

    assert pseudonym(key, vector["partner"], vector["value"]) == vector["pseudonym"]


@pytest.mark.parametrize("vector", VECTORS["protected"])
def test_stored_blobs_stay_readable(vector: dict[str, Any]) -> None:
    """A blob written by an earlier release opens, and is written the same today."""
    key, aad, nonce, plaintext, blob = (
        bytes.fromhex(vector[name]) for name in ("key", "aad", "nonce", "plaintext", "blob")
    )

    assert reveal(key, blob, aad) == plaintext
    assert protect(key, plaintext, aad, random=lambda length: nonce) == blob


@pytest.mark.parametrize("vector", VECTORS["hkdf"])
def test_derived_keys_come_out_as_written(vector: dict[str, Any]) -> None:
    """Derived keys stay the same over releases."""
    key, info = bytes.fromhex(vector["key"]), bytes.fromhex(vector["info"])

    assert hkdf(key, info, vector["length"]).hex() == vector["derived"]


def test_the_examples_of_the_document_are_the_vectors() -> None:
    """FORMAT.md opens with a seal and a grant that are real."""
    grant = json.dumps(VECTORS["grants"][0]["claims"], ensure_ascii=False, separators=(",", ":"))

    assert VECTORS["seals"][0]["jwe"] in FORMAT
    assert VECTORS["seals"][0]["protected"] in FORMAT
    assert grant in FORMAT
