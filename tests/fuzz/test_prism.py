"""A partner's contract that nobody here wrote, held by a mock that nobody here wrote."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.client import GatewayClient, Reply
from gateway.testing.clock import Clock
from tests.fuzz.prism_mock import MANIFEST, NotHere, installed, mocking
from tests.marks import could_not_run, promise
from tests.promises.house import House, empty_home

# The first time the packages are fetched.
pytestmark = pytest.mark.timeout(300)

KEY = "the-partners-own-key"
PARTNER = "ship-engine"
ADDRESS = {
    "address_line1": "525 S Winchester Blvd",
    "city_locality": "San Jose",
    "state_province": "CA",
    "postal_code": "95128",
    "country_code": "US",
}
SHIPMENT = {
    "carrier_id": "se-28529731",
    "service_code": "usps_priority_mail",
    "external_order_id": "LO-1",
    "ship_from": {
        **ADDRESS,
        "name": "Warehouse 3",
        "phone": "028-8555-0100",
        "address_residential_indicator": "no",
    },
    "ship_to": {
        **ADDRESS,
        "name": "欧阳明",
        "phone": "13800138000",
        "address_residential_indicator": "yes",
    },
    "packages": [{"weight": {"value": 1.50, "unit": "kilogram"}}],
}


@pytest.fixture(scope="module")
def mock() -> Iterator[str]:
    """The address of Prism, which takes some seconds to start."""
    try:
        with mocking(installed()) as url:
            yield url
    except NotHere as missing:
        could_not_run(str(missing))


class Sides:
    """The gateway in front of the mock, and the mock itself for comparison."""

    def __init__(self, house: House, direct: GatewayClient) -> None:
        self.house, self._direct = house, direct

    async def share(self, path: str, body: Any) -> Reply:
        """Through the gateway."""
        return await self.house.share(PARTNER, path, body)

    async def straight(self, path: str, body: Any, *, key: str = KEY) -> Reply:
        """Past the gateway."""
        return await self._direct.post(path, body, headers={"API-Key": key} if key else {})


@pytest.fixture
async def sides(mock: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sides]:
    """A gateway with the partner's manifest, Prism in the partner's place, one person's consent."""
    monkeypatch.setenv("SHIP_ENGINE_KEY", KEY)
    house = House(empty_home(tmp_path / "home"), Clock(datetime.now(UTC)))
    async with GatewayClient(mock) as direct, house:
        manifest = MANIFEST.read_text(encoding="utf-8").replace("http://127.0.0.1:1\n", f"{mock}\n")
        path = house.folder / "partners" / MANIFEST.name
        await house.open([], edit=lambda _: path.write_text(manifest, encoding="utf-8") and None)
        # It keeps data in another territory.
        await house.consent(purpose="order-fulfilment", scope="cross-border")
        yield Sides(house, direct)


@promise("P6", "S3")
async def test_a_contract_from_outside_is_met_with_the_minimum(sides: Sides) -> None:
    """
    What an app sends breaks the partner's contract as it stands; what the gateway makes of it
    keeps it, on two routes, and of the answer only what is declared comes back.
    """
    order = {"shipments": [{**SHIPMENT, "loyalty_card": "77"}], "session": "abc"}
    addresses = [{**ADDRESS, "phone": 13800138000}, ADDRESS]

    past = [
        await sides.straight("/v1/shipments", order),
        await sides.straight("/v1/addresses/validate", addresses),
    ]
    shipped = await sides.share("/v1/shipments", order)
    validated = await sides.share("/v1/addresses/validate", addresses)

    assert [reply.status for reply in past] == [400, 400]
    assert shipped.status == 200, shipped.body
    assert validated.status == 200, validated.body
    assert shipped.headers["Sharing-Dropped"] == validated.headers["Sharing-Dropped"] == "?1"
    assert shipped.json().keys() <= {"has_errors", "shipments"}
    assert shipped.json()["shipments"][0].keys() <= {"shipment_id", "shipment_status"}
    assert all(one.keys() == {"status"} for one in validated.json())
    (first, second) = await sides.house.leaves("intent")
    assert "/shipments/*/ship_to/phone" in first["fields"]
    assert sorted(second["fields"]) == sorted(f"/*/{name}" for name in ADDRESS)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/addresses/validate", [{**ADDRESS, "country_code": "USA"}], "field-type-mismatch"),
        (
            "/v1/addresses/validate",
            [ADDRESS, {"address_line1": "1 Main St"}],
            "required-field-missing",
        ),
        ("/v1/addresses/validate", b"[{", "body-malformed"),
        (
            "/v1/shipments",
            {"shipments": [{**SHIPMENT, "carrier_id": "x"}]},
            "field-type-mismatch",
        ),
    ],
)
async def test_what_breaks_the_manifest_never_reaches_the_partner(
    sides: Sides, path: str, body: Any, code: str
) -> None:
    """A body that the manifest does not allow is refused before the partner sees anything."""
    reply = await sides.share(path, body)

    assert (reply.code, reply.json()["disclosed"]) == (code, "no")
    assert await sides.house.leaves("intent") == []


async def test_what_breaks_the_partners_contract_only_is_the_partners_answer(sides: Sides) -> None:
    """
    Where the manifest is laxer than the contract, the partner refuses: the caller gets its
    status and nothing of its text, and the share counts as disclosed.
    """
    lax = [
        await sides.share("/v1/addresses/validate", [{**ADDRESS, "city_locality": 5}]),
        await sides.share("/v1/shipments", {"shipments": [{**SHIPMENT, "ship_to": {}}]}),
    ]

    assert [reply.status for reply in lax] == [400, 400]
    assert [reply.code for reply in lax] == [None, None]
    assert all(b"request_id" not in reply.body for reply in lax)
    assert len(await sides.house.leaves("intent")) == 2
    assert [one["outcome"] for one in await sides.house.disclosures()] == ["delivered"] * 2


async def test_the_partners_key_is_the_gateways_to_add(sides: Sides) -> None:
    """Without its key the partner refuses everybody; the app never has it."""
    unknown = await sides.straight("/v1/addresses/validate", [ADDRESS], key="")

    assert unknown.status == 401
    assert (await sides.share("/v1/addresses/validate", [ADDRESS])).status == 200
