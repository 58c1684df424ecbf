"""What a recipient gets for a purpose: more, longer, less sealed (N1, N2)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.model.ids import CategoryId, GroundId, PurposeId, RouteId
from gateway.model.recipients import (
    ReceivedField,
    ReceivedFile,
    Seal,
    SubjectFrom,
    SubjectPlace,
)
from gateway.policy.compare_routes import counterpart
from gateway.policy.comparison import compare
from tests.marks import promise
from tests.unit.policy.comparing import (
    a_set,
    both_ways,
    neither_way,
    the_route,
    told,
    with_partner,
    with_route,
)

NOBODY = SubjectPlace(source=SubjectFrom.NONE)
POINTER = SubjectPlace(source=SubjectFrom.POINTER, name="/who")
FILE = ReceivedFile(content="application/pdf", max_bytes=1000)


@pytest.mark.parametrize(
    ("wider", "what", "name"),
    [
        ({"retention": timedelta(days=31)}, "retention", ""),
        ({"ground": GroundId("core-function")}, "ground", "default"),
        ({"subject": NOBODY}, "route", "subject"),
        ({"seal": Seal.NONE}, "seal", ""),
        ({"receive": FILE}, "received", ""),
    ],
)
@promise("N1", "N2")
def test_what_widens_a_route(wider: dict[str, Any], what: str, name: str) -> None:
    """Longer, on no consent, about nobody, unsealed, or with more coming back."""
    start = {"ground": GroundId("consent"), "seal": Seal.FIELDS, "receive": None}
    both_ways(with_route(**start), with_route(**(start | wider)), what, name, "widens")


@pytest.mark.parametrize(
    ("one", "other", "what", "name"),
    [
        ({"ground": GroundId("agreement")}, {}, "ground", "default"),
        ({"subject": POINTER}, {}, "route", "subject"),
        ({"purpose_version": 2}, {}, "purpose", "version"),
        ({"receive": FILE}, {"receive": ()}, "received", ""),
        ({"receive": FILE}, {"receive": replace(FILE, content="text/csv")}, "received", ""),
    ],
)
def test_what_has_no_order(one: Any, other: Any, what: str, name: str) -> None:
    """Another ground, another place of the person, another version, another kind of answer."""
    neither_way(with_route(**one), with_route(**other), what, name)


def answering(*fields: ReceivedField) -> Any:
    """The set with these fields coming back from the courier."""
    return with_route(receive=fields)


def test_more_that_comes_back_about_a_person_widens() -> None:
    """A status is nobody's data; a category that comes in is (C5)."""
    status = ReceivedField(selector="/status")
    city = ReceivedField(selector="/city", category=CategoryId("location.coarse"))

    assert told(answering(), answering(status)) == []
    both_ways(answering(status), answering(status, city), "received", "/city", "widens")


def test_a_looser_answer_widens() -> None:
    """A limit on what comes back is one on what is collected."""
    tight = ReceivedField(selector="/a", max_length=10)
    both_ways(
        answering(tight),
        answering(replace(tight, max_length=None)),
        "received",
        "/a max_length",
        "widens",
    )


@promise("N1", "R3")
def test_a_lost_reference_widens() -> None:
    """By which a notice could have named the recipient's own record."""
    kept = ReceivedField(selector="/id", reference=True)
    both_ways(
        answering(kept),
        answering(replace(kept, reference=False)),
        "deletion",
        "/id reference",
        "widens",
    )


def test_a_further_route_widens() -> None:
    """Another way to get data for the same purpose."""
    more = replace(the_route(), id=RouteId("more"), path=("more",))
    both_ways(a_set(), with_partner(routes=(the_route(), more)), "route", "more", "widens")


def test_a_renamed_route_is_the_same() -> None:
    """Same method and path under another id: nothing that counts."""
    renamed = with_route(id=RouteId("renamed"))

    assert told(a_set(), renamed) == []
    assert [one.name for one in compare(a_set(), renamed).differences] == ["id"]


def test_another_address_of_a_route_is_a_detail() -> None:
    """The same recipient gets the same for the same purpose."""
    assert told(a_set(), with_route(path=("v3", "parcels"), idempotency="X-Id")) == []


def test_the_counterpart_of_a_route() -> None:
    """By id, else by method and path, and only for the same purpose."""
    route = the_route()
    renamed = replace(route, id=RouteId("renamed"))
    moved = replace(route, path=("elsewhere",))
    other = replace(route, purpose=PurposeId("payment"))

    assert counterpart(route, (renamed, moved)) == moved
    assert counterpart(route, (renamed,)) == renamed
    assert counterpart(route, (other,)) is None
