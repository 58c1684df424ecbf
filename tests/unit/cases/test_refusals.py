"""When a request can still be refused."""

from dataclasses import replace

import pytest

from gateway.cases.refusals import CASE_REFUSED, check_ground, check_refusable, unsent
from gateway.errors import CallerError, Reason
from gateway.model.cases import Action, Case, CaseState, Notice, NoticeState
from gateway.model.ids import CaseId, NoticeId, PartnerId
from tests.unit.cases.builders import DAY, NOW, RIGHTS, WHOLE

NOTICE = Notice(
    id=NoticeId("ntc_1"),
    case=CaseId("case_1"),
    partner=PartnerId("swift"),
    state=NoticeState.QUEUED,
    deadline=NOW + DAY,
    next_at=NOW,
    held=True,
)
CASE = Case(
    id=CaseId("case_1"),
    action=Action.RESTRICT,
    state=CaseState.OPEN,
    reason="user-request",
    deadline=NOW + DAY,
    accepted_at=NOW,
    closed_at=None,
    subject_hash="",
    scope=WHOLE,
    notices=(NOTICE,),
)


def test_a_request_that_nobody_heard_of_can_be_refused() -> None:
    """Its notices are settled and never sent."""
    check_refusable(CASE, whole=False)
    after = unsent(NOTICE)

    assert (after.state, after.reason, after.settled) == (NoticeState.EXEMPT, CASE_REFUSED, True)
    assert (after.next_at, after.held) == (None, False)
    exempt = replace(NOTICE, state=NoticeState.EXEMPT, reason="tax law", settled=True)
    assert (unsent(exempt).reason, unsent(exempt).next_at) == ("tax law", None)


TOO_LATE = {
    "a whole person": (CASE, True),
    "a lifted restriction": (replace(CASE, action=Action.UNRESTRICT), False),
    "a withdrawal": (replace(CASE, action=Action.WITHDRAW), False),
    "one try": (replace(CASE, notices=(NOTICE, replace(NOTICE, attempts=1))), False),
    "one answer": (replace(CASE, notices=(replace(NOTICE, state=NoticeState.COMPLETED),)), False),
}


@pytest.mark.parametrize("name", TOO_LATE)
def test_what_is_done_is_not_refused(name: str) -> None:
    """With a conflict that says why."""
    case, whole = TOO_LATE[name]
    with pytest.raises(CallerError) as refused:
        check_refusable(case, whole=whole)

    assert (refused.value.reason, refused.value.clauses) == (Reason.CASE_OPEN, ("R7",))


def test_grounds_are_those_of_the_policy() -> None:
    """An empty list states none."""
    for ground in RIGHTS.refusal_grounds:
        check_ground(ground, RIGHTS.refusal_grounds)
    with pytest.raises(CallerError, match="ground: write one of"):
        check_ground("because", RIGHTS.refusal_grounds)
    with pytest.raises(CallerError):
        check_ground("bad-faith", ())
