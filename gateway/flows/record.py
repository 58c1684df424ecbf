"""What a share leaves in the ledger besides its intent: refusals and outcomes."""

from collections.abc import Sequence

from gateway.errors import StoreFailed
from gateway.flows.answers import Problem
from gateway.flows.clockwork import new_id
from gateway.flows.evidence import PREFIX as EVIDENCE
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Draft, Incoming
from gateway.flows.outbound import Sealed
from gateway.flows.subjects import Person
from gateway.ledger import entries, shares
from gateway.ledger.encode import canonical
from gateway.model.ids import PartnerId
from gateway.model.shares import Outcome
from gateway.ports import IdempotencyRow, OutcomeWrite, Recorded, RefusalEntry
from gateway.shape import Received


async def record_refusal(
    incoming: Incoming,
    gateway: Gateway,
    declined: Problem,
    *,
    draft: Draft | None = None,
    persons: Sequence[Person] = (),
) -> None:
    """
    One leaf for a refusal, one a person where persons are known.

    A disk that does not take it changes nothing for the caller: nothing left,
    and the refusal stands.
    """
    refusals = refusal_entries(incoming, gateway, declined, draft=draft, persons=persons)
    await keep_refusals(gateway, refusals, code=declined.reason.value)


async def keep_refusals(
    gateway: Gateway, refusals: Sequence[RefusalEntry], *, code: str | None = None
) -> None:
    """Store the leaves of refusals, or say in the log that the disk does not take them."""
    try:
        await gateway.store.refuse(refusals)
        gateway.appended.set()
    except StoreFailed:
        gateway.log.warning("ledger-unavailable", **({"code": code} if code else {}))


def refusal_entries(
    incoming: Incoming,
    gateway: Gateway,
    declined: Problem,
    *,
    draft: Draft | None = None,
    persons: Sequence[Person] = (),
) -> list[RefusalEntry]:
    """The leaves of one refusal."""
    known = gateway.policy.partners.get(PartnerId(incoming.partner))
    refusals = []
    for person in persons or (None,):
        id = new_id("leaf", gateway.random)
        leaf = entries.refusal(
            id=id,
            at=gateway.clock(),
            service=incoming.service.name,
            code=declined.reason.value,
            clause=declined.clauses,
            # Only names that the policy knows: what a caller made up may be anything.
            partner=known.partner.id if known else None,
            route=draft.route.route.id if draft and draft.route else None,
            purpose=draft.route.route.purpose if draft and draft.route else None,
            subject=entries.subject_mark(person.key, id) if person else None,
        )
        refusals.append(_refusal(canonical(leaf), draft, person))
    return refusals


def _refusal(leaf: bytes, draft: Draft | None, person: Person | None) -> RefusalEntry:
    """A refusal with what it was asked on, so that another edition can be asked too (N2)."""
    claim = draft.ask.evidence if draft else None
    ground = draft.ask.ground if draft else None
    # Only words that the policy knows: what a caller made up may be anything.
    known = draft is not None and (ground is None or ground in draft.policy.policy.grounds)
    named = "registered" if claim and claim.text.startswith(f"{EVIDENCE}_") else "claimed"
    return RefusalEntry(
        leaf=leaf,
        decided=known and draft is not None and draft.route is not None,
        subject=person.number if person else None,
        ground=ground if known else None,
        evidence=named if claim else None,
    )


def settle(
    gateway: Gateway,
    sealed: Sealed,
    recorded: tuple[Recorded, ...],
    outcome: Outcome,
    *,
    status: int | None = None,
    received: Received | None = None,
    persons: Sequence[Person] = (),
    slot: IdempotencyRow | None = None,
    answer: bytes | None = None,
) -> None:
    """Note what became of a share. The write follows by itself."""
    intent = sealed.intent
    leaves = tuple(
        (
            place.seq,
            shares.outcome(
                id=new_id("leaf", gateway.random),
                at=gateway.clock(),
                share=intent.share,
                partner=intent.partner,
                outcome=outcome.value,
                status=status,
                received=received.fields if received else None,
            ),
        )
        for place in recorded
    )
    gateway.store.settle(
        OutcomeWrite(
            share=intent.share,
            outcome=outcome.value,
            leaves=leaves,
            references=_references(gateway, intent.share, received, persons),
            idempotency_key=slot.key if slot else None,
            idempotency_answer=answer,
        )
    )
    gateway.appended.set()


def _references(
    gateway: Gateway, share: str, received: Received | None, persons: Sequence[Person]
) -> tuple[tuple[int, bytes], ...]:
    """The partner's own ids of the record, kept sealed so that a notice can name them."""
    if received is None or not received.references:
        return ()
    kept = list(received.references)
    return tuple(
        (person.number, person.protect(kept, f"reference|{share}", gateway.random))
        for person in persons
        if person.number is not None
    )
