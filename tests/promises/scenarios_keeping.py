"""Protection and storage at the running gateway (P, K, S4c)."""

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from gateway.flows import terms
from gateway.flows.subjects import Subjects
from gateway.observe.logs import configure_logging, get_logger
from gateway.recipient import open_sealed, sign_redemption
from gateway.testing.authority import Authority
from gateway.testing.client import Reply
from gateway.testing.search import Needles, search_tree
from tests.cases.house import JOSE, CaseHouse
from tests.promises.house import a_courier, stamp
from tests.promises.manifests import a_plain
from tests.promises.scenarios import carried, refused, shown
from tests.promises.test_default_set import PERSON, SHARES, Share
from tests.promises.whole import WholeHouse, put, worded

MARK = "Ouyang-Feng-marked-13900002222"
DAY = timedelta(days=1)


# S4c

CALLBACK = Share(
    "swift-parcel",
    "/v2/callbacks",
    "customer-support",
    {"tracking_number": "SP-1", "phone": PERSON["phone"]},
    None,
    {"evidence": '"request 2026-4471"'},
)


async def redeemed(house: WholeHouse, token: str, purpose: str = "customer-support") -> Reply:
    """The courier redeems a token."""
    courier = house.recipients["swift-parcel"]
    signed = sign_redemption(
        courier.keys.signature,
        partner=courier.id,
        audience=house.public_url,
        token=token,
        purpose=purpose,
        now=house.clock(),
    )
    return await house._partner.request("POST", "/tokens/redeem", signed.encode(), headers=JOSE)


@carried("S4c")
async def a_token_is_used_in_our_own_house(house: WholeHouse) -> None:
    """The courier holds a token, and the number only for a call, sealed, and on record."""
    reply = await house.asks(CALLBACK, house.somebody())
    token = house.got("swift-parcel").document["phone"]
    value = await redeemed(house, token)
    keys = house.recipients["swift-parcel"].keys.private_jwks()
    opened = open_sealed(
        value.body.decode(), keys, partner="swift-parcel", purpose="customer-support"
    )
    uses = [one for one in await house.leaves("redemption") if one.get("share") == reply.share]

    assert reply.status == 200, reply.json()
    assert PERSON["phone"] not in token
    assert json.loads(opened) == PERSON["phone"]
    assert [one["result"] for one in uses] == ["granted"]


@refused("S4c")
async def a_token_is_good_for_its_purpose_and_dies_with_the_person(house: WholeHouse) -> None:
    """For another purpose it opens nothing, and after the person's deletion nothing at all."""
    who = house.somebody()
    await house.asks(CALLBACK, who)
    token = house.got("swift-parcel").document["phone"]
    other = await redeemed(house, token, "advertising")
    await house.opened_case(who)
    gone = await redeemed(house, token)

    assert (other.code, gone.code) == ("purpose-not-permitted", "not-found")
    assert "S4c" in other.clause
    assert "S4c" in gone.clause


# P1


@shown("P1")
async def who_cannot_prove_itself_by_tls_gets_nothing(house: WholeHouse) -> None:
    """The right certificate is carried to; a stranger's under the same name is unreachable."""
    now = datetime.now(UTC)
    ours, strangers = Authority.create(now), Authority.create(now, name="A stranger")
    names = house.somebody(), house.somebody()
    certificates = [
        one.issue(house.scratch / name) for one, name in zip((ours, strangers), names, strict=True)
    ]
    async with house.beside(
        a_plain(id="right"),
        a_plain(id="forged"),
        tls=dict(zip(("right", "forged"), certificates, strict=True)),
        settings={"GATEWAY_EGRESS__PLAINTEXT": ""},
        edit=lambda home: worded("partners/forged.yaml", "forged.ca.pem", "right.ca.pem").apply(
            home / "partners/forged.yaml"
        ),
    ) as other:
        right = await other.share("right", "/things", {"value": 1})
        forged = await other.share("forged", "/things", {"value": 1})
        received = [len(one.received) for one in other.recipients.values()]

    assert (right.status, forged.code) == (200, "partner-unreachable")
    assert forged.clause == ["P1"]
    assert received == [1, 0]


@shown("P1")
async def what_is_stored_of_a_person_is_encrypted(house: WholeHouse) -> None:
    """Neither the id nor a word of a consent stands in the database as it was given."""
    who = f"{MARK}-{house.somebody()}"
    await house.consent(who, evidence=MARK)
    await house.carries("affiliate", who)
    await house.gateway.store.flush()

    assert search_tree(house.folder / "data", Needles({"a mark": MARK})) == []


# P2


