"""The closed list of codes."""

import ast
from pathlib import Path

import pytest

import gateway.recipient
from gateway.recipient import CODES, RecipientError

SOURCES = sorted(Path(gateway.recipient.__file__).parent.glob("*.py"))


def raised() -> set[str]:
    """Every code that the kit's source raises."""
    return {
        node.args[0].value
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "RecipientError"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_the_list_is_what_is_raised() -> None:
    """Every code that can come is in the list, and every code of the list can come."""
    assert raised() == set(CODES)


def test_a_refusal_says_its_code_and_why() -> None:
    """The message begins with the code; without a detail it is the list's own sentence."""
    error = RecipientError("replayed")

    assert (error.code, str(error)) == ("replayed", "replayed: this grant was used before")
    assert str(RecipientError("replayed", "twice")) == "replayed: twice"


def test_no_code_is_made_up() -> None:
    """A code outside the list cannot be raised."""
    with pytest.raises(KeyError):
        RecipientError("something-else")
