"""The app's side of the gateway: what a service inside calls."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back. Prints the status and the code of a refusal, no data."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Case-insensitive."""
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON values. Raises ValueError if it is none."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """`Sharing-Refused`; None on what the gateway did not refuse."""
        return self.headers.get("Sharing-Refused")

    @property
    def clause(self) -> list[str]:
        """The clauses of a refusal."""
        return list(self.json()["clause"])

    @property
    def share(self) -> str | None:
        """`Sharing-Id`."""
        return self.headers.get("Sharing-Id")

    def __repr__(self) -> str:
        return f"<Reply {self.status} {self.code or ''}>".replace(" >", ">")


class GatewayClient:
    """
    A service with a token. One session with kept-alive connections; use with
    `async with`, or `close` it.
    """

    def __init__(self, url: str, token: str | None = None, *, timeout_seconds: float = 30) -> None:
        self._url = url.rstrip("/")
        self.token = token
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_seconds),
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            # What the gateway sent, not what the library makes of it.
            auto_decompress=False,
        )

    async def share(
        self,
        partner: str,
        path: str,
        body: Any = None,
        *,
        purpose: str | None = "order-fulfilment",
        subject: str | None = None,
        ground: str | None = None,
        evidence: str | None = None,
        idempotency_key: str | None = None,
        prefer: str | None = None,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """
        `METHOD /share/{partner}/{path}` (contract §6), `path` exactly as written.

        `body`: JSON values, or bytes sent as they are. `subject` is the plain
        id and gets percent-encoded; `evidence` is a whole field value.
        """
        sharing = {
            "Sharing-Purpose": purpose,
            "Sharing-Subject": None if subject is None else quote(subject, safe=""),
            "Sharing-Ground": ground,
            "Sharing-Evidence": evidence,
            "Idempotency-Key": idempotency_key,
            "Prefer": prefer,
        }
        given = {name: value for name, value in sharing.items() if value is not None}
        target = f"/share/{partner}/{path.lstrip('/')}"
        return await self.request(method, target, body, headers=given | dict(headers or {}))

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Reply:
        """GET of a path with its query."""
        return await self.request("GET", path, headers=headers)

    async def post(
        self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """POST of JSON values, or of bytes as they are."""
        return await self.request("POST", path, body, headers=headers)

    async def put(self, path: str, body: Any = None) -> Reply:
        """PUT of JSON values."""
        return await self.request("PUT", path, body)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Any request; redirects are shown and not followed."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if data is not None:
            sent["Content-Type"] = "application/json"
        # Encoded already: a path must reach the gateway as the test wrote it.
        url = URL(self._url + path, encoded=True)
        async with self._session.request(
            method, url, data=data, headers=sent | dict(headers or {}), allow_redirects=False
        ) as response:
            content = await response.read()
            return Reply(status=response.status, headers=response.headers.copy(), body=content)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def __aenter__(self) -> "GatewayClient":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
