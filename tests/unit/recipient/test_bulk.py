"""A bulk share at its recipient: many records under one grant, each by itself."""

import json

import pytest

from gateway.recipient import MemorySeen
from tests.marks import promise
from tests.unit.recipient.builders import Request, code_of, request, sealed

NDJSON = "application/x-ndjson"
LINES = b'{"person":"ps-7","n":1}\n{"person":"ps-8","n":2}\n'


def bulk(body: bytes = LINES, content_type: str = NDJSON, **changed: object) -> Request:
    """A share of two records, for nobody in particular."""
    return request(body, content_type, **{"sub": None, "records": 2} | changed)


def test_the_records_one_by_one() -> None:
    """Each record has a body, a type and fields of its own, under the terms of all."""
    share = bulk().receive()
    first, second = share.records

    assert (share.claims["records"], share.body) == (2, LINES)
    assert (first.body, first.content_type) == (b'{"person":"ps-7","n":1}', "application/json")
    assert [one.field("/n") for one in (first, second)] == [1, 2]
    assert second.claims is share.claims


def test_a_last_line_without_an_end() -> None:
    """The last record needs no line feed behind it."""
    assert len(bulk(LINES[:-1]).receive().records) == 2


def test_a_single_share_is_its_own_record() -> None:
    """A share of one person has one record, which is itself."""
    share = request(b'{"n": 1}').receive()
    assert share.records == (share,)


@promise("S4d")
def test_a_sealed_batch_is_opened() -> None:
    """A batch that was sealed as one is opened as one, and its records counted then."""
    body = sealed(LINES, content_type=NDJSON).encode()

    assert [one.field("/n") for one in bulk(body, "application/jose").receive().records] == [1, 2]
    assert code_of(bulk(body, "application/jose", records=3).receive) == "records-mismatch"


@promise("S4d")
def test_sealed_fields_of_records() -> None:
    """A sealed field of a record is opened at its pointer in that record."""
    lines = [
        json.dumps({"phone": sealed(f'"1380013800{n}"'.encode(), field="/phone")}).encode()
        for n in (1, 2)
    ]
    share = bulk(b"\n".join(lines) + b"\n").receive()

    assert [one.field("/phone") for one in share.records] == ["13800138001", "13800138002"]


@pytest.mark.parametrize(
    ("bulk", "code"),
    [
        (bulk(records=1), "records-mismatch"),
        (bulk(records=3), "records-mismatch"),
        (bulk(b'[{"n":1},{"n":2}]', "application/json"), "records-mismatch"),
        (bulk(records=0), "grant-invalid"),
        (bulk(records="2"), "grant-invalid"),
        (bulk(records=True), "grant-invalid"),
        (bulk(sub="ps-1"), "grant-invalid"),
    ],
    ids=["fewer", "more", "no-lines", "none", "text", "true", "about-one-person"],
)
def test_a_grant_counts_its_records(bulk: Request, code: str) -> None:
    """A bulk share has just as many lines as its grant says, and the grant names nobody."""
    assert code_of(bulk.receive) == code


def test_a_wrong_count_uses_no_grant_up() -> None:
    """What is refused for its records may come again, whole."""
    seen = MemorySeen()
    assert code_of(lambda: bulk(records=3).receive(seen)) == "records-mismatch"
    assert len(bulk().receive(seen).records) == 2
