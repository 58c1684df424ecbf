"""A home with a grown ledger, and ways in which its files go bad."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from gateway import config as settings
from gateway import wiring
from gateway.cli import cli
from gateway.errors import LedgerContradiction
from gateway.flows import continuity
from gateway.flows.gateway import Gateway
from gateway.keyring import FileKeyring, HeadFile
from gateway.observe.logs import get_logger
from gateway.workers.sequencer import catch_up
from tests.faults.writes import leaf
from tests.promises.house import empty_home

# More than the tiles that a start hashes anew.
OLD_LEAVES, NEW_LEAVES = 600, 300
# The gateway has an address of its own, which nobody connects to here.
SETTINGS = {"GATEWAY_PUBLIC__URL": "https://gateway.example"}

RUNBOOKS = Path(__file__).resolve().parents[2] / "deploy" / "runbooks"


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A home on which a test does what it likes."""

    home: Path

    @property
    def database(self) -> Path:
        """The ledger."""
        return self.home / "data" / "gateway.db"

    @property
    def note(self) -> Path:
        """The kept head."""
        return self.home / "keys" / "head.note"

    def kept(self) -> int:
        """How many leaves the kept head is of."""
        return int(self.note.read_text().splitlines()[1])

    def run(self, *arguments: str) -> tuple[int, str]:
        """A command of the product on it: exit code, and what it said on standard error."""
        result = CliRunner(env=SETTINGS).invoke(cli, ["--home", str(self.home), *arguments])
        return result.exit_code, result.stderr

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Whoever has the file can do this."""
        with closing(sqlite3.connect(self.database)) as db, db:
            return db.execute(statement, values).fetchall()

    def flip(self, index: int) -> None:
        """One bit of a leaf is another; the leaf may be no text any more."""
        ((row,),) = self.sql("SELECT CAST(leaf AS BLOB) FROM entry WHERE seq = ?", index + 1)
        spoilt = row[:9] + bytes([row[9] ^ 0x80]) + row[10:]
        self.sql("UPDATE entry SET leaf = CAST(? AS TEXT) WHERE seq = ?", spoilt, index + 1)

    def spoil_tile(self, level: int, number: int, place: int = 0) -> None:
        """One hash of a tile is another."""
        where = "WHERE level = ? AND n = ?"
        ((hashes,),) = self.sql(f"SELECT hashes FROM tile {where}", level, number)
        spoilt = hashes[: 32 * place] + bytes(32) + hashes[32 * (place + 1) :]
        self.sql(f"UPDATE tile SET hashes = ? {where}", spoilt, level, number)

    def head(self) -> tuple[Any, ...]:
        """The checkpoint's row."""
        (row,) = self.sql("SELECT size, root, note FROM checkpoint")
        return row

    def copy(self, folder: Path) -> "Spoilt":
        """Another home with the same files."""
        shutil.copytree(self.home, folder)
        return Spoilt(folder)

    def examined(self) -> int:
        """What a start looks at before it writes anything, and nothing else; how many leaves."""

        async def look() -> int:
            config = settings.load(self.home, SETTINGS)
            store, keys = wiring.store_of(config), self.home / "keys"
            await store.start()
            try:
                await continuity.examine(
                    cast(
                        Gateway,
                        SimpleNamespace(
                            config=config,
                            keys=FileKeyring(keys),
                            kept=HeadFile(keys),
                            store=store,
                            log=get_logger(),
                        ),
                    )
                )
                return await store.size()
            finally:
                await store.close()

        return asyncio.run(look())

    def living(self, use: Callable[[Gateway], Any]) -> Any:
        """Start a gateway on it, let `use` have it, and end it in order."""

        async def live() -> Any:
            config = settings.load(self.home, SETTINGS)
            async with wiring.opened(config) as gateway:
                return await use(gateway)

        return asyncio.run(live())


def grown(folder: Path) -> tuple[Spoilt, Spoilt]:
    """A home as it was at a backup, and as it is now."""
    now = Spoilt(empty_home(folder / "now"))

    def more(first: int, count: int) -> Callable[[Gateway], Any]:
        async def add(gateway: Gateway) -> None:
            leaves = [leaf(f"leaf_{number}") for number in range(first, first + count)]
            await gateway.store.append(leaves)
            await catch_up(gateway)

        return add

    now.living(more(0, OLD_LEAVES))
    before = now.copy(folder / "before")
    now.living(more(OLD_LEAVES, NEW_LEAVES))
    return before, now


def contradicted(said: str) -> tuple[str, str, str]:
    """What, where, and what to do. The runbook that is named is there."""
    what, where, todo = said.splitlines()[-3:]
    assert "keep a copy of data/" in todo
    runbooks = [word.strip(":;,.") for word in todo.split() if "runbooks/" in word]
    named = [RUNBOOKS / Path(word).name for word in runbooks]
    assert named
    assert all(path.exists() for path in named)
    return what, where.removeprefix("  where: "), todo


def refused_start(home: Spoilt) -> tuple[str, str, str]:
    """A start refuses, and has written nothing."""
    files = home.database.read_bytes(), home.note.read_bytes()
    with pytest.raises(LedgerContradiction) as raised:
        home.examined()
    assert (home.database.read_bytes(), home.note.read_bytes()) == files
    return contradicted(str(raised.value))
