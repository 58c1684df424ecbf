"""
What a notice in OpenDSR is told by and remembers from step to step: addresses, the id of
its request, the key of its recipient, and when to look again (docs/protocols/opendsr.md).
"""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from gateway.notices.base import Answered, Interpreted, Telling
from gateway.notices.opendsr_signed import Key, Message, Unsigned, opened
from gateway.notices.opendsr_words import request_id
from gateway.notices.webhook import retry_after

PATH: Final = "/requests"
SOON: Final = timedelta(hours=1)
"""The least time between two looks at a request's status."""
SELDOM: Final = timedelta(days=1)
"""The longest."""

KEY: Final = ("key", "until", "anew")
_KEEP = (*("id", "sent", "said", "expected", "lost", "retried", "doubt"), *KEY)


def step_of(telling: Telling) -> str:
    """Which try this is."""
    return telling.attempt_at.isoformat()


def base_url(telling: Telling) -> str:
    """Where the recipient is, without a slash behind it."""
    return (telling.deletion.url or "").rstrip("/")


def requests_url(telling: Telling) -> str:
    """Where its requests are."""
    return f"{base_url(telling)}{telling.deletion.path or PATH}"


def domain_of(telling: Telling) -> str:
    """What it must sign as."""
    host = urlsplit(telling.deletion.url or "").hostname or ""
    return (telling.deletion.domain or host).lower()


def id_of(telling: Telling) -> str:
    """Of one telling of a notice the same in every try: it is the idempotency key."""
    return telling.memory.get("id") or request_id(telling.stable + telling.again.encode())


def kept(telling: Telling, **more: str) -> dict[str, str]:
    """What the next try needs; the documents are looked up again."""
    before = telling.memory
    return {name: before[name] for name in _KEEP if name in before} | more


def sent(telling: Telling, at: datetime) -> dict[str, str]:
    """The memory once the recipient has the request."""
    memory = kept(telling)
    memory.pop("doubt", None)
    return memory | {"id": id_of(telling), "sent": memory.get("sent") or at.isoformat()}


def pace(telling: Telling, memory: Mapping[str, str], now: datetime) -> timedelta:
    """
    Until the next look: as long as the request is old, an hour to a day, and right after
    the time at which the recipient expects to be done.
    """
    since = now - datetime.fromisoformat(memory.get("sent") or now.isoformat())
    pace = min(max(since, SOON), SELDOM)
    expected = _moment(memory.get("expected", ""))
    until = (expected - now if expected else SELDOM) + timedelta(minutes=1)
    before_due = telling.deadline - SOON - now
    return min(pace, *(one for one in (until, before_due) if one >= SOON), SELDOM)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def verified(telling: Telling, headers: Mapping[str, str], body: bytes, now: datetime) -> Message:
    """A message of the recipient, its signature checked. Raises `Unsigned`."""
    memory, verify = telling.memory, telling.tools.verify_certified
    key = None
    if verify is None:
        raise Unsigned("nothing to verify with", status=401)
    if "key" in memory:
        until = datetime.fromisoformat(memory["until"])
        key = Key(spki=b64decode(memory["key"]), until=until)
    return opened(headers, body, domain=domain_of(telling), key=key, verify=verify, now=now)


def not_taken(telling: Telling, answered: Answered) -> Interpreted:
    """It is tried again."""
    return Interpreted(
        event=None,
        retry_after=retry_after(answered.headers, answered.at),
        reason=f"http-{answered.status}",
        memory=kept(telling),
    )


def handed_over(telling: Telling, reason: str) -> Interpreted:
    """No program brings it further."""
    return Interpreted(event=None, reason=reason, memory=kept(telling), hand_over=True)
