"""`make bench` works: quickly, and without a word about how fast anything is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import command, lanes, micro, workload

RUN = Path(__file__).with_name("run.py")

# The fixture runs every part once.
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """What a quick run of everything prints, and the numbers that it writes."""
    file = tmp_path_factory.mktemp("bench") / "result.json"
    done = subprocess.run(
        [sys.executable, str(RUN), "--quick", "--json", str(file), "--leaves", "1000"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text())


def test_the_table_has_every_way_and_every_step(ran: tuple[str, dict[str, Any]]) -> None:
    """The share path stands beside the bare proxy, and each step beside its peer."""
    printed, result = ran

    for way in ("bare aiohttp proxy", "gateway, seal: none", "gateway, seal: body"):
        assert f"| {way} " in printed
    assert {row["name"] for row in result["micro"]} == set(micro.NAMES)
    assert all(row["title"] in printed and row["peer"] in printed for row in result["micro"])


def test_a_dead_recipient_stands_beside_ten_that_live(ran: tuple[str, dict[str, Any]]) -> None:
    """The wait of the other nine is measured for both ways to be dead, and for none."""
    printed, result = ran

    assert result["lanes"]["ways"].keys() == lanes.TITLES.keys()
    assert all(f"| {title} " in printed for title in lanes.TITLES.values())
    assert all(numbers["ratio"] > 0 for numbers in result["lanes"]["ways"].values())


def test_memory_is_shown_while_notices_wait(ran: tuple[str, dict[str, Any]]) -> None:
    """All that was to wait does, and some of it is told."""
    printed, result = ran

    assert "| notices waiting " in printed
    assert result["queued"]["notices"] == 200
    assert result["queued"]["sent"] > 0
    assert result["queued"]["most_mib"] >= result["queued"]["first_mib"] > 0


def test_a_large_ledger_is_checked_and_asked(ran: tuple[str, dict[str, Any]]) -> None:
    """Each command that reads all of it, each answer out of it, and who is affected."""
    printed, result = ran
    told = [row["title"] for row in (*result["ledger"]["checks"], *result["ledger"]["answers"])]

    assert len(told) == len(set(told)) == 8
    assert all(f"| {title} " in printed for title in told)
    assert result["ledger"]["leaves"] == 1000
    assert result["ledger"]["affected"]["people"] > 0


def test_what_was_measured_is_what_was_recorded(ran: tuple[str, dict[str, Any]]) -> None:
    """As many shares reached the partner as the ledger calls delivered, and it verifies."""
    _, result = ran
    checks = result["share"]["checks"]

    assert checks["arrived"] == checks["intents"] == checks["delivered"] > 0
    assert checks["ledger_verified"] is True
    assert set(checks["opened_and_compared"]) == {workload.NONE, workload.BODY}


def test_a_result_says_on_what_machine(ran: tuple[str, dict[str, Any]]) -> None:
    """Numbers that do not name processors, Python and SQLite cannot be compared."""
    printed, result = ran

    assert result["machine"]["cpus"] >= 1
    assert f"Python {result['machine']['python']}, SQLite {result['machine']['sqlite']}" in printed


def test_the_order_has_as_many_values_as_it_says() -> None:
    """31 values come in, 11 of them may leave, in about one kilobyte."""
    assert workload.leaves_of(workload.ORDER) == 31
    assert workload.leaves_of(workload.LEAVES) == 11
    assert 900 <= len(workload.body().encode()) <= 1024


def test_the_bare_proxy_stays_bare() -> None:
    """The peer is at most forty lines, so that anybody can see what it does."""
    assert len(RUN.with_name("bare_proxy.py").read_text().splitlines()) <= 40


def test_an_unknown_name_is_refused_with_those_that_exist(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who asks for a benchmark that there is not is told the names."""
    with pytest.raises(SystemExit) as ended:
        command.main(["everything"])

    assert ended.value.code == 2
    assert "write one of share, decide" in capsys.readouterr().err
