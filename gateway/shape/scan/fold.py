"""
A text as the recognisers read it.

What a reader takes for the same is the same here: digits and Latin letters of
every width and script, every kind of space, hyphen and dot. What prints
nothing is not there at all, so that it hides nothing. What is found is changed
in the original, which is why every character keeps its place.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# Printable ASCII with tabs and ends of lines: nothing to fold.
_PLAIN = re.compile(r"[\t\n -~]*+")
# Letters and symbols by category that show nothing: fillers of Hangul, the
# blank of Braille.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_SIGNS = {
    **dict.fromkeys(map(chr, range(0x2010, 0x2016)), "-"),
    **dict.fromkeys("\u2212\u30fc\u2043", "-"),
    **dict.fromkeys("\u00b7\u2022\u2027\u30fb\u2219", "."),
    **dict.fromkeys("\u2044\u2215", "/"),
    **dict.fromkeys("\u2028\u2029\u0085\r\v\f", "\n"),
    **dict.fromkeys("\u2018\u2019\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u2033", '"'),
    # Compatibility would make a letter of it.
    "\u00ba": "\u00b0",
}


def fold(text: str) -> tuple[str, Sequence[int]]:
    """The text to search, and for each of its characters the place in `text`."""
    if _PLAIN.fullmatch(text):
        return text, range(len(text))
    folded: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        seen = _seen(character)
        folded.append(seen)
        places += [place] * len(seen)
    return "".join(folded), places


# Texts use few different characters, and asking Unicode costs more than asking
# a dictionary.
@lru_cache(maxsize=4096)
def _seen(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if _PLAIN.fullmatch(character):
        return character
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Mn", "Me") or character in _BLANK:
        return ""
    if category.startswith("Z"):
        return " "
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain.isascii() else _without_marks(character)


def _without_marks(character: str) -> str:
    """`character` as one with its marks, if it is one; marks of their own are left out anyway."""
    composed = unicodedata.normalize("NFC", character)
    return composed if len(composed) == 1 else character
