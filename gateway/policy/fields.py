"""
The declared values of a route, out and back, as a manifest writes them
(contract §7: `send`, `path`, `query`, `headers`, `receive`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.model.ids import CategoryId
from gateway.model.recipients import (
    Field,
    ReceivedField,
    ReceivedFile,
    TokenTerms,
    TransformCall,
)
from gateway.policy.patterns import check_pattern
from gateway.policy.reading import Node, flag, maybe, read_or
from gateway.policy.selectors import parse_selector
from gateway.policy.transforms import TOKEN_ADVICE, wrong_call

FIELD_TYPES = ("string", "number", "integer", "boolean")
SCANS = ("block", "mask")

_FIELD = (
    "category",
    "transform",
    "sealed",
    "required",
    "type",
    "pattern",
    "enum",
    "max_length",
    "scan",
)
_RECEIVED = ("reference", "category", "max_length")
# What a listed value is where the type is not text.
_HOLDS: Mapping[str, tuple[type, ...]] = {
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}
# What only text can have.
_OF_TEXT = ("pattern", "max_length", "scan")


def read_send(node: Node) -> tuple[Field, ...]:
    """The selectors that may leave in the body."""
    fields = [read_field(member) for member in node.members().values() if _is_selector(member)]
    return tuple(field for field in fields if field is not None)


def read_parameters(node: Node, *, name: Callable[[Node], str | None]) -> dict[str, Field]:
    """Path, query or header parameters; `name` gives the name of each, or tells why not."""
    found: dict[str, Field] = {}
    for member in node.members().values():
        canonical = name(member)
        field = read_field(member, canonical)
        if canonical is None or field is None:
            continue
        if canonical in found:
            member.misnamed(f'"{canonical}" is declared twice, keep one of the two')
        found.setdefault(canonical, field)
    return found


def read_field(node: Node, selector: str | None = None) -> Field | None:
    """One declared value; None if it names no category, since then it can never leave."""
    if isinstance(node.value, dict) and "category" not in node.value:
        node.misnamed(
            "this field has no category and can never leave, write category: and one of "
            "categories.yaml, or none if it says nothing about a person (C1)"
        )
    fields = node.fields(_FIELD)
    category = read_or(fields, "category", Node.identifier, "")
    kind = read_or(fields, "type", lambda word: word.choice(FIELD_TYPES), "") or None
    if not category:
        return None
    if kind not in (None, "string"):
        for key in _OF_TEXT:
            if key in fields:
                fields[key].misnamed(f'"{key}" is for text, remove it, or write type: string')
    listed = maybe(fields, "enum", _enum)
    if listed is not None and kind is not None and kind in _HOLDS:
        _fitting(fields["enum"], kind)
    return Field(
        selector=node.key if selector is None else selector,
        category=CategoryId(category),
        transform=maybe(fields, "transform", read_transform),
        sealed=flag(fields, "sealed", False),
        required=flag(fields, "required", False),
        type=kind,
        pattern=maybe(fields, "pattern", _pattern),
        enum=listed,
        max_length=maybe(fields, "max_length", Node.whole),
        scan=read_or(fields, "scan", lambda word: word.choice(SCANS), "") or None,
    )


def _fitting(node: Node, kind: str) -> None:
    """Tell of listed values that could never come: they are of another type."""
    for item in node.items():
        value = item.value
        fits = isinstance(value, _HOLDS[kind]) and isinstance(value, bool) is (kind == "boolean")
        if value is not None and not fits:
            item.wrong(f"no {kind} ever has this value, write another, or remove type:")


def read_transform(node: Node) -> TransformCall | None:
    """`mask-name`, or `{truncate: 7}`; None after telling what is wrong with it."""
    if isinstance(node.value, dict):
        if len(node.value) != 1:
            node.wrong("a transform has one name, write it as mask-name, or as {truncate: 7}")
            return None
        ((name, argument),) = node.value.items()
        if name == "token":
            return _token(node.child(name, argument))
        call = TransformCall(name=name, argument=argument)
    else:
        text = node.text()
        if text is None:
            return None
        call = TransformCall(name=text)
    wrong = wrong_call(call)
    if wrong is not None:
        node.wrong(wrong)
        return None
    return call


def _token(node: Node) -> TransformCall | None:
    """`{token: {ttl: 7d, uses: 3}}`, at least one of the two; None after telling what is wrong."""
    if not isinstance(node.value, dict) or not node.value:
        node.misnamed(f'transform "token" {TOKEN_ADVICE}')
        return None
    fields = node.fields(("ttl", "uses"))
    ttl, uses = maybe(fields, "ttl", Node.duration), maybe(fields, "uses", Node.whole)
    told = {key for key, value in (("ttl", ttl), ("uses", uses)) if value is not None}
    # What is wrong was told, and what is misspelt must not read as no limit.
    if told != node.value.keys():
        return None
    return TransformCall(name="token", argument=TokenTerms(ttl=ttl, uses=uses))


def read_receive(node: Node) -> tuple[ReceivedField, ...] | ReceivedFile | None:
    """What may come back to the app: fields by selector, or one file (C5)."""
    if isinstance(node.value, dict) and not node.value.keys().isdisjoint({"content", "max"}):
        return _file(node)
    members = node.members().values()
    return tuple(_received(member) for member in members if _is_selector(member))


def _file(node: Node) -> ReceivedFile | None:
    keys = ("content", "max")
    fields = node.fields(keys, required=keys)
    content = read_or(fields, "content", Node.text, "")
    if content and (content.count("/") != 1 or not content.isascii() or set(content) & set(" ;*")):
        fields["content"].wrong("this is no media type, write one without parameters: text/csv")
    limit = read_or(fields, "max", Node.size, 0)
    return ReceivedFile(content=content.lower(), max_bytes=limit) if content and limit else None


def _received(node: Node) -> ReceivedField:
    # `/status:` with nothing behind it is what people write for `/status: {}`.
    fields = node.fields(_RECEIVED) if node.value is not None else {}
    category = read_or(fields, "category", Node.identifier, "")
    return ReceivedField(
        selector=node.key,
        reference=flag(fields, "reference", False),
        category=CategoryId(category) if category else None,
        max_length=maybe(fields, "max_length", Node.whole),
    )


def _is_selector(node: Node) -> bool:
    try:
        parse_selector(node.key)
    except ValueError as error:
        node.misnamed(str(error))
        return False
    return True


def _pattern(node: Node) -> str | None:
    text = node.text()
    if text is None:
        return None
    try:
        check_pattern(text)
    except ValueError as error:
        node.wrong(str(error))
        return None
    return text


def _enum(node: Node) -> tuple[Any, ...] | None:
    values: list[Any] = []
    for item in node.items():
        if isinstance(item.value, dict | list):
            item.wrong("a field lets out single values, write text, numbers, true, false or null")
        else:
            values.append(item.value)
    if isinstance(node.value, list) and not node.value:
        node.wrong("no value can ever pass an empty list, write at least one")
    return tuple(values) or None
