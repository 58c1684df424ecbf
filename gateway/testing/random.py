"""Bytes that come out the same each time, where the product takes randomness as an argument."""

import random
from collections.abc import Callable


def seeded(seed: int | str) -> Callable[[int], bytes]:
    """
    A function `random(n) -> n bytes`, the same sequence for the same seed.

    Predictable, so for tests and demonstrations only: no key that guards
    anything may come from it.
    """
    return random.Random(seed).randbytes
