"""The targets that read what somebody should have signed: receipts, grants, tokens, notes."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import recipient, verifier
from gateway.access.keys import parse_keys
from gateway.access.services import Issuer, sign_service_token, verify_token
from gateway.errors import CallerError
from gateway.ledger import checkpoint as heads
from gateway.ledger.checkpoint import Checkpoint, NoteInvalid
from gateway.ledger.note import SignedNote
from gateway.ledger.proofs import ProofInvalid
from gateway.notices.receipts import RECEIPT_TYPE, ReceiptInvalid, check_claims
from gateway.recipient import RecipientError
from gateway.seal import tokens
from gateway.seal.jwk import SigningKey, private_jwk, public_jwk
from gateway.seal.jws import SignatureRefused, sign_jws, verify_jws
from gateway.seal.keys import KeyRefused, parse_partner_keys
from tests.fuzz.broken import Broken, must

NOW: Final = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
ISSUER: Final = "https://gateway.example"
ORIGIN: Final = "gateway.example/ledger"
KEY: Final = Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
SIGNER: Final = SigningKey(kid="sig-1", private=KEY)
JWKS: Final = {"keys": [public_jwk(KEY, "sig-1")]}
KEYS: Final = parse_partner_keys(JWKS).sig

RECEIPT: Final[dict[str, Any]] = {
    "iss": "courier",
    "aud": ISSUER,
    "jti": "r-1",
    "iat": int(NOW.timestamp()),
    "notice": "ntc_1",
    "status": "completed",
    "backups_until": "2026-12-24",
    "downstream": [{"name": "depot", "status": "completed"}],
}
RECEIPTS: Final = tuple(
    sign_jws(RECEIPT | change, SIGNER, RECEIPT_TYPE) for change in ({}, {"status": "partial"})
)


def jws(data: bytes) -> None:
    """Nothing verifies but what was signed, to the letter."""
    token = data.decode("latin-1")
    with suppress(SignatureRefused):
        verify_jws(token, KEYS, RECEIPT_TYPE)
        must(token in RECEIPTS, "something verifies that nobody signed")


def claims(data: bytes) -> None:
    """Signed claims of any shape are a receipt or a redemption, or are refused by name."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    whole = RECEIPT | value if isinstance(value, dict) else {}
    with suppress(ReceiptInvalid):
        check_claims(whole, partner="courier", audience=ISSUER, now=NOW)
    with suppress(tokens.RedemptionInvalid):
        tokens.check_claims(whole, partner="courier", audience=ISSUER, now=NOW)


def keys(data: bytes) -> None:
    """A set of keys of any shape is read or refused by name."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    with suppress(KeyRefused):
        parse_partner_keys(value if isinstance(value, dict) else {"keys": [value]})


def kit(data: bytes) -> None:
    """The recipient's side refuses by one of its codes, whatever it is handed."""
    text = data.decode("latin-1")
    signed = {
        "webhook-id": "ntc_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": text,
    }
    attempts: tuple[Callable[[], object], ...] = (
        lambda: recipient.verify_grant(text, JWKS, partner="courier", issuer=ISSUER, now=NOW),
        lambda: recipient.open_sealed(text, JWKS, partner="courier", purpose="payment"),
        lambda: recipient.verify_notice(signed, data, JWKS, now=NOW),
    )
    for attempt in attempts:
        with suppress(RecipientError):
            attempt()
            raise Broken("the recipient's kit takes what nobody signed")


AUTH: Final = Issuer(name="home", iss="https://auth.example", aud="gateway", keys=parse_keys(JWKS))
TOKEN: Final = sign_service_token(
    private_jwk(KEY, "sig-1"),
    iss=AUTH.iss,
    aud=AUTH.aud,
    sub="order-service",
    scopes=["share"],
    now=NOW,
    ttl=timedelta(hours=1),
)


def token(data: bytes) -> None:
    """No service is known by a token that nobody signed."""
    text = data.decode("latin-1")
    with suppress(CallerError):
        verify_token(text, [AUTH], now=NOW)
        must(text == TOKEN, "a service token verifies that nobody signed")


NOTE: Final = heads.sign(Checkpoint(origin=ORIGIN, size=3, root=bytes(range(32))), ORIGIN, KEY)
VERIFIERS: Final = (heads.Verifier(ORIGIN, KEY.public_key()),)
RAW_KEY: Final = verifier.Trust({"checkpoint-1": KEY.public_key().public_bytes_raw()})


def note(data: bytes) -> None:
    """A note is read to the letter, and both readers of checkpoints say the same of it."""
    text = data.decode("utf-8", "replace")
    with suppress(NoteInvalid):
        parsed = SignedNote.parse(text)
        must(text.startswith(parsed.text + "\n"), "a note's text is not what stands there")
    with suppress(NoteInvalid):
        heads.Verifier.parse(text)
    with suppress(NoteInvalid, ProofInvalid):
        heads.parse_tlog_proof(text)
    mine, theirs = opened(text), opened_by_the_verifier(text)
    must(mine == theirs, "the two readers of checkpoints do not agree")


def opened(text: str) -> tuple[str, int, bytes] | None:
    """A checkpoint as the gateway reads it; None: it does not."""
    try:
        head = heads.open_checkpoint(text, VERIFIERS)
    except NoteInvalid:
        return None
    return head.origin, head.size, head.root


def opened_by_the_verifier(text: str) -> tuple[str, int, bytes] | None:
    """The same as the verifier that stands alone reads it."""
    try:
        head = verifier.open_checkpoint(text, RAW_KEY)
    except verifier.Refuted:
        return None
    return head.origin, head.size, head.root


SET: Final = json.dumps(JWKS).encode()
TARGETS: Final = {
    "jws": (jws, tuple(one.encode() for one in RECEIPTS)),
    "claims": (claims, (json.dumps(RECEIPT).encode(), b'{"iat":1e400}', b'{"iat":true}')),
    "keys": (keys, (SET, SET.replace(b"EdDSA", b"ES256"), b'{"kty":"RSA","n":"AQAB","e":"AQAB"}')),
    "kit": (kit, (RECEIPTS[0].encode(), b"v1a,AAAA v1,BBBB", b"eyJhbGciOiJFQ0RILUVTIn0..AA.AA.AA")),
    "token": (token, (TOKEN.encode(), RECEIPTS[0].encode())),
    "note": (note, (NOTE.encode(), str(VERIFIERS[0]).encode(), NOTE.encode() * 2)),
}
