"""Protocol `rest`, step by step, without anybody on the other side."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.model.cases import Action
from gateway.model.recipients import Deletion, RestAnswers, RestPoll, RestRequest
from gateway.notices.base import (
    AT_ONCE,
    Answered,
    CannotCarry,
    Heard,
    Interpreted,
    Telling,
    Tools,
)
from gateway.notices.rest import DIALECT, interpret, prepare
from tests.unit.notices.builders import CREATED, ISSUER, NOW, a_told, signed

URL = "https://api.swift-parcel.example/v2/"
EACH = RestRequest(
    method="DELETE",
    path="/records/{reference}",
    answers=RestAnswers(statuses={"2xx": "completed", "404": "not-found", "409": "refused"}),
)
JOB = RestRequest(
    method="POST",
    path="/erasures?by={notice}",
    body={"who": "{pseudonym}", "ids": "{references}", "n": 1, "why": ["{action}", "{purposes}"]},
    answers=RestAnswers(statuses={"202": "acknowledged"}),
    keep="/id",
    poll=RestPoll(
        path="/jobs/{kept}",
        every=timedelta(hours=6),
        answers=RestAnswers(pointer="/state", values={"done": "completed", "busy": "in-progress"}),
    ),
)


def a_telling(request: RestRequest = EACH, **changes: Any) -> Telling:
    """One step of a notice to the courier."""
    given: dict[str, Any] = {
        "notice": "ntc_1",
        "action": Action.ERASE,
        "told": a_told("SP/1", "SP-2"),
        "issuer": ISSUER,
        "partner": "swift-parcel",
        "deletion": Deletion(protocol="rest", url=URL, requests={Action.ERASE: request}),
        "deadline": NOW + timedelta(days=15),
        "created": CREATED,
        "attempt_at": NOW,
        "receipts_url": f"{ISSUER}/receipts",
        "callback_url": f"{ISSUER}/callbacks/rest/0",
        "stable": bytes(16),
        "fresh": bytes(16),
        "tools": Tools(sign_webhook=signed),
    }
    return Telling(**given | changes)


def step(
    telling: Telling, status: int, body: bytes = b"", **headers: str
) -> tuple[Telling, Interpreted]:
    """One request and its answer; the next step, and what was heard."""
    request = prepare(telling)
    answered = Answered(request=request, status=status, headers=headers, body=body, at=NOW)
    heard = interpret(telling, answered)
    memory = telling.memory if heard.memory is None else heard.memory
    return replace(telling, memory=memory), heard


def test_each_id_is_a_request_of_its_own() -> None:
    """An id stands in its path as one segment, whatever it is made of."""
    first = a_telling()
    second, heard = step(first, 204)

    assert prepare(first).url == "https://api.swift-parcel.example/v2/records/SP%2F1"
    assert prepare(second).url == "https://api.swift-parcel.example/v2/records/SP-2"
    assert (prepare(first).method, prepare(first).body) == ("DELETE", None)
    assert (heard.event, heard.follow_up) == (Heard.ATTEMPTED_OK, AT_ONCE)
    assert step(second, 204)[1].event == Heard.COMPLETED


@pytest.mark.parametrize(
    ("statuses", "event", "reason"),
    [
        ((204, 204), Heard.COMPLETED, None),
        ((204, 404), Heard.COMPLETED, None),
        ((404, 404), Heard.COMPLETED, "not-found"),
        ((409, 204), Heard.PARTIAL, None),
        ((409, 409), Heard.REFUSED, None),
        ((204, 500), None, "partly"),
        ((500, 204), None, "partly"),
        ((204, 410), Heard.GONE, "gone"),
        ((204, 301), None, "partly"),
    ],
)
def test_a_notice_is_as_far_as_its_last_record(
    statuses: tuple[int, int], event: str | None, reason: str | None
) -> None:
    """Nothing is complete before every record is."""
    second, _ = step(a_telling(), statuses[0])
    _, heard = step(second, statuses[1])

    assert heard.event == event
    assert heard.reason == reason or (heard.reason or "").startswith("http-")


def test_what_failed_is_made_again_and_nothing_else() -> None:
    """The next try begins with the record that failed, and ends with it."""
    second, heard = step(a_telling(), 500)
    assert (heard.event, heard.follow_up) == (None, AT_ONCE)
    again, heard = step(second, 204)
    assert (heard.event, heard.follow_up) == (None, None)

    assert prepare(again).url.endswith("SP%2F1")
    assert step(again, 204)[1].event == Heard.COMPLETED


def test_who_wants_to_be_left_alone_is_left_alone_with_all_of_it() -> None:
    """After a 429 no other record is told, and `Retry-After` is obeyed."""
    _, heard = step(a_telling(), 429, **{"Retry-After": "120"})

    assert (heard.event, heard.follow_up, heard.retry_after) == (None, None, 120)


def test_a_body_holds_what_the_template_names_and_nothing_else() -> None:
    """Lists are lists, what is no text stays as it is, and the person is a pseudonym."""
    request = prepare(a_telling(JOB))

    assert request.url == "https://api.swift-parcel.example/v2/erasures?by=ntc_1"
    assert json.loads(request.body or b"") == {
        "who": a_told().pseudonym,
        "ids": ["SP/1", "SP-2"],
        "n": 1,
        "why": ["erase", ["order-fulfilment"]],
    }
    assert dict(request.headers)["idempotency-key"] == "ntc_1"


def test_a_job_is_asked_for_by_its_own_id() -> None:
    """What the answer named is kept; a poll that says nothing new changes nothing."""
    waiting, heard = step(a_telling(JOB), 202, b'{"id": 7}')
    assert (heard.event, heard.follow_up) == (Heard.ACKNOWLEDGED, timedelta(hours=6))
    asked = prepare(waiting)
    assert (asked.method, asked.url, asked.body) == (
        "GET",
        "https://api.swift-parcel.example/v2/jobs/7",
        None,
    )

    waiting, heard = step(waiting, 200, b'{"state": "else"}')
    assert (heard.event, heard.follow_up) == (Heard.ACKNOWLEDGED, timedelta(hours=6))
    waiting, heard = step(waiting, 502)
    assert (heard.event, heard.follow_up, heard.reason) == (None, None, "http-502")
    waiting, heard = step(waiting, 200, b'{"state": "busy"}')
    assert (heard.event, heard.follow_up) == (Heard.IN_PROGRESS, timedelta(hours=6))
    _, heard = step(waiting, 200, b'{"state": "done"}')
    assert (heard.event, heard.follow_up) == (Heard.COMPLETED, None)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"not json", b'{"id": null}', b'{"id": ""}'),
        b'{"id": ".."}',
        # No URL can hold half of a surrogate pair.
        b'{"id": "7\\ud800"}',
    ],
)
def test_an_answer_without_the_job_is_none(body: bytes) -> None:
    """Who cannot be asked later has not taken the notice."""
    _, heard = step(a_telling(JOB), 202, body)

    assert (heard.event, heard.follow_up) == (None, None)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (EACH, a_told("..")),
        (EACH, a_told("SP-1", ".")),
        (EACH, replace(a_told(), references=())),
        (JOB, replace(a_told(), only_references=True)),
        (replace(JOB, body={"ids": "{references}"}), replace(a_told(), references=())),
    ],
)
def test_what_would_name_another_is_not_sent(request_: RestRequest, told: Any) -> None:
    """A segment of dots, nobody, or the whole person where some records are meant."""
    telling = a_telling(request_, told=told)

    with pytest.raises(CannotCarry):
        while True:
            telling, _ = step(telling, 204)


def test_an_action_without_a_request_is_not_carried() -> None:
    """What the manifest does not declare is not invented."""
    with pytest.raises(CannotCarry):
        prepare(a_telling(action=Action.RECTIFY))


def test_nothing_of_the_person_is_printed() -> None:
    """A telling or a request in a log line or a traceback gives nothing away."""
    telling, heard = step(a_telling(JOB), 202, b'{"id": "job-of-zhang"}')

    for shown in (repr(telling), repr(heard), repr(replace(prepare(telling), url=""))):
        assert a_told().pseudonym not in shown
        assert "zhang" not in shown
        assert "SP-2" not in shown


def test_it_settles_by_response() -> None:
    """Its answers are no signatures, and are shown as what they are."""
    assert (DIALECT.settles, DIALECT.remembers, DIALECT.hear) == ("response", True, None)
