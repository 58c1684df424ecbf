"""A recipient that takes many records at once, and an app that sends and reads at the same time."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp

from gateway.testing.client import Reply
from tests.promises.house import House
from tests.promises.manifests import a_recipient, a_route

NDJSON = "application/x-ndjson"
PARTNER = "night-post"
PATH = "/v1/batch"

FIELDS: dict[str, Any] = {
    "/account": {"category": "network.account", "transform": "pseudonym"},
    "/name": {"category": "basic.name", "transform": "mask-name"},
    "/order": {"category": "transaction.order", "type": "string"},
}


def a_post(records: int = 3, **more: Any) -> dict[str, Any]:
    """A processor that takes orders in batches of so many."""
    route = a_route(
        "POST /v1/batch",
        "order-fulfilment@1",
        "core-function",
        bulk={"records": records},
        subject={"from": "/account"},
        send=FIELDS,
    )
    return a_recipient(PARTNER, route | more)


def an_order(number: int, **more: Any) -> dict[str, Any]:
    """One record, of a person of its own."""
    return {"account": f"u-{number}", "name": "欧阳明", "order": f"O-{number}", **more}


def ndjson(records: Iterable[Any]) -> bytes:
    """Records as lines; bytes stand for themselves."""
    lines = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in records)
    return b"".join(line + b"\n" for line in lines)


async def bulk(house: House, body: bytes | Iterable[Any], **headers: str) -> Reply:
    """Send all lines, then read all answers."""
    content = body if isinstance(body, bytes) else ndjson(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await house.share(
        PARTNER, PATH, content, subject=None, headers={"Content-Type": NDJSON} | named
    )


def answers(reply: Reply) -> list[dict[str, Any]]:
    """The lines of an answer."""
    assert reply.status == 200, reply.code
    assert reply.headers["Content-Type"] == NDJSON
    return [json.loads(line) for line in reply.body.splitlines()]


class Talk:
    """One bulk request whose lines are sent as the test likes, and whose answers are awaited."""

    def __init__(self, house: House, **headers: str) -> None:
        self._house, self._headers = house, headers
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._session = aiohttp.ClientSession()
        self._asking: asyncio.Task[aiohttp.ClientResponse] | None = None

    def say(self, *records: Any) -> None:
        """Send lines."""
        self._lines.put_nowait(ndjson(records))

    def end(self) -> None:
        """No further line comes."""
        self._lines.put_nowait(None)

    async def response(self) -> aiohttp.ClientResponse:
        """The answer, once its head is there."""
        assert self._asking is not None
        return await asyncio.wait_for(asyncio.shield(self._asking), 5)

    async def answer(self) -> dict[str, Any]:
        """The next line of the answer."""
        line = await asyncio.wait_for((await self.response()).content.readline(), 5)
        found: dict[str, Any] = json.loads(line)
        return found

    async def hang_up(self) -> None:
        """Be gone, in the middle of whatever it is."""
        if self._asking is not None and self._asking.done():
            self._asking.result().close()
        elif self._asking is not None:
            self._asking.cancel()
        await self._session.close()

    async def _body(self) -> AsyncIterator[bytes]:
        while (line := await self._lines.get()) is not None:
            yield line

    async def __aenter__(self) -> "Talk":
        sharing: Mapping[str, str] = {
            "Authorization": f"Bearer {self._house.token()}",
            "Sharing-Purpose": quote("order-fulfilment"),
            "Content-Type": NDJSON,
        }
        url = f"{self._house.internal_url}/share/{PARTNER}{PATH}"
        request = self._session.post(url, data=self._body(), headers=dict(sharing) | self._headers)
        self._asking = asyncio.ensure_future(request)  # type: ignore[arg-type]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.hang_up()
