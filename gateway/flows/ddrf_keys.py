"""
What this gateway is in DDRF: its domain, its keys, and its dsrdelete.json
(STANDARDS §1.1, §1.2).

The keys are made of the home's own secret and a number in the settings. The one
before stays published, so that what it signed goes on verifying.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from gateway.flows.gateway import Gateway
from gateway.notices.ddrf import NAME
from gateway.notices.ddrf_discovery import own_document
from gateway.seal.es256 import Es256Key, es256_key, es256_public_jwk

PATH = "/ddrf"
"""Where requests are taken, on the public listener."""


def domain(gateway: Gateway) -> str:
    """Our domain: `iss` of what we sign, and where our document is looked for."""
    named: str = gateway.config["ddrf.domain"]
    return named or (urlsplit(gateway.config.public_url).hostname or "")


def own_key(gateway: Gateway) -> Es256Key:
    """The key in force."""
    return _key(gateway, gateway.config["ddrf.key"])


def spoken(gateway: Gateway) -> bool:
    """Whether anybody has a reason to look for our document: one side or the other is set up."""
    if gateway.requesters.known or gateway.config["ddrf.domain"]:
        return True
    partners = gateway.policy.policy.partners.values()
    terms = [one.deletion for one in partners if one.deletion is not None]
    if any(NAME in (one.protocol, one.fallback_to and one.fallback_to.protocol) for one in terms):
        return True
    # Whose manifest is gone is told all the same, and looks our keys up.
    return any(f'"protocol": "{NAME}"' in one.snapshot for one in gateway.partners.states.values())


def document(gateway: Gateway) -> dict[str, Any]:
    """Our dsrdelete.json."""
    known = gateway.requesters.known.values()
    return own_document(
        endpoint=f"{gateway.config.public_url}{PATH}",
        types=tuple(dict.fromkeys(type for one in known for type in one.identifiers)),
        keys=[es256_public_jwk(key) for key in _published(gateway)],
    )


def _published(gateway: Gateway) -> Sequence[Es256Key]:
    """The keys of two numbers, the newest last."""
    number: int = gateway.config["ddrf.key"]
    return [_key(gateway, one) for one in range(max(1, number - 1), number + 1)]


def _key(gateway: Gateway, number: int) -> Es256Key:
    halves = (gateway.secret(f"ddrf-{number}-{half}") for half in ("first", "second"))
    return es256_key(b"".join(halves), f"ddrf-{number}")
