"""Receiving a share: everything that must hold, and what happens when one thing does not."""

import json
from typing import Any

import pytest
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from gateway.recipient import MemorySeen, RecipientError
from gateway.seal.encoding import b64
from tests.marks import promise
from tests.unit.recipient.builders import (
    ISSUED,
    JWKS,
    KEYS,
    OWN,
    PARTNER,
    PURPOSE,
    URL,
    Request,
    claims,
    code_of,
    granted,
    request,
    resealed,
    sealed,
    sealed_request,
)
from tests.unit.seal.builders import NOW, SHARE, p256_jwk, public

PHONE = b'"13800138000"'


def fields_request() -> Request:
    """A share with sealed and plain fields, in objects and arrays."""
    body = {
        "recipient": {"name": "欧**", "phone": sealed(PHONE, field="/recipient/phone")},
        "items": [{"sku": "A-1", "note": sealed(b'{"a":[1.5]}', field="/items/0/note")}],
        "a/b": None,
        "version": "1.2.3.4.5",
    }
    return request(json.dumps(body).encode())


@promise("S4d")
def test_a_share_in_the_clear_is_received() -> None:
    """A valid share gives its terms, its body as sent and its type."""
    share = request(b'{"a": 1}', "Application/JSON; charset=utf-8").receive()

    assert share.claims["jti"] == SHARE
    assert share.claims["retention_until"] == "2026-12-22T10:00:00Z"
    assert share.body == b'{"a": 1}'
    assert share.content_type == "application/json"
    assert share.field("/a") == 1


@promise("S4d")
@pytest.mark.parametrize("jwk", [OWN, p256_jwk()], ids=["X25519", "P-256"])
def test_a_sealed_body_is_opened(jwk: dict[str, Any]) -> None:
    """A sealed body arrives as what was sealed, whatever the curve, with its own type."""
    text = sealed_request(b'{"recipient":{"phone":"13800138000"}}', jwk=jwk).receive()
    lines = sealed_request(b"{}\n", jwk=jwk, content_type="application/x-ndjson").receive()

    assert text.field("/recipient/phone") == "13800138000"
    assert text.content_type == "application/json"
    assert (lines.body, lines.content_type) == (b"{}\n", "application/x-ndjson")


@promise("S4d")
def test_sealed_fields_are_opened_one_by_one() -> None:
    """A sealed field gives its JSON value; a plain one gives what stands there."""
    share = fields_request().receive()

    assert share.field("/recipient/phone") == "13800138000"
    assert share.field("/items/0/note") == {"a": [1.5]}
    assert share.field("/recipient/name") == "欧**"
    assert share.field("/a~1b") is None
    assert share.field("/version") == "1.2.3.4.5"
    assert share.field("/items")[0]["sku"] == "A-1"
    assert share.field("")["version"] == "1.2.3.4.5"


def test_a_seal_by_another_library_is_opened() -> None:
    """The kit opens what jwcrypto sealed under the contract's header."""
    header = {
        "alg": "ECDH-ES",
        "enc": "A256GCM",
        "kid": "enc-x",
        "cty": "json",
        "purpose": PURPOSE,
        "purpose_version": 1,
        "jti": SHARE,
        "apv": b64(f"{PARTNER}|{PURPOSE}".encode()),
    }
    jwe = JWE(b'{"a": 1}', protected=json.dumps(header))
    jwe.add_recipient(JWK(**public(OWN)))
    share = request(jwe.serialize(compact=True).encode(), "application/jose").receive()

    assert share.field("/a") == 1


@pytest.mark.parametrize("target", [URL, "/v2/shipments?express=1"])
def test_the_target_may_be_a_url_or_a_path(target: str) -> None:
    """A server that knows only path and query may pass these."""
    asked = request()
    asked.target = target

    assert asked.receive().claims["htu"] == URL


