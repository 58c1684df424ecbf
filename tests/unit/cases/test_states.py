"""The life of a notice: every event in every state, and what settles."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cases import states
from gateway.cases.states import STATUSES, TRANSITIONS, Event, apply, rank
from gateway.errors import CallerError, Reason
from gateway.model.cases import Notice, NoticeState, Proof
from tests.unit.cases.builders import DAY, LATER, NOW, a_notice

S, E = NoticeState, Event
TODAY = NOW.date()
YESTERDAY, TOMORROW = TODAY - DAY, TODAY + DAY
REACHED = (S.SENT, S.ACKNOWLEDGED, S.IN_PROGRESS, S.PARTIAL)
WORDS = ("acknowledged", "in-progress", "partial", "refused", "completed")


def receipt(notice: Notice, status: str, **said: Any) -> Notice:
    """The notice after a receipt of this status."""
    said = {"now": NOW, "proof": Proof.RECEIPT} | said
    return apply(notice, Event(status), **said)


def test_every_state_knows_every_event() -> None:
    """There is no pair of state and event for which the table has no answer."""
    assert set(TRANSITIONS) == set(NoticeState)
    for row in TRANSITIONS.values():
        assert set(row) == set(Event)


def test_a_status_of_a_receipt_is_an_event_by_the_same_word() -> None:
    """What a receipt may say are the events of the same name, in their order."""
    assert tuple(STATUSES) == WORDS
    assert [rank(word) for word in WORDS] == [1, 2, 3, 4, 5]
    assert {rank(word) for word in ("queued", "sent", "failed", "overdue", "exempt")} == {0}


def test_an_answer_2xx_means_sent() -> None:
    """A notice that was taken is sent, and is not sent again."""
    changed = apply(a_notice(next_at=NOW), E.ATTEMPTED_OK, now=NOW)

    assert (changed.state, changed.settled, changed.next_at) == (S.SENT, False, None)
    assert apply(changed, E.ATTEMPTED_OK, now=NOW) == changed


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("state", [S.QUEUED, S.SENT])
def test_a_receipt_says_where_a_notice_stands(state: NoticeState, word: str) -> None:
    """A receipt brings a notice into the state it names, also one whose 2xx never came."""
    changed = receipt(a_notice(state, next_at=NOW), word, reason="why")

    assert (changed.state.value, changed.reason, changed.proof) == (word, "why", Proof.RECEIPT)
    # Whoever is asked how far it is goes on being asked until there is nothing more to ask.
    asked = state is S.SENT and word in ("acknowledged", "in-progress", "partial")
    assert changed.next_at == (NOW if asked else None)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("before", WORDS)
def test_a_lower_status_changes_nothing(before: str, word: str) -> None:
    """Receipts that come out of order or go back leave the notice where it is."""
    notice = a_notice(S(before), reason="first", proof=Proof.RECEIPT, resend_at=LATER)
    changed = receipt(notice, word, reason="second")

    if WORDS.index(word) <= WORDS.index(before):
        assert changed == notice
    else:
        assert (changed.state.value, changed.reason) == (word, "second")


@pytest.mark.parametrize("word", WORDS)
def test_a_receipt_before_the_first_try_changes_nothing(word: str) -> None:
    """Nobody can answer what was never sent, nor what waits behind a share in flight."""
    for early in (a_notice(attempts=0), a_notice(held=True)):
        assert not states.accepts_receipt(early)
        assert receipt(early, word) == early
    assert states.accepts_receipt(a_notice())


def test_the_answer_to_the_first_try_counts() -> None:
    """What the 2xx itself says is no receipt, and counts before the try does."""
    changed = apply(a_notice(attempts=0), E.ACKNOWLEDGED, now=NOW)

    assert (changed.state, changed.proof) == (S.ACKNOWLEDGED, None)


@pytest.mark.parametrize("state", [S.QUEUED, *REACHED, S.OVERDUE])
def test_gone_is_failed_and_says_so(state: NoticeState) -> None:
    """A recipient that answers 410 is tried no more and becomes somebody's task."""
    changed = apply(a_notice(state, next_at=NOW, resend_at=LATER), E.GONE, now=NOW)

    assert (changed.state, changed.reason, changed.settled) == (S.FAILED, "gone", False)
    assert changed.next_at is None
    assert states.needs_person(changed, now=NOW)


