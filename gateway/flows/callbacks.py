"""
A recipient calls back about a notice, in its protocol's own way (contract §4, §9).

The address names the notice and is known to this recipient alone; what is said there
counts only as far as the protocol proves it. Nothing is changed of a notice that is
settled: who repeats what was believed is answered as before.
"""

import re
from collections.abc import Mapping

from gateway.errors import CallerError, Reason
from gateway.flows import notices, telling, trying
from gateway.flows.gateway import Gateway
from gateway.model.cases import Notice
from gateway.notices.base import CallbackRefused
from gateway.notices.dialects import DIALECTS

MAX_BYTES = 64 * 1024

_TOKEN = re.compile(r"[0-9a-f]{32}")
_REASONS = {
    400: Reason.REQUEST_INVALID,
    401: Reason.TOKEN_INVALID,
    403: Reason.SERVICE_NOT_PERMITTED,
}


async def hear(
    gateway: Gateway, protocol: str, token: str, headers: Mapping[str, str], body: bytes
) -> tuple[Notice, int]:
    """
    Take a callback; the notice as it stands then, and the status of the answer.

    Raises `CallerError`: 404 for an address that belongs to no notice of this
    protocol, and 400, 401 or 403 for what the protocol does not believe.
    """
    dialect = DIALECTS.get(protocol)
    notice = await _named(gateway, protocol, token) if dialect and dialect.hear else None
    if dialect is None or dialect.hear is None or notice is None:
        raise CallerError(Reason.NOT_FOUND)
    if notice.settled:
        return notice, dialect.heard_status
    try:
        row = await gateway.store.told(notice.id)
        one = telling.begun(gateway, notice, row) if row else None
    except LookupError:
        # Settled at this very moment.
        return notice, dialect.heard_status
    if one is None or one.dialect is not dialect:
        raise CallerError(Reason.NOT_FOUND)
    try:
        heard = dialect.hear(one.telling, headers, body)
    except CallbackRefused as error:
        raise _refused(error) from None
    heard = trying.believed(dialect, one.terms, heard)
    memory = None
    if heard.memory is not None and dialect.remembers:
        memory = one.with_memory(heard.memory, gateway).sealed(gateway)
    after = await notices.change(
        gateway,
        notice.id,
        lambda before: notices.called_back(before, heard, gateway.clock()),
        keep_claim=True,
        memory=memory,
        signed=heard if heard.signed is not None else None,
    )
    gateway.log.info("callback", notice=notice.id, partner=notice.partner, protocol=protocol)
    return after or notice, dialect.heard_status


async def _named(gateway: Gateway, protocol: str, token: str) -> Notice | None:
    if not _TOKEN.fullmatch(token):
        return None
    mark = telling.callback_mark(gateway, protocol, token)
    id = await gateway.store.notice_called_back(mark)
    return await gateway.store.notice(id) if id is not None else None


def _refused(error: CallbackRefused) -> CallerError:
    reason = _REASONS.get(error.status, Reason.REQUEST_INVALID)
    return CallerError(reason, f"the callback is not believed: {error}", clauses=("R3",))
