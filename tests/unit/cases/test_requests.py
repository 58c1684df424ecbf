"""What may be asked for, and what it fences."""

from typing import Any

import pytest

from gateway.cases.requests import check_request, fence_of
from gateway.errors import CallerError, Reason
from gateway.model.cases import EraseReason
from tests.marks import promise
from tests.unit.cases.builders import DAY, NOW, RIGHTS, WHOLE, a_scope

PARTS = ("consent-withdrawn", "retention-expired", "agreement-ended")
A_PURPOSE = a_scope(purposes={"advertising"})


def check(**changes: Any) -> None:
    """Check a request to erase a whole person, changed as the test wants."""
    given: dict[str, Any] = {
        "action": "erase",
        "reason": "user-request",
        "scope": WHOLE,
        "method": "app-session",
        "announced_at": None,
        "rights": RIGHTS,
    }
    check_request(**given | changes)


@promise("R2")
@pytest.mark.parametrize("reason", list(EraseReason))
def test_each_reason_is_carried(reason: EraseReason) -> None:
    """Every reason of the published policy opens a case, given what it needs."""
    scope = A_PURPOSE if reason in PARTS else WHOLE

    check(reason=reason.value, scope=scope, announced_at=NOW)
    check(reason=reason.value, scope=A_PURPOSE, announced_at=NOW)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown action": ({"action": "forget"}, "action: write one of erase, rectify"),
    "withdraw": ({"action": "withdraw"}, "send POST /v1/consents/{id}/withdraw"),
    "a correction because an account is closed": (
        {"action": "rectify", "reason": "account-closed"},
        "reason: of rectify write one of user-request",
    ),
    "a restriction of a retention": (
        {"action": "restrict", "reason": "retention-expired"},
        "reason: of restrict write one of user-request, unlawful, agreement-breached",
    ),
    "a correction of a category of the scope": (
        {"action": "rectify", "scope": a_scope(categories={"basic.phone"})},
        "scope.categories: the changes name them",
    ),
    "a restriction that is announced": (
        {"action": "restrict", "announced_at": NOW},
        "announced_at: only the end",
    ),
    "an unknown reason": ({"reason": "because"}, "reason: write one of user-request"),
    "no reason": ({"reason": ""}, "reason: write one of"),
    "an unknown method": ({"method": "letter"}, "verified.method: write one of app-session"),
    "an end without its date": ({"reason": "service-ended"}, "announced_at: service-ended needs"),
    "an end announced tomorrow": (
        {"reason": "service-ended", "announced_at": NOW + DAY, "now": NOW},
        "announced_at: is in the future",
    ),
    **{f"the whole of a part: {part}": ({"reason": part}, f"scope: {part}") for part in PARTS},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused(name: str) -> None:
    """A request that cannot be carried is refused with a sentence that says what to write."""
    changes, told = REFUSED[name]
    with pytest.raises(CallerError) as refused:
        check(**changes)

    assert refused.value.reason is Reason.REQUEST_INVALID
    assert told in refused.value.detail


def test_a_part_never_becomes_the_whole_person() -> None:
    """Whatever rights.yaml says, the end of one part does not delete the whole person."""
    bare = RIGHTS.__class__(
        default_days=30,
        days_by_reason={},
        scope_required=frozenset(),
        announced_days=30,
        tombstone_months=36,
        refusal_grounds=(),
    )
    for part in PARTS:
        with pytest.raises(CallerError, match="scope"):
            check(reason=part, rights=bare)


def test_an_erasure_of_a_part_fences_that_part() -> None:
    """While a case with a scope is open nothing inside the scope leaves."""
    scope = a_scope(partners={"bright-reach"}, categories={"basic"})
    fence = fence_of("user-request", scope)

    assert fence is not None
    assert (fence.reason, fence.until_consent) == ("erase", False)
    assert (fence.partners, fence.purposes) == ({"bright-reach"}, frozenset())
    assert fence.categories == {"basic"}


def test_a_withdrawal_fences_until_a_newer_consent() -> None:
    """The purposes of a withdrawn consent stay shut until the person agrees anew."""
    fence = fence_of("consent-withdrawn", A_PURPOSE)

    assert fence is not None
    assert (fence.purposes, fence.until_consent) == ({"advertising"}, True)


@pytest.mark.parametrize("reason", ["retention-expired", "agreement-ended"])
def test_what_ran_its_time_fences_nothing(reason: str) -> None:
    """When a retention or an agreement ends, the rest goes on as before."""
    assert fence_of(reason, A_PURPOSE) is None


def test_the_fence_of_a_whole_person_has_no_gap() -> None:
    """Without a scope the fence bounds nothing away: it is around everything."""
    fence = fence_of("user-request", WHOLE)

    assert fence is not None
    assert not (fence.partners or fence.purposes or fence.categories or fence.until_consent)
