"""What is no share, with marks in everything: `/v1`, tokens, addresses, and what is no HTTP."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from gateway.testing.builders import a_token
from gateway.testing.client import GatewayClient
from tests.acceptance.sowing import Marks, raw
from tests.acceptance.sown_home import COURIER, COURT, Sown


async def told_about_people(s: Sown) -> None:
    """Consents, facts, evidence and declared disclosures, with marks where text may stand."""
    marks = s.marks
    subject, alias = marks.text("told of: subject"), marks.text("told of: alias")
    consent = a_consent(marks.text("consent: subject")) | {"evidence": marks.text("consent: why")}
    await s.called("POST", "/v1/consents", consent, status=201)
    here = f"/v1/subjects/{quote(subject, safe='')}"
    facts = {"minor": False, "territory": "SG", "opt_out": ["sale"], "aliases": [alias]}
    await s.called("PUT", here, facts, status=204)
    await s.called("POST", "/v1/consents", a_consent(subject), status=201)
    declared = {
        "subject": alias,
        "partner": COURIER,
        "purpose": "order-fulfilment",
        "at": "2026-01-02T03:04:05Z",
        "fields": ["/recipient/name"],
        "references": [marks.text("reference of a declared disclosure")],
    }
    await s.called("POST", "/v1/disclosures", declared, status=201)
    rows = (await s.called("GET", f"{here}/disclosures", status=200)).json()["disclosures"]
    assert [row["kind"] for row in rows] == ["declared"]
    shown = await s.app.get(
        f"/v1/subjects/{quote(marks.all['consent: subject'], safe='')}/consents"
    )
    assert shown.json()["consents"][0]["evidence"] == marks.all["consent: why"]
    await s.written.command("subject", "disclosures", alias)


def a_consent(subject: str) -> dict[str, Any]:
    """A valid consent to advertising."""
    return {
        "subject": subject,
        "purpose": "advertising",
        "purpose_version": 1,
        "granted_at": "2026-11-01T08:00:00Z",
        "method": "explicit",
        "evidence": "app 7.1",
    }


async def wrongly_told(s: Sown) -> None:
    """Bodies of `/v1` that are refused, each with a mark in what is wrong with it."""
    marks, consent = s.marks, a_consent("somebody")
    for change in wrong_consents(marks):
        await s.called("POST", "/v1/consents", consent | change, status=400)
        await s.called("POST", "/v1/consents", [consent, consent | change], status=400)
    for number, fact in enumerate(wrong_facts(marks)):
        whom = marks.word(f"subject of wrong fact {number}")
        await s.called("PUT", f"/v1/subjects/{whom}", fact, status=400)
    broken = f"%{marks.word('subject with a broken escape')}"
    await s.called("PUT", f"/v1/subjects/{broken}", {}, status=400)
    for demand in wrong_evidence(marks):
        await s.called("POST", "/v1/evidence", demand, status=400)
    for left in wrong_disclosures(marks):
        await s.called("POST", "/v1/disclosures", left, status=400)
    for name in ("consents", "evidence", "disclosures"):
        cut = f'{{"x": "{marks.word(f"{name}, cut")}'.encode()
        for body in (cut, json.dumps(marks.text(f"{name}, a text")).encode()):
            await s.called("POST", f"/v1/{name}", body, status=400)
        await s.called("POST", f"/v1/{name}", {"x": marks.text(f"{name}, x")}, status=400)


def wrong_consents(marks: Marks) -> list[dict[str, Any]]:
    """What may be wrong in one member of a consent."""
    text = marks.text
    return [
        {marks.word("undeclared member of a consent"): text("its value")},
        {text("undeclared member, awkward"): 1},
        {"subject": {"id": text("subject that is no text")}},
        {"subject": text("subject that is too long") * 10},
        {"purpose": text("purpose of a consent")},
        {"purpose": marks.word("purpose that nobody has")},
        {"partner": marks.word("partner that nobody has")},
        {"purpose_version": text("version")},
        {"granted_at": text("time")},
        {"granted_at": f"2026-11-01T{marks.word('time, almost')}"},
        {"granted_at": f"2026-11-01T08:00:00Z{marks.word('time, with more')}"},
        {"expires": [text("time in an array")]},
        {"method": text("method")},
        {"by": text("by whom")},
        {"scope": text("scope of a consent")},
        {"evidence": text("evidence that is too long") * 100},
        {"evidence": {text("key of evidence"): text("value of evidence")}},
    ]


def wrong_facts(marks: Marks) -> list[dict[str, Any]]:
    """What may be wrong in the facts of a person."""
    text = marks.text
    return [
        {marks.word("undeclared fact"): text("value of a fact")},
        {"territory": text("territory")},
        {"opt_out": [text("opt-out")]},
        {"minor": text("minor")},
        {"aliases": [text("alias that is too long") * 10]},
        {"aliases": text("alias that is no array")},
    ]


def wrong_evidence(marks: Marks) -> list[dict[str, Any]]:
    """Evidence with a marked reference, wrong in one more member."""
    demand: dict[str, Any] = {
        "type": marks.text("type of evidence"),
        "reference": marks.text("reference of evidence"),
        "partner": COURT,
        "purposes": ["legal-demand"],
        "expires": "2028-01-01T00:00:00Z",
        "may_tell_subject": True,
    }
    changes: list[dict[str, Any]] = [
        {"purposes": [marks.word("purpose of evidence")]},
        {"partner": marks.word("partner of evidence")},
        {"expires": f"2028-01-01 {marks.text('end of evidence')}"},
        {"subjects": [{"id": marks.text("subject of evidence")}]},
    ]
    return [demand | change for change in changes]


def wrong_disclosures(marks: Marks) -> list[dict[str, Any]]:
    """Declared disclosures, each wrong in one member."""
    left = {"subject": "somebody", "partner": COURIER, "purpose": "order-fulfilment"}
    changes: list[dict[str, Any]] = [
        {"ground": marks.word("ground of a disclosure")},
        {"categories": [marks.word("category of a disclosure")]},
        {"fields": [marks.text("field of a disclosure")]},
        {"at": f"2026-01-02T{marks.text('time of a disclosure')}"},
        {"references": [{"id": marks.text("reference that is no text")}]},
        {"retention_until": marks.word("retention of a disclosure")},
    ]
    return [{"at": "2026-01-02T03:04:05Z"} | left | change for change in changes]


async def lost_on_the_way(s: Sown) -> None:
    """Addresses that lead nowhere, tokens that open nothing, on both listeners."""
    marks = s.marks
    word = marks.word("somewhere")
    for path in (
        f"/v1/consents/{word}/withdraw",
        f"/v1/partners/{word}/suspend",
        f"/v1/{word}",
        f"/{word}",
    ):
        await s.called("POST", path, status=404)
    for path in (f"/v1/shares/{word}", f"/v1/partners/{word}", f"/problems/{word}", f"/{word}"):
        await s.called("GET", path, status=404)
    numbers = ("entries?start=", "proof/inclusion?index=", "proof/consistency?from=")
    for path in numbers:
        await s.called("GET", f"/v1/ledger/{path}{word}", status=400)
    for name, token in bad_tokens(s).items():
        async with s.gateway.client(token) as app:
            share = s.written.keep(await app.share(COURIER, "/v2/plain", {}, subject=word))
            read = s.written.keep(await app.get(f"/v1/subjects/{word}/consents"))
            assert {share.status, read.status} <= {401, 403}, (name, share, read)
    async with GatewayClient(s.gateway.public_url) as stranger:
        for path in (f"/{word}", f"/share/{word}/x", f"/.well-known/{word}"):
            assert s.written.keep(await stranger.get(path)).status == 404
    for number, data in enumerate(no_requests(marks)):
        for to_public in (False, True):
            said = await raw(s.gateway, data, public=to_public)
            s.written.note(s.written.refused, said)
            assert b"Sharing-Refused: " in said, (number, to_public, said[:200])


def bad_tokens(s: Sown) -> dict[str, str]:
    """Tokens that are refused, with marks in them. What a valid one names is the service's."""
    marks = s.marks
    names = {"sub": marks.word("service of a bad token"), "name": marks.text("name in a token")}
    head, body, signature = a_token(s.home, **names).split(".")
    return {
        "no token": marks.word("no token"),
        "another issuer": a_token(s.home, iss=marks.text("issuer"), **names),
        "another audience": a_token(s.home, aud=marks.text("audience"), **names),
        "run out": a_token(s.home, ttl=-timedelta(hours=1), **names),
        "end": a_token(s.home, **names, exp=marks.text("end of a token")),
        "signature": f"{head}.{body}.{signature[::-1]}",
        "cut": f"{head}.{body[:-9]}.{signature}",
        "scope": a_token(s.home, scope=(marks.word("scope of a token"),)),
        "partners": a_token(s.home, partners=[marks.word("partner of a token")]),
        "purposes": a_token(s.home, purposes=[marks.word("purpose of a token")]),
    }


def no_requests(marks: Marks) -> list[bytes]:
    """What is no HTTP request, or hardly, with a mark where the parser trips."""
    host = b"Host: gateway.example\r\n"
    good = b"POST /v1/consents HTTP/1.1\r\n" + host
    end = b"\r\n\r\n"

    def word(name: str) -> bytes:
        return marks.word(f"no request: {name}").encode()

    return [
        word("no request line") + end,
        b"GET / " + word("protocol") + b"\r\n" + host + end,
        b"GET /" + word("bytes in the path") + b"\xff\x01 HTTP/1.1\r\n" + host + end,
        word("method").upper() + b"? / HTTP/1.1\r\n" + host + end,
        good + word("header without a colon") + end,
        good + b"X-Note: " + word("control character") + b"\x00" + end,
        good + word("name") + b" : with a space" + end,
        good + b"X-Note: " + word("very long header") * 2000 + end,
        good + b"Content-Length: " + word("length") + end,
        good + b"Transfer-Encoding: chunked" + end + word("size of a chunk") + end,
        good + b"Content-Length: 4\r\nTransfer-Encoding: chunked" + end + word("two lengths"),
    ]
