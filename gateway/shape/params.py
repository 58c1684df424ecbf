"""
What leaves beside the body: path, query and header parameters (contract §6).

Each is declared or dropped, and obeys the same rules as a value of the body. A
parameter is text; where its declared type is a number or boolean, the text
must spell one.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.errors import Reason
from gateway.model.ids import NO_CATEGORY, CategoryId
from gateway.model.recipients import Field
from gateway.shape import explain as telling
from gateway.shape.context import Context
from gateway.shape.explain import FieldFate
from gateway.shape.minimise import categories_of, permitted
from gateway.shape.rules import compile_rule
from gateway.shape.run import SendRun
from gateway.shape.values import DROPPED, Number, declared_scalar, is_number, write_scalar

Place = Literal["path", "query", "header"]
Pairs = Sequence[tuple[str, str]]

_BOOLEANS = {"true": True, "false": False}
# What a place cannot hold, whatever the manifest says: in a path, what would
# make another address of it (contract §6); in a header, what would end it or
# has no business there (RFC 9110 §5.5).
_UNFIT: Mapping[Place, re.Pattern[str]] = {
    "path": re.compile(r"\A\.{0,2}\Z|[/\\\x00-\x1f\x7f]"),
    "query": re.compile(r"(?!)"),
    "header": re.compile(r"[\x00-\x08\x0a-\x1f\x7f]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteredParams:
    """Parameters as they leave, and what may be recorded of them."""

    pairs: tuple[tuple[str, str], ...]
    """Names as declared, values not yet encoded for their place."""
    fields: tuple[str, ...]
    """`path.x`, `query.x` or `header.x` of those that may speak of a person, as declared."""
    categories: tuple[CategoryId, ...]
    """Their categories, sorted, without `none`."""
    dropped: bool

    def __repr__(self) -> str:
        return f"<FilteredParams of {', '.join(self.fields)}>"


NOTHING = FilteredParams(pairs=(), fields=(), categories=(), dropped=False)
"""Of a place where nothing is declared and nothing came."""


class ParamFilter:
    """The compiled parameters of one place of one route."""

    def __init__(self, fields: Mapping[str, Field], place: Place) -> None:
        self._place = place
        self._fields = tuple(fields.values())
        self._declared = {
            self._own_name(name): (
                number,
                field,
                compile_value(field, f"{place}.{name}", sealed=field.sealed, unfit=_UNFIT[place]),
            )
            for number, (name, field) in enumerate(fields.items())
        }

    def apply(
        self,
        pairs: Pairs,
        context: Context,
        *,
        only: frozenset[CategoryId] | None = None,
        strict: bool = False,
    ) -> FilteredParams:
        """
        What of `pairs`, decoded, leaves; a name may come several times. `only`
        and `strict` as for a body.

        Undeclared headers are not counted as dropped: every request has some
        that are nobody's data. A path parameter cannot be left out: one that
        does not leave is `FIELD_TYPE_MISMATCH`.

        Raises `CallerError` as `SendFilter.apply` does, naming `place.name`.
        """
        if not pairs and not self._declared:
            return NOTHING
        run = SendRun(context)
        present = [(self._own_name(name), text) for name, text in pairs if self._counts(text)]
        out = [
            (name, text)
            for name, given in present
            if (text := self._pass(name, given, run, only)) is not None
        ]
        self._note_missing({name for name, _ in present}, run, only)
        if strict and run.undeclared:
            run.refuse(Reason.UNDECLARED_FIELDS, 0, "")
        run.raise_first()
        return self._filtered(out, run)

    def explain(
        self, pairs: Pairs, context: Context, *, only: frozenset[CategoryId] | None = None
    ) -> list[FieldFate]:
        """
        What would become of each of `pairs`, named `place.name`, then what is
        required and missing. Seals and keeps nothing.

        Undeclared headers are not told, as in `apply`.
        """
        given = [(self._own_name(name), text) for name, text in pairs if self._counts(text)]
        fates = [self._fate(name, text, telling.harmless(context), only) for name, text in given]
        absent = [
            telling.missing(f"{self._place}.{name}", field)
            for name, (_, field, _) in self._declared.items()
            if field.required and permitted(field, only) and name not in dict(given)
        ]
        return [*(fate for fate in fates if fate is not None), *absent]

    def _fate(
        self, name: str, text: str, context: Context, only: frozenset[CategoryId] | None
    ) -> FieldFate | None:
        declared, at = self._declared.get(name), f"{self._place}.{name}"
        if declared is None:
            told = telling.undeclared(at, "the route does not declare it")
            return None if self._place == "header" else told
        _, field, change = declared
        result = change(text, context) if permitted(field, only) else DROPPED
        if result is DROPPED and (self._place == "path" or self._asked_for(field, only)):
            result = Reason.FIELD_TYPE_MISMATCH
        if type(result) is Reason:
            return telling.refusing(at, field, result)
        if result is DROPPED:
            return _left_out(at, field, only)
        return telling.leaving(at, field, changed=result != text, sealed=field.sealed)

    def _asked_for(self, field: Field, only: frozenset[CategoryId] | None) -> bool:
        return field.required and permitted(field, only)

    def _own_name(self, name: str) -> str:
        return name.lower() if self._place == "header" else name

    def _counts(self, text: str) -> bool:
        # An empty header counts as missing (contract §6).
        return bool(text) or self._place != "header"

    def _pass(
        self, name: str, text: str, run: SendRun, only: frozenset[CategoryId] | None
    ) -> str | None:
        declared = self._declared.get(name)
        if declared is None:
            if self._place != "header":
                run.dropped = run.undeclared = True
            return None
        number, field, change = declared
        allowed = permitted(field, only)
        result = change(text, run.context) if allowed else DROPPED
        if result is DROPPED and (self._place == "path" or (field.required and allowed)):
            result = Reason.FIELD_TYPE_MISMATCH
        return self._settle(number, name, result, run)

    def _settle(self, number: int, name: str, result: Any, run: SendRun) -> str | None:
        if type(result) is str:
            run.let_out |= 1 << number
            return result
        run.dropped = True
        if type(result) is Reason:
            run.refuse(result, number, f"{self._place}.{name}")
        return None

    def _note_missing(
        self, present: set[str], run: SendRun, only: frozenset[CategoryId] | None
    ) -> None:
        for name, (number, field, _) in self._declared.items():
            needed = self._place == "path" or (field.required and permitted(field, only))
            if needed and name not in present:
                run.refuse(Reason.REQUIRED_FIELD_MISSING, number, f"{self._place}.{name}")

    def _filtered(self, pairs: list[tuple[str, str]], run: SendRun) -> FilteredParams:
        personal = [
            (name, field)
            for name, (number, field, _) in self._declared.items()
            if run.let_out >> number & 1 and field.category != NO_CATEGORY
        ]
        return FilteredParams(
            pairs=tuple(pairs),
            fields=tuple(f"{self._place}.{name}" for name, _ in personal),
            categories=categories_of([field for _, field in personal]),
            dropped=run.dropped,
        )


def _left_out(at: str, field: Field, only: frozenset[CategoryId] | None) -> FieldFate:
    if not permitted(field, only):
        return telling.withheld(at, field)
    name = field.transform.name if field.transform else "of its type"
    return telling.dropped(at, field, f"transform {name} lets nothing of it out", telling.SOFTENED)


def compile_params(fields: Mapping[str, Field], place: Place) -> ParamFilter:
    """
    The filter of one place's parameters, to be kept as long as the policy.

    Raises `ValueError` where a rule of the manifest cannot be carried out.
    """
    return ParamFilter(fields, place)


def filter_params(
    fields: Mapping[str, Field],
    pairs: Pairs,
    context: Context,
    *,
    place: Place,
    only: frozenset[CategoryId] | None = None,
    strict: bool = False,
) -> FilteredParams:
    """`compile_params(fields, place).apply(…)` at once, where nobody keeps the filter."""
    return compile_params(fields, place).apply(pairs, context, only=only, strict=strict)


def compile_value(
    field: Field, name: str, *, sealed: bool, unfit: re.Pattern[str]
) -> Callable[[str, Context], Any]:
    """
    The text of a declared value -> the text to send, `DROPPED`, or the `Reason` to refuse.

    `name` is what a sealed value says that it is; `unfit` finds what may not
    stand in the text that leaves.
    """
    read = _READERS.get(field.type or "string", _read_text)
    rule = compile_rule(_as_text(field))

    def change(text: str, context: Context) -> Any:
        value = read(text)
        if rule is not None and type(value) is not Reason:
            value = rule(value, context)
        if value is DROPPED or value is None or type(value) is Reason:
            return DROPPED if value is None else value
        if sealed:
            value = context.seal(name, write_scalar(_plain(value)).encode())
        text = _plain(value)
        return Reason.FIELD_TYPE_MISMATCH if unfit.search(text) else text

    return change


def _plain(value: Any) -> str:
    """A scalar as the text of a parameter."""
    return str(value) if isinstance(value, str) else write_scalar(value)


def _as_text(field: Field) -> Field:
    """For a parameter that stays text, the listed values are text as well: `1` for 1."""
    if field.enum is None or field.type not in (None, "string"):
        return field
    return replace(field, enum=tuple(_plain(declared_scalar(value)) for value in field.enum))


def _read_text(text: str) -> Any:
    return text


def _read_number(text: str) -> Any:
    return Number(text) if is_number(text) else Reason.FIELD_TYPE_MISMATCH


def _read_boolean(text: str) -> Any:
    return _BOOLEANS.get(text, Reason.FIELD_TYPE_MISMATCH)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "string": _read_text,
    "number": _read_number,
    "integer": _read_number,
    "boolean": _read_boolean,
}
