"""What leaves say was done, and whose they are, for a store that is restored."""

import json
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ledger import entries
from gateway.ledger.marks import Marks
from gateway.ledger.past import Past
from tests.unit.ledger.builders import NOW, SUBJECT_KEY

OTHER = b"o" * 32


def a_case(**changes: Any) -> list[entries.Leaf]:
    """A fence and the opening of its case."""
    mark = entries.subject_mark(SUBJECT_KEY, "fence_1")
    scope: dict[str, Any] = {
        name: changes.pop(name) for name in ("partners", "purposes") if name in changes
    }
    fence = entries.fence(
        id="fence_1",
        at=NOW,
        reason="user-request",
        whole=not scope,
        case="case_1",
        subject=mark,
        **scope,
    )
    given: dict[str, Any] = {
        "id": "case_leaf",
        "at": NOW,
        "case": "case_1",
        "action": "erase",
        "state": "open",
        "reason": "user-request",
        "deadline": NOW + timedelta(days=30),
        "subject": entries.subject_mark(SUBJECT_KEY, "case_leaf"),
        **scope,
        **changes,
    }
    return [fence, entries.case(**given)]


def a_notice(state: str, *, settled: bool, **changes: Any) -> entries.Leaf:
    """A notice of the case."""
    given: dict[str, Any] = {
        "id": f"leaf_{state}",
        "at": NOW,
        "notice": "ntc_1",
        "case": "case_1",
        "partner": "swift-parcel",
        "state": state,
        "settled": settled,
        **changes,
    }
    return entries.notice(**given)


def past(*leaves: entries.Leaf) -> Past:
    """What these say, as they are read back."""
    read = Past()
    for leaf in leaves:
        read.add(json.loads(json.dumps(leaf)))
    return read


def test_a_case_is_what_its_last_leaves_say() -> None:
    """Its scope, its marks and its notices stand as the last leaf about each has them."""
    due = NOW + timedelta(days=15)
    (case,) = past(
        *a_case(),
        a_notice("queued", settled=False, deadline=due),
        a_notice("sent", settled=False, attempts=2),
    ).cases.values()

    assert (case.opened, case.whole, case.fenced, case.state) == (True, True, True, "open")
    assert [id for id, _ in case.marks] == ["fence_1", "case_leaf"]
    (notice,) = case.unsettled
    assert (notice.state, notice.attempts) == ("sent", 2)
    assert notice.deadline == due.replace(microsecond=123_000)


def test_a_closed_case_owes_nothing() -> None:
    """A settled notice is no longer owed, and the end of the case is known; a scope stays."""
    closed = entries.case(id="end", at=NOW, case="case_1", action="erase", state="closed")
    (case,) = past(
        *a_case(partners=["swift-parcel"]),
        a_notice("completed", settled=True, by="receipt"),
        closed,
    ).cases.values()

    assert not case.unsettled
    assert (case.whole, case.partners) == (False, ("swift-parcel",))
    assert (case.state, case.closed_at) == ("closed", NOW.replace(microsecond=123_000))


def test_what_began_before_is_not_opened_again() -> None:
    """Leaves about a case whose opening is not among them say how it stands, and no more."""
    (case,) = past(a_notice("completed", settled=True)).cases.values()

    assert not case.opened
    assert case.notices["ntc_1"].settled


def test_the_last_word_on_a_recipient_counts() -> None:
    """Who was suspended and resumed is not suspended; of the others nothing is said."""
    said = past(
        *(
            entries.partner(id=f"p{number}", at=NOW, partner=partner, event=event)
            for number, (partner, event) in enumerate(
                [("one", "suspended"), ("two", "suspended"), ("one", "resumed"), ("two", "changed")]
            )
        )
    )

    assert said.suspended == {"one": False, "two": True}
    assert not said.cases


@settings(max_examples=20)
@given(st.lists(st.sampled_from([SUBJECT_KEY, OTHER, None]), max_size=12))
def test_marks_are_found_by_the_key_that_made_them(owners: list[bytes | None]) -> None:
    """A person's key finds exactly their leaves, in order, and each once."""
    marks = Marks(
        (id, entries.subject_mark(key, id) if key else "00" * 32, number)
        for number, key in enumerate(owners)
        for id in [f"leaf_{number}"]
    )

    assert len(marks) == len(owners)
    assert marks.of(SUBJECT_KEY) == [n for n, key in enumerate(owners) if key == SUBJECT_KEY]
    assert marks.of(SUBJECT_KEY) == []
    assert marks.of(OTHER) == [n for n, key in enumerate(owners) if key == OTHER]
    assert len(marks) == owners.count(None)


def test_what_is_no_mark_is_nobodys() -> None:
    """A text that is not 64 hex digits is left out."""
    assert len(Marks([("leaf_1", "not a mark", 1), ("leaf_2", "00", 2)])) == 0


def test_one_decision_about_many_is_no_case_of_anybody() -> None:
    """A mass case is not brought up to date itself: the case of each of its people is."""
    said = past(*a_case(case="mass_1", state="approved", actor="li.wei"))

    assert not [one for one in said.cases if one.startswith("mass_")]
