"""A valid mass case, what came of it, and its certificate; each takes what a test is about."""

from datetime import timedelta
from typing import Any

from gateway.cases.mass_certificate import MASS_CERTIFICATE_TYPE, Tally, mass_claims
from gateway.model.cases import Action, CaseScope
from gateway.model.mass import (
    Chosen,
    Counted,
    MassCase,
    MassEvent,
    MassId,
    MassPage,
    MassState,
    MassStep,
)
from tests.unit.cases.builders import ISSUER, NOTE, NOW, a_token

CASES = tuple(f"case_{number:032x}" for number in range(3))


def a_mass(state: MassState = MassState.CLOSED, **changes: Any) -> MassCase:
    """Three people's, closed a day after it was opened by one and approved by another."""
    over = state in (MassState.CLOSED, MassState.CANCELLED)
    given: dict[str, Any] = {
        "no": 1,
        "id": MassId("mass_" + "1" * 32),
        "action": Action.ERASE,
        "reason": "unlawful",
        "scope": CaseScope(),
        "chosen": Chosen.EVERYBODY,
        "state": state,
        "opener": "chen.yu",
        "approver": "li.wei",
        "accepted_at": NOW,
        "starts_at": NOW,
        "ended_at": NOW + timedelta(days=1) if over else None,
        "people": 4,
        "opened": 3,
        "passed": 1,
    }
    return MassCase(**given | changes)


def a_counted(**changes: Any) -> Counted:
    """Three notices of the courier, each completed by its receipt."""
    given: dict[str, Any] = {
        "partner": "swift-parcel",
        "state": "completed",
        "settled": True,
        "proof": "receipt",
        "notices": 3,
        "backups_until": "2026-12-01",
    }
    return Counted(**given | changes)


def a_page(*notices: Counted, states: str = "closed closed closed") -> MassPage:
    """The three cases with their notices."""
    return MassPage(
        cases=tuple(zip(CASES, states.split(), strict=True)),
        notices=notices or (a_counted(),),
    )


def mass_said(
    *pages: MassPage, mass: MassCase | None = None, note: str = NOTE, **changes: Any
) -> dict[str, Any]:
    """What its certificate says, two days after."""
    tally = Tally()
    for page in pages or (a_page(),):
        tally.add(page)
    steps = [MassStep(event=MassEvent.ACCEPTED, at="2026-11-22T10:00:00.000Z", by="a", leaf=0)]
    said = mass_claims(
        mass or a_mass(),
        steps,
        tally,
        root="0" * 64,
        issuer=ISSUER,
        now=NOW + timedelta(days=2),
        checkpoint_note=note,
    )
    return said | changes


def mass_token(said: dict[str, Any], **header: Any) -> str:
    """Signed as the gateway signs it."""
    return a_token(said, **{"typ": MASS_CERTIFICATE_TYPE, **header})
