"""
What a stretch of the ledger says was done: cases with their notices, who was
suspended. For bringing a store up to date that was restored from before it.

Read leaf by leaf, in order. Kept is what came of each case, not the leaves, so
that what is held grows with the cases and not with the shares.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from gateway.ledger.leaf import Kind
from gateway.model.cases import read_until

MASS = "mass_"
"""How the id of a mass case begins."""


@dataclass(slots=True, kw_only=True)
class PastNotice:
    """One message, as the last leaf about it says."""

    id: str
    partner: str
    state: str
    deadline: datetime | None = None
    reason: str | None = None
    attempts: int = 0
    backups_until: date | None = None
    by: str | None = None
    settled: bool = False


@dataclass(slots=True, kw_only=True)
class PastCase:
    """
    One case, as the leaves of the stretch say. Nothing in it is about a person but
    `marks`, which their key alone can tell from others.
    """

    id: str
    action: str = "erase"
    reason: str = ""
    opened: bool = False
    """Its opening lies in the stretch."""
    state: str = "open"
    accepted_at: datetime | None = None
    deadline: datetime | None = None
    closed_at: datetime | None = None
    announced_at: datetime | None = None
    mass: str | None = None
    """The mass case that it is part of."""
    whole: bool = False
    """It has the lasting fence of a whole person."""
    fenced: bool = False
    """It has a fence, whole or not, that was not lifted."""
    lifted: bool = False
    """Its fence was lifted: by somebody who said so, or because the request was refused."""
    ground: str | None = None
    """On what the request was refused (R7)."""
    until_consent: bool = False
    partners: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    marks: list[tuple[str, str]] = field(default_factory=list, repr=False)
    """(leaf id, mark) of the leaves that are about its person; empty: nobody was known."""
    notices: dict[str, PastNotice] = field(default_factory=dict)

    @property
    def unsettled(self) -> tuple[PastNotice, ...]:
        """The messages after which something is still owed, as far as leaves tell."""
        return tuple(one for one in self.notices.values() if not one.settled)


class Past:
    """Collects what leaves say. `cases` are in the order in which they first occur."""

    def __init__(self) -> None:
        self.cases: dict[str, PastCase] = {}
        self.suspended: dict[str, bool] = {}
        """By recipient, what was said last of those that were suspended or resumed."""

    def add(self, leaf: Mapping[str, Any]) -> None:
        """
        Take the next leaf, parsed. Raises `ValueError` or `KeyError` for one of which
        the ledger's own check would not have let the like pass.
        """
        match leaf["kind"]:
            case Kind.FENCE if leaf.get("case"):
                self._fence(self._case(leaf["case"]), leaf)
            case Kind.CASE if leaf["case"].startswith(MASS):
                # The decision alone: each of its people has a case of their own.
                pass
            case Kind.CASE:
                self._state(self._case(leaf["case"]), leaf)
            case Kind.NOTICE:
                self._notice(self._case(leaf["case"]), leaf)
            case Kind.PARTNER if leaf["event"] in ("suspended", "resumed"):
                self.suspended[leaf["partner"]] = leaf["event"] == "suspended"
            case _:
                pass

    def _case(self, id: str) -> PastCase:
        return self.cases.setdefault(id, PastCase(id=id))

    def _fence(self, case: PastCase, leaf: Mapping[str, Any]) -> None:
        case.lifted = bool(leaf.get("lifted", False))
        case.fenced = not case.lifted
        # Where the stretch ends between a fence and its case, the fence says enough.
        case.opened = case.opened or case.fenced
        if case.lifted:
            # What it says of the fence was said when it was put up.
            return
        case.accepted_at = case.accepted_at or _time(leaf["at"])
        case.whole = case.whole or bool(leaf["whole"])
        case.until_consent = bool(leaf.get("until_consent", False))
        _mark(case, leaf)
        _bound(case, leaf)

    def _state(self, case: PastCase, leaf: Mapping[str, Any]) -> None:
        case.action, case.state = leaf["action"], leaf["state"]
        case.reason = leaf.get("reason", case.reason)
        if case.state != "open":
            case.closed_at = _time(leaf["at"])
            case.ground = leaf.get("ground", case.ground)
            return
        case.opened = True
        case.accepted_at = _time(leaf["at"])
        case.deadline = _time(leaf.get("deadline"))
        case.announced_at = _time(leaf.get("announced_at"))
        case.mass = leaf.get("mass")
        _mark(case, leaf)
        _bound(case, leaf)

    def _notice(self, case: PastCase, leaf: Mapping[str, Any]) -> None:
        known = case.notices.get(leaf["notice"])
        backups = leaf.get("backups_until")
        case.notices[leaf["notice"]] = PastNotice(
            id=leaf["notice"],
            partner=leaf["partner"],
            state=leaf["state"],
            deadline=_time(leaf.get("deadline")) or (known.deadline if known else None),
            reason=leaf.get("reason"),
            attempts=leaf.get("attempts", known.attempts if known else 0),
            backups_until=read_until(backups) if backups else None,
            by=leaf.get("by"),
            settled=bool(leaf.get("settled", False)),
        )


def _mark(case: PastCase, leaf: Mapping[str, Any]) -> None:
    if "subject" in leaf:
        case.marks.append((leaf["id"], leaf["subject"]))


def _bound(case: PastCase, leaf: Mapping[str, Any]) -> None:
    case.partners = tuple(leaf.get("partners", case.partners))
    case.purposes = tuple(leaf.get("purposes", case.purposes))
    case.categories = tuple(leaf.get("categories", case.categories))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
