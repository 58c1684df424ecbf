"""
Documents that an app might send to get something past the filter: repeated
keys, odd escapes, keys that look like selectors, arrays of arrays, and numbers
in every spelling. And selectors that sometimes lead somewhere in them.
"""

import json

from hypothesis import strategies as st

from gateway.policy.selectors import escape, overlaps

KEYS = ["", "a", "b", "*", "0", "1", "a/b", "m~n", "~1", "/a", "名"]
NUMBERS = ["0", "-0", "1.10", "1e5", "-2.50E-3", "12345678901234567890", "0.1000"]
TEXTS = st.text(st.sampled_from('ab"\\/\n\0\u2028*欧😀'), max_size=4)


@st.composite
def _escaped(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> str:
    """A JSON string in which any character may be escaped without need."""
    parts = []
    for character in draw(texts):
        units = character.encode("utf-16-be")
        escapes = "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2))
        plain = json.dumps(character, ensure_ascii=False)[1:-1]
        parts.append(escapes if draw(st.integers(0, 3)) == 0 else plain)
    return '"' + "".join(parts) + '"'


_KEYS = _escaped(st.sampled_from(KEYS))
_SCALARS = st.sampled_from(["true", "false", "null", *NUMBERS]) | _escaped(TEXTS)


def _object(members: list[tuple[str, str]]) -> str:
    return "{" + " , ".join(f"{key}: {value}" for key, value in members) + "}"


_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(st.tuples(_KEYS, inner), max_size=5).map(_object)
        | st.lists(inner, max_size=4).map(lambda items: "[" + ",".join(items) + "\n]")
    ),
    max_leaves=25,
)

DOCUMENTS = _VALUES
"""The text of a document."""

_TOKENS = st.sampled_from(["*", *(escape(key) for key in KEYS if key != "*")])


def _compatible(selectors: list[str]) -> list[str]:
    kept: list[str] = []
    for selector in selectors:
        if not overlaps([*kept, selector]):
            kept.append(selector)
    return kept


SELECTORS = st.lists(
    st.lists(_TOKENS, min_size=1, max_size=4).map(lambda tokens: "/" + "/".join(tokens)),
    min_size=1,
    max_size=7,
).map(_compatible)
"""Selectors of one route, none overlapping another."""
