"""What may be asked for, and what it fences (contract §9; R2, R6, K3)."""

from datetime import datetime
from enum import StrEnum

from gateway.errors import CallerError, Reason
from gateway.model.cases import Action, CaseScope, EraseReason, VerifiedBy
from gateway.model.consent import Fence
from gateway.model.policy import Rights

# Of a part that has run its time nothing is fenced: the rest goes on as before.
_FENCES_NOTHING = frozenset({EraseReason.RETENTION_EXPIRED, EraseReason.AGREEMENT_ENDED})

# Without a scope each of these would delete a whole person, whatever rights.yaml says.
_NEEDS_SCOPE = _FENCES_NOTHING | {EraseReason.CONSENT_WITHDRAWN}

# The word under which decisions know a fence of an erasure.
_ERASE = Action.ERASE.value


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
    if action != Action.ERASE:
        raise _invalid("action: only erase is carried in this version")
    _one_of(reason, EraseReason, "reason")
    # R6: a case says how identity was verified.
    _one_of(method, VerifiedBy, "verified.method")
    if scope.whole and reason in _NEEDS_SCOPE | rights.scope_required:
        raise _invalid(f"scope: {reason} ends a part, name its partners, purposes or categories")
    if reason == EraseReason.SERVICE_ENDED:
        _check_announcement(announced_at, now)


def fence_of(reason: str, scope: CaseScope) -> Fence | None:
    """
    What nothing may leave behind while the case is open; None: it fences nothing.

    A scope that is the whole person gives a fence around everything. A
    withdrawal's fence ends with a consent newer than `since`, which the caller
    sets to the acceptance.
    """
    if reason in _FENCES_NOTHING:
        return None
    return Fence(
        reason=_ERASE,
        partners=scope.partners,
        purposes=scope.purposes,
        categories=scope.categories,
        until_consent=reason == EraseReason.CONSENT_WITHDRAWN,
    )


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
