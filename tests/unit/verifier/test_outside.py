"""What an outsider asks of the separate verifier besides a bundle: proofs, the past, witnesses."""

import hashlib
import json
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import verifier
from gateway.ledger import merkle
from gateway.ledger.bundle import pruned_leaf
from gateway.ledger.checkpoint import tlog_proof
from gateway.ledger.encode import canonical, leaf_hash
from gateway.ledger.note import KeyType, SignedNote, Verifier
from tests.unit.ledger.builders import (
    KEY,
    ORIGIN,
    OTHER_KEY,
    VERIFIER,
    a_bundle,
    a_jwks,
    a_ledger,
    a_note,
    an_intent,
    digest_of,
)

LEAVES = a_ledger(8)
HASHES = [digest_of(leaf) for leaf in LEAVES]
TILES = merkle.extend({}, 0, HASHES)
NOTE, OLD = a_note(LEAVES), a_note(LEAVES[:5])
AT = 1_700_000_000


def key_of(name: str) -> Ed25519PrivateKey:
    """A witness's key."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def vkey(name: str) -> str:
    """It as text."""
    return str(Verifier(name, key_of(name).public_key(), KeyType.COSIGNATURE))


def cosigned(note: str, *names: str, at: int = AT, by: str | None = None) -> str:
    """A note with lines of these witnesses; `by`: with another's key in truth."""
    text = SignedNote.parse(note).text
    for name in names:
        signature = key_of(by or name).sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        own = Verifier(name, key_of(name).public_key(), KeyType.COSIGNATURE)
        blob = b64encode(own.key_id + at.to_bytes(8, "big") + signature).decode()
        note += f"\u2014 {name} {blob}\n"
    return note


