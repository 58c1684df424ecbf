"""Who may call: service tokens (contract §5)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from gateway.testing.builders import REMOVE, issuer_key, issuer_settings, sign_token
from tests.marks import promise
from tests.promises import shared
from tests.promises.conftest import OpenHouse
from tests.promises.house import SCOPES, House, a_courier, problem_of
from tests.promises.wire import a_request, exchange

pytestmark = shared.IN_ONE_LOOP
houses, gateway, open_house = shared.houses, shared.gateway, shared.open_house

ISS, AUD = "https://idp.shop.example", "gateway-of-the-shop"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = Ed25519PrivateKey.generate()

SIGNERS: Mapping[str, tuple[Any, Any]] = {
    "EdDSA": (ED_KEY, OKPAlgorithm),
    "ES256": (EC_KEY, ECAlgorithm),
    "RS256": (RSA_KEY, RSAAlgorithm),
    "PS256": (RSA_KEY, RSAAlgorithm),
}


def public_jwk(algorithm: str, **more: Any) -> dict[str, Any]:
    """The public half of the signer for `algorithm`, by its name."""
    private, kind = SIGNERS[algorithm]
    jwk: dict[str, Any] = json.loads(kind.to_jwk(private.public_key()))
    return {**jwk, "kid": f"key-{algorithm}", "alg": algorithm, "use": "sig", **more}


def with_issuer(*keys: Mapping[str, Any]) -> Any:
    """A home that trusts a second issuer, whose keys lie in a file."""

    def edit(home: Path) -> None:
        (home / "idp.jwks.json").write_text(json.dumps({"keys": list(keys)}))
        row = f'\n[[issuer]]\nname = "idp"\niss = "{ISS}"\naud = "{AUD}"\njwks = "idp.jwks.json"\n'
        with (home / "gateway.toml").open("a") as file:
            file.write(row)

    return edit


def claims_of(house: House, **changes: Any) -> dict[str, Any]:
    """What the second issuer would say."""
    now = int(house.clock().timestamp())
    claims = {
        "iss": ISS,
        "aud": AUD,
        "sub": "order-service",
        "iat": now,
        "exp": now + 600,
        "scope": "share",
        "partners": ["swift-parcel"],
        "purposes": ["order-fulfilment"],
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not REMOVE}


def signed(house: House, algorithm: str, *, kid: str | None = None, **changes: Any) -> str:
    """A token of the second issuer."""
    headers = {"kid": kid or f"key-{algorithm}"}
    private, _ = SIGNERS[algorithm]
    return jwt.encode(claims_of(house, **changes), private, algorithm, headers=headers)


def b64(value: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def forged(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes | None) -> str:
    """A token put together by hand; `secret`: an HMAC over it, or no signature at all."""
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    signature = b"" if secret is None else hmac.digest(secret, body.encode(), hashlib.sha256)
    return f"{body}.{b64(signature)}"


async def refused(house: House, token: str) -> None:
    """The token opens nothing, and leaves no trace in the ledger."""
    before = len(await house.leaves())
    reply = await house.share(token=token)
    told = problem_of(reply)

    assert (reply.status, reply.code) == (401, "token-invalid")
    assert told["disclosed"] == "no"
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")
    assert len(await house.leaves()) == before
    assert house.recipients["swift-parcel"].arrivals == []


@promise("P3")
@pytest.mark.parametrize("algorithm", SIGNERS)
async def test_a_token_of_each_accepted_algorithm_carries_a_share(
    algorithm: str, open_house: OpenHouse
) -> None:
    """EdDSA, ES256, RS256 and PS256 by the key of a configured issuer are accepted."""
    house = await open_house(a_courier(), edit=with_issuer(public_jwk(algorithm)))

    assert (await house.share(token=signed(house, algorithm))).status == 200


async def test_ed25519_is_another_name_of_eddsa(open_house: OpenHouse) -> None:
    """A token that calls its algorithm Ed25519 is accepted like one that says EdDSA."""
    house = await open_house(a_courier(), edit=with_issuer(public_jwk("EdDSA")))
    header = b64(json.dumps({"alg": "Ed25519", "kid": "key-EdDSA"}).encode())
    body = f"{header}.{b64(json.dumps(claims_of(house)).encode())}"
    token = f"{body}.{b64(ED_KEY.sign(body.encode()))}"

    assert (await house.share(token=token)).status == 200


async def test_a_home_token_and_another_issuers_work_side_by_side(open_house: OpenHouse) -> None:
    """Each issuer is judged by its own keys."""
    house = await open_house(a_courier(), edit=with_issuer(public_jwk("ES256")))

    assert (await house.share()).status == 200
    assert (await house.share(token=signed(house, "ES256"))).status == 200
    headers = {"kid": issuer_key(house.folder)["kid"]}
    crossed = jwt.encode(claims_of(house), ED_KEY, "EdDSA", headers=headers)
    assert (await house.share(token=crossed)).code == "token-invalid"


@promise("P3")
@pytest.mark.parametrize("secret", [None, b"", b"secret"], ids=["none", "empty", "hmac"])
@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "EdDSA"])
async def test_a_token_without_a_real_signature_opens_nothing(
    algorithm: str, secret: bytes | None, gateway: House
) -> None:
    """`alg: none`, HMAC and an empty signature are refused whatever they are called."""
    settings = issuer_settings(gateway.folder)
    claims = claims_of(gateway, iss=settings["iss"], aud=settings["aud"])
    header = {"alg": algorithm, "typ": "JWT", "kid": issuer_key(gateway.folder)["kid"]}

    await refused(gateway, forged(header, claims, secret))


@promise("P3")
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "RS256", "PS256"])
async def test_a_public_key_is_no_shared_secret(algorithm: str, open_house: OpenHouse) -> None:
    """A token signed by HMAC over the issuer's public key, in any spelling, is refused."""
    jwk = public_jwk("RS256")
    house = await open_house(a_courier(), edit=with_issuer(jwk))
    pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), json.dumps(jwk).encode(), jwk["n"].encode()):
        header = {"alg": algorithm, "kid": "key-RS256"}
        await refused(house, forged(header, claims_of(house), secret))


