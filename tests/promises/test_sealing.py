"""What is sealed, opened by another implementation of JOSE (contract §6; S3, S4d, P1, D2)."""

import base64
import json
from typing import Any

import pytest
from jwcrypto import jwe, jwk
from jwcrypto.common import JWException

from gateway.testing.builders import REMOVE
from gateway.testing.keys import Curve, PartnerKeys, encryption_jwk, signature_jwk
from gateway.testing.random import seeded
from gateway.testing.received import RawRequest
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_courier
from tests.promises.manifests import a_court, a_plain

SEALED = {"category": "basic.phone", "sealed": True}
BODY = {"value": "欧阳明", "list": [1.10, None], "secret": "stays"}
SEND = {"/value": {"category": "basic.name"}, "/list/*": {"category": "none"}}


def opened(compact: str, keys: PartnerKeys) -> tuple[dict[str, Any], bytes]:
    """Protected header and plaintext, by jwcrypto."""
    token = jwe.JWE()
    token.allowed_algs = ["ECDH-ES", "A256GCM"]
    token.deserialize(compact)
    header: dict[str, Any] = json.loads(token.objects["protected"])
    (key,) = [one for one in keys.encryption if one["kid"] == header["kid"]]
    token.decrypt(jwk.JWK(**{n: v for n, v in key.items() if n not in ("alg", "purpose")}))
    return header, token.payload


async def carried(house: House, body: Any = BODY, **options: Any) -> RawRequest:
    """The request that a share to `plain` became."""
    reply = await house.share("plain", "/things", body, **options)
    assert reply.status == 200, reply.code
    return house.recipients["plain"].received[-1].request


@promise("S4d", "P1")
@pytest.mark.parametrize("curve", ["X25519", "P-256"])
async def test_a_sealed_body_opens_with_another_library(
    curve: Curve, open_house: OpenHouse
) -> None:
    """A compact JWE with exactly the header of the contract, and the minimum inside."""
    keys = PartnerKeys.generate("plain", curve=curve)
    house = await open_house(a_plain(SEND, seal="body"), keys={"plain": keys})
    request = await carried(house)
    header, plaintext = opened(request.body.decode(), keys)

    assert request.headers["Content-Type"] == "application/jose"
    assert request.body.count(b".") == 4
    assert set(header) == {
        *("alg", "enc", "epk", "kid", "cty", "purpose", "purpose_version", "jti", "apv")
    }
    assert (header["alg"], header["enc"]) == ("ECDH-ES", "A256GCM")
    assert header["epk"]["crv"] == curve
    assert "d" not in header["epk"]
    assert header["kid"] == keys.encryption[0]["kid"]
    assert (header["purpose"], header["purpose_version"]) == ("order-fulfilment", 1)
    assert header["jti"] == request.headers["Sharing-Id"]
    party = base64.urlsafe_b64encode(b"plain|order-fulfilment").decode().rstrip("=")
    assert header["apv"] == party
    assert json.loads(plaintext) == {"value": "欧阳明", "list": [1.1, None]}
    assert b"1.1," in plaintext


@promise("S3")
async def test_a_seal_for_one_purpose_is_no_seal_for_another(open_house: OpenHouse) -> None:
    """The purpose is in the key derivation: a relabelled header does not open."""
    keys = PartnerKeys.generate("plain")
    house = await open_house(a_plain(SEND, seal="body"), keys={"plain": keys})
    compact = (await carried(house)).body.decode()
    protected, *rest = compact.split(".")
    header = json.loads(base64.urlsafe_b64decode(protected + "=="))
    party = base64.urlsafe_b64encode(b"plain|advertising").decode().rstrip("=")
    for changes in ({"purpose": "advertising"}, {"apv": party}, {"purpose": "x", "apv": party}):
        changed = base64.urlsafe_b64encode(json.dumps({**header, **changes}).encode())
        with pytest.raises(JWException):
            opened(".".join([changed.decode().rstrip("="), *rest]), keys)


