"""`gateway report`, `ledger affected`, `policy render`: alone, and through a running gateway."""

import asyncio
import csv
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from gateway import config as settings
from gateway import wiring
from gateway.cli import streaming
from gateway.cli.serve import RUN_FILE
from gateway.flows import people
from gateway.flows.people import Declared
from gateway.model.ids import CategoryId, GroundId, PartnerId, PurposeId, SubjectId
from gateway.web.listeners import Internal
from gateway.web.server import Server
from tests.unit.cli.calling import Done, call
from tests.unit.reports.pages import check

WINDOW = ("--partner", "swift-parcel", "--from", "2026-01-01", "--to", "2026-01-31")
AT = datetime(2026, 1, 15, 8, tzinfo=UTC)


def a_disclosure(subject: str) -> Declared:
    """What went to the courier in January."""
    return Declared(
        subject=SubjectId(subject),
        partner=PartnerId("swift-parcel"),
        purpose=PurposeId("order-fulfilment"),
        purpose_version=1,
        ground=GroundId("core-function"),
        fields=("/recipient/name",),
        categories=(CategoryId("basic.name"),),
        at=AT,
        retention_until=AT + timedelta(days=30),
    )


@pytest.fixture
def told(home: Path) -> Path:
    """A home whose ledger knows of two people."""

    async def declare() -> None:
        async with wiring.opened(settings.load(home, {})) as gateway:
            await people.declare(gateway, [a_disclosure("u-1"), a_disclosure("<b>u-2")], "test")

    asyncio.run(declare())
    return home


@contextmanager
def running(home: Path) -> Iterator[None]:
    """A gateway that owns the home and answers, in a thread of its own."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with wiring.opened(settings.load(home, {})) as gateway:
            runner = web.ServerRunner(Server(Internal(gateway)), shutdown_timeout=1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            run = {"internal": f"http://{host}:{port}"}
            (home / "data" / RUN_FILE).write_text(json.dumps(run))
            started.set()
            await stop.wait()
            await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert started.wait(20)
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        loop.close()


def lines(done: Done) -> list[Any]:
    """NDJSON on standard output."""
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def answers(home: Path, folder: Path) -> dict[str, Any]:
    """What each command says of a home, times and the gateway's own reads left aside."""
    page = folder / "account.html"
    assert call("subject", "disclosures", "<b>u-2", "--page", page, home=home).code == 0
    check(page.read_text("utf-8"))
    found: dict[str, Any] = {
        "affected": lines(call("ledger", "affected", *WINDOW, home=home, as_json=True)),
        "table": call("ledger", "affected", *WINDOW, home=home).out,
        "ask": lines(call("report", "ask-again", home=home, as_json=True)),
        "ropa": call("report", "ropa", home=home, as_json=True).json(),
        "transparency": call("report", "transparency", home=home, as_json=True).json(),
        "access": call("report", "access", home=home, as_json=True).json()["people"],
        "list": call("report", "sharing-list", home=home, as_json=True).json(),
    }
    for one in found["access"]:
        del one["last"], one["reads"]
    return found


def test_a_running_gateway_and_the_store_alone_say_the_same(told: Path, tmp_path: Path) -> None:
    """Whichever way a command takes, its answer is the same, and every list ends in a summary."""
    alone = answers(told, tmp_path)
    with running(told):
        through = answers(told, tmp_path)
    first, second, last = alone["affected"]

    assert alone == through
    assert (first["subject"], second["subject"]) == ("u-1", "<b>u-2")
    assert (last["summary"]["people"], last["summary"]["shares"]) == (2, 2)
    assert alone["table"].splitlines()[-1] == "2 people, 2 shares"
    assert alone["ask"] == [{"summary": {"purpose": None, "people": 0, "consents": 0}}]
    assert [one["subject"] for one in alone["access"]] == ["<b>u-2"]
    assert sum(one["shares"]["disclosed"] for one in alone["ropa"]["records"]) == 2


def test_who_is_affected_is_a_table_for_a_spreadsheet(told: Path) -> None:
    """Rows under their names, of any recipient where none is named; the summary is beside it."""
    done = call("ledger", "affected", "--category", "basic", *WINDOW[2:], "--csv", home=told)
    nothing = call("ledger", "affected", *WINDOW[2:], home=told)
    first, second = csv.DictReader(done.out.splitlines())

    assert (done.code, nothing.code) == (0, 2)
    assert (first["subject"], second["subject"]) == ("u-1", "<b>u-2")
    assert (first["partners"], first["shares"], first["may_be_told"]) == (
        *("swift-parcel", "1", "true"),
    )
    assert "2 people, 2 shares" in done.err


def test_questions_that_make_no_sense_end_in_a_sentence(told: Path) -> None:
    """With the same exit code through a running gateway; nobody takes it for an empty list."""
    wrong = ("--partner", "swift-parcels", *WINDOW[2:])
    alone = call("ledger", "affected", *wrong, home=told)
    time = call("report", "ropa", "--from", "soon", home=told)
    with running(told):
        through = call("ledger", "affected", *wrong, home=told)
        again = call("report", "ask-again", "--purpose", "shipping", home=told)

    assert {alone.code, through.code, again.code, time.code} == {2}
    assert all("of this name" in one.err for one in (alone, through, again))
    assert not alone.out + through.out + again.out


@pytest.mark.parametrize("name", ["sharing-list", "ropa", "transparency", "access"])
def test_a_report_is_text_json_or_a_page(name: str, told: Path, tmp_path: Path) -> None:
    """By the form that is asked for, else by the name of the file."""
    page, data = tmp_path / "report.html", tmp_path / "report.json"
    text = call("report", name, home=told)
    asked = call("report", name, "--format", "html", home=told)
    written = [call("report", name, "--out", path, home=told) for path in (page, data)]

    assert text.code == asked.code == 0
    assert "─" in text.out
    assert [one.code for one in written] == [0, 0]
    assert [one.out for one in written] == ["", ""]
    check(asked.out.rstrip("\n"))
    check(page.read_text("utf-8").rstrip("\n"))
    assert isinstance(json.loads(data.read_text("utf-8")), dict)


def test_the_policy_is_rendered_as_the_sharing_list(home: Path) -> None:
    """Both commands print the same, on a home that never ran."""
    rendered = call("policy", "render", "--format", "html", home=home)
    listed = call("report", "sharing-list", "--format", "html", home=home)

    assert rendered.code == 0
    assert rendered.out == listed.out
    assert "Swift Parcel Co." in rendered.out
    assert not (home / "data/gateway.db").exists()


def test_half_an_answer_is_not_taken_for_one(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the summary is missing the command says so and ends with 1."""

    async def broken(content: Any) -> AsyncIterator[dict[str, Any]]:
        async for line in whole(content):
            if "summary" not in line:
                yield line

    whole = streaming._lines
    monkeypatch.setattr(streaming, "_lines", broken)
    with running(told):
        done = call("ledger", "affected", *WINDOW, home=told, as_json=True)

    assert done.code == 1
    assert "broke off" in done.err
    assert len(done.out.splitlines()) == 2


def test_long_tables_are_printed_as_they_come(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many rows at a time, so that none waits for the last one."""
    monkeypatch.setattr(streaming, "ROWS", 1)
    done = call("ledger", "affected", *WINDOW, home=told)

    assert done.out.count("person  ") == 2
