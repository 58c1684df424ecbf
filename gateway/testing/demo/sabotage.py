"""
What makes the demonstration fail, on purpose.

Each act does behind the gateway's back what somebody with access to its host
could do. That the story then ends with exit code 1 shows that its claims are
checked and not merely printed.
"""

import json
import sqlite3
from contextlib import closing
from enum import StrEnum

from gateway.testing.demo.house import House


class Sabotage(StrEnum):
    """The names that `--sabotage` takes."""

    LEAF = "leaf"
    """One leaf of the stored ledger says less than it said."""


async def change_a_leaf(house: House, share: str) -> str:
    """
    Stop the gateway and take a field out of the leaf of a share, in the
    database itself; what was done, in words.
    """
    await house.gateway.terminate()
    with closing(sqlite3.connect(house.home / "data" / "gateway.db")) as database:
        rows = database.execute("SELECT seq, leaf FROM entry ORDER BY seq").fetchall()
        seq, leaf = next(
            (seq, leaf)
            for seq, text in rows
            if (leaf := json.loads(text)).get("share") == share and "fields" in leaf
        )
        hidden = leaf["fields"].pop()
        changed = json.dumps(leaf, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        database.execute("UPDATE entry SET leaf = ? WHERE seq = ?", (changed, seq))
        database.commit()
    return f"leaf {seq - 1} no longer says that {leaf['partner']} got {hidden}"
