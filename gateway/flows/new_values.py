"""
New values of a correction on their way out: sealed for their recipient, and in the
tokens that recipients hold (contract §9; R1, S4c).
"""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gateway.flows.gateway import Gateway
from gateway.model.cases import CaseScope, NewValue, Told
from gateway.model.ids import PartnerId
from gateway.model.recipients import Partner
from gateway.notices.base import CannotCarry
from gateway.seal.envelope import PreparedSealer
from gateway.seal.keys import EncryptionKey, choose, parse_partner_keys
from gateway.seal.storage import protect, reveal
from gateway.shape import write_scalar
from gateway.shape.values import declared_scalar


class NoKey(CannotCarry):
    """This recipient has no key to seal a new value with. A person's task."""

    code = "sealing-key-missing"


def sealable(partner: Partner | None, told: Told) -> bool:
    """Whether everything that a correction says can be sealed for its recipient."""
    if not told.changes:
        return True
    if partner is None:
        return False
    keys = parse_partner_keys(partner.jwks)
    return all(
        one.value is not None and choose(keys, one.purpose) is not None for one in told.changes
    )


def sealed(gateway: Gateway, notice: str, partner: Partner, told: Told, key: bytes) -> Told:
    """
    What is told, with every new value sealed for its recipient (compact JWE, `jti` the
    notice). The same in every try as long as the recipient's key is the same.

    `key` is the notice's own. Raises `NoKey`, `CannotCarry`.
    """
    keys = parse_partner_keys(partner.jwks)
    changes = tuple(_sealed(notice, partner.id, one, keys, key) for one in told.changes)
    return replace(told, changes=changes)


def _sealed(notice: str, partner: PartnerId, one: NewValue, keys: Any, own: bytes) -> NewValue:
    chosen = choose(keys, one.purpose)
    if one.value is None:
        raise CannotCarry("a new value has no form in which this recipient had it")
    if chosen is None:
        raise NoKey("this recipient has no key to seal a new value with")
    sealer = PreparedSealer.of(
        chosen, partner=partner, purpose=one.purpose, purpose_version=one.purpose_version
    )
    text = sealer.seal(
        one.value.encode(),
        share=notice,
        field=one.selector,
        random=_stream(own, notice, one, chosen),
    )
    return replace(one, value=text)


def _stream(own: bytes, notice: str, one: NewValue, key: EncryptionKey) -> Callable[[int], bytes]:
    """
    Bytes that look random, for the one seal of this value for this key: so a notice has
    the same bytes in every try, and no nonce ever meets another text.
    """
    context = [notice, one.selector, one.purpose, one.purpose_version, one.value, key.kid]
    seed = hmac.digest(own, json.dumps(["seal", *context]).encode(), "sha512")
    count = 0

    def draw(length: int) -> bytes:
        nonlocal count
        found = b""
        while len(found) < length:
            count += 1
            found += hmac.digest(seed, count.to_bytes(8, "big"), "sha512")
        return found[:length]

    return draw


_NOTHING = object()


async def correct_tokens(
    gateway: Gateway,
    keys: Mapping[int, bytes],
    person: int,
    changes: Mapping[str, Any],
    scope: CaseScope,
) -> None:
    """
    Let the tokens that recipients hold stand for the new values (S4c). Doing it again
    changes nothing.
    """
    resealed: list[tuple[bytes, bytes, bytes]] = []
    for stored in await gateway.store.sealed_tokens(person):
        key = keys.get(stored.subject) if stored.subject is not None else None
        if key is None:
            continue
        kept = json.loads(reveal(key, stored.sealed, b"token"))
        value = changes.get(kept.get("selector", ""), changes.get(kept["category"], _NOTHING))
        if value is _NOTHING or not _in_scope(kept, scope):
            continue
        kept["value"] = write_scalar(declared_scalar(value))
        text = json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()
        after = protect(key, text, b"token", random=gateway.random)
        resealed.append((stored.mark, stored.sealed, after))
    if resealed:
        await gateway.store.reseal_tokens(resealed)


def _in_scope(kept: Mapping[str, Any], scope: CaseScope) -> bool:
    partner = not scope.partners or kept["partner"] in scope.partners
    return partner and (not scope.purposes or kept["purpose"] in scope.purposes)
