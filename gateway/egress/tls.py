"""
TLS towards a partner (P1): verified always, 1.2 at least, its own roots and
client certificate where the manifest names them, pins where it lists them.
"""

import base64
import hashlib
import ssl
from functools import cache, lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.egress.references import SecretMissing, file_path
from gateway.errors import ConfigError
from gateway.model.recipients import Tls

Stamp = tuple[tuple[int, int, int] | None, ...]
"""What the files of a TLS context looked like: modification time, size and inode each."""


def tls_context(tls: Tls, folder: Path) -> ssl.SSLContext:
    """
    A client context that verifies the partner's certificate and host name.

    With `ca` these roots count and no others. Raises `SecretMissing` when a file
    cannot be read or does not hold what it should.
    """
    if tls.ca is None and tls.cert is None:
        return _system_context()
    context = _verifying(tls.ca, folder)
    if tls.cert is not None:
        key = None if tls.key is None else file_path(tls.key, folder)
        try:
            context.load_cert_chain(file_path(tls.cert, folder), key, password=_no_password)
        except (OSError, ValueError):
            raise SecretMissing(f"{tls.cert} and its key cannot be used") from None
    return context


def tls_stamp(tls: Tls, folder: Path) -> Stamp:
    """Changes when a file of the context does, so that a rotated one is picked up."""
    return tuple(
        _stamp(file_path(reference, folder))
        for reference in (tls.ca, tls.cert, tls.key)
        if reference
    )


@cache
def authorities() -> tuple[bytes, ...]:
    """The roots that TLS trusts where nothing else is said, in DER."""
    return tuple(_system_context().get_ca_certs(binary_form=True))


def read_pins(partner: str, pins: tuple[str, ...]) -> frozenset[bytes]:
    """
    SHA-256 digests from base64, with or without `sha256/` before them (RFC 7469 §2.4).

    Raises `ConfigError`.
    """
    return frozenset(_pin(partner, pin) for pin in pins)


@lru_cache(maxsize=256)
def spki_digest(certificate: bytes) -> bytes:
    """SHA-256 of the SubjectPublicKeyInfo of a certificate in DER: what a pin names."""
    key = x509.load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


@cache
def _system_context() -> ssl.SSLContext:
    # Reading the system's roots takes some 40 ms; partners without settings of
    # their own can share it.
    return _verifying(None, Path())


def _verifying(ca: str | None, folder: Path) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if ca is None else file_path(ca, folder))
    except (OSError, ValueError):
        raise SecretMissing(f"{ca} cannot be used as roots") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_password() -> str:
    # Without this an encrypted key would make OpenSSL ask on the terminal.
    raise ValueError("the key is encrypted")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _pin(partner: str, pin: str) -> bytes:
    try:
        digest = base64.b64decode(pin.removeprefix("sha256/"), validate=True)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise ConfigError(
            f'{partner}: "{pin}" in upstream.tls.pins is not a pin, '
            "write the base64 of the SHA-256 of the key's SubjectPublicKeyInfo"
        )
    return digest
