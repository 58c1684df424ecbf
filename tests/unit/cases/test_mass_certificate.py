"""
The certificate of a mass case: what it says, and what is refused, by the product's own
check and by the separate program, which share no code.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway import verifier
from gateway.cases.certificate import CertificateInvalid, verify_certificate
from gateway.cases.mass_certificate import verify_mass_certificate
from gateway.ledger.checkpoint import Checkpoint, sign
from gateway.model.mass import MassState
from tests.unit.cases.builders import a_jwk, key
from tests.unit.cases.mass_builders import a_counted, a_mass, a_page, mass_said, mass_token

ORIGIN = "sharing.shop.example/ledger"
NOTE = sign(Checkpoint(origin=ORIGIN, size=3, root=bytes(32)), ORIGIN, key("checkpoint"))
JWKS = {"keys": [a_jwk(), a_jwk("checkpoint-1", "checkpoint")]}

Verdicts = Callable[[str], tuple[bool, bool]]


@pytest.fixture
def verdicts(tmp_path: Path) -> Verdicts:
    """Whether a token verifies: by the product's own check, and by the separate program."""
    trust, file = tmp_path / "jwks.json", tmp_path / "mass.jws"
    trust.write_text(json.dumps(JWKS))

    def both(token: str) -> tuple[bool, bool]:
        file.write_text(token)
        try:
            own = bool(verify_mass_certificate(token, JWKS))
        except CertificateInvalid:
            own = False
        return own, verifier.main([str(file), "--trust", str(trust)]) == 0

    return both


def test_what_came_of_it_is_counted_by_recipient() -> None:
    """Over all pages: states, on whose word, what is not settled, and the last day in a backup."""
    first = a_page(a_counted(), a_counted(partner="slow-parcel", state="exempt", proof=None))
    second = a_page(
        a_counted(notices=2, backups_until="2027-01-01"),
        a_counted(state="overdue", settled=False, proof=None, notices=1, backups_until=None),
        states="closed open refused",
    )
    said = mass_said(first, second, mass=a_mass(MassState.OPENED, people=9))
    slow, swift = said["recipients"]

    assert said["interim"] is True
    cases = {"opened": 6, "closed": 4, "open": 1, "refused": 1, "passed": 1, "root": "0" * 64}
    assert said["cases"] == cases
    assert (slow["partner"], slow["settled"], slow["evidence"]["receipt"]) == ("slow-parcel", 3, 0)
    assert swift == {
        "partner": "swift-parcel",
        "notices": 6,
        "settled": 5,
        "unsettled": 1,
        "states": {"completed": 5, "overdue": 1},
        "evidence": {"receipt": 5, "response": 0, "person": 0},
        "backups_until": "2027-01-01",
    }


@pytest.mark.parametrize(
    ("state", "states", "interim"),
    [
        (MassState.CLOSED, "closed closed refused", False),
        (MassState.CANCELLED, "closed closed closed", False),
        (MassState.CANCELLED, "closed open closed", True),
        (MassState.OPENED, "closed closed closed", True),
        (MassState.PAUSED, "closed open closed", True),
    ],
)
def test_it_is_final_when_no_case_is_open_or_to_come(
    verdicts: Verdicts, state: MassState, states: str, interim: bool
) -> None:
    """Until every case is over it says that it is interim, and is believed as that alone."""
    said = mass_said(a_page(states=states), mass=a_mass(state), note=NOTE)

    assert said.get("interim", False) is interim
    assert verdicts(mass_token(said)) == (True, True)
    turned = {name: value for name, value in said.items() if name != "interim"}
    assert verdicts(mass_token(turned if interim else said | {"interim": True})) == (False, False)


def _row(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda said: said["recipients"][0].update(changes)


def _cases(**changes: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda said: said["cases"].update(changes)


LIES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a claim more": lambda said: said.update(note="x"),
    "a claim less": lambda said: said.pop("opener"),
    "a word that there is not": lambda said: said.update(state="done"),
    "an end without one": lambda said: said.update(ended_at=None),
    "a case more": _cases(opened=4),
    "less people than none": lambda said: said.update(people=-1),
    "a case that is open": _cases(open=1, closed=2),
    "a case less than none": _cases(open=-1, closed=4),
    "no root": _cases(root="00"),
    "a notice more": _row(notices=4),
    "a notice that is not settled": _row(settled=2, unsettled=1),
    "settled by nobody": _row(states={"refused": 3}, evidence={"receipt": 2}),
    "more receipts than notices": _row(evidence={"receipt": 4, "response": 0, "person": 0}),
    "a state that there is not": _row(states={"gone": 3}),
    "a number that is none": _row(notices=3.0),
    "a recipient twice": lambda said: said["recipients"].append(said["recipients"][0]),
    "a step by a number": lambda said: said["steps"][0].update(by=7),
    "a step with a name": lambda said: said["steps"][0].update(subject="u-1"),
    "a checkpoint that is none": lambda said: said.update(checkpoint=None),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_contradicts_itself_is_refused(verdicts: Verdicts, lie: str) -> None:
    """A certificate whose numbers do not agree is refused, even with the right signature."""
    said = json.loads(json.dumps(mass_said(note=NOTE)))
    assert verdicts(mass_token(said)) == (True, True)
    LIES[lie](said)

    assert verdicts(mass_token(said)) == (False, False)


def test_one_kind_of_certificate_is_not_taken_for_the_other(verdicts: Verdicts) -> None:
    """The type is part of what is signed: a case's is not one of many, nor the other way round."""
    said = mass_said(note=NOTE)

    assert verdicts(mass_token(said, typ="sharing-certificate+jwt"))[0] is False
    assert verdicts(mass_token(said, kid="grant-1"))[0] is False
    assert verdicts(mass_token(said, seed="stranger")) == (False, False)
    with pytest.raises(CertificateInvalid, match="typ is not"):
        verify_certificate(mass_token(said), JWKS)
