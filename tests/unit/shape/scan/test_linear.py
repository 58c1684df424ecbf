"""Time grows with the length of the text and no faster; shown by counting, not by a clock."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

from gateway.shape import find_personal, scan
from tests.corpora.hostile import UNITS

# What takes in all it can and cannot fail on it: the next look begins behind.
TAKES_ALL = {r"[\t\n -~]*+", "[0-9]++", r"[0-9]++(?:[ \t().\-/_~]{1,4}+[0-9]++)*+"}
SHORT = 700


def patterns() -> Iterator[re.Pattern[str]]:
    """Every pattern that a module of the scan holds, also in its tables."""
    for module in pkgutil.iter_modules(scan.__path__):
        for value in vars(importlib.import_module(f"{scan.__name__}.{module.name}")).values():
            yield from _within(value)


def _within(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _within(each)


def test_no_pattern_reads_far_from_where_it_begins():
    """A pattern reads so many characters at most, or begins only where a word does."""
    seen = list(patterns())
    assert len(seen) > 100
    for pattern in seen:
        if pattern.pattern in TAKES_ALL:
            continue
        parsed = _parser.parse(pattern.pattern, pattern.flags)
        at_border = parsed.data[0][0] is _constants.ASSERT_NOT
        assert parsed.getwidth()[1] <= SHORT or at_border, pattern.pattern
        assert parsed.getwidth()[1] < 50_000, pattern.pattern


def calls(run: Callable[[], object]) -> int:
    """How many calls, of Python and of C, `run` makes."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("unit", UNITS)
def test_twice_the_text_is_twice_the_work(unit):
    """For a text made to confuse, the number of steps grows no faster than the text."""

    def steps(length: int) -> int:
        text = unit * (length // len(unit))
        return calls(lambda: find_personal(text))

    find_personal(unit)
    once, twice = steps(2_000), steps(4_000)
    assert twice <= 2.2 * once + 100
    assert once <= 100 * 2_000


@pytest.mark.parametrize("length", [10_000, 200_000])
def test_a_text_at_the_limit_is_read_to_its_end(length):
    """In a long text of what looks like numbers the one that is personal is found at its end."""
    text = "order 2026-1122, 29.90 CNY; " * (length // 28) + "13800138000"
    (finding,) = find_personal(text)
    assert (finding.kind, finding.end) == ("phone", len(text))
