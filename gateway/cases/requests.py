"""What may be asked for, and what it fences (contract §9; R2, R6, K3)."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.errors import CallerError, Reason
from gateway.model.cases import Action, CaseScope, EraseReason, VerifiedBy
from gateway.model.consent import Fence
from gateway.model.policy import Rights

# Of a part that has run its time nothing is fenced: the rest goes on as before.
_FENCES_NOTHING = frozenset({EraseReason.RETENTION_EXPIRED, EraseReason.AGREEMENT_ENDED})

# Without a scope each of these would delete a whole person, whatever rights.yaml says.
_NEEDS_SCOPE = _FENCES_NOTHING | {EraseReason.CONSENT_WITHDRAWN}

_BREACHES = frozenset({EraseReason.UNLAWFUL, EraseReason.AGREEMENT_BREACHED})

OTHER_REASONS: Final[Mapping[Action, frozenset[EraseReason]]] = {
    Action.RECTIFY: frozenset({EraseReason.USER_REQUEST}),
    Action.RESTRICT: frozenset({EraseReason.USER_REQUEST}) | _BREACHES,
    Action.UNRESTRICT: frozenset({EraseReason.USER_REQUEST}) | _BREACHES,
}
"""Which reasons the actions beside `erase` have; an erasure has them all."""

_FENCING = frozenset({Action.ERASE, Action.RESTRICT})


def check_request(
    action: str,
    reason: str,
    scope: CaseScope,
    method: str,
    announced_at: datetime | None,
    rights: Rights,
    *,
    now: datetime | None = None,
) -> None:
    """
    Check what a case asks for, as the caller wrote it.

    With `now`, an announcement from the future is refused: it has told nobody.
    Raises `CallerError` (`request-invalid`) with a sentence that says what to
    write instead.
    """
    _one_of(action, Action, "action")
    if action == Action.WITHDRAW:
        # Without its consent withdrawn a share would go on, and its recipients were told not to.
        raise _invalid(
            "action: withdraw is the consents' own, "
            'send POST /v1/consents/{id}/withdraw with {"notify": true}'
        )
    _one_of(reason, EraseReason, "reason")
    # R6: a case says how identity was verified.
    _one_of(method, VerifiedBy, "verified.method")
    if action != Action.ERASE:
        _check_other(Action(action), reason, scope, announced_at)
        return
    if scope.whole and reason in _NEEDS_SCOPE | rights.scope_required:
        raise _invalid(f"scope: {reason} ends a part, name its partners, purposes or categories")
    if reason == EraseReason.SERVICE_ENDED:
        _check_announcement(announced_at, now)


def fence_of(reason: str, scope: CaseScope, action: Action = Action.ERASE) -> Fence | None:
    """
    What nothing may leave behind: of an erasure while its case is open, of a
    restriction until it is lifted; None: it fences nothing.

    A scope that is the whole person gives a fence around everything. A
    withdrawal's fence ends with a consent newer than `since`, which the caller
    sets to the acceptance.
    """
    if action not in _FENCING or reason in _FENCES_NOTHING:
        return None
    return Fence(
        reason=action.value,
        partners=scope.partners,
        purposes=scope.purposes,
        categories=scope.categories,
        until_consent=reason == EraseReason.CONSENT_WITHDRAWN,
    )


def _check_other(
    action: Action, reason: str, scope: CaseScope, announced_at: datetime | None
) -> None:
    if reason not in OTHER_REASONS[action]:
        words = ", ".join(one for one in EraseReason if one in OTHER_REASONS[action])
        raise _invalid(f"reason: of {action.value} write one of {words}")
    if announced_at is not None:
        raise _invalid("announced_at: only the end of the service is announced")
    if action is Action.RECTIFY and scope.categories:
        raise _invalid("scope.categories: the changes name them, leave it out")


def _check_announcement(announced_at: datetime | None, now: datetime | None) -> None:
    # K3: at least thirty days' notice, then deletion.
    if announced_at is None:
        raise _invalid("announced_at: service-ended needs the time at which it was announced")
    if now is not None and announced_at > now:
        raise _invalid("announced_at: is in the future, write when it was announced")


def _one_of(word: str, words: type[StrEnum], name: str) -> None:
    if word not in set(words):
        raise _invalid(f"{name}: write one of {', '.join(words)}")


def _invalid(detail: str) -> CallerError:
    return CallerError(Reason.REQUEST_INVALID, detail)
