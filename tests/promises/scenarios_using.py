"""Collecting and using, minors, editions at the running gateway (C, M, N)."""

import asyncio
import json
import shutil
from typing import Any

from gateway.testing.behaviour import Answer
from tests.promises.house import stamp
from tests.promises.manifests import an_advertiser
from tests.promises.scenarios import carried, refused, shown
from tests.promises.test_default_set import DEVICE, PERSON, SHARES
from tests.promises.whole import WholeHouse, put, worded
from tests.unit.cli.calling import call

COURIER = "partners/swift-parcel.yaml"
RESEARCH = "partners/civic-stats.yaml"
AFFILIATE = "partners/bright-reach.yaml"
PURPOSES = "policies/purposes.yaml"
WHERE = {"city": "成都", "name": PERSON["name"]}


# C1, C2


@carried("C1")
async def what_leaves_has_a_category_of_the_catalog(house: WholeHouse) -> None:
    """The ledger says of which categories a parcel's data was; what has none stays here."""
    reply = await house.carries("courier", house.somebody())
    leaf = await house.leaf_of(reply)

    assert leaf["categories"] == ["basic.address", "basic.name", "basic.phone"]
    assert "buyer" not in house.got("swift-parcel").document


@refused("C1")
async def what_has_no_category_is_let_out_by_no_manifest(house: WholeHouse) -> None:
    """A field of a kind that the catalog does not name is not accepted, nor one of no kind."""
    place = ("routes", "create-shipment", "send", "/recipient/shoe_size")
    unknown = await house.rejected(put(COURIER, *place, to={"category": "basic.shoe-size"}))
    none = await house.rejected(put(COURIER, *place, to={"type": "integer"}))

    assert "(C1)" in unknown
    assert "(C1)" in none


@carried("C2")
async def sensitive_data_leaves_for_whom_it_is_sealed(house: WholeHouse) -> None:
    """The number of a card is readable for the company that charges it, on no wire."""
    await house.carries("payment", house.somebody())
    received = house.got("harbour-pay")

    assert received.document["card"]["number"] == "6222000011112222"
    assert "6222000011112222" not in received.request.body.decode()


@refused("C2")
async def a_password_is_let_out_by_no_manifest(house: WholeHouse) -> None:
    """Not even sealed, and not to the company that takes payments."""
    password = {"category": "network.password", "transform": "hash"}
    error = await house.rejected(
        put("partners/harbour-pay.yaml", "routes", "charge", "send", "/password", to=password)
    )

    assert "(C2)" in error


@refused("C2")
async def a_nickname_needs_its_own_consent(house: WholeHouse) -> None:
    """A consent to the purpose does not carry what is sensitive, nor does one to a crossing."""
    who = house.somebody()
    await house.consent(who, purpose="account-login")
    await house.consent(who, purpose="account-login", scope="cross-border")
    reply = await house.asks("login", who)

    assert reply.code == "separate-consent-missing"
    assert "C2" in reply.clause


# C3


async def located(house: WholeHouse, who: str) -> Any:
    """Ask for a function that uses the place."""
    return await house.share(
        "near-by", "/v1/nearby", WHERE, purpose="location-services", subject=who
    )


@carried("C3", "R5")
async def what_is_switched_on_again_goes_on(house: WholeHouse) -> None:
    """Off stops it, a newer yes carries it, and what left before stays as it was."""
    who = house.somebody()
    first = await house.consent(who, purpose="location-services", method="separate")
    carried_once = await located(house, who)
    before = await house.leaf_of(carried_once)
    await house.withdraw(first)
    house.clock.advance(seconds=1)
    await house.consent(who, purpose="location-services", method="separate")
    again = await located(house, who)

    assert (carried_once.status, again.status) == (200, 200)
    assert await house.leaf_of(carried_once) == before
    assert len(await house.disclosures(who)) == 2


@refused("C3", "R5")
async def what_is_switched_off_stops_with_the_next_share(house: WholeHouse) -> None:
    """A withdrawal refuses the very next share, and the earlier one stays in the account."""
    who = house.somebody()
    consent = await house.consent(who)
    on = await house.asks("affiliate", who)
    await house.withdraw(consent)
    off = await house.asks("affiliate", who)

    assert (on.status, off.code) == (200, "consent-withdrawn")
    assert {"C3", "R5"} <= set(off.clause)
    assert len(await house.disclosures(who)) == 1


