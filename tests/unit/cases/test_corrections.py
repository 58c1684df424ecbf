"""Who had which of the corrected fields, and in what form."""

from typing import Any

import pytest

from gateway.cases.corrections import (
    CHANGES_BUDGET,
    by_token,
    check_changes,
    form_of,
    meant,
    only_changes,
    untouched,
    with_changes,
)
from gateway.cases.plan import PlannedNotice
from gateway.errors import CallerError
from gateway.model.cases import NewValue, Told
from gateway.model.ids import CategoryId, PartnerId, PurposeId
from gateway.model.recipients import Field, TransformCall
from tests.unit.cases.builders import WHOLE, a_scope

PHONE, NAME = CategoryId("basic.phone"), CategoryId("basic.name")
ORDERS = PurposeId("order-fulfilment")


def a_field(transform: str | None = None, argument: Any = None) -> Field:
    """A declared telephone number."""
    call = None if transform is None else TransformCall(name=transform, argument=argument)
    return Field(selector="/phone", category=PHONE, transform=call)


RAW, MASKED = a_field(), a_field("mask-phone")
FORMS = {
    "as it was and is": ([RAW], [RAW], RAW),
    "masked, then and now": ([MASKED], [MASKED], MASKED),
    "raw then, masked now": ([RAW], [MASKED], MASKED),
    "masked then, raw now": ([MASKED], [RAW], MASKED),
    "masked then, masked otherwise now": ([MASKED], [a_field("mask-tail", 4)], None),
    "nobody knows how it was": ([], [MASKED], MASKED),
    "no longer declared": ([MASKED], [], MASKED),
    "by one of two routes": ([RAW, MASKED], [RAW], None),
    "nobody knows anything": ([], [], None),
}


@pytest.mark.parametrize("name", FORMS)
def test_of_two_forms_the_one_that_hides_counts(name: str) -> None:
    """A recipient gets neither more than it had nor more than it may get."""
    then, now, form = FORMS[name]

    assert form_of(then, now) == form


@pytest.mark.parametrize("transform", ["drop", "constant", "pseudonym"])
def test_who_has_nothing_of_a_value_is_not_told(transform: str) -> None:
    """Nothing of the value left, so nothing of it is wrong."""
    assert untouched(a_field(transform))
    assert not untouched(MASKED)
    assert by_token(a_field("token")) and not by_token(MASKED)


def test_a_field_counts_before_its_category() -> None:
    """Of two changes of one field the nearer one is meant, and others are left alone."""
    changes = {"basic.phone": "1", "/phone": "2"}
    categories = {"/phone": frozenset({PHONE}), "/other": frozenset({PHONE})}
    found = meant(changes, ["/phone", "/other", "/name"], categories)

    assert [(one.selector, one.value) for one in found] == [("/phone", "2"), ("/other", "1")]


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "nothing": (None, WHOLE, "at least one"),
    "too many": ({f"c{n}": 1 for n in range(51)}, WHOLE, "at most 50"),
    "too long": ({PHONE: "1" * 2001}, WHOLE, "at most 2000 characters"),
    "no category": ({"basic.shoe": "44"}, WHOLE, "no category"),
    "a field of whom": ({"/shoe": "1"}, WHOLE, "whose it is in scope.partners"),
    "a field of nobody": ({"/shoe": "1"}, a_scope(partners={"swift"}), "declared by no recipient"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_changes_that_make_no_sense_are_refused(name: str) -> None:
    """With a sentence that holds neither names nor values of the caller's."""
    changes, scope, told = REFUSED[name]
    with pytest.raises(CallerError, match=told) as refused:
        check_changes(
            changes, scope, rectify=True, categories={PHONE, NAME}, fields={"/phone": PHONE}
        )

    assert "shoe" not in refused.value.detail


def a_value(selector: str, purpose: PurposeId = ORDERS, *, size: int = 1) -> NewValue:
    """A new value of so many characters."""
    return NewValue(selector=selector, purpose=purpose, purpose_version=1, value="1" * size)


def a_notice(*references: str) -> PlannedNotice:
    """A notice to one recipient."""
    told = Told(pseudonym="p", references=references, purposes=(ORDERS,), categories=(PHONE,))
    return PlannedNotice(partner=PartnerId("swift"), told=told, held=False)


def parts(*values: NewValue) -> list[Told]:
    """What is told of these values."""
    return [one.told for one in with_changes([a_notice("SP-1")], {("swift", "p"): values})]


def test_a_field_stands_once_in_a_notice() -> None:
    """The same field under two purposes goes on in a further part, which repeats no reference."""
    first, second = parts(a_value("/phone"), a_value("/phone", PurposeId("other")))

    assert [(one.part, one.parts) for one in (first, second)] == [(1, 2), (2, 2)]
    assert (first.references, second.references) == (("SP-1",), ())
    assert [len(one.changes) for one in (first, second)] == [1, 1]


def test_long_values_go_on_in_further_parts() -> None:
    """No part holds more than its budget, and none of them is lost."""
    values = [a_value(f"/f{number}", size=2000) for number in range(9)]
    told = parts(*values)

    assert [one for part in told for one in part.changes] == values
    assert len(told) > 1
    assert all(sum(len(v.value or "") for v in part.changes) < CHANGES_BUDGET for part in told)
    assert [part.parts for part in parts(a_value("/phone"))] == [None]


def test_what_never_left_is_taken_out() -> None:
    """A share that turned out not to have been sent corrects nothing."""
    (told,) = parts(a_value("/phone"), a_value("/name"))

    assert [one.selector for one in only_changes(told, [a_value("/name")]).changes] == ["/name"]
    assert only_changes(told, []).changes == ()


def test_new_values_are_not_printed() -> None:
    """Neither a value nor what tells it shows it."""
    (told,) = parts(a_value("/phone", size=20))

    assert "1" * 20 not in repr(told) + repr(told.changes)
