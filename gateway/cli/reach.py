"""
Reaching a home: through its running gateway, or as its owner.

A command that changes something, or reads a person's records (which is itself
recorded), goes through the internal listener of a running gateway; where none
runs, the command owns the store for a moment.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from gateway.cli.output import fail
from gateway.cli.serve import RUN_FILE
from gateway.cli.start import mint
from gateway.errors import REASONS, CallerError, Reason
from gateway.flows.answers import Declined

if TYPE_CHECKING:
    from pydantic import BaseModel

    from gateway.flows.gateway import Gateway

T = TypeVar("T")
B = TypeVar("B", bound="BaseModel")

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
    directly: Callable[["Gateway"], Awaitable[T]],
) -> T | Any:
    """
    Do one thing to a home: by HTTP where its gateway runs, else `directly`. `also`
    are scopes that it needs besides; `accept` is which form of the answer is preferred, and
    `service` who asks.

    Ends the command where the answer is a refusal: exit 2 for what makes no sense, else 1.
    """

    def asked() -> Coroutine[Any, Any, Any]:
        return _ask(home, (scope, *also), method, path, body, accept, service)

    return either(home, path, asked=asked, directly=directly)


def either(
    home: Path,
    path: str,
    *,
    asked: Callable[[], Coroutine[Any, Any, T]],
    directly: Callable[["Gateway"], Awaitable[T]],
) -> T:
    """`asked` where the home's gateway runs, else `directly`. Ends the command as `reach`."""
    from gateway.wiring import load_config, opened, running

    config = load_config(home)

    async def alone() -> T:
        async with opened(config) as gateway:
            return await directly(gateway)

    try:
        return asyncio.run(asked() if running(config) else alone())
    except Declined as error:
        fail(f"{error.problem.reason.value}: {error.problem.detail}", 1)
    except CallerError as error:
        refused(path, error.code, error.detail, error.remedy)


def shaped(kind: type[B], body: Any) -> B:
    """
    A body as the API takes it. Raises `CallerError` (`REQUEST_INVALID`) that names
    places, never values.
    """
    from pydantic import ValidationError

    from gateway.web.requests import places

    try:
        return kind.model_validate_json(json.dumps(body))
    except ValidationError as error:
        raise CallerError(Reason.REQUEST_INVALID, places(error)) from None


# Where the words of the API say nothing to whoever types a command.
_LOOK = {
    "/v1/cases": "`gateway case list` shows them",
    "/v1/mass-cases": "`gateway case mass list` shows them",
    "/v1/notices": "`gateway case list --tasks` and `gateway case show` name them",
    "/v1/partners": "`gateway partner list` shows them",
}
_REMEDIES = {
    Reason.CASE_OPEN.value: "Wait until every notice is settled, or ask with --interim",
    Reason.REQUEST_INVALID.value: "",
}


def refused(path: str, code: str, detail: str, remedy: str) -> NoReturn:
    """
    Say why the answer was a refusal, and what helps at a terminal; exit 2 for what
    makes no sense, else 1.
    """
    if code == Reason.NOT_FOUND.value:
        known = next((look for place, look in _LOOK.items() if path.startswith(place)), None)
        remedy = known or remedy
    usual = next((info.remedy for reason, info in REASONS.items() if reason == code), None)
    # What was written for this very refusal says more.
    helps = (_REMEDIES.get(code, remedy) if remedy == usual else remedy).rstrip(".")
    said = f"{code}: {detail.rstrip('.')}"
    fail(f"{said}. {helps}" if helps else said, 2 if code == Reason.REQUEST_INVALID.value else 1)


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
        refused(path, value["code"], value["detail"], value["remedy"])
    return value


def internal(home: Path) -> str:
    """Where the running gateway's internal listener is. Ends the command where it is nowhere."""
    try:
        run = json.loads((home / "data" / RUN_FILE).read_text())
        return str(run["internal"])
    except (OSError, ValueError, KeyError):
        fail("a gateway owns this home and does not serve yet: try again in a moment", 1)
