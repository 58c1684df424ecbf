"""
The certificate of a mass case: what was decided and by whom, and what it came to at
every recipient (contract §9; K3, S4a, R3).

It is signed as the certificate of a case is, and about nobody: it holds counts, and the
root of a tree over the ids of the cases, so that each of them can be shown to be part of
it, and no other.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from gateway.cases.certificate import CertificateInvalid, opened
from gateway.model.cases import Action, CaseState, NoticeState, Proof
from gateway.model.mass import Chosen, MassCase, MassEvent, MassPage, MassState, MassStep

MASS_CERTIFICATE_TYPE: Final = "sharing-mass-certificate+jwt"

FIXED: Final = frozenset({MassState.OPENED, MassState.CANCELLED, MassState.CLOSED})
"""States in which no case is added any more."""

_OVER = frozenset({MassState.CANCELLED, MassState.CLOSED})
_SHOWN = (
    *("mass", "action", "reason", "state", "chosen", "scope", "opener", "approver"),
    *("accepted_at", "announced_at", "starts_at", "ended_at", "people"),
)
_CLAIMS = frozenset({*_SHOWN, "iss", "iat", "steps", "cases", "recipients", "checkpoint"})
_TEXTS = (
    *("iss", "mass", "action", "reason", "state", "chosen", "opener", "accepted_at"),
    *("starts_at", "checkpoint"),
)
_TEXTS_OR_NULL = ("approver", "announced_at", "ended_at")
_CASES = frozenset({"opened", *CaseState, "passed", "root"})
_STEP = frozenset({"event", "at", "by", "leaf"})
_ROW = frozenset(
    {"partner", "notices", "settled", "unsettled", "states", "evidence", "backups_until"}
)
_BY_ITSELF = (NoticeState.COMPLETED, NoticeState.EXEMPT)
"""States that settle a notice without anybody's word (as in a case's certificate)."""

_HEX_256 = re.compile(r"[0-9a-f]{64}")


class Tally:
    """Counts of cases and notices, page by page: one number for each recipient and state."""

    def __init__(self) -> None:
        self.cases: Counter[str] = Counter()
        self._rows: dict[str, Counter[tuple[str, bool, str | None]]] = {}
        self._backups: dict[str, str] = {}

    def add(self, page: MassPage) -> None:
        """Some more cases, with their notices."""
        self.cases.update(state for _, state in page.cases)
        for one in page.notices:
            row = self._rows.setdefault(one.partner, Counter())
            row[one.state, one.settled, one.proof] += one.notices
            if one.backups_until is not None:
                latest = max(self._backups.get(one.partner, ""), one.backups_until)
                self._backups[one.partner] = latest

    def recipients(self) -> list[dict[str, Any]]:
        """A row for each recipient, in the order of their ids."""
        return [self._row(partner) for partner in sorted(self._rows)]

    def _row(self, partner: str) -> dict[str, Any]:
        states: Counter[str] = Counter()
        evidence = Counter(dict.fromkeys(map(str, Proof), 0))
        settled = 0
        for (state, done, proof), count in sorted(self._rows[partner].items(), key=str):
            states[state] += count
            settled += count * done
            if done and proof is not None:
                evidence[proof] += count
        return {
            "partner": partner,
            "notices": states.total(),
            "settled": settled,
            "unsettled": states.total() - settled,
            "states": dict(states),
            "evidence": dict(evidence),
            "backups_until": self._backups.get(partner),
        }


def final(mass: MassCase, tally: Tally) -> bool:
    """Whether no case is to come, and none is open."""
    return mass.state in _OVER and not tally.cases[CaseState.OPEN]


def mass_claims(
    mass: MassCase,
    steps: Sequence[MassStep],
    tally: Tally,
    *,
    root: str,
    issuer: str,
    now: datetime,
    checkpoint_note: str,
) -> dict[str, Any]:
    """
    What a certificate says of a mass case as it stands; `interim` until every case of
    it is over. `root` is hex of the tree over the ids that `tally` counted, in ascending
    order; `checkpoint_note` a signed head of the ledger that holds all their leaves.
    """
    shown = mass.shown()
    said = {"iss": issuer, "iat": int(now.timestamp())} | {name: shown[name] for name in _SHOWN}
    said |= {
        "steps": [step.shown() for step in steps],
        "cases": {
            "opened": tally.cases.total(),
            **{state.value: tally.cases[state] for state in CaseState},
            "passed": mass.passed,
            "root": root,
        },
        "recipients": tally.recipients(),
        "checkpoint": checkpoint_note,
    }
    return said | ({} if final(mass, tally) else {"interim": True})


def verify_mass_certificate(token: str, jwks: Mapping[str, Any]) -> dict[str, Any]:
    """
    The claims of the certificate of a mass case, signed by a key `certificate-…` of `jwks`.

    Also checked is that its counts agree with each other, and that it is final only where
    every case is over. The checkpoint inside is returned unchecked, and so is the root.
    Raises `CertificateInvalid`.
    """
    said = opened(token, jwks, MASS_CERTIFICATE_TYPE)
    _check_members(said)
    for step in said["steps"]:
        _check_step(step)
    for row in said["recipients"]:
        _check_row(row)
    partners = [row["partner"] for row in said["recipients"]]
    _require(partners == sorted(set(partners)), "a recipient stands twice, or out of order")
    _check_cases(said)
    return said


def _check_members(said: Mapping[str, Any]) -> None:
    _require(said.keys() - {"interim"} == _CLAIMS, "its claims are not those of a mass case")
    texts = all(isinstance(said[name], str) for name in _TEXTS)
    texts = texts and all(isinstance(said[name], str | None) for name in _TEXTS_OR_NULL)
    counts = type(said["iat"]) is int and _is_count(said["people"])
    lists = all(isinstance(said[name], list) for name in ("steps", "recipients"))
    scope = said["scope"]
    _require(texts and counts and lists, "a claim is of the wrong type")
    _require(
        isinstance(scope, dict)
        and scope.keys() == {"partners", "purposes"}
        and all(_is_texts(one) for one in scope.values()),
        "its scope is none",
    )
    words = (said["action"], Action), (said["state"], MassState), (said["chosen"], Chosen)
    _require(all(word in set(known) for word, known in words), "a word of it is not known")


def _check_step(step: Any) -> None:
    _require(isinstance(step, dict) and step.keys() == _STEP, "a step has not its members")
    known = isinstance(step["at"], str) and isinstance(step["by"], str | None)
    known = known and step["event"] in set(MassEvent) and _is_count(step["leaf"])
    _require(known, "a step is of the wrong type")


def _check_row(row: Any) -> None:
    _require(isinstance(row, dict) and row.keys() == _ROW, "a recipient has not its members")
    counts = [row[name] for name in ("notices", "settled", "unsettled")]
    tables = (row["states"], set(NoticeState)), (row["evidence"], set(Proof))
    good = isinstance(row["partner"], str) and all(map(_is_count, counts))
    good = good and all(_is_table(table, known) for table, known in tables)
    _require(good and _is_day(row["backups_until"]), "a recipient's row is of the wrong type")
    whole = sum(row["states"].values()) == row["notices"] == row["settled"] + row["unsettled"]
    _require(whole, "a recipient's counts do not add up")
    by_itself = sum(row["states"].get(state, 0) for state in _BY_ITSELF)
    proved = sum(row["evidence"].values())
    _require(
        row["settled"] <= proved + by_itself and proved <= row["settled"],
        "notices are settled, and nothing says by what",
    )


def _check_cases(said: Mapping[str, Any]) -> None:
    cases = said["cases"]
    good = isinstance(cases, dict) and cases.keys() == _CASES
    good = good and all(_is_count(cases[name]) for name in _CASES - {"root"})
    good = good and isinstance(cases["root"], str) and bool(_HEX_256.fullmatch(cases["root"]))
    _require(good, "its cases are not counted, or have no root")
    whole = sum(cases[state] for state in CaseState) == cases["opened"]
    _require(whole, "its counts of cases do not add up")
    over = said["state"] in _OVER and not cases[CaseState.OPEN]
    _require(said.get("interim", False) is not over, "it is final where every case is over")
    _require(
        (said["ended_at"] is not None) is (said["state"] in _OVER),
        "ended_at does not go with its state",
    )
    unsettled = any(row["unsettled"] for row in said["recipients"])
    _require(not (over and unsettled), "every case is over, and a notice is not settled")


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise CertificateInvalid(otherwise)


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_table(value: Any, known: set[Any]) -> bool:
    return isinstance(value, dict) and value.keys() <= known and all(map(_is_count, value.values()))


def _is_day(value: Any) -> bool:
    try:
        return value is None or bool(date.fromisoformat(value))
    except (TypeError, ValueError):
        return False
