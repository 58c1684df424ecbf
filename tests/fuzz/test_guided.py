"""Guided fuzzing of everything that reads what strangers send, for a few seconds."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from gateway.access.services import verify_token
from gateway.notices.receipts import RECEIPT_TYPE
from gateway.seal.jws import verify_jws
from tests.fuzz import guided, signed, targets
from tests.fuzz.broken import Broken, must
from tests.marks import could_not_run

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 3


@pytest.mark.parametrize("name", targets.NAMES)
def test_every_seed_is_taken_or_refused_by_name(name: str) -> None:
    """What the fuzzer begins with does no harm, with or without a fuzzer."""
    target = targets.TARGETS[name]
    for seed in target.seeds:
        target.run(seed)
        target.run(seed[: len(seed) // 2])
        target.run(seed + b"\0")

    assert target.seeds
    assert [targets.NAMES[seed[0]] for seed in targets.seeds()].count(name) == len(target.seeds)


def test_valid_seeds_are_read() -> None:
    """The seeds are not refused at the door, or the fuzzer would look at nothing behind it."""
    assert verify_jws(signed.RECEIPTS[0], signed.KEYS, RECEIPT_TYPE)["jti"] == "r-1"
    assert verify_token(signed.TOKEN, [signed.AUTH], now=signed.NOW).name == "order-service"
    assert signed.opened(signed.NOTE) == signed.opened_by_the_verifier(signed.NOTE)
    assert signed.opened(signed.NOTE) is not None
    with pytest.raises(Broken):
        must(None, "this does not hold")


async def test_guided_fuzzing_finds_nothing(tmp_path: Path) -> None:
    """
    Some seconds of input that goes where no input went before: bodies, forms, codings,
    selectors, ids, signatures, receipts, keys, tokens, notes.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fuzz.guided"),
        *("--seconds", str(SECONDS), "--corpus", str(tmp_path / "corpus")),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode == guided.MISSING:
        could_not_run(output.decode().strip())
    runs = re.search(rb"number_of_executed_units: (\d+)", output)

    assert process.returncode == 0, output.decode(errors="replace")[-4000:]
    assert runs
    assert int(runs[1]) > len(targets.seeds())
