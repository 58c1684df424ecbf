"""`gateway demo`: the whole story, as a newcomer runs it."""

import fcntl
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

# The least that still meets every recipient, and nobody is down, for tests that
# look at something else.
FEW = ("--shares", "60", "--outages", "0")
LONGEST_SECONDS = 110

pytestmark = pytest.mark.timeout(150)


def start(temporary: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the demo; everything that it makes lies in `temporary`."""
    return subprocess.Popen(
        gateway_command(*arguments),
        env=gateway_environment({"TMPDIR": str(temporary)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, SIGINT is ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def run(temporary: Path, *arguments: str) -> tuple[int, str, str]:
    """Run the demo to its end: exit code, standard output, standard error."""
    with start(temporary, *arguments) as process:
        out, err = process.communicate(timeout=LONGEST_SECONDS)
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
    """The demo, whole, told once for all tests that read what it says, in whatever process."""
    root = tmp_path_factory.getbasetemp()
    shared = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    kept = shared / "story.json"
    with (shared / "story.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(tell(tmp_path_factory.mktemp("demo"))))
    told: dict[str, Any] = json.loads(kept.read_text())
    return told


def tell(temporary: Path) -> dict[str, Any]:
    """What the whole demo says, its exit code, and what it left behind."""
    code, out, err = run(temporary, "--json", "demo")
    told: dict[str, Any] = json.loads(out) if out else {}
    return told | {"code": code, "err": err, "left": left_behind(temporary)}


def test_everything_that_it_claims_was_checked_and_holds(story: dict[str, Any]) -> None:
    """The demo ends with 0, and every one of its claims was found to be true."""
    failed = [claim for claim in story.get("claims", []) if not claim["ok"]]

    assert (story["code"], failed) == (0, []), story["err"]
    assert story["ok"] is True
    assert len(story["claims"]) >= 60


def test_it_is_quick_and_leaves_nothing_behind(story: dict[str, Any]) -> None:
    """The demo takes less than a minute, and removes its home and every process."""
    assert story["seconds"]["total"] < 60
    assert story["left"] == []


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


@promise("R3")
def test_a_receipt_that_somebody_else_signed_fails_the_demo(tmp_path: Path) -> None:
    """A receipt by another key settles nothing: the case stays open, and the demo says why."""
    failed = _sabotaged(tmp_path, "receipt")

    settled = "every notice is settled: by a receipt that its recipient signed, or by a person"
    assert "island-post is acknowledged, its receipt was answered 401" in failed.pop(settled)
    assert failed.keys() == {
        "every recipient was told, and whatever needs no person came to its end",
        "the case was open until a person had settled the last of these, and then closed by itself",
        "recipients hold nothing of the person any more, but for the two that may keep it",
    }


@promise("A1")
def test_a_fence_that_was_removed_fails_the_demo(tmp_path: Path) -> None:
    """Without the tombstones shares of the person leave again, and the demo says to whom."""
    failed = _sabotaged(tmp_path, "fence")

    assert "swift-parcel was sent" in failed.pop("nothing of this person left after the 202")
    assert failed.keys() == {
        "whoever asks to share the person's data is refused",
        "the person's account is empty, under both ids",
    }


def test_a_certificate_that_was_changed_or_forged_fails_the_demo(tmp_path: Path) -> None:
    """
    The verifier and the command refuse a certificate with one letter changed, and
    one signed by a key that comes in it.
    """
    code, out, _ = run(tmp_path, "--json", "demo", "--sabotage", "cert", *FEW)
    refused = [claim for claim in json.loads(out)["claims"] if not claim["ok"]]

    assert code == 1
    assert [claim["text"].split(",")[0] for claim in refused] == [
        "the same one file",
        "so does the command",
        "the same one file",
        "so does the command",
    ]
    assert all("header has" in claim["detail"] for claim in refused[:2])
    assert all("not by the key that it names" in claim["detail"] for claim in refused[2:])
    assert left_behind(tmp_path) == []


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


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_it(tmp_path: Path, name: signal.Signals) -> None:
    """Interrupted in the middle, the demo takes its gateway and its home along."""
    with start(tmp_path, "demo", *FEW) as demo:
        _wait(lambda: any(f"{tmp_path}/" in command for command in commands()))
        os.kill(demo.pid, name)
        demo.communicate(timeout=30)

    assert demo.returncode == 1
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


def test_real_recipients_of_several_kinds_verify_every_share(story: dict[str, Any]) -> None:
    """Recipients of four kinds accept every share that was carried, and refuse none."""
    accepted = [recipient["accepted"] for recipient in story["recipients"]]

    assert len({recipient["kind"] for recipient in story["recipients"]}) >= 4
    assert all(accepted)
    assert sum(accepted) == story["shares"]["carried"] >= 300
    assert not any(recipient["refused"] for recipient in story["recipients"])


@promise("S1", "C3", "M1", "K1")
def test_refusals_name_their_clause_and_remedy(story: dict[str, Any]) -> None:
    """At least six different refusals name a clause and what would help, and nothing left."""
    assert len({refusal["code"] for refusal in story["refusals"]}) >= 6
    for refusal in story["refusals"]:
        assert refusal["clause"] and refusal["remedy"], refusal["code"]
        assert refusal["disclosed"] == "no"


def test_the_ledger_holds_every_share_and_every_refusal(story: dict[str, Any]) -> None:
    """The separate verifier finds an intent and an outcome for each carried share."""
    kinds = story["ledger"]["kinds"]

    assert story["ledger"]["verified"] is True
    assert kinds["intent"] == kinds["outcome"] == story["shares"]["carried"]
    assert kinds["refusal"] == story["shares"]["refused"] + len(story["refusals"])


@promise("A1")
def test_shares_in_flight_end_and_nothing_leaves_after_the_fence(story: dict[str, Any]) -> None:
    """Somebody is deleted while shares of theirs are in flight, and no further share leaves."""
    assert story["deletion"]["in_flight"] > 0
    assert story["deletion"]["refused_after"] > 0
    assert _holds(story, "nothing of this person left after the 202")
    assert _holds(story, "no notice overtook a share: swift-parcel was told when its last one")


@promise("R2", "R3")
def test_every_recipient_is_told_until_it_has_settled(story: dict[str, Any]) -> None:
    """
    Who is down, slow, suspended, expired or got the data otherwise is told like all
    others; who refuses and who takes no notices is settled by a person; then the case closes.
    """
    notices = {one["partner"]: one for one in story["deletion"]["notices"]}

    assert story["deletion"]["state"] == "closed"
    assert all(one["settled"] for one in story["deletion"]["notices"])
    assert {name for name, one in notices.items() if one["evidence"] == "person"} == {
        "city-court",
        "harbour-pay",
    }
    assert notices["link-id"]["attempts"] == 3
    assert {"swift-parcel", "bright-reach", "past-parcel"} < notices.keys()
    assert story["deletion"]["previewed"] == len(story["deletion"]["notices"])


def test_copies_go_where_nobody_may_keep_them(story: dict[str, Any]) -> None:
    """Recipients held something before, and nothing after, but for those who may keep it."""
    kept = {row["partner"]: row["after"] for row in story["deletion"]["copies"]}

    assert all(row["before"] for row in story["deletion"]["copies"])
    assert {partner for partner, after in kept.items() if after} == {"city-court", "harbour-pay"}
    assert len(kept) == 7


def _holds(story: dict[str, Any], beginning: str) -> bool:
    """Whether the claim that begins like this was made, and holds."""
    found = [claim["ok"] for claim in story["claims"] if claim["text"].startswith(beginning)]
    return found == [True]


def _sabotaged(temporary: Path, what: str) -> dict[str, str]:
    """The claims that do not hold in a sabotaged demo, which ended with 1 and left nothing."""
    code, out, err = run(temporary, "--json", "demo", "--sabotage", what, *FEW)

    assert code == 1, err
    assert left_behind(temporary) == []
    claims = json.loads(out)["claims"]
    return {claim["text"]: claim["detail"] for claim in claims if not claim["ok"]}


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
