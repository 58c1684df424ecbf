"""Witnesses of the ledger: what they cosign is shown, and what they say is weighed."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import structlog

from gateway.errors import LedgerContradiction
from gateway.flows import witnessing
from gateway.flows.ledger import signed
from gateway.flows.witnesses import Claim, Witness
from gateway.ledger.checkpoint import open_checkpoint, trusted_keys
from gateway.ledger.encode import leaf_hash
from gateway.ledger.note import open_note
from gateway.ledger.witness import witness_key
from gateway.testing.witness import FakeWitness, Misbehaviour
from gateway.workers import witnesses
from gateway.workers.witnesses import ask_witnesses
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_courier

FAILURES = {
    Misbehaviour.WRONG_KEY: "invalid",
    Misbehaviour.WRONG_SIGNATURE: "invalid",
    Misbehaviour.TIME_ZERO: "invalid",
    Misbehaviour.LONG_AGO: "invalid",
    Misbehaviour.STALE: "invalid",
    Misbehaviour.NOT_A_LINE: "invalid",
    Misbehaviour.BROKEN: "refused",
}


def named(*witnesses: FakeWitness, quorum: int = 0) -> Callable[[Path], None]:
    """Settings with these witnesses."""

    def edit(home: Path) -> None:
        tables = "".join(one.table() for one in witnesses)
        with (home / "gateway.toml").open("a", encoding="utf-8") as out:
            out.write(f"\n[ledger]\nwitness_quorum = {quorum}\n{tables}")

    return edit


@asynccontextmanager
async def watched(
    open_house: OpenHouse, *names: str, quorum: int = 0
) -> AsyncIterator[tuple[House, list[FakeWitness]]]:
    """A gateway with witnesses that trust its key, and one share under a checkpoint."""
    async with AsyncExitStack() as stack:
        named_so = [
            await stack.enter_async_context(FakeWitness(f"witness.example/{name}"))
            for name in names
        ]
        house = await open_house(a_courier(), edit=named(*named_so, quorum=quorum))
        for one in named_so:
            one.trust(house.gateway.config.origin, house.gateway.keys.public_jwks())
        assert (await house.share()).status == 200
        await house.sequenced()
        yield house, named_so


async def ask(house: House, *which: int) -> None:
    """Ask these witnesses, or all, once."""
    everyone = house.gateway.witnesses.all
    for one in [everyone[n] for n in which] or everyone:
        await witnessing.ask(house.gateway, one)


def standing(house: House) -> Witness:
    """What the gateway knows of its first witness."""
    return house.gateway.witnesses.all[0]


async def test_a_cosignature_is_shown_proven_and_exported(open_house: OpenHouse) -> None:
    """What a witness signed stands in the public checkpoint, in proofs and in certificates of later,
    and survives a restart; the checkpoint of before has the ledger's own line alone."""
    async with watched(open_house, "w1") as (house, (witness,)):
        bare = await house.public("/ledger/checkpoint")
        assert bare.headers["Sharing-Witnessed"] == "?0; cosignatures=0; quorum=1"
        assert (await house.public("/ledger/checkpoint/witnessed")).status == 404

        await ask(house)
        await house.restart()
        shown = await house.public("/ledger/checkpoint/witnessed")
        assert shown.headers["Sharing-Witnessed"] == "?1; cosignatures=1; quorum=1"
        opened = open_note(shown.body, [witness_key(witness.vkey)])
        assert [one.name for one in opened.verified] == ["witness.example/w1"]
        assert shown.body.startswith(bare.body)

        share = (await house.leaves("intent"))[0]["share"]
        proofs = (await house.public(f"/ledger/proof/{share}")).json()["proofs"]
        assert all(shown.body.decode() in one["proof"] for one in proofs)


async def test_the_newest_checkpoint_is_shown_whether_it_is_witnessed_or_not(
    open_house: OpenHouse,
) -> None:
    """A ledger that grows faster than witnesses answer shows its newest checkpoint, and beside it the
    newest that enough of them signed; shares wait for none of it."""
    async with watched(open_house, "w1", "w2", quorum=2) as (house, _):
        await ask(house)
        first = await house.public("/ledger/checkpoint")
        assert first.headers["Sharing-Witnessed"] == "?1; cosignatures=2; quorum=2"

        assert (await house.share()).status == 200
        await house.sequenced()
        await ask(house, 0)
        newest = await house.public("/ledger/checkpoint")
        assert newest.headers["Sharing-Witnessed"] == "?0; cosignatures=1; quorum=2"
        assert (await house.public("/ledger/checkpoint/witnessed")).body == first.body


