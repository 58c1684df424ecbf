"""A person is deleted: what a case does, tells, and can prove (A1, R2, R3)."""

import asyncio
import hashlib
import json
from base64 import b64decode, urlsafe_b64decode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.cases.certificate import CertificateInvalid, verify_certificate
from gateway.testing.notices import acknowledge_only, complete
from gateway.testing.partner import FakePartner
from tests.cases.house import CaseHouse
from tests.marks import promise


@promise("A1", "R3")
async def test_every_recipient_is_told_and_deletes(house: CaseHouse) -> None:
    """Each recipient that got the person's data is told once, and keeps nothing."""
    for partner in ("swift-parcel", "slow-parcel", "swift-parcel"):
        assert (await house.share(partner)).status == 200
    opened = await house.opened_case()
    await house.until_closed(opened["case"])

    assert sorted(one["partner"] for one in opened["notices"]) == ["slow-parcel", "swift-parcel"]
    for recipient in house.recipients.values():
        assert [came.type for came in recipient.notices.received] == ["subject.erase"]
        assert recipient.notices.received[0].deleted > 0


@promise("A1")
async def test_nothing_leaves_after_a_deletion_began(
    house: CaseHouse, courier: FakePartner
) -> None:
    """From the 202 on every share of the person is refused, also a queued one."""
    courier.notices.plan = acknowledge_only()
    assert (await house.share()).status == 200
    await house.opened_case()
    refused = await house.share()
    queued = await house.share(prefer="respond-async")

    assert (refused.status, refused.code) == (403, "subject-erased")
    assert (queued.status, queued.code) == (403, "subject-erased")
    assert refused.clause and set(refused.clause) <= {"A1", "R2"}
    assert len(courier.received) == 1


async def test_other_people_go_on(house: CaseHouse) -> None:
    """A deletion stops the shares of its own person and of nobody else."""
    assert (await house.share()).status == 200
    await house.opened_case()
    assert (await house.share(subject="u-2")).status == 200


@promise("K2")
async def test_the_account_is_empty_afterwards(house: CaseHouse) -> None:
    """After a deletion the person's account and consents are empty, whoever asks."""
    await house.consent()
    assert (await house.share()).status == 200
    await house.until_closed((await house.opened_case())["case"])
    consents = await house.ask("GET", "/v1/subjects/u-1/consents")

    assert await house.disclosures() == []
    assert consents.json() == {"consents": []}
    assert (await house.ask("POST", "/v1/consents", {})).status == 400


async def test_a_person_never_shared_is_deleted_at_once(house: CaseHouse) -> None:
    """The case of a person nobody got data of closes at once, and its fence stays."""
    opened = await house.opened_case("u-9")
    assert (opened["state"], opened["notices"]) == ("closed", [])
    assert (await house.share(subject="u-9")).code == "subject-erased"


async def test_aliases_are_deleted_with_the_person(house: CaseHouse) -> None:
    """Every id of the same person is behind the fence, and what it shared is told."""
    await house.facts("u-1", aliases=["mobile-7"])
    assert (await house.share(subject="mobile-7")).status == 200
    opened = await house.opened_case("u-1")
    await house.until_closed(opened["case"])

    assert [one["partner"] for one in opened["notices"]] == ["swift-parcel"]
    assert (await house.share(subject="mobile-7")).code == "subject-erased"


async def test_a_preview_does_nothing(house: CaseHouse) -> None:
    """A preview says who would be told, without ids, and changes nothing."""
    assert (await house.share()).status == 200
    before = len(await house.leaves())
    body = {
        "action": "erase",
        "subject": "u-1",
        "reason": "user-request",
        "verified": {"method": "app-session", "reference": "s", "at": "2026-11-01T10:00:00Z"},
    }
    reply = await house.ask("POST", "/v1/cases?preview=true", body)

    assert reply.status == 200
    assert [one["partner"] for one in reply.json()["notices"]] == ["swift-parcel"]
    assert not {"case", "salt"} & reply.json().keys()
    assert "notice" not in reply.json()["notices"][0]
    assert len(await house.leaves()) == before
    assert (await house.share()).status == 200


