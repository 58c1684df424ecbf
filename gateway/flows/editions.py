"""
Editions: kept whole when they come into force, and compared with the one before
(N1).

What an edition widens is worked out once, when it comes into force, and kept
with it: what the one before had widened goes on counting. So only the edition
before must still be readable.
"""

import asyncio
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError
from gateway.flows.clockwork import parse_stamp, stamp
from gateway.flows.prepare import PreparedSet
from gateway.model.ids import PartnerId, PurposeId
from gateway.model.policyset import PolicySet, Widening
from gateway.model.settings import Config
from gateway.policy.comparison import Comparison, compare, widened, widened_by_all
from gateway.policy.compile import Loaded, compile_kept
from gateway.policy.differences import Pair
from gateway.ports import EditionRow

UNREADABLE = "the edition before it cannot be read any more, so everything counts as wider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A set in its place among the editions: what it widens, and how it is kept."""

    prepared: PreparedSet
    row: EditionRow
    renumbered: bool
    """Its number is another than that of the set before."""
    wider: int
    """How many recipients and purposes it widens sharing for."""


async def place(
    new: PreparedSet, last: EditionRow | None, config: Config, *, now: datetime
) -> Placed:
    """Find out what a set widens over the one that was in force before it."""
    return await asyncio.to_thread(_placed, new, last, config, now)


def _placed(new: PreparedSet, last: EditionRow | None, config: Config, now: datetime) -> Placed:
    policy = new.policy
    held = held_by(policy, last, config, now=now)
    renumbered = last is not None and last.number != policy.edition.number
    placed = replace(new, policy=replace(policy, widened=held))
    row = EditionRow(
        number=policy.edition.number,
        digest=policy.digest,
        published=policy.edition.published,
        effective=policy.edition.effective,
        adopted_at=now,
        widened=_written(held),
        documents=_packed(new.documents),
    )
    if renumbered:
        wider = sum(one.edition == row.number for one in held.values())
    else:
        wider = _wider_under_its_number(policy, last, config)
    return Placed(prepared=placed, row=row, renumbered=renumbered, wider=wider)


def held_by(
    new: PolicySet, last: EditionRow | None, config: Config, *, now: datetime
) -> Mapping[Pair, Widening]:
    """
    What consents must be newer than under `new`, once it follows `last`.

    Editions are compared by number: under one number consents go on counting.
    """
    if last is None:
        return {}
    before = read_widened(last.widened)
    if last.number == new.edition.number:
        return before
    # Whoever goes back to an edition that was effective long ago begins it anew.
    since = new.edition.effective if new.edition.effective > last.effective else now
    try:
        comparison = compare(kept(last, config), new)
    except ConfigError:
        return widened_by_all(before, new, since=since, why=UNREADABLE)
    return widened(before, comparison, since=since)


def _wider_under_its_number(new: PolicySet, last: EditionRow | None, config: Config) -> int:
    comparison = under_its_number(new, last, config)
    return len(comparison.widening()) if comparison else 0


def under_its_number(new: PolicySet, last: EditionRow | None, config: Config) -> Comparison | None:
    """What other documents under the same number change; None where there is nothing to compare."""
    if last is None or last.number != new.edition.number or last.digest == new.digest:
        return None
    try:
        return compare(kept(last, config), new)
    except ConfigError:
        return None


def kept(row: EditionRow, config: Config) -> PolicySet:
    """A kept edition, compiled from its documents alone. Raises `ConfigError`."""
    policy = compiled(row, config).policy
    return replace(policy, widened=read_widened(row.widened))


def compiled(row: EditionRow, config: Config) -> Loaded:
    """As `kept`, with the documents. What it widened is left out."""
    try:
        return compile_kept(
            _unpacked(row.documents),
            Path(config.home / "partners").resolve(),
            home_territory=config["home.territory"],
        )
    except ConfigError as error:
        raise ConfigError(
            f"edition {row.number} was kept by another release and this one reads it more "
            f"strictly:\n{error}"
        ) from error


def _packed(documents: Mapping[str, bytes]) -> bytes:
    # Documents that loaded are UTF-8; what a key file holds is looked at by nobody else.
    texts = {name: raw.decode("utf-8", "surrogateescape") for name, raw in documents.items()}
    return zlib.compress(json.dumps(texts, sort_keys=True).encode("ascii"), 9)


def _unpacked(packed: bytes) -> dict[str, bytes]:
    texts: dict[str, str] = json.loads(zlib.decompress(packed))
    return {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items()}


def _written(held: Mapping[Pair, Widening]) -> str:
    return json.dumps(
        [
            [partner, purpose, one.edition, stamp(one.since), list(one.what)]
            for (partner, purpose), one in sorted(held.items())
        ],
        ensure_ascii=False,
    )


def read_widened(text: str) -> dict[Pair, Widening]:
    """What consents must be newer than, as it is kept with an edition."""
    rows: list[Any] = json.loads(text)
    return {
        (PartnerId(partner), PurposeId(purpose)): Widening(
            edition=edition, since=parse_stamp(since), what=tuple(what)
        )
        for partner, purpose, edition, since, what in rows
    }
