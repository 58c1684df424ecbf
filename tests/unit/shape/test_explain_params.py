"""What `gateway explain` says of path, query and header parameters."""

from typing import Any

import pytest

from gateway.errors import CallerError, Reason
from gateway.shape import FieldFate, compile_params
from tests.unit.shape.builders import a_context, a_field

Pair = tuple[str, str]


def told(pairs: list[Pair], place: str = "query", **fields: Any) -> list[FieldFate]:
    only = fields.pop("only", None)
    declared = {name: a_field(name, **rules) for name, rules in fields.items()}
    return compile_params(declared, place).explain(pairs, a_context(), only=only)


def short(fates: list[FieldFate]) -> list[tuple[str, str, str]]:
    return [(each.pointer, each.fate, each.clause) for each in fates]


def test_each_parameter_has_its_fate():
    """Kept, transformed and dropped parameters are told apart, each named with its place."""
    fates = told(
        [("lang", "zh"), ("name", "欧阳明"), ("secret", "x"), ("day", "never")],
        lang={"category": "none"},
        name={"transform": "mask-name"},
        day={"transform": "year"},
    )
    assert short(fates) == [
        ("query.lang", "kept", "S3"),
        ("query.name", "transformed", "C6"),
        ("query.secret", "dropped", "P6"),
        ("query.day", "dropped", "C6"),
    ]
    assert all(each.refuses is None for each in fates)
    assert not any(value in repr(fates) for value in ("欧阳明", "zh", "never"))


def test_a_sealed_parameter_is_told_as_sealed():
    """What stands sealed in a path leaves, and is told so."""
    (fate,) = told([("phone", "13800138000")], "path", phone={"sealed": True})
    assert (fate.fate, fate.clause, fate.refuses) == ("sealed", "S4d", None)


@pytest.mark.parametrize(
    ("place", "pairs", "rules", "reason"),
    [
        ("query", [], {"required": True}, Reason.REQUIRED_FIELD_MISSING),
        ("query", [("a", "x")], {"type": "integer"}, Reason.FIELD_TYPE_MISMATCH),
        ("path", [("a", "never")], {"transform": "year"}, Reason.FIELD_TYPE_MISMATCH),
        ("header", [("A", "13800138000")], {"scan": "block"}, Reason.PERSONAL_DATA_DETECTED),
    ],
)
def test_what_refuses_the_share_is_told(place, pairs, rules, reason):
    """A parameter for which the share is refused says so, with the very code."""
    fates = told(pairs, place, a=rules)
    declared = {"a": a_field("a", **rules)}

    assert [each.refuses for each in fates] == [reason]
    with pytest.raises(CallerError) as caught:
        compile_params(declared, place).apply(pairs, a_context())
    assert caught.value.reason is reason


def test_undeclared_headers_are_nobodys_data():
    """Every request has headers that nobody declared; they are not told as dropped."""
    assert told([("accept", "*/*")], "header", lang={"category": "none"}) == []


def test_a_limit_keeps_parameters_back():
    """Outside the limit of a demand a parameter is dropped, and not asked for."""
    (fate,) = told(
        [("name", "n")],
        only=frozenset({"basic.phone"}),
        name={"category": "basic.name", "required": True},
    )
    assert (fate.fate, fate.clause, fate.refuses) == ("dropped", "D2", None)
