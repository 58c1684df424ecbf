"""Many records in one request, each decided by itself (contract §6, "Bulk")."""

import asyncio
import gc
import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from gateway.flows.bulk import PATIENCE_SECONDS
from gateway.flows.bulk_frames import Line
from gateway.flows.subjects import Person
from gateway.recipient import MemorySeen, RecipientError, receive_share
from gateway.testing.behaviour import Answer, Cut, CutAt, Delay, Silence
from gateway.testing.partner import FakePartner
from tests.marks import promise
from tests.promises.bulk import (
    FIELDS,
    NDJSON,
    PARTNER,
    PATH,
    Talk,
    a_post,
    an_order,
    answers,
    bulk,
    ndjson,
)
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, problem_of
from tests.promises.manifests import a_plain

SEALED = {"/phone": {"category": "basic.phone", "sealed": True}}


@pytest.fixture
def manifests() -> Iterable[Mapping[str, Any]]:
    """A recipient that takes three records at a time."""
    return [a_post()]


@pytest.fixture
def post(gateway: House) -> FakePartner:
    """That recipient."""
    return gateway.recipients[PARTNER]


def took(post: FakePartner) -> list[list[str]]:
    """The orders that came, batch by batch."""
    return [[one["order"] for one in batch.document] for batch in post.received]


@promise("S3", "P6")
async def test_one_record_a_line(gateway: House, post: FakePartner):
    """Lines go out in batches of at most so many records, filtered, as NDJSON; each is answered."""
    reply = await bulk(gateway, [an_order(n, secret="x") for n in range(1, 8)])

    first, second, third = post.received
    assert answers(reply) == [
        {"line": n, "share": batch.share, "status": 200}
        for n, batch in zip(range(1, 8), [first] * 3 + [second] * 3 + [third], strict=True)
    ]
    assert took(post) == [["O-1", "O-2", "O-3"], ["O-4", "O-5", "O-6"], ["O-7"]]
    assert first.request.headers["Content-Type"] == NDJSON
    assert first.body.endswith(b"}\n")
    assert {tuple(one) for one in first.document} == {("account", "name", "order")}
    assert {one["name"] for one in first.document} == {"欧**"}


@promise("S3", "C1")
async def test_each_batch_is_a_share_of_its_own(gateway: House, post: FakePartner):
    """Each batch has its id, its digest and a grant that counts records and names nobody."""
    await bulk(gateway, [an_order(n) for n in range(1, 5)])

    full, rest = (batch.claims for batch in post.received)
    assert (full["records"], rest["records"]) == (3, 1)
    assert "sub" not in full
    assert "sub" not in rest
    assert full["jti"] != rest["jti"]
    assert full["fields"] == ["/account", "/name", "/order"]
    assert [batch.request.headers["Sharing-Id"] for batch in post.received] == [
        full["jti"],
        rest["jti"],
    ]
    assert post.refused == []


@promise("R1", "P3")
async def test_one_leaf_each(gateway: House, post: FakePartner):
    """Each record is in the ledger and in its person's account; each line that is not, refused."""
    bare = {"account": "u-2", "name": "欧阳明"}
    await bulk(gateway, [an_order(1), bare, b"{", an_order(3)])

    intents, outcomes = await gateway.leaves("intent"), await gateway.leaves("outcome")
    refusals = await gateway.leaves("refusal")
    assert len({leaf["subject"] for leaf in intents}) == len(intents) == 3
    assert {leaf["share"] for leaf in intents} == {post.received[0].share}
    assert [leaf["outcome"] for leaf in outcomes] == ["delivered"] * 3
    assert [leaf["code"] for leaf in refusals] == ["body-malformed"]
    assert [leaf["fields"] for leaf in intents] == [
        ["/account", "/name", "/order"],
        ["/account", "/name"],
        ["/account", "/name", "/order"],
    ]
    for subject in ("u-1", "u-2", "u-3"):
        (row,) = await gateway.disclosures(subject)
        assert (row["share"], row["outcome"]) == (post.received[0].share, "delivered")


