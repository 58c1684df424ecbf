"""
A real shell whose calls of `gateway`, `gateway-verify` and `curl` are answered
in this process.

Starting Python for each call would take most of a test's time. Each program is
a small script that hands its words over through one named pipe and takes exit
code and output from another. What runs in the background (`gateway serve`) is a
process of its own, so that it can be signalled.
"""

import contextlib
import io
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

from click.testing import CliRunner

from gateway import verifier
from gateway.cli import cli
from gateway.testing.processes import gateway_environment

PROGRAM = """\
#!/bin/sh
case " $* " in *" serve "*) exec "{python}" -m gateway "$@" ;; esac
printf '%s\\0' {name} "$@" > "{folder}/asked"
{{ read -r code; cat; }} < "{folder}/answered"
exit "$code"
"""


class Shell:
    """Runs scripts in a folder, which must be the working folder of this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._programs = folder / ".venv" / "bin"
        self._programs.mkdir(parents=True)
        os.mkfifo(folder / "asked")
        os.mkfifo(folder / "answered")
        for name in ("gateway", "gateway-verify", "curl"):
            path = self._programs / name
            text = PROGRAM.format(python=sys.executable, name=name, folder=folder)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)
        self.problems: list[str] = []
        """What failed calls said on standard error."""

    def run(self, script: str, settings: Mapping[str, str], *, seconds: float) -> tuple[int, str]:
        """Exit code and standard output of a script; nothing that it started outlives it."""
        desk = Thread(target=self._answer, daemon=True)
        desk.start()
        shell = subprocess.Popen(
            ["sh", "-c", script],
            cwd=self.folder,
            env=gateway_environment(settings)
            | {"PATH": os.pathsep.join([str(self._programs), os.environ["PATH"]])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            printed, problems = shell.communicate(timeout=seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            self._end(desk)
        self.problems.append(problems)
        return shell.returncode, printed

    def _answer(self) -> None:
        while words := (self.folder / "asked").read_bytes().decode().split("\0")[:-1]:
            code, printed = self._call(words[0], words[1:])
            (self.folder / "answered").write_bytes(b"%d\n" % code + printed)

    def _end(self, desk: Thread) -> None:
        """Open both pipes, so that whoever waits for the other side goes on, and reads nothing."""
        ends = [os.open(self.folder / name, os.O_RDWR) for name in ("asked", "answered")]
        for end in ends:
            os.close(end)
        desk.join(timeout=10)

    def _call(self, program: str, words: list[str]) -> tuple[int, bytes]:
        match program:
            case "gateway":
                result = CliRunner().invoke(cli, words)
                self.problems += [result.stderr] if result.exit_code else []
                return result.exit_code, result.stdout_bytes
            case "gateway-verify":
                with contextlib.redirect_stdout(io.StringIO()) as printed:
                    code = verifier.main(words)
                return code, printed.getvalue().encode()
            case _:
                return 0, curl(words) + b"\n"


class AnyStatus(urllib.request.HTTPErrorProcessor):
    """A refusal is an answer too."""

    def http_response(self, request: Any, response: Any) -> Any:
        """Give it back as it came."""
        return response


def curl(words: list[str]) -> bytes:
    """As much of curl as the README needs, so that it need not be installed."""
    headers: dict[str, str] = {}
    body: bytes | None = None
    url = ""
    rest = iter(words)
    for word in rest:
        match word:
            case "-s":
                pass
            case "-H":
                name, _, value = next(rest).partition(": ")
                headers[name] = value
            case "-d":
                given = next(rest)
                body = Path(given[1:]).read_bytes() if given[0] == "@" else given.encode()
            case _:
                url = word
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), AnyStatus)
    with opener.open(urllib.request.Request(url, body, headers), timeout=20) as answer:
        content: bytes = answer.read()
    return content
