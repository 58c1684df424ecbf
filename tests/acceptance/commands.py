"""The command line, run as its users run it."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.testing.processes import gateway_command, gateway_environment

SECONDS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as JSON values."""
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything."""
        return self.out + self.err


def run(
    *arguments: str | Path,
    home: Path | None = None,
    as_json: bool = False,
    settings: Mapping[str, str] | None = None,
    folder: Path | None = None,
    command: Sequence[str] | None = None,
) -> Done:
    """`gateway [--home HOME] [--json] ARGUMENTS`, to its end."""
    options = [*(("--home", str(home)) if home else ()), *(("--json",) if as_json else ())]
    line = [*options, *map(str, arguments)]
    ended = subprocess.run(
        [*command, *line] if command else gateway_command(*line),
        env=gateway_environment(settings),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return Done(code=ended.returncode, out=ended.stdout, err=ended.stderr)


def no_traceback(done: Done) -> None:
    """Whatever went wrong was said in a sentence."""
    assert "Traceback" not in done.said
    assert done.err.strip()


PYTHON = sys.executable
