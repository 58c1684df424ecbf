"""
The endpoints of OpenDSR under `/v1/opendsr`: a company's own request tool drives the
gateway by them (STANDARDS §2.1). They are for services, so they are authenticated as
all of `/v1`; every answer is signed as the framework wants it.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from gateway.access import scopes
from gateway.errors import CallerError, Reason
from gateway.flows import opendsr as flow
from gateway.flows import opendsr_keys
from gateway.notices.opendsr_signed import VERSIONS
from gateway.notices.opendsr_words import (
    CUSTOMER_ID,
    ERASURE,
    MAX_BYTES,
    RAW,
    OpenDsrRefused,
    read_object,
)
from gateway.web import problems
from gateway.web.api import Call, Endpoint
from gateway.web.bodies import Moment, subject_id
from gateway.web.requests import Strict, places, read_body

PREFIX = "/v1/opendsr"
_UUID4 = r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
_Word = Annotated[str, Field(min_length=1, max_length=100)]
_Url = Annotated[str, Field(max_length=2000, pattern=r"^https?://[!-~]+$")]


class IdentityBody(Strict):
    """One identity of the person."""

    model_config = ConfigDict(extra="ignore")

    identity_type: _Word
    identity_value: Annotated[str, Field(min_length=1, max_length=2000)]
    identity_format: _Word


class OpenDsrBody(Strict):
    """`POST /v1/opendsr/requests`; of a later minor version the rest is passed over."""

    model_config = ConfigDict(extra="ignore")

    subject_request_id: Annotated[str, Field(pattern=_UUID4)]
    subject_request_type: Literal["erasure", "access", "portability"]
    subject_identities: Annotated[list[IdentityBody], Field(min_length=1, max_length=100)]
    submitted_time: Moment
    regulation: _Word | None = None
    api_version: _Word | None = None
    status_callback_urls: Annotated[list[_Url], Field(max_length=flow.MOST_CALLBACKS)] = Field(
        default_factory=list
    )
    extensions: dict[str, Any] | None = None

    def asked(self, raw: bytes) -> flow.Asked:
        """For the flow. Raises `REQUEST_INVALID` for what is not supported."""
        if self.subject_request_type != ERASURE:
            raise CallerError(
                Reason.REQUEST_INVALID, "subject_request_type: only erasure is supported"
            )
        named = {
            one.identity_value
            for one in self.subject_identities
            if (one.identity_type, one.identity_format) == (CUSTOMER_ID, RAW)
        }
        if len(named) != 1:
            raise CallerError(
                Reason.REQUEST_INVALID, f"subject_identities: name one {CUSTOMER_ID}, {RAW}"
            )
        return flow.Asked(
            id=self.subject_request_id,
            subject=subject_id(named.pop()),
            submitted=self.submitted_time,
            callbacks=tuple(dict.fromkeys(self.status_callback_urls)),
            raw=raw,
        )


def canonical(path: str) -> str:
    """A path under the names that the framework had before, under its own (§10.1)."""
    if not path.startswith(f"{PREFIX}/"):
        return path
    first, slash, rest = path.removeprefix(f"{PREFIX}/").partition("/")
    older = {f"{name}_requests" for name in VERSIONS}
    return f"{PREFIX}/requests{slash}{rest}" if first in older else path


async def get_discovery(here: Call) -> web.Response:
    """What can be asked, and where our certificate is."""
    url = f"{here.request.scheme}://{here.request.host}{PREFIX}/certificate"
    return _signed(here, flow.discovery(here.gateway, url), 200)


async def get_certificate(here: Call) -> web.Response:
    """The certificate whose key signs our answers."""
    flow.need_spoken(here.gateway)
    return web.Response(
        text=opendsr_keys.certificate(here.gateway) + "\n", content_type="application/x-pem-file"
    )


async def post_request(here: Call) -> web.Response:
    """Ask for a person to be erased."""
    raw = bytes(await read_body(here.request, MAX_BYTES) or b"")
    body: OpenDsrBody = _read(raw)
    asked = body.asked(raw)
    return _signed(here, await flow.receive(here.gateway, asked, here.service), 201)


async def get_request(here: Call) -> web.Response:
    """How a request stands."""
    return _signed(here, await flow.status(here.gateway, here.params["id"], here.service), 200)


async def delete_request(here: Call) -> web.Response:
    """Cancel a request: an erasure cannot be."""
    await flow.cancel(here.gateway, here.params["id"], here.service)
    raise AssertionError("an erasure was cancelled")


def _read(raw: bytes) -> OpenDsrBody:
    try:
        found: OpenDsrBody = TypeAdapter(OpenDsrBody).validate_python(read_object(raw))
    except OpenDsrRefused as error:
        raise CallerError(Reason.REQUEST_INVALID, f"the body: {error}") from None
    except ValidationError as error:
        raise CallerError(Reason.REQUEST_INVALID, places(error)) from None
    return found


def _signed(here: Call, members: dict[str, Any], status: int) -> web.Response:
    body = json.dumps(members, ensure_ascii=False).encode()
    return web.Response(
        status=status,
        body=body,
        content_type="application/json",
        headers={**opendsr_keys.signed(here.gateway, body), "Cache-Control": "no-store"},
    )


def _in_its_words(
    handler: Callable[[Call], Awaitable[web.Response]],
) -> Callable[[Call], Awaitable[web.Response]]:
    """
    A handler whose refusals have the framework's `error` beside the members of every
    problem (OpenDSR §7.6; RFC 9457 §3.2).
    """

    async def answered(here: Call) -> web.Response:
        try:
            return await handler(here)
        except CallerError as error:
            told = problems.of(error)
            response = problems.respond(told)
            inner = {"domain": "opendsr", "reason": told.reason.value, "message": told.detail}
            error_member = {"code": told.status, "message": told.detail, "errors": [inner]}
            members = {**problems.document(told), "error": error_member}
            response.body = json.dumps(members, ensure_ascii=False).encode()
            return response

    return answered


ENDPOINTS = (
    Endpoint(
        "GET",
        f"{PREFIX}/discovery",
        scopes.CASE_READ,
        "What can be asked in OpenDSR",
        _in_its_words(get_discovery),
    ),
    Endpoint(
        "GET",
        f"{PREFIX}/certificate",
        scopes.CASE_READ,
        "The certificate that signs answers in OpenDSR",
        _in_its_words(get_certificate),
    ),
    Endpoint(
        "POST",
        f"{PREFIX}/requests",
        scopes.CASE_WRITE,
        "Ask for an erasure in OpenDSR",
        _in_its_words(post_request),
        OpenDsrBody,
    ),
    Endpoint(
        "GET",
        f"{PREFIX}/requests/{{id}}",
        scopes.CASE_READ,
        "How a request in OpenDSR stands",
        _in_its_words(get_request),
    ),
    Endpoint(
        "DELETE",
        f"{PREFIX}/requests/{{id}}",
        scopes.CASE_WRITE,
        "Cancel a request in OpenDSR",
        _in_its_words(delete_request),
    ),
)
