"""Problem documents and their pages (RFC 9457, contract §6)."""

import json

import pytest
from aiohttp import web

from gateway.errors import REASONS, CallerError, Reason
from gateway.flows.answers import Declined, Disclosed, problem
from gateway.web import problems


def body_of(response: web.Response) -> bytes:
    """The body that will be sent."""
    assert isinstance(response.body, bytes)
    return response.body


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_every_reason_is_a_whole_document(reason: Reason) -> None:
    """Status, header and all members, for each code there is."""
    response = problems.respond(problem(reason))
    document = json.loads(body_of(response))

    assert response.content_type == "application/problem+json"
    assert response.headers["Sharing-Refused"] == reason.value
    assert response.status == document["status"] == REASONS[reason].status
    assert document["type"] == f"/problems/{reason.value}"
    assert document["disclosed"] == "no"
    assert "share" not in document
    assert ("WWW-Authenticate" in response.headers) is (response.status == 401)


def test_a_problem_of_a_recorded_share_names_it() -> None:
    """`share` and `Sharing-Id`, and when to come again."""
    told = problem(Reason.OUTCOME_UNKNOWN, disclosed=Disclosed.MAYBE, share="shr_1", retry_after=7)
    response = problems.respond(told)

    assert json.loads(body_of(response))["share"] == "shr_1"
    assert response.headers["Sharing-Id"] == "shr_1"
    assert response.headers["Retry-After"] == "7"


def test_errors_and_answers_become_the_same_kind_of_problem() -> None:
    """Whether it was raised as an error or given as an answer."""
    error = CallerError(Reason.CONSENT_MISSING, "why", clauses=("S1",), remedy="ask")
    raised = problems.of(error)
    given = problems.of(Declined(raised))

    assert raised == given
    assert (raised.detail, raised.clauses, raised.remedy) == ("why", ("S1",), "ask")


def test_an_error_that_nobody_foresaw_says_nothing_of_itself() -> None:
    """500, with no word of what it was; whether data left is not known."""
    response = problems.crashed()
    document = json.loads(body_of(response))

    assert (response.status, document["code"]) == (500, "internal-error")
    assert document["disclosed"] == "maybe"
    assert response.headers["Sharing-Refused"] == "internal-error"


@pytest.mark.parametrize(
    "code", ["", "made-up", "consent-missing/x", "<script>", "Consent-Missing"]
)
def test_a_page_of_no_code_is_not_there(code: str) -> None:
    """What is no code has no page, and is not repeated."""
    response = problems.page(code)

    assert response.status == 404
    assert b"<script>" not in body_of(response)


def test_a_page_runs_nothing() -> None:
    """The page is text, and a browser is told to run nothing of it."""
    response = problems.page("consent-missing")

    assert response.content_type == "text/html"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