@promise("A1", "R5")
async def test_each_line_is_decided_by_itself(gateway: House, post: FakePartner):
    """Who may not be shared stays here; the others of the request go on, and fill the batch."""
    for subject in ("u-2", "u-4"):
        await gateway.facts(subject, minor=False)
    await gateway.fence("u-2")
    await gateway.erase("u-4")
    reply = await bulk(gateway, [an_order(n) for n in range(1, 6)])

    share = post.received[0].share
    assert answers(reply) == [
        {"line": 1, "share": share, "status": 200},
        {"line": 2, "status": 403, "code": "subject-restricted"},
        {"line": 3, "share": share, "status": 200},
        {"line": 4, "status": 403, "code": "subject-erased"},
        {"line": 5, "share": share, "status": 200},
    ]
    assert took(post) == [["O-1", "O-3", "O-5"]]
    restricted, erased = await gateway.leaves("refusal")
    assert "subject" in restricted
    assert "subject" not in erased


@pytest.mark.parametrize(
    ("line", "status", "code"),
    [
        (b"", 400, "body-malformed"),
        (b"[1", 400, "body-malformed"),
        (b"\xff", 400, "body-malformed"),
        (b"[" * 65 + b"]" * 65, 400, "body-too-deep"),
        (json.dumps(an_order(1, note="x" * 600)).encode(), 413, "body-too-large"),
        (b"7", 400, "subject-missing"),
        (b'{"order": "O-1"}', 400, "subject-missing"),
        (b'{"account": ["u-1"]}', 400, "subject-malformed"),
    ],
    ids=["empty", "cut", "no-utf-8", "deep", "large", "scalar", "nobody", "no-id"],
)
async def test_a_line_that_cannot_be_read(
    open_house: OpenHouse, line: bytes, status: int, code: str
):
    """A line that is nothing is answered and recorded as such, and the next one goes on."""
    house = await open_house(a_post(body_limit="512B"))
    reply = await bulk(house, [line, an_order(2)])

    first, second = answers(reply)
    assert first == {"line": 1, "status": status, "code": code}
    assert (second["line"], second["status"]) == (2, 200)
    assert [leaf["code"] for leaf in await house.leaves("refusal")] == [code]


async def test_the_last_line_may_have_no_end(gateway: House, post: FakePartner):
    """What stands behind the last line feed is a line; nothing is none; and CR LF ends one too."""
    body = b"\r\n".join(ndjson([an_order(n)]).strip() for n in (1, 2))
    assert [one["status"] for one in answers(await bulk(gateway, body))] == [200, 200]
    assert took(post) == [["O-1", "O-2"]]
    assert answers(await bulk(gateway, b"")) == []
    assert len(post.received) == 1


async def test_streamed_both_ways(gateway: House, post: FakePartner):
    """A line that waits is sent when the input pauses, and its answer comes while more follow."""
    async with Talk(gateway) as talk:
        talk.say(an_order(1))
        assert (await talk.answer())["line"] == 1
        assert took(post) == [["O-1"]]
        talk.say(an_order(2), b"{")
        second, third = await talk.answer(), await talk.answer()
        talk.end()
        response = await talk.response()
        assert await response.content.read() == b""

    assert (second["line"], second["status"]) == (2, 200)
    assert third == {"line": 3, "status": 400, "code": "body-malformed"}
    assert response.headers["Content-Type"] == NDJSON


async def test_a_full_batch_does_not_wait(gateway: House, post: FakePartner):
    """A batch that is full leaves at once, and waits for no further line."""
    async with Talk(gateway) as talk:
        talk.say(*(an_order(n) for n in range(1, 4)))
        async with asyncio.timeout(PATIENCE_SECONDS * 20):
            assert [(await talk.answer())["line"] for _ in range(3)] == [1, 2, 3]
    assert took(post) == [["O-1", "O-2", "O-3"]]


