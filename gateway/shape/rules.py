"""
The rules of one declared value: what may stand there, and what becomes of it.

They run in this order, each on what the one before left: type, enum, pattern,
max_length (on the value as the app sends it), scan, transform. `null` breaks
no rule and stays null, only `drop` drops it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.errors import Reason
from gateway.model.recipients import Field
from gateway.policy.patterns import compile_pattern
from gateway.shape.context import Context
from gateway.shape.scan import MASK, find_personal, mask_personal
from gateway.shape.transforms import compile_transform
from gateway.shape.values import (
    Nothing,
    Number,
    declared_scalar,
    is_integral,
    same_value,
    text_of,
    without_exponent,
)

Rule = Callable[[Any, Context], Any]
"""
A scalar of a document -> the scalar to let out, `DROPPED`, or the `Reason` for
which the share is refused.
"""

_MISMATCH = Reason.FIELD_TYPE_MISMATCH

TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: type(value) is str,
    "number": lambda value: type(value) is Number,
    "integer": lambda value: type(value) is Number and is_integral(value),
    "boolean": lambda value: type(value) is bool,
}


def compile_rule(field: Field) -> Rule | None:
    """
    All rules of `field` as one function; None if it has none and any scalar
    leaves as it is.

    Raises `ValueError` where a rule of the manifest cannot be carried out.
    """
    steps = [*_checks(field), *_changes(field)]
    return _chain(steps) if steps else None


def _chain(steps: list[Rule]) -> Rule:
    if len(steps) == 1:
        return steps[0]

    def rule(value: Any, context: Context) -> Any:
        for step in steps:
            value = step(value, context)
            if type(value) is Nothing or type(value) is Reason:
                break
        return value

    return rule


def _checks(field: Field) -> list[Rule]:
    claims: list[Callable[[Any], bool]] = []
    if field.type is not None:
        claims.append(_known_type(field.type))
    if field.enum is not None:
        claims.append(_one_of(field.enum))
    # Length first: a pattern then reads no more than may pass.
    if field.max_length is not None:
        claims.append(_no_longer_than(field.max_length))
    if field.pattern is not None:
        claims.append(_of_form(field.pattern))
    return [_check(claim) for claim in claims]


def _check(holds: Callable[[Any], bool]) -> Rule:
    def check(value: Any, context: Context) -> Any:
        return value if value is None or holds(value) else _MISMATCH

    return check


def _known_type(name: str) -> Callable[[Any], bool]:
    if name not in TYPES:
        raise ValueError(f'type "{name}" is not known, write one of: {", ".join(TYPES)}')
    return TYPES[name]


def _one_of(values: tuple[Any, ...]) -> Callable[[Any], bool]:
    allowed = frozenset(same_value(declared_scalar(value)) for value in values)
    return lambda value: same_value(value) in allowed


def _no_longer_than(length: int) -> Callable[[Any], bool]:
    # A number by its spelling: its digits could carry as much as a text.
    return lambda value: len(text_of(value) or "") <= length


def _of_form(pattern: str) -> Callable[[Any], bool]:
    matches = compile_pattern(pattern).matches

    def holds(value: Any) -> bool:
        text = text_of(value)
        return text is not None and matches(text)

    return holds


def _changes(field: Field) -> list[Rule]:
    changes: list[Rule] = []
    if field.scan is not None:
        changes.append(_scan(field.scan))
    if field.transform is not None:
        changes.append(compile_transform(field.transform, field))
    return changes


def _scan(mode: str) -> Rule:
    match mode:
        case "block":
            return _scan_block
        case "mask":
            return _scan_mask
        case _:
            raise ValueError(f'scan "{mode}" is not known, write block or mask')


def _scan_block(value: Any, context: Context) -> Any:
    found = any(find_personal(text) for text in _readings(value))
    return Reason.PERSONAL_DATA_DETECTED if found else value


def _scan_mask(value: Any, context: Context) -> Any:
    spelled, *others = _readings(value) or ("",)
    masked = mask_personal(spelled)
    if masked != spelled:
        return masked
    return MASK if any(find_personal(text) for text in others) else value


def _readings(value: Any) -> tuple[str, ...]:
    """What a value reads as: its text, and of a number with an exponent its digits, too."""
    text = text_of(value)
    if text is None:
        return ()
    if type(value) is Number and not text.isdecimal():
        return text, without_exponent(value)
    return (text,)
