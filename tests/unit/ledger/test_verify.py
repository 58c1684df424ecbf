"""The check of a whole ledger: what it finds, and what it lets pass."""

import io
import json
from typing import Any

import pytest

from gateway.ledger import entries
from gateway.ledger.bundle import pruned_leaf
from gateway.ledger.encode import EMPTY_ROOT, canonical, leaf_hash
from gateway.ledger.leaf import Kind
from gateway.ledger.note import NoteInvalid, Verifier
from gateway.ledger.verify import LedgerInvalid, Report, check, check_bundle
from tests.unit.ledger.builders import (
    KEY,
    NOW,
    OTHER_KEY,
    VERIFIER,
    a_bundle,
    a_checkpoint,
    a_declared,
    a_ledger,
    a_note,
    an_intent,
    an_outcome,
)

LEAVES = a_ledger()


def verify(*leaves: Any) -> Report:
    """The report on leaves given as objects."""
    return check([canonical(leaf) for leaf in leaves])


def refused(leaves: Any, checkpoint: Any = None) -> LedgerInvalid:
    """Why leaves are refused."""
    with pytest.raises(LedgerInvalid) as found:
        check(leaves, checkpoint)
    return found.value


def pruned(leaf: entries.Leaf) -> Any:
    """What stands in place of a leaf after pruning."""
    return json.loads(pruned_leaf(leaf_hash(canonical(leaf))))


def test_a_good_ledger_is_reported() -> None:
    """A ledger without contradiction is counted by kind, with its root."""
    report = check(LEAVES, a_checkpoint(LEAVES))

    assert report == Report(
        origin="gateway.example/ledger",
        size=9,
        root=a_checkpoint(LEAVES).root.hex(),
        kinds={"intent": 4, "outcome": 4, "refusal": 1},
        pruned=0,
        open_intents=0,
        open_shares=(),
    )


def test_bytes_and_objects_are_the_same_leaves() -> None:
    """A leaf read as an object from the interface counts as the bytes that were hashed."""
    objects = [json.loads(leaf) for leaf in LEAVES]

    assert check(objects, a_checkpoint(LEAVES)) == check(LEAVES, a_checkpoint(LEAVES))


def test_a_new_ledger_is_good() -> None:
    """A ledger without leaves has the empty root and nothing open."""
    assert check([], a_checkpoint([])).root == EMPTY_ROOT.hex()
    assert check([]).size == 0


@pytest.mark.parametrize(
    ("leaves", "index", "told"),
    [
        ([LEAVES[0] + b" "], 0, "canonical form"),
        ([LEAVES[0], LEAVES[1].replace(b'":', b'": ', 1)], 1, "canonical form"),
        ([b'{"at":"x","at":"x"}'], 0, "canonical form"),
        ([b'{"n":-0}'], 0, "canonical form"),
        ([b'{"text":"\\u0041"}'], 0, "canonical form"),
        ([b"\xff"], 0, "no JSON"),
        ([b"{"], 0, "no JSON"),
        ([b""], 0, "no JSON"),
        ([b'{"n":' + b"9" * 5000 + b"}"], 0, "no JSON"),
        ([b"[1]"], 0, "no JSON object"),
        ([b'{"n":9007199254740993}'], 0, "an integer beyond"),
        ([b'{"n":NaN}'], 0, "NaN"),
        ([b'{"text":"\\ud800"}'], 0, "surrogate"),
        ([{"text": b""}], 0, "JSON"),
        ([b"[" * 200_000], 0, "no JSON"),
        ([[[]]], 0, "no JSON"),
        ([{**an_intent(), "more": None}], 0, "something else"),
        ([{**an_intent(), "more": [{"deep": 0.5}]}], 0, "something else"),
        ([{**an_intent(), "kind": "rumour"}], 0, "no known kind"),
        ([{**an_intent(), "kind": ["intent"]}], 0, "no known kind"),
        ([{"pruned": True, "leaf_hash": "short"}], 0, "no known kind"),
        ([{**an_intent(), "id": ""}], 0, "no id"),
        ([{**an_intent(), "id": 7}], 0, "no id"),
        ([{**an_intent(), "at": "2026-03-01T12:00:00Z"}], 0, "time"),
        ([{**an_intent(), "at": "2026-02-30T12:00:00.000Z"}], 0, "time"),
        ([{**an_intent(), "at": "2026-03-01T12:00:00.000+00:00"}], 0, "time"),
        ([{**an_intent(), "at": 1772366400}], 0, "time"),
        ([{**an_intent(), "share": 7}], 0, "no text"),
        ([{**an_intent(), "partner": ["x"]}], 0, "no text"),
        ([an_intent(), {**an_outcome(), "outcome": "lost"}], 1, "outcome is not known"),
        ([an_intent(), an_intent(2, id="intent_1")], 1, "an earlier leaf has its id"),
        ([an_outcome()], 0, "no earlier leaf opens its share"),
        ([an_outcome(), an_intent()], 0, "no earlier leaf opens its share"),
        ([an_intent(), an_outcome(), an_outcome(id="again")], 2, "has an outcome already"),
        ([a_declared(), an_outcome(), an_outcome(id="again")], 2, "has an outcome already"),
        ([an_intent(), an_outcome(partner="ad-network")], 1, "for another partner"),
        ([an_intent(), an_intent(id="x", partner="ad-network")], 1, "for another partner"),
    ],
)
def test_the_first_contradiction_is_named(leaves: list[Any], index: int, told: str) -> None:
    """A leaf that is malformed or contradicts an earlier one is named with what is wrong."""
    error = refused(leaves)

    assert error.index == index
    assert told in error.what
    assert str(error) == f"leaf {index}: {error.what}"


