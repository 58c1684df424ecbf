"""The real filter beside the plain one: what each lets out of the same body."""

import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from gateway.errors import CallerError
from gateway.model.ids import CategoryId, GroundId, PartnerId, PurposeId, RouteId
from gateway.model.recipients import Field, Route
from gateway.shape import Context, Limits, Minimised, SendFilter, compile_send, parse_json
from tests.fuzz import plain_filter

LIMITS = Limits()
EMPTY: tuple[object, ...] = ({}, [])
# The plain filter keeps numbers as `Decimal`, which has no larger exponents.
_LARGE_EXPONENT = re.compile(rb"[eE][+-]?[0-9]{17}")
SENT, SENT_EMPTY = "sent", "sent, nothing left of it"


class Differs(AssertionError):
    """The two filters do not agree; says on which selectors and body."""


def a_filter(send: Mapping[str, bool]) -> SendFilter:
    """The real filter of a route that declares these selectors."""
    fields = tuple(
        Field(selector=selector, category=CategoryId("none"), required=required)
        for selector, required in send.items()
    )
    return compile_send(
        Route(
            id=RouteId("fuzz"),
            partner=PartnerId("courier"),
            method="POST",
            path=("fuzz",),
            purpose=PurposeId("order-fulfilment"),
            purpose_version=1,
            ground=GroundId("core-function"),
            retention=timedelta(days=30),
            send=fields,
        )
    )


def a_context() -> Context:
    """A context that nothing here uses: no field has a transform or a seal."""
    return Context(
        partner="courier",
        hash_key=b"k" * 32,
        pseudonym=lambda subject: subject,
        token=lambda field, value: "",
        seal=lambda pointer, text: "",
        today=date(2026, 11, 22),
    )


CONTEXT = a_context()


def minimised(real: SendFilter, body: bytes) -> Minimised | str:
    """What the gateway's filter makes of a body, or the code of its refusal."""
    try:
        return real.apply(parse_json(body, LIMITS), CONTEXT)
    except CallerError as error:
        return error.reason.value


def comparable(body: bytes) -> bool:
    """Whether the plain filter can read the numbers of a body."""
    return _LARGE_EXPONENT.search(body) is None


def wanted(send: Mapping[str, bool], body: bytes) -> tuple[Any, tuple[str, ...]]:
    """What must arrive and no codes, or nothing and the codes of which the answer has one."""
    try:
        return plain_filter.let_out(send, body), ()
    except plain_filter.Refused as refused:
        return None, refused.args


def outcome(real: SendFilter, send: Mapping[str, bool], body: bytes) -> str:
    """What became of a body, once both filters agree on it: `SENT`, `SENT_EMPTY` or a code."""
    left = minimised(real, body)
    document, codes = wanted(send, body)
    code = left if isinstance(left, str) else ""
    arrived = None if isinstance(left, str) else bytes(left.body)
    return agreed(send, body, document, codes, arrived, code)


def agreed(
    send: Mapping[str, bool],
    body: bytes,
    document: Any,
    codes: tuple[str, ...],
    arrived: bytes | None,
    code: str,
) -> str:
    """Raises `Differs` unless what arrived (or `code`) is what the plain filter said."""
    if arrived is None:
        if code not in codes:
            raise Differs(f"{send} {body!r}: refused {code}, wanted {codes or document}")
        return code
    if codes or once(arrived) != document:
        raise Differs(f"{send} {body!r}: arrived {arrived!r}, wanted {codes or document}")
    return SENT if document not in EMPTY else SENT_EMPTY


def once(body: bytes) -> Any:
    """A body that arrived, as the plain filter reads one; no key in it may repeat."""
    return json.loads(
        body.decode("utf-8"), object_pairs_hook=_members, parse_int=_exact, parse_float=_exact
    )


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Differs("a key leaves twice")
    return found


def _exact(text: str) -> tuple[str, Decimal]:
    return "number", Decimal(text)
