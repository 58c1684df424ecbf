"""Told, acknowledged and done are apart: reminders, escalation, what is left, what comes next."""

import asyncio
from datetime import timedelta
from typing import Any

import structlog

from gateway.errors import PartnerTimeout
from gateway.flows.chasing import remind_of_cases
from gateway.flows.looking import look_again, look_at_deadlines
from gateway.ports import Use
from gateway.reports.scorecard import lasted
from gateway.testing.behaviour import unavailable
from gateway.testing.clock import Clock
from gateway.testing.notices import Plan, acknowledge_only
from gateway.testing.partner import FakePartner
from gateway.workers.sweeper import gauge_notices
from tests.cases.house import CaseHouse
from tests.marks import promise

SILENT = Plan(deletes=False, receipts=(), says=None)
DAY = timedelta(days=1)


async def told(house: CaseHouse, courier: FakePartner, plan: Plan = SILENT) -> tuple[str, str]:
    """A case whose one recipient was told: (case, notice)."""
    courier.notices.plan = plan
    assert (await house.share()).status == 200
    case = (await house.opened_case())["case"]
    state = "acknowledged" if plan.says else "sent"
    return case, (await house.until(case, state=state))["notice"]


async def came(courier: FakePartner, count: int) -> list[Any]:
    """Everything that reached the desk, once it is so many."""
    for _ in range(400):
        if len(courier.notices.received) >= count:
            break
        await asyncio.sleep(0.01)
    return list(courier.notices.received)


async def passed(house: CaseHouse, *, days: int) -> None:
    """So many days go by, and what the closer looks at every second is looked at."""
    house.clock.advance(days * DAY)
    await look_at_deadlines(house.gateway)
    await look_again(house.gateway)


async def tasks(house: CaseHouse) -> list[dict[str, Any]]:
    """What waits for a person."""
    found: list[dict[str, Any]] = (await house.ask("GET", "/v1/tasks")).json()["tasks"]
    return found


async def metric(house: CaseHouse, name: str) -> float:
    """The sum of a metric over its labels."""
    await gauge_notices(house.gateway)
    text = (await house.ask("GET", "/metrics", token="")).body.decode()
    lines = [line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} "))]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


