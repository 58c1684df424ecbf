"""
Log lines: JSON on standard error, or readable text on a terminal.

Every line passes one processor that lets out listed events, listed keys and
values of the right shape, and nothing else. Lines of libraries go the same way
and lose their text; so do errors that nobody caught. A line that was logged
wrongly is still a line: it says how much was left out.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from json.encoder import encode_basestring_ascii
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.typing import FilteringBoundLogger, Processor

from gateway.observe.faults import fault
from gateway.observe.shapes import WRONG
from gateway.observe.vocabulary import CRASH, EVENTS, KEYS, LIBRARY_LOG, UNLISTED_EVENT

__all__ = ["EVENTS", "KEYS", "configure_logging", "get_logger"]

EventDict = MutableMapping[str, Any]

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
# As the renderer of the library writes it, without making an encoder for each line.
_encode = json.JSONEncoder().encode
_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: encode_basestring_ascii,
    int: int.__repr__,
    # No shape lets NaN or an infinity pass.
    float: float.__repr__,
}
# What libraries say below this concerns their makers.
LIBRARY_LEVEL = logging.WARNING


def configure_logging(
    *, level: str = "info", stream: TextIO | None = None, console: bool | None = None
) -> None:
    """
    Set up logging for the process. May be called again.

    `level`: `debug`, `info`, `warning` or `error`. `stream`: standard error by
    default. `console`: readable text instead of JSON; by default on a terminal.
    Takes over the standard library's logging, warnings, and errors that nobody
    caught.
    """
    out = sys.stderr if stream is None else stream
    readable = out.isatty() if console is None else console
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            only_listed,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _renderer(readable, colours=out.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        # A logger keeps the setup of its first line; who sets up anew asks for a new one.
        cache_logger_on_first_use=True,
    )
    _take_over_standard_logging()
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def get_logger() -> FilteringBoundLogger:
    """
    A logger: `get_logger().info("share", partner=…, milliseconds=…)`.

    Events and keys are those of `EVENTS` and `KEYS`. May be called before
    `configure_logging`; what is logged until then goes out as JSON.
    """
    if not structlog.is_configured():
        configure_logging()
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def only_listed(_logger: Any, _method: str, line: EventDict) -> EventDict:
    """
    Keep what is listed and rightly shaped; count the rest as `unlisted`.

    `exc_info` is replaced by `fault`.
    """
    event = line.pop("event", None)
    listed = isinstance(event, str) and event in EVENTS
    told: dict[str, Any] = {"event": event if listed else UNLISTED_EVENT}
    unlisted = 0 if listed else 1
    error = _error(line.pop("exc_info", None))
    if error is not None:
        line.update(fault(error))
    for key, value in line.items():
        shape = KEYS.get(key)
        if shape is None:
            unlisted += 1
        elif value is not None:
            told[key] = shape(value)
    if unlisted:
        told["unlisted"] = unlisted
    return told


class LibraryHandler(logging.Handler):
    """Passes on that a library logged something, without what it said."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the logger's name, the level and, if there is one, the error."""
        name = record.name if record.name.replace(".", "").isidentifier() else WRONG
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        error = record.exc_info[1] if record.exc_info else None
        get_logger().log(level, LIBRARY_LOG, logger=name, exc_info=error)


def _renderer(readable: bool, *, colours: bool) -> Processor:
    if readable:
        return structlog.dev.ConsoleRenderer(colors=colours, timestamp_key="at")
    return _as_json


def _as_json(_logger: Any, _method: str, line: EventDict) -> str:
    """One line of JSON. Most values are short texts and numbers, and take the short way."""
    members = [
        f'"{name}": {_WRITERS.get(type(value), _encode)(value)}' for name, value in line.items()
    ]
    return "{" + ", ".join(members) + "}"


def _error(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exception() if exc_info else None


def _take_over_standard_logging() -> None:
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
    logging.root.handlers[:] = [LibraryHandler()]
    logging.root.setLevel(LIBRARY_LEVEL)
    logging.captureWarnings(True)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    get_logger().error(CRASH, exc_info=error)


def _uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    get_logger().error(CRASH, exc_info=told.exc_value)


def _unraisable(told: "sys.UnraisableHookArgs") -> None:
    get_logger().error(CRASH, exc_info=told.exc_value)
