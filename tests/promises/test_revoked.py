"""Revoked tokens and services (P3), and issuers whose keys are fetched."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.flows.revoked import LOOK_SECONDS
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_courier, problem_of


async def revoke(house: House, line: str) -> None:
    """Add a line to the list, and wait until it is looked at."""
    with (house.folder / "revoked").open("a") as file:
        file.write(line + "\n")
    await asyncio.sleep(LOOK_SECONDS + 0.02)


@promise("P3")
async def test_a_revoked_token_is_out_though_it_was_let_in_before(gateway: House) -> None:
    """The very token that carried a share a moment ago is refused; another one is not."""
    token = gateway.token(jti="leaked-1")
    carried = await gateway.share(token=token)
    await revoke(gateway, "token leaked-1   # was in a log")
    refused = await gateway.share(path="/v2/shipments/LO-2", token=token)
    other = await gateway.share(path="/v2/shipments/LO-3")

    assert (carried.status, other.status) == (200, 200)
    assert (refused.status, problem_of(refused)["code"]) == (401, "token-invalid")
    assert "leaked-1" not in refused.body.decode()


async def test_a_revoked_service_is_out_with_every_token(gateway: House) -> None:
    """By its name, also for what it has queued; others go on."""
    queued = await gateway.share(
        token=gateway.token(service="orders"), headers={"Prefer": "respond-async"}
    )
    await revoke(gateway, "service orders")
    refused = await gateway.share(path="/v2/shipments/LO-2", token=gateway.token(service="orders"))
    async with gateway.courier_at_work():
        row = None
        for _ in range(200):
            row = await gateway.gateway.store.queued(queued.share or "")
            if row is not None and row.state != "queued":
                break
            await asyncio.sleep(0.01)

    assert problem_of(refused)["code"] == "token-invalid"
    assert row is not None
    assert (row.state, row.code) == ("refused", "token-invalid")
    assert gateway.recipients["swift-parcel"].received == []
    assert (await gateway.share(path="/v2/shipments/LO-3")).status == 200


async def test_a_broken_list_stops_the_start(open_house: OpenHouse) -> None:
    """A gateway that cannot read who is out does not serve."""

    def edit(home: Path) -> None:
        (home / "revoked").write_text("everybody\n")

    with pytest.raises(ConfigError, match="revoked: line 1"):
        await open_house(a_courier(), edit=edit)


async def test_an_issuers_file_is_picked_up(open_house: OpenHouse) -> None:
    """A key that an issuer's file no longer has verifies nothing once it was looked at."""
    house = await open_house(a_courier())
    own = house.gateway.keys.issuer_jwks()  # type: ignore[attr-defined]
    settings = house.folder / "gateway.toml"
    text = settings.read_text().replace('"home:issuer"', '"issuer.jwks.json"')
    settings.write_text(text)
    (house.folder / "issuer.jwks.json").write_text(json.dumps(own))
    await house.restart()
    token = house.token()
    before = await house.share(token=token)
    other = {**own["keys"][0], "kid": "another"}
    (house.folder / "issuer.jwks.json").write_text(json.dumps({"keys": [other]}))
    await house.gateway.services.refresh()
    after = await house.share(path="/v2/shipments/LO-2", token=token)

    assert (before.status, after.status) == (200, 401)
