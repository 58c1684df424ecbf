"""Wrong use, broken homes and broken settings end in a sentence (contract §3)."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import COMMANDS
from tests.unit.cli.calling import call


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
    done = call(*arguments, home=home)

    assert done.code == 2
    assert done.err.strip()


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
    done = call(*arguments, home=tmp_path)

    assert done.code == 2
    assert "gateway init" in done.err
    assert done.err.strip()


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("GATEWAY_LISTEN__INTERNAL", "8080", "listen.internal"),
        ("GATEWAY_LIMITS__BODY", "a lot", "limits.body"),
        ("GATEWAY_PUBLIC__URL", "sharing.shop.example", "public.url"),
        ("GATEWAY_STORAGE__URL", "mysql://x/y", "storage.url"),
        ("GATEWAY_LOG__LEVEL", "loud", "log.level"),
        ("GATEWAY_EGRESS__ALLOW", "10.0.0.0/99", "egress.allow"),
        ("GATEWAY_EGRESS__PLAINTEXT", "loopback", "egress.plaintext"),
    ],
)
@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_broken_setting_is_exit_2(
    command: str, setting: str, value: str, named: str, home: Path
) -> None:
    """The setting is named, and what to write instead; `check` finds what `serve` would."""
    done = call(command, home=home, settings={setting: value})

    assert done.code == 2
    assert named in done.err
    assert done.err.strip()


def test_help_answers_for_every_command() -> None:
    """`--help` is exit 0 everywhere and names what the contract names."""
    top = call("--help")
    for command in ("init", "serve", "check", "explain", "token", "demo"):
        assert command in top.out
        assert call(command, "--help").code == 0
    for group, names in (
        ("partner", ("list", "show", "suspend", "resume")),
        ("subject", ("disclosures", "consents")),
        ("ledger", ("verify", "prove", "export")),
    ):
        shown = call(group, "--help")
        assert shown.code == 0
        assert all(name in shown.out for name in names)
    assert call("--version").code == 0


HELP = """
import sys
from click.testing import CliRunner
from gateway.cli import COMMANDS, cli
for name in COMMANDS:
    for sub in ((), *((one,) for one in getattr(cli.get_command(None, name), "commands", ()))):
        assert CliRunner().invoke(cli, [name, *sub, "--help"]).exit_code == 0, (name, sub)
heavy = {"aiohttp", "pydantic", "prometheus_client", "ruamel", "sqlite3"}
print(len(COMMANDS), sorted(heavy & sys.modules.keys()))
"""


def test_help_answers_at_once() -> None:
    """No command loads what only its work needs before it is asked for work."""
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == f"{len(COMMANDS)} []"


@pytest.mark.parametrize("url", ["postgresql://db.example/x", "sqlite://", "gateway.db"])
def test_a_store_that_cannot_be_had_is_exit_2(url: str, home: Path) -> None:
    """PostgreSQL, which is not there yet, and what is nothing are told from a path."""
    done = call("ledger", "verify", home=home, settings={"GATEWAY_STORAGE__URL": url})

    assert done.code == 2
    assert "storage.url" in done.err


@pytest.mark.parametrize("whom", ["list", "everybody"])
def test_a_mass_case_that_makes_no_sense_is_exit_2(whom: str, home: Path, tmp_path: Path) -> None:
    """For a list of people as for everybody, the place is named and what to write there."""
    ids = tmp_path / "ids.txt"
    ids.write_text("u-1\n", encoding="utf-8")
    people = ("--subjects", ids) if whom == "list" else ("--everybody",)
    done = call("case", "mass", "open", "--reason", "x", "--reference", "r", *people, home=home)

    assert done.code == 2
    assert "reason: write one of user-request" in done.err
