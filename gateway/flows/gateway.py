"""What a flow works with: the ports, the current policy, the people."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from structlog.typing import FilteringBoundLogger

from gateway.flows.issuers import Services
from gateway.flows.prepare import PreparedSet
from gateway.flows.requesters import Requesters
from gateway.flows.subjects import Subjects
from gateway.flows.witnesses import Witnesses
from gateway.model.ids import PartnerId
from gateway.model.keys import PublishedKeys
from gateway.model.settings import Config
from gateway.notices.base import Answered
from gateway.observe.metrics import Metrics
from gateway.ports import Clock, Egress, KeptHead, Keyring, PartnerState, Random, Store
from gateway.seal.terms import SigningKey
from gateway.shape import Limits

EVERYBODY = PartnerId("*")
"""In place of a partner's id: all of them (the kill switch). No manifest can be called so."""


@dataclass(slots=True)
class Partners:
    """What operators said of partners, in memory; the store has it too."""

    states: dict[str, PartnerState] = field(default_factory=dict)
    everybody: PartnerState | None = None
    """The kill switch: what was said of all partners at once."""
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from `raised` to `put`: two changes never begin from the same state."""

    def __post_init__(self) -> None:
        """Take out of what the store has what was said of everybody."""
        self.everybody = self.states.pop(EVERYBODY, self.everybody)

    def state(self, partner: PartnerId) -> PartnerState:
        """
        What counts for a partner: its own state and everybody's. One of whom nothing
        was said is not suspended.
        """
        own, everybody = self.own(partner), self.everybody
        if everybody is None:
            return own
        suspended = own.suspended or everybody.suspended
        return replace(own, suspended=suspended, epoch=own.epoch + everybody.epoch)

    def own(self, partner: PartnerId) -> PartnerState:
        """What was said of this partner alone, or of `EVERYBODY`."""
        known = self.everybody if partner == EVERYBODY else self.states.get(partner)
        return known or PartnerState(partner=partner)

    def raised(self, partner: PartnerId, **changes: Any) -> PartnerState:
        """Its own state with changes and the next epoch. The caller stores and `put`s it."""
        now = self.own(partner)
        return replace(now, epoch=now.epoch + 1, **changes)

    def put(self, state: PartnerState) -> None:
        """From now on this is its own state."""
        if state.partner == EVERYBODY:
            self.everybody = state
        else:
            self.states[state.partner] = state

    @property
    def stopped(self) -> bool:
        """Whether nothing leaves to anybody."""
        return self.everybody is not None and self.everybody.suspended


@dataclass(slots=True)
class PolicyStatus:
    """How the last load of the documents went, for `/readyz`."""

    edition: str
    digest: str
    error: str | None = None
    next: tuple[str, datetime] | None = None
    """An edition that is loaded and not yet effective, and from when on it is."""


@dataclass(slots=True, eq=False)
class Gateway:
    """Everything a flow needs. Made by the wiring; flows only read it."""

    config: Config
    clock: Clock
    random: Random
    keys: Keyring
    kept: KeptHead
    store: Store
    egress: Egress
    subjects: Subjects
    partners: Partners
    policy: PreparedSet
    status: PolicyStatus
    services: Services
    grant_key: SigningKey
    notice_key: SigningKey
    metrics: Metrics
    log: FilteringBoundLogger
    limits: Limits
    running: dict[bytes, bytes] = field(default_factory=dict)
    """Idempotency keys whose first request has not ended, with its fingerprint."""
    in_flight: int = 0
    sequenced: int = 0
    """How many leaves the newest checkpoint has that this process found or stored."""
    appended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever the ledger grew; the sequencer waits for it."""
    checkpointed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a checkpoint was signed; who asks the witnesses waits for it."""
    witnesses: Witnesses = field(default_factory=Witnesses)
    """Of the ledger, as the settings name them."""
    queue_grew: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a share was queued; the courier waits for it."""
    cases_changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a case or a notice changed; lanes and the closer wait for it."""
    opening: set[str] = field(default_factory=set)
    """Cases that a request of this process is planning at the moment."""
    mass_changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever somebody decided about a mass case; who opens its cases waits for it."""
    cases_opened: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with it, for the closer."""
    watchers: set[asyncio.Event] = field(default_factory=set)
    """Set with it: one for each who watches a case."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    turning: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while one of the gateway's own keys gives way to another."""
    epoch_turned: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever an epoch began; who wraps anew waits for it."""
    waiting: PreparedSet | None = None
    """A set whose edition is not yet effective (N1)."""
    adopting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while one set gives way to another."""
    edition_waits: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever `waiting` changed; who brings it into force waits for it."""
    published: dict[PartnerId, PublishedKeys] = field(default_factory=dict)
    """Keys of recipients that publish them at a URL, as they were fetched last."""
    keys_wanted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever manifests changed; who fetches keys waits for it."""

    requesters: Requesters = field(default_factory=Requesters)
    """Who may ask for deletions from outside, as the settings name them."""
    documents: dict[tuple[PartnerId, str], Answered] = field(default_factory=dict)
    """What recipients say of their own protocols (discovery), as it was read last."""

    @property
    def issuer(self) -> str:
        """Issuer of grants: how partners reach the public listener."""
        return self.config.public_url

    def case_changed(self) -> None:
        """Let everybody who waits for cases look again."""
        self.appended.set()
        self.cases_changed.set()
        self.cases_opened.set()
        for watcher in self.watchers:
            watcher.set()

    def secret(self, label: str) -> bytes:
        """A key of the home for one use."""
        return self.keys.secret(label)

    def settings(self) -> Mapping[str, Any]:
        """The home's settings."""
        return self.config.values
