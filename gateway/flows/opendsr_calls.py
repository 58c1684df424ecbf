"""
Calling back who asked in OpenDSR, whenever a request's status changes (STANDARDS §2.3).

Each address gets each status that is in force when it can be reached, at least once; a
status that was overtaken meanwhile is not told any more. Dying at any `await` has it
told once more.
"""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Final

from gateway.cases.deadlines import retry_at
from gateway.errors import GatewayError
from gateway.flows import opendsr, opendsr_keys
from gateway.flows.gateway import Gateway
from gateway.flows.idempotency import KEPT_FOR
from gateway.flows.opendsr import Kept
from gateway.model.cases import Case
from gateway.notices.opendsr import NAME
from gateway.notices.opendsr_words import Status
from gateway.ports import OpenDsrRow, Outgoing

GIVE_UP_AFTER: Final = timedelta(days=90)
"""From the request on; so long Mixpanel tries (STANDARDS §2.4)."""
LOOKED_AT: Final = 1000
"""So many of those that are due are looked at, the longest due first."""
TIMEOUT_SECONDS = 20.0
CONNECT_SECONDS = 5.0
ANSWER_LIMIT = 64 * 1024


async def due(gateway: Gateway) -> list[tuple[OpenDsrRow, frozenset[str]]]:
    """The requests that stand otherwise than was told, each with where it is called back."""
    rows = await gateway.store.opendsr_requests_to_tell(gateway.clock(), LOOKED_AT)
    return [(row, _origins(opendsr.kept(gateway, row))) for row in rows]


def _origins(request: Kept) -> frozenset[str]:
    """Scheme, host and port of each address; not parsed, as it may be none."""
    return frozenset("/".join(url.lower().split("/", 3)[:3]) for url in request.callbacks)


async def forget(gateway: Gateway) -> None:
    """Forget what was asked a day ago; how far it is stays."""
    await gateway.store.forget_opendsr_fingerprints(gateway.clock() - KEPT_FOR)


async def tell(gateway: Gateway, row: OpenDsrRow) -> None:
    """Call back for one request."""
    case = await gateway.store.case(row.case)
    if case is None:
        return
    request, status = opendsr.kept(gateway, row), opendsr.status_of(case)
    if request.status != status:
        request = replace(request, status=status.value, left=request.callbacks)
        row = replace(row, tries=0)
    reached = await asyncio.gather(*(_called(gateway, request, case, url) for url in request.left))
    left = tuple(url for url, done in zip(request.left, reached, strict=True) if not done)
    after = _after(gateway, row, replace(request, left=left), status)
    await gateway.store.put_opendsr_request(after)
    outcome = "delivered" if not left else "failed" if after.next_at else "given-up"
    gateway.log.info(
        "status-told", protocol=NAME, case=row.case, outcome=outcome, attempt=row.tries + 1
    )


def _after(gateway: Gateway, row: OpenDsrRow, request: Kept, status: Status) -> OpenDsrRow:
    now = gateway.clock()
    row = replace(row, sealed=opendsr.sealed(gateway, row.mark, request))
    if not request.left:
        return replace(row, told=status.value, next_at=None if status.final else now)
    jitter = int.from_bytes(gateway.random(4), "big") / 2**32
    tries, end = row.tries + 1, row.received + GIVE_UP_AFTER
    return replace(row, tries=tries, next_at=retry_at(tries, now, jitter, None, end))


async def _called(gateway: Gateway, request: Kept, case: Case, url: str) -> bool:
    """Whether this address took it; a redirect is not followed, and is no success."""
    body = json.dumps(
        {**opendsr.reported(gateway, request, case), "status_callback_url": url},
        ensure_ascii=False,
    ).encode()
    try:
        headers = {"Content-Type": "application/json", **opendsr_keys.signed(gateway, body)}
        answer = await gateway.egress.ask(
            Outgoing(
                method="POST",
                url=url,
                headers=tuple(headers.items()),
                body=body,
                timeout_seconds=TIMEOUT_SECONDS,
                connect_timeout_seconds=CONNECT_SECONDS,
                response_limit=ANSWER_LIMIT,
            )
        )
    # A `ValueError` is a URL that cannot be asked for.
    except (GatewayError, ValueError):
        return False
    return 200 <= answer.status < 300