@pytest.mark.parametrize("says", ["RS256", "ES256", "PS256"])
async def test_the_algorithm_is_the_keys_and_not_the_tokens(
    says: str, open_house: OpenHouse
) -> None:
    """A token signed well by one key, and labelled as another kind, is refused."""
    house = await open_house(
        a_courier(), edit=with_issuer(public_jwk("EdDSA"), public_jwk("ES256"))
    )
    header = b64(json.dumps({"alg": says, "kid": "key-EdDSA"}).encode())
    body = f"{header}.{b64(json.dumps(claims_of(house)).encode())}"

    await refused(house, f"{body}.{b64(ED_KEY.sign(body.encode()))}")


async def test_a_key_in_the_token_is_not_believed(gateway: House) -> None:
    """`jwk`, `jku` and `x5u` of a token's header lead nowhere."""
    settings = issuer_settings(gateway.folder)
    claims = claims_of(gateway, iss=settings["iss"], aud=settings["aud"])
    headers = {"jwk": public_jwk("EdDSA"), "jku": "https://evil.example/jwks", "kid": "key-EdDSA"}

    await refused(gateway, jwt.encode(claims, ED_KEY, "EdDSA", headers=headers))


WRONG: Mapping[str, Mapping[str, Any]] = {
    "another issuer": {"iss": "urn:somebody:else"},
    "another audience": {"aud": "another-gateway"},
    "audiences without ours": {"aud": ["one", "two"]},
    "no issuer": {"iss": REMOVE},
    "no audience": {"aud": REMOVE},
    "no service": {"sub": REMOVE},
    "an empty service": {"sub": ""},
    "a service that is a number": {"sub": 7},
    "no end": {"exp": REMOVE},
    "an end in words": {"exp": "tomorrow"},
    "an end that is true": {"exp": True},
    "an end beyond time": {"exp": 1e30},
    "partners in a string": {"partners": "swift-parcel"},
    "partners that are numbers": {"partners": [1]},
    "purposes in an object": {"purposes": {"order-fulfilment": True}},
    "grounds in a string": {"grounds": "core-function"},
    "a scope that is a number": {"scope": 1},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
async def test_a_token_with_a_wrong_claim_opens_nothing(
    changes: Mapping[str, Any], gateway: House
) -> None:
    """Whatever is missing or not of its type makes a token invalid, with no trace of it."""
    plain = jwt.decode(gateway.token(), options={"verify_signature": False})
    claims = {name: value for name, value in {**plain, **changes}.items() if value is not REMOVE}

    await refused(gateway, sign_token(issuer_key(gateway.folder), claims))


async def test_an_audience_may_be_one_of_several(gateway: House) -> None:
    """`aud` may be an array that holds this gateway."""
    aud = issuer_settings(gateway.folder)["aud"]

    assert (await gateway.share(token=gateway.token(aud=["other", aud]))).status == 200


@pytest.mark.parametrize(
    ("exp", "nbf", "carried"),
    [
        (-59, -600, True),
        (-60, -600, False),
        (-61, -600, False),
        (600, 60, True),
        (600, 61, False),
        (600, 0, True),
    ],
)
async def test_clocks_may_differ_by_a_minute(
    exp: int, nbf: int, carried: bool, gateway: House
) -> None:
    """A token counts until 60 seconds after its end and from 60 seconds before its beginning."""
    now = int(gateway.clock().timestamp())
    token = gateway.token(exp=now + exp, nbf=now + nbf, iat=now - 600)
    reply = await gateway.share(token=token)

    assert reply.status == (200 if carried else 401)


async def test_a_token_that_was_good_a_moment_ago_runs_out(open_house: OpenHouse) -> None:
    """That a token was accepted before does not carry it beyond its end."""
    gateway = await open_house(a_courier())
    token = gateway.token(ttl=timedelta(seconds=10))
    first = await gateway.share(token=token)
    gateway.clock.advance(seconds=71)
    second = await gateway.share(token=token)

    assert (first.status, second.code) == (200, "token-invalid")


async def test_a_token_of_an_unknown_key_opens_nothing(gateway: House) -> None:
    """A `kid` that the issuer does not have is refused."""
    settings = issuer_settings(gateway.folder)
    claims = claims_of(gateway, iss=settings["iss"], aud=settings["aud"])

    await refused(gateway, jwt.encode(claims, ED_KEY, "EdDSA", headers={"kid": "made-up"}))


async def test_a_token_must_be_a_token_for_services(gateway: House) -> None:
    """A JWT of another type, such as a grant of the gateway itself, opens nothing."""
    await gateway.share()
    (received,) = gateway.recipients["swift-parcel"].received
    gateway.recipients["swift-parcel"].arrivals.clear()
    await refused(gateway, received.request.headers["Sharing-Grant"])

    key = jwt.PyJWK.from_dict(issuer_key(gateway.folder))
    plain = jwt.decode(gateway.token(), options={"verify_signature": False})
    headers = {"kid": issuer_key(gateway.folder)["kid"], "typ": "sharing-receipt+jwt"}
    await refused(gateway, jwt.encode(plain, key, "EdDSA", headers=headers))


@pytest.mark.parametrize("length", [8 * 1024 + 1, 12_000])
async def test_a_token_that_is_too_long_is_refused(length: int, gateway: House) -> None:
    """A token of more than 8 KiB is answered as an invalid token."""
    await refused(gateway, "a" * length)


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "bearer", "Token abc"],
)
async def test_without_a_bearer_token_nobody_asked(value: str, open_house: OpenHouse) -> None:
    """Another scheme, or none, is a missing token."""
    gateway = await open_house(a_courier())
    reply = await gateway.share(token="", headers={"Authorization": value})

    assert (reply.status, reply.code) == (401, "token-missing")
    assert await gateway.leaves("refusal") == []


