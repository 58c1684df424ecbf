"""
What a partner's answer to a batch says of each record: its own id of it (R3).

Nothing of such an answer reaches the app, which reads one status a line. Only
the fields that are declared with `reference: true` are read, and only where it
is beyond doubt whose each is:

    NDJSON with as many lines as records, or a JSON array with as many elements:
        each is the answer for the record at its place
    JSON with a selector that has one `*` and finds as many values as records:
        each is that of the record at its place
    JSON of any form for a batch of one record
"""

from collections.abc import Sequence
from typing import Any

from gateway.errors import CallerError, PartnerResponseRefused
from gateway.model.payload import Private
from gateway.model.recipients import ReceivedField
from gateway.policy.selectors import EACH, parse_selector
from gateway.shape.inbound import is_json, media_type
from gateway.shape.lines import NDJSON, LineSplitter
from gateway.shape.parse import Limits, parse_json
from gateway.shape.paths import ABSENT, values_at
from gateway.shape.values import text_of

References = tuple[tuple[str, str], ...]
"""Of one record: (declared selector, the partner's own id)."""


def references_in_bulk(
    fields: Sequence[ReceivedField], body: bytes, content_type: str, *, records: int, limits: Limits
) -> tuple[References, ...] | None:
    """
    The partner's own ids, record by record; None where nobody could say whose they are.

    Raises `PartnerResponseRefused` where the answer is not JSON or NDJSON within `limits`.
    """
    if not body:
        return None
    document = _document(body, content_type, limits)
    kept: list[list[tuple[str, str]]] = [[] for _ in range(records)]
    for field in fields:
        found = _by_record(document, parse_selector(field.selector), records)
        if found is None:
            return None
        for one, values in zip(kept, found, strict=True):
            one += [(field.selector, Private(text)) for text in map(_text, values) if text]
    return tuple(tuple(one) for one in kept)


def _document(body: bytes, content_type: str, limits: Limits) -> Any:
    ndjson = media_type(content_type) == NDJSON
    if not ndjson and not is_json(content_type):
        raise PartnerResponseRefused("the partner answered with another type than JSON or NDJSON")
    try:
        if not ndjson:
            return parse_json(body, limits)
        splitter = LineSplitter(limits.bytes)
        lines = [*splitter.feed(body), *splitter.finish()]
        return [parse_json(line or b"", limits) for line in lines]
    except CallerError as error:
        raise PartnerResponseRefused(f"the partner's answer cannot be read: {error}") from error


def _by_record(document: Any, tokens: Sequence[str], records: int) -> list[list[Any]] | None:
    """What stands at a selector, for each record; None where that cannot be told."""
    own = type(document) is list and len(document) == records
    if own and tokens[:1] != (EACH,):
        return [list(values_at(one, tokens)) for one in document]
    if records == 1:
        return [list(values_at(document, tokens))]
    if tokens.count(EACH) != 1:
        return None
    found = list(values_at(document, tokens))
    return [[value] for value in found] if len(found) == records else None


def _text(value: Any) -> str | None:
    return None if value is ABSENT else text_of(value)
