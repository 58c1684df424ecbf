"""
Where a partner's interface is and how the gateway proves itself there, as a
manifest writes it (contract §7: `upstream`).

A manifest holds no secret: every one is a reference, `env:NAME` or `file:PATH`,
and what stands in its place is never repeated in a message.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import PurePath
from urllib.parse import urlsplit

from gateway.model.recipients import Auth, Tls, Upstream
from gateway.policy.reading import Node, maybe, read_or
from gateway.policy.words import listed

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name (RFC 9110 §5.6.2)."""

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOST = re.compile(r"[a-z0-9_][a-z0-9._-]*|[0-9a-f:.]+")
_URL_CHARACTERS = re.compile(r"[!-~]+")
# 32 bytes in padded base64.
_PIN = re.compile(r"(?:sha256/)?[A-Za-z0-9+/]{43}=")
_RATE = re.compile(r"([0-9]{1,9})/([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_UPSTREAM = (
    *("base_url", "auth", "tls", "timeout", "connect_timeout", "first_byte_timeout"),
    *("response_limit", "concurrency", "rate"),
)
_TLS = ("ca", "cert", "key", "pins")

Reader = Callable[[Node, PurePath], str | None]


def read_upstream(node: Node, folder: PurePath) -> Upstream | None:
    """The upstream, or None if its address is missing or wrong."""
    fields = node.fields(_UPSTREAM, required=("base_url",))
    base_url = read_or(fields, "base_url", read_url, "")
    standard = Upstream(base_url=base_url)
    upstream = Upstream(
        base_url=base_url,
        auth=maybe(fields, "auth", lambda node: _read_auth(node, folder)),
        tls=read_or(fields, "tls", lambda node: _read_tls(node, folder), Tls()),
        timeout=_within(fields, "timeout", standard.timeout),
        connect_timeout=_within(fields, "connect_timeout", standard.connect_timeout),
        response_limit=read_or(fields, "response_limit", Node.size, standard.response_limit),
        first_byte_timeout=maybe(fields, "first_byte_timeout", Node.duration),
        concurrency=maybe(fields, "concurrency", lambda node: node.whole(least=1)),
        rate=maybe(fields, "rate", _read_rate),
    )
    first = upstream.first_byte_timeout
    if first is not None and first > upstream.timeout:
        fields["first_byte_timeout"].wrong('"first_byte_timeout" exceeds timeout, write less')
    return upstream if base_url else None


def _within(fields: Mapping[str, Node], key: str, default: timedelta) -> timedelta:
    """A timeout of at most an hour: a longer one would hold a share open for nothing."""
    length = read_or(fields, key, Node.duration, default)
    if length > timedelta(hours=1):
        fields[key].wrong(f'"{key}" is longer than 1h, write less')
        return default
    return length


def _read_rate(node: Node) -> float | None:
    """So many shares a second, minute or hour, as shares a second."""
    text = node.text()
    if text is None:
        return None
    found = _RATE.fullmatch(text)
    if found is None or not int(found[1]):
        node.wrong(f'"{node.key}" is no rate, write a number and /s, /m or /h, for example 100/s')
        return None
    return int(found[1]) / _SECONDS[found[2]]


def read_url(node: Node, *, query: bool = False) -> str | None:
    """An absolute http or https address; `query` says whether it may carry one."""
    text = node.text()
    if text is None:
        return None
    wrong = _wrong_url(text, query=query)
    if wrong is not None:
        node.wrong(f'"{node.key}" {wrong}')
        return None
    return text


def _wrong_url(text: str, *, query: bool) -> str | None:
    advice = "is no absolute address, write it as https://api.partner.example"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return advice
    complete = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not complete or not _URL_CHARACTERS.fullmatch(text):
        return advice
    # A percent sign in a host, or of an IPv6 zone, is read differently by every program.
    if not _HOST.fullmatch(parts.hostname or ""):
        return "has a host that is no name or address, write it in plain ASCII"
    if parts.username is not None or parts.password is not None:
        return "holds a user or password, move it to auth: as env:NAME or file:PATH"
    if "#" in text:
        return "has a fragment, remove the # and what follows"
    if "?" in text and not query:
        return "has a query, remove the ? and what follows"
    return None


