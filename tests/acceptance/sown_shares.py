"""
Shares with marks in everything: carried, refused, failed, sent later, cut off by a crash.

Each function is one kind of traffic; what a mark is in is the mark's label.
"""

import asyncio
import gzip
import json
from typing import Any

from gateway.testing.behaviour import Answer, Cut, CutAt, Redirect, Silence
from gateway.testing.builders import write_yaml
from tests.acceptance.sowing import Marks, raw, until
from tests.acceptance.sown_home import (
    BODY_LIMIT,
    CLOSED,
    COURIER,
    COURT,
    MEDIA,
    RAW,
    Sown,
    plain_courier,
)

SHIPMENT = "/v2/shipments/{}?note={}&{}={}"


def shipment(marks: Marks, name: str) -> dict[str, Any]:
    """A body for `create-shipment`: fields that leave, that are sealed, and that are dropped."""
    return {
        "recipient": {
            "name": marks.text(f"{name}: name, masked"),
            "phone": marks.phone(f"{name}: phone, sealed"),
            "address": marks.text(f"{name}: address", leaves=True),
            "email": marks.text(f"{name}: undeclared in a declared place"),
        },
        "items": [
            {"sku": marks.capitals(f"{name}: sku", leaves=True), "quantity": 2},
            {marks.word(f"{name}: undeclared key in an array"): marks.text(f"{name}: under it")},
        ],
        "note": marks.word(f"{name}: free text", leaves=True),
        marks.text(f"{name}: undeclared key"): {"deep": [marks.text(f"{name}: undeclared, deep")]},
    }


def named(marks: Marks, name: str) -> dict[str, Any]:
    """Everything around a body of `create-shipment`: the path and query, who, headers, key."""
    return {
        "subject": marks.text(f"{name}: subject"),
        "idempotency_key": marks.word(f"{name}: idempotency key"),
        "evidence": f'"{marks.word(f"{name}: evidence")}";type={marks.word(f"{name}: its type")}',
        "headers": {
            "X-App-Note": marks.word(f"{name}: declared header", leaves=True),
            "X-Undeclared": marks.word(f"{name}: undeclared header"),
            "User-Agent": marks.word(f"{name}: user agent"),
            "Cookie": f"session={marks.word(f'{name}: cookie')}",
        },
    }


def target(marks: Marks, name: str) -> str:
    """Path and query of `create-shipment`."""
    return SHIPMENT.format(
        marks.capitals(f"{name}: path parameter", leaves=True),
        marks.word(f"{name}: query", leaves=True),
        marks.word(f"{name}: undeclared query name"),
        marks.word(f"{name}: undeclared query value"),
    )


def answer(marks: Marks, name: str) -> Answer:
    """What the courier answers: declared, undeclared, a reference, headers."""
    return Answer(
        data={
            "tracking_number": marks.text(f"{name}: reference", shown=True),
            "status": marks.text(f"{name}: declared answer", shown=True),
            marks.word(f"{name}: undeclared key of the answer"): marks.text(f"{name}: its value"),
        },
        headers={
            "X-Depot": marks.word(f"{name}: declared answer header", shown=True),
            "X-Internal": marks.word(f"{name}: undeclared answer header"),
            "Set-Cookie": marks.word(f"{name}: cookie of the answer"),
        },
    )


async def carried_shares(s: Sown) -> None:
    """Each route once, and what an idempotency key does."""
    marks, courier = s.marks, s.partners[COURIER]
    courier.respond = lambda received: replies.pop(0)
    replies = [answer(marks, "carried"), *[Answer(data={})] * 2]
    body, around, where = (make(marks, "carried") for make in (shipment, named, target))
    first = await s.carried(COURIER, where, body, **around)
    again = await s.carried(COURIER, where, body, **around)
    assert (first.share, first.body) == (again.share, again.body)
    assert len(courier.received) == 1
    other = shipment(marks, "another body")
    await s.declined("idempotency-mismatch", COURIER, where, other, **around)
    await s.declined("idempotency-mismatch", COURIER, where, b'{"x": 1}', **around)
    courier.respond = lambda received: answers.pop(0)
    verdict = {
        "verdict": marks.text("verdict", shown=True),
        "check": marks.word("check", shown=True),
    }
    answers = [
        Answer(data=verdict),
        Answer(data={"status": marks.word("undeclared status")}),
        Answer(data={"status": marks.word("status of a person", shown=True)}),
        Answer(data={}),
        Answer(
            body=f"%PDF {marks.word('label', shown=True)}".encode(),
            headers={"Content-Type": "application/pdf"},
        ),
    ]
    await s.carried(COURIER, "/v2/plain", plain(marks), subject=marks.text("plain: subject"))
    whole = {"address": marks.text("whole: address"), "phone": marks.phone("whole: phone")}
    await s.carried(COURIER, "/v2/whole", whole, subject=marks.text("whole: subject"))
    person = marks.word("subject in the path")
    await s.carried(COURIER, f"/v2/people/{person}", method="GET")
    people = [{"id": marks.text(f"person {n} in the body")} for n in range(3)]
    await s.carried(COURIER, "/v2/many", {"people": people})
    await s.carried(COURIER, "/v2/labels", {"x": marks.text("label: dropped")}, subject=person)
    courier.respond = nothing


