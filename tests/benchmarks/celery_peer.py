"""
The same fan-out with Celery, Redis, requests and PyJWT: a task for each notice, which
signs it, posts it and notes in a database that it was taken. Runs in an environment of
its own and imports nothing of the gateway.

    python celery_peer.py fill --number 20000 --ports 9001,9002 …
    celery -A celery_peer worker …
"""

import argparse
import json
import os
import sqlite3
import sys
import time
from typing import Any

import jwt  # type: ignore[import-not-found, unused-ignore]
import requests  # type: ignore[import-not-found, import-untyped, unused-ignore]
from celery import Celery  # type: ignore[import-not-found, import-untyped, unused-ignore]
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DATABASE = os.environ.get("PEER_DATABASE", "peer.db")
app = Celery("peer", broker=os.environ.get("PEER_BROKER", "redis://127.0.0.1:6379/0"))
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=64,
    broker_connection_retry_on_startup=True,
)
_KEY = Ed25519PrivateKey.from_private_bytes(b"7" * 32)
_of_process: dict[str, Any] = {}


def _session() -> requests.Session:
    if "session" not in _of_process:
        _of_process["session"] = requests.Session()
    return _of_process["session"]


def _database() -> sqlite3.Connection:
    if "database" not in _of_process:
        database = sqlite3.connect(DATABASE, timeout=60, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        _of_process["database"] = database
    return _of_process["database"]


@app.task(name="peer.tell")
def tell(number: int, port: int, subject: str) -> None:
    """Tell one recipient of one person."""
    data = {"notice": f"ntc_{number}", "subject": subject, "references": []}
    body = json.dumps({"type": "subject.erase", "timestamp": time.time(), "data": data})
    signed = jwt.encode({"iat": int(time.time()), "notice": f"ntc_{number}"}, _KEY, "EdDSA")
    headers = {"content-type": "application/json", "webhook-id": f"ntc_{number}"}
    headers["webhook-signature"] = signed
    answer = _session().post(
        f"http://127.0.0.1:{port}/privacy/notices", data=body, headers=headers, timeout=20
    )
    answer.raise_for_status()
    _database().execute("UPDATE notice SET state = 'sent' WHERE number = ?", (number,))


def fill(number: int, ports: list[int]) -> None:
    """Queue the notices, each durable in the database first."""
    database = _database()
    database.execute("CREATE TABLE notice (number INTEGER PRIMARY KEY, port INTEGER, state TEXT)")
    database.execute("BEGIN")
    rows = [(one, ports[one % len(ports)], "queued") for one in range(number)]
    database.executemany("INSERT INTO notice VALUES (?, ?, ?)", rows)
    database.execute("COMMIT")
    with app.producer_pool.acquire(block=True) as producer:
        for one, port, _ in rows:
            tell.apply_async((one, port, f"person-{one}"), producer=producer)


def main() -> int:
    """Fill the queue."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--ports", required=True)
    asked = parser.parse_args()
    fill(asked.number, [int(port) for port in asked.ports.split(",")])
    return 0


if __name__ == "__main__":
    sys.exit(main())
