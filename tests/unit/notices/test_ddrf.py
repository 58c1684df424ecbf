"""DDRF outwards, step by step: which request comes next, and what an answer means (R3)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.model.cases import Action, Told
from gateway.model.ids import CategoryId, PurposeId
from gateway.model.recipients import Deletion
from gateway.notices.base import (
    AT_ONCE,
    Answered,
    CannotCarry,
    Heard,
    Interpreted,
    Request,
    Telling,
    Tools,
)
from gateway.notices.ddrf import DIALECT, discovery_url, interpret, prepare
from gateway.notices.ddrf_acknowledgements import claims_of
from gateway.notices.ddrf_words import Code, acknowledgement_claims
from gateway.seal.encoding import b64, dumps
from gateway.seal.es256 import es256_key, es256_public_jwk, sign_es256
from gateway.seal.jws import verify_jws
from gateway.seal.keys import parse_partner_keys

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
URL = "https://vendor.example/dsrdelete.json"
ENDPOINT = "https://api.vendor.example/delete"
OURS = es256_key(b"\x01" * 64, "ddrf-1")
THEIRS = es256_key(b"\x02" * 64, "vendor")
OTHER = es256_key(b"\x03" * 64, "vendor")


def a_telling(*references: str, memory: dict[str, str] | None = None, **deletion: Any) -> Telling:
    """A notice to the vendor, about to be told."""
    return Telling(
        notice="ntc_1",
        action=Action.ERASE,
        told=Told(
            pseudonym="psn-1",
            references=references,
            purposes=(PurposeId("advertising"),),
            categories=(CategoryId("device.id"),),
            only_references=deletion.pop("only_references", False),
        ),
        issuer="https://sharing.app.example",
        partner="vendor",
        deletion=Deletion(protocol="ddrf", **{"url": URL, **deletion}),
        deadline=NOW + timedelta(days=15),
        created=NOW - timedelta(minutes=1),
        attempt_at=NOW,
        receipts_url="https://sharing.app.example/receipts",
        callback_url="https://sharing.app.example/callbacks/ddrf/0",
        stable=b"s" * 16,
        fresh=b"f" * 16,
        tools=Tools(
            sign_webhook=lambda *_: "",
            sign_es256=lambda claims, typ: sign_es256(claims, OURS, typ),
            domain="app.example",
            verify_jws=lambda token, jwks, typ: verify_jws(
                token, parse_partner_keys(jwks).sig, typ
            ),
        ),
        memory=memory or {},
    )


def a_document(*identifiers: tuple[str, str], **changes: Any) -> bytes:
    """The vendor's dsrdelete.json."""
    known = identifiers or (("ppuid", "plaintext"), ("reference", "plaintext"))
    document = {
        "endpoint": ENDPOINT,
        "identifiers": [
            {"id": n, "type": kind, "format": form} for n, (kind, form) in enumerate(known)
        ],
        "publicKey": [es256_public_jwk(THEIRS)],
        "vendorScriptRequirement": False,
        **changes,
    }
    return json.dumps(document).encode()


def answered(
    request: Request, body: bytes, status: int = 200, headers: dict[str, str] | None = None
) -> Answered:
    """What came back for a request."""
    return Answered(request=request, status=status, headers=headers or {}, body=body, at=NOW)


def after(telling: Telling, said: Interpreted) -> Telling:
    """The next step."""
    assert said.memory is not None
    return replace(telling, memory=said.memory, fresh=b"g" * 16)


def discovered(telling: Telling, body: bytes | None = None) -> Telling:
    """A notice whose recipient's document has been read."""
    said = interpret(telling, answered(prepare(telling), body or a_document()))
    assert said.follow_up == AT_ONCE, said
    return after(telling, said)


def acknowledged(request: Request, code: Code = Code.RECEIVED, **changes: Any) -> bytes:
    """The vendor's acknowledgement of a request."""
    key = changes.pop("key", THEIRS)
    without = changes.pop("without", ())
    claims = acknowledgement_claims(
        jti="ac-1",
        iss="vendor.example",
        request=(request.body or b"").decode(),
        now=NOW,
        code=code,
        text=None,
    )
    claims = {name: value for name, value in {**claims, **changes}.items() if name not in without}
    return sign_es256(claims, key, "JWT").encode()


