"""Sharing, transfer and public disclosure at the running gateway (S, T, D)."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.recipient import RecipientError, open_sealed
from tests.promises.house import stamp
from tests.promises.scenarios import carried, refused, shown
from tests.promises.test_default_set import PERSON, SHARES
from tests.promises.whole import WholeHouse, put, removed

COURIER = "partners/swift-parcel.yaml"
AFFILIATE = "partners/bright-reach.yaml"
LOGIN = "partners/link-id.yaml"
COURT = "partners/city-court.yaml"
PURPOSES = "policies/purposes.yaml"
PHONE = PERSON["phone"]


def in_days(house: WholeHouse, days: int) -> str:
    """A UTC day that many days from today, as a manifest writes it."""
    return str((house.clock() + timedelta(days=days)).date())


# S1


@carried("S1")
async def each_share_rests_on_one_ground(house: WholeHouse) -> None:
    """A parcel leaves because the order needs it, and the ledger says on which ground."""
    reply = await house.carries("courier", house.somebody())

    assert (await house.leaf_of(reply))["ground"] == "core-function"


@refused("S1")
async def no_ground_outside_the_list_of_the_purpose_carries(house: WholeHouse) -> None:
    """A ground that the purpose does not list carries nothing, with evidence or without."""
    reply = await house.asks("courier", house.somebody(), ground="research", evidence='"study"')

    assert (reply.status, reply.code) == (403, "ground-not-permitted")
    assert "S1" in reply.clause


@refused("S1")
async def a_ground_needs_its_evidence(house: WholeHouse) -> None:
    """That the person asked for a service must be shown; a dispute must be on file."""
    parcel = SHARES["abroad"]._replace(consents=())
    who = house.somebody()
    await house.consent(who, purpose="order-fulfilment", scope="cross-border")
    none = await house.asks(parcel, who, evidence=None)
    claimed = await house.asks("courier", who, ground="dispute", evidence='"dispute-9"')

    assert (none.code, claimed.code) == ("evidence-missing", "evidence-not-valid")
    assert "S1" in none.clause
    assert "S1" in claimed.clause


@refused("S1", "P5")
async def a_service_uses_only_the_grounds_of_its_token(house: WholeHouse) -> None:
    """A ground that the purpose lists and the token does not name is refused."""
    token = house.token(grounds=["core-function"])
    reply = await house.asks(
        "courier", house.somebody(), ground="agreement", evidence='"terms"', token=token
    )

    assert reply.code == "service-not-permitted"
    assert {"P5", "S1"} <= set(reply.clause)


@refused("S1", "C3")
async def without_consent_nothing_leaves_for_advertising(house: WholeHouse) -> None:
    """Where consent is the only ground, its absence refuses; the consent to another purpose too."""
    who = house.somebody()
    none = await house.asks("affiliate", who)
    await house.consent(who, purpose="order-fulfilment")
    other = await house.asks("affiliate", who)

    assert none.code == other.code == "consent-missing"
    assert {"S1", "C3"} <= set(none.clause)


# S2


@carried("S2")
async def an_affiliate_gets_what_the_declared_purpose_needs(house: WholeHouse) -> None:
    """For advertising it gets the declared fields, no name and no address."""
    await house.carries("affiliate", house.somebody())

    assert set(house.got("bright-reach").document["profile"]) == {"gender"}


@refused("S2", "C6")
async def an_affiliate_that_changes_its_purpose_asks_again(house: WholeHouse) -> None:
    """A consent to the purpose as it was carries nothing of what it became; a new one does."""
    who = house.somebody()
    await house.carries("affiliate", who)
    changed = (
        put(PURPOSES, "purposes", "advertising", "version", to=2),
        put(AFFILIATE, "routes", "report-event", "purpose", to="advertising@2"),
    )
    async with house.documents(*changed) as taken:
        assert taken
        stale = await house.asks("affiliate", who)
        await house.consent(who, purpose_version=2)
        again = await house.asks("affiliate", who)

    assert (stale.code, again.status) == ("consent-stale", 200)
    assert {"S2", "C6"} <= set(stale.clause)


# S3


@carried("S3")
async def a_partner_gets_account_device_and_place_for_its_purpose(house: WholeHouse) -> None:
    """Without consent it gets these and nothing else, under terms that name the purpose."""
    reply = await house.carries("screening", house.somebody())
    received = house.got("clear-sight")
    leaf = await house.leaf_of(reply)
    trees = {category.partition(".")[0] for category in leaf["categories"]}

    assert trees <= {"network", "device", "location"}
    assert received.claims["purpose"] == "fraud-prevention"
    assert "name" not in received.document


@refused("S3")
async def a_partner_gets_no_name_without_consent(house: WholeHouse) -> None:
    """A name that leaves on consent does not leave on another ground of the same purpose."""
    who = house.somebody()
    name = {"category": "basic.name", "transform": "mask-name"}
    body = {**SHARES["login"].body, "name": PERSON["name"]}
    login = SHARES["login"]._replace(body=body)
    async with house.documents(
        put(LOGIN, "routes", "bind-account", "send", "/name", to=name)
    ) as taken:
        assert taken
        reply = await house.asks(login, who, ground="core-function")

    assert reply.code == "ground-not-permitted"
    assert reply.clause == ["S3"]


@refused("S3")
async def a_manifest_that_gives_a_partner_more_is_not_accepted(house: WholeHouse) -> None:
    """A partner's route on another ground than consent declares account, device and place only."""
    address = {"category": "basic.address", "transform": {"region": "province"}}
    error = await house.rejected(
        put("partners/clear-sight.yaml", "routes", "screen-order", "send", "/address", to=address)
    )

    assert "(S3)" in error


