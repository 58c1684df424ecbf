"""
Reaching a home: through its running gateway, or as its owner.

A command that changes something, or reads a person's records (which is itself
recorded), goes through the internal listener of a running gateway; where none
runs, the command owns the store for a moment.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from gateway.cli.output import fail
from gateway.cli.serve import RUN_FILE
from gateway.cli.start import mint
from gateway.errors import CallerError, Reason
from gateway.flows.answers import Declined
from gateway.flows.gateway import Gateway

T = TypeVar("T")

SERVICE = "gateway-cli"


def reach(
    home: Path,
    *,
    scope: str,
    method: str,
    path: str,
    body: Any = None,
    also: tuple[str, ...] = (),
    accept: str | None = None,
    service: str = SERVICE,
    directly: Callable[[Gateway], Awaitable[T]],
) -> T | Any:
    """
    Do one thing to a home: by HTTP where its gateway runs, else `directly`. `also`
    are scopes that it needs besides; `accept` is which form of the answer is preferred, and
    `service` who asks.

    Ends the command (exit 1) where the answer is a refusal.
    """
    from gateway.wiring import load_config, opened, running

    config = load_config(home)
    if running(config):
        return asyncio.run(_ask(home, (scope, *also), method, path, body, accept, service))

    async def alone() -> T:
        async with opened(config) as gateway:
            return await directly(gateway)

    try:
        return asyncio.run(alone())
    except Declined as error:
        fail(f"{error.problem.reason.value}: {error.problem.detail}", 1)
    except CallerError as error:
        code = 2 if error.code == Reason.REQUEST_INVALID else 1
        fail(f"{error.code}: {error.detail.rstrip('.')}. {error.remedy}", code)


async def _ask(
    home: Path,
    scopes: tuple[str, ...],
    method: str,
    path: str,
    body: Any,
    accept: str | None,
    service: str,
) -> Any:
    import aiohttp

    token = mint(home, service=service, scopes=scopes, partners=("*",), purposes=("*",))
    url = internal(home) + path
    headers = {"Authorization": f"Bearer {token}"} | ({"Accept": accept} if accept else {})
    try:
        async with (
            aiohttp.ClientSession(trust_env=False) as session,
            session.request(method, url, json=body, headers=headers) as response,
        ):
            text = await response.read()
            if response.content_type in ("application/jose", "text/html", "text/plain"):
                return text.decode()
    except aiohttp.ClientError as error:
        fail(f"the running gateway does not answer ({type(error).__name__}): is it starting?", 1)
    value: Any = json.loads(text) if text else None
    if response.status >= 400:
        fail(f"{value['code']}: {value['detail'].rstrip('.')}. {value['remedy']}", 1)
    return value


def internal(home: Path) -> str:
    """Where the running gateway's internal listener is. Ends the command where it is nowhere."""
    try:
        run = json.loads((home / "data" / RUN_FILE).read_text())
        return str(run["internal"])
    except (OSError, ValueError, KeyError):
        fail("a gateway owns this home and does not serve yet: try again in a moment", 1)
