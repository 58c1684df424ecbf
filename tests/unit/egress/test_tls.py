"""TLS on the way to a partner, against real servers with certificates of our own making."""

import asyncio
import base64
import shutil
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.egress.tls import spki_digest, tls_stamp
from gateway.errors import PartnerCut, PartnerFailed, PartnerUnreachable
from gateway.model.recipients import Tls, Upstream
from gateway.testing.authority import Authority, IssuedCertificate
from tests.unit.egress.wire import TLS_ONLY, Wire, client_for, fine, request_to, serving

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    """The root that the partner's manifest names."""
    return Authority.create(NOW)


@pytest.fixture
def issued(authority: Authority, tmp_path: Path) -> IssuedCertificate:
    """The partner's certificate, for localhost and loopback."""
    return authority.issue(tmp_path)


def upstream(tls: Tls) -> Upstream:
    """A partner with these TLS settings."""
    return Upstream(base_url="https://localhost", tls=tls)


def named(issued: IssuedCertificate, **settings: object) -> Upstream:
    """A partner whose manifest names its root, relative to the manifest's folder."""
    return upstream(Tls(ca=f"file:{issued.ca.name}", **settings))  # type: ignore[arg-type]


async def asked(
    wire: Wire, partner: Upstream, folder: Path, *, host: str = "localhost"
) -> PartnerFailed | int:
    """The status, or how it failed."""
    async with client_for(partner, rules=TLS_ONLY, folder=folder) as client:
        try:
            request = request_to(wire.url(host=host, scheme="https"))
            return (await client.send(request, last_look=fine)).status
        except PartnerFailed as failed:
            return failed


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_partner_with_the_declared_root_is_reached(
    issued: IssuedCertificate, tmp_path: Path, host: str
) -> None:
    """The manifest's own root counts, for a name and for an address in the certificate."""
    async with serving(tls=issued.server_context()) as wire:
        assert await asked(wire, named(issued), tmp_path, host=host) == 200


async def test_another_root_is_refused(issued: IssuedCertificate, tmp_path: Path) -> None:
    """A certificate of another authority is not accepted, and nothing is sent."""
    other = Authority.create(NOW).issue(tmp_path / "other")
    async with serving(tls=other.server_context()) as wire:
        failed = await asked(wire, named(issued), tmp_path)

        assert isinstance(failed, PartnerUnreachable)
        assert str(failed) == "swift-parcel: its certificate does not verify"
        assert wire.bytes == 0


async def test_without_a_declared_root_the_systems_count(
    issued: IssuedCertificate, tmp_path: Path
) -> None:
    """Nobody's root but the system's is trusted by default."""
    async with serving(tls=issued.server_context()) as wire:
        failed = await asked(wire, upstream(Tls()), tmp_path)

        assert isinstance(failed, PartnerUnreachable)
        assert wire.bytes == 0


