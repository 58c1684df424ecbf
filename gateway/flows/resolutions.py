"""
On what a person settled a notice: a text, and a file where there is one (contract §9; R3).

The leaf of the notice holds a commitment to both and nothing of either. They are kept
under a key of their own, so that they can be destroyed when nobody needs them.
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.errors import CallerError, Reason
from gateway.flows.gateway import Gateway
from gateway.flows.reads import record_list_read
from gateway.flows.wrapping import unwrapped, wrapped
from gateway.seal.storage import protect, reveal

MAX_ATTACHMENT: Final = 2 * 1024 * 1024
"""Bytes."""
TYPES: Final = {"application/pdf": b"%PDF-", "text/plain": b""}
"""What may be attached, and how it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that a recipient answered with. Prints its size only."""

    name: str = field(repr=False)
    type: str
    content: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """Hex, as the commitment has it."""
        return hashlib.sha256(self.content).hexdigest()


def attachment(name: str, type: str, content: str) -> Attachment:
    """An attachment out of base64. Raises `CallerError` for what is none, or of another type."""
    try:
        raw = b64decode(content, validate=True)
    except ValueError:
        raise _wrong("content: write base64") from None
    if not raw or len(raw) > MAX_ATTACHMENT:
        raise _wrong(f"content: 1 to {MAX_ATTACHMENT} bytes")
    if not raw.startswith(TYPES[type]):
        raise _wrong(f"content: no {type}")
    if type == "text/plain":
        _check_text(raw)
    return Attachment(name=name, type=type, content=raw)


def committed(evidence: str, attached: Attachment | None) -> str:
    """What the leaf's commitment is to: the text, and on a line below the file's SHA-256."""
    return evidence if attached is None else f"{evidence}\nsha256:{attached.sha256}"


def kept(
    gateway: Gateway, notice: str, evidence: str, attached: Attachment | None
) -> tuple[bytes, bytes]:
    """Both as they are stored: their key, wrapped, and what it opens."""
    key, label = gateway.random(32), _label(notice)
    value = {"evidence": evidence, "attachment": _dump(attached)}
    sealed = protect(key, json.dumps(value).encode(), label, random=gateway.random)
    return wrapped(gateway.keys, label, key, gateway.random), sealed


async def opened(gateway: Gateway, notice: str, *, service: str) -> Mapping[str, Any]:
    """
    What a notice was settled on; the read is recorded first. Raises `CallerError`,
    404 where nothing is kept.
    """
    stored = await gateway.store.resolution(notice)
    if stored is None:
        raise CallerError(Reason.NOT_FOUND, "nothing is kept on which this notice was settled")
    await record_list_read(gateway, service=service, what=f"resolution:{notice}")
    key, label = stored[0], _label(notice)
    value: dict[str, Any] = json.loads(
        reveal(unwrapped(gateway.keys, label, key), stored[1], label)
    )
    return {"notice": notice, **value}


async def forgotten(gateway: Gateway, notice: str) -> None:
    """Destroy it; the commitment in the ledger stays. Raises `CallerError`, 404."""
    if not await gateway.store.forget_resolution(notice):
        raise CallerError(Reason.NOT_FOUND, "nothing is kept on which this notice was settled")
    gateway.log.info("resolution-forgotten", notice=notice)


def _dump(attached: Attachment | None) -> dict[str, Any] | None:
    if attached is None:
        return None
    return {
        "name": attached.name,
        "type": attached.type,
        "sha256": attached.sha256,
        "content": b64encode(attached.content).decode(),
    }


def _check_text(raw: bytes) -> None:
    try:
        raw.decode("utf-8")
    except ValueError:
        raise _wrong("content: text/plain is UTF-8") from None


def _wrong(detail: str) -> CallerError:
    return CallerError(Reason.REQUEST_INVALID, f"attachment: {detail}")


def _label(notice: str) -> bytes:
    return b"resolution|" + notice.encode()