@refused("C3")
async def the_place_is_asked_for_by_itself(house: WholeHouse) -> None:
    """A consent that was given among other things does not switch it on."""
    who = house.somebody()
    await house.consent(who, purpose="location-services", method="explicit")
    reply = await located(house, who)

    assert (reply.code, reply.clause) == ("separate-consent-missing", ["C3"])


# C4


@refused("C4")
async def what_may_be_collected_is_not_shared_by_that(house: WholeHouse) -> None:
    """Public safety lets collect without consent, and carries no share."""
    token = house.token(grounds=["public-safety"])
    reply = await house.asks("courier", house.somebody(), ground="public-safety", token=token)

    assert reply.code == "ground-not-permitted"
    assert "C4" in reply.clause


# C5

PROFILE = {
    "binding": "b-1",
    "nickname": "小鱼干",
    "avatar": "https://x.example/1.png",
    "friends": ["u-9"],
    "phone": "13900001111",
}


@carried("C5")
async def what_comes_back_is_what_was_authorised(house: WholeHouse) -> None:
    """Nickname and avatar reach the app; friends and a number that came along do not."""
    other = house.recipients["link-id"]
    before, other.respond = other.respond, lambda received: PROFILE
    try:
        reply = await house.carries("login", house.somebody())
    finally:
        other.respond = before
    (leaf,) = [one for one in await house.leaves("outcome") if one["share"] == reply.share]

    assert set(reply.json()) == {"binding", "nickname", "avatar"}
    assert set(leaf["received"]) == {"/binding", "/nickname", "/avatar"}
    assert leaf["partner"] == "link-id"


@refused("C5")
async def what_comes_back_otherwise_does_not_pass(house: WholeHouse) -> None:
    """An answer that cannot be filtered reaches nobody, whatever it holds."""
    who = house.somebody()
    for consent in SHARES["login"].consents:
        await house.consent(who, **consent)
    page = Answer(body=b"<p>13900001111</p>", headers={"Content-Type": "text/html"})
    house.recipients["link-id"].script.next(page)
    reply = await house.asks("login", who)

    assert reply.code == "partner-response-refused"
    assert reply.clause == ["C5"]
    assert "13900001111" not in reply.body.decode()


# C6


@carried("C6")
async def research_gets_what_identifies_nobody(house: WholeHouse) -> None:
    """A province, no pseudonym in the terms, and no id of a record that would be kept."""
    who = house.somebody()
    reply = await house.carries("research", who)
    received = house.got("civic-stats")

    assert received.document["address"] == "四川省"
    assert "sub" not in received.claims
    assert PERSON["name"] not in received.request.body.decode()
    assert reply.body == b""


@refused("C6")
async def research_gets_no_lasting_id(house: WholeHouse) -> None:
    """No name, no alias, no fingerprint and no token by which a person could be followed."""
    place = ("routes", "report-purchase", "send", "/x")
    for field in (
        {"category": "basic.name"},
        {"category": "network.account", "transform": "pseudonym"},
        {"category": "device.id", "transform": "hash"},
        {"category": "basic.phone", "transform": "token"},
    ):
        assert "(C6)" in await house.rejected(put(RESEARCH, *place, to=field)), field


@refused("C6")
async def no_id_of_a_record_is_kept_of_research(house: WholeHouse) -> None:
    """What the institute calls its record is not kept, even where its manifest asks for it."""
    who = house.somebody()
    institute = house.recipients["civic-stats"]
    kept = put(RESEARCH, "routes", "report-purchase", "receive", to={"/id": {"reference": True}})
    before, institute.respond = institute.respond, lambda received: {"id": f"record of {who}"}
    try:
        async with house.documents(kept) as taken:
            assert taken
            reply = await house.carries("research", who)
    finally:
        institute.respond = before
    await house.gateway.store.flush()
    state = await house.gateway.store.subject(house.gateway.subjects.lookup(who))
    assert state is not None
    _, references = await house.gateway.store.plan_rows(state.row.person)

    assert reply.json() == {"id": f"record of {who}"}
    assert references == []


@refused("C6")
async def silence_is_no_active_choice(house: WholeHouse) -> None:
    """An implied consent does not carry what asks for an active choice."""
    who = house.somebody()
    await house.consent(who, method="implied")
    reply = await house.asks("affiliate", who)

    assert reply.code == "consent-missing"
    assert "C6" in reply.clause


# M1, M2


@carried("M1", "M2")
async def a_guardian_lets_a_minors_order_leave(house: WholeHouse) -> None:
    """Once the guardian agreed to the purpose, the minor's parcel is sent."""
    who = house.somebody()
    await house.facts(who, minor=True)
    await house.consent(who, purpose="order-fulfilment", by="guardian")

    assert (await house.asks("courier", who)).status == 200


