"""Opening the new values of a correction."""

from typing import Any

import pytest

from gateway.recipient import Notice, RecipientError, open_changes
from tests.marks import promise
from tests.unit.recipient.builders import KEYS, PARTNER, PURPOSE, code_of, sealed
from tests.unit.seal.builders import SHARE

PHONE = "/recipient/phone"
JWE = sealed(b'"13912345678"', field=PHONE)


def a_notice(changes: Any = None, *, type: str = "subject.rectify", **data: Any) -> Notice:
    """A verified notice that corrects a telephone number."""
    given = {"purposes": [PURPOSE], "changes": {PHONE: JWE} if changes is None else changes}
    return Notice(given | data, id=SHARE, type=type, timestamp=0)


def opened(notice: Notice, keys: Any = KEYS, partner: str = PARTNER) -> Any:
    return open_changes(notice, keys, partner=partner)


@promise("R1")
def test_new_values_open_by_their_fields() -> None:
    """Each with what it was shared for, and printed without its value."""
    (one,) = opened(a_notice())

    assert (one.field, one.purpose, one.value) == (PHONE, PURPOSE, "13912345678")
    assert "139" not in repr(one)
    assert opened(a_notice({})) == ()


WRONG: dict[str, tuple[Notice, str]] = {
    "an erasure": (a_notice(type="subject.erase"), "notice-malformed"),
    "changes that are a list": (a_notice([JWE]), "notice-malformed"),
    "a change that is an object": (a_notice({PHONE: {}}), "notice-malformed"),
    "a text that is no seal": (a_notice({PHONE: "13912345678"}), "sealed-malformed"),
    "another field's": (a_notice({"/other": JWE}), "field-mismatch"),
    "another purpose's": (a_notice(purposes=["advertising"]), "purpose-mismatch"),
    "another notice's": (
        a_notice({PHONE: sealed(b"1", field=PHONE, share="shr_other")}),
        "share-mismatch",
    ),
    "no JSON": (a_notice({PHONE: sealed(b"{", field=PHONE)}), "sealed-malformed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_for_this_notice_is_refused(name: str) -> None:
    """Field, purpose and notice are compared, and nothing of a value is in the error."""
    notice, code = WRONG[name]
    with pytest.raises(RecipientError) as refused:
        opened(notice)

    assert refused.value.code == code
    assert "139" not in str(refused.value)


def test_another_recipients_value_does_not_open() -> None:
    """Sealed for one recipient, it is for that one alone."""
    assert code_of(lambda: opened(a_notice(), partner="other-parcel")) == "audience-mismatch"
    assert code_of(lambda: opened(a_notice(), {"keys": []})) == "key-missing"
