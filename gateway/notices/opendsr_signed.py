"""
Signed messages of OpenDSR (STANDARDS §2.2, §2.3): two headers over the raw body.

A signature has no time and no audience in it; what binds it to a notice is the
request's id, which is of one telling of one notice alone.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gateway.errors import GatewayError

VERSIONS: Final = ("opendsr", "opengdpr", "opencompliance")
"""The names that the framework has had; of each the headers and routes still count (§10.1)."""
DOMAIN: Final = "X-OpenDSR-Processor-Domain"
SIGNATURE: Final = "X-OpenDSR-Signature"

Verify = Callable[[bytes, str, bytes], None]
"""Public key (SPKI, DER), base64 signature, message. Raises `GatewayError`."""


class Unsigned(GatewayError):
    """A message is not signed by whom it must be. `status`: what a callback is answered."""

    code = "opendsr-unverified"

    def __init__(self, why: str, *, status: int) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The key of a processor's certificate, as it was last seen and verified."""

    spki: bytes
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A raw message, verified; nothing of it has been parsed."""

    body: bytes = field(repr=False)
    signature: str = field(repr=False)
    key: Key

    def proof(self, *, domain: str, request: str, status: str) -> str:
        """
        What is kept of it for ever: with the certificate, who signed that the body of
        this hash was so. The body itself may name the person and is not in it.
        """
        return json.dumps(
            {
                "protocol": "opendsr",
                "processor_domain": domain,
                "subject_request_id": request,
                "request_status": status,
                "body_sha256": hashlib.sha256(self.body).hexdigest(),
                "signature": self.signature,
                "key_sha256": hashlib.sha256(self.key.spki).hexdigest(),
            }
        )


def opened(
    headers: Mapping[str, str],
    body: bytes,
    *,
    domain: str,
    key: Key | None,
    verify: Verify,
    now: datetime,
) -> Message:
    """
    A message by the processor of this domain, before anything of it is parsed.

    Raises `Unsigned`: 401 where it says to be another's or no certificate is known
    that is valid now, 400 where the signature is missing or wrong.
    """
    found = {name.lower(): value for name, value in headers.items()}
    if _header(found, "processor-domain").strip().lower() != domain:
        raise Unsigned(f"{DOMAIN} is missing or not the recipient's", status=401)
    if key is None or now > key.until:
        raise Unsigned("no valid certificate of the recipient is known", status=401)
    # A proxy may have folded it over lines.
    signature = "".join(_header(found, "signature").split())
    if not signature:
        raise Unsigned(f"{SIGNATURE} is missing", status=400)
    try:
        verify(key.spki, signature, body)
    except GatewayError:
        raise Unsigned(f"{SIGNATURE} is not over this body", status=400) from None
    return Message(body=body, signature=signature, key=key)


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((text for one in VERSIONS if (text := headers.get(f"x-{one}-{name}"))), "")