async def test_the_scheme_is_not_case_sensitive(gateway: House) -> None:
    """`bearer` is `Bearer` (RFC 9110 §11.1)."""
    headers = {"Authorization": f"bEaReR {gateway.token()}"}

    assert (await gateway.share(token="", headers=headers)).status == 200


async def test_two_tokens_are_none(gateway: House) -> None:
    """A request that names two services is carried for neither."""
    good = ("Authorization", f"Bearer {gateway.token()}")
    bad = ("Authorization", "Bearer x.y.z")
    common = (("Sharing-Purpose", "order-fulfilment"), ("Sharing-Subject", "u-1"))
    for pair in ((good, bad), (bad, good), (good, good)):
        line = "POST /share/swift-parcel/v2/shipments/LO-1"
        answer = await exchange(gateway.internal_url, a_request(line, *pair, *common))
        assert answer.status in (400, 401)

    assert gateway.recipients["swift-parcel"].arrivals == []


@promise("P5")
@pytest.mark.parametrize(
    ("changes", "carried"),
    [
        ({"partners": ["swift-parcel"]}, True),
        ({"partners": ["*"]}, True),
        ({"partners": None}, False),
        ({"partners": []}, False),
        ({"partners": ["harbour-pay"]}, False),
        ({"partners": ["*", "harbour-pay"]}, False),
        ({"partners": ["swift-*"]}, False),
        ({"partners": ["SWIFT-PARCEL"]}, False),
        ({"purposes": ["order-fulfilment"]}, True),
        ({"purposes": None}, False),
        ({"purposes": []}, False),
        ({"purposes": ["payment"]}, False),
        ({"purposes": ["order-fulfilment@1"]}, False),
        ({"scope": ["share"]}, True),
        ({"scope": ["explain", "subject:read"]}, False),
        ({"scope": []}, False),
        ({"scope": ["shares"]}, False),
    ],
    ids=str,
)
async def test_a_service_speaks_for_its_own_only(
    changes: Mapping[str, Any], carried: bool, gateway: House, courier: Any
) -> None:
    """Partners, purposes and scope of the token must each name what is asked for."""
    reply = await gateway.share(token=gateway.token(**changes))

    assert reply.status == (200 if carried else 403)
    assert reply.code == (None if carried else "service-not-permitted")
    assert len(courier.arrivals) == carried
    if not carried:
        assert "P5" in reply.clause


