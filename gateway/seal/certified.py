"""
Signatures by the key of an X.509 certificate over a whole message, as OpenDSR has
them (STANDARDS §2.2, §2.3): RSA PKCS#1 v1.5 or ECDSA with SHA-256, in base64.

Whose certificate it is, is decided once (`certified`); what is kept of it is the key.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from warnings import catch_warnings, simplefilter

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from gateway.errors import GatewayError
from gateway.seal.jws import SignatureRefused

LEAST_RSA_BITS = 2048
MOST_CERTIFICATES = 10

# What the names of a certificate that was written wrongly can raise; not all are a `ValueError`.
_NAMELESS = (
    ValueError,
    x509.ExtensionNotFound,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class CertificateRefused(GatewayError):
    """A certificate is not to be believed. The message says which rule it breaks."""

    code = "certificate-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedKey:
    """A public key that a certificate gives to a domain."""

    spki: bytes
    """SubjectPublicKeyInfo, DER."""
    until: datetime
    """When the certificate ends."""


def certified(
    octets: bytes, *, domain: str, now: datetime, trusted: Sequence[bytes], pinned: bytes = b""
) -> CertifiedKey:
    """
    The key of the certificate in `octets` (PEM, with those that issued it after it, or DER).

    `trusted` are authorities, in DER; `pinned` is PEM that counts instead of them: the
    certificate itself, or the authority that issued it. It must be of now, and one of
    its DNS names must be the domain. Raises `CertificateRefused`.
    """
    leaf, *others = _certificates(octets)
    anchors = _certificates(pinned) if pinned else _loaded(tuple(trusted))
    if leaf in anchors:
        _check_leaf(leaf, domain, now)
    else:
        _check_chain(leaf, others, anchors, domain, now)
    public = _public_key(leaf)
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return CertifiedKey(spki=spki, until=leaf.not_valid_after_utc)


def verify_signature(spki: bytes, signature: str, message: bytes) -> None:
    """
    Check a base64 signature over the SHA-256 of `message`; white space that a proxy
    folded into it does not count. Raises `SignatureRefused`.
    """
    try:
        octets = b64decode("".join(signature.split()), validate=True)
    except ValueError:
        raise SignatureRefused("the signature is not base64") from None
    public = load_der_public_key(spki)
    try:
        match public:
            case RSAPublicKey():
                public.verify(octets, message, padding.PKCS1v15(), SHA256())
            case EllipticCurvePublicKey():
                public.verify(octets, message, ECDSA(SHA256()))
            case _:
                raise SignatureRefused("the key is neither RSA nor of an elliptic curve")
    except InvalidSignature:
        raise SignatureRefused("the signature is not by this key over these bytes") from None


def signed_by(private_pem: str, message: bytes) -> str:
    """
    The signature of `message` by an RSA or EC key in PEM, as others check it above.
    Raises `CertificateRefused` where it is another key, or none.
    """
    private = _private(private_pem)
    if isinstance(private, RSAPrivateKey):
        return b64encode(private.sign(message, padding.PKCS1v15(), SHA256())).decode()
    return b64encode(private.sign(message, ECDSA(SHA256()))).decode()


def check_pair(certificate_pem: str, private_pem: str) -> None:
    """Raise `CertificateRefused` where a key is not that of the first certificate."""
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    leaf = _certificates(certificate_pem.encode())[0].public_key()
    if _private(private_pem).public_key().public_bytes(*spki) != leaf.public_bytes(*spki):
        raise CertificateRefused("the key is not the certificate's")


@lru_cache(maxsize=4)
def _private(pem: str) -> RSAPrivateKey | EllipticCurvePrivateKey:
    try:
        private = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        # Not chained: the cause may quote the file.
        raise CertificateRefused("the key is not an open private key in PEM") from None
    if not isinstance(private, RSAPrivateKey | EllipticCurvePrivateKey):
        raise CertificateRefused("the key is neither RSA nor of an elliptic curve")
    return private


def _certificates(octets: bytes) -> list[x509.Certificate]:
    try:
        if b"-----BEGIN" not in octets:
            return [x509.load_der_x509_certificate(octets)]
        found = x509.load_pem_x509_certificates(octets)
    except (ValueError, x509.InvalidVersion):
        raise CertificateRefused("it is not an X.509 certificate in PEM or DER") from None
    if len(found) > MOST_CERTIFICATES:
        raise CertificateRefused(f"it is more than {MOST_CERTIFICATES} certificates")
    return found


@lru_cache(maxsize=4)
def _loaded(trusted: tuple[bytes, ...]) -> list[x509.Certificate]:
    found = []
    for one in trusted:
        # One that cannot be read, as systems carry them, vouches for nobody.
        with suppress(ValueError), catch_warnings():
            simplefilter("ignore", CryptographyDeprecationWarning)
            found.append(x509.load_der_x509_certificate(one))
    return found


def _check_leaf(leaf: x509.Certificate, domain: str, now: datetime) -> None:
    """A certificate that is trusted by itself still ends, and is still of one domain."""
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        raise CertificateRefused("the certificate is not valid now")
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except _NAMELESS:
        raise CertificateRefused("the certificate names no domain") from None
    if domain not in (name.lower() for name in names.get_values_for_type(x509.DNSName)):
        raise CertificateRefused("the certificate is another domain's")


def _check_chain(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    domain: str,
    now: datetime,
) -> None:
    if not anchors:
        raise CertificateRefused("no authority is trusted here")
    try:
        # RFC 5280 §6 with the profile of the web's authorities; the name is checked with it.
        verifier = (
            PolicyBuilder()
            .store(Store(list(anchors)))
            .time(now.replace(tzinfo=None))
            .build_server_verifier(x509.DNSName(domain))
        )
        verifier.verify(leaf, list(others))
    except (VerificationError, ValueError):
        raise CertificateRefused(
            "no trusted authority issued the certificate to this domain, or not for now"
        ) from None


def _public_key(leaf: x509.Certificate) -> RSAPublicKey | EllipticCurvePublicKey:
    try:
        public = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateRefused("its key is none that is known") from None
    if isinstance(public, RSAPublicKey) and public.key_size >= LEAST_RSA_BITS:
        return public
    if not isinstance(public, EllipticCurvePublicKey):
        raise CertificateRefused(f"its key is not RSA of {LEAST_RSA_BITS} bits, nor an EC key")
    return public
