"""
What holds for every test: nothing is left out in silence, nothing leaves the
machine, and random examples are the same ones every time.
"""

import errno
import gc
import ipaddress
import os
import shutil
import socket
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from gateway.observe.logs import get_logger
from tests.marks import CouldNotRun, could_not_run

hypothesis.settings.register_profile(
    "suite", derandomize=True, database=None, deadline=None, print_blob=True, max_examples=50
)
# Look further by hand: pytest --hypothesis-profile=explore
hypothesis.settings.register_profile("explore", database=None, deadline=None, max_examples=5000)
hypothesis.settings.load_profile("suite")

# Nobody outside is spoken to, so nobody needs to be trusted: reading who is takes 40 ms
# in each of hundreds of processes.
os.environ.setdefault("SSL_CERT_FILE", os.devnull)

LEFT_OUT = "could-not-run"


class LeftOut:
    """
    Lists what could not run, at the very end, and fails the run for every test
    that was left out any other way.

    Under xdist the tests run in workers and only their reports arrive here, so
    the reason travels with the report.
    """

    def __init__(self) -> None:
        self.explained: dict[str, list[str]] = {}
        self.unexplained: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Sort one report into explained, unexplained, or of no interest."""
        reasons = [str(value) for name, value in report.user_properties if name == LEFT_OUT]
        if reasons:
            self.explained.setdefault(reasons[0], []).append(report.nodeid)
        elif hasattr(report, "wasxfail"):
            self.unexplained.append(f"{report.nodeid}: expected to fail")
        elif report.skipped:
            self.unexplained.append(f"{report.nodeid}: {_reason(report)}")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that leaves itself out leaves all its tests out."""
        if report.skipped:
            self.unexplained.append(f"{report.nodeid}: {_reason(report)}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Let everybody else report first, then print the list and settle the exit code."""
        passed = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if self.unexplained and passed:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        result = yield
        terminal: Any = session.config.pluginmanager.get_plugin("terminalreporter")
        for line in self.lines(complete=not session.shouldfail and not session.shouldstop):
            terminal.write_line(line)
        return result

    def lines(self, *, complete: bool) -> list[str]:
        """The closing list, reason by reason; a run that was cut short claims nothing."""
        lines = []
        if self.unexplained:
            lines += ["", "Left out without a reason, which fails the run:"]
            lines += [f"- {row}" for row in sorted(set(self.unexplained))]
        if self.explained:
            lines += ["", "Could not run here:"]
            for reason, tests in sorted(self.explained.items()):
                lines += [f"- {reason}", *(f"    {test}" for test in sorted(tests))]
        if complete and not lines:
            lines = ["", "Everything ran."]
        return lines


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    skipped = report.longrepr
    return str(skipped[2]) if isinstance(skipped, tuple) else "no reason"


@pytest.fixture(scope="session", autouse=True)
def _logging() -> None:
    """Set up before any command is called: within one, it would hold on to that one's output."""
    get_logger()


@pytest.fixture(scope="session", autouse=True)
def _migrated_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """
    A gateway in this process finds its new database as all migrations leave one. They
    are the same every time; who tests them calls them, or starts a process.
    """
    if "gateway.stores.sqlite.store" not in sys.modules:
        # No test that was collected opens one.
        yield
        return
    from gateway.stores.sqlite import database, store

    kept = tmp_path_factory.mktemp("migrated") / "gateway.db"

    def migrate(path: Path) -> None:
        if not kept.exists():
            database.migrate(kept)
        if not path.exists():
            try:
                shutil.copyfile(kept, path)
            except OSError:
                # The real one says what is wrong.
                path.unlink(missing_ok=True)
        database.migrate(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "migrate", migrate)
        yield


def pytest_configure(config: pytest.Config) -> None:
    """Workers only run tests; the process that started them keeps the list."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(LeftOut(), "left-out")
    sys.addaudithook(_stay_on_this_machine)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """
    Collecting makes some hundred thousand objects that all stay: garbage is not looked
    for among them, neither then nor ever after.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the reason of an explained skip onto its report."""
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, CouldNotRun):
        report.user_properties.append((LEFT_OUT, str(call.excinfo.value.msg)))
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Honour `needs`."""
    for marker in item.iter_markers("needs"):
        missing = [program for program in marker.args if shutil.which(program) is None]
        if missing:
            could_not_run(f"{', '.join(missing)} is not installed: {marker.kwargs['why']}")


def _stay_on_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """
    Answer as a machine without a network would, whatever network there is.

    An audit hook sees every connect and look-up of the process, also those that
    asyncio makes.
    """
    if event == "socket.connect" and not _local(arguments[1]):
        raise OSError(errno.ENETUNREACH, "the tests have no network")
    if event == "socket.getaddrinfo" and not _local((arguments[0],)):
        raise socket.gaierror(socket.EAI_NONAME, "the tests have no name service")


def _local(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = address[0].decode() if isinstance(address[0], bytes) else address[0]
    if host in (None, "", "localhost"):
        return True
    try:
        parsed = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return parsed.is_loopback or parsed.is_unspecified
