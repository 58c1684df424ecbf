"""
Routing: from a method and a raw path to the declared routes (contract §6).

The path is compared as it stands on the wire, segment by segment. Nothing is
normalised: another spelling of the same place is another path, and no route.
Only what stands where a template has a parameter is decoded, once.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from gateway.model.ids import PurposeId
from gateway.model.recipients import Partner, Route

# RFC 3986 §2.1: a percent sign and two hexadecimal digits, or no percent sign.
_BROKEN_ENCODING = re.compile(r"%(?![0-9A-Fa-f]{2})")

# C0, DEL and C1 controls.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Delimiters that end a path (RFC 3986 §3.3); raw, they are no part of a segment.
_ENDS_PATH = re.compile(r"[?#]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The routes of the one template that matches best, and its parameters, decoded."""

    routes: tuple[Route, ...]
    """They differ in purpose."""
    params: Mapping[str, str]

    def __repr__(self) -> str:
        # Parameters are what the app sent (P2).
        return f"<Matched {len(self.routes)} routes, {len(self.params)} parameters>"


@dataclass(slots=True)
class _Node:
    """One segment of all templates of a partner."""

    literals: dict[str, "_Node"] = field(default_factory=dict)
    parameter: "_Node | None" = None
    methods: dict[str, "_Leaf"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    """What one method has at the end of one template."""

    routes: tuple[Route, ...]
    places: tuple[tuple[str, int], ...]
    """Each parameter's name and the index of its segment."""


class Router:
    """The templates of one partner, ready to be matched. Never changes."""

    __slots__ = ("_root",)

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            _insert(self._root, route)

    def match(self, method: str, raw_path: str) -> Matched | None:
        """
        Find the routes for `method` and `raw_path`, or None.

        `raw_path` begins with `/`, as the request line has it, without query. A
        literal segment beats a parameter, the leftmost difference decides, and
        only templates with this method take part. A parameter that is empty,
        not UTF-8, badly encoded, or has `/`, `..` or a control in it after
        decoding matches nothing.
        """
        if not raw_path.startswith("/"):
            return None
        segments = raw_path[1:].split("/")
        leaf = _find(self._root, segments, 0, method)
        return None if leaf is None else _bind(leaf, segments)


def compile_router(partner: Partner) -> Router:
    """
    Prepare the routes of `partner` for matching. Once per partner and load.

    Raises `ValueError` when two routes on one template name its parameters
    crosswise (`/{a}/{b}` and `/{b}/{a}`): no reading would suit both.
    """
    return Router(partner.routes)


def match(partner: Partner, method: str, raw_path: str) -> Matched | None:
    """Match once; who matches often keeps a `compile_router`. See `Router.match`."""
    return compile_router(partner).match(method, raw_path)


def choose(candidates: Iterable[Route], purpose: PurposeId) -> Route | None:
    """The one of `candidates` that is for `purpose`, or None (`purpose-not-permitted`)."""
    return next((route for route in candidates if route.purpose == purpose), None)


def reencode(value: str) -> str:
    """
    Percent-encode a parameter for the path that leaves; only what RFC 3986 §2.3
    calls unreserved stays as it is.

    Raises `ValueError` for values that no encoding keeps in one segment: the
    empty one, `.` and `..`.
    """
    if value in ("", ".", ".."):
        raise ValueError("a path parameter may not be empty, '.' or '..'")
    return quote(value, safe="")


def _is_parameter(segment: str) -> bool:
    return len(segment) > 2 and segment.startswith("{") and segment.endswith("}")


def _insert(root: _Node, route: Route) -> None:
    node = root
    for segment in route.path or ("",):
        if _is_parameter(segment):
            node.parameter = node.parameter or _Node()
            node = node.parameter
        else:
            node = node.literals.setdefault(segment, _Node())
    known = node.methods.get(route.method)
    routes = (route,) if known is None else (*known.routes, route)
    node.methods[route.method] = _Leaf(routes=routes, places=_places(routes))


def _find(node: _Node, segments: list[str], depth: int, method: str) -> _Leaf | None:
    """Depth first, the literal before the parameter: the first found is the most specific."""
    if depth == len(segments):
        return node.methods.get(method)
    literal = node.literals.get(segments[depth])
    if literal is not None:
        found = _find(literal, segments, depth + 1, method)
        if found is not None:
            return found
    if node.parameter is not None and _decode(segments[depth]) is not None:
        return _find(node.parameter, segments, depth + 1, method)
    return None


def _places(routes: tuple[Route, ...]) -> tuple[tuple[str, int], ...]:
    """Where each parameter stands; routes on one template may call the same place differently."""
    places: dict[str, int] = {}
    for route in routes:
        for place, segment in enumerate(route.path):
            if _is_parameter(segment) and places.setdefault(segment[1:-1], place) != place:
                raise ValueError(
                    f"route {route.id} of {route.partner} names a path parameter that stands "
                    "elsewhere in another route on the same template"
                )
    return tuple(places.items())


def _bind(leaf: _Leaf, segments: list[str]) -> Matched | None:
    params: dict[str, str] = {}
    for name, place in leaf.places:
        value = _decode(segments[place])
        if value is None:
            return None
        params[name] = value
    return Matched(routes=leaf.routes, params=params)


def _decode(segment: str) -> str | None:
    """Decode one parameter, once; None for what may not stand in one segment."""
    if not segment.isascii() or _ENDS_PATH.search(segment):
        return None
    if "%" in segment:
        if _BROKEN_ENCODING.search(segment):
            return None
        try:
            segment = unquote_to_bytes(segment).decode("utf-8")
        except UnicodeDecodeError:
            return None
    if segment in ("", ".") or ".." in segment or "/" in segment or _CONTROL.search(segment):
        return None
    return segment
