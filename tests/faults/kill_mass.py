"""
Kill a real gateway while it carries out a mass case, again and again.

    python -m tests.faults.kill_mass --times 20 --people 4000

One line for each kill. In the end everybody has one case and every recipient one notice
of each person, however often the process died; exit code 1 if not.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from gateway.testing.builders import a_token
from gateway.testing.server import GatewayProcess
from tests.benchmarks.mass import SCOPES, SETTINGS, declared, home_of
from tests.benchmarks.recipients import Recipients

RECIPIENTS = 2
ENDED_SECONDS = 600.0
OPENED = "SELECT opened, passed, state FROM mass_case"
CASES = "SELECT count(*), count(DISTINCT subject_hash) FROM cases WHERE mass IS NOT NULL"
NOTICES = "SELECT count(*), count(DISTINCT case_id || partner) FROM notice WHERE mass IS NOT NULL"
LEFT = "SELECT (SELECT count(*) FROM mass_person) + (SELECT count(*) FROM person)"


async def kills(times: int, people: int, folder: Path, *, seed: int) -> list[str]:
    """So many kills; what did not hold."""
    rng = random.Random(seed)
    settings = SETTINGS | {"GATEWAY_CASES__MASS_PER_SECOND": "100000"}
    async with Recipients(RECIPIENTS) as recipients:
        home = await home_of(folder / "home", recipients.all)
        gateway = GatewayProcess(home, logs=folder / "logs", settings=settings)
        await gateway.start()
        try:
            async with gateway.client(a_token(home, scope=SCOPES), timeout_seconds=600) as app:
                await declared(app, people, recipients.all)
                body = {"reason": "unlawful", "reference": "kill", "everybody": True}
                assert (await app.post("/v1/mass-cases", body)).status == 202
            database = home / "data" / "gateway.db"
            for number in range(1, times + 1):
                await asyncio.sleep(rng.uniform(0.05, 1.2))
                await gateway.kill()
                opened, _, state = _read(database, OPENED)
                print(f"kill {number:2}/{times}: {state}, {opened} of {people} opened", flush=True)
                await gateway.start()
            async with asyncio.timeout(ENDED_SECONDS):
                while not _over(database, people * RECIPIENTS, recipients):
                    await asyncio.sleep(0.5)
            return _broken(database, people, recipients)
        finally:
            if gateway.running:
                await gateway.kill()


def _over(database: Path, notices: int, recipients: Recipients) -> bool:
    if _read(database, OPENED)[2] not in ("opened", "closed"):
        return False
    return sum(len(one.came) for one in recipients.all) >= notices


def _broken(database: Path, people: int, recipients: Recipients) -> list[str]:
    found = {
        "opened and passed": (sum(_read(database, OPENED)[:2]), people),
        "cases": (_read(database, CASES), (people, people)),
        "notices": (_read(database, NOTICES), (people * RECIPIENTS,) * 2),
        "people left": (_read(database, LEFT), (0,)),
        "told": ([len(one.came) for one in recipients.all], [people] * RECIPIENTS),
    }
    return [f"{what}: {is_} and not {be}" for what, (is_, be) in found.items() if is_ != be]


def _read(database: Path, query: str) -> tuple[int, ...]:
    with closing(sqlite3.connect(database)) as db:
        row: tuple[int, ...] = db.execute(query).fetchone()
    return row


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill_mass", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="kills (default: 20)")
    parser.add_argument("--people", type=int, default=4000, help="default: 4000")
    parser.add_argument("--seed", type=int, default=1, help="of the moments (default: 1)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gateway-kill-mass-") as folder:
        broken = asyncio.run(kills(chosen.times, chosen.people, Path(folder), seed=chosen.seed))
    print("\n".join(broken) or "everybody has one case, and nobody was told as if it were new")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
