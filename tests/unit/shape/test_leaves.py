"""What happens at one declared value."""

from typing import Any

import pytest

from gateway.errors import Reason
from gateway.shape.leaves import compile_leaf, withheld
from gateway.shape.rules import compile_rule
from gateway.shape.run import SendRun
from tests.unit.shape.builders import a_context, a_field


def at(value: Any, *, sealed: bool = False, **rules: Any) -> tuple[str | None, SendRun]:
    field = a_field("/x", **rules)
    run = SendRun(a_context())
    emit = compile_leaf(2, field, compile_rule(field), sealed=sealed)
    return emit(value, run, "/there"), run


@pytest.mark.parametrize("rules", [{}, {"type": "string"}, {"transform": {"truncate": 9}}])
def test_a_scalar_leaves_and_is_noted(rules):
    """A scalar is written and its field noted as let out, with rules or without."""
    text, run = at("欧", **rules)
    assert (text, run.let_out, run.dropped, run.problems) == ('"欧"', 4, False, {})


@pytest.mark.parametrize("rules", [{}, {"type": "string"}])
@pytest.mark.parametrize("container", [{}, [], {"a": "b"}])
def test_a_container_does_not_leave(rules, container):
    """An object or array is left out, and is a mismatch where the field is required."""
    text, run = at(container, **rules)
    assert (text, run.let_out, run.undeclared, run.problems) == (None, 0, True, {})
    _, run = at(container, required=True, **rules)
    assert list(run.problems) == [(Reason.FIELD_TYPE_MISMATCH, 2)]


def test_a_dropped_value_is_not_noted_as_let_out():
    """A value that its transform drops is not counted as let out, and a required one refuses."""
    text, run = at("x", transform="drop")
    assert (text, run.let_out, run.problems) == (None, 0, {})
    _, run = at("x", transform="drop", required=True)
    assert list(run.problems) == [(Reason.FIELD_TYPE_MISMATCH, 2)]


def test_a_sealed_value_is_sealed_where_it_stands():
    """A sealed value becomes the seal of its text at its pointer."""
    text, run = at("x", sealed=True)
    assert (text, run.let_out) == ('"sealed(/there)"', 4)
    text, _ = at({}, sealed=True)
    assert text is None


@pytest.mark.parametrize(("value", "undeclared"), [("x", False), (None, False), ({"a": 1}, True)])
def test_a_withheld_value_is_dropped(value, undeclared):
    """A value outside the limit is dropped; it is declared, what a container holds is not."""
    run = SendRun(a_context())
    assert withheld(value, run, "") is None
    assert (run.dropped, run.undeclared, run.let_out) == (True, undeclared, 0)
