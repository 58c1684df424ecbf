"""Mutual TLS: a partner that demands our certificate gets it, also after it was rotated."""

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from gateway.egress import ClientPool, SecretFiles
from gateway.errors import PartnerFailed
from gateway.model.recipients import Tls
from gateway.testing.authority import Authority
from tests.unit.egress.test_pool import a_partner
from tests.unit.egress.wire import (
    OK,
    TLS_ONLY,
    Reply,
    Wire,
    fine,
    read_request,
    request_to,
    serving,
)

FILES = Tls(ca="file:root/ca.pem", cert="file:ours.pem", key="file:ours.key.pem")
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class Callers:
    """Whose certificates a server was shown, by serial number."""

    def __init__(self) -> None:
        self.serials: list[int] = []

    def reply(self) -> Reply:
        """Answer, and note who asked."""

        async def answer(
            wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
        ) -> None:
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            self.serials.append(x509.load_der_x509_certificate(shown).serial_number)
            while await read_request(wire, reader):
                writer.write(OK)

        return answer


def install(authority: Authority, folder: Path) -> int:
    """Put a new certificate of ours where the manifest names it; its serial number."""
    fresh = authority.issue(folder / "fresh", "ours")
    serial = x509.load_pem_x509_certificate(fresh.cert.read_bytes()).serial_number
    fresh.key.replace(folder / "ours.key.pem")
    fresh.cert.replace(folder / "ours.pem")
    return serial


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_rotated_certificate_is_shown_without_a_restart(
    tmp_path: Path, version: ssl.TLSVersion
) -> None:
    """The partner sees the old certificate before the files changed and the new one after."""
    authority = Authority.create(datetime.now(UTC))
    server = authority.issue(tmp_path / "root")
    tls = server.server_context(client_ca=server.ca)
    tls.minimum_version = tls.maximum_version = version
    pool = ClientPool(rules=TLS_ONLY, secrets=SecretFiles(tmp_path, {}), folder=tmp_path)
    callers = Callers()
    async with serving(callers.reply(), tls=tls) as wire:
        partner, url = a_partner(wire, tls=FILES), wire.url(scheme="https", host="localhost")
        expected = []
        for _ in range(2):
            expected.append(install(authority, tmp_path))
            for _ in range(2):
                answer = await pool.partner(partner).send(request_to(url), last_look=fine)
                assert answer.status == 200

        assert callers.serials == expected, "each was shown once: connections are kept"
        await pool.close()


async def test_without_the_demanded_certificate_nothing_is_answered(tmp_path: Path) -> None:
    """A certificate of somebody else's authority is refused by the partner."""
    authority, other = (Authority.create(datetime.now(UTC)) for _ in range(2))
    server = authority.issue(tmp_path / "root")
    tls = server.server_context(client_ca=server.ca)
    pool = ClientPool(rules=TLS_ONLY, secrets=SecretFiles(tmp_path, {}), folder=tmp_path)
    install(other, tmp_path)
    async with serving(tls=tls) as wire:
        url = wire.url(scheme="https", host="localhost")
        with pytest.raises(PartnerFailed):
            await pool.partner(a_partner(wire, tls=FILES)).send(request_to(url), last_look=fine)

        assert wire.requests == []
        await pool.close()