@refused("S3")
async def what_is_declared_for_one_purpose_is_not_carried_for_another(house: WholeHouse) -> None:
    """A path serves the purpose that it is declared for, at its version."""
    who = house.somebody()
    await house.consent(who, purpose="payment")
    other = await house.asks(SHARES["courier"]._replace(purpose="payment"), who)
    version = await house.asks(SHARES["courier"]._replace(purpose="order-fulfilment@7"), who)

    assert other.code == version.code == "purpose-not-permitted"
    assert "S3" in other.clause


@refused("S3")
async def what_is_sealed_for_one_purpose_opens_for_no_other(house: WholeHouse) -> None:
    """The recipient's own key does not open a payment as advertising."""
    await house.carries("payment", house.somebody())
    pay = house.recipients["harbour-pay"]
    sealed = pay.received[-1].request.body.decode()
    keys = pay.keys.private_jwks()

    assert open_sealed(sealed, keys, partner="harbour-pay", purpose="payment")
    with pytest.raises(RecipientError):
        open_sealed(sealed, keys, partner="harbour-pay", purpose="advertising")


# S4a to S4d


@carried("S4a")
async def the_last_day_of_an_agreement_is_covered(house: WholeHouse) -> None:
    """An agreement that ends tomorrow carries today."""
    until = put(COURIER, "agreement", "expires", to=in_days(house, 1))
    async with house.documents(until) as taken:
        assert taken
        await house.carries("courier", house.somebody())


@refused("S4a")
async def an_agreement_ends_by_itself(house: WholeHouse) -> None:
    """On its first day no longer covered nothing leaves, nor where none is on file."""
    who = house.somebody()
    async with house.documents(put(COURIER, "agreement", "expires", to=in_days(house, 0))):
        over = await house.asks("courier", who)
    async with house.documents(removed(COURIER, "agreement")):
        none = await house.asks("courier", who)

    assert (over.code, none.code) == ("agreement-expired", "agreement-missing")
    assert over.clause == none.clause == ["S4a"]


@carried("S4b")
async def each_share_carries_its_instructions(house: WholeHouse) -> None:
    """Purpose, how long, where, and that nothing is passed on: signed, with every share."""
    await house.carries("courier", house.somebody())
    claims = house.got("swift-parcel").claims
    until = datetime.fromisoformat(claims["retention_until"]).astimezone(UTC)

    assert (claims["purpose"], claims["purpose_version"]) == ("order-fulfilment", 1)
    assert until - house.clock() == timedelta(days=30)
    assert (claims["territory"], claims["onward"]) == ("CN", [])


@refused("S4b")
async def who_acts_for_us_gets_nothing_for_itself(house: WholeHouse) -> None:
    """A processor gets no data for a purpose of its own, consent or not."""
    who = house.somebody()
    await house.consent(who)
    reply = await house.asks(SHARES["courier"]._replace(purpose="advertising"), who)

    assert reply.code == "purpose-not-permitted"
    assert "S3" in reply.clause


@carried("S4d", "P7")
async def a_courier_reads_no_telephone_number(house: WholeHouse) -> None:
    """The number travels sealed and opens for the courier alone; the name is masked."""
    await house.carries("courier", house.somebody())
    received = house.got("swift-parcel")
    wire = received.request.body.decode()

    assert PHONE not in wire
    assert PERSON["name"] not in wire
    assert received.document["recipient"]["phone"] == PHONE
    assert received.document["recipient"]["name"] == "欧**"


