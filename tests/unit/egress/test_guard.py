"""Which addresses may be reached: the judgement itself."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.egress.guard import (
    AddressReason,
    AddressRefused,
    AddressRules,
    judge,
    parse_networks,
    special,
    unwrap,
)
from gateway.errors import ConfigError

NOTHING = AddressRules()

# One address of every range that STANDARDS.md lists, first and last of the wide ones.
REFUSED = {
    "0.0.0.0": "unspecified",
    "0.255.255.255": "unspecified",
    "10.0.0.0": "private",
    "10.255.255.255": "private",
    "100.64.0.1": "shared",
    "100.127.255.255": "shared",
    "127.0.0.1": "loopback",
    "127.255.255.254": "loopback",
    "169.254.169.254": "link-local",
    "172.16.0.1": "private",
    "172.31.255.255": "private",
    "192.0.0.1": "reserved",
    "192.0.2.1": "documentation",
    "192.88.99.1": "translation",
    "192.168.0.1": "private",
    "198.18.0.1": "benchmarking",
    "198.19.255.255": "benchmarking",
    "198.51.100.1": "documentation",
    "203.0.113.1": "documentation",
    "224.0.0.1": "multicast",
    "239.255.255.255": "multicast",
    "240.0.0.1": "reserved",
    "255.255.255.255": "broadcast",
    "::": "unspecified",
    "::1": "loopback",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fc00::1": "private",
    "fdff::1": "private",
    "fec0::1": "private",
    "ff02::1": "multicast",
    "2001:db8::1": "documentation",
    "2001::1": "reserved",
    "2001:2::1": "benchmarking",
    "3fff::1": "documentation",
    "100::1": "reserved",
    "64:ff9b:1::1": "translation",
    "5f00::1": "reserved",
    "4000::1": "reserved",
    "1::1": "reserved",
}

# Ways to write an IPv4 address as IPv6.
INSIDE = ("::ffff:{}", "::ffff:0:{}", "64:ff9b::{}", "::{}")

PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"]


def refusal(address: str, rules: AddressRules = NOTHING, *, plain: bool = False) -> str | None:
    """Why an address is refused, or None."""
    try:
        judge(address, rules, plain=plain)
    except AddressRefused as refused:
        return str(refused).removeprefix("address refused: ")
    return None


def six_to_four(address: str) -> str:
    """The 6to4 address of an IPv4 address."""
    return str(IPv6Address((0x2002 << 112) | (int(IPv4Address(address)) << 80)))


@pytest.mark.parametrize(("address", "reason"), REFUSED.items())
def test_a_special_address_is_refused_with_its_reason(address: str, reason: str) -> None:
    """Addresses that are not public are refused, each in a fixed word."""
    assert refusal(address) == reason


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_reached(address: str) -> None:
    """Public addresses pass without any setting."""
    assert refusal(address) is None


@pytest.mark.parametrize(
    ("address", "reason"), [each for each in REFUSED.items() if "." in each[0] and each[1]]
)
def test_an_ipv4_address_inside_ipv6_is_judged_as_itself(address: str, reason: str) -> None:
    """Mapped, translated, NAT64, 6to4 and compatible forms are refused like the IPv4 address."""
    forms = [form.format(address) for form in INSIDE] + [six_to_four(address)]
    # ::0.0.0.0 is the unspecified address of IPv6 and refused as that.
    assert {refusal(form) for form in forms} == {reason}


@pytest.mark.parametrize("form", [*INSIDE, "6to4"])
def test_a_public_ipv4_address_inside_ipv6_is_reached(form: str) -> None:
    """A network that has IPv6 alone reaches public partners through NAT64."""
    address = six_to_four("8.8.8.8") if form == "6to4" else form.format("8.8.8.8")

    assert refusal(address) is None


@pytest.mark.parametrize(
    "text",
    ["localhost", "", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.1:80", "[::1]"],
)
def test_what_is_not_an_address_is_refused(text: str) -> None:
    """Names and odd spellings never reach the judgement's lists: they are refused outright."""
    assert refusal(text) == "not-an-address"


