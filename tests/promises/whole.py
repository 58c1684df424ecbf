"""
The whole default set in one running gateway, whose documents a test may change
for a while: what the proof of every clause runs against.
"""

import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gateway.testing.builders import write_yaml
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from tests.cases.house import CaseHouse
from tests.promises.house import empty_home
from tests.promises.manifests import a_locator
from tests.promises.test_default_set import SHARES, Share, default_manifests, secrets, send

__all__ = ["Edit", "WholeHouse", "added", "put", "removed", "worded"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one document of a home."""

    file: str
    """Below the home: `policies/purposes.yaml`."""
    apply: Callable[[Path], None]


def put(file: str, *path: str, to: Any) -> Edit:
    """Write a value at this place of a document."""

    def change(document: Any) -> None:
        _inside(document, path[:-1])[path[-1]] = to

    return Edit(file, lambda at: _changed(at, change))


def removed(file: str, *path: str) -> Edit:
    """Take a key out of a document; it must be there."""

    def change(document: Any) -> None:
        del _inside(document, path[:-1])[path[-1]]

    return Edit(file, lambda at: _changed(at, change))


def added(file: str, *path: str, item: str) -> Edit:
    """Add one element to a list of a document."""

    def change(document: Any) -> None:
        _inside(document, path).append(item)

    return Edit(file, lambda at: _changed(at, change))


def worded(file: str, old: str, new: str) -> Edit:
    """Replace a passage of a document's text; it must be there."""

    def change(at: Path) -> None:
        text = at.read_text("utf-8")
        assert old in text, f"{file} does not say {old}"
        at.write_text(text.replace(old, new), "utf-8")

    return Edit(file, change)


def _inside(document: Any, path: Iterable[str]) -> Any:
    for key in path:
        document = document[key]
    return document


def _changed(at: Path, change: Callable[[Any], None]) -> None:
    document = YAML(typ="safe", pure=True).load(at.read_text("utf-8"))
    change(document)
    write_yaml(at, document)


class WholeHouse(CaseHouse):
    """Every default recipient, and one that is told where people are."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(empty_home(folder), clock)
        self._numbers = itertools.count(1)
        self.scratch = folder.parent
        self.crashes = 0
        """How many requests met an error that nobody foresaw."""

    async def begin(self) -> None:
        """Start recipients and gateway."""
        await self.open([*default_manifests(), a_locator()], edit=secrets)

    async def share(self, *arguments: Any, **options: Any) -> Reply:
        """As `House.share`; crashes are counted."""
        reply = await super().share(*arguments, **options)
        self.crashes += reply.status == 500
        return reply

    def somebody(self) -> str:
        """The id of a person of whom nothing is known yet."""
        return f"person-{next(self._numbers)}"

    async def carries(self, name: str, who: str, **changes: Any) -> Reply:
        """A share of the default set with everything that it needs; it is carried."""
        share = SHARES[name]
        for consent in share.consents:
            await self.consent(who, **consent)
        reply = await self.asks(share, who, **changes)
        assert reply.status == 200, reply.json()
        return reply

    async def asks(self, share: Share | str, who: str, **changes: Any) -> Reply:
        """A share of the default set, with its evidence and without its consents."""
        share = SHARES[share] if isinstance(share, str) else share
        reply: Reply = await send(self, share, subject=who, **changes)
        return reply

    def got(self, partner: str) -> Any:
        """The newest thing that a recipient received."""
        return self.recipients[partner].received[-1]

    async def leaf_of(self, reply: Reply, *kinds: str) -> dict[str, Any]:
        """The leaf of a share that was carried."""
        found = await self.leaves(*(kinds or ("intent", "transfer", "public-disclosure")))
        (leaf,) = [leaf for leaf in found if leaf.get("share") == reply.share]
        return leaf

    @asynccontextmanager
    async def documents(self, *edits: Edit) -> AsyncIterator[bool]:
        """Inside, the documents are changed; whether the gateway took them. After it, as before."""
        before = {edit.file: (self.folder / edit.file).read_bytes() for edit in edits}
        try:
            for edit in edits:
                edit.apply(self.folder / edit.file)
            yield await self._reloaded()
        finally:
            for file, raw in before.items():
                (self.folder / file).write_bytes(raw)
            assert await self._reloaded(), self.gateway.status.error

    async def _reloaded(self) -> bool:
        # Consents count from the second in which they were given, editions too.
        self.clock.advance(seconds=1)
        return await self.reload()

    async def rejected(self, *edits: Edit) -> str:
        """Why the gateway does not take these changes (`/readyz`); empty where it does."""
        async with self.documents(*edits) as taken:
            answer = (await self.ask("GET", "/readyz", token="")).json()
            assert answer["ready"] is True
            assert taken is (answer["policy"]["error"] is None)
            return answer["policy"]["error"] or ""

    @asynccontextmanager
    async def beside(
        self, *manifests: Mapping[str, Any], **options: Any
    ) -> AsyncIterator[CaseHouse]:
        """Another gateway with recipients of its own. Options as `House.open`."""
        folder = self.scratch / f"beside-{next(self._numbers)}"
        clock = Clock(datetime.now(UTC).replace(microsecond=0))
        other = CaseHouse(empty_home(folder), clock)
        try:
            await other.open(manifests, **options)
            yield other
        finally:
            await other.close()
            shutil.rmtree(folder)
