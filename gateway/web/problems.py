"""Problem documents (RFC 9457): every answer that the gateway itself makes."""

import json
from html import escape

from aiohttp import web

from gateway.errors import REASONS, CallerError, Reason
from gateway.flows.answers import Declined, Disclosed, Problem, problem, problem_of

CONTENT_TYPE = "application/problem+json"


def respond(told: Problem) -> web.Response:
    """One problem as a response, with `Sharing-Refused`."""
    headers = {"Sharing-Refused": told.reason.value}
    if told.share is not None:
        headers["Sharing-Id"] = told.share
    if told.retry_after is not None:
        headers["Retry-After"] = str(told.retry_after)
    if told.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        status=told.status,
        body=json.dumps(document(told), ensure_ascii=False).encode(),
        content_type=CONTENT_TYPE,
        headers=headers,
    )


def document(told: Problem) -> dict[str, object]:
    """The members of the contract (§6)."""
    info = REASONS[told.reason]
    members: dict[str, object] = {
        "type": f"/problems/{told.reason.value}",
        "title": info.title,
        "status": told.status,
        "detail": told.detail,
        "code": told.reason.value,
        "clause": list(told.clauses),
        "remedy": told.remedy,
        "disclosed": told.disclosed.value,
    }
    if told.share is not None:
        members["share"] = told.share
    return members


def of(error: CallerError | Declined) -> Problem:
    """The problem that an error is."""
    return error.problem if isinstance(error, Declined) else problem_of(error)


def not_found() -> web.Response:
    """Nothing is here."""
    return respond(problem(Reason.NOT_FOUND))


def crashed() -> web.Response:
    """An error that nobody foresaw; whether anything left is not known."""
    members = {
        "type": "about:blank",
        "title": "Internal error",
        "status": 500,
        "detail": "the gateway met an error that nobody foresaw; its log says where",
        "code": "internal-error",
        "clause": [],
        "remedy": "Tell the operators; repeat only with the same Idempotency-Key.",
        "disclosed": Disclosed.MAYBE.value,
    }
    return web.Response(
        status=500,
        body=json.dumps(members).encode(),
        content_type=CONTENT_TYPE,
        headers={"Sharing-Refused": "internal-error"},
    )


def page(code: str) -> web.Response:
    """`/problems/CODE`: what the code means and what to do, for a person."""
    try:
        reason = Reason(code)
    except ValueError:
        return not_found()
    info = REASONS[reason]
    clauses = ", ".join(info.clauses) or "none"
    text = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(info.title)}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}}
code{{background:#8882;padding:.1em .3em;border-radius:.2em}}</style></head><body>
<h1>{escape(info.title)}</h1>
<p><code>{reason.value}</code>, HTTP {info.status}</p>
<p><strong>What to do:</strong> {escape(info.remedy)}</p>
<p>Clauses of the published policy: {escape(clauses)}</p>
</body></html>
"""
    return web.Response(
        text=text,
        content_type="text/html",
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
    )
