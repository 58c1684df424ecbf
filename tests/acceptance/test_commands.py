"""`init check token explain` and wrong use, as processes (contract §3)."""

import base64
import json
import re
import shutil
import subprocess
import tomllib
import venv
from datetime import date
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.cli.start import make_home
from gateway.testing.builders import a_manifest, issuer_settings, write_yaml
from tests.acceptance.commands import PYTHON, Done, no_traceback, run
from tests.marks import could_not_run, promise

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


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["check", "--nothing"],
        ["token"],
        ["token", "--service", "x"],
        ["token", "--service", "x", "--scope", "share", "--ttl", "soon"],
        ["token", "--service", "x", "--scope", "share", "--ttl", "0s"],
        ["explain"],
        ["partner"],
        ["partner", "suspend"],
        ["ledger", "verify", "no-such-file"],
        ["ledger", "prove"],
        ["ledger", "prove", "shr_x", "--index", "1"],
        ["ledger", "export"],
        ["subject", "disclosures"],
        ["serve", "--workers", "0"],
        ["serve", "--workers", "4"],
        ["init"],
    ],
    ids=" ".join,
)
def test_wrong_use_is_exit_2(arguments: list[str], home: Path) -> None:
    """Said in a sentence, never in a traceback."""
    done = run(*arguments, home=home)

    assert done.code == 2
    no_traceback(done)


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["serve"],
        ["partner", "list"],
        ["ledger", "verify"],
        ["subject", "consents", "u-1"],
        ["token", "--service", "x", "--scope", "share"],
    ],
    ids=" ".join,
)
def test_a_folder_that_is_no_home_is_exit_2(arguments: list[str], tmp_path: Path) -> None:
    """Every command says how to make one."""
    done = run(*arguments, home=tmp_path)

    assert done.code == 2
    assert "gateway init" in done.err
    no_traceback(done)


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("GATEWAY_LISTEN__INTERNAL", "8080", "listen.internal"),
        ("GATEWAY_EGRESS__ALLOW", "everything", "egress.allow"),
        ("GATEWAY_LIMITS__BODY", "a lot", "limits.body"),
        ("GATEWAY_PUBLIC__URL", "sharing.shop.example", "public.url"),
        ("GATEWAY_STORAGE__URL", "mysql://x/y", "storage.url"),
        ("GATEWAY_LOG__LEVEL", "loud", "log.level"),
    ],
)
def test_a_broken_setting_is_exit_2(setting: str, value: str, named: str, home: Path) -> None:
    """The setting is named, and what to write instead."""
    done = run("serve", home=home, settings={setting: value})

    assert done.code == 2
    assert named in done.err
    no_traceback(done)


def test_help_answers_for_every_command() -> None:
    """`--help` is exit 0 everywhere and names what the contract names."""
    top = run("--help")
    for command in ("init", "serve", "check", "explain", "token", "demo"):
        assert command in top.out
        assert run(command, "--help").code == 0
    for group, names in (
        ("partner", ("list", "show", "suspend", "resume")),
        ("subject", ("disclosures", "consents")),
        ("ledger", ("verify", "prove", "export")),
    ):
        shown = run(group, "--help")
        assert shown.code == 0
        assert all(name in shown.out for name in names)
    assert run("--version").code == 0


# check


def test_the_default_set_is_sound(home: Path) -> None:
    """No problem, every decision case passes, and each clause says what covers it."""
    done = run("check", home=home)
    value = run("check", home=home, as_json=True).json()
    clauses = {row["clause"]: row for row in value["clauses"]}

    assert done.code == 0
    assert value["ok"] is True
    assert value["cases"]["failed"] == []
    assert value["cases"]["passed"] > 50
    assert {"S1", "S4a", "C2", "M1", "K1", "D2", "T1-3"} <= set(clauses)
    for row in clauses.values():
        assert row["by"] or row["missing"] or row["enforced_by"]
    assert "S4a" in done.out
    assert run("check", "--strict", home=home).code in (0, 2)


def broken(home: Path, **changes: Any) -> Path:
    """A courier's manifest with a mistake, in the home."""
    return write_yaml(
        home / "partners/swift-parcel.yaml",
        a_manifest("swift-parcel", base_url="https://api.swift-parcel.example", **changes),
    )


