"""Many people at once, with all that a decision about each needs."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from gateway.ports import ConsentRow, FenceRow, SubjectRow, SubjectState
from gateway.stores.sqlite.base import StorePart
from gateway.stores.sqlite.people import subject_row
from gateway.stores.sqlite.reader import Row, Snapshot


class CrowdPart(StorePart):
    """Implements `CrowdStore`."""

    async def people_by_mark(
        self, lookups: Sequence[bytes], marks: Sequence[bytes], *, now: datetime
    ) -> tuple[dict[bytes, SubjectState], set[bytes]]:
        """See `CrowdStore.people_by_mark`."""
        async with self.reader.snapshot() as view:
            found = await view.all("subjects_by_mark", (b"".join(lookups), len(lookups)))
            month = now.strftime("%Y-%m")
            dead = await view.all("live_tombstones_by_mark", (b"".join(marks), len(marks), month))
            states = await _states(view, [subject_row(row) for row in found])
        return states, {row[0] for row in dead}


async def _states(view: Snapshot, rows: Sequence[SubjectRow]) -> dict[bytes, SubjectState]:
    """All that is stored of the people of these rows, by look-up mark."""
    persons = json.dumps(list({row.person for row in rows}))
    numbers = json.dumps([row.no for row in rows])
    aliases = _grouped(await view.all("aliases_of_many", (persons,)), 2)
    consents = _grouped(await view.all("consents_of_many", (numbers,)), 1)
    fences = _grouped(await view.all("fences_of_many", (persons,)), 1)
    return {
        row.lookup: SubjectState(
            row=row,
            aliases=tuple(subject_row(one) for one in aliases[row.person] if one[0] != row.no),
            consents=tuple(
                ConsentRow(id=id, subject=subject, sealed=sealed)
                for id, subject, sealed in consents[row.no]
            ),
            fences=tuple(
                FenceRow(case=case, person=person, sealed=sealed)
                for case, person, sealed in fences[row.person]
            ),
        )
        for row in rows
    }


def _grouped(rows: Sequence[Row], column: int) -> dict[int | None, list[Row]]:
    groups: dict[int | None, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups
