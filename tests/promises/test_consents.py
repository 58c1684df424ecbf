"""What people agreed to, and what that carries (contract §8; S1, S2, C3, C6, K1, M1, R5)."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.testing.client import Reply
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_consent, problem_of, stamp
from tests.promises.manifests import (
    a_locator,
    a_plain,
    a_post_abroad,
    a_recipient,
    a_route,
    an_advertiser,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def manifests() -> Any:
    """The affiliate that gets events on consent."""
    return [an_advertiser()]


async def event(house: House, **options: Any) -> Reply:
    """One event for the affiliate."""
    options = {"purpose": "advertising", **options}
    return await house.share("bright-reach", "/v3/events", {"event": "click"}, **options)


async def parcel(house: House, **options: Any) -> Reply:
    """One parcel abroad."""
    return await house.share("island-post", "/v1/parcels", {"address": "1"}, **options)


@promise("S1", "C3", "C6")
async def test_consent_carries_and_its_absence_refuses(gateway: House) -> None:
    """Before the person agreed nothing leaves, after it the share is carried."""
    before = await event(gateway)
    await gateway.consent()
    after = await event(gateway)

    assert (before.status, before.code) == (403, "consent-missing")
    assert {"S1", "C3"} <= set(before.clause)
    assert after.status == 200


@promise("C3", "R5")
async def test_a_withdrawal_stops_the_next_share(gateway: House) -> None:
    """The very next share is refused, and what was carried before stays as it was."""
    id = await gateway.consent()
    carried = await event(gateway)
    (before,) = await gateway.leaves("intent")
    await gateway.withdraw(id)
    refused = await event(gateway)
    (after,) = await gateway.leaves("intent")

    assert (carried.status, refused.code) == (200, "consent-withdrawn")
    assert {"C3", "R5"} <= set(refused.clause)
    assert before == after
    assert len(await gateway.disclosures()) == 1


@promise("R5")
async def test_a_withdrawal_may_be_repeated(gateway: House) -> None:
    """The first time counts, however often it is said."""
    id = await gateway.consent()
    path = f"/v1/consents/{id}/withdraw"
    first = await gateway.ask("POST", path, {"notify": False})
    gateway.clock.advance(HOUR)
    second = await gateway.ask("POST", path, {"notify": False})
    third = await gateway.ask("POST", path)
    nothing = await gateway.ask("POST", "/v1/consents/con_nothing/withdraw", {})

    assert first.status == 200
    assert set(first.json()) == {"withdrawn_at", "case"}
    assert first.json()["case"] is None
    assert first.json() == second.json() == third.json()
    assert (nothing.status, nothing.code) == (404, "not-found")


@promise("R5")
async def test_only_a_newer_consent_revives(gateway: House) -> None:
    """A late import of an older grant changes nothing; a newer one carries again."""
    id = await gateway.consent()
    gateway.clock.advance(HOUR)
    await gateway.withdraw(id)
    gateway.clock.advance(HOUR)
    await gateway.consent(granted_at=stamp(gateway.clock() - 90 * timedelta(minutes=1)))
    still = await event(gateway)
    await gateway.consent()
    again = await event(gateway)

    assert (still.code, again.status) == ("consent-withdrawn", 200)


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ({"purpose_version": 1}, {"purpose_version": 2}, "consent-stale"),
        ({"purpose_version": 2}, {"purpose_version": 1}, None),
        ({"method": "explicit"}, {"method": "implied"}, "consent-missing"),
        ({"method": "implied"}, {"method": "explicit"}, None),
        ({"partner": "bright-reach"}, {"method": "implied"}, "consent-missing"),
        ({"scope": "sensitive"}, {}, None),
        ({}, {"scope": "sensitive"}, None),
        ({}, {"purpose": "location-services"}, None),
        ({"partner": "other"}, {"partner": "other"}, "consent-missing"),
    ],
    ids=str,
)
@promise("C6")
async def test_the_newest_event_counts(
    first: Any, second: Any, code: str | None, open_house: OpenHouse
) -> None:
    """Of two records about the same thing the later is what the person says now."""
    house = await open_house(an_advertiser(), a_plain(id="other"))
    await house.consent(**first, granted_at=stamp(house.clock() - HOUR))
    await house.consent(**second)

    assert (await event(house)).code == code


async def test_the_newest_event_counts_in_whatever_order_they_come(gateway: House) -> None:
    """Records are compared by when they were granted, not by when they were sent."""
    await gateway.consent(method="explicit")
    await gateway.consent(method="implied", granted_at=stamp(gateway.clock() - DAY))

    assert (await event(gateway)).status == 200


@promise("C6")
async def test_silence_is_no_active_choice(gateway: House) -> None:
    """Implied consent does not carry a purpose that asks for an active choice."""
    await gateway.consent(method="implied")
    reply = await event(gateway)

    assert reply.code == "consent-missing"
    assert "C6" in reply.clause


@promise("S2", "C6")
async def test_a_consent_is_for_one_version(open_house: OpenHouse) -> None:
    """When the purpose changes, the consent to the old version carries nothing."""
    house = await open_house(an_advertiser())
    await house.consent()
    carried = await event(house)
    purposes = house.folder / "policies/purposes.yaml"
    text = purposes.read_text("utf-8")
    place = text.index("  advertising:")
    purposes.write_text(text[:place] + text[place:].replace("version: 1", "version: 2", 1), "utf-8")
    old_route = await house.reload() and await event(house)
    manifest = house.folder / "partners/bright-reach.yaml"
    manifest.write_text(manifest.read_text().replace("advertising@1", "advertising@2"))
    assert await house.reload()
    stale = await event(house)
    await house.consent(purpose_version=2)
    again = await event(house)

    assert carried.status == 200
    assert old_route
    assert old_route.code == "purpose-not-permitted"
    assert (stale.code, again.status) == ("consent-stale", 200)
    assert "S2" in stale.clause
    assert "C6" in stale.clause


async def test_a_consent_may_run_out(gateway: House) -> None:
    """It carries until the second before its end."""
    await gateway.consent(expires=stamp(gateway.clock() + HOUR))
    gateway.clock.advance(HOUR, seconds=-1)
    last = await event(gateway)
    gateway.clock.advance(seconds=1)
    after = await event(gateway)

    assert (last.status, after.code) == (200, "consent-stale")


async def test_a_consent_for_one_partner_is_for_no_other(open_house: OpenHouse) -> None:
    """With `partner` it is for that recipient alone, without it for every one of the purpose."""
    other = {**an_advertiser(), "partner": "other-ads", "keys": "keys/other-ads.jwks.json"}
    house = await open_house(an_advertiser(), other)
    await house.consent(partner="bright-reach")
    await house.consent("u-2")
    asks: Any = ("/v3/events", {"event": "click"})
    refused = await house.share("other-ads", *asks, purpose="advertising")

    assert (await event(house)).status == 200
    assert refused.code == "consent-missing"
    for partner in ("bright-reach", "other-ads"):
        reply = await house.share(partner, *asks, purpose="advertising", subject="u-2")
        assert reply.status == 200


@promise("C3")
async def test_what_must_be_asked_separately_is(open_house: OpenHouse) -> None:
    """Location needs a consent that was asked for by itself."""
    house = await open_house(a_locator())
    options: Any = {"purpose": "location-services"}
    asks: Any = ("near-by", "/v1/nearby", {"city": "成都"})
    none = await house.share(*asks, **options)
    await house.consent(purpose="location-services", method="explicit")
    among_others = await house.share(*asks, **options)
    await house.consent(purpose="location-services", method="separate")
    alone = await house.share(*asks, **options)

    assert none.code == "consent-missing"
    assert among_others.code == "separate-consent-missing"
    assert among_others.clause == ["C3"]
    assert alone.status == 200


SENSITIVE = a_recipient(
    "link-id",
    a_route(
        "POST /v1/bindings",
        "account-login@1",
        "consent",
        send={"/nickname": {"category": "network.nickname", "transform": "mask-name"}},
    ),
    kind="partner",
)


@promise("C2")
@pytest.mark.parametrize(
    ("consents", "code"),
    [
        ([{}], "separate-consent-missing"),
        ([{"scope": "sensitive"}], "consent-missing"),
        ([{}, {"scope": "cross-border"}], "separate-consent-missing"),
        ([{}, {"scope": "sensitive", "method": "implied"}], "separate-consent-missing"),
        ([{}, {"scope": "sensitive"}], None),
    ],
    ids=str,
)
async def test_sensitive_data_on_consent_needs_its_own(
    consents: list[Any], code: str | None, open_house: OpenHouse
) -> None:
    """A record with a scope carries only that, and nothing stands in for it."""
    house = await open_house(SENSITIVE)
    for consent in consents:
        await house.consent(**{"purpose": "account-login", **consent})
    body = {"nickname": "夜猫子"}
    reply = await house.share("link-id", "/v1/bindings", body, purpose="account-login")

    assert reply.code == code


async def test_sensitive_data_on_another_ground_needs_no_consent(open_house: OpenHouse) -> None:
    """The scope `sensitive` is asked for only where consent is the ground."""
    house = await open_house(SENSITIVE)
    reply = await house.share(
        "link-id",
        "/v1/bindings",
        {"nickname": "夜猫子"},
        purpose="account-login",
        ground="core-function",
    )

    assert reply.status == 200


@promise("K1")
@pytest.mark.parametrize("ground", ["core-function", "requested-service", "consent"])
async def test_crossing_the_border_needs_its_own_consent(
    ground: str, open_house: OpenHouse
) -> None:
    """Whatever the ground, data leaves the home territory only with a consent to that."""
    house = await open_house(a_post_abroad())
    options: Any = {"ground": ground, "evidence": '"ORDER-1"'}
    await house.consent(purpose="order-fulfilment")
    without = await parcel(house, **options)
    await house.consent(purpose="order-fulfilment", scope="sensitive")
    still = await parcel(house, **options)
    id = await house.consent(purpose="order-fulfilment", scope="cross-border")
    crossed = await parcel(house, **options)
    await house.withdraw(id)
    withdrawn = await parcel(house, **options)

    assert without.code == still.code == withdrawn.code == "cross-border-consent-missing"
    assert without.clause == ["K1"]
    assert crossed.status == 200


@promise("K1")
async def test_home_is_where_the_home_says(open_house: OpenHouse) -> None:
    """In a home of another territory the same recipient is no border away."""
    house = await open_house(a_post_abroad(), settings={"GATEWAY_HOME__TERRITORY": "SG"})

    assert (await parcel(house)).status == 200


@promise("M1", "M2")
async def test_for_a_minor_only_the_guardian_consents(gateway: House) -> None:
    """What a person under 18 agrees to by themselves carries nothing."""
    await gateway.facts(minor=True)
    await gateway.consent()
    own = await event(gateway)
    await gateway.consent(by="guardian")
    guardians = await event(gateway)
    await gateway.consent("u-2")

    assert (own.status, own.code) == (403, "guardian-consent-missing")
    assert own.clause == ["M1", "M2"]
    assert guardians.status == 200
    assert (await event(gateway, subject="u-2")).status == 200


@promise("M1", "M2")
async def test_no_other_ground_carries_a_minors_share(open_house: OpenHouse) -> None:
    """Not even the core function; the law and the minor's protection do."""
    house = await open_house(a_plain())
    await house.facts(minor=True)
    refused = [
        await house.share("plain", "/things", {"value": 1}, ground=ground, evidence='"E"')
        for ground in ("core-function", "requested-service", "agreement", "consent")
    ]
    carried = [
        await house.share("plain", "/things", {"value": 1}, ground=ground, evidence='"E"')
        for ground in ("legal-obligation", "minor-protection")
    ]
    await house.consent(purpose="order-fulfilment", by="guardian")
    after = await house.share("plain", "/things", {"value": 1})

    assert {reply.code for reply in refused} == {"guardian-consent-missing"}
    assert [reply.status for reply in carried] == [200, 200]
    assert after.status == 200


