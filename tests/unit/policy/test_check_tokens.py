"""What a field that leaves as a token needs of its route (S4c)."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.model.recipients import TokenTerms
from tests.marks import promise
from tests.unit.policy.builders import messages, partner, sending


@promise("S4c")
@pytest.mark.parametrize(
    ("written", "terms"),
    [
        ("token", None),
        ("{token: {ttl: 7d}}", TokenTerms(ttl=timedelta(days=7))),
        ("{token: {uses: 3}}", TokenTerms(uses=3)),
        ("{token: {ttl: 90m, uses: 1}}", TokenTerms(ttl=timedelta(minutes=90), uses=1)),
    ],
)
def test_a_token_has_limits_or_none(written: str, terms: Any) -> None:
    """How long and how often, one of them, both, or neither."""
    text = sending(f"/phone: {{category: basic.phone, transform: {written}}}")
    (field,) = partner(text).routes[0].send

    assert field.transform is not None
    assert (field.transform.name, field.transform.argument) == ("token", terms)


@pytest.mark.parametrize("subject", ["{from: /person/id}", "{from: header}"])
def test_a_token_belongs_to_the_one_person_of_its_route(subject: str) -> None:
    """Wherever the app names that person."""
    text = sending(
        "/phone: {category: basic.phone, transform: token}",
        ("    send:", f"    subject: {subject}\n    send:"),
    )

    assert messages(text) == []


@pytest.mark.parametrize(
    ("subject", "field"),
    [
        ("{from: /people/*/id}", "/phone: {category: basic.phone, transform: token}"),
        ("none", "/page: {category: none, transform: token}"),
    ],
)
def test_a_token_of_nobody_or_of_several_does_not_load(subject: str, field: str) -> None:
    """Nobody could tell with whose deletion it must die."""
    text = sending(field, ("    send:", f"    subject: {subject}\n    send:"))
    (message,) = messages(text)

    assert "subject: {from: header}" in message


def test_a_token_that_outlasts_its_share_is_a_warning() -> None:
    """It ends with what the recipient may keep, whatever its own time."""
    (message,) = messages(
        sending("/phone: {category: basic.phone, transform: {token: {ttl: 31d}}}")
    )

    assert "shorter ttl" in message
