"""Who is affected when a recipient loses data (P8), and who must be asked again (S2)."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from gateway.flows import affected as streams
from gateway.testing.client import Reply
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, stamp
from tests.promises.manifests import a_court, a_plain, an_advertiser

AFFECTED = "/v1/ledger/affected?partner=swift-parcel"
ASK = "/v1/reports/ask-again"
HOUR = timedelta(hours=1)


def lines_of(reply: Reply) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The lines of an answer, and its summary, which is the last."""
    assert reply.status == 200, reply.body
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    *lines, last = [json.loads(line) for line in reply.body.decode().splitlines()]
    assert all("summary" not in line for line in lines)
    summary: dict[str, Any] = last["summary"]
    return lines, summary


async def affected(house: House, query: str = "", **token: Any) -> Any:
    """Who is affected, as lines and summary."""
    return lines_of(await house.ask("GET", AFFECTED + query, token=house.token(**token)))


def declared(house: House, subject: str, **changes: Any) -> dict[str, Any]:
    """A disclosure that left beside the gateway."""
    return {
        "subject": subject,
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "purpose_version": 1,
        "ground": "core-function",
        "fields": ["/recipient/address"],
        "categories": ["basic.address"],
        "at": stamp(house.clock()),
        **changes,
    }


@promise("P8")
async def test_the_affected_are_listed_exactly(gateway: House) -> None:
    """Each by the app's id, with categories, fields, how many shares, first and last."""
    start = gateway.clock()
    await gateway.share(subject="欧阳/1")
    gateway.clock.advance(HOUR)
    await gateway.share(subject="欧阳/1")
    await gateway.share(subject="u-2")
    await gateway.share(subject="refused", purpose="payment")
    (first, second), summary = await affected(gateway)

    assert first == {
        "subject": "欧阳/1",
        "shares": 2,
        "first": start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "last": gateway.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "partners": ["swift-parcel"],
        "categories": ["basic.address", "basic.name", "basic.phone"],
        "fields": [
            *("/items/*/quantity", "/items/*/sku"),
            *("/recipient/address", "/recipient/name", "/recipient/phone"),
        ],
        "purposes": ["order-fulfilment"],
        "kinds": ["intent"],
        "outcomes": {"delivered": 2},
        "may_be_told": True,
    }
    assert (second["subject"], second["shares"]) == ("u-2", 1)
    assert (summary["people"], summary["shares"]) == (2, 3)
    assert summary["erased"] == {"shares": 0, "people_at_most": 0}


@promise("P8")
async def test_only_the_window_the_purpose_and_the_category_that_are_asked_for(
    gateway: House,
) -> None:
    """The end is outside, what was declared counts when it left, and trees hold what is below."""
    start = gateway.clock()
    await gateway.share(subject="early")
    gateway.clock.advance(HOUR)
    await gateway.share(subject="late")
    old = declared(gateway, "declared", at=stamp(start))
    assert (await gateway.ask("POST", "/v1/disclosures", [old])).status == 201
    window = f"&from={stamp(start)}&to={stamp(gateway.clock())}".replace("+", "%2B")

    async def who(query: str) -> set[str]:
        return {line["subject"] for line in (await affected(gateway, query))[0]}

    assert await who(window) == {"early", "declared"}
    assert await who("&category=basic.name") == {"early", "late"}
    assert await who("&category=basic") == {"early", "late", "declared"}
    assert await who("&category=location") == set()
    assert await who("&purpose=payment") == set()
    assert await who(f"&from={start.date()}&to={start.date() + 2 * timedelta(days=1)}") == {
        *("early", "late", "declared")
    }
    assert await who("&from=2020-01-01&to=2020-01-02") == set()


@promise("P8")
async def test_a_purpose_or_a_category_is_asked_for_at_every_recipient(
    open_house: OpenHouse,
) -> None:
    """Without a recipient everybody's is searched, and each line names whose it was."""
    house = await open_house(a_plain(), a_plain(id="other"))
    for partner, subject in (("plain", "u-1"), ("other", "u-1"), ("other", "u-2")):
        await house.share(partner, "/things", {"value": 1}, subject=subject)
    purpose = (await house.leaves("intent"))[0]["purpose"]

    async def of(query: str) -> dict[str, list[str]]:
        lines, _ = lines_of(await house.ask("GET", f"/v1/ledger/affected?{query}"))
        return {line["subject"]: line["partners"] for line in lines}

    assert await of(f"purpose={purpose}") == {"u-1": ["other", "plain"], "u-2": ["other"]}
    assert await of(f"purpose={purpose}&partner=plain") == {"u-1": ["plain"]}
    assert await of("category=location") == {}
    (read, *_) = await house.leaves("read")
    assert read["record"] == "affected:*"


