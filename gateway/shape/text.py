"""
Text as people count it: a letter with its marks is one character.

A Chinese character is one. A letter with combining marks, an emoji with its
modifiers or joined to others, and a Hangul syllable in parts are one each
(close to the extended grapheme clusters of Unicode Annex 29). Characters that
print nothing and only steer direction count with what stands before them.
"""

import unicodedata
from functools import lru_cache

# A cluster may hold this many code points at most, then a new one begins:
# otherwise a text could travel as marks on the one letter that a mask shows.
MAX_CLUSTER = 8

_JOINER = "\u200d"
_JOINERS = frozenset(("\u200c", _JOINER))
_MODIFIERS = range(0x1F3FB, 0x1F400)
_JAMO = (range(0x1160, 0x1200), range(0xD7B0, 0xD800))


def clusters(text: str) -> list[str]:
    """
    The characters of `text` as a reader counts them, at most `MAX_CLUSTER` code
    points each. Joined again they are `text`.
    """
    if text.isascii():
        return list(text)
    found: list[str] = []
    for character in text:
        if found and len(found[-1]) < MAX_CLUSTER and _continues(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def visible(text: str) -> str:
    """`text` without spaces around it and without characters that print nothing (Cc, Cf)."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return "".join(each for each in text if each in _JOINERS or not _hidden(each)).strip()


def ascii_digits(text: str) -> str:
    """The decimal digits of `text`, of whatever script, as ASCII; all else is left out."""
    if text.isascii():
        return "".join(filter(str.isdigit, text))
    values = (unicodedata.decimal(character, None) for character in text)
    return "".join(str(value) for value in values if value is not None)


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf")


def _continues(cluster: str, character: str) -> bool:
    # A joiner joins emoji only: between letters or digits it would let any
    # number of them count as one.
    return _extends(character) or (cluster[-1] == _JOINER and _is_symbol(character))


# Texts use few different characters, and asking Unicode costs more than asking
# a dictionary.
@lru_cache(maxsize=4096)
def _extends(character: str) -> bool:
    """Whether a character always belongs to the one before it."""
    code = ord(character)
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")
        or code in _MODIFIERS
        or any(code in part for part in _JAMO)
    )


def _is_symbol(character: str) -> bool:
    return unicodedata.category(character) == "So"
