"""The gateway is killed while it shares, and what reached anybody is in the ledger."""

from pathlib import Path

import pytest

from tests.faults.aftermath import Kill, kill_once, sent_twice, unrecorded
from tests.faults.killing import Came, Scene

KILLS = 2


@pytest.mark.timeout(120)
async def test_a_kill_hides_no_share(tmp_path: Path) -> None:
    """
    Killed with SIGKILL under load and started again, the gateway has every share
    that a recipient received in its ledger, counts what was under way as
    disclosed, sends nothing twice, and goes on.

    The full size is `make kill`.
    """
    kills: list[Kill] = []
    async with Scene.open(tmp_path) as scene:
        while sum(kill.counts for kill in kills) < KILLS and len(kills) < 2 * KILLS:
            kills.append(await kill_once(scene))
            print(f"{kills[-1].open_intents} intents open, {kills[-1].unanswered} unanswered")

    assert [kill.broken for kill in kills] == [[]] * len(kills)
    counted = [kill for kill in kills if kill.counts]
    assert len(counted) == KILLS, "the gateway was never busy enough for a kill to show anything"
    for kill in counted:
        assert kill.open_intents >= 8
        assert kill.unanswered >= 1
        assert kill.closed == kill.open_intents
        assert kill.repeated >= kill.unheard > 0


def test_a_share_that_the_ledger_does_not_know_is_found() -> None:
    """The look at the ledger finds a share that reached a recipient and is not in it."""
    came = [Came("swift-parcel", "K1-1", "shr_a"), Came("swift-parcel", "K1-2", "shr_b")]
    leaves = [
        {"kind": "intent", "share": "shr_a"},
        # Only an intent says that it was written before it left.
        {"kind": "outcome", "share": "shr_b"},
    ]

    assert unrecorded(leaves, came) == ["shr_b"]


def test_a_share_that_was_sent_twice_is_found() -> None:
    """The look at what arrived finds a request that was sent twice, but not one told apart."""
    twice = [Came("swift-parcel", "K1-1", "shr_a"), Came("swift-parcel", "K1-1", "shr_b")]
    again = [Came("slow-post", "K1-2", "shr_c"), Came("slow-post", "K1-2", "shr_c")]

    assert list(sent_twice([*twice, *again], told_apart={"K1-2"})) == ["K1-1"]
    assert list(sent_twice(again, told_apart=set())) == ["K1-2"]
