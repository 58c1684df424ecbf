"""
NDJSON, line by line, in whatever pieces its bytes come (contract §6, bulk).

A line ends with a line feed, and the last one may do without. What stands in a
line is its own affair; here is only how long it may be, so that nobody's line
is kept whole before it has been judged.
"""

from collections.abc import Iterator

from gateway.model.payload import Body

NDJSON = "application/x-ndjson"


class LineSplitter:
    """Cuts a stream of bytes into lines; at most one unfinished line is in memory."""

    __slots__ = ("_left", "_limit", "_over", "_parts")

    def __init__(self, limit: int) -> None:
        """`limit`: bytes of a line, without its end."""
        self._limit = limit
        self._parts: list[bytes] = []
        self._left = limit
        self._over = False

    def feed(self, data: bytes) -> Iterator[Body | None]:
        """
        The lines that end in `data`; None stands for one that is longer than the
        limit. Take them all before the next call.
        """
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._add(data[start:end])
            yield self._take()
            start = end + 1
        self._add(data[start:])

    def finish(self) -> Iterator[Body | None]:
        """The line that nothing ended, if there is one."""
        if self._parts or self._over:
            yield self._take()

    def _add(self, part: bytes) -> None:
        if not part or self._over:
            return
        self._left -= len(part)
        if self._left < 0:
            # What is too long is not kept, only its end is looked for.
            self._over = True
            self._parts.clear()
        else:
            self._parts.append(part)

    def _take(self) -> Body | None:
        line = None if self._over else Body(b"".join(self._parts))
        self._parts.clear()
        self._left, self._over = self._limit, False
        return line
