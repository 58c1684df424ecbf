"""Editions: numbered, effective at a time, kept whole; what one widens, old consents do not carry
(N1, N2)."""

import asyncio
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from gateway.cli import cli
from gateway.flows import editions, policies
from gateway.testing.builders import merged, write_yaml
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from gateway.workers.editions import turn
from tests.marks import promise
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, problem_of, stamp
from tests.promises.manifests import a_locator, a_post_abroad, an_advertiser

DAY = timedelta(days=1)
WIDER = {"routes": {"only": {"send": {"/city": {"category": "location.coarse"}}}}}
NARROWER = {"routes": {"only": {"retention": "7d"}}}


@pytest.fixture
def manifests() -> Any:
    """Two recipients that get something on consent alone."""
    return [an_advertiser(), a_locator()]


async def event(house: House, subject: str = "u-1") -> Reply:
    """One event for the affiliate."""
    body = {"event": "click", "city": "Chengdu"}
    return await house.share(
        "bright-reach", "/v3/events", body, subject=subject, purpose="advertising"
    )


async def nearby(house: House) -> Reply:
    """One question to the partner that knows what is near."""
    return await house.share(
        "near-by", "/v1/nearby", {"city": "Chengdu"}, purpose="location-services"
    )


def changed(house: House, partner: str, changes: dict[str, Any]) -> None:
    """Change a manifest on disk."""
    path = house.folder / f"partners/{partner}.yaml"
    write_yaml(path, merged(YAML(typ="safe", pure=True).load(path), changes))


def numbered(house: House, number: str, effective: datetime) -> None:
    """Give the documents on disk another number, and the time from which they hold."""
    document = {
        "number": number,
        "title": "Privacy Policy",
        "published": effective.date(),
        "effective": stamp(effective),
        "clauses": ["N1"],
    }
    path = house.folder / "policies/edition.yaml"
    lines = [f"{key}: {json.dumps(value, default=str)}" for key, value in document.items()]
    path.write_text("\n".join(lines).replace('"', ""))


async def widened(house: House, clock: Clock) -> None:
    """A day later edition 2026-9 is in force, under which the affiliate gets the city too."""
    clock.advance(DAY)
    numbered(house, "2026-9", clock())
    changed(house, "bright-reach", WIDER)
    assert await house.reload()


async def policy(house: House) -> dict[str, Any]:
    """What `/readyz` says of the policy."""
    answer: dict[str, Any] = (await house.ask("GET", "/readyz", token="")).json()["policy"]
    return answer


def diff(house: House, *words: str) -> Any:
    """`gateway policy diff`, beside the gateway that runs."""
    call = ["--home", str(house.folder), "--json", "policy", "diff", *words]
    done = CliRunner().invoke(cli, call)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@promise("N1")
async def test_a_consent_does_not_carry_what_a_later_edition_widens(
    gateway: House, clock: Clock
) -> None:
    """Carried under the first edition, refused under a wider one, carried again once asked."""
    await gateway.consent()
    carried = await event(gateway)
    await widened(gateway, clock)
    refused = await event(gateway)
    await gateway.consent()
    again = await event(gateway)

    assert (carried.status, refused.status, again.status) == (200, 403, 200)
    document = problem_of(refused)
    assert (document["code"], document["clause"][0]) == ("consent-stale", "N1")
    assert "edition 2026-9" in document["remedy"]
    assert [leaf["edition"] for leaf in await gateway.leaves("intent")] == ["2026-1", "2026-9"]
    assert len(gateway.recipients["bright-reach"].arrivals) == 2


@promise("N1")
async def test_what_an_edition_leaves_alone_goes_on(gateway: House, clock: Clock) -> None:
    """Another recipient whose route stays goes on under the consent that it has."""
    await gateway.consent(purpose="location-services", method="separate")
    await widened(gateway, clock)
    carried = await nearby(gateway)

    assert carried.status == 200


@promise("N1")
async def test_a_narrower_edition_refuses_nothing(gateway: House, clock: Clock) -> None:
    """Who agreed to more agreed to less."""
    await gateway.consent()
    clock.advance(DAY)
    numbered(gateway, "2026-9", clock())
    changed(gateway, "bright-reach", NARROWER)
    await gateway.reload()
    carried = await event(gateway)

    assert (await policy(gateway))["edition"] == "2026-9"
    assert carried.status == 200


@promise("N1")
async def test_a_widening_lasts_over_restarts_and_later_editions(
    gateway: House, clock: Clock
) -> None:
    """Neither a restart nor one more edition makes an old consent count again."""
    await gateway.consent()
    await widened(gateway, clock)
    await gateway.restart()
    after_restart = await event(gateway)
    clock.advance(DAY)
    numbered(gateway, "2026-10", clock())
    await gateway.reload()
    after_edition = await event(gateway)

    assert (after_restart.code, after_edition.code) == ("consent-stale", "consent-stale")
    assert "edition 2026-9" in problem_of(after_edition)["remedy"]


