"""The HTTP server under a fake recipient."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from gateway.testing.ports import HOST

Handler = Callable[[web.Request, "Listener"], Awaitable[web.StreamResponse]]

# Generous: what is too large for the gateway is the gateway's to refuse.
_BODY_LIMIT = 256 << 20
_STOP_SECONDS = 0.2


@dataclass(slots=True)
class Listener:
    """A server that runs, and a client session for what it sends by itself."""

    port: int
    released: asyncio.Event
    """Set when it stops: whoever waits in a handler goes on."""
    session: aiohttp.ClientSession
    _server: asyncio.Server
    _runner: web.AppRunner

    @classmethod
    async def start(
        cls,
        handler: Handler,
        *,
        connected: Callable[[], None],
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> "Listener":
        """
        Listen on 127.0.0.1 at `port`, 0 = any that is free.

        `connected` is called for each connection, before TLS begins, so that a
        test can say that nothing so much as knocked.
        """
        running: list[Listener] = []

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            assert isinstance(request, web.Request)
            return await handler(request, running[0])

        app = web.Application(client_max_size=_BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", handle)
        # Bodies stay as they came: a digest is over the bytes on the wire.
        runner = web.AppRunner(
            app, access_log=None, auto_decompress=False, shutdown_timeout=_STOP_SECONDS
        )
        await runner.setup()
        protocols = runner.server
        assert protocols is not None

        def accept() -> asyncio.Protocol:
            connected()
            return protocols()

        server = await asyncio.get_running_loop().create_server(
            accept, HOST, port, ssl=tls, family=socket.AF_INET, backlog=512
        )
        chosen: int = server.sockets[0].getsockname()[1]
        session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        running.append(cls(chosen, asyncio.Event(), session, server, runner))
        return running[0]

    async def stop(self) -> None:
        """Refuse new connections and drop the open ones."""
        self.released.set()
        self._server.close()
        await self.session.close()
        await self._runner.cleanup()
