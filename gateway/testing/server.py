"""
The real gateway, as a process of its own.

    async with GatewayProcess(home) as gateway:
        async with gateway.client(a_token(home)) as service:
            reply = await service.share("swift-parcel", "/v2/shipments/LO-1", order, subject=…)
        await gateway.kill()
        await gateway.start()
"""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import aiohttp

from gateway.testing.client import GatewayClient
from gateway.testing.ports import PortLease
from gateway.testing.processes import LOOPBACK, gateway_command, gateway_environment

START_SECONDS = 30.0
STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02
_TAIL_CHARACTERS = 2000
# How long the end of a process may take to be seen, once it does not answer.
_NOTICED_SECONDS = 1.0


class GatewayDied(Exception):
    """The process ended, or did not answer, when it should have been there."""


class GatewayProcess:
    """
    `gateway serve` of a home, on two ports that stay the same over restarts.

    What it prints goes to `stdout` and `stderr`, files that every start adds to.
    """

    def __init__(
        self,
        home: Path,
        *,
        settings: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        logs: Path | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        """
        `settings`: `GATEWAY_…` variables on top of listeners and loopback as the
        allowed network. `arguments` go to `serve`. `logs`: the folder of the two
        files, by default a new temporary one. `command` replaces the whole
        command line.
        """
        self.home = home
        self._internal, self._public = PortLease(), PortLease()
        self._settings = {
            "GATEWAY_LISTEN__INTERNAL": self._internal.address,
            "GATEWAY_LISTEN__PUBLIC": self._public.address,
            "GATEWAY_EGRESS__ALLOW": LOOPBACK,
            "GATEWAY_EGRESS__PLAINTEXT": LOOPBACK,
            **(settings or {}),
        }
        self._command = list(command or gateway_command("--home", str(home), "serve", *arguments))
        folder = logs or Path(tempfile.mkdtemp(prefix="gateway-logs-"))
        folder.mkdir(parents=True, exist_ok=True)
        self.stdout, self.stderr = folder / "stdout.txt", folder / "stderr.txt"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def internal_url(self) -> str:
        """Of the listener that services call."""
        return f"http://{self._internal.address}"

    @property
    def public_url(self) -> str:
        """Of the listener that partners reach; also the issuer of grants."""
        return self._settings.get("GATEWAY_PUBLIC__URL", f"http://{self._public.address}")

    @property
    def jwks_url(self) -> str:
        """Of the gateway's public keys."""
        return f"http://{self._public.address}/.well-known/jwks.json"

    @property
    def pid(self) -> int:
        """Of the running process. Raises GatewayDied if none runs."""
        return self._running().pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    def client(self, token: str | None = None, *, timeout_seconds: float = 30) -> GatewayClient:
        """A service that calls the internal listener."""
        return GatewayClient(self.internal_url, token, timeout_seconds=timeout_seconds)

    async def start(self, *, timeout_seconds: float = START_SECONDS) -> None:
        """
        Start, and wait for its line and for `/readyz`.

        Raises GatewayDied, with the end of what it said, if it ends before that
        or takes longer.
        """
        if self.running:
            raise RuntimeError("the gateway runs already")
        before = self.stdout.stat().st_size if self.stdout.exists() else 0
        await self._spawn()
        try:
            # Not `wait_for`: Python 3.11 loses a cancellation that comes as the wait ends.
            async with asyncio.timeout(timeout_seconds):
                await self._ready(before)
        except TimeoutError:
            await self.kill()
            raise GatewayDied(self._report(f"not ready after {timeout_seconds} s")) from None
        except BaseException:
            # Cancelled: who asked for it is gone, and nobody else would end it.
            await self._abandon()
            raise

    async def kill(self) -> None:
        """SIGKILL to it and to its workers, and wait for its end."""
        process = self._running()
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def terminate(self, *, timeout_seconds: float = STOP_SECONDS) -> None:
        """SIGTERM, and wait for it to drain. Raises GatewayDied unless it exits with 0."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout_seconds):
                code = await process.wait()
        except TimeoutError:
            await self.kill()
            raise GatewayDied(self._report(f"not drained after {timeout_seconds} s")) from None
        if code != 0:
            raise GatewayDied(self._report(f"exit code {code} at SIGTERM"))

    async def restart(self) -> None:
        """End it in order, and start it again."""
        await self.terminate()
        await self.start()

    def reload(self) -> None:
        """SIGHUP: read policies, manifests and secrets again."""
        self._running().send_signal(signal.SIGHUP)

    async def explain(self, error: Exception) -> None:
        """
        Raises GatewayDied, with the end of what it said, where requests failed (`error` is
        one that aiohttp raised, or a group of such) as the process ended by itself.
        """
        if self._process is None:
            return
        try:
            async with asyncio.timeout(_NOTICED_SECONDS):
                code = await self._process.wait()
        except TimeoutError:
            return
        what = f"the gateway ended by itself, with exit code {code}"
        raise GatewayDied(self._report(what)) from error

    async def __aenter__(self) -> "GatewayProcess":
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self.running and kind is None:
                await self.terminate()
            elif self.running:
                await self.kill()
        finally:
            self._internal.release()
            self._public.release()

    async def _spawn(self) -> None:
        with self.stdout.open("ab") as out, self.stderr.open("ab") as err:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=gateway_environment(self._settings),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                # A group of its own, so that a kill takes its workers along.
                start_new_session=True,
            )

    async def _abandon(self) -> None:
        if self.running:
            await self.kill()

    async def _ready(self, before: int) -> None:
        while not any(self._announces(line) for line in self._lines(before)):
            await self._wait_alive()
        async with aiohttp.ClientSession() as session:
            while not await _answers_200(session, f"{self.internal_url}/readyz"):
                await self._wait_alive()

    def _announces(self, line: str) -> bool:
        """Whether this is the line that says where both listeners are."""
        return self._internal.address in line and self._public.address in line

    def _lines(self, start: int) -> Iterator[str]:
        with self.stdout.open("rb") as file:
            file.seek(start)
            for line in file:
                yield line.decode(errors="replace")

    async def _wait_alive(self) -> None:
        await asyncio.sleep(_POLL_SECONDS)
        code = self._running_or_ended().returncode
        if code is not None:
            raise GatewayDied(self._report(f"exit code {code} at start"))

    def _running(self) -> asyncio.subprocess.Process:
        process = self._running_or_ended()
        if process.returncode is not None:
            raise GatewayDied(self._report(f"exit code {process.returncode}"))
        return process

    def _running_or_ended(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise GatewayDied("the gateway was never started")
        return self._process

    def _report(self, what: str) -> str:
        return f"{what}\n{_tail(self.stdout)}{_tail(self.stderr)}"


async def _answers_200(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False


def _tail(path: Path) -> str:
    return path.read_text(errors="replace")[-_TAIL_CHARACTERS:] if path.exists() else ""
