"""What a share brings along that the filter may not find out by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.model.recipients import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """
    Everything impure that filtering one share needs, as arguments.

    `token` and `seal` may be called for a share that is refused a moment later
    for another field: whatever they make counts only once the share is
    recorded.
    """

    partner: str
    hash_key: bytes = field(repr=False)
    """Secret of the home; `hash` binds the partner's id to it."""
    pseudonym: Callable[[str], str] = field(repr=False)
    """A subject id -> the stable pseudonym of that person for this partner."""
    token: Callable[[Field, Any], str] = field(repr=False)
    """A declared field and its scalar -> a token that the partner can redeem (S4c)."""
    seal: Callable[[str, bytes], str] = field(repr=False)
    """
    The pointer of a value in what leaves (for a parameter `place.name`) and
    its JSON text -> a compact JWE (S4d).
    """
    today: date
    """The UTC day, for ages."""
