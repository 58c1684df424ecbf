"""A ledger that is not the one that was signed: who notices, when, and what they say."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway import verifier
from gateway.errors import StoreFailed
from gateway.flows.gateway import Gateway
from gateway.keyring import FileKeyring
from gateway.testing.processes import gateway_command, gateway_environment
from gateway.workers.sequencer import catch_up
from tests.faults.spoiling import SETTINGS, Spoilt, contradicted, refused_start
from tests.faults.writes import leaf


def put_back(home: Spoilt, before: Spoilt) -> None:
    """Restore the database from its backup, as anybody would."""
    shutil.copy(before.database, home.database)


class TestOlderCopies:
    """A database that agrees with itself, and is not the newest there was."""

    def test_a_process_on_an_older_copy_ends_and_says_what_to_do(
        self, home: Spoilt, before: Spoilt
    ) -> None:
        """`gateway serve` as a process of its own exits with 1 and names sizes, files, command."""
        put_back(home, before)
        done = subprocess.run(
            gateway_command("--home", str(home.home), "serve"),
            env=gateway_environment(SETTINGS),
            capture_output=True,
            text=True,
            timeout=30,
        )
        what, where, todo = contradicted(done.stderr)

        assert (done.returncode, done.stdout) == (1, "")
        assert '"event": "ledger-contradiction"' in done.stderr
        assert f"signed a checkpoint of {home.kept()}" in what
        assert where == "data/gateway.db and keys/head.note"
        assert "gateway ledger replay-erasures" in todo

    def test_without_any_database(self, home: Spoilt) -> None:
        """A database that was deleted is not begun anew."""
        home.database.unlink()
        code, said = home.run("serve")
        what, _, _ = contradicted(said)

        assert code == 1
        assert "the database holds 0 leaves" in what

    def test_verify_notices_without_a_start(self, home: Spoilt, before: Spoilt) -> None:
        """`gateway ledger verify` reads the kept head too."""
        put_back(home, before)
        code, said = home.run("ledger", "verify")

        assert code == 1
        assert f"signed a checkpoint of {home.kept()}" in said

    def test_a_copy_that_was_written_to(self, home: Spoilt, before: Spoilt) -> None:
        """Another ledger of as many leaves and more is no continuation."""

        async def another(gateway: Gateway) -> None:
            await gateway.store.append([leaf(f"other_{number}") for number in range(400)])

        before.living(another)
        put_back(home, before)
        what, _, _ = refused_start(home)

        assert f"the first {home.kept()} leaves of the database have another root" in what

    def test_keys_and_database_from_one_copy(
        self, home: Spoilt, before: Spoilt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Nobody inside notices that both are old; whoever holds a later checkpoint does."""
        later, ledger = tmp_path / "later.txt", tmp_path / "ledger.jsonl"
        later.write_text(home.head()[2])
        code, _ = before.run("ledger", "verify")
        assert code == 0
        assert before.examined() < home.kept()
        assert before.run("ledger", "export", str(ledger))[0] == 0
        trust = tmp_path / "jwks.json"
        trust.write_text(json.dumps(FileKeyring(before.home / "keys").public_jwks()))
        words = [str(ledger), "--trust", str(trust)]

        assert verifier.main(words) == 0
        capsys.readouterr()
        assert verifier.main([*words, "--since", str(later)]) == 1
        assert str(home.kept()) in capsys.readouterr().out


class TestWhatIsNoContradiction:
    """What a crash leaves, and what can be made again."""

    def test_a_death_between_the_kept_head_and_the_database(self, home: Spoilt) -> None:
        """The next process goes on from the very note that was signed, and signs no other."""

        async def die(gateway: Gateway) -> None:
            async def sequence(*_: object) -> None:
                raise StoreFailed("dead")

            await gateway.store.append([leaf("last")])
            gateway.store.sequence = sequence  # type: ignore[method-assign]
            await catch_up(gateway)

        home.living(die)
        signed = home.note.read_text()
        assert home.head()[0] < home.kept()
        assert home.run("ledger", "verify")[0] == 0
        home.examined()

        assert home.note.read_text() == signed == home.head()[2]

    def test_a_checkpoint_row_from_before(self, home: Spoilt, before: Spoilt) -> None:
        """Leaves are what counts: the row is brought up to the kept head."""
        newest = home.head()
        home.sql("UPDATE checkpoint SET size = ?, root = ?, note = ?", *before.head())
        home.examined()

        assert home.head() == newest

    def test_tiles_and_checkpoint_are_made_again_from_the_leaves(self, home: Spoilt) -> None:
        """What the runbook says for a spoilt tile: the leaves give it all, or the start refuses."""
        newest, tiles = home.head(), home.sql("SELECT * FROM tile ORDER BY level, n")
        home.spoil_tile(0, 0)
        home.sql("DELETE FROM tile")
        home.sql("DELETE FROM checkpoint")
        home.examined()

        assert home.head() == newest
        assert home.sql("SELECT * FROM tile ORDER BY level, n") == tiles
        assert home.run("ledger", "verify")[0] == 0

    def test_a_kept_head_that_is_missing(self, home: Spoilt, quiet: Any) -> None:
        """After an upgrade there is none: it is written, and the log says so."""
        newest = home.note.read_text()
        home.note.unlink()
        home.examined()

        assert home.note.read_text() == newest
        assert home.note.stat().st_mode & 0o777 == 0o600
        assert '"event": "kept-head-missing"' in quiet.getvalue()

    def test_a_log_that_ends_in_the_middle_of_a_frame(self, home: Spoilt, tmp_path: Path) -> None:
        """What the machine was writing when its power went was promised to nobody."""
        lost = Spoilt(tmp_path / "lost")

        async def die(gateway: Gateway) -> None:
            await gateway.store.append([leaf("promised")])
            await catch_up(gateway)
            await gateway.store.append([leaf("unheard of")])
            shutil.copytree(home.home, lost.home, ignore=shutil.ignore_patterns("*-shm"))

        home.living(die)
        log = lost.database.with_name("gateway.db-wal")
        log.write_bytes(log.read_bytes()[:-100])
        size = lost.examined()

        assert [(size + 1,)] == home.sql("SELECT max(seq) FROM entry")
        ((last,),) = lost.sql("SELECT leaf FROM entry WHERE seq = ?", size)
        assert '"id":"promised"' in last

    def test_a_log_that_lost_what_was_promised(self, home: Spoilt, tmp_path: Path) -> None:
        """A disk that lied about its syncs is found out by the kept head."""
        lost = Spoilt(tmp_path / "lost")

        async def die(gateway: Gateway) -> None:
            await gateway.store.append([leaf("promised")])
            await catch_up(gateway)
            shutil.copytree(home.home, lost.home, ignore=shutil.ignore_patterns("*-shm"))

        home.living(die)
        lost.database.with_name("gateway.db-wal").write_bytes(b"")
        what, _, _ = refused_start(lost)

        assert f"signed a checkpoint of {lost.kept()}" in what