async def test_a_witness_is_asked_from_the_size_that_it_has(open_house: OpenHouse) -> None:
    """The proof begins at the size that the witness has: at nothing first, and where it corrects the
    gateway, at what it says."""
    async with watched(open_house, "w1") as (house, (witness,)):
        await ask(house)
        first = witness.asked[-1]
        assert (first.old, first.hashes, first.status) == (0, 0, 200)

        await house.share()
        await house.sequenced()
        standing(house).recorded = 0
        await ask(house)
        assert [(one.old, one.status) for one in witness.asked[1:]] == [
            (0, 409),
            (first.size, 200),
        ]
        assert witness.asked[-1].hashes > 0

        await ask(house)
        assert (witness.asked[-1].old, witness.asked[-1].status) == (witness.asked[-1].size, 200)


async def test_what_a_witness_does_wrong_is_not_kept(
    open_house: OpenHouse,
) -> None:
    """A cosignature by another key, over something else, or of another time is not shown; it is
    told in the log and the metrics, and asked for again after a growing pause."""
    async with watched(open_house, "w1") as (house, (witness,)):
        await ask(house)
        before = await house.public("/ledger/checkpoint")
        await house.share()
        await house.sequenced()
        for wrong, word in FAILURES.items():
            witness.misbehave(wrong)
            with structlog.testing.capture_logs() as told:
                await ask(house)
            assert [(one["event"], one["what"]) for one in told] == [("witness-failed", word)], (
                wrong
            )
            assert "witness.example" not in (await house.public("/ledger/checkpoint")).body.decode()
        assert standing(house).failures == len(FAILURES)
        assert standing(house).due > asyncio.get_running_loop().time() + 30
        assert (await house.public("/ledger/checkpoint/witnessed")).body == before.body
        text = house.gateway.metrics.render()[0].decode()
        assert 'answers_total{result="invalid",witness="witness.example/w1"} 6.0' in text

        await ask(house)
        assert standing(house).failures == 0
        assert "witness.example" in (await house.public("/ledger/checkpoint")).body.decode()


