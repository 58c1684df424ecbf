"""
Tombstones, so that their file tells no order (K2).

SQLite puts a new row behind the last one on its page, whatever its key: who reads
the file would see in which order people were erased, and the ledger says when. So
the rows around a new one are written anew with it, by their marks.
"""

import sqlite3

from gateway.stores.sqlite.statements import SQL

# So many on each side: a page holds about eighty, so that the new row's own page is
# written anew as a whole.
AROUND = 128


def put_tombstone(db: sqlite3.Connection, mark: bytes, expires: str) -> None:
    """Keep somebody out up to this month; one who is kept out longer stays so."""
    db.execute(SQL["new_tombstone"], (mark, expires))
    around = [
        *reversed(db.execute(SQL["tombstones_before"], (mark, AROUND)).fetchall()),
        *db.execute(SQL["tombstones_from"], (mark, AROUND)).fetchall(),
    ]
    db.executemany(SQL["drop_tombstone"], [(one,) for one, _ in around])
    db.executemany(SQL["new_tombstone"], around)
