"""To whom a recipient had passed the data on, as its receipts say (contract §9; R3)."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from typing import Any

from gateway.notices.receipts import Downstream, ReceiptInvalid, read_downstream


def downstream_of(receipts: Iterable[str]) -> tuple[Downstream, ...]:
    """
    What the newest of a notice's accepted receipts says of others; each by its name.

    The receipts were verified when they came and are not verified again. One in
    another protocol's form, or that says nothing of others, is passed over.
    """
    found: dict[str, Downstream] = {}
    for token in receipts:
        for party in _said(token):
            found[party.name] = party
    return tuple(found.values())


def _said(token: str) -> tuple[Downstream, ...]:
    parts = token.split(".")
    if len(parts) != 3:
        return ()
    try:
        claims: Any = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return read_downstream(claims.get("downstream"))
    except (ValueError, AttributeError, ReceiptInvalid):
        return ()
