"""The replay store that comes with the kit."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.recipient import MemorySeen, RecipientError
from tests.unit.recipient.builders import code_of


def test_each_grant_is_new_once() -> None:
    """The first time is True, every later time False, for each grant by itself."""
    seen = MemorySeen()

    assert [seen.add("a", 10), seen.add("a", 10), seen.add("b", 10), seen.add("a", 99)] == [
        True,
        False,
        True,
        False,
    ]
    assert len(seen) == 2


def test_what_is_over_makes_room() -> None:
    """A full store forgets grants that are over, and those alone."""
    now = [0.0]
    seen = MemorySeen(2, clock=lambda: now[0])
    seen.add("short", 10)
    seen.add("long", 100)
    now[0] = 10.5

    assert seen.add("new", 100)
    assert not seen.add("long", 100)
    assert len(seen) == 2


def test_a_living_grant_is_never_forgotten() -> None:
    """A store full of living grants refuses new ones rather than let an old one pass again."""
    seen = MemorySeen(1, clock=lambda: 10.0)
    seen.add("a", 10)

    assert code_of(lambda: seen.add("b", 20)) == "replay-store-full"
    assert not seen.add("a", 10)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 50)), max_size=40))
def test_nothing_passes_twice_while_it_lives(asked: list[tuple[str, int]]) -> None:
    """In whatever order they come, a living grant passes once and the store stays small."""
    now = [0.0]
    seen = MemorySeen(3, clock=lambda: now[0])
    passed: dict[str, int] = {}
    for jti, lifetime in asked:
        now[0] += 1
        try:
            new = seen.add(jti, int(now[0]) + lifetime)
        except RecipientError:  # full, so nothing passed
            continue
        assert not (new and passed.get(jti, -1) >= now[0])
        assert len(seen) <= 3
        if new:
            passed[jti] = int(now[0]) + lifetime


@pytest.mark.parametrize("threads", [8])
def test_of_many_at_once_one_passes(threads: int) -> None:
    """The same grant presented in several threads at once passes in exactly one."""
    seen = MemorySeen()
    barrier = threading.Barrier(threads)
    answers: list[bool] = []

    def present() -> None:
        barrier.wait()
        answers.append(seen.add("a", 10))

    workers = [threading.Thread(target=present) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(answers) == [False] * (threads - 1) + [True]
