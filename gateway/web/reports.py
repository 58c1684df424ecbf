"""The endpoints of reports: who is affected, who must be asked again, and what is counted."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from gateway.access import scopes
from gateway.errors import CallerError, Reason
from gateway.flows import affected as streams
from gateway.flows import reports
from gateway.flows.gateway import Gateway
from gateway.model.ids import CategoryId
from gateway.reports.access_page import access_page
from gateway.reports.affected import Question
from gateway.reports.period import Period
from gateway.reports.processing import records_page
from gateway.reports.scorecard import scorecard_csv, scorecard_page
from gateway.reports.sharing import sharing_page
from gateway.reports.transparency import transparency_page
from gateway.web.api import Call, Endpoint, Handler
from gateway.web.pruning import ENDPOINTS as PRUNING
from gateway.web.requests import json_response, query_of
from gateway.web.streams import html_page, lines, prefers_html

Report = Callable[[Gateway, Period, str], Awaitable[dict[str, Any]]]
Page = Callable[[dict[str, Any]], str]

# Who reads a list of people reads their records.
NAMES_PEOPLE = (scopes.SUBJECT_READ,)


async def get_affected(here: Call) -> web.StreamResponse:
    """Exactly whose data a recipient got, streamed (P8)."""
    query = query_of(here.request)
    question = Question(
        partner=query.get("partner") or None,
        period=reports.period_of(query.get("from"), query.get("to")),
        purpose=query.get("purpose") or None,
        category=CategoryId(query["category"]) if query.get("category") else None,
    )
    found = await streams.affected(here.gateway, question, here.service.name)
    return await lines(here.request, found)


async def get_ask_again(here: Call) -> web.StreamResponse:
    """Who must be asked again, streamed (S2)."""
    purpose = query_of(here.request).get("purpose") or None
    found = await streams.ask_again(here.gateway, purpose, here.service.name)
    return await lines(here.request, found)


def _counted(report: Report, page: Page) -> Handler:
    """A report as JSON, or as a page where that is preferred."""

    async def handler(here: Call) -> web.StreamResponse:
        query = query_of(here.request)
        period = reports.period_of(query.get("from"), query.get("to"))
        value = await report(here.gateway, period, here.service.name)
        if prefers_html(here.request.headers.get("Accept", "")):
            return html_page(page(value))
        return json_response(value, headers={"Vary": "Accept"})

    return handler


async def get_scorecard(here: Call) -> web.StreamResponse:
    """How each recipient answers: JSON, CSV, or a page (R3)."""
    query = query_of(here.request)
    period = reports.period_of(query.get("from"), query.get("to"))
    form = query.get("format")
    if form not in (None, "json", "csv", "html"):
        raise CallerError(Reason.REQUEST_INVALID, "format: write json, csv or html")
    accept = here.request.headers.get("Accept", "")
    value = await reports.scored(here.gateway, period, query.get("partner") or None)
    if form == "csv" or (form is None and accept.startswith("text/csv")):
        text = scorecard_csv(value)
        return web.Response(text=text, content_type="text/csv", headers={"Vary": "Accept"})
    if form == "html" or (form is None and prefers_html(accept)):
        return html_page(scorecard_page(value))
    return json_response(value, headers={"Vary": "Accept"})


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/reports/scorecard",
        scopes.REPORT_READ,
        "How recipients answer",
        get_scorecard,
    ),
    Endpoint(
        "GET",
        "/v1/ledger/affected",
        scopes.LEDGER_READ,
        "Who is affected",
        get_affected,
        also=NAMES_PEOPLE,
    ),
    Endpoint(
        "GET",
        "/v1/reports/sharing-list",
        scopes.REPORT_READ,
        "The third-party sharing list",
        _counted(reports.sharing, sharing_page),
    ),
    Endpoint(
        "GET",
        "/v1/reports/ropa",
        scopes.REPORT_READ,
        "Records of processing",
        _counted(reports.ropa, records_page),
    ),
    Endpoint(
        "GET",
        "/v1/reports/transparency",
        scopes.REPORT_READ,
        "Demands of authorities",
        _counted(reports.demanded, transparency_page),
    ),
    Endpoint(
        "GET",
        "/v1/reports/access",
        scopes.REPORT_READ,
        "Who read people's records",
        _counted(reports.access, access_page),
        also=NAMES_PEOPLE,
    ),
    Endpoint(
        "GET",
        "/v1/reports/ask-again",
        scopes.REPORT_READ,
        "Who must be asked again",
        get_ask_again,
        also=NAMES_PEOPLE,
    ),
    *PRUNING,
)