def read_reference(node: Node, folder: PurePath) -> str | None:
    """A secret by reference; a `file:` path is made absolute against `folder`."""
    scheme, _, rest = node.value.partition(":") if isinstance(node.value, str) else ("", "", "")
    if scheme == "env" and _ENV_NAME.fullmatch(rest):
        return f"env:{rest}"
    if scheme == "file" and rest.strip():
        return f"file:{folder / rest}"
    node.wrong(
        f'"{node.key}" is a secret, and a manifest holds none, write env:NAME or file:PATH (P1)'
    )
    return None


def read_file_reference(node: Node, folder: PurePath) -> str | None:
    """A `file:` reference, made absolute against `folder`."""
    text = node.value if isinstance(node.value, str) else ""
    if text.startswith("file:") and text.removeprefix("file:").strip():
        return f"file:{folder / text.removeprefix('file:')}"
    node.wrong(f'"{node.key}" names a file, write file:PATH')
    return None


def _plain(node: Node, folder: PurePath) -> str | None:
    """Text that may, but need not, be a reference."""
    text = node.text()
    if text is not None and text.startswith(("env:", "file:")):
        return read_reference(node, folder)
    return text


def _url(node: Node, folder: PurePath) -> str | None:
    return read_url(node)


def _header_name(node: Node, folder: PurePath) -> str | None:
    text = node.text()
    if text is not None and not TOKEN.fullmatch(text):
        node.wrong('"name" is a header\'s name, write letters, digits and hyphens: X-Key')
        return None
    return text


# What each scheme is made of; `scope` and `keyid` may be left out.
_SCHEMES: Mapping[str, Mapping[str, Reader]] = {
    "basic": {"user": _plain, "password": read_reference},
    "header": {"name": _header_name, "value": read_reference},
    "http_signature": {"key": read_reference, "keyid": _plain},
    "oauth2": {
        "token_url": _url,
        "client_id": _plain,
        "client_secret": read_reference,
        "scope": _plain,
    },
}
_OPTIONAL = frozenset({"scope", "keyid"})
SCHEMES = ("bearer", *_SCHEMES)


def _read_auth(node: Node, folder: PurePath) -> Auth | None:
    fields = node.fields(SCHEMES)
    if len(fields) != 1:
        if isinstance(node.value, dict) and len(node.value) == len(fields):
            node.wrong(f"auth has one scheme, write {listed(SCHEMES)}")
        return None
    ((scheme, settings),) = fields.items()
    if scheme == "bearer":
        value = read_reference(settings, folder)
        return None if value is None else Auth(scheme=scheme, settings={"value": value})
    return _read_settings(scheme, settings, folder)


def _read_settings(scheme: str, node: Node, folder: PurePath) -> Auth | None:
    readers = _SCHEMES[scheme]
    fields = node.fields(readers, required=[key for key in readers if key not in _OPTIONAL])
    read = {key: readers[key](member, folder) for key, member in fields.items()}
    settings = {key: value for key, value in read.items() if value is not None}
    return Auth(scheme=scheme, settings=settings) if len(settings) == len(read) else None


def _read_tls(node: Node, folder: PurePath) -> Tls:
    fields = node.fields(_TLS)
    # P1: half of a client certificate would silently be none.
    for one, other in (("cert", "key"), ("key", "cert")):
        if one in fields and other not in fields:
            fields[one].misnamed(f'"{one}" stands alone, write {other}: too for mutual TLS (P1)')
    files = {key: read_file_reference(fields[key], folder) for key in _TLS[:3] if key in fields}
    return Tls(
        ca=files.get("ca"),
        cert=files.get("cert"),
        key=files.get("key"),
        pins=maybe(fields, "pins", _read_pins) or (),
    )


def _read_pins(node: Node) -> tuple[str, ...]:
    for item in node.items():
        if isinstance(item.value, str) and not _PIN.fullmatch(item.value):
            item.wrong("this is no pin, write the base64 of the SHA-256 of the public key (P1)")
    return node.words()
