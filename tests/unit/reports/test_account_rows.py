"""The rows of an account are what their leaves say, however they are put together."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.policyset import PolicySet
from gateway.reports.account_rows import AccountRows
from tests.unit.reports.builders import the_policy

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
WORDS = st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable()) | st.sampled_from(
    ['"grant":"', '"id":"x"', "\\", "%s", "{0}", '","share":"', "字段", "a\nb"]
)


def an_intent(place: int, **members: Any) -> entries.Leaf:
    """The leaf of a share, as every share writes it."""
    given = {
        "id": f"leaf_{place:032x}",
        "at": NOW + timedelta(seconds=place),
        "share": f"shr_{place:032x}",
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "ground": "core-function",
        "fields": ("/recipient/name",),
        "categories": ("basic.name",),
        "edition": "2026-1",
        "service": "orders",
        "grant": f"{place:064x}",
        "retention_until": NOW + timedelta(days=30 + place),
        "territory": "CN",
        "subject": f"{place:064x}",
    }
    return entries.intent(**{**given, **members})


def a_declaration(place: int, **members: Any) -> entries.Leaf:
    """The leaf of what left beside the gateway."""
    leaf = an_intent(place, **members)
    named = ("share", "partner", "purpose", "purpose_version", "ground", "fields", "categories")
    return entries.declared(
        id=leaf["id"],
        at=NOW,
        disclosed_at=NOW - timedelta(days=place),
        **{name: leaf[name] for name in named},
        edition=leaf["edition"],
        service=leaf["service"],
        retention_until=NOW + timedelta(days=place),
        territory=leaf["territory"],
        reference=f"{place:064x}" if place % 2 else None,
        subject=leaf["subject"],
    )


def expected(index: int, leaf: entries.Leaf, outcome: str | None, policy: PolicySet) -> Any:
    """The row by the contract, member by member."""
    partner = policy.partners.get(leaf["partner"])
    alike = ("share", "kind", "fields", "categories", "purpose", "purpose_version", "ground")
    return {
        **{name: leaf[name] for name in (*alike, "partner", "retention_until", "territory")},
        "name": partner.name if partner else leaf["partner"],
        "contact": partner.contact if partner else None,
        "at": leaf.get("disclosed_at", leaf["at"]),
        "outcome": outcome,
        "index": index,
    }


def rows_of(leaves: list[entries.Leaf], outcome: str | None = "delivered") -> list[Any]:
    """Rows of these leaves, as whoever reads the answer has them."""
    account = AccountRows(the_policy())
    return [
        json.loads(account.row(index, canonical(leaf).decode(), outcome))
        for index, leaf in enumerate(leaves)
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "partner": st.sampled_from(["swift-parcel", "gone-since"]) | WORDS,
                "fields": st.lists(WORDS, max_size=3).map(tuple),
                "categories": st.lists(WORDS, max_size=3).map(tuple),
                "ground": WORDS,
                "territory": WORDS,
                "service": WORDS,
                "kind": st.sampled_from(["intent", "transfer", "public-disclosure"]),
                "evidence": st.just("e" * 64),
                "subject": st.none(),
            },
        ),
        max_size=4,
    )
)
def test_a_row_says_what_its_leaf_says(changes: list[dict[str, Any]]) -> None:
    """Whatever stands in the documents, each share keeps its own fields, times and ids."""
    leaves = [an_intent(place, **members) for place, members in enumerate([*changes, *changes])]

    assert rows_of(leaves) == [
        expected(index, leaf, "delivered", the_policy()) for index, leaf in enumerate(leaves)
    ]


def test_what_was_declared_has_the_time_at_which_it_left() -> None:
    """A declared disclosure is told by when it left and not by when it was written down."""
    leaves = [a_declaration(place) for place in range(6)]

    assert rows_of(leaves) == [
        expected(index, leaf, "delivered", the_policy()) for index, leaf in enumerate(leaves)
    ]


def test_an_open_share_has_no_outcome() -> None:
    """Of a share that is under way nobody can say yet what became of it."""
    (row,) = rows_of([an_intent(0)], None)

    assert row["outcome"] is None


def test_a_thousand_shares_of_one_route_are_read_once() -> None:
    """What leaves of a route have in common is understood once, however many there are."""
    account = AccountRows(the_policy())
    rows = [account.row(place, canonical(an_intent(place)).decode(), None) for place in range(1000)]

    assert account.forms == 1
    assert len({json.loads(row)["share"] for row in rows}) == 1000
