"""Starting, stopping and being stopped: a process for each test (contract §2, §3, §10)."""

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.start import make_home
from gateway.testing.behaviour import Delay, Silence
from gateway.testing.builders import a_home, a_token
from gateway.testing.partner import FakePartner
from gateway.testing.server import GatewayProcess
from tests.acceptance.commands import no_traceback, run
from tests.marks import promise
from tests.unit.cli.calling import call

ORDER = {"recipient": {"name": "欧阳明", "phone": "13800138000", "address": "成都"}}
PATH = "/v2/shipments/LO-1"


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A fresh home, to be copied from."""
    make_home(tmp_path / "template")
    return tmp_path / "template"


async def a_gateway(template: Path, folder: Path, courier: FakePartner, **more: Any) -> Any:
    """A process on a home with this courier."""
    home = await a_home(folder / "home", [courier], template=template)
    gateway = GatewayProcess(home, logs=folder / "logs", **more)
    courier.trust(issuer=gateway.public_url, jwks=gateway.jwks_url)
    return gateway


async def test_a_fresh_home_serves_as_it_is(tmp_path: Path) -> None:
    """`init` and `serve`, and nothing between."""
    home = tmp_path / "home"
    assert (await asyncio.to_thread(run, "init", home)).code == 0
    async with (
        GatewayProcess(home, logs=tmp_path / "logs") as gateway,
        gateway.client(a_token(home)) as service,
    ):
        reply = await service.share("swift-parcel", PATH, ORDER, subject="u-1")

    assert reply.code == "partner-unreachable"
    assert reply.json()["disclosed"] == "no"


async def test_sigterm_lets_what_is_in_flight_end(template: Path, tmp_path: Path) -> None:
    """A share that is on its way is answered, recorded, and then the process exits with 0."""
    async with FakePartner() as courier:
        gateway = await a_gateway(template, tmp_path, courier)
        async with gateway:
            courier.script.next(Delay(0.6))
            async with gateway.client(a_token(gateway.home)) as service:
                waiting = asyncio.create_task(
                    service.share("swift-parcel", PATH, ORDER, subject="u-1")
                )
                while not courier.received:
                    await asyncio.sleep(0.01)
                await gateway.terminate()
                reply = await waiting
        verified = await asyncio.to_thread(
            call, "ledger", "verify", home=gateway.home, as_json=True
        )

    assert reply.status == 200
    assert verified.json()["open"] == 0
    assert verified.json()["kinds"]["outcome"] == 1
    assert "stopped" in gateway.stderr.read_text()


async def test_sigterm_does_not_wait_for_ever(template: Path, tmp_path: Path) -> None:
    """After the home's time a share that does not end is left, and may have arrived."""
    async with FakePartner() as courier:
        settings = {"GATEWAY_DRAIN__TIMEOUT": "300ms"}
        gateway = await a_gateway(template, tmp_path, courier, settings=settings)
        async with gateway:
            courier.script.next(Silence())
            async with gateway.client(a_token(gateway.home)) as service:
                waiting = asyncio.create_task(
                    service.share("swift-parcel", PATH, ORDER, subject="u-1")
                )
                while not courier.received:
                    await asyncio.sleep(0.01)
                began = time.monotonic()
                await gateway.terminate()
                lasted = time.monotonic() - began
                await asyncio.gather(waiting, return_exceptions=True)
        rows = await asyncio.to_thread(
            call, "subject", "disclosures", "u-1", home=gateway.home, as_json=True
        )

    assert lasted < 4
    (row,) = rows.json()["disclosures"]
    assert row["outcome"] in ("unknown", "timeout")


async def test_commands_work_on_a_home_that_does_not_call(template: Path, tmp_path: Path) -> None:
    """Suspending, reading and verifying need no gateway, and the next start knows of it."""
    async with FakePartner() as courier:
        gateway = await a_gateway(template, tmp_path, courier)
        home = gateway.home
        async with gateway:
            async with gateway.client(a_token(home)) as service:
                carried = await service.share("swift-parcel", PATH, ORDER, subject="u-1")
            await gateway.terminate()

            def commands() -> dict[str, Any]:
                return {
                    "suspend": call("partner", "suspend", "swift-parcel", home=home),
                    "list": call("partner", "list", home=home, as_json=True).json(),
                    "disclosures": call(
                        "subject", "disclosures", "u-1", home=home, as_json=True
                    ).json(),
                    "consents": call("subject", "consents", "u-1", home=home),
                    "verify": call("ledger", "verify", home=home, as_json=True).json(),
                    "nobody": call("partner", "suspend", "nobody", home=home),
                }

            done = await asyncio.to_thread(commands)
            await gateway.start()
            async with gateway.client(a_token(home)) as service:
                refused = await service.share("swift-parcel", PATH, ORDER, subject="u-1")

    assert carried.status == 200
    assert done["suspend"].code == done["consents"].code == 0
    assert [one["state"] for one in done["list"]["partners"]] == ["suspended"]
    assert [row["share"] for row in done["disclosures"]["disclosures"]] == [carried.share]
    assert done["verify"]["kinds"]["read"] == 2
    assert done["nobody"].code == 1
    assert refused.code == "partner-suspended"


