"""
Marked values in any encoding, in memory or on disk.

A test plants values that occur nowhere else, runs the gateway, and looks for
them in everything that was written. A value is looked for as it is and in the
encodings in which text travels or is stored, also one inside the other where
that is common (JSON inside base64, JSON inside JSON).

What was found is told by the label of its mark, the encoding, the file and the
offset; never by the value, so a failed assertion leaks nothing.

Not seen: what is compressed or encrypted, and a value that a database split
over two of its pages, which happens to long records only.
"""

import base64
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

# How much of a file is held at once.
CHUNK_BYTES = 1 << 20
# In bytes. Four turn up by chance in a few megabytes of random data, for some of
# a hundred marks; six do not.
SHORTEST = 6
# The length of the first look. One regular expression over all first bytes costs
# about 0.1 s a megabyte for any number of marks; one `find` for each of a
# thousand needles costs twice that, and grows.
_ANCHOR = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mark where none may be."""

    label: str
    """Of the mark, as the test named it."""
    encoding: str
    """A key of `variants`."""
    offset: int
    """In bytes, from the start of the data, or of the path if `in_name`."""
    file: str = ""
    """Empty when bytes were searched."""
    in_name: bool = False
    """The path itself holds it."""


class Hit(NamedTuple):
    """Where a form of a mark stands in some data, in bytes."""

    start: int
    end: int
    label: str
    encoding: str


class Needles:
    """
    Marks, prepared for searching.

    `marks` maps a label to a value, which is text or, as a key is, bytes; raises
    ValueError on an empty mapping, as a search for nothing would find nothing, and
    on a value too short to be told from noise.
    """

    def __init__(self, marks: Mapping[str, str | bytes]) -> None:
        if not marks:
            raise ValueError("no marks to look for")
        found = {
            (form, label, encoding)
            for label, value in marks.items()
            for encoding, form in variants(value).items()
        }
        self._anchor = min(_ANCHOR, *(len(form) for form, _, _ in found))
        self._by_anchor: dict[bytes, list[tuple[bytes, str, str]]] = {}
        for needle in sorted(found):
            self._by_anchor.setdefault(needle[0][: self._anchor], []).append(needle)
        self._pattern = re.compile(_alternation(sorted(self._by_anchor)))
        self.longest = max(len(form) for form, _, _ in found)
        """In bytes; how far two chunks must overlap."""

    def __repr__(self) -> str:
        return f"<Needles, {sum(map(len, self._by_anchor.values()))} forms>"

    def scan(self, data: bytes) -> Iterator[Hit]:
        """Every hit in `data`, in order of its start."""
        anchor = self._pattern.search(data)
        while anchor is not None:
            start = anchor.start()
            for form, label, encoding in self._by_anchor[anchor.group()]:
                if data.startswith(form, start):
                    yield Hit(start, start + len(form), label, encoding)
            # From the next byte on: one hit may begin inside another.
            anchor = self._pattern.search(data, start + 1)


def variants(value: str | bytes) -> dict[str, bytes]:
    """
    The forms in which `value` may be written, by name of the encoding.

    Forms that come out the same are kept once, under the first name. Raises
    ValueError for a value of which a form has less than 6 bytes: six characters of
    ASCII or three of Chinese will do.
    """
    raw, wide = (value, value) if isinstance(value, bytes) else _encoded(value)
    if min(len(raw), len(wide)) < SHORTEST:
        raise ValueError(f"a mark needs at least {SHORTEST} bytes in UTF-8 and UTF-16")
    forms: dict[str, bytes] = {}
    seen: set[bytes] = set()
    every = _binary_forms(raw) if isinstance(value, bytes) else _forms(value, raw)
    for name, form in every:
        if form not in seen:
            seen.add(form)
            forms[name] = form
    return forms


def search_bytes(data: bytes, needles: Needles) -> list[Finding]:
    """Every mark in `data`, in any encoding."""
    return [_finding(hit) for hit in needles.scan(data)]


def search_tree(places: Path | Iterable[Path], needles: Needles) -> list[Finding]:
    """
    Every mark in the files under `places` (folders or files), and in their names.

    Links are not followed. A place that does not exist raises
    FileNotFoundError: a search that looked nowhere proves nothing. A file that
    goes away meanwhile, as a journal does, is passed over.
    """
    findings: list[Finding] = []
    for place in [places] if isinstance(places, Path) else list(places):
        place.lstat()
        for path in _files(place):
            findings.extend(_search_name(path, place, needles))
            findings.extend(_search_file(path, needles))
    return findings


def _files(place: Path) -> Iterator[Path]:
    within = sorted(place.rglob("*")) if place.is_dir() else [place]
    return (path for path in within if path.is_file() and not path.is_symlink())


def _search_name(path: Path, place: Path, needles: Needles) -> Iterator[Finding]:
    # The folder that was asked for is the test's own and may be named anyhow.
    name = path.name if path == place else str(path.relative_to(place))
    for hit in needles.scan(name.encode(errors="surrogateescape")):
        yield _finding(hit, file=str(path), in_name=True)


def _search_file(path: Path, needles: Needles) -> Iterator[Finding]:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    with file:
        for hit in _scan_chunks(iter(lambda: file.read(CHUNK_BYTES), b""), needles):
            yield _finding(hit, file=str(path))


def _scan_chunks(chunks: Iterable[bytes], needles: Needles) -> Iterator[Hit]:
    """As `Needles.scan`, over data in pieces; what lies across a seam is found, and once."""
    overlap = needles.longest - 1
    window, base, searched = b"", 0, 0
    for chunk in chunks:
        window += chunk
        for hit in needles.scan(window):
            # What ends before this was wholly in the window before.
            if base + hit.end > searched:
                yield hit._replace(start=base + hit.start, end=base + hit.end)
        searched = base + len(window)
        kept = min(len(window), overlap)
        base, window = searched - kept, window[len(window) - kept :]


def _finding(hit: Hit, *, file: str = "", in_name: bool = False) -> Finding:
    return Finding(
        label=hit.label, encoding=hit.encoding, offset=hit.start, file=file, in_name=in_name
    )


def _encoded(value: str) -> tuple[bytes, bytes]:
    return value.encode(), value.encode("utf-16-le")


def _forms(value: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    yield "raw", raw
    yield "lower case", value.lower().encode()
    yield "utf-16-le", value.encode("utf-16-le")
    yield "utf-16-be", value.encode("utf-16-be")
    yield from _json_forms(value)
    yield from _percent_forms(value, raw)
    yield from _binary_forms(raw)
    yield from _base64_forms("base64 of json", _escaped(value))


def _binary_forms(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """The forms of what is no text, too."""
    yield "raw", raw
    yield "bytes literal, \\xHH", repr(raw)[2:-1].encode()
    yield "hex, lower", raw.hex().encode()
    yield "hex, upper", raw.hex().upper().encode()
    yield from _base64_forms("base64", raw)


def _json_forms(value: str) -> Iterator[tuple[str, bytes]]:
    """RFC 8259 §7: what must be escaped, what may be, and all of it."""
    lower = _escaped(value)
    yield "json", json.dumps(value, ensure_ascii=False)[1:-1].encode()
    yield "json \\u, lower", lower
    yield "json \\u, upper", re.sub(rb"\\u....", _upper_escape, lower)
    yield "json \\/", lower.replace(b"/", b"\\/")
    every = "".join(f"\\u{unit:04x}" for unit in _utf16_units(value)).encode()
    yield "json all \\u, lower", every
    yield "json all \\u, upper", re.sub(rb"\\u....", _upper_escape, every)
    yield "json in json", json.dumps(lower.decode())[1:-1].encode()


def _percent_forms(value: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    """RFC 3986 §2.1, with none, some or all of the reserved left, and the form's plus."""
    for name, safe in (
        ("percent", ""),
        ("percent, path", "/"),
        ("percent, reserved kept", _RESERVED),
    ):
        text = quote(value, safe=safe)
        yield f"{name}, upper", text.encode()
        yield f"{name}, lower", re.sub("%..", lambda hit: hit.group().lower(), text).encode()
    form = quote(value, safe=" ").replace(" ", "+")
    yield "percent, form", form.encode()
    yield "percent all, upper", "".join(f"%{byte:02X}" for byte in raw).encode()
    yield "percent all, lower", "".join(f"%{byte:02x}" for byte in raw).encode()