@refused("S4d", "P7")
async def a_manifest_that_lets_a_number_out_raw_is_not_accepted(house: WholeHouse) -> None:
    """It does not come into force, and the parcel goes on leaving with the number sealed."""
    raw = put(
        COURIER,
        *("routes", "create-shipment", "send", "/recipient/phone"),
        to={"category": "basic.phone"},
    )
    async with house.documents(raw) as taken:
        problem = (await house.ask("GET", "/readyz", token="")).json()["policy"]["error"]
        await house.carries("courier", house.somebody())
    wire = house.got("swift-parcel").request.body.decode()

    assert not taken
    assert "(S4d)" in problem
    assert PHONE not in wire


# S5, S6


@carried("S5")
async def fraud_is_prevented_in_a_registered_case(house: WholeHouse) -> None:
    """The ledger holds the case as a commitment that nobody can read."""
    reply = await house.carries("screening", house.somebody())
    leaf = await house.leaf_of(reply)

    assert leaf["ground"] == "rights-protection"
    assert len(leaf["evidence"]) == 64


@refused("S5")
async def protecting_rights_never_earns(house: WholeHouse) -> None:
    """No case carries advertising, not even with the person's consent to it."""
    who = house.somebody()
    await house.consent(who)
    record = await house.evidence(partner="bright-reach", purposes=["advertising"])
    reply = await house.asks("affiliate", who, ground="rights-protection", evidence=record)

    assert reply.code == "ground-not-permitted"
    assert "S5" in reply.clause


@refused("S5")
async def a_case_is_registered_and_not_merely_claimed(house: WholeHouse) -> None:
    """A case number that nobody registered proves nothing."""
    reply = await house.asks("screening", house.somebody(), evidence='"CASE-2026-7"')

    assert reply.code == "evidence-not-valid"
    assert "S5" in reply.clause


@carried("S6")
async def a_branch_needs_no_agreement_of_its_own(house: WholeHouse) -> None:
    """The order goes to the branch without one, and stands in the same account."""
    who = house.somebody()
    await house.carries("branch", who)

    assert [row["partner"] for row in await house.disclosures(who)] == ["mini-app"]


@refused("S6")
async def a_branch_gets_the_same_purposes_and_no_others(house: WholeHouse) -> None:
    """Advertising is not open to branches, so that a branch gets nothing for it."""
    who = house.somebody()
    await house.consent(who)
    reply = await house.asks(SHARES["branch"]._replace(purpose="advertising"), who)

    assert reply.code == "purpose-not-permitted"
    assert "S6" in reply.clause


# T1-3, T4


@carried("T1-3")
async def a_transfer_is_recorded_as_one(house: WholeHouse) -> None:
    """What goes to a new holder is a transfer in the ledger and in the person's account."""
    who = house.somebody()
    reply = await house.carries("successor", who)
    leaf = await house.leaf_of(reply)
    (row,) = await house.disclosures(who)

    assert leaf["kind"] == row["kind"] == "transfer"


@refused("T1-3")
async def a_transfer_has_its_own_grounds(house: WholeHouse) -> None:
    """No core function carries the transfer of a business."""
    reply = await house.asks("successor", house.somebody(), ground="core-function")

    assert reply.code == "ground-not-permitted"
    assert "T1-3" in reply.clause


@carried("T4")
async def a_holder_that_accepts_the_edition_is_bound_by_it(house: WholeHouse) -> None:
    """It receives on the agreement with the person."""
    reply = await house.carries("successor", house.somebody())

    assert (await house.leaf_of(reply))["ground"] == "agreement"


@refused("T4")
async def a_holder_that_does_not_accept_asks_again(house: WholeHouse) -> None:
    """Bound by another edition it receives each person's data on their consent alone."""
    who = house.somebody()
    other = put("partners/new-horizon.yaml", "accepted_edition", to="2019-4")
    async with house.documents(other) as taken:
        assert taken
        unbound = await house.asks("successor", who)
        await house.consent(who, purpose="business-transfer")
        await house.consent(who, purpose="business-transfer", scope="sensitive")
        asked = await house.asks("successor", who, ground="consent")

    assert (unbound.code, asked.status) == ("ground-not-permitted", 200)
    assert unbound.clause == ["T4"]


# D1, D2

PROFILE = SHARES["branch"]._replace(
    path="/v1/profiles/acc-77",
    purpose="public-display",
    body={"nickname": PERSON["nickname"], "avatar": PERSON["avatar"], "phone": PHONE},
)