def test_a_refusal_stands_whatever_becomes_of_the_address() -> None:
    """A signed refusal is neither taken back by a 410 nor made late by the deadline."""
    refused = a_notice(S.REFUSED, reason="legal-hold", proof=Proof.RECEIPT)

    for event in (E.GONE, E.DEADLINE, E.ATTEMPTED_OK):
        assert apply(refused, event, now=LATER) == refused


def test_an_early_gone_may_still_be_heard_of() -> None:
    """A recipient that was gone before the deadline and then answers is not called late."""
    gone = apply(a_notice(), E.GONE, now=NOW)

    assert receipt(gone, "acknowledged").state is S.ACKNOWLEDGED
    assert receipt(gone, "acknowledged", now=LATER).state is S.OVERDUE


def test_never_reached_by_the_deadline_is_failed() -> None:
    """A notice that nobody took by its deadline has failed, and keeps its reason."""
    changed = apply(a_notice(next_at=NOW, reason="manual"), E.DEADLINE, now=LATER)

    assert (changed.state, changed.reason, changed.next_at) == (S.FAILED, "manual", None)


@pytest.mark.parametrize("state", REACHED)
def test_reached_and_not_done_by_the_deadline_is_overdue(state: NoticeState) -> None:
    """A notice that was taken and is not completed by its deadline is overdue."""
    changed = apply(a_notice(state, reason="half"), E.DEADLINE, now=LATER)

    assert (changed.state, changed.reason, changed.proof) == (S.OVERDUE, "half", None)
    assert states.needs_person(changed, now=LATER)


@pytest.mark.parametrize("state", [S.FAILED, S.OVERDUE])
@pytest.mark.parametrize("event", [E.ATTEMPTED_OK, E.ACKNOWLEDGED, E.IN_PROGRESS, E.PARTIAL])
def test_late_words_do_not_undo_lateness(state: NoticeState, event: Event) -> None:
    """After the deadline a notice that is reached is overdue until it is completed."""
    assert apply(a_notice(state), event, now=LATER).state is S.OVERDUE


@pytest.mark.parametrize("state", [S.FAILED, S.OVERDUE, S.REFUSED, S.PARTIAL])
def test_late_completion_counts(state: NoticeState) -> None:
    """Whatever stood before, a completion that is signed settles."""
    changed = receipt(a_notice(state), "completed", now=LATER)

    assert (changed.state, changed.settled, changed.proof) == (S.COMPLETED, True, Proof.RECEIPT)


@pytest.mark.parametrize("event", list(Event))
@pytest.mark.parametrize("state", [S.COMPLETED, S.EXEMPT])
def test_completed_and_exempt_stay(state: NoticeState, event: Event) -> None:
    """No event leads out of completed or exempt, not even a person's new try."""
    notice = a_notice(state, backups_until=TOMORROW)

    assert apply(notice, event, now=NOW).state is state


@pytest.mark.parametrize(
    ("until", "settles"),
    [
        (None, True),
        (YESTERDAY, True),
        (TODAY, False),
        (TOMORROW, False),
        (NOW, True),
        (NOW - timedelta(seconds=1), True),
        (NOW + timedelta(seconds=1), False),
    ],
)
def test_a_completion_settles_when_backups_are_gone(until: date | None, settles: bool) -> None:
    """A completion settles once the day, or the time, until which backups may hold it is over."""
    changed = receipt(a_notice(S.SENT), "completed", backups_until=until)

    assert (changed.state, changed.settled) == (S.COMPLETED, settles)
    assert states.resettled(changed, now=NOW + 2 * DAY).settled


def test_of_two_backup_days_the_later_counts() -> None:
    """In whatever order two completions come, the case stays open until the later day."""
    first = receipt(a_notice(S.SENT), "completed", backups_until=TOMORROW)

    assert receipt(first, "completed", backups_until=TODAY + 9 * DAY).backups_until == (
        TODAY + 9 * DAY
    )
    assert receipt(first, "completed", backups_until=TODAY).backups_until == TOMORROW
    assert receipt(first, "completed") == first
    assert receipt(first, "completed", backups_until=NOW + DAY).backups_until == TOMORROW
    late = NOW + 2 * DAY
    assert receipt(first, "completed", backups_until=late).backups_until == late


def test_only_completion_settles_by_itself() -> None:
    """Refused, partial, failed and overdue wait for a person, whatever was signed."""
    for state in set(NoticeState) - {S.COMPLETED, S.EXEMPT}:
        assert not states.settled(a_notice(state, proof=Proof.RECEIPT), now=NOW)
        assert states.settled(a_notice(state, proof=Proof.PERSON), now=NOW)
    assert states.settled(a_notice(S.EXEMPT), now=NOW)