def nothing(received: object) -> Answer:
    """An answer with nothing in it."""
    return Answer(data={})


def plain(marks: Marks) -> dict[str, Any]:
    """A body of which nothing is sealed; only the address leaves as it is."""
    return {
        "address": marks.text("plain: address", leaves=True),
        "account": marks.text("plain: account, pseudonym"),
        "device": {"id": marks.text("plain: device, hashed")},
        "phone": marks.phone("plain: phone, a token"),
        "nickname": marks.text("plain: nickname, masked"),
        "password": marks.text("plain: password, dropped"),
    }


async def on_consent_and_demand(s: Sown) -> None:
    """Consents and registered evidence with marked words, and shares that rest on them."""
    marks = s.marks
    subject = marks.text("advertised to: subject")
    consent = {
        "subject": subject,
        "purpose": "advertising",
        "purpose_version": 1,
        "granted_at": "2026-11-01T08:00:00Z",
        "method": "explicit",
        "evidence": marks.text("evidence of a consent"),
    }
    event = {
        "device": {"id": marks.text("advertised to: device")},
        "x": marks.text("x of an event"),
    }
    ask = {"purpose": "advertising", "subject": subject}
    await s.declined("consent-missing", MEDIA, "/v3/events", event, **ask)
    given = await s.called("POST", "/v1/consents", [consent], status=201)
    await s.carried(MEDIA, "/v3/events", event, **ask)
    await s.called("POST", f"/v1/consents/{given.json()['ids'][0]}/withdraw", status=200)
    await s.declined("consent-withdrawn", MEDIA, "/v3/events", event, **ask)
    accused = marks.text("accused: subject")
    demand = {
        "type": "subpoena",
        "reference": marks.text("reference of a demand"),
        "partner": COURT,
        "purposes": ["legal-demand"],
        "subjects": [accused, marks.text("accused as well: subject")],
        "expires": "2028-01-01T00:00:00Z",
        "may_tell_subject": True,
    }
    evidence = (await s.called("POST", "/v1/evidence", demand, status=201)).json()["evidence"]
    file = {"person": {"name": marks.text("accused: name, in a sealed body")}}
    ask = {"purpose": "legal-demand", "subject": accused}
    await s.carried(COURT, "/v1/disclosures", file, evidence=f'"{evidence}"', **ask)
    claimed = f'"{marks.word("evidence that nobody registered")}"'
    await s.declined("evidence-not-valid", COURT, "/v1/disclosures", file, evidence=claimed, **ask)
    unreadable = f'"{marks.word("evidence that cannot be read")}'
    await s.declined(
        "evidence-not-valid", COURT, "/v1/disclosures", file, evidence=unreadable, **ask
    )


