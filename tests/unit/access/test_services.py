"""A service token is believed when an issuer signed it, for us, for now."""

import contextlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.keys import parse_keys
from gateway.access.scopes import ALL, Service
from gateway.access.services import (
    Issuer,
    bearer_token,
    sign_service_token,
    verify_token,
)
from gateway.errors import CallerError, ConfigError, Reason
from tests.marks import promise
from tests.unit.access.keys_of import EC, ED, RSA, b64, ed25519, public, rsa_key, unsigned

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
STAMP = int(NOW.timestamp())
ISS, AUD = "https://issuer.example", "sharing-gateway"
CLAIMS: dict[str, Any] = {
    "iss": ISS,
    "aud": AUD,
    "sub": "shop",
    "exp": STAMP + 600,
    "scope": "share explain",
    "partners": ["swift-parcel"],
    "purposes": ["order-fulfilment"],
}


def an_issuer(*private: dict[str, Any], **changes: Any) -> Issuer:
    """The issuer of the tokens here, with these keys."""
    settings = {
        "name": "idp",
        "iss": ISS,
        "aud": AUD,
        "keys": parse_keys(public(*(private or (ED,)))),
    }
    return Issuer(**(settings | changes))


def a_token(
    key: dict[str, Any] = ED,
    alg: str = "EdDSA",
    header: dict[str, Any] | None = None,
    drop: tuple[str, ...] = (),
    **claims: Any,
) -> str:
    """A token as an issuer would sign it, with one thing changed."""
    payload = {name: each for name, each in (CLAIMS | claims).items() if name not in drop}
    headers = {"kid": key["kid"]} | (header or {})
    algorithm = "EdDSA" if alg == "Ed25519" else alg
    signer = jwt.PyJWS()
    body = json.dumps(payload).encode()
    private = jwt.PyJWK(key, algorithm=algorithm).key
    if alg == "Ed25519":
        signer.register_algorithm("Ed25519", signer.get_algorithm_by_name("EdDSA"))
    return signer.encode(body, private, algorithm=alg, headers=headers)


def verified(token: str, *issuers: Issuer, now: datetime = NOW) -> Service:
    """The service of a token that must verify."""
    return verify_token(token, issuers or (an_issuer(),), now=now)


def refused(token: str, *issuers: Issuer, now: datetime = NOW) -> str:
    """Why a token does not verify."""
    with pytest.raises(CallerError) as caught:
        verify_token(token, issuers or (an_issuer(),), now=now)
    assert caught.value.reason is Reason.TOKEN_INVALID
    assert caught.value.clauses == ("P3",)
    assert caught.value.__cause__ is None
    return caught.value.detail.removeprefix("the service token does not verify: ")


@pytest.mark.parametrize(
    ("key", "alg"),
    [(ED, "EdDSA"), (ED, "Ed25519"), (EC, "ES256"), (RSA, "RS256"), (RSA, "PS256")],
)
@promise("P3")
def test_a_token_of_every_accepted_kind_verifies(key: dict[str, Any], alg: str) -> None:
    """Ed25519, P-256 and RSA keys of a configured issuer name their service."""
    service = verified(a_token(key, alg), an_issuer(key))

    assert service == Service(
        issuer="idp",
        name="shop",
        scopes=frozenset({"share", "explain"}),
        partners=frozenset({"swift-parcel"}),
        purposes=frozenset({"order-fulfilment"}),
        grounds=None,
        expires=NOW + timedelta(minutes=10),
    )


@pytest.mark.parametrize(
    ("claims", "field", "reach"),
    [
        ({"partners": ["*"]}, "partners", ALL),
        ({"purposes": ["*"]}, "purposes", ALL),
        ({"partners": []}, "partners", frozenset()),
        ({"partners": None}, "partners", frozenset()),
        ({"partners": ["*", "link-id"]}, "partners", frozenset({"*", "link-id"})),
        ({"grounds": ["consent"]}, "grounds", frozenset({"consent"})),
        ({"grounds": []}, "grounds", frozenset()),
        ({"grounds": ["*"]}, "grounds", frozenset({"*"})),
        ({"scope": ["share", "case:read"]}, "scopes", frozenset({"share", "case:read"})),
        ({"scope": ""}, "scopes", frozenset()),
        ({"scope": None}, "scopes", frozenset()),
        ({"aud": [AUD, "another"]}, "name", "shop"),
    ],
)
@promise("P5")
def test_a_token_reaches_what_it_names(claims: dict[str, Any], field: str, reach: object) -> None:
    """Absent is none, a lone star is all partners or purposes, and never all grounds."""
    assert getattr(verified(a_token(**claims)), field) == reach


