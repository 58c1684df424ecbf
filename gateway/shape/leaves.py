"""
What happens at one declared value on its way out: the ends of the walk.
"""

from collections.abc import Callable
from typing import Any

from gateway.errors import Reason
from gateway.model.recipients import Field
from gateway.shape.paths import Emit, let_nothing_out
from gateway.shape.rules import Rule
from gateway.shape.run import SendRun
from gateway.shape.values import DROPPED, WRITERS, write_scalar


def withheld(value: Any, run: SendRun, pointer: str) -> str | None:
    """What happens at a declared value that is outside the limit of this share (D2)."""
    run.dropped = True
    run.undeclared = run.undeclared or type(value) not in WRITERS
    return None


def compile_leaf(place: int, field: Field, rule: Rule | None, *, sealed: bool) -> Emit[SendRun]:
    """
    What happens at the declared value that is number `place` of its route: its
    `rule`, if it has any, and then, if `sealed`, the seal.
    """
    emit = _plain(place, field) if rule is None else _ruled(place, field, rule)
    return _sealing(emit) if sealed else emit


def _plain(place: int, field: Field) -> Emit[SendRun]:
    """Any scalar leaves as it is: the common case, kept short."""
    bit = 1 << place
    refuse = _container_refusal(place, field)

    def emit(value: Any, run: SendRun, pointer: str) -> str | None:
        write = WRITERS.get(type(value))
        if write is None:
            return refuse(value, run, pointer)
        run.let_out |= bit
        return write(value)

    return emit


def _ruled(place: int, field: Field, rule: Rule) -> Emit[SendRun]:
    """A scalar leaves as the rules of the field make it."""
    bit = 1 << place
    refuse = _container_refusal(place, field)
    withhold = _withholding(place, field)

    def emit(value: Any, run: SendRun, pointer: str) -> str | None:
        if type(value) not in WRITERS:
            return refuse(value, run, pointer)
        value = rule(value, run.context)
        write = WRITERS.get(type(value))
        if write is None:
            return withhold(value, run)
        run.let_out |= bit
        return write(value)

    return emit


def _container_refusal(place: int, field: Field) -> Emit[SendRun]:
    """An object or array stands where one value is declared: it never rides along."""

    def refuse(value: Any, run: SendRun, pointer: str) -> str | None:
        if field.required:
            run.refuse(Reason.FIELD_TYPE_MISMATCH, place, field.selector)
        return let_nothing_out(value, run, pointer)

    return refuse


def _withholding(place: int, field: Field) -> Callable[[Any, SendRun], None]:
    """What rules give in place of a scalar lets nothing out; a reason is the run's problem."""

    def withhold(result: Any, run: SendRun) -> None:
        if result is DROPPED:
            result = Reason.FIELD_TYPE_MISMATCH if field.required else None
        if result is not None:
            run.refuse(result, place, field.selector)

    return withhold


def _sealing(emit: Emit[SendRun]) -> Emit[SendRun]:
    """The same, sealed for the recipient. A share that is refused anyway is not."""

    def sealed(value: Any, run: SendRun, pointer: str) -> str | None:
        text = emit(value, run, pointer)
        if text is None or run.problems:
            return text
        return write_scalar(run.context.seal(pointer, text.encode()))

    return sealed
