"""Addresses of machines in free text."""

import pytest

from tests.marks import promise
from tests.unit.shape.scan import found, kinds


@promise("P6")
@pytest.mark.parametrize(
    "address",
    [
        "203.0.113.77",
        "81.124.55.3",
        "2001:db8::7:1a2b",
        "2001:db8:85a3:0:0:8a2e:370:7334",
    ],
)
def test_addresses_are_found(address):
    """An address of a machine is found, also right behind its name."""
    assert found(f"from {address}.") == [("ip", address)]
    assert found(f"IP：{address}") == [("ip", address)]


def test_a_short_address_needs_its_name():
    """Few digits with dots are taken for an address only behind a word that says so."""
    assert kinds("see 8.8.8.8") == []
    assert kinds("IP 8.8.8.8") == ["ip"]


@pytest.mark.parametrize(
    "text",
    [
        "192.168.0.1",
        "10.20.30.40",
        "172.16.205.154",
        "127.0.0.1",
        "255.255.255.0",
        "::1",
        "fe80::1:2:3",
        "ff02::1:2:3",
        "10.0.19045.3693",
        "version 138.0.45.119",
        "§ 12.10.11.12",
        "203.0.113.777",
        "1.203.0.113.77",
        "10:30:00",
        "00:1B:44:11:3A:B7",
        "std::vector<int>",
        "abc::def::1",
    ],
)
def test_addresses_of_nobody_are_left(text):
    """Private addresses, masks, versions, times and numbers of network cards are none."""
    assert kinds(text) == []
