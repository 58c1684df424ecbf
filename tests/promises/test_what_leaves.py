"""What the recipient gets besides the fields: id, digest, grant, proof (contract §6, S4b)."""

import base64
import hashlib
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.testing.behaviour import Answer
from gateway.testing.builders import merged
from gateway.testing.partner import FakePartner
from gateway.testing.received import RawRequest
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import ORDER, House, a_courier
from tests.promises.manifests import a_plain, a_post_abroad, an_advertiser, an_institute


async def last(gateway: House, **options: Any) -> RawRequest:
    """The request that one carried share became."""
    reply = await gateway.share(**options)
    assert reply.status == 200, reply.code
    partner = gateway.recipients[options.get("partner", "swift-parcel")]
    return partner.received[-1].request


async def claims_of(gateway: House, request: RawRequest) -> dict[str, Any]:
    """The grant's claims, verified as anybody can with PyJWT and the published keys."""
    compact = request.headers["Sharing-Grant"]
    header = jwt.get_unverified_header(compact)
    jwks = (await gateway.public("/.well-known/jwks.json")).json()
    (key,) = [one for one in jwks["keys"] if one["kid"] == header["kid"]]
    assert header["typ"] == "sharing-grant+jwt"
    assert header["alg"] == "EdDSA"
    assert header["kid"].startswith("grant-")
    options: Any = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    claims: dict[str, Any] = jwt.decode(
        compact, jwt.PyJWK.from_dict(key), algorithms=["EdDSA"], options=options
    )
    return claims


