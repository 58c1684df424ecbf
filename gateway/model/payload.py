"""Values on their way, in wrappers that do not print them (P2)."""

from collections.abc import Iterator, Mapping
from typing import Any


class Payload(Mapping[str, Any]):
    """
    Field values on their way to a partner or back.

    Prints its size and never its contents, so a payload in a log line, in a
    traceback or in a failed assertion gives nothing away (P2).
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Payload of {len(self)} fields>"


class Body(bytes):
    """
    A body on its way. It is bytes and prints its length, never its contents
    (P2).
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<Body of {len(self)} bytes>"

    __str__ = __repr__


class Private(str):
    """
    Text that belongs to a person: a subject id, an evidence reference, an
    idempotency key.

    It is a `str` everywhere except where it would be printed with `repr`.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Private>"