@promise("R5")
async def test_anyone_may_withdraw_for_a_minor(gateway: House) -> None:
    """A guardian's consent that was withdrawn carries nothing any more."""
    await gateway.facts(minor=True)
    id = await gateway.consent(by="guardian")
    await gateway.withdraw(id)

    assert (await event(gateway)).code in ("guardian-consent-missing", "consent-withdrawn")


@pytest.mark.parametrize(
    ("offset", "status"),
    [(timedelta(0), 201), (-DAY * 4000, 201), (timedelta(seconds=1), 400), (DAY, 400)],
)
async def test_nobody_consents_in_the_future(
    offset: timedelta, status: int, gateway: House
) -> None:
    """A `granted_at` that lies ahead is refused."""
    body = a_consent(gateway.clock(), granted_at=stamp(gateway.clock() + offset))
    reply = await gateway.ask("POST", "/v1/consents", body)

    assert reply.status == status
    if status == 400:
        assert problem_of(reply)["code"] == "request-invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": ""},
        {"subject": "x" * 257},
        {"subject": "欧" * 86},
        {"subject": 7},
        {"subject": None},
        {"purpose": "shipping"},
        {"purpose": "advertising@1"},
        {"purpose_version": 0},
        {"purpose_version": "1"},
        {"purpose_version": 1.5},
        {"purpose_version": True},
        {"partner": "nobody"},
        {"granted_at": "yesterday"},
        {"granted_at": "2026-01-01"},
        {"granted_at": "2026-01-01T00:00:00"},
        {"granted_at": 1767225600},
        {"method": "verbal"},
        {"by": "parent"},
        {"scope": "everything"},
        {"evidence": None},
        {"expires": "soon"},
        {"notes": "not declared"},
    ],
    ids=str,
)
async def test_a_consent_that_is_not_valid_is_refused(changes: Any, gateway: House) -> None:
    """400, saying where and not what, and nothing is stored."""
    body = a_consent(gateway.clock(), **changes)
    reply = await gateway.ask("POST", "/v1/consents", body)
    told = problem_of(reply)

    assert (reply.status, reply.code) in ((400, "request-invalid"), (400, "subject-malformed"))
    assert "not declared" not in told["detail"] or "notes" in changes
    assert (await gateway.ask("GET", "/v1/subjects/u-1/consents")).json()["consents"] == []


