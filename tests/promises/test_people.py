"""What is known of people, who has their data, and what proves a ground (contract §8)."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.testing.behaviour import Silence
from gateway.testing.client import Reply
from gateway.testing.partner import FakePartner
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_courier, problem_of, stamp
from tests.promises.manifests import (
    a_court,
    a_plain,
    a_post_abroad,
    a_screener,
    a_stage,
    a_successor,
    an_advertiser,
)

DAY = timedelta(days=1)
ROW = {
    *("share", "kind", "partner", "name", "contact", "fields", "categories", "purpose"),
    *("purpose_version", "ground", "at", "outcome", "retention_until", "territory", "index"),
}


async def event(house: House, **options: Any) -> Reply:
    """One event for the affiliate."""
    options = {"purpose": "advertising", **options}
    return await house.share("bright-reach", "/v3/events", {"event": "click"}, **options)


@promise("R5", "C3")
@pytest.mark.parametrize(
    ("opt_out", "refused"),
    [
        (["sale"], ["bright-reach"]),
        (["advertising"], ["bright-reach"]),
        (["order-fulfilment"], ["swift-parcel"]),
        (["sale", "order-fulfilment"], ["bright-reach", "swift-parcel"]),
        ([], []),
        (["location-services"], []),
    ],
    ids=str,
)
async def test_an_objection_stops_what_it_is_about(
    opt_out: list[str], refused: list[str], open_house: OpenHouse
) -> None:
    """A purpose that the person objects to is refused, consent or not; others go on."""
    house = await open_house(an_advertiser(), a_courier())
    await house.consent()
    await house.facts(opt_out=opt_out)
    replies = {"bright-reach": await event(house), "swift-parcel": await house.share()}

    assert [name for name, reply in replies.items() if reply.code == "opted-out"] == refused
    assert all(reply.status == 200 for name, reply in replies.items() if name not in refused)


@promise("R5")
async def test_an_objection_may_be_taken_back(open_house: OpenHouse) -> None:
    """An empty list objects to nothing any more; leaving it out changes nothing."""
    house = await open_house(an_advertiser())
    await house.consent()
    await house.facts(opt_out=["sale"])
    await house.facts(minor=False)
    still = await event(house)
    await house.facts(opt_out=[])
    again = await event(house)

    assert (still.code, again.status) == ("opted-out", 200)


async def test_an_objection_to_nothing_that_exists_is_refused(gateway: House) -> None:
    """A typing mistake in an objection must not pass as one."""
    reply = await gateway.ask("PUT", "/v1/subjects/u-1", {"opt_out": ["advertisng"]})

    assert (reply.status, problem_of(reply)["code"]) == (400, "request-invalid")


@promise("M1")
async def test_facts_change_one_by_one(gateway: House) -> None:
    """What a change does not name stays as it was."""
    await gateway.facts(minor=True)
    await gateway.facts(territory="CN")
    still = await gateway.share()
    await gateway.facts(minor=False)
    adult = await gateway.share()

    assert (still.code, adult.status) == ("guardian-consent-missing", 200)


async def test_an_unknown_person_is_an_adult_of_the_home_territory(gateway: House) -> None:
    """Of whom nothing is known, nothing is assumed."""
    assert (await gateway.share(subject="never-seen")).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {"minor": "yes"},
        {"minor": 1},
        {"territory": "China"},
        {"territory": "cn"},
        {"opt_out": "sale"},
        {"opt_out": [1]},
        {"aliases": ["x" * 257]},
        {"aliases": [""]},
        {"aliases": "u-2"},
        {"name": "欧阳明"},
        [],
        None,
    ],
    ids=str,
)
async def test_facts_that_are_none_are_refused(body: Any, gateway: House) -> None:
    """400, and the person stays as they were."""
    reply = await gateway.ask("PUT", "/v1/subjects/u-1", body)

    assert reply.status == 400
    assert "欧阳明" not in reply.body.decode()
    assert (await gateway.share()).status == 200


@pytest.mark.parametrize("id", ["%", "%zz", "%ff", "x" * 257, "%ED%A0%80"])
async def test_a_malformed_subject_is_refused_in_v1_too(id: str, gateway: House) -> None:
    """The same form as in the header, in every endpoint that names a person."""
    replies = [
        await gateway.ask("PUT", f"/v1/subjects/{id}", {"minor": True}),
        await gateway.ask("GET", f"/v1/subjects/{id}/consents"),
        await gateway.ask("GET", f"/v1/subjects/{id}/disclosures"),
    ]

    assert {reply.code for reply in replies} == {"subject-malformed"}


@promise("M1", "A1", "R5")
async def test_aliases_are_one_person(open_house: OpenHouse) -> None:
    """Minority, objection, restriction and erasure cover every id of the person."""
    house = await open_house(a_courier(), an_advertiser())
    await house.facts("u-1", aliases=["u-1b", "u-1c"])
    await house.facts("u-1b", minor=True)
    assert (await house.share(subject="u-1c")).code == "guardian-consent-missing"
    await house.facts("u-1", minor=False)
    assert (await house.share(subject="u-1b")).status == 200
    await house.facts("u-1c", opt_out=["order-fulfilment"])
    assert (await house.share(subject="u-1")).code == "opted-out"
    await house.facts("u-1", opt_out=[])
    await house.fence("u-1b")
    assert (await house.share(subject="u-1c")).code == "subject-restricted"
    await house.erase("u-1")
    assert (await house.share(subject="u-1b")).code == "subject-erased"


async def test_aliases_keep_what_was_known_of_each(gateway: House) -> None:
    """Two people who turn out to be one keep what was said of either."""
    await gateway.facts("u-1", minor=True)
    await gateway.facts("u-2", opt_out=["payment"])
    await gateway.facts("u-2", aliases=["u-1"])

    assert (await gateway.share(subject="u-2")).code == "guardian-consent-missing"
    assert (await gateway.share(subject="u-1")).code == "guardian-consent-missing"


@promise("R1")
async def test_the_account_covers_all_aliases(gateway: House) -> None:
    """Who asks by one id is told what was disclosed under every id."""
    shares = [(await gateway.share(subject=subject)).share for subject in ("u-1", "u-2")]
    await gateway.facts("u-1", aliases=["u-2"])
    rows = [await gateway.disclosures(subject) for subject in ("u-1", "u-2")]

    assert [[row["share"] for row in account] for account in rows] == [shares, shares]


@promise("R1")
async def test_the_account_says_who_got_what_why_and_until_when(
    gateway: House, courier: FakePartner
) -> None:
    """One row a disclosure, with exactly the members of the contract."""
    reply = await gateway.share()
    (row,) = await gateway.disclosures()
    claims = courier.received[0].claims

    assert set(row) == ROW
    assert row["share"] == reply.share
    assert row["kind"] == "intent"
    assert (row["partner"], row["name"]) == ("swift-parcel", "Swift Parcel Co.")
    assert row["contact"] == "privacy@swift-parcel.example"
    assert row["fields"] == claims["fields"]
    assert set(row["categories"]) == {"basic.name", "basic.phone", "basic.address"}
    assert (row["purpose"], row["purpose_version"]) == ("order-fulfilment", 1)
    assert row["ground"] == "core-function"
    assert datetime.fromisoformat(row["at"]) == gateway.clock()
    assert row["outcome"] == "delivered"
    assert datetime.fromisoformat(row["retention_until"]) == gateway.clock() + 30 * DAY
    assert row["territory"] == "CN"
    assert row["at"].endswith("Z")
    await gateway.sequenced()
    (row,) = await gateway.disclosures()
    (leaf,) = (await gateway.ask("GET", f"/v1/ledger/entries?start={row['index']}&limit=1")).json()[
        "entries"
    ]
    assert leaf["share"] == reply.share


@promise("R1")
async def test_the_account_holds_no_refusal_and_nothing_unsent(open_house: OpenHouse) -> None:
    """What never left is not told as if it had."""
    house = await open_house(a_courier())
    await house.share(purpose="payment")
    await house.recipients["swift-parcel"].stop()
    await house.share()

    assert await house.disclosures() == []
    assert len(await house.leaves("refusal", "outcome")) == 2


async def test_an_open_intent_is_in_the_account(gateway: House, courier: FakePartner) -> None:
    """What may be on its way is told as open."""
    courier.script.next(Silence())
    waiting = asyncio.create_task(gateway.share())
    while not courier.received:
        await asyncio.sleep(0.005)
    (row,) = await gateway.disclosures()
    await courier.stop()
    await waiting

    assert row["outcome"] is None
    assert row["share"] == courier.received[0].share


async def test_a_person_never_shared_has_an_empty_account(gateway: House) -> None:
    """Nobody is made known by asking."""
    assert await gateway.disclosures("never-seen") == []
    assert (await gateway.ask("GET", "/v1/subjects/never-seen/consents")).json() == {"consents": []}
    reads = await gateway.leaves("read")
    assert len(reads) == 2
    assert all("subject" not in leaf for leaf in reads)
    assert (
        await gateway.gateway.store.subject(gateway.gateway.subjects.lookup("never-seen")) is None
    )


@promise("A1", "K2")
async def test_after_an_erasure_the_account_is_empty(gateway: House) -> None:
    """Nothing leads to a deleted person any more."""
    await gateway.share()
    await gateway.erase("u-1")

    assert await gateway.disclosures() == []
    assert (await gateway.share()).code == "subject-erased"
    assert all("subject" not in leaf for leaf in await gateway.leaves("refusal"))


@promise("P3")
async def test_every_read_of_a_persons_records_is_recorded(gateway: House) -> None:
    """Who read what is a leaf of its own, durable before anything is shown."""
    await gateway.share()
    await gateway.ask("GET", "/v1/subjects/u-1/disclosures", token=gateway.token(service="crm"))
    await gateway.ask("GET", "/v1/subjects/u-1/consents", token=gateway.token(service="crm"))
    first, second = await gateway.leaves("read")

    assert {first["service"], second["service"]} == {"crm"}
    assert {first["record"], second["record"]} == {"disclosures", "consents"}
    assert first["subject"] != second["subject"]
    assert "u-1" not in str((first, second))


DECLARED: dict[str, Any] = {
    "subject": "u-1",
    "partner": "swift-parcel",
    "purpose": "order-fulfilment",
    "fields": ["/recipient/address"],
    "categories": ["basic.address"],
    "ground": "core-function",
    "at": "2025-05-01T08:00:00Z",
    "retention_until": "2026-05-01T08:00:00Z",
}


@promise("R1")
async def test_what_left_beside_the_gateway_may_be_declared(gateway: House) -> None:
    """A declared disclosure is a leaf of its own kind and stands in the account."""
    one = await gateway.ask("POST", "/v1/disclosures", DECLARED)
    many = await gateway.ask("POST", "/v1/disclosures", [DECLARED, {**DECLARED, "subject": "u-2"}])
    rows = await gateway.disclosures()
    leaves = await gateway.leaves("declared")

    assert (one.status, many.status) == (201, 201)
    assert len(leaves) == 3
    assert len(rows) == 2
    for row in rows:
        assert set(row) == ROW
        assert row["kind"] == "declared"
        assert row["at"].startswith("2025-05-01T08:00:00")
        assert row["retention_until"].startswith("2026-05-01T08:00:00")
        assert row["fields"] == ["/recipient/address"]
    assert len(await gateway.disclosures("u-2")) == 1
    assert gateway.recipients["swift-parcel"].arrivals == []


@pytest.mark.parametrize(
    "changes",
    [
        {"partner": "nobody"},
        {"purpose": "shipping"},
        {"categories": ["basic.shoe-size"]},
        {"at": "2999-01-01T00:00:00Z"},
        {"at": None},
        {"subject": ""},
        {"fields": ["欧阳明"]},
        {"ground": "because"},
        {"retention_until": "2024-01-01T00:00:00Z"},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_a_declaration_that_is_not_valid_is_refused(changes: Any, gateway: House) -> None:
    """All or none, and nothing of it in the ledger."""
    reply = await gateway.ask("POST", "/v1/disclosures", [DECLARED, {**DECLARED, **changes}])

    assert reply.status == 400
    assert "欧阳明" not in reply.body.decode()
    assert await gateway.leaves("declared") == []


@promise("S5", "S1")
async def test_protecting_rights_needs_registered_evidence(open_house: OpenHouse) -> None:
    """A claim is not enough: the record exists, is for this, and covers the person."""
    house = await open_house(a_screener())
    options: Any = {"purpose": "fraud-prevention"}
    asks: Any = ("clear-sight", "/v1/checks", {"account": "acc-1"})
    none = await house.share(*asks, **options)
    claimed = await house.share(*asks, **options, evidence='"CASE-7"')
    evidence = await house.evidence(partner="clear-sight", purposes=["fraud-prevention"])
    carried = await house.share(*asks, **options, evidence=evidence)
    (leaf,) = await house.leaves("intent")

    assert (none.code, claimed.code) == ("evidence-missing", "evidence-not-valid")
    assert "S5" in claimed.clause
    assert carried.status == 200
    assert len(leaf["evidence"]) == 64


@promise("D2", "S5")
@pytest.mark.parametrize(
    ("record", "carried"),
    [
        ({}, True),
        ({"subjects": ["u-1"]}, True),
        ({"subjects": ["u-2", "u-1"]}, True),
        ({"subjects": ["u-2"]}, False),
        ({"subjects": []}, False),
        ({"partner": "plain"}, False),
        ({"purposes": ["payment"]}, False),
        ({"purposes": ["payment", "legal-demand"]}, True),
        ({"expires": "2020-01-01T00:00:00Z"}, False),
        ({"categories": ["basic"]}, True),
        ({"categories": ["basic.name"]}, True),
        ({"categories": ["device.id"]}, False),
        ({"categories": []}, False),
    ],
    ids=str,
)
async def test_a_demand_carries_what_it_is_for(
    record: Any, carried: bool, open_house: OpenHouse
) -> None:
    """Partner, purpose, person, time and data of the record each bound what it carries."""
    house = await open_house(a_court(), a_plain())
    full = {"partner": "city-court", "purposes": ["legal-demand"], **record}
    evidence = await house.evidence(**full)
    body = {"demand": "D-1", "person": {"name": "欧阳明"}}
    options: Any = {"purpose": "legal-demand", "evidence": evidence}
    reply = await house.share("city-court", "/v1/disclosures", body, **options)

    assert reply.code == (None if carried else "evidence-not-valid")
    if not carried:
        assert "D2" in reply.clause


@promise("D2")
async def test_a_demand_limits_the_fields(open_house: OpenHouse) -> None:
    """Only the categories of the demand leave, whatever the route would let out."""
    house = await open_house(a_court())
    court = house.recipients["city-court"]
    evidence = await house.evidence(
        partner="city-court", purposes=["legal-demand"], categories=["basic.address", "network"]
    )
    body = {
        "demand": "D-1",
        "person": {"name": "欧阳明", "address": "成都"},
        "network": {"ip": "192.0.2.7"},
    }
    options: Any = {"purpose": "legal-demand", "evidence": evidence}
    reply = await house.share("city-court", "/v1/disclosures", body, **options)
    (leaf,) = await house.leaves("intent")

    assert court.received[0].document == {
        "demand": "D-1",
        "person": {"address": "成都"},
        "network": {"ip": "192.0.2.7"},
    }
    assert reply.headers["Sharing-Dropped"] == "?1"
    assert leaf["categories"] == ["basic.address", "network.ip"]


@promise("D2")
@pytest.mark.parametrize("told", [True, False])
async def test_a_demand_that_may_not_be_told_stays_out_of_the_account(
    told: bool, open_house: OpenHouse
) -> None:
    """The person's account would tip off; the ledger has it all the same."""
    house = await open_house(a_court())
    evidence = await house.evidence(
        partner="city-court", purposes=["legal-demand"], may_tell_subject=told
    )
    body = {"person": {"name": "欧阳明"}}
    options: Any = {"purpose": "legal-demand", "evidence": evidence}
    reply = await house.share("city-court", "/v1/disclosures", body, **options)

    assert reply.status == 200
    assert len(await house.disclosures()) == told
    assert len(await house.leaves("intent")) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"partner": "nobody"},
        {"purposes": ["shipping"]},
        {"purposes": []},
        {"purposes": "order-fulfilment"},
        {"categories": ["basic.shoe-size"]},
        {"subjects": [""]},
        {"subjects": ["x" * 257]},
        {"expires": None},
        {"expires": "some day"},
        {"may_tell_subject": "yes"},
        {"may_tell_subject": None},
        {"type": ""},
        {"reference": ""},
        {"more": 1},
    ],
    ids=str,
)
async def test_evidence_that_is_not_valid_is_refused(changes: Any, gateway: House) -> None:
    """A record says what it is, for whom, for what, and until when."""
    body = {
        "type": "subpoena",
        "reference": "No. 7",
        "partner": "swift-parcel",
        "purposes": ["order-fulfilment"],
        "expires": "2030-01-01T00:00:00Z",
        "may_tell_subject": True,
        **changes,
    }
    reply = await gateway.ask("POST", "/v1/evidence", body)

    assert reply.status == 400
    assert reply.code in ("request-invalid", "subject-malformed")