def proof_of(index: int, note: str = NOTE, **changes: Any) -> str:
    """A proof of one leaf."""
    return tlog_proof(index, merkle.inclusion(TILES, index, len(LEAVES)), note, **changes)


Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Give the verifier a file; its exit code, and its report or what it says is wrong."""
    (tmp_path / "trust.json").write_text(json.dumps(a_jwks()))

    def one(content: str | bytes, *more: str | Path, name: str = "file", trust: str = "") -> Any:
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / name).write_bytes(data)
        given = ["--trust", trust or str(tmp_path / "trust.json"), "--json"]
        code = verifier.main([str(tmp_path / name), *given, *map(str, more)])
        out = capsys.readouterr()
        return code, json.loads(out.out) if code < 2 else out.err

    return one


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file beside it."""

    def one(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return one


def test_a_proof_shows_its_leaf(ask: Ask, put: Any) -> None:
    """A proof with its leaf beside it verifies, for every leaf, and the leaf's words are reported; extra
    data is named as what nothing authenticates."""
    for index, leaf in enumerate(LEAVES):
        put("share.leaf.json", leaf)
        code, found = ask(proof_of(index, extra=b"x"), name="share.tlog-proof")
        assert code == 0
        assert (found["index"], found["leaf"]) == (index, json.loads(leaf))
        assert found["extra_ignored"] is True


def test_a_proof_shows_no_other_leaf(ask: Ask, put: Any) -> None:
    """Another leaf, place or key, a pruned leaf and one that is not canonical are refused; a proof
    without its leaf is no question."""
    good = put("good.leaf.json", LEAVES[3])
    wrong = {
        "another root": (proof_of(3), put("other", LEAVES[4])),
        "canonical": (proof_of(3), put("loose", LEAVES[3].replace(b'":', b'": ', 1))),
        "pruned": (proof_of(3), put("pruned", pruned_leaf(HASHES[3]))),
        "root": (proof_of(3).replace("index 3", "index 2"), good),
        "under a checkpoint": (proof_of(3).replace("index 3", "index 99"), good),
        "no trusted key": (proof_of(3, a_note(LEAVES, OTHER_KEY)), good),
    }
    for told, (text, leaf) in wrong.items():
        code, found = ask(text, "--leaf", leaf)
        assert (code, told in found["error"]) == (1, True), (told, found)
    assert ask(proof_of(3), "--leaf", good)[0] == 0
    code, said = ask(proof_of(3))
    assert (code, "--leaf" in said) == (2, True)


def test_a_ledgers_own_key_is_trust_enough(ask: Ask) -> None:
    """A ledger's key as text is trusted for that ledger, and for no other."""
    code, found = ask(NOTE, trust=str(VERIFIER))
    assert (code, found["signed_by"]) == (0, [str(VERIFIER).rpartition("+")[0]])
    assert ask(a_note(LEAVES, origin="other.example/ledger"), trust=str(VERIFIER))[0] == 1
    assert ask(NOTE, trust=str(Verifier(ORIGIN, OTHER_KEY.public_key())))[0] == 1
    assert ask(NOTE, trust=vkey("witness.example"))[0] == 2


@pytest.mark.parametrize("size", range(1, len(LEAVES) + 1))
def test_a_ledger_goes_on_from_every_earlier_checkpoint(ask: Ask, put: Any, size: int) -> None:
    """A bundle is shown to go on from an old checkpoint by its leaves, and a checkpoint by the proof that
    the gateway gives."""
    old = put("old", a_note(LEAVES[:size]))
    code, found = ask(a_bundle(LEAVES), "--since", old)
    assert (code, found["since"]["size"]) == (0, size)

    hashes = [one.hex() for one in merkle.consistency(TILES, size, len(LEAVES))]
    proof = put("proof", json.dumps({"hashes": hashes}))
    assert ask(NOTE, "--since", old, "--consistency", proof)[0] == 0
    for changed in ([*hashes, "0" * 64], hashes[:-1], ["0" * 64, *hashes[1:]]):
        if hashes and changed != hashes:
            bad = put("bad", json.dumps({"hashes": changed}))
            assert ask(NOTE, "--since", old, "--consistency", bad)[0] == 1


def test_a_ledger_that_was_rewritten_or_cut_is_refused(ask: Ask, put: Any) -> None:
    """Another past, fewer leaves than before, and another ledger do not go on from an old checkpoint,
    whatever kind of file holds it."""
    other = [*LEAVES[:4], canonical(an_intent(99)), *LEAVES[5:]]
    for name, content in {
        "note": a_note(other[:6]),
        "bundle": a_bundle(other[:6]),
        "proof": tlog_proof(0, [], a_note(other[:6])),
    }.items():
        code, found = ask(a_bundle(LEAVES), "--since", put(name, content))
        assert (code, "another root than they had before" in found["error"]) == (1, True), name
    code, found = ask(a_bundle(LEAVES[:5]), "--since", put("newer", NOTE))
    assert (code, "it is older" in found["error"]) == (1, True)
    elsewhere = put("elsewhere", a_note(LEAVES[:5], origin="other.example/ledger"))
    assert ask(a_bundle(LEAVES), "--since", elsewhere)[0] == 1
    forged = put("forged", a_note(LEAVES[:5], OTHER_KEY))
    assert ask(a_bundle(LEAVES), "--since", forged)[0] == 1
    code, said = ask(NOTE, "--since", put("old", OLD))
    assert (code, "--consistency" in said) == (2, True)


def test_witnesses_who_are_named_must_have_cosigned(ask: Ask) -> None:
    """All witnesses that are named must have cosigned, or as many as --quorum says; two lines of one
    count once, and those of others say nothing."""
    one, two = "w1.example", "w2.example"
    both = ("--witness", vkey(one), "--witness", vkey(two))
    code, found = ask(cosigned(NOTE, one, two, "w3.example"), *both)
    assert (code, found["cosigned_by"]) == (0, {one: AT, two: AT})

    assert ask(cosigned(NOTE, one), *both)[0] == 1
    assert ask(cosigned(NOTE, one), *both, "--quorum", "1")[0] == 0
    assert ask(cosigned(NOTE, one, one), *both, "--quorum", "2")[0] == 1
    assert ask(NOTE, *both, "--quorum", "0")[0] == 0
    assert ask(NOTE, *both, "--quorum", "3")[0] == 2
    assert ask(NOTE, "--witness", str(VERIFIER))[0] == 2
    bundle = a_bundle(LEAVES, cosigned(NOTE, one))
    assert ask(bundle, "--witness", vkey(one))[0] == 0
    assert ask(bundle, "--witness", vkey(two))[0] == 1


@pytest.mark.parametrize(
    "line",
    [
        cosigned(NOTE, "w1.example", at=0),
        cosigned(NOTE, "w1.example", by="w2.example"),
        cosigned(OLD, "w1.example").replace(OLD, NOTE),
    ],
    ids=["no time", "another's key", "another checkpoint"],
)
def test_a_wrong_line_of_a_named_witness_spoils_the_checkpoint(ask: Ask, line: str) -> None:
    """A cosignature that fails is refused though nothing asks for it, as C2SP signed-note has it; who
    does not know the witness passes over it."""
    assert ask(line, "--witness", vkey("w1.example"), "--quorum", "0")[0] == 1
    assert ask(line)[0] == 0


POLICY = "\n".join(
    [
        "# two of the first three, and one of the others",
        f"log {VERIFIER}",
        *(f"witness {name} {vkey(f'{name}.example')} https://{name}.example" for name in "abcxy"),
        "group first 2 a b c",
        "\tgroup others any x y",
        "group both all first others",
        "quorum both",
        "",
    ]
)


def test_a_policy_file_says_who_must_have_cosigned(ask: Ask, put: Any) -> None:
    """Groups of groups with their thresholds are kept as C2SP tlog-policy has them, and the ledger's key
    may be trusted by the policy alone."""
    policy = ("--policy", put("policy", POLICY))
    for names, code in (("abx", 0), ("bcy", 0), ("abc", 1), ("axy", 1), ("", 1)):
        note = cosigned(NOTE, *(f"{name}.example" for name in names))
        assert ask(note, *policy)[0] == code, names
    assert ask(NOTE, "--policy", put("none", "quorum none\n"))[0] == 0
    path = put("file", cosigned(NOTE, "a.example", "b.example", "x.example"))
    assert verifier.main([str(path), *map(str, policy)]) == 0
    assert ask(NOTE, *policy, "--witness", vkey("a.example"))[0] == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# no quorum\n",
        "quorum none\nquorum none\n",
        "quorum a\n",
        f"witness a {vkey('a.example')}\nwitness a {vkey('b.example')}\nquorum a\n",
        f"witness a {vkey('a.example')}\nwitness b {vkey('a.example')}\nquorum a\n",
        f"witness none {vkey('a.example')}\nquorum none\n",
        f"witness a {VERIFIER}\nquorum a\n",
        f"log {vkey('a.example')}\nquorum none\n",
        f"witness a {vkey('a.example')}\ngroup g 2 a\nquorum g\n",
        f"witness a {vkey('a.example')}\ngroup g 0 a\nquorum g\n",
        f"witness a {vkey('a.example')}\ngroup g any a a\nquorum g\n",
        f"witness a {vkey('a.example')}\ngroup g any\nquorum g\n",
        f"group g any a\nwitness a {vkey('a.example')}\nquorum g\n",
        f"witness a {vkey('a.example')}\ngroup g some a\nquorum g\n",
        "quorum none\r\n",
        "quorum none more\n",
        "threshold 2\nquorum none\n",
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(ask: Ask, put: Any, text: str) -> None:
    """Names before their definition, keys named twice, thresholds that nobody can reach, and whatever
    else is no policy, are wrong use and no verdict."""
    assert ask(NOTE, "--policy", put("policy", text))[0] == 2


def test_what_is_said_of_it_is_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], put: Any
) -> None:
    """For people the report names who cosigned when, from where the ledger goes on, and what a proof
    does not show."""
    put("trust.json", json.dumps(a_jwks()))
    note = cosigned(NOTE, "w1.example")
    put("share.leaf.json", LEAVES[0])
    put("share.tlog-proof", proof_of(0, note, extra=b"x"))
    put("bundle", a_bundle(LEAVES, note))
    more = ["--trust", str(tmp_path / "trust.json"), "--witness", vkey("w1.example")]
    since = ["--since", str(put("old", OLD))]
    assert verifier.main([str(tmp_path / "share.tlog-proof"), *more]) == 0
    assert verifier.main([str(tmp_path / "bundle"), *more, *since]) == 0
    told = capsys.readouterr().out

    for part in (
        "cosigned  by 'w1.example' at 2023-11-14T22:13:20Z",
        "leaf 0 of this ledger is, byte for byte,",
        "its extra data, which nothing authenticates",
        "goes on   from 5 leaves",
    ):
        assert part in told


def test_a_long_ledger_takes_little_memory() -> None:
    """What is kept of a leaf and of a share that is done is sixteen bytes each, and a repeated id is
    still found."""
    contents = verifier.Contents()
    tracemalloc.start()
    for number in range(20_000):
        contents.ids.add(f"leaf_{number:032x}", number)
        contents.closed.add(f"shr_{number:032x}", verifier.partner_number("swift-parcel"))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 20_000 * 40
    contents.finish()
    contents.ids.add(f"leaf_{7:032x}", 20_000)
    with pytest.raises(verifier.Refuted, match="same id") as refused:
        contents.finish()
    assert refused.value.leaf == 20_000


def test_a_leaf_is_hashed_as_the_gateway_does() -> None:
    """Both make the same hash of a leaf, alone and in a ledger."""
    lone = verifier.Contents(before=1)

    assert verifier.check_leaf(LEAVES[1], lone) == leaf_hash(LEAVES[1])
    assert KEY.public_key() == VERIFIER.key
