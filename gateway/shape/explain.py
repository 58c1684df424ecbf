"""
What would become of each value of a document, and why (`gateway explain`).

Only here are undeclared values named, by pointer and never by content, to the
person who writes the manifest. It walks by itself instead of using the
compiled walk, so the two check each other in the tests.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gateway.errors import REASONS, Reason
from gateway.model.ids import CategoryId, ClauseId
from gateway.model.recipients import Field
from gateway.policy.selectors import EACH, escape, index_of
from gateway.shape.context import Context
from gateway.shape.rules import Rule
from gateway.shape.values import DROPPED, WRITERS

Fate = Literal["kept", "transformed", "sealed", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFate:
    """What becomes of one value; holds no value itself."""

    pointer: str
    """In what the app sends; for something missing, the selector that asks for it."""
    selector: str | None
    """The declared selector; None: undeclared."""
    category: CategoryId | None
    fate: Fate
    why: str
    clause: ClauseId
    """The clause of the policy that it rests on."""
    refuses: Reason | None = None
    """Why the whole share is refused for it; None: it is not."""


@dataclass(frozen=True, slots=True)
class _Declared:
    field: Field
    rule: Rule | None
    allowed: bool


_Entries = Sequence[tuple[tuple[str, ...], _Declared]]

SOFTENED = ClauseId("C6")
"""What a transform rests on."""
_KEPT, _SEALED = ClauseId("S3"), ClauseId("S4d")
_UNDECLARED, _LIMITED = ClauseId("P6"), ClauseId("D2")


def explain(
    document: Any,
    declared: Sequence[tuple[tuple[str, ...], Field, Rule | None, bool]],
    context: Context,
    *,
    seal_fields: bool,
) -> list[FieldFate]:
    """
    The fate of every scalar and of every empty object and array of `document`,
    in its order, then what is required and missing. `declared`: tokens, field,
    its rules, and whether the limit of the share allows it.

    No token is made and nothing is sealed.
    """
    explainer = _Explainer(harmless(context), seal_fields)
    entries = [
        (tokens, _Declared(field, rule, allowed)) for tokens, field, rule, allowed in declared
    ]
    if type(document) not in (dict, list):
        alone = undeclared("", "the body is one value alone, so the share is refused")
        return [replace(alone, refuses=Reason.FIELD_TYPE_MISMATCH)]
    fates = explainer.walk(document, entries, "") if document else ()
    return [*fates, *_missing(document, entries, "")]


def harmless(context: Context) -> Context:
    """A context that makes no token and seals nothing."""
    return replace(context, token=lambda field, value: "token", seal=lambda pointer, text: "sealed")


class _Explainer:
    def __init__(self, context: Context, seal_fields: bool) -> None:
        self.context = context
        self.seal_fields = seal_fields

    def walk(self, value: Any, entries: _Entries, pointer: str) -> Iterator[FieldFate]:
        here = next((declared for tokens, declared in entries if not tokens), None)
        inner = [entry for entry in entries if entry[0]]
        if type(value) in WRITERS:
            yield self.scalar(value, here, inner, pointer)
        elif here is not None and not inner:
            yield _container(pointer, here)
        elif not value:
            yield undeclared(pointer, "it is empty")
        else:
            for token, item in _items(value):
                below = _below(value, inner, token)
                yield from self.walk(item, below, f"{pointer}/{escape(token)}")

    def scalar(
        self, value: Any, here: _Declared | None, inner: _Entries, pointer: str
    ) -> FieldFate:
        if here is None and inner:
            return undeclared(pointer, "only what is inside an object or array here is declared")
        if here is None:
            return undeclared(pointer, "the route does not declare it")
        if not here.allowed:
            return withheld(pointer, here.field)
        result = value if here.rule is None else here.rule(value, self.context)
        if type(result) is Reason:
            return refusing(pointer, here.field, result)
        if result is DROPPED:
            return self.transformed_away(pointer, here)
        sealed = here.field.sealed and self.seal_fields
        return leaving(pointer, here.field, changed=result is not value, sealed=sealed)

    def transformed_away(self, pointer: str, here: _Declared) -> FieldFate:
        if here.field.required:
            return refusing(pointer, here.field, Reason.FIELD_TYPE_MISMATCH)
        name = here.field.transform.name if here.field.transform else ""
        return dropped(pointer, here.field, f"transform {name} lets nothing of it out", SOFTENED)


def leaving(pointer: str, field: Field, *, changed: bool, sealed: bool) -> FieldFate:
    """The fate of a value that leaves, `changed` by what its field declares or not."""
    fate: Fate = "kept"
    why, clause = "the route declares it", _KEPT
    if field.transform is not None:
        fate, why, clause = "transformed", f"by {field.transform.name}", SOFTENED
    elif changed:
        fate, why, clause = "transformed", "personal data in it is masked", _UNDECLARED
    if sealed:
        after = f" after {field.transform.name}" if field.transform else ""
        fate, why, clause = "sealed", f"for the recipient and purpose{after}", _SEALED
    return FieldFate(
        pointer=pointer,
        selector=field.selector,
        category=field.category,
        fate=fate,
        why=why,
        clause=clause,
    )


def _missing(value: Any, entries: _Entries, pointer: str) -> Iterator[FieldFate]:
    """What is required and not there, or not to be reached, each with where it is missing."""
    groups: dict[str, list[tuple[tuple[str, ...], _Declared]]] = {}
    for tokens, declared in entries:
        if tokens and declared.allowed and declared.field.required:
            groups.setdefault(tokens[0], []).append((tokens[1:], declared))
    for token, below in groups.items():
        reached = _reached(value, token)
        for name, item in reached:
            yield from _missing(item, below, f"{pointer}/{escape(name)}")
        if not reached and token != EACH:
            for tokens, declared in below:
                if EACH not in tokens:
                    yield missing(declared.field.selector, declared.field)


def _reached(value: Any, token: str) -> list[tuple[str, Any]]:
    """What a token leads to from here, with the name or index of each."""
    if type(value) not in (dict, list):
        return []
    wanted = range(len(value)) if type(value) is list and token == EACH else [index_of(token)]
    if type(value) is list:
        return [(str(at), value[at]) for at in wanted if at is not None and at < len(value)]
    return [(token, value[token])] if token != EACH and token in value else []


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if type(value) is dict:
        return iter(value.items())
    return ((str(index), item) for index, item in enumerate(value))


def _below(value: Any, entries: _Entries, token: str) -> _Entries:
    names = (token,) if type(value) is dict else (token, EACH)
    if token == EACH and type(value) is dict:
        return []
    return [(tokens[1:], declared) for tokens, declared in entries if tokens[0] in names]


def _container(pointer: str, here: _Declared) -> FieldFate:
    why = "an object or array stands where one value is declared"
    if not (here.field.required and here.allowed):
        return dropped(pointer, here.field, why, _KEPT)
    fate = dropped(pointer, here.field, f"{why}, so the share is refused", _KEPT)
    return replace(fate, refuses=Reason.FIELD_TYPE_MISMATCH)


def withheld(pointer: str, field: Field) -> FieldFate:
    """The fate of a value that the limit of this share keeps back (D2)."""
    return dropped(pointer, field, "its category is outside the limit", _LIMITED)


def missing(selector: str, field: Field) -> FieldFate:
    """What is required and did not come."""
    why = "it is required and missing, so the share is refused"
    fate = dropped(selector, field, why, _KEPT)
    return replace(fate, refuses=Reason.REQUIRED_FIELD_MISSING)


def undeclared(pointer: str, why: str) -> FieldFate:
    """Of a value that no selector names."""
    return FieldFate(
        pointer=pointer, selector=None, category=None, fate="dropped", why=why, clause=_UNDECLARED
    )


def refusing(pointer: str, field: Field, reason: Reason) -> FieldFate:
    """The fate of a value for which the whole share is refused."""
    info = REASONS[reason]
    why = f"{info.title.lower()}, so the share is refused"
    return replace(dropped(pointer, field, why, ClauseId(info.clauses[0])), refuses=reason)


def dropped(pointer: str, field: Field, why: str, clause: ClauseId) -> FieldFate:
    """The fate of a declared value that does not leave."""
    return FieldFate(
        pointer=pointer,
        selector=field.selector,
        category=field.category,
        fate="dropped",
        why=why,
        clause=clause,
    )
