"""
Pseudonyms: names under which a partner knows a person, or a value of theirs.

Each is a keyed hash under the person's own key. Two partners cannot compare
theirs, and once the key is destroyed nobody can make or recognise one again
(R2).
"""

import hmac
from base64 import b32encode

MIN_KEY_BYTES = 32
LENGTH = 26
"""Characters; at five bits each that is 130 bits."""

_LABEL = b"sharing-gateway pseudonym v1"


def pseudonym(subject_key: bytes, partner: str, value: str | None = None) -> str:
    """
    26 characters of `a-z2-7`, always the same for this key, partner and value.

    `value` None means the person; a string means that value of theirs, and an
    empty string is not None. Raises `ValueError` for a key under 32 bytes.
    """
    if len(subject_key) < MIN_KEY_BYTES:
        raise ValueError(f"a subject key has at least {MIN_KEY_BYTES} bytes")
    parts = (_LABEL, partner.encode(), *(() if value is None else (value.encode(),)))
    # Lengths in front: no two lists of parts have the same octets.
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    mac = hmac.digest(subject_key, message, "sha256")
    return b32encode(mac).decode("ascii").lower()[:LENGTH]
