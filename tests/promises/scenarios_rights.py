"""What people may ask for, at the running gateway (R, A1, C7, M3)."""

from datetime import datetime, timedelta

from gateway.recipient import Notice, open_changes
from gateway.testing.notices import acknowledge_only, complete
from tests.promises.house import stamp
from tests.promises.scenarios import carried, refused, shown
from tests.promises.whole import WholeHouse, put

COURIER = "swift-parcel"


# R1


@carried("R1")
async def a_person_learns_who_got_what_and_why(house: WholeHouse) -> None:
    """The account names recipient, fields, purpose, ground and how long they are kept."""
    who = house.somebody()
    reply = await house.carries("courier", who)
    (row,) = await house.disclosures(who)

    assert (row["share"], row["partner"]) == (reply.share, COURIER)
    assert row["name"] == "Swift Parcel Co."
    assert set(row["fields"]) >= {"/recipient/name", "/recipient/phone", "/recipient/address"}
    assert (row["purpose"], row["ground"]) == ("order-fulfilment", "core-function")
    assert row["retention_until"] > row["at"]


@refused("R1")
async def what_nobody_could_be_told_of_does_not_leave(house: WholeHouse) -> None:
    """A share that names nobody is refused, and a manifest that needs nobody is not accepted."""
    share = await house.share(path="/v2/shipments/order-1", subject=None)
    error = await house.rejected(
        put(f"partners/{COURIER}.yaml", "routes", "create-shipment", "subject", to={"from": "none"})
    )

    assert (share.code, share.clause) == ("subject-missing", ["R1"])
    assert "(R1)" in error


@shown("R1")
async def a_correction_reaches_who_has_the_old_value(house: WholeHouse) -> None:
    """Whoever got the number gets the new one, sealed for them; who did not is not told."""
    who = house.somebody()
    await house.carries("courier", who)
    await house.carries("affiliate", who)
    case = await house.opened_case(
        who, action="rectify", changes={"basic.phone": "13912345678", "basic.name": "司马光"}
    )
    closed = await house.until_closed(case["case"])
    courier = house.recipients[COURIER]
    (came,) = [one for one in courier.notices.received if one.notice in ids(closed)]
    notice = Notice(came.data, id=came.notice, type=came.type, timestamp=0)
    opened = open_changes(notice, courier.keys.private_jwks(), partner=COURIER)
    new = {one.field: one.value for one in opened}

    assert [one["partner"] for one in closed["notices"]] == [COURIER]
    assert new["/recipient/phone"] == "13912345678"
    assert new["/recipient/name"] == "司**"
    assert b"13912345678" not in came.raw


# R2, A1, C7, M3


@carried("R2", "A1", "C7")
async def nobody_else_is_stopped_by_a_deletion(house: WholeHouse) -> None:
    """While one person is deleted the parcels of another leave as before."""
    await house.opened_case(house.somebody())

    assert (await house.carries("courier", house.somebody())).status == 200


@refused("R2")
async def each_reason_of_a_deletion_works(house: WholeHouse) -> None:
    """Unlawful, no consent, broken agreement, closed account, ended service: nothing leaves."""
    announced = {"announced_at": stamp(house.clock())}
    scoped = {"scope": {"purposes": ["order-fulfilment"]}}
    reasons = {
        "unlawful": {},
        "consent-withdrawn": scoped,
        "agreement-breached": {},
        "account-closed": {},
        "service-ended": announced,
    }
    for reason, more in reasons.items():
        who = house.somebody()
        await house.carries("courier", who)
        await house.opened_case(who, reason=reason, **more)
        reply = await house.asks("courier", who)
        assert reply.code in ("subject-erased", "subject-restricted"), reason
        assert {"R2", "R5"} & set(reply.clause), reason


