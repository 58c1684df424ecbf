"""What becomes of a request that is refused."""

from dataclasses import replace

import pytest

from gateway.cases.refusals import CASE_REFUSED, check_ground, check_refusable, ended
from gateway.errors import CallerError, Reason
from gateway.model.cases import Action, Case, CaseState, Notice, NoticeState, Proof
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


def test_who_was_not_told_is_never_told() -> None:
    """Its notice is settled and never sent; an exemption keeps its own reason."""
    check_refusable(CASE)
    after = ended(NOTICE)

    assert (after.state, after.reason, after.settled) == (NoticeState.EXEMPT, CASE_REFUSED, True)
    assert (after.next_at, after.held, after.proof) == (None, False, None)
    exempt = replace(NOTICE, state=NoticeState.EXEMPT, reason="tax law", settled=True)
    assert (ended(exempt).reason, ended(exempt).next_at) == ("tax law", None)


TRIED = {
    NoticeState.QUEUED: (NoticeState.FAILED, CASE_REFUSED),
    NoticeState.ACKNOWLEDGED: (NoticeState.ACKNOWLEDGED, CASE_REFUSED),
    NoticeState.COMPLETED: (NoticeState.COMPLETED, CASE_REFUSED),
}


@pytest.mark.parametrize("state", TRIED)
def test_who_was_told_stands_as_before(state: NoticeState) -> None:
    """On the word of who refused; a try that nothing was heard of has failed."""
    after = ended(replace(NOTICE, state=state, attempts=1))

    assert (after.state, after.reason) == TRIED[state]
    assert (after.settled, after.proof, after.next_at) == (True, Proof.PERSON, None)


@pytest.mark.parametrize("action", [Action.UNRESTRICT, Action.WITHDRAW])
def test_some_requests_cannot_be_refused(action: Action) -> None:
    """With a conflict that says why."""
    with pytest.raises(CallerError) as refused:
        check_refusable(replace(CASE, action=action))

    assert (refused.value.reason, refused.value.clauses) == (Reason.CASE_OPEN, ("R7",))


def test_grounds_are_those_of_the_policy() -> None:
    """An empty list states none."""
    for ground in RIGHTS.refusal_grounds:
        check_ground(ground, RIGHTS.refusal_grounds)
    with pytest.raises(CallerError, match="ground: write one of"):
        check_ground("because", RIGHTS.refusal_grounds)
    with pytest.raises(CallerError):
        check_ground("bad-faith", ())
