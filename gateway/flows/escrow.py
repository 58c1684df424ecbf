"""
Escrow: what a notice says of the person, under a key of its own.

The key lies beside it, wrapped, and both are destroyed when the recipient settles:
the person's own key dies early, this lives late.
"""

import json
from collections.abc import Mapping

from gateway.flows.gateway import Gateway
from gateway.flows.wrapping import unwrapped, wrapped
from gateway.model.cases import NewValue, Notice, Told
from gateway.model.ids import CategoryId, PurposeId
from gateway.ports import NewNotice, ToldRow
from gateway.seal.storage import protect, reveal


def locked(gateway: Gateway, notice: Notice, told: Told) -> NewNotice:
    """A new notice with its escrow. One that is settled from the start and never sent has none."""
    if notice.settled and notice.next_at is None:
        return NewNotice(notice=notice, escrow_key=None, escrow=None)
    key = gateway.random(32)
    label = _label(notice.id)
    return NewNotice(
        notice=notice,
        escrow_key=wrapped(gateway.keys, label, key, gateway.random),
        escrow=protect(key, _dump(told), label, random=gateway.random),
    )


async def opened(gateway: Gateway, notice: str) -> Told:
    """What a notice says. Raises `LookupError` where its escrow was destroyed."""
    key, sealed = await _stored(gateway, notice)
    return _read(reveal(key, sealed, _label(notice)))


def opened_with_key(gateway: Gateway, notice: str, row: ToldRow) -> tuple[Told, bytes]:
    """What a notice says, and its own key. Raises `LookupError` as `opened` does."""
    key, sealed = _unlocked(gateway, notice, row.key, row.escrow)
    return _read(reveal(key, sealed, _label(notice))), key


def _read(text: bytes) -> Told:
    value = json.loads(text)
    return Told(
        pseudonym=value["pseudonym"],
        references=tuple(value["references"]),
        purposes=tuple(PurposeId(one) for one in value["purposes"]),
        categories=tuple(CategoryId(one) for one in value["categories"]),
        part=value["part"],
        parts=value["parts"],
        only_references=value.get("only_references", False),
        changes=tuple(
            NewValue(
                selector=one["selector"],
                purpose=PurposeId(one["purpose"]),
                purpose_version=one["purpose_version"],
                value=one["value"],
            )
            for one in value.get("changes", ())
        ),
    )


async def relocked(gateway: Gateway, notice: str, told: Told) -> bytes:
    """New words under the notice's own key."""
    key, _ = await _stored(gateway, notice)
    return protect(key, _dump(told), _label(notice), random=gateway.random)


def memory_sealed(gateway: Gateway, key: bytes, notice: str, memory: Mapping[str, str]) -> bytes:
    """What a protocol keeps between its steps, under the notice's own key; empty for nothing."""
    if not memory:
        return b""
    text = json.dumps(dict(memory)).encode()
    return protect(key, text, _memory_label(notice), random=gateway.random)


def memory_opened(key: bytes, notice: str, sealed: bytes | None) -> Mapping[str, str]:
    """What earlier steps of a notice kept."""
    if not sealed:
        return {}
    kept: dict[str, str] = json.loads(reveal(key, sealed, _memory_label(notice)))
    return kept


async def _stored(gateway: Gateway, notice: str) -> tuple[bytes, bytes]:
    key, sealed = await gateway.store.escrow(notice) or (None, None)
    return _unlocked(gateway, notice, key, sealed)


def _unlocked(
    gateway: Gateway, notice: str, key: bytes | None, sealed: bytes | None
) -> tuple[bytes, bytes]:
    if key is None or sealed is None:
        raise LookupError("the escrow of this notice was destroyed")
    return unwrapped(gateway.keys, _label(notice), key), sealed


def _dump(told: Told) -> bytes:
    return json.dumps(
        {
            "pseudonym": told.pseudonym,
            "references": list(told.references),
            "purposes": list(told.purposes),
            "categories": list(told.categories),
            "part": told.part,
            "parts": told.parts,
            "only_references": told.only_references,
            "changes": [
                {
                    "selector": one.selector,
                    "purpose": one.purpose,
                    "purpose_version": one.purpose_version,
                    "value": one.value,
                }
                for one in told.changes
            ],
        }
    ).encode()


def _memory_label(notice: str) -> bytes:
    return b"memory|" + notice.encode()


def _label(notice: str) -> bytes:
    return b"escrow|" + notice.encode()
