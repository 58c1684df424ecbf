"""Behind `gateway policy diff`: which editions are meant, and what is told of them."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError, Problem, StoreFailed
from gateway.flows import editions
from gateway.flows.replay import ASSUMED, Count, Replayed, replay
from gateway.flows.subjects import Subjects
from gateway.model.policyset import PolicySet
from gateway.model.settings import Config
from gateway.policy.compare_fields import TRANSFORM_ORDER
from gateway.policy.comparison import Comparison, compare, widened
from gateway.policy.compile import Loaded
from gateway.policy.differences import Difference, Direction
from gateway.policy.documents import scan_document
from gateway.policy.load import load_home
from gateway.ports import EditionRow

CURRENT = "current"
"""The home's folder as it is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two editions, and what past shares would have met under the new one."""

    comparison: Comparison
    replayed: Replayed | None

    def value(self) -> dict[str, Any]:
        """As JSON."""
        comparison = self.comparison
        return {
            "old": _edition(comparison, 0),
            "new": _edition(comparison, 1),
            **{
                direction.value: [_shown(one) for one in comparison.of(direction)]
                for direction in Direction
            },
            "ask_again": [
                {"partner": partner, "purpose": purpose, "because": list(why)}
                for (partner, purpose), why in comparison.widening().items()
            ],
            "transforms": list(TRANSFORM_ORDER),
            "replay": _counts(self.replayed) if self.replayed else None,
        }


async def compared(
    home: Path, old: str, new: str, *, again: bool, tell: Callable[[int, int], None]
) -> Compared:
    """
    Compare two editions, each a number that is kept, `current`, or a folder.

    With `again` past shares are decided under both; `tell` hears how far it is.
    Raises `ConfigError` where one of the two is not there or does not load.
    """
    from gateway.wiring import load_config, store_of

    config = load_config(home)
    if not config.database.exists():
        if again:
            raise ConfigError("--replay: this home has no ledger yet, start it with gateway serve")
        pair = [await _named(name, config, None) for name in (old, new)]
        return Compared(comparison=compare(*pair), replayed=None)
    store = store_of(config)
    await store.open_for_reading()
    try:
        one, other = [await _named(name, config, store) for name in (old, new)]
        comparison = compare(one, other)
        found = await _again(store, config, (one, other), comparison, tell) if again else None
    finally:
        await store.close()
    return Compared(comparison=comparison, replayed=found)


async def _named(name: str, config: Config, store: Any) -> PolicySet:
    if name == CURRENT:
        return _folder(config.home, config)
    row = await store.kept_edition(name) if store is not None else None
    if row is not None:
        return editions.kept(row, config)
    found = _found(name, config)
    if found is not None:
        return found
    kept = await store.edition_numbers() if store is not None else []
    raise ConfigError(
        f"there is no folder of that name, and no edition is kept under it: write a folder, "
        f"{CURRENT}, or one of {', '.join(kept) or '(none is kept yet)'}"
    )


def _found(name: str, config: Config) -> PolicySet | None:
    folder = Path(name)
    return _folder(folder, config) if folder.is_dir() else None


def _folder(folder: Path, config: Config) -> PolicySet:
    """A home, a folder with `policies/` and `partners/`, or a `policies/` beside `partners/`."""
    from gateway.wiring import load_config

    policies, partners = folder / "policies", folder / "partners"
    if not policies.is_dir():
        policies, partners = folder, folder.resolve().parent / "partners"
    if (folder / "gateway.toml").is_file():
        config = load_config(folder)
    return load_home(policies, partners, home_territory=config["home.territory"]).policy


async def _again(
    store: Any,
    config: Config,
    pair: tuple[PolicySet, PolicySet],
    comparison: Comparison,
    tell: Callable[[int, int], None],
) -> Replayed:
    from gateway.cli.looking import no_key
    from gateway.keyring import FileKeyring
    from gateway.wiring import utc_now

    old, new = pair
    since = new.edition.effective if new.edition.effective > old.edition.effective else utc_now()
    held = old.widened
    if new.edition.number != old.edition.number:
        held = widened(old.widened, comparison, since=since)
    total = await store.count_past()
    people = Subjects(store, FileKeyring(config.home / "keys"), no_key, utc_now, capacity=1)
    result = await replay(
        store,
        people,
        (old, replace(new, widened=held)),
        tell=lambda done: tell(min(done, total), total),
    )
    if total:
        tell(total, total)
    return result


def _edition(comparison: Comparison, place: int) -> Mapping[str, Any]:
    edition = (comparison.old, comparison.new)[place]
    return {
        "edition": edition.number,
        "published": edition.published.isoformat(),
        "effective": edition.effective.isoformat().replace("+00:00", "Z"),
        "digest": comparison.digests[place],
    }


def _shown(one: Difference) -> Mapping[str, Any]:
    return {
        "what": one.what.value,
        "name": one.name,
        "partner": one.partner,
        "purpose": one.purpose,
        "route": one.route,
        "before": one.before,
        "after": one.after,
        "ordered": one.ordered,
        "clause": list(one.clauses),
    }


def _counts(found: Replayed) -> Mapping[str, Any]:
    return {
        "shares": _count(found.shares),
        "refusals": _count(found.refusals),
        "people": {"refused": found.people_refused, "allowed": found.people_allowed},
        "erased": found.erased,
        "assumed": list(ASSUMED),
    }


def _count(count: Count) -> Mapping[str, Any]:
    return {
        "replayed": count.replayed,
        "refused": count.refused,
        "allowed": count.allowed,
        "by": [
            {"code": code, "clause": list(clauses), "count": number}
            for (code, clauses), number in count.by.most_common()
        ],
    }


async def last_edition(store: Any) -> EditionRow | None:
    """What came into force last, as a store beside its owner tells; None where nothing is kept."""
    with suppress(StoreFailed):
        found: EditionRow | None = await store.edition_in_force()
        return found
    # A store of a release before editions were kept.
    return None


async def unnumbered(config: Config, loaded: Loaded) -> tuple[Problem, ...]:
    """
    A warning where documents widen sharing under the number that was in force
    with others: comparing is between editions, so nobody would be asked again (N1).
    """
    from gateway.wiring import store_of

    if not config.database.exists():
        return ()
    store = store_of(config)
    try:
        await store.open_for_reading()
    except StoreFailed:
        # The documents are checked all the same; who serves them is told what is wrong.
        return ()
    try:
        last = await last_edition(store)
    finally:
        await store.close()
    comparison = editions.under_its_number(loaded.policy, last, config)
    wider = comparison.widening() if comparison else {}
    if not wider:
        return ()
    return (_warning(loaded, wider),)


def _warning(loaded: Loaded, wider: Mapping[Any, Any]) -> Problem:
    number = loaded.policy.edition.number
    (partner, purpose), why = next(iter(wider.items()))
    more = f" and {len(wider) - 1} more" if len(wider) > 1 else ""
    name = "policies/edition.yaml"
    return scan_document(name, loaded.documents[name]).problem(
        ("number",),
        f"this set widens edition {number} ({partner} for {purpose}: {why[0]}{more}): "
        "give it a new number, so that old consents do not count (N1)",
        warning=True,
    )
