"""
A policy set, prepared for requests: everything that can be worked out at load.

Each route becomes a plan: selectors compiled, keys parsed, headers and leaf
parts written once. A request keeps the set it began with; a reload swaps one
reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from gateway.decide.routing import Router, compile_router
from gateway.errors import ConfigError
from gateway.model.ids import PartnerId, RouteId
from gateway.model.policy import LeafKind, Purpose
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Partner, Route, Seal
from gateway.ports import Keyring
from gateway.seal.envelope import PreparedSealer
from gateway.seal.keys import PartnerKeys, choose, parse_partner_keys
from gateway.seal.storage import hkdf
from gateway.shape import (
    FormFilter,
    Limits,
    ParamFilter,
    ReceiveFilter,
    SendFilter,
    compile_form,
    compile_params,
    compile_receive,
    compile_send,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedRoute:
    """One route, ready: what may leave, how it is sealed, what may come back."""

    route: Route
    purpose: Purpose | None
    """None: the policy no longer has the purpose; the decision refuses it."""
    send: SendFilter
    form: FormFilter
    """The same fields, for a form."""
    path: ParamFilter
    query: ParamFilter
    headers: ParamFilter
    receive: ReceiveFilter | None
    sealer: PreparedSealer | None
    """None where the route seals nothing, or the partner has no fit key."""
    leaf_kind: LeafKind
    """`transfer` and `public-disclosure` stand in place of `intent` (T1-3, D1)."""

    @property
    def seals(self) -> bool:
        """Whether anything of this route is sealed."""
        return self.route.seal is not Seal.NONE

    def limits(self, home: Limits) -> Limits:
        """The home's limits, narrowed by the route's own."""
        own = self.route.body_limit
        return home if own is None else replace(home, bytes=own)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPartner:
    """One recipient, ready."""

    partner: Partner
    router: Router
    routes: Mapping[RouteId, PreparedRoute]
    base_url: str
    """Without a final slash."""
    hash_key: bytes = field(repr=False)
    """For the transform `hash`: keyed per partner, so that two partners cannot compare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSet:
    """A whole policy set, ready."""

    policy: PolicySet
    partners: Mapping[PartnerId, PreparedPartner]
    documents: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What it was compiled from, to be kept whole (N1)."""


def prepare(
    policy: PolicySet, *, hash_key_of: Any, documents: Mapping[str, bytes] | None = None
) -> PreparedSet:
    """
    Prepare a set. `hash_key_of(partner id)` gives 32 bytes.

    Raises `ConfigError` where a manifest that loaded cannot be prepared after all.
    """
    return PreparedSet(
        policy=policy,
        partners={
            partner.id: _partner(partner, policy, hash_key_of(partner.id))
            for partner in policy.partners.values()
        },
        documents=documents or {},
    )


def with_keys(prepared: PreparedSet, sets: Mapping[PartnerId, Mapping[str, Any]]) -> PreparedSet:
    """
    The same with other keys for some of its recipients. Nothing else of it is made
    anew, so this is as quick as the keys are parsed.

    Raises `KeyRefused` where a set is doubtful.
    """
    partners, known = dict(prepared.partners), dict(prepared.policy.partners)
    for id, jwks in sets.items():
        before, keys = partners[id], parse_partner_keys(jwks)
        known[id] = replace(known[id], jwks=jwks)
        routes = {
            one.route.id: replace(one, sealer=_sealer(one.route, keys))
            for one in before.routes.values()
        }
        partners[id] = replace(before, partner=known[id], routes=routes)
    policy = replace(prepared.policy, partners=MappingProxyType(known))
    return replace(prepared, policy=policy, partners=partners)


def hash_keys(keys: Keyring) -> Callable[[PartnerId], bytes]:
    """For `prepare`: a key for each recipient, made from the home's own."""
    root = keys.secret("hash")
    return lambda partner: hkdf(root, partner.encode())


def _partner(partner: Partner, policy: PolicySet, hash_key: bytes) -> PreparedPartner:
    keys = parse_partner_keys(partner.jwks)
    base = partner.upstream.base_url if partner.upstream else ""
    if base and urlsplit(base).scheme not in ("http", "https"):
        raise ConfigError(f"{partner.source}: upstream.base_url must be an http(s) URL")
    return PreparedPartner(
        partner=partner,
        router=compile_router(partner),
        routes={route.id: _route(route, policy, keys) for route in partner.routes},
        base_url=base.rstrip("/"),
        hash_key=hash_key,
    )


def _route(route: Route, policy: PolicySet, keys: PartnerKeys) -> PreparedRoute:
    purpose = policy.purposes.get(route.purpose)
    return PreparedRoute(
        route=route,
        purpose=purpose,
        send=compile_send(route),
        form=compile_form(route.send, seal_fields=route.seal is Seal.FIELDS),
        path=compile_params(route.path_fields, "path"),
        query=compile_params(route.query_fields, "query"),
        headers=compile_params(route.header_fields, "header"),
        receive=compile_receive(_received(route, purpose)),
        sealer=_sealer(route, keys),
        leaf_kind=purpose.leaf if purpose else LeafKind.INTENT,
    )


def _received(route: Route, purpose: Purpose | None) -> Route:
    """
    C6: of what identifies nobody no id of a record is kept. It would lead from the
    recipient's copy back to the person.
    """
    if purpose is None or not purpose.deidentified or not isinstance(route.receive, tuple):
        return route
    return replace(route, receive=tuple(replace(one, reference=False) for one in route.receive))


def _sealer(route: Route, keys: PartnerKeys) -> PreparedSealer | None:
    key = choose(keys, route.purpose) if route.seal is not Seal.NONE else None
    if key is None:
        return None
    return PreparedSealer.of(
        key,
        partner=route.partner,
        purpose=route.purpose,
        purpose_version=route.purpose_version,
    )