@pytest.mark.parametrize("name", ["partners", "purposes"])
def test_a_token_that_names_none_reaches_none(name: str) -> None:
    """A token without partners or purposes reaches no partner and no purpose."""
    assert getattr(verified(a_token(drop=(name,))), name) == frozenset()


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://other.example"}, "issuer (iss) is not configured"),
        ({"iss": None}, "issuer (iss) is not configured"),
        ({"iss": [ISS]}, "issuer (iss) is not configured"),
        ({"aud": "another"}, "another audience"),
        ({"aud": []}, "another audience"),
        ({"aud": None}, "another audience"),
        ({"aud": [["x"]]}, "aud is not an array of strings"),
        ({"aud": 7}, "aud is not an array of strings"),
        ({"sub": ""}, "names no service"),
        ({"sub": None}, "names no service"),
        ({"sub": 7}, "names no service"),
        ({"sub": "a\nb"}, "names no service"),
        ({"sub": "x" * 256}, "names no service"),
        ({"exp": None}, "no end"),
        ({"exp": "soon"}, "exp is not a number"),
        ({"exp": True}, "exp is not a number"),
        ({"exp": float("inf")}, "exp is not a time"),
        ({"exp": float("nan")}, "exp is not a time"),
        ({"exp": 10**30}, "exp is not a time"),
        ({"exp": -1}, "exp is not a time"),
        ({"exp": STAMP - 60}, "run out"),
        ({"nbf": STAMP + 61}, "not valid yet"),
        ({"nbf": "now"}, "nbf is not a number"),
        ({"iat": STAMP + 61}, "in the future"),
        ({"scope": 7}, "scope is not an array of strings"),
        ({"scope": [7]}, "scope is not an array of strings"),
        ({"partners": "swift-parcel"}, "partners is not an array of strings"),
        ({"purposes": {"a": 1}}, "purposes is not an array of strings"),
        ({"grounds": "consent"}, "grounds is not an array of strings"),
    ],
)
@promise("P3")
def test_a_token_with_a_wrong_claim_is_refused(claims: dict[str, Any], why: str) -> None:
    """Who it is from, for whom, for when and for what must all be right."""
    assert why in refused(a_token(**claims))


@pytest.mark.parametrize(
    ("claims", "seconds"),
    [({"exp": STAMP}, 59), ({"nbf": STAMP + 60}, 0), ({"iat": STAMP + 60}, 0)],
)
def test_clocks_may_differ_by_a_minute(claims: dict[str, Any], seconds: int) -> None:
    """A token is taken up to sixty seconds before and after its time."""
    assert verified(a_token(**claims), now=NOW + timedelta(seconds=seconds)).name == "shop"


@promise("P3")
def test_a_signature_of_another_key_is_refused() -> None:
    """A token signed by a key that is not the issuer's does not verify, whatever kid it names."""
    stranger = ed25519("ed-1")

    assert "signature" in refused(a_token(stranger))
    assert "kid" in refused(a_token(ed25519("ed-2")), an_issuer(ED, EC))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_changed_token_is_refused(part: int) -> None:
    """A token of which anything was changed does not verify."""
    parts = a_token(scope="share").split(".")
    other = a_token(scope="share case:write", header={"typ": "at+jwt"}).split(".")
    parts[part] = other[part]

    assert refused(".".join(parts))


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "HS512", "ES256", "RS256", "EdDsa", ""])
@promise("P3")
def test_the_algorithm_is_the_keys(alg: str) -> None:
    """What a token says about its algorithm can only agree with the key."""
    header = {"alg": alg, "kid": "ed-1", "typ": "JWT"}
    forged = unsigned(header, CLAIMS) + "." + b64(b"\0" * 64)

    assert "algorithm" in refused(forged)


@promise("P3")
def test_a_public_key_is_no_shared_secret() -> None:
    """A token signed with HMAC under the issuer's public key does not verify."""
    (key,) = public(RSA)["keys"]
    signed = unsigned({"alg": "HS256", "kid": "rsa-1"}, CLAIMS)
    mac = hmac.digest(json.dumps(key).encode(), signed.encode(), "sha256")
    forged = f"{signed}.{b64(mac)}"

    assert "algorithm" in refused(forged, an_issuer(RSA))


