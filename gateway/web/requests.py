"""Reading requests: the raw target, the body within bounds, the token."""

import json
from datetime import datetime
from functools import cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import StreamReader, web
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from gateway.access.scopes import Service, permit
from gateway.access.services import bearer_token
from gateway.errors import CallerError, Reason
from gateway.flows.clockwork import parse_stamp
from gateway.flows.gateway import Gateway
from gateway.model.payload import Body

T = TypeVar("T")

MAX_API_BODY = 64 * 1024 * 1024


class Strict(BaseModel):
    """A body of `/v1`: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def target(request: web.BaseRequest) -> tuple[str, str]:
    """Path and query of the request line, raw: nothing is normalised or decoded."""
    raw = request.raw_path
    if not raw.startswith("/"):
        # Absolute form (RFC 9112 §3.2.2): what follows the authority.
        _, _, after = raw.partition("://")
        raw = "/" + after.partition("/")[2]
    path, _, query = raw.partition("?")
    return path, query


async def read_body(request: web.BaseRequest, limit: int) -> Body | None:
    """
    The body as it came; None where the request has none.

    Raises `BODY_TOO_LARGE` as soon as more than `limit` bytes came, `BODY_MALFORMED`
    where it is not framed as HTTP.
    """
    if not request.can_read_body and not request.body_exists:
        return None
    check_coding(request)
    if (request.content_length or 0) > limit:
        raise CallerError(Reason.BODY_TOO_LARGE)
    if request.headers.get("Expect", "").lower() == "100-continue":
        # RFC 9110 §10.1.1: who waits to be asked for the body is asked now.
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    try:
        return Body(await _octets(request.content, limit))
    except web.RequestPayloadError:
        # Not chained: the error may quote the body.
        raise CallerError(Reason.BODY_MALFORMED, "the body is not framed as HTTP has it") from None


def check_coding(request: web.BaseRequest) -> None:
    """Raise `BODY_MALFORMED` for a transfer coding that nobody would undo (RFC 9112 §6.1)."""
    if request.headers.get("Transfer-Encoding", "chunked").lower() != "chunked":
        raise CallerError(Reason.BODY_MALFORMED, "Transfer-Encoding is not chunked")


async def _octets(content: StreamReader, limit: int) -> bytes:
    if content.is_eof() and content.exception() is None:
        # It came whole, as small ones do; how much that can be is bounded by the stream.
        whole = content.read_nowait()
        if len(whole) > limit:
            raise CallerError(Reason.BODY_TOO_LARGE)
        return whole
    parts: list[bytes] = []
    size = 0
    async for part in content.iter_any():
        size += len(part)
        if size > limit:
            raise CallerError(Reason.BODY_TOO_LARGE)
        parts.append(part)
    return b"".join(parts)


async def service_of(request: web.BaseRequest, gateway: Gateway) -> Service:
    """The service that the request's token names. Raises `TOKEN_MISSING`, `TOKEN_INVALID`."""
    values = request.headers.getall("Authorization", [])
    if len(values) > 1:
        raise CallerError(Reason.TOKEN_INVALID, "the request names more than one service")
    return await gateway.services.verify(bearer_token(values[0] if values else None))


async def permitted(request: web.BaseRequest, gateway: Gateway, scope: str) -> Service:
    """The service, once its token has this scope."""
    service = await service_of(request, gateway)
    permit(service, scope)
    return service


async def parsed(request: web.BaseRequest, kind: Any) -> Any:
    """A JSON body of this kind. Raises `REQUEST_INVALID` naming places, never values."""
    media = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media != "application/json":
        raise CallerError(Reason.REQUEST_INVALID, "send application/json")
    body = await read_body(request, MAX_API_BODY)
    try:
        return TypeAdapter(kind).validate_json(body or b"")
    except ValidationError as error:
        raise CallerError(Reason.REQUEST_INVALID, places(error)) from None


def places(error: ValidationError) -> str:
    """What is wrong with a body and where, without what stands there."""
    found = error.errors(include_input=False, include_context=False, include_url=False)
    told = (f"{_place(one['loc'])}: {_message(one)}" for one in found[:10])
    return "; ".join(dict.fromkeys(told))


def _place(parts: tuple[Any, ...]) -> str:
    # Other names are those of our classes, which say nothing to the caller, or
    # the caller's own words: undeclared members and keys, which may be anything.
    declared = _declared()
    told = [str(part) for part in parts if isinstance(part, int) or part in declared]
    return ".".join(told) or "body"


@cache
def _declared() -> frozenset[str]:
    """The names of all members of all bodies."""
    return frozenset(name for body in Strict.__subclasses__() for name in body.model_fields)


def _message(one: Any) -> str:
    return "this member is not declared" if one["type"] == "extra_forbidden" else str(one["msg"])


def moment(value: object) -> datetime:
    """An RFC 3339 time of a body. Raises `ValueError`, without the value."""
    return parse_stamp(value if isinstance(value, str) else "")


def query_of(request: web.BaseRequest) -> dict[str, str]:
    """The query's parameters, the first of each name."""
    found: dict[str, str] = {}
    try:
        for name, value in parse_qsl(target(request)[1], keep_blank_values=True, errors="strict"):
            found.setdefault(name, value)
    except ValueError:
        raise CallerError(Reason.REQUEST_INVALID, "the query cannot be read") from None
    return found


def whole_number(query: dict[str, str], name: str) -> int | None:
    """A parameter that counts something. Raises `REQUEST_INVALID`."""
    text = query.get(name)
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 18):
        raise CallerError(Reason.REQUEST_INVALID, f"{name}: write a whole number")
    return int(text)


def switched(query: dict[str, str], name: str) -> bool:
    """A parameter that is `true` or `false`; false where it is left out. As above."""
    text = query.get(name, "false")
    if text not in ("true", "false"):
        raise CallerError(Reason.REQUEST_INVALID, f"{name}: write true or false")
    return text == "true"


def json_response(
    value: Any, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """A JSON answer of `/v1`."""
    return web.Response(
        status=status,
        body=json.dumps(value, ensure_ascii=False).encode(),
        content_type="application/json",
        headers=headers,
    )
