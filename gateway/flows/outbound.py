"""From a permitted share to the exact bytes that will leave, and its ledger leaf."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from gateway.decide.covering import uncovered
from gateway.decide.routing import reencode
from gateway.errors import CallerError, Reason
from gateway.flows import tokens
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Draft, is_unicode
from gateway.flows.prepare import PreparedRoute
from gateway.flows.subjects import Person
from gateway.ledger import entries, shares
from gateway.model.ids import NO_CATEGORY
from gateway.model.payload import Body
from gateway.model.recipients import Field, ReceivedFile, Seal, Upstream
from gateway.model.shares import Permitted
from gateway.ports import IdempotencyRow, Intent, IntentEntry, Outgoing, TokenRow
from gateway.seal.pseudonym import pseudonym
from gateway.seal.terms import GrantTerms, digest_field, grant_hash, sign_grant
from gateway.shape import FORM, Context, FilteredParams, Minimised

JOSE = "application/jose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What is left of a share after the minimum was cut out of it."""

    body: Body | None = field(repr=False)
    """As it would leave unsealed; None where no body came."""
    path: tuple[str, ...] = field(repr=False)
    query: tuple[tuple[str, str], ...] = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    fields: tuple[str, ...]
    categories: tuple[str, ...]
    dropped: bool
    tokens: tuple[TokenRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """The request and the leaves that must be durable before it leaves."""

    outgoing: Outgoing
    intent: Intent
    intent_ids: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(slots=True)
class _Vault:
    """Collects the tokens that a share's transforms make (S4c)."""

    gateway: Gateway
    draft: Draft
    route: PreparedRoute
    person: Person | None
    rows: list[TokenRow]

    def make(self, spec: Field, value: Any) -> str:
        """A fresh token for a value; the value is kept under the person's key."""
        if self.person is None:
            raise CallerError(Reason.SUBJECT_MISSING, "a token needs a subject")
        kept = tokens.terms(self.draft, self.route.route, spec, value, now=self.gateway.clock())
        token, row = tokens.made(self.gateway, self.person, kept)
        self.rows.append(row)
        return token


def pack(
    gateway: Gateway,
    draft: Draft,
    route: PreparedRoute,
    persons: Sequence[Person],
    permitted: Permitted,
) -> Packed:
    """
    Cut the declared minimum out of what came.

    Raises `CallerError` with the codes of fields.
    """
    vault = _Vault(gateway, draft, route, persons[0] if len(persons) == 1 else None, [])
    context = _context(gateway, draft, route, persons, vault)
    packed = cut(draft, route, permitted, context)
    return replace(packed, tokens=tuple(vault.rows)) if vault.rows else packed


def cut(draft: Draft, route: PreparedRoute, permitted: Permitted, context: Context) -> Packed:
    """
    What `pack` does with a context of the caller's, who keeps the tokens that it makes.

    Raises `CallerError` with the codes of fields, and `consent-missing` for a
    field to which no consent goes (D1).
    """
    strict = draft.incoming.prefers("handling=strict")
    only = permitted.categories
    path = route.path.apply(list(draft.params.items()), context, only=only, strict=strict)
    query = route.query.apply(_query(draft.incoming.query), context, only=only, strict=strict)
    headers = route.headers.apply(_declared_headers(draft, route), context, only=only)
    body = _body(draft, route, context, permitted, strict)
    if len(path.pairs) != len(draft.params):
        raise CallerError(
            Reason.FIELD_TYPE_MISMATCH, "a path parameter may not leave, and no path is without it"
        )
    packed = _packed(route, path, query, headers, body)
    # D1: what somebody did not choose stays, and nobody is left to guess which it was.
    refused = uncovered(permitted, route.purpose, packed.fields)
    if refused is not None:
        raise CallerError(
            refused.reason, refused.detail, clauses=refused.clauses, remedy=refused.remedy
        )
    return packed


def require_key(draft: Draft, route: PreparedRoute) -> None:
    """Raise `CallerError` (`sealing-key-missing`) where the route seals and nothing can (S4d)."""
    if route.seals and route.sealer is None:
        raise CallerError(
            Reason.SEALING_KEY_MISSING,
            f"{draft.ask.partner} has no key to seal for {route.route.purpose}",
        )


def _packed(
    route: PreparedRoute,
    path: FilteredParams,
    query: FilteredParams,
    headers: FilteredParams,
    body: Minimised | None,
) -> Packed:
    values = dict(path.pairs)
    own = route.route
    # A parameter that says something about the person is a field that was let out.
    told = tuple(
        name
        for specs, let_out in (
            (own.path_fields, path.fields),
            (own.query_fields, query.fields),
            (own.header_fields, headers.fields),
        )
        for name in let_out
        if specs[name.partition(".")[2]].category != NO_CATEGORY
    )
    return Packed(
        body=body.body if body else None,
        path=tuple(
            reencode(values[segment[1:-1]]) if segment.startswith("{") else segment
            for segment in own.path
        ),
        query=tuple(query.pairs),
        headers=tuple(headers.pairs),
        fields=(*(body.fields if body else ()), *told),
        categories=tuple(
            sorted(
                {
                    *(body.categories if body else ()),
                    *path.categories,
                    *query.categories,
                    *headers.categories,
                }
            )
        ),
        dropped=bool(body and body.dropped) or query.dropped or path.dropped,
    )


def _body(
    draft: Draft, route: PreparedRoute, context: Context, permitted: Permitted, strict: bool
) -> Minimised | None:
    if draft.content_type is None:
        missing = next((field for field in route.route.send if field.required), None)
        if missing is not None:
            raise CallerError(
                Reason.REQUIRED_FIELD_MISSING, f"{missing.selector} is required, and no body came"
            )
        return None
    shape = route.form if draft.content_type == FORM else route.send
    return shape.apply(draft.document, context, only=permitted.categories, strict=strict)


def _context(
    gateway: Gateway, draft: Draft, route: PreparedRoute, persons: Sequence[Person], vault: _Vault
) -> Context:
    partner = draft.partner.partner.id
    names = {person.id: person for person in persons}

    def alias(value: str) -> str:
        person: Person | None = names.get(value)  # type: ignore[call-overload]
        if person is not None:
            return person.pseudonym(partner)
        key = persons[0].key if persons else draft.partner.hash_key
        return pseudonym(key, partner, value)

    def seal_field(pointer: str, text: bytes) -> str:
        # Without a key the share is refused right after the fields are judged.
        if route.sealer is None:
            return ""
        share = draft.incoming.share
        return route.sealer.seal(text, share=share, field=pointer, random=gateway.random)

    return Context(
        partner=partner,
        hash_key=draft.partner.hash_key,
        pseudonym=alias,
        token=vault.make,
        seal=seal_field,
        today=gateway.clock().date(),
    )


def _query(raw: str) -> list[tuple[str, str]]:
    if not raw:
        return []
    try:
        return parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise CallerError(
            Reason.REQUEST_INVALID, "the query is not percent-encoded UTF-8"
        ) from None


def _declared_headers(draft: Draft, route: PreparedRoute) -> list[tuple[str, str]]:
    found = [
        (name, value)
        for name in route.route.header_fields
        for value in draft.incoming.headers.get(name, ())
        if value
    ]
    for name, value in found:
        if not is_unicode(value):
            raise CallerError(Reason.FIELD_TYPE_MISMATCH, f"header.{name} is not UTF-8")
    return found


def wrap(
    gateway: Gateway,
    draft: Draft,
    route: PreparedRoute,
    persons: Sequence[Person],
    permitted: Permitted,
    packed: Packed,
    idempotency: IdempotencyRow | None,
) -> Sealed:
    """Seal, grant and describe a packed share: what will leave, and its leaves."""
    now = gateway.clock()
    content, media = content_of(gateway, draft, route, packed)
    digest = hashlib.sha256(content or b"").digest()
    url = url_of(draft.partner.base_url, packed)
    until = retained_until(route, now)
    grant = sign_grant(
        terms_of(gateway, draft, route, persons, permitted, packed, digest, url, now, until),
        gateway.grant_key,
    )
    upstream = draft.partner.partner.upstream
    outgoing = Outgoing(
        method=draft.incoming.method,
        url=url,
        headers=headers_of(draft, route, packed, digest, media, grant),
        body=content,
        timeout_seconds=upstream.timeout.total_seconds() if upstream else 0.0,
        connect_timeout_seconds=upstream.connect_timeout.total_seconds() if upstream else 0.0,
        response_limit=response_limit(gateway, route, upstream),
        first_byte_timeout_seconds=_first_byte(upstream),
    )
    ids, rows = _leaves(gateway, draft, route, persons, permitted, packed, grant, now, until)
    intent = Intent(
        share=draft.incoming.share,
        kind=route.leaf_kind.value,
        partner=draft.partner.partner.id,
        partner_epoch=gateway.partners.state(draft.partner.partner.id).epoch,
        entries=rows,
        idempotency=idempotency,
        tokens=packed.tokens,
    )
    return Sealed(outgoing=outgoing, intent=intent, intent_ids=ids, fields=packed.fields)


def _first_byte(upstream: Upstream | None) -> float | None:
    if upstream is None or upstream.first_byte_timeout is None:
        return None
    return upstream.first_byte_timeout.total_seconds()


def response_limit(gateway: Gateway, route: PreparedRoute, upstream: Upstream | None) -> int:
    """A declared file may be as large as it says, all else as home and manifest allow."""
    if isinstance(route.route.receive, ReceivedFile):
        return route.route.receive.max_bytes
    home: int = gateway.config["limits.response"]
    return min(home, upstream.response_limit) if upstream else home


def content_of(
    gateway: Gateway, draft: Draft, route: PreparedRoute, packed: Packed
) -> tuple[bytes | None, str | None]:
    """The body as it leaves, sealed where the route says so, and its media type."""
    if packed.body is None:
        return None, None
    media = draft.content_type or "application/json"
    if route.route.seal is Seal.BODY and route.sealer is not None:
        sealed = route.sealer.seal(
            packed.body, share=draft.incoming.share, content_type=media, random=gateway.random
        )
        return sealed.encode("ascii"), JOSE
    return packed.body, media


def retained_until(route: PreparedRoute, now: datetime) -> datetime:
    """
    Until when the recipient may keep what leaves now (P6).

    In whole seconds, as its grant says it, so that grant, leaf and the person's
    account tell one moment.
    """
    return (now + route.route.retention).replace(microsecond=0)


def url_of(base: str, packed: Packed) -> str:
    """The full URL as it is asked for."""
    pairs = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in packed.query)
    path = "/".join(packed.path)
    return f"{base}/{path}?{pairs}" if pairs else f"{base}/{path}"