@pytest.mark.parametrize("kind", sorted(Kind))
def test_a_leaf_lacks_nothing_that_its_kind_has(kind: Kind) -> None:
    """A leaf of any kind that holds nothing but kind, id and time is refused."""
    error = refused([{"kind": kind.value, "id": "x", "at": entries.timestamp(NOW)}])

    assert error.what.startswith("it has no ")


def survives(depth: int) -> bool:
    """Whether a leaf with lists nested so deeply is accepted. Anything but a refusal is a crash."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    try:
        check([{**an_intent(), "more": value}])
    except LedgerInvalid:
        return False
    return True


def test_endless_nesting_is_refused_and_stops_nobody() -> None:
    """A leaf nested at any depth is read or refused, and never ends the check in a crash."""
    decided = [survives(depth) for depth in (50, *range(800, 1000, 3), 5000)]

    assert decided == sorted(decided, reverse=True)
    assert decided[0] and not decided[-1]


def test_attempts_and_outcomes_match_one_to_one() -> None:
    """A share tried twice, or of two persons, has two intents and may have two outcomes."""
    attempts = [an_intent(id="a"), an_intent(id="b")]
    twice = [*attempts, an_outcome(id="c"), an_outcome(id="d")]

    assert verify(*twice).open_intents == 0
    assert verify(an_intent(id="a"), an_outcome(id="c"), an_intent(id="b")).open_intents == 1
    assert refused([*twice, an_outcome(id="e")]).index == 4


@pytest.mark.parametrize("kind", ["intent", "transfer", "public-disclosure"])
def test_open_intents_are_counted(kind: str) -> None:
    """Attempts without an outcome are counted, whatever kind of share they are."""
    report = verify(
        an_intent(1, kind=kind), an_intent(2, kind=kind), an_intent(2, id="x"), an_outcome(1)
    )

    assert (report.open_intents, report.open_shares) == (2, ("share_2",))


def test_a_declared_disclosure_is_not_open() -> None:
    """What left before the gateway has no outcome to wait for, and may have one."""
    assert verify(a_declared()).open_intents == 0
    assert verify(a_declared(), an_outcome()).kinds == {"declared": 1, "outcome": 1}


def test_every_builder_writes_what_the_check_accepts() -> None:
    """Leaves of the other kinds pass between those of shares."""
    fence = entries.fence(id="f", at=NOW, reason="account-closed", whole=True, case="case_1")
    case = entries.case(id="c", at=NOW, case="case_1", action="erase", state="open")
    notice = entries.notice(
        id="n", at=NOW, notice="n_1", case="case_1", partner="swift-parcel", state="queued"
    )
    read = entries.read(id="r", at=NOW, service="desk", record="disclosures", count=3)

    assert verify(fence, case, notice, read).kinds == dict.fromkeys(
        ["case", "fence", "notice", "read"], 1
    )


def test_a_pruned_leaf_is_known_by_its_hash() -> None:
    """After pruning the root is the same, and what was pruned is counted, not judged."""
    kept = [pruned_leaf(leaf_hash(leaf)) if n < 2 else leaf for n, leaf in enumerate(LEAVES)]
    report = check(kept, a_checkpoint(LEAVES))

    assert (report.pruned, report.size) == (2, 9)
    assert report.kinds == {"intent": 3, "outcome": 3, "refusal": 1}


def test_a_pruned_leaf_excuses_one_outcome() -> None:
    """An outcome may belong to a pruned intent, but not more outcomes than were pruned."""
    hidden = pruned(an_intent(1))

    assert check([hidden, an_outcome(1)]).pruned == 1
    assert refused([hidden, an_outcome(1), an_outcome(2)]).index == 2
    assert refused([an_outcome(1), hidden]).index == 0
    assert check([an_intent(1), hidden, an_outcome(1), an_outcome(1, id="x")]).pruned == 1


def test_the_checkpoint_must_be_of_these_leaves() -> None:
    """Another root, another size, and leaves beyond the checkpoint are refused."""
    swapped = [LEAVES[0], LEAVES[2], LEAVES[1], *LEAVES[3:]]

    assert "another root" in refused(swapped, a_checkpoint(LEAVES)).what
    assert "there are 8" in refused(LEAVES[:-1], a_checkpoint(LEAVES)).what
    beyond = refused(LEAVES, a_checkpoint(LEAVES[:-1]))
    assert (beyond.index, beyond.what) == (8, "the checkpoint covers no such leaf")


def test_a_bundle_is_checked_as_a_whole() -> None:
    """A bundle verifies with the ledger's key, and with no other."""
    bundle = a_bundle(LEAVES)

    assert check_bundle(io.BytesIO(bundle), [VERIFIER]) == check(LEAVES, a_checkpoint(LEAVES))
    with pytest.raises(NoteInvalid):
        check_bundle(io.BytesIO(bundle), [Verifier(VERIFIER.name, OTHER_KEY.public_key())])


def test_the_header_must_agree_with_the_checkpoint() -> None:
    """A bundle whose header names another ledger than was signed is refused."""
    other = Verifier("elsewhere.example/ledger", KEY.public_key())
    bundle = a_bundle(LEAVES, a_note(LEAVES, origin=other.name))

    with pytest.raises(LedgerInvalid, match="another ledger"):
        check_bundle(io.BytesIO(bundle), [VERIFIER, other])


def test_a_changed_leaf_changes_the_root() -> None:
    """A bundle with one word of one leaf changed is refused."""
    bundle = a_bundle(LEAVES).replace(b'"territory":"CN"', b'"territory":"SG"', 1)

    with pytest.raises(LedgerInvalid, match="another root"):
        check_bundle(io.BytesIO(bundle), [VERIFIER])
