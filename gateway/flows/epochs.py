"""
Epochs: the keys that wrap people's keys are destroyed in their turn (K2).

    new key, durable -> new wraps use it -> every old wrap anew, some at a time
      -> no row names the old epoch -> the log is cut -> the old key is destroyed

The process may die anywhere: each step is found undone at the next start and made
again, and no key goes while a row needs it. Shares wait for none of it. A row that
is destroyed meanwhile stays destroyed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from gateway.errors import ConfigError
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.wrapping import unwrapped, wrapped
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.ports import EpochKeyRow, EpochRow, HomeWrapped, Keyring, Store
from gateway.seal.wrapping import HOME, EpochKey, EpochKeyMissing

# So many are wrapped anew at a time, and then shares have a turn: a batch holds the loop
# for some milliseconds.
BATCH = 200
PAUSE_SECONDS = 0.01

# Somebody who reads an old state of the database keeps its log; a command waits so long.
SETTLE_SECONDS = 10.0
AGAIN_SECONDS = 0.1

OWNERS = {"subject": b"subject-key|", "escrow": b"escrow|", "case": b"case|"}
"""What the first version wrapped, and how the labels of these begin."""


def kid(number: int) -> str:
    """What an epoch's key is called in leaves and lists."""
    return f"epoch-{number:06d}"


async def locked_out(store: Store, keys: Keyring) -> dict[int, int]:
    """
    How many wrapped keys do not open with the keys that are there, by the epoch that
    they name: its file is missing, or holds another key than the store knows.
    """
    prints = {row.number: row.fingerprint for row in await store.known_epochs()}
    counts = await store.epochs()
    return {
        number: count
        for number, count in sorted(counts.items())
        if number != HOME and not _is_there(keys, number, prints.get(number))
    }


def _is_there(keys: Keyring, number: int, fingerprint: str | None) -> bool:
    try:
        key = keys.epoch(number)
    except EpochKeyMissing:
        return False
    return fingerprint in (None, key.fingerprint)


def refusal(missing: dict[int, int]) -> str:
    """Why a gateway does not serve with these locked out, and what to do."""
    rows = ", ".join(f"{count} of epoch {number}" for number, count in missing.items())
    return (
        f"the keys of people and escrows that data/ holds do not all open: {rows} have no key in "
        "keys/epochs/. Restore keys/ from its copy as well. Where that key was destroyed, data/ is "
        "a copy from before: restore a newer one, or give these people up, with `gateway ledger "
        "replay-erasures --give-up-unreadable` or, without an export, with `gateway keys give-up`"
    )


async def begin(gateway: Gateway, *, locked: bool = False) -> None:
    """
    At the start, before anything is wrapped: finish what a process that died had
    begun, and have an epoch in force.

    Raises `ConfigError` where keys of people do not open, unless that is to be
    `locked` out all the same.
    """
    missing = await locked_out(gateway.store, gateway.keys)
    if missing and not locked:
        raise ConfigError(refusal(missing))
    gateway.keys.finish()
    known = {row.number: row for row in await gateway.store.known_epochs()}
    for row in gateway.keys.epochs():
        if row.number in known and known[row.number].destroyed:
            # It came back with a copy of keys/.
            gateway.keys.destroy_epoch(row.number)
    files = gateway.keys.epochs()
    last = max([*known, *missing, *(row.number for row in files), 0])
    if not files or files[-1].number < last or not _same(files[-1], known):
        gateway.keys.begin_epoch(last + 1, gateway.random)
    await _note_new(gateway, sooner=False)
    await _end_of_the_dead(gateway, missing)


def _same(row: EpochKeyRow, known: Mapping[int, EpochRow]) -> bool:
    return row.number not in known or known[row.number].fingerprint == row.fingerprint


async def _note_new(gateway: Gateway, *, sooner: bool) -> None:
    """Tell the store of epochs whose keys are there and that it does not know."""
    known = {row.number for row in await gateway.store.known_epochs()}
    for row in gateway.keys.epochs():
        if row.number not in known:
            await _noted(gateway, row, sooner=sooner)


async def _noted(gateway: Gateway, row: EpochKeyRow, *, sooner: bool) -> None:
    """Tell the store of an epoch, and the ledger, but of a new home's first."""
    now = gateway.clock()
    due = now if sooner else now + _period(gateway)
    leaves = [_leaf(gateway, "rotated", row.number)] if await gateway.store.size() else []
    epoch = EpochRow(number=row.number, fingerprint=row.fingerprint)
    await gateway.store.begin_epoch(epoch, leaves, due=due, sooner=sooner)
    if leaves:
        gateway.appended.set()
        gateway.log.info("key-rotated", use="epoch", kid=kid(row.number))


async def _end_of_the_dead(gateway: Gateway, missing: dict[int, int]) -> None:
    """Keys that were destroyed by a process that died before the ledger had it."""
    there = {row.number for row in gateway.keys.epochs()}
    for row in await gateway.store.known_epochs():
        if not row.destroyed and row.number not in there and row.number not in missing:
            await _ended(gateway, row.number)


