"""The gateway as a process is started, watched, killed and restarted; a stand-in shows how."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from gateway.testing.server import GatewayDied, GatewayProcess

STAND_IN = Path(__file__).with_name("stand_in.py")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that tells the stand-in how to behave."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
async def gateway(home: Path, tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    """The stand-in, not started yet."""
    command = [sys.executable, str(STAND_IN), str(home)]
    gateway = GatewayProcess(home, command=command, logs=tmp_path / "logs")
    yield gateway
    if gateway.running:
        await gateway.kill()


async def test_it_is_ready_when_it_says_so(home: Path, gateway: GatewayProcess) -> None:
    """Starting waits for the line and for readiness; then both listeners answer."""
    for number in range(3):
        (home / f"unready-{number}").touch()
    async with gateway, aiohttp.ClientSession() as session:
        assert not list(home.glob("unready-*"))
        for url in (gateway.internal_url, gateway.public_url):
            assert (await session.get(url)).status == 200
        assert gateway.running
        assert "serving" in gateway.stdout.read_text()

    assert not gateway.running


async def test_it_gets_its_settings_and_no_others(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ports below the kernel's own and loopback are set, and nothing comes from outside."""
    monkeypatch.setenv("GATEWAY_STORAGE__URL", "sqlite:///elsewhere.db")
    settings = {"GATEWAY_PUBLIC__URL": "https://sharing.shop.example"}
    command = [sys.executable, str(STAND_IN), str(home)]
    async with GatewayProcess(home, settings=settings, command=command) as gateway:
        seen = dict(line.split("=", 1) for line in (home / "settings").read_text().splitlines())
        assert gateway.public_url == "https://sharing.shop.example"

    assert seen.keys() == {
        "GATEWAY_LISTEN__INTERNAL",
        "GATEWAY_LISTEN__PUBLIC",
        "GATEWAY_EGRESS__ALLOW",
        "GATEWAY_EGRESS__PLAINTEXT",
        "GATEWAY_PUBLIC__URL",
    }
    assert int(seen["GATEWAY_LISTEN__INTERNAL"].partition(":")[2]) < 32768


async def test_a_start_that_fails_says_why(home: Path, gateway: GatewayProcess) -> None:
    """A process that ends before it is ready is reported with its exit code and its words."""
    (home / "fail").touch()
    with pytest.raises(GatewayDied, match=r"exit code 3[\s\S]*no such setting"):
        await gateway.start()


async def test_a_start_that_takes_too_long_is_ended(home: Path, gateway: GatewayProcess) -> None:
    """A process that never announces itself is killed when the time is over."""
    (home / "mute").touch()
    with pytest.raises(GatewayDied, match="not ready"):
        await gateway.start(timeout_seconds=1)

    assert not gateway.running


async def test_killed_and_started_again_at_the_same_address(gateway: GatewayProcess) -> None:
    """SIGKILL ends it at once; it comes back as another process at the same ports."""
    await gateway.start()
    before = gateway.pid, gateway.internal_url, gateway.public_url
    await gateway.kill()
    with pytest.raises(GatewayDied):
        _ = gateway.pid
    await gateway.start()

    assert gateway.pid != before[0]
    assert (gateway.internal_url, gateway.public_url) == before[1:]
    assert gateway.stdout.read_text().count("serving") == 2


async def test_a_request_that_failed_is_explained_by_its_end(gateway: GatewayProcess) -> None:
    """Where the process is gone its last words say more than a connection that is refused."""
    error = aiohttp.ClientConnectionError("refused")
    await gateway.explain(error)
    await gateway.start()
    os.kill(gateway.pid, signal.SIGKILL)

    with pytest.raises(GatewayDied, match=r"ended by itself[\s\S]*serving") as told:
        await gateway.explain(error)
    assert told.value.__cause__ is error