def test_a_request_says_whom_and_nothing_more() -> None:
    """An rqJWT has one identifier, the 1st party's own word for it, and our domain."""
    telling = discovered(a_telling())
    request = prepare(telling)
    token = (request.body or b"").decode()
    claims = claims_of(token)

    assert (request.method, request.url) == ("POST", ENDPOINT)
    assert claims["sub"] == {
        "identifierValue": "psn-1",
        "identifierType": "ppuid",
        "identifierFormat": "plaintext",
    }
    assert (claims["iss"], claims["aud"], claims["version"]) == (
        "app.example",
        "vendor.example",
        "1.0",
    )
    assert claims["exp"] - claims["iat"] == 86_400
    identity = claims_of(claims["idJWT"])
    assert (identity["iss"], identity["sub"]) == ("app.example", claims["sub"])
    jwks = {"keys": [es256_public_jwk(OURS)]}
    assert verify_jws(token, parse_partner_keys(jwks).sig, "JWT") == claims


def test_each_identifier_is_a_request_of_its_own() -> None:
    """Pseudonym and references go one by one; it is acknowledged when all of them are."""
    telling = discovered(a_telling("LO-1", "LO-2"))
    asked, said = [], Interpreted(event=None)
    for _ in range(3):
        request = prepare(telling)
        asked.append(claims_of((request.body or b"").decode())["sub"]["identifierValue"])
        said = interpret(telling, answered(request, acknowledged(request), 202))
        telling = after(telling, said)

    assert asked == ["psn-1", "LO-1", "LO-2"]
    assert (said.event, said.follow_up) == (Heard.ACKNOWLEDGED, None)


def test_a_later_try_goes_on_where_the_first_stopped() -> None:
    """What a recipient acknowledged is not asked again; the document is looked up anew."""
    telling = discovered(a_telling("LO-1"))
    request = prepare(telling)
    telling = after(telling, interpret(telling, answered(request, acknowledged(request), 202)))
    failed = interpret(telling, answered(prepare(telling), b"", 503, {"Retry-After": "7"}))
    later = replace(after(telling, failed), attempt_at=NOW + timedelta(minutes=1))

    assert (failed.event, failed.retry_after, failed.reason) == (None, 7, "http-503")
    assert prepare(later).kind == "discovery"
    request = prepare(discovered(later))
    assert claims_of((request.body or b"").decode())["sub"]["identifierValue"] == "LO-1"


def test_only_records_are_meant_where_only_records_end() -> None:
    """Of a share that has run its time the pseudonym is not said: the person stays."""
    telling = discovered(a_telling("LO-1", only_references=True))
    sub = claims_of((prepare(telling).body or b"").decode())["sub"]
    assert (sub["identifierType"], sub["identifierValue"]) == ("reference", "LO-1")

    without = a_telling("LO-1", only_references=True)
    said = interpret(without, answered(prepare(without), a_document(("ppuid", "plaintext"))))
    assert (said.hand_over, said.reason) == (True, "ddrf-identifier")


@pytest.mark.parametrize(
    ("document", "declared", "sub"),
    [
        ((("ppuid", "sha256"),), {}, ("ppuid", "sha256")),
        ((("email", "sha256"), ("alias", "raw")), {}, ("alias", "raw")),
        ((("crm", "plain"),), {"pseudonym": "crm"}, ("crm", "plain")),
        ((("idfa", "hash"), ("email", "plaintext")), {}, None),
        ((("ppuid", "plaintext"),), {"pseudonym": "crm"}, None),
        ((("ppuid", "rot13"),), {}, None),
    ],
    ids=["hashed", "alias", "as-declared", "nothing-of-ours", "only-as-declared", "odd-format"],
)
def test_only_identifiers_that_both_know_are_used(
    document: tuple[tuple[str, str], ...], declared: dict[str, str], sub: tuple[str, str] | None
) -> None:
    """What the recipient cannot match, or was never given, is not said: a person takes over."""
    telling = a_telling(identifiers=declared)
    said = interpret(telling, answered(prepare(telling), a_document(*document)))
    if sub is None:
        assert (said.event, said.hand_over, said.reason) == (None, True, "ddrf-identifier")
        return
    claims = claims_of((prepare(after(telling, said)).body or b"").decode())["sub"]
    assert (claims["identifierType"], claims["identifierFormat"]) == sub
    assert (claims["identifierValue"] == "psn-1") is (sub[1] != "sha256")


