"""
A million bodies through the gateway's filter, and what became of them.

    python -m tests.fuzz.million --count 1000000

Each body goes through what a share's body goes through: it is read, cut to the selectors
of a route whose manifest was loaded from YAML, and written anew; and through the plain
filter of sixty lines. Both must agree, or the run ends with 1. A part of them
(`--over-http`) goes the whole way: HTTP, token, decision, ledger, grant, HTTP, and a
recipient that verifies. The other part is in this process, without those.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from random import Random

from gateway.model.ids import PartnerId
from gateway.observe.logs import configure_logging
from gateway.policy.load import load_home
from gateway.shape import SendFilter, compile_send
from gateway.testing.builders import write_manifest
from gateway.testing.partner import FakePartner
from tests.fuzz import bodies
from tests.fuzz.compare import SENT, SENT_EMPTY, Differs, outcome
from tests.fuzz.wire import Case, Send, a_manifest, opened
from tests.promises.house import empty_home

COURIER = PartnerId("swift-parcel")
FILTER, HTTP = 0, 1
"""The two parts of a run: through the filter in this process, and the whole way."""
CHUNK = 5_000
HTTP_CHUNK = 2_500
ROUTES = 40
AT_ONCE = 8

Work = Callable[[int, int, int], Counter[str]]


def routes_of(seed: int) -> list[Send]:
    """The routes of a run, the same for every part of it."""
    random = Random(f"routes {seed}")
    return [bodies.selectors(random) for _ in range(ROUTES)]


def cases(seed: int, chunk: int, count: int) -> Iterator[Case]:
    """The bodies of one chunk of a run."""
    random, routes = Random(f"bodies {seed} {chunk}"), routes_of(seed)
    for _ in range(count):
        at = random.randrange(ROUTES)
        yield at, bodies.body(random, list(routes[at]))


def loaded(seed: int) -> list[SendFilter]:
    """The filters of all routes, from a manifest as a home has it."""
    with tempfile.TemporaryDirectory() as folder:
        home = empty_home(Path(folder) / "home")
        write_manifest(home, FakePartner("swift-parcel"), a_manifest(routes_of(seed)))
        found = load_home(home / "policies", home / "partners", home_territory="CN")
    routes = {str(one.id): one for one in found.policy.partners[COURIER].routes}
    return [compile_send(routes[f"r{at}"]) for at in range(ROUTES)]


_filters = cache(loaded)


def in_process(seed: int, chunk: int, count: int) -> Counter[str]:
    """What became of one chunk; raises `Differs`."""
    filters, routes = _filters(seed), routes_of(seed)
    return Counter(outcome(filters[at], routes[at], body) for at, body in cases(seed, chunk, count))


def over_http(seed: int, chunk: int, count: int) -> Counter[str]:
    """The same through a running gateway, to a recipient that verifies."""
    configure_logging(level="error")

    async def run() -> Counter[str]:
        with tempfile.TemporaryDirectory() as folder:
            async with opened(Path(folder) / "home", routes_of(seed)) as wire:
                return await wire.outcomes(cases(seed, chunk, count), at_once=AT_ONCE)

    return asyncio.run(run())


def run(count: int, http: int, *, seed: int, jobs: int) -> tuple[Counter[str], Counter[str]]:
    """All chunks, with a line of progress now and then; the two parts' outcomes."""
    began, found = time.monotonic(), (Counter[str](), Counter[str]())
    with ProcessPoolExecutor(jobs) as pool:
        parts = {
            pool.submit(work, seed, chunk, size): where
            for where, work, chunk, size in _plan(count, http)
        }
        for done in as_completed(parts):
            found[parts[done]].update(done.result())
            so_far = found[0].total() + found[1].total()
            seconds = time.monotonic() - began
            _progress(f"{so_far:>9,} of {count:,} after {seconds:4.0f} s")
    return found


def _plan(count: int, http: int) -> Iterator[tuple[int, Work, int, int]]:
    """Which part, how, which chunk and how many; those over HTTP first, as they take longest."""
    chunk = 0
    for where, work, left, most in (
        (HTTP, over_http, min(http, count), HTTP_CHUNK),
        (FILTER, in_process, count - min(http, count), CHUNK),
    ):
        while left > 0:
            yield where, work, chunk, min(left, most)
            chunk, left = chunk + 1, left - most


def _progress(line: str) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    print(line, file=sys.stderr, end=end, flush=True)


def table(filtered: Counter[str], http: Counter[str]) -> str:
    """The split, by outcome and part."""
    both = filtered + http
    lines = [f"{'':28}{'filter':>11}{'over HTTP':>11}{'all':>11}{'':>8}"]
    lines += [
        f"{name:28}{filtered[name]:>11,}{http[name]:>11,}{both[name]:>11,}"
        f"{both[name] / both.total():>8.1%}"
        for name, _ in both.most_common()
    ]
    sent = both[SENT] + both[SENT_EMPTY]
    lines.append(
        f"{'all':28}{filtered.total():>11,}{http.total():>11,}{both.total():>11,}"
        f"{sent / both.total():>8.1%} sent"
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 1 where the filters differ, or less than half was sent with something in it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.million", description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--over-http", type=int, default=20_000, help="of these, the whole way")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        filtered, http = run(asked.count, asked.over_http, seed=asked.seed, jobs=asked.jobs)
    except Differs as differing:
        print(f"the filters differ: {differing}")
        return 1
    print(table(filtered, http))
    print(f"every body came out as the plain filter says; {time.monotonic() - began:.0f} s")
    enough = (filtered[SENT] + http[SENT]) * 2 >= asked.count
    if not enough:
        print("less than half was sent with something in it, so this says too little")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
