"""
Restrictions: which of them a request lifts, and whom that concerns (contract §9; R2, R5).

A restriction is lifted whole: by a request without a scope all that there are, by
one with a scope those of exactly this scope. What another restriction still covers
is not said to be free.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.cases.plan import told_of
from gateway.errors import CallerError, Reason
from gateway.model.cases import CaseScope, ToldShare
from gateway.model.ids import CaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One restriction that is in force."""

    case: CaseId
    """The case that restricts."""
    scope: CaseScope


def lifted(restrictions: Iterable[Restriction], scope: CaseScope) -> tuple[Restriction, ...]:
    """
    The restrictions that a request with this scope lifts.

    Raises `CallerError` (`request-invalid`) where there is none: who is told that
    a restriction ended, and nothing ended, would be misled.
    """
    found = tuple(one for one in restrictions if scope.whole or one.scope == scope)
    if not found:
        raise CallerError(
            Reason.REQUEST_INVALID,
            "scope: no restriction of this person has exactly this scope"
            if not scope.whole
            else "action: nothing is restricted for this person",
            remedy="Name the scope with which the restriction was opened, or leave scope out.",
        )
    return found


def freed(
    shares: Iterable[ToldShare], ended: Sequence[CaseScope], standing: Sequence[CaseScope]
) -> list[ToldShare]:
    """The shares that no restriction covers any more, of those that one did cover."""
    return [
        share
        for share in shares
        if any(told_of(share, one) for one in ended)
        and not any(told_of(share, one) for one in standing)
    ]
