"""The checks of the demonstration's second half: each must be able to fail."""

import io
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.recipient import sign_receipt
from gateway.testing.copies import Copy
from gateway.testing.demo import gone, notified, settling, watching
from gateway.testing.demo.asking import Asked
from gateway.testing.demo.claims import Claim, Claims
from gateway.testing.demo.house import House
from gateway.testing.demo.leaver import FILE, Leaver, marks_of
from gateway.testing.demo.people_in_it import members
from gateway.testing.demo.recipients import FORMER, ROLES, Recipient
from gateway.testing.demo.sabotage import change_a_certificate, forge_a_certificate
from gateway.testing.demo.screen import Screen
from gateway.testing.demo.tokens import claims_of, encoded, sign, signed_by
from gateway.testing.demo.troubles import SLOW_SECONDS
from gateway.testing.keys import signature_jwk
from gateway.testing.notices import NoticeReceived, ReceiptSent
from gateway.testing.partner import FakePartner
from tests.unit.testing.demo_builders import CREDENTIAL, a_sent, an_arrival

PARTNER, NAME, REFERENCE = "swift-parcel", "pseudonym-of-the-one", "SP0000000001"


def a_copy(share: str = "shr-1", subject: str = NAME, *, reference: str = REFERENCE) -> Copy:
    """One record of the person at the courier."""
    return Copy(
        share=share,
        subject=subject,
        purpose="order-fulfilment",
        document={},
        references=frozenset({reference}),
        at=datetime(2026, 11, 2, tzinfo=UTC),
    )


def a_house() -> tuple[House, list[Claim]]:
    """A courier with one record of the person and one of somebody else; and what is claimed."""
    claimed: list[Claim] = []
    recipients = [
        Recipient(
            role=role,
            fake=FakePartner(role.partner),
            manifest={"name": role.partner},
            environment={},
            credential=CREDENTIAL,
        )
        for role in (ROLES[0], FORMER)
    ]
    recipients[0].fake.copies.keep(a_copy())
    recipients[0].fake.copies.keep(a_copy("shr-2", "somebody-else", reference="SP0000000002"))
    house = House(
        folder=Path(),
        home=Path(),
        screen=Screen(quiet=True),
        claims=Claims(claimed.append),
        gateway=None,
        recipients={PARTNER: recipients[0]},
        former=recipients[1],
        cast=members(),
        services={},
        jwks={},
        environment={},
    )
    return house, claimed


def an_asked(house: House) -> Asked:
    """A deletion as things stood at its 202."""
    member = house.cast[0]
    alias = replace(member, person=replace(member.person, account="guest-000417"))
    leaver = Leaver(member=member, alias=alias, names={PARTNER: frozenset({NAME})})
    return Asked(
        leaver=leaver,
        case="case_1",
        salt="c2FsdC1zYWx0LXNhbHQ",
        notices=[],
        at=0.0,
        held=leaver.copies(house),
        others=leaver.copies_of_others(house),
        arrivals=house.arrivals(),
        in_flight=1,
        tried=[a_sent()],
    )


def test_a_copy_that_stayed_is_found() -> None:
    """What a recipient still holds of the person is a problem; when it is gone there is none."""
    house, claimed = a_house()
    asked = an_asked(house)

    rows = gone.copies(house, asked)
    house.recipients[PARTNER].fake.copies.delete(NAME)
    gone.copies(house, asked)

    assert rows == [{"partner": PARTNER, "before": 1, "after": 1}]
    assert [claim.ok for claim in claimed] == [False, True, True, True]


def test_a_copy_of_somebody_else_that_went_is_found() -> None:
    """A recipient that deletes more than it was told has not done what it should."""
    house, claimed = a_house()
    asked = an_asked(house)
    for name in (NAME, "somebody-else"):
        house.recipients[PARTNER].fake.copies.delete(name)
    gone.copies(house, asked)

    assert [claim.ok for claim in claimed] == [True, False]


