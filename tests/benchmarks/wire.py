"""Just enough of HTTP/1.1 for a load generator and a partner that cost little themselves."""

from collections.abc import Iterator

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Messages:
    """Cuts what arrives on one connection into messages of head and body."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The messages that `data` completes, in order."""
        self._buffer += data
        while (end := self._buffer.find(_END)) >= 0:
            head = bytes(self._buffer[:end])
            whole = end + len(_END) + _length(head)
            if len(self._buffer) < whole:
                return
            body = bytes(self._buffer[end + len(_END) : whole])
            del self._buffer[:whole]
            yield head, body


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(_LENGTH)
    if at < 0:
        # Nothing here sends chunks: a message without a length would be cut wrongly.
        if b"transfer-encoding:" in lower:
            raise ValueError("the benchmark reads no chunked messages")
        return 0
    return int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0])


def message(first_line: str, headers: dict[str, str], body: bytes) -> bytes:
    """A whole message with its length."""
    lines = [first_line, *(f"{name}: {value}" for name, value in headers.items())]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + _END + body


def headers_of(head: bytes) -> dict[str, str]:
    """The headers of a head; of repeated ones the last."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines)
