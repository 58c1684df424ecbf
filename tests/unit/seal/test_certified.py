"""Keys that a certificate gives to a domain, and what they sign (STANDARDS §2.2, §2.3)."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.egress.tls import authorities
from gateway.seal.certified import (
    CertificateRefused,
    certified,
    check_pair,
    signed_by,
    verify_signature,
)
from gateway.seal.jws import SignatureRefused
from tests.counterparts.opendsr import Authority, key_pem, own_key, pem_of

DOMAIN = "vendor.example"
NOW = datetime.now(UTC)
AUTHORITY = Authority()
KEY = own_key("vendor")
LEAF = AUTHORITY.issued(DOMAIN, KEY.public_key())
PEM = pem_of(LEAF).encode()
ROOTS = (AUTHORITY.certificate.public_bytes(Encoding.DER),)


def test_a_certificate_of_a_trusted_authority_gives_its_key() -> None:
    """In PEM or DER, by the authorities of TLS or the one that is pinned."""
    pinned = AUTHORITY.pem.encode()
    found = [
        certified(PEM, domain=DOMAIN, now=NOW, trusted=ROOTS),
        certified(LEAF.public_bytes(Encoding.DER), domain=DOMAIN, now=NOW, trusted=ROOTS),
        certified(PEM, domain=DOMAIN, now=NOW, trusted=(), pinned=pinned),
        certified(PEM, domain=DOMAIN, now=NOW, trusted=(), pinned=PEM),
    ]
    assert len({one.spki for one in found}) == 1
    assert {one.until for one in found} == {LEAF.not_valid_after_utc}


@pytest.mark.parametrize("how", ["chain", "pinned"])
@pytest.mark.parametrize("what", ["domain", "over", "not-yet"])
def test_of_another_domain_or_time_it_gives_none(how: str, what: str) -> None:
    """Also a certificate that is pinned is of its domain and its time alone."""
    domain = "other.example" if what == "domain" else DOMAIN
    now = NOW + {"over": timedelta(days=31), "not-yet": -timedelta(days=91)}.get(what, timedelta())
    pinned = PEM if how == "pinned" else AUTHORITY.pem.encode()
    with pytest.raises(CertificateRefused):
        certified(PEM, domain=domain, now=now, trusted=(), pinned=pinned)


def test_of_nobody_who_is_trusted_it_gives_none() -> None:
    """Another authority, none at all, itself, or no certificate."""
    with pytest.raises(CertificateRefused):
        certified(PEM, domain=DOMAIN, now=NOW, trusted=authorities())
    other = Authority().pem.encode()
    for pinned in (other, b""):
        with pytest.raises(CertificateRefused):
            certified(PEM, domain=DOMAIN, now=NOW, trusted=(), pinned=pinned)
    for octets in (
        b"",
        b"\x30\x03",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ):
        with pytest.raises(CertificateRefused):
            certified(octets, domain=DOMAIN, now=NOW, trusted=ROOTS)


DER = LEAF.public_bytes(Encoding.DER)
BROKEN = {
    "version": DER.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09", 1),
    # The names of the curve, of the kind of key, and of an extension.
    "curve": DER.replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030163"), 1),
    "kind": DER.replace(bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d0263"), 1),
    "twice": DER.replace(b"\x55\x1d\x23", b"\x55\x1d\x11", 1),
}


@pytest.mark.parametrize("what", BROKEN)
def test_one_that_is_written_wrongly_is_refused_and_no_more(what: str) -> None:
    """Whatever is wrong with a certificate, it is a certificate that is not believed."""
    octets = BROKEN[what]
    assert octets != DER
    pins = [AUTHORITY.pem.encode()]
    if what != "version":
        pins.append(pem_of(x509.load_der_x509_certificate(octets)).encode())
    for pinned in pins:
        with pytest.raises(CertificateRefused):
            certified(octets, domain=DOMAIN, now=NOW, trusted=(), pinned=pinned)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["short", "kind"],
)
def test_a_key_that_is_weak_or_of_another_kind_is_none(key: object) -> None:
    """RSA below 2048 bits, and kinds that the framework does not sign with."""
    public = key.public_key()  # type: ignore[attr-defined]
    leaf = pem_of(AUTHORITY.issued(DOMAIN, public)).encode()
    with pytest.raises(CertificateRefused):
        certified(leaf, domain=DOMAIN, now=NOW, trusted=(), pinned=leaf)


@pytest.mark.parametrize("name", ["processor", "vendor"])
def test_what_a_key_signs_verifies_and_nothing_else(name: str) -> None:
    """RSA and EC: over these bytes, by this key; white space in the signature does not count."""
    key = own_key(name)
    leaf = pem_of(AUTHORITY.issued(DOMAIN, key.public_key()))
    spki = certified(leaf.encode(), domain=DOMAIN, now=NOW, trusted=ROOTS).spki
    signature = signed_by(key_pem(key), b"{}")
    verify_signature(spki, f"{signature[:40]}\n {signature[40:]}", b"{}")
    check_pair(leaf, key_pem(key))
    for wrong, message in ((signature, b"{ }"), ("AAAA", b"{}"), ("é", b"{}"), ("", b"{}")):
        with pytest.raises(SignatureRefused):
            verify_signature(spki, wrong, message)
    with pytest.raises(CertificateRefused):
        check_pair(leaf, key_pem(ec.generate_private_key(ec.SECP256R1())))


def test_a_file_that_holds_no_key_is_not_shown() -> None:
    """The error names the mistake and repeats nothing of the file."""
    with pytest.raises(CertificateRefused) as raised:
        signed_by("-----BEGIN secret-5f2e8a41c7", b"{}")
    assert "5f2e8a41c7" not in str(raised.value)
    assert raised.value.__cause__ is None