def test_a_share_that_left_behind_the_fence_is_found() -> None:
    """One request more at any recipient is one too many, and trying nothing shows nothing."""
    house, claimed = a_house()
    asked = an_asked(house)

    gone.check_none_left(house, asked)
    house.former.fake.arrivals.append("shr-9")
    gone.check_none_left(house, asked)
    house.former.fake.arrivals.clear()
    gone.check_none_left(house, replace(asked, tried=[]))

    assert [claim.ok for claim in claimed] == [True, False, False]
    assert "past-parcel was sent 1" in claimed[1].detail


def test_what_leads_back_to_a_person_is_searched_for() -> None:
    """Ids, alias, pseudonyms, recipients' own ids of records, and the salt are among the marks."""
    house, _ = a_house()
    asked = an_asked(house)
    marks = marks_of(asked.leaver, dict(asked.held), asked.salt)

    person = house.cast[0].person
    wanted = {person.account, person.phone, person.street, "guest-000417", asked.salt}
    assert wanted | {NAME, REFERENCE} <= set(marks.values())


def test_a_copy_that_came_as_a_file_is_the_persons() -> None:
    """What was handed over beside the gateway counts, whatever it is called."""
    house, _ = a_house()
    house.former.fake.copies.keep(a_copy(FILE, "", reference="PP-1"))
    leaver = an_asked(house).leaver

    assert {partner: len(held) for partner, held in leaver.copies(house).items()} == {
        PARTNER: 1,
        "past-parcel": 1,
    }


def a_notice(**data: Any) -> NoticeReceived:
    """A notice that the courier verified."""
    return NoticeReceived(
        order=9,
        at=datetime(2026, 11, 2, tzinfo=UTC),
        notice="ntc_1",
        headers={},
        raw=b"{}",
        data={"subject": NAME, "references": [REFERENCE], "partner": PARTNER} | data,
        verified=True,
    )


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        ({}, []),
        ({"subject": "another"}, ["swift-parcel: another pseudonym"]),
        ({"references": []}, ["swift-parcel: other references"]),
        ({"references": [REFERENCE, "SP0000000002"]}, ["swift-parcel: other references"]),
    ],
)
def test_a_notice_that_names_somebody_or_something_else_is_found(
    data: dict[str, Any], problems: list[str]
) -> None:
    """A recipient must be told its own pseudonym, and all its own ids and no others."""
    house, _ = a_house()
    house.recipients[PARTNER].fake.notices.received.append(a_notice(**data))

    assert list(notified.misnamed(house, an_asked(house))) == problems


@pytest.mark.parametrize(("late", "ok"), [(0.1, True), (-0.1, False)])
def test_a_notice_that_overtook_a_share_is_found(late: float, ok: bool) -> None:
    """A notice that came while a share had no answer yet is a problem."""
    house, claimed = a_house()
    fake = house.recipients[PARTNER].fake
    arrival = an_arrival(headers={"Sharing-Id": "shr-1"})
    fake.received.append(arrival.received)
    answered = arrival.wire.at + timedelta(seconds=SLOW_SECONDS + late)
    fake.notices.received.append(replace(a_notice(), at=answered))
    notified.check_order(house, [arrival.sent])

    assert [claim.ok for claim in claimed] == [ok]


def a_case(house: House, key: Any = None, **changes: Any) -> dict[str, Any]:
    """What a certificate says of one notice, settled by the courier's receipt."""
    signing = key or house.recipients[PARTNER].fake.keys.signature
    receipt = sign_receipt(
        signing, partner=PARTNER, audience="https://gw.example", notice="ntc_1", status="completed"
    )
    notice = {"notice": "ntc_1", "partner": PARTNER, "state": "completed", "evidence": "receipt"}
    notice |= {"settled": True, "receipts": [receipt]} | changes
    return {"iss": "https://gw.example", "notices": [notice]}


