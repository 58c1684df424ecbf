"""Answers that are streamed line by line, and what kind of answer a request prefers."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.web.server import SERVER

NDJSON = "application/x-ndjson"

# Lines are handed over in pieces of about so many bytes.
PIECE = 32 * 1024

# A page shows what it shows and nothing else, and nobody keeps it on the way.
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


async def lines(
    request: web.BaseRequest, values: AsyncIterator[dict[str, Any]]
) -> web.StreamResponse:
    """
    Values as NDJSON. What goes wrong after the first byte cuts the connection, so
    that half an answer is never taken for a whole one; the last line says that
    it is the last.
    """
    response = web.StreamResponse(
        headers={"Content-Type": NDJSON, "Cache-Control": "no-store", "Server": SERVER},
    )
    await response.prepare(request)
    waiting = bytearray()
    try:
        async for value in values:
            waiting += json.dumps(value, ensure_ascii=False).encode() + b"\n"
            if len(waiting) >= PIECE:
                await response.write(bytes(waiting))
                waiting.clear()
        await response.write_eof(bytes(waiting))
    except BaseException:
        if request.transport is not None:
            request.transport.abort()
        raise
    return response


async def json_pieces(
    request: web.BaseRequest, pieces: Sequence[bytes], headers: Mapping[str, str]
) -> web.StreamResponse:
    """
    One JSON value that is there in pieces. A long one is written piece by piece as its
    reader takes it, and others are answered in between.
    """
    length = sum(map(len, pieces))
    if length <= PIECE:
        return web.Response(body=b"".join(pieces), content_type="application/json", headers=headers)
    response = web.StreamResponse(headers=headers)
    response.content_type = "application/json"
    response.content_length = length
    response.headers["Server"] = SERVER
    await response.prepare(request)
    for piece in pieces:
        await response.write(piece)
    await response.write_eof()
    return response


def html_page(text: str) -> web.Response:
    """A page for people."""
    return web.Response(
        body=text.encode(), content_type="text/html", charset="utf-8", headers=PAGE_HEADERS
    )


def prefers_html(accept: str) -> bool:
    """Whether `Accept` (RFC 9110 §12.5.1) names HTML, and would rather have it than JSON."""
    weights = _weights(accept)
    html = weights.get("text/html", 0.0)
    others = [weights.get(one, 0.0) for one in ("application/json", "application/*")]
    return html > 0 and html > max(others)


def _weights(accept: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in accept.split(","):
        media, *parameters = (one.strip().lower() for one in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            found[media] = float(weight)
        except ValueError:
            found[media] = 0.0
    return found
