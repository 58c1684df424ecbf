"""
A small certificate authority, for TLS on loopback and for mutual TLS.

Its root lives as long as the object. What it issues goes into files, because
that is what manifests and servers take.
"""

import base64
import hashlib
import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = timedelta(days=30)
_BOTH_SIDES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCertificate:
    """A certificate, its key and the root that vouches for it, as PEM files."""

    cert: Path
    key: Path
    """Mode 0600."""
    ca: Path
    pin: str
    """`sha256/` and the base64 digest of its SubjectPublicKeyInfo (RFC 7469 §2.4)."""

    def server_context(self, *, client_ca: Path | None = None) -> ssl.SSLContext:
        """A server's TLS context; with `client_ca` it demands a certificate of the caller."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.cert, self.key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this root alone and shows this certificate."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.load_cert_chain(self.cert, self.key)
        return context


class Authority:
    """A root on EC P-256 that issues certificates for servers and clients."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, root: x509.Certificate) -> None:
        self._key = key
        self._root = root

    @classmethod
    def create(cls, now: datetime, *, name: str = "Loopback test authority") -> "Authority":
        """A new root, valid from a day before `now` until 30 days after."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key()
        builder = _builder(now - timedelta(days=1), now + LIFE, name, name, public)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        builder = builder.add_extension(_usage(signs_certificates=True), True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        return cls(key, builder.sign(key, hashes.SHA256()))

    @property
    def pem(self) -> bytes:
        """The root's certificate in PEM."""
        return self._root.public_bytes(serialization.Encoding.PEM)

    def issue(
        self,
        folder: Path,
        name: str = "server",
        *,
        names: Sequence[str] = ("localhost",),
        addresses: Sequence[str] = ("127.0.0.1", "::1"),
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> IssuedCertificate:
        """
        A new key and a certificate for it, good for servers and for clients.

        Writes `name.pem`, `name.key.pem` and `ca.pem` into `folder`. `names`
        and `addresses` are what a server may be called; the life is the root's
        unless given, so that a certificate can be expired or not yet valid.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(
            key.public_key(),
            name,
            [*map(x509.DNSName, names), *(x509.IPAddress(_address(text)) for text in addresses)],
            not_before or self._root.not_valid_before_utc,
            not_after or self._root.not_valid_after_utc,
        )
        return self._write(folder, name, key, certificate)

    def _sign(
        self,
        public: ec.EllipticCurvePublicKey,
        name: str,
        alternatives: list[x509.GeneralName],
        not_before: datetime,
        not_after: datetime,
    ) -> x509.Certificate:
        root_key = self._key.public_key()
        builder = _builder(not_before, not_after, name, _common_name(self._root), public)
        for extension, critical in (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(signs_certificates=False), True),
            (x509.ExtendedKeyUsage(_BOTH_SIDES), False),
            (x509.SubjectKeyIdentifier.from_public_key(public), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key), False),
            (x509.SubjectAlternativeName(alternatives), False),
        ):
            builder = builder.add_extension(extension, critical)
        return builder.sign(self._key, hashes.SHA256())

    def _write(
        self,
        folder: Path,
        name: str,
        key: ec.EllipticCurvePrivateKey,
        certificate: x509.Certificate,
    ) -> IssuedCertificate:
        folder.mkdir(parents=True, exist_ok=True)
        paths = folder / f"{name}.pem", folder / f"{name}.key.pem", folder / "ca.pem"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_secret(paths[1], key)
        paths[2].write_bytes(self.pem)
        return IssuedCertificate(cert=paths[0], key=paths[1], ca=paths[2], pin=_pin(certificate))


def _builder(
    not_before: datetime,
    not_after: datetime,
    subject: str,
    issuer: str,
    public: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .public_key(public)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _common_name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)


def _pin(certificate: x509.Certificate) -> str:
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "sha256/" + base64.b64encode(hashlib.sha256(spki).digest()).decode("ascii")


def _write_secret(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
