"""What arrives is what an independent filter of sixty lines would let out."""

import ast
import json
import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, event, given, settings

from tests.fuzz import bodies, million, plain_filter, strategies
from tests.fuzz.compare import SENT, SENT_EMPTY, Differs, a_filter, once, outcome
from tests.fuzz.wire import opened
from tests.marks import promise

PLAIN = Path(plain_filter.__file__)
IN_PROCESS = 5_000
OVER_HTTP = 100
ROUTES = 24


def test_the_second_filter_is_independent() -> None:
    """It has at most sixty lines, imports only the standard library, and can be read at once."""
    source = PLAIN.read_text(encoding="utf-8")
    imported = {
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }

    assert len(source.splitlines()) <= 60
    assert imported == {"json", "decimal"}


@promise("P6", "S3")
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(strategies.cases())
def test_the_filter_lets_out_what_the_second_one_would(case) -> None:
    """Whatever comes, both let out the same document, or refuse for the same reason."""
    send, body = case

    event(outcome(a_filter(send), send, body))


def test_thousands_of_bodies_through_both_filters() -> None:
    """The same for thousands, most of which leave with something in them."""
    random = Random(26_11_22)
    routes = [bodies.selectors(random) for _ in range(ROUTES)]
    filters = [a_filter(send) for send in routes]
    found: Counter[str] = Counter()
    for _ in range(IN_PROCESS):
        at = random.randrange(ROUTES)
        found[outcome(filters[at], routes[at], bodies.body(random, list(routes[at])))] += 1

    assert found.total() == IN_PROCESS
    assert found[SENT] > IN_PROCESS / 2
    assert set(found) == {
        *(SENT, SENT_EMPTY, "body-malformed", "body-too-deep"),
        *("field-type-mismatch", "required-field-missing"),
    }


@promise("P6", "S3")
async def test_what_arrives_over_http_is_what_the_second_filter_lets_out(tmp_path: Path) -> None:
    """
    Through a running gateway the recipient gets exactly that, its grant names the selectors
    that let something out, and the caller hears whether anything was dropped.
    """
    random = Random(7)
    routes = [bodies.selectors(random) for _ in range(ROUTES)]
    cases = [
        (at, bodies.body(random, list(routes[at])))
        for at in (random.randrange(ROUTES) for _ in range(OVER_HTTP))
    ]
    async with opened(tmp_path / "home", routes) as wire:
        found = await wire.outcomes(cases, at_once=4)

    assert found.total() == OVER_HTTP
    assert found[SENT] + found[SENT_EMPTY] > OVER_HTTP / 2
    assert found["body-malformed"] > 0


SEND = {"/a": False, "/b/*/c": False, "/d": True}
BODY = b'{"a":1.0,"b":[{"c":"x"},{"c":null}],"d":"y","e":"z"}'


@pytest.mark.parametrize(
    "other",
    [{**SEND, "/e": False}, {"/a": False, "/d": True}, {**SEND, "/missing": True}],
    ids=["lets out more", "lets out less", "refuses"],
)
def test_a_filter_that_differs_is_noticed(other: dict[str, bool]) -> None:
    """The comparison is not satisfied by a filter of other selectors."""
    assert outcome(a_filter(SEND), SEND, BODY) == SENT
    with pytest.raises(Differs):
        outcome(a_filter(other), SEND, BODY)


@pytest.mark.parametrize(
    ("arrived", "wanted"),
    [(b'{"a":1}', {"a": True}), (b'{"a":1}', {"a": "1"}), (b'{"a":1.01}', {"a": 1.0100001})],
)
def test_values_are_compared_by_type_and_exactly(arrived: bytes, wanted: object) -> None:
    """A number is neither true nor text nor a number close by."""
    assert once(arrived) != plain_filter.read(json.dumps(wanted).encode())
    assert once(b'{"a":1.0,"b":1e2}') == plain_filter.read(b'{"b":100,"a":1}')


def test_a_key_that_arrives_twice_is_noticed() -> None:
    """Of a repeated key only one may leave."""
    with pytest.raises(Differs):
        once(b'{"a":1,"a":1}')


def test_the_million_is_split_by_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    """The long run says what became of the bodies, and that most were sent; here of a few."""
    assert million.main(["--count", "600", "--over-http", "40", "--jobs", "1"]) == 0
    told = capsys.readouterr().out

    assert re.search(r"^all +560 +40 +600 ", told, re.MULTILINE)
    assert "every body came out as the plain filter says" in told
