"""
How a recipient is told, as text: kept with what its manifest last said, so that it
is told in the same way when the manifest is gone (contract §9).
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gateway.model.cases import Action
from gateway.model.recipients import Deletion, RestAnswers, RestPoll, RestRequest


def dumped(deletion: Deletion | None) -> dict[str, Any] | None:
    """The terms as JSON has them. Holds references to secrets, never secrets."""
    if deletion is None:
        return None
    return {
        "protocol": deletion.protocol,
        "url": deletion.url,
        "secret": deletion.secret,
        "fallback": deletion.fallback,
        "fallback_to": dumped(deletion.fallback_to),
        "acknowledge_within": _seconds(deletion.acknowledge_within),
        "complete_within": _seconds(deletion.complete_within),
        "response_completes": deletion.response_completes,
        "requests": {action.value: _request(one) for action, one in deletion.requests.items()},
        "domain": deletion.domain,
        "identifiers": dict(deletion.identifiers),
        "path": deletion.path,
        "certificate": deletion.certificate,
        "regulation": deletion.regulation,
    }


def loaded(value: Mapping[str, Any] | None) -> Deletion | None:
    """The terms as they were kept; what an older release did not keep is not there."""
    if value is None:
        return None
    return Deletion(
        protocol=value["protocol"],
        url=value["url"],
        secret=value["secret"],
        fallback=value["fallback"],
        fallback_to=loaded(value.get("fallback_to")),
        acknowledge_within=_span(value["acknowledge_within"]),
        complete_within=_span(value["complete_within"]),
        response_completes=value.get("response_completes", False),
        requests={
            Action(action): _read_request(one) for action, one in value.get("requests", {}).items()
        },
        domain=value.get("domain"),
        identifiers=value.get("identifiers", {}),
        path=value.get("path"),
        certificate=value.get("certificate"),
        regulation=value.get("regulation"),
    )


def _request(one: RestRequest) -> dict[str, Any]:
    return {
        "method": one.method,
        "path": one.path,
        "body": one.body,
        "answers": _answers(one.answers),
        "keep": one.keep,
        "poll": None
        if one.poll is None
        else {
            "path": one.poll.path,
            "every": _seconds(one.poll.every),
            "answers": _answers(one.poll.answers),
        },
    }


def _read_request(value: Mapping[str, Any]) -> RestRequest:
    poll = value["poll"]
    return RestRequest(
        method=value["method"],
        path=value["path"],
        body=value["body"],
        answers=RestAnswers(**value["answers"]),
        keep=value["keep"],
        poll=None
        if poll is None
        else RestPoll(
            path=poll["path"],
            every=timedelta(seconds=poll["every"]),
            answers=RestAnswers(**poll["answers"]),
        ),
    )


def _answers(answers: RestAnswers) -> dict[str, Any]:
    return {
        "statuses": dict(answers.statuses),
        "pointer": answers.pointer,
        "values": dict(answers.values),
    }


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
