"""dsrdelete.json: what is read of another's, and what ours says."""

import json
from typing import Any

import pytest

from gateway.notices.ddrf_discovery import (
    DocumentRefused,
    Supported,
    domain_of,
    own_document,
    published_keys,
    read_document,
)

URL = "https://www.vendor.example/dsrdelete.json"
KEY = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "1"}


def document(**changes: Any) -> bytes:
    """A right one, unless `changes` say otherwise."""
    right = {
        "endpoint": "https://vendor.example/delete",
        "identifiers": [{"id": 1, "type": "ppuid", "format": "plaintext"}],
        "publicKey": [KEY],
        "vendorScriptRequirement": False,
    }
    return json.dumps({**right, **changes}).encode()


def read(body: bytes, url: str = URL) -> Any:
    """As it is read for its own domain."""
    return read_document(body, url=url, domain=domain_of(url))


def test_both_forms_of_keys_are_read() -> None:
    """Files from before version 1.0 hold a JWK Set; others' own members are passed over."""
    old = json.loads(document(pollFrequency=3))
    old["keys"] = {"keys": old.pop("publicKey")}
    for body in (document(), json.dumps(old).encode()):
        found = read(body)
        assert found.keys == (KEY,)
        assert found.identifiers == (Supported(type="ppuid", format="plaintext"),)
        assert published_keys(body) == (KEY,)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://vendor.example/delete",
        "https://www.vendor.example/delete",
        "https://dsr.api.vendor.example:8443/delete?v=1",
    ],
)
def test_an_address_in_its_domain_is_taken(endpoint: str) -> None:
    """A document names an address of its own domain, or below it."""
    assert read(document(endpoint=endpoint)).endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://other.example/delete",
        "https://vendor.example.other.example/delete",
        "https://evilvendor.example/delete",
        "https://vendor.example@other.example/",
        "https://user:pw@vendor.example/",
        "http://vendor.example/delete",
        "ftp://vendor.example/delete",
        "//vendor.example/delete",
        "https://vendor.example:99999/",
        "https://vendor.example/a b",
        "https://vendor.example/#x",
        "https://[::1",
        "",
        None,
        7,
    ],
)
def test_an_address_elsewhere_is_refused(endpoint: Any) -> None:
    """A document is no way to somewhere else: not to another host, nor out of TLS."""
    with pytest.raises(DocumentRefused):
        read(document(endpoint=endpoint))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        document(identifiers=None),
        document(identifiers=[{}] * 1001),
        document(publicKey=None),
        document(publicKey=[]),
        document(publicKey={"keys": 1}),
        document(padding="x" * 65_536),
    ],
    ids=range(10),
)
def test_what_is_no_document_is_refused(body: bytes) -> None:
    """Neither too large nor of another form; the message holds nothing of it."""
    with pytest.raises(DocumentRefused) as caught:
        read(body)
    assert "xx" not in str(caught.value)


def test_identifiers_that_are_written_wrongly_are_left_out() -> None:
    """One bad row does not take the good ones away."""
    rows = [{"type": "a", "format": "raw"}, {"type": 1}, "x", {"type": "b\n", "format": "raw"}]
    assert read(document(identifiers=rows)).identifiers == (Supported(type="a", format="raw"),)


def test_a_script_needs_no_address() -> None:
    """Who takes requests by a browser's script only has no address for us."""
    assert read(document(vendorScriptRequirement=True, endpoint=None)).endpoint is None


def test_ours_can_be_read_by_the_same_rules() -> None:
    """What we publish is what we would read."""
    ours = own_document(endpoint="https://vendor.example/ddrf", types=("subject",), keys=(KEY,))
    found = read(json.dumps(ours).encode())
    assert found.endpoint == "https://vendor.example/ddrf"
    assert found.identifiers == (Supported(type="subject", format="plaintext"),)