async def test_every_seal_has_a_key_of_its_own(open_house: OpenHouse) -> None:
    """Two equal bodies are sealed with different ephemeral keys and nonces."""
    keys = PartnerKeys.generate("plain")
    house = await open_house(a_plain(SEND, seal="body"), keys={"plain": keys})
    seals = [(await carried(house)).body.decode().split(".") for _ in range(2)]

    assert seals[0][0] != seals[1][0]
    assert seals[0][2] != seals[1][2]
    assert seals[0][3] != seals[1][3]


@promise("S4d", "P7")
async def test_sealed_fields_open_one_by_one(open_house: OpenHouse) -> None:
    """Each marked value is a JWE of its own, bound to its place; the rest is readable."""
    keys = PartnerKeys.generate("plain")
    send = {
        "/phone": SEALED,
        "/people/*/phone": SEALED,
        "/count": {"category": "basic.phone", "sealed": True},
        "/city": {"category": "location.coarse"},
    }
    house = await open_house(a_plain(send, seal="fields"), keys={"plain": keys})
    body = {
        "phone": "138",
        "people": [{"phone": "1"}, {"x": 1}, {"phone": 2.50}],
        "city": "成都",
        "count": 7,
    }
    raw = json.dumps(body).replace("2.5", "2.50").encode()
    request = await carried(house, raw)
    wire = json.loads(request.body)
    places = {
        "/phone": wire["phone"],
        "/count": wire["count"],
        "/people/0/phone": wire["people"][0]["phone"],
        "/people/1/phone": wire["people"][1]["phone"],
    }
    texts = {
        "/phone": b'"138"',
        "/count": b"7",
        "/people/0/phone": b'"1"',
        "/people/1/phone": b"2.50",
    }

    assert request.headers["Content-Type"] == "application/json"
    assert wire["city"] == "成都"
    for pointer, compact in places.items():
        header, plaintext = opened(compact, keys)
        assert header["field"] == pointer
        assert header["cty"] == "json"
        assert header["jti"] == request.headers["Sharing-Id"]
        assert plaintext == texts[pointer]


async def test_under_a_sealed_body_a_sealed_field_is_sealed_as_it_is(
    open_house: OpenHouse,
) -> None:
    """`sealed: true` under `seal: body` is satisfied by the whole."""
    keys = PartnerKeys.generate("plain")
    house = await open_house(a_plain({"/phone": SEALED}, seal="body"), keys={"plain": keys})
    _, plaintext = opened((await carried(house, {"phone": "138"})).body.decode(), keys)

    assert plaintext == b'{"phone":"138"}'


async def test_a_body_that_is_no_plain_json_says_so_inside(open_house: OpenHouse) -> None:
    """`cty` tells which type the sealed body has."""
    keys = PartnerKeys.generate("plain")
    house = await open_house(a_plain(SEND, seal="body"), keys={"plain": keys})
    headers = {"Content-Type": "application/merge-patch+json"}
    header, _ = opened((await carried(house, headers=headers)).body.decode(), keys)

    assert header["cty"] == "application/merge-patch+json" or header["cty"] == "merge-patch+json"


def a_set(*keys: dict[str, Any]) -> PartnerKeys:
    """Private keys in this order, and one that signs."""
    return PartnerKeys(tuple(keys), signature_jwk("plain-sig"))


def a_key(kid: str, *purposes: str, text: bool = False) -> dict[str, Any]:
    """An encryption key, bound to these purposes or free."""
    bound: Any = purposes[0] if text else list(purposes)
    return encryption_jwk(kid, "X25519", seeded(kid)) | ({"purpose": bound} if bound else {})


