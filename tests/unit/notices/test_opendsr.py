"""OpenDSR outwards, step by step: what comes next, and what an answer means (R3)."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.model.cases import Action, Told
from gateway.model.ids import CategoryId, PurposeId
from gateway.model.recipients import Deletion
from gateway.notices.base import (
    AT_ONCE,
    Answered,
    CallbackRefused,
    Heard,
    Interpreted,
    Request,
    Telling,
    Tools,
)
from gateway.notices.opendsr import DIALECT, hear, interpret, prepare
from gateway.notices.opendsr_words import OpenDsrRefused, read_discovery, read_object, request_id

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
URL = "https://api.vendor.example/v2"
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DISCOVERY: dict[str, Any] = {
    "api_version": "2.0",
    "supported_identities": [
        {"identity_type": "controller_customer_id", "identity_format": "raw"},
        {"identity_type": "order", "identity_format": "raw"},
        {"identity_format": "broken"},
    ],
    "supported_subject_request_types": ["erasure"],
    "processor_certificate": "https://vendor.example/cert.pem",
}


class Wrong(OpenDsrRefused):
    """The signature is not the one that these tests take."""


def verified(spki: bytes, signature: str, message: bytes) -> None:
    """In these tests a right signature is the word `right`."""
    if signature != "right":
        raise Wrong("wrong")


def a_telling(*references: str, again: str = "", **changes: Any) -> Telling:
    """A notice to the vendor, about to be told."""
    told = Told(
        pseudonym="psn-1",
        references=references,
        purposes=(PurposeId("advertising"),),
        categories=(CategoryId("device.id"),),
        only_references=changes.pop("only_references", False),
    )
    terms = {"url": URL, "domain": "vendor.example", **changes}
    return Telling(
        notice="ntc_1",
        action=Action.ERASE,
        told=told,
        issuer="https://sharing.app.example",
        partner="vendor",
        deletion=Deletion(protocol="opendsr", **terms),
        deadline=NOW + timedelta(days=15),
        created=NOW - timedelta(minutes=1),
        attempt_at=NOW,
        receipts_url="https://sharing.app.example/receipts",
        callback_url="https://sharing.app.example/callbacks/opendsr/0",
        stable=b"s" * 16,
        fresh=b"f" * 16,
        again=again,
        tools=Tools(
            sign_webhook=lambda *_: "",
            certify=lambda octets, domain, now: (b"key", now + timedelta(days=30)),
            verify_certified=verified,
        ),
    )


def answered(
    request: Request, value: Any = None, status: int = 200, *, sign: str = "right"
) -> Answered:
    """What came back for a request, signed."""
    headers = {"X-OpenDSR-Processor-Domain": "vendor.example", "X-OpenDSR-Signature": sign}
    return Answered(
        request=request,
        status=status,
        headers=headers,
        body=json.dumps(value or {}).encode(),
        at=NOW,
    )


def after(telling: Telling, said: Interpreted, *, later: timedelta = AT_ONCE) -> Telling:
    """The next step, at once or in a later try."""
    assert said.memory is not None
    return replace(telling, memory=said.memory, attempt_at=telling.attempt_at + later)


def stepped(telling: Telling, *answers: tuple[Any, int]) -> tuple[Telling, Interpreted]:
    """Several steps of one try; the notice then, and what the last one meant."""
    said = Interpreted(event=None)
    for value, status in answers:
        said = interpret(telling, answered(prepare(telling), value, status))
        telling = after(telling, said)
    return telling, said


def ready(telling: Telling) -> Telling:
    """A notice whose recipient's documents have been read."""
    return stepped(telling, (DISCOVERY, 200), (None, 200))[0]


def status(telling: Telling, word: str, **more: Any) -> dict[str, Any]:
    """A status of its request."""
    return {"subject_request_id": telling.memory["id"], "request_status": word, **more}


def told(telling: Telling) -> Telling:
    """A notice that its recipient acknowledged."""
    asked = ready(telling)
    id = json.loads(prepare(asked).body or b"")["subject_request_id"]
    said = interpret(asked, answered(prepare(asked), {"subject_request_id": id}, 201))
    assert said.event == Heard.ACKNOWLEDGED
    return after(asked, said)


