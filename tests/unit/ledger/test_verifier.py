"""
The separate verifier: a program that shares no code with the gateway, run as
its user runs it, alone in a folder.
"""

import ast
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import verifier
from gateway.ledger.bundle import BundleInvalid, pruned_leaf
from gateway.ledger.encode import canonical, leaf_hash
from gateway.ledger.leaf import REQUIRED, Kind
from gateway.ledger.merkle import Peaks
from gateway.ledger.note import NoteInvalid, open_note
from gateway.ledger.verify import LedgerInvalid, check_bundle
from gateway.model.shares import Outcome
from tests.unit.ledger.builders import (
    KEY,
    ORIGIN,
    OTHER_KEY,
    VERIFIER,
    a_bundle,
    a_declared,
    a_first_bundle,
    a_jwk,
    a_jwks,
    a_ledger,
    a_note,
    an_intent,
    an_outcome,
    digests,
)

SOURCE = Path(verifier.__file__)
LEAVES = a_ledger()
GOOD = a_first_bundle(LEAVES)
LINES = GOOD.splitlines(keepends=True)
TRUST = json.dumps(a_jwks())
TRUSTED = verifier.Trust({"checkpoint-1": KEY.public_key().public_bytes_raw()})


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder that holds the verifier and the trusted keys, and nothing of the gateway."""
    shutil.copy(SOURCE, tmp_path / "verifier.py")
    (tmp_path / "trust.json").write_text(TRUST)
    return tmp_path


def run(
    folder: Path, bundle: bytes, *more: str, name: str = "ledger.jsonl"
) -> subprocess.CompletedProcess[str]:
    """Run the verifier in its folder, isolated from every other path."""
    (folder / name).write_bytes(bundle)
    return subprocess.run(
        [sys.executable, "-I", "verifier.py", name, "--trust", "trust.json", *more],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=50,
    )


def resigned(leaves: list[Any], **changes: Any) -> bytes:
    """A bundle of these leaves with a root and signature that fit them."""
    raw = [leaf if isinstance(leaf, bytes) else canonical(leaf) for leaf in leaves]
    return a_first_bundle(raw, a_note(raw, **changes))


def with_byte(source: bytes, at: int, byte: bytes) -> bytes:
    """Bytes with one of them replaced."""
    return source[:at] + byte + source[at + 1 :]


def test_a_good_bundle_verifies(alone: Path) -> None:
    """A bundle exits 0, and what was checked and found stands in the report."""
    ran = run(alone, GOOD)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("ledger.jsonl VERIFIES\n")
    for part in (ORIGIN, "9 leaves", "checkpoint-2026-1", "RFC 6962", "4  intent", "not checked"):
        assert part in ran.stdout


def test_the_report_is_also_for_programs(alone: Path) -> None:
    """With --json the whole report is one object."""
    ran = run(alone, GOOD, "--json", "--origin", ORIGIN)

    assert ran.returncode == 0
    assert json.loads(ran.stdout) == {
        "verified": True,
        "format": "sharing-ledger/1",
        "origin": ORIGIN,
        "origin_expected": True,
        "size": 9,
        "root": json.loads(ran.stdout)["root"],
        "signed_by": ["checkpoint-2026-1"],
        "kinds": {"intent": 4, "outcome": 4, "refusal": 1},
        "pruned": 0,
        "open_intents": 0,
    }


TAMPERED: dict[str, tuple[bytes, str]] = {
    "a flipped byte in a leaf": (GOOD.replace(b"swift-parcel", b"swift-parcem", 1), "partner"),
    "a changed word in a refusal": (GOOD.replace(b"consent-missing", b"consent-missinh"), "root"),
    "swapped leaves": (b"".join([LINES[0], LINES[3], LINES[2], LINES[1], *LINES[4:]]), "share"),
    "swapped intents": (b"".join([*LINES[:1], LINES[3], *LINES[2:3], LINES[1], *LINES[4:]]), ""),
    "a dropped leaf": (b"".join(LINES[:9] + LINES[10:]), "fewer leaves"),
    "a dropped leaf, header adjusted": (
        b"".join(LINES[:9] + LINES[10:]).replace(b'"size":9', b'"size":8'),
        "the checkpoint is of 9 leaves",
    ),
    "an added leaf": (b"".join([*LINES[:10], canonical(an_intent(9)) + b"\n", LINES[-1]]), "line"),
    "an added leaf, header adjusted": (
        b"".join([*LINES[:10], canonical(an_intent(9)) + b"\n", LINES[-1]]).replace(
            b'"size":9', b'"size":10'
        ),
        "the checkpoint is of 9 leaves",
    ),
    "a cut file": (GOOD[:-30], "cut"),
    "a file cut at a line": (b"".join(LINES[:5]), "ends too early"),
    "something after the end": (GOOD + b"\n", "follows"),
    "a key of another ledger": (
        a_first_bundle(LEAVES, a_note(LEAVES, OTHER_KEY)),
        "no trusted key",
    ),
    "a key in the file only": (
        GOOD.replace(
            b'{"checkpoint":',
            json.dumps(a_jwks(a_jwk(OTHER_KEY)))[:-1].encode() + b',"checkpoint":',
        ),
        "not an object of checkpoint",
    ),
    "a checkpoint of another origin": (
        a_first_bundle(LEAVES, a_note(LEAVES, origin="elsewhere.example/ledger")),
        "another ledger",
    ),
    "a changed checkpoint": (GOOD.replace(b"ledger\\n9\\n", b"ledger\\n8\\n"), "signature"),
    "a leaf that is not canonical": (
        resigned([LEAVES[0].replace(b'":', b'": ', 1), *LEAVES[1:]]),
        "canonical",
    ),
    "a leaf with a member twice": (
        resigned([b'{"at":"x",' + LEAVES[0][1:], *LEAVES[1:]]),
        "twice",
    ),
    "a leaf with a fraction": (
        resigned([LEAVES[0].replace(b'"purpose_version":1', b'"purpose_version":1.5')]),
        "something else",
    ),
    "a leaf with null": (resigned([{**an_intent(), "more": None}]), "something else"),
    "a leaf with a large integer": (
        resigned(
            [LEAVES[0].replace(b'"purpose_version":1', b'"purpose_version":9007199254740992')]
        ),
        "something else",
    ),
    "a leaf with a lone surrogate": (resigned([b'{"at":"\\ud800"}']), "canonical"),
    "an orphan outcome": (resigned([an_outcome()]), "no earlier leaf opens it"),
    "an outcome before its intent": (resigned([an_outcome(), an_intent()]), "no earlier leaf"),
    "a second outcome": (resigned([*LEAVES, an_outcome(id="again")]), "has an outcome already"),
    "an outcome of another partner": (
        resigned([an_intent(), an_outcome(partner="ad-network")]),
        "another partner",
    ),
    "an id twice": (resigned([an_intent(), an_intent(2, id="intent_1")]), "the same id"),
    "an unknown kind": (resigned([{**an_intent(), "kind": "rumour"}]), "no known kind"),
    "an unknown outcome": (
        resigned([an_intent(), {**an_outcome(), "outcome": "lost"}]),
        "outcome is not known",
    ),
    "a time of another form": (resigned([{**an_intent(), "at": "yesterday"}]), "time"),
    "a day that does not exist": (
        resigned([{**an_intent(), "at": "2026-02-30T12:00:00.000Z"}]),
        "time",
    ),
    "an intent without its grant": (
        resigned([{name: value for name, value in an_intent().items() if name != "grant"}]),
        "no grant",
    ),
    "a share that is no text": (resigned([{**an_intent(), "share": 7}]), "no text"),
    "a pruned leaf without hash": (resigned([b'{"leaf_hash":"x","pruned":true}']), "no hash"),
    "a pruned leaf that excuses too much": (
        resigned([pruned_leaf(bytes(32)), an_outcome(1), an_outcome(2)]),
        "no earlier leaf",
    ),
    "a header with a member twice": (GOOD.replace(b'"size"', b'"size":1,"size"', 1), "twice"),
    "a header without a size": (GOOD.replace(b'"size":9', b'"size":"9"', 1), "size"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_bundle_does_not_verify(alone: Path, name: str) -> None:
    """Whatever is changed about a bundle, the verifier exits 1 and says what and where."""
    bundle, told = TAMPERED[name]
    assert bundle != GOOD
    ran = run(alone, bundle)

    assert (ran.returncode, ran.stderr) == (1, "")
    assert ran.stdout.startswith("ledger.jsonl DOES NOT VERIFY\n")
    assert told in ran.stdout


def test_the_place_of_a_mistake_is_told(alone: Path) -> None:
    """A refused bundle is reported with line and leaf, for people and for programs."""
    bundle, _ = TAMPERED["a second outcome"]
    ran, told = run(alone, bundle), run(alone, bundle, "--json")

    assert "line 11: leaf 9: every attempt" in ran.stdout
    assert json.loads(told.stdout) == {
        "verified": False,
        "error": "every attempt at its share has an outcome already, or no earlier leaf opens it",
        "line": 11,
        "leaf": 9,
    }


def test_another_origin_than_expected_does_not_verify(alone: Path) -> None:
    """With --origin a bundle of another ledger is refused, however well it is signed."""
    assert run(alone, GOOD, "--origin", ORIGIN).returncode == 0
    assert run(alone, GOOD, "--origin", "elsewhere.example/ledger").returncode == 1


def test_compressed_bundles_are_read(alone: Path) -> None:
    """A .gz file is the same bundle; a cut one does not verify."""
    packed = gzip.compress(GOOD)

    assert run(alone, packed, name="ledger.jsonl.gz").returncode == 0
    for wrong in (packed[:-9], with_byte(packed, 30, b"\0"), GOOD, b""):
        assert run(alone, wrong, name="ledger.jsonl.gz").returncode in (1, 2)
    assert "damaged" in run(alone, packed[:-9], name="ledger.jsonl.gz").stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ4In0.c2ln", "a signed token"),
        (b"c2sp.org/tlog-proof@v2\nindex 0\n\nnote\n", "a proof of a version"),
        (b"c2sp.org/tlog-proof@v1\nindex 0\n\nnote\n", "a proof is about a leaf"),
        (b'{"format":"sharing-ledger/3"}\n', "a version that this program does not know"),
        (b'{"keys":[]}\n', "does not know"),
        (b"[]\n", "does not know"),
        (b"\x89PNG\r\n", "does not know"),
        (b"", "does not know"),
    ],
)
def test_another_kind_of_file_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, told: str
) -> None:
    """What is no ledger bundle is called what it is, and is wrong use, not a forgery."""
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "trust.json").write_text(TRUST)
    code = verifier.main([str(tmp_path / "file"), "--trust", str(tmp_path / "trust.json")])

    assert code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "trust",
    [
        "not json",
        "[]",
        "{}",
        json.dumps({"keys": []}),
        json.dumps({"keys": ["x"]}),
        json.dumps(a_jwks(a_jwk(kid="grant-1"))),
        json.dumps(a_jwks(a_jwk(), a_jwk(OTHER_KEY))),
        json.dumps(a_jwks(a_jwk(kty="EC"))),
        json.dumps(a_jwks(a_jwk(alg="ES256"))),
        json.dumps(a_jwks(a_jwk(x="AAAA"))),
        json.dumps(a_jwks(a_jwk(x=None))),
        json.dumps(a_jwks(a_jwk(use="enc"))),
    ],
)
def test_trust_must_be_a_key_set_with_a_checkpoint_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], trust: str
) -> None:
    """Without exactly one key to each name for checkpoints there is nothing to check against."""
    (tmp_path / "ledger").write_bytes(GOOD)
    (tmp_path / "trust.json").write_text(trust)

    assert verifier.main([str(tmp_path / "ledger"), "--trust", str(tmp_path / "trust.json")]) == 2
    assert "--trust" in capsys.readouterr().err


def test_wrong_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No trust, no file, or a file that is not there: exit code 2. Asking for help: 0."""
    (tmp_path / "trust.json").write_text(TRUST)
    trust = ["--trust", str(tmp_path / "trust.json")]

    assert verifier.main([]) == 2
    assert verifier.main(["ledger.jsonl"]) == 2
    assert verifier.main([str(tmp_path / "absent"), *trust]) == 2
    assert verifier.main([str(tmp_path), *trust]) == 2
    assert verifier.main([str(tmp_path / "absent"), "--trust", str(tmp_path / "absent")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert verifier.main(["--help"]) == 0


def test_progress_is_shown_to_whoever_watches(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal the verifier says how far it is; elsewhere it keeps quiet."""
    verifier.show_progress(20_000, 1_000_000)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    verifier.show_progress(20_000, 1_000_000)

    assert "20,000 of 1,000,000 leaves" in capsys.readouterr().err


def test_a_long_line_is_not_read_to_its_end(alone: Path) -> None:
    """A line beyond its bound is refused, however much follows."""
    ran = run(alone, gzip.compress(LINES[0] + b"x" * (8 << 20)), name="bomb.gz")

    assert ran.returncode == 1
    assert "too long" in ran.stdout


def test_it_runs_beside_the_gateway_too(tmp_path: Path) -> None:
    """Run from where it lies in the repository, the modules beside it do not get in its way."""
    (tmp_path / "ledger").write_bytes(GOOD)
    (tmp_path / "trust.json").write_text(TRUST)
    command = [sys.executable, str(SOURCE), "ledger", "--trust", "trust.json"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50)

    assert (ran.returncode, ran.stderr) == (0, "")


def test_it_imports_the_standard_library_and_cryptography_only() -> None:
    """The verifier has no import besides the standard library and `cryptography`."""
    imported = set()
    for node in ast.walk(ast.parse(SOURCE.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            imported.add((node.module or "").partition(".")[0])

    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def test_the_gateway_cannot_be_imported_where_it_runs(alone: Path) -> None:
    """The folder in which these tests run the verifier holds nothing of the gateway."""
    script = "import sys; sys.path.insert(0, '.'); import verifier; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-I", "-c", script], cwd=alone, capture_output=True, text=True, timeout=50
    )

    assert ran.returncode == 0
    assert not {name for name in ran.stdout.split() if name.partition(".")[0] == "gateway"}


def test_both_checks_know_the_same_kinds_and_outcomes() -> None:
    """The two implementations agree on what a leaf of each kind has."""
    assert {kind: set(names.split()) for kind, names in verifier.REQUIRED.items()} == {
        kind.value: set(names) for kind, names in REQUIRED.items()
    }
    assert set(verifier.SHARES) == {Kind.INTENT, Kind.TRANSFER, Kind.PUBLIC_DISCLOSURE}
    assert set(verifier.OUTCOMES) == set(Outcome)


@given(
    st.recursive(
        st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_both_canonical_forms_agree(value: Any) -> None:
    """What one implementation calls canonical, the other does too."""
    assert verifier.canonical(value).encode() == canonical(value)


def test_both_trees_agree() -> None:
    """The two implementations have the same root at every size."""
    ours, theirs = Peaks(), verifier.Tree()
    for digest in digests(300):
        assert ours.root() == theirs.root()
        ours.add(digest)
        theirs.add(digest)
    assert (ours.size, ours.root()) == (theirs.size, theirs.root())


def ours_accepts(path: Path) -> bool:
    """Whether the gateway's own check accepts a bundle."""
    with path.open("rb") as stream:
        try:
            check_bundle(stream, [VERIFIER])
        except (BundleInvalid, LedgerInvalid, NoteInvalid):
            return False
        return True


def theirs_accepts(path: Path) -> bool:
    """Whether the separate verifier accepts it."""
    try:
        verifier.check_file(path, TRUSTED, None, verifier.Asked())
    except (verifier.Refuted, verifier.WrongUse):
        return False
    return True


LEAF_CHOICES: list[Any] = [
    an_intent(1),
    an_intent(2),
    an_intent(1, id="retry"),
    an_outcome(1),
    an_outcome(2),
    an_outcome(1, id="again"),
    an_outcome(1, partner="ad-network"),
    a_declared(3),
    an_outcome(3),
    {**an_intent(4), "more": [{"é": True, "\U0001f602": ["\x7f\n"]}]},
]


@given(st.lists(st.sampled_from(LEAF_CHOICES), max_size=8), st.sets(st.integers(0, 7)))
def test_both_checks_decide_every_order_of_leaves_alike(
    tmp_path_factory: pytest.TempPathFactory, leaves: list[Any], hidden: set[int]
) -> None:
    """Well signed ledgers of any leaves in any order, some pruned, are decided alike."""
    raw = [canonical(leaf) for leaf in leaves]
    raw = [pruned_leaf(leaf_hash(leaf)) if n in hidden else leaf for n, leaf in enumerate(raw)]
    path = tmp_path_factory.mktemp("bundle") / "ledger"
    path.write_bytes(a_bundle(raw))

    assert ours_accepts(path) == theirs_accepts(path)


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=2), st.integers(0, 3))
def test_both_checks_refuse_every_change_of_the_bytes(
    tmp_path_factory: pytest.TempPathFactory, at: int, put: bytes, gone: int
) -> None:
    """Whatever bytes are put in, taken out or replaced, neither implementation is misled."""
    changed = GOOD[:at] + put + GOOD[at + gone :]
    path = tmp_path_factory.mktemp("bundle") / "ledger"
    path.write_bytes(changed)
    # The moment of the export is information; nothing depends on it.
    kept = [json.loads(line) for line in changed.splitlines()[1:]] if is_json(changed) else []
    same = kept == [json.loads(line) for line in LINES[1:]]

    assert ours_accepts(path) == theirs_accepts(path)
    assert same or not theirs_accepts(path)


def is_json(data: bytes) -> bool:
    """Whether every line is JSON."""
    try:
        [json.loads(line) for line in data.splitlines()]
    except ValueError:
        return False
    return True


NOTE = a_note(LEAVES)


@given(
    st.integers(0, len(NOTE)),
    st.sampled_from(
        ["", "\n", " ", "\u2014", "=", "A", "\t", "\ud800", "\u3000", "+", "0", "\n\n"]
    ),
    st.integers(0, 2),
)
def test_both_checks_read_notes_alike(at: int, put: str, gone: int) -> None:
    """A changed checkpoint is refused by both, or says the same to both."""
    note = NOTE[:at] + put + NOTE[at + gone :]
    accepted: list[Callable[[], Any]] = [
        lambda: open_note(note, [VERIFIER]),
        lambda: verifier.open_checkpoint(note, TRUSTED),
    ]
    decided = []
    for accept in accepted:
        try:
            accept()
            decided.append(True)
        except (NoteInvalid, verifier.Refuted):
            decided.append(False)

    assert decided[0] == decided[1]
    assert decided[0] == (note == NOTE)