@refused("A1", "C7")
async def from_the_deletion_of_the_account_on_nothing_leaves(house: WholeHouse) -> None:
    """Not a share, not one for later, to no recipient, on no ground."""
    who = house.somebody()
    await house.carries("courier", who)
    waiting = await house.asks("branch", who, prefer="respond-async")
    case = await house.opened_case(who, reason="account-closed")
    await house.until_closed(case["case"])
    before = len(house.recipients["mini-app"].arrivals)
    replies = [
        await house.asks("courier", who),
        await house.asks("branch", who),
        await house.asks("courier", who, ground="agreement", evidence='"terms"'),
        await house.asks("courier", who, prefer="respond-async"),
    ]
    async with house.courier_at_work():
        later = await house.state_of(waiting)

    assert waiting.status == 202
    assert later["state"] != "delivered"
    assert {reply.code for reply in replies} == {"subject-erased"}
    assert all({"A1", "R2"} <= set(reply.clause) for reply in replies)
    assert len(house.recipients["mini-app"].arrivals) == before


@shown("M3")
async def what_is_held_of_a_minor_without_consent_goes_first(house: WholeHouse) -> None:
    """Its deletion has a reason of its own and three days, the shortest of all."""
    urgent = await house.opened_case(house.somebody(), reason="minor-without-consent")
    other = await house.opened_case(house.somebody())

    assert deadline(urgent) - house.clock() == timedelta(days=3)
    assert deadline(urgent) < deadline(other)


def deadline(case: dict[str, str]) -> datetime:
    """By when a case must be done."""
    return datetime.fromisoformat(case["deadline"])


@shown("R2", "R5")
async def a_restriction_holds_until_it_is_lifted(house: WholeHouse) -> None:
    """Nothing leaves while it stands, settled or not; once it is lifted the next share does."""
    who = house.somebody()
    await house.carries("courier", who)
    case = await house.opened_case(who, action="restrict")
    await house.until_closed(case["case"])
    reply = await house.asks("courier", who)
    await house.opened_case(who, action="unrestrict")

    assert (reply.code, reply.clause) == ("subject-restricted", ["R5"])
    assert (await house.carries("courier", who)).status == 200


# R7


@shown("R7")
async def a_request_is_refused_on_a_stated_ground_alone(house: WholeHouse) -> None:
    """The case names its ground and its fence is lifted; another ground refuses nothing."""
    who = house.somebody()
    await house.carries("courier", who)
    case = await house.opened_case(
        who,
        reason="service-ended",
        announced_at=stamp(house.clock()),
        scope={"purposes": ["order-fulfilment"]},
    )
    path = f"/v1/cases/{case['case']}"
    other = await house.ask("POST", f"{path}/refuse", {"ground": "because"})
    refusal = await house.ask("POST", f"{path}/refuse", {"ground": "harm-to-others"})
    answer = await house.ask("GET", f"{path}/answer?language=en")

    assert (other.status, other.code) == (400, "request-invalid")
    assert (refusal.json()["state"], refusal.json()["ground"]) == ("refused", "harm-to-others")
    assert "seriously harm the rights of others" in answer.body.decode()
    assert (await house.carries("courier", who)).status == 200


# R3, R4, R6


@shown("R3")
async def everyone_who_got_the_data_is_told_to_delete_it(house: WholeHouse) -> None:
    """Each recipient once, and what it kept is gone; who never got any is not told."""
    who = house.somebody()
    for name in ("courier", "payment", "affiliate"):
        await house.carries(name, who)
    case = await house.opened_case(who)
    closed = await house.until_closed(case["case"])
    told = {one["partner"]: one["state"] for one in closed["notices"]}

    assert told == dict.fromkeys((COURIER, "harbour-pay", "bright-reach"), "completed")
    for partner in told:
        (came,) = [
            one for one in house.recipients[partner].notices.received if one.notice in ids(closed)
        ]
        assert came.type == "subject.erase"
        assert came.deleted > 0