@pytest.mark.parametrize("query", ["preview=True", "preview=1", "preview=", "preveiw=true"])
async def test_a_misspelled_preview_deletes_nobody(house: CaseHouse, query: str) -> None:
    """What does not quite say preview is refused, rather than carried out."""
    assert (await house.share()).status == 200
    body = {
        "action": "erase",
        "subject": "u-1",
        "reason": "user-request",
        "verified": {"method": "app-session", "reference": "s", "at": "2026-11-01T10:00:00Z"},
    }
    reply = await house.ask("POST", f"/v1/cases?{query}", body)

    assert (reply.status, reply.code) == (400, "request-invalid")
    assert (await house.share()).status == 200


@pytest.mark.parametrize(
    "part",
    [
        {"scope": {"partners": ["swfit-parcel"]}},
        {"exempt": [{"partner": "swfit-parcel", "reason": "tax law", "evidence": "file 7"}]},
    ],
    ids=["scope", "exempt"],
)
async def test_a_misspelled_recipient_is_refused(house: CaseHouse, part: dict[str, object]) -> None:
    """A case that names a recipient nobody ever knew is refused, and nobody is told."""
    assert (await house.share()).status == 200
    body = {
        "action": "erase",
        "subject": "u-1",
        "reason": "user-request",
        "verified": {"method": "app-session", "reference": "s", "at": "2026-11-01T10:00:00Z"},
    }
    reply = await house.ask("POST", "/v1/cases", body | part)

    assert (reply.status, reply.code) == (400, "request-invalid")
    assert (await house.ask("GET", "/v1/cases")).json()["cases"] == []


async def test_the_same_request_opens_one_case(house: CaseHouse) -> None:
    """A repeat under one Idempotency-Key gets the first answer; another request gets 422."""
    assert (await house.share()).status == 200
    first = await house.erased(key="k-1")
    again = await house.erased(key="k-1")
    other = await house.erased("u-2", key="k-1")

    assert (first.status, again.status, other.status) == (202, 202, 422)
    assert first.json() == again.json()
    assert len(await house.leaves("fence")) == 1


async def test_a_scope_tells_and_fences_only_what_is_inside(
    house: CaseHouse, courier: FakePartner
) -> None:
    """Within a scope only its recipients are told and fenced, until the case is closed."""
    courier.notices.plan = acknowledge_only()
    for partner in ("swift-parcel", "slow-parcel"):
        assert (await house.share(partner)).status == 200
    opened = await house.opened_case(scope={"partners": ["swift-parcel"]})
    notice = (await house.until(opened["case"], state="acknowledged"))["notice"]
    inside, outside = await house.share(), await house.share("slow-parcel")
    await house.receipt(house.signed(courier, notice, "completed"))
    await house.until_closed(opened["case"])
    after = await house.share()

    assert [one["partner"] for one in opened["notices"]] == ["swift-parcel"]
    assert (inside.code, outside.status, after.status) == ("subject-restricted", 200, 200)
    assert house.recipients["slow-parcel"].notices.received == []


