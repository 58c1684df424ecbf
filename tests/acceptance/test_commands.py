"""`init check token explain` and wrong use, as processes (contract §3)."""

import json
import re
import shutil
import subprocess
import tomllib
import venv
from pathlib import Path

import jwt
import pytest

from gateway.cli.start import make_home
from gateway.testing.builders import a_manifest, write_yaml
from tests.acceptance.commands import PYTHON, no_traceback, run
from tests.marks import could_not_run

ROOT = Path(__file__).resolve().parents[2]
ORDER = {
    "recipient": {"name": "欧阳明", "phone": "13800138000", "address": "成都市锦江区1号"},
    "items": [{"sku": "TEA-01", "price": 39.9}],
    "birthday": "1990-05-01",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home as `gateway init` makes it."""
    make_home(tmp_path / "home")
    return tmp_path / "home"


def test_a_home_is_made_in_a_new_or_an_empty_folder(tmp_path: Path) -> None:
    """All of its folders, the whole default set, and keys for their owner only."""
    (tmp_path / "empty").mkdir()
    for name in ("new/below", "empty"):
        home = tmp_path / name
        assert run("init", home).code == 0
        for part in ("gateway.toml", "policies", "partners/keys", "keys", "data"):
            assert (home / part).exists()
        assert tomllib.loads((home / "gateway.toml").read_text())["home"]["territory"] == "CN"
        assert {path.stat().st_mode & 0o077 for path in (home / "keys").iterdir()} == {0}
        for documents in ("policies", "partners"):
            names = {p.relative_to(ROOT / documents) for p in (ROOT / documents).rglob("*.yaml")}
            assert {
                p.relative_to(home / documents) for p in (home / documents).rglob("*.yaml")
            } == names
    assert run("check", home=tmp_path / "empty").code == 0


def test_a_home_is_never_made_over_another(home: Path) -> None:
    """A second `init` changes nothing and says what is in its way."""
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    again = run("init", home)

    assert again.code == 2
    assert "gateway.toml" in again.err
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_two_homes_have_nothing_in_common(tmp_path: Path) -> None:
    """Every key of a home is its own."""
    for name in ("one", "two"):
        make_home(tmp_path / name)
    keys = [
        {json.loads(path.read_text())["d"] for path in (tmp_path / name / "keys").glob("*.json")}
        | {(tmp_path / name / "keys/home.key").read_bytes().hex()}
        for name in ("one", "two")
    ]

    assert not keys[0] & keys[1]


def test_a_home_may_be_the_folder_one_is_in(home: Path) -> None:
    """`--home` is this folder unless said otherwise, and stands before the command."""
    assert run("check", folder=home).code == 0
    assert run("check", "--home", home).code == 2


@pytest.mark.timeout(120)
def test_a_wheel_makes_a_home_in_an_empty_folder(tmp_path: Path) -> None:
    """Installed from a wheel, in a new environment, `gateway init` needs no checkout."""
    built = subprocess.run(
        [PYTHON, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    site = Path(jwt.__file__).parents[1]
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    (library,) = (tmp_path / "venv/lib").glob("python*/site-packages")
    shutil.unpack_archive(wheel, library, "zip")
    # What the wheel needs stands in the environment of this test; nothing is downloaded.
    (library / "dependencies.pth").write_text("\n".join(str(p) for p in [site] if p != ROOT) + "\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    command = [str(tmp_path / "venv/bin/python"), "-m", "gateway"]
    code = "import gateway; print(gateway.__file__)"
    where = subprocess.run([command[0], "-c", code], cwd=empty, capture_output=True, text=True)
    if str(library) not in where.stdout:
        could_not_run("an environment of its own does not come first on the path here")
    for arguments in (["init", "."], ["check"]):
        ended = subprocess.run([*command, *arguments], cwd=empty, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
    assert (empty / "policies/purposes.yaml").is_file()
    assert len(list((empty / "partners").glob("*.yaml"))) == len(
        list((ROOT / "partners").glob("*.yaml"))
    )


def test_wrong_use_is_exit_2(home: Path) -> None:
    """Said in a sentence, never in a traceback."""
    for arguments in (["nothing"], ["token", "--service", "x"], ["serve", "--workers", "4"]):
        done = run(*arguments, home=home)
        assert done.code == 2
        no_traceback(done)


def test_a_broken_setting_stops_the_start(home: Path) -> None:
    """The setting is named, and what to write instead."""
    done = run("serve", home=home, settings={"GATEWAY_EGRESS__ALLOW": "everything"})

    assert done.code == 2
    assert "egress.allow" in done.err
    no_traceback(done)


def test_what_check_refuses_serve_refuses(home: Path) -> None:
    """A broken set does not start, and says the same."""
    manifest = a_manifest("swift-parcel", base_url="https://api.swift-parcel.example")
    manifest["routes"]["create-shipment"]["retention"] = "soon"
    write_yaml(home / "partners/swift-parcel.yaml", manifest)
    checked, served = run("check", home=home), run("serve", home=home)

    assert (checked.code, served.code) == (2, 2)
    assert "partners/swift-parcel.yaml:" in checked.err
    assert "partners/swift-parcel.yaml:" in served.err
    no_traceback(served)


def test_a_token_stands_alone_on_standard_output(home: Path) -> None:
    """Nothing but the token, so that a shell can take it."""
    done = run("token", "--service", "shop", "--scope", "share", home=home)

    assert done.code == 0
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", done.out)
    assert done.err == ""


def test_explain_answers_with_its_exit_code(home: Path) -> None:
    """0 where the share would be carried, 1 where it would not; no value is shown."""
    body = home.parent / "order.json"
    body.write_text(json.dumps(ORDER, ensure_ascii=False), "utf-8")
    asked = ("--partner", "swift-parcel", "--route", "POST /v2/shipments/order-1001")
    about = ("--subject", "user-42", "--body", body)
    yes = run("explain", *asked, "--purpose", "order-fulfilment", *about, home=home)
    no = run("explain", *asked, "--purpose", "payment", *about, home=home)

    assert (yes.code, no.code) == (0, 1)
    assert "/birthday" in yes.out
    assert "purpose-not-permitted" in no.out
    for secret in ("欧阳明", "13800138000", "锦江区", "1990"):
        assert secret not in yes.said + no.said
