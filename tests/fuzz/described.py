"""
Schemathesis against a running gateway: requests made from its own `/openapi.json`.

    python -m tests.fuzz.described --seconds 300

It asks with a token of every scope, and knows a few names that exist (recipients, people,
cases, notices), so that not everything ends at "there is no such". Two of its checks are
left out, because the contract says otherwise: nothing answers where nothing is (404, never
405), and a body that fits its schema may name what the policy does not have (400).
"""

import argparse
import asyncio
import importlib.util
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.observe.logs import configure_logging
from gateway.testing.builders import a_route
from gateway.testing.clock import Clock
from tests.promises.house import GROUNDS, House, a_courier, empty_home

LEFT_OUT = ("unsupported_method", "positive_data_acceptance")
WORDS = (
    *("swift-parcel", "order-fulfilment", "advertising", "basic.phone", "u-1", "u-2", "nobody"),
    *("user-request", "account-closed", "unlawful", "core-function", "sale", "CN"),
    *("2026-03-01", "2026-03-01T12:00:00Z", "2031-03-01T12:00:00Z"),
)
"""What a body or a parameter may hold for a share of its texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What it found."""

    statuses: Counter[int]
    """How many answers of each; 0: no answer."""
    operations: frozenset[str]
    """Method and path of those that were asked."""
    failures: tuple[str, ...]
    """The operation and the check that failed."""
    code: int
    """Its exit code."""
    output: str
    """What it printed."""

    @property
    def server_errors(self) -> int:
        """Answers of 500 and above, and no answer at all."""
        return sum(count for status, count in self.statuses.items() if not 0 < status < 500)


def installed() -> bool:
    """Whether there is Schemathesis here."""
    return importlib.util.find_spec("schemathesis") is not None


async def populated(folder: Path) -> tuple[House, dict[str, list[str]]]:
    """A running gateway with shares and cases, and the ids that its paths may name."""
    routes = {"create-shipment": a_route()}
    house = House(empty_home(folder), Clock(datetime.now(UTC)))
    await house.open([a_courier(routes=routes)])
    for subject in ("u-1", "u-2"):
        assert (await house.share(subject=subject)).status == 200
    later = await house.share(prefer="respond-async")
    opened = (await _case(house, "u-2")).json()
    closed = (await _case(house, "nobody")).json()
    return house, {
        "partners": ["swift-parcel", "*"],
        "people": ["u-1", "u-2", "%E5%90%8D", "nobody"],
        "cases": [closed["case"]],
        "notices": [one["notice"] for one in opened["notices"]],
        "shares": [str(later.share)],
        "consents": [await house.consent()],
    }


async def _case(house: House, subject: str) -> Any:
    body = {
        "action": "erase",
        "subject": subject,
        "reason": "user-request",
        "verified": {"method": "app-session", "reference": "s", "at": "2026-03-01T12:00:00Z"},
    }
    reply = await house.ask("POST", "/v1/cases", body)
    assert reply.status == 202, reply.json()
    return reply


def configuration(ids: Mapping[str, Sequence[str]]) -> str:
    """`schemathesis.toml`: where which ids and words are tried."""
    lists = {**ids, "words": WORDS}
    lines = [f"[dictionaries.{name}]\nvalues = {json.dumps(each)}" for name, each in lists.items()]
    lines.append('[generation]\ndictionaries.string = {dictionary = "words", probability = 0.3}')
    lines += [
        "[[operations]]\n"
        f'include-path-regex = "^/v1/{place}/.*"\n'
        f'parameters = {{"path.{name}" = {{dictionary = "{known}", probability = 0.8}}}}'
        for place, name, known in (
            ("subjects", "subject", "people"),
            *((place, "id", place) for place in ids if place != "people"),
        )
    ]
    return "\n\n".join(lines) + "\n"


async def examined(
    folder: Path,
    *,
    examples: int,
    seconds: int | None = None,
    phases: str = "coverage,fuzzing",
    seed: int = 1,
) -> Seen:
    """
    Run it against a gateway in `folder`: so many examples of each operation, or as many
    as fit into `seconds`.
    """
    bound = () if seconds is None else ("--max-time", str(seconds))
    house, ids = await populated(folder / "home")
    async with house:
        config, report = folder / "schemathesis.toml", folder / "report.json"
        config.write_text(configuration(ids), encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"),
            f"{house.internal_url}/openapi.json",
            *("--header", f"Authorization: Bearer {house.token(grounds=GROUNDS)}"),
            *("--phases", phases, "--max-examples", str(examples), *bound),
            *("--request-timeout", "20", "--continue-on-failure"),
            *("--exclude-checks", ",".join(LEFT_OUT), "--warnings", "off", "--no-color"),
            *("--seed", str(seed), "--generation-database", "none", "--no-shrink"),
            *("--report", "ndjson", "--report-ndjson-path", str(report)),
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    return _read(report.read_bytes(), process.returncode or 0, output.decode())


def _read(report: bytes, code: int, output: str) -> Seen:
    """The report is NDJSON: an event a line, one of them for each scenario that is over."""
    statuses: Counter[int] = Counter()
    failures: list[str] = []
    tried: set[str] = set()
    for event in map(json.loads, report.splitlines()):
        recorder = event.get("ScenarioFinished", {}).get("recorder", {})
        for interaction in recorder.get("interactions", {}).values():
            statuses[(interaction.get("response") or {}).get("status_code", 0)] += 1
            tried.add(recorder["label"])
        failures += [
            f"{recorder['label']}: {check['name']}"
            for checks in recorder.get("checks", {}).values()
            for check in checks
            if check["status"] != "success"
        ]
    return Seen(
        statuses=statuses,
        operations=frozenset(tried),
        failures=tuple(failures),
        code=code,
        output=output,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.described", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    if not installed():
        print("schemathesis is not installed")
        return 1
    configure_logging(level="error")
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(
            examined(Path(folder), seconds=asked.seconds, examples=2000, seed=asked.seed)
        )
    print(seen.output)
    print(f"by status: {dict(sorted(seen.statuses.items()))}")
    return 1 if seen.code or seen.failures or seen.server_errors else 0


if __name__ == "__main__":
    sys.exit(main())