async def refused_shares(s: Sown) -> None:
    """Everything that can be wrong with a share, with the mark in what is wrong."""
    marks = s.marks

    async def wrong(
        code: str, name: str, /, path: str = "/v2/shipments/LO-1", **changes: Any
    ) -> None:
        body = changes.pop("body", None)
        partner = changes.pop("partner", COURIER)
        around = {"subject": marks.text(f"{name}: subject")} | changes
        sent = shipment(marks, name) if body is None else body
        await s.declined(code, partner, path, sent, **around)

    strict = {"prefer": "handling=strict"}
    await wrong("undeclared-fields", "strict", **strict)
    note = {"recipient": {"address": "x"}, "note": f"call {marks.phone('phone in a free text')}"}
    await wrong("personal-data-detected", "scan", body=note)
    lacking = {"recipient": {"name": marks.text("name without an address")}}
    await wrong("required-field-missing", "required", body=lacking)
    counted = {"recipient": {"address": "x"}, "items": [{"quantity": marks.text("quantity")}]}
    await wrong("field-type-mismatch", "type", body=counted)
    await wrong("field-type-mismatch", "scalar", body=json.dumps(marks.text("scalar")).encode())
    path = f"/v2/shipments/{marks.word('path parameter of another form')}"
    await wrong("field-type-mismatch", "path", path=path)
    await wrong("route-not-declared", "no route", path=f"/v2/{marks.word('path of no route')}/1")
    await wrong("route-not-declared", "slash", path=f"/v2/shipments/{marks.word('path, two')}%2F1")
    await wrong("partner-unknown", "nobody", partner=marks.word("partner"))
    await wrong("purpose-unknown", "purpose", purpose=marks.word("purpose"))
    await wrong("purpose-unknown", "purpose@", purpose=f"order-fulfilment@{marks.word('version')}")
    await wrong("service-not-permitted", "ground", ground=marks.word("ground"))
    await wrong("evidence-missing", "no evidence", ground="requested-service")
    quoted = f"%{marks.word('subject, broken escape')}"
    await wrong("subject-malformed", "escape", headers={"Sharing-Subject": quoted}, subject=None)
    await wrong("subject-malformed", "too long", subject=marks.word("subject, long") * 20)
    for code, name, content in malformed(marks):
        await wrong(code, name, body=content)
    packed = gzip.compress(json.dumps({"note": marks.text("in a compressed body")}).encode())
    await wrong("required-field-missing", "gzip", body=packed, headers={"Content-Encoding": "gzip"})
    await wrong("body-malformed", "not gzip", headers={"Content-Encoding": "gzip"})
    for name in ("X-App-Note", "Sharing-Evidence"):
        said = await raw(s.gateway, with_bytes_in(name, marks, s))
        s.written.note(s.written.refused, said)
        assert b"HTTP/1.1 4" in said, said
    media = f"text/{marks.word('media type')}"
    await wrong("body-type-unsupported", "type of the body", headers={"Content-Type": media})
    await wrong("body-type-unsupported", "form", headers={"Content-Type": "multipart/form-data"})


def with_bytes_in(header: str, marks: Marks, s: Sown) -> bytes:
    """A share with a header that is no UTF-8."""
    body = json.dumps(shipment(marks, f"bytes in {header}")).encode()
    value = marks.word(f"bytes in {header}").encode() + b"\xe9"
    head = (
        "POST /share/swift-parcel/v2/shipments/LO-1 HTTP/1.1\r\nHost: gateway.example\r\n"
        f"Authorization: Bearer {s.app.token}\r\nContent-Type: application/json\r\n"
        "Sharing-Purpose: order-fulfilment\r\nSharing-Ground: requested-service\r\n"
        f"Sharing-Subject: {marks.word(f'bytes in {header}: subject')}\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n{header}: "
    )
    return head.encode() + value + b"\r\n\r\n" + body


def malformed(marks: Marks) -> list[tuple[str, str, bytes]]:
    """Bodies that are no JSON, each around a mark: code, name, bytes."""
    text = json.dumps(marks.text("in a body that is cut"))
    return [
        ("body-malformed", "cut", f'{{"note": {text}'.encode()),
        ("body-malformed", "no quotes", f"{{{marks.word('where a key should be')}: 1}}".encode()),
        ("body-malformed", "number", f'{{"n": 1{marks.word("in a number")}}}'.encode()),
        ("body-malformed", "NaN", f'{{"{marks.word("key of NaN")}": NaN}}'.encode()),
        (
            "body-malformed",
            "bytes",
            b'{"note": "' + marks.word("before bytes").encode() + b'\xff"}',
        ),
        (
            "body-malformed",
            "half",
            f'{{"n": "{marks.word("before half a pair")}\\ud800"}}'.encode(),
        ),
        ("body-too-deep", "deep", b"[" * 90 + marks.word("deep down").encode() + b"]" * 90),
        (
            "body-too-large",
            "large",
            json.dumps({"note": marks.text("in a large body") + "x" * BODY_LIMIT}).encode(),
        ),
    ]


