"""
A home whose ledger has very many leaves, made in minutes.

    python -m tests.benchmarks.many_leaves --leaves 10000000 --home /tmp/many

Everything in it is real: leaves by the product's own encoders, marks under the
people's own keys, the erasable index, tiles, a signed checkpoint; what the seed
decides is the same every time. Each chunk of leaves is one transaction with its
tree and its checkpoint, so a run that was ended goes on where it was. A gateway
may serve the home as any other. What ends by itself is set down as told already,
so that a gateway on it has nothing to do but answer.
"""

import argparse
import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.cli.output import progress
from gateway.flows.subjects import Subjects
from gateway.keyring import FileKeyring
from gateway.ledger import merkle
from gateway.ledger.checkpoint import Checkpoint, sign
from gateway.ledger.encode import leaf_hash
from gateway.seal.jwk import SigningKey, load_private_jwk
from gateway.stores.sqlite.database import Ownership, connect
from gateway.stores.sqlite.ledger import add_person
from gateway.stores.sqlite.statements import SQL
from gateway.wiring import load_config, opened, read_documents, store_of, utc_now
from tests.benchmarks import made_shares
from tests.benchmarks.made_shares import Plan, Row, Way
from tests.homes import a_home

NOTES = "many-leaves.json"
"""In the home: what it is made of, and what is to be put back at the end."""

PEOPLE_TOGETHER = 20_000

