"""What one try of a notice works with: the values and tools of its protocol (contract §9)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from gateway.cases import states
from gateway.flows import ddrf_keys, escrow, new_values
from gateway.flows.clockwork import stamp
from gateway.flows.gateway import Gateway
from gateway.flows.snapshots import recipient
from gateway.model.cases import Notice
from gateway.model.recipients import Deletion, Partner
from gateway.notices.base import Dialect, Sign, Telling, Tools, terms_for
from gateway.notices.dialects import DIALECTS
from gateway.ports import ToldRow
from gateway.seal.certified import certified, verify_signature
from gateway.seal.es256 import sign_es256
from gateway.seal.jws import sign_jws, verify_jws
from gateway.seal.keys import parse_partner_keys
from gateway.seal.webhooks import webhook_shared_signature, webhook_signature

CALLBACKS: Final = "/callbacks/"

# Whom a share that ended unknown has told anew; no protocol sees it.
_RESENT = "@resent"
# Whom a person has told anew.
_AGAIN = "@again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One try of a notice, before its first step."""

    partner: Partner
    terms: Deletion
    dialect: Dialect
    key: bytes
    """The notice's own key, under which its memory is sealed."""
    telling: Telling
    kept: Mapping[str, str]
    """Of the memory, what is the flow's own."""

    def with_memory(self, memory: Mapping[str, str], gateway: Gateway) -> "Try":
        """The next step, with what the last one kept."""
        return replace(self, telling=replace(self.telling, memory=memory, fresh=gateway.random(16)))

    def sealed(self, gateway: Gateway) -> bytes:
        """What is kept for the next try, sealed."""
        memory = {**self.telling.memory, **self.kept}
        return escrow.memory_sealed(gateway, self.key, self.telling.notice, memory)


def begun(gateway: Gateway, notice: Notice, row: ToldRow) -> Try | None:
    """
    A try of this notice; None where nobody but a person can tell its recipient.
    Raises `LookupError` where its escrow was destroyed.
    """
    partner = recipient(gateway, notice.partner)
    if partner is None:
        return None
    terms = terms_for(partner.deletion, row.action)
    if terms is None:
        return None
    dialect = DIALECTS[terms.protocol]
    told, key = escrow.opened_with_key(gateway, notice.id, row)
    memory: Mapping[str, str] = {}
    if dialect.remembers:
        memory = escrow.memory_opened(key, notice.id, row.memory)
        if not memory and notice.reason in (states.TRIED_AGAIN, states.TOLD_AGAIN):
            memory = {_AGAIN: gateway.random(8).hex()}
        memory = _anew(notice, memory, gateway)
    kept = {name: value for name, value in memory.items() if name in (_RESENT, _AGAIN)}
    telling = Telling(
        notice=notice.id,
        action=row.action,
        told=told,
        issuer=gateway.issuer,
        partner=notice.partner,
        deletion=terms,
        deadline=notice.deadline,
        created=row.created,
        attempt_at=gateway.clock(),
        receipts_url=f"{gateway.config.public_url}/receipts",
        callback_url=_callback_url(gateway, dialect, notice.id),
        stable=_derived(gateway, "notice-ids", notice.id),
        fresh=gateway.random(16),
        tools=_tools(gateway, terms),
        again="|".join(kept.values()),
        memory={name: value for name, value in memory.items() if name not in kept},
    )
    return Try(partner=partner, terms=terms, dialect=dialect, key=key, telling=telling, kept=kept)


def with_seals(gateway: Gateway, one: Try) -> Try:
    """A try whose new values are sealed for its recipient. Raises `CannotCarry`."""
    before = one.telling
    if not before.told.changes:
        return one
    told = new_values.sealed(gateway, before.notice, one.partner, before.told, one.key)
    return replace(one, telling=replace(before, told=told))


def callback_mark(gateway: Gateway, protocol: str, token: str) -> bytes:
    """Under which a callback's address is stored: its last part is nowhere on disk."""
    text = f"{protocol}|{token}".encode()
    return hmac.digest(gateway.secret("callback-mark"), text, "sha256")


def callback_token(gateway: Gateway, notice: str) -> str:
    """The last part of a notice's callback address: 128 bits that nobody can guess, in hex."""
    return _derived(gateway, "callback-token", notice).hex()


def _anew(notice: Notice, memory: Mapping[str, str], gateway: Gateway) -> Mapping[str, str]:
    """What counts of a memory: nothing of what was before the recipient is told once more."""
    again = notice.resend_at
    if again is None or gateway.clock() < again or memory.get(_RESENT) == stamp(again):
        return memory
    return {_RESENT: stamp(again)}


def _callback_url(gateway: Gateway, dialect: Dialect, notice: str) -> str:
    if dialect.hear is None:
        return ""
    token = callback_token(gateway, notice)
    return f"{gateway.config.public_url}{CALLBACKS}{dialect.name}/{token}"


def _derived(gateway: Gateway, label: str, notice: str) -> bytes:
    return hmac.digest(gateway.secret(label), notice.encode(), "sha256")[:16]


def _tools(gateway: Gateway, terms: Deletion) -> Tools:
    signer = gateway.notice_key
    return Tools(
        sign_webhook=lambda id, at, body: webhook_signature(signer, id, at, body),
        sign_shared=_shared(gateway, terms.secret),
        sign_jws=lambda claims, typ: sign_jws(claims, signer, typ),
        sign_es256=lambda claims, typ: sign_es256(claims, ddrf_keys.own_key(gateway), typ),
        domain=ddrf_keys.domain(gateway),
        verify_jws=_verified,
        certify=lambda octets, domain, now: _certified(gateway, terms, octets, domain, now),
        verify_certified=verify_signature,
    )


def _certified(
    gateway: Gateway, terms: Deletion, octets: bytes, domain: str, now: datetime
) -> tuple[bytes, datetime]:
    named = terms.certificate
    pinned = gateway.egress.secret(named).encode() if named is not None else b""
    trusted = () if pinned else gateway.egress.authorities()
    key = certified(octets, domain=domain, now=now, trusted=tuple(trusted), pinned=pinned)
    return key.spki, key.until


def _shared(gateway: Gateway, secret: str | None) -> Sign | None:
    if secret is None:
        return None
    return lambda id, at, body: webhook_shared_signature(
        gateway.egress.secret(secret), id, at, body
    )


def _verified(token: str, jwks: Mapping[str, Any], typ: str) -> Mapping[str, Any]:
    return verify_jws(token, parse_partner_keys(jwks).sig, typ)
