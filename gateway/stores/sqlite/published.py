"""The published keys' part of the SQLite store: what recipients show at a URL."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from gateway.model.ids import PartnerId
from gateway.model.keys import PublishedKeys, SeenKey
from gateway.stores.sqlite.base import StorePart, from_milliseconds, milliseconds
from gateway.stores.sqlite.ledger import append_leaf
from gateway.stores.sqlite.statements import SQL


class PublishedPart(StorePart):
    """Implements `PublishedKeyStore`."""

    async def published_keys(self) -> dict[PartnerId, PublishedKeys]:
        """See `PublishedKeyStore.published_keys`."""
        async with self.reader.snapshot() as view:
            sets = await view.all("published")
            keys = await view.all("published_keys")
        seen: dict[str, dict[str, SeenKey]] = defaultdict(dict)
        for partner, thumbprint, since, released, gone in keys:
            seen[partner][thumbprint] = SeenKey(
                seen_at=from_milliseconds(since),
                released_at=_moment(released),
                gone_at=_moment(gone),
            )
        return {
            PartnerId(partner): PublishedKeys(
                partner=PartnerId(partner),
                url=url,
                fetched_at=from_milliseconds(fetched),
                jwks=json.loads(jwks),
                seen=seen[partner],
            )
            for partner, url, fetched, jwks in sets
        }

    async def put_published_keys(self, keys: PublishedKeys, leaves: Sequence[bytes]) -> None:
        """See `PublishedKeyStore.put_published_keys`."""

        def operation(db: sqlite3.Connection) -> None:
            fetched = milliseconds(keys.fetched_at)
            values = (keys.partner, keys.url, fetched, json.dumps(keys.jwks))
            db.execute(SQL["put_published"], values)
            db.execute(SQL["drop_published_keys"], (keys.partner,))
            rows = [(keys.partner, mark, *_times(one)) for mark, one in keys.seen.items()]
            db.executemany(SQL["new_published_key"], rows)
            for leaf in leaves:
                append_leaf(db, leaf)

        await self.write(operation)


def _moment(value: int | None) -> datetime | None:
    return None if value is None else from_milliseconds(value)


def _times(key: SeenKey) -> tuple[int | None, ...]:
    moments = (key.seen_at, key.released_at, key.gone_at)
    return tuple(None if moment is None else milliseconds(moment) for moment in moments)
