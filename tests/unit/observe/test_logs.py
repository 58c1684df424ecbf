"""Log lines: what is listed gets through, and nothing else does, whatever path it takes."""

import asyncio
import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog

from gateway import errors
from gateway.egress import AddressRules, PartnerClient
from gateway.errors import (
    CallerError,
    ConfigError,
    Fenced,
    GatewayError,
    PartnerUnreachable,
    Problem,
    Reason,
    StoreFailed,
)
from gateway.model.payload import Private
from gateway.model.shares import Outcome
from gateway.observe.logs import EVENTS, KEYS, configure_logging, get_logger
from gateway.ports import Outgoing

MARK = "Zhang San 13800138000"
MARKS = re.compile("Zhang|13800138000|张三")


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Where the lines go; the process' logging is as before after the test."""
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    handlers, level, config = logging.root.handlers[:], logging.root.level, structlog.get_config()
    stream = io.StringIO()
    configure_logging(stream=stream)
    yield stream
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**config)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    """The lines written so far."""
    return [json.loads(line) for line in out.getvalue().splitlines()]


def clean(out: io.StringIO) -> list[dict[str, Any]]:
    """The lines, of which none holds anything of a mark."""
    text = out.getvalue()
    assert not MARKS.search(text)
    assert not MARKS.search(text.encode().decode("unicode_escape"))
    return lines(out)


def test_one_share_is_one_line(out: io.StringIO) -> None:
    """A line has its event, level, time, and the keys it was given; nothing more."""
    get_logger().info(
        "share",
        share="shr_01",
        partner="swift-parcel",
        outcome=Outcome.DELIVERED,
        status=200,
        milliseconds=12.34567,
        sealed=True,
        clauses=["S3", "P7"],
    )
    (line,) = lines(out)
    at = line.pop("at")

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", at)
    assert line == {
        "event": "share",
        "level": "info",
        "share": "shr_01",
        "partner": "swift-parcel",
        "outcome": "delivered",
        "status": 200,
        "milliseconds": 12.346,
        "sealed": True,
        "clauses": ["S3", "P7"],
    }


def test_lines_below_the_level_are_not_written(out: io.StringIO) -> None:
    """The level of the settings counts."""
    configure_logging(level="warning", stream=out)
    get_logger().info("ready")
    get_logger().warning("slow")

    assert [line["event"] for line in lines(out)] == ["slow"]


def test_an_unlisted_event_loses_its_text(out: io.StringIO) -> None:
    """Free text in place of an event is not written; that it was there, is."""
    log = get_logger()
    log.info(MARK)
    log.warning("share of %s", MARK)
    log.error(Private(MARK))

    assert [(line["event"], line["unlisted"]) for line in clean(out)] == [("unlisted-event", 1)] * 3


def test_an_unlisted_key_is_dropped_and_counted(out: io.StringIO) -> None:
    """Keys that are not on the list go, names and all."""
    get_logger().info(
        "share", share="shr_01", subject=MARK, body={"name": MARK}, **{MARK: 1, "张三": 2}
    )
    (line,) = clean(out)

    assert line["unlisted"] == 4
    assert line["share"] == "shr_01"
    assert set(line) == {"event", "level", "at", "share", "unlisted"}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_listed_key_is_no_licence_for_free_text(out: io.StringIO, key: str) -> None:
    """Under every listed key, text, objects and private values come out as a question mark."""
    for value in (MARK, "张三", {"name": MARK}, [MARK], Private("zhang"), MARK.encode(), object()):
        get_logger().info("share", **{key: value})

    assert {str(line[key]) for line in clean(out)} <= {"?", "['?']"}


@pytest.mark.parametrize(
    ("key", "value", "written"),
    [
        ("partner", "swift-parcel", "swift-parcel"),
        ("partner", "Swift Parcel", "?"),
        ("partner", "", "?"),
        ("share", "shr_0AbC-9", "shr_0AbC-9"),
        ("code", Reason.SUBJECT_ERASED, "subject-erased"),
        ("error", "ClientOSError", "ClientOSError"),
        ("address", "[::1]:8080", "[::1]:8080"),
        ("url", "https://issuer.example/jwks.json", "https://issuer.example/jwks.json"),
        ("url", "https://issuer.example/?name=x", "?"),
        ("service", "urn:shop:orders", "urn:shop:orders"),
        ("count", 3, 3),
        ("count", True, "?"),
        ("count", float("nan"), "?"),
        ("count", "3", "?"),
        ("ready", False, False),
        ("ready", 1, "?"),
        ("clauses", {"S3", "P7"}, ["P7", "S3"]),
        ("clauses", "S3", "?"),
        (
            "due",
            datetime(2026, 3, 1, 8, tzinfo=timezone(timedelta(hours=8))),
            "2026-03-01T00:00:00Z",
        ),
        ("due", datetime(2026, 3, 1, tzinfo=UTC).replace(tzinfo=None), "?"),
        ("due", "2026-03-01", "?"),
    ],
)
def test_each_key_takes_values_of_its_shape(
    out: io.StringIO, key: str, value: object, written: object
) -> None:
    """What has the right shape is written; what has not, is a question mark."""
    get_logger().info("share", **{key: value})

    assert lines(out)[0][key] == written


