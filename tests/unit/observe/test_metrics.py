"""Metrics: what is counted, under which labels, and that nobody can add to them."""

import re

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from gateway import errors
from gateway.errors import GatewayError, Reason
from gateway.model.shares import Outcome
from gateway.observe.metrics import CODES, METRICS, OUTCOMES, QUEUES, Metrics

MADE_UP = 'x"} 1\ninjected_total{a="'


@pytest.fixture
def metrics() -> Metrics:
    """Metrics that know one partner and one purpose."""
    metrics = Metrics()
    metrics.know(partners=["swift-parcel"], purposes=["order-fulfilment"])
    return metrics


def samples(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample by its name and label values."""
    text = metrics.render()[0].decode()
    return {
        (
            sample.name,
            *(f"{key}={value}" for key, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_share_is_counted_and_timed(metrics: Metrics) -> None:
    """Outcome by partner and purpose, and the time it took."""
    metrics.share(
        partner="swift-parcel", purpose="order-fulfilment", outcome=Outcome.DELIVERED, seconds=0.02
    )
    found = samples(metrics)

    assert (
        found[
            "gateway_shares_total",
            "outcome=delivered",
            "partner=swift-parcel",
            "purpose=order-fulfilment",
        ]
        == 1
    )
    assert found["gateway_share_seconds_sum", "partner=swift-parcel"] == pytest.approx(0.02)
    assert found["gateway_share_seconds_bucket", "le=0.01", "partner=swift-parcel"] == 0
    assert found["gateway_share_seconds_bucket", "le=0.025", "partner=swift-parcel"] == 1


def test_the_days_of_agreements(metrics: Metrics) -> None:
    """Each partner's days are there, and those of one that is gone are not."""
    metrics.agreements({"swift-parcel": 7})
    before = samples(metrics)
    metrics.agreements({})

    assert before["gateway_agreement_days", "partner=swift-parcel"] == 7
    assert ("gateway_agreement_days", "partner=swift-parcel") not in samples(metrics)


def test_who_is_left_alone(metrics: Metrics) -> None:
    """Each known partner is 0 until it is left alone; one that is gone is not there."""
    name = "gateway_partner_breaker"
    metrics.breaker(partner="swift-parcel", opened=True)
    metrics.breaker(partner="made-up", opened=True)
    opened = samples(metrics)
    metrics.breaker(partner="swift-parcel", opened=False)
    closed = samples(metrics)
    metrics.know(partners=["near-by"], purposes=[])

    assert opened[name, "partner=swift-parcel"] == 1
    assert closed[name, "partner=swift-parcel"] == 0
    assert {key for key in samples(metrics) if key[0] == name} == {(name, "partner=near-by")}


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_a_label(metrics: Metrics, code: str) -> None:
    """Each refusal and each error of the gateway can be counted by its code."""
    metrics.refused(partner="swift-parcel", code=code)

    assert samples(metrics)["gateway_refusals_total", f"code={code}", "partner=swift-parcel"] == 1


def test_codes_are_those_of_the_contract_and_of_errors() -> None:
    """A new reason or error class is countable without a change here."""
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, GatewayError)
    ]
    assert {*Reason} <= CODES
    assert {kind.code for kind in classes} <= CODES
    assert set(Outcome) == OUTCOMES


def test_what_a_caller_made_up_is_unknown(metrics: Metrics) -> None:
    """Thousands of invented names make one series, and none of them is shown."""
    for number in range(500):
        made_up = f"{MADE_UP}{number}"
        metrics.refused(partner=made_up, code=made_up)
        metrics.share(partner=made_up, purpose=made_up, outcome=made_up, seconds=1)
        metrics.upstream(partner=made_up, seconds=1)
        metrics.queue(made_up, length=1)
    metrics.refused(partner=None, code="token-missing")
    text = metrics.render()[0].decode()
    found = samples(metrics)

    assert "injected" not in text
    assert found["gateway_refusals_total", "code=other", "partner=unknown"] == 500
    assert found["gateway_refusals_total", "code=token-missing", "partner=unknown"] == 1
    assert (
        found["gateway_shares_total", "outcome=other", "partner=unknown", "purpose=unknown"] == 500
    )
    assert len([name for name in found if name[0] == "gateway_shares_total"]) == 1


