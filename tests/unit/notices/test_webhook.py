"""The default protocol: what is sent, and how an answer is read."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from standardwebhooks import Webhook

from gateway.model.cases import Action
from gateway.notices.base import Heard, Interpreted
from gateway.notices.webhook import (
    MAX_BODY,
    REFERENCES_BUDGET,
    NoticeTooLarge,
    interpret,
)
from gateway.recipient import RecipientError, verify_notice
from gateway.seal.webhooks import webhook_shared_signature
from tests.unit.notices.builders import (
    ISSUER,
    JWKS,
    KEY,
    NOW,
    a_request,
    a_told,
    vectors,
)

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def test_the_body_is_the_contracts() -> None:
    """A notice says who, by which ids, about what, until when, and where to answer."""
    request = a_request()

    assert request.url == "https://api.swift-parcel.example/privacy/notices"
    assert json.loads(request.body) == {
        "type": "subject.erase",
        "timestamp": "2026-11-22T07:00:05.678Z",
        "data": {
            "notice": "ntc_1",
            "issuer": ISSUER,
            "partner": "swift-parcel",
            "subject": "h5id367j5jebhels2yrlvzk6nz",
            "references": ["SP-1", "SP-2"],
            "purposes": ["order-fulfilment"],
            "categories": ["basic.name", "basic.phone"],
            "deadline": "2026-12-07T10:00:05.678Z",
            "receipts": f"{ISSUER}/receipts",
        },
    }
    assert dict(request.headers) | {"webhook-signature": ""} == {
        "content-type": "application/json",
        "webhook-id": "ntc_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": "",
    }


def test_a_part_says_which_of_how_many() -> None:
    """Further notices of one recipient are numbered; a single one has no number."""
    data = json.loads(a_request(told=a_told(part=2, parts=3)).body)["data"]

    assert (data["part"], data["parts"]) == (2, 3)
    assert not {"part", "parts"} & json.loads(a_request().body)["data"].keys()


def test_a_notice_about_records_alone_says_so() -> None:
    """Where newer records may stay a notice says that it means its references alone (P6)."""
    data = json.loads(a_request(told=a_told(only_references=True)).body)["data"]

    assert data["only_references"] is True
    assert "only_references" not in json.loads(a_request().body)["data"]


@pytest.mark.parametrize("action", list(Action))
def test_the_type_names_the_action(action: Action) -> None:
    """What is asked for stands in the type."""
    assert json.loads(a_request(action=action).body)["type"] == f"subject.{action.value}"


def test_every_attempt_has_the_same_id_and_bytes() -> None:
    """A notice that is tried again is the same message, signed at another time."""
    first, second = a_request(), a_request(attempt_at=NOW + timedelta(hours=6))
    before, after = dict(first.headers), dict(second.headers)

    assert first.body == second.body
    assert before["webhook-id"] == after["webhook-id"]
    assert int(after["webhook-timestamp"]) - int(before["webhook-timestamp"]) == 6 * 3600
    assert before["webhook-signature"] != after["webhook-signature"]


def test_times_are_told_in_utc() -> None:
    """Whatever zone a time comes in, a notice writes it with Z."""
    there = NOW.astimezone(datetime.strptime("+0800", "%z").tzinfo)

    assert a_request(deadline=there).body == a_request(deadline=NOW).body


def test_a_notice_verifies_with_nothing_but_ed25519() -> None:
    """The signature is Ed25519 over id, timestamp and raw body, as the standard has it."""
    request = a_request()
    headers = dict(request.headers)
    version, _, text = headers["webhook-signature"].partition(",")
    body = request.body or b""
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    public = KEY.private.public_key()

    assert version == "v1a"
    public.verify(base64.b64decode(text), message)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(text), message + b" ")


def test_a_notice_verifies_with_the_recipient_kit() -> None:
    """The kit that recipients use reads the notice, and refuses it when it was changed."""
    request = a_request()
    notice = verify_notice(dict(request.headers), request.body, JWKS, now=NOW)

    assert (notice.id, notice.type) == ("ntc_1", "subject.erase")
    assert notice["references"] == ["SP-1", "SP-2"]
    body = request.body or b""
    for changed in (body.replace(b"SP-1", b"SP-9"), body + b" "):
        with pytest.raises(RecipientError):
            verify_notice(dict(request.headers), changed, JWKS, now=NOW)


def test_a_shared_secret_signs_too() -> None:
    """
    Where a manifest names a secret, the standard's own library verifies the
    notice by it, and the kit still does by the key.
    """
    at = datetime.now(UTC)
    request = a_request(
        shared=lambda id, seconds, body: webhook_shared_signature(SECRET, id, seconds, body),
        attempt_at=at,
    )
    headers = dict(request.headers)

    entries = headers["webhook-signature"].split(" ")
    assert [entry.partition(",")[0] for entry in entries] == ["v1a", "v1"]
    assert Webhook(SECRET).verify(request.body, headers) == json.loads(request.body)
    assert verify_notice(headers, request.body, JWKS, now=at).id == "ntc_1"


def test_a_full_notice_stays_below_twenty_thousand_bytes() -> None:
    """With all the references it may hold and long lists beside, a notice is small enough."""
    references = [f"{number:040d}" for number in range(REFERENCES_BUDGET // 43)]
    told = a_told(
        *references,
        pseudonym="p" * 64,
        purposes=tuple(f"{number:063d}" for number in range(40)),
        categories=tuple(f"{number:063d}" for number in range(60)),
    )

    assert len(a_request(told=told, partner="p" * 63, notice_id="n" * 63).body) < MAX_BODY


def test_references_are_counted_as_they_are_written() -> None:
    """A reference in any script takes as many bytes as the plan counted for it."""
    reference = "单号😀\n"
    with_it, without = a_request(told=a_told("x", reference)), a_request(told=a_told("x"))

    assert len(with_it.body) - len(without.body) == len(json.dumps(reference)) + 1
    assert json.loads(with_it.body)["data"]["references"] == ["x", reference]


def test_what_does_not_fit_is_not_sent() -> None:
    """A reference beyond every bound is an error that a person sees, and tells nothing."""
    with pytest.raises(NoticeTooLarge) as refused:
        a_request(told=a_told("x" * MAX_BODY))

    assert "xxx" not in str(refused.value)


def read(status: int, body: Any = b"", **headers: str) -> Interpreted:
    """How an answer is read."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return interpret(status, named, raw, now=NOW)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_takes_the_notice(status: int) -> None:
    """Any 2xx means that the notice arrived."""
    assert read(status) == Interpreted(event=Heard.ATTEMPTED_OK)


