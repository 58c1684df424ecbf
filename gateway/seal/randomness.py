"""Randomness as an argument: the core has none of its own."""

from collections.abc import Callable

Random = Callable[[int], bytes]
"""So many unpredictable bytes, never the same twice. Callers pass `os.urandom`."""


def draw(random: Random, length: int) -> bytes:
    """`length` random bytes. Raises `ValueError` where the source gives another number."""
    octets = random(length)
    if len(octets) != length:
        raise ValueError(f"the random source gave {len(octets)} bytes instead of {length}")
    return octets
