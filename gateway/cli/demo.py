"""`gateway demo`: the whole story on realistic traffic, every claim checked."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.output import Output, fail

if TYPE_CHECKING:
    from gateway.testing.demo.sabotage import Sabotage

SHARES = 420
"""How many shares the services ask for."""
OUTAGES = 2
"""How often a recipient that is down does not take its notice."""


@click.command()
@click.option("--serve", is_flag=True, help="Stay up afterwards, until Ctrl-C.")
@click.option(
    "--sabotage",
    metavar="WHAT",
    help="Break something behind the gateway's back (leaf, receipt, fence, cert): "
    "the demo must then fail.",
)
@click.option("--shares", type=click.IntRange(40, 10_000), default=SHARES, hidden=True)
@click.option("--outages", type=click.IntRange(0, 3), default=OUTAGES, hidden=True)
@click.pass_obj
def demo(output: Output, serve: bool, sabotage: str | None, shares: int, outages: int) -> None:
    """Tell the whole story in a temporary home; exit 0 only if every claim was checked."""
    from gateway.testing.demo.sabotage import Sabotage

    known = [act.value for act in Sabotage]
    if sabotage is not None and sabotage not in known:
        fail(f"--sabotage: {sabotage} is not known, write one of: {', '.join(known)}", 2)
    if serve and sabotage:
        fail("--serve: a sabotaged gateway does not stay up; leave out one of the two", 2)
    act = Sabotage(sabotage) if sabotage else None
    with _folder(keep=serve) as folder:
        holds = _told(_tell(output, folder, serve, act, shares, outages))
    if serve:
        click.echo(f"The home is kept: {folder / 'home'}", err=True)
    if not holds:
        raise click.exceptions.Exit(1)


def _told(telling: Coroutine[Any, Any, bool]) -> bool:
    """Whether the story holds. One that breaks off does not, and says why."""
    from aiohttp import ClientError

    from gateway.testing.server import GatewayDied

    try:
        return asyncio.run(telling)
    except click.exceptions.Exit:
        raise
    except asyncio.CancelledError:
        fail("the demo was ended by a signal", 1)
    except (GatewayDied, ClientError, RuntimeError, LookupError, TimeoutError) as error:
        fail(f"the demo broke off: {str(error) or type(error).__name__}", 1)
    except ExceptionGroup as errors:
        fail(f"the demo broke off: {_first(errors)}", 1)


def _first(errors: ExceptionGroup[Exception]) -> str:
    """What went wrong in one of several things that were done at once."""
    error: Exception = errors
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    """A folder for everything; removed at the end, unless it is to be kept and all went well."""
    folder, kept = Path(tempfile.mkdtemp(prefix="gateway-demo-")), False
    try:
        yield folder
        kept = keep
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


async def _tell(
    output: Output,
    folder: Path,
    serve: bool,
    sabotage: "Sabotage | None",
    shares: int,
    outages: int,
) -> bool:
    _end_on_signals()
    from gateway.cli.start import make_home
    from gateway.testing.demo import staying, story
    from gateway.testing.demo.screen import Screen

    screen = Screen(quiet=output.as_json)
    telling = story.tell(
        folder, make_home, screen, shares=shares, outages=outages, sabotage=sabotage
    )
    async with telling as (house, told):
        story.conclude(screen, told)
        serving = {"serving": staying.places(house)} if serve else {}
        output.result(told.summary() | serving, "")
        if serve:
            await staying.stay(house, _asked_to_stop())
    return told.claims.hold


def _end_on_signals() -> None:
    """Whatever ends this process ends its children first."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    for name in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, lambda: task and task.cancel())


def _asked_to_stop() -> asyncio.Event:
    """From here on a signal is no accident, and everything ends in order."""
    asked = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(name, asked.set)
    return asked