def test_a_value_that_is_not_there_is_left_out(out: io.StringIO) -> None:
    """None is nothing to tell."""
    get_logger().info("share", share="shr_01", code=None)

    assert "code" not in lines(out)[0]


def foreign() -> None:
    """Fail in a library, with a value in the message and in the locals."""
    name = MARK
    int(name)


def wrapped(kind: Callable[[str], Exception]) -> Exception:
    """An error of ours with a library's below it."""
    try:
        try:
            foreign()
        except ValueError as error:
            raise kind("one of ours") from error
    except Exception as error:
        return error
    raise AssertionError


def test_an_error_is_told_by_type_code_and_cause(out: io.StringIO) -> None:
    """Neither the library's message, nor locals, nor source lines are written."""
    get_logger().error("request-failed", exc_info=wrapped(Fenced))
    (line,) = clean(out)

    assert line["error"] == "Fenced"
    assert line["code"] == "subject-erased"
    assert line["caused_by"] == ["ValueError"]
    assert "one of ours" not in out.getvalue()


@pytest.mark.parametrize("how", [True, "tuple"])
def test_the_error_at_hand_is_told(out: io.StringIO, how: object) -> None:
    """`exc_info=True`, `exception()` and the tuple all mean the error being handled."""
    try:
        foreign()
    except ValueError:
        told = sys.exc_info() if how == "tuple" else how
        get_logger().error("request-failed", exc_info=told)
        get_logger().exception("request-failed")

    assert [line["error"] for line in clean(out)] == ["ValueError"] * 2


def test_without_an_error_nothing_is_told(out: io.StringIO) -> None:
    """`exc_info` where there is no error adds nothing."""
    get_logger().error("request-failed", exc_info=True)

    assert set(lines(out)[0]) == {"event", "level", "at"}


def test_a_group_is_told_by_its_members(out: io.StringIO) -> None:
    """Workers fail in groups; the types of all that failed are there."""
    group = ExceptionGroup(MARK, [wrapped(StoreFailed), KeyError(MARK)])
    get_logger().error("worker-failed", exc_info=group)
    (line,) = clean(out)

    assert line["error"] == "ExceptionGroup"
    assert line["caused_by"] == ["StoreFailed", "KeyError", "ValueError"]


def test_causes_that_go_in_circles_end(out: io.StringIO) -> None:
    """A chain that leads back to itself is told once."""
    first, second = ValueError(MARK), KeyError(MARK)
    first.__cause__, second.__cause__ = second, first
    get_logger().error("request-failed", exc_info=first)

    assert clean(out)[0]["caused_by"] == ["KeyError"]


async def test_frames_are_those_of_our_program(out: io.StringIO) -> None:
    """Where it happened is told by file and line, for our files only."""
    client = PartnerClient("swift-parcel", None, rules=AddressRules(), secrets=str, folder=Path())
    request = Outgoing(
        method="GET",
        url=f"https://127.0.0.1/{MARK}",
        headers=(),
        body=None,
        timeout_seconds=1,
        connect_timeout_seconds=1,
        response_limit=1,
    )
    try:
        await client.send(request, last_look=lambda: None)
    except ValueError as error:
        get_logger().error("request-failed", exc_info=error)
    (line,) = clean(out)

    assert line["frames"]
    assert all(re.fullmatch(r"gateway/egress/client\.py:\d+", frame) for frame in line["frames"])


def test_problems_of_documents_are_written_in_full(out: io.StringIO) -> None:
    """Whoever reloads a broken set reads every problem with its place."""
    problem = Problem("courier.yaml", 14, 14, 'purpose "shipping" is not declared')
    get_logger().error("policy-reload-failed", problems=[problem])
    get_logger().error("policy-reload-failed", exc_info=ConfigError([problem]))
    get_logger().error("config-invalid", problems=ConfigError("egress.allow: no network"))
    told = 'courier.yaml:14:14: purpose "shipping" is not declared'

    assert [line["problems"] for line in lines(out)] == [
        [told],
        [told],
        ["egress.allow: no network"],
    ]


def test_what_is_wrong_with_a_partner_is_written(out: io.StringIO) -> None:
    """The words of egress reach the operator."""
    error = PartnerUnreachable("swift-parcel: its certificate does not verify")
    get_logger().warning("partner-failed", exc_info=error)

    assert lines(out)[0]["why"] == "swift-parcel: its certificate does not verify"


def test_a_refusal_of_the_caller_does_not_speak(out: io.StringIO) -> None:
    """Errors about the caller's input are told by code alone."""
    get_logger().info("share", exc_info=CallerError(Reason.FIELD_TYPE_MISMATCH, MARK))

    assert clean(out)[0]["code"] == "field-type-mismatch"