def test_a_key_that_names_its_algorithm_verifies_no_other() -> None:
    """An RSA key for PS256 takes no RS256."""
    issuer = an_issuer(RSA | {"alg": "PS256"})

    assert verified(a_token(RSA, "PS256"), issuer).name == "shop"
    assert "algorithm" in refused(a_token(RSA, "RS256"), issuer)


def test_without_a_kid_the_only_key_is_meant() -> None:
    """A token that names no key is taken when there is only one to mean."""
    nameless = {name: each for name, each in ED.items() if name != "kid"}
    token = jwt.encode(CLAIMS, jwt.PyJWK(ED, algorithm="EdDSA"))

    assert verified(token, an_issuer(ED)).name == "shop"
    assert verified(a_token(), an_issuer(nameless)).name == "shop"
    assert "kid" in refused(token, an_issuer(ED, EC))
    assert "kid" in refused(a_token(), an_issuer(nameless, EC))
    assert "kid" in refused(a_token(header={"kid": "other"}), an_issuer(ED))


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ({"crit": ["exp"], "exp": 1}, "not a signed JWT"),
        ({"typ": "sharing-grant+jwt"}, "type (typ)"),
        ({"typ": "sharing-receipt+jwt"}, "type (typ)"),
    ],
)
def test_another_kind_of_message_is_no_service_token(header: dict[str, Any], why: str) -> None:
    """What the same key signed for something else, or with an extension, is refused."""
    signed = unsigned({"alg": "EdDSA", "kid": "ed-1"} | header, CLAIMS)
    private = jwt.PyJWK(ED, algorithm="EdDSA").key
    token = f"{signed}.{b64(private.sign(signed.encode()))}"

    assert why in refused(token)


@pytest.mark.parametrize("header", [{"crit": ["b64"], "b64": True}, {"b64": False}, {"crit": []}])
def test_extensions_are_not_understood(header: dict[str, Any]) -> None:
    """A header that asks for an extension is refused, even one that changes nothing."""
    signed = unsigned({"alg": "EdDSA", "kid": "ed-1"} | header, CLAIMS)
    private = jwt.PyJWK(ED, algorithm="EdDSA").key

    assert refused(f"{signed}.{b64(private.sign(signed.encode()))}")


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_the_usual_types_are_taken(typ: str) -> None:
    """A JWT or an access token is a service token."""
    assert verified(a_token(header={"typ": typ})).name == "shop"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b",
        "a.b.c",
        "....",
        "e30.e30.",
        unsigned({"alg": "none"}, CLAIMS) + ".",
        unsigned({"alg": "EdDSA"}, [1]) + ".AA",
        unsigned({"alg": "EdDSA"}, "text") + ".AA",
        unsigned({"alg": ["EdDSA"]}, CLAIMS) + ".AA",
        unsigned({"alg": "EdDSA", "kid": 7}, CLAIMS) + ".AA",
        b64(b'{"alg": "EdDSA"}') + "." + b64(b"[" * 3000) + ".AA",
        b64(b'{"alg": "EdDSA"}') + "." + b64(b"\xff") + ".AA",
        "欧阳.e30.AA",
        "\ud800.e30.AA",
        "Bearer " + a_token(),
    ],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    """Whatever is sent in place of a token, the answer is that it does not verify."""
    assert refused(token)


def test_a_very_long_token_is_not_read() -> None:
    """More than 8 KiB is refused, a little less is not."""
    assert "8 KiB" in refused(a_token(extra="x" * 8192))
    assert verified(a_token(extra="x" * 4096)).name == "shop"


def test_without_issuers_nobody_is_believed() -> None:
    """A home that configured no issuer takes no token."""
    with pytest.raises(CallerError) as caught:
        verify_token(a_token(), (), now=NOW)

    assert caught.value.reason is Reason.TOKEN_INVALID


def test_issuers_may_share_a_name() -> None:
    """Of two issuers with one `iss` the one whose key and audience fit is meant."""
    first = an_issuer(EC, name="first")
    second = an_issuer(ED, name="second")

    assert verified(a_token(), first, second).issuer == "second"
    assert refused(a_token(), first, an_issuer(name="other", aud="elsewhere"))


def test_one_issuer_does_not_speak_for_another() -> None:
    """A token that names one issuer and is signed by another does not verify."""
    other = an_issuer(EC, name="other", iss="https://other.example")

    assert refused(a_token(EC, "ES256"), an_issuer(ED), other)


