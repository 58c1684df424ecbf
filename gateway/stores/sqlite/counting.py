"""What the certificate of a mass case counts, out of the SQLite store (K3, S4a, R3)."""

import json

from gateway.model.mass import Counted, MassEvent, MassPage, MassStep
from gateway.stores.sqlite.base import StorePart
from gateway.stores.sqlite.reader import Row


class CountingPart(StorePart):
    """Implements the counting of `MassStore`."""

    async def mass_steps(self, no: int) -> list[MassStep]:
        """See `MassStore.mass_steps`."""
        rows = await self.reader.all("mass_steps", (no,))
        return [
            MassStep(event=MassEvent(event), at=at, by=by, leaf=seq - 1)
            for event, at, by, seq in rows
        ]

    async def cases_of_mass(self, no: int, after: str, limit: int) -> list[str]:
        """See `MassStore.cases_of_mass`."""
        rows = await self.reader.all("cases_of_mass_by_id", (no, after, limit))
        return [id for id, _ in rows]

    async def mass_page(self, no: int, after: str, limit: int, *, untold: str) -> MassPage:
        """See `MassStore.mass_page`."""
        async with self.reader.snapshot() as view:
            cases = await view.all("cases_of_mass_by_id", (no, after, limit))
            ids = json.dumps([id for id, _ in cases])
            rows = await view.all("notices_of_cases", (ids, untold))
        return MassPage(
            cases=tuple((id, state) for id, state in cases),
            notices=tuple(_counted(row) for row in rows),
        )


def _counted(row: Row) -> Counted:
    partner, state, settled, proof, count, backups = row
    return Counted(
        partner=partner,
        state=state,
        settled=bool(settled),
        proof=proof,
        notices=count,
        backups_until=backups,
    )