@pytest.mark.parametrize("word", ["acknowledged", "in-progress"])
def test_a_2xx_may_say_how_far_it_is(word: str) -> None:
    """A body may acknowledge a notice, or say that work on it has begun."""
    assert read(200, {"status": word, "more": 1}).event == word


@pytest.mark.parametrize(
    "body",
    [
        {"status": "completed"},
        {"status": "refused"},
        {"status": "partial"},
        {"status": "Acknowledged"},
        {"status": ["acknowledged"]},
        {"data": {"status": "acknowledged"}},
        ["acknowledged"],
        "acknowledged",
        None,
        b"acknowledged",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
    ],
)
def test_a_2xx_says_nothing_else(body: Any) -> None:
    """That data is gone needs a signature: no body of an answer completes a notice."""
    assert read(200, body) == Interpreted(event=Heard.ATTEMPTED_OK)


def test_410_is_gone() -> None:
    """A recipient that is gone for good is said to be so."""
    assert read(410, {"status": "acknowledged"}) == Interpreted(event=Heard.GONE, reason="gone")


@pytest.mark.parametrize("status", [100, 301, 302, 307, 308, 400, 401, 404, 408, 429, 500, 503])
def test_everything_else_is_tried_again(status: int) -> None:
    """Neither a redirect nor an error counts as taken, whatever its body says."""
    said = read(status, {"status": "acknowledged"})

    assert said == Interpreted(event=None, reason=f"http-{status}")


CASES = vectors("retry_after.json")["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["value"])
def test_retry_after_is_read_as_the_rfc_has_it(case: dict[str, Any]) -> None:
    """Whole seconds and dates are understood; fractions and garbage are as if absent."""
    at = case.get("at_unix")
    now = datetime.fromtimestamp(at - 90 if at else 0, UTC)
    said = interpret(503, {"Retry-After": case["value"]}, b"", now=now)

    assert said.retry_after == (90 if at else case.get("delay_s"))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("9" * 18, 10**9),
        ("9" * 5000, 10**9),
        ("-5", None),
        ("٣", None),
        ("", None),
        ("Sun, 22 Nov 2026 10:01:05 GMT", 59),
        ("Sunday, 22-Nov-26 10:01:05 GMT", 59),
        ("Sun Nov 22 10:01:05 2026", 59),
        ("Sun, 22 Nov 2026 10:00:05 GMT", None),
        ("Sun, 22 Nov 2015 10:00:05 GMT", None),
        ("Sun, 99 Nov 2026 10:00:05 GMT", None),
        ("Sun, 22 Nov 99999999 10:00:05 GMT", None),
    ],
)
def test_retry_after_in_every_spelling(value: str, seconds: int | None) -> None:
    """All three date forms count, in the past none does, and no number is too large."""
    assert read(429, retry_after=value).retry_after == seconds


def test_a_date_counts_from_the_answers_own_clock() -> None:
    """Without a clock of ours, a date is read against the one that the answer shows."""
    headers = {
        "RETRY-AFTER": "Sun, 22 Nov 2026 10:01:05 GMT",
        "Date": "Sun, 22 Nov 2026 10:00:35 GMT",
    }

    assert interpret(503, headers, b"").retry_after == 30
    assert interpret(503, {"retry-after": headers["RETRY-AFTER"]}, b"").retry_after is None
    assert interpret(503, {"retry-after": "30"}, b"").retry_after == 30


def test_taken_means_no_waiting() -> None:
    """A Retry-After on an answer that took the notice delays nothing."""
    assert read(200, retry_after="60").retry_after is None