def test_a_problem_is_told_with_its_place(home: Path) -> None:
    """`file:line:column: message`, all of them, and what to write instead; exit 2."""
    manifest = broken(home, routes={"create-shipment": {"purpose": "order-fulfillment@1"}})
    text = manifest.read_text()
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "order-fulfillment" in row)
    done = run("check", home=home)
    value = run("check", home=home, as_json=True)
    rows = [row for row in done.err.splitlines() if ": warning:" not in row]

    assert done.code == value.code == 2
    assert any(
        re.match(rf"partners/swift-parcel\.yaml:{line}:\d+: .*order-fulfilment@1", row)
        for row in rows
    )
    problems = value.json()["problems"]
    assert value.json()["ok"] is False
    assert any(
        (one["line"], one["file"]) == (line, "partners/swift-parcel.yaml") for one in problems
    )
    no_traceback(done)


def test_what_check_refuses_serve_refuses(home: Path) -> None:
    """A broken set does not start, and says the same."""
    broken(home, routes={"create-shipment": {"retention": "soon"}})
    checked, served = run("check", home=home), run("serve", home=home)

    assert (checked.code, served.code) == (2, 2)
    assert "partners/swift-parcel.yaml:" in served.err
    no_traceback(served)


def test_broken_yaml_is_told_with_its_place(home: Path) -> None:
    """A file that is no YAML at all has a line and a column too."""
    (home / "partners/swift-parcel.yaml").write_text("partner: swift-parcel\nroutes: [\n")
    done = run("check", home=home)

    assert done.code == 2
    assert re.search(r"^partners/swift-parcel\.yaml:\d+:\d+: ", done.err, re.MULTILINE)


def test_strict_makes_a_warning_an_error(home: Path) -> None:
    """Free text that can say anything is a warning, and with `--strict` a problem."""
    broken(home, routes={"create-shipment": {"send": {"/remark": {"category": "none"}}}})
    lenient, strict = run("check", home=home), run("check", "--strict", home=home)

    assert lenient.code == 0
    assert "warning:" in lenient.said
    assert "/remark" in lenient.said
    assert strict.code == 2
    assert "/remark" in strict.err


def test_a_decision_case_that_fails_is_exit_1(home: Path) -> None:
    """The cases beside the policy are its tests."""
    (home / "policies/cases/mine.yaml").write_text(
        "- it: is carried although nothing was agreed\n"
        "  now: 2026-11-01T00:00:00Z\n"
        "  ask: {partner: bright-reach, route: report-event, purpose: advertising}\n"
        "  expect: {permitted: true, clause: S1}\n"
    )
    done = run("check", home=home)
    value = run("check", home=home, as_json=True).json()

    assert done.code == 1
    assert "although nothing was agreed" in done.said
    assert len(value["cases"]["failed"]) == 1
    assert value["ok"] is False


def test_a_home_without_defaults_is_sound(home: Path) -> None:
    """Manifests and cases may be taken out, some or all: coverage is told, nothing more."""
    (home / "partners/city-court.yaml").unlink()
    some = run("check", home=home)
    for path in [*(home / "partners").glob("*.yaml"), *(home / "policies/cases").glob("*")]:
        path.unlink()
    none = run("check", home=home)
    shutil.rmtree(home / "policies/cases")
    bare = run("check", home=home)

    assert [one.code for one in (some, none, bare)] == [0, 0, 0]


# token


def claims_of(done: Done) -> dict[str, Any]:
    """What a token says, unverified."""
    part = done.out.strip().split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


@promise("P5")
def test_a_token_stands_alone_on_standard_output(home: Path) -> None:
    """Nothing but the token, with what was asked for and no more."""
    done = run(
        *("token", "--service", "shop", "--scope", "share", "--scope", "subject:read"),
        *("--partner", "swift-parcel", "--purpose", "order-fulfilment", "--purpose", "payment"),
        home=home,
    )
    claims = claims_of(done)
    settings = issuer_settings(home)

    assert done.code == 0
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", done.out)
    assert done.err == ""
    assert claims["sub"] == "shop"
    assert set(claims["scope"].split()) == {"share", "subject:read"}
    assert claims["partners"] == ["swift-parcel"]
    assert claims["purposes"] == ["order-fulfilment", "payment"]
    assert "grounds" not in claims
    assert claims["exp"] - claims["iat"] == 3600
    assert (claims["iss"], claims["aud"]) == (settings["iss"], settings["aud"])


