"""Builders give something valid and change the one thing that a test is about."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from ruamel.yaml import YAML

from gateway.policy.load import load_home
from gateway.testing import builders
from gateway.testing.authority import Authority
from gateway.testing.builders import (
    REMOVE,
    Only,
    a_home,
    a_manifest,
    a_route,
    a_token,
    issuer_key,
    merged,
    write_manifest,
)
from gateway.testing.keys import public_jwk, signature_jwk
from gateway.testing.partner import FakePartner

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 1)
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home as far as tokens and manifests need one."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "partners").mkdir()
    key = signature_jwk("issuer-20260101-aa")
    old = signature_jwk("issuer-20260201-bb") | {"retired": True}
    for one in (key, old):
        (tmp_path / "keys" / f"{one['kid']}.jwk.json").write_text(json.dumps(one))
    (tmp_path / "gateway.toml").write_text('[[issuer]]\niss = "home"\naud = "gateway"\n')
    return tmp_path


def read(path: Path) -> Any:
    """A document as another program reads it."""
    return YAML(typ="safe").load(path)


def test_changes_are_merged_deeply() -> None:
    """Members of mappings change one by one; a list or a value is replaced; both stay intact."""
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 3}
    changed = merged(base, {"a": {"c": [9]}, "e": 4})

    assert changed == {"a": {"b": 1, "c": [9]}, "d": 3, "e": 4}
    assert merged(base, {"a": {"b": REMOVE}, "d": REMOVE}) == {"a": {"c": [1, 2]}}
    assert merged(base, {"a": Only({"z": 1})}) == {"a": {"z": 1}, "d": 3}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 3}


def test_a_manifest_takes_the_one_thing_that_changes() -> None:
    """A manifest for a test differs from the usual one only in what was said."""
    url = "http://127.0.0.1:1"
    usual = a_manifest(base_url=url)
    ends = a_manifest(base_url=url, agreement={"expires": date(2026, 1, 10)})
    short = a_manifest(base_url=url, routes={"create-shipment": {"retention": "1d"}})

    assert ends["agreement"]["expires"] == date(2026, 1, 10)
    assert ends | {"agreement": usual["agreement"]} == usual
    assert short["routes"]["create-shipment"] == a_route(retention="1d")
    assert "agreement" not in a_manifest(base_url=url, agreement=REMOVE)


async def test_a_partner_is_onboarded_with_keys_and_root(home: Path, tmp_path: Path) -> None:
    """Writing a manifest leaves everything beside it that it refers to, and no private key."""
    certificate = Authority.create(NOW).issue(tmp_path / "tls")
    async with FakePartner("fast-parcel", tls=certificate) as partner:
        path = write_manifest(home, partner)
        manifest = read(path)

    assert path == home / "partners" / "fast-parcel.yaml"
    assert manifest["upstream"]["base_url"] == partner.base_url
    assert manifest["deletion"]["url"] == partner.notices_url
    assert manifest["agreement"]["expires"] == date(2028, 3, 1)
    jwks = json.loads((path.parent / manifest["keys"]).read_text())
    assert jwks == partner.keys.public_jwks()
    root = path.parent / manifest["upstream"]["tls"]["ca"].removeprefix("file:")
    assert root.read_bytes() == certificate.ca.read_bytes()
    secret = str(partner.keys.signature["d"])
    written = [file.read_text() for file in (home / "partners").rglob("*") if file.is_file()]
    assert not any(secret in text for text in written)


async def test_the_usual_manifest_loads_strictly(home: Path) -> None:
    """Under the default policies the builder's manifest has no problem and earns no warning."""
    async with FakePartner() as partner:
        write_manifest(home, partner)
        loaded = load_home(
            ROOT / "policies", home / "partners", home_territory="CN", strict=True, today=TODAY
        )

    [loaded_partner] = loaded.policy.partners.values()
    assert loaded_partner.upstream is not None
    assert loaded_partner.upstream.base_url == partner.base_url


async def test_what_a_test_says_of_tls_stays(home: Path, tmp_path: Path) -> None:
    """A manifest that names its own root, or pins, is not corrected."""
    certificate = Authority.create(NOW).issue(tmp_path / "tls")
    async with FakePartner(tls=certificate) as partner:
        tls = {"ca": "file:keys/other.pem", "pins": [certificate.pin]}
        manifest = a_manifest(base_url=partner.base_url, upstream={"tls": tls})
        path = write_manifest(home, partner, manifest)

    assert read(path)["upstream"]["tls"] == tls


def test_a_token_says_what_it_was_given(home: Path) -> None:
    """A service token verifies with the home's live issuer key and carries the claims asked for."""
    token = a_token(home, service="billing", purposes=("payment",), ttl=timedelta(minutes=5))
    key = jwt.PyJWK.from_dict(public_jwk(issuer_key(home)))
    claims = jwt.decode(token, key, algorithms=["EdDSA"], audience="gateway", issuer="home")

    assert jwt.get_unverified_header(token)["kid"] == "issuer-20260101-aa"
    assert (claims["sub"], claims["scope"], claims["partners"]) == ("billing", "share", ["*"])
    assert (claims["purposes"], claims["exp"] - claims["iat"]) == (["payment"], 300)
    assert "grounds" not in claims


def test_a_token_can_be_wrong_in_one_thing(home: Path) -> None:
    """Any claim can be changed or taken away, and the time can be another."""
    token = a_token(home, now=NOW - timedelta(days=1), aud="elsewhere", sub=REMOVE, partners=None)
    claims = jwt.decode(token, options={"verify_signature": False})

    assert claims["aud"] == "elsewhere"
    assert claims["exp"] == int((NOW - timedelta(hours=23)).timestamp())
    assert not {"sub", "partners"} & claims.keys()


async def test_a_home_from_a_template(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A home copied from a template has its keys and only the partners of the test."""
    (home / "partners" / "default.yaml").write_text("partner: default\n")
    (home / "policies" / "cases").mkdir(parents=True)
    (home / "policies" / "purposes.yaml").write_text("{}\n")
    (home / "policies" / "cases" / "default.yaml").write_text("[]\n")
    folder = tmp_path_factory.mktemp("copy")
    async with FakePartner() as partner:
        made = await a_home(folder, [partner], template=home)

    assert [path.name for path in (made / "partners").glob("*.yaml")] == ["swift-parcel.yaml"]
    assert not list((made / "policies" / "cases").iterdir())
    assert (made / "policies" / "purposes.yaml").exists()
    assert issuer_key(made) == issuer_key(home)


async def test_a_home_that_cannot_be_made_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the command fails, its own words are in the error."""
    program = ["python3", "-c", "import sys; sys.exit('the folder is not empty')"]
    monkeypatch.setattr(builders, "gateway_command", lambda *arguments: program)

    with pytest.raises(RuntimeError, match=re.escape("the folder is not empty")):
        await a_home(tmp_path)
