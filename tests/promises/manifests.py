"""
Recipients of every kind, each with the least that its tests need.

Changes are merged in as `gateway.testing.builders` says. Addresses are filled
in when a house opens.
"""

from typing import Any

from gateway.testing.builders import REMOVE, Only, a_manifest, merged

NOWHERE = "http://127.0.0.1:1"


def a_recipient(id: str, route: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A processor with one route, `only`."""
    manifest = a_manifest(
        id,
        base_url=NOWHERE,
        name=id.replace("-", " ").title(),
        routes=Only({"only": route}),
    )
    return merged(manifest, changes)


def a_route(match: str, purpose: str, ground: str, **more: Any) -> dict[str, Any]:
    """A route that seals nothing and lets out nothing, unless `more` says so."""
    return {"match": match, "purpose": purpose, "ground": ground, "retention": "30d", **more}


def a_plain(send: dict[str, Any] | None = None, *, id: str = "plain", **more: Any) -> Any:
    """A processor with `POST /things` on the core function: what is in `send` leaves."""
    fields = {"/value": {"category": "none"}} if send is None else send
    route = a_route("POST /things", "order-fulfilment@1", "core-function", send=fields)
    route["receive"] = {"/id": {}}
    return a_recipient(id, merged(route, more))


def an_advertiser(**changes: Any) -> dict[str, Any]:
    """An affiliate that gets events, on consent alone (S2, C6)."""
    route = a_route(
        "POST /v3/events",
        "advertising@1",
        "consent",
        send={
            "/event": {"category": "none", "enum": ["click", "impression"]},
            "/device/os": {"category": "device.os"},
        },
        receive={"/event_id": {}},
    )
    return a_recipient("bright-reach", route, **{"kind": "affiliate", **changes})


def a_locator(**changes: Any) -> dict[str, Any]:
    """A partner that gets a city, on a separate consent (C3)."""
    route = a_route(
        "POST /v1/nearby",
        "location-services@1",
        "consent",
        send={"/city": {"category": "location.coarse"}},
    )
    return a_recipient("near-by", route, **{"kind": "partner", **changes})


def a_screener(**changes: Any) -> dict[str, Any]:
    """A partner that screens for fraud, on registered evidence (S5)."""
    route = a_route(
        "POST /v1/checks",
        "fraud-prevention@1",
        "rights-protection",
        send={
            "/account": {"category": "network.account", "transform": "hash"},
            "/device/model": {"category": "device.model"},
        },
        receive={"/verdict": {}},
    )
    return a_recipient("clear-sight", route, **{"kind": "partner", **changes})


def a_court(**changes: Any) -> dict[str, Any]:
    """An authority with a demand (D2)."""
    route = a_route(
        "POST /v1/disclosures",
        "legal-demand@1",
        "legal-obligation",
        seal="body",
        send={
            "/demand": {"category": "none", "max_length": 64},
            "/person/name": {"category": "basic.name"},
            "/person/address": {"category": "basic.address"},
            "/network/ip": {"category": "network.ip"},
        },
    )
    return a_recipient("city-court", route, **{"kind": "authority", **changes})


def a_post_abroad(**changes: Any) -> dict[str, Any]:
    """A courier in another territory (K1)."""
    route = a_route(
        "POST /v1/parcels",
        "order-fulfilment@1",
        "core-function",
        send={"/address": {"category": "basic.address"}},
    )
    return a_recipient("island-post", route, **{"territory": "SG", **changes})


def an_institute(**changes: Any) -> dict[str, Any]:
    """A research institute: nothing that identifies, no lasting id (C6)."""
    route = a_route(
        "POST /v1/purchases",
        "research@1",
        "research",
        send={
            "/gender": {"category": "basic.gender"},
            "/address": {"category": "basic.address", "transform": {"region": "province"}},
            "/total": {"category": "statistics", "type": "number"},
        },
    )
    return a_recipient("civic-stats", route, **{"kind": "research", **changes})


def a_branch(**changes: Any) -> dict[str, Any]:
    """A branch of the same application; no agreement of its own (S6)."""
    route = a_route(
        "PUT /v1/orders/{order_id}",
        "order-fulfilment@1",
        "core-function",
        path={"order_id": {"category": "transaction.order"}},
        send={"/address": {"category": "basic.address"}},
        receive={"/version": {}},
    )
    return a_recipient("mini-app", route, **{"kind": "branch", "agreement": REMOVE, **changes})


def a_stage(**changes: Any) -> dict[str, Any]:
    """A branch that shows to the public what the person chose (D1)."""
    route = a_route(
        "PUT /v1/profiles/{account}",
        "public-display@1",
        "consent",
        path={"account": {"category": "network.account", "transform": "pseudonym"}},
        send={"/avatar": {"category": "media.avatar"}},
    )
    return a_recipient("stage", route, **{"kind": "branch", "agreement": REMOVE, **changes})


def a_successor(**changes: Any) -> dict[str, Any]:
    """The new holder of a part of the business (T4)."""
    route = a_route(
        "POST /v1/accounts",
        "business-transfer@1",
        "agreement",
        seal="body",
        send={
            "/account": {"category": "network.account"},
            "/phone": {"category": "basic.phone"},
        },
        receive={"/account_id": {"reference": True}},
    )
    about = {"kind": "successor", "accepted_edition": "2026-1"}
    return a_recipient("new-horizon", route, **{**about, **changes})
