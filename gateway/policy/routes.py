"""One route of a manifest: method, path, purpose, and the closed list of fields (contract §7)."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

from gateway.model.ids import GroundId, PartnerId, PurposeId, RouteId
from gateway.model.recipients import Field, Route, Seal, SubjectFrom, SubjectPlace
from gateway.policy.fields import read_parameters, read_receive, read_send
from gateway.policy.reading import Node, maybe, read_or
from gateway.policy.selectors import parse_selector
from gateway.policy.upstreams import TOKEN
from gateway.policy.words import listed, named

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

# All records of a batch are recorded in one go, and others wait meanwhile.
MAX_RECORDS = 5000

_ROUTE = (
    "match",
    "purpose",
    "ground",
    "seal",
    "retention",
    "idempotency",
    "subject",
    "path",
    "query",
    "headers",
    "send",
    "receive",
    "receive_headers",
    "body_limit",
    "bulk",
)
_REQUIRED = ("match", "purpose", "ground", "retention")

_PURPOSE = re.compile(r"([a-z0-9][a-z0-9.-]{0,62})(?:@([1-9][0-9]{0,8}))?")
# The characters of a path segment (RFC 3986 §3.3), less what a template means itself.
_LITERAL = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")
_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_-]{0,62})\}")
_TRAVERSAL = re.compile(r"(?:\.|%2[eE]){1,2}|.*%(?:2[fF]|5[cC]|[01][0-9A-Fa-f]|7[fF]).*")

# Written by the gateway itself, or by the connection.
_RESERVED = frozenset(
    {
        "authorization",
        "connection",
        "content-digest",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "location",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def parameters_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the parameters of a template, in their order."""
    found = [_PARAMETER.fullmatch(segment) for segment in path]
    return tuple(match[1] for match in found if match is not None)


def shape_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """The template without the names of its parameters: two of one shape match the same paths."""
    return tuple("{}" if _PARAMETER.fullmatch(segment) else segment for segment in path)


def read_routes(node: Node, partner: PartnerId) -> tuple[Route, ...]:
    """Every route under `routes`."""
    for member in node.members().values():
        member.child(member.key, member.key).identifier()
    return tuple(_read_route(member, partner) for member in node.members().values())


def _read_route(node: Node, partner: PartnerId) -> Route:
    fields = node.fields(_ROUTE, required=_REQUIRED)
    method, path = maybe(fields, "match", _read_match) or ("", ())
    purpose, version = maybe(fields, "purpose", _read_purpose) or ("", 0)
    return Route(
        id=RouteId(node.key),
        partner=partner,
        method=method,
        path=path,
        purpose=PurposeId(purpose),
        purpose_version=version,
        ground=GroundId(read_or(fields, "ground", Node.identifier, "")),
        retention=read_or(fields, "retention", Node.duration, timedelta(0)),
        seal=read_or(fields, "seal", lambda word: word.member_of(Seal), Seal.NONE),
        idempotency=maybe(fields, "idempotency", _header),
        subject=read_or(fields, "subject", _read_subject, SubjectPlace()),
        send=maybe(fields, "send", read_send) or (),
        path_fields=_parameters(fields, "path", _path_name),
        query_fields=_parameters(fields, "query", _query_name),
        header_fields=_parameters(fields, "headers", _header_name),
        receive=read_receive(fields["receive"]) if "receive" in fields else None,
        receive_headers=maybe(fields, "receive_headers", _read_header_list) or (),
        body_limit=maybe(fields, "body_limit", Node.size),
        bulk_records=maybe(fields, "bulk", _read_bulk),
    )


def _parameters(
    fields: Mapping[str, Node], key: str, name: Callable[[Node], str | None]
) -> dict[str, Field]:
    return read_parameters(fields[key], name=name) if key in fields else {}


def _read_match(node: Node) -> tuple[str, tuple[str, ...]] | None:
    text = node.text()
    if text is None:
        return None
    method, _, target = text.partition(" ")
    if method not in METHODS:
        node.wrong(f"a match begins with a method, write {listed(METHODS)}, then the path")
        return None
    if not target.startswith("/"):
        node.wrong(f"a match is a method and a path, write {method} /v1/things/{{id}}")
        return None
    path = tuple(target[1:].split("/"))
    return (method, path) if _fit_path(node, path) else None


