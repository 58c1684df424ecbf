"""What `deploy/` ships is checked by the tools of those who run it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
from ruamel.yaml import YAML

from gateway.cli import cli
from tests.marks import could_not_run, needs

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
COMPOSE = DEPLOY / "compose.yaml"
UNIT = DEPLOY / "gateway.service"
# Command line tools of the locked environment lie beside its interpreter.
TOOLS = Path(sys.executable).parent

# systemd-analyze's scale: 0 is locked in, 10 is a bare unit.
EXPOSURE_LIMIT = 2.0


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a checker and keep what it says."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def lint_dockerfile(path: Path) -> subprocess.CompletedProcess[str]:
    """Every finding of hadolint counts, also one of style."""
    return run(TOOLS / "hadolint", "--failure-threshold", "style", "--no-color", path)


def lint_compose(path: Path) -> subprocess.CompletedProcess[str]:
    """The compose specification comes with the checker; nothing is fetched."""
    return run(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)


def test_dockerfile_is_clean() -> None:
    """The Dockerfile has no finding of hadolint."""
    linted = lint_dockerfile(DOCKERFILE)

    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_dockerfile_linter_finds_mistakes(tmp_path: Path) -> None:
    """An unpinned base image would be found."""
    broken = tmp_path / "Dockerfile"
    broken.write_text("FROM python:latest\nRUN cd /srv\n", encoding="utf-8")

    assert lint_dockerfile(broken).returncode != 0


def test_image_runs_as_nobody_special_from_checked_packages() -> None:
    """The image pins its base, checks packages by hash, drops root and tells its health."""
    text = DOCKERFILE.read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    installs = [row for row in text.splitlines() if " install " in row and "pip" in row]
    users = re.findall(r"^USER (\d+)", text, re.MULTILINE)

    assert all(re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base) for base in bases)
    assert len(bases) == 2
    assert len(installs) == 3
    assert all("--require-hashes" in row or "--no-index" in row for row in installs)
    assert users[-1:] == ["10001"]
    assert "/healthz" in text
    assert re.search(r"^EXPOSE 8080 8081$", text, re.MULTILINE)
    assert '["gateway", "--home", "/var/lib/gateway", "serve"]' in text


def test_image_sees_no_home_and_no_key() -> None:
    """The build context is a list of what is let in, so keys and databases stay out."""
    rows = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [row for row in rows if row and not row.startswith("#")]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)

    assert rules[0] == "*"
    assert {name for row in copied for name in row.split()} == {
        row.removeprefix("!") for row in rules if row.startswith("!")
    }


def test_compose_file_is_valid() -> None:
    """The compose file follows the compose specification."""
    checked = lint_compose(COMPOSE)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_compose_checker_finds_mistakes(tmp_path: Path) -> None:
    """A misspelt key in a compose file would be found."""
    broken = tmp_path / "compose.yaml"
    text = COMPOSE.read_text(encoding="utf-8")
    broken.write_text(text.replace("    ports:", "    portz:"), encoding="utf-8")

    assert lint_compose(broken).returncode != 0


def test_compose_publishes_nothing_beyond_this_machine() -> None:
    """No listener is published to the outside, and the container can change only its home."""
    services = YAML(typ="safe").load(COMPOSE)["services"]

    assert [port.split(":")[0] for port in services["gateway"]["ports"]] == ["127.0.0.1"] * 2
    for service in services.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["user"] == "10001:10001"


def test_deployed_version_is_the_projects() -> None:
    """The image tag in the compose file is the version of the package."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    services = YAML(typ="safe").load(COMPOSE)["services"]

    assert services["gateway"]["image"] == f"sharing-gateway:{project['version']}"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that exists here in place of the installed one."""
    path = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    path.write_text(text.replace("/opt/gateway/bin/gateway", sys.executable), encoding="utf-8")
    return path


@needs("systemd-analyze", why="systemd itself reads deploy/gateway.service")
def test_unit_is_valid(unit: Path) -> None:
    """systemd understands every line of the unit."""
    verified = run("systemd-analyze", "verify", "--man=no", unit)
    said = [row for row in verified.stderr.splitlines() if UNIT.name in row]

    assert said == []
    assert verified.returncode == 0, verified.stderr


@needs("systemd-analyze", why="systemd itself reads deploy/gateway.service")
def test_unit_checker_finds_mistakes(unit: Path) -> None:
    """A misspelt setting in the unit would be found."""
    unit.write_text(unit.read_text().replace("ProtectSystem=", "ProtectSistem="), encoding="utf-8")

    assert "ProtectSistem" in run("systemd-analyze", "verify", "--man=no", unit).stderr


@needs("systemd-analyze", why="systemd itself scores deploy/gateway.service")
def test_unit_is_locked_in(unit: Path) -> None:
    """By systemd's own score the service is hardly exposed."""
    scored = run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    if "unrecognized option" in scored.stderr:
        could_not_run("this systemd-analyze cannot score a file; systemd 250 or newer can")
    overall = re.search(r"exposure level for \S+: ([\d.]+)", scored.stdout)

    assert overall is not None, scored.stderr
    assert float(overall[1]) < EXPOSURE_LIMIT


def test_unit_reloads_and_stops_as_the_gateway_expects() -> None:
    """A reload sends SIGHUP, a stop SIGTERM, and broken configuration is not tried again."""
    text = UNIT.read_text(encoding="utf-8")

    assert "ExecReload=/bin/kill -HUP $MAINPID" in text
    assert "KillSignal=SIGTERM" in text
    assert "RestartPreventExitStatus=2" in text


RUNBOOKS = DEPLOY / "runbooks"


def sources() -> str:
    """The program's text, its strings put together and what varies in them left out."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "gateway").rglob("*.py"))
    )
    return re.sub(r"\{[^{}\n]*\}", "…", re.sub(r'"\s*\n\s*f?"', "", text))


def test_every_runbook_that_the_program_names_is_there() -> None:
    """What a message points to can be opened."""
    named = set(re.findall(r"deploy/runbooks/([a-z-]+\.md)", sources()))

    assert named == {"ledger-contradiction.md", "restored-backup.md"}
    assert all((RUNBOOKS / name).is_file() for name in named)


def test_every_message_that_the_runbook_explains_is_one_of_the_program() -> None:
    """The table is of messages as they are written today."""
    page = (RUNBOOKS / "ledger-contradiction.md").read_text(encoding="utf-8")
    rows = [row.split(" | ")[0] for row in page.splitlines() if row.startswith("| `")]
    messages = [message for row in rows for message in re.findall(r"`([^`]+)`", row)]
    text = sources()

    assert len(messages) > 10
    for message in messages:
        for part in message.split("…"):
            assert part.replace("tile/", "").strip() in text, message


@pytest.mark.parametrize("name", sorted(path.name for path in RUNBOOKS.glob("*.md")))
def test_a_runbook_names_only_what_there_is(name: str) -> None:
    """Every command named in the text, and every program in a line of shell, is one that exists."""
    page = (RUNBOOKS / name).read_text(encoding="utf-8")
    called = re.findall(r"`gateway ((?:[a-z-]+ ?)+)", page)
    programs = re.findall(r'python3 -c "([^"]+)"', page)

    assert all(command_of(words.split()) is not None for words in called)
    assert all(compile(program, name, "exec") for program in programs)
    assert "```sh" in page


def command_of(words: list[str]) -> click.Command | None:
    """The command that these words begin with."""
    found: click.Command | None = cli
    for word in words:
        if not isinstance(found, click.Group):
            break
        found = found.get_command(click.Context(found), word)
    return found
