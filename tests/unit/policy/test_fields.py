"""The declared values of a route."""

import pytest

from gateway.model.recipients import Field, ReceivedField, TransformCall
from tests.unit.policy.builders import messages, route, sending


def field(written: str) -> Field:
    """The one field of a route, declared as `/order: {...}`."""
    (found,) = route(sending(f"/order: {written}")).send
    return found


def test_a_field_has_a_category_and_nothing_else_by_default():
    """A field that names its category only leaves as any scalar, optional and unsealed."""
    assert field("{category: transaction.order}") == Field(
        selector="/order", category="transaction.order"
    )


def test_a_field_may_say_what_it_can_be():
    """Type, pattern, list of values, length and scan limit what passes (P6)."""
    found = field(
        "{category: none, type: string, pattern: '^[A-Z]+$', enum: [A, B], max_length: 9, "
        "scan: mask, required: true}"
    )
    assert (found.type, found.pattern, found.enum) == ("string", "^[A-Z]+$", ("A", "B"))
    assert (found.max_length, found.scan, found.required) == (9, "mask", True)


def test_lists_of_values_keep_their_types():
    """Numbers, truth values and null stay what they are."""
    assert field("{category: none, enum: [1, '1', true, null, 2.5]}").enum == (
        *(1, "1", True, None, 2.5),
    )


@pytest.mark.parametrize(
    ("written", "call"),
    [
        ("mask-name", TransformCall(name="mask-name")),
        ("{truncate: 7}", TransformCall(name="truncate", argument=7)),
        ("{region: city}", TransformCall(name="region", argument="city")),
        ("{constant: true}", TransformCall(name="constant", argument=True)),
        ("{mask-tail: }", TransformCall(name="mask-tail")),
    ],
)
def test_transforms_are_written_with_or_without_an_argument(written, call):
    """A transform is a name, or a name with one argument."""
    assert field(f"{{category: basic.name, transform: {written}}}").transform == call


def test_what_comes_back_is_declared_too():
    """Response fields may be references and have a category (C5)."""
    text = sending(
        "/order: {category: transaction.order}\n    receive: {/id: {reference: true}, "
        "/status: , /avatar: {category: media.avatar, max_length: 200}}"
    )
    assert route(text).receive == (
        ReceivedField(selector="/id", reference=True),
        ReceivedField(selector="/status"),
        ReceivedField(selector="/avatar", category="media.avatar", max_length=200),
    )


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{}", "this field has no category"),
        ("{category: none, type: integer, max_length: 3}", '"max_length" is for text'),
        ("{category: none, type: boolean, scan: block}", '"scan" is for text'),
        ("{category: none, enum: A}", "is a list"),
        ("{category: none, max_length: 9, sealed: 1}", "write true or false"),
        ("{category: none, max_length: 9, mask: true}", 'unknown key "mask"'),
        ("{category: basic.name, transform: [a]}", "write a value"),
    ],
)
def test_unfit_fields_are_told(written, told):
    """What a field cannot be is told at its place."""
    (message,) = messages(sending(f"/order: {written}"))
    assert told in message
