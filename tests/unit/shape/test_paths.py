"""The walk that selectors are compiled into."""

from typing import Any

import pytest

from gateway.policy.selectors import parse_selector
from gateway.shape.paths import ABSENT, Spot, compile_walk, values_at
from gateway.shape.run import Run
from gateway.shape.values import WRITERS, write_scalar
from tests.unit.shape.builders import parsed


def spots(*selectors: str, pointed: bool = False) -> list[Spot[Run]]:
    def emit(place: int) -> Any:
        def at(value: Any, run: Run, pointer: str) -> str | None:
            write = WRITERS.get(type(value))
            return None if write is None else write_scalar(pointer) if pointed else write(value)

        return at

    return [
        Spot(
            tokens=parse_selector(selector),
            place=place,
            selector=selector,
            emit=emit(place),
            pointed=pointed,
        )
        for place, selector in enumerate(selectors)
    ]


def walked(document: str, *selectors: str, pointed: bool = False) -> str | None:
    return compile_walk(spots(*selectors, pointed=pointed))(parsed(document), Run(), "")


@pytest.mark.parametrize(
    ("document", "selectors", "left"),
    [
        ('{"a":1,"b":2}', ["/a"], '{"a":1}'),
        ('{"a":{"b":1,"c":2}}', ["/a/b"], '{"a":{"b":1}}'),
        ('{"a":[{"b":1},{"c":2},{"b":3}]}', ["/a/*/b"], '{"a":[{"b":1},{"b":3}]}'),
        ("[[1,2],[],[3,{}]]", ["/*/*"], "[[1,2],[3]]"),
        ("[1,2,3]", ["/1"], "[2]"),
        ('[{"a":1,"b":2},{"a":3,"b":4}]', ["/*/a", "/0/b"], '[{"a":1,"b":2},{"a":3}]'),
        ('{"0":"member"}', ["/0"], '{"0":"member"}'),
        ('{"01":1}', ["/01"], '{"01":1}'),
        ("[1]", ["/01", "/-"], None),
        ('{"":{"":1}}', ["//"], '{"":{"":1}}'),
        ('{"a/b":1,"m~n":2,"~1":3}', ["/a~1b", "/~01"], '{"a/b":1,"~1":3}'),
        ('{"*":1,"a":2}', ["/*"], None),
        ('{"a":{"*":1}}', ["/a/*"], None),
        ('{"/a":1,"a":2}', ["/~1a"], '{"/a":1}'),
        ('{"a":{"b":1}}', ["/a"], None),
        ('{"a":[1]}', ["/a"], None),
        ('{"a":1}', ["/a", "/a/b"], '{"a":1}'),
        ('{"a":{"b":2,"c":3}}', ["/a", "/a/b"], '{"a":{"b":2}}'),
        ('{"a":{"b":2}}', ["/a/*"], None),
        ('{"a":[{"b":2}]}', ["/a/b"], None),
        ('{"b":1,"a":2}', ["/a", "/b"], '{"a":2,"b":1}'),
        ("{}", ["/a"], None),
        ('{"a":1}', [], None),
    ],
)
def test_a_walk_goes_where_selectors_lead(document, selectors, left):
    """Exactly what a selector names is written, containers only around it, elements close up."""
    assert walked(document, *selectors) == left


@pytest.mark.parametrize(
    ("document", "selectors", "left"),
    [
        ('{"a":[{},{"b":1},2,{"b":1}]}', ["/a/*/b"], '{"a":[{"b":"/a/0/b"},{"b":"/a/1/b"}]}'),
        ('{"a/b":{"":1}}', ["/a~1b/"], '{"a/b":{"":"/a~1b/"}}'),
        ("[[9,[],8]]", ["/*/*"], '[["/0/0","/0/1"]]'),
    ],
)
def test_pointers_are_those_of_what_leaves(document, selectors, left):
    """A value is told where it stands in what leaves, with elements closed up."""
    assert walked(document, *selectors, pointed=True) == left


@pytest.mark.parametrize(
    ("document", "selectors", "dropped", "undeclared"),
    [
        ('{"a":1}', ["/a"], False, False),
        ('{"a":1,"b":2}', ["/a"], True, True),
        ('{"a":null,"b":null}', ["/a"], True, True),
        ('{"a":{}}', ["/a"], True, False),
        ('{"a":[]}', ["/a/*"], True, False),
        ('{"a":1}', ["/a/b"], True, True),
        ('{"a":[1]}', ["/a/b"], True, True),
        ("[1,2]", ["/0"], True, True),
        ("{}", ["/a"], False, False),
        ("[]", ["/a"], False, False),
    ],
)
def test_what_is_left_out_is_noticed(document, selectors, dropped, undeclared):
    """Leaving anything out is noted, and whether it was something that nobody declared."""
    run = Run()
    compile_walk(spots(*selectors))(parsed(document), run, "")
    assert run.dropped is dropped
    assert run.undeclared is undeclared


def test_a_selector_of_many_digits_once_took_twice_as_long_for_each():
    """
    A token of digits leads on from objects and arrays alike; forty of them are compiled at once,
    and lead through both.
    """
    inside = '"x"'
    for at in range(40):
        inside = f'{{"0":{inside}}}' if at % 2 else f"[{inside}]"

    assert walked(inside, "/0" * 40, "/1/0/*", "/1/0" * 20) == inside


def test_two_rules_for_one_value_do_not_compile():
    """Two selectors that name the same value leave open what holds, so nothing is compiled."""
    with pytest.raises(ValueError, match="names the same value"):
        compile_walk(spots("/a/*/x", "/a/0/x"))


@pytest.mark.parametrize(
    ("document", "selector", "values"),
    [
        ('{"a":{"b":"x"}}', "/a/b", ["x"]),
        ('{"a":[{"b":"x"},{}]}', "/a/*/b", ["x", ABSENT]),
        ('["x","y"]', "/1", ["y"]),
        ('["x"]', "/1", [ABSENT]),
        ("[]", "/*", []),
        ('{"a":{}}', "/a/*", [ABSENT]),
        ('"x"', "/a", [ABSENT]),
        ('{"a":{"*":"x"}}', "/a/*", [ABSENT]),
    ],
)
def test_values_at_a_selector_are_found(document, selector, values):
    """What stands at a selector is found, and that nothing stands there as well."""
    assert list(values_at(parsed(document), parse_selector(selector))) == values
