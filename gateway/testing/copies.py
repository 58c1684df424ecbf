"""What a recipient keeps of what it was given, and how it forgets it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One record at the recipient. Prints no data."""

    share: str
    """The `Sharing-Id` with which it came."""
    subject: str | None
    """The person's pseudonym at this recipient; None on de-identified routes and in bulk."""
    purpose: str
    document: Any
    """The body, opened, as JSON values; None if it was not JSON."""
    references: frozenset[str]
    """The recipient's own ids of this record, from its answer."""
    at: datetime

    def about(self, subject: str, references: Collection[str]) -> bool:
        """Whether a notice with this pseudonym and these references means it."""
        if subject and (subject == self.subject or subject in strings(self.document)):
            return True
        return not self.references.isdisjoint(references)

    def __repr__(self) -> str:
        return f"<Copy of share {self.share}>"


class Copies:
    """Everything that one recipient holds."""

    def __init__(self) -> None:
        self._all: list[Copy] = []

    def keep(self, copy: Copy) -> None:
        """Store a record."""
        self._all.append(copy)

    def of(self, subject: str) -> list[Copy]:
        """The records of one pseudonym."""
        return [copy for copy in self._all if copy.about(subject, ())]

    def delete(
        self, subject: str, references: Collection[str] = (), purposes: Collection[str] = ()
    ) -> int:
        """
        Forget the records that a notice means; how many there were.

        `purposes`: only these; empty means all.
        """
        before = len(self._all)
        self._all = [
            copy
            for copy in self._all
            if not copy.about(subject, references) or (purposes and copy.purpose not in purposes)
        ]
        return before - len(self._all)

    def __iter__(self) -> Iterator[Copy]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)


def strings(document: Any) -> Iterator[str]:
    """Every string value in a JSON document, at any depth; names of members are not among them."""
    match document:
        case str():
            yield document
        case dict():
            for value in document.values():
                yield from strings(value)
        case list():
            for value in document:
                yield from strings(value)