def test_it_asks_for_documents_and_then_for_the_erasure() -> None:
    """Discovery, certificate, request: the last alone names the person, and by its pseudonym."""
    telling = a_telling(path="/opendsr_requests", regulation="ccpa")
    first = prepare(telling)
    second_at = after(telling, interpret(telling, answered(first, DISCOVERY)))
    second, third = prepare(second_at), prepare(ready(telling))
    body = json.loads(third.body or b"")

    assert (first.method, first.url) == ("GET", f"{URL}/discovery")
    assert (second.method, second.url) == ("GET", "https://vendor.example/cert.pem")
    assert (third.method, third.url) == ("POST", f"{URL}/opendsr_requests")
    assert first.cached and second.cached and not third.cached
    assert b"psn-1" not in first.url.encode() + second.url.encode()
    assert body["subject_identities"] == [
        {
            "identity_type": "controller_customer_id",
            "identity_value": "psn-1",
            "identity_format": "raw",
        }
    ]
    assert (body["regulation"], body["submitted_time"]) == ("ccpa", "2026-11-22T11:59:00.000Z")
    assert body["status_callback_urls"] == [telling.callback_url]
    assert "psn-1" not in repr(third)


def test_a_request_has_one_id_until_it_is_told_anew() -> None:
    """A lowercase UUID v4: the same in every try, and another one in the next telling."""

    def id(telling: Telling) -> str:
        found: str = json.loads(prepare(ready(telling)).body or b"")["subject_request_id"]
        return found

    one = id(a_telling())
    tries = {id(a_telling()), id(replace(a_telling(), fresh=b"g" * 16, notice="ntc_1"))}
    assert tries == {one}
    assert id(a_telling(again="2026-11-23")) != one
    assert all(UUID4.fullmatch(request_id(bytes([n]))) for n in range(64))


@pytest.mark.parametrize(
    ("given", "means"),
    [
        ((("LO-1",), {}, False), ["psn-1"]),
        (
            (("LO-1",), {"pseudonym": "controller_customer_id", "reference": "order"}, False),
            ["psn-1", "LO-1"],
        ),
        ((("LO-1", "LO-2"), {"reference": "order"}, False), ["LO-1", "LO-2"]),
        (
            (("LO-1",), {"pseudonym": "controller_customer_id", "reference": "order"}, True),
            ["LO-1"],
        ),
        (((), {"reference": "order"}, False), None),
        ((("LO-1",), {"pseudonym": "email"}, False), None),
        ((("LO-1",), {}, True), None),
    ],
    ids=["usual", "both", "records", "a-part", "none-given", "not-known", "no-word"],
)
def test_whom_it_means_is_said_by_what_the_recipient_has(given: Any, means: Any) -> None:
    """Where what it was given cannot be said to it, a person tells it, and nothing is sent."""
    references, identifiers, part = given
    telling = a_telling(*references, identifiers=identifiers, only_references=part)
    said = interpret(telling, answered(prepare(telling), DISCOVERY))
    if means is None:
        assert (said.hand_over, said.reason) == (True, "opendsr-identity")
        return
    asked = prepare(stepped(after(telling, said), (None, 200))[0])
    body = json.loads(asked.body or b"")
    assert [one["identity_value"] for one in body["subject_identities"]] == means


@pytest.mark.parametrize(
    ("word", "event", "reason", "goes_on"),
    [
        ("pending", None, None, True),
        ("in_progress", Heard.IN_PROGRESS, None, True),
        ("completed", Heard.COMPLETED, None, False),
        ("cancelled", Heard.REFUSED, "cancelled", False),
    ],
)
def test_what_a_signed_status_means(
    word: str, event: Heard | None, reason: str | None, goes_on: bool
) -> None:
    """Each word has its event; what was said before is none; nothing follows a final one."""
    telling = replace(told(a_telling()), attempt_at=NOW + timedelta(hours=1))
    polling, _ = stepped(telling, (DISCOVERY, 200), (None, 200))
    said = interpret(polling, answered(prepare(polling), status(polling, word)))
    assert (said.event, said.reason) == (event, reason)
    assert (said.follow_up is not None) == goes_on
    assert (said.signed is not None) == (event is not None)
    if said.signed is not None:
        proof = json.loads(said.signed.token)
        assert (proof["request_status"], proof["signature"]) == (word, "right")
        assert "psn-1" not in said.signed.token


