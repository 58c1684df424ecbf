"""
Text as people count it: a letter with its marks is one character.

A Chinese character is one. A letter with combining marks, an emoji with its
modifiers or joined to others, a flag, and a Hangul syllable in parts are one
each (close to the extended grapheme clusters of Unicode Annex 29). Characters
that print nothing and only steer direction count with what stands before them.

Where Annex 29 would let one character carry a text (any number of marks, of
variation selectors, of letters joined) it is cut here: what a mask shows as one
character must not be more than one.
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
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
# What emoji are joined of. Not all symbols: Ⓛ and 🄻 are symbols and letters.
_EMOJI = (range(0x2190, 0x2460), range(0x2500, 0x2C00), range(0x1F300, 0x1FB00))


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


def printed(text: str) -> str:
    """`text` without characters that print nothing; spaces, tabs and ends of lines stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        each for each in text if each in _JOINERS or each in "\t\n\r" or not _hidden(each)
    )


def counted(cluster: str) -> bool:
    """Whether a cluster is a letter, digit or symbol, and no space, punctuation or stray mark."""
    return unicodedata.category(cluster[0])[0] in "LNS"


def ascii_form(text: str) -> str:
    """
    `text` with decimal digits of every script and full-width signs as ASCII, and
    without what prints nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_ascii, printed(text)))


def ascii_digits(text: str) -> str:
    """The decimal digits of `text`, of whatever script, as ASCII; all else is left out."""
    if text.isascii():
        return "".join(filter(str.isdigit, text))
    values = (unicodedata.decimal(character, None) for character in text)
    return "".join(str(value) for value in values if value is not None)


def _ascii(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    full_width = "\uff01" <= character <= "\uff5e"
    return chr(ord(character) - 0xFEE0) if full_width else character


def _hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf")


def _continues(cluster: str, character: str) -> bool:
    if _is_in(character, _SELECTORS):
        # One says how a character looks; more of them would spell something.
        return not _is_in(cluster[-1], _SELECTORS)
    if _is_in(character, (_FLAG_LETTERS,)):
        return len(cluster) == 1 and _is_in(cluster, (_FLAG_LETTERS,))
    # A joiner joins emoji only: between letters or digits it would let any
    # number of them count as one.
    return _extends(character) or (cluster[-1] == _JOINER and _is_in(character, _EMOJI))


# Texts use few different characters, and asking Unicode costs more than asking
# a dictionary.
@lru_cache(maxsize=4096)
def _extends(character: str) -> bool:
    """Whether a character always belongs to the one before it."""
    code = ord(character)
    return (
        unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")
        or code in _MODIFIERS
        or _is_in(character, _JAMO)
    )


def _is_in(character: str, ranges: tuple[range, ...]) -> bool:
    return any(ord(character) in each for each in ranges)
