"""
An exception as a log line may tell of it (P2).

Its type and code, the types that caused it, and the lines of our own program it
went through. Never locals, never source lines, and no message: messages of
libraries hold values. Two of our own errors may speak: a `ConfigError`, which is
about documents, and a `PartnerFailed`, in the words of egress about a partner.
"""

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError, GatewayError, PartnerFailed

MAX_FRAMES = 20
MAX_CAUSES = 8

_PACKAGE = Path(__file__).resolve().parents[1]


def fault(error: BaseException) -> dict[str, Any]:
    """The keys that describe an exception."""
    causes = list(_causes(error))[:MAX_CAUSES]
    told: dict[str, Any] = {"error": type(error).__name__, "frames": _frames(error)}
    if isinstance(error, GatewayError):
        told["code"] = error.code
    if isinstance(error, ConfigError):
        told["problems"] = error
    if isinstance(error, PartnerFailed):
        told["why"] = error
    if causes:
        told["caused_by"] = [type(cause).__name__ for cause in causes]
        # What matters lies where it began, not where it was wrapped.
        told["frames"] = _frames(causes[-1]) or told["frames"]
    return told


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What lies below, nearest first: causes, else context, and the members of groups."""
    seen = {id(error)}
    below = [error]
    while below:
        for cause in _directly_below(below.pop(0)):
            if id(cause) not in seen:
                seen.add(id(cause))
                below.append(cause)
                yield cause


def _directly_below(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        yield from error.exceptions
    if error.__cause__ is not None:
        yield error.__cause__
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__


def _frames(error: BaseException) -> list[str]:
    """`gateway/flows/share.py:42`, outermost first; only files of this package."""
    walked = traceback.walk_tb(error.__traceback__)
    places = [(Path(frame.f_code.co_filename), line) for frame, line in walked]
    own = [
        f"gateway/{path.relative_to(_PACKAGE).as_posix()}:{line}"
        for path, line in places
        if path.is_relative_to(_PACKAGE)
    ]
    return own[-MAX_FRAMES:]
