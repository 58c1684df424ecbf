"""
Selectors: how a manifest names the values of a JSON document (contract §7).

A selector is a JSON Pointer (RFC 6901) in which a token that is exactly `*`
stands for each element of an array:

    /recipient/name      the member `name` of the member `recipient`
    /items/*/sku         the member `sku` of each element of `items`
    /items/0/sku         the same of the first element only
    /a~1b/m~0n           the member `m~n` of the member `a/b`
    /                    the member whose name is empty

A token of digits names an array's element where an array stands, and a member
where an object stands, as in RFC 6901. `*` never matches a member: a member
whose name is literally `*` cannot be declared, so it never leaves.
"""

import re
from collections.abc import Sequence

EACH = "*"
"""The token that stands for each element of an array."""

# No body nests as deeply (64 levels by default), and what a selector is compiled
# into does, a function in the other, so this bounds the stack.
MAX_TOKENS = 100

_BAD_ESCAPE = re.compile(r"~(?![01])")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def parse_selector(text: str) -> tuple[str, ...]:
    """
    The tokens of a selector, unescaped; `EACH` among them stands for `*`.

    Raises `ValueError` with what to write instead.
    """
    if not text:
        raise ValueError("a selector cannot be empty, name a value inside the body, such as /name")
    if not text.startswith("/"):
        raise ValueError(f'selector "{text}" does not begin with /, write "/{text}"')
    if _BAD_ESCAPE.search(text):
        raise ValueError(
            f'selector "{text}" has a ~ that is no escape, write ~0 for ~ and ~1 for /'
        )
    if text.count("/") > MAX_TOKENS:
        raise ValueError(f"a selector has at most {MAX_TOKENS} names, write a shorter one")
    return tuple(unescape(token) for token in text[1:].split("/"))


def unescape(token: str) -> str:
    """One token of a pointer as the name it stands for (RFC 6901 §4)."""
    return token.replace("~1", "/").replace("~0", "~")


def escape(name: str) -> str:
    """A member's name as a token of a pointer (RFC 6901 §3)."""
    return name.replace("~", "~0").replace("/", "~1")


def index_of(token: str) -> int | None:
    """The array index that a token names, or None (RFC 6901 §4: no leading zeros)."""
    return int(token) if _INDEX.fullmatch(token) else None


def overlaps(selectors: Sequence[str]) -> list[tuple[str, str]]:
    """
    The pairs of selectors that can name the same value, in the order given.

    Such a pair leaves open which of the two rules holds, so it may not load.
    A selector and one inside it (`/a` and `/a/b`) do not overlap: the first
    lets out a scalar, the second what an object there holds.

    Raises `ValueError` where one of them does not parse.
    """
    parsed = [(text, parse_selector(text)) for text in selectors]
    return [
        (first, second)
        for position, (first, one) in enumerate(parsed)
        for second, other in parsed[position + 1 :]
        if _meet(one, other)
    ]


def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return len(one) == len(other) and all(map(_tokens_meet, one, other))


def _tokens_meet(one: str, other: str) -> bool:
    if one == other:
        return True
    named = other if one == EACH else one if other == EACH else None
    return named is not None and index_of(named) is not None
