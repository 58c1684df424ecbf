"""The OpenAPI document is made of what is routed."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.errors import Reason
from gateway.web import api, cases, keys, openapi, reports
from gateway.web.bodies import ConsentBody, DisclosureBody, EvidenceBody, SubjectBody


def test_every_endpoint_is_in_it() -> None:
    """Method and path of each, with the scope that it needs."""
    paths = openapi.document()["paths"]

    for endpoint in (*api.ENDPOINTS, *cases.ENDPOINTS, *reports.ENDPOINTS, *keys.ENDPOINTS):
        operation = paths[endpoint.path][endpoint.method.lower()]
        assert endpoint.scope in operation["description"]
        assert operation["summary"]
        assert ("requestBody" in operation) is (endpoint.body is not None)


def test_it_names_every_code() -> None:
    """A program can know all refusals beforehand."""
    schema = openapi.document()["components"]["schemas"]["Problem"]

    assert schema["properties"]["code"]["enum"] == sorted(reason.value for reason in Reason)
    assert "disclosed" in schema["required"]


def test_bodies_are_described_in_place() -> None:
    """No reference leads out of an operation's own body."""
    document = openapi.document()
    consents = document["paths"]["/v1/consents"]["post"]["requestBody"]["content"]

    assert "$ref" not in str(consents)
    assert "$defs" not in str(consents)


VALID: dict[Any, dict[str, Any]] = {
    ConsentBody: {
        "subject": "u-1",
        "purpose": "advertising",
        "purpose_version": 1,
        "granted_at": "2026-03-01T12:00:00Z",
        "method": "explicit",
        "evidence": "screen 4",
    },
    SubjectBody: {"minor": True, "territory": "CN", "opt_out": ["sale"], "aliases": ["u-2"]},
    EvidenceBody: {
        "type": "subpoena",
        "reference": "7",
        "partner": "city-court",
        "purposes": ["legal-demand"],
        "expires": "2027-03-01T12:00:00+08:00",
        "may_tell_subject": False,
    },
    DisclosureBody: {
        "subject": "u-1",
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "at": "2026-03-01T12:00:00Z",
    },
}


@pytest.mark.parametrize("kind", VALID, ids=lambda kind: kind.__name__)
def test_a_valid_body_is_taken_and_one_more_member_is_not(kind: Any) -> None:
    """What is not declared is refused, as on the way out."""
    adapter = TypeAdapter(kind)
    assert adapter.validate_python(VALID[kind]) is not None
    with pytest.raises(ValidationError):
        adapter.validate_python({**VALID[kind], "more": 1})


@pytest.mark.parametrize("kind", VALID, ids=lambda kind: kind.__name__)
def test_types_are_not_guessed(kind: Any) -> None:
    """A number is no text, and text is no number, time or boolean."""
    adapter = TypeAdapter(kind)
    for name in VALID[kind]:
        with pytest.raises(ValidationError):
            adapter.validate_python({**VALID[kind], name: {"an": "object"}})
