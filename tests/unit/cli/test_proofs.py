"""Proofs as files: written by commands, checked by the separate verifier; and witnesses as settings."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway import config as settings
from gateway import verifier, wiring
from gateway.errors import ConfigError
from gateway.flows import people
from gateway.keyring import FileKeyring
from gateway.ledger.note import Verifier
from gateway.model.ids import CategoryId, GroundId, PartnerId, PurposeId, SubjectId
from gateway.model.settings import Config
from gateway.testing.witness import FakeWitness
from tests.unit.cli.calling import call
from tests.unit.ledger.builders import KEY

WITNESS = FakeWitness("witness.example/w1", key=KEY)
TABLE = f'[[witness]]\nurl = "https://witness.example/"\nkey = "{WITNESS.vkey}"\n'
ANOTHER = FakeWitness("witness.example/w2").vkey


def declared(home: Path) -> str:
    """One declared disclosure in a home's ledger; its share."""

    async def declare() -> str:
        async with wiring.opened(settings.load(home, {})) as gateway:
            one = people.Declared(
                subject=SubjectId("u-1"),
                partner=PartnerId("swift-parcel"),
                purpose=PurposeId("order-fulfilment"),
                purpose_version=1,
                ground=GroundId("core-function"),
                fields=("/name",),
                categories=(CategoryId("basic.name"),),
                at=datetime(2026, 1, 1, tzinfo=UTC),
                retention_until=datetime(2026, 2, 1, tzinfo=UTC),
            )
            return (await people.declare(gateway, [one], "test"))[0]

    return asyncio.run(declare())


def test_proofs_are_written_as_files_that_verify(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`subject disclosures --proofs` and `ledger prove --out` write each leaf and its proof side by side, and
    the separate verifier takes them as they lie there."""
    share = declared(home)
    trust = tmp_path / "jwks.json"
    keys = FileKeyring(home / "keys").public_jwks()
    trust.write_text(json.dumps(keys))
    told = call("subject", "disclosures", "u-1", "--proofs", tmp_path / "person", home=home)
    proven = call("ledger", "prove", share, "--out", tmp_path / "operator", home=home)

    assert (told.code, proven.code) == (0, 0), told.said + proven.said
    for folder in ("person", "operator"):
        leaf, proof = sorted((tmp_path / folder).iterdir())
        assert leaf.name == proof.name.replace(".tlog-proof", ".leaf.json")
        assert proof.name.startswith(f"{share}-")
        assert verifier.main([str(proof), "--trust", str(trust)]) == 0
        leaf.write_bytes(leaf.read_bytes().replace(b"/name", b"/mame"))
        assert verifier.main([str(proof), "--trust", str(trust)]) == 1
    assert "leads to another root" in capsys.readouterr().out


def with_settings(home: Path, text: str) -> Config:
    """The home's settings with more of them."""
    path = home / "gateway.toml"
    before = path.read_text()
    path.write_text(f"{before}\n{text}")
    try:
        return settings.load(home, {})
    finally:
        path.write_text(before)


def test_witnesses_are_read_from_the_settings(home: Path) -> None:
    """A witness has an address and a key, and is called as its key says; the quorum is at least one."""
    config = with_settings(home, TABLE)
    (witness,) = config.witnesses

    assert (witness.name, witness.key) == ("witness.example/w1", WITNESS.vkey)
    assert witness.url == "https://witness.example"
    assert config.witness_quorum == 1
    assert with_settings(home, "").witnesses == ()


@pytest.mark.parametrize(
    "text",
    [
        "[[witness]]\n",
        TABLE.replace("https://witness.example/", "witness.example"),
        TABLE.replace("https://witness.example/", "https://witness.example/?a=b"),
        TABLE.replace(WITNESS.vkey, str(Verifier("witness.example/w1", KEY.public_key()))),
        TABLE.replace(WITNESS.vkey, WITNESS.vkey[:-4]),
        f'{TABLE}name = "w1"\n',
        TABLE + TABLE,
        TABLE + TABLE.replace(WITNESS.vkey, FakeWitness("witness.example/w2", key=KEY).vkey),
        f"[ledger]\nwitness_quorum = 2\n{TABLE}",
        "[ledger]\nwitness_quorum = 1\n",
        f"[ledger]\nwitness_quorum = -1\n{TABLE}",
        '[witness]\nurl = "https://witness.example"\n',
    ],
    ids=[str(number) for number in range(12)],
)
def test_witnesses_that_cannot_be_meant_are_refused(home: Path, text: str) -> None:
    """A witness without key or address, with another kind of key, named twice, or a quorum that nobody can
    reach, stops the start and is named."""
    with pytest.raises(ConfigError, match="witness"):
        with_settings(home, text)
    assert len(with_settings(home, TABLE + TABLE.replace(WITNESS.vkey, ANOTHER)).witnesses) == 2