def test_a_share_of_unknown_outcome_is_told_once_more() -> None:
    """While a share may yet arrive a completion does not settle; the second telling lets it."""
    again = NOW + timedelta(minutes=3)
    sent = apply(a_notice(resend_at=again), E.ATTEMPTED_OK, now=NOW)
    sent = states.told_again(sent, attempts=1, now=NOW)
    done = receipt(sent, "completed")
    assert (sent.next_at, done.next_at, done.settled) == (again, again, False)

    told = states.told_again(apply(done, E.ATTEMPTED_OK, now=again), attempts=2, now=again)

    assert (told.next_at, told.resend_at, told.attempts, told.settled) == (None, None, 2, True)


def test_what_cannot_be_told_once_more_is_a_task() -> None:
    """A completion that waits for a second telling that nobody will send goes to a person."""
    done = receipt(a_notice(resend_at=NOW + DAY), "completed")

    assert not states.needs_person(done, now=NOW)
    assert states.needs_person(states.touched(done, attempts=9, next_at=None), now=NOW)


def test_a_try_that_failed_is_due_again() -> None:
    """A failed try changes when the next one is, and nothing else."""
    changed = states.touched(a_notice(), attempts=2, next_at=LATER)

    assert changed == a_notice(attempts=2, next_at=LATER)


def test_what_was_answered_meanwhile_is_not_sent_again() -> None:
    """A receipt that overtook the end of its try stops the retries."""
    answered = receipt(a_notice(), "in-progress")

    assert states.touched(answered, attempts=2, next_at=LATER).next_at is None


@pytest.mark.parametrize("state", [S.QUEUED, *REACHED, S.REFUSED, S.FAILED, S.OVERDUE])
def test_a_person_may_try_again(state: NoticeState) -> None:
    """Whatever is not settled can be told once more, at once, as if nothing had been said."""
    notice = a_notice(state, reason="why", proof=Proof.RECEIPT, backups_until=TOMORROW)
    changed = apply(notice, E.RETRIED, now=NOW)

    assert (changed.state, changed.next_at, changed.attempts) == (S.QUEUED, NOW, 1)
    assert (changed.proof, changed.backups_until) == (None, None)
    assert receipt(changed, "acknowledged").state is S.ACKNOWLEDGED


@pytest.mark.parametrize(
    ("before", "ends"),
    [(S.FAILED, S.FAILED), (S.QUEUED, S.FAILED), (S.OVERDUE, S.OVERDUE), (S.REFUSED, S.OVERDUE)],
)
def test_a_late_new_try_is_made_before_it_is_judged(before: NoticeState, ends: NoticeState) -> None:
    """Past the deadline a person's try still goes out; if it fails, what was known holds."""
    again = apply(a_notice(before), E.RETRIED, now=LATER)
    waiting = apply(again, E.DEADLINE, now=LATER)
    assert (waiting.state, waiting.next_at) == (S.QUEUED, LATER)

    tried = states.touched(waiting, attempts=2, next_at=None)

    assert apply(tried, E.DEADLINE, now=LATER).state is ends


def test_a_second_new_try_remembers_the_first() -> None:
    """A notice that was reached once is never called unreached, however often it is retried."""
    again = apply(a_notice(S.OVERDUE), E.RETRIED, now=LATER)
    twice = states.touched(apply(again, E.RETRIED, now=LATER), attempts=3, next_at=None)

    assert apply(twice, E.DEADLINE, now=LATER).state is S.OVERDUE


@pytest.mark.parametrize("status", ["completed", "partial", "refused", "exempt", "failed"])
def test_a_person_resolves(status: str) -> None:
    """What a person resolves is settled on their word, and nothing more is sent."""
    task = a_notice(S.OVERDUE, next_at=NOW, resend_at=LATER)
    changed = states.resolve(task, status, "confirmed by telephone", NOW)

    assert (changed.state.value, changed.proof, changed.settled) == (status, Proof.PERSON, True)
    assert (changed.reason, changed.next_at, changed.resend_at) == (
        "confirmed by telephone",
        None,
        None,
    )