def test_a_token_may_name_grounds_and_live_shorter(home: Path) -> None:
    """`--ground` and `--ttl`, and as JSON with `--json`."""
    arguments = ("token", "--service", "s", "--scope", "share", "--ground", "consent")
    done = run(*arguments, "--ttl", "90s", home=home)
    as_json = run(*arguments, home=home, as_json=True)
    claims = claims_of(done)

    assert claims["grounds"] == ["consent"]
    assert claims["exp"] - claims["iat"] == 90
    assert claims["partners"] == claims["purposes"] == []
    assert set(as_json.json()) == {"token"}


def test_a_scope_that_does_not_exist_is_wrong_use(home: Path) -> None:
    """A misspelled scope would make a token that opens nothing."""
    done = run("token", "--service", "s", "--scope", "shares", home=home)

    assert done.code == 2
    assert "shares" in done.err


# explain


def explain(home: Path, **changes: Any) -> Done:
    """What would become of the order."""
    body = home.parent / "order.json"
    body.write_text(json.dumps(changes.pop("body", ORDER), ensure_ascii=False), "utf-8")
    options = {
        "--partner": "swift-parcel",
        "--route": "POST /v2/shipments/order-1001",
        "--purpose": "order-fulfilment",
        "--subject": "user-42",
        "--body": str(body),
        **{f"--{name}": value for name, value in changes.items()},
    }
    arguments = [part for pair in options.items() for part in pair]
    return run("explain", *arguments, home=home, as_json=True)


def test_explain_tells_field_by_field(home: Path) -> None:
    """What leaves, how, under which clause; undeclared fields are named here and only here."""
    done = explain(home)
    value = done.json()
    fates = {one["pointer"]: one for one in value["fields"]}

    assert done.code == 0
    assert (value["decision"], value["ground"]) == ("permitted", "core-function")
    assert fates["/birthday"]["fate"] == "dropped"
    assert fates["/items/0/price"]["fate"] == "dropped"
    assert fates["/recipient/phone"]["fate"] == "sealed"
    assert fates["/recipient/phone"]["category"] == "basic.phone"
    assert fates["/recipient/name"]["fate"] not in ("dropped", "sealed")
    assert all(one["why"] for one in value["fields"])
    assert {"S4a", "S3"} <= {clause for one in value["checks"] for clause in one["clause"]}
    for secret in ("欧阳明", "13800138000", "锦江区", "1990"):
        assert secret not in done.said


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "payment"}, "purpose-not-permitted"),
        ({"purpose": "shipping"}, "purpose-unknown"),
        ({"ground": "dispute"}, "evidence-missing"),
        ({"ground": "dispute", "evidence": '"CASE"'}, "evidence-not-valid"),
        ({"partner": "nobody"}, "partner-unknown"),
        ({"route": "POST /v2/nothing"}, "route-not-declared"),
        ({"route": "GET /v2/shipments/x/y"}, "route-not-declared"),
        ({"subject": "x" * 257}, "subject-malformed"),
    ],
    ids=str,
)
def test_explain_says_why_not(changes: dict[str, str], code: str, home: Path) -> None:
    """A refusal is exit 1, with its code, clause and remedy."""
    done = explain(home, **changes)
    value = done.json()

    assert done.code == 1
    assert (value["decision"], value["code"]) == ("refused", code)
    assert value["remedy"]
    assert isinstance(value["clause"], list)


def test_explain_says_that_a_field_would_refuse(home: Path) -> None:
    """A share that would be refused for its fields is not explained as permitted."""
    done = explain(home, body={"recipient": {"name": "欧阳明"}})
    value = done.json()

    assert done.code == 1
    assert value["decision"] == "refused"
    assert value["code"] == "required-field-missing"


def test_explain_records_nothing(home: Path) -> None:
    """No file of the home changes, and there is no store where there was none."""
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert explain(home).code == 0
    assert explain(home, purpose="payment").code == 1

    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_explain_is_readable(home: Path) -> None:
    """Without `--json` it is a text for a person."""
    arguments = ("--partner", "swift-parcel", "--route", "POST /v2/shipments/x")
    done = run("explain", *arguments, "--purpose", "payment", "--subject", "u", home=home)

    assert done.code == 1
    assert "purpose-not-permitted" in done.out
    assert "S3" in done.out


@promise("S4a")
def test_explain_knows_what_time_it_is(home: Path) -> None:
    """An agreement that is over is told as over."""
    broken(home, agreement={"expires": date(2026, 8, 1)})
    value = explain(home).json()

    assert (value["code"], value["clause"]) == ("agreement-expired", ["S4a"])
