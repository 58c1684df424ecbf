"""
A home's settings: `gateway.toml`, then the environment.

Every setting may be overridden by `GATEWAY_<SECTION>__<KEY>`. `SETTINGS` is the
closed list: name, type, default, unit and meaning; the documentation is held
to it by a test.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.access.requesters import read_requesters
from gateway.errors import ConfigError
from gateway.ledger.note import NoteInvalid
from gateway.ledger.witness import witness_key
from gateway.model.cases import VerifiedBy
from gateway.model.settings import Config, IssuerConfig, WitnessConfig

MAX_WITNESSES = 32

_DURATION = re.compile(r"^(\d+)(ms|s|m|h|d)$")
LEVELS = ("debug", "info", "warning", "error")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SIZE = re.compile(r"^(\d+)(B|kB|KiB|MB|MiB)?$")
_SIZES = {None: 1, "B": 1, "kB": 1000, "KiB": 1024, "MB": 1_000_000, "MiB": 1024 * 1024}


def duration(text: str) -> timedelta:
    """Read `10s`, `30d` … Raises `ValueError`."""
    found = _DURATION.match(text)
    if not found:
        raise ValueError("write a number and ms, s, m, h or d, for example 10s")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def size(text: str) -> int:
    """Read `10MiB`, `512kB`, a number of bytes. Raises `ValueError`."""
    found = _SIZE.match(str(text))
    if not found:
        raise ValueError("write a number and B, kB, KiB, MB or MiB, for example 10MiB")
    return int(found[1]) * _SIZES[found[2]]


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError("write host:port, for example 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _list(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(str(part).strip() for part in parts if str(part).strip())


def _text(value: Any) -> str:
    return str(value)


def _level(value: Any) -> str:
    if value not in LEVELS:
        raise ValueError(f"write one of {', '.join(LEVELS)}")
    return str(value)


def _whole(value: Any) -> int:
    return int(value)


def _natural(value: Any) -> int:
    number = int(value)
    if number < 0:
        raise ValueError("write a number that is not negative")
    return number


def _natural_from_one(value: Any) -> int:
    number = int(value)
    if not 1 <= number <= 1_000_000:
        raise ValueError("write 1, and one more for another key")
    return number


def _rate(value: Any) -> int:
    number = int(value)
    if not 1 <= number <= 100_000:
        raise ValueError("write a whole number from 1 to 100000")
    return number


def _verified_by(value: Any) -> str:
    if value not in set(VerifiedBy):
        raise ValueError(f"write one of {', '.join(VerifiedBy)}")
    return str(value)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: where it stands, how it is read, its default and meaning."""

    section: str
    key: str
    read: Callable[[Any], Any]
    default: Any
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return f"GATEWAY_{self.section.upper()}__{self.key.upper()}"


SETTINGS = (
    Setting(
        "home", "territory", _text, "CN", "The home territory (ISO code): K1 counts from here."
    ),
    Setting(
        "listen", "internal", _address, "127.0.0.1:8080", "host:port for services and operators."
    ),
    Setting("listen", "public", _address, "127.0.0.1:8081", "host:port that partners reach."),
    Setting(
        "public",
        "url",
        _text,
        "",
        "How partners reach the public listener; issuer of grants, origin of checkpoints. "
        "Default: http:// and listen.public.",
    ),
    Setting(
        "storage", "url", _text, "sqlite:///data/gateway.db", "The store, relative to the home."
    ),
    Setting("egress", "allow", _list, "", "CIDR networks reachable besides public addresses."),
    Setting("egress", "plaintext", _list, "", "CIDR networks to which http:// is tolerated."),
    Setting("egress", "connections", _whole, 64, "Connections at once to one partner."),
    Setting("limits", "body", size, "10MiB", "The largest request body."),
    Setting("limits", "depth", _whole, 64, "The deepest nesting of a JSON body."),
    Setting("limits", "response", size, "10MiB", "The largest answer of a partner, decompressed."),
    Setting("limits", "shares", _whole, 2000, "Shares in flight at once; more are rate-limited."),
    Setting("access", "revoked", _text, "revoked", "The file of revoked tokens and services."),
    Setting("cache", "subjects", _whole, 100_000, "People whose facts are kept in memory."),
    Setting("cache", "tokens", _whole, 10_000, "Verified service tokens kept in memory."),
    Setting("async", "give_up_after", duration, "24h", "How long a queued share is tried."),
    Setting("async", "in_flight", _whole, 32, "Queued shares sent at once."),
    Setting(
        "keys",
        "epoch",
        duration,
        "30d",
        "How long one epoch's key wraps people's keys; 0d: until somebody rotates it.",
    ),
    Setting("drain", "timeout", duration, "30s", "How long SIGTERM waits for shares in flight."),
    Setting(
        "ledger",
        "witness_quorum",
        _natural,
        "0",
        "Witnesses whose cosignatures make a checkpoint a witnessed one; 0: any of them.",
    ),
    Setting(
        "cases",
        "second_person_above",
        _natural,
        "1000",
        "People above which a second person must approve a mass case.",
    ),
    Setting(
        "cases",
        "mass_per_second",
        _rate,
        "50",
        "Cases that mass cases open a second, at most; a person's own request never waits.",
    ),
    Setting("answers", "sender", _text, "", "Who answers people; default: public.url."),
    Setting("answers", "contact", _text, "", "How people reach whoever answers them."),
    Setting("answers", "complaints", _text, "", "Where people can complain besides."),
    Setting(
        "ddrf", "domain", _text, "", "The domain that speaks DDRF; default: public.url's host."
    ),
    Setting("ddrf", "key", _natural_from_one, "1", "Number of the key that signs DDRF."),
    Setting(
        "opendsr",
        "domain",
        _text,
        "",
        "The domain that speaks OpenDSR; default: public.url's host.",
    ),
    Setting("opendsr", "certificate", _text, "", "PEM file of its X.509 certificate."),
    Setting("opendsr", "key", _text, "", "PEM file of the certificate's private key."),
    Setting(
        "opendsr",
        "method",
        _verified_by,
        VerifiedBy.CUSTOMER_SERVICE.value,
        "How who asks in OpenDSR verifies identity, as verified.method of a case.",
    ),
    Setting("log", "level", _level, "info", "debug, info, warning or error."),
)