@carried("D1")
async def what_a_person_chose_is_shown_and_recorded_as_public(house: WholeHouse) -> None:
    """Avatar and nickname are shown as agreed; the ledger calls it a public disclosure."""
    who = house.somebody()
    await house.consent(who, purpose="public-display")
    await house.consent(who, purpose="public-display", scope="sensitive")
    reply = await house.asks(PROFILE, who)

    assert reply.status == 200, reply.json()
    assert set(house.got("mini-app").document) == {"nickname", "avatar"}
    assert (await house.leaf_of(reply))["kind"] == "public-disclosure"


@refused("D1")
async def what_a_person_did_not_choose_is_not_shown(house: WholeHouse) -> None:
    """Without consent nothing is shown, and no other ground but the law stands in for it."""
    who = house.somebody()
    none = await house.asks(PROFILE, who)
    core = await house.asks(PROFILE, who, ground="core-function")

    assert (none.code, core.code) == ("consent-missing", "ground-not-permitted")
    assert "D1" in none.clause
    assert "D1" in core.clause


@carried("D2", "C4")
async def an_authority_gets_what_its_demand_names_sealed(house: WholeHouse) -> None:
    """Only the named categories leave, and nobody but the authority can read them."""
    who = house.somebody()
    record = await house.evidence(
        partner="city-court", purposes=["legal-demand"], categories=["basic.name", "network"]
    )
    reply = await house.asks("court", who, evidence=record)
    received = house.got("city-court")

    assert reply.status == 200, reply.json()
    assert received.document == {
        "demand": "D-1/7",
        "person": {"name": PERSON["name"], "account": PERSON["account"]},
        "network": {"ip": "192.0.2.77"},
    }
    assert PERSON["name"] not in received.request.body.decode()
    assert received.request.headers["Content-Type"] == "application/jose"


@refused("D2")
async def an_authority_without_a_registered_demand_gets_nothing(house: WholeHouse) -> None:
    """Neither a claim, nor a demand about somebody else, nor one that is over carries anything."""
    who = house.somebody()
    demand = {"partner": "city-court", "purposes": ["legal-demand"]}
    claimed = await house.asks("court", who, evidence='"order-114"')
    other = await house.evidence(**demand, subjects=[house.somebody()])
    over = await house.evidence(**demand, expires="2020-01-01T00:00:00Z")
    replies = [claimed, *[await house.asks("court", who, evidence=one) for one in (other, over)]]

    assert {reply.code for reply in replies} == {"evidence-not-valid"}
    assert all("D2" in reply.clause for reply in replies)


@refused("D2")
async def an_authority_gets_nothing_unsealed(house: WholeHouse) -> None:
    """A manifest that seals nothing for an authority is not accepted."""
    error = await house.rejected(put(COURT, "routes", "file-disclosure", "seal", to="none"))

    assert "(D2)" in error


@refused("D2")
async def a_demand_that_may_not_be_told_stays_out_of_the_account(house: WholeHouse) -> None:
    """The ledger has it, and the person who asks is not tipped off."""
    who = house.somebody()
    demand = {"partner": "city-court", "purposes": ["legal-demand"], "may_tell_subject": False}
    reply = await house.asks("court", who, evidence=await house.evidence(**demand))

    assert reply.status == 200
    assert (await house.leaf_of(reply))["partner"] == "city-court"
    assert await house.disclosures(who) == []


@refused("D1")
async def what_a_person_chose_is_one_field_and_not_the_next(house: WholeHouse) -> None:
    """Who agreed to show the avatar did not agree to show the nickname."""
    who = house.somebody()
    await house.consent(who, purpose="public-display", fields=["/avatar", "path.account"])
    avatar = await house.asks(PROFILE._replace(body={"avatar": PERSON["avatar"]}), who)
    both = await house.asks(PROFILE, who)

    assert (avatar.status, both.code) == (200, "consent-missing")
    assert "D1" in both.clause


# What an authority asked for, told as openly as the law permits


@shown("D2")
async def demands_are_counted_for_everybody_to_read(house: WholeHouse) -> None:
    """The transparency report counts what was demanded, given and refused, and names nobody."""
    house.clock.advance(seconds=1)
    since = stamp(house.clock())
    who = house.somebody()
    await house.carries("court", who)
    await house.asks("court", who, evidence='"order-114"')
    house.clock.advance(seconds=1)
    await house.sequenced()
    reply = await house.ask("GET", f"/v1/reports/transparency?from={since}")
    told = json.dumps(reply.json())

    assert reply.status == 200
    assert "city-court" in told
    assert who not in told
