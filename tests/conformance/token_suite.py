"""What `gateway.ports.TokenStore` promises."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.errors import Fenced, Stale
from gateway.model.cases import Action, CaseScope
from gateway.model.ids import CategoryId, PartnerId, PurposeId
from gateway.ports import PartnerState, Redeemed, Redemption, Store, SubjectRow, TokenRow
from tests.conformance.builders import (
    NOW,
    UNTIL,
    Plant,
    a_case,
    a_leaf,
    an_entry,
    an_intent,
    every_leaf,
    known,
    stored,
)

Reopen = Callable[[], Awaitable[Store]]
TOKEN = b"token mark of thirty-two bytes.."


async def a_held_token(store: Store, *, uses: int | None = None) -> SubjectRow:
    """A token of `ming` that left with a share; whose it is."""
    (row,) = await stored(store, "ming")
    token = TokenRow(
        mark=TOKEN,
        sealed=b"value",
        purpose="order-fulfilment",
        category="basic.phone",
        ends=UNTIL,
        uses=uses,
    )
    await store.intend(an_intent(an_entry(row), tokens=[token]))
    return row


def a_redemption(row: SubjectRow, jti: str = "r-1", *, digest: bytes = b"jws") -> Redemption:
    """One redemption of it."""
    return Redemption(
        mark=TOKEN,
        partner="swift-parcel",
        partner_epoch=0,
        jti=jti,
        digest=digest,
        expires=NOW + timedelta(seconds=300),
        subject=row,
        leaf=a_leaf(f"redemption-{jti}"),
    )


class TokenSuite:
    """Tokens: counted, recorded, and gone with their person."""

    async def test_a_redemption_and_its_leaf_are_durable(self, store: Store, reopen: Reopen):
        """Use and leaf are on the disk together when it is granted."""
        row = await a_held_token(store, uses=1)
        assert await store.redeem(a_redemption(row)) is Redeemed.GRANTED
        after = await reopen()

        assert a_leaf("redemption-r-1") in await every_leaf(after)
        assert await after.redeem(a_redemption(row, "r-2")) is Redeemed.USED_UP

    async def test_the_same_redemption_counts_once(self, store: Store):
        """The very same one is granted again; another one under its id is not."""
        row = await a_held_token(store, uses=2)
        same = [await store.redeem(a_redemption(row)) for _ in range(3)]
        other = await store.redeem(a_redemption(row, digest=b"another"))
        second = await store.redeem(a_redemption(row, "r-2"))
        third = await store.redeem(a_redemption(row, "r-3"))

        assert same == [Redeemed.GRANTED] * 3
        assert (other, second, third) == (Redeemed.TAKEN, Redeemed.GRANTED, Redeemed.USED_UP)
        leaves = await every_leaf(store)
        assert leaves.count(a_leaf("redemption-r-1")) == 3
        assert a_leaf("redemption-r-3") not in leaves

    async def test_uses_are_counted_at_once(self, store: Store):
        """Of many at the same moment as many are granted as there are uses."""
        row = await a_held_token(store, uses=4)
        became = await asyncio.gather(
            *(store.redeem(a_redemption(row, f"r-{number}")) for number in range(9))
        )

        assert sorted(became) == [Redeemed.GRANTED] * 4 + [Redeemed.USED_UP] * 5

    async def test_a_change_since_the_decision_is_noticed(self, store: Store, plant: Plant):
        """Of the person or of the recipient: nothing is counted, nothing recorded."""
        row = await a_held_token(store)
        with pytest.raises(Stale):
            await store.redeem(a_redemption(replace(row, epoch=row.epoch + 1)))
        with pytest.raises(Stale):
            await store.redeem(a_redemption(replace(row, key=b"another key", no=None)))
        await store.put_partner_state(PartnerState(partner="swift-parcel", epoch=1), None)
        with pytest.raises(Stale):
            await store.redeem(a_redemption(row))
        renewed = replace(a_redemption(row), partner_epoch=1)
        assert row.person is not None
        await plant.erased(row.person)
        with pytest.raises(Fenced):
            await store.redeem(renewed)

        assert a_leaf("redemption-r-1") not in await every_leaf(store)

    async def test_a_value_is_destroyed_when_its_time_is_over(self, store: Store):
        """Up to its end it is there, after it nothing is; and it does not come back."""
        row = await a_held_token(store)
        await store.redeem(a_redemption(row))
        await store.forget_old(UNTIL)
        before = await store.token(TOKEN)
        while await store.forget_old(UNTIL + timedelta(seconds=1)):
            pass
        after = await store.token(TOKEN)

        assert before is not None
        assert (before.sealed, before.partner) == (b"value", "swift-parcel")
        assert after is not None
        assert after.sealed == b""
        with pytest.raises(Stale):
            await store.redeem(a_redemption(row, "r-2"))

    @pytest.mark.parametrize(
        ("scope", "stays"),
        [
            (CaseScope(partners=frozenset({PartnerId("swift-parcel")})), False),
            (CaseScope(partners=frozenset({PartnerId("another")})), True),
            (CaseScope(purposes=frozenset({PurposeId("advertising")})), True),
            (CaseScope(purposes=frozenset({PurposeId("order-fulfilment")})), False),
            (CaseScope(categories=frozenset({CategoryId("basic")})), False),
            (CaseScope(categories=frozenset({CategoryId("basic.phone.home")})), False),
            (CaseScope(categories=frozenset({CategoryId("device")})), True),
        ],
        ids=str,
    )
    async def test_a_deleted_part_takes_its_tokens_along(
        self, store: Store, scope: CaseScope, stays: bool
    ):
        """With the fence of a deletion of a part its tokens are gone, and no others."""
        await a_held_token(store)
        state = await known(store)
        new = a_case(state.row)
        await store.begin_case(replace(new, case=replace(new.case, scope=scope)))

        assert (await store.token(TOKEN) is not None) is stays

    async def test_a_withdrawal_takes_no_tokens_along(self, store: Store):
        """What only tells destroys nothing."""
        await a_held_token(store)
        new = a_case((await known(store)).row)
        await store.begin_case(replace(new, case=replace(new.case, action=Action.WITHDRAW)))

        assert await store.token(TOKEN) is not None

    async def test_a_made_up_token_is_none(self, store: Store):
        """There is nothing under any other mark."""
        row = await a_held_token(store)
        with pytest.raises(Stale):
            await store.redeem(replace(a_redemption(row), mark=b"made up"))

        assert await store.token(b"made up") is None
