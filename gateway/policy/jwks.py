"""
A recipient's public keys, as a JWK Set (RFC 7517), and what is wrong with them.

Fit are X25519 and P-256 keys to seal for (`use: enc`; RFC 7518 §6.2, RFC 8037),
and Ed25519, P-256 and RSA keys of 2048 bits or more to verify receipts with
(`use: sig`). A private key never belongs in a home: it is the partner's.
"""

import binascii
import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from gateway.model.ids import PurposeId
from gateway.policy.words import named

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
LEAST_RSA_BITS = 2048
MOST_RSA_BITS = 8192
LEAST_RSA_EXPONENT = 65537

# Which use each kind of key has here, by its `kty` and `crv`.
_USES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("OKP", "X25519"): ("enc",),
    ("OKP", "Ed25519"): ("sig",),
    ("EC", "P-256"): ("enc", "sig"),
    ("RSA", "RSA"): ("sig",),
}
# Which algorithms it may say it is for (contract §6, §9; RFC 7518, RFC 8037, RFC 9864).
_ALGORITHMS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("X25519", "enc"): ("ECDH-ES",),
    ("P-256", "enc"): ("ECDH-ES",),
    ("Ed25519", "sig"): ("EdDSA", "Ed25519"),
    ("P-256", "sig"): ("ES256",),
    ("RSA", "sig"): ("RS256", "PS256"),
}
_ADVICE = "write X25519 or P-256 to seal, Ed25519, P-256 or RSA to sign"
# Any scalar serves: a point of small order gives the all-zero secret with each.
_PROBE = X25519PrivateKey.from_private_bytes(bytes(range(32)))


def read_jwks(raw: bytes) -> tuple[Mapping[str, Any], list[str]]:
    """The JWK Set in `raw`, and everything that is wrong with it, each with what to write."""
    empty: Mapping[str, Any] = {"keys": []}
    try:
        parsed = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return empty, ["the key file is not UTF-8, save it as UTF-8"]
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return empty, [f'the key file is not JSON ({place}), write {{"keys": [...]}}']
    except ValueError:
        return empty, ["the key file holds a number of thousands of digits, remove it"]
    except RecursionError:
        return empty, ['the key file is nested too deeply, write {"keys": [...]}']
    keys = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        return empty, ['the key file is no JWK Set, write {"keys": [...]}']
    return {"keys": keys}, [*_repeated(keys), *_wrong_keys(keys)]


def can_seal(jwks: Mapping[str, Any], purpose: PurposeId) -> bool:
    """Whether a key is there to seal for `purpose`: free, or bound to it (contract §7)."""
    return any(
        key.get("use") == "enc" and ("purpose" not in key or purpose in _bound(key))
        for key in jwks["keys"]
    )


def bound_purposes(jwks: Mapping[str, Any]) -> tuple[str, ...]:
    """The purposes to which keys are bound."""
    return tuple(purpose for key in jwks["keys"] if "purpose" in key for purpose in _bound(key))


def _bound(key: Mapping[str, Any]) -> tuple[str, ...]:
    """The purposes of one key, which names one or several."""
    purposes = key["purpose"] if isinstance(key["purpose"], list) else [key["purpose"]]
    return tuple(purpose for purpose in purposes if isinstance(purpose, str))


def _repeated(keys: list[Mapping[str, Any]]) -> Iterator[str]:
    kids = [key.get("kid") for key in keys]
    for kid in sorted({kid for kid in kids if isinstance(kid, str) and kids.count(kid) > 1}):
        yield f"two keys have the kid {named(kid)}, write a kid of its own for each"


def _wrong_keys(keys: list[Mapping[str, Any]]) -> Iterator[str]:
    for number, key in enumerate(keys, start=1):
        kid = key.get("kid")
        name = f"key {named(kid)}" if isinstance(kid, str) and kid else f"key number {number}"
        if not isinstance(kid, str) or not kid:
            yield f"{name} has no kid, write one"
        if not PRIVATE_MEMBERS.isdisjoint(key) or key.get("kty") == "oct":
            yield f"{name} is a private key, take it out and write its public half (P1)"
            continue
        wrong = _wrong_use(key) or _wrong_material(key)
        if wrong is not None:
            yield f"{name} {wrong}"


def _wrong_use(key: Mapping[str, Any]) -> str | None:
    uses = _USES.get((str(key.get("kty")), _kind(key)))
    if uses is None:
        return f"is of a kind that is not used here, {_ADVICE}"
    if key.get("use") not in uses:
        return f"has no fit use, write use: {' or '.join(uses)}"
    if "purpose" in key and (key["use"] != "enc" or not _bound(key)):
        return "is bound to no purpose that way, write purpose: ID on a key with use: enc"
    algorithms = _ALGORITHMS[_kind(key), key["use"]]
    if key.get("alg", algorithms[0]) not in algorithms:
        return f"has an alg that does not fit it, write {' or '.join(algorithms)}, or no alg"
    return None


def _kind(key: Mapping[str, Any]) -> str:
    return str(key.get("crv", key.get("kty")))


def _wrong_material(key: Mapping[str, Any]) -> str | None:
    try:
        match key["kty"]:
            case "RSA":
                return _wrong_rsa(key)
            case "EC":
                x, y = _number(key, "x"), _number(key, "y")
                EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
            case _ if key["crv"] == "X25519":
                _PROBE.exchange(X25519PublicKey.from_public_bytes(_octets(key, "x")))
            case _:
                Ed25519PublicKey.from_public_bytes(_octets(key, "x"))
    except (KeyError, ValueError):
        return "is no valid public key, ask the partner for it again"
    return None


def _wrong_rsa(key: Mapping[str, Any]) -> str | None:
    modulus, exponent = _number(key, "n"), _number(key, "e")
    bits = modulus.bit_length()
    if not LEAST_RSA_BITS <= bits <= MOST_RSA_BITS:
        limits = f"{LEAST_RSA_BITS} to {MOST_RSA_BITS}"
        return f"is weak: RSA of {bits} bits, ask the partner for one of {limits}"
    if exponent < LEAST_RSA_EXPONENT:
        advice = f"ask the partner for one with exponent {LEAST_RSA_EXPONENT}"
        return f"is weak: its exponent is small, {advice}"
    RSAPublicNumbers(exponent, modulus).public_key()
    return None


def _octets(key: Mapping[str, Any], member: str) -> bytes:
    text = key[member]
    if not isinstance(text, str) or "=" in text:
        raise ValueError(member)
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(member) from error


def _number(key: Mapping[str, Any], member: str) -> int:
    return int.from_bytes(_octets(key, member), "big")
