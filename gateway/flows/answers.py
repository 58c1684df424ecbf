"""How a share is answered: the partner's filtered answer, or a problem."""

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.errors import REASONS, CallerError, GatewayError, Reason
from gateway.model.shares import Refused


class Disclosed(StrEnum):
    """Whether anything may have left (contract §6)."""

    YES = "yes"
    NO = "no"
    MAYBE = "maybe"


@dataclass(slots=True)
class Trail:
    """What a share's log line and metrics tell, noted down as it goes: ids and counts only."""

    route: str | None = None
    purpose: str | None = None
    ground: str | None = None
    outcome: str | None = None
    fields: int = 0
    strict: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refusal or failure, as the caller is told of it."""

    reason: Reason
    detail: str
    clauses: tuple[str, ...]
    remedy: str
    disclosed: Disclosed = Disclosed.NO
    share: str | None = None
    retry_after: int | None = None

    @property
    def status(self) -> int:
        """The HTTP status that the contract gives this code."""
        return REASONS[self.reason].status


class Declined(GatewayError):
    """A share, or another request, is answered with a problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason.value)
        self.problem = problem
        self.code = problem.reason.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareAnswer:
    """What the caller of a share gets when a partner answered, or a 202."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    share: str | None = None
    dropped: bool = False

    def __repr__(self) -> str:
        return f"<ShareAnswer {self.status}>"


def problem_of(error: CallerError) -> Problem:
    """The problem that a caller's error is."""
    return Problem(
        reason=error.reason,
        detail=error.detail,
        clauses=error.clauses,
        remedy=error.remedy,
        retry_after=error.retry_after,
    )


def refusal(refused: Refused) -> Problem:
    """The problem that a refused decision is."""
    return Problem(
        reason=refused.reason,
        detail=refused.detail,
        clauses=refused.clauses,
        remedy=refused.remedy,
    )


def problem(reason: Reason, detail: str = "", **more: object) -> Problem:
    """A problem with the code's own clauses and remedy."""
    info = REASONS[reason]
    plain = Problem(
        reason=reason, detail=detail or info.title, clauses=info.clauses, remedy=info.remedy
    )
    return replace(plain, **more)  # type: ignore[arg-type]