@promise("R3", "R6")
async def test_who_does_not_acknowledge_is_reminded_and_then_a_person_is_told(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """Past the agreed time the same notice comes once more; a day later it is a person's task."""
    case, notice = await told(house, courier)
    before = await house.notice(case)
    await passed(house, days=3)
    first, second = await came(courier, 2)
    reminded = await house.until(case, reminders=1, next_at=None)
    none_yet = await tasks(house)
    await passed(house, days=1)
    (task,) = await tasks(house)

    assert (before["next"]["step"], before["acknowledged_at"]) == ("reminded", None)
    assert before["next"]["at"] == before["acknowledge_by"]
    assert before["reached_at"] < before["acknowledge_by"] < before["next"]["task_at"]
    assert (first.notice, first.raw) == (second.notice, second.raw)
    assert (reminded["state"], reminded["attempts"], none_yet) == ("sent", 2, [])
    assert (task["notice"], task["state"], task["age_days"]) == (notice, "sent", 4)
    assert "acknowledge" in task["next"]["do"]
    assert await metric(house, "gateway_notice_tasks") == 1

    await house.receipt(house.signed(courier, notice, "acknowledged"))
    assert await tasks(house) == []
    assert (await house.notice(case))["acknowledged_at"] is not None


@promise("R6")
async def test_reminders_come_before_the_deadline_and_then_it_is_overdue(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """Seven, three and one day before its deadline a recipient is reminded; then a person is told."""
    case, notice = await told(house, courier, acknowledge_only())
    for days, count in ((8, 2), (4, 3), (2, 4)):
        await passed(house, days=days)
        assert len(await came(courier, count)) == count
        await house.until(case, next_at=None)
    assert (await house.notice(case))["reminders"] == 3
    await passed(house, days=1)
    overdue = await house.until(case, state="overdue")
    (task,) = await tasks(house)

    assert {one.notice for one in courier.notices.received} == {notice}
    assert (task["notice"], overdue["next"]["step"]) == (notice, "yours")
    assert await metric(house, "gateway_notice_steps_total") >= 6
    assert await metric(house, "gateway_cases_overdue") == 0
    clock.advance(16 * DAY)
    assert await metric(house, "gateway_cases_overdue") == 1


async def test_an_answer_ends_the_reminder(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """Who says that it is done is not reminded any more."""
    case, notice = await told(house, courier, acknowledge_only())
    await house.receipt(house.signed(courier, notice, "completed"))
    await house.until_closed(case)
    await passed(house, days=14)

    assert len(courier.notices.received) == 1


@promise("R4")
async def test_what_is_left_is_shown(house: CaseHouse, courier: FakePartner) -> None:
    """A partial answer says what is left and who else has the data; it is a person's task."""
    case, notice = await told(house, courier)
    others = [
        {"name": "Archive Co", "status": "in-progress"},
        {"name": "Print Shop", "status": "completed"},
    ]
    token = house.signed(
        courier, notice, "partial", reason="two parcels in dispute", downstream=others
    )
    assert (await house.receipt(token)).status == 200
    shown = await house.notice(case)
    (task,) = await tasks(house)
    house.clock.advance(seconds=1)
    later = house.signed(
        courier, notice, "completed", downstream=[{"name": "Archive Co", "status": "completed"}]
    )
    await house.receipt(later)
    closed = await house.until_closed(case)

    assert (shown["state"], shown["reason"]) == ("partial", "two parcels in dispute")
    assert shown["downstream"] == others
    assert "part" in task["next"]["do"]
    assert {one["status"] for one in closed["notices"][0]["downstream"]} == {"completed"}


@promise("R4")
async def test_backups_end_by_themselves(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """Until the stated time the case says when it settles, and then it does, with nobody asked."""
    case, notice = await told(house, courier)
    moment = clock() + 40 * DAY
    await house.receipt(house.signed(courier, notice, "completed", backups_until=moment))
    standing = await house.notice(case)
    await passed(house, days=39)
    waiting = await house.notice(case)
    await passed(house, days=2)
    closed = await house.until_closed(case)

    assert standing["next"]["step"] == "settles"
    assert standing["next"]["at"] == moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert (waiting["settled"], waiting["reminders"]) == (False, 0)
    assert closed["notices"][0]["settled"]


@promise("R3")
async def test_an_exemption_ends_and_its_recipient_is_told_then(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """Who is exempt until a day is told on that day, with what was kept for it."""
    assert (await house.share()).status == 200
    until = clock() + 20 * DAY
    exempt = {
        "partner": "swift-parcel",
        "reason": "tax law",
        "evidence": "file 7",
        "until": until.isoformat().replace("+00:00", "Z"),
    }
    case = (await house.opened_case(exempt=[exempt]))["case"]
    shown = await house.notice(case)
    await asyncio.sleep(0.05)
    before = len(courier.notices.received)
    clock.advance(20 * DAY + timedelta(seconds=1))
    house.gateway.case_changed()
    (arrived,) = await came(courier, 1)

    assert (shown["state"], shown["next"]["step"], before) == ("exempt", "told", 0)
    assert shown["next"]["at"][:16] == exempt["until"][:16]
    assert arrived.verified and arrived.data["references"]


async def test_a_recipient_that_comes_back_is_told_at_once(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """After an outage one notice asks, and the others follow; nobody waits for a pause of hours."""
    courier.notices.plan = acknowledge_only()
    courier.notices.script.next(*unavailable(3))
    cases = []
    for person in ("u-1", "u-2", "u-3"):
        assert (await house.share(subject=person)).status == 200
        cases.append((await house.opened_case(person))["case"])
    for case in cases:
        await house.until(case, attempts=1, state="queued")
    egress: Any = house.gateway.egress
    gate = egress._gate("swift-parcel")
    leave_alone(gate)
    # The lanes look twice a second.
    await asyncio.sleep(0.6)
    tries = len(courier.notices.received)
    gate.breakers[Use.NOTICES].until = 0.0
    for case in cases:
        await house.until(case, state="acknowledged")

    assert tries == 3
    assert len(courier.notices.received) == 6
    assert await metric(house, "gateway_notices_waiting") == 0


def leave_alone(gate: Any) -> None:
    """Its notices failed so often that it is left alone."""
    for _ in range(20):
        gate.failed(Use.NOTICES, 0, PartnerTimeout("silent"))
    gate.breakers[Use.NOTICES].until += 3600


async def test_cases_are_listed_due_first(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """As pages, as a table for a spreadsheet, as lines; narrowed to those that are late."""
    courier.notices.plan = acknowledge_only()
    ids = []
    for person in ("u-1", "u-2", "u-3"):
        assert (await house.share(subject=person)).status == 200
        ids.append((await house.opened_case(person))["case"])
        clock.advance(DAY)
    first = (await house.ask("GET", "/v1/cases?limit=2")).json()
    rest = (await house.ask("GET", f"/v1/cases?limit=2&after={first['next']}")).json()
    table = await house.ask("GET", "/v1/cases?format=csv")
    lines = await house.ask("GET", "/v1/cases?format=lines&partner=swift-parcel")
    clock.advance(28 * DAY)
    late = (await house.ask("GET", "/v1/cases?overdue=true")).json()
    asked = await house.ask("GET", "/v1/cases", headers={"Accept": "text/csv"})

    assert [one["case"] for one in (*first["cases"], *rest["cases"])] == ids
    assert "next" not in rest
    head, *rows = table.body.decode().splitlines()
    assert head.startswith("case,action,reason,state,")
    assert [row.partition(",")[0] for row in rows] == ids
    assert table.headers["Content-Type"].startswith("text/csv")
    assert lines.body.count(b"\n") == 4 and b'{"summary": {"cases": 3}}' in lines.body
    assert [one["case"] for one in late["cases"]] == ids[:2]
    assert len(asked.body.decode().splitlines()) == 4


async def test_a_list_that_cannot_be_read_is_refused(house: CaseHouse) -> None:
    """What does not say what is wanted is refused, with what to write."""
    for query in ("after=x", "limit=0", "format=xml", "overdue=yes"):
        reply = await house.ask("GET", f"/v1/cases?{query}")
        assert (reply.status, reply.code) == (400, "request-invalid"), query
    assert (await house.ask("GET", "/v1/reports/scorecard?format=xml")).status == 400


@promise("R3")
async def test_the_scorecard_says_how_a_recipient_answers(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """By recipient: told, acknowledged and done, how fast, and what is left; as three forms."""
    case, notice = await told(house, courier)
    clock.advance(timedelta(hours=2))
    await house.receipt(house.signed(courier, notice, "acknowledged"))
    clock.advance(timedelta(hours=4))
    await house.receipt(house.signed(courier, notice, "completed"))
    await house.until_closed(case)
    reply = await house.ask("GET", "/v1/reports/scorecard")
    (card,) = reply.json()["partners"]
    table = await house.ask("GET", "/v1/reports/scorecard?format=csv&partner=swift-parcel")
    page = await house.ask("GET", "/v1/reports/scorecard", headers={"Accept": "text/html"})
    none = await house.ask("GET", "/v1/reports/scorecard?to=2020-01-01")

    assert card | {"partner": "swift-parcel", "notices": 1, "told": 1, "completed": 1} == card
    assert (card["acknowledge_median"], card["complete_p99"]) == (7200.0, 21600.0)
    assert table.body.decode().splitlines()[1].startswith("swift-parcel,1,1,1,1,0")
    assert b"swift-parcel" in page.body and b"6.0 h" in page.body
    assert none.json()["partners"] == []


@promise("R6")
async def test_a_case_is_told_of_before_and_after_its_deadline(
    house: CaseHouse, courier: FakePartner
) -> None:
    """Whoever runs the gateway reads of it seven, three and one day before, then every day."""
    case, _ = await told(house, courier, acknowledge_only())
    with structlog.testing.capture_logs() as logs:
        house.gateway.log = structlog.get_logger()
        for days in (22, 1, 3, 1, 2, 1, 1):
            await passed(house, days=days)
            await remind_of_cases(house.gateway)
    said = [
        (one["event"], one["days"], one["count"])
        for one in logs
        if one.get("case") == case and one["event"].startswith("case-")
    ]

    # The closer looks by itself too: what both say at one moment counts once.
    assert list(dict.fromkeys(said)) == [
        ("case-due", 7, 1),
        ("case-due", 3, 1),
        ("case-due", 1, 1),
        ("case-overdue", 0, 1),
        ("case-overdue", 1, 1),
    ]
    assert {one["what"] for one in logs if one["event"] == "notice-escalated"} == {"overdue"}


def test_durations_are_told_in_words() -> None:
    """Seconds, minutes, hours and days, and nothing where it never happened."""
    shown = [lasted(one) for one in (None, 40.0, 300.0, 11_520.0, 1_036_800.0)]

    assert shown == ["", "40 s", "5 min", "3.2 h", "12.0 d"]