async def test_another_host_name_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A certificate of the right authority for another name is not accepted."""
    other = authority.issue(tmp_path, names=("other.example",), addresses=())
    async with serving(tls=other.server_context()) as wire:
        failed = await asked(wire, named(other), tmp_path)

        assert str(failed) == "swift-parcel: its certificate does not verify"
        assert wire.bytes == 0


async def test_an_expired_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A certificate that ran out is not accepted."""
    old = authority.issue(tmp_path, not_after=NOW - timedelta(hours=1))
    async with serving(tls=old.server_context()) as wire:
        failed = await asked(wire, named(old), tmp_path)

        assert str(failed) == "swift-parcel: its certificate does not verify"
        assert wire.bytes == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_tls_is_refused(
    issued: IssuedCertificate, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """Below TLS 1.2 there is no connection."""
    server = issued.server_context()
    server.set_ciphers("DEFAULT:@SECLEVEL=0")
    server.minimum_version = server.maximum_version = version
    lax = ssl.create_default_context(cafile=issued.ca)
    lax.set_ciphers("DEFAULT:@SECLEVEL=0")
    lax.minimum_version = version
    async with serving(tls=server) as wire:
        _, writer = await asyncio.open_connection("localhost", wire.port, ssl=lax)
        spoken = writer.get_extra_info("ssl_object").version()
        writer.close()
        failed = await asked(wire, named(issued), tmp_path)

        assert spoken in ("TLSv1", "TLSv1.1"), "the server does speak it"
        assert isinstance(failed, PartnerUnreachable)
        assert wire.bytes == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_current_tls_is_accepted(
    issued: IssuedCertificate, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """TLS 1.2 and 1.3 both work."""
    server = issued.server_context()
    server.minimum_version = server.maximum_version = version
    async with serving(tls=server) as wire:
        assert await asked(wire, named(issued), tmp_path) == 200


async def test_a_client_certificate_is_shown(
    authority: Authority, issued: IssuedCertificate, tmp_path: Path
) -> None:
    """Mutual TLS: with `cert` and `key` the partner accepts us, without them it does not."""
    authority.issue(tmp_path, "gateway")
    server = issued.server_context(client_ca=issued.ca)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    mutual = named(issued, cert="file:gateway.pem", key="file:gateway.key.pem")
    async with serving(tls=server) as wire:
        assert await asked(wire, mutual, tmp_path) == 200
        before = wire.bytes
        failed = await asked(wire, named(issued), tmp_path)

        assert isinstance(failed, PartnerUnreachable)
        assert wire.bytes == before


async def test_a_refused_client_certificate_under_tls_1_3_counts_as_maybe(
    issued: IssuedCertificate, tmp_path: Path
) -> None:
    """
    In TLS 1.3 the handshake ends for us before the partner has judged our
    certificate. The request has left by then, so the safe reading counts.
    """
    async with serving(tls=issued.server_context(client_ca=issued.ca)) as wire:
        failed = await asked(wire, named(issued), tmp_path)

        assert isinstance(failed, PartnerCut)


@pytest.mark.parametrize("prefix", ["", "sha256/"])
async def test_a_pinned_key_is_accepted(
    issued: IssuedCertificate, tmp_path: Path, prefix: str
) -> None:
    """A pin names the partner's key; a spare one beside it does no harm."""
    pin = prefix + issued.pin.removeprefix("sha256/")
    spare = base64.b64encode(bytes(32)).decode()
    async with serving(tls=issued.server_context()) as wire:
        assert await asked(wire, named(issued, pins=(spare, pin)), tmp_path) == 200


async def test_a_key_that_is_not_pinned_gets_nothing(
    issued: IssuedCertificate, tmp_path: Path
) -> None:
    """A certificate that verifies, with another key than the pinned, gets no byte."""
    pin = base64.b64encode(bytes(32)).decode()
    async with serving(tls=issued.server_context()) as wire:
        failed = await asked(wire, named(issued, pins=(pin,)), tmp_path)

        assert isinstance(failed, PartnerUnreachable)
        assert str(failed) == "swift-parcel: its key is not among the pinned ones"
        assert wire.bytes == 0


def test_a_pin_is_that_of_the_certificates_key(issued: IssuedCertificate) -> None:
    """The digest of a pin is computed as RFC 7469 has it."""
    der = ssl.PEM_cert_to_DER_cert(issued.cert.read_text())

    assert issued.pin == "sha256/" + base64.b64encode(spki_digest(der)).decode()


@pytest.mark.parametrize(
    ("settings", "named_file"),
    [
        (Tls(ca="file:none.pem"), "file:none.pem"),
        (Tls(ca="file:broken.pem"), "file:broken.pem"),
        (Tls(ca="file:ca.pem", cert="file:none.pem"), "file:none.pem"),
        (Tls(ca="file:ca.pem", cert="file:server.pem", key="file:broken.pem"), "file:server.pem"),
        (Tls(ca="file:ca.pem", cert="file:server.pem", key="file:locked.pem"), "file:server.pem"),
    ],
)
async def test_a_missing_or_broken_file_was_not_sent(
    issued: IssuedCertificate, tmp_path: Path, settings: Tls, named_file: str
) -> None:
    """Without its files a partner is not reached, and the message names the reference."""
    (tmp_path / "broken.pem").write_text("no certificate")
    locked = ssl.PEM_HEADER.replace("CERTIFICATE", "ENCRYPTED PRIVATE KEY")
    (tmp_path / "locked.pem").write_text(f"{locked}\nAAAA\n{locked.replace('BEGIN', 'END')}\n")
    async with serving(tls=issued.server_context()) as wire:
        failed = await asked(wire, upstream(settings), tmp_path)

        assert isinstance(failed, PartnerUnreachable)
        assert named_file in str(failed)
        assert wire.received == []


def test_a_rotated_file_changes_the_stamp(issued: IssuedCertificate, tmp_path: Path) -> None:
    """A context knows by the files it was made from whether it is still current."""
    settings = Tls(ca="file:ca.pem", cert="file:server.pem", key="file:server.key.pem")
    before = tls_stamp(settings, tmp_path)
    shutil.copy(issued.cert, tmp_path / "copy.pem")
    (tmp_path / "copy.pem").replace(issued.cert)
    after = tls_stamp(settings, tmp_path)
    issued.ca.unlink()

    assert before != after
    assert tls_stamp(settings, tmp_path)[0] is None
    assert tls_stamp(Tls(), tmp_path) == ()