def _fit_path(node: Node, path: tuple[str, ...]) -> bool:
    wrong = [message for message in map(_wrong_segment, path[:-1]) if message is not None]
    # A path may end in a slash; then its last segment is empty.
    last = _wrong_segment(path[-1]) if path[-1] else None
    names = parameters_of(path)
    if last is not None:
        wrong.append(last)
    for name in sorted({name for name in names if names.count(name) > 1}):
        wrong.append(f"parameter {{{name}}} stands twice, write a name of its own for each")
    for message in wrong:
        node.wrong(message)
    return not wrong


def _wrong_segment(segment: str) -> str | None:
    if _PARAMETER.fullmatch(segment):
        return None
    if not segment:
        return "two slashes stand side by side, write one"
    if "{" in segment or "}" in segment:
        return "a parameter is a whole segment with a name of letters and digits, write /{id}/"
    if "?" in segment or "#" in segment:
        return "a match is a path only, remove the ? or #, and declare parameters under query:"
    if not _LITERAL.fullmatch(segment):
        return "a character that no path can hold, write it percent-encoded"
    if _TRAVERSAL.fullmatch(segment):
        return "a segment of dots, an encoded slash or a control character, remove it"
    return None


def _read_purpose(node: Node) -> tuple[str, int] | None:
    """The purpose's id and version; version 0 where none is written."""
    text = node.text()
    if text is None:
        return None
    found = _PURPOSE.fullmatch(text)
    if found is None:
        node.wrong(f"{named(text)} is no purpose with a version, write it as order-fulfilment@1")
        return None
    return found[1], int(found[2] or 0)


def _read_subject(node: Node) -> SubjectPlace | None:
    """`header`, `none`, `path.NAME` or a pointer, by itself or under `from`."""
    if isinstance(node.value, dict):
        return maybe(node.fields(("from",), required=("from",)), "from", _read_subject)
    text = node.text()
    if text is None:
        return None
    if text in ("header", "none"):
        return SubjectPlace(source=SubjectFrom(text))
    if text.startswith("path.") and text != "path.":
        return SubjectPlace(source=SubjectFrom.PATH, name=text.removeprefix("path."))
    if text.startswith("/"):
        return _subject_pointer(node, text)
    node.wrong(
        "the person is named in a place, write from: header, path.NAME, a pointer such as "
        "/customer/id, or none"
    )
    return None


def _subject_pointer(node: Node, text: str) -> SubjectPlace | None:
    try:
        parse_selector(text)
    except ValueError as error:
        node.wrong(str(error))
        return None
    return SubjectPlace(source=SubjectFrom.POINTER, name=text)


def _read_bulk(node: Node) -> int | None:
    fields = node.fields(("records",), required=("records",))
    records = maybe(fields, "records", Node.whole)
    if records is not None and records > MAX_RECORDS:
        fields["records"].wrong(f"a batch has {MAX_RECORDS} records at most, write fewer")
        return None
    return records


def _read_header_list(node: Node) -> tuple[str, ...]:
    names = [_header(item) for item in node.items()]
    return tuple(dict.fromkeys(name.lower() for name in names if name is not None))


def _header(node: Node) -> str | None:
    text = node.text()
    if text is None:
        return None
    wrong = _wrong_header(text)
    if wrong is not None:
        node.wrong(wrong)
        return None
    return text


def _header_name(node: Node) -> str | None:
    wrong = _wrong_header(node.key)
    if wrong is not None:
        node.misnamed(wrong)
        return None
    return node.key.lower()


def _wrong_header(name: str) -> str | None:
    if not TOKEN.fullmatch(name):
        return f"{named(name)} is no header's name, write letters, digits and hyphens: X-Key"
    lowered = name.lower()
    if lowered in _RESERVED or lowered.startswith("sharing-"):
        return f'header "{lowered}" is written by the gateway or stays here, remove it'
    return None


def _path_name(node: Node) -> str | None:
    if _PARAMETER.fullmatch(f"{{{node.key}}}"):
        return node.key
    node.misnamed(f"{named(node.key)} is no parameter's name, write letters, digits and _")
    return None


def _query_name(node: Node) -> str | None:
    if node.key:
        return node.key
    node.misnamed("a query parameter has a name, write one")
    return None
