"""
Everything that leaves the gateway over HTTP.

    guard      which addresses may be reached
    exchange   the guard on the connection, and the last look before the first byte
    client     one partner's client
    answers    reading an answer within bounds
    auth, tls, references   how the gateway proves itself, and to whom it talks
    pool       the clients of all partners
    jwks       public keys of others
"""

from gateway.egress.client import PartnerClient, check_upstream
from gateway.egress.guard import (
    AddressReason,
    AddressRefused,
    AddressRules,
    judge,
    parse_networks,
)
from gateway.egress.jwks import JwksCache, KeysUnavailable
from gateway.egress.pool import ClientPool
from gateway.egress.references import SecretFiles, SecretMissing

__all__ = [
    "AddressReason",
    "AddressRefused",
    "AddressRules",
    "ClientPool",
    "JwksCache",
    "KeysUnavailable",
    "PartnerClient",
    "SecretFiles",
    "SecretMissing",
    "check_upstream",
    "judge",
    "parse_networks",
]
