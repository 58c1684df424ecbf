"""
Refusing a request (contract §9; R7): on one of the policy's grounds, while its case is open.

What was carried out stays so. Who was told already is not told otherwise, and nobody
waits for its answer any more; who was not is never told. Of an erasure of the whole
person the keys are destroyed with its acceptance, and the person does not come back: it
is the telling of recipients that ends. A withdrawal needs no permission, and of a lifted
restriction the fence is gone; neither can be refused.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from gateway.errors import CallerError, Reason
from gateway.model.cases import Action, Case, Notice, NoticeState, Proof

CASE_REFUSED: Final = "case-refused"
"""Reason of a notice that goes no further, because the request was refused."""

_CLAUSES = ("R7",)


def check_ground(ground: str, grounds: Collection[str]) -> None:
    """Raise `CallerError` (`request-invalid`) for a ground that the policy does not state."""
    if ground not in grounds:
        raise CallerError(
            Reason.REQUEST_INVALID, f"ground: write one of {', '.join(grounds)}", clauses=_CLAUSES
        )


def check_refusable(case: Case) -> None:
    """Raise `CallerError` (`case-open`) where there is nothing to refuse."""
    if case.action is Action.UNRESTRICT:
        raise _too_late("the restriction is lifted: open a case that restricts again")
    if case.action is Action.WITHDRAW:
        raise _too_late("a withdrawal of consent needs no permission")


def ended(notice: Notice) -> Notice:
    """
    The notice of a refused request: settled, and sent no more. One that was tried
    stands as it did, or has failed where nothing was heard, on the word of a person.
    """
    over = replace(notice, next_at=None, resend_at=None, held=False, settled=True)
    if notice.settled:
        return over
    if notice.state is NoticeState.EXEMPT or not told(notice):
        return replace(over, state=NoticeState.EXEMPT, reason=CASE_REFUSED)
    state = NoticeState.FAILED if notice.state is NoticeState.QUEUED else notice.state
    reason = notice.reason or CASE_REFUSED
    return replace(over, state=state, reason=reason, proof=Proof.PERSON)


def told(notice: Notice) -> bool:
    """Whether its recipient may know of it. A try counts from its beginning: it may have come."""
    return notice.attempts > 0 or notice.state not in (NoticeState.QUEUED, NoticeState.EXEMPT)


def _too_late(detail: str) -> CallerError:
    return CallerError(
        Reason.CASE_OPEN,
        detail,
        clauses=_CLAUSES,
        remedy="Let the case go on; of a single recipient settle its notice with what it answers.",
    )