_RESERVED = ":/?#[]@!$&'()*+,;="


def _base64_forms(name: str, raw: bytes) -> Iterator[tuple[str, bytes]]:
    """
    RFC 4648 §4 and §5, for each of the three places in a group of three bytes
    where the value may begin; characters that also depend on neighbours are cut.
    """
    for lead in range(3):
        encoded = base64.b64encode(bytes(lead) + raw)
        first = (lead * 8 + 5) // 6
        last = (lead + len(raw)) * 8 // 6
        part = encoded[first:last]
        yield f"{name}, standard, +{lead}", part
        yield f"{name}, url, +{lead}", part.translate(bytes.maketrans(b"+/", b"-_"))


def _escaped(value: str) -> bytes:
    return json.dumps(value)[1:-1].encode()


def _upper_escape(hit: re.Match[bytes]) -> bytes:
    return hit.group()[:2] + hit.group()[2:].upper()


def _utf16_units(value: str) -> Iterator[int]:
    data = value.encode("utf-16-be")
    return (high << 8 | low for high, low in zip(data[::2], data[1::2], strict=True))


def _alternation(words: list[bytes]) -> bytes:
    """
    A regular expression for sorted words of one length, by common beginnings, so
    that a byte which begins no word is passed over without trying any.
    """
    if not words[0]:
        return b""
    branches = [
        re.escape(first) + _alternation([word[1:] for word in group])
        for first, group in itertools.groupby(words, key=lambda word: word[:1])
    ]
    return branches[0] if len(branches) == 1 else b"(?:" + b"|".join(branches) + b")"
