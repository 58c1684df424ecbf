"""
What must hold of every trick, and what one case says of its own.

Verdicts name the mark by its number and the place; they repeat no value.
"""

import json
from collections.abc import Iterable, Iterator

from gateway.errors import REASONS, Reason
from gateway.testing.search import Needles, search_bytes
from tests.bypass.bodies import made, plain
from tests.bypass.calling import Answer
from tests.bypass.reading import Arrival, Back, Case
from tests.bypass.recorder import Arrived, Opened, texts
from tests.bypass.world import LAWFUL, Seen

# What the gateway itself may write; what manifests declare comes on top.
OWN_HEADERS = frozenset(
    {
        *("host", "user-agent", "accept-encoding", "content-type", "content-length"),
        *("sharing-id", "sharing-grant", "content-digest"),
    }
)


def verdicts(case: Case, seen: Seen, declared: frozenset[str]) -> list[str]:
    """Everything that did not hold; empty where the trick failed."""
    return [
        *_sound(case, seen),
        *_leaks(case, seen),
        *_requests(case, seen, declared),
        *_answers(case, seen),
    ]


def _sound(case: Case, seen: Seen) -> Iterator[str]:
    """The case itself: its marks were really sent, else it shows nothing."""
    for mark in case.never:
        if not found_in([mark], seen.sent):
            yield f"never #{case.never.index(mark) + 1} was not sent"
    said = b"\n".join(
        part
        for reply in case.partner
        for part in (
            plain(reply.raw or reply.body or ""),
            "\n".join(f"{name}: {value}" for name, value in reply.headers).encode(),
        )
    )
    for mark in case.back.never:
        if not found_in([mark], said):
            yield f"back.never #{case.back.never.index(mark) + 1} was not sent by the partner"
    if seen.late:
        yield "something reached the partner after an earlier case was over"


def _leaks(case: Case, seen: Seen) -> Iterator[str]:
    """No mark in anything that reached the partner, sealed or not, nor in a refusal."""
    reached = {
        "what arrived": seen.raw,
        "what was opened": b"\n".join(map(_shown, seen.opened)),
    }
    for where, data in reached.items():
        for label in found_in(case.never, data):
            yield f"{label} stands in {where}"
    if any(answer.code for answer in seen.told.answers):
        for label in found_in(case.never, seen.told.raw):
            yield f"{label} stands in the refusal"
    for label in found_in(case.back.never, seen.told.raw):
        yield f"back.{label} came back to the caller"


def _shown(opened: Opened) -> bytes:
    """Everything that a partner makes of a request."""
    told = "\n".join(texts([opened.document, opened.claims]))
    return opened.body + told.encode("utf-8", "surrogatepass")


def found_in(marks: Iterable[str], data: bytes) -> list[str]:
    """The labels of the marks that stand in some data, in any encoding."""
    labelled = {f"never #{number}": mark for number, mark in enumerate(marks, 1)}
    if not labelled or not data:
        return []
    return sorted({finding.label for finding in search_bytes(data, Needles(labelled))})


def _requests(case: Case, seen: Seen, declared: frozenset[str]) -> Iterator[str]:
    if not case.arrives and seen.raw:
        yield "something arrived"
    if len(seen.arrived) != len(case.arrives):
        yield f"{len(seen.arrived)} requests arrived in place of {len(case.arrives)}"
    for wanted, arrived, opened in zip(case.arrives, seen.arrived, seen.opened, strict=False):
        yield from _framed(arrived, opened, declared)
        yield from _as_wanted(wanted, arrived, opened, seen.port)
        outside = "\n".join((arrived.target, *(value for _, value in arrived.headers)))
        for label in found_in(wanted.hidden, outside.encode("utf-8", "replace") + arrived.body):
            yield f"hidden {label} stands outside a seal"
    if case.address is not None and any(address != LAWFUL for address in seen.connections):
        yield "an address was reached that may not be"


def _framed(arrived: Arrived, opened: Opened, declared: frozenset[str]) -> Iterator[str]:
    """One request, whole, in the gateway's own words, that a partner can verify."""
    names = [name.lower() for name, _ in arrived.headers]
    for name in sorted({*names} - OWN_HEADERS - declared):
        yield f"header {name} is nobody's"
    for name in ("host", "content-length", "sharing-grant"):
        if names.count(name) > 1:
            yield f"header {name} stands there {names.count(name)} times"
    if "transfer-encoding" in names or not all(row == row.strip() for row in names):
        yield "the request is framed in a way of its own"
    if opened.problem is not None:
        yield f"the partner cannot take it: {opened.problem}"


def _as_wanted(wanted: Arrival, arrived: Arrived, opened: Opened, port: int) -> Iterator[str]:
    if wanted.method not in (None, arrived.method):
        yield "another method arrived"
    if wanted.target not in (None, arrived.target):
        yield f"another target arrived: {arrived.target}"
    if wanted.body is not None and made(wanted.body) != arrived.body:
        yield f"another body arrived, of {len(arrived.body)} bytes"
    if wanted.opened is not None and wanted.opened != opened.document:
        yield f"other values arrived: {json.dumps(opened.document, ensure_ascii=False)[:200]}"
    if wanted.fields is not None and list(wanted.fields) != opened.claims.get("fields"):
        yield f"the grant names other fields: {opened.claims.get('fields')}"
    for name, value in wanted.headers.items():
        expected = [] if value is None else [value.replace("{port}", str(port))]
        if arrived.values(name) != expected:
            yield f"header {name} is not as it should be"


def _answers(case: Case, seen: Seen) -> Iterator[str]:
    back, answers = case.back, seen.told.answers
    if len(answers) != back.answers:
        yield f"{len(answers)} answers came back in place of {back.answers}"
    for answer in answers:
        if answer.status == 500 or answer.code == "internal-error":
            yield "the gateway met an error that nobody foresaw"
        told = answer.problem().get("code") if case.ask.method != "HEAD" else answer.code
        if answer.code is not None and answer.code != told:
            yield "a refusal is no problem document"
    if answers:
        yield from _answered(back, answers[-1])
    if back.later is not None and back.later != seen.state:
        yield f"the share ended {seen.state}"


def _answered(back: Back, answer: Answer) -> Iterator[str]:
    if back.code != answer.code:
        yield f"answered {answer.status} {answer.code or ''} {answer.problem().get('detail', '')}"
    elif back.code is not None and answer.status != REASONS[Reason(back.code)].status:
        yield f"answered {answer.status} for {back.code}"
    if back.status not in (None, answer.status):
        yield f"answered {answer.status} {answer.code or ''}"
    if back.body is not None and made(back.body) != answer.body:
        yield f"another body came back, of {len(answer.body)} bytes"
    for name, value in back.headers.items():
        if answer.value(name) != value:
            yield f"header {name} came back otherwise"
    if back.lines is not None and back.lines != _lines(answer.body):
        yield f"the lines were answered {', '.join(_lines(answer.body))}"


def _lines(body: bytes) -> tuple[str, ...]:
    rows = [json.loads(line) for line in body.splitlines()]
    return tuple(str(row.get("code", row["status"])) for row in rows)
