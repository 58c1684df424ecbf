"""
The HTTP server as both listeners use it: aiohttp's, with what must not be left
to defaults.

What the library would answer by itself, to bytes that are no HTTP, is a problem
document here as well: its own texts quote the request, and say which library
and version answers (P2).
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from gateway.errors import Reason
from gateway.flows.answers import problem
from gateway.web import problems

SERVER = "sharing-gateway"

# A request line or header may be longer than the longest token (8 KiB), so that
# a token that is too long is answered as a token and not as broken HTTP.
MAX_LINE_BYTES = 16 * 1024

# Beyond this an idle connection of a caller is closed.
KEEP_ALIVE_SECONDS = 75.0


class Server(web.Server):
    """
    aiohttp's low-level server for one handler.

    Bodies are handed over as they came: decompressing is bounded and refused in
    our own words where the body is read. No access log: a request line may hold
    what belongs to a person. What is no HTTP is answered with a problem as well.
    """

    def __init__(
        self, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], **more: Any
    ) -> None:
        super().__init__(
            handler,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
            **more,
        )

    def __call__(self) -> web.RequestHandler:
        """The protocol of one new connection."""
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request. Nothing of it is told back, and nothing is logged."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is on its way already")
        if status < 500:
            response = problems.respond(
                problem(Reason.REQUEST_INVALID, "the request is not HTTP that can be read")
            )
        else:
            self.log_exception("Error handling request", exc_info=exc)
            response = problems.crashed()
        response.headers["Server"] = SERVER
        response.force_close()
        return response
