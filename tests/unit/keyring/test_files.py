"""The files of a home's keys: one signs, old ones are shown for their time, what dies is gone."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.keyring import FileKeyring, durable
from gateway.keyring.file import create
from gateway.keyring.signing import create_signing_key
from gateway.seal.wrapping import EpochKeyMissing
from gateway.testing.clock import Clock
from tests.marks import promise

START = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    """Stands still."""
    return Clock(START)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fresh set of keys."""
    create(tmp_path / "keys", os.urandom, START)
    return tmp_path / "keys"


@pytest.fixture
def keys(folder: Path, clock: Clock) -> FileKeyring:
    """The keys."""
    return FileKeyring(folder, clock)


def shown(keys: FileKeyring) -> set[str]:
    """The kids that partners see."""
    return {one["kid"] for one in keys.public_jwks()["keys"]}


def test_every_file_is_the_owners_alone(folder: Path) -> None:
    """Folders 0700, files 0600; nothing half written stays beside them."""
    files = [path for path in folder.rglob("*") if path.is_file()]

    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / "epochs")} == {0o700}
    assert {path.suffix for path in files} == {".json", ".key"}


@pytest.mark.parametrize("use", ["grant", "notice"])
def test_a_retired_key_is_shown_until_nothing_it_signed_is_live(
    keys: FileKeyring, clock: Clock, use: str
) -> None:
    """Ten minutes after its last signature; the new one signs and is shown from the first."""
    old = keys.signing(use).kid
    new = keys.rotate(use, os.urandom).kid
    assert keys.signing(use).kid == new != old
    clock.advance(timedelta(minutes=9, seconds=59))
    assert {old, new} <= shown(keys)
    clock.advance(timedelta(seconds=1))

    assert old not in shown(keys)
    assert new in shown(keys)


@pytest.mark.parametrize("use", ["checkpoint", "certificate"])
def test_what_is_kept_for_years_is_verified_for_years(
    keys: FileKeyring, clock: Clock, use: str
) -> None:
    """The keys of checkpoints and certificates stay public, however many came after."""
    kids = {keys.signing(use).kid, *(keys.rotate(use, os.urandom).kid for _ in range(2))}
    clock.advance(timedelta(days=4000))

    assert len(kids) == 3
    assert kids <= shown(keys)


def test_an_issuers_key_is_believed_for_a_day_more_and_never_shown(
    keys: FileKeyring, clock: Clock
) -> None:
    """Services fetch new tokens meanwhile; at once where it was stolen."""
    old = keys.signing("issuer").kid
    new = keys.rotate("issuer", os.urandom).kid
    believed = [one["kid"] for one in keys.issuer_jwks()["keys"]]
    clock.advance(timedelta(days=1))
    after = [one["kid"] for one in keys.issuer_jwks()["keys"]]
    newest = keys.rotate("issuer", os.urandom, at_once=True).kid

    assert (believed, after) == ([old, new], [new])
    assert [one["kid"] for one in keys.issuer_jwks()["keys"]] == [newest]
    assert not {old, new, newest} & shown(keys)


def test_nothing_of_a_private_half_is_shown_or_left(keys: FileKeyring, folder: Path) -> None:
    """A set for partners has public members only, and of a retired key no file has the rest."""
    secret = keys.signing("grant").private_jwk["d"]
    keys.rotate("grant", os.urandom)
    members = {name for one in keys.public_jwks()["keys"] for name in one}

    assert members == {"kty", "crv", "kid", "use", "alg", "x"}
    assert all(secret not in path.read_text() for path in folder.glob("*.json"))
    again = FileKeyring(folder, lambda: START)
    assert [row.retired for row in again.signing_keys() if row.use == "grant"] == [True, False]


def test_a_process_that_dies_between_two_files_leaves_one_that_signs(
    keys: FileKeyring, folder: Path
) -> None:
    """Where the new key is there and the old one not retired yet, the newer one signs."""
    create_signing_key(folder, "notice", os.urandom, START + timedelta(seconds=5))
    again = FileKeyring(folder, lambda: START + timedelta(minutes=1))

    kids = [row.kid for row in again.signing_keys() if row.use == "notice"]
    assert again.signing("notice").kid == kids[-1] != keys.signing("notice").kid
    assert set(kids) <= shown(again)
    assert again.rotate("notice", os.urandom).kid == again.signing("notice").kid


def test_a_key_that_was_retired_by_hand_counts_from_the_newer_ones_start(folder: Path) -> None:
    """As the version before had it: marked `retired`, with the private half still there."""
    (path,) = folder.glob("grant-*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"retired": True}))
    create_signing_key(folder, "grant", os.urandom, START)
    early = FileKeyring(folder, lambda: START + timedelta(minutes=9))
    late = FileKeyring(folder, lambda: START + timedelta(minutes=10))

    old = json.loads(path.read_text())["kid"]
    assert old in shown(early)
    assert old not in shown(late)


@promise("K2")
def test_a_destroyed_epoch_is_nowhere(keys: FileKeyring, folder: Path) -> None:
    """Its file is overwritten before it goes, and no other process finds it any more."""
    (path,) = folder.glob("epochs/*.key")
    secret, handle = path.read_bytes(), path.open("rb")
    with handle:
        keys.begin_epoch(2, os.urandom)
        keys.destroy_epoch(1)
        assert handle.read() == bytes(len(secret))

    assert [row.number for row in keys.epochs()] == [2]
    assert all(secret not in one.read_bytes() for one in folder.rglob("*") if one.is_file())
    with pytest.raises(EpochKeyMissing):
        FileKeyring(folder).epoch(1)
    assert keys.epoch(1).number == 1
    keys.forget_epochs()
    with pytest.raises(EpochKeyMissing):
        keys.epoch(1)


def test_a_reader_beside_the_owner_finds_a_new_epoch(keys: FileKeyring, folder: Path) -> None:
    """Who has read the files before looks again for a number that it does not know."""
    reader = FileKeyring(folder)
    keys.begin_epoch(2, os.urandom)

    assert reader.epoch(2).fingerprint == keys.epoch(2).fingerprint


@pytest.mark.parametrize("content", [b"", bytes(31), bytes(33)], ids=["empty", "short", "long"])
def test_a_broken_epoch_is_no_epoch(folder: Path, content: bytes) -> None:
    """A file that holds no key is named, with what to do."""
    (path,) = folder.glob("epochs/*.key")
    path.write_bytes(content)

    with pytest.raises(ConfigError, match="restore it from its copy"):
        FileKeyring(folder)


def test_what_a_process_that_died_began_is_finished(tmp_path: Path) -> None:
    """A file that was to go is overwritten and gone; one that was to stay keeps its content."""
    dying, alive = tmp_path / "a.key.dying", tmp_path / "b.key"
    dying.write_bytes(b"to be destroyed")
    alive.write_bytes(b"to stay")
    os.link(alive, tmp_path / "b.key.dying")
    (tmp_path / "c.key.new").write_bytes(b"never used")
    (tmp_path / "head.note.new").write_bytes(b"somebody else's")
    durable.finish(tmp_path, ".key")

    assert {path.name for path in tmp_path.iterdir()} == {"b.key", "head.note.new"}
    assert alive.read_bytes() == b"to stay"


def test_a_key_is_never_put_in_the_place_of_another(folder: Path) -> None:
    """What is there stays, also when the same name is made again."""
    path = folder / "home.key"
    before = path.read_bytes()

    with pytest.raises(FileExistsError):
        durable.write_new(path, bytes(32))
    assert path.read_bytes() == before
    assert not list(folder.glob("*.new"))
