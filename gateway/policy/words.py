"""How messages name a mistake and say what to write instead."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

# Longer than any id, shorter than any key or token worth stealing.
_LONGEST = 63
_LOOKALIKES = ("CYRILLIC", "GREEK", "FULLWIDTH", "MATHEMATICAL", "LATIN SMALL LETTER DOTLESS")


def named(text: str) -> str:
    """`text` in double quotes if it is a short word, else a description without its content."""
    if text.isprintable() and 0 < len(text) <= _LONGEST:
        return f'"{text}"{lookalike(text)}'
    return "this text"


def lookalike(text: str) -> str:
    """
    A hint at a letter that only looks like one of ASCII, such as a Cyrillic о;
    nobody would find it by looking.
    """
    for place, character in enumerate(text, start=1):
        name = unicodedata.name(character, "")
        if not character.isascii() and name.startswith(_LOOKALIKES):
            return f" (its character {place} is {name})"
    return ""


def listed(options: Iterable[str]) -> str:
    """`a, b or c`, in the order given."""
    words = list(options)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that `word` was probably meant to be, or None if none is close."""
    known = list(options)
    longer = [option for option in known if len(word) > 2 and option.startswith(word)]
    found = longer or get_close_matches(word, known, n=1, cutoff=0.6)
    return found[0] if found else None


def instead(word: str, options: Iterable[str]) -> str:
    """What to write in place of `word`: the closest option, or all of them."""
    known = list(options)
    close = nearest(word, known)
    return f'write "{close}"' if close else f"write {listed(known)}"