@promise("S1")
@pytest.mark.parametrize(
    ("grounds", "asked", "carried"),
    [
        (None, None, True),
        (None, "core-function", True),
        (None, "requested-service", False),
        (["core-function"], None, True),
        (["requested-service"], "requested-service", True),
        (["requested-service"], None, False),
        (["requested-service"], "core-function", False),
        ([], None, False),
        (["*"], "requested-service", False),
    ],
    ids=str,
)
async def test_a_service_uses_the_grounds_of_its_token_only(
    grounds: list[str] | None, asked: str | None, carried: bool, gateway: House
) -> None:
    """Without `grounds` it is each route's default ground; with it these and no other."""
    reply = await gateway.share(
        ground=asked, evidence='"ORDER-1"', token=gateway.token(grounds=grounds)
    )

    assert reply.status == (200 if carried else 403)
    assert reply.code == (None if carried else "service-not-permitted")


SCOPED = (
    ("POST", "/v1/consents", "consent:write"),
    ("POST", "/v1/consents/con_x/withdraw", "consent:write"),
    ("GET", "/v1/subjects/u-1/consents", "subject:read"),
    ("PUT", "/v1/subjects/u-1", "subject:write"),
    ("GET", "/v1/subjects/u-1/disclosures", "subject:read"),
    ("POST", "/v1/evidence", "evidence:write"),
    ("GET", "/v1/ledger/entries", "ledger:read"),
    ("GET", "/v1/ledger/proof/inclusion", "ledger:read"),
    ("GET", "/v1/ledger/proof/consistency", "ledger:read"),
    ("GET", "/v1/partners", "partner:read"),
    ("GET", "/v1/partners/swift-parcel", "partner:read"),
    ("POST", "/v1/partners/swift-parcel/suspend", "partner:write"),
    ("POST", "/v1/partners/swift-parcel/resume", "partner:write"),
    ("GET", "/v1/shares/shr_x", "share"),
)


@promise("P3", "P5")
@pytest.mark.parametrize(("method", "path", "scope"), SCOPED, ids=str)
async def test_every_endpoint_needs_its_scope(
    method: str, path: str, scope: str, open_house: OpenHouse
) -> None:
    """Without a token 401, with every scope but the right one 403, with it something else."""
    gateway = await open_house(a_courier())
    others = [one for one in SCOPES if one != scope]
    body: dict[str, Any] | None = {} if method != "GET" else None
    none = await gateway.ask(method, path, body, token="")
    wrong = await gateway.ask(method, path, body, token=gateway.token(scope=others))
    right = await gateway.ask(method, path, body, token=gateway.token(scope=[scope]))

    assert (none.status, none.code) == (401, "token-missing")
    assert (wrong.status, wrong.code) == (403, "service-not-permitted")
    assert right.code != "service-not-permitted"
