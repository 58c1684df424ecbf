"""A gateway that runs, and the commands beside it (contract §3); one process for all tests."""

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from gateway.testing.builders import a_token, write_manifest
from gateway.testing.partner import FakePartner
from gateway.testing.server import GatewayProcess
from tests.acceptance.commands import PYTHON, no_traceback, run
from tests.homes import a_home
from tests.marks import promise
from tests.promises.trees import leaf_hash, opened, root_of
from tests.unit.cli.calling import Done, call

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDER = {
    "recipient": {"name": "欧阳明", "phone": "13800138000", "address": "成都市锦江区1号"},
    "items": [{"sku": "TEA-01", "quantity": 2}],
}
SCOPES = ("share", "consent:write", "ledger:read", "partner:write")


class World(NamedTuple):
    """A home whose gateway runs, and one recipient."""

    home: Path
    gateway: GatewayProcess
    courier: FakePartner

    async def share(self, subject: str = "u-1") -> Any:
        """One share for the courier."""
        async with self.gateway.client(a_token(self.home, scope=SCOPES)) as service:
            return await service.share("swift-parcel", "/v2/shipments/LO-1", ORDER, subject=subject)

    async def post(self, path: str, body: Any) -> Any:
        """Anything to `/v1`."""
        async with self.gateway.client(a_token(self.home, scope=SCOPES)) as service:
            return await service.post(path, body)

    async def run(self, *arguments: str | Path, as_json: bool = False) -> Done:
        """A command on this home, from here: another process than the gateway's."""
        return await asyncio.to_thread(call, *arguments, home=self.home, as_json=as_json)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The gateway as `gateway serve` runs it."""
    folder = tmp_path_factory.mktemp("running")
    async with FakePartner() as courier:
        home = await a_home(folder / "home", [courier])
        async with GatewayProcess(home, logs=folder / "logs") as gateway:
            courier.trust(issuer=gateway.public_url, jwks=gateway.jwks_url)
            yield World(home, gateway, courier)


async def test_it_prints_one_line_when_both_listeners_accept(world: World) -> None:
    """Where it is, and under which edition; logs go elsewhere."""
    lines = world.gateway.stdout.read_text().splitlines()

    assert len(lines) == 1
    assert world.gateway.internal_url in lines[0]
    assert world.gateway.public_url in lines[0]


async def test_each_line_of_its_log_is_an_object(world: World) -> None:
    """One line a share, with ids and without data."""
    reply = await world.share("marked-person")
    await asyncio.sleep(0.05)
    lines = [json.loads(row) for row in world.gateway.stderr.read_text().splitlines()]
    (line,) = [one for one in lines if one.get("share") == reply.share]

    assert line["event"] == "share"
    assert (line["partner"], line["purpose"]) == ("swift-parcel", "order-fulfilment")
    assert (line["outcome"], line["status"]) == ("delivered", 200)
    assert line["milliseconds"] > 0
    assert "marked-person" not in world.gateway.stderr.read_text()


@promise("S4a")
async def test_suspending_acts_within_a_second(world: World) -> None:
    """`partner suspend` on a running gateway stops the next share; `resume` undoes it."""
    before = await world.share()
    suspended = await world.run("partner", "suspend", "swift-parcel")
    refused = await world.share()
    shown = await world.run("partner", "show", "swift-parcel", as_json=True)
    resumed = await world.run("partner", "resume", "swift-parcel")
    after = await world.share()

    assert (suspended.code, resumed.code) == (0, 0)
    assert (before.status, after.status) == (200, 200)
    assert refused.code == "partner-suspended"
    assert shown.json()["state"] == "suspended"


async def test_partners_are_listed_beside_a_running_gateway(world: World) -> None:
    """As a table for people and as JSON for programs."""
    text = await world.run("partner", "list")
    value = (await world.run("partner", "list", as_json=True)).json()
    shown = await world.run("partner", "show", "swift-parcel")

    assert "swift-parcel" in text.out
    assert "2028-03-01" in text.out
    assert [one["partner"] for one in value["partners"]] == ["swift-parcel"]
    assert "/recipient/phone" in shown.out


@pytest.mark.parametrize("command", ["show", "suspend", "resume"])
async def test_a_partner_that_is_not_there_is_exit_1(command: str, world: World) -> None:
    """The answer is no."""
    done = await world.run("partner", command, "nobody")

    assert done.code == 1
    assert "not-found" in done.err
    no_traceback(done)


@promise("R1", "P3")
async def test_an_account_is_read_beside_a_running_gateway(world: World) -> None:
    """Who has this person's data; and the look itself is recorded."""
    reply = await world.share("u-7")
    text = await world.run("subject", "disclosures", "u-7")
    value = (await world.run("subject", "disclosures", "u-7", as_json=True)).json()
    nobody = await world.run("subject", "disclosures", "nobody/else")
    await asyncio.sleep(1.1)
    entries = (await world.run("ledger", "verify", as_json=True)).json()

    assert (text.code, nobody.code) == (0, 0)
    assert "Swift Parcel Co." in text.out
    assert [row["share"] for row in value["disclosures"]] == [reply.share]
    assert "Swift Parcel" not in nobody.out
    assert entries["kinds"]["read"] >= 2


