"""
Metrics in Prometheus' text format.

Each `Metrics` has its own registry; there is no global one. Labels take values
from closed sets: partners and purposes of the policy in force, outcomes and
codes of the contract. What a caller made up is counted as `unknown`, so that
nobody can blow up the number of series, or write into them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from gateway import errors
from gateway.errors import GatewayError, Reason
from gateway.model.cases import NoticeState
from gateway.model.shares import Outcome

UNKNOWN = "unknown"
OTHER = "other"

OUTCOMES = frozenset(Outcome)
CODES = frozenset(Reason) | {
    kind.code
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, GatewayError)
}
QUEUES = frozenset({"shares", "outcomes", "notices"})
STEPS = frozenset(NoticeState) | {"reminded", "escalated"}

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
# Up to the largest group commit (STYLE.md names 256).
_BATCH = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: name, kind, labels, and what it tells."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


METRICS = (
    Metric(
        "gateway_shares_total",
        "counter",
        "Shares whose intent was recorded, by what became of them.",
        ("partner", "purpose", "outcome"),
    ),
    Metric(
        "gateway_refusals_total",
        "counter",
        "Requests for a share that were refused or failed, by code.",
        ("partner", "code"),
    ),
    Metric(
        "gateway_bulk_lines_total",
        "counter",
        "Lines of bulk requests, by what became of them: an outcome, or `refused`.",
        ("partner", "result"),
    ),
    Metric(
        "gateway_share_seconds",
        "histogram",
        "From a share's request to its answer, in seconds; the partner's time included.",
        ("partner",),
        _SECONDS,
    ),
    Metric(
        "gateway_upstream_seconds",
        "histogram",
        "From handing a request to egress until the partner's whole answer, in seconds.",
        ("partner",),
        _SECONDS,
    ),
    Metric(
        "gateway_ledger_commit_seconds",
        "histogram",
        "One commit of the ledger, sync included, in seconds.",
        (),
        _COMMIT_SECONDS,
    ),
    Metric(
        "gateway_ledger_batch_entries",
        "histogram",
        "How many entries shared one commit of the ledger.",
        (),
        _BATCH,
    ),
    Metric(
        "gateway_open_intents",
        "gauge",
        "Intents without an outcome: shares in flight, and those that a crash left.",
    ),
    Metric("gateway_ledger_entries", "gauge", "Entries of the ledger that have an index."),
    Metric("gateway_queue_length", "gauge", "What waits in a queue.", ("queue",)),
    Metric(
        "gateway_queue_oldest_seconds",
        "gauge",
        "How long the first in a queue has been due, in seconds; 0 when it is empty.",
        ("queue",),
    ),
    Metric(
        "gateway_notices_waiting",
        "gauge",
        "Notices that should have gone out by now and have not reached a recipient.",
        ("partner",),
    ),
    Metric(
        "gateway_notices_oldest_seconds",
        "gauge",
        "How long ago the first of them should have been told, in seconds.",
        ("partner",),
    ),
    Metric(
        "gateway_notice_tasks",
        "gauge",
        "Notices that wait for a person, by recipient.",
        ("partner",),
    ),
    Metric(
        "gateway_notice_steps_total",
        "counter",
        "What notices came to: a state, `reminded` or `escalated`.",
        ("partner", "step"),
    ),
    Metric("gateway_cases_overdue", "gauge", "Open cases that are past their deadline."),
    Metric(
        "gateway_redemptions_total",
        "counter",
        "Redemptions of tokens, by result: `granted` or the code of the refusal.",
        ("partner", "result"),
    ),
    Metric(
        "gateway_rewraps_total",
        "counter",
        "Keys of people, cases and escrows that were wrapped under another epoch.",
    ),
    Metric("gateway_epoch_seconds", "gauge", "How long the epoch in force has lasted, in seconds."),
    Metric(
        "gateway_policy_reloads_total",
        "counter",
        "Reloads of policies and manifests, by result: `loaded` or `refused`.",
        ("result",),
    ),
    Metric(
        "gateway_agreement_days",
        "gauge",
        "How many days the agreement with a partner still covers; 0 or less: it is over.",
        ("partner",),
    ),
    Metric(
        "gateway_partner_breaker",
        "gauge",
        "1 while a partner is left alone for a while, as it failed every time; else 0.",
        ("partner",),
    ),
    Metric(
        "gateway_witness_answers_total",
        "counter",
        "What witnesses answered: `cosigned`, or why not.",
        ("witness", "result"),
    ),
    Metric(
        "gateway_witness_size",
        "gauge",
        "The size of the newest checkpoint that a witness cosigned.",
        ("witness",),
    ),
    Metric(
        "gateway_witness_contradicts",
        "gauge",
        "1 while a witness says that it knows another ledger than this one; else 0.",
        ("witness",),
    ),
)


class Metrics:
    """The gateway's metrics. Methods are cheap, never raise and may be called from any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._partners: frozenset[str] = frozenset()
        self._purposes: frozenset[str] = frozenset()
        self._shares = Counter(*_counter("gateway_shares_total"), registry=self._registry)
        self._refusals = Counter(*_counter("gateway_refusals_total"), registry=self._registry)
        self._bulk_lines = Counter(*_counter("gateway_bulk_lines_total"), registry=self._registry)
        self._redemptions = Counter(*_counter("gateway_redemptions_total"), registry=self._registry)
        self._rewraps = Counter(*_counter("gateway_rewraps_total"), registry=self._registry)
        self._reloads = Counter(*_counter("gateway_policy_reloads_total"), registry=self._registry)
        self._share_seconds = self._histogram("gateway_share_seconds")
        self._upstream_seconds = self._histogram("gateway_upstream_seconds")
        self._commit_seconds = self._histogram("gateway_ledger_commit_seconds")
        self._batch_entries = self._histogram("gateway_ledger_batch_entries")
        self._open_intents = self._gauge("gateway_open_intents")
        self._ledger_entries = self._gauge("gateway_ledger_entries")
        self._queue_length = self._gauge("gateway_queue_length")
        self._queue_oldest = self._gauge("gateway_queue_oldest_seconds")
        self._notices_waiting = self._gauge("gateway_notices_waiting")
        self._notices_oldest = self._gauge("gateway_notices_oldest_seconds")
        self._notice_tasks = self._gauge("gateway_notice_tasks")
        self._notice_steps = Counter(
            *_counter("gateway_notice_steps_total"), registry=self._registry
        )
        self._cases_overdue = self._gauge("gateway_cases_overdue")
        self._agreement_days = self._gauge("gateway_agreement_days")
        self._epoch = self._gauge("gateway_epoch_seconds")
        self._breaker = self._gauge("gateway_partner_breaker")
        self._witness_answers = Counter(
            *_counter("gateway_witness_answers_total"), registry=self._registry
        )
        self._witness_size = self._gauge("gateway_witness_size")
        self._witness_contradicts = self._gauge("gateway_witness_contradicts")
        # What every share counts in, found once: labels are few, as they come
        # from closed sets. Looking one up takes a lock.
        self._shares_of = cache(self._shares.labels)
        self._share_seconds_of = cache(self._share_seconds.labels)
        self._upstream_seconds_of = cache(self._upstream_seconds.labels)
        ProcessCollector(registry=self._registry)

    def know(self, *, partners: Iterable[str], purposes: Iterable[str]) -> None:
        """Take over the ids of the policy in force; others count as `unknown`."""
        before, self._partners = self._partners, frozenset(partners)
        for gone in before - self._partners:
            self._breaker.remove(gone)
        for known in self._partners:
            # At first 0; who has a value keeps it.
            self._breaker.labels(known)
        self._purposes = frozenset(purposes)

    def share(self, *, partner: str, purpose: str, outcome: str, seconds: float) -> None:
        """A share whose intent was recorded came to its end after so many seconds."""
        known = self._partner(partner)
        purpose = purpose if purpose in self._purposes else UNKNOWN
        outcome = str(outcome) if outcome in OUTCOMES else OTHER
        self._shares_of(known, purpose, outcome).inc()
        self._share_seconds_of(known).observe(seconds)

    def refused(self, *, partner: str | None, code: str) -> None:
        """A request got an answer of the gateway's own; `partner` as the caller wrote it."""
        code = str(code) if code in CODES else OTHER
        self._refusals.labels(self._partner(partner), code).inc()

    def bulk(self, *, partner: str, lines: Mapping[str, int]) -> None:
        """So many lines of a bulk request ended so: by an outcome, or `refused`."""
        for result, count in lines.items():
            known = result if result in OUTCOMES or result == "refused" else OTHER
            self._bulk_lines.labels(self._partner(partner), known).inc(count)

    def upstream(self, *, partner: str, seconds: float) -> None:
        """A partner was asked and answered, or failed to, within so many seconds."""
        self._upstream_seconds_of(self._partner(partner)).observe(seconds)

    def committed(self, *, seconds: float, entries: int) -> None:
        """One commit of the ledger."""
        self._commit_seconds.observe(seconds)
        self._batch_entries.observe(entries)

    def open_intents(self, count: int) -> None:
        """How many intents have no outcome now."""
        self._open_intents.set(count)

    def ledger_entries(self, count: int) -> None:
        """How many entries of the ledger have an index now."""
        self._ledger_entries.set(count)

    def queue(self, name: str, *, length: int, oldest_seconds: float = 0.0) -> None:
        """The state of a queue: `shares`, `outcomes` or `notices`."""
        label = name if name in QUEUES else OTHER
        self._queue_length.labels(label).set(length)
        self._queue_oldest.labels(label).set(oldest_seconds)

    def notices_waiting(self, waiting: Mapping[str, tuple[int, float]]) -> None:
        """By recipient: how many notices wait, and how many seconds the first has; no others."""
        counts: dict[str, int] = {}
        ages: dict[str, float] = {}
        for partner, (count, age) in waiting.items():
            known = self._partner(partner)
            counts[known] = counts.get(known, 0) + count
            ages[known] = max(ages.get(known, 0.0), age)
        _only(self._notices_waiting, counts)
        _only(self._notices_oldest, ages)

    def notice_tasks(self, tasks: Mapping[str, int]) -> None:
        """By recipient: how many notices wait for a person; no others."""
        counts: dict[str, int] = {}
        for partner, count in tasks.items():
            known = self._partner(partner)
            counts[known] = counts.get(known, 0) + count
        _only(self._notice_tasks, counts)

    def notice_step(self, *, partner: str, step: str) -> None:
        """A notice came into a state, or its recipient was `reminded`, or it was `escalated`."""
        known = step if step in STEPS else OTHER
        self._notice_steps.labels(self._partner(partner), known).inc()

    def cases_overdue(self, count: int) -> None:
        """So many open cases are past their deadline now."""
        self._cases_overdue.set(count)

    def redeemed(self, *, partner: str, result: str) -> None:
        """A recipient redeemed a token (`granted`), or was refused with this code."""
        result = str(result) if result in CODES | {"granted"} else OTHER
        self._redemptions.labels(self._partner(partner), result).inc()

    def agreements(self, days: Mapping[str, int]) -> None:
        """How long each partner's agreement still runs; these partners and no others."""
        self._agreement_days.clear()
        for partner, left in days.items():
            self._agreement_days.labels(self._partner(partner)).set(left)

    def breaker(self, *, partner: str, opened: bool) -> None:
        """A partner is left alone from now on, or is asked again."""
        if partner in self._partners:
            self._breaker.labels(partner).set(int(opened))

    def witness(
        self, name: str, result: str, *, contradicts: bool, size: int | None = None
    ) -> None:
        """A witness of the settings answered, or did not; `size` of what it cosigned."""
        self._witness_answers.labels(name, result).inc()
        self._witness_contradicts.labels(name).set(int(contradicts))
        if size is not None:
            self._witness_size.labels(name).set(size)

    def rewrapped(self, count: int) -> None:
        """So many keys were wrapped under another epoch."""
        self._rewraps.inc(count)

    def epoch(self, seconds: float) -> None:
        """The epoch in force has lasted so long."""
        self._epoch.set(seconds)

    def reloaded(self, *, loaded: bool) -> None:
        """Policies and manifests were reloaded, or the old ones stayed."""
        self._reloads.labels("loaded" if loaded else "refused").inc()

    def render(self) -> tuple[bytes, str]:
        """The text of all metrics, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _partner(self, partner: str | None) -> str:
        return partner if partner in self._partners and partner is not None else UNKNOWN

    def _histogram(self, name: str) -> Histogram:
        metric = _metric(name)
        return Histogram(
            metric.name,
            metric.help,
            metric.labels,
            buckets=metric.buckets,
            registry=self._registry,
        )

    def _gauge(self, name: str) -> Gauge:
        metric = _metric(name)
        return Gauge(metric.name, metric.help, metric.labels, registry=self._registry)


def _only(gauge: Gauge, values: Mapping[str, float]) -> None:
    """These values, by recipient, and no others."""
    gauge.clear()
    for label, value in values.items():
        gauge.labels(label).set(value)


def _metric(name: str) -> Metric:
    return next(metric for metric in METRICS if metric.name == name)


def _counter(name: str) -> tuple[str, str, tuple[str, ...]]:
    metric = _metric(name)
    return metric.name, metric.help, metric.labels
