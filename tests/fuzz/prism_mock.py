"""
Prism, a mock that validates every request, on an OpenAPI document from an npm package.

Node and npm must be there; the packages are those of `prism/package-lock.json`, checked by
its hashes and kept under `build/`. Where npm fetches from is its own setting.
"""

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.testing.ports import PortLease

HERE = Path(__file__).parent / "prism"
BUILD = Path(__file__).resolve().parents[2] / "build" / "prism"
MANIFEST = HERE / "ship-engine.yaml"
START_SECONDS = 30
INSTALL_SECONDS = 240


class NotHere(Exception):
    """Prism cannot run here; says in one line why, and what would help."""


def installed() -> Path:
    """
    The folder with `node_modules`; made once, which takes about 15 s and 100 MB.

    Raises `NotHere`.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NotHere(f"{program} is not installed: Prism, which plays a partner, needs it")
    lock = (HERE / "package-lock.json").read_bytes()
    folder = BUILD / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            _install(folder)
            (folder / ".complete").touch()
    return folder


def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, folder / name)
    quickly = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=30000")
    try:
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *quickly],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotHere("npm did not install Prism in time: it needs a package registry") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        why = (lines or ["npm error, without a word"])[0].removeprefix("npm error").strip()
        raise NotHere(f"npm could not install Prism ({why}): it needs a package registry")


@contextmanager
def mocking(folder: Path) -> Iterator[str]:
    """Prism on the packages in `folder`, while it is used; its address. Raises `NotHere`."""
    modules = folder / "node_modules"
    with PortLease() as lease:
        process = subprocess.Popen(
            [
                *("node", str(modules / "@stoplight/prism-cli/dist/index.js"), "mock"),
                *("--host", "127.0.0.1", "--port", str(lease.port), "--seed", "7"),
                str(modules / "shipengine-openapi/openapi.yaml"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "NO_UPDATE_NOTIFIER": "1"},
        )
        try:
            _wait(lease.port, process)
            yield f"http://{lease.address}"
        finally:
            process.terminate()
            process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until it accepts connections."""
    for _ in range(START_SECONDS * 10):
        if process.poll() is not None:
            raise NotHere(f"Prism ended with {process.returncode}: it needs Node 18.20 or newer")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise NotHere(f"Prism did not answer within {START_SECONDS} s")
