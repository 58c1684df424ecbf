"""
The peer: a bare aiohttp pass-through proxy. A body goes on and its answer comes
back: no token, no filter, no record, no log, and of the headers only the type.

    python bare_proxy.py PORT UPSTREAM
"""

import asyncio
import sys

import aiohttp
from aiohttp import web


async def main(port: int, upstream: str) -> None:
    """Serve until the process is ended."""
    session = aiohttp.ClientSession(auto_decompress=False)

    async def carry(request: web.BaseRequest) -> web.Response:
        async with session.request(
            request.method,
            upstream + request.path_qs,
            data=await request.read(),
            headers={"Content-Type": request.headers["Content-Type"]},
            allow_redirects=False,
        ) as answer:
            kind = {"Content-Type": answer.headers["Content-Type"]}
            return web.Response(status=answer.status, body=await answer.read(), headers=kind)

    runner = web.ServerRunner(web.Server(carry, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