@pytest.mark.parametrize(
    ("htu", "target"),
    [
        ("https://api.example", "/"),
        ("https://api.example/", "/"),
        ("https://api.example?a=/b", "/?a=/b"),
        ("https://api.example//a", "//a"),
        ("http://127.0.0.1:8000/a%2Fb?", "/a%2Fb?"),
    ],
)
def test_a_path_is_read_out_of_the_url_as_it_is_spelt(htu: str, target: str) -> None:
    """Nothing is normalised: path and query are compared character by character."""
    asked = request(htu=htu)
    asked.target = target

    assert asked.receive().body == b"{}"


def test_headers_come_in_any_case() -> None:
    """Names of headers count in any case, with blanks around the values."""
    asked = request()
    asked.headers = {name.upper(): f" {value} " for name, value in asked.headers.items()}

    assert asked.receive().body == b"{}"


def test_a_request_without_a_body_has_a_digest_too() -> None:
    """A GET is received like any other: the digest is that of no bytes."""
    asked = request(b"", htm="GET")
    asked.method = "GET"

    assert asked.receive().body == b""


def test_the_share_id_may_have_been_dropped_on_the_way() -> None:
    """`Sharing-Id` repeats what the grant says; without it the grant counts."""
    asked = request()
    del asked.headers["Sharing-Id"]

    assert asked.receive().claims["jti"] == SHARE


def test_other_digests_may_stand_beside() -> None:
    """Only sha-256 counts in `Content-Digest`; others are passed over."""
    asked = request()
    asked.headers["Content-Digest"] = f"sha-512=:AAAA:, {asked.headers['Content-Digest']}"

    assert asked.receive().body == b"{}"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("Sharing-Grant", None, "grant-missing"),
        ("Sharing-Grant", "", "grant-missing"),
        ("Sharing-Grant", "a.b.c", "grant-invalid"),
        ("Sharing-Id", "another", "share-mismatch"),
        ("Content-Digest", None, "digest-missing"),
        ("Content-Digest", "sha-512=:AAAA:", "digest-missing"),
        ("Content-Digest", "sha-256=:AAAA:", "digest-mismatch"),
        ("Content-Digest", "sha-256=:!:", "digest-mismatch"),
        ("Content-Digest", "sha-256=:AA:", "digest-mismatch"),
        ("Content-Digest", "sha-256=AAAA", "digest-mismatch"),
        ("sharing-grant", "a.b.c", "header-repeated"),
        ("content-digest", "sha-256=:AAAA:", "header-repeated"),
        ("content-type", "text/plain", "header-repeated"),
        ("sharing-id", SHARE, "header-repeated"),
        ("Content-Type", 7, "argument-invalid"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(name: str, value: Any, code: str) -> None:
    """Missing, repeated, malformed and foreign headers each have their code."""
    asked = request()
    asked.headers[name] = value
    if value is None:
        del asked.headers[name]

    assert code_of(asked.receive) == code


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        ("method", "PUT", "method-mismatch"),
        ("method", "post", "method-mismatch"),
        ("target", URL + "&a=b", "target-mismatch"),
        ("target", URL.replace("api", "other"), "target-mismatch"),
        ("target", "/v2/shipments", "target-mismatch"),
        ("target", "/v2/shipments/?express=1", "target-mismatch"),
        ("target", "//v2/shipments?express=1", "target-mismatch"),
        ("target", "v2/shipments?express=1", "target-mismatch"),
        ("target", "", "target-mismatch"),
        ("target", None, "argument-invalid"),
        ("body", b"{ }", "digest-mismatch"),
        ("body", "{}", "argument-invalid"),
        ("headers", None, "argument-invalid"),
    ],
)
def test_a_grant_of_another_request_is_refused(member: str, value: Any, code: str) -> None:
    """A grant carries one request: method, target and body must be the ones it names."""
    asked = request()
    setattr(asked, member, value)

    assert code_of(asked.receive) == code


