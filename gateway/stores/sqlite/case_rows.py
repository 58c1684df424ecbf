"""Rows of cases and notices, as values and back."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gateway.model.cases import (
    Action,
    Case,
    CaseScope,
    CaseState,
    Course,
    Notice,
    NoticeState,
    Proof,
    read_until,
    written_until,
)
from gateway.model.ids import CaseId, CategoryId, NoticeId, PartnerId, PurposeId
from gateway.ports import (
    CaseRow,
    PlanRow,
    ToldRow,
)
from gateway.stores.sqlite.base import from_milliseconds, milliseconds
from gateway.stores.sqlite.reader import Row

PLANNING, TOLD, FINISHED = "planning", "told", "finished"


def stored_plan(row: Row) -> PlanRow:
    """A row of what a plan is made of."""
    share, subject, leaf, outcome, untold, told_by, ends = row
    return PlanRow(
        share=share,
        subject=subject,
        leaf=leaf.encode(),
        outcome=outcome,
        untold=bool(untold),
        told_by=told_by,
        ends=bool(ends),
    )


def notice_columns(notice: Notice) -> tuple[Any, ...]:
    """In the order of the statements that write a notice."""
    return (
        notice.state.value,
        notice.reason,
        written_until(notice.backups_until) if notice.backups_until else None,
        notice.attempts,
        milliseconds_of(notice.next_at),
        notice.proof.value if notice.proof else None,
        notice.settled,
        notice.held,
        milliseconds_of(notice.resend_at),
        *course_columns(notice.course),
    )


def course_columns(course: Course) -> tuple[int | None, ...]:
    """In the order of the statements: the first three are those that a new notice has."""
    moments = (
        *(course.since, course.acknowledge_by, course.look_at, course.reached_at),
        *(course.acknowledged_at, course.done_at, course.escalated_at, course.not_before),
    )
    return (*map(milliseconds_of, moments), course.reminders)


def _course(columns: Sequence[int | None]) -> Course:
    if not columns:
        return Course()
    since, by, look_at, reached, acknowledged, done, escalated, not_before = map(
        moment_of, columns[:8]
    )
    return Course(
        since=since,
        acknowledge_by=by,
        look_at=look_at,
        reached_at=reached,
        acknowledged_at=acknowledged,
        done_at=done,
        escalated_at=escalated,
        not_before=not_before,
        reminders=columns[8] or 0,
    )


def stored_scope(text: str) -> CaseScope:
    """A scope as it is stored."""
    scope = json.loads(text)
    return CaseScope(
        partners=frozenset(PartnerId(one) for one in scope["partners"]),
        purposes=frozenset(PurposeId(one) for one in scope["purposes"]),
        categories=frozenset(CategoryId(one) for one in scope["categories"]),
    )


def stored_case(row: Row, notices: Sequence[Notice] = ()) -> Case:
    """A case out of its row (`case_row`, `list_cases`)."""
    return Case(
        id=CaseId(row[0]),
        action=Action(row[1]),
        state=CaseState(row[2]),
        reason=row[3],
        scope=stored_scope(row[4]),
        accepted_at=from_milliseconds(row[5]),
        deadline=from_milliseconds(row[6]),
        closed_at=moment_of(row[7]),
        subject_hash=row[8],
        notices=tuple(notices),
    )


def stored_case_row(row: Row) -> CaseRow:
    """A case with what its plan and end need."""
    return CaseRow(
        case=stored_case(row),
        whole=bool(row[9]),
        stage=row[10],
        person=row[11],
        key=row[12],
        sealed=row[13],
    )


def stored_told(row: Row) -> ToldRow:
    """What a notice is told with."""
    action, accepted_at, key, escrow, memory = row
    return ToldRow(
        action=Action(action),
        created=from_milliseconds(accepted_at),
        key=key if escrow is not None else None,
        escrow=escrow if key is not None else None,
        memory=memory,
    )


def stored_notice(row: Row, receipts: Sequence[str] = ()) -> Notice:
    """A notice out of its row, with its receipts."""
    id, case, partner, state, reason, deadline, backups, attempts, next_at, proof, *rest = row
    settled, held, resend_at, *course = rest
    return Notice(
        id=NoticeId(id),
        case=CaseId(case),
        partner=PartnerId(partner),
        state=NoticeState(state),
        reason=reason,
        deadline=from_milliseconds(deadline),
        backups_until=read_until(backups) if backups else None,
        attempts=attempts,
        next_at=moment_of(next_at),
        proof=Proof(proof) if proof else None,
        settled=bool(settled),
        held=bool(held),
        resend_at=moment_of(resend_at),
        receipts=tuple(receipts),
        course=_course(course),
    )


def moment_of(value: int | None) -> datetime | None:
    """A stored moment, where there is one."""
    return None if value is None else from_milliseconds(value)


def milliseconds_of(moment: datetime | None) -> int | None:
    """A moment as it is stored, where there is one."""
    return None if moment is None else milliseconds(moment)
