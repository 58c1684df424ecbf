"""The suite's own promise: nothing is left out in silence."""

import errno
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.marks import could_not_run, promise

TESTS = Path(__file__).resolve().parents[1]


def run(folder: Path, source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A run of its own, with this suite's conftest and one module of tests."""
    tests = folder / "tests"
    tests.mkdir()
    for name in ("__init__.py", "conftest.py", "marks.py"):
        shutil.copy(TESTS / name, tests / name)
    shutil.copy(TESTS.parent / "pyproject.toml", folder / "pyproject.toml")
    (tests / "test_one.py").write_text(source, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=50,
    )


def test_an_explained_skip_is_listed_last(tmp_path: Path) -> None:
    """What says why it could not run stands at the end, once for each reason, and does not fail."""
    ran = run(
        tmp_path,
        "import pytest\n"
        "from tests.marks import could_not_run, needs\n"
        "@pytest.fixture\n"
        "def broker(): could_not_run('no broker here; install one')\n"
        "def test_a(broker): pass\n"
        "def test_b(): could_not_run('no broker here; install one')\n"
        "@needs('no-such-program', why='it draws the picture')\n"
        "def test_c(): pass\n"
        "def test_d(): pass\n",
        "-n1",
    )

    assert ran.returncode == 0, ran.stdout
    assert ran.stdout.rstrip().endswith(
        "Could not run here:\n"
        "- no broker here; install one\n"
        "    tests/test_one.py::test_a\n"
        "    tests/test_one.py::test_b\n"
        "- no-such-program is not installed: it draws the picture\n"
        "    tests/test_one.py::test_c"
    )


def test_any_other_skip_fails_the_run(tmp_path: Path) -> None:
    """Tests left out any other way make the run fail, and each is named."""
    ran = run(
        tmp_path,
        "import pytest, unittest\n"
        "def test_a(): pytest.skip('later')\n"
        "@pytest.mark.skip\n"
        "def test_b(): pass\n"
        "@pytest.mark.skipif(True, reason='why not')\n"
        "def test_c(): pass\n"
        "@pytest.mark.xfail\n"
        "def test_d(): assert False\n"
        "@pytest.mark.parametrize('x', [])\n"
        "def test_e(x): pass\n"
        "def test_f(): raise unittest.SkipTest('later')\n"
        "def test_g(): pass\n",
        "-n1",
    )
    told = ran.stdout.partition("Left out without a reason, which fails the run:")[2]
    named = [line.partition("::")[2][:6] for line in told.splitlines() if "::" in line]

    assert ran.returncode == 1, ran.stdout
    assert named == [f"test_{letter}" for letter in "abcdef"]


def test_a_module_that_leaves_itself_out_fails_the_run(tmp_path: Path) -> None:
    """A whole module left out is named and fails the run, also when nothing else is there."""
    ran = run(tmp_path, "import pytest\npytest.skip('all', allow_module_level=True)\n")

    assert ran.returncode == 1
    assert "- tests/test_one.py: Skipped: all" in ran.stdout


def test_a_run_without_gaps_says_so(tmp_path: Path) -> None:
    """When everything ran, the last line says that."""
    ran = run(tmp_path, "def test_a(): pass\n")

    assert ran.returncode == 0
    assert ran.stdout.rstrip().endswith("Everything ran.")


def test_a_failure_stays_a_failure(tmp_path: Path) -> None:
    """The list of what could not run hides no failing test."""
    ran = run(tmp_path, "def test_a(): assert False\n")

    assert ran.returncode == 1


def test_a_reason_is_one_line() -> None:
    """Leaving a test out takes a reason that fits in the list."""
    with pytest.raises(ValueError, match="one line"):
        could_not_run(" ")


def test_a_promise_names_rows_of_the_policy() -> None:
    """A mistyped clause id is an error where it stands."""

    @promise("S4a", "T1-3")
    def marked() -> None: ...

    (mark,) = marked.pytestmark  # type: ignore[attr-defined]
    assert mark.args == ("S4a", "T1-3")
    with pytest.raises(ValueError, match="S4z"):
        promise("S4z")


def test_the_suite_has_no_network() -> None:
    """Tests can reach this machine and nothing else, whatever network there is."""
    with socket.socket() as client, pytest.raises(OSError, match="no network") as refused:
        client.connect(("192.0.2.1", 80))
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("partner.example", 443)

    assert refused.value.errno == errno.ENETUNREACH
    assert socket.getaddrinfo("localhost", 80)
