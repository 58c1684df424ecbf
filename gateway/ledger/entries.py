"""
The leaves: one function for each kind, from named values to a dict that
`canonical` turns into bytes (contract §10).

A leaf can never be changed or taken back, so nothing may enter one that leads
to a person:

- the person is `subject_mark`, another one in every leaf, and nobody can make
  or check it once the person's key is destroyed;
- evidence, references and proofs of identity are `commitment`s under that key;
- words that come from outside (the reason a partner gives, a purpose that a
  caller names) stand in a leaf only if they are fixed words; other text is left
  out, because nobody could erase it.

A member that does not apply is absent: no builder writes null. Builders raise
`LedgerEncodeError` for what no leaf may hold: floats, null, integers beyond
±(2⁵³−1), `Private` text, a clear text where a mark or a hash belongs.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from gateway.errors import Reason
from gateway.ledger.encode import LedgerEncodeError
from gateway.ledger.leaf import (
    SHARES,
    Kind,
    Leaf,
    commitment,
    make,
    mark,
    notice_reason,
    scope,
    subject_mark,
    texts,
    timestamp,
    when,
    word,
)
from gateway.model.policy import LeafKind
from gateway.model.shares import Outcome

__all__ = [
    "BUILDERS",
    "Kind",
    "Leaf",
    "case",
    "commitment",
    "declared",
    "fence",
    "intent",
    "key",
    "notice",
    "outcome",
    "partner",
    "policy",
    "read",
    "receipt",
    "redemption",
    "refusal",
    "subject_mark",
    "timestamp",
]

_OUTCOMES: Final = frozenset(Outcome)
_REASONS: Final = frozenset(Reason)


def intent(
    *,
    id: str,
    at: datetime,
    share: str,
    partner: str,
    purpose: str,
    purpose_version: int,
    ground: str,
    fields: Sequence[str],
    categories: Sequence[str],
    edition: str,
    service: str,
    grant: str,
    retention_until: datetime,
    territory: str,
    kind: str = LeafKind.INTENT,
    subject: str | None = None,
    evidence: str | None = None,
) -> Leaf:
    """
    A share that is about to leave; durable before its first byte does.

    `kind` is `intent`, or `transfer` or `public-disclosure` in its place (T1-3,
    D1). `fields` are the declared selectors let out, `grant` the hex SHA-256 of
    the compact grant, `evidence` a commitment. A share of several persons has a
    leaf for each, with the same `share`.
    """
    if kind not in SHARES:
        raise LedgerEncodeError("kind: a share is an intent, a transfer or a public-disclosure")
    return make(
        kind,
        id,
        at,
        share=share,
        partner=partner,
        purpose=purpose,
        purpose_version=purpose_version,
        ground=ground,
        fields=texts(fields),
        categories=texts(categories),
        edition=edition,
        service=service,
        grant=mark("grant", grant),
        retention_until=timestamp(retention_until),
        territory=territory,
        subject=mark("subject", subject),
        evidence=mark("evidence", evidence),
    )


def outcome(
    *,
    id: str,
    at: datetime,
    share: str,
    partner: str,
    outcome: str,
    status: int | None = None,
    received: Sequence[str] | None = None,
) -> Leaf:
    """
    What became of one attempt at a share: one for each of its intents.

    `outcome` is a value of `Outcome`; `status` the partner's HTTP status;
    `received` the declared response selectors that came in (C5).
    """
    if outcome not in _OUTCOMES:
        raise LedgerEncodeError("outcome: not a known outcome of a share")
    return make(
        Kind.OUTCOME,
        id,
        at,
        share=share,
        partner=partner,
        outcome=outcome,
        status=status,
        received=None if received is None else texts(received),
    )


def refusal(
    *,
    id: str,
    at: datetime,
    service: str,
    code: str,
    clause: Sequence[str],
    partner: str | None = None,
    route: str | None = None,
    purpose: str | None = None,
    subject: str | None = None,
) -> Leaf:
    """
    A share that was refused: `code` is a value of `Reason`, `clause` its clauses.

    Give `partner`, `route` and `purpose` only where the policy knows them; what
    is no id is left out. `subject` only for a person who is known and not
    erased.
    """
    if code not in _REASONS:
        raise LedgerEncodeError("code: not a known refusal code")
    return make(
        Kind.REFUSAL,
        id,
        at,
        partner=word(partner),
        route=word(route),
        purpose=word(purpose),
        service=service,
        code=code,
        clause=texts(clause),
        subject=mark("subject", subject),
    )


def fence(
    *,
    id: str,
    at: datetime,
    reason: str,
    whole: bool = False,
    lifted: bool = False,
    until_consent: bool = False,
    case: str | None = None,
    partners: Collection[str] = (),
    purposes: Collection[str] = (),
    categories: Collection[str] = (),
    subject: str | None = None,
) -> Leaf:
    """
    From here on nothing inside the fence leaves (A1, R5); or, `lifted`, it does again.

    `whole` is the lasting fence of an erased person. The three collections
    bound any other; an empty one bounds nothing. `until_consent` is lifted by a
    newer consent.
    """
    return make(
        Kind.FENCE,
        id,
        at,
        reason=word(reason),
        whole=whole,
        lifted=lifted or None,
        until_consent=until_consent or None,
        case=case,
        **scope(partners, purposes, categories),
        subject=mark("subject", subject),
    )


def case(
    *,
    id: str,
    at: datetime,
    case: str,
    action: str,
    state: str,
    reason: str | None = None,
    deadline: datetime | None = None,
    method: str | None = None,
    verification: str | None = None,
    announced_at: datetime | None = None,
    ground: str | None = None,
    partners: Collection[str] = (),
    purposes: Collection[str] = (),
    categories: Collection[str] = (),
    count: int | None = None,
    actor: str | None = None,
    mass: str | None = None,
    subject: str | None = None,
) -> Leaf:
    """
    A case was opened, refused or closed: `state` says which.

    `method` and `verification` (a commitment) say how identity was verified
    (R6), `ground` on what a request was refused (R7), `announced_at` when the
    end of the service was announced (K3), `count` about how many people a mass
    case is, `actor` who decided, `mass` of which mass case an opened one is part.
    """
    return make(
        Kind.CASE,
        id,
        at,
        case=case,
        action=action,
        state=state,
        reason=word(reason),
        deadline=when(deadline),
        method=method,
        verification=mark("verification", verification),
        announced_at=when(announced_at),
        ground=ground,
        **scope(partners, purposes, categories),
        count=count,
        actor=actor,
        mass=mass,
        subject=mark("subject", subject),
    )


def notice(
    *,
    id: str,
    at: datetime,
    notice: str,
    case: str,
    partner: str,
    state: str,
    reason: str | None = None,
    attempts: int | None = None,
    deadline: datetime | None = None,
    backups_until: date | None = None,
    by: str | None = None,
    evidence: str | None = None,
    settled: bool | None = None,
    actor: str | None = None,
) -> Leaf:
    """
    A notice came into a state of contract §9.

    `by` says on whose word: `receipt`, `response` or `person`. `evidence` is a
    commitment to what a person resolved or exempted it on (R3).
    """
    return make(
        Kind.NOTICE,
        id,
        at,
        notice=notice,
        case=case,
        partner=partner,
        state=state,
        reason=notice_reason(reason),
        attempts=attempts,
        deadline=when(deadline),
        backups_until=when(backups_until),
        by=by,
        evidence=mark("evidence", evidence),
        settled=settled,
        actor=actor,
    )


def receipt(
    *,
    id: str,
    at: datetime,
    notice: str,
    partner: str,
    status: str,
    digest: str,
    kid: str | None = None,
    reason: str | None = None,
    backups_until: date | None = None,
) -> Leaf:
    """
    A recipient's signed answer was accepted.

    `digest` is the hex SHA-256 of the compact receipt as it came, `kid` the key
    that signed it. Its own words stay in the receipt.
    """
    return make(
        Kind.RECEIPT,
        id,
        at,
        notice=notice,
        partner=partner,
        status=status,
        digest=mark("digest", digest),
        kid=kid,
        reason=notice_reason(reason),
        backups_until=when(backups_until),
    )


def redemption(
    *,
    id: str,
    at: datetime,
    partner: str,
    purpose: str,
    result: str,
    share: str | None = None,
    categories: Sequence[str] | None = None,
    token: str | None = None,
    subject: str | None = None,
) -> Leaf:
    """
    A partner redeemed a token, or tried to (S4c).

    `result` is `granted` or the code of the refusal; `share` the one that
    carried the token; `token` a commitment to it.
    """
    return make(
        Kind.REDEMPTION,
        id,
        at,
        partner=partner,
        purpose=word(purpose),
        result=result,
        share=share,
        categories=None if categories is None else texts(categories),
        token=mark("token", token),
        subject=mark("subject", subject),
    )


def declared(
    *,
    id: str,
    at: datetime,
    share: str,
    partner: str,
    purpose: str,
    fields: Sequence[str],
    categories: Sequence[str],
    disclosed_at: datetime,
    service: str,
    purpose_version: int | None = None,
    ground: str | None = None,
    edition: str | None = None,
    retention_until: datetime | None = None,
    territory: str | None = None,
    reference: str | None = None,
    subject: str | None = None,
    evidence: str | None = None,
) -> Leaf:
    """
    Something left before or beside the gateway (contract §8).

    `at` is when it was declared, `disclosed_at` when it left; `reference` and
    `evidence` are commitments.
    """
    return make(
        Kind.DECLARED,
        id,
        at,
        share=share,
        partner=partner,
        purpose=purpose,
        purpose_version=purpose_version,
        ground=ground,
        fields=texts(fields),
        categories=texts(categories),
        disclosed_at=timestamp(disclosed_at),
        edition=edition,
        service=service,
        retention_until=when(retention_until),
        territory=territory,
        reference=mark("reference", reference),
        subject=mark("subject", subject),
        evidence=mark("evidence", evidence),
    )


def key(
    *,
    id: str,
    at: datetime,
    owner: str,
    event: str,
    use: str | None = None,
    kid: str | None = None,
    thumbprint: str | None = None,
    case: str | None = None,
    actor: str | None = None,
    subject: str | None = None,
) -> Leaf:
    """
    A key changed: `owner` is `gateway`, `subject` or a partner's id.

    `event` says how: `created seen released used rotated retired removed destroyed`.
    `thumbprint` is that of RFC 7638, base64url.
    """
    return make(
        Kind.KEY,
        id,
        at,
        owner=owner,
        event=event,
        use=use,
        kid=kid,
        thumbprint=thumbprint,
        case=case,
        actor=actor,
        subject=mark("subject", subject),
    )


def policy(
    *,
    id: str,
    at: datetime,
    edition: str,
    digest: str,
    event: str = "loaded",
    previous: str | None = None,
    actor: str | None = None,
    count: int | None = None,
    upto: int | None = None,
    before: datetime | None = None,
) -> Leaf:
    """
    The policy was `loaded`, or a reload was `refused` and the old one kept, or an
    edition that is not yet effective was `announced`; or its record-keeping term
    was applied and leaves were `pruned`: so many (`count`), of those below the index `upto`
    that were written `before` then.

    `edition` and `digest` (hex SHA-256 of the documents) are of the set that
    holds from here on, or of the one announced; `previous` is the digest of the
    one before.
    """
    return make(
        Kind.POLICY,
        id,
        at,
        edition=edition,
        digest=mark("digest", digest),
        event=event,
        previous=mark("previous", previous),
        actor=actor,
        count=count,
        upto=upto,
        before=when(before),
    )


def partner(
    *,
    id: str,
    at: datetime,
    partner: str,
    event: str,
    state: str | None = None,
    digest: str | None = None,
    edition: str | None = None,
    actor: str | None = None,
) -> Leaf:
    """
    A recipient changed: imported, activated, suspended, resumed, removed, bound.

    `digest` is the hex SHA-256 of its manifest, `edition` the one it accepted
    (T4).
    """
    return make(
        Kind.PARTNER,
        id,
        at,
        partner=partner,
        event=event,
        state=state,
        digest=mark("digest", digest),
        edition=edition,
        actor=actor,
    )


def read(
    *,
    id: str,
    at: datetime,
    service: str,
    record: str,
    actor: str | None = None,
    count: int | None = None,
    subject: str | None = None,
) -> Leaf:
    """
    Somebody read a person's records (P3).

    `record` says which, for example `disclosures`; `actor` the signed-in
    employee; `count` how many were shown. `subject` only for a person who is
    known and not erased.
    """
    return make(
        Kind.READ,
        id,
        at,
        service=service,
        record=record,
        actor=actor,
        count=count,
        subject=mark("subject", subject),
    )


BUILDERS: Final[Mapping[Kind, Callable[..., Leaf]]] = {
    Kind.INTENT: intent,
    Kind.TRANSFER: intent,
    Kind.PUBLIC_DISCLOSURE: intent,
    Kind.OUTCOME: outcome,
    Kind.REFUSAL: refusal,
    Kind.FENCE: fence,
    Kind.CASE: case,
    Kind.NOTICE: notice,
    Kind.RECEIPT: receipt,
    Kind.REDEMPTION: redemption,
    Kind.DECLARED: declared,
    Kind.KEY: key,
    Kind.POLICY: policy,
    Kind.PARTNER: partner,
    Kind.READ: read,
}
"""Which function writes which kind."""