async def test_a_witness_that_answers_nothing_is_given_up(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent witness is let go after its time, and one at an address outside the allowed networks is
    not so much as called."""
    monkeypatch.setattr(witnessing, "TIMEOUT_SECONDS", 0.1)
    async with watched(open_house, "w1") as (house, (witness,)):
        witness.misbehave(Misbehaviour.SILENT)
        with structlog.testing.capture_logs() as told:
            await ask(house)
            standing(house).url = "http://192.0.2.1"
            await ask(house)

        assert [(one["event"], one["what"]) for one in told] == [
            ("witness-failed", "unreachable")
        ] * 2
        assert (await house.share()).status == 200


@pytest.mark.parametrize(
    ("wrong", "claim"),
    [(Misbehaviour.SIZE_TOO_LARGE, Claim.AHEAD), (Misbehaviour.OTHER_ROOT, Claim.CONFLICT)],
    ids=["ahead", "conflict"],
)
async def test_a_lying_witness_cannot_stop_the_gateway(
    open_house: OpenHouse, wrong: Misbehaviour, claim: Claim
) -> None:
    """A witness that claims to know a larger or another ledger, and shows nothing for it, is told
    of aloud, and shares go on."""
    async with watched(open_house, "w1") as (house, (witness,)):
        await ask(house)
        witness.misbehave(wrong)
        with structlog.testing.capture_logs() as told:
            await ask(house)

        (line,) = told
        assert (line["event"], line["log_level"]) == ("witness-contradicts", "error")
        assert line["what"] == claim
        ready = await house.ask("GET", "/readyz")
        assert ready.status == 200
        assert ready.json()["witnesses"][0]["claims"] == claim
        text = house.gateway.metrics.render()[0].decode()
        assert 'gateway_witness_contradicts{witness="witness.example/w1"} 1.0' in text
        assert (await house.share()).status == 200

        await ask(house)
        assert (await house.ask("GET", "/readyz")).json()["witnesses"][0]["claims"] is None


@pytest.mark.parametrize("size", [2, 9], ids=["rewritten", "older copy"])
async def test_a_checkpoint_of_our_own_key_that_is_not_ours_stops_the_gateway(
    open_house: OpenHouse, size: int
) -> None:
    """Where a witness shows a checkpoint that this ledger's key signed and this ledger does not have,
    the store was rewritten or is an older copy, and the process stops and says so."""
    async with watched(open_house, "w1") as (house, (witness,)):
        other = leaf_hash(b"another history")
        witness.remember(house.gateway.config.origin, signed(house.gateway, size, other))
        with pytest.raises(ExceptionGroup) as stopped:
            await asyncio.wait_for(ask_witnesses(house.gateway), 5)

        (error,) = stopped.value.exceptions
        assert isinstance(error, LedgerContradiction)
        for part in (f"checkpoint of {size} leaves", other.hex(), "keep a copy", witness.url):
            assert part in str(error)


async def test_witnesses_are_asked_as_the_ledger_grows(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker asks every witness about each new checkpoint, one that fails holds the others up
    no longer than a round, and all end when the gateway does."""
    monkeypatch.setattr(witnesses, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(witnesses, "PAUSE_SECONDS", 0.01)
    async with watched(open_house, "w1", "w2", quorum=1) as (house, (good, bad)):
        bad.misbehave_always(Misbehaviour.SILENT)
        gateway = house.gateway
        worker = asyncio.create_task(ask_witnesses(gateway))
        while not gateway.witnesses.all[0].cosigned:
            await asyncio.sleep(0.01)
        first = good.asked[-1].size
        await house.share()
        await house.sequenced()
        while gateway.witnesses.all[0].cosigned == first:
            await asyncio.sleep(0.01)
        gateway.stopping.set()
        await asyncio.wait([worker], timeout=5)

        assert worker.done()
        assert [one.status for one in good.asked] == [200, 200]
        assert bad.asked == []


async def test_a_partner_gets_the_proof_of_its_share_and_of_nothing_else(
    open_house: OpenHouse,
) -> None:
    """Who knows a share's id gets the leaves of its intent and outcome with their proofs, as soon as
    a checkpoint covers them; another id, and every other leaf, is not there."""
    house = await open_house(a_courier())
    sent = await house.share()
    early = await house.public(f"/ledger/proof/{sent.share}")
    assert (early.status, early.headers["Retry-After"]) == (404, "1")

    await house.sequenced()
    told = (await house.public(f"/ledger/proof/{sent.share}")).json()
    kinds = [json.loads(one["leaf"])["kind"] for one in told["proofs"]]
    assert (told["share"], kinds) == (sent.share, ["intent", "outcome"])
    origin = house.gateway.config.origin
    keys = trusted_keys(house.gateway.keys.public_jwks(), origin)
    for one in told["proofs"]:
        assert open_checkpoint(one["proof"].partition("\n\n")[2], keys).size > one["index"]

    refusal = await house.share(subject="u-2", path="/v9/none")
    await house.sequenced()
    leaf = (await house.leaves("refusal"))[-1]
    for id in (refusal.share or "shr_0", leaf["id"], "shr_" + "0" * 32, "", "../checkpoint"):
        assert (await house.public(f"/ledger/proof/{id}")).status == 404


async def test_proofs_are_asked_for_at_a_bounded_pace(open_house: OpenHouse) -> None:
    """Who asks for proofs faster than the listener gives them is told to wait."""
    house = await open_house(a_courier())
    answers = [(await house.public("/ledger/proof/shr_0")).status for _ in range(160)]

    assert answers[0] == 404
    assert 429 in answers
    last = await house.public("/ledger/proof/shr_0")
    assert last.status == 404 or last.headers["Retry-After"] == "1"


async def test_a_person_gets_a_proof_with_each_entry(open_house: OpenHouse) -> None:
    """With `proofs=true` each entry of the account that is under a checkpoint has its leaf and the
    proof of it; without, none has."""
    house = await open_house(a_courier())
    await house.share()
    await house.sequenced()
    (plain,) = await house.disclosures()
    reply = await house.ask("GET", "/v1/subjects/u-1/disclosures?proofs=true")
    (proven,) = reply.json()["disclosures"]

    assert "proof" not in plain
    assert proven["proof"].startswith(f"c2sp.org/tlog-proof@v1\nindex {plain['index']}\n")
    assert json.loads(proven["leaf"])["share"] == plain["share"]
    wrong = await house.ask("GET", "/v1/subjects/u-1/disclosures?proofs=yes")
    assert (wrong.status, wrong.json()["code"]) == (400, "request-invalid")
