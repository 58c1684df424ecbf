"""The only place that knows every implementation: a home becomes a running gateway."""

import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from gateway import config as settings
from gateway.egress import (
    AddressRules,
    ClientPool,
    JwksCache,
    SecretFiles,
    check_upstream,
    parse_networks,
)
from gateway.errors import ConfigError, LedgerContradiction, Problem
from gateway.flows import continuity, epochs, policies, restored
from gateway.flows import keys as own_keys
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway, Partners, PolicyStatus
from gateway.flows.issuers import Services
from gateway.flows.prepare import PreparedSet, hash_keys, prepare
from gateway.flows.requesters import Requesters, reading_documents
from gateway.flows.revoked import RevokedList
from gateway.flows.subjects import Subjects
from gateway.flows.witnesses import Witnesses
from gateway.keyring import FileKeyring, HeadFile
from gateway.ledger import entries
from gateway.ledger.encode import canonical
from gateway.model.ids import PartnerId
from gateway.model.policyset import PolicySet
from gateway.model.settings import Config
from gateway.model.shares import Outcome
from gateway.observe.logs import get_logger
from gateway.observe.metrics import Metrics
from gateway.policy.load import load_home
from gateway.ports import Clock, Random, Use
from gateway.seal.jwk import load_private_jwk
from gateway.shape import Limits
from gateway.stores.sqlite import SQLiteStore
from gateway.stores.sqlite.database import owned_by_another
from gateway.workers.sequencer import catch_up

OWN_ISSUER = "home:issuer"
"""In `gateway.toml`: the home's own issuer key, which is never public."""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What `policies/` and `partners/` hold, checked and prepared."""

    prepared: PreparedSet
    warnings: tuple[Problem, ...]

    @property
    def policy(self) -> PolicySet:
        """The policy set."""
        return self.prepared.policy


def check_upstreams(policy: PolicySet) -> None:
    """Raise `ConfigError` with every recipient that this program has no way to reach."""
    problems = []
    for partner in policy.partners.values():
        try:
            check_upstream(partner.id, partner.upstream)
        except ConfigError as error:
            # The way is judged as a whole, so there is no closer place to name.
            problems.append(Problem(file=partner.source, line=1, column=1, message=str(error)))
    if problems:
        raise ConfigError(problems)


def read_documents(config: Config, keys: FileKeyring, *, strict: bool = False) -> Documents:
    """Load and prepare a home's documents. Raises `ConfigError` with every problem."""
    loaded = load_home(
        config.home / "policies",
        config.home / "partners",
        home_territory=config["home.territory"],
        strict=strict,
        today=utc_now().date(),
    )
    check_upstreams(loaded.policy)
    prepared = prepare(loaded.policy, hash_key_of=hash_keys(keys), documents=loaded.documents)
    return Documents(prepared=prepared, warnings=tuple(loaded.warnings))


def store_of(config: Config, metrics: Metrics | None = None, clock: Clock = utc_now) -> SQLiteStore:
    """The store that the settings name. Raises `ConfigError`."""
    return SQLiteStore(config.database, meter=metrics, clock=clock)


def running(config: Config) -> bool:
    """Whether a gateway owns this home's store now."""
    return owned_by_another(store_of(config).lock_path)


@asynccontextmanager
async def opened(
    config: Config,
    *,
    clock: Clock = utc_now,
    random: Random = os.urandom,
    on_contradiction: Callable[[LedgerContradiction], None] | None = None,
    locked: bool = False,
    restoring: bool = False,
) -> AsyncIterator[Gateway]:
    """
    A gateway that owns its store: recovered, with its documents adopted. `locked`:
    also where keys of people do not open (`keys give-up`); nothing may be served then.
    `restoring`: also where a restored store is being brought up to date, by who does it.

    Raises `ConfigError` for broken settings or documents, `SchemaTooNew` and
    `StoreFailed` where the store cannot be had.
    """
    keys = FileKeyring(config.home / "keys", clock)
    documents = read_documents(config, keys)
    metrics = Metrics()
    store = store_of(config, metrics, clock)
    if on_contradiction is not None:
        store.when_contradicted(on_contradiction)
    pool = _pool(config, metrics, clock)
    jwks = JwksCache(pool.fetch, folder=config.home, on_failure=_keys_stale)
    asking = JwksCache(reading_documents(pool.fetch), folder=config.home, on_failure=_keys_stale)
    try:
        await store.start()
        if not restoring:
            await restored.refuse_unfinished(store)
        gateway = await _assembled(
            config, keys, store, pool, jwks, documents, metrics, clock, random
        )
        gateway.requesters = Requesters.of(config.requesters, asking.get)
        # Before anything is written into a ledger that may be another one.
        await continuity.examine(gateway)
        await epochs.begin(gateway, locked=locked)
        await _recover(gateway)
        await own_keys.record(gateway)
        await policies.begin(gateway, documents.prepared)
        await catch_up(gateway)
        yield gateway
        await gateway.store.flush()
        await catch_up(gateway)
    finally:
        await jwks.close()
        await asking.close()
        await pool.close()
        if store.started:
            await store.close()


