"""What a recipient answers by default, and how its own ids are found in an answer."""

import itertools
from collections.abc import Iterator, Mapping, Set
from typing import Any

from gateway.testing.received import Received


class Numbered:
    """
    Answers with a number of its own for each record, and with more than any
    manifest takes back.

    `member` holds the number, which begins with `prefix`; `members` are further
    ones, the same in each answer.
    """

    def __init__(self, member: str = "tracking_number", prefix: str = "SP", **members: Any) -> None:
        self.member = member
        self._prefix = prefix
        self._members = {"status": "created"} | members
        self._numbers = itertools.count(1)

    def __call__(self, received: Received) -> Mapping[str, Any]:
        return {
            self.member: f"{self._prefix}{next(self._numbers):010d}",
            **self._members,
            "desk": {"name": "周师傅", "phone": "13800000417", "depot": "HZ-04"},
        }


def references_in(answer: Any, names: Set[str]) -> Iterator[str]:
    """The strings in `answer` that stand under one of `names`, at any depth."""
    match answer:
        case dict():
            for name, value in answer.items():
                if name in names and isinstance(value, str):
                    yield value
                yield from references_in(value, names)
        case list():
            for value in answer:
                yield from references_in(value, names)