async def test_consents_are_read_beside_a_running_gateway(world: World) -> None:
    """What this person agreed to, and what they withdrew."""
    consent = {
        "subject": "欧 8",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "granted_at": "2026-11-01T08:00:00Z",
        "method": "explicit",
        "evidence": "screen 4",
    }
    (id,) = (await world.post("/v1/consents", consent)).json()["ids"]
    await world.post(f"/v1/consents/{id}/withdraw", {"notify": False})
    text = await world.run("subject", "consents", "欧 8")
    value = (await world.run("subject", "consents", "欧 8", as_json=True)).json()
    none = await world.run("subject", "consents", "somebody")

    assert id in text.out
    assert value["consents"][0]["withdrawn_at"]
    assert none.code == 0
    assert id not in none.out


@promise("P4")
async def test_the_ledger_is_verified_while_it_grows(world: World) -> None:
    """`ledger verify` reads the store of a gateway that runs."""
    await asyncio.gather(*(world.share(f"u-{n}") for n in range(5)))
    done = await world.run("ledger", "verify", as_json=True)
    value = done.json()

    assert done.code == 0
    assert value["ok"] is True
    assert value["size"] > 0
    assert value["origin"] == world.gateway.public_url.removeprefix("http://") + "/ledger"
    assert value["kinds"]["policy"] >= 1


async def exported(world: World, name: str) -> Path:
    """The ledger in a file, with everything that was recorded so far."""
    await world.share()
    await asyncio.sleep(1.1)
    path = world.home.parent / name
    done = await world.run("ledger", "export", path)
    assert done.code == 0, done.err
    return path


@pytest.mark.parametrize("name", ["ledger.jsonl", "ledger.jsonl.gz"])
async def test_an_exported_ledger_verifies_by_itself(name: str, world: World) -> None:
    """With the home's keys, with keys from a file, and with the one-file verifier."""
    path = await exported(world, name)
    async with world.gateway.client() as client:
        client._url = world.gateway.public_url
        trusted = await client.get("/.well-known/jwks.json")
    jwks = world.home.parent / "jwks.json"
    jwks.write_bytes(trusted.body)
    own = await world.run("ledger", "verify", path, as_json=True)
    trust = await world.run("ledger", "verify", path, "--trust", jwks)
    alone = await asyncio.to_thread(
        run, path, "--trust", jwks, command=[PYTHON, "-m", "gateway.verifier"]
    )
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if name.endswith("gz") else raw).splitlines()
    signed = opened(json.loads(lines[-1])["checkpoint"], trusted.json())

    assert (own.code, trust.code, alone.code) == (0, 0, 0), alone.said
    assert own.json()["size"] == signed.size == len(lines) - 2
    assert signed.root == root_of([leaf_hash(line) for line in lines[1:-1]])


@promise("P4")
@pytest.mark.parametrize("harm", ["changed", "removed", "swapped", "added", "cut", "foreign-key"])
async def test_a_tampered_ledger_does_not_verify(harm: str, world: World) -> None:
    """Whatever was done to it, the answer is no: exit 1."""
    whole = world.home.parent / "whole.jsonl"
    raw = (whole if whole.exists() else await exported(world, whole.name)).read_bytes()
    path, lines = whole.with_name(f"{harm}.jsonl"), raw.splitlines(keepends=True)
    trust: list[Any] = []
    match harm:
        case "changed":
            lines[2] = lines[2].replace(b'"at":"20', b'"at":"19')
        case "removed":
            del lines[2]
        case "swapped":
            lines[1], lines[2] = lines[2], lines[1]
        case "added":
            lines.insert(2, lines[1])
        case "cut":
            lines.pop()
        case _:
            strangers = await asyncio.to_thread(run, "init", world.home.parent / "strangers")
            assert strangers.code == 0
            keys = sorted((world.home.parent / "strangers/keys").glob("checkpoint*.json"))
            jwk = {k: v for k, v in json.loads(keys[0].read_text()).items() if k != "d"}
            other = world.home.parent / "other.json"
            other.write_text(json.dumps({"keys": [jwk]}))
            trust = ["--trust", other]
    path.write_bytes(b"".join(lines))
    done = await world.run("ledger", "verify", path, *trust)

    assert done.code == 1
    no_traceback(done)


