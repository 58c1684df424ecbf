"""Sending many lines to a home, of which none but the next is held."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from gateway.cli.output import fail
from gateway.cli.reach import either, internal, refused
from gateway.cli.start import mint

if TYPE_CHECKING:
    from gateway.flows.gateway import Gateway

# Lines are sent in pieces of about so many bytes.
PIECE = 64 * 1024


def each_id(file: BinaryIO) -> Iterator[bytes]:
    """The ids of a file, one a line, each as a JSON string; empty lines are left out."""
    for number, line in enumerate(file, start=1):
        try:
            text = line.decode().strip("\r\n\ufeff" if number == 1 else "\r\n")
        except UnicodeDecodeError:
            fail(f"line {number} of the file is not UTF-8: write one id a line", 1)
        if text:
            yield json.dumps(text).encode()


def upload(
    home: Path,
    *,
    path: str,
    lines: Iterator[bytes],
    service: str,
    directly: Callable[["Gateway"], Awaitable[Any]],
) -> Any:
    """
    POST lines as NDJSON to a running gateway, else do it `directly`. Ends the command
    where the answer is a refusal: exit 2 for what makes no sense, else 1.
    """
    return either(home, path, asked=lambda: _post(home, path, lines, service), directly=directly)


async def _post(home: Path, path: str, lines: Iterator[bytes], service: str) -> Any:
    import aiohttp

    scopes = ("case:write",)
    token = mint(home, service=service, scopes=scopes, partners=("*",), purposes=("*",))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    # A long list takes long: only a silence is too long.
    patience = aiohttp.ClientTimeout(total=None, sock_read=600)
    try:
        async with (
            aiohttp.ClientSession(trust_env=False, timeout=patience) as session,
            session.post(internal(home) + path, data=_pieces(lines), headers=headers) as response,
        ):
            value = json.loads(await response.read())
    except (aiohttp.ClientError, TimeoutError) as error:
        fail(f"the running gateway broke off ({type(error).__name__}): nothing was opened", 1)
    if response.status >= 400:
        refused(path, value["code"], value["detail"], value["remedy"])
    return value


async def _pieces(lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    waiting = bytearray()
    for line in lines:
        waiting += line
        if len(waiting) >= PIECE:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting)
