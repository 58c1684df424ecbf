"""
Bodies and selectors that an app or a manifest might hold to get something past the filter.

Everything is drawn from one `Random`: a seeded one makes a million of them, Hypothesis
hands in its own and can make what it found smaller. A body is written as text and never
by a JSON library, so that keys repeat, characters are escaped without need, and numbers
keep their spelling.
"""

import json
from collections.abc import Callable, Sequence
from random import Random

from gateway.policy.selectors import escape, overlaps

KEYS = (
    *("a", "b", "c", "name", "items", "recipient", "", "*", "0", "1", "2", "01", "-1", "10"),
    *("a/b", "m~n", "~", "~1", "~01", "/a", "a.b", "$", "名", "名字", "é", "e\u0301", "😀"),
    *("\u2028", '"', "\\", "\n", "\0", " ", "null", "__proto__", "a" * 70),
)
WRITABLE = tuple(key for key in KEYS if key.isprintable())
"""Those that a manifest may name; it is refused with a control or an invisible character."""
TOKENS = ("a", "b", "c", "name", "items", "*", "*", "0", "1")
"""What selectors are mostly made of, so that some lead somewhere."""
NUMBERS = (
    *("0", "-0", "1", "-1", "1.10", "0.1000", "1e5", "1E5", "1e+5", "1e-5", "-2.50E-3", "0e0"),
    *("0.0", "-0.0", "1e400", "-1e-400", "1E00007", "12345678901234567890", "9007199254740993"),
    *("0.1234567890123456789012345678901234567890", "3" * 400, "1e99999999"),
)
CHARACTERS = 'ab"\\/\b\f\n\r\t\0\x7f\u2028*~欧é😀𝔘\ufffe'
SPACES = ("", "", "", " ", "\n", "\t", " \r\n ")
DAMAGES = ("NaN", "Infinity", "-Infinity", "01", "+1", "1.", ".5", "0x1", "'a'", "undefined", "1_0")
HALVES = ('"\\ud83d"', '"\\uDE00"', '"\\ud83d\\ud83d"', '"\\ude00\\ud83d"', '"\\\\ud83d\\ud83d"')
MAX_DEPTH = 64

Way = Sequence[str]
"""What is left of a selector, its tokens unescaped."""


def selectors(random: Random) -> dict[str, bool]:
    """The selectors of one route, none overlapping another, each with whether it is required."""
    found: dict[str, bool] = {}
    for _ in range(random.randint(1, 7)):
        tokens = [_token(random) for _ in range(random.choice((1, 1, 2, 2, 3, 4)))]
        selector = "".join(f"/{token}" for token in tokens)
        if not overlaps([*found, selector]):
            found[selector] = random.random() < 0.03
    return found


def _token(random: Random) -> str:
    if random.random() < 0.75:
        return random.choice(TOKENS)
    key = random.choice(WRITABLE)
    return key if key == "*" else escape(key)


def body(random: Random, send: Sequence[str]) -> bytes:
    """The bytes of a body; most lead some selector somewhere, some are no JSON at all."""
    ways = [
        [token.replace("~1", "/").replace("~0", "~") for token in s[1:].split("/")] for s in send
    ]
    text = Writer(random).document(ways)
    return _damaged(random, text) if random.random() < 0.12 else text.encode()


