"""Protocol `rest`: a recipient's own interface, as its manifest declares it (contract §7, §9)."""

import asyncio
from typing import Any

import pytest

from gateway.cases.certificate import verify_certificate
from gateway.flows import trying
from gateway.flows.gateway import Gateway
from gateway.model.recipients import Partner
from gateway.notices.base import Answered, Request
from tests.counterparts.rest_partner import RestPartner
from tests.protocols.conftest import WEBHOOKS_OF_ITS_OWN, ProtocolHouse

EACH: dict[str, Any] = {
    "protocol": "rest",
    "url": "http://nowhere.invalid/v2",
    "response_completes": True,
    "requests": {
        "erase": {
            "method": "DELETE",
            "path": "/records/{reference}",
            "answers": {"2xx": "completed", "404": "not-found", "409": "refused"},
        }
    },
}
JOB: dict[str, Any] = {
    "protocol": "rest",
    "url": "http://nowhere.invalid/v2",
    "response_completes": True,
    "requests": {
        "erase": {
            "method": "POST",
            "path": "/erasures",
            "body": {"subject": "{pseudonym}", "ids": "{references}", "until": "by {deadline}"},
            "answers": {"202": "acknowledged"},
            "keep": "/job/id",
            "poll": {
                "path": "/erasures/{kept}",
                "every": "6h",
                "says": {
                    "at": "/job/state",
                    "values": {"working": "in-progress", "done": "completed", "denied": "refused"},
                },
            },
        }
    },
}


async def told_by(house: ProtocolHouse, terms: dict[str, Any], **changes: Any) -> None:
    """Start with these terms, at the recipient's own address."""
    await house.told_by(**{**terms, "url": f"{house.partner.url}/v2", **changes})