@promise("S3")
@pytest.mark.parametrize(
    ("expected", "code"),
    [
        ({"partner": "other-parcel"}, "audience-mismatch"),
        ({"issuer": "https://sharing.other.example"}, "issuer-mismatch"),
        ({"purpose": "advertising"}, "purpose-mismatch"),
        ({"purpose": "order-fulfilment@1"}, "purpose-mismatch"),
        ({"now": ISSUED + 360}, "grant-expired"),
        ({"now": ISSUED - 61}, "grant-early"),
        ({"now": NOW.replace(tzinfo=None)}, "argument-invalid"),
        ({"now": float("nan")}, "argument-invalid"),
        ({"now": "today"}, "argument-invalid"),
        ({"now": True}, "argument-invalid"),
        ({"jwks": {"keys": []}}, "signing-key-unknown"),
        ({"jwks": {}}, "keys-malformed"),
        ({"jwks": None}, "keys-malformed"),
    ],
    ids=str,
)
def test_a_share_for_somebody_else_is_refused(expected: dict[str, Any], code: str) -> None:
    """Another recipient, gateway, purpose or time than the grant's is refused."""
    asked = request()
    asked.expected = expected

    assert code_of(asked.receive) == code


def test_clocks_may_differ_by_a_minute() -> None:
    """A grant passes sixty seconds before it was made and until sixty seconds after its end."""
    for now in (ISSUED - 60, ISSUED + 300, ISSUED + 359.9):
        asked = request()
        asked.expected = {"now": now}
        assert asked.receive().body == b"{}"


@promise("S3", "S4d")
@pytest.mark.parametrize(
    ("jwe", "code"),
    [
        (sealed(purpose="advertising"), "purpose-mismatch"),
        (sealed(partner="other-parcel"), "audience-mismatch"),
        (sealed(share="another"), "share-mismatch"),
        (sealed(purpose_version=2), "purpose-mismatch"),
        (sealed(field="/a"), "field-mismatch"),
        (resealed(sealed(), purpose_version=None), "sealed-broken"),
        ("{}", "sealed-malformed"),
        ("", "sealed-malformed"),
        (sealed() + "é", "sealed-malformed"),
    ],
)
def test_a_seal_of_another_share_is_refused(jwe: str, code: str) -> None:
    """A right grant does not make a wrong seal right."""
    assert code_of(request(jwe.encode(), "application/jose").receive) == code


def test_a_key_of_another_purpose_does_not_open() -> None:
    """A recipient that keeps a key for one purpose cannot open another purpose's data with it."""
    asked = sealed_request()
    for bound, code in (
        ("advertising", "key-other-purpose"),
        (["advertising", "payment"], "key-other-purpose"),
        ([], "key-other-purpose"),
        (None, "key-other-purpose"),
        ("order-fulfilment-2", "key-other-purpose"),
        (PURPOSE, None),
        (["payment", PURPOSE], None),
    ):
        asked.expected = {"keys": {"keys": [OWN | {"purpose": bound}]}}
        assert code_of(asked.receive) == code


@pytest.mark.parametrize(
    ("pointer", "code"),
    [
        ("/nowhere", "field-missing"),
        ("/items/1", "field-missing"),
        ("/items/-", "field-missing"),
        ("/items/00", "field-missing"),
        ("/items/x", "field-missing"),
        ("/recipient/name/0", "field-missing"),
        ("recipient", "pointer-malformed"),
        ("/a~2b", "pointer-malformed"),
        (None, "argument-invalid"),
    ],
)
def test_a_pointer_to_nothing_is_refused(pointer: Any, code: str) -> None:
    """Pointers follow RFC 6901 and must find something."""
    share = fields_request().receive()

    assert code_of(lambda: share.field(pointer)) == code