async def test_who_is_slow_holds_up_who_sends(open_house: OpenHouse):
    """While a partner takes its time, no more than two batches of a request are taken in."""
    gateway = await open_house(a_post() | {"upstream": {"timeout": "700ms"}})
    post = gateway.recipients[PARTNER]
    post.script.always(Silence())
    read = 0
    async with Talk(gateway) as talk:
        for number in range(2000):
            talk.say(an_order(number, padding="x" * 1000))
        for _ in range(40):
            await asyncio.sleep(0.01)
            read = len(await gateway.leaves("intent"))
        assert len(post.arrivals) == 1
        assert read == 3
        assert not gateway.gateway.subjects._crowds
        assert len(gateway.gateway.subjects._live) <= 6


@promise("S4d")
async def test_a_sealed_batch(open_house: OpenHouse):
    """`seal: body` seals a batch as one, for the purpose and its share's id."""
    house = await open_house(a_post(seal="body"))
    post = house.recipients[PARTNER]
    assert [one["status"] for one in answers(await bulk(house, [an_order(1), an_order(2)]))] == [
        200,
        200,
    ]
    (batch,) = post.received
    assert batch.request.headers["Content-Type"] == "application/jose"
    assert batch.request.body.count(b".") == 4
    assert b"O-1" not in batch.request.body
    assert [one["order"] for one in batch.document] == ["O-1", "O-2"]
    assert batch.claims["records"] == 2


@promise("S4d")
async def test_sealed_fields_of_a_batch(open_house: OpenHouse):
    """`seal: fields` seals the field of each record by itself."""
    house = await open_house(a_post(seal="fields", send=FIELDS | SEALED))
    post = house.recipients[PARTNER]
    await bulk(house, [an_order(n, phone=f"1380013800{n}") for n in (1, 2)])

    (batch,) = post.received
    first, second = (json.loads(line)["phone"] for line in batch.body.splitlines())
    assert first.count(".") == second.count(".") == 4
    assert [one["phone"] for one in batch.document] == ["13800138001", "13800138002"]


async def test_no_key_to_seal_for(open_house: OpenHouse):
    """Where nothing can be sealed, nothing leaves of any line."""

    def without_keys(home: Any) -> None:
        (home / "partners/keys/night-post.jwks.json").write_text('{"keys": []}')

    house = await open_house(a_post(seal="body"), edit=without_keys)
    assert answers(await bulk(house, [an_order(1)])) == [
        {"line": 1, "status": 503, "code": "sealing-key-missing"}
    ]
    assert house.recipients[PARTNER].arrivals == []


async def test_the_kit_opens_a_batch(gateway: House, post: FakePartner):
    """The recipient kit gives the records one by one, and holds the grant to their number."""
    await bulk(gateway, [an_order(1), an_order(2)])
    raw = post.received[0].request

    def receive(body: bytes) -> Any:
        return receive_share(
            raw.method,
            raw.target,
            raw.headers,
            body,
            keys=post.keys.private_jwks(),
            jwks=gateway.gateway.keys.public_jwks(),
            partner=PARTNER,
            issuer=gateway.public_url,
            purpose="order-fulfilment",
            seen=MemorySeen(),
            now=gateway.clock(),
        )

    opened = receive(raw.body)
    assert [one.field("/order") for one in opened.records] == ["O-1", "O-2"]
    with pytest.raises(RecipientError, match="digest-mismatch"):
        receive(raw.body + b"{}\n")


@promise("R3")
async def test_references_come_back_in_order(open_house: OpenHouse):
    """What the partner calls each record is kept with its person, and with nobody else."""
    send = {name: spec for name, spec in FIELDS.items() if name != "/account"}
    receive = {"/tracking_number": {"reference": True}}
    house = await open_house(a_post(send=send, receive=receive))
    reply = await bulk(house, [an_order(1), an_order(2)])

    assert [one["status"] for one in answers(reply)] == [200, 200]
    assert b"SP0000" not in reply.body
    assert await references(house, "u-1") == ["SP0000000001"]
    assert await references(house, "u-2") == ["SP0000000002"]


