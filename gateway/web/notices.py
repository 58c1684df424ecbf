"""The endpoints of single notices: the letter, and on what a person settled one (contract §9)."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from gateway.access import scopes
from gateway.errors import CallerError, Reason
from gateway.flows import letters, resolutions
from gateway.reports.letter import letter_page, letter_text
from gateway.reports.letter_words import LANGUAGES
from gateway.web.api import Call, Endpoint
from gateway.web.requests import Strict, json_response, query_of
from gateway.web.streams import html_page, prefers_html


class AttachmentBody(Strict):
    """A file with which a recipient answered, in base64."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    type: Literal["application/pdf", "text/plain"]
    content: Annotated[str, Field(min_length=1, max_length=resolutions.MAX_ATTACHMENT * 3 // 2)]

    def attachment(self) -> resolutions.Attachment:
        """For the flow. Raises `REQUEST_INVALID`."""
        return resolutions.attachment(self.name, self.type, self.content)


async def get_letter(here: Call) -> web.Response:
    """What a person sends to a recipient: a page to print, or the text of a mail."""
    query = query_of(here.request)
    accept = here.request.headers.get("Accept", "")
    form = query.get("format") or ("html" if prefers_html(accept) else "text")
    language = query.get("language") or None
    if form not in ("html", "text") or language not in (None, *LANGUAGES):
        raise CallerError(
            Reason.REQUEST_INVALID, "the query: write format=html or text, and language=en or zh"
        )
    letter = await letters.written(here.gateway, here.params["id"], service=here.service.name)
    languages = (language,) if language else LANGUAGES
    if form == "html":
        return html_page(letter_page(letter, languages))
    return web.Response(
        text=letter_text(letter, languages),
        content_type="text/plain",
        charset="utf-8",
        headers={"Cache-Control": "no-store", "Vary": "Accept"},
    )


async def get_resolution(here: Call) -> web.Response:
    """On what a person settled a notice."""
    found = await resolutions.opened(here.gateway, here.params["id"], service=here.service.name)
    return json_response(found, headers={"Cache-Control": "no-store"})


async def delete_resolution(here: Call) -> web.Response:
    """Destroy it; the commitment in the ledger stays."""
    await resolutions.forgotten(here.gateway, here.params["id"])
    return web.Response(status=204)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/notices/{id}/letter",
        scopes.CASE_WRITE,
        "What a person sends to a recipient",
        get_letter,
    ),
    Endpoint(
        "GET",
        "/v1/notices/{id}/resolution",
        scopes.CASE_WRITE,
        "On what a person settled it",
        get_resolution,
    ),
    Endpoint(
        "DELETE",
        "/v1/notices/{id}/resolution",
        scopes.CASE_WRITE,
        "Destroy what it was settled on",
        delete_resolution,
    ),
)
