"""A marked value is found in every encoding, wherever it was written; clean data is clean."""

import base64
import json
import os
import re
import sqlite3
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.testing import search
from gateway.testing.random import seeded
from gateway.testing.search import Needles, search_bytes, search_tree, variants

NAME = "欧阳明 & 子/涵"
MAIL = "lumen-17+a@mail.example"
MARKS = {"name": NAME, "mail": MAIL}
NEEDLES = Needles(MARKS)
NOISE = seeded(9)(50_000)

Encode = Callable[[str], bytes]
PLANTS: dict[str, Encode] = {
    "raw": str.encode,
    "lower case": lambda text: text.lower().encode(),
    "json": lambda text: json.dumps({"v": f"x{text}y"}).encode(),
    "json, upper": lambda text: _upper_escapes(json.dumps(text)).encode(),
    "json, not ascii only": lambda text: json.dumps(text, ensure_ascii=False).encode(),
    "json, every character": lambda text: "".join(f"\\u{ord(c):04x}" for c in text).encode(),
    "json, every character, upper": lambda text: "".join(f"\\u{ord(c):04X}" for c in text).encode(),
    "json, slashes": lambda text: json.dumps(text).replace("/", "\\/").encode(),
    "json in json": lambda text: json.dumps(json.dumps({"v": text})).encode(),
    "percent": lambda text: urllib.parse.quote(text).encode(),
    "percent, all reserved": lambda text: urllib.parse.quote(text, safe="").encode(),
    "percent, lower": lambda text: _lower_escapes(urllib.parse.quote(text, safe="")).encode(),
    "percent, form": lambda text: urllib.parse.urlencode({"v": text}).encode(),
    "percent, every byte": lambda text: "".join(f"%{b:02X}" for b in text.encode()).encode(),
    "percent, every byte, lower": lambda text: "".join(f"%{b:02x}" for b in text.encode()).encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, shifted by one": lambda text: base64.b64encode(b"<" + text.encode() + b">>"),
    "base64, shifted by two": lambda text: base64.b64encode(b"<<" + text.encode() + b">"),
    "base64url, unpadded": lambda text: base64.urlsafe_b64encode(text.encode()).rstrip(b"="),
    "base64 of json": lambda text: base64.urlsafe_b64encode(json.dumps([text]).encode()),
    "hex": lambda text: text.encode().hex().encode(),
    "hex, upper": lambda text: text.encode().hex().upper().encode(),
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "python's bytes": lambda text: repr(text.encode()).encode(),
    "python's ascii": lambda text: ascii(text).encode(),
}


def _upper_escapes(text: str) -> str:
    return re.sub(r"(?<=\\u)....", lambda escape: escape.group().upper(), text)


def _lower_escapes(quoted: str) -> str:
    return re.sub("%..", lambda escape: escape.group().lower(), quoted)


@pytest.mark.parametrize("label", MARKS)
@pytest.mark.parametrize("plant", PLANTS)
def test_every_encoding_is_found(plant: str, label: str) -> None:
    """A value planted in noise is found, named by its label, and the offset is right."""
    planted = PLANTS[plant](MARKS[label])
    # At an even offset, and so that base64 is aligned as the encoder left it.
    findings = search_bytes(NOISE + planted + NOISE, NEEDLES)

    assert {finding.label for finding in findings} == {label}
    assert all(len(NOISE) <= f.offset < len(NOISE) + len(planted) for f in findings)


def test_clean_data_is_clean() -> None:
    """Noise, and text that only resembles a mark, gives no finding."""
    like = "欧阳朋 lumen-18+a@mail.example 欧阳 lumen-17".encode()
    clean = NOISE + like + base64.b64encode(like) + json.dumps(like.decode()).encode()

    assert search_bytes(clean, NEEDLES) == []


def test_findings_do_not_repeat_the_value() -> None:
    """What a failed assertion prints tells where the mark is, not what it is."""
    shown = repr([search_bytes(NAME.encode(), NEEDLES), NEEDLES])

    assert "name" in shown
    assert "欧阳" not in shown
    assert "mail.example" not in shown


