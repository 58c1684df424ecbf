"""The part of the SQLite store that knows requests of OpenDSR, and who is called back of them."""

from datetime import datetime

from gateway.ports import OpenDsrRow
from gateway.stores.sqlite.base import StorePart, from_milliseconds, milliseconds
from gateway.stores.sqlite.reader import Row


class OpenDsrPart(StorePart):
    """Implements `OpenDsrStore`."""

    async def opendsr_request(self, mark: bytes) -> OpenDsrRow | None:
        """See `OpenDsrStore.opendsr_request`."""
        async with self.reader.snapshot() as view:
            row = await view.one("opendsr_request", (mark,))
        return _row(row) if row else None

    async def put_opendsr_request(self, row: OpenDsrRow) -> None:
        """See `OpenDsrStore.put_opendsr_request`."""
        due = None if row.next_at is None else milliseconds(row.next_at)
        values = (row.mark, row.case, milliseconds(row.received), row.sealed, row.told, row.tries)
        await self.execute("put_opendsr_request", (*values, due, row.fingerprint))

    async def opendsr_requests_to_tell(self, now: datetime, limit: int) -> list[OpenDsrRow]:
        """See `OpenDsrStore.opendsr_requests_to_tell`."""
        async with self.reader.snapshot() as view:
            rows = await view.all("opendsr_requests_to_tell", (milliseconds(now), limit))
        return [_row(row) for row in rows]

    async def forget_opendsr_fingerprints(self, until: datetime) -> None:
        """See `OpenDsrStore.forget_opendsr_fingerprints`."""
        await self.execute("forget_opendsr_fingerprints", (milliseconds(until),))


def _row(row: Row) -> OpenDsrRow:
    mark, case, received, sealed, told, tries, due, fingerprint = row
    return OpenDsrRow(
        mark=mark,
        case=case,
        received=from_milliseconds(received),
        sealed=sealed,
        told=told,
        tries=tries,
        next_at=None if due is None else from_milliseconds(due),
        fingerprint=fingerprint,
    )