@promise("N1")
async def test_documents_changed_while_the_gateway_was_down_are_compared_too(
    gateway: House, clock: Clock
) -> None:
    """The edition before is compiled again from what was kept of it."""
    await gateway.consent()
    await gateway.stop()
    clock.advance(DAY)
    numbered(gateway, "2026-9", clock())
    changed(gateway, "bright-reach", WIDER)
    await gateway.start()

    assert (await event(gateway)).code == "consent-stale"


@promise("N1")
async def test_going_back_to_a_wider_edition_widens(gateway: House, clock: Clock) -> None:
    """A consent from the time of the narrow edition does not carry the wide one that returns."""
    path = gateway.folder / "policies/edition.yaml"
    first = path.read_text()
    clock.advance(DAY)
    numbered(gateway, "2026-9", clock())
    changed(gateway, "bright-reach", NARROWER)
    await gateway.reload()
    await gateway.consent()
    clock.advance(DAY)
    path.write_text(first)
    changed(gateway, "bright-reach", {"routes": {"only": {"retention": "30d"}}})
    await gateway.reload()
    refused = await event(gateway)

    assert (await policy(gateway))["edition"] == "2026-1"
    assert refused.code == "consent-stale"


@promise("N1", "K1")
async def test_a_consent_to_crossing_the_border_is_held_to_it_too(
    open_house: OpenHouse, clock: Clock
) -> None:
    """A consent with a scope from before the edition carries nothing that it widens."""
    house = await open_house(a_post_abroad())
    await house.consent(purpose="order-fulfilment", scope="cross-border")
    carried = await house.share("island-post", "/v1/parcels", {"address": "1"})
    clock.advance(DAY)
    numbered(house, "2026-9", clock())
    changed(house, "island-post", {"routes": {"only": {"retention": "90d"}}})
    await house.reload()
    refused = await house.share("island-post", "/v1/parcels", {"address": "1"})

    assert (carried.status, refused.code) == (200, "cross-border-consent-missing")
    assert problem_of(refused)["clause"][:2] == ["N1", "K1"]


@promise("N1")
async def test_an_edition_of_the_future_waits_for_its_time(gateway: House, clock: Clock) -> None:
    """Until then the one before holds, then the gateway goes over by itself, with its leaf."""
    await gateway.consent()
    effective = clock() + DAY
    numbered(gateway, "2026-9", effective)
    changed(gateway, "bright-reach", WIDER)
    assert await gateway.reload()
    waiting, before = await policy(gateway), await event(gateway)
    worker = asyncio.create_task(turn(gateway.gateway))
    await asyncio.sleep(0)
    clock.set(effective)
    gateway.gateway.edition_waits.set()
    for _ in range(400):
        if (await policy(gateway))["edition"] == "2026-9":
            break
        await asyncio.sleep(0.01)
    after = await event(gateway)
    gateway.gateway.stopping.set()
    await worker

    assert waiting["edition"] == "2026-1"
    assert waiting["next"]["edition"] == "2026-9"
    assert (before.status, after.code) == (200, "consent-stale")
    assert "next" not in await policy(gateway)
    events = [(leaf["edition"], leaf["event"]) for leaf in await gateway.leaves("policy")]
    assert events == [("2026-1", "loaded"), ("2026-9", "announced"), ("2026-9", "loaded")]


@promise("N1")
async def test_an_edition_of_the_future_waits_over_a_restart(gateway: House, clock: Clock) -> None:
    """The gateway starts on the edition that it kept, although its documents are gone."""
    effective = clock() + DAY
    numbered(gateway, "2026-9", effective)
    changed(gateway, "bright-reach", {**WIDER, "name": "Another Name"})
    await gateway.restart()
    early = await policy(gateway)
    held = gateway.gateway.policy.policy.partners
    clock.set(effective)
    turned = await policies.turn_over(gateway.gateway)

    assert (early["edition"], early["next"]["edition"]) == ("2026-1", "2026-9")
    assert [one.name for one in held.values() if one.id == "bright-reach"] == ["Bright Reach"]
    assert turned
    assert (await policy(gateway))["edition"] == "2026-9"


async def test_the_first_edition_of_a_home_holds_at_once(
    open_house: OpenHouse, clock: Clock
) -> None:
    """Where none was in force before, there is nothing else to serve."""

    def future(folder: Any) -> None:
        path = folder / "policies/edition.yaml"
        text = path.read_text()
        path.write_text(text.replace("2026-02-01T00:00:00Z", stamp(clock() + DAY)))

    house = await open_house(an_advertiser(), edit=future)

    assert await policy(house) == {**await policy(house), "edition": "2026-1", "error": None}
    assert "next" not in await policy(house)


