"""What a flow works with: the ports, the current policy, the people."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from structlog.typing import FilteringBoundLogger

from gateway.flows.issuers import Services
from gateway.flows.prepare import PreparedSet
from gateway.flows.subjects import Subjects
from gateway.model.ids import PartnerId
from gateway.model.settings import Config
from gateway.observe.metrics import Metrics
from gateway.ports import Clock, Egress, Keyring, PartnerState, Random, Store
from gateway.seal.terms import SigningKey
from gateway.shape import Limits


@dataclass(slots=True)
class Partners:
    """What operators said of partners, in memory; the store has it too."""

    states: dict[str, PartnerState] = field(default_factory=dict)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from `raised` to `put`: two changes never begin from the same state."""

    def state(self, partner: PartnerId) -> PartnerState:
        """The state of a partner; one of whom nothing was said is not suspended."""
        return self.states.get(partner) or PartnerState(partner=partner)

    def raised(self, partner: PartnerId, **changes: Any) -> PartnerState:
        """The state with changes and the next epoch. The caller stores and `put`s it."""
        now = self.state(partner)
        return replace(now, epoch=now.epoch + 1, **changes)

    def put(self, state: PartnerState) -> None:
        """From now on this is the state."""
        self.states[state.partner] = state


@dataclass(slots=True)
class PolicyStatus:
    """How the last load of the documents went, for `/readyz`."""

    edition: str
    digest: str
    error: str | None = None


@dataclass(slots=True, eq=False)
class Gateway:
    """Everything a flow needs. Made by the wiring; flows only read it."""

    config: Config
    clock: Clock
    random: Random
    keys: Keyring
    store: Store
    egress: Egress
    subjects: Subjects
    partners: Partners
    policy: PreparedSet
    status: PolicyStatus
    services: Services
    grant_key: SigningKey
    metrics: Metrics
    log: FilteringBoundLogger
    limits: Limits
    running: dict[bytes, bytes] = field(default_factory=dict)
    """Idempotency keys whose first request has not ended, with its fingerprint."""
    in_flight: int = 0
    appended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever the ledger grew; the sequencer waits for it."""
    queue_grew: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a share was queued; the courier waits for it."""
    cases_changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a case or a notice changed; lanes and the closer wait for it."""
    cases_opened: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with it, for the closer."""
    watchers: set[asyncio.Event] = field(default_factory=set)
    """Set with it: one for each who watches a case."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

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