async def test_a_share_is_proven_to_be_in_the_ledger(world: World) -> None:
    """Leaf, proof and checkpoint, in a form that anybody can check."""
    reply = await world.share()
    await asyncio.sleep(1.1)
    value = (await world.run("ledger", "prove", reply.share, as_json=True)).json()
    proof, outcome = value["proofs"]
    text = await world.run("ledger", "prove", "--index", str(proof["index"]))
    nothing = await world.run("ledger", "prove", "shr_nothing")

    assert proof["leaf"]["share"] == outcome["leaf"]["share"] == reply.share
    assert (proof["leaf"]["kind"], outcome["leaf"]["kind"]) == ("intent", "outcome")
    assert re.fullmatch("[0-9a-f]{64}", proof["leaf_hash"])
    assert proof["proof"].startswith("c2sp.org/tlog-proof")
    assert text.code == 0
    assert text.out.strip() == proof["proof"].strip()
    assert (nothing.code, nothing.out) == (1, "")


async def test_explain_reads_beside_a_running_gateway(world: World) -> None:
    """It knows what the gateway knows, and records nothing."""
    await world.run("partner", "suspend", "swift-parcel")
    await asyncio.sleep(1.1)
    before = (await world.run("ledger", "verify", as_json=True)).json()["kinds"]
    arguments = ("--partner", "swift-parcel", "--route", "POST /v2/shipments/LO-1")
    done = await world.run(
        "explain", *arguments, "--purpose", "order-fulfilment", "--subject", "u-1", as_json=True
    )
    await asyncio.sleep(1.1)
    after = (await world.run("ledger", "verify", as_json=True)).json()["kinds"]
    await world.run("partner", "resume", "swift-parcel")

    assert done.code == 1
    assert done.json()["code"] == "partner-suspended"
    assert after == before


async def test_a_second_gateway_on_the_home_is_refused(world: World) -> None:
    """One owner: exit 2, and the first goes on."""
    done = await asyncio.to_thread(
        run,
        "serve",
        home=world.home,
        settings={
            "GATEWAY_LISTEN__INTERNAL": "127.0.0.1:0",
            "GATEWAY_LISTEN__PUBLIC": "127.0.0.1:0",
        },
    )

    assert done.code == 2
    no_traceback(done)
    assert (await world.share()).status == 200


async def test_a_port_that_is_taken_is_exit_2(world: World, tmp_path: Path) -> None:
    """Said in a sentence, with the address."""
    other = tmp_path / "other"
    assert (await asyncio.to_thread(run, "init", other)).code == 0
    taken = world.gateway.internal_url.removeprefix("http://")
    settings = {"GATEWAY_LISTEN__INTERNAL": taken, "GATEWAY_LISTEN__PUBLIC": "127.0.0.1:0"}
    done = await asyncio.to_thread(run, "serve", home=other, settings=settings)

    assert done.code == 2
    assert taken in done.err
    no_traceback(done)


async def test_a_reload_takes_the_whole_new_set_or_keeps_the_old(world: World) -> None:
    """SIGHUP with a broken set keeps the old one and says so; a good one takes over."""
    manifest = world.home / "partners/swift-parcel.yaml"
    text = manifest.read_text()

    async def ready(until: Any) -> Any:
        async with world.gateway.client() as client:
            for _ in range(200):
                value = (await client.get("/readyz")).json()
                if until(value["policy"]):
                    return value
                await asyncio.sleep(0.02)
        raise AssertionError("the reload did not happen")

    first = await ready(lambda policy: True)
    manifest.write_text(text.replace("order-fulfilment@1", "shipping@1"))
    world.gateway.reload()
    broken = await ready(lambda policy: policy["error"] is not None)
    still = await world.share()
    manifest.write_text(text.replace("transform: mask-name", "transform: drop"))
    world.gateway.reload()
    good = await ready(lambda policy: policy["digest"] != first["policy"]["digest"])
    new = await world.share()
    document = world.courier.received[-1].document
    manifest.write_text(text)
    world.gateway.reload()
    await ready(lambda policy: policy["digest"] == first["policy"]["digest"])

    assert "partners/swift-parcel.yaml:" in broken["policy"]["error"]
    assert broken["policy"]["digest"] == first["policy"]["digest"]
    assert broken["ready"] is True
    assert (still.status, new.status) == (200, 200)
    assert good["policy"]["error"] is None
    assert "name" not in document["recipient"]
    assert "policy-reload-failed" in world.gateway.stderr.read_text()


async def test_a_partner_that_joins_is_served_after_a_reload(world: World) -> None:
    """A new manifest changes YAML, and no Python, and needs no restart."""
    async with FakePartner("late-comer") as late:
        late.trust(issuer=world.gateway.public_url, jwks=world.gateway.jwks_url)
        path = write_manifest(world.home, late)
        world.gateway.reload()
        status = 0
        for _ in range(200):
            async with world.gateway.client(a_token(world.home)) as service:
                reply = await service.share(
                    "late-comer", "/v2/shipments/LO-1", ORDER, subject="u-1"
                )
            status = reply.status
            if status == 200:
                break
            await asyncio.sleep(0.02)
        path.unlink()
        world.gateway.reload()

    assert status == 200
    assert len(late.received) == 1