async def test_documents_that_come_back_end_the_waiting(gateway: House, clock: Clock) -> None:
    """Whoever takes a future edition back serves the one in force as before."""
    path = gateway.folder / "policies/edition.yaml"
    first = path.read_text()
    numbered(gateway, "2026-9", clock() + DAY)
    await gateway.reload()
    path.write_text(first)
    await gateway.reload()
    clock.advance(2 * DAY)

    assert not await policies.turn_over(gateway.gateway)
    assert (await policy(gateway))["edition"] == "2026-1"


@promise("N1")
async def test_an_edition_is_kept_whole(gateway: House, clock: Clock) -> None:
    """From the store alone the first edition is the same set that it was, keys included."""
    first = gateway.gateway.policy.policy
    await widened(gateway, clock)
    row = await gateway.gateway.store.kept_edition("2026-1")

    assert row is not None
    assert editions.kept(row, gateway.gateway.config) == first
    assert await gateway.gateway.store.edition_numbers() == ["2026-1", "2026-9"]


async def test_under_one_number_consents_go_on_and_check_warns(
    gateway: House, clock: Clock
) -> None:
    """Comparing is between editions; who widens without a new number is told so."""
    await gateway.consent()
    changed(gateway, "bright-reach", WIDER)
    check = ["--home", str(gateway.folder), "check"]
    warned, refused = await asyncio.to_thread(
        lambda: [CliRunner().invoke(cli, [*check, *more]) for more in ([], ["--strict"])]
    )
    await gateway.reload()
    carried = await event(gateway)

    assert (warned.exit_code, refused.exit_code, carried.status) == (0, 2, 200)
    for done in (warned, refused):
        assert re.search(r"^policies/edition.yaml:\d+:9: ", done.output, re.MULTILINE)
        assert "this set widens edition 2026-1" in done.output


@promise("N2")
async def test_the_comparison_says_what_is_new_and_who_must_be_asked(
    gateway: House, clock: Clock
) -> None:
    """From one kept edition to another: what widens with its clauses, and for whom."""
    await widened(gateway, clock)
    found = await asyncio.to_thread(diff, gateway, "2026-1", "2026-9")
    back = await asyncio.to_thread(diff, gateway, "2026-9", "2026-1")

    assert [(one["what"], one["name"]) for one in found["widens"]] == [("category", "/city")]
    assert found["widens"][0]["clause"][:2] == ["N1", "N2"]
    assert [(one["partner"], one["purpose"]) for one in found["ask_again"]] == [
        ("bright-reach", "advertising")
    ]
    assert (found["narrows"], back["widens"]) == ([], [])
    assert [(one["what"], one["name"]) for one in back["narrows"]] == [("category", "/city")]


@promise("N2")
async def test_a_replay_counts_the_shares_and_people_that_would_be_refused(
    gateway: House, clock: Clock
) -> None:
    """Past shares meet the documents on disk beside the gateway that runs."""
    for subject in ("u-1", "u-2"):
        await gateway.consent(subject)
        await event(gateway, subject)
    await event(gateway, "u-1")
    await gateway.consent("u-1", purpose="location-services", method="separate")
    await nearby(gateway)
    # Known by now, and refused for want of a consent.
    await gateway.facts("u-3", minor=False)
    await event(gateway, "u-3")
    await gateway.gateway.store.flush()
    numbered(gateway, "2026-9", clock() + DAY)
    changed(gateway, "bright-reach", WIDER)
    found = (await asyncio.to_thread(diff, gateway, "2026-1", "current", "--replay"))["replay"]

    assert found["shares"] == {
        "replayed": 4,
        "refused": 3,
        "allowed": 0,
        "by": [{"code": "consent-stale", "clause": ["N1", "S1", "C3"], "count": 3}],
    }
    assert found["refusals"] == {"replayed": 1, "refused": 0, "allowed": 0, "by": []}
    assert found["people"] == {"refused": 2, "allowed": 0}


@promise("N2")
async def test_a_replay_counts_what_would_be_newly_allowed(gateway: House, clock: Clock) -> None:
    """A refusal whose person needs no separate consent any more, and a recipient that is gone."""
    await gateway.consent("u-1", purpose="location-services")
    refused = await nearby(gateway)
    await gateway.consent("u-2")
    await event(gateway, "u-2")
    await gateway.gateway.store.flush()
    path = gateway.folder / "policies/purposes.yaml"
    path.write_text(path.read_text().replace("separate_consent: true", "separate_consent: false"))
    (gateway.folder / "partners/bright-reach.yaml").unlink()
    found = (await asyncio.to_thread(diff, gateway, "2026-1", "current", "--replay"))["replay"]

    assert refused.code == "separate-consent-missing"
    assert (found["shares"]["refused"], found["refusals"]["allowed"]) == (1, 1)
    assert found["shares"]["by"][0]["code"] == "partner-unknown"
    assert found["people"] == {"refused": 1, "allowed": 1}
