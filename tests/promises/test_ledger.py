"""The ledger, checked by an implementation of its own (contract §10, P4)."""

import asyncio
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import rfc8785

from gateway.testing.builders import merged
from gateway.workers.sequencer import sequence
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_courier, problem_of
from tests.promises.manifests import a_plain, an_advertiser
from tests.promises.trees import Checkpoint, consistent, included, leaf_hash, opened, root_of

KINDS = {
    *("intent", "transfer", "public-disclosure", "outcome", "refusal", "fence", "case", "notice"),
    *("receipt", "redemption", "declared", "key", "policy", "partner", "read"),
}


async def entries(house: House, query: str = "") -> dict[str, Any]:
    """`GET /v1/ledger/entries`."""
    reply = await house.ask("GET", f"/v1/ledger/entries{query}")
    assert reply.status == 200
    answer: dict[str, Any] = reply.json()
    return answer


async def every(house: House) -> list[dict[str, Any]]:
    """All leaves under the newest checkpoint, a thousand at a time."""
    await house.sequenced()
    found: list[dict[str, Any]] = []
    while more := (await entries(house, f"?start={len(found)}&limit=1000"))["entries"]:
        found += more
    return found


async def checkpoint(house: House) -> Checkpoint:
    """The newest checkpoint, its signature checked with the published key."""
    reply = await house.public("/ledger/checkpoint")
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/plain")
    jwks = (await house.public("/.well-known/jwks.json")).json()
    return opened(reply.body.decode(), jwks)


async def proof(house: House, what: str, **query: int) -> Any:
    """A proof's answer."""
    asked = "&".join(f"{name.rstrip('_')}={value}" for name, value in query.items())
    return await house.ask("GET", f"/v1/ledger/proof/{what}?{asked}")


def canonical(leaf: dict[str, Any]) -> bytes:
    """RFC 8785."""
    return rfc8785.dumps(leaf)


async def some_of_everything(house: House) -> None:
    """Shares, refusals, reads, declarations and changes."""
    await house.share()
    await house.share(purpose="payment")
    await house.share(subject="u-2", body={"items": []})
    await house.facts(minor=True)
    await house.share()
    await house.disclosures()
    declared = {
        "subject": "u-1",
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "at": "2025-01-01T00:00:00Z",
    }
    assert (await house.ask("POST", "/v1/disclosures", declared)).status == 201
    await house.ask("POST", "/v1/partners/swift-parcel/suspend")
    await house.ask("POST", "/v1/partners/swift-parcel/resume")


@promise("P4")
async def test_the_root_is_that_of_the_leaves(gateway: House) -> None:
    """Leaves as served, hashed by the RFC, give the root that was signed."""
    for turn in range(4):
        await some_of_everything(gateway)
        leaves = await every(gateway)
        signed = await checkpoint(gateway)
        assert signed.origin == gateway.public_url.removeprefix("http://") + "/ledger"
        assert signed.size == len(leaves) > turn * 8
        assert signed.root == root_of([leaf_hash(canonical(leaf)) for leaf in leaves])


async def test_what_is_served_is_what_is_hashed(gateway: House) -> None:
    """The bytes on disk are the canonical form of the objects that are served."""
    await some_of_everything(gateway)
    leaves = await every(gateway)
    stored = await gateway.gateway.store.leaves(0, 1000)

    assert stored == [canonical(leaf) for leaf in leaves]
    for leaf in leaves:
        _only_plain_values(leaf)


def _only_plain_values(value: Any) -> None:
    """Strings, small integers, booleans, arrays and objects of these (contract §10)."""
    match value:
        case dict():
            for inner in value.values():
                _only_plain_values(inner)
        case list():
            for inner in value:
                _only_plain_values(inner)
        case bool() | str():
            pass
        case int():
            assert abs(value) < 2**53
        case _:
            raise AssertionError(type(value).__name__)


async def test_every_leaf_says_what_when_and_which(gateway: House) -> None:
    """`kind`, `id` and `at` in each, and no id twice."""
    await some_of_everything(gateway)
    leaves = await every(gateway)

    assert {leaf["kind"] for leaf in leaves} <= KINDS
    assert {"policy", "partner", "intent", "outcome", "refusal", "read", "declared"} <= {
        leaf["kind"] for leaf in leaves
    }
    assert len({leaf["id"] for leaf in leaves}) == len(leaves)
    assert all(leaf["at"].endswith("Z") for leaf in leaves)


