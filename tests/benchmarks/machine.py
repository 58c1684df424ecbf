"""The machine: its facts, its processors, and the CPU time of a process."""

import os
import platform
import sqlite3
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")

_LIBRARIES = ("aiohttp", "cryptography", "aiosqlite", "structlog", "pyjwt")


def processors() -> tuple[int, int]:
    """One for what is measured, one for load and partner; the same where there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads, to the hundredth of a second."""
    text = Path(f"/proc/{pid}/stat").read_text()
    # The name of the program stands in parentheses and may hold anything.
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def facts() -> dict[str, Any]:
    """What a result must name, so that it can be compared with another."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "cpu": _model(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "python_build": " ".join(platform.python_build()),
        "implementation": sys.implementation.name,
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: version(name) for name in _LIBRARIES},
        "load": round(os.getloadavg()[0], 2),
    }


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())
