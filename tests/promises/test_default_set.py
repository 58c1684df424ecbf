"""
The default set at work: each example recipient gets what its manifest lets out,
and is refused what the published policy does not allow.

The manifests are those of the repository; only addresses and secrets are those
of the test.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ruamel.yaml import YAML

from gateway.cli.start import default_set
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House

PERSON = {
    "name": "欧阳明",
    "phone": "13800138000",
    "address": "四川省成都市锦江区春熙路9号",
    "account": "acc-77",
    "nickname": "夜猫子",
    "avatar": "https://img.shop.example/a.png",
    "password": "hunter2-marked",
    "gender": "f",
}
DEVICE = {"id": "dev-123456", "os": "Android 16", "model": "Aster 7", "ip": "192.0.2.77"}


def default_manifests(*names: str) -> list[dict[str, Any]]:
    """The default manifests, with secrets that the test's home has."""
    _, folder = default_set()
    found = []
    for path in sorted(folder.glob("*.yaml")):
        if not names or path.stem in names:
            text = path.read_text("utf-8").replace("env:", "file:secret-")
            found.append(YAML(typ="safe", pure=True).load(text))
    return found


def secrets(home: Path) -> None:
    """Every secret that a default manifest asks for."""
    for manifest in default_manifests():
        for settings in (manifest["upstream"].get("auth") or {}).values():
            names = settings.values() if isinstance(settings, dict) else [settings]
            for name in names:
                if str(name).startswith("file:"):
                    (home / "partners" / name.removeprefix("file:")).write_text("s3cret")


async def opened(open_house: OpenHouse, *names: str) -> House:
    """A house with some of the default recipients, or all."""
    return await open_house(*default_manifests(*names), edit=secrets)


class Share(NamedTuple):
    """One share of the default set, and what it must look like at the other end."""

    partner: str
    path: str
    purpose: str
    body: Any
    left: Any
    options: Mapping[str, Any] = {}
    consents: tuple[Mapping[str, Any], ...] = ()
    evidence: Mapping[str, Any] | None = None


SHARES = {
    "courier": Share(
        "swift-parcel",
        "/v2/shipments/order-1",
        "order-fulfilment",
        {"recipient": PERSON, "items": [{"sku": "TEA-1", "price": 1}], "buyer": PERSON},
        {
            "recipient": {
                "name": "欧**",
                "phone": "13800138000",
                "address": PERSON["address"],
            },
            "items": [{"sku": "TEA-1"}],
        },
    ),
    "payment": Share(
        "harbour-pay",
        "/v1/charges",
        "payment",
        {
            "payment_reference": "P-1",
            "amount_fen": 3990,
            "currency": "CNY",
            "card": {"number": "6222000011112222", "holder": "欧阳明", "cvv": "123"},
        },
        {
            "payment_reference": "P-1",
            "amount_fen": 3990,
            "currency": "CNY",
            "card": {"number": "6222000011112222", "holder": "欧阳明"},
        },
    ),
    "affiliate": Share(
        "bright-reach",
        "/v3/events",
        "advertising",
        {"event": "click", "device": DEVICE, "profile": PERSON, "location": {"city": "成都"}},
        None,
        consents=({},),
    ),
    "screening": Share(
        "clear-sight",
        "/v1/checks",
        "fraud-prevention",
        {
            "check_id": "C-1",
            "account": "acc-77",
            "device": DEVICE,
            "location": {"latitude": 30.65731, "longitude": 104.08112},
            "name": "欧阳明",
        },
        None,
        evidence={"partner": "clear-sight", "purposes": ["fraud-prevention"]},
    ),
    "branch": Share(
        "mini-app",
        "/v1/orders/o-1",
        "order-fulfilment",
        {"recipient": PERSON, "items": [{"sku": "TEA-1", "quantity": 2}]},
        {
            "recipient": {
                "name": "欧阳明",
                "phone": "13800138000",
                "address": PERSON["address"],
            },
            "items": [{"sku": "TEA-1", "quantity": 2}],
        },
        {"method": "PUT"},
    ),
    "abroad": Share(
        "island-post",
        "/v1/parcels",
        "order-fulfilment",
        {"recipient": PERSON},
        {
            "recipient": {
                "name": "欧阳明",
                "phone": "13800138000",
                "address": PERSON["address"],
            }
        },
        {"evidence": '"ORDER-1"'},
        consents=({"purpose": "order-fulfilment", "scope": "cross-border"},),
    ),
    "research": Share(
        "civic-stats",
        "/v1/purchases",
        "research",
        {**PERSON, "month": "2026-11", "total": 39.9, "items": 3},
        {"month": "2026-11", "gender": "f", "address": "四川省", "total": 39.9, "items": 3},
        {"evidence": '"RES-2026-003"'},
    ),
    "court": Share(
        "city-court",
        "/v1/disclosures",
        "legal-demand",
        {"demand": "D-1/7", "person": PERSON, "network": DEVICE},
        {
            "demand": "D-1/7",
            "person": {
                "name": "欧阳明",
                "address": PERSON["address"],
                "phone": "13800138000",
                "account": "acc-77",
            },
            "network": {"ip": "192.0.2.77"},
        },
        evidence={"partner": "city-court", "purposes": ["legal-demand"]},
    ),
    "login": Share(
        "link-id",
        "/v1/bindings",
        "account-login",
        {"account": "acc-77", "nickname": "夜猫子", "device": DEVICE},
        None,
        consents=(
            {"purpose": "account-login"},
            {"purpose": "account-login", "scope": "sensitive"},
        ),
    ),
    "successor": Share(
        "new-horizon",
        "/v1/accounts",
        "business-transfer",
        {**PERSON, "orders": [{"order_id": "o-1", "total": 1}]},
        {
            **{name: PERSON[name] for name in ("account", "nickname", "name", "phone")},
            **{name: PERSON[name] for name in ("address", "avatar")},
            "orders": [{"order_id": "o-1"}],
        },
        {"evidence": '"MNA-2026-001"'},
    ),
}