async def test_each_record_is_deleted_and_its_answer_completes(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """
    One DELETE for each of the recipient's own ids, with the manifest's proof; once all
    are answered the notice is completed on the recipient's response, and says so.
    """
    await told_by(house, EACH)
    await house.shared("LO-1", "LO-2", "LO-3")
    assert len(partner.records) == 3

    case = await house.opened_case()
    done = await house.until_closed(case["case"])

    (notice,) = done["notices"]
    assert (notice["state"], notice["evidence"], notice["reason"]) == (
        "completed",
        "response",
        None,
    )
    assert (notice["settled"], notice["attempts"]) == (True, 1)
    assert partner.records == {}
    assert [call.target for call in partner.calls] == [
        f"/v2/records/SP%2F{number}" for number in (1, 2, 3)
    ]
    keys = [call.headers["idempotency-key"] for call in partner.calls]
    assert keys == [f"{notice['notice']}-{place}" for place in range(3)]
    certificate = await house.ask("GET", f"/v1/cases/{case['case']}/certificate")
    claims = verify_certificate(certificate.body.decode(), house.gateway.keys.public_jwks())
    assert claims["notices"][0]["evidence"] == "response"


async def test_what_failed_is_told_again_and_what_is_done_is_not(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """A record of which the recipient fails is tried again alone, and nothing is complete before."""
    await told_by(house, EACH)
    await house.shared("LO-1", "LO-2", "LO-3")
    partner.broken = {"SP/2"}

    case = await house.opened_case()
    notice = await house.until(case["case"], state="sent")
    while notice["next_at"] is None or len(partner.calls) < 3:
        await asyncio.sleep(0.01)
        notice = await house.notice(case["case"])
    assert (notice["settled"], partner.records) == (False, {"SP/2": "LO-2"})
    partner.broken = set()
    house.forward(hours=7)
    done = await house.until_closed(case["case"])

    assert done["notices"][0]["state"] == "completed"
    assert [call.target[-1] for call in partner.calls] == ["1", "2", "3", "2"]


async def test_nothing_known_is_completed_as_not_found(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """A recipient that has nothing any more is done, and the case says why."""
    await told_by(house, EACH)
    await house.shared("LO-1")
    partner.records.clear()

    case = await house.opened_case()
    done = await house.until_closed(case["case"])

    assert (done["notices"][0]["state"], done["notices"][0]["reason"]) == ("completed", "not-found")


async def test_a_record_that_is_kept_is_a_persons_task(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """Of two records one is refused: the notice is done in part, and the case stays open."""
    await told_by(house, EACH)
    await house.shared("LO-1", "LO-2")
    partner.kept = {"SP/1"}

    case = await house.opened_case()
    notice = await house.until(case["case"], state="partial")

    assert (notice["evidence"], notice["settled"], notice["next_at"]) == ("response", False, None)


async def test_a_job_is_asked_for_until_it_is_done(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """
    The recipient is told once, with its own ids in the body, and then asked every six
    hours; its own id of the job survives a restart, and asking is no try.
    """
    await told_by(house, JOB)
    await house.shared("LO-1", "LO-2")

    case = await house.opened_case()
    notice = await house.until(case["case"], state="acknowledged")
    assert (notice["attempts"], len(partner.calls)) == (1, 1)
    body = partner.calls[0].body
    assert sorted(body["ids"]) == ["SP/1", "SP/2"]
    assert body["until"].startswith("by 20")
    partner.state = "working"
    await house.restart()
    house.forward(hours=6)
    notice = await house.until(case["case"], state="in-progress")
    assert notice["attempts"] == 1
    partner.state = "done"
    house.forward(hours=6)
    done = await house.until_closed(case["case"])

    assert (done["notices"][0]["evidence"], done["notices"][0]["attempts"]) == ("response", 1)
    assert [call.method for call in partner.calls] == ["POST", "GET", "GET"]
    assert partner.calls[1].target == "/v2/erasures/7"


async def test_a_recipient_that_does_not_answer_a_poll_is_asked_again(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """A failing poll loses nothing: the recipient is asked again, and told nothing twice."""
    await told_by(house, JOB)
    await house.shared("LO-1")
    case = await house.opened_case()
    await house.until(case["case"], state="acknowledged")

    partner.state, partner.failing = "done", 1
    house.forward(hours=6)
    await house.until(case["case"], attempts=2)
    house.forward(hours=7)
    done = await house.until_closed(case["case"])

    assert done["state"] == "closed"
    assert [call.method for call in partner.calls] == ["POST", "GET", "GET"]


async def test_a_share_that_may_still_arrive_has_it_told_from_the_beginning(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """
    What a share brings that ended unknown is deleted too: when its grant is over the
    recipient is told once more, and only then does its answer settle.
    """
    await told_by(house, JOB)
    await house.shared("LO-1")
    partner.cutting = True
    assert (await house.share(path="/v2/shipments/LO-2")).code == "outcome-unknown"
    case = await house.opened_case()
    await house.until(case["case"], state="acknowledged")

    partner.state = "done"
    house.forward(seconds=301)
    await house.until(case["case"], attempts=2)
    house.forward(hours=6)
    await house.until_closed(case["case"])

    assert [call.method for call in partner.calls] == ["POST", "POST", "GET"]


async def test_an_answer_completes_nothing_where_the_manifest_does_not_say_so(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """Without `response_completes` the recipient's 204 means that it was told, and no more."""
    request = {"method": "DELETE", "path": "/records/{reference}", "answers": {"404": "refused"}}
    await told_by(house, EACH, response_completes=None, requests={"erase": request})
    await house.shared("LO-1")

    case = await house.opened_case()
    notice = await house.until(case["case"], state="sent")

    assert (notice["settled"], notice["evidence"], partner.records) == (False, None, {})


async def test_what_the_interface_does_not_carry_goes_by_the_webhook_that_is_named(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """Of an interface without erasure the recipient is told by its fallback, and settles so."""
    rectify = {"method": "PUT", "path": "/records/{reference}"}
    webhook = {"protocol": "standard-webhooks", "url": f"{WEBHOOKS_OF_ITS_OWN}/privacy/notices"}
    await told_by(
        house,
        EACH,
        response_completes=None,
        requests={"rectify": rectify},
        fallback=webhook,
    )
    await house.shared("LO-1")

    case = await house.opened_case()
    done = await house.until_closed(case["case"])

    assert (done["notices"][0]["evidence"], partner.calls) == ("receipt", [])
    (came,) = house.recipients["swift-parcel"].notices.received
    assert (came.type, list(came.data["references"])) == ("subject.erase", ["SP/1"])


async def test_what_the_interface_cannot_name_is_a_persons_task(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """Of whom the recipient gave no id of its own, nobody can be named in its path."""
    await told_by(house, EACH)
    body = {
        "subject": "u-9",
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "fields": ["/recipient/name"],
        "categories": ["basic.name"],
        "at": "2026-10-01T00:00:00Z",
    }
    reply = await house.ask("POST", "/v1/disclosures", body)
    assert reply.status == 201, reply.json()

    case = await house.opened_case("u-9")
    notice = await house.until(case["case"], reason="manual")

    assert (notice["state"], notice["next_at"], partner.calls) == ("queued", None, [])


async def test_a_stop_waits_for_no_more_than_a_step(
    house: ProtocolHouse, partner: RestPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A recipient with many records, each answered late, keeps no gateway from stopping: it
    is told of the rest at the next start, and of nothing twice.
    """
    await told_by(house, EACH)
    await house.shared("LO-1", "LO-2", "LO-3")
    sent = trying._sent

    async def stopped(gateway: Gateway, told: Partner, request: Request) -> Answered:
        answered = await sent(gateway, told, request)
        gateway.stopping.set()
        return answered

    with monkeypatch.context() as patched:
        patched.setattr(trying, "_sent", stopped)
        case = (await house.opened_case())["case"]
        await house.until(case, state="sent")
        await house.restart()
    before = len(partner.calls)
    await house.until_closed(case)

    assert before == 1
    assert len({call.target for call in partner.calls}) == len(partner.calls) == 3