def load(home: Path, environ: Mapping[str, str] | None = None) -> Config:
    """
    Read a home's settings. Raises `ConfigError` naming each setting that is
    unknown or cannot be read.
    """
    env = os.environ if environ is None else environ
    document = _document(home)
    problems: list[str] = []
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        raw = document.get(setting.section, {}).get(setting.key, setting.default)
        raw = env.get(setting.variable, raw)
        try:
            values[f"{setting.section}.{setting.key}"] = setting.read(raw)
        except (ValueError, TypeError) as error:
            problems.append(f"{setting.section}.{setting.key} ({setting.variable}): {error}")
    problems += _unknown(document)
    issuers = _issuers(document, problems)
    witnesses = _witnesses(document, problems)
    requesters = read_requesters(document, problems)
    if values.get("ledger.witness_quorum", 0) > len(witnesses):
        problems.append("ledger.witness_quorum is more than there are [[witness]] tables")
    if bool(values.get("opendsr.certificate")) != bool(values.get("opendsr.key")):
        problems.append("opendsr.certificate and opendsr.key: write both, or neither")
    if problems:
        raise ConfigError("gateway.toml: " + "; ".join(problems))
    config = Config(
        home=home, values=values, issuers=issuers, witnesses=witnesses, requesters=requesters
    )
    _check_public_url(config)
    return config


def _document(home: Path) -> dict[str, Any]:
    path = home / "gateway.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"{home} is not a home (it has no gateway.toml): make one with `gateway init DIR`, "
            "or name one with --home"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"gateway.toml cannot be read: {error}") from error


def _unknown(document: Mapping[str, Any]) -> list[str]:
    known = {(setting.section, setting.key) for setting in SETTINGS}
    sections = {setting.section for setting in SETTINGS}
    problems: list[str] = []
    for section, content in document.items():
        if section in ("issuer", "witness", "requester"):
            continue
        if section not in sections or not isinstance(content, dict):
            problems.append(f"[{section}] is not a section, write one of {sorted(sections)}")
            continue
        problems += [
            f"{section}.{key} is not a setting" for key in content if (section, key) not in known
        ]
    return problems


def _issuers(document: Mapping[str, Any], problems: list[str]) -> tuple[IssuerConfig, ...]:
    issuers: list[IssuerConfig] = []
    for place, raw in enumerate(document.get("issuer", [])):
        try:
            issuers.append(
                IssuerConfig(
                    name=str(raw.get("name", raw["iss"])),
                    iss=str(raw["iss"]),
                    aud=str(raw["aud"]),
                    jwks=str(raw["jwks"]),
                )
            )
        except (KeyError, AttributeError, TypeError):
            problems.append(f"[[issuer]] number {place + 1} needs iss, aud and jwks")
    return tuple(issuers)


def _witnesses(document: Mapping[str, Any], problems: list[str]) -> tuple[WitnessConfig, ...]:
    witnesses: list[WitnessConfig] = []
    for place, raw in enumerate(document.get("witness", [])):
        try:
            witnesses.append(_witness(raw))
        except (KeyError, AttributeError, TypeError, ValueError, NoteInvalid) as error:
            why = str(error) if isinstance(error, ValueError | NoteInvalid) else ""
            problems.append(
                f"[[witness]] number {place + 1} needs url and key, a C2SP verifier key of type "
                f"0x04 such as witness.example/w1+5d3a1c2e+BAsT…{why and ': '}{why}"
            )
    names = {one.name for one in witnesses}
    # The base64 of a key may itself hold a plus.
    keys = {one.key.split("+", 2)[2] for one in witnesses}
    if min(len(names), len(keys)) < len(witnesses) or len(witnesses) > MAX_WITNESSES:
        problems.append(f"[[witness]]: at most {MAX_WITNESSES}, each of its own name and key")
    return tuple(witnesses)


def _witness(raw: Mapping[str, Any]) -> WitnessConfig:
    if raw.keys() != {"url", "key"}:
        raise ValueError("it has other keys")
    url = str(raw["url"]).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("url is an absolute http(s) URL without query")
    return WitnessConfig(url=url, key=str(witness_key(str(raw["key"]))))


def _check_public_url(config: Config) -> None:
    parts = urlsplit(config.public_url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise ConfigError(
            "public.url: write an absolute http(s) URL without query, for example "
            "https://sharing.shop.example"
        )