@refused("M1")
async def what_a_minor_agrees_to_alone_carries_nothing(house: WholeHouse) -> None:
    """Under 18 one's own consent is none; it needs no birthday to be the guardian's."""
    who = house.somebody()
    await house.facts(who, minor=True)
    await house.consent(who)
    own = await house.asks("affiliate", who)
    house.clock.advance(seconds=1)
    await house.consent(who, by="guardian")
    guardians = await house.asks("affiliate", who)

    assert (own.code, guardians.status) == ("guardian-consent-missing", 200)
    assert "M1" in own.clause


@refused("M2")
async def the_core_function_does_not_carry_a_minors_order(house: WholeHouse) -> None:
    """Nor does the protection of others; the protection of the minor does."""
    who = house.somebody()
    await house.facts(who, minor=True)
    order = await house.asks("courier", who)
    fraud = await house.asks("screening", who)
    rescue = await house.asks(
        "screening", who, ground="minor-protection", evidence='"a stolen account"'
    )

    assert order.code == fraud.code == "guardian-consent-missing"
    assert rescue.status == 200
    assert "M2" in order.clause


# N1, N2


@carried("N1")
async def each_share_pins_its_edition(house: WholeHouse) -> None:
    """Its terms and its leaf name the edition under which it left."""
    reply = await house.carries("courier", house.somebody())

    assert house.got("swift-parcel").claims["edition"] == "2026-1"
    assert (await house.leaf_of(reply))["edition"] == "2026-1"


@refused("N1")
async def a_wider_edition_asks_again(house: WholeHouse) -> None:
    """What a new edition lets out besides leaves on a consent that was given under it."""
    async with house.beside(an_advertiser()) as other:
        await other.consent(granted_at=stamp(other.clock()))
        asked: Any = ("bright-reach", "/v3/events", {"event": "click", "device": DEVICE})
        before = await other.share(*asked, purpose="advertising")
        other.clock.advance(seconds=60)
        effective = stamp(other.clock())
        for edit in (
            worded("policies/edition.yaml", "number: 2026-1", "number: 2026-2"),
            worded("policies/edition.yaml", "2026-02-01T00:00:00Z", effective),
            put(
                *("partners/bright-reach.yaml", "routes", "only", "send", "/device/model"),
                to={"category": "device.model"},
            ),
        ):
            edit.apply(other.folder / edit.file)
        other.clock.advance(seconds=60)
        assert await other.reload(), other.gateway.status.error
        stale = await other.share(*asked, purpose="advertising")
        await other.consent()
        again = await other.share(*asked, purpose="advertising")

    assert (before.status, stale.code, again.status) == (200, "consent-stale", 200)
    assert "N1" in stale.clause


@shown("N2")
async def what_an_edition_changes_can_be_read(house: WholeHouse) -> None:
    """A new recipient's data, another category, a longer time and a border: each is told."""
    wider = (
        put(AFFILIATE, "routes", "report-event", "retention", to="900d"),
        put(AFFILIATE, "territory", to="SG"),
        put(
            *(AFFILIATE, "routes", "report-event", "send", "/device/model"),
            to={"category": "device.model"},
        ),
    )
    draft = house.scratch / house.somebody()
    for folder in ("policies", "partners"):
        shutil.copytree(house.folder / folder, draft / folder)
    for edit in wider:
        edit.apply(draft / edit.file)
    done = await asyncio.to_thread(
        call, "policy", "diff", "2026-1", draft, home=house.folder, as_json=True
    )
    told = json.dumps(done.json()["widens"])

    assert done.code == 0
    for word in ("bright-reach", "device.model", "900", "SG"):
        assert word in told


@shown("S2")
async def who_must_be_asked_again_is_listed(house: WholeHouse) -> None:
    """After a purpose changed, everybody who agreed to it as it was is named, and nobody else."""
    who, other = house.somebody(), house.somebody()
    await house.consent(who)
    changed = (
        put(PURPOSES, "purposes", "advertising", "version", to=2),
        put(AFFILIATE, "routes", "report-event", "purpose", to="advertising@2"),
    )
    async with house.documents(*changed) as taken:
        assert taken
        await house.consent(other, purpose_version=2)
        reply = await house.ask("GET", "/v1/reports/ask-again?purpose=advertising")

    assert reply.status == 200
    assert f'"{who}"' in reply.body.decode()
    assert f'"{other}"' not in reply.body.decode()
