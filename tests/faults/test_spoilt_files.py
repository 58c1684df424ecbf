"""Files of a ledger that went bad, by whomever: who notices, when, and what they say."""

from collections.abc import Callable

import pytest

from gateway.errors import LedgerContradiction
from gateway.flows.gateway import Gateway
from gateway.workers.sequencer import catch_up
from tests.faults.spoiling import Spoilt, contradicted, refused_start
from tests.faults.writes import leaf


class TestSpoiltFiles:
    """Bits that changed, by whomever."""

    def test_a_leaf_in_the_tail(self, home: Spoilt) -> None:
        """A start hashes the newest leaves anew and names the one that was changed."""
        index = home.head()[0] - 3
        home.flip(index)
        what, where, _ = refused_start(home)

        assert f"leaf {index} was changed" in what
        assert where == f"data/gateway.db, table entry, seq {index + 1}"

    def test_an_old_leaf(self, home: Spoilt) -> None:
        """A start does not read old leaves; `gateway ledger verify` does, and names it."""
        home.flip(100)
        assert home.examined() == home.kept()
        code, said = home.run("ledger", "verify")

        assert code == 1
        assert "leaf 100" in said

    def test_an_old_leaf_that_still_looks_like_one(self, home: Spoilt) -> None:
        """Also where what was changed is a word: the tile beside it says which of them it was."""
        home.sql("UPDATE entry SET leaf = replace(leaf, 'account', 'nothing') WHERE seq = 101")
        code, said = home.run("ledger", "verify")

        assert code == 1
        assert "leaf 100: its hash is not the one in tile/0/000: the leaf was changed" in said

    @pytest.mark.parametrize(
        ("level", "number", "place", "named"),
        [(0, 3, 2, "tile/0/003"), (0, 2, 5, "tile/0/002"), (1, 0, 2, "tile/1/000")],
        ids=["partial", "full", "above"],
    )
    def test_a_tile_at_the_edge(
        self, home: Spoilt, level: int, number: int, place: int, named: str
    ) -> None:
        """A start looks at the newest tiles of every level, and names the one."""
        home.spoil_tile(level, number, place)
        what, where, _ = refused_start(home)

        assert named in what
        assert "table tile" in where

    def test_an_old_tile(self, home: Spoilt) -> None:
        """`gateway ledger verify` compares every tile with its leaves."""
        home.spoil_tile(0, 0, 7)
        code, said = home.run("ledger", "verify")

        assert code == 1
        assert "leaf 7: its hash is not the one in tile/0/000: the tile was changed" in said

    def test_leaves_taken_away(self, home: Spoilt) -> None:
        """Leaves that the database's own checkpoint covers are missed."""
        home.sql("DELETE FROM entry WHERE seq > 880")
        what, _, _ = refused_start(home)

        assert f"the checkpoint is of {home.head()[0]} leaves" in what

    @pytest.mark.parametrize("column", ["size", "root"])
    def test_a_checkpoint_row_that_its_note_does_not_say(self, home: Spoilt, column: str) -> None:
        """Size and root count as they were signed."""
        wrong = home.head()[0] - 1 if column == "size" else bytes(32)
        home.sql(f"UPDATE checkpoint SET {column} = ?", wrong)
        what, where, _ = refused_start(home)

        assert "signed note" in what
        assert where == "data/gateway.db, table checkpoint"

    @pytest.mark.parametrize("spoil", [lambda note: note.replace("\n9", "\n8", 1), lambda _: "x"])
    def test_a_kept_head_that_was_not_signed(
        self, home: Spoilt, spoil: Callable[[str], str]
    ) -> None:
        """A changed note is no excuse to go on."""
        home.note.write_text(spoil(home.note.read_text()))
        what, where, _ = refused_start(home)

        assert "a checkpoint that this gateway signed is none" in what
        assert where == "keys/head.note"


class TestWhileItRuns:
    """A gateway that serves looks at the edge of its tree at every checkpoint."""

    @pytest.mark.parametrize("spoil", ["row", "tile"])
    def test_a_ledger_that_changes_under_it(self, home: Spoilt, before: Spoilt, spoil: str) -> None:
        """It signs nothing more and ends; the kept head is that of its last checkpoint."""

        async def changed(gateway: Gateway) -> None:
            kept = home.kept()
            if spoil == "row":
                home.sql("UPDATE checkpoint SET size = ?, root = ?, note = ?", *before.head())
            else:
                home.spoil_tile(0, 3)
            await gateway.store.append([leaf("more")])
            try:
                await catch_up(gateway)
            finally:
                assert home.kept() == kept

        with pytest.raises(LedgerContradiction) as raised:
            home.living(changed)
        contradicted(str(raised.value))