async def test_evidence_is_registered_by_what_the_contract_names(gateway: House) -> None:
    """201 with an id, and nothing else."""
    body = {
        "type": "dispute",
        "reference": "No. 7",
        "partner": "swift-parcel",
        "purposes": ["order-fulfilment"],
        "subjects": ["u-1"],
        "categories": ["basic"],
        "expires": stamp(gateway.clock() + DAY),
        "may_tell_subject": True,
    }
    reply = await gateway.ask("POST", "/v1/evidence", body)
    id = reply.json()["evidence"]
    bare = await gateway.share(ground="dispute", evidence=id)
    quoted = await gateway.share(ground="dispute", evidence=f'"{id}";type=dispute')
    other = await gateway.share(ground="dispute", evidence=f'"{id}"', subject="u-2")
    gateway.clock.advance(DAY)
    late = await gateway.share(ground="dispute", evidence=f'"{id}"')

    assert (reply.status, set(reply.json())) == (201, {"evidence"})
    assert (bare.status, quoted.status) == (200, 200)
    assert other.code == late.code == "evidence-not-valid"


@promise("D1")
async def test_what_is_shown_to_the_public_is_what_the_person_chose(
    open_house: OpenHouse,
) -> None:
    """A public disclosure rests on consent, and is a leaf of its own kind."""
    house = await open_house(a_stage())
    asks: Any = ("stage", "/v1/profiles/acc-1", {"avatar": "a.png", "name": "欧阳明"})
    options: Any = {"purpose": "public-display", "method": "PUT"}
    refused = await house.share(*asks, **options)
    await house.consent(purpose="public-display")
    carried = await house.share(*asks, **options)
    (row,) = await house.disclosures()

    assert refused.code == "consent-missing"
    assert "D1" in refused.clause
    assert carried.status == 200
    assert house.recipients["stage"].received[0].document == {"avatar": "a.png"}
    assert row["kind"] == "public-disclosure"
    assert len(await house.leaves("public-disclosure")) == 1
    assert await house.leaves("intent") == []


