"""The endpoints that list cases and tasks: a page, a table for a spreadsheet, or lines."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.access import scopes
from gateway.errors import CallerError, Reason
from gateway.flows import listing
from gateway.flows.clockwork import parse_stamp
from gateway.flows.listing import Line, Wanted
from gateway.model.cases import CaseState
from gateway.web.api import Call, Endpoint
from gateway.web.requests import json_response, query_of, switched, whole_number
from gateway.web.server import SERVER
from gateway.web.streams import PIECE, lines

CSV = "text/csv"
FORMATS = ("json", "csv", "lines")


async def list_cases(here: Call) -> web.StreamResponse:
    """Cases, due first."""
    query = query_of(here.request)
    wanted = wanted_of(query)
    match _format(here.request, query):
        case "csv":
            found = listing.case_lines(here.gateway, wanted)
            return await csv_table(here.request, listing.CASE_COLUMNS, found)
        case "lines":
            found = listing.case_lines(here.gateway, wanted)
            return await lines(here.request, listing.with_summary(found, "cases"))
        case _:
            after, limit = listing.place_of(query.get("after")), _limit(query)
            page = await listing.cases_page(here.gateway, wanted, after, limit)
            return json_response(page, headers={"Vary": "Accept"})


async def list_tasks(here: Call) -> web.StreamResponse:
    """What waits for a person, due first."""
    query = query_of(here.request)
    partner = query.get("partner") or None
    match _format(here.request, query):
        case "csv":
            found = _flat(listing.task_lines(here.gateway, partner))
            return await csv_table(here.request, listing.TASK_COLUMNS, found)
        case "lines":
            whole = listing.task_lines(here.gateway, partner)
            return await lines(here.request, listing.with_summary(whole, "tasks"))
        case _:
            after, limit = listing.place_of(query.get("after")), _limit(query)
            page = await listing.tasks_page(here.gateway, partner, after, limit)
            return json_response(page, headers={"Vary": "Accept"})


def wanted_of(query: Mapping[str, str]) -> Wanted:
    """Which cases a query asks for. Raises `REQUEST_INVALID`."""
    state = query.get("state") or None
    if state is not None and state not in set(CaseState):
        raise CallerError(Reason.REQUEST_INVALID, "state: write open, refused or closed")
    before = query.get("due_before")
    try:
        due_before = parse_stamp(before) if before else None
    except ValueError as error:
        raise CallerError(Reason.REQUEST_INVALID, f"due_before: {error}") from None
    return Wanted(
        state=state,
        partner=query.get("partner") or None,
        due_before=due_before,
        overdue=switched(dict(query), "overdue"),
    )


def _format(request: web.BaseRequest, query: Mapping[str, str]) -> str:
    form = query.get("format")
    if form is not None and form not in FORMATS:
        raise CallerError(Reason.REQUEST_INVALID, "format: write json, csv or lines")
    accepted = request.headers.get("Accept", "").partition(",")[0].partition(";")[0].strip()
    return form or ("csv" if accepted.lower() == CSV else "json")


def _limit(query: dict[str, str]) -> int:
    limit = whole_number(query, "limit")
    if limit is None:
        return listing.MOST
    if not 0 < limit <= listing.MOST:
        raise CallerError(Reason.REQUEST_INVALID, f"limit: write 1 to {listing.MOST}")
    return limit


async def csv_table(
    request: web.BaseRequest, columns: Sequence[str], rows: AsyncIterator[Line]
) -> web.StreamResponse:
    """
    Rows as CSV (RFC 4180), the first one the names. As with lines, what goes wrong
    after the first byte cuts the connection.
    """
    headers = {
        "Content-Type": f"{CSV}; charset=utf-8; header=present",
        "Cache-Control": "no-store",
        "Server": SERVER,
        "Vary": "Accept",
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        async for piece in csv_pieces(columns, rows):
            await response.write(piece)
        await response.write_eof()
    except BaseException:
        if request.transport is not None:
            request.transport.abort()
        raise
    return response


async def csv_pieces(columns: Sequence[str], rows: AsyncIterator[Line]) -> AsyncIterator[bytes]:
    """The same as bytes, in pieces of about `PIECE`."""
    written = io.StringIO()
    table = csv.DictWriter(written, columns, extrasaction="ignore")
    table.writeheader()
    async for row in rows:
        table.writerow({name: cell(row[name]) for name in columns})
        if written.tell() >= PIECE:
            yield written.getvalue().encode()
            written.seek(0)
            written.truncate()
    yield written.getvalue().encode()


def cell(value: Any) -> Any:
    """What a recipient wrote must not be a formula in somebody's spreadsheet."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def flat(row: Line) -> Line:
    """A task with one value in each cell."""
    others = "; ".join(f"{one['name']}: {one['status']}" for one in row["downstream"])
    return {**row, "downstream": others, "do": row["next"].get("do", "")}


async def _flat(rows: AsyncIterator[Line]) -> AsyncIterator[Line]:
    async for row in rows:
        yield flat(row)


ENDPOINTS = (
    Endpoint("GET", "/v1/cases", scopes.CASE_READ, "Cases, due first", list_cases),
    Endpoint("GET", "/v1/tasks", scopes.CASE_READ, "What waits for a person", list_tasks),
)
