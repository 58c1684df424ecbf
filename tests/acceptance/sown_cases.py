"""Deletions with marks in everything: who is deleted, on what, what recipients answer."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from gateway.recipient import sign_receipt
from gateway.testing.behaviour import Answer, Behaviour, Redirect
from gateway.testing.client import GatewayClient, Reply
from gateway.testing.notices import Plan, Receipt
from tests.acceptance.sowing import Marks
from tests.acceptance.sown_home import COURIER, Sown
from tests.acceptance.sown_shares import answer, shipment, target

SILENT = Plan(deletes=False, receipts=(), says=None)
AT = "2026-11-01T10:00:00Z"
JOSE = {"Content-Type": "application/jose"}


def a_case(marks: Marks, name: str, subject: str) -> dict[str, Any]:
    """A request to erase somebody, verified on something marked."""
    reference = marks.text(f"{name}: reference of the verification")
    return {
        "action": "erase",
        "subject": subject,
        "reason": "user-request",
        "verified": {"method": "customer-service", "reference": reference, "at": AT},
    }


async def asked(s: Sown, method: str, path: str, body: Any = None, **more: Any) -> Reply:
    """A request about cases that is accepted; what it answers is about a case."""
    reply = await s.app.request(method, path, body, **more)
    assert reply.status in (200, 202), (reply, reply.body)
    return s.written.keep_in(s.written.cases, reply)


async def somebody(s: Sown, name: str) -> str:
    """A person with an alias and a share; the subject."""
    marks, courier = s.marks, s.partners[COURIER]
    subject, alias = marks.text(f"{name}: subject"), marks.text(f"{name}: alias")
    here = f"/v1/subjects/{quote(subject, safe='')}"
    await s.called("PUT", here, {"aliases": [alias]}, status=204)
    courier.respond = lambda received: answer(marks, f"{name}, {received.share}")
    for number, whom in enumerate((subject, alias)):
        order = f"{name} {number}"
        await s.carried(COURIER, target(marks, order), shipment(marks, order), subject=whom)
    return subject


async def reached(s: Sown, notice: str) -> None:
    """Have a notice sent until the recipient behaves."""
    desk = s.partners[COURIER].notices
    async with asyncio.timeout(20):
        while not any(came.verified and came.notice == notice for came in desk.received):
            await asked(s, "POST", f"/v1/notices/{notice}/retry")
            await asyncio.sleep(0.1)


def strange_answers(marks: Marks) -> list[Behaviour]:
    """What a recipient may answer to a notice, with marks in all of it."""
    text, word = marks.text, marks.word
    page = f"<p>{text('page instead of an answer')}</p>".encode()
    return [
        Answer(status=500, body=page, headers={"Content-Type": f"text/{word('type of a page')}"}),
        Answer(status=429, headers={"Retry-After": word("when to come again")}),
        Redirect(f"http://127.0.0.1/{word('where a notice should go')}"),
        Answer(status=401, data={"error": text("error at a notice")}),
        Answer(body=f'{{"status": "{word("answer that is cut")}'.encode()),
        Answer(
            data={"status": text("status of an answer"), word("member of an answer"): text("it")},
            headers={"X-Desk": word("header of an answer"), "Set-Cookie": word("cookie")},
        ),
    ]


async def told_of_deletions(s: Sown) -> None:
    """A case from its preview to its certificate, with a recipient that answers strangely."""
    marks, desk = s.marks, s.partners[COURIER].notices
    desk.plan = SILENT
    subject = await somebody(s, "deleted")
    body = a_case(marks, "deleted", subject)
    await asked(s, "POST", "/v1/cases?preview=true", a_case(marks, "preview", subject))
    strange = strange_answers(marks)
    desk.script.next(*strange)
    key = {"Idempotency-Key": marks.word("key of a case")}
    opened = (await asked(s, "POST", "/v1/cases", body, headers=key)).json()
    again = (await asked(s, "POST", "/v1/cases", body, headers=key)).json()
    assert again["case"] == opened["case"]
    other = await s.app.request("POST", "/v1/cases", a_case(marks, "another", subject), headers=key)
    assert s.written.keep(other).status == 422
    told = [one["notice"] for one in opened["notices"]]
    assert len(told) == 2
    for notice in told:
        await reached(s, notice)
    assert sum(not came.verified for came in desk.received) == len(strange)
    await receipts(s, told[0])
    await resolved(s, told[1])
    path = f"/v1/cases/{opened['case']}"
    await wait_closed(s, opened["case"])
    for more in ("/certificate", "/events", ""):
        await asked(s, "GET", path + more)
    await asked(s, "GET", "/v1/cases?state=closed")
    await s.declined("subject-erased", COURIER, target(marks, "after"), {}, subject=subject)


async def receipts(s: Sown, notice: str) -> None:
    """Receipts with marks in what a recipient may say, lowest first."""
    marks, desk = s.marks, s.partners[COURIER].notices
    for status in ("in-progress", "partial", "completed"):
        name = f"receipt, {status}"
        downstream = {"name": marks.why(f"{name}: whom it told"), "status": "completed"}
        fields = {
            "reason": marks.why(f"{name}: reason", awkward=status != "completed"),
            "downstream": [downstream],
            "jti": marks.why(f"{name}: its id", awkward=False),
        }
        sent = await desk.send_receipt(notice, Receipt(status=status, fields=fields))
        assert sent.http_status == 200
    for settled in (notice, marks.word("notice that nobody has")):
        token = signed(s, settled, "refused", reason=marks.text(f"refused: {settled}"))
        assert (await public(s, token)).status in (404, 409)


async def resolved(s: Sown, notice: str) -> None:
    """A notice that a person settles, after trying with what is wrong."""
    marks = s.marks
    good = {
        "status": "exempt",
        "reason": marks.why("resolved: reason", awkward=False),
        "evidence": marks.text("resolved: evidence"),
    }
    wrongs: list[dict[str, Any]] = [
        {"status": marks.word("status of a resolution")},
        {"reason": marks.text("reason that is too long") * 20},
        {"evidence": {"x": marks.text("evidence that is no text")}},
        {marks.word("undeclared member of a resolution"): marks.text("its value")},
    ]
    for number, change in enumerate(wrongs):
        wrong = good | {"evidence": marks.text(f"wrongly resolved {number}")} | change
        await s.called("POST", f"/v1/notices/{notice}/resolve", wrong, status=400)
    await asked(s, "POST", f"/v1/notices/{notice}/resolve", good)
    late = good | {"reason": marks.text("late: reason"), "evidence": marks.text("late: evidence")}
    await s.called("POST", f"/v1/notices/{notice}/resolve", late, status=409)


async def exempted(s: Sown) -> None:
    """A case whose recipient is exempt, for a reason in somebody's words."""
    marks = s.marks
    subject = await somebody(s, "exempted")
    exempt = {
        "partner": COURIER,
        "reason": marks.why("exempt: reason", awkward=False),
        "evidence": marks.text("exempt: evidence"),
    }
    body = a_case(marks, "exempted", subject) | {"exempt": [exempt]}
    await asked(s, "POST", "/v1/cases?preview=true", body)
    opened = (await asked(s, "POST", "/v1/cases", body)).json()
    assert {one["reason"] for one in opened["notices"]} == {exempt["reason"]}
    await wait_closed(s, opened["case"])