def _keys_stale(source: str, error: str) -> None:
    get_logger().warning("keys-stale", source=source, error=error)


def _address_rules(config: Config) -> AddressRules:
    """Whither connections may go. Raises `ConfigError` for what is not a network."""
    return AddressRules(
        allow=parse_networks(config["egress.allow"], setting="egress.allow"),
        plaintext=parse_networks(config["egress.plaintext"], setting="egress.plaintext"),
    )


def _pool(config: Config, metrics: Metrics, clock: Clock) -> ClientPool:
    folder = config.home / "partners"
    return ClientPool(
        rules=_address_rules(config),
        secrets=SecretFiles(folder, os.environ),
        folder=folder,
        connections=config["egress.connections"],
        clock=clock,
        on_breaker=_breakers(metrics),
        on_stale=_keys_stale,
    )


def _breakers(metrics: Metrics) -> Callable[[PartnerId, Use, bool], None]:
    """Tell in the log and the metrics who is left alone."""
    alone: set[tuple[PartnerId, Use]] = set()

    def told(partner: PartnerId, use: Use, opened: bool) -> None:
        (alone.add if opened else alone.discard)((partner, use))
        metrics.breaker(partner=partner, opened=any(one == partner for one, _ in alone))
        if opened:
            get_logger().warning("partner-left-alone", partner=partner, what=use.value)
        else:
            get_logger().info("partner-answers", partner=partner, what=use.value)

    return told


async def _assembled(
    config: Config,
    keys: FileKeyring,
    store: SQLiteStore,
    pool: ClientPool,
    jwks: JwksCache,
    documents: Documents,
    metrics: Metrics,
    clock: Clock,
    random: Random,
) -> Gateway:
    services = Services(
        config.issuers,
        _OwnIssuer(keys),
        jwks.get,
        clock,
        capacity=config["cache.tokens"],
        revoked=RevokedList(
            config.home / config["access.revoked"], monotonic=monotonic, log=get_logger()
        ),
    )
    await services.refresh()
    policy = documents.policy
    return Gateway(
        config=config,
        clock=clock,
        random=random,
        keys=keys,
        kept=HeadFile(config.home / "keys"),
        store=store,
        egress=pool,
        subjects=Subjects(store, keys, random, clock, capacity=config["cache.subjects"]),
        partners=Partners(await store.partner_states()),
        policy=documents.prepared,
        status=PolicyStatus(edition=policy.edition.number, digest=policy.digest),
        services=services,
        grant_key=load_private_jwk(keys.signing("grant").private_jwk),
        notice_key=load_private_jwk(keys.signing("notice").private_jwk),
        metrics=metrics,
        log=get_logger(),
        limits=Limits(depth=config["limits.depth"], bytes=config["limits.body"]),
        published=await store.published_keys(),
        witnesses=Witnesses.of(config.witnesses, config.witness_quorum),
    )


async def _recover(gateway: Gateway) -> None:
    """
    After a crash: intents that a dead process left open may have arrived, and
    count as disclosed; what it had claimed is due again (contract §10).
    """

    def leaf_of(share: str, partner: str) -> bytes:
        return canonical(
            entries.outcome(
                id=new_id("leaf", gateway.random),
                at=gateway.clock(),
                share=share,
                partner=partner,
                outcome=Outcome.UNKNOWN.value,
            )
        )

    closed = await gateway.store.close_open_intents(leaf_of)
    await gateway.store.free_claims()
    await gateway.store.free_notices()
    await gateway.store.drop_unreceived()
    if closed:
        gateway.log.warning("open-intents-closed", count=closed)


class _OwnIssuer(Mapping[str, Mapping[str, Any]]):
    """The home's own issuer and its keys, as they are whenever somebody asks."""

    def __init__(self, keys: FileKeyring) -> None:
        self._keys = keys

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        if name != OWN_ISSUER:
            raise KeyError(name)
        return self._keys.issuer_jwks()

    def __iter__(self) -> Iterator[str]:
        return iter((OWN_ISSUER,))

    def __len__(self) -> int:
        return 1


def load_config(home: Path) -> Config:
    """A home's settings, its networks read too. Raises `ConfigError`."""
    config = settings.load(home)
    _address_rules(config)
    return config


def reloader(gateway: Gateway) -> Callable[[], PreparedSet]:
    """How a running gateway reads its documents anew."""
    keys = gateway.keys
    if not isinstance(keys, FileKeyring):
        raise ConfigError("the documents of this gateway cannot be read anew")
    return lambda: read_documents(gateway.config, keys).prepared
