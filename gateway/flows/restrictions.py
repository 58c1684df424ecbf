"""Restrictions of a person: which of them a request lifts (contract §9; R2, R5)."""

from collections.abc import Sequence
from typing import Any

from gateway.cases import restrictions as core
from gateway.cases.restrictions import Restriction
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.subjects import Person
from gateway.ledger import entries
from gateway.model.cases import Action, Case, CaseScope, ToldShare
from gateway.model.ids import CaseId, CategoryId, PartnerId, PurposeId


async def lifted(
    gateway: Gateway, action: str, scope: CaseScope, person: int | None
) -> tuple[Restriction, ...]:
    """
    What a request takes away; nothing for any other than `unrestrict`.

    Raises `CallerError` (`request-invalid`) where there is nothing to take away.
    """
    if action != Action.UNRESTRICT:
        return ()
    return core.lifted(await _standing(gateway, person), scope)


async def _standing(gateway: Gateway, person: int | None) -> list[Restriction]:
    rows = await gateway.store.restrictions(person) if person is not None else []
    return [Restriction(case=row.case, scope=row.scope) for row in rows]


async def freed(
    gateway: Gateway, person: int, shares: Sequence[ToldShare], ended: Sequence[Restriction]
) -> list[ToldShare]:
    """The shares that are free again once those restrictions ended."""
    gone = {one.case for one in ended}
    standing = [one.scope for one in await _standing(gateway, person) if one.case not in gone]
    return core.freed(shares, [one.scope for one in ended], standing)


def leaves(
    gateway: Gateway, case: Case, ended: Sequence[Restriction], person: Person
) -> list[entries.Leaf]:
    """A leaf for each restriction that ends: its fence is lifted."""
    found: list[entries.Leaf] = []
    known = person.number is not None and not person.facts.erased
    for one in ended:
        id = new_id("leaf", gateway.random)
        found.append(
            entries.fence(
                id=id,
                at=case.accepted_at,
                reason=case.reason,
                lifted=True,
                case=one.case,
                subject=entries.subject_mark(person.key, id) if known else None,
                partners=one.scope.partners,
                purposes=one.scope.purposes,
                categories=one.scope.categories,
            )
        )
    return found


def dumped(ended: Sequence[Restriction]) -> list[dict[str, Any]]:
    """What ended, as the case's details keep it."""
    return [
        {
            "case": one.case,
            "partners": sorted(one.scope.partners),
            "purposes": sorted(one.scope.purposes),
            "categories": sorted(one.scope.categories),
        }
        for one in ended
    ]


def loaded(kept: Sequence[dict[str, Any]]) -> tuple[Restriction, ...]:
    """The same again."""
    return tuple(
        Restriction(
            case=CaseId(one["case"]),
            scope=CaseScope(
                partners=frozenset(map(PartnerId, one["partners"])),
                purposes=frozenset(map(PurposeId, one["purposes"])),
                categories=frozenset(map(CategoryId, one["categories"])),
            ),
        )
        for one in kept
    )