def test_a_notice_that_a_receipt_or_a_person_settled_is_no_problem() -> None:
    """A receipt by the recipient's own key, and a person's word."""
    house, _ = a_house()
    by_hand = a_case(house, evidence="person", state="exempt", receipts=[])

    assert list(settling.unsettled(house, a_case(house))) == []
    assert list(settling.unsettled(house, by_hand)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"key": signature_jwk("swift-parcel-sig-1")},
        {"notice": "ntc_2"},
        {"state": "partial"},
        {"receipts": []},
        {"evidence": "response"},
        {"settled": False},
    ],
)
def test_a_notice_that_nothing_settled_is_found(changes: dict[str, Any]) -> None:
    """Another key, another notice, another state, no receipt, nobody: none of these settles."""
    house, _ = a_house()

    assert len(list(settling.unsettled(house, a_case(house, **changes)))) == 1


def test_waiting_ends_where_nothing_more_can_come() -> None:
    """A person's task, and a last word that was not accepted, are waited for by no program."""
    house, _ = a_house()
    notice = {"notice": "ntc_1", "partner": PARTNER, "settled": False, "reason": None}
    sent = ReceiptSent(notice="ntc_1", status="completed", token="", http_status=401)

    assert watching.needs_person(notice | {"state": "refused"})
    assert watching.needs_person(notice | {"state": "queued", "reason": "manual"})
    assert not watching.needs_person(notice | {"state": "acknowledged"})
    assert not watching.hopeless(house, notice)
    house.recipients[PARTNER].fake.notices.receipts.append(sent)
    assert watching.hopeless(house, notice)
    house.recipients[PARTNER].fake.notices.receipts.append(replace(sent, http_status=200))
    assert not watching.hopeless(house, notice)


async def test_server_sent_events_are_read_as_the_standard_has_them() -> None:
    """Comments are passed over, an event ends with an empty line, and a cut one is none."""
    text = b': hello\n\nid: 7\nevent: notice\ndata: {"a": "b: c"}\n\n: still\n\nid: 8\n'

    async def lines() -> AsyncIterator[bytes]:
        for line in text.splitlines(keepends=True):
            yield line

    assert [event async for event in watching.events(lines())] == [
        watching.Event(id=7, kind="notice", data={"a": "b: c"})
    ]


def test_a_token_is_somebodys_only_by_their_key() -> None:
    """One letter or another key, and a token was not signed by whom it names."""
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    jwk, foreign = ({"x": encoded(one.public_key().public_bytes_raw())} for one in (key, other))
    token = sign({"alg": "EdDSA"}, {"iss": "somebody"}, key)
    header, payload, signature = token.split(".")

    assert claims_of(token) == {"iss": "somebody"}
    assert signed_by(token, jwk)
    assert not signed_by(token, foreign)
    assert not signed_by(f"{header}.{payload[:-1]}A.{signature}", jwk)
    with pytest.raises(ValueError):
        claims_of("no token")


@pytest.mark.parametrize("spoil", [change_a_certificate, forge_a_certificate])
def test_a_sabotaged_certificate_is_another(tmp_path: Path, spoil: Callable[[Path], Any]) -> None:
    """What the sabotage leaves has the form of a certificate, and not its signature."""
    key = Ed25519PrivateKey.generate()
    path = tmp_path / "certificate.jws"
    path.write_text(sign({"alg": "EdDSA", "kid": "certificate-1"}, {"reason": "user-request"}, key))
    done = spoil(path)
    spoiled = (done[0] if isinstance(done, tuple) else path).read_text().strip()

    assert claims_of(spoiled)["reason"].lower() == "user-request"
    assert not signed_by(spoiled, {"x": encoded(key.public_key().public_bytes_raw())})


def test_a_board_is_drawn_in_place_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal all rows anew over the old ones; in a file the row that changed."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    file, terminal = io.StringIO(), Terminal()
    for screen in (Screen(file), Screen(terminal)):
        screen.board(["a  sent"], 0)
        screen.board(["a  done", "b  sent"], 1)

    assert file.getvalue() == "  a  sent\n  b  sent\n"
    assert "\x1b[1A" in terminal.getvalue()
    assert terminal.getvalue().endswith("  a  done\n\r\x1b[K  b  sent\n")
