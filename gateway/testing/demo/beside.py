"""One share, side by side: what the app sent, and what left as the recipient saw it."""

import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from urllib.parse import parse_qsl, unquote, urlsplit

from gateway.recipient import RecipientError, open_sealed
from gateway.testing.demo.documents import Leaf, at, leaves
from gateway.testing.demo.house import House
from gateway.testing.demo.minimum import Arrival
from gateway.testing.demo.screen import Screen, cut, pad
from gateway.testing.received import read_document
from gateway.testing.search import Needles, search_bytes

_NAME, _LEFT, _RIGHT = 22, 33, 38
STAYS = "—"

Row = tuple[str, str, str]
"""Where it stands, what the app sent, what left."""


def show(house: House, shown: Arrival) -> None:
    """Print it, and check what is printed."""
    screen, planned = house.screen, shown.sent.planned
    partner = shown.recipient.manifest["name"]
    screen.line(f"  The service {planned.service} asks for {planned.purpose}, to {partner}")
    screen.line()
    _print(screen, [("", "the app sent", "what left"), *_rows(shown)])
    screen.line()
    screen.line(screen.dim(f"  {STAYS} stays here: not declared for this recipient and purpose"))
    for leaf in _sealed(shown):
        screen.line(f"  {leaf.pointer} as {partner} opens it with its own key: {leaf.value}")
    _check(house, shown)


def _print(screen: Screen, rows: list[Row]) -> None:
    for place, (name, left, right) in enumerate(rows):
        cells = (pad(cut(name, _NAME), _NAME), pad(cut(left, _LEFT), _LEFT), cut(right, _RIGHT))
        text = f"  {cells[0]} {cells[1]} │ {cells[2]}"
        quiet = place == 0 or right == STAYS
        screen.line(screen.dim(text) if quiet else text)


def _rows(shown: Arrival) -> Iterator[Row]:
    planned, wire = shown.sent.planned, shown.wire
    asked = urlsplit(planned.path)
    yield "path", asked.path, urlsplit(wire.target).path
    kept = dict(parse_qsl(urlsplit(wire.target).query))
    for name, value in parse_qsl(asked.query):
        yield f"query {name}", value, kept.get(name, STAYS)
    for name, value in planned.headers.items():
        yield f"header {name}", unquote(value), wire.headers.get(name, STAYS)
    yield "the person", planned.member.account, f"{shown.received.claims['sub']}"
    yield from _fields(shown)


def _fields(shown: Arrival) -> Iterator[Row]:
    """Field by field; what stays as a whole takes one line."""
    wire = {leaf.pointer: leaf for leaf in leaves(read_document(shown.wire.body, None))}
    passed = {pointer.split("/")[1] for pointer in wire}
    whole = leaves(dict(shown.sent.planned.body))
    for top, group in groupby(whole, key=lambda leaf: leaf.pointer.split("/")[1]):
        within = list(group)
        if top not in passed and len(within) > 1:
            yield f"/{top}", f"{len(within)} values", STAYS
            continue
        for leaf in within:
            there = wire.get(leaf.pointer)
            yield leaf.pointer, _text(leaf), _left(shown, there) if there else STAYS


def _left(shown: Arrival, leaf: Leaf) -> str:
    if leaf.selector in shown.declared.sealed:
        return f"{cut(str(leaf.value), 22)} sealed for it"
    return _text(leaf)


def _text(leaf: Leaf) -> str:
    return leaf.value if isinstance(leaf.value, str) else json.dumps(leaf.value)


def _sealed(shown: Arrival) -> list[Leaf]:
    """The sealed fields, opened."""
    return [leaf for leaf in shown.unsealed() if leaf.selector in shown.declared.sealed]


def _check(house: House, shown: Arrival) -> None:
    body, wire = dict(shown.sent.planned.body), shown.wire
    declared = shown.declared
    arrived = {leaf.selector for leaf in shown.unsealed()}
    house.claims.check(
        "what left is what the manifest declares and the app sent, and nothing else",
        arrived == {leaf.selector for leaf in leaves(body)} & set(declared.fields),
        f"{len(arrived)} of {sum(1 for _ in leaves(body))} values",
    )
    marks = _marks(shown)
    whole = json.dumps(dict(wire.headers)).encode() + wire.target.encode() + wire.body
    found = search_bytes(whole, Needles(marks))
    house.claims.none_of(
        "nothing of what stays is anywhere in the request, in any encoding",
        [finding.label for finding in found],
        len(marks),
        "values searched for",
    )
    _check_opened(house, shown)


def _marks(shown: Arrival) -> dict[str, str]:
    """What must not be found: what singles the person out, save what is let out as it is."""
    sealed = shown.declared.sealed
    passes = {str(leaf.value) for leaf in shown.unsealed() if leaf.selector not in sealed}
    marks = shown.sent.planned.member.person.marks()
    return {
        label: value
        for label, value in marks.items()
        if not any(value in passed for passed in passes)
    }


def _check_opened(house: House, shown: Arrival) -> None:
    """Compare what the recipient opened, and try the seals with what must not open them."""
    sent = set(leaves(dict(shown.sent.planned.body)))
    sealed = _sealed(shown)
    house.claims.check(
        f"{shown.recipient.id} opened each seal with its own key, to the very value that was sent",
        bool(sealed) and sent.issuperset(sealed),
        ", ".join(leaf.selector for leaf in sealed),
    )
    opened = [name for leaf in sealed for name in _openers(house, shown, leaf.pointer)]
    house.claims.none_of(
        "no other recipient's key opens it, nor its own for another purpose",
        opened,
        len(sealed) * len(house.recipients),
        "tries",
    )


def _openers(house: House, shown: Arrival, pointer: str) -> Iterator[str]:
    """Who opens one sealed field and should not."""
    jwe = at(read_document(shown.wire.body, None), pointer)
    own, purpose = shown.recipient, shown.sent.planned.purpose
    for other in house.recipients.values():
        wanted = "advertising" if other is own else purpose
        keys = other.fake.keys.private_jwks()
        with suppress(RecipientError):
            open_sealed(jwe, keys, partner=own.id, purpose=wanted, field=pointer)
            yield f"{other.id} opens {pointer} for {wanted}"
