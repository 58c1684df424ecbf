"""Time and randomness, which are given and never taken."""

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Now, aware, in UTC."""


Random = Callable[[int], bytes]
"""So many unpredictable bytes."""