async def send(house: House, share: Share, **changes: Any) -> Any:
    """Ask for it, with the evidence that it needs."""
    options = {**share.options, **changes}
    if share.evidence is not None and "evidence" not in options:
        options["evidence"] = await house.evidence(**share.evidence)
    return await house.share(
        share.partner, share.path, share.body, purpose=share.purpose, **options
    )


@promise("C1", "P6", "S3", "S4b")
@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
async def test_every_example_recipient_gets_its_minimum(
    share: Share, open_house: OpenHouse
) -> None:
    """Carried, verified by the recipient kit, cut to what is declared, and accounted for."""
    house = await opened(open_house, share.partner)
    for consent in share.consents:
        await house.consent(**consent)
    reply = await send(house, share)
    partner = house.recipients[share.partner]
    (received,) = partner.received
    (row,) = await house.disclosures()

    assert reply.status == 200
    assert partner.refused == []
    if share.left is not None:
        assert received.document == share.left
    wire = received.request.body.decode()
    assert "hunter2-marked" not in wire
    assert "13800138000" not in wire
    assert row["partner"] == share.partner
    assert row["share"] == reply.share


@promise("S3", "S1")
@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
async def test_no_example_recipient_gets_anything_for_another_purpose(
    share: Share, open_house: OpenHouse
) -> None:
    """A purpose that the route is not for is refused, whatever else would allow it."""
    house = await opened(open_house, share.partner)
    for consent in share.consents:
        await house.consent(**consent)
    other = "payment" if share.purpose != "payment" else "order-fulfilment"
    reply = await send(house, share._replace(purpose=other))

    assert reply.code == "purpose-not-permitted"
    assert "S3" in reply.clause
    assert house.recipients[share.partner].arrivals == []