async def test_a_kill_takes_the_workers_along(home: Path, gateway: GatewayProcess) -> None:
    """Nothing of a killed gateway lives on, whatever processes it had started."""
    (home / "worker").touch()
    await gateway.start()
    worker = int((home / "worker-pid").read_text())
    await gateway.kill()

    async with asyncio.timeout(5):
        while _alive(worker):
            await asyncio.sleep(0.01)


async def test_terminating_drains(gateway: GatewayProcess) -> None:
    """SIGTERM ends it with exit code 0, and a restart is that and a start."""
    await gateway.start()
    first = gateway.pid
    await gateway.restart()
    assert gateway.pid != first

    await gateway.terminate()
    assert not gateway.running


@pytest.mark.parametrize("how,message", [("dirty", "exit code 1"), ("stubborn", "not drained")])
async def test_a_bad_end_is_reported(
    home: Path, gateway: GatewayProcess, how: str, message: str
) -> None:
    """Another exit code than 0, or no end at all, fails the test that asked for it."""
    (home / how).touch()
    await gateway.start()
    with pytest.raises(GatewayDied, match=message):
        await gateway.terminate(timeout_seconds=0.5)

    assert not gateway.running


async def test_reloading_sends_sighup(home: Path, gateway: GatewayProcess) -> None:
    """A running gateway is told to read its documents again."""
    async with gateway:
        gateway.reload()
        async with asyncio.timeout(5):
            while not (home / "reloaded").exists():
                await asyncio.sleep(0.01)


async def test_what_is_not_running_cannot_be_told_anything(gateway: GatewayProcess) -> None:
    """Signals to a gateway that was never started are mistakes of the test."""
    with pytest.raises(GatewayDied, match="never started"):
        gateway.reload()


async def test_a_service_shares_as_the_contract_has_it(gateway: GatewayProcess) -> None:
    """Token, purpose, subject and the rest go into their headers, the path as it is."""
    async with gateway, gateway.client("tok") as service:
        reply = await service.share(
            "swift-parcel",
            "/v2/shipments/LO%2D1?x=%7e",
            {"note": "茶"},
            purpose="payment@1",
            subject="lumen 17/ä",
            evidence='"case-4";type=court',
            idempotency_key="k-1",
            prefer="handling=strict",
            headers={"Sec-GPC": "1"},
        )
    seen = reply.json()

    assert (reply.status, reply.share, reply.code) == (200, "sh-1", "echoed")
    assert seen["method"] == "POST"
    assert seen["target"] == "/share/swift-parcel/v2/shipments/LO%2D1?x=%7e"
    assert seen["body"] == '{"note": "\\u8336"}'
    wanted = {
        "Authorization": "Bearer tok",
        "Content-Type": "application/json",
        "Sharing-Purpose": "payment@1",
        "Sharing-Subject": "lumen%2017%2F%C3%A4",
        "Sharing-Evidence": '"case-4";type=court',
        "Idempotency-Key": "k-1",
        "Prefer": "handling=strict",
        "Sec-GPC": "1",
    }
    assert wanted.items() <= seen["headers"].items()
    assert "Sharing-Ground" not in seen["headers"]


async def test_a_service_calls_the_rest(gateway: GatewayProcess) -> None:
    """GET, POST and PUT go where they are told; bytes are sent as they are; no token, no header."""
    async with gateway, gateway.client() as service:
        got = (await service.get("/v1/x?y=1")).json()
        posted = (await service.post("/v1/consents", b"{ }", headers={"X-A": "1"})).json()
        put = (await service.put("/v1/subjects/a", {"minor": True})).json()
        reply = await service.get("/secret/13800001234")

    assert (got["method"], got["target"], got["body"]) == ("GET", "/v1/x?y=1", "")
    assert "Authorization" not in got["headers"]
    assert (posted["body"], posted["headers"]["X-A"]) == ("{ }", "1")
    assert (put["method"], put["body"]) == ("PUT", '{"minor": true}')
    assert "13800001234" not in repr(reply)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie answers signals; it is dead all the same.
    return Path(f"/proc/{pid}/stat").read_text().split(") ")[-1][0] != "Z"
