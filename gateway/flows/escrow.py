"""
Escrow: what a notice says of the person, under a key of its own.

The key lies beside it, wrapped under a key of the home, and both are destroyed
when the recipient settles: the person's own key dies early, this lives late.
"""

import json

from gateway.flows.gateway import Gateway
from gateway.model.cases import Notice, Told
from gateway.model.ids import CategoryId, PurposeId
from gateway.ports import NewNotice
from gateway.seal.storage import protect, reveal


def locked(gateway: Gateway, notice: Notice, told: Told) -> NewNotice:
    """A new notice with its escrow. One that is settled from the start and never sent has none."""
    if notice.settled and notice.next_at is None:
        return NewNotice(notice=notice, escrow_key=None, escrow=None)
    key = gateway.random(32)
    label = _label(notice.id)
    return NewNotice(
        notice=notice,
        escrow_key=protect(gateway.secret("escrow"), key, label, random=gateway.random),
        escrow=protect(key, _dump(told), label, random=gateway.random),
    )


async def opened(gateway: Gateway, notice: str) -> Told:
    """What a notice says. Raises `LookupError` where its escrow was destroyed."""
    key, sealed = await _stored(gateway, notice)
    value = json.loads(reveal(key, sealed, _label(notice)))
    return Told(
        pseudonym=value["pseudonym"],
        references=tuple(value["references"]),
        purposes=tuple(PurposeId(one) for one in value["purposes"]),
        categories=tuple(CategoryId(one) for one in value["categories"]),
        part=value["part"],
        parts=value["parts"],
        only_references=value.get("only_references", False),
    )


async def relocked(gateway: Gateway, notice: str, told: Told) -> bytes:
    """New words under the notice's own key."""
    key, _ = await _stored(gateway, notice)
    return protect(key, _dump(told), _label(notice), random=gateway.random)


async def _stored(gateway: Gateway, notice: str) -> tuple[bytes, bytes]:
    stored = await gateway.store.escrow(notice)
    if stored is None:
        raise LookupError("the escrow of this notice was destroyed")
    wrapped, sealed = stored
    return reveal(gateway.secret("escrow"), wrapped, _label(notice)), sealed


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
        }
    ).encode()


def _label(notice: str) -> bytes:
    return b"escrow|" + notice.encode()
