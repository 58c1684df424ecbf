"""`gateway serve`: both listeners and the workers, until a signal says stop."""

import asyncio
import gc
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import click

from gateway.cli.output import Output, fail
from gateway.errors import ConfigError, GatewayError, LedgerContradiction

RUN_FILE = "gateway.run"

# How many more objects than before make the garbage collector look; Python's own is 700.
COLLECT_AFTER = 20_000


@click.command()
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1))
@click.pass_obj
def serve(output: Output, workers: int) -> None:
    """Run the gateway until SIGTERM or SIGINT; SIGHUP reads the documents anew."""
    if workers > 1:
        fail(
            "--workers: a SQLite home has one owner and so one worker; write --workers 1",
            2,
        )
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(output.home))


async def _serve(home: Path) -> None:
    from gateway import wiring
    from gateway.observe.logs import configure_logging, get_logger

    config = wiring.load_config(home)
    configure_logging(level=config["log.level"])
    contradicted: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def stop_at_once(error: LedgerContradiction) -> None:
        if not contradicted.done():
            contradicted.set_exception(error)

    try:
        async with wiring.opened(config, on_contradiction=stop_at_once) as gateway:
            await _run(gateway, home, contradicted)
    except* GatewayError as group:
        # A worker ended with it; one sentence says it, not a group of tracebacks.
        failed = _first(group)
    else:
        return
    if isinstance(failed, LedgerContradiction):
        get_logger().error("ledger-contradiction")
    raise failed


def _first(group: BaseExceptionGroup[GatewayError]) -> GatewayError:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _run(gateway, home: Path, contradicted: "asyncio.Future[None]") -> None:  # type: ignore[no-untyped-def]
    from gateway.flows import opendsr_keys, policies
    from gateway.wiring import reloader
    from gateway.workers.courier import carry_queued
    from gateway.workers.editions import turn
    from gateway.workers.epochs import turn_epochs
    from gateway.workers.keys import look_after_keys
    from gateway.workers.lanes import close, tell
    from gateway.workers.mass import open_masses
    from gateway.workers.opendsr import call_back
    from gateway.workers.pruner import prune_in_time
    from gateway.workers.sequencer import sequence
    from gateway.workers.sweeper import gauge, sweep
    from gateway.workers.terms import end_in_time
    from gateway.workers.witnesses import ask_witnesses

    opendsr_keys.check(gateway)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, gateway.stopping.set)

    async def reload() -> None:
        if await policies.reload(gateway, reloader(gateway)):
            gateway.egress.keep(gateway.policy.policy.partners.values())
        await gateway.services.refresh()

    reloads = asyncio.Lock()

    async def reload_in_turn() -> None:
        async with reloads:
            with suppress(ConfigError):
                await reload()

    _spare_the_collector()
    async with _listening(gateway, home), asyncio.TaskGroup() as workers:
        loop.add_signal_handler(signal.SIGHUP, lambda: workers.create_task(reload_in_turn()))
        for worker in (
            *(sequence, carry_queued, tell, close, sweep, gauge, turn, end_in_time),
            *(look_after_keys, ask_witnesses, turn_epochs, prune_in_time, open_masses),
            call_back,
        ):
            workers.create_task(worker(gateway))
        stopping = asyncio.ensure_future(gateway.stopping.wait())
        await asyncio.wait({stopping, contradicted}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        gateway.stopping.set()
    gateway.log.info("stopped")
    if contradicted.done():
        contradicted.result()


def _spare_the_collector() -> None:
    """
    Leave what was loaded out of every later garbage collection, and collect less often.

    Code and documents stay, people mostly do, and what a request makes goes by
    itself. Measured: a tenth of the CPU time of a share, and with many people
    in memory pauses of a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)


@asynccontextmanager
async def _listening(gateway, home: Path) -> AsyncIterator[None]:  # type: ignore[no-untyped-def]
    """Both listeners accept while inside; leaving lets requests in flight end."""
    from aiohttp import web

    from gateway.web.listeners import Internal, Public
    from gateway.web.server import Server

    drain = gateway.config["drain.timeout"].total_seconds()
    runners = []
    run_file = home / "data" / RUN_FILE
    try:
        for name, handler in (("internal", Internal(gateway)), ("public", Public(gateway))):
            host, port = gateway.config[f"listen.{name}"]
            runner = web.ServerRunner(Server(handler), shutdown_timeout=drain)
            await runner.setup()
            runners.append(runner)
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                raise ConfigError(
                    f"listen.{name}: {host}:{port} cannot be had ({os.strerror(error.errno or 0)})"
                ) from error
        internal, public = (_url(runner) for runner in runners)
        run_file.parent.mkdir(exist_ok=True)
        run_file.write_text(
            json.dumps({"pid": os.getpid(), "internal": internal, "public": public})
        )
        click.echo(
            f"gateway: serving internal {internal} public {public} edition {gateway.status.edition}"
        )
        gateway.log.info("ready", edition=gateway.status.edition, digest=gateway.status.digest)
        yield
    finally:
        run_file.unlink(missing_ok=True)
        for runner in runners:
            await runner.cleanup()


def _url(runner) -> str:  # type: ignore[no-untyped-def]
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