def test_files_are_searched_with_their_names(tmp_path: Path) -> None:
    """Files in folders, hidden ones too, and the names of files and folders are all looked at."""
    hidden = tmp_path / "data" / ".journal"
    hidden.mkdir(parents=True)
    (hidden / "log").write_bytes(NOISE + MAIL.encode() + NOISE)
    (tmp_path / f"{MAIL}.txt").write_bytes(b"")
    (tmp_path / "clean").write_bytes(NOISE)

    found = {(Path(f.file).name, f.offset, f.in_name) for f in search_tree(tmp_path, NEEDLES)}
    assert found == {("log", len(NOISE), False), (f"{MAIL}.txt", 0, True)}


def test_several_places_and_single_files(tmp_path: Path) -> None:
    """Folders and files can be named together, and a link leads nowhere."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(MAIL.encode())
    (tmp_path / "two").write_bytes(MAIL.encode())
    (tmp_path / "a" / "link").symlink_to(tmp_path / "two")

    found = search_tree([tmp_path / "a", tmp_path / "two"], NEEDLES)
    assert sorted(Path(finding.file).name for finding in found) == ["one", "two"]


@given(st.integers(min_value=0, max_value=60), st.integers(min_value=0, max_value=60))
def test_what_lies_across_a_seam_is_found_once(before: int, after: int) -> None:
    """Wherever the chunks of a file are cut, a mark is found, and not twice."""
    data = b"." * before + MAIL.encode() + b"." * after
    whole = search_bytes(data, NEEDLES)
    for size in (1, 7, 31):
        chunks = (data[at : at + size] for at in range(0, len(data), size))
        hits = list(search._scan_chunks(chunks, NEEDLES))
        assert [(hit.start, hit.encoding) for hit in hits] == [
            (finding.offset, finding.encoding) for finding in whole
        ]


def test_a_large_file_is_searched_in_pieces(tmp_path: Path) -> None:
    """A mark across the border of two pieces is found at its place in the file."""
    start = search.CHUNK_BYTES - 5
    (tmp_path / "big").write_bytes(bytes(start) + MAIL.encode() + bytes(100))

    assert {finding.offset for finding in search_tree(tmp_path, NEEDLES)} == {start}


def test_a_database_and_its_journal(tmp_path: Path) -> None:
    """What a program stored in SQLite is found in the file or its write-ahead log."""
    connection = sqlite3.connect(tmp_path / "gateway.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (a TEXT)")
    connection.execute("INSERT INTO t VALUES (?)", (json.dumps({"name": NAME}),))
    connection.commit()
    found = search_tree(tmp_path, NEEDLES)
    connection.close()

    assert {finding.label for finding in found} == {"name"}


def test_a_key_is_found_in_any_form(tmp_path: Path) -> None:
    """Bytes that are no text are found as they are, and in hex, base64 and a literal."""
    key = bytes(range(200, 232))
    needles = Needles({"key": key})
    forms = (
        key,
        key.hex().encode(),
        key.hex().upper().encode(),
        base64.urlsafe_b64encode(b"<" + key),
        base64.b64encode(b"<<" + key),
        repr(key).encode(),
    )
    for form in forms:
        (tmp_path / "file").write_bytes(NOISE[:999] + form + NOISE[:999])
        assert {found.label for found in search_tree(tmp_path, needles)} == {"key"}
    assert search_bytes(NOISE, needles) == []
    with pytest.raises(ValueError, match="at least"):
        Needles({"short": b"12345"})


def test_a_search_that_looks_nowhere_fails(tmp_path: Path) -> None:
    """No marks, marks too short to tell, and places that do not exist are errors."""
    with pytest.raises(ValueError, match="no marks"):
        Needles({})
    for short in ("abcde", "李明"):
        with pytest.raises(ValueError, match="at least"):
            Needles({"short": short})
    with pytest.raises(FileNotFoundError):
        search_tree(tmp_path / "nowhere", NEEDLES)


def test_pipes_are_left_alone(tmp_path: Path) -> None:
    """A pipe keeps nothing, and opening it would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(MAIL.encode())

    assert [Path(finding.file).name for finding in search_tree(tmp_path, NEEDLES)] == ["file"]


def test_forms_are_named_and_kept_once() -> None:
    """Each form has one name, and one form never stands under two."""
    forms = variants(MAIL)

    assert len(set(forms.values())) == len(forms)
    assert forms["raw"] == MAIL.encode()
    assert all(len(form) >= 6 for form in forms.values())
