"""The protocols that are carried by program, each by its name in a manifest."""

from collections.abc import Mapping
from typing import Final

from gateway.notices import ddrf, opendsr, rest, webhook
from gateway.notices.base import REST, WEBHOOKS, Answered, Dialect, Interpreted, Request, Telling


def _prepare_webhook(telling: Telling) -> Request:
    return webhook.prepare(
        notice_id=telling.notice,
        action=telling.action,
        told=telling.told,
        issuer=telling.issuer,
        partner=telling.partner,
        deadline=telling.deadline,
        receipts_url=telling.receipts_url,
        created=telling.created,
        attempt_at=telling.attempt_at,
        sign=telling.tools.sign_webhook,
        shared=telling.tools.sign_shared,
        url=telling.deletion.url or "",
    )


def _interpret_webhook(telling: Telling, answered: Answered) -> Interpreted:
    return webhook.interpret(answered.status, answered.headers, answered.body, now=answered.at)


DIALECTS: Final[Mapping[str, Dialect]] = {
    WEBHOOKS: Dialect(name=WEBHOOKS, prepare=_prepare_webhook, interpret=_interpret_webhook),
    ddrf.NAME: ddrf.DIALECT,
    opendsr.NAME: opendsr.DIALECT,
    REST: rest.DIALECT,
}