@pytest.mark.parametrize(
    "missing", ["subject", "purpose", "purpose_version", "granted_at", "method", "evidence"]
)
async def test_a_consent_says_everything(missing: str, gateway: House) -> None:
    """Each required member must be there."""
    body = a_consent(gateway.clock())
    del body[missing]

    assert (await gateway.ask("POST", "/v1/consents", body)).code == "request-invalid"


async def test_many_consents_are_stored_all_or_none(gateway: House) -> None:
    """An array is one request: one that is wrong keeps all out."""
    good = [a_consent(gateway.clock(), subject=f"u-{n}") for n in range(3)]
    bad = [*good, a_consent(gateway.clock(), purpose="shipping")]
    refused = await gateway.ask("POST", "/v1/consents", bad)
    nothing = [await event(gateway, subject=f"u-{n}") for n in range(3)]
    stored = await gateway.ask("POST", "/v1/consents", good)
    carried = [await event(gateway, subject=f"u-{n}") for n in range(3)]
    empty = await gateway.ask("POST", "/v1/consents", [])

    assert refused.code == "request-invalid"
    assert {reply.code for reply in nothing} == {"consent-missing"}
    assert stored.status == 201
    assert set(stored.json()) == {"ids"}
    assert len(set(stored.json()["ids"])) == 3
    assert [reply.status for reply in carried] == [200] * 3
    assert empty.code == "request-invalid"


