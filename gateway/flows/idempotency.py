"""
One request, one outcome: `Idempotency-Key` (contract §6).

A key is kept as a keyed hash, scoped to issuer and service, for 24 hours. What
is kept of the answer is sealed under the person's key and goes with it.
"""

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.errors import CallerError, KeyTaken, Reason
from gateway.flows.answers import Declined, Disclosed, Problem, ShareAnswer, problem
from gateway.flows.gateway import Gateway
from gateway.flows.incoming import Draft
from gateway.flows.subjects import Person
from gateway.ports import IdempotencyRow, IdempotencyState
from gateway.seal.storage import SealBroken, protect, reveal

KEPT_FOR = timedelta(hours=24)
MAX_KEY_LENGTH = 255

# How often a key is looked up before its request is told to wait.
MAX_LOOKS = 3

Carry = Callable[[Draft, Gateway, IdempotencyRow | None], Awaitable[ShareAnswer]]


async def once(draft: Draft, gateway: Gateway, carry: Carry) -> ShareAnswer:
    """
    Carry a share, unless the same request was carried before.

    Raises `CallerError` while the first still runs (409) and where the key was
    used for another request (422).
    """
    text = draft.incoming.one("idempotency-key")
    if text is None:
        return await carry(draft, gateway, None)
    key = _key(draft, gateway, text)
    fingerprint = _fingerprint(draft, gateway)
    if (running := gateway.running.get(key)) is not None:
        raise _taken(running == fingerprint)
    gateway.running[key] = fingerprint
    try:
        for _ in range(MAX_LOOKS):
            # An answer that was just given is on its way to the disk.
            await gateway.store.flush()
            known = await gateway.store.idempotency(key)
            if known is not None:
                return await _again(draft, gateway, known, fingerprint)
            expires = gateway.clock() + KEPT_FOR
            slot = IdempotencyRow(key=key, fingerprint=fingerprint, expires=expires)
            # A first request that was given up may still have been on its way to the disk.
            with suppress(KeyTaken):
                return await carry(draft, gateway, slot)
        raise _taken(True)
    finally:
        del gateway.running[key]


def keep(
    gateway: Gateway,
    slot: IdempotencyRow | None,
    share: str,
    persons: Sequence[Person],
    answer: ShareAnswer | Problem,
) -> bytes | None:
    """What a repeat will be answered, sealed; None where no key came."""
    if slot is None:
        return None
    key = persons[0].key if persons else gateway.secret("answer")
    return protect(key, _dump(answer), b"answer|" + share.encode(), random=gateway.random)


async def _again(
    draft: Draft, gateway: Gateway, known: IdempotencyState, fingerprint: bytes
) -> ShareAnswer:
    if not hmac.compare_digest(known.fingerprint, fingerprint):
        raise _taken(False)
    if known.answer is None:
        # The first request died between its intent and its outcome.
        raise Declined(
            problem(Reason.OUTCOME_UNKNOWN, disclosed=Disclosed.MAYBE, share=known.share)
        )
    persons = [await gateway.subjects.get(subject) for subject in draft.ask.subjects[:1]]
    if any(person.facts.erased for person in persons):
        # A1: not even an old answer about a person who is being deleted.
        raise CallerError(Reason.SUBJECT_ERASED)
    key = persons[0].key if persons else gateway.secret("answer")
    try:
        kept = _load(reveal(key, known.answer, b"answer|" + known.share.encode()), known.share)
    except SealBroken:
        raise _taken(False) from None
    if isinstance(kept, Problem):
        raise Declined(kept)
    return kept


def _taken(same: bool) -> CallerError:
    return CallerError(Reason.IDEMPOTENCY_IN_PROGRESS if same else Reason.IDEMPOTENCY_MISMATCH)


def _key(draft: Draft, gateway: Gateway, text: str) -> bytes:
    bare = text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
    if not bare or len(bare) > MAX_KEY_LENGTH:
        raise CallerError(
            Reason.REQUEST_INVALID, f"an Idempotency-Key has 1 to {MAX_KEY_LENGTH} characters"
        )
    service = draft.incoming.service
    return _mac(gateway, "idempotency-key", service.issuer, service.name, bare)


def _fingerprint(draft: Draft, gateway: Gateway) -> bytes:
    """What makes a request the same: everything that could change what leaves."""
    incoming = draft.incoming
    names = (
        "sharing-purpose",
        "sharing-ground",
        "sharing-evidence",
        "content-type",
        "content-encoding",
        "prefer",
        "sec-gpc",
        *(draft.route.route.header_fields if draft.route else ()),
    )
    return _mac(
        gateway,
        "idempotency-request",
        incoming.method,
        incoming.partner,
        incoming.path,
        incoming.query,
        *draft.ask.subjects,
        *(f"{name}:{incoming.one(name) or ''}" for name in names),
        hashlib.sha256(incoming.body or b"").hexdigest(),
    )


def _mac(gateway: Gateway, label: str, *parts: str) -> bytes:
    # Lengths first, so that no two lists of parts read the same.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.digest(gateway.secret(label), text.encode("utf-8", "surrogateescape"), "sha256")


def _dump(answer: ShareAnswer | Problem) -> bytes:
    if isinstance(answer, Problem):
        value: dict[str, Any] = {
            "reason": answer.reason.value,
            "detail": answer.detail,
            "disclosed": answer.disclosed.value,
        }
    else:
        value = {
            "status": answer.status,
            "headers": list(answer.headers),
            "body": b64encode(answer.body).decode(),
            "dropped": answer.dropped,
        }
    return json.dumps(value).encode()


def _load(text: bytes, share: str) -> ShareAnswer | Problem:
    value = json.loads(text)
    if "reason" in value:
        told = problem(Reason(value["reason"]), value["detail"], share=share)
        return replace(told, disclosed=Disclosed(value["disclosed"]))
    return ShareAnswer(
        status=value["status"],
        headers=tuple((name, text) for name, text in value["headers"]),
        body=b64decode(value["body"]),
        share=share,
        dropped=value["dropped"],
    )