@promise("S4a", "S6")
@pytest.mark.parametrize("share", SHARES.values(), ids=SHARES)
async def test_agreements_end_by_themselves(share: Share, open_house: OpenHouse) -> None:
    """A second after the last day nothing leaves any more; a branch needs no agreement."""
    house = await opened(open_house, share.partner)
    (manifest,) = default_manifests(share.partner)
    house.clock.set(house.clock().replace(year=2030))
    for consent in share.consents:
        await house.consent(**consent)
    options = {} if share.evidence is None else {"evidence": '"E"'}
    reply = await send(house, share, **options)

    if manifest["kind"] == "branch":
        assert reply.status == 200
    else:
        assert (reply.code, reply.clause) == ("agreement-expired", ["S4a"])
        assert house.recipients[share.partner].arrivals == []


@promise("S4a")
async def test_an_agreement_ends_at_the_first_second_of_its_day(open_house: OpenHouse) -> None:
    """`expires` is the first day that is not covered, in UTC."""
    house = await opened(open_house, "swift-parcel")
    end = house.clock().replace(year=2028, month=3, day=1, hour=0, minute=0, second=0)
    house.clock.set(end)
    refused = await send(house, SHARES["courier"])
    house.clock.advance(seconds=-1)
    carried = await send(house, SHARES["courier"])

    assert (carried.status, refused.code) == (200, "agreement-expired")


@promise("S2", "C3", "R5")
async def test_an_affiliate_gets_nothing_without_consent(open_house: OpenHouse) -> None:
    """Advertising rests on an active consent, and an objection to sale stops it."""
    house = await opened(open_house, "bright-reach")
    share = SHARES["affiliate"]
    none = await send(house, share)
    await house.consent()
    carried = await send(house, share)
    signal = await send(house, share, headers={"Sec-GPC": "1"})
    await house.facts(opt_out=["sale"])
    objection = await send(house, share)
    (received,) = house.recipients["bright-reach"].received

    assert (none.code, carried.status) == ("consent-missing", 200)
    assert signal.code == objection.code == "opted-out"
    assert "R5" in signal.clause
    assert received.document["device"]["id"] != DEVICE["id"]
    assert set(received.document) == {"event", "device", "profile", "location"}
    assert set(received.document["profile"]) == {"gender"}


@promise("S5")
async def test_no_ground_of_protection_carries_advertising(open_house: OpenHouse) -> None:
    """Enforcing terms and preventing fraud is never for profit."""
    house = await opened(open_house, "bright-reach")
    await house.consent()
    evidence = await house.evidence(partner="bright-reach", purposes=["advertising"])
    reply = await send(house, SHARES["affiliate"], ground="rights-protection", evidence=evidence)

    assert reply.code == "ground-not-permitted"
    assert "S5" in reply.clause


@promise("C4", "S1")
@pytest.mark.parametrize(
    "ground", ["national-security", "public-safety", "news", "vital-interests", "made-public"]
)
async def test_what_may_be_collected_without_consent_is_not_shared_by_that(
    ground: str, open_house: OpenHouse
) -> None:
    """The eleven situations of collecting are no grounds for a share."""
    house = await opened(open_house, "swift-parcel")
    token = house.token(grounds=[ground])
    reply = await send(house, SHARES["courier"], ground=ground, token=token, evidence='"E"')

    assert reply.code == "ground-not-permitted"
    assert {"S1", "C4"} <= set(reply.clause)


@promise("S3")
async def test_a_partner_gets_its_categories_only(open_house: OpenHouse) -> None:
    """Without consent a partner's route may hold account, device and location, no names."""
    (manifest,) = default_manifests("clear-sight")
    manifest["routes"]["screen-order"]["send"]["/name"] = {
        "category": "basic.name",
        "transform": "mask-name",
    }
    with pytest.raises(Exception, match=r"\(S3\)"):
        await open_house(manifest, edit=secrets)


@promise("C6")
@pytest.mark.parametrize(
    "field",
    [
        {"category": "basic.name"},
        {"category": "device.id", "transform": "hash"},
        {"category": "network.account", "transform": "pseudonym"},
        {"category": "basic.address"},
    ],
    ids=str,
)
async def test_research_gets_nothing_that_identifies(
    field: dict[str, Any], open_house: OpenHouse
) -> None:
    """An identifying field, or an id that lasts, does not load on a de-identified route."""
    (manifest,) = default_manifests("civic-stats")
    manifest["routes"]["report-purchase"]["send"]["/x"] = field
    with pytest.raises(Exception, match=r"\(C6\)"):
        await open_house(manifest, edit=secrets)