def test_an_allowed_network_is_reached_and_its_neighbour_is_not() -> None:
    """`allow` opens what it names, in every form of the same address, and nothing beside it."""
    rules = AddressRules(allow=parse_networks(["10.20.0.0/16", "fd00:1::/32"], setting="x"))

    assert refusal("10.20.3.4", rules) is None
    assert refusal("::ffff:10.20.3.4", rules) is None
    assert refusal(six_to_four("10.20.3.4"), rules) is None
    assert refusal("fd00:1::9", rules) is None
    assert refusal("10.21.0.1", rules) == "private"
    assert refusal("fd00:2::9", rules) == "private"


def test_allowing_all_of_ipv6_does_not_open_ipv4_inside_it() -> None:
    """`::/0` says nothing about IPv4 addresses in disguise."""
    rules = AddressRules(allow=(ip_network("::/0"),))

    assert refusal("fe80::1", rules) is None
    assert refusal("::ffff:127.0.0.1", rules) == "loopback"


def test_plaintext_is_refused_unless_its_network_is_named() -> None:
    """`http://` needs `plaintext`, also to a public address; TLS does not."""
    rules = AddressRules(plaintext=parse_networks(["8.8.8.0/24"], setting="x"))

    assert refusal("8.8.8.8", rules, plain=True) is None
    assert refusal("1.1.1.1", rules, plain=True) == "plaintext"
    assert refusal("1.1.1.1", rules) is None


def test_plaintext_and_allow_do_not_imply_each_other() -> None:
    """A private address over `http://` needs both settings."""
    networks = parse_networks(["10.0.0.0/8"], setting="x")

    assert refusal("10.0.0.1", AddressRules(plaintext=networks), plain=True) == "private"
    assert refusal("10.0.0.1", AddressRules(allow=networks), plain=True) == "plaintext"
    both = AddressRules(allow=networks, plaintext=networks)
    assert refusal("10.0.0.1", both, plain=True) is None


@given(st.ip_addresses())
def test_what_passes_is_global_and_carries_nothing_special(
    address: IPv4Address | IPv6Address,
) -> None:
    """Whatever address: if it passes, the registries call it global, and so what it carries."""
    if refusal(str(address)) is None:
        assert unwrap(address).is_global
        assert special(unwrap(address)) is None


@given(st.ip_addresses(v=4))
def test_disguise_changes_nothing(address: IPv4Address) -> None:
    """Whatever IPv4 address: each IPv6 form of it gets the same answer."""
    plain = refusal(str(address))
    forms = {refusal(form.format(address)) for form in (*INSIDE[:3],)}

    assert forms | {refusal(six_to_four(str(address)))} == {plain}


def test_networks_are_read_from_a_list() -> None:
    """CIDR of both families, spaces around them, empty entries left out."""
    read = parse_networks(["10.0.0.0/8", " ::1/128 ", "", "192.0.2.7"], setting="x")

    assert [str(network) for network in read] == ["10.0.0.0/8", "::1/128", "192.0.2.7/32"]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("10.0.0.1/8", 'write "10.0.0.0/8"'),
        ("fd00::1/8", 'write "fd00::/8"'),
        ("localhost", "write an address and a length"),
        ("10.0.0.0/33", "write an address and a length"),
        ("::ffff:10.0.0.0/104", "write the IPv4 network itself"),
        ("2002:a00::/24", "write the IPv4 network itself"),
    ],
)
def test_a_broken_network_is_told_with_what_to_write(entry: str, told: str) -> None:
    """A setting that cannot be meant stops the start, and says where and what instead."""
    with pytest.raises(ConfigError) as error:
        parse_networks(["10.0.0.0/8", entry], setting="GATEWAY_EGRESS__ALLOW")

    assert str(error.value).startswith(f'GATEWAY_EGRESS__ALLOW: "{entry}"')
    assert told in str(error.value)


def test_every_reason_is_a_fixed_word() -> None:
    """Reasons serve as labels: lower case, no spaces."""
    assert all(reason.replace("-", "").isalpha() for reason in AddressReason)
