"""Whose reference is whose in the answer to a batch."""

import json
from typing import Any

import pytest

from gateway.errors import PartnerResponseRefused
from gateway.model.recipients import ReceivedField
from gateway.shape.in_bulk import references_in_bulk
from gateway.shape.parse import Limits

NDJSON = "application/x-ndjson"


def references(
    answer: Any, *selectors: str, records: int = 2, media: str = "application/json"
) -> list[list[str]] | None:
    """What is kept for each record."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    fields = [ReceivedField(selector=one, reference=True) for one in selectors or ("/id",)]
    found = references_in_bulk(fields, body, media, records=records, limits=Limits())
    return None if found is None else [[text for _, text in own] for own in found]


@pytest.mark.parametrize(
    ("answer", "selectors", "kept"),
    [
        ([{"id": "A"}, {"id": "B"}], ["/id"], [["A"], ["B"]]),
        ([{"id": 17}, {"id": None}], ["/id"], [["17"], []]),
        ([{"id": "A"}, {}], ["/id"], [["A"], []]),
        (
            [{"id": "A", "no": "1"}, {"id": "B", "no": "2"}],
            ["/id", "/no"],
            [["A", "1"], ["B", "2"]],
        ),
        ([{"parts": ["x", "y"]}, {"parts": ["z"]}], ["/parts/*"], [["x", "y"], ["z"]]),
        ([{"id": "A"}, {"id": "B"}], ["/*/id"], [["A"], ["B"]]),
        ({"results": [{"id": "A"}, {"id": "B"}]}, ["/results/*/id"], [["A"], ["B"]]),
        ({"results": [{"id": "A"}, {}]}, ["/results/*/id"], [["A"], []]),
    ],
)
def test_each_record_has_its_own(answer: Any, selectors: list[str], kept: list[list[str]]):
    """An array, or a selector through one, gives each record what stands at its place."""
    assert references(answer, *selectors) == kept


@pytest.mark.parametrize(
    ("answer", "selector"),
    [
        ({"id": "A"}, "/id"),
        ([{"id": "A"}], "/id"),
        ([{"id": "A"}] * 3, "/id"),
        ({"results": [{"id": "A"}] * 3}, "/results/*/id"),
        ({"a": [{"b": ["x"]}, {"b": ["y"]}]}, "/a/*/b/*"),
        ("A", "/id"),
    ],
)
def test_nobody_guesses(answer: Any, selector: str):
    """Where it is not beyond doubt whose a reference is, none is kept."""
    assert references(answer, selector) is None


def test_lines():
    """NDJSON with a line for each record is read line by line."""
    assert references(b'{"id": "A"}\n{"id": "B"}\n', media=NDJSON) == [["A"], ["B"]]
    assert references(b'{"id": "A"}\n', media=NDJSON) is None


def test_one_record():
    """A batch of one is answered in whatever form."""
    assert references({"id": "A"}, records=1) == [["A"]]
    assert references([{"id": "A"}], records=1) == [["A"]]
    assert references({"all": [{"id": "A"}]}, "/all/*/id", records=1) == [["A"]]


def test_no_answer():
    """An empty answer names nobody."""
    assert references(b"") is None


@pytest.mark.parametrize(
    ("body", "media"),
    [(b"{", "application/json"), (b"<p>", "text/html"), (b'{"id": 1}\n{', NDJSON)],
)
def test_what_cannot_be_read(body: bytes, media: str):
    """What is neither JSON nor NDJSON is refused."""
    with pytest.raises(PartnerResponseRefused):
        references(body, media=media)


def test_a_reference_does_not_print_itself():
    """The partner's id of a record belongs to a person."""
    (field,) = [ReceivedField(selector="/id", reference=True)]
    found = references_in_bulk([field], b'{"id": "secret"}', "", records=1, limits=Limits())
    assert "secret" not in repr(found)