@contextmanager
def written() -> Iterator[io.StringIO]:
    """What is logged inside; the process logs as before after it."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    handlers, level, config = logging.root.handlers[:], logging.root.level, structlog.get_config()
    stream = io.StringIO()
    configure_logging(stream=stream)
    try:
        yield stream
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(False)
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
        structlog.configure(**config)


@shown("P2")
async def a_mistake_of_the_program_writes_no_value(house: WholeHouse) -> None:
    """When something fails with a value in its hands, neither log nor answer tells it."""

    async def broken(self: Subjects, subject: str) -> Any:
        raise ValueError(f"cannot look up {subject}")

    before = house.gateway.log
    with written() as log, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Subjects, "get", broken)
        house.gateway.log = get_logger()
        try:
            reply = await house.asks("courier", MARK)
        finally:
            house.gateway.log = before
    metrics = await house.ask("GET", "/metrics", token="")

    assert reply.status == 500
    assert "ValueError" in log.getvalue()
    for text in (log.getvalue(), reply.body.decode(), metrics.body.decode()):
        assert MARK not in text


@shown("P2")
async def a_refusal_repeats_nothing_that_was_sent(house: WholeHouse) -> None:
    """No value and no undeclared name comes back, and none stands in the ledger."""
    share = SHARES["courier"]._replace(body={"items": [{"sku": MARK}], MARK: 1})
    reply = await house.asks(share, house.somebody(), prefer="handling=strict")
    leaves = json.dumps(await house.leaves("refusal"))

    assert reply.code == "undeclared-fields"
    assert MARK not in reply.body.decode()
    assert MARK not in leaves


# P3, P4, P5


@shown("P3")
async def every_read_of_a_person_is_itself_recorded(house: WholeHouse) -> None:
    """Who looked at whose records stands in the ledger, and in the report on access."""
    who = house.somebody()
    await house.carries("courier", who)
    token = house.token(service="support-desk")
    before = len(await house.leaves("read"))
    reply = await house.ask("GET", f"/v1/subjects/{who}/disclosures", token=token)
    leaf = (await house.leaves("read"))[-1]
    report = await house.ask("GET", "/v1/reports/access")

    assert reply.status == 200
    assert len(await house.leaves("read")) > before
    assert (leaf["service"], leaf["record"]) == ("support-desk", "disclosures")
    assert "support-desk" in report.body.decode()


@shown("P3")
async def who_has_no_token_gets_nothing(house: WholeHouse) -> None:
    """No token, and one that somebody else signed, are refused before anything is looked at."""
    none = await house.asks("courier", house.somebody(), token="")
    head, claims, _ = house.token().split(".")
    forged = await house.asks("courier", house.somebody(), token=f"{head}.{claims}.{'A' * 86}")

    assert (none.code, forged.code) == ("token-missing", "token-invalid")
    assert none.clause == forged.clause == ["P3"]


@carried("P4")
async def what_leaves_is_graded_and_on_record(house: WholeHouse) -> None:
    """The ledger says of each share which categories left, and the tree proves the entry."""
    reply = await house.carries("payment", house.somebody())
    leaf = await house.leaf_of(reply)
    await house.sequenced()
    rows = await house.ask("GET", "/v1/ledger/entries?limit=1000")

    assert "transaction.payment" in leaf["categories"]
    assert rows.json()["size"] >= len(await house.leaves()) > 0


@refused("P4")
async def a_graded_category_is_let_out_raw_by_no_manifest(house: WholeHouse) -> None:
    """A card's number is graded sensitive, so that a courier's manifest cannot declare it."""
    error = await house.rejected(
        put(
            *("partners/swift-parcel.yaml", "routes", "create-shipment", "send", "/card"),
            to={"category": "transaction.payment"},
        )
    )

    assert "(S4d)" in error


@refused("P4")
async def what_is_refused_is_on_record_too(house: WholeHouse) -> None:
    """One leaf with its code and clause, and no value."""
    before = len(await house.leaves("refusal"))
    reply = await house.asks("affiliate", house.somebody())
    leaves = await house.leaves("refusal")

    assert reply.code == "consent-missing"
    assert len(leaves) == before + 1
    assert leaves[-1]["code"] == reply.code
    assert leaves[-1]["clause"] == reply.clause


@carried("P5")
async def a_service_speaks_for_its_own_partners(house: WholeHouse) -> None:
    """A token for the courier and its purpose carries a parcel."""
    token = house.token(partners=["swift-parcel"], purposes=["order-fulfilment"])

    assert (await house.asks("courier", house.somebody(), token=token)).status == 200


@refused("P5")
async def a_service_speaks_for_nobody_else(house: WholeHouse) -> None:
    """Another partner, another purpose or another scope than the token's is refused."""
    who = house.somebody()
    asks = (
        {"partners": ["mini-app"]},
        {"purposes": ["payment"]},
        {"scope": ("subject:read",)},
        {"partners": None},
    )
    replies = [await house.asks("courier", who, token=house.token(**less)) for less in asks]

    assert {reply.code for reply in replies} == {"service-not-permitted"}
    assert all("P5" in reply.clause for reply in replies)


# P6, P8


@carried("P6")
async def only_what_a_delivery_needs_leaves(house: WholeHouse) -> None:
    """Of a whole profile three fields reach the courier, under terms that end in a month."""
    who = house.somebody()
    await house.carries("courier", who)
    received = house.got("swift-parcel")
    until = datetime.fromisoformat(received.claims["retention_until"])

    assert set(received.document) == {"recipient", "items"}
    assert set(received.document["recipient"]) == {"name", "phone", "address"}
    assert until == house.clock() + 30 * DAY