async def references(house: House, subject: str) -> list[str]:
    """What is kept of the partner's own ids about a person."""
    gateway = house.gateway
    await gateway.store.flush()
    person = await gateway.subjects.get(subject)  # type: ignore[arg-type]
    assert person.row is not None
    assert person.row.person is not None
    _, rows = await gateway.store.plan_rows(person.row.person)
    return [text for row in rows for text in person.reveal(row.sealed, f"reference|{row.share}")]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(data={"accepted": 2}), "partner-response-refused"),
        (Answer(data=[{"id": "A"}]), "partner-response-refused"),
        (Answer(body=b"fine", headers={"Content-Type": "text/plain"}), "partner-response-refused"),
        (Answer(data=[{"id": "A"}, {"id": "B"}]), None),
        (Answer(data={"results": [{"id": "A"}, {"id": "B"}]}), "partner-response-refused"),
        (Answer(body=b'{"id": "A"}\n{"id": 7}\n', headers={"Content-Type": NDJSON}), None),
    ],
    ids=["no-list", "too-few", "no-json", "array", "elsewhere", "ndjson"],
)
@promise("R3")
async def test_whose_reference_is_not_known(
    open_house: OpenHouse, answer: Answer, code: str | None
):
    """Where a reference is all that deletion could name, a batch without one is told as such."""
    send = {name: spec for name, spec in FIELDS.items() if name != "/account"}
    house = await open_house(a_post(send=send, receive={"/id": {"reference": True}}))
    house.recipients[PARTNER].script.always(answer)
    lines = answers(await bulk(house, [an_order(1), an_order(2)]))

    assert {one["status"] for one in lines} == {502 if code else 200}
    assert {one.get("code") for one in lines} == {code}
    assert all(one["share"].startswith("shr_") for one in lines)
    assert [leaf["outcome"] for leaf in await house.leaves("outcome")] == ["delivered"] * 2


async def test_an_answer_without_references_where_a_pseudonym_left(open_house: OpenHouse):
    """Who got pseudonyms can be told by them: its answer need not name each record."""
    house = await open_house(a_post(receive={"/id": {"reference": True}}))
    house.recipients[PARTNER].script.always(Answer(data={"accepted": 2}))

    assert [one["status"] for one in answers(await bulk(house, [an_order(1), an_order(2)]))] == [
        200,
        200,
    ]
    assert await references(house, "u-1") == []


async def test_the_partners_own_status(gateway: House, post: FakePartner):
    """Whatever a partner answers to a batch is the status of each of its lines."""
    post.script.next(Answer(status=422, data={"secret": "x"}), Answer(status=200))
    reply = await bulk(gateway, [an_order(n) for n in range(1, 5)])

    assert [one["status"] for one in answers(reply)] == [422, 422, 422, 200]
    assert b"secret" not in reply.body
    assert [leaf["status"] for leaf in await gateway.leaves("outcome")] == [422] * 3 + [200]


async def test_a_partner_that_fails(open_house: OpenHouse):
    """A batch that failed says how, line by line, and the next one is tried all the same."""
    house = await open_house(a_post(1) | {"upstream": {"timeout": "300ms"}})
    post = house.recipients[PARTNER]
    post.script.next(Silence(), Cut(CutAt.BEFORE_HEADERS))
    lines = answers(await bulk(house, [an_order(n) for n in range(1, 4)]))

    assert [(one["status"], one.get("code")) for one in lines] == [
        (504, "partner-timeout"),
        (504, "outcome-unknown"),
        (200, None),
    ]
    assert len({one["share"] for one in lines}) == 3
    assert [leaf["outcome"] for leaf in await house.leaves("outcome")] == [
        "timeout",
        "unknown",
        "delivered",
    ]
    assert await house.leaves("refusal") == []


