"""What a receipt must say to be one."""

from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cases import states
from gateway.notices.receipts import (
    RECEIPT_TYPE,
    STATUSES,
    Downstream,
    Receipt,
    ReceiptInvalid,
    check_claims,
)
from gateway.recipient import sign_receipt
from gateway.recipient.receipts import STATUSES as KIT_STATUSES
from gateway.seal.jws import verify_jws
from gateway.seal.keys import parse_partner_keys
from tests.unit.notices.builders import ISSUER, NOW, some_claims
from tests.unit.seal.builders import p256_jwk, public

SECONDS = int(NOW.timestamp())


def read(claims: Any) -> Receipt:
    """The receipt in these claims."""
    return check_claims(claims, partner="swift-parcel", audience=ISSUER, now=NOW)


def test_a_bare_receipt_is_read() -> None:
    """A receipt needs who, for whom, when, which notice and how far; no more."""
    assert read(some_claims()) == Receipt(jti="receipt-1", notice="ntc_1", status="completed")


def test_a_full_receipt_is_read() -> None:
    """Reason, the day of the backups, and who else had the data are read too."""
    claims = some_claims(
        status="partial",
        reason="不在备份中",
        backups_until="2026-12-31T23:59:59Z",
        downstream=[{"name": "Island Post", "status": "completed", "more": 1}],
        another="claim",
    )

    assert read(claims) == Receipt(
        jti="receipt-1",
        notice="ntc_1",
        status="partial",
        reason="不在备份中",
        backups_until=datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        downstream=(Downstream(name="Island Post", status="completed"),),
    )


@pytest.mark.parametrize("status", STATUSES)
def test_what_the_kit_signs_is_accepted(status: str) -> None:
    """A receipt made with the recipient kit verifies and is read as it was meant."""
    key = p256_jwk("sig-1", use="sig")
    token = sign_receipt(
        key,
        partner="swift-parcel",
        audience=ISSUER,
        notice="ntc_1",
        status=status,
        now=NOW,
        backups_until="2026-12-31",
    )
    claims = verify_jws(token, parse_partner_keys({"keys": [public(key)]}).sig, RECEIPT_TYPE)

    assert (read(claims).status, read(claims).backups_until) == (status, date(2026, 12, 31))


def test_all_agree_on_the_statuses() -> None:
    """The kit, the reader and the table of states know the same words."""
    assert set(STATUSES) == set(KIT_STATUSES) == set(map(str, states.STATUSES))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another recipient": ({"iss": "harbour-pay"}, "iss"),
    "no issuer": ({"iss": None}, "iss"),
    "another gateway": ({"aud": "https://elsewhere.example"}, "aud"),
    "many audiences": ({"aud": [ISSUER]}, "aud"),
    "no audience": ({"aud": None}, "aud"),
    "no jti": ({"jti": None}, "jti"),
    "an empty jti": ({"jti": ""}, "jti"),
    "a number as jti": ({"jti": 1}, "jti"),
    "an endless jti": ({"jti": "x" * 501}, "jti"),
    "no time": ({"iat": None}, "iat"),
    "a time as text": ({"iat": str(SECONDS)}, "iat"),
    "a boolean as time": ({"iat": True}, "iat"),
    "too old": ({"iat": SECONDS - 301}, "iat"),
    "from the future": ({"iat": SECONDS + 302}, "iat"),
    "infinitely late": ({"iat": float("inf")}, "iat"),
    "no number": ({"iat": float("nan")}, "iat"),
    "an endless number": ({"iat": 10**400}, "iat"),
    "no notice": ({"notice": None}, "notice"),
    "an unknown status": ({"status": "done"}, "status"),
    "a status of ours": ({"status": "overdue"}, "status"),
    "no status": ({"status": None}, "status"),
    "a list as status": ({"status": ["completed"]}, "status"),
    "a reason of many lines": ({"reason": "a\nb"}, "reason"),
    "a reason with escapes": ({"reason": "\x1b[2J"}, "reason"),
    "an empty reason": ({"reason": ""}, "reason"),
    "an endless reason": ({"reason": "x" * 501}, "reason"),
    "backups until some time": ({"backups_until": "soon"}, "backups_until"),
    "backups until no day": ({"backups_until": "2026-02-30"}, "backups_until"),
    "backups in another zone": ({"backups_until": "2026-12-01T00:00:00+08:00"}, "backups_until"),
    "backups as a number": ({"backups_until": SECONDS}, "backups_until"),
    "backups in other digits": ({"backups_until": "٢٠٢٦-12-01"}, "backups_until"),
    "backups for ever": ({"backups_until": "9999-12-31"}, "backups_until"),
    "backups too long": ({"backups_until": "2036-11-24"}, "backups_until"),
    "backups at no hour": ({"backups_until": "2026-12-01T25:00:00Z"}, "backups_until"),
    "downstream as text": ({"downstream": "Island Post"}, "downstream"),
    "downstream of texts": ({"downstream": ["Island Post"]}, "downstream"),
    "downstream without status": ({"downstream": [{"name": "Island Post"}]}, "status"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_wrong_claims_are_refused_by_name(name: str) -> None:
    """A receipt with a wrong claim is refused, and the claim is named without its value."""
    changes, claim = REFUSED[name]
    with pytest.raises(ReceiptInvalid) as refused:
        read(some_claims(**changes))

    assert str(refused.value).startswith(claim)


@pytest.mark.parametrize("offset", [-300, 0, 300])
def test_five_minutes_of_difference_pass(offset: int) -> None:
    """A recipient's clock may differ by 300 seconds, that much included."""
    now = NOW.replace(microsecond=0)
    claims = some_claims(iat=SECONDS + offset)
    receipt = check_claims(claims, partner="swift-parcel", audience=ISSUER, now=now)

    assert receipt.jti == "receipt-1"
    assert read(some_claims(iat=SECONDS + 0.5)).jti == "receipt-1"


@given(
    st.dictionaries(
        st.sampled_from([*some_claims(), "reason", "backups_until", "downstream"]),
        st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.lists(st.text()),
    )
)
def test_whatever_is_signed_is_read_or_refused(changes: dict[str, Any]) -> None:
    """No claims of a recipient, however strange, do anything but be read or be refused."""
    receipt = None
    with suppress(ReceiptInvalid):
        receipt = read(some_claims() | changes)

    assert receipt is None or (receipt.status in STATUSES and receipt.notice and receipt.jti)
