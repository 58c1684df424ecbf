"""The steps of a share that are measured one by one, and what each is held beside."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.access.cache import TokenCache
from gateway.access.keys import parse_keys
from gateway.access.services import Issuer, verify_token
from gateway.decide.engine import decide
from gateway.flows.prepare import PreparedRoute, PreparedSet
from gateway.keyring import FileKeyring
from gateway.ledger import entries, shares
from gateway.ledger.encode import canonical
from gateway.model.consent import SubjectFacts
from gateway.model.ids import PartnerId, PurposeId, RouteId, SubjectId
from gateway.model.shares import Ask, Permitted
from gateway.seal.jwk import load_private_jwk
from gateway.seal.terms import GrantTerms, sign_grant
from gateway.shape import Context, Limits, parse_json
from gateway.testing.builders import a_token, issuer_settings
from gateway.wiring import load_config, read_documents
from tests.benchmarks import workload
from tests.benchmarks.upstream import ANSWER

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LIMITS = Limits()
LARGE_ITEMS = 124
"""So many goods make an order of 10 KB."""
FIELDS = ("/order_id", "/recipient/name", "/recipient/phone", "/recipient/address", "/items/*/sku")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step and its peer; calling either does it once."""

    name: str
    title: str
    ours: Callable[[], object]
    peer_title: str
    peer: Callable[[], object]


def steps_of(home: Path) -> list[Step]:
    """Every step, made from a home's own documents and keys."""
    config, keys = load_config(home), FileKeyring(home / "keys")
    prepared = read_documents(config, keys).prepared
    partner = prepared.partners[PartnerId(workload.PARTNER)]
    clear, sealed = (
        partner.routes[RouteId(f"parcels-{seal}")] for seal in (workload.NONE, workload.BODY)
    )
    return [
        _decide(prepared, clear),
        _filter(clear, "1 KB", workload.body()),
        _filter(clear, "10 KB", workload.body(LARGE_ITEMS)),
        _answer(clear),
        _grant(keys),
        _seal(sealed),
        _leaf(),
        _token(home, keys),
    ]


def _decide(prepared: PreparedSet, route: PreparedRoute) -> Step:
    partner = prepared.partners[PartnerId(workload.PARTNER)].partner
    ask = Ask(
        partner=partner.id,
        purpose=PurposeId(workload.PURPOSE),
        subjects=(SubjectId("user-000001"),),
    )
    facts = (SubjectFacts(known=True),)

    def ours() -> object:
        return decide(
            ask,
            policy=prepared.policy,
            partner=partner,
            route=route.route,
            suspended=False,
            facts=facts,
            evidence=None,
            now=NOW,
        )

    if not isinstance(ours(), Permitted):
        raise TypeError("the benchmark's own share is refused")
    return Step(
        name="decide",
        title="decide a share",
        ours=ours,
        peer_title="json.loads + dumps, 1 KB",
        peer=_json_round_trip(workload.body()),
    )


def _filter(route: PreparedRoute, size: str, text: str) -> Step:
    body, context = text.encode(), _context()

    def ours() -> object:
        return route.send.apply(parse_json(body, LIMITS), context)

    return Step(
        name="filter",
        title=f"filter what leaves, {size}",
        ours=ours,
        peer_title=f"json.loads + dumps, {size}",
        peer=_json_round_trip(text),
    )


def _answer(route: PreparedRoute) -> Step:
    text = json.dumps(ANSWER, ensure_ascii=False)
    body = text.encode()
    receive = route.receive
    assert receive is not None
    return Step(
        name="answer",
        title=f"filter what comes back, {len(body)} B",
        ours=lambda: receive.apply(body, "application/json", LIMITS),
        peer_title="json.loads + dumps",
        peer=_json_round_trip(text),
    )


def _json_round_trip(text: str) -> Callable[[], object]:
    body = text.encode()
    return lambda: json.dumps(json.loads(body), ensure_ascii=False).encode()


def _context() -> Context:
    def unused(*_: object) -> str:
        raise AssertionError("no field of the benchmark needs this")

    return Context(
        partner=workload.PARTNER,
        hash_key=bytes(32),
        pseudonym=unused,
        token=unused,
        seal=unused,
        today=date(2026, 11, 1),
    )


def _grant(keys: FileKeyring) -> Step:
    key = load_private_jwk(keys.signing("grant").private_jwk)

    def terms() -> GrantTerms:
        return GrantTerms(
            issuer="https://sharing.shop.example",
            partner=workload.PARTNER,
            share="shr_aaaaaaaaaaaaaaaaaaaaaaaaaa",
            issued_at=NOW,
            salt=bytes(16),
            method="POST",
            target="https://api.swift-parcel.example/none/parcels",
            subject="a" * 26,
            purpose=workload.PURPOSE,
            purpose_version=1,
            ground="core-function",
            fields=FIELDS,
            retention_until=NOW + timedelta(days=30),
            territory="CN",
            edition="2026-01",
            digest=bytes(32),
        )

    message = sign_grant(terms(), key).rpartition(".")[0].encode()
    return Step(
        name="grant",
        title="write and sign a grant",
        ours=lambda: sign_grant(terms(), key),
        peer_title=f"Ed25519 signature of {len(message)} B",
        peer=lambda: key.private.sign(message),
    )


def _seal(route: PreparedRoute) -> Step:
    sealer = route.sealer
    assert sealer is not None
    text = json.dumps(workload.LEAVES, ensure_ascii=False).encode()
    public = X25519PrivateKey.generate().public_key()

    def peer() -> object:
        secret = X25519PrivateKey.generate().exchange(public)
        return AESGCM(secret).encrypt(os.urandom(12), text, b"")

    return Step(
        name="seal",
        title=f"seal a body of {len(text)} B",
        ours=lambda: sealer.seal(text, share="shr_aaaaaaaaaaaaaaaaaaaaaaaaaa", random=os.urandom),
        peer_title="X25519 key, exchange, AES-GCM",
        peer=peer,
    )


def intent_members(place: int = 0) -> dict[str, Any]:
    """What the leaf of an intent is made of."""
    return {
        "id": f"leaf_{place:026d}",
        "at": NOW,
        "share": f"shr_{place:026d}",
        "partner": workload.PARTNER,
        "purpose": workload.PURPOSE,
        "purpose_version": 1,
        "ground": "core-function",
        "fields": FIELDS,
        "categories": ("basic.address", "basic.name", "basic.phone", "transaction.order"),
        "edition": "2026-01",
        "service": "order-service",
        "grant": f"{place:064x}",
        "retention_until": NOW + timedelta(days=30),
        "territory": "CN",
        "subject": f"{place:064x}",
    }


def _leaf() -> Step:
    members = intent_members()
    leaf = entries.intent(**members)

    def peer() -> object:
        text = json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()

    return Step(
        name="leaf",
        title=f"build a leaf, {len(canonical(leaf))} B canonical",
        ours=lambda: shares.intent(**members),
        peer_title="json.dumps of the leaf",
        peer=peer,
    )


def _token(home: Path, keys: FileKeyring) -> Step:
    settings = issuer_settings(home)
    issuers = (
        Issuer(
            name=settings["name"],
            iss=settings["iss"],
            aud=settings["aud"],
            keys=parse_keys(keys.issuer_jwks()),
        ),
    )
    token, now = a_token(home), datetime.now(UTC)
    cache = TokenCache()
    return Step(
        name="token",
        title="a service token seen before",
        ours=lambda: cache.verify(token, issuers, now=now),
        peer_title="verifying it anew",
        peer=lambda: verify_token(token, issuers, now=now),
    )