@promise("S3", "S4d")
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (sealed(PHONE, field="/other"), "field-mismatch"),
        (sealed(PHONE, field="/phone/"), "field-mismatch"),
        (sealed(PHONE), "field-mismatch"),
        (sealed(PHONE, field="/phone", share="another"), "share-mismatch"),
        (sealed(PHONE, field="/phone", purpose="payment"), "purpose-mismatch"),
        (sealed(PHONE, field="/phone", purpose_version=2), "purpose-mismatch"),
        (sealed(PHONE, field="/phone", partner="other"), "audience-mismatch"),
        (sealed(b"13800138000x", field="/phone"), "body-malformed"),
        (sealed(PHONE, field="/phone")[:-2], "sealed-malformed"),
        (sealed(PHONE, field="/phone").replace("..", "..A"), "sealed-malformed"),
    ],
)
def test_a_field_sealed_for_elsewhere_is_refused(value: str, code: str) -> None:
    """A seal copied from another field, share, purpose or recipient does not open here."""
    share = request(json.dumps({"phone": value}).encode()).receive()

    assert code_of(lambda: share.field("/phone")) == code


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b"[" * 100_000 + b"]" * 100_000]
)
def test_a_body_that_is_no_json_has_no_fields(body: bytes) -> None:
    """The body is received as bytes; asking it for fields is refused."""
    share = request(body, "application/octet-stream").receive()

    assert share.body == body
    assert code_of(lambda: share.field("/a")) == "body-malformed"


def test_a_grant_passes_once() -> None:
    """The same request again is a replay, though everything in it is right."""
    seen = MemorySeen()
    asked = request()

    assert asked.receive(seen).body == b"{}"
    assert code_of(lambda: asked.receive(seen)) == "replayed"


class Remembered:
    """A store that keeps what it was asked, and answers as it is told."""

    def __init__(self, answer: Any = True) -> None:
        self.asked: list[tuple[str, int]] = []
        self.answer = answer

    def add(self, jti: str, expires: int) -> bool:
        """See `Seen`."""
        self.asked.append((jti, expires))
        answer: bool = self.answer
        return answer


def test_a_grant_is_remembered_while_it_could_pass() -> None:
    """The store is told to remember until the last moment at which the grant would be taken."""
    seen = Remembered()
    request().receive(seen)

    assert seen.asked == [(SHARE, ISSUED + 300 + 60)]


def test_a_refused_share_uses_nothing_up() -> None:
    """A forged or broken copy that comes first does not spend the grant of the real one."""
    seen = Remembered()
    for name, value in (("Content-Digest", "sha-256=:AAAA:"), ("Sharing-Id", "another")):
        asked = request()
        asked.headers[name] = value
        with pytest.raises(RecipientError):
            asked.receive(seen)
    broken = sealed_request()
    broken.expected = {"keys": {"keys": []}}

    assert code_of(lambda: broken.receive(seen)) == "key-missing"
    assert seen.asked == []


@pytest.mark.parametrize("answer", [False, None, 0])
def test_a_store_that_does_not_say_yes_says_no(answer: Any) -> None:
    """A store that forgets to answer makes shares fail, not pass."""
    assert code_of(lambda: request().receive(Remembered(answer))) == "replayed"


def test_a_store_that_breaks_lets_nothing_in() -> None:
    """What the store raises comes through, and there is no share."""

    class Broken:
        def add(self, jti: str, expires: int) -> bool:
            raise ConnectionError("no store")

    with pytest.raises(ConnectionError):
        request().receive(Broken())


@promise("P2")
def test_a_share_does_not_print_itself() -> None:
    """Printed, a share shows its id and nothing of the person."""
    share = fields_request().receive()

    assert repr(share) == f"<Received share {SHARE}>"
    assert str(share) == repr(share)


@pytest.mark.parametrize("missing", ["jti", "htm", "htu", "purpose", "purpose_version", "digest"])
def test_a_grant_has_what_the_checks_need(missing: str) -> None:
    """A grant without something to compare with is no grant."""
    asked = request()
    asked.headers["Sharing-Grant"] = granted(**{missing: None})

    assert missing in claims()
    assert code_of(asked.receive) == "grant-invalid"


def test_published_keys_are_not_own_keys() -> None:
    """Passing the gateway's keys as one's own opens nothing."""
    asked = sealed_request()
    asked.expected = {"keys": JWKS}

    assert code_of(asked.receive) == "key-missing"
    asked.expected = {"keys": {"keys": [public(jwk) for jwk in KEYS["keys"]]}}
    assert code_of(asked.receive) == "key-unusable"
