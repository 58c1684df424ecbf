"""
What a sealed thing is bound to: one recipient, one purpose, one share.

The recipient and the purpose go into the key derivation itself (RFC 7518
§4.6.2, PartyVInfo), so a seal made for one purpose does not open for another,
whatever its header says (S3, S4d).
"""

import re
from dataclasses import dataclass

from gateway.model.ids import ID_PATTERN, PartnerId, PurposeId, ShareId
from gateway.seal.encoding import b64

JSON = "application/json"

_ID = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealContext:
    """The circumstances of one sealed body or field."""

    partner: PartnerId
    purpose: PurposeId
    purpose_version: int
    share: ShareId
    field: str | None = None
    """
    RFC 6901 pointer of the field in the body as sent, array indexes and all;
    None for a whole body.
    """
    content_type: str = JSON
    """Media type of the plaintext."""

    @property
    def apv(self) -> str:
        """The header's `apv`: base64url of `partner|purpose`."""
        return b64(party_info(self.partner, self.purpose))

    @property
    def cty(self) -> str:
        """The header's `cty`."""
        return content_type_parameter(self.content_type)


def party_info(partner: str, purpose: str) -> bytes:
    """
    The octets `partner|purpose`.

    Raises `ValueError` unless both are ids: an id holds no `|`, so no two pairs
    have the same octets.
    """
    if not _ID.fullmatch(partner) or not _ID.fullmatch(purpose):
        raise ValueError("partner and purpose must be ids, lower case letters, digits, '.' and '-'")
    return f"{partner}|{purpose}".encode("ascii")


def content_type_parameter(content_type: str) -> str:
    """`json` for JSON (RFC 7516 §4.1.12), the full media type for anything else."""
    return "json" if content_type == JSON else content_type