@promise("C2")
async def test_a_password_can_be_declared_by_nobody(open_house: OpenHouse) -> None:
    """In no manifest, under no ground, sealed or not."""
    for manifest in default_manifests("city-court", "harbour-pay"):
        route = next(iter(manifest["routes"].values()))
        route["send"]["/password"] = {"category": "network.password"}
        with pytest.raises(Exception, match=r"\(C2\)"):
            await open_house(manifest, edit=secrets)


@promise("K1")
async def test_a_parcel_abroad_needs_its_own_consent(open_house: OpenHouse) -> None:
    """The service that the person asked for does not by itself cross the border."""
    house = await opened(open_house, "island-post")
    refused = await send(house, SHARES["abroad"])
    await house.consent(purpose="order-fulfilment", scope="cross-border")
    carried = await send(house, SHARES["abroad"])

    assert (refused.code, refused.clause) == ("cross-border-consent-missing", ["K1"])
    assert carried.status == 200
    assert house.recipients["island-post"].received[0].claims["territory"] == "SG"


@promise("C5")
async def test_what_a_third_party_sends_back_is_filtered(open_house: OpenHouse) -> None:
    """Avatar and nickname reach the app as declared; the rest of the profile does not."""
    house = await opened(open_house, "link-id")
    share = SHARES["login"]
    for consent in share.consents:
        await house.consent(**consent)
    profile = {
        "binding": "b-1",
        "nickname": "小鱼干",
        "avatar": "https://x.example/1.png",
        "friends": ["u-9"],
        "phone": "13900001111",
    }
    house.recipients["link-id"].respond = lambda received: profile
    reply = await send(house, share)
    (leaf,) = await house.leaves("outcome")

    assert set(reply.json()) == {"binding", "nickname", "avatar"}
    assert set(leaf["received"]) == {"/binding", "/nickname", "/avatar"}
    assert leaf["partner"] == "link-id"


@promise("S6")
async def test_a_branch_shares_the_same_ledger(open_house: OpenHouse) -> None:
    """What goes to a branch is recorded and accounted for like everything else."""
    house = await opened(open_house, "mini-app", "swift-parcel")
    await send(house, SHARES["branch"])
    await send(house, SHARES["courier"])

    assert {row["partner"] for row in await house.disclosures()} == {"mini-app", "swift-parcel"}
    assert len(await house.leaves("intent")) == 2


@promise("M2")
async def test_a_minors_order_is_not_carried_by_the_core_function(open_house: OpenHouse) -> None:
    """Until the guardian consents, not even a parcel is sent to a minor."""
    house = await opened(open_house, "swift-parcel")
    await house.facts(minor=True)
    refused = await send(house, SHARES["courier"])
    await house.consent(purpose="order-fulfilment", by="guardian")
    carried = await send(house, SHARES["courier"])

    assert (refused.code, refused.clause) == ("guardian-consent-missing", ["M1", "M2"])
    assert carried.status == 200


async def test_a_home_loads_with_any_of_its_manifests_removed(open_house: OpenHouse) -> None:
    """Coverage is reported, and never a reason not to serve."""
    for names in ((), ("swift-parcel",), ("city-court", "civic-stats")):
        manifests = default_manifests(*names) if names else []
        house = await open_house(*manifests, edit=secrets)
        assert (await house.ask("GET", "/readyz", token="")).json()["ready"] is True


async def test_the_whole_default_set_serves_at_once(open_house: OpenHouse) -> None:
    """All example recipients in one home."""
    house = await opened(open_house)
    partners = (await house.ask("GET", "/v1/partners")).json()["partners"]

    assert len(partners) == len(default_manifests())
    assert {one["kind"] for one in partners} == {
        *("affiliate", "partner", "processor", "authority", "branch", "research", "successor")
    }
    assert (await send(house, SHARES["courier"])).status == 200
