"""
What a recipient's manifest last said, kept so that it is told of deletions
also when the manifest is gone (contract §9).
"""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.flows import deletion_terms
from gateway.flows.gateway import Gateway
from gateway.model.ids import PartnerId
from gateway.model.policy import Kind
from gateway.model.recipients import Auth, Partner, State, Tls, Upstream
from gateway.seal.holding import usable


def dump(partner: Partner) -> str:
    """A manifest's terms as text. Holds references to secrets, never secrets."""
    upstream, deletion = partner.upstream, partner.deletion
    return json.dumps(
        {
            "name": partner.name,
            "owner": partner.owner,
            "kind": partner.kind.value,
            "territory": partner.territory,
            "contact": partner.contact,
            "jwks": dict(partner.jwks),
            "digest": partner.digest,
            "upstream": None
            if upstream is None
            else {
                "base_url": upstream.base_url,
                "auth": None
                if upstream.auth is None
                else {"scheme": upstream.auth.scheme, "settings": dict(upstream.auth.settings)},
                "tls": {
                    "ca": upstream.tls.ca,
                    "cert": upstream.tls.cert,
                    "key": upstream.tls.key,
                    "pins": list(upstream.tls.pins),
                },
                "timeout": upstream.timeout.total_seconds(),
                "connect_timeout": upstream.connect_timeout.total_seconds(),
            },
            "deletion": deletion_terms.dumped(deletion),
        },
        sort_keys=True,
    )


def load(id: PartnerId, text: str) -> Partner:
    """The recipient as it was; it has no routes any more."""
    value: dict[str, Any] = json.loads(text)
    return Partner(
        id=id,
        name=value["name"],
        owner=value["owner"],
        kind=Kind(value["kind"]),
        territory=value["territory"],
        contact=value["contact"],
        state=State.SUSPENDED,
        agreement=None,
        keys=None,
        jwks=value["jwks"],
        upstream=_upstream(value["upstream"]),
        routes=(),
        deletion=deletion_terms.loaded(value["deletion"]),
        source=f"{id}.yaml",
        digest=value["digest"],
    )


def recipient(gateway: Gateway, id: PartnerId) -> Partner | None:
    """A recipient as its manifest stands, or as it last stood; None where there never was one."""
    known = gateway.policy.policy.partners.get(id)
    if known is not None:
        return known
    state = gateway.partners.own(id)
    if not state.snapshot:
        return None
    last, published = load(id, state.snapshot), gateway.published.get(id)
    if published is None or last.jwks["keys"]:
        return last
    # It published its keys at a URL that is asked no more: those that were used go on.
    keys = usable(published, published.url, hold=last.keys_hold, now=published.fetched_at)
    return replace(last, jwks=keys)


def _upstream(value: dict[str, Any] | None) -> Upstream | None:
    if value is None:
        return None
    auth, tls = value["auth"], value["tls"]
    return Upstream(
        base_url=value["base_url"],
        auth=None if auth is None else Auth(scheme=auth["scheme"], settings=auth["settings"]),
        tls=Tls(ca=tls["ca"], cert=tls["cert"], key=tls["key"], pins=tuple(tls["pins"])),
        timeout=timedelta(seconds=value["timeout"]),
        connect_timeout=timedelta(seconds=value["connect_timeout"]),
    )