@promise("P8", "K2")
async def test_who_was_erased_is_counted_and_not_named(gateway: House) -> None:
    """Their ids are gone, and nothing tells them apart any more."""
    for subject in ("stays", "goes"):
        await gateway.share(subject=subject)
    verified = {"method": "app-session", "reference": "s-1", "at": stamp(gateway.clock())}
    case = {"action": "erase", "subject": "goes", "reason": "user-request", "verified": verified}
    assert (await gateway.ask("POST", "/v1/cases", case)).status == 202
    lines, summary = await affected(gateway)

    assert [line["subject"] for line in lines] == ["stays"]
    assert summary["erased"] == {"shares": 1, "people_at_most": 1}
    assert (summary["people"], summary["shares"]) == (1, 1)


@promise("P8")
async def test_what_was_not_sent_affects_nobody(open_house: OpenHouse) -> None:
    """Everything else does, also what only may have arrived; each alias by the id that was used."""
    house = await open_house(a_plain(), a_plain(id="gone"))
    await house.recipients["gone"].stop()
    await house.share("gone", "/things", {"value": 1})
    await house.share("plain", "/things", {"value": 1}, subject="alias-1")
    await house.facts("alias-1", aliases=["alias-2"])
    await house.share("plain", "/things", {"value": 1}, subject="alias-2")
    none = lines_of(await house.ask("GET", "/v1/ledger/affected?partner=gone"))
    both = lines_of(await house.ask("GET", "/v1/ledger/affected?partner=plain"))

    assert none[0] == []
    assert none[1]["shares"] == 0
    assert {line["subject"] for line in both[0]} == {"alias-1", "alias-2"}


@promise("P8", "P3")
async def test_asking_who_is_affected_is_recorded_before_anything_is_shown(
    gateway: House,
) -> None:
    """One leaf that names the service and the recipient, and no person."""
    await gateway.share()
    await affected(gateway, service="security")
    (leaf,) = await gateway.leaves("read")

    assert (leaf["service"], leaf["record"]) == ("security", "affected:swift-parcel")
    assert "subject" not in leaf


@promise("P5", "P8")
@pytest.mark.parametrize("scope", [("ledger:read",), ("subject:read",), ("report:read",)])
@pytest.mark.parametrize("path", [AFFECTED, ASK, "/v1/reports/access"])
async def test_lists_of_people_need_two_scopes(
    scope: Sequence[str], path: str, gateway: House
) -> None:
    """That to the ledger or the reports, and that to people's records."""
    refused = await gateway.ask("GET", path, token=gateway.token(scope=scope))
    both = ("ledger:read", "report:read", "subject:read")
    carried = await gateway.ask("GET", path, token=gateway.token(scope=both))

    assert refused.code == "service-not-permitted"
    assert len(await gateway.leaves("read")) == 1
    assert carried.status == 200


