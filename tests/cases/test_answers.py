"""What the person is answered, and the certificate as a page (R6, R7, A1)."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.testing.builders import a_manifest
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from gateway.testing.notices import complete, refuse
from tests.cases.house import CaseHouse
from tests.marks import promise
from tests.promises.house import PATH, empty_home
from tests.promises.manifests import NOWHERE, a_court

SWIFT, SLOW = "swift-parcel", "slow-parcel"
NAME = "欧阳明"
SETTINGS = {
    "GATEWAY_ANSWERS__SENDER": "Shop <Ltd>",
    "GATEWAY_ANSWERS__CONTACT": "privacy@shop.example",
    "GATEWAY_ANSWERS__COMPLAINTS": "https://authority.example/complaints",
}


@pytest.fixture
async def house(tmp_path: Path, clock: Clock) -> AsyncIterator[CaseHouse]:
    """Two couriers and a court."""
    manifests = [*(a_manifest(id, base_url=NOWHERE) for id in (SWIFT, SLOW)), a_court()]
    manifests[0]["name"] = "Swift & Sons"
    opened = CaseHouse(empty_home(tmp_path / "home"), clock)
    async with opened:
        await opened.open(manifests, settings=SETTINGS)
        yield opened


async def answer(house: CaseHouse, case: str, query: str = "", accept: str = "") -> Reply:
    """`GET /v1/cases/{id}/answer`."""
    headers = {"Accept": accept} if accept else None
    reply = await house.ask("GET", f"/v1/cases/{case}/answer{query}", headers=headers)
    assert reply.status == 200, reply.body
    return reply


async def told(house: CaseHouse, clock: Clock) -> str:
    """A deletion that one recipient completed, with backups, and one refused."""
    for partner in (SWIFT, SLOW):
        assert (await house.share(partner, PATH)).status == 200
    until = (clock() + timedelta(days=20)).date().isoformat()
    house.recipients[SWIFT].notices.plan = complete(backups_until=until)
    house.recipients[SLOW].notices.plan = refuse("tax law")
    case = str((await house.opened_case())["case"])
    await house.until(case, SWIFT, state="completed")
    await house.until(case, SLOW, state="refused")
    return case


@promise("R6", "R4")
async def test_the_answer_says_what_was_done(house: CaseHouse, clock: Clock) -> None:
    """What was asked, how identity was verified, who was told, what remains, where to complain."""
    case = await told(house, clock)
    text = (await answer(house, case, "?language=en&format=text")).body.decode()
    due = (clock() + timedelta(days=30)).date().isoformat()
    backups = (clock() + timedelta(days=20)).date().isoformat()

    assert "Interim answer" in text
    assert "You asked us: to delete your personal information" in text
    assert "Identity verified: by your session in the app on 2026-11-01" in text
    assert f"To be answered in full by: {due}" in text
    swift = "Swift & Sons <privacy@swift-parcel.example>: has confirmed that it is done"
    assert f"{swift}, its backups hold it until {backups}" in text
    assert "refuses to do it, because: tax law" in text
    assert "What could not be done, and why" in text
    assert "privacy@shop.example" in text and "https://authority.example/complaints" in text
    assert NAME not in text and "u-1" not in text


@promise("R6")
async def test_the_answer_says_who_keeps_it(house: CaseHouse, clock: Clock) -> None:
    """A refusal that a person accepts is a recipient who keeps it, and was told; nothing else."""
    case = await told(house, clock)
    notice = (await house.notice(case, SLOW))["notice"]
    body = {"status": "exempt", "reason": "tax law", "evidence": "opinion 7"}
    reply = await house.ask("POST", f"/v1/notices/{notice}/resolve", body)
    clock.advance(timedelta(days=22))
    await house.until_closed(case, step=60)
    text = (await answer(house, case, "?language=en&format=text")).body.decode()
    undone = text.partition("What could not be done")[2]

    assert (reply.status, reply.json()["case"]) == (200, case)
    assert "carried out, but for what is named below" in text
    assert "keeps it, which we have examined and accept, because: tax law" in undone
    assert "is not told" not in text
    assert "its backups held it until" in text and "Swift & Sons" not in undone


@promise("R6")
async def test_the_answer_comes_in_chinese_and_english(house: CaseHouse, clock: Clock) -> None:
    """As a page that prints, both or one of them, with no name that could be markup."""
    case = await told(house, clock)
    both = await answer(house, case, accept="text/html")
    page = both.body.decode()
    chinese = (await answer(house, case, "?language=zh&format=html")).body.decode()
    wrong = await house.ask("GET", f"/v1/cases/{case}/answer?language=fr")

    assert both.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in both.headers["Content-Security-Policy"]
    assert 'lang="en"' in page and 'lang="zh"' in page
    assert "Swift &amp; Sons" in page and "Shop &lt;Ltd&gt;" in page
    assert "<script" not in page
    assert "您的请求" in chinese and "You asked us" not in chinese
    assert (wrong.status, wrong.code) == (400, "request-invalid")


@promise("R7")
async def test_a_refusal_is_answered_with_its_ground(house: CaseHouse, clock: Clock) -> None:
    """What was not done, and why; in words, not in codes."""
    await house.share(SWIFT, PATH)
    case = await house.opened_case(
        reason="service-ended", announced_at=clock().isoformat(), scope={"partners": [SWIFT]}
    )
    reply = await house.ask(
        "POST", f"/v1/cases/{case['case']}/refuse", {"ground": "criminal-procedure"}
    )
    text = (await answer(house, case["case"], "?language=en")).body.decode()

    assert reply.status == 200
    assert "Final answer: your request is refused." in text
    assert "Your request is refused because: it bears directly on a criminal" in text
    assert "was not told" in text and "case-refused" not in text


@promise("R6")
async def test_who_was_never_shared_is_answered_too(house: CaseHouse) -> None:
    """Nobody had anything; the answer is final at once."""
    case = await house.opened_case("u-9")
    text = (await answer(house, case["case"], "?language=en")).body.decode()
    unknown = await house.ask("GET", "/v1/cases/case_0/answer")

    assert "Final answer: your request is carried out." in text
    assert "nobody had to be told" in text
    assert (unknown.status, unknown.code) == (404, "not-found")


@promise("D2")
async def test_an_answer_tips_off_about_nothing(house: CaseHouse) -> None:
    """A recipient with a demand of which the person may not be told is not in it."""
    evidence = await house.evidence(
        partner="city-court", purposes=["legal-demand"], may_tell_subject=False
    )
    options: Any = {"purpose": "legal-demand", "evidence": evidence}
    body = {"person": {"name": NAME}}
    assert (await house.share("city-court", "/v1/disclosures", body, **options)).status == 200
    case = await house.opened_case()
    text = (await answer(house, case["case"])).body.decode()

    assert [one["partner"] for one in case["notices"]] == ["city-court"]
    assert "City Court" not in text and "city-court" not in text


@promise("A1")
async def test_the_certificate_is_a_page_too(house: CaseHouse, clock: Clock) -> None:
    """Recipients, the digests of their receipts, the ledger's head and the signed text itself."""
    await house.share(SWIFT, PATH)
    case = (await house.opened_case())["case"]
    await house.until_closed(case)
    await house.sequenced()
    path = f"/v1/cases/{case}/certificate"
    reply = await house.ask("GET", path, headers={"Accept": "text/html"})
    page = reply.body.decode()
    token = (await house.ask("GET", path)).body.decode()
    (receipt,) = (await house.gateway.store.case(case)).notices[0].receipts  # type: ignore[union-attr]
    wrong = await house.ask("GET", f"{path}?format=pdf")

    assert reply.headers["Content-Type"].startswith("text/html")
    assert "Swift &amp; Sons" in page and "completed" in page
    assert hashlib.sha256(receipt.encode()).hexdigest() in page
    assert token.split(".")[0] in page and "gateway-verify" in page
    assert "<script" not in page and json.dumps(NAME)[1:-1] not in page
    assert 'lang="zh"' in page and "已完成" in page and "应本人请求" in page
    head = await house.gateway.store.head()
    assert head.cosigned_note in page.replace("&#x27;", "'")
    assert (wrong.status, wrong.code) == (400, "request-invalid")


