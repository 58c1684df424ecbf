"""
A program that starts, listens, drains and fails as `gateway serve` does.

Run as `stand_in.py HOME`; the files in HOME say how it behaves: `fail` exits with
3, `mute` announces nothing, `unready` answers /readyz with 503 for three times,
`worker` starts a child, `stubborn` ignores SIGTERM, `dirty` exits with 1 at it.
"""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

from aiohttp import web

HOME = Path(sys.argv[1])
INTERNAL = os.environ["GATEWAY_LISTEN__INTERNAL"]
PUBLIC = os.environ["GATEWAY_LISTEN__PUBLIC"]


def told(name: str) -> bool:
    """Whether HOME says so."""
    return (HOME / name).exists()


async def echo(request: web.Request) -> web.Response:
    """Show the request as it came."""
    seen = {
        "method": request.method,
        "target": request.raw_path,
        "headers": dict(request.headers),
        "body": (await request.read()).decode(),
    }
    return web.json_response(seen, headers={"Sharing-Id": "sh-1", "Sharing-Refused": "echoed"})


async def readyz(request: web.Request) -> web.Response:
    """200, or 503 as long as told."""
    marks = list(HOME.glob("unready-*"))
    for mark in marks[:1]:
        mark.unlink()
    return web.Response(status=503 if marks else 200)


async def main() -> int:
    """Serve until SIGTERM."""
    print("starting", flush=True)
    if told("fail"):
        print("gateway.toml:3:1: no such setting", file=sys.stderr)
        return 3
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, (lambda: None) if told("stubborn") else stop.set)
    loop.add_signal_handler(signal.SIGHUP, (HOME / "reloaded").touch)
    if told("worker"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        (HOME / "worker-pid").write_text(str(child.pid))
    app = web.Application()
    app.router.add_get("/readyz", readyz)
    app.router.add_route("*", "/{path:.*}", echo)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    for address in (INTERNAL, PUBLIC):
        host, port = address.split(":")
        await web.TCPSite(runner, host, int(port)).start()
    (HOME / "settings").write_text(
        "\n".join(f"{name}={value}" for name, value in os.environ.items() if "GATEWAY_" in name)
    )
    if not told("mute"):
        print(f"serving internal http://{INTERNAL} public http://{PUBLIC}", flush=True)
    await stop.wait()
    await runner.cleanup()
    return 1 if told("dirty") else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