class Writer:
    """Writes one document as text."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def document(self, ways: Sequence[Way]) -> str:
        """A whole body: an object or array nearly always."""
        if self._one_in(40):
            return self.space() + self.scalar()
        return self.space() + self.container(ways, 5) + self.space()

    def value(self, ways: Sequence[Way], room: int) -> str:
        """What stands at a place from which these ways lead on."""
        inner = [way for way in ways if way]
        if not room or (len(inner) < len(ways) and not self._one_in(12)):
            return self.scalar()
        if inner and not self._one_in(15):
            return self.container(inner, room - 1)
        return self.scalar() if self.random.random() < 0.7 else self.container((), room - 1)

    def container(self, ways: Sequence[Way], room: int) -> str:
        """An object or array, rather the one into which a way leads."""
        listed = any(way[0] in ("*", "0", "1") for way in ways)
        if self._one_in(8):
            listed = not listed
        return self.array(ways, room) if listed else self.object(ways, room)

    def object(self, ways: Sequence[Way], room: int) -> str:
        """Members in any order, some of them twice."""
        keys = [way[0] for way in ways if way[0] != "*" and not self._one_in(8)]
        keys = list(dict.fromkeys(keys))
        keys += [self.random.choice(KEYS) for _ in range(self.random.choice((0, 0, 1, 1, 2)))]
        if keys and self._one_in(6):
            keys.append(self.random.choice(keys))
        self.random.shuffle(keys)
        members = [
            f"{self.string(key)}{self.space()}:{self.space()}"
            + self.value([way[1:] for way in ways if way[0] == key], room)
            for key in keys
        ]
        return self._joined("{", members, "}")

    def array(self, ways: Sequence[Way], room: int) -> str:
        """Elements; those of an index and those of a `*` lead on."""
        items = [
            self.value([way[1:] for way in ways if way[0] in ("*", str(index))], room)
            for index in range(self.random.choice((0, 1, 1, 2, 2, 3, 4)))
        ]
        return self._joined("[", items, "]")

    def scalar(self) -> str:
        """Text, a number in one of its spellings, a word."""
        match self.random.randint(0, 9):
            case 0:
                return "true"
            case 1:
                return self.random.choice(("false", "null"))
            case 2 | 3 | 4:
                return self.number()
            case _:
                length = self.random.choice((0, 1, 2, 3, 5, 20))
                return self.string("".join(self.random.choices(CHARACTERS, k=length)))

    def number(self) -> str:
        """A number, as it may be spelled."""
        if self.random.random() < 0.5:
            return self.random.choice(NUMBERS)
        return f"{self.random.randint(-999, 999)}.{self.random.randint(0, 99999):05}"

    def string(self, text: str) -> str:
        """A string in which any character may be escaped without need."""
        if self.random.random() < 0.6:
            return json.dumps(text, ensure_ascii=False)
        return '"' + "".join(self._character(one) for one in text) + '"'

    def _character(self, character: str) -> str:
        if self.random.random() < 0.6:
            return json.dumps(character, ensure_ascii=False)[1:-1]
        if character == "/":
            return "\\/"
        units = character.encode("utf-16-be").hex()
        units = units.upper() if self.random.random() < 0.5 else units
        return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))

    def _joined(self, start: str, parts: Sequence[str], end: str) -> str:
        space = self.space()
        return start + space + f"{self.space()},{space}".join(parts) + end

    def space(self) -> str:
        """White space between two tokens, mostly none."""
        return self.random.choice(SPACES)

    def _one_in(self, times: int) -> bool:
        return self.random.random() * times < 1


def _damaged(random: Random, text: str) -> bytes:
    return random.choice(DAMAGING)(random, text)


def _at_a_value(random: Random, text: str, words: Sequence[str]) -> str:
    """The text with one of `words` in place of a value that some colon or comma announces."""
    places = [at for at, character in enumerate(text) if character in ":,["]
    at = random.choice(places) + 1 if places else 0
    return text[:at] + random.choice(words) + random.choice(("", ",")) + text[at:]


def _deep(random: Random, text: str) -> bytes:
    """Nested about as deeply as is allowed, sometimes one level more."""
    levels = MAX_DEPTH - 6 + random.randint(0, 8)
    opening = [random.choice(('{"a":', "[")) for _ in range(levels)]
    closing = "".join("]" if one == "[" else "}" for one in reversed(opening))
    return ("".join(opening) + text + closing).encode()


def _cut(random: Random, text: str) -> bytes:
    return text.encode()[: random.randint(0, len(text))]


def _one_byte(random: Random, text: str) -> bytes:
    """One byte changed, put in or taken out."""
    raw = bytearray(text.encode())
    at = random.randint(0, len(raw) - 1)
    new = random.choice((b"", b",", b'"', b"}", b"]", b"\\", b"\x00", b"\xff", b"\xc3", b"\x1f"))
    raw[at : at + random.randint(0, 1)] = new
    return bytes(raw)


DAMAGING: tuple[Callable[[Random, str], bytes], ...] = (
    _deep,
    _cut,
    _one_byte,
    _one_byte,
    lambda random, text: _at_a_value(random, text, DAMAGES).encode(),
    lambda random, text: _at_a_value(random, text, HALVES).encode(),
    lambda random, text: ("\ufeff" + text).encode(),
    lambda random, text: text.encode(random.choice(("utf-16", "utf-16-le", "utf-32"))),
    lambda random, text: (text + random.choice((",", "{}", "]", "\0", "//"))).encode(),
)
