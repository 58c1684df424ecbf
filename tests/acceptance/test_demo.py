"""`gateway demo`: the whole story, as a newcomer runs it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.testing.processes import gateway_command, gateway_environment
from tests.marks import promise

# The least that still meets every recipient, for tests that look at something else.
FEW = ("--shares", "60")


def start(temporary: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the demo; everything that it makes lies in `temporary`."""
    return subprocess.Popen(
        gateway_command(*arguments),
        env=gateway_environment({"TMPDIR": str(temporary)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(temporary: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the demo to its end: exit code, standard output, standard error."""
    with start(temporary, *arguments) as process:
        out, err = process.communicate(timeout=80)
    return process.returncode, out, err


def left_behind(temporary: Path) -> list[str]:
    """Folders of the demo that are still there, and processes that work in them."""
    homes = [path.name for path in temporary.glob("gateway-demo-*")]
    return homes + [command for command in commands() if str(temporary) in command]


def commands() -> Iterator[str]:
    """The command lines of this machine's processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The demo, whole, told once for all tests that read what it says."""
    temporary = tmp_path_factory.mktemp("demo")
    code, out, err = run(temporary, "--json", "demo")
    told: dict[str, Any] = json.loads(out) if out else {}
    told |= {"code": code, "err": err, "left": left_behind(temporary)}
    return told


@pytest.mark.timeout(90)
def test_everything_that_it_claims_was_checked_and_holds(story: dict[str, Any]) -> None:
    """The demo ends with 0, and every one of its claims was found to be true."""
    failed = [claim for claim in story.get("claims", []) if not claim["ok"]]

    assert (story["code"], failed) == (0, []), story["err"]
    assert story["ok"] is True
    assert len(story["claims"]) >= 20


@pytest.mark.timeout(90)
def test_real_recipients_of_several_kinds_verify_every_share(story: dict[str, Any]) -> None:
    """Recipients of four kinds accept every share that was carried, and refuse none."""
    accepted = [recipient["accepted"] for recipient in story["recipients"]]

    assert len({recipient["kind"] for recipient in story["recipients"]}) >= 4
    assert all(accepted)
    assert sum(accepted) == story["shares"]["carried"] >= 300
    assert not any(recipient["refused"] for recipient in story["recipients"])


@pytest.mark.timeout(90)
@promise("S1", "C3", "M1", "K1")
def test_refusals_name_their_clause_and_remedy(story: dict[str, Any]) -> None:
    """At least six different refusals name a clause and what would help, and nothing left."""
    assert len({refusal["code"] for refusal in story["refusals"]}) >= 6
    for refusal in story["refusals"]:
        assert refusal["clause"] and refusal["remedy"], refusal["code"]
        assert refusal["disclosed"] == "no"


@pytest.mark.timeout(90)
def test_the_ledger_holds_every_share_and_every_refusal(story: dict[str, Any]) -> None:
    """The separate verifier finds an intent and an outcome for each carried share."""
    kinds = story["ledger"]["kinds"]

    assert story["ledger"]["verified"] is True
    assert kinds["intent"] == kinds["outcome"] == story["shares"]["carried"]
    assert kinds["refusal"] == story["shares"]["refused"] + len(story["refusals"])


@pytest.mark.timeout(90)
def test_it_is_quick_and_leaves_nothing_behind(story: dict[str, Any]) -> None:
    """The demo takes less than a minute, and removes its home and every process."""
    assert story["seconds"]["total"] < 60
    assert story["left"] == []


@pytest.mark.timeout(90)
def test_a_leaf_that_was_changed_fails_the_demo(tmp_path: Path) -> None:
    """
    After a leaf was changed in the database, the separate verifier refuses, and
    the demo ends with 1 and says why.
    """
    code, out, _ = run(tmp_path, "demo", "--sabotage", "leaf", *FEW)

    assert code == 1
    assert "no longer says that swift-parcel got" in out
    assert "the verifier refuses: the leaves have another root than the checkpoint" in out
    assert out.count("✗ one file, run alone with the public keys, verifies the ledger") == 2
    assert "\x1b" not in out
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    "wrong", [("--sabotage", "weather"), ("--serve", "--sabotage", "leaf"), ("--shares", "few")]
)
def test_wrong_use_is_said_at_once(tmp_path: Path, wrong: tuple[str, ...]) -> None:
    """What the demo does not know ends with 2 before anything runs."""
    code, out, err = run(tmp_path, "demo", *wrong)

    assert (code, out) == (2, "")
    assert wrong[0] in err
    assert left_behind(tmp_path) == []


@pytest.mark.timeout(90)
async def test_it_stays_up_and_ends_in_order(tmp_path: Path) -> None:
    """
    With --serve gateway and recipients answer until Ctrl-C; then every process is
    gone, the home is kept, and the exit code is that of the story.
    """
    with start(tmp_path, "--json", "demo", "--serve", *FEW) as demo:
        try:
            serving = json.loads(_first_object(demo))["serving"]
            status = await _share(serving)
            demo.send_signal(signal.SIGINT)
            _, err = demo.communicate(timeout=30)
        finally:
            demo.kill()

    assert status == 200
    assert demo.returncode == 0
    assert serving["home"] in err
    assert Path(serving["home"], "gateway.toml").is_file()
    assert [command for command in commands() if str(tmp_path) in command] == []


@pytest.mark.timeout(90)
@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_it(tmp_path: Path, name: signal.Signals) -> None:
    """Interrupted in the middle, the demo takes its gateway and its home along."""
    with start(tmp_path, "demo", *FEW) as demo:
        _wait(lambda: any(f"{tmp_path}/" in command for command in commands()))
        os.kill(demo.pid, name)
        demo.communicate(timeout=30)

    assert demo.returncode == 1
    assert left_behind(tmp_path) == []


def _first_object(demo: "subprocess.Popen[str]") -> str:
    """The JSON object that it prints before it stays."""
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if line == "}\n":
            break
    return "".join(lines)


async def _share(serving: dict[str, Any]) -> int:
    headers = {
        "Authorization": f"Bearer {serving['token']}",
        "Sharing-Purpose": "order-fulfilment",
        "Sharing-Subject": "user-42",
    }
    body = {"recipient": {"name": "欧阳明", "address": "听雨拟路1号"}}
    url = f"{serving['internal']}/share/swift-parcel/v2/shipments/LO-1"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as response,
    ):
        return response.status


def _wait(true: Any) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