@promise("S4b", "N1")
async def test_a_share_leaves_an_intent_with_all_its_terms(gateway: House) -> None:
    """Partner, purpose, ground, fields, edition, service, grant, retention and territory."""
    gateway.clock.advance(timedelta(milliseconds=274))
    await gateway.share(token=gateway.token(service="shop"))
    (leaf,) = await gateway.leaves("intent")
    (received,) = gateway.recipients["swift-parcel"].received
    grant = received.request.headers["Sharing-Grant"]

    assert set(leaf) == {
        *("kind", "id", "at", "share", "partner", "purpose", "purpose_version", "ground"),
        *("fields", "categories", "edition", "service", "grant", "retention_until", "territory"),
        "subject",
    }
    assert leaf["grant"] == hashlib.sha256(grant.encode()).hexdigest()
    assert leaf["service"] == "shop"
    assert leaf["fields"] == received.claims["fields"]
    assert leaf["purpose_version"] == 1
    ends = [datetime.fromisoformat(one["retention_until"]) for one in (leaf, received.claims)]
    assert ends[0] == ends[1]


@promise("K2")
async def test_no_two_leaves_say_the_same_of_a_person(gateway: House) -> None:
    """The subject is another mark in every leaf, and never the partner's pseudonym."""
    for _ in range(5):
        await gateway.share()
    await gateway.share(purpose="payment")
    await gateway.disclosures()
    marks = [leaf["subject"] for leaf in await gateway.leaves() if "subject" in leaf]
    pseudonyms = {one.claims["sub"] for one in gateway.recipients["swift-parcel"].received}

    assert len(marks) == 7
    assert len(set(marks)) == 7
    assert len(pseudonyms) == 1
    assert not pseudonyms & set(marks)
    assert "u-1" not in json.dumps(await gateway.leaves())


async def test_a_refusal_says_who_and_why_and_nothing_that_was_sent(gateway: House) -> None:
    """Code, clause, service; partner, route and purpose only where the policy has them."""
    await gateway.share()
    await gateway.share(purpose="payment")
    await gateway.share(purpose="made-up-purpose")
    await gateway.share("made-up-partner")
    known, unknown, nobody = await gateway.leaves("refusal")

    assert known["code"] == "purpose-not-permitted"
    assert known["clause"] == ["S3"]
    assert known["partner"] == "swift-parcel"
    assert "subject" in known
    assert (unknown["code"], nobody["code"]) == ("purpose-unknown", "partner-unknown")
    assert "made-up" not in json.dumps([known, unknown, nobody])
    assert "partner" not in nobody


async def test_a_refusal_of_a_stranger_makes_nobody_known(gateway: House) -> None:
    """Refusing a share of an unknown person stores nothing of them."""
    await gateway.share(subject="stranger", purpose="payment")
    (leaf,) = await gateway.leaves("refusal")
    subjects = gateway.gateway.subjects

    assert "subject" not in leaf
    assert await gateway.gateway.store.subject(subjects.lookup("stranger")) is None


async def test_entries_come_a_hundred_at_a_time(open_house: OpenHouse) -> None:
    """100 by default, 1000 at most whatever is asked, an empty list past the end."""
    house = await open_house(a_courier())
    template = (await house.leaves())[0]
    for start in range(0, 1100, 275):
        leaves = [canonical({**template, "id": f"leaf_x{start + n}"}) for n in range(275)]
        await house.gateway.store.append(leaves)
    await house.sequenced()
    size = (await entries(house))["size"]
    lengths = {
        query: len((await entries(house, query))["entries"])
        for query in (
            *("", "?limit=7", "?limit=1000", "?limit=1001", "?limit=999999999"),
            *("?start=1095", f"?start={size}", f"?start={size + 5}", "?limit=0", "?start=&limit="),
        )
    }

    assert size >= 1101
    assert lengths[""] == lengths["?start=&limit="] == 100
    assert lengths["?limit=7"] == 7
    assert lengths["?limit=1000"] == lengths["?limit=1001"] == lengths["?limit=999999999"] == 1000
    assert lengths["?start=1095"] == size - 1095
    assert lengths[f"?start={size}"] == lengths[f"?start={size + 5}"] == lengths["?limit=0"] == 0
    assert (await entries(house, "?start=3&limit=2"))["entries"] == (await every(house))[3:5]


