"""
Addresses of machines, IPv4 and IPv6.

Those that every house has (private, of the machine itself, masks) say nothing
about a person and are left alone. Numbers of versions and sections look like
the first kind: behind a word that names one, and with fewer than seven digits
and no word that names an address, they are none.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address

from gateway.shape.scan.cues import address_named, version_named
from gateway.shape.scan.finding import Finding

_FOUR = re.compile(r"(?<![0-9A-Za-z.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9A-Za-z]|\.[0-9])")
_SIX = re.compile(
    # Behind a colon too: `IP:2001:db8::7`.
    r"(?:(?<![0-9A-Za-z:.])|(?<=[^0-9A-Fa-f:]:)(?!:))"
    r"[0-9A-Fa-f:]{6,39}+(?:\.[0-9]{1,3}){0,3}(?![0-9A-Za-z:])"
)
_FEWEST_DIGITS = 7
_FEWEST_GROUPS = 3
# Not `is_private`: it counts the ranges for documentation too.
_OWN = tuple(
    IPv4Network(own)
    for own in (
        *("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"),
    )
)


def addresses(text: str) -> Iterator[Finding]:
    """Every address of a machine in a folded text."""
    for match in _FOUR.finditer(text):
        if _is_four(text, match):
            yield Finding(kind="ip", start=match.start(), end=match.end())
    for match in _SIX.finditer(text):
        if match.group().count(":") >= _FEWEST_GROUPS - 1 and _is_six(match.group().rstrip(":")):
            yield Finding(kind="ip", start=match.start(), end=match.end())


def _is_four(text: str, match: re.Match[str]) -> bool:
    address = _address(match.group())
    if not isinstance(address, IPv4Address) or any(address in own for own in _OWN):
        return False
    digits = len(match.group()) - match.group().count(".")
    if address_named(text, match.start()):
        return True
    return digits >= _FEWEST_DIGITS and not version_named(text, match.start())


def _is_six(written: str) -> bool:
    address = _address(written)
    return (
        isinstance(address, IPv6Address)
        and any(map(str.isdecimal, written))
        and len([group for group in written.split(":") if group]) >= _FEWEST_GROUPS
        and not (address.is_loopback or address.is_link_local or address.is_multicast)
    )


def _address(written: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(written)
    except ValueError:
        return None