@shown("R3")
async def an_exemption_is_on_record_with_its_evidence(house: WholeHouse) -> None:
    """Who may keep the data by law is not told, and the case says why."""
    who = house.somebody()
    await house.carries("courier", who)
    exempt = [{"partner": COURIER, "reason": "tax law", "evidence": "file 7"}]
    case = await house.opened_case(who, exempt=exempt)
    (notice,) = (await house.until_closed(case["case"]))["notices"]

    assert (notice["state"], notice["reason"]) == ("exempt", "tax law")


def ids(case: dict[str, list[dict[str, str]]]) -> set[str]:
    """The notices of a case."""
    return {one["notice"] for one in case["notices"]}


@shown("R4")
async def backups_keep_a_case_open_until_they_are_cleaned(house: WholeHouse) -> None:
    """`deleted, backups by` a day: the case stays open till then."""
    who = house.somebody()
    courier = house.recipients[COURIER]
    courier.notices.plan = acknowledge_only()
    try:
        await house.carries("courier", who)
        case = (await house.opened_case(who))["case"]
        notice = (await house.until(case, state="acknowledged"))["notice"]
        later = house.clock() + timedelta(days=3)
        reply = await house.receipt(house.signed(courier, notice, "completed", backups_until=later))
        standing = await house.notice(case)
        state = (await house.case(case))["state"]
    finally:
        courier.notices.plan = complete()

    assert reply.status == 200
    assert (standing["state"], standing["settled"], state) == ("completed", False, "open")
    assert standing["backups_until"] == later.strftime("%Y-%m-%dT%H:%M:%S.000Z")


@shown("R6")
async def a_request_is_verified_first_and_answered_in_thirty_days(house: WholeHouse) -> None:
    """Without proof of who asks no case is opened; with it the deadline is thirty days away."""
    unknown = await house.erased(
        house.somebody(),
        verified={"method": "by-guess", "reference": "x", "at": "2026-11-01T10:00:00Z"},
    )
    none = await house.erased(house.somebody(), verified=None)
    case = await house.opened_case(house.somebody())

    assert (unknown.code, none.code) == ("request-invalid", "request-invalid")
    assert deadline(case) - house.clock() == timedelta(days=30)


# R5


@carried("R5")
async def an_objection_to_sale_stops_no_parcel(house: WholeHouse) -> None:
    """Who objects to sale and sharing still gets what they ordered."""
    who = house.somebody()
    await house.facts(who, opt_out=["sale"])

    reply = await house.carries("courier", who, headers={"Sec-GPC": "1"})

    assert reply.status == 200


@refused("R5")
async def an_objection_stops_what_counts_as_sale(house: WholeHouse) -> None:
    """A browser's signal, an objection to sale and one to the purpose each stop advertising."""
    who = house.somebody()
    await house.consent(who)
    signal = await house.asks("affiliate", who, headers={"Sec-GPC": "1"})
    await house.facts(who, opt_out=["sale"])
    sale = await house.asks("affiliate", who)
    await house.facts(who, opt_out=["advertising"])
    purpose = await house.asks("affiliate", who)
    await house.facts(who, opt_out=[])
    taken_back = await house.asks("affiliate", who)

    assert {reply.code for reply in (signal, sale, purpose)} == {"opted-out"}
    assert all("R5" in reply.clause for reply in (signal, sale, purpose))
    assert taken_back.status == 200


@shown("R5")
async def a_withdrawal_tells_who_rested_on_it(house: WholeHouse) -> None:
    """Where the person wants it, every recipient of the purpose is told once."""
    who = house.somebody()
    consent = await house.consent(who)
    assert (await house.asks("affiliate", who)).status == 200
    reply = await house.ask("POST", f"/v1/consents/{consent}/withdraw", {"notify": True})
    closed = await house.until_closed(reply.json()["case"])

    assert [one["partner"] for one in closed["notices"]] == ["bright-reach"]
    assert house.recipients["bright-reach"].notices.received[-1].type == "subject.withdraw"