@pytest.mark.parametrize(
    "query",
    [
        "?partner=swift-parcels",
        "",
        "?partner=",
        "?partner=swift-parcel&purpose=shipping",
        "?partner=swift-parcel&category=basic.shoe-size",
        "?partner=swift-parcel&from=yesterday",
        "?partner=swift-parcel&from=2026-01-02&to=2026-01-01",
        "?partner=swift-parcel&to=9999-12-31",
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(query: str, gateway: House) -> None:
    """A name that is misspelled must not read as nobody affected."""
    reply = await gateway.ask("GET", f"/v1/ledger/affected{query}")

    assert reply.code == "request-invalid"
    assert await gateway.leaves("read") == []


@promise("P8")
async def test_thousands_are_streamed_a_page_at_a_time(
    gateway: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the ledger is, no more than a page of it is held."""
    monkeypatch.setattr(streams, "STRETCH", 700)
    store: Any = gateway.gateway.store
    sizes: dict[str, list[int]] = {}

    def watched(name: str) -> Any:
        ask = getattr(store, name)

        async def asked(*arguments: Any) -> Any:
            found = await ask(*arguments)
            sizes.setdefault(name, []).append(len(found))
            return found

        return asked

    people = [f"p-{number}" for number in range(2000)]
    rows = [declared(gateway, one) for one in people]
    rows += [declared(gateway, "p-7", categories=["basic.name"]) for _ in range(1500)]
    assert (await gateway.ask("POST", "/v1/disclosures", rows)).status == 201
    for name in ("shares_of_people", "shares_of_nobody", "rows_by_number"):
        monkeypatch.setattr(store, name, watched(name))
    lines, summary = await affected(gateway)
    counts = {line["subject"]: line["shares"] for line in lines}

    assert len(lines) == len(counts) == summary["people"] == 2000
    assert set(counts) == set(people)
    assert counts["p-7"] == 1501
    assert summary["shares"] == 3500
    assert max(sizes["shares_of_people"]) <= streams.SHARES_PAGE
    assert max(sizes["rows_by_number"]) <= streams.PEOPLE_PAGE
    assert len(sizes["shares_of_nobody"]) == -(-(await store.size()) // 700)


@promise("D2", "P8")
async def test_who_may_not_be_told_is_marked(open_house: OpenHouse) -> None:
    """A breach at an authority: whom a warning would tip off stands apart."""
    house = await open_house(a_court())
    body = {"person": {"name": "欧阳明"}}
    for told in (True, False):
        evidence = await house.evidence(
            partner="city-court", purposes=["legal-demand"], may_tell_subject=told
        )
        options: Any = {"purpose": "legal-demand", "evidence": evidence}
        assert (await house.share("city-court", "/v1/disclosures", body, **options)).status == 200
    lines, summary = lines_of(await house.ask("GET", "/v1/ledger/affected?partner=city-court"))

    assert [(line["subject"], line["shares"], line["may_be_told"]) for line in lines] == [
        ("u-1", 1, True),
        ("u-1", 1, False),
    ]
    assert (summary["people"], summary["shares"]) == (1, 2)


async def changed_purpose(house: House) -> None:
    """Advertising means something else from now on."""
    for name, old, new in (
        ("policies/purposes.yaml", "advertising:\n    version: 1", "advertising:\n    version: 2"),
        ("partners/bright-reach.yaml", "advertising@1", "advertising@2"),
    ):
        path = house.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
    edition = house.folder / "policies/edition.yaml"
    edition.write_text(edition.read_text().replace("2026-1", "2026-2"))
    assert await house.reload()


@promise("S2")
async def test_who_must_be_asked_again_is_listed(open_house: OpenHouse) -> None:
    """After a purpose changed: who consented to the old one, and has not said no or yes since."""
    house = await open_house(an_advertiser())
    for subject in ("keeps", "withdraws", "again", "child"):
        await house.facts(subject, minor=subject == "child")
        by = "guardian" if subject == "child" else "subject"
        id = await house.consent(subject=subject, by=by)
        if subject == "withdraws":
            await house.withdraw(id)
    before = lines_of(await house.ask("GET", ASK))
    await changed_purpose(house)
    house.clock.advance(HOUR)
    await house.consent(subject="again", purpose_version=2)
    refused = await house.share(
        "bright-reach", "/v3/events", {"event": "click"}, subject="keeps", purpose="advertising"
    )
    lines, summary = lines_of(await house.ask("GET", f"{ASK}?purpose=advertising"))
    other, _ = lines_of(await house.ask("GET", f"{ASK}?purpose=payment"))
    unknown = await house.ask("GET", f"{ASK}?purpose=shipping")
    reads = [leaf["record"] for leaf in await house.leaves("read")]

    assert before[0] == []
    assert refused.code == "consent-stale"
    assert sorted((one["subject"], one["ask"]) for one in lines) == [
        ("child", "guardian"),
        ("keeps", "subject"),
    ]
    assert {(one["held"], one["needed"], one["why"]) for one in lines} == {(1, 2, "older-version")}
    assert summary == {"purpose": "advertising", "people": 2, "consents": 2}
    assert other == []
    assert unknown.code == "request-invalid"
    assert reads == ["ask-again", "ask-again:advertising", "ask-again:payment"]
