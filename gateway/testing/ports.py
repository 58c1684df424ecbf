"""
Ports that nothing else takes.

The kernel gives outgoing connections local ports from 32768 upwards, so a port
chosen there and bound a moment later may be gone. These lie below, and a lock
on a file keeps other test processes from choosing the same one.
"""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from types import TracebackType

LOWEST = 20_000
HIGHEST = 29_999
HOST = "127.0.0.1"
_TRIES = 200


class PortLease:
    """
    One port of 127.0.0.1, ours until `release` or the end of the process.

    The lock survives whoever listens on the port, so a server can be stopped
    and started again at the same address.
    """

    def __init__(self) -> None:
        choice = random.SystemRandom()
        for _ in range(_TRIES):
            port = choice.randint(LOWEST, HIGHEST)
            lock = _lock(port)
            if lock is not None:
                self.port, self._lock = port, lock
                return
        raise OSError(f"no free port between {LOWEST} and {HIGHEST}")

    @property
    def address(self) -> str:
        """`127.0.0.1:port`."""
        return f"{HOST}:{self.port}"

    def release(self) -> None:
        """Let others have it. May be called again."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> "PortLease":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _lock(port: int) -> int | None:
    """The open descriptor that holds the lock of `port`, or None if somebody has it."""
    folder = Path(tempfile.gettempdir()) / f"sharing-gateway-ports.{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _bind(port)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _bind(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
