"""
The gateway's own keys: what there is, and rotation without a restart (contract §4).

A rotation changes files first and says so in the ledger after; a process that dies
between finds at its next start which keys the ledger does not know.
"""

from collections.abc import Mapping
from typing import Any

from gateway.errors import CallerError, ConfigError, Reason, StoreFailed
from gateway.flows import epochs
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id, stamp
from gateway.flows.gateway import Gateway
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.ports import EpochKeyRow, EpochRow, Keyring, SigningKeyRow, Store
from gateway.seal.jwk import load_private_jwk, thumbprint

SIGNING_USES = ("grant", "notice", "checkpoint", "certificate", "issuer")
EPOCH = "epoch"
USES = (*SIGNING_USES, EPOCH)
AT_ONCE = frozenset({"grant", "notice", "issuer"})
"""Whose older keys may count no more at once; what the others signed is kept for years."""


async def record(gateway: Gateway) -> None:
    """
    At the start: a new ledger begins with the gateway's own public keys, and one that
    is older learns which were made or retired without it.
    """
    known = await gateway.store.own_keys()
    rows = gateway.keys.signing_keys()
    now = {row.kid: row.retired for row in rows}
    if known == now:
        return
    leaves: list[bytes] = []
    if not await gateway.store.size():
        leaves = [_leaf(gateway, row, "created") for row in rows if row.use != "issuer"]
    elif known:
        leaves = _differences(gateway, rows, known)
    await gateway.store.put_own_keys(now, leaves)
    gateway.appended.set()


def _differences(
    gateway: Gateway, rows: list[SigningKeyRow], known: Mapping[str, bool], by: str | None = None
) -> list[bytes]:
    new = [_leaf(gateway, row, "rotated", by) for row in rows if row.kid not in known]
    gone = [
        _leaf(gateway, row, "retired", by)
        for row in rows
        if row.retired and known.get(row.kid) is not True
    ]
    return new + gone


async def rotate(gateway: Gateway, use: str, *, at_once: bool, by: str) -> dict[str, Any]:
    """
    A new key for a use, in force when this returns; what is under way goes on with
    the one before. `at_once`: what that one signed counts no more.

    Raises `CallerError` for a use that there is not, `Declined` where the disk does
    not take it.
    """
    if use not in USES:
        raise CallerError(Reason.REQUEST_INVALID, f"use: write one of {', '.join(USES)}")
    if at_once and use not in AT_ONCE:
        raise CallerError(
            Reason.REQUEST_INVALID,
            "at_once: what this key signed or wrapped is needed further on",
            remedy=f"Leave at_once out; it is for {', '.join(sorted(AT_ONCE))}.",
        )
    try:
        if use == EPOCH:
            await epochs.rotate(gateway)
        else:
            await _rotate_signing(gateway, use, at_once=at_once, by=by)
    except (StoreFailed, ConfigError) as error:
        raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
    mine = [one for one in await listed(gateway.store, gateway.keys) if one["use"] == use]
    return {"keys": mine}


async def _rotate_signing(gateway: Gateway, use: str, *, at_once: bool, by: str) -> None:
    async with gateway.turning:
        row = gateway.keys.rotate(use, gateway.random, at_once=at_once)
        await _in_force(gateway, use)
        known = await gateway.store.own_keys()
        rows = gateway.keys.signing_keys()
        leaves = _differences(gateway, rows, known, by)
        await gateway.store.put_own_keys({one.kid: one.retired for one in rows}, leaves)
    gateway.appended.set()
    gateway.log.info("key-rotated", use=use, kid=row.kid)


async def _in_force(gateway: Gateway, use: str) -> None:
    """Whoever holds a key takes the new one; the others ask for it each time."""
    if use == "grant":
        gateway.grant_key = load_private_jwk(gateway.keys.signing("grant").private_jwk)
    if use == "notice":
        gateway.notice_key = load_private_jwk(gateway.keys.signing("notice").private_jwk)
    if use == "issuer":
        await gateway.services.refresh()


async def listed(store: Store | None, keys: Keyring) -> list[dict[str, Any]]:
    """Every key of the gateway's own, as `keys list` has it; without a store of a new home."""
    known = {row.number: row for row in await store.known_epochs()} if store else {}
    there = keys.epochs()
    rows = [_epoch(row, known.get(row.number), newest=row is there[-1]) for row in there]
    return [*(_signing(row) for row in keys.signing_keys()), *rows]


def _signing(row: SigningKeyRow) -> dict[str, Any]:
    return {
        "use": row.use,
        "kid": row.kid,
        "state": "retired" if row.retired else "active",
        "since": stamp(row.since) if row.since else None,
        "public": row.use != "issuer",
        "counts_until": stamp(row.counts_until) if row.counts_until else None,
        "thumbprint": thumbprint(row.private_jwk),
    }


def _epoch(row: EpochKeyRow, known: EpochRow | None, *, newest: bool) -> dict[str, Any]:
    due = known.due if known else None
    return {
        "use": EPOCH,
        "kid": epochs.kid(row.number),
        "state": "active" if newest else "retired",
        "since": stamp(row.since),
        "public": False,
        "counts_until": stamp(due) if due else None,
        "thumbprint": row.fingerprint,
    }


def _leaf(gateway: Gateway, row: SigningKeyRow, event: str, by: str | None = None) -> bytes:
    # Of the issuer's key nothing is public, not even what it is recognised by.
    shown = row.use != "issuer"
    return canonical(
        entries.key(
            id=new_id("leaf", gateway.random),
            at=gateway.clock(),
            owner="gateway",
            event=event,
            use=row.use,
            kid=row.kid,
            thumbprint=thumbprint(row.private_jwk) if shown else None,
            actor=by,
        )
    )