def terms_of(
    gateway: Gateway,
    draft: Draft,
    route: PreparedRoute,
    persons: Sequence[Person],
    permitted: Permitted,
    packed: Packed,
    digest: bytes,
    url: str,
    now: datetime,
    until: datetime,
) -> GrantTerms:
    """What the grant says; of several people, and of nobody, it names none."""
    partner = draft.partner.partner
    single = len(persons) == 1 and not (route.purpose and route.purpose.deidentified)
    return GrantTerms(
        issuer=gateway.issuer,
        partner=partner.id,
        share=draft.incoming.share,
        issued_at=now,
        salt=gateway.random(16),
        method=draft.incoming.method,
        target=url,
        subject=persons[0].pseudonym(partner.id) if single else None,
        purpose=route.route.purpose,
        purpose_version=route.route.purpose_version,
        ground=permitted.ground,
        fields=packed.fields,
        retention_until=until,
        territory=partner.territory,
        onward=partner.agreement.onward if partner.agreement else (),
        edition=draft.policy.policy.edition.number,
        digest=digest,
    )


def headers_of(
    draft: Draft,
    route: PreparedRoute,
    packed: Packed,
    digest: bytes,
    media: str | None,
    grant: str,
) -> tuple[tuple[str, str], ...]:
    """The headers that leave: the declared ones, and the gateway's own."""
    headers = [
        *packed.headers,
        ("Sharing-Id", draft.incoming.share),
        ("Sharing-Grant", grant),
        ("Content-Digest", digest_field(digest)),
    ]
    if media is not None:
        headers.append(("Content-Type", media))
    if route.route.idempotency is not None:
        headers.append((route.route.idempotency, draft.incoming.share))
    return tuple(headers)


