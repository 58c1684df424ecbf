"""Tokens and services that may call no more."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.access.revoked import NOTHING, Revocations, read_revocations
from gateway.access.scopes import ALL, Service
from gateway.errors import CallerError, ConfigError, Reason
from gateway.flows.revoked import LOOK_SECONDS, RevokedList

LIST = """
# after the incident of May
token   5f3a0c
service order-service     # its key was in a log
service sso/reporting
"""


def a_service(name: str = "orders", *, issuer: str = "home", token: str | None = "t-1") -> Service:
    """A service that may do everything."""
    return Service(
        issuer=issuer,
        name=name,
        scopes=frozenset({"share"}),
        partners=ALL,
        purposes=ALL,
        grounds=None,
        expires=datetime(2030, 1, 1, tzinfo=UTC),
        token_id=token,
    )


def refused(revocations: Revocations, service: Service) -> bool:
    """Whether it may not call."""
    try:
        revocations.check(service)
    except CallerError as error:
        return error.reason is Reason.TOKEN_INVALID
    return False


@pytest.mark.parametrize(
    ("service", "out"),
    [
        (a_service(), False),
        (a_service(token=None), False),
        (a_service(token="5f3a0c"), True),
        (a_service("order-service"), True),
        (a_service("order-service", issuer="sso"), True),
        (a_service("reporting"), False),
        (a_service("reporting", issuer="sso"), True),
        (a_service("5f3a0c"), False),
    ],
)
def test_who_is_on_the_list_may_not_call(service: Service, out: bool) -> None:
    """By token, by service of any issuer, or by service of one."""
    revocations, wrong = read_revocations(LIST)

    assert wrong == ()
    assert refused(revocations, service) is out


def test_lines_that_mean_nothing_are_named() -> None:
    """What can be read counts, and what cannot is told by its number."""
    revocations, wrong = read_revocations("token a\nsevice b\ntoken\n\nservice c d\n")

    assert wrong == (2, 3)
    assert revocations == Revocations(tokens=frozenset({"a"}), services=frozenset({"c d"}))


class Watched:
    """A list in a folder, and what was told of it."""

    def __init__(self, path: Path) -> None:
        self.path, self.told, self.now = path, list[tuple[str, int]](), 0.0
        self.list = RevokedList(path, monotonic=lambda: self.now, log=self)  # type: ignore[arg-type]

    def warning(self, event: str, *, count: int) -> None:
        """Keep it."""
        self.told.append((event, count))

    def out(self, token: str) -> bool:
        """Whether a token is out, a moment later."""
        self.now += LOOK_SECONDS
        return refused(self.list(), a_service(token=token))


@pytest.fixture
def watched(tmp_path: Path) -> Callable[[str], Watched]:
    """Make a list that says this, and watch it."""

    def make(text: str) -> Watched:
        path = tmp_path / "revoked"
        if text:
            path.write_text(text)
        return Watched(path)

    return make


def test_a_changed_list_is_picked_up(watched: Callable[[str], Watched]) -> None:
    """No restart: a line that is added counts a moment later, and one that goes no more."""
    list_ = watched("")
    assert not list_.out("a")
    list_.path.write_text("token a\n")
    assert list_.out("a")
    list_.path.unlink()
    assert not list_.out("a")

    assert list_.told == [("revocations-changed", 1), ("revocations-changed", 0)]


def test_a_mistake_lets_nobody_in_again(watched: Callable[[str], Watched]) -> None:
    """With a line that cannot be read the old list goes on, together with what can be."""
    list_ = watched("token a\n")
    list_.path.write_text("tokn a\ntoken b\n")

    assert list_.out("a")
    assert list_.out("b")
    assert [event for event, _ in list_.told].count("revocations-broken") == 1


def test_a_file_that_cannot_be_read_changes_nothing(watched: Callable[[str], Watched]) -> None:
    """Bytes that are no text, or a folder in its place: the old list goes on, told once."""
    list_ = watched("token a\n")
    list_.path.write_bytes(b"token \xff\xfe\n")
    assert list_.out("a")
    assert list_.out("a")
    list_.path.unlink()
    os.mkdir(list_.path)
    assert list_.out("a")

    assert [event for event, _ in list_.told] == ["revocations-broken", "revocations-broken"]


@pytest.mark.parametrize("text", ["tokn a\n", "token\n"])
def test_a_broken_list_stops_the_start(watched: Callable[[str], Watched], text: str) -> None:
    """Nobody knows then who may call; the message names the line."""
    with pytest.raises(ConfigError, match="revoked: line 1"):
        watched(text)


def test_the_list_is_looked_at_ten_times_a_second_at_most(
    watched: Callable[[str], Watched],
) -> None:
    """Thousands of shares do not ask the disk thousands of times."""
    list_ = watched("")
    list_.list()
    list_.path.write_text("token a\n")

    assert list_.list() == NOTHING
    assert list_.out("a")
