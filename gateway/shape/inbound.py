"""
What comes back: the declared fields of a partner's answer, or a declared file
(C5, P6). The same rules for every status and size; what cannot be read does
not pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import CallerError, PartnerResponseRefused
from gateway.model.payload import Body, Private
from gateway.model.recipients import ReceivedField, ReceivedFile, Route
from gateway.policy.selectors import parse_selector
from gateway.shape.minimise import EMPTY
from gateway.shape.parse import Limits, parse_json
from gateway.shape.paths import Emit, Spot, compile_walk, let_nothing_out
from gateway.shape.run import Run
from gateway.shape.values import WRITERS, text_of

_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A partner's answer as it reaches the app."""

    body: Body
    """Empty if nothing came, or nothing of it could be declared."""
    references: tuple[str, ...]
    """The partner's own ids of the record, distinct, in the order they came."""
    fields: tuple[str, ...]
    """The declared selectors that came in, in the manifest's order."""
    content_type: str | None
    """Of `body`; None if it is empty."""
    dropped: bool
    """Something came that is not declared, or longer than declared."""


NOTHING = Received(body=Body(), references=(), fields=(), content_type=None, dropped=False)


class ReceiveRun(Run):
    """One walk over one answer."""

    __slots__ = ("references",)

    def __init__(self) -> None:
        super().__init__()
        self.references: dict[str, None] = {}


class FieldsFilter:
    """The declared fields of a JSON answer."""

    def __init__(self, fields: Sequence[ReceivedField]) -> None:
        self._selectors = tuple(field.selector for field in fields)
        self._walk = compile_walk([_spot(place, field) for place, field in enumerate(fields)])

    def apply(self, body: bytes, content_type: str, limits: Limits) -> Received:
        """
        What of an answer reaches the app; an empty answer is an empty result.

        Raises `PartnerResponseRefused` if it is not JSON within `limits`.
        """
        if not body:
            return NOTHING
        if not is_json(content_type):
            raise PartnerResponseRefused("the partner answered with another type than JSON")
        document = _parse(body, limits)
        run = ReceiveRun()
        text = self._walk(document, run, "") or EMPTY.get(type(document), "")
        return Received(
            body=Body(text.encode()),
            references=tuple(run.references),
            fields=tuple(
                selector
                for place, selector in enumerate(self._selectors)
                if run.let_out >> place & 1
            ),
            content_type=_JSON if text else None,
            dropped=run.dropped,
        )


class FileFilter:
    """A declared file, which passes whole."""

    def __init__(self, file: ReceivedFile) -> None:
        self._file = file

    def apply(self, body: bytes, content_type: str, limits: Limits) -> Received:
        """
        The file as it came; an empty answer is an empty result.

        Raises `PartnerResponseRefused` if it has another type or is larger than
        declared.
        """
        if not body:
            return NOTHING
        if media_type(content_type) != self._file.content.lower():
            raise PartnerResponseRefused(f"the partner did not answer with {self._file.content}")
        if len(body) > min(self._file.max_bytes, limits.bytes):
            raise PartnerResponseRefused("the partner's file is larger than declared")
        return Received(
            body=Body(body),
            references=(),
            fields=(),
            content_type=self._file.content,
            dropped=False,
        )


ReceiveFilter = FieldsFilter | FileFilter
"""What a route takes back. Immutable, safe to use at once from anywhere."""


def compile_receive(route: Route) -> ReceiveFilter | None:
    """
    The filter of what a route takes back; None: nothing but the status.

    Raises `ValueError` where a selector of the manifest does not parse or two
    name the same value.
    """
    if route.receive is None:
        return None
    if isinstance(route.receive, ReceivedFile):
        return FileFilter(route.receive)
    return FieldsFilter(route.receive)


def media_type(content_type: str) -> str:
    """A Content-Type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    """Whether an answer of this type may be read as JSON."""
    # Without any type it is read as JSON, and must be just that.
    kind = media_type(content_type)
    return kind in ("", _JSON) or kind.endswith("+json")


def _parse(body: bytes, limits: Limits) -> Any:
    try:
        return parse_json(body, limits)
    except CallerError as error:
        raise PartnerResponseRefused(f"the partner's answer cannot be read: {error}") from error


def _spot(place: int, field: ReceivedField) -> Spot[ReceiveRun]:
    return Spot(
        tokens=parse_selector(field.selector),
        place=place,
        selector=field.selector,
        emit=_emit(place, field),
    )


def _emit(place: int, field: ReceivedField) -> Emit[ReceiveRun]:
    bit = 1 << place

    def emit(value: Any, run: ReceiveRun, pointer: str) -> str | None:
        write = WRITERS.get(type(value))
        if write is None:
            return let_nothing_out(value, run, pointer)
        text = text_of(value)
        # Also of one that is too long for the app: it is how the partner knows
        # the record, so deletion must be able to name it.
        if field.reference and text:
            run.references[Private(text)] = None
        if field.max_length is not None and len(text or "") > field.max_length:
            return None
        run.let_out |= bit
        return write(value)

    return emit
