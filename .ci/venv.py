"""
Make `.venv`: what `requirements-dev.lock` names, checked by hash, and this
checkout on top of it.

    python3 .ci/venv.py

Costs a few milliseconds when there is nothing to do. The environment is made
again when the checkout moved or the interpreter changed, and brought up to date
when the lock or `pyproject.toml` changed. Two calls at once are safe: the second
waits for the first. Where packages come from is pip's own setting.
"""

import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-dev.lock"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".ready"


def main() -> None:
    """Bring `.venv` up to date, or say in one sentence what is missing."""
    if sys.version_info < (3, 11):
        fail(f"this is Python {sys.version.split()[0]}; name 3.11 or newer: make PYTHON=python3.11")
    # The folder itself is the lock: nothing is left behind when a run is killed.
    folder = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    if stamp() == [place(), content()] and runs():
        return
    began = time.monotonic()
    create()
    STAMP.unlink(missing_ok=True)
    install("--require-hashes", "--requirement", str(LOCK), label=LOCK.name)
    # The build back end came with the lock, so nothing is fetched unchecked here.
    install("--no-deps", "--no-build-isolation", "--editable", str(ROOT), label="this checkout")
    STAMP.write_text(f"{place()}\n{content()}\n", encoding="utf-8")
    say(f"ready after {time.monotonic() - began:.0f} s")


def create() -> None:
    """Make the environment, unless there is one that this interpreter made in this place."""
    here = stamp()
    if runs() and (not here or here[0] == place()):
        return
    if importlib.util.find_spec("ensurepip") is None:
        fail(
            "this Python has no ensurepip, so it cannot make a virtual environment; "
            f"on Debian and Ubuntu install python3.{sys.version_info.minor}-venv"
        )
    say(f"making .venv with Python {sys.version.split()[0]}")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode:
        fail(f"python -m venv failed; is its venv package installed?\n{made.stdout}")


def install(*arguments: str, label: str) -> None:
    """Run pip, showing how far it is and nothing else unless it fails."""
    say(f"installing {label}")
    pip = subprocess.Popen(
        [str(PYTHON), "-I", "-m", "pip", "install", "--no-input", "--progress-bar=off", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    lines, packages = [], 0
    for line in pip.stdout or ():
        lines.append(line)
        packages += line.startswith("Collecting ")
        if line.startswith("Collecting ") and (sys.stdout.isatty() or packages % 20 == 0):
            say(f"{packages} packages", end="\r" if sys.stdout.isatty() else "\n")
    if pip.wait():
        fail(f"pip could not install {label}; it said:\n{''.join(lines[-25:])}")


def runs() -> bool:
    """Whether the environment's interpreter starts, and is of this version."""
    try:
        told = subprocess.run([str(PYTHON), "-IV"], capture_output=True, text=True)
    except OSError:
        return False
    return told.stdout.split()[-1:] == [sys.version.split()[0]]


def stamp() -> list[str]:
    """What the last complete run wrote, or nothing."""
    try:
        return STAMP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def place() -> str:
    """Scripts of an environment hold its path, so it is only good where it was made."""
    return f"{ROOT} {sys.version.split()[0]}"


def content() -> str:
    """Hex SHA-256 over all that decides what gets installed."""
    digest = hashlib.sha256()
    for path in (LOCK, ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def say(text: str, end: str = "\n") -> None:
    """Print one line of progress."""
    print(f"venv: {text}", end=end, flush=True)


def fail(text: str) -> None:
    """Stop, naming what to do."""
    sys.exit(f"venv: {text}")


if __name__ == "__main__":
    main()
