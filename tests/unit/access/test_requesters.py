"""Who may ask from outside, as `gateway.toml` names them."""

from typing import Any

import pytest

from gateway.access.requesters import read_requesters

DESK = {"protocol": "ddrf", "domain": "desk.example"}


def test_what_is_left_out_has_a_default() -> None:
    """A domain is enough: its keys are in its own document, its word is that of a desk."""
    problems: list[str] = []
    (one,) = read_requesters({"requester": [DESK]}, problems)

    assert problems == []
    assert (one.name, one.jwks) == ("desk.example", "https://desk.example/dsrdelete.json")
    assert (one.identifiers, one.method, one.strict) == (("subject",), "customer-service", False)
    assert read_requesters({}, problems) == ()


@pytest.mark.parametrize(
    "table",
    [
        {"domain": "desk.example"},
        {"protocol": "opendsr", "domain": "desk.example"},
        {"protocol": "ddrf"},
        {**DESK, "domain": "https://desk.example"},
        {**DESK, "domain": "Desk.example"},
        {**DESK, "jwks": "ftp://desk.example/keys"},
        {**DESK, "jwks": ""},
        {**DESK, "identifiers": []},
        {**DESK, "identifiers": "subject"},
        {**DESK, "identifiers": ["a b"]},
        {**DESK, "method": "telephone"},
        {**DESK, "strict": "yes"},
        {**DESK, "colour": "red"},
        "desk.example",
    ],
    ids=range(14),
)
def test_a_mistake_is_told_and_lets_nobody_in(table: Any) -> None:
    """What cannot be read is a problem that says where; its requester is not there."""
    problems: list[str] = []
    assert read_requesters({"requester": [table]}, problems) == ()
    assert len(problems) == 1 and problems[0].startswith("[[requester]] number 1: ")


def test_one_domain_is_one_requester() -> None:
    """Two tables for one domain contradict one another."""
    problems: list[str] = []
    read_requesters({"requester": [DESK, DESK]}, problems)
    read_requesters({"requester": {}}, problems)
    assert len(problems) == 2
