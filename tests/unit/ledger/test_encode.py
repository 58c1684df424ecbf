"""Canonical bytes and hashes of leaves."""

import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.encode import (
    EMPTY_ROOT,
    MAX_INTEGER,
    LedgerEncodeError,
    canonical,
    leaf_hash,
    node_hash,
)
from gateway.model.shares import Outcome
from tests.unit.ledger.builders import VECTORS, vectors

TEXT = st.text(max_size=8)
SMALL = st.integers(-MAX_INTEGER, MAX_INTEGER)
SCALARS = st.none() | st.booleans() | SMALL | TEXT


def nested(names: st.SearchStrategy[str], scalars: st.SearchStrategy[Any]) -> Any:
    """JSON values of any depth."""
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
        max_leaves=12,
    )


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in (VECTORS / "jcs-rfc8785" / "input").iterdir())
)
def test_published_vectors_have_their_canonical_form(name: str) -> None:
    """Every published example of RFC 8785 becomes exactly the bytes published for it."""
    folder = VECTORS / "jcs-rfc8785"
    value = json.loads((folder / "input" / f"{name}.json").read_text(encoding="utf-8"))
    expected = bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())

    assert canonical(value) == expected
    assert canonical(value) == (folder / "output" / f"{name}.json").read_bytes()


@given(nested(st.text(st.characters(max_codepoint=127), max_size=6), SCALARS))
def test_leaves_have_the_bytes_of_the_reference(value: Any) -> None:
    """A leaf, which takes the fast way, has the bytes that the reference library gives it."""
    assert canonical(value) == rfc8785.dumps(value)


@given(nested(TEXT, SCALARS | st.floats(allow_nan=False, allow_infinity=False)))
def test_any_value_has_the_bytes_of_the_reference(value: Any) -> None:
    """Names beyond ASCII and fractions are written as the reference library writes them."""
    assert canonical(value) == rfc8785.dumps(value)


def test_names_sort_by_utf_16() -> None:
    """An emoji sorts before a letter of the last block of the basic plane, as RFC 8785 asks."""
    assert canonical({"\ufb33": 1, "\U0001f602": 2}) == '{"\U0001f602":2,"\ufb33":1}'.encode()


def test_a_word_of_an_enumeration_is_written_as_its_text() -> None:
    """Words that the program keeps as enumerations are plain strings in a leaf."""
    assert canonical({"outcome": Outcome.NOT_SENT}) == b'{"outcome":"not-sent"}'


@pytest.mark.parametrize("number", [MAX_INTEGER, -MAX_INTEGER])
def test_the_largest_integers_are_kept(number: int) -> None:
    """Integers up to 2**53 - 1 stand in a leaf as they are."""
    assert json.loads(canonical([number])) == [number]


def endless() -> list[Any]:
    """A list in itself."""
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"n": MAX_INTEGER + 1},
        {"n": -MAX_INTEGER - 1},
        {"n": math.nan},
        {"n": math.inf},
        {"text": "\ud800"},
        {"\udfff": 1},
        {"text": ["\ud83d"]},
        {1: "one"},
        {"raw": b"bytes"},
        {"set": {1}},
        endless(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    """NaN, large integers, lone surrogates and other types are refused, never written somehow."""
    with pytest.raises(LedgerEncodeError) as refused:
        canonical(value)

    assert isinstance(refused.value, ValueError)
    assert refused.value.code == "ledger-encode"


def test_a_refused_value_is_not_quoted() -> None:
    """The error says what kind of mistake it is, and repeats nothing of the value."""
    with pytest.raises(LedgerEncodeError) as refused:
        canonical({"phone": 13800138000 * 10**9})

    assert "13800138" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_hashes_are_those_of_the_published_trees() -> None:
    """Leaves, nodes and the empty tree hash to the published constants of RFC 6962."""
    constants = vectors("merkle-rfc6962/tree_constants.json")
    leaves, *levels = constants["node_hashes_by_level_hex"]
    inputs = [bytes.fromhex(text) for text in constants["leaf_inputs_hex"]]

    assert [leaf_hash(data).hex() for data in inputs] == leaves
    for level in levels:
        pairs = [bytes.fromhex(text) for text in leaves]
        joined = [node_hash(pairs[at], pairs[at + 1]).hex() for at in range(0, len(pairs), 2)]
        assert joined == level
        leaves = level
    assert EMPTY_ROOT.hex() == constants["root_hash_by_tree_size_hex"][0]