@pytest.mark.parametrize(
    "query", ["?start=-1", "?limit=-1", "?start=x", "?limit=1.5", "?start=1e3", "?start=%FF"]
)
async def test_a_place_is_a_whole_number(query: str, gateway: House) -> None:
    """Anything else is refused."""
    reply = await gateway.ask("GET", f"/v1/ledger/entries{query}")

    assert (reply.status, problem_of(reply)["code"]) == (400, "request-invalid")


async def test_every_leaf_has_an_inclusion_proof(gateway: House) -> None:
    """Each leaf, in trees of every size, by an independent verifier."""
    for _ in range(3):
        await some_of_everything(gateway)
    leaves = await every(gateway)
    hashes = [leaf_hash(canonical(leaf)) for leaf in leaves]
    for size in sorted({1, 2, 3, 7, 8, 9, len(leaves) - 1, len(leaves)}):
        root = root_of(hashes[:size])
        for index in range(size):
            answer = (await proof(gateway, "inclusion", index=index, size=size)).json()
            assert set(answer) == {"index", "size", "leaf_hash", "hashes"}
            assert (answer["index"], answer["size"]) == (index, size)
            path = [bytes.fromhex(one) for one in answer["hashes"]]
            assert bytes.fromhex(answer["leaf_hash"]) == hashes[index]
            assert included(hashes[index], index, size, path, root)
            assert not included(hashes[index], index, size, [*path, root], root)


async def test_without_a_size_the_proof_is_for_the_checkpoint(gateway: House) -> None:
    """A proof fits the newest checkpoint."""
    await gateway.share()
    leaves = await every(gateway)
    signed = await checkpoint(gateway)
    answer = (await proof(gateway, "inclusion", index=1)).json()
    path = [bytes.fromhex(one) for one in answer["hashes"]]

    assert answer["size"] == signed.size == len(leaves)
    assert included(leaf_hash(canonical(leaves[1])), 1, signed.size, path, signed.root)


async def test_each_checkpoint_is_the_beginning_of_the_next(gateway: House) -> None:
    """Between any two checkpoints there is a consistency proof."""
    signed = []
    for _ in range(6):
        await gateway.share()
        await gateway.sequenced()
        signed.append(await checkpoint(gateway))
    for old in signed:
        for new in signed:
            if old.size > new.size:
                continue
            answer = (await proof(gateway, "consistency", from_=old.size, to=new.size)).json()
            assert set(answer) == {"hashes"}
            path = [bytes.fromhex(one) for one in answer["hashes"]]
            assert consistent(old.size, new.size, path, old.root, new.root)
    forged = hashlib.sha256(b"another history").digest()
    answer = (await proof(gateway, "consistency", from_=signed[0].size)).json()
    path = [bytes.fromhex(one) for one in answer["hashes"]]
    assert not consistent(signed[0].size, signed[-1].size, path, forged, signed[-1].root)


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("inclusion", {}),
        ("inclusion", {"index": 0, "size": 0}),
        ("inclusion", {"index": 5, "size": 5}),
        ("inclusion", {"index": 0, "size": 10_000}),
        ("inclusion", {"index": 10_000}),
        ("consistency", {}),
        ("consistency", {"from_": 0, "to": 1}),
        ("consistency", {"from_": 2, "to": 1}),
        ("consistency", {"from_": 1, "to": 10_000}),
    ],
    ids=str,
)
async def test_a_proof_of_what_is_not_there_is_refused(
    what: str, query: dict[str, int], gateway: House
) -> None:
    """Nothing is proven that no checkpoint covers."""
    await gateway.share()
    await gateway.sequenced()
    reply = await proof(gateway, what, **query)

    assert (reply.status, problem_of(reply)["code"]) == (400, "request-invalid")


async def test_new_leaves_are_soon_under_a_checkpoint(gateway: House) -> None:
    """The sequencer signs by itself while there is something new."""
    task = asyncio.create_task(sequence(gateway.gateway))
    try:
        for _ in range(2):
            before = (await checkpoint(gateway)).size
            await gateway.share()
            await gateway.gateway.store.flush()
            size = await gateway.gateway.store.size()
            assert size > before
            # A second is enough where the machine is not busy with other tests.
            async with asyncio.timeout(10):
                while (await checkpoint(gateway)).size < size:
                    await asyncio.sleep(0.05)
    finally:
        gateway.gateway.stopping.set()
        await task


