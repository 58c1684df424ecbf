"""
The targets under atheris: input that reaches new lines of code is kept and varied further.

    python -m tests.fuzz.guided --seconds 300 --corpus build/fuzz/corpus

Ends with 0 when nothing was found; otherwise the input is written beside the corpus, and
`python -m tests.fuzz.guided FILE` runs it once more.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

MISSING = 77
"""The exit code that says atheris is not installed here."""
# Only these are watched for new lines; watching everything makes each run slower.
WATCHED = (
    *("gateway.shape", "gateway.policy.selectors", "gateway.seal", "gateway.ledger"),
    *("gateway.notices", "gateway.recipient", "gateway.access", "gateway.verifier"),
    "gateway.flows.incoming",
)
LONGEST = 3000


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz until the time is over; never returns when atheris runs, as libFuzzer ends the process."""
    given = parser().parse_args(arguments)
    if given.inputs:
        return again(given.inputs)
    try:
        import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        print("atheris is not installed: it has wheels for Linux on x86-64, Python 3.11 to 3.13")
        return MISSING
    with atheris.instrument_imports(include=list(WATCHED)):
        from tests.fuzz import targets
    given.corpus.mkdir(parents=True, exist_ok=True)
    for at, seed in enumerate(targets.seeds()):
        (given.corpus / f"seed-{at:03}").write_bytes(seed)
    options = [
        "-timeout=10",
        "-print_final_stats=1",
        f"-seed={given.seed}",
        f"-max_len={LONGEST}",
        f"-max_total_time={given.seconds}",
        f"-artifact_prefix={given.corpus.parent}/",
    ]
    atheris.Setup([sys.argv[0], *options, str(given.corpus)], targets.run_one)
    atheris.Fuzz()
    return 0


def again(inputs: Sequence[Path]) -> int:
    """Run inputs once, without atheris; the first fault is raised."""
    from tests.fuzz import targets

    for path in inputs:
        targets.run_one(path.read_bytes())
    return 0


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    found = argparse.ArgumentParser(prog="python -m tests.fuzz.guided", description=__doc__)
    found.add_argument("inputs", nargs="*", type=Path, help="run these once instead of fuzzing")
    found.add_argument("--seconds", type=int, default=60)
    found.add_argument("--seed", type=int, default=7, help="of the variations")
    found.add_argument("--corpus", type=Path, default=Path("build/fuzz/corpus"))
    return found


if __name__ == "__main__":
    sys.exit(main())