@pytest.mark.parametrize("status", ["queued", "sent", "acknowledged", "overdue", "done", ""])
def test_a_person_resolves_to_an_end_only(status: str) -> None:
    """A notice is resolved to a state in which nothing more is awaited."""
    with pytest.raises(CallerError, match="status: write one of completed, exempt") as refused:
        states.resolve(a_notice(S.OVERDUE), status, None, NOW)

    assert refused.value.reason is Reason.REQUEST_INVALID


def test_what_is_settled_is_not_resolved_again() -> None:
    """A settled notice keeps the word it was settled on."""
    backups_over = a_notice(S.COMPLETED, backups_until=YESTERDAY)
    for notice in (a_notice(S.EXEMPT, settled=True), backups_over):
        with pytest.raises(CallerError) as refused:
            states.resolve(notice, "failed", None, NOW)
        assert refused.value.reason is Reason.NOTICE_SETTLED


@pytest.mark.parametrize("event", list(Event))
def test_what_a_person_resolved_stays_resolved(event: Event) -> None:
    """No receipt, deadline or answer changes a notice that a person settled."""
    resolved = states.resolve(a_notice(S.OVERDUE), "failed", "closed down", NOW)

    assert apply(resolved, event, now=LATER, proof=Proof.RECEIPT, reason="late") == resolved
    assert apply(resolved, event, now=LATER, reason="late") == resolved


def test_tasks_are_what_no_program_brings_further() -> None:
    """A person's list has what was refused, failed, is overdue, or must be told by hand."""
    tasks = {state for state in NoticeState if states.needs_person(a_notice(state), now=NOW)}

    assert tasks == {S.REFUSED, S.FAILED, S.OVERDUE}
    assert states.needs_person(a_notice(S.PARTIAL), now=LATER)
    assert states.needs_person(a_notice(), now=NOW, manual=True)
    assert not states.needs_person(a_notice(S.SENT), now=NOW, manual=True)
    assert not states.needs_person(a_notice(S.REFUSED, settled=True), now=NOW)


def test_a_word_that_is_no_event_is_refused() -> None:
    """A status that nobody knows changes nothing silently: it is an error."""
    with pytest.raises(ValueError, match="deleted"):
        apply(a_notice(), "deleted", now=NOW)


def legal_after(notice: Notice) -> set[NoticeState]:
    """Where a notice can go: by its row, or where it was gone or told again, by what is known."""
    rows = [TRANSITIONS[notice.state]]
    if (notice.state, notice.reason) == (S.FAILED, "gone"):
        rows.append(TRANSITIONS[S.QUEUED])
    if (notice.state, notice.reason) == (S.QUEUED, states.TOLD_AGAIN):
        rows.append(TRANSITIONS[S.SENT])
    return {state for row in rows for state in row.values()}


STEPS = st.tuples(
    st.sampled_from(Event),
    st.booleans(),
    st.integers(0, 20),
    st.none() | st.dates(TODAY - 3 * DAY, TODAY + 30 * DAY),
)


@given(
    st.sampled_from([S.QUEUED, S.EXEMPT]),
    st.lists(STEPS, max_size=12),
    st.integers(0, 1),
    st.booleans(),
)
def test_every_sequence_of_events_ends_in_a_legal_state(
    start: NoticeState,
    steps: list[tuple[Event, bool, int, date | None]],
    attempts: int,
    unsure: bool,
) -> None:
    """
    Whatever happens in whatever order: each step is one of the table, what is
    settled stays settled as it is, a receipt never lowers a state, and only
    completion and exemption settle without a person.
    """
    notice = a_notice(start, attempts=attempts, resend_at=NOW + DAY if unsure else None)
    path, now = [notice], NOW
    for event, by_receipt, days, until in steps:
        now += days * DAY
        proof = Proof.RECEIPT if by_receipt and event in STATUSES else None
        notice = apply(notice, event, now=now, backups_until=until, proof=proof, reason="why")
        path.append(notice)

    for (event, _, _, _), (before, after) in zip(steps, pairwise(path), strict=True):
        assert after.state in legal_after(before)
        assert not before.settled or after == before
        assert after.settled <= (after.state in (S.COMPLETED, S.EXEMPT))
        assert (
            event is Event.RETRIED
            or rank(after.state) >= rank(before.state)
            or (event in (Event.DEADLINE, Event.GONE))
        )
        assert not (after.settled and after.resend_at) or after.state is S.EXEMPT
        if event in STATUSES:
            assert rank(after.state) in (rank(before.state), rank(event)) or (
                after.state is S.OVERDUE
            )