async def test_the_origin_follows_the_public_url(open_house: OpenHouse) -> None:
    """The key's name is the public URL without its scheme, and `/ledger`."""
    url = "https://sharing.shop.example/partners/"
    house = await open_house(a_plain(), settings={"GATEWAY_PUBLIC__URL": url})
    reply = await house.public("/ledger/checkpoint")

    assert reply.body.decode().startswith("sharing.shop.example/partners/ledger\n")


@promise("P4", "N1")
async def test_policy_and_partner_changes_are_leaves(gateway: House) -> None:
    """Each loaded set, each changed manifest, each suspension."""
    start = await gateway.leaves("policy", "partner")
    manifest = gateway.folder / "partners/swift-parcel.yaml"
    manifest.write_text(manifest.read_text().replace("30d", "31d"))
    assert await gateway.reload()
    await gateway.ask("POST", "/v1/partners/swift-parcel/suspend")
    await gateway.ask("POST", "/v1/partners/swift-parcel/resume")
    manifest.write_text("partner: [")
    assert not await gateway.reload()
    later = (await gateway.leaves("policy", "partner"))[len(start) :]
    policies = [leaf for leaf in later if leaf["kind"] == "policy"]
    partners = [leaf for leaf in later if leaf["kind"] == "partner"]

    assert len([leaf for leaf in start if leaf["kind"] == "policy"]) == 1
    assert [leaf["event"] for leaf in policies] == ["loaded", "refused"]
    assert [leaf["event"] for leaf in partners] == ["changed", "suspended", "resumed"]
    assert policies[0]["digest"] == policies[1]["digest"]
    assert all(leaf["edition"] == "2026-1" for leaf in policies)


async def test_a_reload_that_fails_changes_nothing_that_is_shared(gateway: House) -> None:
    """The old set goes on, whole."""
    manifest = gateway.folder / "partners/swift-parcel.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace("order-fulfilment@1", "shipping@1"))
    assert not await gateway.reload()
    old = await gateway.share()
    manifest.write_text(text.replace("mask-name", "drop"))
    assert await gateway.reload()
    new = await gateway.share()
    first, second = gateway.recipients["swift-parcel"].received

    assert (old.status, new.status) == (200, 200)
    assert first.document["recipient"]["name"] == "欧**"
    assert "name" not in second.document["recipient"]


async def test_the_ledger_goes_on_after_a_restart(gateway: House) -> None:
    """The same tree, longer."""
    await gateway.share()
    await gateway.sequenced()
    before = await checkpoint(gateway)
    await gateway.restart()
    await gateway.share()
    await gateway.sequenced()
    after = await checkpoint(gateway)
    answer = (await proof(gateway, "consistency", from_=before.size, to=after.size)).json()
    path = [bytes.fromhex(one) for one in answer["hashes"]]

    assert after.size > before.size
    assert consistent(before.size, after.size, path, before.root, after.root)


async def test_concurrent_shares_are_each_recorded_once(open_house: OpenHouse) -> None:
    """A hundred at once leave a hundred intents, each with its outcome."""
    house = await open_house(a_courier())
    replies = await asyncio.gather(*(house.share(subject=f"u-{n % 7}") for n in range(100)))
    await house.sequenced()
    intents = {leaf["share"] for leaf in await house.leaves("intent")}
    outcomes = [leaf["share"] for leaf in await house.leaves("outcome")]

    assert {reply.status for reply in replies} == {200}
    assert {reply.share for reply in replies} == intents == set(outcomes)
    assert len(outcomes) == 100
    assert {one.share for one in house.recipients["swift-parcel"].received} == intents


async def test_two_purposes_leave_leaves_of_their_own(open_house: OpenHouse) -> None:
    """What left for which purpose can be told apart for good."""
    house = await open_house(merged(an_advertiser(), {}), a_courier())
    await house.consent()
    await house.share("bright-reach", "/v3/events", {"event": "click"}, purpose="advertising")
    await house.share()
    leaves = await house.leaves("intent")

    assert [leaf["purpose"] for leaf in leaves] == ["advertising", "order-fulfilment"]
    assert "evidence" in leaves[0]
