"""What is known of the keys that a recipient publishes at a URL (contract §4)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.model.ids import PartnerId


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenKey:
    """One key of a recipient, by its thumbprint (RFC 7638)."""

    seen_at: datetime
    """When it was first seen, or seen again after it was gone for good."""
    released_at: datetime | None = None
    """When a person let it be used before its hold was over."""
    gone_at: datetime | None = None
    """Since when it is not in the set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedKeys:
    """The set of one recipient as it was fetched last, and since when each key is known."""

    partner: PartnerId
    url: str
    fetched_at: datetime
    jwks: Mapping[str, Any]
    seen: Mapping[str, SeenKey] = field(default_factory=dict)
    """By thumbprint; every key of `jwks`, and those that went a moment ago."""