async def failing_recipients(s: Sown) -> None:
    """A recipient that answers late, wrongly, in part, or not at all."""
    marks, courier = s.marks, s.partners[COURIER]

    async def share(name: str, code: str | None, status: int = 200, path: str = "") -> None:
        where = path or target(marks, name)
        ask = (COURIER, where, shipment(marks, name))
        if code is None:
            await s.carried(*ask, status=status, **named(marks, name))
        else:
            await s.declined(code, *ask, **named(marks, name))

    pages = [
        ("error", 503, Answer(status=503, data={"error": marks.text("error of the recipient")})),
        ("gone", 302, Redirect(f"http://127.0.0.1/{marks.word('location')}", 302)),
        (
            "page",
            500,
            Answer(
                status=500,
                body=f"<p>{marks.text('page of an error')}</p>".encode(),
                headers={"Content-Type": "text/html"},
            ),
        ),
    ]
    for name, status, behaviour in pages:
        courier.script.next(behaviour)
        await share(name, None, status)
    broken = [
        Answer(body=f"<p>{marks.text('page where JSON was promised')}</p>".encode(),
               headers={"Content-Type": f"text/{marks.word('media type of an answer')}"}),
        Answer(body=f'{{"status": "{marks.word("answer that is cut")}'.encode()),
        Answer(body=marks.word("not compressed").encode(), headers={"Content-Encoding": "gzip"}),
        Answer(body=b"x", headers={"Content-Encoding": marks.word("content coding")}),
    ]  # fmt: skip
    for number, behaviour in enumerate(broken):
        courier.script.next(behaviour)
        await share(f"broken answer {number}", "partner-response-refused")
    answers: list[Answer] = []
    courier.respond = lambda received: answers.pop()
    for at in CutAt:
        courier.script.next(Cut(at))
        answers.append(answer(marks, f"cut {at}"))
        await share(f"cut {at}", "outcome-unknown")
    courier.respond = nothing
    courier.script.next(Silence())
    await share("silent", "partner-timeout")
    for number in range(len(raw_answers(Marks(0)))):
        body = {"address": marks.text(f"no HTTP {number}: address", leaves=True)}
        subject = marks.text(f"no HTTP {number}: subject")
        reply = await s.app.share(RAW, "/v2/shipments", body, subject=subject)
        assert s.written.keep(reply).status in (502, 504), reply
    body = {"address": marks.text("nobody there: address", leaves=True)}
    subject = marks.text("nobody there: subject")
    await s.declined("partner-unreachable", CLOSED, "/v2/shipments", body, subject=subject)


def raw_answers(marks: Marks) -> list[bytes]:
    """Answers that are no HTTP, or hardly, with a mark where the parser trips."""
    ok, end = b"HTTP/1.1 200 OK\r\n", b"\r\n\r\n"

    def word(name: str) -> bytes:
        return marks.word(f"answer that is no HTTP: {name}").encode()

    return [
        word("no status line") + end,
        b"HTTP/1.1 2x0 " + word("status line") + end,
        ok + b"X-Depot " + word("header without a colon") + end,
        ok + b"X-Depot: \x00" + word("control character") + end,
        ok + b"Content-Length: " + word("length") + end,
        ok + b"Transfer-Encoding: chunked" + end + word("size of a chunk") + b"\r\n",
        ok + b"X-Depot: " + word("very long") * 2000 + end,
        ok + b"Content-Length: 900" + end + word("too short"),
    ]


async def shares_for_later(s: Sown) -> tuple[str, ...]:
    """One that is delivered, and one that waits; the ids of both."""
    marks = s.marks
    body = {"phone": marks.phone("later: phone, sealed"), "x": marks.text("later: dropped")}
    around = {"subject": marks.text("later: subject"), "prefer": "respond-async", "status": 202}
    sent = await s.carried(COURIER, "/v2/later", body, **around)
    waits = {"address": marks.text("waiting: address", leaves=True), "x": marks.text("waiting: x")}
    around |= {"subject": marks.text("waiting: subject")}
    around |= {"idempotency_key": marks.word("waiting: idempotency key")}
    waiting = await s.carried(CLOSED, "/v2/shipments", waits, **around)
    async with asyncio.timeout(10):
        while True:
            reply = await s.called("GET", f"/v1/shares/{sent.share}", status=200)
            if reply.json()["state"] == "delivered":
                break
            await asyncio.sleep(0.02)
    return str(sent.share), str(waiting.share)


async def crash(s: Sown) -> None:
    """Killed with requests on their way; then started again on what it left."""
    marks, courier = s.marks, s.partners[COURIER]
    courier.script.always(Silence())
    before = len(courier.received)
    asks = [
        s.app.share(COURIER, target(marks, name), shipment(marks, name), **named(marks, name))
        for name in (f"under way {number}" for number in range(6))
    ]
    under_way = [asyncio.create_task(ask) for ask in asks]
    await until(lambda: len(courier.received) >= before + len(asks))
    s.written.snapshot("running")
    await s.gateway.kill()
    s.written.snapshot("killed")
    await asyncio.gather(*under_way, return_exceptions=True)
    courier.script.always(None)
    await s.gateway.start()


async def broken_documents(s: Sown) -> None:
    """Told to read documents that are broken, it says where, and repeats no secret."""
    marks, broken = s.marks, s.home / "partners" / "broken.yaml"
    manifest = plain_courier("broken", f"https://user:{marks.word('password in a URL')}@x.example")
    manifest["upstream"]["auth"] = {"bearer": marks.word("secret in a manifest")}
    write_yaml(broken, manifest)
    s.gateway.reload()
    async with asyncio.timeout(10):
        while not (reply := await s.app.get("/readyz")).json()["policy"]["error"]:
            await asyncio.sleep(0.02)
    assert "broken.yaml" in reply.json()["policy"]["error"]
    s.written.note(s.written.refused, reply.body)
    await s.written.command("check", code=2)
    broken.unlink()