async def test_the_commands_do_the_same(house: CaseHouse, clock: Clock, tmp_path: Path) -> None:
    """`gateway case answer`, `certificate --page`, `refuse` and `gateway subject rectify`."""
    case = await told(house, clock)
    await house.stop()
    changes = tmp_path / "changes.json"
    changes.write_text(json.dumps({"basic.phone": "13912345678"}))
    who = ("u-2", "--method", "customer-service", "--reference", "call 7")
    lines = (
        ("case", "certificate", case, "--interim", "--page"),
        ("case", "answer", case, "--text", "--language", "en"),
        ("case", "refuse", case, "--ground", "bad-faith"),
        ("subject", "rectify", *who, "--changes", str(changes)),
        ("subject", "restrict", *who, "--preview"),
    )
    page, text, stopped, rectified, previewed = [
        await asyncio.to_thread(_ran, house, line) for line in lines
    ]

    assert page.output.startswith("<!doctype html>") and case in page.output
    assert text.output.startswith("Answer to your request")
    assert (
        stopped.exit_code == 0 and "told of it before: slow-parcel, swift-parcel" in stopped.output
    )
    assert rectified.exit_code == 0 and "told: nobody" in rectified.output
    assert "told would be: nobody" in previewed.output


def _ran(house: CaseHouse, line: tuple[str, ...]) -> Result:
    return CliRunner(env=SETTINGS).invoke(cli, ["--home", str(house.folder), *line])
