"""What the repository holds, what it must not hold, and what the wheel carries."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.marks import could_not_run, needs

ROOT = Path(__file__).resolve().parents[2]

TOP = {
    *("gateway", "partners", "policies", "tests", "deploy", "docs", ".ci"),
    *("pyproject.toml", "requirements.lock", "requirements-dev.lock", "requirements-build.lock"),
    *("Makefile", "README.md", "CHANGELOG.md", "LICENSE", ".gitignore"),
}
LOCKS = sorted(ROOT.glob("requirements*"))

# A folder of somebody's machine. Paths of an installation (/opt, /var/lib) are fine.
SOMEBODYS_FOLDER = re.compile(r"(?<![\w.~*-])/(?:root|work|workspace|home/\w[\w.-]*|Users/\w+)/")
ADDRESS = re.compile(r"https?://|--(?:extra-)?index-url|--find-links|^-[if]\s", re.MULTILINE)


def tracked() -> list[str]:
    """The paths that git tracks; before the first commit, those it would."""
    for arguments in (("--cached",), ("--others", "--exclude-standard")):
        listed = subprocess.run(
            # The folder may belong to somebody else, as in a container.
            ["git", "-c", "safe.directory=*", "ls-files", "-z", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if listed.returncode:
            could_not_run("this is not a git checkout, so nobody can tell what is tracked")
        if paths := [path for path in listed.stdout.split("\0") if path]:
            return paths
    return []


@needs("git", why="it knows what belongs to the repository")
def test_the_top_of_the_tree_holds_only_what_is_named() -> None:
    """Nothing lies at the top of the repository that has no business there."""
    tops = {path.partition("/")[0] for path in tracked()}

    assert "gateway" in tops
    assert tops <= TOP, f"not expected at the top: {sorted(tops - TOP)}"


@needs("git", why="it knows what belongs to the repository")
def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    """No tracked text holds a path that exists only on the machine where it was written."""
    found = []
    for path in tracked():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # not text, or deleted and not yet committed
        lines = enumerate(text.splitlines(), 1)
        found += [f"{path}:{number}" for number, row in lines if SOMEBODYS_FOLDER.search(row)]

    assert found == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("open('/" + "root/notes')", True),
        ("/" + "home/ming/gateway", True),
        ("/" + "Users/ming/x", True),
        ("/var/lib/gateway/data", False),
        ("./home/gateway.toml", False),
        ("policies/home/x", False),
    ],
)
def test_a_folder_of_a_machine_is_told_from_others(text: str, found: bool) -> None:
    """A path below somebody's own folder is found, a path of an installation is not."""
    assert bool(SOMEBODYS_FOLDER.search(text)) is found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_name_no_address(lock: Path) -> None:
    """Where packages come from is a setting of whoever installs, never of the repository."""
    assert ADDRESS.search(lock.read_text(encoding="utf-8")) is None


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_pin_every_package_by_hash(lock: Path) -> None:
    """Every requirement has an exact version and at least one SHA-256."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    rows = [row for row in text.splitlines() if row and not row.lstrip().startswith("#")]

    assert rows
    for row in rows:
        assert re.match(r"[a-z0-9.-]+==[\w.]+ .*--hash=sha256:[0-9a-f]{64}", row), row[:60]


def test_locks_agree_with_each_other() -> None:
    """What is tested is what is shipped: one version of each package in every lock."""
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in re.findall(
            r"^([a-z0-9.-]+)==([\w.]+)", lock.read_text(), re.MULTILINE
        ):
            versions.setdefault(name, set()).add(version)

    assert len(LOCKS) == 3
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_locks_hold_what_the_project_asks_for() -> None:
    """A dependency added to pyproject.toml is in the lock that ships."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.sub(r"[._]", "-", re.split(r"[<>=\[]", row)[0]) for row in project["dependencies"]}
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.lock").read_text(), re.M))

    assert asked <= locked


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built now from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_has_one_package_at_its_top(wheel: zipfile.ZipFile) -> None:
    """Installing the gateway puts no folder called tests, policies or partners beside others."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    packages = {top for top in tops if not top.endswith(".dist-info")}

    assert packages == {"gateway"}
    assert len(tops) == 2


@pytest.mark.parametrize("documents", ["policies", "partners"])
def test_the_wheel_carries_the_default_documents(wheel: zipfile.ZipFile, documents: str) -> None:
    """`gateway init` finds the whole default set in an installed wheel, byte for byte."""
    files = [path for path in (ROOT / documents).rglob("*") if path.is_file()]
    inside = f"gateway/data/{documents}/"
    carried = {name for name in wheel.namelist() if name.startswith(inside)}

    assert carried == {inside + path.relative_to(ROOT / documents).as_posix() for path in files}
    assert any(name.endswith(".yaml") for name in carried)
    for path in files:
        name = inside + path.relative_to(ROOT / documents).as_posix()
        assert wheel.read(name) == path.read_bytes()


def test_the_wheel_carries_the_whole_package(wheel: zipfile.ZipFile) -> None:
    """Modules, SQL, format descriptions and everything else under gateway/ are installed."""
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gateway").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    installed = {
        name
        for name in wheel.namelist()
        if name.startswith("gateway/") and not name.startswith("gateway/data/")
    }

    assert installed == files


def test_the_wheel_brings_both_commands_and_the_licence(wheel: zipfile.ZipFile) -> None:
    """An installed wheel gives `gateway` and `gateway-verify`, and its licence."""
    (points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    commands = wheel.read(points).decode()

    assert "gateway = gateway.cli:main" in commands
    assert "gateway-verify = gateway.verifier:main" in commands
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_no_private_key_is_in_the_default_set() -> None:
    """Partners' documents hold public keys only."""
    keys = sorted((ROOT / "partners").rglob("*.jwks.json"))
    private = [path.name for path in keys if re.search(r'"(d|p|q|k)"\s*:', path.read_text())]

    assert keys, "the default partners have public keys"
    assert private == []
