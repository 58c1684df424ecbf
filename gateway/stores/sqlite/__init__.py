"""The embedded store: one SQLite file, one owner, one writer, durable commits."""

from gateway.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
