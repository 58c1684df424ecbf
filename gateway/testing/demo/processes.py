"""Commands run beside the story, each a process of its own."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        """The last line that it said, for a person."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1] if lines else f"exit code {self.code}"


async def run(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path | None = None
) -> Ran:
    """
    Run a command to its end in `folder`.

    It is killed when the caller is cancelled and after a minute, which raises
    TimeoutError: nothing that the story starts outlives it.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # Ctrl-C is for the story, which ends its children itself.
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ran(process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace"))
