"""
The order of system calls, as strace tells it (`-f -yy`, one call a line).

Of each call: where in the file it began and where it was over. Another thread
may be at work in between, and then strace writes the call in two halves.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

TRACED = ("write", "pwrite64", "fsync", "fdatasync", "sendto", "sendmsg", "writev")
SYNCS = ("fsync", "fdatasync")
SENDS = ("write", "writev", "sendto", "sendmsg")

# `12<TCP:[127.0.0.1:40000->127.0.0.1:20000]>` or `9</path/of/gateway.db-wal>`
_CALL = re.compile(
    r"(?P<pid>\d+) +(?P<name>\w+)\((?P<fd>\d+)<(?P<what>[A-Z0-9]+:\[[^]]*\]|[^>]*)>(?P<rest>.*)"
)
_RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>.*\) += (?P<result>-?\d+)")
_RESULT = re.compile(r"\) += (-?\d+)[^)]*$")
_UNFINISHED = "<unfinished ...>"


def strace_command(trace: Path, command: Iterable[str]) -> list[str]:
    """`command`, traced into the file `trace`; the process is the command's own (`-D`)."""
    options = ["-D", "-f", "-yy", "-s", "65536", "-e", f"trace={','.join(TRACED)}"]
    return ["strace", *options, "-o", str(trace), *command]


@dataclass(slots=True)
class Call:
    """One system call on a file or a socket."""

    name: str
    what: str
    """The path, or `TCP:[from->to]`."""
    data: str
    """Its arguments as strace writes them: quotation marks and what is not ASCII escaped."""
    began: int
    over: int | None = None
    """Both are line numbers; None: it never returned."""
    result: int = -1

    def on(self, ending: str) -> bool:
        """Whether it is about a file, or a peer, whose name ends so."""
        return self.what.rstrip("]").endswith(ending)


def read(lines: Iterable[str]) -> list[Call]:
    """The calls of a trace, in the order in which they began."""
    calls: list[Call] = []
    unfinished: dict[tuple[str, str], Call] = {}
    for number, line in enumerate(lines):
        if found := _CALL.match(line):
            call = Call(found["name"], found["what"], found["rest"], began=number)
            calls.append(call)
            if line.rstrip().endswith(_UNFINISHED):
                unfinished[found["pid"], found["name"]] = call
            elif result := _RESULT.search(found["rest"]):
                call.over, call.result = number, int(result[1])
        elif found := _RESUMED.match(line):
            call = unfinished.pop((found["pid"], found["name"]))
            call.over, call.result = number, int(found["result"])
    return calls


@dataclass(frozen=True, slots=True)
class Order:
    """Line numbers: the intent written, the log synced, the first byte sent."""

    written: int
    synced: int
    sent: int


class NotSynced(AssertionError):
    """Bytes of a share left before its intent was on the disk."""


def order_of(share: str, calls: list[Call], *, port: int) -> Order:
    """
    When a share's intent was written to the write-ahead log, when a sync of that
    log that began after this was over, and when its first byte left for `port`.

    Raises `NotSynced` unless they came in this order.
    """
    intent = f'\\"share\\":\\"{share}\\"'
    written = _first(c.over for c in calls if _writes(c) and intent in c.data)
    sent = _first(c.began for c in calls if _sends(c, port) and share in c.data)
    synced = _first(
        c.over
        for c in calls
        if c.name in SYNCS and c.on("-wal") and c.result == 0 and c.began > written
    )
    if not written < synced < sent:
        raise NotSynced(f"{share}: written {written}, synced {synced}, sent {sent}")
    return Order(written, synced, sent)


def _writes(call: Call) -> bool:
    return call.name in ("pwrite64", "write") and call.on("-wal")


def _sends(call: Call, port: int) -> bool:
    return call.name in SENDS and call.on(f":{port}")


def _first(numbers: Iterator[int | None]) -> int:
    for number in numbers:
        if number is not None:
            return number
    raise NotSynced("the trace does not have it")
