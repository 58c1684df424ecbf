"""Signed requests: another implementation's rules verify them (RFC 9421)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from http_message_signatures import (
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
    algorithms,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm
from multidict import CIMultiDict

from gateway.egress.references import SecretMissing
from gateway.egress.signatures import Signer
from gateway.errors import PartnerUnreachable
from gateway.model.recipients import Auth, Upstream
from tests.unit.egress.wire import client_for, fine, request_to, serving

ED25519 = Ed25519PrivateKey.generate()
P256 = generate_private_key(SECP256R1())
ALGORITHMS = {ED25519: algorithms.ED25519, P256: algorithms.ECDSA_P256_SHA256}


def jwk(key: Any, **more: str) -> str:
    """A private key as a JWK."""
    maker: Any = OKPAlgorithm if isinstance(key, Ed25519PrivateKey) else ECAlgorithm
    return json.dumps({**maker.to_jwk(key, as_dict=True), **more})


def pem(key: Any) -> str:
    """A private key as PEM."""
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"))


class Arrived:
    """A request as the partner's verifier sees it."""

    def __init__(self, raw: bytes, url: str) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        self.method = first.split(" ")[0]
        self.url = url
        self.headers: CIMultiDict[str] = CIMultiDict(
            (name, value) for name, _, value in (line.partition(": ") for line in lines)
        )


def verify(arrived: Arrived, key: Any, kid: str) -> Any:
    """What the partner's verifier says, with the age and the digest looked at."""
    resolver = MappingKeyResolver(public_keys={kid: key.public_key()}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=ALGORITHMS[key], key_resolver=resolver)
    return verifier.verify(arrived, max_age=timedelta(seconds=60), body=arrived.body)


def proof(**settings: str) -> Auth:
    """A manifest's `http_signature`."""
    return Auth(scheme="http_signature", settings=settings)


@pytest.mark.parametrize("key", [ED25519, P256], ids=["ed25519", "p-256"])
@pytest.mark.parametrize("form", [jwk, pem], ids=["jwk", "pem"])
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_partner_can_verify_what_arrives(key: Any, form: Any, method: str) -> None:
    """Method, target and body are signed, as they went over the wire; changing one is noticed."""
    async with serving() as wire:
        upstream = Upstream(base_url=wire.url("/api"), auth=proof(key="env:KEY", keyid="us-1"))
        url = wire.url("/api/parcels/7?expand=1")
        async with client_for(upstream, secrets=lambda _: form(key)) as client:
            await client.send(request_to(url, method=method), last_look=fine)
        raw = wire.requests[0]

    (told,) = verify(Arrived(raw, url), key, "us-1")
    covered = set(told.covered_components)
    assert {'"@method"', '"@target-uri"'} <= covered
    assert ('"content-digest"' in covered) is (method == "POST")
    with pytest.raises(InvalidSignature):
        verify(Arrived(raw, url.replace("7", "8")), key, "us-1")
    if method == "POST":
        with pytest.raises(InvalidSignature):
            verify(Arrived(raw.replace(b'{"a":1}', b'{"a":2}'), url), key, "us-1")


def test_a_digest_that_is_there_is_signed_as_it_is() -> None:
    """The `Content-Digest` of a share stays, and is covered also where no body goes along."""
    headers = CIMultiDict(
        {"Content-Digest": "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"}
    )
    now = datetime.now(UTC)
    signer = Signer(proof(key="env:KEY"), lambda _: jwk(ED25519, kid="k"))
    signer.sign("delete", "https://x.example/a", headers, None, now)

    assert headers["Content-Digest"].startswith("sha-256=:47DEQpj8")
    assert '("@method" "@target-uri" "content-digest")' in headers["Signature-Input"]
    assert f'created={int(now.timestamp())};keyid="k";alg="ed25519"' in headers["Signature-Input"]


def test_a_rotated_key_is_picked_up() -> None:
    """The next request is signed with the key that the file holds then."""
    held = [jwk(ED25519, kid="old"), jwk(P256, kid="new")]
    signer = Signer(proof(key="file:sign.jwk"), lambda _: held[0])
    first: CIMultiDict[str] = CIMultiDict()
    second: CIMultiDict[str] = CIMultiDict()
    signer.sign("GET", "https://x.example/", first, None, datetime.now(UTC))
    held.pop(0)
    signer.sign("GET", "https://x.example/", second, None, datetime.now(UTC))

    assert 'keyid="old"' in first["Signature-Input"]
    assert 'keyid="new";alg="ecdsa-p256-sha256"' in second["Signature-Input"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no private key"),
        ("{}", "is no private key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "is no private key"),
        (json.dumps({"kty": "oct", "k": "c2VjcmV0"}), "is no Ed25519 or P-256 private key"),
        (jwk(generate_private_key(SECP384R1())), "is no Ed25519 or P-256 private key"),
        (OKPAlgorithm.to_jwk(ED25519.public_key()), "is no Ed25519 or P-256 private key"),
        (jwk(ED25519), "write keyid"),
    ],
    # The keys are new in each process, and would be the names of the tests.
    ids=["no-json", "empty", "broken-pem", "symmetric", "another-curve", "public", "no-keyid"],
)
def test_a_key_that_cannot_sign_is_told_without_a_word_of_it(text: str, told: str) -> None:
    """The reference is named, and nothing of what stands behind it."""
    signer = Signer(proof(key="env:KEY"), lambda _: text)
    with pytest.raises(SecretMissing, match=told) as error:
        signer.sign("GET", "https://x.example/", CIMultiDict(), None, datetime.now(UTC))

    assert text[:12] not in str(error.value)


async def test_without_a_key_nothing_is_sent() -> None:
    """A share whose proof cannot be made does not leave without it."""

    def none(reference: str) -> str:
        raise SecretMissing(f"{reference} is not there or empty")

    async with serving() as wire:
        upstream = Upstream(base_url=wire.url(), auth=proof(key="env:KEY"))
        async with client_for(upstream, secrets=none) as client:
            with pytest.raises(PartnerUnreachable, match="env:KEY is not there"):
                await client.send(request_to(wire.url()), last_look=fine)
        assert wire.bytes == 0