@promise("T1-3", "T4")
async def test_a_transfer_has_its_own_grounds_and_kind(open_house: OpenHouse) -> None:
    """A successor that accepted the edition gets it on the agreement, else on consent alone."""
    house = await open_house(
        a_successor(),
        {
            **a_successor(accepted_edition="2025-9"),
            "partner": "unbound",
            "keys": "keys/unbound.jwks.json",
        },
    )
    body = {"account": "acc-1", "phone": "13800138000", "name": "欧阳明"}
    options: Any = {"purpose": "business-transfer", "evidence": '"MNA-1"'}
    bound = await house.share("new-horizon", "/v1/accounts", body, **options)
    unbound = await house.share("unbound", "/v1/accounts", body, **options)
    wrong = await house.share("new-horizon", "/v1/accounts", body, **options, ground="dispute")
    await house.consent(purpose="business-transfer")
    await house.consent(purpose="business-transfer", scope="sensitive")
    consented = await house.share("unbound", "/v1/accounts", body, **options, ground="consent")
    leaves = await house.leaves("transfer")

    assert (bound.status, consented.status) == (200, 200)
    assert (unbound.code, unbound.clause) == ("ground-not-permitted", ["T4"])
    assert wrong.code == "ground-not-permitted"
    assert "T1-3" in wrong.clause
    assert len(leaves) == 2
    assert {row["kind"] for row in await house.disclosures()} == {"transfer"}


@promise("K1")
async def test_the_account_names_the_territory(open_house: OpenHouse) -> None:
    """Who asks learns that their data went abroad."""
    house = await open_house(a_post_abroad())
    await house.consent(purpose="order-fulfilment", scope="cross-border")
    await house.share("island-post", "/v1/parcels", {"address": "1"})
    (row,) = await house.disclosures()

    assert row["territory"] == "SG"
