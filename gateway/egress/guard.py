"""
Which addresses an outbound connection may reach.

Plain functions over addresses; the connection itself asks them (`exchange`), so
a literal, a name and a name that changes its mind are judged alike, and an
address is judged right before it is connected to.

An IPv4 address inside an IPv6 address is judged as that IPv4 address (contract
§6). Of IPv6 only 2000::/3 is global unicast; all else is refused whatever it
says about itself. The table is that of Svix's webhook sender, with
`ipaddress.is_global` (the IANA registries) as a second opinion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from gateway.errors import ConfigError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class AddressReason(StrEnum):
    """Why an address is refused. Fixed words, for messages and labels."""

    UNSPECIFIED = "unspecified"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    SHARED = "shared"
    LINK_LOCAL = "link-local"
    MULTICAST = "multicast"
    BROADCAST = "broadcast"
    DOCUMENTATION = "documentation"
    BENCHMARKING = "benchmarking"
    TRANSLATION = "translation"
    RESERVED = "reserved"
    PLAINTEXT = "plaintext"
    """`http://` to an address outside the networks where that is tolerated."""
    NOT_AN_ADDRESS = "not-an-address"


class AddressRefused(OSError):
    """
    An address that no outbound connection may reach.

    An `OSError`, because the connector then tries the next address of the name
    and cleans up after itself as after any failed connect. It does not leave
    this package: callers see `PartnerUnreachable`.
    """

    def __init__(self, reason: AddressReason) -> None:
        super().__init__(f"address refused: {reason.value}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRules:
    """What is reachable besides public addresses over TLS. Empty = nothing."""

    allow: tuple[Network, ...] = ()
    """Networks that may be reached although they are not public."""
    plaintext: tuple[Network, ...] = ()
    """Networks to which `http://` is tolerated. By itself it opens no network."""


# First match counts, so the narrower range stands before the wider one.
SPECIAL: tuple[tuple[Network, AddressReason], ...] = (
    (IPv4Network("0.0.0.0/8"), AddressReason.UNSPECIFIED),
    (IPv4Network("10.0.0.0/8"), AddressReason.PRIVATE),
    (IPv4Network("100.64.0.0/10"), AddressReason.SHARED),
    (IPv4Network("127.0.0.0/8"), AddressReason.LOOPBACK),
    (IPv4Network("169.254.0.0/16"), AddressReason.LINK_LOCAL),
    (IPv4Network("172.16.0.0/12"), AddressReason.PRIVATE),
    (IPv4Network("192.0.0.0/24"), AddressReason.RESERVED),
    (IPv4Network("192.0.2.0/24"), AddressReason.DOCUMENTATION),
    (IPv4Network("192.88.99.0/24"), AddressReason.TRANSLATION),
    (IPv4Network("192.168.0.0/16"), AddressReason.PRIVATE),
    (IPv4Network("198.18.0.0/15"), AddressReason.BENCHMARKING),
    (IPv4Network("198.51.100.0/24"), AddressReason.DOCUMENTATION),
    (IPv4Network("203.0.113.0/24"), AddressReason.DOCUMENTATION),
    (IPv4Network("224.0.0.0/4"), AddressReason.MULTICAST),
    (IPv4Network("255.255.255.255/32"), AddressReason.BROADCAST),
    (IPv4Network("240.0.0.0/4"), AddressReason.RESERVED),
    (IPv6Network("::/128"), AddressReason.UNSPECIFIED),
    (IPv6Network("::1/128"), AddressReason.LOOPBACK),
    (IPv6Network("64:ff9b:1::/48"), AddressReason.TRANSLATION),
    (IPv6Network("100::/64"), AddressReason.RESERVED),
    (IPv6Network("2001:2::/48"), AddressReason.BENCHMARKING),
    (IPv6Network("2001:db8::/32"), AddressReason.DOCUMENTATION),
    # Teredo, ORCHID and other protocols of the IETF; no server lives there.
    (IPv6Network("2001::/23"), AddressReason.RESERVED),
    (IPv6Network("3fff::/20"), AddressReason.DOCUMENTATION),
    (IPv6Network("5f00::/16"), AddressReason.RESERVED),
    (IPv6Network("fc00::/7"), AddressReason.PRIVATE),
    (IPv6Network("fe80::/10"), AddressReason.LINK_LOCAL),
    (IPv6Network("fec0::/10"), AddressReason.PRIVATE),
    (IPv6Network("ff00::/8"), AddressReason.MULTICAST),
)

GLOBAL_UNICAST = IPv6Network("2000::/3")

# Where an IPv6 address carries an IPv4 address, and how many bits stand behind it.
EMBEDDINGS: tuple[tuple[IPv6Network, int], ...] = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped, RFC 4291 §2.5.5.2
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated, RFC 2765 §2.1
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64, RFC 6052 §2.1
    (IPv6Network("2002::/16"), 80),  # 6to4, RFC 3056 §2
    (IPv6Network("::/96"), 0),  # compatible, RFC 4291 §2.5.5.1
)
# :: and ::1 lie in ::/96 and carry nothing (RFC 4291 §2.5.5.1).
_PLAIN_IPV6 = (IPv6Address("::"), IPv6Address("::1"))


def judge(address: str | Address, rules: AddressRules, *, plain: bool = False) -> None:
    """
    Let an address pass or raise `AddressRefused`.

    `address` is what would be connected to, as text or parsed; a zone
    (`fe80::1%eth0`) is ignored. `plain`: the scheme is `http`; then the address
    must also lie in `rules.plaintext`, public or not.
    """
    target = unwrap(_parse(address))
    if not _inside(target, rules.allow):
        reason = special(target)
        if reason is not None:
            raise AddressRefused(reason)
    if plain and not _inside(target, rules.plaintext):
        raise AddressRefused(AddressReason.PLAINTEXT)


def special(address: Address) -> AddressReason | None:
    """Why an address, taken as it is, is not a public one; None if it is public."""
    for network, reason in SPECIAL:
        if address in network:
            return reason
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST:
        return AddressReason.RESERVED
    return None if address.is_global else AddressReason.RESERVED


def unwrap(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries, else the address itself."""
    if isinstance(address, IPv4Address) or address in _PLAIN_IPV6:
        return address
    for network, behind in EMBEDDINGS:
        if address in network:
            return IPv4Address((int(address) >> behind) & 0xFFFF_FFFF)
    return address


