"""Reports over HTTP: the sharing list, records of processing, transparency, access, the account."""

import json
from datetime import timedelta
from typing import Any

import pytest

from gateway.testing.client import Reply
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, stamp
from tests.promises.manifests import a_court, a_post_abroad
from tests.unit.reports.pages import Page, check

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
DAY = timedelta(days=1)


async def report(house: House, name: str, query: str = "") -> dict[str, Any]:
    """A report as JSON."""
    reply = await house.ask("GET", f"/v1/reports/{name}{query}")
    assert reply.status == 200, reply.body
    value: dict[str, Any] = reply.json()
    return value


def page_of(reply: Reply) -> Page:
    """A page that anybody may open: it runs nothing, and nobody keeps it on the way."""
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Vary"] == "Accept"
    return check(reply.body.decode())


@promise("S3", "P4")
async def test_the_sharing_list_is_the_manifests_in_words(open_house: OpenHouse) -> None:
    """Who, why, on what ground, which data and how; as data and as a page."""
    house = await open_house(a_post_abroad(name="Post & <b>Parcels</b>", owner="secret-team"))
    value = await report(house, "sharing-list")
    page = page_of(await house.ask("GET", "/v1/reports/sharing-list", headers=HTML))
    (post,) = value["recipients"]

    assert (post["name"], post["territory"], post["abroad"]) == (
        "Post & <b>Parcels</b>",
        "SG",
        True,
    )
    assert post["uses"][0]["data"][0]["title"] == "Address"
    assert "Post & <b>Parcels</b>" in page.text
    assert "secret-team" not in json.dumps(value) + page.source


@promise("P4")
async def test_records_of_processing_count_the_ledger(gateway: House) -> None:
    """What was shared in the period, for each recipient and purpose."""
    await gateway.share()
    gateway.clock.advance(DAY)
    await gateway.share(subject="u-2")
    today = gateway.clock().date()
    whole = await report(gateway, "ropa")
    later = await report(gateway, "ropa", f"?from={today}&to={today}")
    page = page_of(await gateway.ask("GET", "/v1/reports/ropa", headers=HTML))

    assert [one["shares"]["delivered"] for one in whole["records"]] == [2]
    assert [one["shares"]["disclosed"] for one in later["records"]] == [1]
    assert "DPA-2026-014" in page.text
    assert "u-2" not in page.source


@promise("D2")
async def test_demands_are_counted_by_what_was_given_and_refused(open_house: OpenHouse) -> None:
    """Registered, not to be told, given, refused: numbers by authority and purpose, no person."""
    house = await open_house(a_court())
    body = {"person": {"name": "欧阳明"}}
    common: Any = {"partner": "city-court", "purposes": ["legal-demand"]}
    told = await house.evidence(**common, type="subpoena", reference="欧阳明")
    untold = await house.evidence(**common, type="warrant", may_tell_subject=False)
    other = await house.evidence(**common, subjects=["u-9"])
    for evidence in (told, untold, untold, other, None):
        options: Any = {"purpose": "legal-demand", "evidence": evidence}
        await house.share("city-court", "/v1/disclosures", body, **options)
    value = await report(house, "transparency")
    page = page_of(await house.ask("GET", "/v1/reports/transparency", headers=HTML))
    (court,) = value["authorities"]
    (legal,) = court["purposes"]

    assert value["totals"] == {
        "demands": 3,
        "demands_that_may_not_be_told": 1,
        "given": 3,
        "given_that_may_not_be_told": 2,
        "refused": 2,
        "exempt_notices": 0,
    }
    assert legal["demands"]["by_type"] == {"case-file": 1, "subpoena": 1, "warrant": 1}
    assert legal["given"]["by_category"] == {"Personal name": 3}
    assert legal["refused"]["by_reason"] == {"evidence-missing": 1, "evidence-not-valid": 1}
    assert not any(word in page.source + json.dumps(value) for word in ("u-1", "u-9", "欧阳明"))


@promise("D2")
async def test_a_period_of_the_transparency_report_holds_what_was_in_it(
    open_house: OpenHouse,
) -> None:
    """Demands count when they were registered, shares and refusals when they happened."""
    house = await open_house(a_court())
    common: Any = {"partner": "city-court", "purposes": ["legal-demand"]}
    await house.evidence(**common)
    house.clock.advance(2 * DAY)
    evidence = await house.evidence(**common)
    options: Any = {"purpose": "legal-demand", "evidence": evidence}
    await house.share("city-court", "/v1/disclosures", {"person": {"name": "N"}}, **options)
    first = (house.clock() - 2 * DAY).date()
    before = await report(house, "transparency", f"?to={first}")
    after = await report(house, "transparency", f"?from={first + DAY}")

    assert [(v["totals"]["demands"], v["totals"]["given"]) for v in (before, after)] == [
        (1, 0),
        (1, 1),
    ]


