"""
From what was disclosed to what is told: one notice for each recipient that has
something of the person (contract §9; R3).

What a recipient knows the person by is the pseudonym; aliases of one person
have one each, and a notice each. References that do not fit into one message
go on in further ones.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from gateway.model.cases import CaseScope, Exemption, Told, ToldShare
from gateway.model.ids import CategoryId, PartnerId
from gateway.model.shares import Outcome

GRANT_LIFETIME: Final = timedelta(seconds=300)
"""How long after its intent a share of unknown outcome may still be taken by its recipient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNotice:
    """One message that is to be sent."""

    partner: PartnerId
    told: Told
    held: bool
    """The recipient has an intent without outcome: a notice never overtakes a share (A1)."""
    exemption: Exemption | None = None
    resend_at: datetime | None = None
    """A share ended unknown and may yet arrive: tell once more then."""


def plan(
    shares: Sequence[ToldShare],
    *,
    scope: CaseScope,
    exemptions: Sequence[Exemption],
    now: datetime,
    budget: int,
) -> tuple[PlannedNotice, ...]:
    """
    The notices of a case: by recipient, each recipient's in the order of first
    disclosure.

    `shares` are all disclosures of the person over all aliases, oldest first;
    `budget` is how many bytes of references one notice carries, counted as
    compact JSON in ASCII. A reference larger than that has a notice to itself.
    """
    inside = [share for share in shares if told_of(share, scope)]
    in_flight = {share.partner for share in inside if share.outcome is None}
    exempt = {exemption.partner: exemption for exemption in exemptions}
    return tuple(
        PlannedNotice(
            partner=partner,
            told=told,
            held=partner in in_flight,
            exemption=exempt.get(partner),
            resend_at=resend_at(group, now=now),
        )
        for (partner, _), group in sorted(_grouped(inside).items(), key=lambda item: item[0][0])
        for told in _parts(_all_told(group, scope), budget)
    )


def merge_references(told: Told, more: Iterable[str], *, budget: int) -> tuple[Told, ...]:
    """
    What a notice says once references have come later: the first replaces
    `told`, the others are further notices.

    A notice that was a part keeps its number, and the further ones count on.
    """
    references = _distinct((*told.references, *more))
    if told.parts is None:
        return _parts(replace(told, references=references), budget)
    first, *rest = _chunks(references, budget)
    last = told.parts + len(rest)
    further = (
        replace(told, references=chunk, part=number, parts=last)
        for number, chunk in enumerate(rest, start=told.parts + 1)
    )
    return replace(told, references=first), *further


def resend_at(shares: Iterable[ToldShare], *, now: datetime) -> datetime | None:
    """When the last grant of those shares is over whose outcome is unknown; None: all are."""
    ends = (share.at + GRANT_LIFETIME for share in shares if share.outcome == Outcome.UNKNOWN)
    return max((end for end in ends if end > now), default=None)


def told_of(share: ToldShare, scope: CaseScope) -> bool:
    """Whether a share left, or may have, and is what the case is about."""
    if share.outcome == Outcome.NOT_SENT:
        return False
    if scope.partners and share.partner not in scope.partners:
        return False
    if scope.purposes and share.purpose not in scope.purposes:
        return False
    return not scope.categories or bool(_inside(share.categories, scope.categories))


def _inside(
    categories: Iterable[CategoryId], trees: frozenset[CategoryId]
) -> frozenset[CategoryId]:
    """
    The part of `categories` that lies in `trees`: `basic` covers `basic.phone`.

    A share declared as `basic` may have let a phone number out, so of it a scope
    of `basic.phone` is told.
    """
    return frozenset(
        max(category, tree, key=len)
        for category in categories
        for tree in trees
        if _covers(tree, category) or _covers(category, tree)
    )


def _covers(tree: str, category: str) -> bool:
    return category == tree or category.startswith(f"{tree}.")


def _grouped(
    shares: Iterable[ToldShare],
) -> Mapping[tuple[PartnerId, str], list[ToldShare]]:
    groups: dict[tuple[PartnerId, str], list[ToldShare]] = {}
    for share in shares:
        groups.setdefault((share.partner, share.pseudonym), []).append(share)
    return groups


def _all_told(shares: Sequence[ToldShare], scope: CaseScope) -> Told:
    """Everything that is said about the shares of one recipient under one pseudonym."""
    categories = frozenset(category for share in shares for category in share.categories)
    if scope.categories:
        categories = _inside(categories, scope.categories)
    return Told(
        pseudonym=shares[0].pseudonym,
        references=_distinct(text for share in shares for text in share.references),
        purposes=tuple(sorted({share.purpose for share in shares})),
        categories=tuple(sorted(categories)),
    )


def _parts(told: Told, budget: int) -> tuple[Told, ...]:
    """What is told, in as many numbered parts as it takes; a single one has no number."""
    chunks = _chunks(told.references, budget)
    if len(chunks) == 1:
        return (told,)
    return tuple(
        replace(told, references=chunk, part=number, parts=len(chunks))
        for number, chunk in enumerate(chunks, start=1)
    )


def _chunks(references: Sequence[str], budget: int) -> list[tuple[str, ...]]:
    """References in runs that fit the budget, in their order; at least one run."""
    chunks: list[list[str]] = [[]]
    room = budget
    for reference in references:
        size = len(json.dumps(reference)) + len(",")
        if size > room and chunks[-1]:
            chunks.append([])
            room = budget
        chunks[-1].append(reference)
        room -= size
    return [tuple(chunk) for chunk in chunks]


def _distinct(references: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(references))