async def test_many_with_one_erased_are_stored_by_none(gateway: House) -> None:
    """A person who was deleted keeps the whole array out, and is not brought back."""
    await gateway.erase("u-2")
    both = [a_consent(gateway.clock(), subject=subject) for subject in ("u-1", "u-2")]
    reply = await gateway.ask("POST", "/v1/consents", both)

    assert (reply.status, reply.code) == (403, "subject-erased")
    assert (await event(gateway)).code == "consent-missing"
    assert (await event(gateway, subject="u-2")).code == "subject-erased"


async def test_consents_are_listed_as_they_stand(gateway: House) -> None:
    """A person's consents, newest first, with everything that was recorded."""
    old = await gateway.consent(
        granted_at=stamp(gateway.clock() - DAY), expires="2030-01-01T00:00:00Z"
    )
    new = await gateway.consent(scope="cross-border", by="guardian", partner="bright-reach")
    await gateway.withdraw(old)
    rows = (await gateway.ask("GET", "/v1/subjects/u-1/consents")).json()["consents"]

    assert [row["id"] for row in rows] == [new, old]
    assert rows[0]["scope"] == "cross-border"
    assert (rows[0]["by"], rows[0]["partner"]) == ("guardian", "bright-reach")
    assert rows[0]["withdrawn_at"] is None
    assert rows[1]["withdrawn_at"] is not None
    assert rows[1]["evidence"] == "screen 4, box 2"
    for row in rows:
        assert set(row) >= {"id", "purpose", "purpose_version", "granted_at", "method", "expires"}


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"{", "application/json"),
        (b"", "application/json"),
        (b"[1]", "application/json"),
        (b"null", "application/json"),
        (b"{}", "text/plain"),
        (b"\xff", "application/json"),
    ],
)
async def test_a_broken_body_of_v1_is_refused(body: bytes, media: str, gateway: House) -> None:
    """Whatever is no JSON of the right shape gets a problem document."""
    headers = {"Content-Type": media}
    reply = await gateway.ask("POST", "/v1/consents", body, headers=headers)

    assert reply.status == 400
    assert problem_of(reply)["code"] == "request-invalid"


async def test_a_consent_is_no_ground_by_itself(gateway: House) -> None:
    """A person who agreed to one purpose agreed to nothing else."""
    await gateway.consent(purpose="location-services", method="separate")

    assert (await event(gateway)).code == "consent-missing"
    assert (await event(gateway, ground="core-function")).code == "ground-not-permitted"
