"""Routes, fields and contexts that are valid and take the one thing a test is about."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from gateway.errors import Reason
from gateway.model.ids import CategoryId, GroundId, PartnerId, PurposeId, RouteId
from gateway.model.recipients import Field, ReceivedField, ReceivedFile, Route, Seal, TransformCall
from gateway.shape import Context, Limits, Minimised, SendFilter, compile_send, parse_json

TODAY = date(2026, 11, 22)


def a_field(selector: str, *, transform: str | dict[str, Any] | None = None, **rules: Any) -> Field:
    """A declared value; `transform` is written as in a manifest."""
    rules.setdefault("category", CategoryId("basic.name"))
    return Field(selector=selector, transform=a_call(transform), **rules)


def a_call(written: str | dict[str, Any] | None) -> TransformCall | None:
    """A transform as a manifest writes it."""
    if written is None or isinstance(written, str):
        return None if written is None else TransformCall(name=written)
    ((name, argument),) = written.items()
    return TransformCall(name=name, argument=argument)


def a_route(
    *fields: Field,
    seal: Seal = Seal.NONE,
    receive: tuple[ReceivedField, ...] | ReceivedFile | None = None,
) -> Route:
    """A route that sends these fields."""
    return Route(
        id=RouteId("create-parcel"),
        partner=PartnerId("courier"),
        method="POST",
        path=("v2", "parcels"),
        purpose=PurposeId("order-fulfilment"),
        purpose_version=1,
        ground=GroundId("core-function"),
        retention=timedelta(days=30),
        seal=seal,
        send=fields,
        receive=receive,
    )


def a_context(
    *,
    partner: str = "courier",
    seal: Callable[[str, bytes], str] = lambda pointer, text: f"sealed({pointer})",
    token: Callable[[Field, Any], str] = lambda field, value: f"token({field.selector})",
) -> Context:
    """A context whose seals and tokens can be told apart."""
    return Context(
        partner=partner,
        hash_key=b"k" * 32,
        pseudonym=lambda subject: f"pseudonym of {len(subject)}",
        token=token,
        seal=seal,
        today=TODAY,
    )


def a_filter(*fields: Field | str, seal: Seal = Seal.NONE) -> SendFilter:
    """A filter of these fields; a string is a field without rules."""
    return compile_send(
        a_route(*(a_field(each) if isinstance(each, str) else each for each in fields), seal=seal)
    )


def parsed(text: str | bytes, **limits: int) -> Any:
    """A document as it comes from the app."""
    body = text.encode() if isinstance(text, str) else text
    return parse_json(body, Limits(**limits))


def sent(document: str, *fields: Field | str, **how: Any) -> Minimised:
    """What leaves of a JSON text through these fields."""
    seal = how.pop("seal", Seal.NONE)
    context = how.pop("context", None) or a_context()
    return a_filter(*fields, seal=seal).apply(parsed(document), context, **how)


def body_of(document: str, *fields: Field | str, **how: Any) -> str:
    """The text that leaves of a JSON text through these fields."""
    return bytes(sent(document, *fields, **how).body).decode()


MISSING = Reason.REQUIRED_FIELD_MISSING
MISMATCH = Reason.FIELD_TYPE_MISMATCH
