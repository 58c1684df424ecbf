"""What a share leaves in the ledger besides its intent: refusals and outcomes."""

from collections.abc import Sequence

from gateway.errors import StoreFailed
from gateway.flows.answers import Problem
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Draft, Incoming
from gateway.flows.outbound import Sealed
from gateway.flows.subjects import Person
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.ids import PartnerId
from gateway.model.shares import Outcome
from gateway.ports import IdempotencyRow, OutcomeWrite, Recorded
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
    known = gateway.policy.partners.get(PartnerId(incoming.partner))
    leaves = []
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
        leaves.append(canonical(leaf))
    try:
        await gateway.store.append(leaves)
        gateway.appended.set()
    except StoreFailed:
        gateway.log.warning("ledger-unavailable", code=declined.reason.value)


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
            canonical(
                entries.outcome(
                    id=new_id("leaf", gateway.random),
                    at=gateway.clock(),
                    share=intent.share,
                    partner=intent.partner,
                    outcome=outcome.value,
                    status=status,
                    received=received.fields if received else None,
                )
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
