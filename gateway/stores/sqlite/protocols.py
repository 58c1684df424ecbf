"""The protocols' part of the SQLite store: what steps keep, callbacks, what people settled on."""

import sqlite3

from gateway.stores.sqlite.base import StorePart
from gateway.stores.sqlite.statements import SQL


class ProtocolPart(StorePart):
    """Implements `ProtocolStore`."""

    _unscrubbed: bool

    async def expect_callback(self, mark: bytes, notice: str) -> None:
        """See `ProtocolStore.expect_callback`."""
        await self.execute("expect_callback", (mark, notice))

    async def notice_called_back(self, mark: bytes) -> str | None:
        """See `ProtocolStore.notice_called_back`."""
        row = await self.reader.one("notice_called_back", (mark,))
        return row[0] if row else None

    async def resolution(self, notice: str) -> tuple[bytes, bytes] | None:
        """See `ProtocolStore.resolution`."""
        row = await self.reader.one("resolution", (notice,))
        return (row[0], row[1]) if row else None

    async def forget_resolution(self, notice: str) -> bool:
        """See `ProtocolStore.forget_resolution`."""

        def operation(db: sqlite3.Connection) -> bool:
            db.execute(SQL["destroy_resolution_key"], (notice,))
            return bool(db.execute(SQL["destroy_resolution"], (notice,)).rowcount)

        found = await self.write(operation)
        # What was destroyed may still stand in the log.
        self._unscrubbed = self._unscrubbed or found
        return found