async def test_a_database_of_a_newer_program_is_refused(template: Path, tmp_path: Path) -> None:
    """Exit 2, said in a sentence, and the file is left as it was."""
    async with FakePartner() as courier:
        gateway = await a_gateway(template, tmp_path, courier)
        async with gateway:
            pass
    database = gateway.home / "data/gateway.db"
    with sqlite3.connect(database) as db:
        db.execute("PRAGMA user_version = 9999")
    db.close()
    before = database.read_bytes()

    def commands() -> list[Any]:
        return [
            run("serve", home=gateway.home),
            call("partner", "list", home=gateway.home),
            call("ledger", "verify", home=gateway.home),
        ]

    for done in await asyncio.to_thread(commands):
        assert done.code == 2, done.said
        assert "newer" in done.err
        assert "Traceback" not in done.said
    assert database.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused(template: Path) -> None:
    """What is not ours is not touched."""
    (template / "data/gateway.db").write_bytes(b"not a database at all" * 100)
    done = await asyncio.to_thread(run, "serve", home=template)

    assert done.code == 2
    assert (template / "data/gateway.db").read_bytes() == b"not a database at all" * 100
    no_traceback(done)


@promise("P4")
async def test_after_a_crash_nothing_that_may_have_left_is_forgotten(
    template: Path, tmp_path: Path
) -> None:
    """An intent without outcome becomes `unknown` before the gateway is ready again."""
    async with FakePartner() as courier:
        gateway = await a_gateway(template, tmp_path, courier)
        async with gateway:
            courier.script.always(Silence())
            async with gateway.client(a_token(gateway.home)) as service:
                waiting = [
                    asyncio.create_task(
                        service.share("swift-parcel", PATH, ORDER, subject=f"u-{n}")
                    )
                    for n in range(3)
                ]
                while len(courier.received) < 3:
                    await asyncio.sleep(0.01)
                await gateway.kill()
                await asyncio.gather(*waiting, return_exceptions=True)
            await gateway.start()
            token = a_token(gateway.home, scope=("subject:read",))
            async with gateway.client(token) as service:
                rows = [
                    (await service.get(f"/v1/subjects/u-{n}/disclosures")).json()["disclosures"]
                    for n in range(3)
                ]
        verified = await asyncio.to_thread(
            call, "ledger", "verify", home=gateway.home, as_json=True
        )

    assert [[row["outcome"] for row in account] for account in rows] == [["unknown"]] * 3
    assert {row["share"] for account in rows for row in account} == {
        one.share for one in courier.received
    }
    assert (verified.code, verified.json()["open"]) == (0, 0)


async def test_what_waits_is_sent_after_a_crash(template: Path, tmp_path: Path) -> None:
    """A share that was accepted for later is durable."""
    async with FakePartner() as courier:
        gateway = await a_gateway(template, tmp_path, courier)
        async with gateway:
            await courier.stop()
            async with gateway.client(a_token(gateway.home)) as service:
                reply = await service.share(
                    "swift-parcel", PATH, ORDER, subject="u-1", prefer="respond-async"
                )
                # Killed within a try, it could have left, and would not be sent again.
                while "share-tried" not in gateway.stderr.read_text(encoding="utf-8"):
                    await asyncio.sleep(0.01)
            await gateway.kill()
            await courier.start()
            await gateway.start()
            for _ in range(1500):
                if courier.received:
                    break
                await asyncio.sleep(0.02)

    assert reply.status == 202
    assert [one.share for one in courier.received] == [reply.share]


async def test_keys_that_are_gone_stop_the_start(template: Path) -> None:
    """Without its own keys a home cannot be served, and says which one is missing."""
    (template / "keys/home.key").unlink()
    done = await asyncio.to_thread(run, "serve", home=template)

    assert done.code == 2
    assert "home.key" in done.err
    no_traceback(done)


async def test_settings_come_from_the_environment_too(template: Path, tmp_path: Path) -> None:
    """The origin and the issuer follow `GATEWAY_PUBLIC__URL`, the store `GATEWAY_STORAGE__URL`."""
    database = tmp_path / "elsewhere/ledger.db"
    url = "https://sharing.shop.example"
    async with FakePartner() as courier:
        settings = {
            "GATEWAY_PUBLIC__URL": url,
            "GATEWAY_STORAGE__URL": f"sqlite:///{database}",
        }
        gateway = await a_gateway(template, tmp_path, courier, settings=settings)
        async with gateway:
            async with gateway.client(a_token(gateway.home)) as service:
                reply = await service.share("swift-parcel", PATH, ORDER, subject="u-1")
            (received,) = courier.received
            await gateway.terminate()

    assert reply.status == 200
    assert received.claims["iss"] == url
    assert database.is_file()
    assert not (gateway.home / "data/gateway.db").exists()


def test_the_data_is_readable_by_its_owner_only(template: Path) -> None:
    """Keys and data are nobody else's."""
    for name in ("keys", "data"):
        assert (template / name).stat().st_mode & 0o077 == 0