@pytest.mark.parametrize(
    "more",
    [
        {"reason": "retention-expired"},
        {"reason": "agreement-ended"},
        {"reason": "consent-withdrawn"},
        {"reason": "because"},
        {"reason": "service-ended"},
        {"scope": {}},
        {"action": "rectify"},
        {"verified": {"method": "guess", "reference": "s-1", "at": "2026-11-01T10:00:00Z"}},
        {"verified": {"method": "system", "reference": "", "at": "2026-11-01T10:00:00Z"}},
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(house: CaseHouse, more: dict) -> None:
    """A case without what its reason needs is 400, and nothing of the person changes."""
    assert (await house.share()).status == 200
    reply = await house.erased(**more)

    assert (reply.status, reply.code) == (400, "request-invalid")
    assert (await house.share()).status == 200


async def test_a_declared_disclosure_is_told_too(house: CaseHouse, courier: FakePartner) -> None:
    """Who got data beside the gateway is told of the deletion, once it was declared."""
    declared = {
        "subject": "u-1",
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "fields": ["/recipient/name"],
        "categories": ["basic.name"],
        "at": "2026-01-01T00:00:00Z",
    }
    assert (await house.ask("POST", "/v1/disclosures", declared)).status == 201
    await house.until_closed((await house.opened_case())["case"])

    assert [came.type for came in courier.notices.received] == ["subject.erase"]


async def test_suspended_and_removed_recipients_are_told(house: CaseHouse) -> None:
    """Neither a suspension nor a manifest that is gone keeps a notice from its recipient."""
    for partner in ("swift-parcel", "slow-parcel"):
        assert (await house.share(partner)).status == 200
    assert (await house.ask("POST", "/v1/partners/swift-parcel/suspend")).status == 200
    (house.folder / "partners" / "slow-parcel.yaml").unlink()
    assert await house.reload()
    await house.until_closed((await house.opened_case())["case"])

    assert all(len(one.notices.received) == 1 for one in house.recipients.values())


@promise("R3")
async def test_an_exempt_recipient_is_not_told(house: CaseHouse, courier: FakePartner) -> None:
    """An exemption with reason and evidence keeps its recipient from being told, on record."""
    assert (await house.share()).status == 200
    exempt = [{"partner": "swift-parcel", "reason": "tax law", "evidence": "file 7"}]
    closed = await house.until_closed((await house.opened_case(exempt=exempt))["case"])

    assert (closed["notices"][0]["state"], closed["notices"][0]["reason"]) == ("exempt", "tax law")
    assert courier.notices.received == []


async def test_a_notice_waits_for_its_share(house: CaseHouse, courier: FakePartner) -> None:
    """A share in flight is among those told, and its notice goes out after it has ended."""
    from gateway.testing.behaviour import Delay

    courier.script.next(Delay(0.4))
    flying = asyncio.create_task(house.share())
    while not courier.arrivals:
        await asyncio.sleep(0.01)
    opened = await house.opened_case()
    await asyncio.sleep(0.1)
    early = len(courier.notices.received)
    assert (await flying).status == 200
    await house.until_closed(opened["case"])
    data = courier.notices.received[0].data

    assert early == 0
    assert courier.notices.received[0].deleted > 0
    assert len(data["references"]) == 1


async def test_a_notice_is_a_standard_webhook(house: CaseHouse, courier: FakePartner) -> None:
    """A notice verifies with raw Ed25519 by the published key, and holds the contract's data."""
    assert (await house.share()).status == 200
    opened = await house.opened_case()
    await house.until_closed(opened["case"])
    came = courier.notices.received[0]
    headers = {name.lower(): value for name, value in came.headers.items()}
    jwks = (await house.public("/.well-known/jwks.json")).json()["keys"]
    (key,) = [one for one in jwks if one["kid"].startswith("notice-")]
    public = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(key["x"] + "=="))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + came.raw
    version, _, signature = headers["webhook-signature"].partition(",")
    public.verify(b64decode(signature), signed)
    body = json.loads(came.raw)

    assert version == "v1a"
    assert headers["webhook-id"] == opened["notices"][0]["notice"] == body["data"]["notice"]
    assert body["type"] == "subject.erase"
    assert body["data"].keys() == {
        *("notice", "issuer", "partner", "subject", "references", "purposes", "categories"),
        *("deadline", "receipts"),
    }
    assert body["data"]["subject"] == courier.received[0].claims["sub"]
    assert len(came.raw) < 20_000


@promise("R3")
async def test_a_certificate_proves_the_case(house: CaseHouse, courier: FakePartner) -> None:
    """A closed case has a certificate that plain PyJWT verifies; before, only an interim one."""
    courier.notices.plan = acknowledge_only()
    assert (await house.share()).status == 200
    opened = await house.opened_case()
    path = f"/v1/cases/{opened['case']}/certificate"
    notice = (await house.until(opened["case"], state="acknowledged"))["notice"]
    early = await house.ask("GET", path)
    interim = await house.ask("GET", f"{path}?interim=true")
    await house.receipt(house.signed(courier, notice, "completed"))
    await house.until_closed(opened["case"])
    await house.sequenced()
    final = await house.ask("GET", path)
    jwks = (await house.public("/.well-known/jwks.json")).json()
    token = final.body.decode()
    claims = verify_certificate(token, jwks)
    key = next(one for one in jwks["keys"] if one["kid"].startswith("certificate-"))
    plain = jwt.decode(token, jwt.PyJWK(key), algorithms=["EdDSA"])
    salt = urlsafe_b64decode(opened["salt"] + "==")

    assert (early.status, early.code) == (409, "case-open")
    assert interim.status == 200
    assert plain == claims
    assert claims["subject_hash"] == hashlib.sha256(salt + b"u-1").hexdigest()
    assert claims["state"] == "closed"
    assert len(claims["notices"][0]["receipts"]) == 1
    assert final.headers["Content-Type"] == "application/jose"


async def test_a_tampered_certificate_is_refused(house: CaseHouse) -> None:
    """A changed certificate, and one signed by a key that came in it, do not verify."""
    opened = await house.opened_case("u-9")
    reply = await house.ask("GET", f"/v1/cases/{opened['case']}/certificate")
    jwks = (await house.public("/.well-known/jwks.json")).json()
    head, body, mark = reply.body.decode().split(".")
    other = {"keys": [one for one in jwks["keys"] if not one["kid"].startswith("certificate-")]}

    for token, keys in (
        (f"{head}.{body[:-4]}AAAA.{mark}", jwks),
        (f"{head}.{body}.{mark[:-4]}AAAA", jwks),
        (f"{head}.{body}.{mark}", other),
    ):
        with pytest.raises(CertificateInvalid):
            verify_certificate(token, keys)


async def test_a_case_can_be_watched(house: CaseHouse, courier: FakePartner) -> None:
    """Server-sent events tell each change with an id, and end when the case is closed."""
    courier.notices.plan = complete(after_seconds=0.1)
    assert (await house.share()).status == 200
    case = (await house.opened_case())["case"]
    reply = await house.ask("GET", f"/v1/cases/{case}/events")
    blocks = [block.split("\n") for block in reply.body.decode().strip().split("\n\n")]
    kinds = [block[1].removeprefix("event: ") for block in blocks]
    ids = [int(block[0].removeprefix("id: ")) for block in blocks]
    later = await house.ask(
        "GET", f"/v1/cases/{case}/events", headers={"Last-Event-ID": str(ids[-2])}
    )

    assert reply.headers["Content-Type"].startswith("text/event-stream")
    assert ids == sorted(set(ids))
    assert (kinds[0], kinds[-1], set(kinds)) == ("case", "case", {"case", "notice"})
    assert later.body.decode().count("id: ") == 1


async def test_cases_are_listed_due_first(house: CaseHouse, courier: FakePartner) -> None:
    """Cases can be listed by state and recipient; no subject is in them."""
    courier.notices.plan = acknowledge_only()
    assert (await house.share()).status == 200
    opened = await house.opened_case()
    await house.opened_case("u-9")
    waiting = (await house.ask("GET", "/v1/cases?state=open&partner=swift-parcel")).json()["cases"]
    every = await house.ask("GET", "/v1/cases")

    assert [one["case"] for one in waiting] == [opened["case"]]
    assert len(every.json()["cases"]) == 2
    assert b"u-1" not in every.body and b"u-9" not in every.body