@promise("P3")
async def test_the_report_on_access_shows_who_read_whom(gateway: House) -> None:
    """Reads per service and person, by the app's id; and that reading it is recorded too."""
    for subject, times in (("u-1", 12), ("u-2", 1), ("u-3", 1)):
        await gateway.share(subject=subject)
        for _ in range(times):
            await gateway.ask(
                "GET", f"/v1/subjects/{subject}/disclosures", token=gateway.token(service="crm")
            )
    await gateway.ask("GET", "/v1/subjects/never/consents", token=gateway.token(service="crm"))
    value = await report(gateway, "access")
    page = page_of(await gateway.ask("GET", "/v1/reports/access", headers=HTML))
    crm = next(one for one in value["readers"] if one["service"] == "crm")

    assert (crm["reads"], crm["people"]) == (15, 3)
    assert {(one["subject"], one["reads"]) for one in value["people"]} == {
        *(("u-1", 12), ("u-2", 1), ("u-3", 1))
    }
    assert [(one["rule"], one["subject"]) for one in value["unusual"]] == [("often-read", "u-1")]
    assert "often-read" in page.text
    assert [leaf["record"] for leaf in await gateway.leaves("read")][-2:] == ["access-report"] * 2


@promise("P3", "K2")
async def test_whose_a_read_was_goes_with_the_person(gateway: House) -> None:
    """After an erasure the reads are still counted, and lead to nobody."""
    await gateway.share()
    await gateway.disclosures()
    verified = {"method": "app-session", "reference": "s-1", "at": stamp(gateway.clock())}
    case = {"action": "erase", "subject": "u-1", "reason": "user-request", "verified": verified}
    before = await report(gateway, "access")
    assert (await gateway.ask("POST", "/v1/cases", case)).status == 202
    after = await report(gateway, "access")
    store: Any = gateway.gateway.store
    left = await store.write(
        lambda db: db.execute("SELECT count(*) FROM read_of WHERE subject IS NOT NULL").fetchone()
    )

    assert [one["subject"] for one in before["people"]] == ["u-1"]
    assert after["people"] == []
    assert after["readers"][0]["records"]["disclosures"] == 1
    assert left == (0,)


@promise("R1")
async def test_the_account_is_a_page_for_who_prefers_one(gateway: House) -> None:
    """A browser gets a page, a program JSON; both are a recorded read."""
    path = "/v1/subjects/u-1/disclosures"
    await gateway.share()
    page = page_of(await gateway.ask("GET", path, headers=HTML))
    for accept in ("application/json", "*/*", "text/html;q=0.1, application/json", "text/html;q=x"):
        reply = await gateway.ask("GET", path, headers={"Accept": accept})
        assert reply.headers["Content-Type"].startswith("application/json")
        assert set(reply.json()) == {"disclosures"}

    for words in ("u-1", "Swift Parcel", "Personal name", "Necessary for a core function"):
        assert words in page.text
    assert len(await gateway.leaves("read")) == 5


@promise("R1", "D2")
async def test_the_page_tells_of_no_demand_that_may_not_be_told(open_house: OpenHouse) -> None:
    """It shows what the account shows."""
    house = await open_house(a_court())
    evidence = await house.evidence(
        partner="city-court", purposes=["legal-demand"], may_tell_subject=False
    )
    options: Any = {"purpose": "legal-demand", "evidence": evidence}
    body = {"person": {"name": "欧阳明"}}
    assert (await house.share("city-court", "/v1/disclosures", body, **options)).status == 200
    page = page_of(await house.ask("GET", "/v1/subjects/u-1/disclosures", headers=HTML))

    assert "Nothing about you was given to anybody." in page.text
    assert "Court" not in page.text


@promise("P5")
@pytest.mark.parametrize("name", ["sharing-list", "ropa", "transparency", "access", "ask-again"])
async def test_reports_need_their_scope(name: str, gateway: House) -> None:
    """A token without it is refused, and a period that cannot be read too."""
    token = gateway.token(scope=("subject:read", "ledger:read"))
    refused = await gateway.ask("GET", f"/v1/reports/{name}", token=token)

    assert (refused.status, refused.code) == (403, "service-not-permitted")
    if name != "ask-again":
        wrong = await gateway.ask("GET", f"/v1/reports/{name}?from=soon")
        assert wrong.code == "request-invalid"
