"""What a manifest says of a recipient that is told in DDRF, and what `check` says of it."""

import pytest

from gateway.flows import deletion_terms
from gateway.model.cases import Action
from gateway.model.recipients import Deletion
from gateway.policy.notice_terms import ways
from gateway.policy.protocols import by_records, carried
from tests.unit.policy.builders import courier, messages, partner

WHOLE = (
    "deletion: {protocol: ddrf, url: https://courier.example/dsrdelete.json, "
    "domain: courier.example, identifiers: {pseudonym: ppuid, reference: parcel}, "
    "fallback: manual}"
)


def a_courier(*changes: tuple[str, str]) -> str:
    """A courier that is told in DDRF, with changes to how it is."""
    text = WHOLE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return courier(("deletion: {protocol: manual}", text))


def terms(*changes: tuple[str, str]) -> Deletion:
    """The terms of such a courier."""
    deletion = partner(a_courier(*changes)).deletion
    assert deletion is not None
    return deletion


def test_a_whole_one_is_read_and_kept() -> None:
    """Its domain and its words for our identifiers survive the manifest."""
    read = terms()
    assert (read.domain, read.identifiers) == (
        "courier.example",
        {"pseudonym": "ppuid", "reference": "parcel"},
    )
    assert deletion_terms.loaded(deletion_terms.dumped(read)) == read
    assert messages(a_courier()) == []


def test_it_carries_erasure_and_says_what_it_does_not() -> None:
    """Erase goes by it, the rest by the fallback; and that it never completes is said."""
    read = terms()
    assert {action: carried(read, action) for action in Action} == {
        action: "ddrf" if action is Action.ERASE else "manual" for action in Action
    }
    assert any("never completes" in line for line in ways("courier", read))


def test_records_are_named_only_where_their_type_is() -> None:
    """A part of a person's records can be told where the manifest names the type of their ids."""
    assert by_records(terms(), Action.ERASE)
    assert not by_records(terms((", reference: parcel", "")), Action.ERASE)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("domain: courier.example", "domain: https://courier.example", "a domain is a host name"),
        ("pseudonym: ppuid, ", "email: ppuid, ", 'unknown key "email"'),
        (
            "identifiers: {pseudonym: ppuid, reference: parcel}, ",
            "",
            "write identifiers: {pseudonym: TYPE}",
        ),
        (", fallback: manual", "", "cannot carry"),
        ("url: https://courier.example/dsrdelete.json, ", "", "ddrf needs an address"),
        (
            "protocol: ddrf",
            "protocol: standard-webhooks",
            "only protocol ddrf or opendsr has domain",
        ),
    ],
    ids=["domain", "kind", "no-types", "no-fallback", "no-address", "webhooks"],
)
def test_a_mistake_is_told(old: str, new: str, told: str) -> None:
    """Each mistake is told with what to write instead."""
    assert any(told in message for message in messages(a_courier((old, new))))