def _leaves(
    gateway: Gateway,
    draft: Draft,
    route: PreparedRoute,
    persons: Sequence[Person],
    permitted: Permitted,
    packed: Packed,
    grant: str,
    now: datetime,
    until: datetime,
) -> tuple[tuple[str, ...], tuple[IntentEntry, ...]]:
    """One leaf for each person; a share of nobody has one all the same."""
    ids: list[str] = []
    rows: list[IntentEntry] = []
    hashed = grant_hash(grant)
    whom: Sequence[Person | None] = persons or (None,)
    for person in whom:
        id = new_id("leaf", gateway.random)
        ids.append(id)
        rows.append(
            entry_of(
                draft, route, person, permitted, packed, id=id, grant=hashed, at=now, until=until
            )
        )
    return tuple(ids), tuple(rows)


def entry_of(
    draft: Draft,
    route: PreparedRoute,
    person: Person | None,
    permitted: Permitted,
    packed: Packed,
    *,
    id: str,
    grant: str,
    at: datetime,
    until: datetime,
) -> IntentEntry:
    """One leaf of a share, about one person or nobody; `grant` is its hash, `id` the leaf's."""
    proof = permitted.evidence or _proof_of(draft, permitted)
    leaf = shares.intent(
        kind=route.leaf_kind.value,
        id=id,
        at=at,
        share=draft.incoming.share,
        partner=draft.partner.partner.id,
        purpose=route.route.purpose,
        purpose_version=route.route.purpose_version,
        ground=permitted.ground,
        fields=packed.fields,
        categories=packed.categories,
        edition=draft.policy.policy.edition.number,
        service=draft.incoming.service.name,
        grant=grant,
        retention_until=until,
        territory=draft.partner.partner.territory,
        subject=entries.subject_mark(person.key, id) if person else None,
        evidence=entries.commitment(person.key, proof, id) if person and proof else None,
    )
    return IntentEntry(
        leaf=leaf,
        subject=person.row if person else None,
        tombstone=person.mark if person else None,
        retention_until=until,
        untold=not permitted.may_tell,
    )


def _proof_of(draft: Draft, permitted: Permitted) -> str | None:
    """What carried the share, for the commitment: the claim, or the consents."""
    if draft.ask.evidence is not None:
        return draft.ask.evidence.text
    return " ".join(permitted.consents) or None
