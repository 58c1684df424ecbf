"""
OAuth 2.0 client credentials towards a partner (RFC 6749 §4.4; contract §7, `oauth2`).

A token is kept until shortly before it runs out. However many shares wait for
one, it is asked for once. Where none can be had nothing is sent.
"""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from gateway.egress.references import Secrets, header_secret
from gateway.errors import PartnerFailed, PartnerUnreachable
from gateway.model.recipients import Auth
from gateway.ports import Answer, Outgoing

TIMEOUT_SECONDS = 10.0
LIMIT_BYTES = 64 * 1024

# A token that is about to run out might do so on its way.
MARGIN_SECONDS = 30.0
# Where the server says nothing (RFC 6749 §5.1: it "SHOULD" say).
LIFE_SECONDS = 300.0
# After a failure nobody asks for so long: a server that is down is not hammered.
COOL_DOWN_SECONDS = 1.0

Post = Callable[[Outgoing], Awaitable[Answer]]
"""Sends the request for a token, under the same guard and limits as everything."""


@dataclass(slots=True)
class _Held:
    token: str
    until: float


class TokenSource:
    """
    The access token of one partner.

    `post` sends; `clock` counts seconds and never goes back. Secrets are looked
    up at each request for a token, so a rotated one is picked up.
    """

    def __init__(
        self,
        partner: str,
        auth: Auth,
        *,
        secrets: Secrets,
        post: Post,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._partner = partner
        self._settings = auth.settings
        self._secrets = secrets
        self._post = post
        self._clock = clock
        self._held: _Held | None = None
        self._asking: asyncio.Task[str] | None = None
        self._waiting = 0
        self._closing = False
        self._failed: tuple[float, str] | None = None

    async def token(self) -> str:
        """
        A token that is good for the next half minute at least.

        Cancelling one caller leaves the others waiting for the same answer.
        Raises `PartnerUnreachable` (nothing was sent to the partner) and
        `SecretMissing`.
        """
        if self._held is not None and self._clock() < self._held.until:
            return self._held.token
        if self._failed is not None and self._clock() < self._failed[0]:
            raise PartnerUnreachable(self._failed[1])
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._asked)
        self._waiting += 1
        try:
            return await asyncio.shield(self._asking)
        finally:
            self._waiting -= 1
            self._let_go()

    def refused(self, token: str) -> None:
        """The partner answered 401: this token is not used again."""
        if self._held is not None and self._held.token == token:
            self._held = None

    def close(self) -> None:
        """From now on a request ends with the last share that waits for its answer."""
        self._closing = True
        self._let_go()

    def _let_go(self) -> None:
        if self._closing and not self._waiting and self._asking is not None:
            self._asking.cancel()

    def _asked(self, done: "asyncio.Task[str]") -> None:
        self._asking = None
        if not done.cancelled():
            # Also where every caller gave up: nobody is told, and nothing is lost.
            done.exception()

    async def _ask(self) -> str:
        try:
            answer = await self._post(self._request())
        except PartnerFailed:
            raise self._failure("the token server could not be asked") from None
        if answer.status != 200:
            raise self._failure(f"the token server answered {answer.status}")
        self._held = self._read(answer.body)
        return self._held.token

    def _failure(self, why: str) -> PartnerUnreachable:
        text = f"{self._partner}: {why}"
        self._failed = self._clock() + COOL_DOWN_SECONDS, text
        return PartnerUnreachable(text)

    def _request(self) -> Outgoing:
        form = {"grant_type": "client_credentials"}
        if "scope" in self._settings:
            form["scope"] = self._settings["scope"]
        return Outgoing(
            method="POST",
            url=self._settings["token_url"],
            headers=(
                ("Authorization", f"Basic {self._client()}"),
                ("Content-Type", "application/x-www-form-urlencoded"),
                ("Accept", "application/json"),
            ),
            body=urlencode(form).encode("ascii"),
            timeout_seconds=TIMEOUT_SECONDS,
            connect_timeout_seconds=TIMEOUT_SECONDS,
            response_limit=LIMIT_BYTES,
        )

    def _client(self) -> str:
        """Id and secret, form-encoded before they are joined (RFC 6749 §2.3.1)."""
        id = self._settings["client_id"]
        if id.startswith(("env:", "file:")):
            id = self._secrets(id)
        secret = header_secret(self._secrets, self._settings["client_secret"])
        return base64.b64encode(f"{quote_plus(id)}:{quote_plus(secret)}".encode()).decode()

    def _read(self, body: bytes) -> _Held:
        try:
            said: Any = json.loads(body)
        except (ValueError, RecursionError):
            said = None
        token = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(token, str) or not token or not _carried(token):
            raise self._failure("the token server gave no token")
        if str(said.get("token_type", "bearer")).lower() != "bearer":
            raise self._failure("the token server gave a token of another type than bearer")
        return _Held(token, self._clock() + max(0.0, _life(said) - MARGIN_SECONDS))


def _carried(token: str) -> bool:
    """Whether a header can carry it (RFC 6750 §2.1)."""
    return token.isascii() and token.isprintable() and " " not in token


def _life(said: Mapping[str, Any]) -> float:
    """Seconds that a token lives; one that lives shorter than the margin is used once."""
    seconds = said.get("expires_in", LIFE_SECONDS)
    if isinstance(seconds, str) and seconds.isdecimal():
        seconds = int(seconds)
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    return float(seconds) if number and seconds > 0 else LIFE_SECONDS
