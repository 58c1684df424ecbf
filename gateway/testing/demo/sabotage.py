"""
What makes the demonstration fail, on purpose.

Each act does behind the gateway's back what somebody could do who has access
to its host, to the network, or to a file on its way. That the story then ends
with exit code 1 shows that its claims are checked and not merely printed.
"""

import json
import sqlite3
from contextlib import closing
from enum import StrEnum
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.recipient import sign_receipt
from gateway.testing.demo.house import House
from gateway.testing.demo.tokens import claims_of, decoded, encoded, sign
from gateway.testing.demo.troubles import WITH_BACKUPS
from gateway.testing.demo.waiting import until
from gateway.testing.keys import signature_jwk
from gateway.testing.notices import ReceiptSent, acknowledge_only, post_receipt


class Sabotage(StrEnum):
    """The names that `--sabotage` takes."""

    LEAF = "leaf"
    """One leaf of the stored ledger says less than it said."""
    RECEIPT = "receipt"
    """Somebody else answers for a recipient, which deletes nothing."""
    FENCE = "fence"
    """What keeps an erased person out is taken out of the database."""
    CERT = "cert"
    """The certificate is changed, and forged with a key that comes in the file."""


async def change_a_leaf(house: House, share: str) -> str:
    """
    Stop the gateway and take a field out of the leaf of a share, in the
    database itself; what was done, in words.
    """
    await house.gateway.terminate()
    with closing(_database(house)) as database:
        rows = database.execute("SELECT seq, leaf FROM entry ORDER BY seq").fetchall()
        seq, leaf = next(
            (seq, leaf)
            for seq, text in rows
            if (leaf := json.loads(text)).get("share") == share and "fields" in leaf
        )
        hidden = leaf["fields"].pop()
        changed = json.dumps(leaf, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        database.execute("UPDATE entry SET leaf = ? WHERE seq = ?", (changed, seq))
        database.commit()
    return f"leaf {seq - 1} no longer says that {leaf['partner']} got {hidden}"


async def forge_a_receipt(house: House) -> str:
    """
    Let a recipient do nothing, wait for its notice, and send a receipt in its
    name, signed by a key of one's own; what was done, in words.
    """
    fake = house.recipients[WITH_BACKUPS].fake
    fake.notices.plan = acknowledge_only()
    if not await until(lambda: any(one.verified for one in fake.notices.received)):
        raise RuntimeError(f"{fake.id} was never told")
    came = next(one for one in fake.notices.received if one.verified)
    token = sign_receipt(
        # The right name, and another key.
        signature_jwk(str(fake.keys.signature["kid"])),
        partner=fake.id,
        audience=came.data["issuer"],
        notice=came.notice,
        status="completed",
    )
    async with aiohttp.ClientSession() as session:
        status = await post_receipt(session, came.data["receipts"], token)
    fake.notices.receipts.append(
        ReceiptSent(notice=came.notice, status="completed", token=token, http_status=status)
    )
    return f"somebody else said for {fake.id} that everything is deleted"


async def remove_the_fence(house: House) -> str:
    """
    Take every tombstone out of the database while the gateway restarts, and
    with it the mark of an erasure; what was done, in words.
    """
    await house.gateway.terminate()
    with closing(_database(house)) as database:
        gone = database.execute("DELETE FROM tombstone").rowcount
        database.execute("UPDATE person SET erased = 0")
        database.commit()
    await house.gateway.start()
    return f"{gone} tombstones are no longer in the database"


def change_a_certificate(path: Path) -> str:
    """Change one letter of what a certificate says; what was done, in words."""
    token = path.read_text().strip()
    header, payload, signature = token.split(".")
    said = decoded(payload)
    changed = said.replace(b'"user-request"', b'"user-requesT"', 1)
    if changed == said:
        raise RuntimeError("the certificate does not say why it was asked for")
    path.write_text(f"{header}.{encoded(changed)}.{signature}\n")
    return f"one letter of {path.name} is another"


def forge_a_certificate(path: Path) -> tuple[Path, str]:
    """
    Sign a certificate anew, under the right name and by a key that it brings
    along; where it lies, and what was done, in words.
    """
    token = path.read_text().strip()
    key = Ed25519PrivateKey.generate()
    x = encoded(key.public_key().public_bytes_raw())
    header = json.loads(decoded(token.partition(".")[0]))
    own = header | {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": header["kid"]}}
    forged = path.with_name("forged.jws")
    forged.write_text(sign(own, claims_of(token), key) + "\n")
    return forged, f"{forged.name} says the same, signed by a key that comes in it"


def _database(house: House) -> sqlite3.Connection:
    return sqlite3.connect(house.home / "data" / "gateway.db")