async def corrected(s: Sown) -> None:
    """New values of a person, sent to a recipient; wrong ones; a restriction and its answer."""
    marks = s.marks
    subject = await somebody(s, "corrected")
    new = {"basic.phone": marks.text("new number"), "basic.name": marks.text("new name")}
    body = a_case(marks, "corrected", subject) | {"action": "rectify", "changes": new}
    await asked(s, "POST", "/v1/cases?preview=true", body)
    opened = (await asked(s, "POST", "/v1/cases", body)).json()
    assert opened["notices"]
    for one in opened["notices"]:
        await asked(s, "POST", f"/v1/notices/{one['notice']}/resolve", by_hand(marks, one))
    await wait_closed(s, opened["case"])
    wrong = a_case(marks, "corrected wrongly", subject) | {"action": "rectify"}
    for change in ({marks.text("new category"): "x"}, {"basic.phone": [marks.text("new list")]}):
        await s.called("POST", "/v1/cases", wrong | {"changes": change}, status=400)
    restricted = a_case(marks, "restricted", subject) | {"action": "restrict"}
    case = (await asked(s, "POST", "/v1/cases", restricted)).json()["case"]
    ground = {"ground": marks.word("ground of a refusal")}
    await s.called("POST", f"/v1/cases/{case}/refuse", ground, status=400)
    for path in ("answer", "certificate?interim=true&format=html"):
        await asked(s, "GET", f"/v1/cases/{case}/{path}")


def by_hand(marks: Marks, notice: dict[str, Any]) -> dict[str, Any]:
    """On what a person settles a notice."""
    evidence = marks.text(f"by hand: {notice['notice']}")
    return {"status": "completed", "reason": "by letter", "evidence": evidence}


async def wait_closed(s: Sown, case: str) -> None:
    """Wait until a case is closed."""
    async with asyncio.timeout(10):
        while (await asked(s, "GET", f"/v1/cases/{case}")).json()["state"] != "closed":
            await asyncio.sleep(0.05)


