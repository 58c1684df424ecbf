"""
The default protocol: Standard Webhooks 1.0.0 (contract §9, STANDARDS §4.1).

A notice is one signed POST. It says who is meant by the recipient's own
pseudonym and ids, and nothing else of the person. It is tried again with the
same id and the same bytes; only the time of the attempt, and so the signature,
is another.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from gateway.model.cases import Action, Told
from gateway.notices.base import CannotCarry, Heard, Interpreted, Request
from gateway.notices.stamps import stamp

MAX_BODY: Final = 20_000
"""A body has fewer bytes than this (STANDARDS §4.1)."""
REFERENCES_BUDGET: Final = 12_000
"""Bytes of references in one notice; the rest is for everything else that it says."""

Sign = Callable[[str, int, bytes], str]
"""From webhook id, Unix seconds and body to one entry of `webhook-signature`."""

# More seconds than anybody waits; a number beyond it means as long as possible.
_LONG = 10**9
_SECONDS = re.compile(r"[0-9]+", re.ASCII)

# Only these two: that it is done, a recipient says in a receipt (contract §9).
_SAYS = {"acknowledged": Heard.ACKNOWLEDGED, "in-progress": Heard.IN_PROGRESS}


class NoticeTooLarge(CannotCarry):
    """A notice does not fit into one message: a single reference is too long. A person's task."""

    code = "notice-too-large"


def prepare(
    *,
    notice_id: str,
    action: Action,
    told: Told,
    issuer: str,
    partner: str,
    deadline: datetime,
    receipts_url: str,
    created: datetime,
    attempt_at: datetime,
    sign: Sign,
    shared: Sign | None,
    url: str,
) -> Request:
    """
    One attempt at a notice.

    `created` is the same in every attempt, and with it every byte of the body;
    `attempt_at` is now. `sign` makes the `v1a` signature, `shared` the `v1` one
    where the manifest names a secret. Raises `NoticeTooLarge`.
    """
    body = _body(notice_id, action, told, issuer, partner, deadline, receipts_url, created)
    if len(body) >= MAX_BODY:
        raise NoticeTooLarge("a reference is too long for a notice; tell this recipient by hand")
    seconds = int(attempt_at.timestamp())
    signers = [sign] if shared is None else [sign, shared]
    headers = (
        ("content-type", "application/json"),
        ("webhook-id", notice_id),
        ("webhook-timestamp", str(seconds)),
        ("webhook-signature", " ".join(one(notice_id, seconds, body) for one in signers)),
    )
    return Request(url=url, headers=headers, body=body)


def interpret(
    status: int, headers: Mapping[str, str], body: bytes, *, now: datetime | None = None
) -> Interpreted:
    """
    What an answer means.

    2xx took the notice, and may say that it is acknowledged or in progress;
    that it is done needs a receipt. 410 ends the tries. All else, redirects
    too, is tried again. A `Retry-After` that is a date counts from `now`, else
    from the answer's own `Date`.
    """
    if 200 <= status < 300:
        return Interpreted(event=_said(body))
    if status == 410:
        return Interpreted(event=Heard.GONE, reason="gone")
    pause = retry_after(headers, now)
    return Interpreted(event=None, retry_after=pause, reason=f"http-{status}")


def _body(
    notice_id: str,
    action: Action,
    told: Told,
    issuer: str,
    partner: str,
    deadline: datetime,
    receipts_url: str,
    created: datetime,
) -> bytes:
    data: dict[str, Any] = {
        "notice": notice_id,
        "issuer": issuer,
        "partner": partner,
        "subject": told.pseudonym,
        "references": list(told.references),
    }
    if told.only_references:
        data["only_references"] = True
    if told.parts is not None:
        data |= {"part": told.part, "parts": told.parts}
    data |= {
        "purposes": list(told.purposes),
        "categories": list(told.categories),
    }
    if action is Action.RECTIFY:
        data["changes"] = {one.selector: one.value for one in told.changes}
    data |= {
        "deadline": stamp(deadline),
        "receipts": receipts_url,
    }
    message = {"type": f"subject.{action.value}", "timestamp": stamp(created), "data": data}
    return json.dumps(message, separators=(",", ":")).encode("ascii")


def _said(body: bytes) -> Heard:
    try:
        said = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        return Heard.ATTEMPTED_OK
    status = said.get("status") if isinstance(said, dict) else None
    return _SAYS.get(status, Heard.ATTEMPTED_OK) if isinstance(status, str) else Heard.ATTEMPTED_OK


def retry_after(headers: Mapping[str, str], now: datetime | None) -> int | None:
    """RFC 9110 §10.2.3: whole seconds or a date. What is past or garbage is ignored."""
    value = next(_named(headers, "retry-after"), None)
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return min(int(value), _LONG) if len(value) <= 20 else _LONG
    until = _date(value)
    start = now if now is not None else _date(next(_named(headers, "date"), ""))
    if until is None or start is None or until <= start:
        return None
    return int((until - start).total_seconds())


def _named(headers: Mapping[str, str], name: str) -> Iterator[str]:
    return (value.strip() for key, value in headers.items() if key.lower() == name)


def _date(text: str) -> datetime | None:
    """An HTTP-date (RFC 9110 §5.6.7), always in GMT."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
