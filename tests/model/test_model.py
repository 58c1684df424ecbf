"""Every promise of a deletion holds in every order of events, and each rule is needed for it."""

import pytest

from gateway.cases.states import TRANSITIONS, Event
from gateway.model.cases import NoticeState
from tests.marks import promise
from tests.model.__main__ import found_without
from tests.model.explore import explore
from tests.model.world import Rule

BROKEN = {
    Rule.FENCE: "the case is closed, and acme, which got a share, was never told",
    Rule.LAST_LOOK: "a share left after its consent was withdrawn",
    Rule.HOLD: "a notice overtook a share",
    Rule.ESCROW: "an escrow was destroyed before its recipient had settled",
    Rule.TOLD_AGAIN: "the case is closed, and acme still has what it was told to delete",
    Rule.UNKNOWN: "the case is closed, and acme, which got a share, was never told",
    Rule.REPLAY: "a share left behind the fence",
}


@promise("A1", "R3")
def test_every_promise_holds_in_every_order_of_events() -> None:
    """
    One share, a withdrawal, one deletion, a death of the process, a backup restored: whatever
    comes when, nobody untold is left in a closed case, nothing leaves behind the fence or
    without its consent, no notice overtakes a share, and keys and case come to their end.
    """
    seen = explore(("acme",), backups=True)

    assert seen.story is None, str(seen.story)
    assert seen.states > 5_000


@pytest.mark.parametrize("rule", Rule, ids=lambda rule: rule.name.lower())
def test_no_rule_can_be_left_out(rule: Rule) -> None:
    """Without any one of its rules a story of a broken promise is found."""
    story = found_without(rule).story

    assert story is not None
    assert story.broken == BROKEN[rule]
    assert story.steps


@pytest.mark.parametrize("state", NoticeState, ids=str)
def test_the_table_knows_every_event_in_every_state(state: NoticeState) -> None:
    """The explored table is the product's own, and it has an answer to everything."""
    assert TRANSITIONS[state].keys() == set(Event)
