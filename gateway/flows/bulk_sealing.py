"""A batch as it leaves, its leaves, and how they end: one grant and one seal, a leaf a record."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from gateway.flows.bulk_frames import Frame, Line
from gateway.flows.bulk_lines import draft_of
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Draft, Head
from gateway.flows.outbound import (
    Packed,
    Sealed,
    content_of,
    entry_of,
    headers_of,
    response_limit,
    retained_until,
    terms_of,
    url_of,
)
from gateway.flows.prepare import PreparedRoute
from gateway.ledger import shares
from gateway.model.payload import Body
from gateway.model.shares import Outcome, Permitted
from gateway.ports import Intent, IntentEntry, OutcomeWrite, Outgoing, Recorded
from gateway.seal.terms import grant_hash, sign_grant
from gateway.shape.in_bulk import References


def seal_batch(gateway: Gateway, frame: Frame, head: Head, records: Sequence[Line]) -> Sealed:
    """Seal, grant and describe these records as one request, with a leaf for each."""
    route, draft, now = head.standing, draft_of(head, None, ()), gateway.clock()
    told = [(line, line.packed, line.permitted) for line in records]
    parts = [(line, packed, permitted) for line, packed, permitted in told if packed and permitted]
    whole = _together(route, [packed for _, packed, _ in parts])
    content, media = content_of(gateway, draft, route, whole)
    digest = hashlib.sha256(content or b"").digest()
    url = url_of(head.partner.base_url, whole)
    until = retained_until(route, now)
    terms = terms_of(gateway, draft, route, (), parts[0][2], whole, digest, url, now, until)
    grant = sign_grant(replace(terms, records=len(parts)), gateway.grant_key)
    upstream = head.partner.partner.upstream
    outgoing = Outgoing(
        method=head.incoming.method,
        url=url,
        headers=headers_of(draft, route, whole, digest, media, grant),
        body=content,
        timeout_seconds=upstream.timeout.total_seconds() if upstream else 0.0,
        connect_timeout_seconds=upstream.connect_timeout.total_seconds() if upstream else 0.0,
        response_limit=response_limit(gateway, route, upstream),
    )
    hashed = grant_hash(grant)
    rows = tuple(
        _entry(gateway, draft, route, line, packed, permitted, hashed, now, until)
        for line, packed, permitted in parts
    )
    intent = Intent(
        share=head.incoming.share,
        kind=route.leaf_kind.value,
        partner=head.partner.partner.id,
        partner_epoch=frame.epoch,
        entries=rows,
    )
    return Sealed(outgoing=outgoing, intent=intent, intent_ids=(), fields=whole.fields)


def _together(route: PreparedRoute, parts: Sequence[Packed]) -> Packed:
    """
    The records as one body. What stands in path, query and headers speaks of nobody
    (a bulk route does not load otherwise) and is the same for all.
    """
    let_out = {name for packed in parts for name in packed.fields}
    body = b"\n".join([packed.body or b"{}" for packed in parts])
    return replace(
        parts[0],
        body=Body(body + b"\n"),
        fields=tuple(name for name, _ in route.route.named_fields() if name in let_out),
        categories=tuple(sorted({one for packed in parts for one in packed.categories})),
        dropped=any(packed.dropped for packed in parts),
        tokens=(),
    )


def _entry(
    gateway: Gateway,
    draft: Draft,
    route: PreparedRoute,
    line: Line,
    packed: Packed,
    permitted: Permitted,
    grant: str,
    now: datetime,
    until: datetime,
) -> IntentEntry:
    """One record's leaf: its own fields, categories, person and proof, and its tokens."""
    id = new_id("leaf", gateway.random)
    entry = entry_of(
        draft, route, line.person, permitted, packed, id=id, grant=grant, at=now, until=until
    )
    return replace(entry, tokens=packed.tokens)


def settle_batch(
    gateway: Gateway,
    sealed: Sealed,
    recorded: Sequence[Recorded],
    records: Sequence[Line],
    *,
    status: int,
    references: Sequence[References],
) -> None:
    """The partner answered: an outcome for each record, and what it calls each of them."""
    intent, now = sealed.intent, gateway.clock()
    leaves = tuple(
        (
            place.seq,
            shares.outcome(
                id=new_id("leaf", gateway.random),
                at=now,
                share=intent.share,
                partner=intent.partner,
                outcome=Outcome.DELIVERED.value,
                status=status,
                received=tuple(dict.fromkeys(selector for selector, _ in own)) or None,
            ),
        )
        for place, own in zip(recorded, references, strict=True)
    )
    gateway.store.settle(
        OutcomeWrite(
            share=intent.share,
            outcome=Outcome.DELIVERED.value,
            leaves=leaves,
            references=_kept(gateway, intent.share, records, references),
        )
    )
    gateway.appended.set()


def _kept(
    gateway: Gateway, share: str, records: Sequence[Line], references: Sequence[References]
) -> tuple[tuple[int, bytes], ...]:
    """Each person's own references, sealed under the key of that person."""
    return tuple(
        (
            line.person.number,
            line.person.protect(
                list(dict.fromkeys(text for _, text in own)), f"reference|{share}", gateway.random
            ),
        )
        for line, own in zip(records, references, strict=True)
        if own and line.person is not None and line.person.number is not None
    )
