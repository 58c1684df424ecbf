"""Protocol `manual`: a letter, a mail, and on what a person settles (contract §9; R3)."""

from base64 import b64encode
from pathlib import Path
from typing import Any

from gateway.ledger.leaf import commitment
from tests.counterparts.rest_partner import RestPartner
from tests.protocols.conftest import ProtocolHouse

PDF = b"%PDF-1.7\nsigned by the recipient, for zhang san\n"


async def manual_notice(house: ProtocolHouse) -> dict[str, Any]:
    """A notice that only a person can tell; the recipient has two records."""
    await house.told_by(protocol="manual", fallback=None)
    await house.shared("LO-1", "LO-2")
    case = await house.opened_case()
    return await house.until(case["case"], reason="manual")


async def test_a_letter_says_what_the_recipient_must_know(
    house: ProtocolHouse, partner: RestPartner
) -> None:
    """
    Recipient, contact, agreement, its own ids, the deadline and how to answer, in both
    languages, as a page to print and as a mail; opening it is a read in the ledger.
    """
    notice = await manual_notice(house)
    path = f"/v1/notices/{notice['notice']}/letter"

    text = await house.ask("GET", path)
    page = await house.ask("GET", path, headers={"Accept": "text/html"})
    chinese = await house.ask("GET", f"{path}?format=text&language=zh")

    assert (text.status, page.status, chinese.status) == (200, 200, 200)
    mail, html = text.body.decode(), page.body.decode()
    for fact in (
        *("Swift Parcel Co.", "privacy@swift-parcel.example", "DPA-2026-014", "SP/1", "SP/2"),
        *(notice["notice"], notice["deadline"][:10], f"{house.public_url}/receipts"),
        *("Please delete", "请删除", "order-fulfilment"),
    ):
        assert fact in mail
        assert fact in html
    assert "请删除" in chinese.body.decode()
    assert "Please delete" not in chinese.body.decode()
    for personal in ("欧阳明", "13800138000", "u-1"):
        assert personal not in mail
    reads = await house.leaves("read")
    assert [leaf["record"] for leaf in reads] == [f"letter:{notice['notice']}"] * 3
    assert partner.calls == []


async def test_a_recipient_with_a_key_may_answer_a_letter_with_a_receipt(
    house: ProtocolHouse,
) -> None:
    """Who was told by a person answers as who was told by a program: signed, and settled."""
    notice = await manual_notice(house)
    token = house.signed(house.recipients["swift-parcel"], notice["notice"], "completed")

    reply = await house.receipt(token)

    assert (reply.status, reply.json()["state"]) == (200, "completed")
    now = await house.gateway.store.notice(notice["notice"])
    assert now is not None
    assert (now.settled, now.proof) == (True, "receipt")


async def test_there_is_no_letter_once_the_recipient_has_settled(house: ProtocolHouse) -> None:
    """With the escrow what a letter would say is destroyed; unknown notices have none either."""
    notice = await manual_notice(house)
    path = f"/v1/notices/{notice['notice']}"
    body = {"status": "completed", "reason": "by letter", "evidence": "letter of 3 May"}
    resolved = await house.ask("POST", f"{path}/resolve", body)
    assert resolved.status == 200

    gone = await house.ask("GET", f"{path}/letter")
    unknown = await house.ask("GET", "/v1/notices/ntc_0/letter")
    forbidden = await house.ask("GET", f"{path}/letter", token=house.token(scope=["case:read"]))

    assert (gone.status, gone.code) == (409, "notice-settled")
    assert (unknown.status, forbidden.status) == (404, 403)


async def test_a_file_is_committed_to_and_can_be_destroyed(house: ProtocolHouse) -> None:
    """
    The recipient's signed answer is kept sealed; the ledger holds a commitment to it and
    to the text, which still fits when the file is shown, and stays when it is destroyed.
    """
    notice = await manual_notice(house)
    path = f"/v1/notices/{notice['notice']}"
    attachment = {
        "name": "answer.pdf",
        "type": "application/pdf",
        "content": b64encode(PDF).decode(),
    }
    body = {"status": "completed", "reason": "by letter", "evidence": "letter of 3 May"}

    resolved = await house.ask("POST", f"{path}/resolve", body | {"attachment": attachment})
    shown = await house.ask("GET", f"{path}/resolution")

    assert (resolved.status, shown.status) == (200, 200)
    kept = shown.json()
    assert (kept["evidence"], kept["attachment"]["content"]) == (
        body["evidence"],
        attachment["content"],
    )
    leaf = (await house.leaves("notice"))[-1]
    committed = f"{kept['evidence']}\nsha256:{kept['attachment']['sha256']}"
    assert leaf["evidence"] == commitment(house.gateway.secret("resolution"), committed, leaf["id"])
    assert (await house.leaves("read"))[-1]["record"] == f"resolution:{notice['notice']}"
    assert not found_in(house.folder / "data", b"zhang san", b"letter of 3 May")
    deleted = await house.ask("DELETE", f"{path}/resolution")
    again = await house.ask("GET", f"{path}/resolution")
    assert (deleted.status, again.status) == (204, 404)


async def test_only_what_it_says_to_be_is_attached(house: ProtocolHouse) -> None:
    """A file of another type, nothing, or no base64 is refused, and the notice stays a task."""
    notice = await manual_notice(house)
    path = f"/v1/notices/{notice['notice']}/resolve"
    body = {"status": "completed", "reason": "by letter", "evidence": "letter of 3 May"}

    replies = [
        await house.ask(
            "POST", path, body | {"attachment": {"name": "a", "type": kind, "content": content}}
        )
        for kind, content in (
            ("application/pdf", b64encode(b"MZ").decode()),
            ("application/pdf", "%%%"),
            ("text/plain", b64encode(b"\xff\xfe").decode()),
            ("text/html", b64encode(b"<p>").decode()),
        )
    ]

    assert {one.status for one in replies} == {400}
    assert not any("MZ" in one.body.decode() for one in replies)
    now = await house.gateway.store.notice(notice["notice"])
    assert now is not None
    assert (now.state.value, now.settled) == ("queued", False)


def found_in(folder: Path, *needles: bytes) -> list[str]:
    """The files in which any of these stands."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(one in path.read_bytes() for one in needles)]
