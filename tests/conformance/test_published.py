"""What is known of recipients' published keys, and claims that leave somebody out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.model.ids import PartnerId
from gateway.model.keys import PublishedKeys, SeenKey
from gateway.ports import Intent, PartnerState, QueuedShare
from gateway.stores.sqlite import SQLiteStore

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PARTNER = PartnerId("swift-parcel")


def known(**changes: SeenKey) -> PublishedKeys:
    """A set with one key, and what is known of it."""
    return PublishedKeys(
        partner=PARTNER,
        url="https://swift-parcel.example/keys.json",
        fetched_at=NOW,
        jwks={"keys": [{"kid": "one"}]},
        seen=changes,
    )


async def test_what_is_known_of_keys_outlives_the_process(tmp_path: Path) -> None:
    """The set, since when each key is known, what was released and what is gone."""
    minute = timedelta(minutes=1)
    first = known(a=SeenKey(seen_at=NOW), b=SeenKey(seen_at=NOW - minute))
    second = known(
        a=SeenKey(seen_at=NOW, released_at=NOW + minute),
        c=SeenKey(seen_at=NOW, gone_at=NOW + minute),
    )
    store = SQLiteStore(tmp_path / "gateway.db")
    await store.start()
    await store.put_published_keys(first, [b"{}"])
    await store.put_published_keys(second, [])
    size = await store.size()
    await store.close()
    again = SQLiteStore(tmp_path / "gateway.db")
    await again.start()
    found = await again.published_keys()
    await again.close()

    assert found == {PARTNER: second}
    assert size == 1


async def test_a_claim_leaves_out_who_is_left_alone(tmp_path: Path) -> None:
    """Shares of a partner that is left alone stay as they are, and do not hold up others."""
    store = SQLiteStore(tmp_path / "gateway.db")
    await store.start()
    for number, partner in enumerate(("swift-parcel", "slow-parcel")):
        row = QueuedShare(
            share=f"shr_{number}",
            partner=partner,
            subject=None,
            owner=b"o",
            state="queued",
            due=NOW,
            expires=NOW + timedelta(days=1),
            sealed=b"s",
        )
        await store.enqueue(row, None, None, None, None)
    without = [row.share for row in await store.claim_due(NOW, 9, 9, ["swift-parcel"])]
    rest = [row.share for row in await store.claim_due(NOW, 9, 9)]
    notices = await store.claim_notices(NOW, 9, 9, ["swift-parcel"])
    await store.close()

    assert (without, rest, notices) == (["shr_1"], ["shr_0"], [])


async def test_everybodys_epoch_counts_on_top_of_each_ones_own(tmp_path: Path) -> None:
    """An intent enters under the sum, so that one change of everybody's makes all stale."""
    store = SQLiteStore(tmp_path / "gateway.db")
    await store.start()
    await store.put_partner_state(PartnerState(partner="swift-parcel", epoch=3), None)
    await store.put_partner_state(PartnerState(partner="*", epoch=2, suspended=True), None)

    def intent(epoch: int) -> Intent:
        return Intent(
            share=f"shr_{epoch}",
            kind="intent",
            partner="swift-parcel",
            partner_epoch=epoch,
            entries=(),
        )

    outcomes = []
    for epoch in (2, 3, 5):
        try:
            await store.intend(intent(epoch))
            outcomes.append("entered")
        except IndexError:
            # An intent of nobody has no first entry: it was past the epoch by then.
            outcomes.append("entered")
        except Exception as error:
            outcomes.append(type(error).__name__)
    await store.close()

    assert outcomes == ["Stale", "Stale", "entered"]
