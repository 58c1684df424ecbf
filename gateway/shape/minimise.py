"""
What leaves: the declared minimum of a document, written anew (P6, S3).

A route's `send` is compiled once, when the policy loads. Applying it to a
document gives the body for the partner and says what it held: which declared
selectors let something out, of which categories, and whether anything was left
out. Nothing here is skipped by size, type or status of anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.errors import CallerError, Reason
from gateway.model.ids import NO_CATEGORY, CategoryId
from gateway.model.payload import Body
from gateway.model.recipients import Field, Route, Seal
from gateway.policy.selectors import parse_selector
from gateway.shape.context import Context
from gateway.shape.explain import FieldFate, explain
from gateway.shape.leaves import compile_leaf, withheld
from gateway.shape.paths import Emit, Spot, compile_walk
from gateway.shape.rules import compile_rule
from gateway.shape.run import SendRun
from gateway.shape.subjects import subjects_in

__all__ = [
    "Context",
    "FieldFate",
    "Minimised",
    "SendFilter",
    "compile_send",
    "permitted",
    "subjects_in",
]

EMPTY: Mapping[type, str] = {dict: "{}", list: "[]"}
"""What is sent when nothing is left, as the top was (contract §7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimised:
    """A body as it leaves, and what may be recorded of it."""

    body: Body
    """JSON in UTF-8, every key and all structure written anew."""
    fields: tuple[str, ...]
    """The declared selectors that let something out, in the manifest's order."""
    categories: tuple[CategoryId, ...]
    """Their categories, sorted, without `none`."""
    dropped: bool
    """Something that came in did not go out: undeclared, outside a limit, or transformed away."""


class SendFilter:
    """The compiled `send` of one route. Immutable, safe to use at once from anywhere."""

    def __init__(self, fields: Sequence[Field], *, seal_fields: bool) -> None:
        self.declared = tuple(
            (parse_selector(field.selector), field, compile_rule(field)) for field in fields
        )
        self._seal_fields = seal_fields
        self._walk = self._compile(None)
        # A limit is that of one registered demand, so few recur; the same goes
        # for which values a document happens to hold.
        self._limited = lru_cache(maxsize=64)(self._compile)
        self._summary = lru_cache(maxsize=256)(self._summarise)

    def apply(
        self,
        document: Any,
        context: Context,
        *,
        only: frozenset[CategoryId] | None = None,
        strict: bool = False,
    ) -> Minimised:
        """
        What of `document`, as `parse_json` gave it, leaves.

        `only`: the categories that may leave (D2); a category covers those
        below it, and `none` always may, as it speaks of no person. A field
        outside is left out, and it need not be there even if required.
        `strict`: refuse instead of leaving out what is not declared.

        Raises `CallerError` with `FIELD_TYPE_MISMATCH`, `REQUIRED_FIELD_MISSING`,
        `PERSONAL_DATA_DETECTED` (each names the declared selector, the first of
        these that applies counts) or `UNDECLARED_FIELDS` (which names nothing).
        """
        empty = EMPTY.get(type(document))
        if empty is None:
            raise CallerError(
                Reason.FIELD_TYPE_MISMATCH,
                "the body is one value alone",
                remedy="Send a JSON object or array.",
            )
        run = SendRun(context)
        text = (self._walk if only is None else self._limited(only))(document, run, "")
        if strict and run.undeclared:
            run.refuse(Reason.UNDECLARED_FIELDS, 0, "")
        run.raise_first()
        fields, categories = self._summary(run.let_out)
        return Minimised(
            body=_encode(text or empty), fields=fields, categories=categories, dropped=run.dropped
        )

    def explain(
        self, document: Any, context: Context, *, only: frozenset[CategoryId] | None = None
    ) -> list[FieldFate]:
        """What would become of each value of `document`, and why. Seals and keeps nothing."""
        return explain(
            document,
            [
                (tokens, field, rule, permitted(field, only))
                for tokens, field, rule in self.declared
            ],
            context,
            seal_fields=self._seal_fields,
        )

    def _compile(self, only: frozenset[CategoryId] | None) -> Emit[SendRun]:
        return compile_walk([self._spot(place, only) for place in range(len(self.declared))])

    def _spot(self, place: int, only: frozenset[CategoryId] | None) -> Spot[SendRun]:
        tokens, field, rule = self.declared[place]
        allowed = permitted(field, only)
        sealed = self._seal_fields and field.sealed
        emit = compile_leaf(place, field, rule, sealed=sealed) if allowed else withheld
        return Spot(
            tokens=tokens,
            place=place,
            selector=field.selector,
            emit=emit,
            required=field.required and allowed,
            pointed=sealed,
        )

    def _summarise(self, let_out: int) -> tuple[tuple[str, ...], tuple[CategoryId, ...]]:
        fields = [
            field for place, (_, field, _) in enumerate(self.declared) if let_out >> place & 1
        ]
        return tuple(field.selector for field in fields), categories_of(fields)


def compile_send(route: Route) -> SendFilter:
    """
    The filter of what a route may send.

    Raises `ValueError` where a selector, transform, pattern or type of the
    manifest cannot be carried out, or a field is `sealed` and the route seals
    nothing (S4d): such a route must not load.
    """
    if route.seal is Seal.NONE and any(field.sealed for field in route.send):
        raise ValueError("a field is sealed and the route seals nothing, write seal: fields")
    return SendFilter(route.send, seal_fields=route.seal is Seal.FIELDS)


def permitted(field: Field, only: frozenset[CategoryId] | None) -> bool:
    """Whether a limit to the categories `only` lets `field` out."""
    return among(field.category, only)


def among(category: CategoryId, only: frozenset[CategoryId] | None) -> bool:
    """Whether a limit to the categories `only` lets what is of `category` out."""
    if only is None or category == NO_CATEGORY or category in only:
        return True
    return any(category.startswith(f"{tree}.") for tree in only)


def categories_of(fields: Sequence[Field]) -> tuple[CategoryId, ...]:
    """The categories of these fields that may speak of a person, sorted."""
    return tuple(sorted({field.category for field in fields} - {NO_CATEGORY}))


def _encode(text: str) -> Body:
    try:
        return Body(text.encode())
    except UnicodeEncodeError:
        # Its exception would hold the text; parse_json lets no lone surrogate
        # in, so this document came from elsewhere.
        problem = CallerError(Reason.BODY_MALFORMED, "the body holds half a surrogate pair")
    raise problem