def parse_networks(entries: Sequence[str], *, setting: str) -> tuple[Network, ...]:
    """
    Read networks in CIDR notation; `setting` names where they stand.

    Raises `ConfigError` with what to write instead. A network of IPv6 addresses
    that carry IPv4 is refused: those are judged as IPv4 and it would not match.
    """
    return tuple(_network(entry.strip(), setting) for entry in entries if entry.strip())


def _network(entry: str, setting: str) -> Network:
    try:
        network = ip_network(entry)
    except ValueError:
        raise ConfigError(f'{setting}: "{entry}" is not a network, {_instead(entry)}') from None
    if isinstance(network, IPv6Network) and _carries_ipv4(network):
        raise ConfigError(
            f'{setting}: "{entry}" holds IPv4 addresses inside IPv6, write the IPv4 network itself'
        )
    return network


def _carries_ipv4(network: IPv6Network) -> bool:
    inside = any(network.subnet_of(outer) for outer, _ in EMBEDDINGS)
    return inside and network.network_address not in _PLAIN_IPV6


def _instead(entry: str) -> str:
    try:
        return f'write "{ip_network(entry, strict=False)}"'
    except ValueError:
        return 'write an address and a length, for example "10.20.0.0/16" or "fd00::/8"'


def _parse(address: str | Address) -> Address:
    if isinstance(address, str):
        try:
            address = ip_address(address)
        except ValueError:
            raise AddressRefused(AddressReason.NOT_AN_ADDRESS) from None
    # A zone names a network card and changes nothing about the range.
    return IPv6Address(int(address)) if isinstance(address, IPv6Address) else address


def _inside(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)