def test_it_is_asked_ever_more_seldom_and_when_it_expects_to_be_done() -> None:
    """An hour after the request, then as long as the request is old, a day at the most."""
    telling = told(a_telling())
    pauses = []
    for hours in (1, 2, 5, 30, 300):
        at = replace(telling, attempt_at=NOW + timedelta(hours=hours))
        polling, _ = stepped(at, (DISCOVERY, 200), (None, 200))
        later = replace(answered(prepare(polling), status(polling, "pending")), at=at.attempt_at)
        said = interpret(polling, later)
        assert said.follow_up is not None
        pauses.append(said.follow_up / timedelta(hours=1))
    assert pauses == [1, 2, 5, 24, 24]
    soon = (NOW + timedelta(hours=8)).isoformat()
    at = replace(telling, attempt_at=NOW + timedelta(hours=6))
    polling, _ = stepped(at, (DISCOVERY, 200), (None, 200))
    expects = status(polling, "pending", expected_completion_time=soon)
    said = interpret(polling, replace(answered(prepare(polling), expects), at=at.attempt_at))
    assert said.follow_up == timedelta(hours=2, minutes=1)


def test_a_request_that_got_lost_is_made_again_some_times() -> None:
    """A recipient that does not know its request any more gets it again, under its id."""
    telling = told(a_telling())
    ids, said = set(), Interpreted(event=None)
    for turn in range(1, 5):
        telling = replace(telling, attempt_at=NOW + timedelta(hours=turn))
        polling, _ = stepped(telling, (DISCOVERY, 200), (None, 200))
        said = interpret(polling, answered(prepare(polling), None, 404))
        if said.hand_over:
            break
        again = replace(after(polling, said), attempt_at=NOW + timedelta(hours=turn, minutes=30))
        again, _ = stepped(again, (DISCOVERY, 200), (None, 200))
        request = prepare(again)
        ids.add(json.loads(request.body or b"")["subject_request_id"])
        telling = after(again, interpret(again, answered(request, None, 201)))
    assert (turn, said.reason, len(ids)) == (4, "opendsr-unknown", 1)


def test_a_callback_before_the_certificate_was_read_is_not_believed() -> None:
    """Who calls before it was told, or after its certificate ended, proves nothing."""
    telling = told(a_telling())
    headers = {"x-opendsr-processor-domain": "VENDOR.example", "x-opendsr-signature": "ri ght"}
    said = status(telling, "completed", status_callback_url=telling.callback_url)
    body = json.dumps(said).encode()
    assert hear(telling, headers, body).event == Heard.COMPLETED
    late = replace(telling, attempt_at=NOW + timedelta(days=31))
    for one in (replace(telling, memory={}), late):
        with pytest.raises(CallbackRefused) as raised:
            hear(one, headers, body)
        assert raised.value.status == 401
    assert DIALECT.heard_status == 202


@pytest.mark.parametrize(
    "change",
    [
        {"processor_certificate": "https://other.example/cert.pem"},
        {"processor_certificate": "http://vendor.example/cert.pem"},
        {"processor_certificate": "https://[vendor.example/"},
        {"processor_certificate": "https://vendor.example:99999/cert.pem"},
        {"processor_certificate": "https://vendor.example/a cert.pem"},
        {"processor_certificate": None},
        {"supported_identities": "all"},
        {"supported_subject_request_types": None},
    ],
    ids=["elsewhere", "downgrade", "no-url", "port", "space", "none", "identities", "types"],
)
def test_a_discovery_leads_nowhere_else(change: dict[str, Any]) -> None:
    """A certificate is of the processor's own domain, and never over a weaker way."""
    body = json.dumps({**DISCOVERY, **change}).encode()
    with pytest.raises(OpenDsrRefused):
        read_discovery(body, url=f"{URL}/discovery", domain="vendor.example")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b'{"a": 1, "a": 2}', b"[" * 70_000, b" " * 70_000]
)
def test_what_is_read_is_one_object_without_repeats(body: bytes) -> None:
    """Of a member that stands twice nobody knows which one was meant."""
    with pytest.raises(OpenDsrRefused):
        read_object(body)
