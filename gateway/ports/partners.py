"""How recipients stand, and the keys that they publish."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.model.ids import PartnerId
from gateway.model.keys import PublishedKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerState:
    """What an operator said of a partner, and its epoch."""

    partner: str
    suspended: bool = False
    epoch: int = 0
    digest: str = ""
    snapshot: str = ""
    """What its manifest last said, for telling it after the manifest is gone."""


class PartnerStore(Protocol):
    """What operators said of partners."""

    async def partner_states(self) -> dict[str, PartnerState]:
        """All that is stored."""

    async def put_partner_state(self, state: PartnerState, leaf: bytes | None) -> None:
        """
        Store a state (its epoch must be raised by the caller) with its leaf, in one
        go. That of `*` is everybody's: its epoch counts on top of each one's own.
        """

    async def published_keys(self) -> dict[PartnerId, PublishedKeys]:
        """What is known of the keys of recipients that publish them at a URL."""

    async def put_published_keys(self, keys: PublishedKeys, leaves: Sequence[bytes]) -> None:
        """Store what is known of one recipient's keys, with leaves, in one go."""