@promise("S3")
@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ([a_key("free")], "free"),
        ([a_key("bound", "order-fulfilment")], "bound"),
        ([a_key("bound", "order-fulfilment", text=True)], "bound"),
        ([a_key("other", "payment"), a_key("bound", "order-fulfilment")], "bound"),
        ([a_key("free"), a_key("bound", "order-fulfilment")], "bound"),
        ([a_key("both", "payment", "order-fulfilment")], "both"),
        ([a_key("other", "payment"), a_key("free")], "free"),
        ([a_key("old"), a_key("new")], "new"),
        ([a_key("other", "payment")], None),
        ([], None),
    ],
    ids=lambda value: "-".join(one["kid"] for one in value) if isinstance(value, list) else None,
)
async def test_a_key_bound_to_a_purpose_seals_for_it_alone(
    keys: list[dict[str, Any]], chosen: str | None, open_house: OpenHouse
) -> None:
    """A key of the purpose counts first, a free one next, one of another purpose never."""
    manifest = a_plain({"/phone": SEALED}, seal="fields")
    house = await open_house(manifest, keys={"plain": a_set(*keys)})
    reply = await house.share("plain", "/things", {"phone": "138"})
    arrived = house.recipients["plain"].received

    if chosen is None:
        assert reply.code == "sealing-key-missing"
        assert reply.clause == ["S4d", "P1"]
        assert house.recipients["plain"].arrivals == []
    else:
        header, _ = opened(json.loads(arrived[0].request.body)["phone"], a_set(*keys))
        assert header["kid"] == chosen


@promise("D2")
async def test_what_an_authority_gets_is_always_sealed(open_house: OpenHouse) -> None:
    """A demand is answered encrypted, whole, and a manifest that would not do so does not load."""
    house = await open_house(a_court())
    court = house.recipients["city-court"]
    evidence = await house.evidence(partner="city-court", purposes=["legal-demand"])
    body = {"demand": "D-1", "person": {"name": "欧阳明"}}
    options = {"purpose": "legal-demand", "evidence": evidence}
    reply = await house.share("city-court", "/v1/disclosures", body, **options)
    raw = court.received[0].request.body

    assert reply.status == 200
    assert raw.count(b".") == 4
    assert json.loads(opened(raw.decode(), court.keys)[1]) == body
    with pytest.raises(Exception, match="seal: body"):
        await open_house(a_court(routes={"only": {"seal": "fields"}}))


@promise("S4d", "C2")
@pytest.mark.parametrize(
    "field",
    [
        {"category": "basic.phone"},
        {"category": "basic.phone", "sealed": True},
        {"category": "basic.phone", "transform": {"truncate": 11}},
        {"category": "location.precise"},
        {"category": "network.nickname"},
        {"category": "network.password", "sealed": True},
        {"category": "network.password", "transform": "hash"},
    ],
    ids=str,
)
async def test_a_sensitive_field_in_the_clear_does_not_load(
    field: dict[str, Any], open_house: OpenHouse
) -> None:
    """Raw, cut where it cuts nothing, sealed where nothing is sealed, or a password at all."""
    with pytest.raises(Exception, match=r"\((C2|S4d)"):
        await open_house(a_plain({"/x": field}))


@promise("S4d", "C2")
@pytest.mark.parametrize(
    ("field", "value", "left"),
    [
        ({"category": "basic.phone", "transform": "mask-phone"}, "13800138000", "138****8000"),
        ({"category": "network.nickname", "transform": "mask-name"}, "欧阳明", "欧**"),
    ],
    ids=str,
)
async def test_a_sensitive_field_leaves_desensitised(
    field: dict[str, Any], value: str, left: str, open_house: OpenHouse
) -> None:
    """Masked, as the manifest says."""
    house = await open_house(a_plain({"/x": field}))
    request = await carried(house, {"x": value})

    assert json.loads(request.body) == {"x": left}


async def test_a_recipient_without_keys_gets_nothing_sealed(open_house: OpenHouse) -> None:
    """Who has no key on file gets what is not sealed, and is refused all else."""
    house = await open_house(a_courier(keys=REMOVE), {**a_plain(), "keys": "keys/plain.jwks.json"})
    sealed = await house.share()
    plain = await house.share("plain", "/things", {"value": 1})

    assert (sealed.code, plain.status) == ("sealing-key-missing", 200)