@pytest.mark.parametrize(
    "changes",
    [
        {"key": OTHER},
        {"iss": "other.example"},
        {"iss": "example"},
        {"aud": "other.example"},
        {"rqJWT": "e30.e30.e30"},
        {"iat": int(NOW.timestamp()) + 301},
        {"iat": int(NOW.timestamp()) - 86_401},
        {"exp": int(NOW.timestamp())},
        {"nbf": int(NOW.timestamp()) + 301},
        {"raResultCode": 7},
        {"raResultCode": True},
        {"raResultCode": "0"},
        *(
            {"without": (name,)}
            for name in ("version", "rqJWT", "jti", "iss", "iat", "raResultCode")
        ),
    ],
    ids=str,
)
def test_what_does_not_verify_acknowledges_nothing(changes: dict[str, Any]) -> None:
    """
    A 202 whose acknowledgement is doubtful is read once more with the recipient's
    document read anew, and is then sent, never acknowledged.
    """
    telling = discovered(a_telling())
    request = prepare(telling)
    first = interpret(telling, answered(request, acknowledged(request, **changes), 202))
    assert (first.event, first.follow_up) == (None, AT_ONCE)
    telling = after(telling, first)
    discovery = prepare(telling)
    assert discovery.cached is not None and discovery.cached.anew
    telling = after(telling, interpret(telling, answered(discovery, a_document())))
    request = prepare(telling)
    again = interpret(telling, answered(request, acknowledged(request, **changes), 202))

    assert (again.event, again.reason) == (Heard.ATTEMPTED_OK, "ddrf-unverified")
    assert again.follow_up == timedelta(hours=1)


def test_what_never_verifies_is_not_asked_for_ever() -> None:
    """After some hours of doubtful acknowledgements nothing more is asked: its deadline is left."""
    memory = {"unverified": "4"}
    telling = discovered(a_telling(memory=memory))
    said = interpret(telling, answered(prepare(telling), b"", 202))
    assert (said.event, said.follow_up) == (Heard.ATTEMPTED_OK, None)


@pytest.mark.parametrize("form", ["{token}", '"{token}"', '{{"acJWT": "{token}"}}', " {token}\n"])
def test_an_acknowledgement_is_found_however_it_is_sent(form: str) -> None:
    """The framework says JSON and does not say where: each way that is in use is read."""
    telling = discovered(a_telling())
    request = prepare(telling)
    body = form.format(token=acknowledged(request).decode()).encode()
    assert interpret(telling, answered(request, body, 202)).event == Heard.ACKNOWLEDGED


@pytest.mark.parametrize("code", [Code.MALFORMED, Code.TOKEN])
def test_what_is_wrong_with_us_is_a_persons_task(code: Code) -> None:
    """A signed "malformed" is not repeated: somebody must look."""
    telling = discovered(a_telling())
    request = prepare(telling)
    said = interpret(telling, answered(request, acknowledged(request, code), 400))
    assert (said.event, said.hand_over, said.reason) == (None, True, f"ddrf-{int(code)}")


@pytest.mark.parametrize("code", [Code.SIGNATURE, Code.TIMESTAMP])
def test_a_key_or_clock_gets_one_more_chance(code: Code) -> None:
    """Our key may not have reached it yet, our clock may be set right: once more, then a person."""
    telling = discovered(a_telling())
    request = prepare(telling)
    first = interpret(telling, answered(request, acknowledged(request, code), 400))
    telling = discovered(replace(after(telling, first), attempt_at=NOW + timedelta(hours=1)))
    request = prepare(telling)
    second = interpret(telling, answered(request, acknowledged(request, code), 400))

    assert (first.event, first.hand_over) == (None, False)
    assert first.retry_after == (3600 if code is Code.SIGNATURE else None)
    assert second.hand_over


def test_another_identifier_is_tried_where_one_is_refused() -> None:
    """A type or format that is refused is not said again; its document is read anew first."""
    telling = discovered(a_telling("LO-1"))
    request = prepare(telling)
    said = interpret(telling, answered(request, acknowledged(request, Code.TYPE), 400))
    telling = after(telling, said)
    discovery = prepare(telling)
    telling = after(telling, interpret(telling, answered(discovery, a_document())))
    request = prepare(telling)
    last = interpret(telling, answered(request, acknowledged(request, Code.FORMAT), 400))
    telling = after(telling, last)
    ended = interpret(telling, answered(prepare(telling), a_document()))

    assert (said.follow_up, last.follow_up) == (AT_ONCE, AT_ONCE)
    assert discovery.cached is not None and discovery.cached.anew
    assert claims_of((request.body or b"").decode())["sub"]["identifierType"] == "reference"
    assert (ended.hand_over, ended.reason) == (True, "ddrf-identifier")


def test_a_person_who_is_known_by_one_is_told_by_one() -> None:
    """Where only a record's type is refused, the acknowledged pseudonym stands for the person."""
    telling = discovered(a_telling("LO-1"))
    request = prepare(telling)
    telling = after(telling, interpret(telling, answered(request, acknowledged(request), 202)))
    request = prepare(telling)
    said = interpret(telling, answered(request, acknowledged(request, Code.TYPE), 400))
    telling = after(telling, said)
    ended = interpret(telling, answered(prepare(telling), a_document()))

    assert claims_of((request.body or b"").decode())["sub"]["identifierType"] == "reference"
    assert (ended.event, ended.hand_over) == (Heard.ACKNOWLEDGED, False)
    nothing = a_telling(only_references=True)
    assert interpret(nothing, answered(prepare(nothing), a_document())).hand_over


