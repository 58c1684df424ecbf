"""The tokens' part of the SQLite store: values that recipients redeem here (S4c)."""

import hmac
import sqlite3

from gateway.errors import Fenced, Stale
from gateway.model.cases import CaseScope
from gateway.ports import Redeemed, Redemption, StoredToken
from gateway.stores.sqlite.base import StorePart, seconds
from gateway.stores.sqlite.ledger import append_leaf, same_key
from gateway.stores.sqlite.statements import SQL


class TokenPart(StorePart):
    """Implements `TokenStore`."""

    async def token(self, mark: bytes) -> StoredToken | None:
        """See `TokenStore.token`."""
        async with self.reader.snapshot() as view:
            row = await view.one("token", (mark,))
        if row is None:
            return None
        mark, share, subject, partner, sealed, *_ = row
        return StoredToken(mark=mark, share=share, subject=subject, partner=partner, sealed=sealed)

    async def redeem(self, redemption: Redemption) -> Redeemed:
        """See `TokenStore.redeem`."""
        return await self.write(lambda db: _redeem(db, redemption))


def _redeem(db: sqlite3.Connection, redemption: Redemption) -> Redeemed:
    _check_unchanged(db, redemption)
    token = db.execute(SQL["token"], (redemption.mark,)).fetchone()
    if token is None or not token[4]:
        raise Stale("the token is gone")
    *_, uses, used = token
    key = (redemption.partner, redemption.jti)
    earlier = db.execute(SQL["redemption"], key).fetchone()
    if earlier is None:
        if uses is not None and used >= uses:
            return Redeemed.USED_UP
        db.execute(SQL["use_token"], (redemption.mark,))
        values = (*key, redemption.mark, redemption.digest, seconds(redemption.expires))
        db.execute(SQL["new_redemption"], values)
    elif not hmac.compare_digest(earlier[1], redemption.digest):
        return Redeemed.TAKEN
    append_leaf(db, redemption.leaf)
    return Redeemed.GRANTED


def _check_unchanged(db: sqlite3.Connection, redemption: Redemption) -> None:
    """As an intent: nothing about the partner or the person is otherwise than it was decided on."""
    row = db.execute(SQL["partner_epoch"], (redemption.partner,)).fetchone()
    if (row[0] if row else 0) != redemption.partner_epoch:
        raise Stale("the partner's state changed")
    stored = db.execute(SQL["subject_for_intent"], (redemption.subject.lookup,)).fetchone()
    if stored is None:
        raise Stale("the person's row is gone")
    no, key, _, epoch, erased = stored
    if erased:
        raise Fenced("the person is being erased")
    if not same_key(redemption.subject, no, key) or epoch != redemption.subject.epoch:
        raise Stale("the person's facts changed")


def drop_tokens(db: sqlite3.Connection, person: int, scope: CaseScope) -> None:
    """Destroy the values of a person that lie inside a scope: what is deleted is not redeemed."""
    for mark, partner, purpose, category in db.execute(
        SQL["tokens_of_person"], (person,)
    ).fetchall():
        if _inside(partner, purpose, category, scope):
            db.execute(SQL["drop_redemptions"], (mark,))
            db.execute(SQL["drop_token"], (mark,))


def _inside(
    partner: str | None, purpose: str | None, category: str | None, scope: CaseScope
) -> bool:
    """Whether a token lies in a scope; what is not known of it counts as inside."""
    if scope.partners and partner is not None and partner not in scope.partners:
        return False
    if scope.purposes and purpose is not None and purpose not in scope.purposes:
        return False
    if not scope.categories or category is None:
        return True
    return any(
        category == tree or category.startswith(f"{tree}.") or tree.startswith(f"{category}.")
        for tree in scope.categories
    )