def test_a_refusal_holds_nothing_of_the_token() -> None:
    """No part of a token that did not verify is in what is said about it."""
    token = a_token(sub="marked-service", aud="marked-audience")

    with pytest.raises(CallerError) as caught:
        verify_token(token, (an_issuer(),), now=NOW)

    told = f"{caught.value!r} {caught.value} {caught.value.detail} {caught.value.remedy}"
    assert "marked" not in told
    assert not any(part in told for part in token.split("."))


@given(cut=st.integers(0, 600), junk=st.text(max_size=20))
def test_no_damage_makes_another_error(cut: int, junk: str) -> None:
    """However a token is damaged, it is refused as a token and nothing else breaks."""
    token = WHOLE[:cut] + junk + WHOLE[cut + len(junk) :]

    if token == WHOLE:
        assert verified(token).name == "shop"
    else:
        # The unused bits of the last character are the only part that says nothing.
        with contextlib.suppress(CallerError):
            assert verified(token) == verified(WHOLE)


WHOLE = a_token()


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("BEARER  abc ", "abc"),
        ("Bearer a b", "a b"),
    ],
)
def test_the_token_is_taken_from_the_header(header: str, token: str) -> None:
    """The scheme's spelling does not matter; what follows is the token."""
    assert bearer_token(header) == token


@pytest.mark.parametrize("header", [None, "", "  ", "Bearer", "Bearer ", "Basic YTpi", "abc"])
@promise("P3")
def test_no_bearer_token_is_a_missing_one(header: str | None) -> None:
    """Without a bearer token the caller is told that it is missing."""
    with pytest.raises(CallerError) as caught:
        bearer_token(header)

    assert caught.value.reason is Reason.TOKEN_MISSING


@pytest.mark.parametrize(
    ("key", "alg"),
    [(ED, "EdDSA"), (EC, "ES256"), (RSA, "RS256"), (RSA | {"alg": "PS256"}, "PS256")],
)
def test_a_token_of_our_own_verifies(key: dict[str, Any], alg: str) -> None:
    """What the home's own issuer signs, the gateway takes, with everything it names."""
    token = sign_service_token(
        key,
        iss=ISS,
        aud=AUD,
        sub="shop",
        scopes=["share", "case:read"],
        partners=["*"],
        purposes=["payment"],
        grounds=["consent"],
        now=NOW,
        ttl=timedelta(hours=1),
    )

    assert jwt.get_unverified_header(token) == {"alg": alg, "kid": key["kid"], "typ": "JWT"}
    assert verified(token, an_issuer(key)) == Service(
        issuer="idp",
        name="shop",
        scopes=frozenset({"share", "case:read"}),
        partners=ALL,
        purposes=frozenset({"payment"}),
        grounds=frozenset({"consent"}),
        expires=NOW + timedelta(hours=1),
    )


def test_a_token_of_our_own_may_name_little() -> None:
    """Without partners, purposes and grounds a token reaches none, and default grounds only."""
    token = sign_service_token(
        ED, iss=ISS, aud=AUD, sub="s", scopes=["share"], now=NOW, ttl=timedelta(hours=1)
    )
    service = verified(token)

    assert (service.partners, service.purposes, service.grounds) == (frozenset(), frozenset(), None)
    assert "run out" in refused(token, now=NOW + timedelta(hours=1, seconds=60))


@pytest.mark.parametrize(
    ("key", "ttl", "told"),
    [
        (public(ED)["keys"][0], timedelta(hours=1), "cannot sign"),
        (ED | {"d": "AA"}, timedelta(hours=1), "cannot sign"),
        ({"kty": "oct", "k": "c2VjcmV0"}, timedelta(hours=1), "must be Ed25519, P-256 or RSA"),
        (ED, timedelta(0), "ttl"),
    ],
)
def test_a_key_that_cannot_sign_is_told(key: dict[str, Any], ttl: timedelta, told: str) -> None:
    """A public, broken or symmetric key signs no token, and the key is not in the message."""
    with pytest.raises(ConfigError, match=told) as caught:
        sign_service_token(key, iss=ISS, aud=AUD, sub="s", scopes=["share"], now=NOW, ttl=ttl)

    assert caught.value.__cause__ is None
    assert str(key.get("d")) not in str(caught.value)


def test_weak_keys_do_not_reach_the_issuer() -> None:
    """An issuer cannot be made of a key that is too short."""
    with pytest.raises(ConfigError):
        an_issuer(rsa_key(bits=1024))