async def wrong_cases(s: Sown) -> None:
    """Requests about cases that are refused, each with a mark in what is wrong with it."""
    marks, word = s.marks, s.marks.word("somewhere among cases")
    for number, change in enumerate(changes(marks)):
        subject = marks.text(f"wrong case {number}: subject")
        body = a_case(marks, f"wrong case {number}", subject) | change
        for path in ("/v1/cases", "/v1/cases?preview=true"):
            await s.called("POST", path, body, status=400)
    for body in (f'{{"subject": "{marks.word("case that is cut")}'.encode(), b"[]"):
        await s.called("POST", "/v1/cases", body, status=400)
    for path in (f"cases/{word}", f"cases/{word}/certificate", f"cases/{word}/events"):
        await s.called("GET", f"/v1/{path}", status=404)
    await s.called("POST", f"/v1/notices/{word}/retry", status=404)
    for query in (f"state={word}", f"due_before={word}"):
        await s.called("GET", f"/v1/cases?{query}", status=400)
    await s.called("GET", f"/v1/cases?partner={word}", status=200)
    for token in bad_receipts(s):
        assert (await public(s, token)).status == 401
    other = {"Content-Type": f"text/{marks.word('type of a receipt')}"}
    assert (await public(s, marks.word("receipt of another type"), other)).status == 415


def changes(marks: Marks) -> list[dict[str, Any]]:
    """What may be wrong in one member of a case."""
    text, word = marks.text, marks.word
    return [
        {word("undeclared member of a case"): text("value of a member of a case")},
        {"action": word("action")},
        {"subject": {"id": text("subject of a case that is no text")}},
        {"subject": text("subject of a case that is too long") * 10},
        {"reason": word("reason of a case")},
        {"reason": text("reason of a case, awkward")},
        {"scope": {"categories": [word("category of a scope")]}},
        {"scope": {"purposes": [word("purpose of a scope")]}},
        {"scope": {"partners": [text("partner of a scope")]}},
        {"scope": {word("member of a scope"): [text("value in a scope")]}},
        {"verified": text("verified")},
        {"verified": {"method": word("method of a case"), "reference": "x", "at": AT}},
        {"verified": {"method": "system", "reference": text("on what, too long") * 60, "at": AT}},
        {"verified": {"method": "system", "reference": text("on what"), "at": text("when")}},
        {"exempt": [{"partner": COURIER, "reason": text("exempt without evidence")}]},
        {"exempt": [exemption(marks, "partner", partner=text("exempt partner"))]},
        {"exempt": [exemption(marks, "long", reason=text("exempt, too long") * 20)]},
        {"exempt": [exemption(marks, "until", until=text("exempt until"))]},
        {"exempt": text("exempt that is no array")},
        {"changes": {text("pointer of a change"): text("value of a change")}},
        {"announced_at": text("announced at")},
        {"reason": "service-ended", "announced_at": f"2026-11-01T{word('announced, almost')}"},
    ]


def exemption(marks: Marks, name: str, **change: Any) -> dict[str, Any]:
    """An exemption with marked words."""
    words = {name_: marks.text(f"exempt {name}: {name_}") for name_ in ("reason", "evidence")}
    return {"partner": COURIER, **words, **change}


def signed(s: Sown, notice: str, status: str, **fields: Any) -> str:
    """A receipt by the courier's own key."""
    key = fields.pop("key", s.partners[COURIER].keys.signature)
    about = {"partner": COURIER, "audience": s.gateway.public_url, **fields}
    return sign_receipt(key, notice=notice, status=status, **about)


def bad_receipts(s: Sown) -> list[str]:
    """Receipts that are refused, with marks in them."""
    marks, stranger = s.marks, s.partners["city-court"].keys.signature
    text: Callable[[str], str] = marks.text
    whom = {"name": text("whom it told, in two lines") + "\n", "status": "completed"}
    honest = signed(s, "ntc_1", "completed", reason=text("receipt with a broken signature"))
    return [
        marks.word("no receipt"),
        f"{marks.word('head')}.{marks.word('claims')}.{marks.word('signature')}",
        honest[:-8] + "AAAAAAAA",
        signed(s, "ntc_1", "completed", key=stranger, reason=text("receipt by a stranger")),
        signed(s, "ntc_1", "completed", partner=marks.word("issuer of a receipt")),
        signed(s, "ntc_1", "completed", audience=text("audience of a receipt")),
        signed(s, "ntc_1", "completed", downstream=[whom]),
        signed(s, "ntc_1", "completed", reason=text("reason of a receipt, too long") * 20),
        signed(s, text("notice of a receipt") + "\n", "completed"),
    ]


async def public(s: Sown, token: str, headers: dict[str, str] | None = None) -> Reply:
    """`POST /receipts`; what is answered is kept."""
    async with GatewayClient(s.gateway.public_url) as recipient:
        reply = await recipient.request(
            "POST", "/receipts", token.encode(), headers=headers or JOSE
        )
    return s.written.keep(reply)
