"""The test authority issues certificates that TLS accepts, and others that it refuses."""

import asyncio
import base64
import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.testing.authority import Authority, IssuedCertificate

NOW = datetime.now(UTC)


async def shake_hands(server: IssuedCertificate, client: ssl.SSLContext, name: str) -> None:
    """One TLS handshake on loopback."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    listening = await asyncio.start_server(welcome, "127.0.0.1", 0, ssl=server.server_context())
    port = listening.sockets[0].getsockname()[1]
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client, server_hostname=name
        )
        writer.close()
    finally:
        listening.close()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_what_it_issues_is_trusted_by_its_root(tmp_path: Path, name: str) -> None:
    """A server is known by its names and addresses to whoever trusts the root."""
    issued = Authority.create(NOW).issue(tmp_path)

    await shake_hands(issued, ssl.create_default_context(cafile=str(issued.ca)), name)
    assert issued.key.stat().st_mode & 0o777 == 0o600
    assert issued.cert.read_bytes().startswith(b"-----BEGIN CERTIFICATE")


async def test_what_must_not_be_trusted_is_not(tmp_path: Path) -> None:
    """Another name, another root and a life that is over are each refused."""
    authority = Authority.create(NOW)
    good = authority.issue(tmp_path / "good")
    old = authority.issue(tmp_path / "old", not_after=NOW - timedelta(hours=1))
    foreign = Authority.create(NOW).issue(tmp_path / "foreign")
    trusting = ssl.create_default_context(cafile=str(good.ca))

    for server, name in ((good, "elsewhere.example"), (old, "localhost"), (foreign, "localhost")):
        with pytest.raises(ssl.SSLCertVerificationError):
            await shake_hands(server, trusting, name)


def test_the_pin_is_of_the_public_key(tmp_path: Path) -> None:
    """A pin is the digest of the key, so it outlives the certificate."""
    issued = Authority.create(NOW).issue(tmp_path)
    key = x509.load_pem_x509_certificate(issued.cert.read_bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    digest = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    assert issued.pin == f"sha256/{digest}"