async def test_a_partner_that_is_not_there(gateway: House, post: FakePartner):
    """Of a batch that reached nobody nothing counts as disclosed."""
    await post.stop()
    lines = answers(await bulk(gateway, [an_order(1), an_order(2)]))

    assert {(one["status"], one["code"]) for one in lines} == {(502, "partner-unreachable")}
    assert [leaf["outcome"] for leaf in await gateway.leaves("outcome")] == ["not-sent"] * 2
    assert await gateway.disclosures("u-1") == []
    await post.start()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer x"}, "token-invalid"),
        ({"Sharing-Purpose": ""}, "purpose-missing"),
        ({"Sharing-Purpose": "payment"}, "purpose-not-permitted"),
        ({"Sharing-Purpose": "order-fulfilment@2"}, "purpose-not-permitted"),
        ({"Sharing-Purpose": "mischief"}, "purpose-unknown"),
        ({"Idempotency-Key": "k"}, "request-invalid"),
        ({"Prefer": "respond-async"}, "request-invalid"),
        ({"Content-Encoding": "br"}, "body-type-unsupported"),
        ({"Content-Type": f"{NDJSON}; charset=gbk"}, "body-type-unsupported"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_concerns_the_whole_request(
    gateway: House, post: FakePartner, headers: dict[str, str], code: str
):
    """What is wrong with a request as a whole is one problem, before any line."""
    named = {"Content-Type": NDJSON} | headers
    body = ndjson([an_order(1), an_order(2)])
    reply = await gateway.share(PARTNER, PATH, body, subject=None, headers=named)

    assert problem_of(reply)["code"] == code
    refusals = [leaf["code"] for leaf in await gateway.leaves("refusal")]
    assert refusals == ([] if code == "token-invalid" else [code])
    assert post.arrivals == []


async def test_a_route_without_bulk(open_house: OpenHouse):
    """NDJSON on a route that takes one record at a time is an unsupported type."""
    house = await open_house(a_plain())
    reply = await house.share(
        "plain", "/things", b'{"value": 1}\n', headers={"Content-Type": NDJSON}
    )
    missing = await house.share(
        "plain", "/things", b"{}\n", subject=None, headers={"Content-Type": NDJSON}
    )

    assert (reply.status, reply.code) == (415, "body-type-unsupported")
    assert missing.code == "subject-missing"
    assert house.recipients["plain"].arrivals == []


async def test_one_record_alone_on_a_bulk_route(gateway: House, post: FakePartner):
    """A JSON body on a bulk route is a share like any other."""
    reply = await gateway.share(PARTNER, PATH, an_order(1), subject=None)

    assert (reply.status, reply.headers["Sharing-Dropped"]) == (200, "?0")
    assert "records" not in post.received[0].claims
    assert "sub" in post.received[0].claims


async def test_strict_works_line_by_line(gateway: House, post: FakePartner):
    """`handling=strict` refuses the line that holds more than is declared, and no other."""
    reply = await bulk(gateway, [an_order(1, more=1), an_order(2)], Prefer="handling=strict")

    first, second = answers(reply)
    assert first == {"line": 1, "status": 422, "code": "undeclared-fields"}
    assert second["status"] == 200
    assert took(post) == [["O-2"]]


@promise("C3")
async def test_the_requests_own_signal_counts_for_each(open_house: OpenHouse):
    """Evidence, ground and objection of the request hold for each of its lines."""
    route = a_post(purpose="advertising@1", ground="consent", send=FIELDS | {})
    house = await open_house(route | {"kind": "affiliate"})
    for subject in ("u-1", "u-2"):
        await house.consent(subject)
    named = {"Content-Type": NDJSON, "Sec-GPC": "1"}
    body = ndjson([an_order(1), an_order(2), an_order(3)])

    async def statuses(headers: dict[str, str]) -> list[Any]:
        reply = await house.share(
            PARTNER, PATH, body, subject=None, purpose="advertising", headers=headers
        )
        return [one.get("code", one["status"]) for one in answers(reply)]

    assert await statuses(named) == ["opted-out"] * 3
    assert await statuses({"Content-Type": NDJSON}) == [200, 200, "consent-missing"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_compressed_lines(gateway: House, post: FakePartner, encoding: str):
    """Lines may come compressed, several gzip members one behind the other included."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    parts = [ndjson([an_order(1), an_order(2)]), ndjson([an_order(3)])]
    body = b"".join(map(gzip.compress, parts)) if encoding == "gzip" else pack(b"".join(parts))
    reply = await bulk(gateway, body, Content_Encoding=encoding)

    assert [one["status"] for one in answers(reply)] == [200] * 3
    assert took(post) == [["O-1", "O-2", "O-3"]]


async def test_what_is_not_compressed_as_it_says(gateway: House, post: FakePartner):
    """Whole lines before the break are carried; the break is answered, and ends the request."""
    whole = gzip.compress(ndjson([an_order(1), an_order(2)])) + gzip.compress(b"{}")[:-3]
    first, second, third = answers(await bulk(gateway, whole, Content_Encoding="gzip"))

    assert (first["status"], second["status"]) == (200, 200)
    assert third == {"line": 3, "status": 400, "code": "body-malformed"}
    assert took(post) == [["O-1", "O-2"]]


async def test_a_bomb(gateway: House, post: FakePartner):
    """What swells beyond all text is not inflated to its end."""
    bomb = gzip.compress(b"0" * 40_000_000)
    (line,) = answers(await bulk(gateway, bomb, Content_Encoding="gzip"))

    assert line == {"line": 1, "status": 413, "code": "body-too-large"}
    assert post.arrivals == []


@promise("A1", "R2")
async def test_a_person_deleted_while_the_request_runs(gateway: House, post: FakePartner):
    """Whoever is deleted meanwhile is in no batch from then on, and the partner is told."""
    async with Talk(gateway) as talk:
        talk.say(an_order(1), an_order(2))
        assert [(await talk.answer())["status"] for _ in range(2)] == [200, 200]
        case = await gateway.ask("POST", "/v1/cases", ERASE)
        assert case.status == 202
        talk.say(an_order(1), an_order(2))
        first, second = await talk.answer(), await talk.answer()

    assert (first["status"], first["code"]) == (403, "subject-erased")
    assert second["status"] == 200
    assert took(post) == [["O-1", "O-2"], ["O-2"]]
    assert [one["partner"] for one in case.json()["notices"]] == [PARTNER]


ERASE = {
    "action": "erase",
    "subject": "u-1",
    "reason": "user-request",
    "verified": {"method": "app-session", "reference": "s-1", "at": "2026-11-01T10:00:00Z"},
}


@promise("A1")
async def test_the_last_look_at_a_batch(gateway: House, post: FakePartner):
    """Who changes between intent and first byte is taken out; the rest of the batch leaves."""
    subjects, intend = gateway.gateway.subjects, gateway.gateway.store.intend
    await gateway.facts("u-2", minor=False)
    fenced: list[str] = []

    async def then_fence(intent: Any) -> Any:
        recorded = await intend(intent)
        if not fenced:
            fenced.append("u-2")
            await gateway.fence("u-2")
            subjects.forget_lookup(subjects.lookup("u-2"))
        return recorded

    gateway.gateway.store.intend = then_fence  # type: ignore[method-assign]
    lines = answers(await bulk(gateway, [an_order(n) for n in (1, 2, 3)]))

    assert [(one["status"], one.get("code")) for one in lines] == [
        (200, None),
        (403, "subject-restricted"),
        (200, None),
    ]
    assert took(post) == [["O-1", "O-3"]]
    assert [leaf["outcome"] for leaf in await gateway.leaves("outcome")] == [
        *["not-sent"] * 3,
        *["delivered"] * 2,
    ]
    assert post.refused == []


async def test_a_suspension_between_two_batches(gateway: House, post: FakePartner):
    """A partner that is suspended while a request runs gets none of its further lines."""
    async with Talk(gateway) as talk:
        talk.say(an_order(1))
        assert (await talk.answer())["status"] == 200
        reply = await gateway.ask("POST", f"/v1/partners/{PARTNER}/suspend")
        assert reply.status == 200
        talk.say(an_order(2))
        assert (await talk.answer())["code"] == "partner-suspended"
    assert took(post) == [["O-1"]]


async def test_a_reload_between_two_batches(gateway: House, post: FakePartner):
    """A request that runs for long is decided under the documents that are in force by then."""
    async with Talk(gateway) as talk:
        talk.say(an_order(1))
        assert (await talk.answer())["status"] == 200
        (gateway.folder / "partners" / f"{PARTNER}.yaml").unlink()
        assert await gateway.reload()
        talk.say(an_order(2))
        assert await talk.answer() == {"line": 2, "status": 404, "code": "partner-unknown"}
    assert took(post) == [["O-1"]]


async def test_nothing_of_a_request_is_kept(gateway: House, post: FakePartner):
    """Once a batch has ended, nothing in memory speaks of its records or their people."""
    await bulk(gateway, [an_order(n) for n in range(1, 60)])
    gc.collect()
    kept = [one for one in gc.get_objects() if isinstance(one, Line | Person)]

    assert kept == []
    assert list(gateway.gateway.subjects._live) == []


async def test_the_caller_hangs_up(gateway: House, post: FakePartner):
    """A batch on its way ends as it ends; lines that had not left stay, and nothing is kept."""
    post.script.always(Delay(0.3))
    async with Talk(gateway) as talk:
        talk.say(*(an_order(n) for n in range(1, 6)))
        while not post.arrivals:
            await asyncio.sleep(0.01)
        await talk.hang_up()
    for _ in range(100):
        await asyncio.sleep(0.02)
        if len(await gateway.leaves("outcome")) == 3:
            break

    assert [leaf["outcome"] for leaf in await gateway.leaves("outcome")] == ["delivered"] * 3
    assert took(post) == [["O-1", "O-2", "O-3"]]
    assert gateway.gateway.in_flight == 0
    assert await gateway.disclosures("u-4") == []


async def test_a_ledger_that_cannot_be_written(gateway: House, post: FakePartner):
    """Where an intent cannot be made durable, nothing leaves, and each line says so."""
    from gateway.errors import StoreFailed

    async def refuse(intent: Any) -> Any:
        raise StoreFailed("full")

    gateway.gateway.store.intend = refuse  # type: ignore[method-assign]
    assert answers(await bulk(gateway, [an_order(1)])) == [
        {"line": 1, "status": 503, "code": "ledger-unavailable"}
    ]
    assert post.arrivals == []


async def test_tokens_belong_to_their_own_person(open_house: OpenHouse):
    """A token made for one record is found with that record's person."""
    send = FIELDS | {"/phone": {"category": "basic.phone", "transform": "token"}}
    house = await open_house(a_post(send=send))
    await bulk(house, [an_order(n, phone=f"1380013800{n}") for n in (1, 2)])
    await house.gateway.store.flush()

    store: Any = house.gateway.store
    rows = await store.write(
        lambda db: db.execute("SELECT subject FROM token ORDER BY subject").fetchall()
    )
    assert len({row[0] for row in rows}) == 2


class Said:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: dict[str, dict[str, Any]] = {}

    def info(self, event: str, **more: Any) -> None:
        self.lines[event] = more


async def test_the_log_of_a_bulk_request(gateway: House):
    """One line tells what a request came to, in counts, and its metrics count the lines."""
    said = Said()
    gateway.gateway.log = said  # type: ignore[assignment]
    await bulk(gateway, [an_order(1), b"{", an_order(2)])
    line, batch = said.lines["bulk"], said.lines["share"]
    text = gateway.gateway.metrics.render()[0].decode()

    assert (line["count"], line["records"], line["refused"], line["batch"]) == (3, 2, 1, 1)
    assert (line["partner"], line["route"], line["state"]) == (PARTNER, "only", "whole")
    assert (batch["records"], batch["outcome"]) == (2, "delivered")
    for result, count in (("delivered", "2.0"), ("refused", "1.0")):
        assert f'lines_total{{partner="{PARTNER}",result="{result}"}} {count}' in text