@refused("P6")
async def what_is_irrelevant_is_refused_where_that_is_preferred(house: WholeHouse) -> None:
    """With strict handling an undeclared field refuses the share instead of being dropped."""
    reply = await house.asks("courier", house.somebody(), prefer="handling=strict")

    assert reply.code == "undeclared-fields"
    assert {"P6", "S3"} <= set(reply.clause)


@shown("P6")
async def a_recipient_is_told_when_its_time_is_over(house: WholeHouse) -> None:
    """Thirty days after the parcel the courier is told to delete, and nobody asked for it."""
    async with house.beside(a_courier()) as other:
        assert (await other.share()).status == 200
        await other.gateway.store.flush()
        await ended(other)
        early = len(other.recipients["swift-parcel"].notices.received)
        other.clock.advance(30 * DAY, seconds=1)
        await ended(other)
        (case,) = (await other.ask("GET", "/v1/cases")).json()["cases"]
        await other.until_closed(case["case"])
        told = other.recipients["swift-parcel"].notices.received

    assert early == 0
    assert case["reason"] == "retention-expired"
    assert [one.type for one in told] == ["subject.erase"]


async def ended(house: CaseHouse) -> None:
    """Look at everything whose time is over."""
    looking = terms.Terms(house.gateway)
    while await looking.look():
        pass


@shown("P8")
async def the_affected_are_listed_exactly(house: WholeHouse) -> None:
    """For a recipient and a time: these people, these categories, and nobody besides."""
    early, two = house.somebody(), sorted([house.somebody(), house.somebody()])
    await house.carries("payment", early)
    house.clock.advance(seconds=60)
    since = stamp(house.clock())
    for who in two:
        await house.carries("payment", who)
    await house.carries("courier", house.somebody())
    reply = await house.ask("GET", f"/v1/ledger/affected?partner=harbour-pay&from={since}")
    *people, last = [json.loads(line) for line in reply.body.splitlines()]

    assert reply.status == 200
    assert sorted(one["subject"] for one in people) == two
    assert all("transaction.payment" in one["categories"] for one in people)
    assert last["summary"]["people"] == 2


# K1, K2, K3


@carried("K1")
async def a_parcel_abroad_says_that_it_crossed(house: WholeHouse) -> None:
    """With a consent to the crossing it leaves, under terms that name the territory."""
    who = house.somebody()
    await house.carries("abroad", who)
    (row,) = await house.disclosures(who)

    assert house.got("island-post").claims["territory"] == row["territory"] == "SG"


@refused("K1")
async def no_other_consent_crosses_the_border(house: WholeHouse) -> None:
    """Neither the consent to the purpose nor one to sensitive data stands in for it."""
    who = house.somebody()
    share = SHARES["abroad"]
    none = await house.asks(share, who)
    await house.consent(who, purpose="order-fulfilment", method="separate")
    await house.consent(who, purpose="order-fulfilment", scope="sensitive")
    others = await house.asks(share, who)

    assert none.code == others.code == "cross-border-consent-missing"
    assert none.clause == others.clause == ["K1"]


@refused("K1")
async def some_territories_get_nothing_whatever_was_agreed(house: WholeHouse) -> None:
    """Where no instruction can be enforced no consent helps."""
    who = house.somebody()
    for consent in SHARES["abroad"].consents:
        await house.consent(who, **consent)
    async with house.documents(put("partners/island-post.yaml", "territory", to="KP")) as taken:
        assert taken
        reply = await house.asks("abroad", who)

    assert (reply.code, reply.clause) == ("territory-not-permitted", ["K1"])


@shown("K2")
async def nothing_is_left_that_leads_to_a_deleted_person(house: WholeHouse) -> None:
    """The key is destroyed, the records are empty, and no entry can be told to be theirs."""
    who = house.somebody()
    await house.consent(who)
    await house.carries("courier", who)
    mark = house.gateway.subjects.lookup(who)
    assert await house.gateway.store.subject(mark) is not None
    case = await house.opened_case(who, reason="account-closed")
    await house.until_closed(case["case"])
    consents = await house.ask("GET", f"/v1/subjects/{who}/consents")
    keys = [leaf for leaf in await house.leaves("key") if leaf.get("case") == case["case"]]

    assert await house.gateway.store.subject(mark) is None
    assert await house.disclosures(who) == []
    assert consents.json() == {"consents": []}
    assert [leaf["event"] for leaf in keys] == ["destroyed"]


@shown("K3")
async def the_end_of_the_service_is_announced_thirty_days_ahead(house: WholeHouse) -> None:
    """No recipient is told before the announcement is thirty days old, nor without its date."""
    who = house.somebody()
    await house.carries("courier", who)
    dateless = await house.erased(who, reason="service-ended")
    announced = house.clock() - 10 * DAY
    case = await house.opened_case(who, reason="service-ended", announced_at=stamp(announced))
    (notice,) = (await house.case(case["case"]))["notices"]

    assert (dateless.status, dateless.code) == (400, "request-invalid")
    assert notice["state"] == "queued"
    assert datetime.fromisoformat(notice["next_at"]) >= announced + 30 * DAY
