"""
An edition: one numbered, dated version of `policies/` (N1).

Each share pins the number of its edition, and the ledger the digest of what was
loaded, so that what a share was decided under can be shown later.
"""

import hashlib
from collections.abc import Mapping


def digest_of(documents: Mapping[str, bytes]) -> str:
    """
    Hex SHA-256 over the names and bytes of `documents`.

    Does not depend on their order. Each name and each content goes in behind
    its length (eight bytes, big-endian), so that no two sets share a digest by
    where one document ends and the next begins.
    """
    digest = hashlib.sha256()
    for name in sorted(documents):
        for part in (name.encode(), documents[name]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()
