"""Who may ask for deletions from outside, as the settings name them (`[[requester]]`)."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.model.cases import VerifiedBy
from gateway.model.settings import RequesterConfig

PROTOCOLS: Final = ("ddrf",)
MAX_REQUESTERS: Final = 100
MAX_TYPES: Final = 100

_KEYS = frozenset({"name", "protocol", "domain", "jwks", "identifiers", "method", "strict"})
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_TYPE = re.compile(r"[!-~]{1,100}", re.ASCII)


def read_requesters(
    document: Mapping[str, Any], problems: list[str]
) -> tuple[RequesterConfig, ...]:
    """All of them; what is wrong with one goes to `problems`, in a sentence each."""
    tables = document.get("requester", [])
    if not isinstance(tables, list) or len(tables) > MAX_REQUESTERS:
        problems.append(f"[[requester]]: write at most {MAX_REQUESTERS} tables")
        return ()
    found: list[RequesterConfig] = []
    for place, raw in enumerate(tables, start=1):
        try:
            found.append(_requester(raw))
        except (TypeError, ValueError) as error:
            problems.append(f"[[requester]] number {place}: {error}")
    if len({one.domain for one in found}) < len(found):
        problems.append("[[requester]]: two have one domain, write one of them")
    return tuple(found)


def _requester(raw: Any) -> RequesterConfig:
    if not isinstance(raw, dict) or not raw.keys() <= _KEYS:
        raise ValueError(f"its keys are {', '.join(sorted(_KEYS))}")
    if raw.get("protocol") not in PROTOCOLS:
        raise ValueError(f"protocol is one of {', '.join(PROTOCOLS)}")
    domain, strict = raw.get("domain"), raw.get("strict", False)
    if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
        raise ValueError("domain is a host name in lower case, such as desk.example")
    if not isinstance(strict, bool):
        raise ValueError("strict is true or false")
    return RequesterConfig(
        name=_text(raw, "name", domain),
        domain=domain,
        jwks=_jwks(_text(raw, "jwks", f"https://{domain}/dsrdelete.json")),
        identifiers=_identifiers(raw.get("identifiers", ["subject"])),
        method=_method(raw.get("method", VerifiedBy.CUSTOMER_SERVICE.value)),
        strict=strict,
    )


def _text(raw: Mapping[str, Any], name: str, default: str) -> str:
    value = raw.get(name, default)
    if not isinstance(value, str) or not 0 < len(value) <= 500 or not value.isprintable():
        raise ValueError(f"{name} is a text")
    return value


def _jwks(source: str) -> str:
    if "://" in source:
        parts = urlsplit(source)
        # Whether http is tolerated there, the networks of egress.plaintext say.
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("jwks is a file or an https URL")
    return source


def _identifiers(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_TYPES:
        raise ValueError('identifiers is a list of types, such as ["subject"]')
    if not all(isinstance(one, str) and _TYPE.fullmatch(one) for one in value):
        raise ValueError("identifiers holds one that is not a word of visible ASCII")
    return tuple(dict.fromkeys(value))


def _method(value: Any) -> str:
    if value not in set(VerifiedBy):
        raise ValueError(f"method is one of {', '.join(VerifiedBy)}")
    return str(value)
