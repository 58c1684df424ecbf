"""`gateway consent …`: what people agreed to, many at once."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.output import Output, fail

if TYPE_CHECKING:
    from gateway.cli.importing import Bad, Line, Progress, Send

# A token lives for an hour and an import may take longer.
TOKEN_SECONDS = 900.0
DRAW_SECONDS = 0.2


@click.group()
def consent() -> None:
    """Consents: many at once."""


@consent.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--from",
    "start",
    type=click.IntRange(min=1),
    default=1,
    metavar="LINE",
    help="Go on with this line; the ones before it are passed over.",
)
@click.pass_obj
def import_(output: Output, file: Path, start: int) -> None:
    """
    Record every consent of FILE: one JSON object a line, or a .csv with a header.

    The members are those of POST /v1/consents. Lines that are refused are told by
    their number; all others are recorded.
    """
    from gateway.cli.importing import Progress, Stopped

    progress = Progress(next_line=start)
    began = time.monotonic()
    try:
        asyncio.run(_import(output.home, file, start, file.stat().st_size, progress))
    except (Stopped, KeyboardInterrupt) as error:
        why = str(error) or "interrupted"
        fail(
            f"\nstopped: {why}\n{progress.recorded} recorded; go on with --from "
            f"{progress.next_line}",
            1,
        )
    seconds = time.monotonic() - began
    refused = sorted(progress.refused)
    output.result(
        {
            "recorded": progress.recorded,
            "refused": len(refused),
            "refused_lines": refused[:1000],
            "seconds": round(seconds, 3),
        },
        f"{progress.recorded} recorded, {len(refused)} refused, "
        f"{progress.recorded / max(seconds, 0.001):.0f} a second",
    )
    if refused:
        raise click.exceptions.Exit(1)


async def _import(home: Path, file: Path, start: int, size: int, progress: "Progress") -> None:
    from gateway.cli.importing import carry, lines_of

    bar = _Bar(size, progress)

    def tell(bad: "Bad") -> None:
        bar.clear()
        click.echo(f"{file.name}:{bad.number}: {bad.why}", err=True)

    async with _way(home) as send:
        drawing = asyncio.create_task(bar.draw_on())
        try:
            await carry(lines_of(file, start, progress), send, tell, progress)
        finally:
            drawing.cancel()
            bar.clear()


@asynccontextmanager
async def _way(home: Path) -> "AsyncIterator[Send]":
    """Into the home: through its running gateway, or as its owner."""
    from gateway.wiring import load_config, opened, running

    config = load_config(home)
    if running(config):
        async with _over_http(home) as send:
            yield send
    else:
        async with opened(config) as gateway:
            yield lambda batch: _directly(gateway, batch)


async def _directly(gateway: Any, batch: "Sequence[Line]") -> None:
    from gateway.cli.importing import Refusal, Stopped, said
    from gateway.errors import CallerError
    from gateway.flows import consents
    from gateway.flows.answers import Declined

    try:
        await consents.record(gateway, [line.body.new() for line in batch])
    except CallerError as error:
        raise Refusal(said(error)) from None
    except Declined as error:
        raise Stopped(f"{error.problem.reason.value}: {error.problem.detail}") from None


@asynccontextmanager
async def _over_http(home: Path) -> "AsyncIterator[Send]":
    import aiohttp

    from gateway.cli.importing import Refusal, Stopped
    from gateway.cli.reach import internal

    url = internal(home) + "/v1/consents"
    token = _Token(home)
    async with aiohttp.ClientSession(trust_env=False) as session:

        async def send(batch: "Sequence[Line]") -> None:
            body = b"[" + b",".join(line.json for line in batch) + b"]"
            headers = {
                "Authorization": f"Bearer {token.fresh()}",
                "Content-Type": "application/json",
            }
            try:
                async with session.post(url, data=body, headers=headers) as answer:
                    text = await answer.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                raise Stopped(
                    f"the running gateway does not answer ({type(error).__name__})"
                ) from None
            if answer.status >= 400:
                told = json.loads(text)
                refused = answer.status < 500 and told["code"] in (
                    "request-invalid",
                    "subject-malformed",
                    "subject-erased",
                )
                raise (Refusal if refused else Stopped)(f"{told['code']}: {told['detail']}")

        yield send


class _Token:
    """A service token that is made anew before it runs out."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._token, self._since = "", 0.0

    def fresh(self) -> str:
        """One that lives."""
        from gateway.cli.reach import SERVICE
        from gateway.cli.start import mint

        if not self._token or time.monotonic() - self._since > TOKEN_SECONDS:
            self._token = mint(self._home, service=SERVICE, scopes=("consent:write",))
            self._since = time.monotonic()
        return self._token


class _Bar:
    """A line that moves, on a terminal only: how many, how fast, how long yet."""

    def __init__(self, size: int, progress: "Progress") -> None:
        self._size, self._progress = max(size, 1), progress
        self._began, self._skipped = time.monotonic(), 0
        self._shown = False

    async def draw_on(self) -> None:
        """Draw until cancelled."""
        while sys.stderr.isatty():
            if not self._progress.recorded:
                # What lies before `--from` is passed over, and faster than the rest.
                self._began, self._skipped = time.monotonic(), self._progress.read_bytes
            click.echo(f"\r\x1b[2K{self.text()}", nl=False, err=True)
            self._shown = True
            await asyncio.sleep(DRAW_SECONDS)

    def text(self) -> str:
        """How it stands."""
        progress, seconds = self._progress, time.monotonic() - self._began
        rate = progress.recorded / seconds if seconds else 0.0
        done = progress.read_bytes / self._size
        passed = (progress.read_bytes - self._skipped) / self._size
        left = seconds * (1 - done) / passed if passed > 0 else 0.0
        bar = "█" * round(20 * done)
        return (
            f"{bar:░<20} {done:4.0%}  {progress.recorded} recorded  {rate:.0f}/s  "
            f"{left:.0f} s left  {len(progress.refused)} refused"
        )

    def clear(self) -> None:
        """Make room for a line of text."""
        if self._shown:
            click.echo("\r\x1b[2K", nl=False, err=True)
            self._shown = False
