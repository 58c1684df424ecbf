"""
What a test says about itself: which rows of the published policy it shows, and
why it cannot run here.

    @promise("S4a")
    async def test_agreement_expires_by_itself(...): ...

    @needs("systemd-analyze", why="systemd itself judges the unit")
    def test_unit_is_sandboxed(...): ...

These are the only ways to leave a test out. Every other skip, and every expected
failure, fails the run (see `conftest.py`).
"""

import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import pytest
from _pytest.outcomes import Skipped

CLAUSE = re.compile(r"[CSTDPKRMAN]\d{1,2}[a-d]?(-\d)?")

F = TypeVar("F", bound=Callable[..., Any])


class CouldNotRun(Skipped):
    """A test was left out for a reason that stands in the list at the end of the run."""


def could_not_run(reason: str) -> NoReturn:
    """
    Leave the running test out.

    `reason` is one line for a person: what is missing here and what would
    provide it.
    """
    if not reason.strip() or "\n" in reason:
        raise ValueError("say in one line why the test could not run")
    raise CouldNotRun(reason, _use_item_location=True)


def promise(*clauses: str) -> Callable[[F], F]:
    """Mark a test as showing that these rows of the published policy are kept."""
    wrong = [clause for clause in clauses if not CLAUSE.fullmatch(clause)]
    if wrong or not clauses:
        raise ValueError(f"promise() takes clause ids such as S4a, not {wrong}")
    return pytest.mark.promise(*clauses)


def needs(*programs: str, why: str) -> Callable[[F], F]:
    """Mark a test that is left out, with a line, where one of these programs is missing."""
    return pytest.mark.needs(*programs, why=why)
