"""
Refusing a request (contract §9; R7): on one of the policy's grounds, and only while it
can still be refused whole.

A request is refused before anybody was told: what a recipient was asked to do is not
taken back by telling it nothing. Of an erasure of the whole person the keys are
destroyed with its acceptance, and of a lifted restriction the fence is gone; neither
can be made undone.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from gateway.errors import CallerError, Reason
from gateway.model.cases import Action, Case, Notice, NoticeState

CASE_REFUSED: Final = "case-refused"
"""Reason of a notice that nobody is sent, because the request was refused."""

_CLAUSES = ("R7",)


def check_ground(ground: str, grounds: Collection[str]) -> None:
    """Raise `CallerError` (`request-invalid`) for a ground that the policy does not state."""
    if ground not in grounds:
        raise CallerError(
            Reason.REQUEST_INVALID, f"ground: write one of {', '.join(grounds)}", clauses=_CLAUSES
        )


def check_refusable(case: Case, *, whole: bool) -> None:
    """
    Raise `CallerError` (`case-open`) where it is too late to refuse this request.

    `whole`: it deletes the whole person.
    """
    if whole:
        raise _too_late("the person's keys are destroyed: this request is carried out")
    if case.action is Action.UNRESTRICT:
        raise _too_late("the restriction is lifted: open a case that restricts again")
    if case.action is Action.WITHDRAW:
        raise _too_late("a withdrawal of consent needs no permission")
    if any(_told(notice) for notice in case.notices):
        raise _too_late("a recipient was told already: this request is carried out")


def unsent(notice: Notice) -> Notice:
    """The notice of a refused request: settled, and never sent."""
    if notice.settled:
        return replace(notice, next_at=None, held=False)
    return replace(
        notice,
        state=NoticeState.EXEMPT,
        reason=CASE_REFUSED,
        next_at=None,
        resend_at=None,
        held=False,
        settled=True,
    )


def _told(notice: Notice) -> bool:
    # A try counts from its beginning: its answer may still be on the way.
    return notice.attempts > 0 or notice.state not in (NoticeState.QUEUED, NoticeState.EXEMPT)


def _too_late(detail: str) -> CallerError:
    return CallerError(
        Reason.CASE_OPEN,
        detail,
        clauses=_CLAUSES,
        remedy="Let the case go on; of a single recipient settle its notice with what it answers.",
    )