@promise("S4b", "S3")
async def test_a_grant_says_all_terms(gateway: House, courier: FakePartner) -> None:
    """Every claim of the contract, of the right type, about this very request."""
    request = await last(gateway)
    claims = await claims_of(gateway, request)
    now = int(gateway.clock().timestamp())
    (leaf,) = await gateway.leaves("intent")

    assert set(claims) == {
        *("iss", "aud", "jti", "iat", "exp", "salt", "htm", "htu", "sub", "purpose"),
        *("purpose_version", "ground", "fields", "retention_until", "territory", "onward"),
        *("edition", "digest"),
    }
    assert claims["iss"] == gateway.public_url
    assert claims["aud"] == "swift-parcel"
    assert claims["jti"] == request.headers["Sharing-Id"] == leaf["share"]
    assert claims["iat"] == now
    assert now < claims["exp"] <= now + 300
    assert len(base64.urlsafe_b64decode(claims["salt"] + "==")) == 16
    assert claims["htm"] == "POST"
    assert claims["htu"] == courier.base_url + request.target
    assert (claims["purpose"], claims["purpose_version"]) == ("order-fulfilment", 1)
    assert claims["ground"] == "core-function"
    assert set(claims["fields"]) == {
        *("/recipient/name", "/recipient/phone", "/recipient/address"),
        *("/items/*/sku", "/items/*/quantity"),
    }
    assert claims["territory"] == "CN"
    assert claims["onward"] == []
    assert claims["edition"] == "2026-1"
    until = datetime.fromisoformat(claims["retention_until"])
    assert claims["retention_until"].endswith("Z")
    assert until == gateway.clock() + timedelta(days=30)
    digest = hashlib.sha256(request.body).digest()
    assert claims["digest"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def test_the_digest_is_over_the_body_as_sent(gateway: House) -> None:
    """`Content-Digest` is that of RFC 9530 over the bytes on the wire."""
    request = await last(gateway)
    expected = base64.b64encode(hashlib.sha256(request.body).digest()).decode()

    assert request.headers["Content-Digest"] == f"sha-256=:{expected}:"


async def test_the_fields_of_a_grant_are_those_that_left(gateway: House) -> None:
    """What was not in the body, or was dropped, is not in the grant."""
    body = {"recipient": {"address": "1", "name": {"first": "x"}}, "note": None}
    claims = await claims_of(gateway, await last(gateway, body=body))

    assert set(claims["fields"]) == {"/recipient/address", "/note"}


async def test_the_target_of_a_grant_is_the_url_as_sent(open_house: OpenHouse) -> None:
    """Path and query stand in the grant as they were sent, encoded anew."""
    manifest = a_plain(
        match="GET /things/{x}",
        path={"x": {"category": "none"}},
        query={"q": {"category": "none"}},
    )
    house = await open_house(manifest)
    path = "/things/%41%20b?q=%E6%AC%A7+x&z=1"
    request = await last(house, partner="plain", path=path, body=None, method="GET")
    claims = await claims_of(house, request)

    assert request.target == "/things/A%20b?q=%E6%AC%A7%20x"
    assert claims["htu"] == house.recipients["plain"].base_url + request.target
    assert claims["htm"] == "GET"
    assert claims["fields"] == []


async def test_every_share_has_its_own_id_salt_and_grant(gateway: House) -> None:
    """Two equal shares are told apart, and nobody can guess a grant from its hash."""
    requests = [await last(gateway) for _ in range(3)]
    claims = [await claims_of(gateway, request) for request in requests]
    leaves = await gateway.leaves("intent")

    assert len({one["jti"] for one in claims}) == 3
    assert len({one["salt"] for one in claims}) == 3
    assert len({one["sub"] for one in claims}) == 1
    hashes = [
        hashlib.sha256(request.headers["Sharing-Grant"].encode()).hexdigest()
        for request in requests
    ]
    assert [leaf["grant"] for leaf in leaves] == hashes


@promise("S3")
async def test_a_pseudonym_is_of_one_person_for_one_recipient(open_house: OpenHouse) -> None:
    """The same person has another pseudonym at each recipient, and none looks like the id."""
    house = await open_house(a_plain(id="one"), a_plain(id="two"))
    subs = {}
    for partner in ("one", "two"):
        for subject in ("u-1", "u-2"):
            request = await last(
                house, partner=partner, path="/things", body={"value": 1}, subject=subject
            )
            subs[partner, subject] = (await claims_of(house, request))["sub"]

    assert len(set(subs.values())) == 4
    assert all(len(sub) >= 16 and "u-" not in sub for sub in subs.values())


@promise("C6")
async def test_a_deidentified_route_names_nobody(open_house: OpenHouse) -> None:
    """A research institute gets no pseudonym, not even one of its own."""
    house = await open_house(an_institute())
    body = {
        "gender": "f",
        "address": "四川省成都市锦江区春熙路1号",
        "total": 39.9,
        "name": "欧阳明",
    }
    for _ in range(2):
        request = await last(
            house,
            partner="civic-stats",
            path="/v1/purchases",
            body=body,
            purpose="research",
            evidence='"RES-1"',
        )
        claims = await claims_of(house, request)
        assert "sub" not in claims
        assert "春熙路" not in request.body.decode()
        assert "欧阳明" not in request.body.decode()


async def test_the_terms_follow_the_agreement(open_house: OpenHouse) -> None:
    """Who may get the data onward stands in the grant, as it stands in the agreement."""
    house = await open_house(
        a_courier(agreement={"onward": ["island-post"]}), a_post_abroad(territory="CN")
    )
    claims = await claims_of(house, await last(house))

    assert claims["onward"] == ["island-post"]


@promise("K1")
async def test_a_share_across_a_border_says_so(open_house: OpenHouse) -> None:
    """The recipient's territory is among the terms."""
    house = await open_house(a_post_abroad())
    await house.consent(purpose="order-fulfilment", scope="cross-border")
    options = {"partner": "island-post", "path": "/v1/parcels", "body": {"address": "1"}}
    claims = await claims_of(house, await last(house, **options))

    assert claims["territory"] == "SG"


@promise("N1")
async def test_a_grant_and_its_leaf_pin_the_edition(gateway: House) -> None:
    """Under which edition of the policy data left is in the grant and in the ledger."""
    claims = await claims_of(gateway, await last(gateway))
    (leaf,) = await gateway.leaves("intent")

    assert claims["edition"] == leaf["edition"] == "2026-1"


async def test_the_partners_idempotency_header_gets_the_share_id(open_house: OpenHouse) -> None:
    """A partner that tells repeats apart gets the share's id under its own name."""
    house = await open_house(a_plain(idempotency="X-Request-Id"))
    options = {"partner": "plain", "path": "/things", "body": {"value": 1}}
    mine = {"X-Request-Id": "of the app"}
    request = await last(house, **options, headers=mine, idempotency_key="of the app")

    assert request.headers["X-Request-Id"] == request.headers["Sharing-Id"]
    assert "of the app" not in str(request.headers)


def proving(auth: Any) -> dict[str, Any]:
    """A processor to which the gateway proves itself so."""
    return merged(a_plain(), {"upstream": {"auth": auth}})


def secrets(home: Path) -> None:
    """Where the secrets of the manifests lie."""
    (home / "partners/secret").write_text("first-secret\n")


@promise("P1")
@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"bearer": "file:secret"}, "Authorization", "Bearer first-secret"),
        (
            {"basic": {"user": "me", "password": "file:secret"}},
            "Authorization",
            "Basic " + base64.b64encode(b"me:first-secret").decode(),
        ),
        ({"header": {"name": "X-Key", "value": "file:secret"}}, "X-Key", "first-secret"),
    ],
    ids=["bearer", "basic", "header"],
)
async def test_the_gateway_proves_itself_and_not_the_caller(
    auth: Any, header: str, value: str, open_house: OpenHouse
) -> None:
    """The partner gets the secret of its manifest, never the service's token."""
    house = await open_house(proving(auth), edit=secrets)
    options = {"partner": "plain", "path": "/things", "body": {"value": 1}}
    token = house.token()
    request = await last(house, **options, token=token, headers={"X-Key": "of the app"})
    first = request.headers[header]
    (house.folder / "partners/secret").write_text("second-secret")
    second = (await last(house, **options)).headers[header]

    assert first == value
    assert second != first
    assert "of the app" not in str(request.headers)
    assert token not in str(request.headers)


