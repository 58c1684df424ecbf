"""
The transforms of the contract (§7), carried out.

What each shows is stated where it is written: `masks`, `generalise`,
`regions`, and below for those that need no more than a line. Which of them
desensitises which category is policy and stands with the policy.

Common to all: `null` stays null (only `drop` drops it); a number counts as the
digits it is written with, and what comes out of it is text, except for
coordinates, which stay numbers; a value that a transform cannot read, a
boolean or a number with an exponent among them, is dropped and never passed on
as it is.
"""

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from gateway.model.recipients import Field, TransformCall
from gateway.shape import generalise, masks, regions
from gateway.shape.context import Context
from gateway.shape.values import DROPPED, Number, declared_scalar, text_of, write_scalar

Transform = Callable[[Any, Context], Any]
"""A scalar -> the scalar to let out, or `DROPPED`."""

Maker = Callable[[TransformCall, Field | None], Transform]

_LEVELS = ("province", "city")
_MAX_DECIMALS = 2


def compile_transform(call: TransformCall, field: Field | None = None) -> Transform:
    """
    A transform with its argument, ready to run; `field` is the declared value
    that it stands in (`token` needs it).

    Raises `ValueError` for an unknown name or an argument that it cannot use.
    """
    maker = TRANSFORMERS.get(call.name)
    if maker is None:
        known = ", ".join(sorted(TRANSFORMERS))
        raise ValueError(f'transform "{call.name}" is not known, write one of: {known}')
    transform = maker(call, field)
    return transform if call.name == "drop" else _keep_null(transform)


def _keep_null(transform: Transform) -> Transform:
    return lambda value, context: None if value is None else transform(value, context)


def _on_text(change: Callable[[str], str | None]) -> Transform:
    """A transform of text; what has none that can be read, or gives None, is dropped."""

    def transform(value: Any, context: Context) -> Any:
        text = _readable(value)
        changed = None if text is None else change(text)
        return DROPPED if changed is None else changed

    return transform


def _readable(value: Any) -> str | None:
    """
    A text, or the digits of a number; None: neither. 1.38e10 has no digits to
    show or hide: its last ones are not the last ones of the number.
    """
    if type(value) is Number and "e" in value.lower():
        return None
    return text_of(value)


def _on_whole_text(change: Callable[[str], str | None]) -> Transform:
    """
    A transform of text that counts its characters; of numbers only whole ones,
    as zeros behind a point could stand in for the digits to hide.
    """
    transform = _on_text(change)
    return lambda value, context: (
        DROPPED if type(value) is Number and "." in value else transform(value, context)
    )


def _whole(call: TransformCall, default: int | None, *, least: int, most: int) -> int:
    """The argument of `call` as a whole number within bounds."""
    value = default if call.argument is None else call.argument
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(
            f"transform {call.name} needs a whole number from {least} to {most}, "
            f"write {{{call.name}: {least if default is None else default}}}"
        )
    return int(value)


def _mask_name(call: TransformCall, field: Field | None) -> Transform:
    return _on_whole_text(masks.mask_name)


def _mask_phone(call: TransformCall, field: Field | None) -> Transform:
    return _on_whole_text(masks.mask_phone)


def _mask_email(call: TransformCall, field: Field | None) -> Transform:
    return _on_text(masks.mask_email)


def _mask_tail(call: TransformCall, field: Field | None) -> Transform:
    count = _whole(call, 4, least=1, most=10_000)
    return _on_whole_text(lambda text: masks.mask_tail(text, count))


def _truncate(call: TransformCall, field: Field | None) -> Transform:
    count = _whole(call, None, least=1, most=10_000)
    return _on_text(lambda text: masks.truncate(text, count))


def _year(call: TransformCall, field: Field | None) -> Transform:
    return _on_text(generalise.year)


def _age_band(call: TransformCall, field: Field | None) -> Transform:
    width = _whole(call, 10, least=1, most=generalise.MAX_AGE)

    def transform(value: Any, context: Context) -> Any:
        text = _readable(value)
        band = None if text is None else generalise.age_band(text, width, today=context.today)
        return DROPPED if band is None else band

    return transform


def _region(call: TransformCall, field: Field | None) -> Transform:
    level = "province" if call.argument is None else call.argument
    if level not in _LEVELS:
        raise ValueError(
            "transform region needs a level, write {region: province} or {region: city}"
        )
    return _on_text(lambda text: regions.region(text, level))


def _coarse_location(call: TransformCall, field: Field | None) -> Transform:
    decimals = _whole(call, 1, least=0, most=_MAX_DECIMALS)
    coarse = _on_text(lambda text: generalise.coarse_location(text, decimals))

    def transform(value: Any, context: Context) -> Any:
        changed = coarse(value, context)
        return Number(changed) if type(value) is Number and changed is not DROPPED else changed

    return transform


def _ip_prefix(call: TransformCall, field: Field | None) -> Transform:
    bits = _whole(call, 24, least=1, most=32)
    return _on_text(lambda text: generalise.ip_prefix(text, bits))


def _hash(call: TransformCall, field: Field | None) -> Transform:
    """
    Shows whether two values are the same, to one partner only: the HMAC-SHA-256
    of the partner's id, a zero byte and the text under the home's key, in hex.
    The text is taken as it is; a boolean counts as `true` or `false`.
    """

    def transform(value: Any, context: Context) -> Any:
        message = f"{context.partner}\0{_plain(value)}".encode()
        return hmac.digest(context.hash_key, message, "sha256").hex()

    return transform


def _pseudonym(call: TransformCall, field: Field | None) -> Transform:
    """Shows the person's stable pseudonym for this partner; the value is a subject id."""
    return lambda value, context: (
        DROPPED if not text_of(value) else context.pseudonym(_plain(value))
    )


def _token(call: TransformCall, field: Field | None) -> Transform:
    """Shows nothing: a token of its own stands for the value, redeemed at the gateway (S4c)."""
    if field is None:
        raise ValueError("transform token needs the field that it stands in")
    return lambda value, context: context.token(field, value)


def _constant(call: TransformCall, field: Field | None) -> Transform:
    """Shows that there was a value; the value itself is always the same."""
    constant = declared_scalar(call.argument)
    return lambda value, context: constant


def _drop(call: TransformCall, field: Field | None) -> Transform:
    """Shows nothing, not even null."""
    return lambda value, context: DROPPED


def _plain(value: Any) -> str:
    return text_of(value) or write_scalar(value)


TRANSFORMERS: Mapping[str, Maker] = {
    "mask-name": _mask_name,
    "mask-phone": _mask_phone,
    "mask-email": _mask_email,
    "mask-tail": _mask_tail,
    "truncate": _truncate,
    "year": _year,
    "age-band": _age_band,
    "region": _region,
    "coarse-location": _coarse_location,
    "ip-prefix": _ip_prefix,
    "hash": _hash,
    "pseudonym": _pseudonym,
    "token": _token,
    "constant": _constant,
    "drop": _drop,
}
"""By the name that a manifest writes."""
