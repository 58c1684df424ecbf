"""
Who was erased is forgotten: by the files, not only by the answers (A1, K2).

A person has left something everywhere. They are erased; then everything that
the gateway wrote is searched for them in any encoding, and what must stay (the
ledger and its proofs) is shown to be whole.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.flows import escrow
from gateway.model.ids import SubjectId
from gateway.observe.logs import configure_logging
from gateway.testing.clock import Clock
from tests.acceptance.commands import PYTHON, run
from tests.cases.forgetting import (
    ALIAS,
    COURIER,
    EXEMPT_FOR,
    ID,
    KEPT,
    RECIPIENTS,
    REFERENCE,
    SLOW,
    Life,
    Searched,
    command,
    escrow_keys,
    live,
    manifests,
    read,
    rows,
    settle_late,
    subject_keys,
)
from tests.cases.house import CaseHouse
from tests.marks import promise
from tests.promises.house import empty_home, stamp
from tests.promises.trees import consistent, included, leaf_hash, opened, root_of

OF_A_PERSON = {
    **{
        table: f"SELECT 1 FROM {table}"
        for table in ("person", "subject", "consent", "reference", "token", "evidence_subject")
    },
    **{
        table: f"SELECT 1 FROM {table} WHERE subject IS NOT NULL"
        for table in ("share", "idempotency", "queued")
    },
    "what is queued": "SELECT 1 FROM queued WHERE sealed IS NOT NULL",
}
"""Statements that find the rows of people, by what these are."""


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    """The folder of a talkative log."""
    folder = tmp_path / "logs"
    folder.mkdir()
    with (folder / "log.jsonl").open("w", encoding="utf-8") as file:
        configure_logging(level="debug", stream=file)
        yield folder
        configure_logging()


@pytest.fixture
async def house(tmp_path: Path, clock: Clock, logs: Path) -> Any:
    """A gateway with one recipient of each kind."""
    opened_house = CaseHouse(empty_home(tmp_path / "home"), clock)
    async with opened_house:
        await opened_house.open(manifests())
        yield opened_house


async def erased(house: CaseHouse) -> dict[str, Any]:
    """The case of the person, with an exemption that ends one day."""
    exempt = {
        "partner": KEPT,
        "reason": "tax law",
        "evidence": "tax-office-letter-2231",
        "until": stamp(house.clock() + EXEMPT_FOR),
    }
    verified = {"method": "app-session", "reference": REFERENCE, "at": stamp(house.clock())}
    return await house.opened_case(ID, exempt=[exempt], verified=verified, key="erase-7430-first")


@promise("A1", "K2")
async def test_nothing_of_a_forgotten_person_is_left(
    house: CaseHouse, logs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """
    After an erasure neither the database, nor its log, nor any other file, nor what
    was printed, nor an exported ledger holds the person's ids, pseudonyms, references,
    texts or keys in any encoding; what one recipient must still be told is kept for it alone.
    """
    life, search = await live(house), Searched(house, logs)
    database = house.folder / "data" / "gateway.db"
    lookups = [house.gateway.subjects.lookup(one) for one in (ID, ALIAS)]
    keys = subject_keys(database, lookups)
    hashes: dict[str, str | bytes] = {"look-up 1": lookups[0], "look-up 2": lookups[1]}
    people = [await house.gateway.subjects.get(SubjectId(one)) for one in (ID, ALIAS)]
    never: dict[str, str | bytes] = {f"key of {one.number}": one.key for one in people}
    before = search.found(keys | hashes | never)
    settle_late(house, SLOW)
    opened_case = await erased(house)
    life.given("verification", REFERENCE)
    life.given("evidence of an exemption", "tax-office-letter-2231")
    life.given("key of the case's request", "erase-7430-first")
    escrows = escrow_keys(database, opened_case["case"])
    assert before == keys.keys() | hashes.keys()
    assert set(escrows) == set(RECIPIENTS)

    for partner in set(RECIPIENTS) - {SLOW, KEPT}:
        await house.until(opened_case["case"], partner, settled=True)
    told = {label: key for partner in escrows for label, key in escrows[partner].items()}
    kept = {label: key for partner in (SLOW, KEPT) for label, key in escrows[partner].items()}
    gone = {label: key for label, key in told.items() if label not in kept}
    assert await search.gone(life.marks | keys | hashes | gone) == []
    assert search.found(kept) == kept.keys()
    await _told_from_escrow(house, life, opened_case)

    for notice in [one for one in opened_case["notices"] if one["partner"] == SLOW]:
        late = house.signed(house.recipients[SLOW], notice["notice"], "completed")
        assert (await house.receipt(late)).status == 200
    await house.until_closed(opened_case["case"])
    last = escrows[SLOW]
    await house.sequenced()
    assert (await command(house, "ledger", "export", str(search.bundle))).code == 0
    said = capfd.readouterr()
    (logs / "printed").write_text(said.out + said.err, encoding="utf-8")
    everything = life.marks | keys | hashes | never | gone | last
    assert await search.gone(everything) == []
    assert search.found(escrows[KEPT]) == escrows[KEPT].keys()
    assert search.planted(everything) == everything.keys()
    await house.stop()
    assert await search.gone(everything) == []


async def _told_from_escrow(house: CaseHouse, life: Life, case: dict[str, Any]) -> None:
    """What a notice says opens for those that wait for it, and for no other any more."""
    for notice in case["notices"]:
        if notice["partner"] in (SLOW, KEPT):
            told = await escrow.opened(house.gateway, notice["notice"])
            assert told.pseudonym in life.marks.values()
            assert set(told.references) <= set(life.marks.values())
        else:
            with pytest.raises(LookupError):
                await escrow.opened(house.gateway, notice["notice"])


@promise("R3", "K2")
async def test_what_an_exempt_recipient_is_told_is_forgotten_then(
    house: CaseHouse, logs: Path
) -> None:
    """
    An exemption that ends keeps what its recipient will be told, and nothing else; when
    the day has come the recipient is told, and then no key of an escrow is left.
    """
    await live(house)
    database = house.folder / "data" / "gateway.db"
    opened_case = await erased(house)
    closed = await house.until_closed(opened_case["case"])
    escrows = escrow_keys(database, opened_case["case"])
    early = list(house.recipients[KEPT].notices.received)
    house.clock.advance(EXEMPT_FOR + timedelta(seconds=1))
    search = Searched(house, logs)

    assert {one["state"] for one in closed["notices"]} == {"completed", "exempt"}
    assert (set(escrows), early) == ({KEPT}, [])
    assert await search.gone(escrows[KEPT]) == []
    (came,) = house.recipients[KEPT].notices.received
    assert (came.type, came.deleted) == ("subject.erase", 1)
    left = "SELECT no FROM wrapped WHERE key <> zeroblob(length(key))"
    assert read(database, left) == []


@promise("A1", "K2")
async def test_no_row_is_of_a_forgotten_person(house: CaseHouse) -> None:
    """
    What was kept under the person's key goes with the key: of the only person there was
    no consent, reference, token, waiting share, answer or fact has a row any more.
    """
    await live(house)
    database = house.folder / "data" / "gateway.db"
    before = {name for name in OF_A_PERSON if read(database, OF_A_PERSON[name])}
    await house.until_closed((await erased(house))["case"])

    assert before == OF_A_PERSON.keys()
    assert [name for name in OF_A_PERSON if read(database, OF_A_PERSON[name])] == []


async def test_a_tombstone_tells_nothing_but_who_and_until_which_month(house: CaseHouse) -> None:
    """
    What keeps an erased person out is a keyed hash and a month, in an order of its own:
    neither a case, nor a time, nor a place among the others.
    """
    people = [f"somebody-{number}" for number in range(12)]
    for subject in people:
        assert (await house.share(subject=subject)).status == 200
        house.clock.advance(timedelta(minutes=1))
    for subject in people:
        await house.until_closed((await house.opened_case(subject))["case"])
    database = house.folder / "data" / "gateway.db"
    kept = read(database, "SELECT * FROM tombstone")
    columns = [name for _, name, *_ in read(database, "PRAGMA table_info(tombstone)")]
    marks = [house.gateway.subjects.mark(subject) for subject in people]
    elsewhere = [
        cell
        for name, table in rows(database).items()
        for row in table
        for cell in row
        if name != "tombstone" and cell in marks
    ]

    assert columns == ["mark", "expires"]
    assert [mark for mark, _ in kept] == sorted(marks) != marks
    assert {expires for _, expires in kept} == {kept[0][1]}
    assert len(kept[0][1]) == len("2026-11")
    assert elsewhere == []


@promise("P4", "K2")
async def test_every_earlier_proof_still_verifies(house: CaseHouse) -> None:
    """
    The checkpoint, the inclusion proofs and the leaves that somebody fetched before an
    erasure verify after it as they did, and the new checkpoint only adds to the old.
    """
    life = await live(house)
    await house.sequenced()
    jwks = (await house.public("/.well-known/jwks.json")).json()
    old = opened((await house.public("/ledger/checkpoint")).body.decode(), jwks)
    leaves = [leaf.encode() for (leaf,) in _leaves(house)][: old.size]
    proofs = [await _proof(house, index, old.size) for index in range(old.size)]
    steps = {size: await _consistency(house, size, old.size) for size in range(1, old.size)}
    await house.until_closed((await erased(house))["case"])
    await house.sequenced()
    new = opened((await house.public("/ledger/checkpoint")).body.decode(), jwks)
    now = [leaf.encode() for (leaf,) in _leaves(house)]

    assert any(share in leaf.decode() for share in life.shares[COURIER] for leaf in leaves)
    assert new.size > old.size
    assert now[: old.size] == leaves
    path = await _consistency(house, old.size, new.size)
    assert consistent(old.size, new.size, path, old.root, new.root)
    hashes = [leaf_hash(leaf) for leaf in leaves]
    for index, proof in enumerate(proofs):
        assert included(hashes[index], index, old.size, proof, old.root)
        later = await _proof(house, index, new.size)
        assert included(hashes[index], index, new.size, later, new.root)
        assert await _proof(house, index, old.size) == proof
    for size, step in steps.items():
        root = root_of(hashes[:size])
        assert consistent(size, old.size, step, root, old.root)
        onwards = await _consistency(house, size, new.size)
        assert consistent(size, new.size, onwards, root, new.root)


def _leaves(house: CaseHouse) -> list[tuple[Any, ...]]:
    database = house.folder / "data" / "gateway.db"
    return read(database, "SELECT leaf FROM entry ORDER BY seq")


async def _proof(house: CaseHouse, index: int, size: int) -> list[bytes]:
    reply = await house.ask("GET", f"/v1/ledger/proof/inclusion?index={index}&size={size}")
    return [bytes.fromhex(one) for one in reply.json()["hashes"]]


async def _consistency(house: CaseHouse, old: int, new: int) -> list[bytes]:
    reply = await house.ask("GET", f"/v1/ledger/proof/consistency?from={old}&to={new}")
    return [bytes.fromhex(one) for one in reply.json()["hashes"]]


@promise("P4", "K2")
async def test_the_ledger_of_the_forgotten_is_sound(house: CaseHouse, tmp_path: Path) -> None:
    """After an erasure the gateway's own check and the separate verifier find the ledger whole."""
    await live(house)
    await house.until_closed((await erased(house))["case"])
    await house.sequenced()
    bundle, trust = tmp_path / "bundle.jsonl", tmp_path / "jwks.json"
    trust.write_bytes((await house.public("/.well-known/jwks.json")).body)
    own = await command(house, "ledger", "verify")
    assert (await command(house, "ledger", "export", str(bundle))).code == 0
    other = run(bundle, "--trust", trust, command=[PYTHON, "-m", "gateway.verifier"])

    assert (own.code, other.code) == (0, 0), (own.said, other.said)
    assert "VERIFIES" in other.out
    assert len(bundle.read_bytes().splitlines()) == len(_leaves(house)) + 2
