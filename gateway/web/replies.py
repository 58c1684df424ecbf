"""What is shown of a case to people: the answer to the person, the certificate's page."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from gateway.access import scopes
from gateway.errors import CallerError, Reason
from gateway.flows import replies
from gateway.flows.gateway import Gateway
from gateway.flows.snapshots import recipient
from gateway.model.ids import PartnerId
from gateway.reports.answer import answer_page, answer_text
from gateway.reports.answer_words import LANGUAGES
from gateway.reports.certificate_page import certificate_page
from gateway.reports.mass_certificate_page import mass_certificate_page
from gateway.web.api import Call, Endpoint
from gateway.web.requests import query_of
from gateway.web.streams import html_page, prefers_html

FORMATS = ("html", "text")


async def get_answer(here: Call) -> web.Response:
    """The answer to the person: a page to print, or the text of a mail."""
    query = query_of(here.request)
    accept = here.request.headers.get("Accept", "")
    form = query.get("format") or ("html" if prefers_html(accept) else "text")
    language = query.get("language") or None
    if form not in FORMATS or language not in (None, *LANGUAGES):
        raise CallerError(
            Reason.REQUEST_INVALID, "the query: write format=html or text, and language=en or zh"
        )
    answer = await replies.reply(here.gateway, here.params["id"])
    languages = (language,) if language else LANGUAGES
    if form == "html":
        return html_page(answer_page(answer, languages))
    return web.Response(
        text=answer_text(answer, languages),
        content_type="text/plain",
        charset="utf-8",
        headers={"Cache-Control": "no-store", "Vary": "Accept"},
    )


def wants_page(query: Mapping[str, str], accept: str) -> bool:
    """Whether a certificate is asked for as a page. Raises `REQUEST_INVALID`."""
    form = query.get("format") or ("html" if prefers_html(accept) else "jose")
    if form not in ("html", "jose"):
        raise CallerError(Reason.REQUEST_INVALID, "format: write html or jose")
    return form == "html"


def certificate_text(gateway: Gateway, token: str) -> str:
    """A certificate of the gateway's own making as a page."""
    claims = _claims(token)
    return certificate_page(token, claims, _names(gateway, claims["notices"]))


def mass_certificate_text(gateway: Gateway, token: str) -> str:
    """A mass case's certificate of the gateway's own making as a page."""
    claims = _claims(token)
    return mass_certificate_page(token, claims, _names(gateway, claims["recipients"]))


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _names(gateway: Gateway, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What recipients are called; by their id who has no name any more."""
    names: dict[str, str] = {}
    for row in rows:
        known = recipient(gateway, PartnerId(row["partner"]))
        names[row["partner"]] = known.name if known else row["partner"]
    return names


ENDPOINTS = (
    Endpoint(
        "GET", "/v1/cases/{id}/answer", scopes.CASE_READ, "The answer to the person", get_answer
    ),
)
