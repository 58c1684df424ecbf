"""Clock, randomness, keys and ports behave as the product needs them to."""

import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from jwcrypto.jwk import JWK

from gateway.testing.clock import Clock
from gateway.testing.keys import Curve, PartnerKeys
from gateway.testing.ports import HIGHEST, LOWEST, PortLease
from gateway.testing.random import seeded


def test_the_clock_moves_only_when_told() -> None:
    """Time stands still, can be set and can be moved on; it is always UTC."""
    clock = Clock(datetime(2026, 1, 1, 8, tzinfo=timezone(timedelta(hours=8))))
    assert clock() == clock() == datetime(2026, 1, 1, tzinfo=UTC)
    assert clock().utcoffset() == timedelta(0)

    assert clock.advance(timedelta(days=1), seconds=1) == datetime(2026, 1, 2, 0, 0, 1, tzinfo=UTC)
    clock.set(datetime(2025, 1, 1, tzinfo=UTC))
    assert clock() == datetime(2025, 1, 1, tzinfo=UTC)


def test_a_clock_needs_a_zone() -> None:
    """A time without a zone is a mistake in the test and is refused."""
    with pytest.raises(ValueError, match="zone"):
        Clock(datetime(2026, 1, 1))  # noqa: DTZ001 (that is the mistake)


def test_seeded_randomness_repeats_itself() -> None:
    """The same seed gives the same bytes, another seed others."""
    first, again, other = seeded(1), seeded(1), seeded(2)
    drawn = [first(16), first(4)]

    assert drawn == [again(16), again(4)]
    assert [len(part) for part in drawn] == [16, 4]
    assert other(16) != drawn[0]


@pytest.mark.parametrize("curve", ["X25519", "P-256"])
def test_keys_are_good_jwks_and_keep_their_secret(curve: Curve) -> None:
    """Another JOSE implementation takes both halves, and the public one holds no secret."""
    keys = PartnerKeys.generate("swift-parcel", curve=curve, random=seeded(3))
    again = PartnerKeys.generate("swift-parcel", curve=curve, random=seeded(3))

    for private, public in zip(
        keys.private_jwks()["keys"], keys.public_jwks()["keys"], strict=True
    ):
        assert JWK(**private).thumbprint() == JWK(**public).thumbprint()
        assert JWK(**private).has_private
        assert not JWK(**public).has_private
    assert [key["use"] for key in keys.public_jwks()["keys"]] == ["enc", "sig"]
    assert again == keys
    assert str(keys.signature["d"]) not in repr(keys)


def test_keys_can_be_bound_to_purposes() -> None:
    """A partner may have one encryption key for each purpose."""
    keys = PartnerKeys.generate("p", purposes=("payment", "order-fulfilment"))

    bound = [key.get("purpose") for key in keys.public_jwks()["keys"]]
    assert bound == ["payment", "order-fulfilment", None]
    assert len({key["kid"] for key in keys.public_jwks()["keys"]}) == 3


def test_a_lease_keeps_its_port_from_other_processes() -> None:
    """No two leases, here or in another process, have the same port, which can be bound."""
    with PortLease() as first, PortLease() as second:
        assert first.port != second.port
        assert LOWEST <= first.port <= HIGHEST < 32768
        with socket.create_server(("127.0.0.1", first.port)):
            pass
        script = (
            "import json, sys; from gateway.testing import ports;"
            "print(json.dumps([ports._lock(int(port)) is None for port in sys.argv[1:]]))"
        )
        ports = [str(first.port), str(second.port)]
        held = subprocess.run(
            [sys.executable, "-c", script, *ports], capture_output=True, text=True, check=True
        )
        assert json.loads(held.stdout) == [True, True]


def test_a_released_port_can_be_leased_again() -> None:
    """Releasing gives a port back, however often it is done."""
    lease = PortLease()
    lease.release()
    lease.release()
    with socket.create_server(("127.0.0.1", lease.port)) as server:
        assert server.getsockname()[1] == lease.port