async def test_a_secret_that_is_not_there_lets_nothing_leave(open_house: OpenHouse) -> None:
    """Without its proof the gateway sends nothing, and the ledger says so."""
    house = await open_house(proving({"bearer": "env:NO_SUCH_SECRET_HERE"}))
    reply = await house.share("plain", "/things", {"value": 1})
    (outcome,) = await house.leaves("outcome")

    assert (reply.code, outcome["outcome"]) == ("partner-unreachable", "not-sent")
    assert house.recipients["plain"].arrivals == []


@promise("S3", "P6")
async def test_the_same_body_leaves_differently_for_each_recipient(open_house: OpenHouse) -> None:
    """Each recipient, route and purpose has its own closed list of fields."""
    house = await open_house(
        a_courier(), an_advertiser(), a_plain({"/order": {"category": "none"}})
    )
    await house.consent()
    body = {**ORDER, "order": 7, "event": "click", "device": {"os": "Android 16", "id": "d-1"}}
    await house.share(body=body)
    await house.share("bright-reach", "/v3/events", body, purpose="advertising")
    await house.share("plain", "/things", body)
    documents = {id: one.received[0].document for id, one in house.recipients.items()}

    assert documents["bright-reach"] == {"event": "click", "device": {"os": "Android 16"}}
    assert documents["plain"] == {"order": 7}
    assert set(documents["swift-parcel"]) == {"recipient", "items"}
    assert documents["swift-parcel"]["recipient"]["name"] == "欧**"


@promise("P7", "S4d")
async def test_a_delivery_exposes_no_sensitive_data(gateway: House, courier: FakePartner) -> None:
    """On the wire the courier's name is masked and the phone number sealed."""
    request = await last(gateway)
    wire = json.loads(request.body)

    assert wire["recipient"]["name"] == "欧**"
    assert wire["recipient"]["phone"].startswith("eyJ")
    assert "13800138000" not in request.body.decode()
    assert courier.received[0].document["recipient"]["phone"] == "13800138000"


@promise("S4c")
async def test_a_token_stands_for_a_value(open_house: OpenHouse) -> None:
    """A field with transform token leaves as a token, another one each time."""
    phone = {"/phone": {"category": "basic.phone", "transform": "token"}}
    house = await open_house(a_plain(phone))
    options = {"partner": "plain", "path": "/things", "body": {"phone": "13800138000"}}
    tokens = [json.loads((await last(house, **options)).body)["phone"] for _ in range(2)]

    assert tokens[0] != tokens[1]
    assert all("1380013" not in token and len(token) >= 22 for token in tokens)


async def test_the_recipient_refuses_what_was_changed_on_its_way(gateway: House) -> None:
    """The kit and the gateway agree: what these tests receive was verified."""
    gateway.recipients["swift-parcel"].trust(
        issuer="https://somebody.else.example", jwks=gateway.gateway.keys.public_jwks()
    )
    reply = await gateway.share()

    assert reply.status == 400
    assert gateway.recipients["swift-parcel"].refused[0].code != ""


async def test_redirects_lead_nowhere(open_house: OpenHouse) -> None:
    """A redirect to another recipient is not followed, and its address not told."""
    house = await open_house(a_plain(id="one"), a_plain(id="two"))
    target = house.recipients["two"].base_url + "/things"
    for status in (301, 302, 303, 307, 308):
        headers = {"Location": target, "Refresh": f"0; url={target}"}
        house.recipients["one"].script.next(Answer(status=status, headers=headers))
        reply = await house.share("one", "/things", {"value": 1})
        assert reply.status == status
        assert "Location" not in reply.headers
        assert "Refresh" not in reply.headers
        assert reply.code is None
    assert house.recipients["two"].connections == 0