@pytest.mark.parametrize("status", [302, 401, 404, 429, 500])
def test_other_answers_are_tried_again(status: int) -> None:
    """All that is neither 202 nor 400 is tried again; a redirect is not followed."""
    telling = discovered(a_telling())
    said = interpret(telling, answered(prepare(telling), b"", status))
    assert (said.event, said.hand_over, said.follow_up) == (None, False, None)


def test_contradictions_are_tried_again() -> None:
    """A 400 without an acknowledgement, or over a good one, says nothing that could be believed."""
    telling = discovered(a_telling())
    request = prepare(telling)
    for body in (b"", acknowledged(request)):
        said = interpret(telling, answered(request, body, 400))
        assert (said.event, said.reason, said.hand_over) == (None, "http-400", False)


@pytest.mark.parametrize(("status", "event"), [(404, Heard.GONE), (410, Heard.GONE), (500, None)])
def test_no_document_is_gone(status: int, event: str | None) -> None:
    """Who publishes no dsrdelete.json does not speak it; who is ill is asked again."""
    telling = a_telling()
    assert interpret(telling, answered(prepare(telling), b"", status)).event == event
    told = discovered(telling)
    assert interpret(told, answered(prepare(told), b"", 410)).event == Heard.GONE


def test_a_script_is_never_run() -> None:
    """Who takes requests by a browser's script only is told by a person."""
    telling = a_telling()
    document = a_document(vendorScriptRequirement=True, vendorScript="<script>…</script>")
    said = interpret(telling, answered(prepare(telling), document))
    assert (said.hand_over, said.reason) == (True, "ddrf-script")


def test_a_broken_document_is_asked_for_again() -> None:
    """A document that cannot be used sends nothing anywhere."""
    telling = a_telling()
    said = interpret(telling, answered(prepare(telling), b"{}"))
    assert (said.event, said.follow_up, said.reason) == (None, None, "ddrf-document")


def test_ids_are_stable_where_they_must_be() -> None:
    """The 1st party's request keeps its id over all tries, each transaction has its own."""
    telling = discovered(a_telling())
    one, other = (
        claims_of((prepare(each).body or b"").decode())
        for each in (telling, replace(telling, fresh=b"h" * 16))
    )
    assert one["jti"] != other["jti"]
    assert claims_of(one["idJWT"])["jti"] == claims_of(other["idJWT"])["jti"]


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (URL, URL),
        ("https://vendor.example", URL),
        ("https://vendor.example/api/delete?x=1", URL),
        ("http://127.0.0.1:8099/x", "http://127.0.0.1:8099/dsrdelete.json"),
    ],
)
def test_the_document_is_at_the_root_unless_it_is_named(url: str, asked: str) -> None:
    """As the framework has it, the document is at the root of the recipient's host."""
    assert discovery_url(url) == asked


def test_nothing_is_said_without_a_key() -> None:
    """Without a key or a domain of ours nothing leaves."""
    telling = discovered(a_telling())
    bare = replace(telling, tools=Tools(sign_webhook=lambda *_: ""))
    with pytest.raises(CannotCarry):
        prepare(bare)


def test_what_it_prints_names_nobody() -> None:
    """Neither a request nor what is kept between two steps shows whom it is about."""
    telling = discovered(a_telling("LO-1"))
    shown = repr((telling, prepare(telling)))
    assert "psn-1" not in shown and "LO-1" not in shown
    assert "psn-1" not in "".join(telling.memory.values())


def test_a_key_that_says_another_algorithm_verifies_nothing() -> None:
    """The algorithm is the key's: what the header proposes is not looked for."""
    telling = discovered(a_telling())
    request = prepare(telling)
    _, claims, mark = acknowledged(request).decode().split(".")
    for alg in ("none", "RS256", "HS256", "EdDSA"):
        head = b64(dumps({"alg": alg, "kid": THEIRS.kid, "typ": "JWT"}))
        said = interpret(telling, answered(request, f"{head}.{claims}.{mark}".encode(), 202))
        assert said.event is None


def test_it_has_no_word_for_done() -> None:
    """DDRF acknowledges and completes nothing: erase only, and what earlier tries did is kept."""
    assert DIALECT.actions == {Action.ERASE}
    assert (DIALECT.settles.value, DIALECT.hear, DIALECT.remembers) == ("none", None, True)