# While it is made: only a machine that stops, not a process that is ended, would
# leave half a chunk. The home is as any other afterwards.
_FAST = ("PRAGMA journal_mode = TRUNCATE", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -64000")
_SAFE = ("PRAGMA synchronous = FULL", "PRAGMA journal_mode = WAL")
_INDEXES = """SELECT name, sql FROM sqlite_schema
    WHERE type = 'index' AND tbl_name IN ('share', 'refusal') AND sql IS NOT NULL"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What a home is made with."""

    db: sqlite3.Connection
    origin: str
    key: SigningKey
    subjects: Subjects
    plan: Plan
    ways: Sequence[Way]


async def make(home: Path, leaves: int, seed: int = 1) -> Plan:
    """
    Make a home with so many leaves, or go on making it; what it is made of.

    Raises `ValueError` where the home was begun with another number or seed.
    """
    if not (home / NOTES).exists():
        await _begin(home, leaves, seed)
    notes = _noted(home)
    if (notes["leaves"], notes["seed"]) != (leaves, seed):
        raise ValueError(f"{home.name} was begun with other --leaves or another --seed")
    config = load_config(home)
    store, keys = store_of(config), FileKeyring(home / "keys")
    policy = read_documents(config, keys).policy
    plan = Plan(leaves=leaves, first=notes["first"], seed=seed, edition=policy.edition.number)
    lock = Ownership(store.lock_path)
    lock.take()
    db = connect(config.database)
    try:
        making = Making(
            db=db,
            origin=config.origin,
            key=load_private_jwk(keys.signing("checkpoint").private_jwk),
            subjects=Subjects(store, keys, os.urandom, utc_now, capacity=1),
            plan=plan,
            ways=made_shares.ways_of(policy),
        )
        _make(making, home)
    finally:
        db.close()
        lock.release()
    return plan


async def _begin(home: Path, leaves: int, seed: int) -> None:
    """A new home, that was opened once, so that its ledger begins as every ledger does."""
    await a_home(home, default_partners=True)
    async with opened(load_config(home), clock=lambda: made_shares.BEGIN) as gateway:
        first = await gateway.store.size()
    _note(home, {"leaves": leaves, "seed": seed, "first": first})


def _noted(home: Path) -> dict[str, Any]:
    notes: dict[str, Any] = json.loads((home / NOTES).read_text(encoding="utf-8"))
    return notes


def _note(home: Path, notes: dict[str, Any]) -> None:
    (home / NOTES).write_text(json.dumps(notes), encoding="utf-8")


def _make(making: Making, home: Path) -> None:
    db, plan = making.db, making.plan
    for setting in _FAST:
        db.execute(setting).fetchall()
    indexes = _without_indexes(db, home)
    _people(making)
    done = db.execute(SQL["size"]).fetchone()[0] - plan.first
    for chunk in range(-(-done // made_shares.CHUNK), plan.chunks):
        _chunk(making, chunk)
        progress(min((chunk + 1) * made_shares.CHUNK, plan.leaves), plan.leaves, "leaves")
    for place, sql in enumerate(indexes.values()):
        progress(place, len(indexes), "indexes")
        db.execute(sql)
    progress(len(indexes), len(indexes), "indexes")
    for setting in _SAFE:
        db.execute(setting).fetchall()


def _without_indexes(db: sqlite3.Connection, home: Path) -> dict[str, str]:
    """Drop the indexes, which are made many times as fast at the end; how to make those missing."""
    notes, there = _noted(home), dict(db.execute(_INDEXES).fetchall())
    if "indexes" not in notes:
        _note(home, {**notes, "indexes": there})
        for name in there:
            db.execute(f"DROP INDEX {name}")
        return there
    return {name: sql for name, sql in notes["indexes"].items() if name not in there}


def _people(making: Making) -> None:
    db, plan, subjects = making.db, making.plan, making.subjects
    (there,) = db.execute("SELECT count(*) FROM subject").fetchone()
    for start in range(there, plan.people, PEOPLE_TOGETHER):
        end = min(start + PEOPLE_TOGETHER, plan.people)
        db.execute("BEGIN IMMEDIATE")
        for number in range(start, end):
            id = made_shares.person_id(number)
            row = subjects.new_row(id, subjects.lookup(id), plan.key(number))
            if add_person(db, row)[1] != number + 1:
                raise ValueError("the home has people of its own")
        db.execute("COMMIT")
        progress(end, plan.people, "people")


def _chunk(making: Making, chunk: int) -> None:
    """One chunk with its part of the tree and a checkpoint: all of it or nothing."""
    db = making.db
    size = making.plan.first + chunk * made_shares.CHUNK
    rows = list(made_shares.rows_of(making.plan, chunk, making.ways))
    db.execute("BEGIN IMMEDIATE")
    db.executemany(SQL["append"], [(row.leaf.decode(),) for row in rows])
    db.executemany(SQL["new_share"], _shares(rows, size))
    db.executemany(SQL["new_refusal"], _refusals(rows, size))
    _extend(making, size, [leaf_hash(row.leaf) for row in rows])
    db.execute("COMMIT")


def _shares(rows: Sequence[Row], size: int) -> list[tuple[Any, ...]]:
    return [
        (seq, row.share, "intent", row.way.partner, row.person + 1, row.outcome, row.until, 0, None)
        for seq, row in enumerate(rows, size + 1)
        if row.share and row.person is not None
    ]


def _refusals(rows: Sequence[Row], size: int) -> list[tuple[Any, ...]]:
    return [
        (seq, row.person + 1, row.way.ground, None)
        for seq, row in enumerate(rows, size + 1)
        if row.refused and row.person is not None
    ]


def _extend(making: Making, size: int, hashes: Sequence[bytes]) -> None:
    db, origin = making.db, making.origin
    found = {place: db.execute(SQL["tile"], place).fetchone() for place in merkle.edge(size)}
    tiles = {place: row[0] for place, row in found.items() if row is not None}
    changed = merkle.extend(tiles, size, hashes)
    db.executemany(SQL["put_tile"], [(*place, tile) for place, tile in changed.items()])
    size += len(hashes)
    root = merkle.root({**tiles, **changed}, size)
    note = sign(Checkpoint(origin=origin, size=size, root=root), origin, making.key.private)
    db.execute(SQL["put_head"], (size, root, note))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the home that is asked for. 0, or 2 for one that was begun differently."""
    parser = argparse.ArgumentParser(description="A home with very many leaves, in minutes.")
    parser.add_argument("--leaves", type=int, default=10_000_000)
    parser.add_argument("--home", type=Path, required=True, metavar="DIR")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        plan = asyncio.run(make(options.home, options.leaves, options.seed))
    except ValueError as error:
        print(f"many_leaves: {error}", file=sys.stderr)
        return 2
    print(f"{plan.leaves:,} leaves of {plan.people:,} people in {options.home}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
