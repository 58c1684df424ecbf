"""
How the product could lose each class of tricks: one replacement each, and the
trick that would then get through, or would no longer be told apart.
"""

import json
import zlib
from collections.abc import Callable, Container
from dataclasses import dataclass
from json import JSONDecoder
from typing import Any
from urllib.parse import unquote

import pytest

from gateway.decide import routing
from gateway.egress import exchange
from gateway.flows import bulk_lines, idempotency, incoming, outbound, share
from gateway.policy import selectors
from gateway.shape import forms, inbound, leaves, params, parse, rules
from gateway.shape.values import Number
from gateway.web import requests
from tests.promises.taking import passing_everything_back, without_check

Take = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """One function or constant of the product, replaced."""

    what: str
    """What is so then, in plain words."""
    take: Take
    caught_by: str
    """The case of the class that fails."""


class Everything(Container[object]):
    """A list that holds whatever is asked for."""

    def __contains__(self, thing: object) -> bool:
        return True


def put(place: Any, name: str, value: Any) -> Take:
    """In the place of what is called so."""
    return lambda patch: patch.setattr(place, name, value)


def around(place: Any, name: str, change: Callable[..., Any]) -> Take:
    """`change` gets what stood there before, then the arguments."""
    before = getattr(place, name)
    return put(place, name, lambda *arguments, **more: change(before, *arguments, **more))


def _first_wins() -> JSONDecoder:
    return JSONDecoder(
        parse_float=Number, parse_int=Number, object_pairs_hook=lambda pairs: dict(reversed(pairs))
    )


def _passed(self: Any, name: str, text: str, run: Any, only: Any) -> str:
    return text


def _everything_sent(before: Any, draft: Any, *arguments: Any, **more: Any) -> Any:
    given = draft.incoming.headers.items()
    return (*before(draft, *arguments, **more), *((name, values[0]) for name, values in given))


def _one_at_least(before: Any, document: Any, selector: str) -> list[str]:
    return before(document, selector)[:1]  # type: ignore[no-any-return]


def _inflated(body: bytes, window: int, limit: int, *, members: int) -> bytes:
    return zlib.decompressobj(window).decompress(body)


SABOTAGE: dict[str, Sabotage] = {
    "addresses": Sabotage(
        what="every address may be reached",
        take=put(exchange, "judge", lambda address, rules, *, plain: None),
        caught_by="loopback",
    ),
    "answers": Sabotage(
        what="an answer reaches the app as it came",
        take=passing_everything_back,
        caught_by="undeclared_fields",
    ),
    "broken-answers": Sabotage(
        what="an answer is read as any JSON reader reads it",
        take=put(inbound, "_parse", lambda body, limits: json.loads(body)),
        caught_by="nan_and_half_a_pair",
    ),
    "bulk": Sabotage(
        what="of a line the first record counts, and the rest is overlooked",
        take=put(
            bulk_lines,
            "parse_json",
            lambda line, limits: JSONDecoder().raw_decode(line.decode())[0],
        ),
        caught_by="two_in_one_line",
    ),
    "compression": Sabotage(
        what="what stands behind a compressed body is overlooked",
        take=put(parse, "_inflate", _inflated),
        caught_by="something_behind",
    ),
    "containers": Sabotage(
        what="a container rides along in a declared field",
        take=put(
            leaves,
            "_container_refusal",
            lambda place, field: lambda value, run, pointer: json.dumps(value),
        ),
        caught_by="object_in_a_field",
    ),
    "content-types": Sabotage(
        what="the partner is told whatever type the caller makes up",
        take=put(incoming, "KEPT_TYPES", Everything()),
        caught_by="smuggled_suffix",
    ),
    "files": Sabotage(
        what="any answer is taken for the declared file",
        take=put(inbound, "media_type", lambda content_type: "application/pdf"),
        caught_by="other_type",
    ),
    "forms": Sabotage(
        what="every pair of a form leaves",
        take=put(forms.FormFilter, "_pass", _passed),
        caught_by="undeclared",
    ),
    "framing": Sabotage(
        what="a transfer coding is overlooked that nobody undoes",
        take=put(requests, "check_coding", lambda request: None),
        caught_by="transfer_coding",
    ),
    "free-text": Sabotage(
        what="nothing is found in free text",
        take=put(rules, "find_personal", lambda text: ()),
        caught_by="phone",
    ),
    "grounds": Sabotage(
        what="no ground is asked for",
        take=without_check("ground"),
        caught_by="ground_outside_the_purpose",
    ),
    "headers": Sabotage(
        what="the caller's headers leave as they came",
        take=around(outbound, "headers_of", _everything_sent),
        caught_by="undeclared",
    ),
    "idempotency": Sabotage(
        what="a key is all that makes a request the same",
        take=put(idempotency, "_fingerprint", lambda draft, gateway: b"the same"),
        caught_by="another_body",
    ),
    "later": Sabotage(
        what="of several preferences only the first is heard",
        take=around(
            incoming.Incoming, "prefers", lambda before, self, word: word == "respond-async"
        ),
        caught_by="strict",
    ),
    "methods": Sabotage(
        what="any method does",
        take=around(
            routing.Router, "match", lambda before, self, method, path: before(self, "POST", path)
        ),
        caught_by="other_method",
    ),
    "numbers": Sabotage(
        what="a number may be of any length",
        take=put(parse, "MAX_NUMBER", 10**9),
        caught_by="one_character_more",
    ),
    "paths": Sabotage(
        what="a parameter is decoded and not looked at",
        take=put(routing, "_decode", unquote),
        caught_by="encoded_slash",
    ),
    "query": Sabotage(
        what="every parameter leaves",
        take=put(params.ParamFilter, "_pass", _passed),
        caught_by="undeclared",
    ),
    "redirects": Sabotage(
        what="the partner's headers come back as they are",
        take=put(share, "_reply_headers", lambda route, answer, *more: [*answer.headers.items()]),
        caught_by="moved",
    ),
    "repeated-keys": Sabotage(
        what="of a repeated key the first value counts",
        take=put(parse, "_DECODER", _first_wins()),
        caught_by="last_counts",
    ),
    "rules": Sabotage(
        what="no type, enum, length or pattern is looked at",
        take=put(rules, "_checks", lambda field: []),
        caught_by="too_long",
    ),
    "seals": Sabotage(
        what="what is declared sealed leaves in the clear",
        take=put(leaves, "_sealing", lambda emit: emit),
        caught_by="phone",
    ),
    "selectors": Sabotage(
        what="the escapes of a pointer are not undone",
        take=put(selectors, "unescape", lambda token: token),
        caught_by="escaped_slash",
    ),
    "sizes": Sabotage(
        what="a body may nest as deeply as it likes",
        take=put(parse, "_check_depth", lambda body, limit: None),
        caught_by="one_level_more",
    ),
    "subjects": Sabotage(
        what="only the first of several people is asked about",
        take=around(incoming, "subjects_in", _one_at_least),
        caught_by="everyone_must_agree",
    ),
    "transforms": Sabotage(
        what="values leave as they came",
        take=put(rules, "_changes", lambda field: []),
        caught_by="name_of_one_character",
    ),
    "unicode": Sabotage(
        what="half a surrogate pair is let in where nothing leaves of it",
        take=put(parse, "_check_surrogates", lambda text: None),
        caught_by="lone_low_surrogate",
    ),
}