async def rotate(gateway: Gateway, *, sooner: bool = True) -> EpochKeyRow:
    """
    A new epoch: what is wrapped from now on is wrapped under its key, which is durable.

    What is older is wrapped anew by `advance`. `sooner`: the keys before are destroyed
    as soon as nothing needs them; else each stays for one more period, so that a copy
    of the data from before the rotation still opens.
    """
    async with gateway.turning:
        known = [row.number for row in await gateway.store.known_epochs()]
        there = [row.number for row in gateway.keys.epochs()]
        row = gateway.keys.begin_epoch(max([*known, *there]) + 1, gateway.random)
        await _note_new(gateway, sooner=sooner)
    gateway.epoch_turned.set()
    return row


def period_is_over(gateway: Gateway) -> bool:
    """Whether it is time for the next epoch (`keys.epoch`; 0: never by itself)."""
    period, files = _period(gateway), gateway.keys.epochs()
    return bool(period and files) and gateway.clock() >= files[-1].since + period


def _period(gateway: Gateway) -> timedelta:
    period: timedelta = gateway.config["keys.epoch"]
    return period


async def advance(gateway: Gateway) -> bool:
    """
    Wrap anew what older epochs wrapped, and destroy the keys that are due; true once
    nothing is left to do now. Raises `StoreFailed`, `ConfigError`.
    """
    await _from_home(gateway)
    done = True
    newest = gateway.keys.newest_epoch()
    for row in await gateway.store.known_epochs():
        if row.destroyed or newest is None or row.number >= newest.number:
            continue
        await _taken_over(gateway, row.number, newest)
        if row.due is not None and row.due <= gateway.clock():
            done = await _destroyed(gateway, row.number) and done
    return done


async def settle(gateway: Gateway, seconds: float = SETTLE_SECONDS) -> bool:
    """`advance` until nothing is left to do, for so long at most; whether it came to that."""
    for _ in range(max(1, round(seconds / AGAIN_SECONDS))):
        if await advance(gateway):
            return True
        await asyncio.sleep(AGAIN_SECONDS)
    return False


async def _from_home(gateway: Gateway) -> None:
    """What the first version wrapped, under the home's key alone."""
    if HOME not in await gateway.store.epochs():
        return
    for kind in OWNERS:
        after = b""
        while batch := await gateway.store.wrapped_at_home(kind, after, BATCH):
            await _rewrapped(gateway, [_anew(gateway, one) for one in batch], HOME)
            after = batch[-1].owner


def _anew(gateway: Gateway, one: HomeWrapped) -> tuple[int, bytes, bytes]:
    label = OWNERS[one.kind] + one.owner
    key = unwrapped(gateway.keys, label, one.wrapped)
    return one.no, one.wrapped, wrapped(gateway.keys, label, key, gateway.random)


async def _taken_over(gateway: Gateway, number: int, newest: EpochKey) -> None:
    """Every wrap of one epoch, under the newest one's key."""
    while batch := await gateway.store.wrapped_under(number, BATCH):
        # Asked each time: another rotation may come while this one is under way.
        newest, before = gateway.keys.newest_epoch() or newest, gateway.keys.epoch(number)
        changes = [
            (no, blob, newest.take_over(blob, before, random=gateway.random)) for no, blob in batch
        ]
        await _rewrapped(gateway, changes, number)


async def _rewrapped(
    gateway: Gateway, changes: Sequence[tuple[int, bytes, bytes]], number: int
) -> None:
    count = await gateway.store.rewrap(changes)
    gateway.metrics.rewrapped(count)
    gateway.log.debug("keys-rewrapped", count=count, kid=kid(number))
    await asyncio.sleep(PAUSE_SECONDS)


async def _destroyed(gateway: Gateway, number: int) -> bool:
    """
    Destroy an epoch's key; false while a row needs it, or an old page holds its wraps.

    From `close_epoch` on nothing can be stored under it. The log is cut before, so
    that the new wraps are where a crash finds them, and the old ones nowhere.
    """
    if not await gateway.store.close_epoch(number) or not await gateway.store.scrub():
        return False
    gateway.keys.destroy_epoch(number)
    await _ended(gateway, number)
    return True


async def _ended(gateway: Gateway, number: int) -> None:
    await gateway.store.end_epoch(number, [_leaf(gateway, "destroyed", number)])
    gateway.appended.set()
    gateway.log.info("epoch-destroyed", kid=kid(number))


async def give_up(gateway: Gateway, number: int, *, by: str) -> tuple[int, int]:
    """
    Destroy what is wrapped under an epoch whose key is lost: everything of these
    people, and what escrows say. Without their keys nobody knows who they are: no
    tombstone keeps them out, and a person must settle their notices.

    Raises `LookupError` where nothing is locked out under this epoch.
    """
    if number not in await locked_out(gateway.store, gateway.keys):
        raise LookupError("nothing is locked out under this epoch")
    leaf = _leaf(gateway, "removed", number, by)
    lost = await gateway.store.give_up([number], [leaf])
    gateway.subjects.forget_all()
    gateway.case_changed()
    return lost


def _leaf(gateway: Gateway, event: str, number: int, by: str | None = None) -> bytes:
    return canonical(
        entries.key(
            id=new_id("leaf", gateway.random),
            at=gateway.clock(),
            owner="gateway",
            event=event,
            use="epoch",
            kid=kid(number),
            actor=by,
        )
    )


def began(gateway: Gateway) -> datetime | None:
    """When the epoch in force began."""
    files = gateway.keys.epochs()
    return files[-1].since if files else None