def test_the_ledger_is_measured(metrics: Metrics) -> None:
    """Commits by time and size, open intents and length as they are now."""
    metrics.committed(seconds=0.004, entries=7)
    metrics.committed(seconds=0.002, entries=1)
    metrics.open_intents(3)
    metrics.ledger_entries(1234)
    found = samples(metrics)

    assert found["gateway_ledger_commit_seconds_count",] == 2
    assert found["gateway_ledger_batch_entries_sum",] == 8
    assert found["gateway_ledger_batch_entries_bucket", "le=4.0"] == 1
    assert found["gateway_open_intents",] == 3
    assert found["gateway_ledger_entries",] == 1234


@pytest.mark.parametrize("queue", sorted(QUEUES))
def test_queues_are_measured(metrics: Metrics, queue: str) -> None:
    """Length, and how long the first has been due."""
    metrics.queue(queue, length=5, oldest_seconds=12.5)
    found = samples(metrics)

    assert found["gateway_queue_length", f"queue={queue}"] == 5
    assert found["gateway_queue_oldest_seconds", f"queue={queue}"] == 12.5


def test_upstream_and_reloads_are_measured(metrics: Metrics) -> None:
    """A partner's own time, and whether reloads were taken."""
    metrics.upstream(partner="swift-parcel", seconds=0.3)
    metrics.reloaded(loaded=True)
    metrics.reloaded(loaded=False)
    found = samples(metrics)

    assert found["gateway_upstream_seconds_count", "partner=swift-parcel"] == 1
    assert found["gateway_policy_reloads_total", "result=loaded"] == 1
    assert found["gateway_policy_reloads_total", "result=refused"] == 1


def test_the_process_is_measured(metrics: Metrics) -> None:
    """Memory, processor time and open files come along."""
    names = {name[0] for name in samples(metrics)}

    assert {"process_resident_memory_bytes", "process_cpu_seconds_total"} <= names


def test_each_gateway_has_its_own_metrics() -> None:
    """Two in one process do not see each other, and the global registry has nothing of ours."""
    one, two = Metrics(), Metrics()
    one.open_intents(5)

    assert samples(one)["gateway_open_intents",] == 5
    assert samples(two)["gateway_open_intents",] == 0
    assert not [family for family in REGISTRY.collect() if family.name.startswith("gateway")]


def test_the_list_is_what_is_exposed(metrics: Metrics) -> None:
    """Every metric of the list appears with its help and type, and no other of ours does."""
    text = metrics.render()[0].decode()
    exposed = set(re.findall(r"^# HELP (gateway_\w+) ", text, re.MULTILINE))
    created = {name for name in exposed if name.endswith("_created")}

    assert exposed - created == {metric.name for metric in METRICS}
    for metric in METRICS:
        assert f"# HELP {metric.name} {metric.help}\n" in text
        assert f"# TYPE {metric.name} {metric.kind}\n" in text


def test_every_metric_says_what_it_tells() -> None:
    """Help is a sentence; a time says its unit; a label is one of a closed set."""
    for metric in METRICS:
        assert metric.help.endswith(".")
        assert ("second" in metric.help) == metric.name.endswith("_seconds")
        assert set(metric.labels) <= {
            "partner",
            "purpose",
            "outcome",
            "code",
            "queue",
            "result",
            "witness",
            "step",
        }
        assert bool(metric.buckets) == (metric.kind == "histogram")


def test_the_content_type_is_that_of_the_text_format(metrics: Metrics) -> None:
    """Prometheus reads what comes with it."""
    body, content_type = metrics.render()

    assert content_type.startswith("text/plain; version=")
    assert body.endswith(b"\n")
