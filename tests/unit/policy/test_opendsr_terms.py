"""What a manifest says of a recipient that is told in OpenDSR, and what `check` says of it."""

import pytest

from gateway.flows import deletion_terms
from gateway.model.cases import Action
from gateway.model.recipients import Deletion
from gateway.policy.protocols import by_records, carried
from tests.unit.policy.builders import courier, messages, partner

WHOLE = (
    "deletion: {protocol: opendsr, url: https://courier.example/v2, path: /opendsr_requests, "
    "domain: courier.example, certificate: file:keys/courier.pem, regulation: ccpa, "
    "identifiers: {reference: parcel}, fallback: manual}"
)


def a_courier(*changes: tuple[str, str]) -> str:
    """A courier that is told in OpenDSR, with changes to how it is."""
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
    """Everything that it says survives the manifest, and it carries erasure alone."""
    read = terms()
    assert (read.path, read.domain, read.regulation) == (
        "/opendsr_requests",
        "courier.example",
        "ccpa",
    )
    assert read.certificate is not None
    assert read.certificate.endswith("keys/courier.pem")
    assert deletion_terms.loaded(deletion_terms.dumped(read)) == read
    assert messages(a_courier()) == []
    assert {action: carried(read, action) for action in Action} == {
        action: "opendsr" if action is Action.ERASE else "manual" for action in Action
    }
    assert by_records(read, Action.ERASE)
    assert not by_records(terms((", identifiers: {reference: parcel}", "")), Action.ERASE)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("path: /opendsr_requests", "path: opendsr_requests", "a path begins with /"),
        ("path: /opendsr_requests", "path: /../x", "a path begins with /"),
        ("certificate: file:keys/courier.pem", "certificate: env:PEM", "write file:PATH"),
        ("regulation: ccpa", "regulation: pipl", '"pipl" is no value'),
        ("domain: courier.example", "domain: https://courier.example", "a domain is a host name"),
        ("/v2,", "/v2?key=1,", "has a query"),
        (", fallback: manual", "", "cannot carry"),
        ("url: https://courier.example/v2, ", "", "opendsr needs an address"),
        ("protocol: opendsr", "protocol: ddrf", "only protocol opendsr has path"),
    ],
    ids=["path", "up", "certificate", "law", "domain", "query", "fallback", "address", "ddrf"],
)
def test_a_mistake_is_told(old: str, new: str, told: str) -> None:
    """Each mistake is told with what to write instead."""
    assert any(told in message for message in messages(a_courier((old, new))))