def test_libraries_lose_their_text(out: io.StringIO) -> None:
    """What a library logs is one line with its name and level, whatever it put into it."""
    log = logging.getLogger("aiohttp.client")
    log.warning("request to %s failed", MARK, extra={"body": MARK}, stack_info=True)
    try:
        foreign()
    except ValueError:
        log.exception("could not read %s", MARK)
    logging.getLogger(MARK).critical(MARK)
    log.log(35, MARK)
    log.info("not written")

    assert [
        (line["event"], line["level"], line["logger"], line.get("error")) for line in clean(out)
    ] == [
        ("library-log", "warning", "aiohttp.client", None),
        ("library-log", "error", "aiohttp.client", "ValueError"),
        ("library-log", "critical", "?", None),
        ("library-log", "warning", "aiohttp.client", None),
    ]


def test_a_library_with_its_own_handler_loses_it(out: io.StringIO) -> None:
    """A handler that a library set up before does not go on writing."""
    own = io.StringIO()
    log = logging.getLogger("gateway_test_library")
    log.addHandler(logging.StreamHandler(own))
    log.propagate = False
    configure_logging(stream=out)
    log.warning(MARK)

    assert own.getvalue() == ""
    assert clean(out)[0]["logger"] == "gateway_test_library"


def test_warnings_lose_their_text(out: io.StringIO) -> None:
    """Python's warnings go the same way."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn(MARK, stacklevel=1)

    assert clean(out)[0]["logger"] == "py.warnings"


async def test_a_task_that_nobody_waited_for_loses_its_text(out: io.StringIO) -> None:
    """asyncio tells of forgotten errors through its logger."""
    loop = asyncio.get_running_loop()
    loop.call_exception_handler({"message": MARK, "exception": ValueError(MARK), "body": MARK})
    (line,) = clean(out)

    assert (line["logger"], line["error"]) == ("asyncio", "ValueError")


def test_errors_that_nobody_caught_lose_their_text(out: io.StringIO) -> None:
    """In the main program, in a thread, in a destructor: type and place, no message."""

    class Dying:
        def __del__(self) -> None:
            foreign()

    thread = threading.Thread(target=foreign)
    thread.start()
    thread.join()
    Dying()
    try:
        foreign()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)

    assert [(line["event"], line["error"]) for line in clean(out)] == [("crash", "ValueError")] * 3


def test_an_interrupt_is_no_crash(out: io.StringIO) -> None:
    """Ctrl-C ends the program without a word."""
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert out.getvalue() == ""


def test_bound_values_pass_the_same_list(out: io.StringIO) -> None:
    """What was bound to a logger or to the context is judged like what is given."""
    with structlog.contextvars.bound_contextvars(share="shr_01", subject=MARK):
        get_logger().bind(partner="swift-parcel", body=MARK).info("share")
    (line,) = clean(out)

    assert (line["share"], line["partner"], line["unlisted"]) == ("shr_01", "swift-parcel", 2)


def test_a_terminal_gets_readable_text(out: io.StringIO) -> None:
    """The same lines, for people; the same list."""
    configure_logging(stream=out, console=True)
    get_logger().info("share", partner="swift-parcel", subject=MARK)
    text = out.getvalue()

    assert "partner=swift-parcel" in text
    assert not text.startswith("{")
    assert not MARKS.search(text)


def test_without_a_setup_lines_are_safe_too(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever logs before logging is set up gets the same list, on standard error."""
    structlog.reset_defaults()
    early = io.StringIO()
    monkeypatch.setattr(sys, "stderr", early)
    get_logger().info("ready", subject=MARK)

    assert clean(early)[0]["event"] == "ready"
    assert out.getvalue() == ""


def test_a_line_break_in_a_value_cannot_make_a_second_line(out: io.StringIO) -> None:
    """No value, however built, forges a line."""
    get_logger().info("share", share='x"\n{"event": "ready"}', partner="a\nb")

    assert len(out.getvalue().splitlines()) == 1


def test_every_event_and_key_has_a_plain_name_and_a_meaning() -> None:
    """The lists are what the documentation prints."""
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", event) for event in EVENTS)
    assert all(meaning.endswith(".") for meaning in EVENTS.values())
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", key) for key in KEYS)
    assert not {"subject", "body", "value", "message", "text", "name"} & set(KEYS)


@pytest.mark.parametrize(
    "code",
    sorted(
        {*Reason}
        | {
            kind.code
            for kind in vars(errors).values()
            if isinstance(kind, type) and issubclass(kind, GatewayError)
        }
    ),
)
def test_every_code_can_be_logged(out: io.StringIO, code: str) -> None:
    """No refusal and no error has a code that a line could not carry."""
    get_logger().info("share", code=code)

    assert lines(out)[0]["code"] == str(code)


def test_the_clients_own_errors_hold_urls(out: io.StringIO) -> None:
    """Why messages of libraries are left out: this one holds the whole address."""
    error = aiohttp.InvalidURL(f"https://x.example/{MARK}")
    assert MARK in str(error)
    get_logger().error("request-failed", exc_info=error)

    assert clean(out)[0]["error"] == "InvalidURL"


def test_times_are_written_in_utc(out: io.StringIO) -> None:
    """Like everywhere: RFC 3339 with Z."""
    get_logger().info("share-queued", due=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    assert lines(out)[0]["due"] == "2026-01-02T03:04:05Z"
