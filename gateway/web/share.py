"""`ANY /share/{partner}/{path…}`: from the request to a flow and back."""

from collections import defaultdict
from time import perf_counter

from aiohttp import web

from gateway.access.scopes import Service
from gateway.errors import CallerError, Reason
from gateway.flows import share as flow
from gateway.flows.answers import Declined, Disclosed, Problem, ShareAnswer, problem, problem_of
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Incoming, before_body
from gateway.flows.record import record_refusal
from gateway.model.ids import PartnerId
from gateway.web import bulk, problems
from gateway.web.requests import read_body, service_of, target

PREFIX = "/share/"


async def handle(request: web.BaseRequest, gateway: Gateway) -> web.StreamResponse:
    """Answer one share: the partner's filtered answer, or a problem."""
    started = perf_counter()
    try:
        service = await service_of(request, gateway)
    except CallerError as error:
        # No leaf: anybody can send a bad token, as often as they like.
        gateway.metrics.refused(partner=None, code=error.code)
        return problems.respond(problem_of(error))
    if bulk.is_bulk(request):
        return await bulk.handle(request, gateway, service, PREFIX)
    incoming = await _incoming(request, gateway, service)
    if isinstance(incoming, web.Response):
        return incoming
    try:
        answer = await flow.share(incoming, gateway)
    except Declined as error:
        _log(gateway, incoming, started, error.problem)
        return problems.respond(error.problem)
    except OSError:
        gateway.log.exception("request-failed", share=incoming.share)
        told = problem(Reason.OUTCOME_UNKNOWN, disclosed=Disclosed.MAYBE, share=incoming.share)
        return problems.respond(told)
    _log(gateway, incoming, started, answer)
    return _response(answer)


async def _incoming(
    request: web.BaseRequest, gateway: Gateway, service: Service
) -> Incoming | web.Response:
    path, query = target(request)
    partner, slash, rest = path.removeprefix(PREFIX).partition("/")
    headers: dict[str, list[str]] = defaultdict(list)
    for name, value in request.headers.items():
        headers[name.lower()].append(value)
    body, too_large = None, None
    try:
        body = await read_body(request, gateway.limits.bytes)
    except CallerError as error:
        too_large = error
    incoming = Incoming(
        service=service,
        method=request.method,
        partner=partner,
        path=slash + rest,
        query=query,
        headers=headers,
        body=body,
        share=new_id("shr", gateway.random),
    )
    return incoming if too_large is None else await _too_large(incoming, gateway, too_large)


async def _too_large(bare: Incoming, gateway: Gateway, error: CallerError) -> web.Response:
    """What comes before the body in the order counts first, also for a body too large."""
    earlier = before_body(bare, gateway.policy, gateway.limits)
    told = problem_of(earlier or error)
    await record_refusal(bare, gateway, told)
    gateway.metrics.refused(partner=None, code=told.reason.value)
    response = problems.respond(told)
    # The rest of the body is not read.
    response.force_close()
    return response


def _response(answer: ShareAnswer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body or None)
    for name, value in answer.headers:
        response.headers[name.title() if name.islower() else name] = value
    if answer.share is not None:
        response.headers["Sharing-Id"] = answer.share
    response.headers["Sharing-Dropped"] = "?1" if answer.dropped else "?0"
    if not answer.body:
        # aiohttp would name a type for a body that is not there.
        response.headers.setdefault("Content-Type", "application/octet-stream")
        response.headers.popall("Content-Type", None)
    return response


def _log(gateway: Gateway, incoming: Incoming, started: float, end: ShareAnswer | Problem) -> None:
    """One line a share, and its metrics: ids, rule and time, never a value."""
    seconds = perf_counter() - started
    trail = incoming.trail
    known = PartnerId(incoming.partner) in gateway.policy.policy.partners
    line = {
        "partner": incoming.partner if known else None,
        "route": trail.route,
        "purpose": trail.purpose,
        "ground": trail.ground,
        "outcome": trail.outcome,
        "fields": trail.fields,
    }
    if isinstance(end, Problem):
        line |= {"code": end.reason.value, "disclosed": end.disclosed.value}
        gateway.metrics.refused(partner=incoming.partner if known else None, code=end.reason.value)
    gateway.log.info(
        "share",
        share=incoming.share,
        service=incoming.service.name,
        status=end.status,
        milliseconds=seconds * 1000,
        **{name: value for name, value in line.items() if value is not None},
    )
    if trail.outcome is not None:
        gateway.metrics.share(
            partner=incoming.partner,
            purpose=trail.purpose or "",
            outcome=trail.outcome,
            seconds=seconds,
        )
