"""
What a manifest declares, read from its YAML and nothing else.

The gateway compiles manifests in its own way. This does it a second time, in
the plainest way there is, so that what left can be judged by something that
shares no code with what let it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One route of a manifest."""

    name: str
    fields: Mapping[str, Mapping[str, Any]]
    """Selector of `send` to its rule."""
    query: frozenset[str]
    headers: frozenset[str]
    """Lower case."""
    receive: frozenset[str]
    """Selectors of what may come back."""
    seal: str
    idempotency: str | None

    @property
    def sealed(self) -> frozenset[str]:
        """Selectors of fields that are sealed one by one."""
        if self.seal != "fields":
            return frozenset()
        return frozenset(name for name, rule in self.fields.items() if rule.get("sealed"))

    def as_sent(self, selector: str) -> bool:
        """Whether a field leaves with the value that the app gave it."""
        return "transform" not in self.fields[selector]


def route_of(manifest: Mapping[str, Any], method: str, target: str, purpose: str) -> Declared:
    """The route that a request to the recipient came by. Raises LookupError if there is none."""
    base = urlsplit(manifest["upstream"]["base_url"]).path
    path = urlsplit(target).path.removeprefix(base)
    for name, route in manifest["routes"].items():
        verb, _, template = route["match"].partition(" ")
        if verb == method and _fits(template, path) and _purpose(route) == purpose:
            return _declared(name, route)
    raise LookupError(f"{manifest['partner']} has no route for what came")


def _purpose(route: Mapping[str, Any]) -> str:
    return str(route["purpose"]).partition("@")[0]


def _fits(template: str, path: str) -> bool:
    wanted, found = template.split("/"), path.split("/")
    return len(wanted) == len(found) and all(
        segment.startswith("{") or segment == given
        for segment, given in zip(wanted, found, strict=True)
    )


def _declared(name: str, route: Mapping[str, Any]) -> Declared:
    return Declared(
        name=name,
        fields=route.get("send") or {},
        query=frozenset(route.get("query") or ()),
        headers=frozenset(header.lower() for header in route.get("headers") or ()),
        receive=frozenset(route.get("receive") or ()),
        seal=route.get("seal", "none"),
        idempotency=route.get("idempotency"),
    )
