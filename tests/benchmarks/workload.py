"""
What is shared in a benchmark: an order of 31 values, of which 11 may leave.

`NONE` and `BODY` are two routes of one manifest that differ in `seal` only.
"""

import json
from copy import deepcopy
from typing import Any

from gateway.testing.builders import Only, a_manifest

PARTNER = "swift-parcel"
PURPOSE = "order-fulfilment"
NONE, BODY, BARE = "none", "body", "bare"
"""First segments of the partner's paths, by which it counts what came how."""

ORDER: dict[str, Any] = {
    "order_id": "LO-20261101-481207",
    "recipient": {
        "name": "欧阳明",
        "phone": "13800138000",
        "address": "四川省成都市锦江区春熙路一段一号三单元十二楼",
        "gender": "female",
        "id_card": "510104199005017584",
        "email": "ouyang.ming@mail.example",
        "birthday": "1990-05-01",
    },
    "buyer": {
        "name": "林晓燕",
        "phone": "13900139000",
        "account": "acct-77120934",
        "level": "gold",
        "ip": "203.0.113.77",
    },
    "items": [
        {"sku": "TEA-LJ-250", "title": "明前龙井 250g", "price_fen": 16800, "quantity": 2},
        {"sku": "MUG-CEL-01", "title": "青瓷杯", "price_fen": 5900, "quantity": 1},
    ],
    "total_fen": 39500,
    "currency": "CNY",
    "note": "工作日送，易碎，轻放",
    "delivery": {"window": "09:00-12:00", "signature": True},
    "device": {
        "model": "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)",
        "os": "Android 16",
        "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    },
    "internal": {"risk_score": 12, "segment": "A3-returning-high-value-city-centre"},
}

LEAVES: dict[str, Any] = {
    "order_id": "LO-20261101-481207",
    "recipient": {
        "name": "欧**",
        "phone": "138****8000",
        "address": "四川省成都市锦江区春熙路一段一号三单元十二楼",
    },
    "items": [{"sku": "TEA-LJ-250", "quantity": 2}, {"sku": "MUG-CEL-01", "quantity": 1}],
    "currency": "CNY",
    "note": "工作日送，易碎，轻放",
    "delivery": {"window": "09:00-12:00"},
}
"""What may leave of it, written out by hand: the benchmark checks itself against this."""

COMES_BACK = {"tracking_number": "SP-2026-0001-4711", "status": "accepted"}
"""What may come back of `upstream.ANSWER`."""

_SEND = {
    "/order_id": {"category": "transaction.order", "pattern": "^[A-Z0-9-]{1,32}$"},
    "/recipient/name": {"category": "basic.name", "transform": "mask-name"},
    "/recipient/phone": {"category": "basic.phone", "transform": "mask-phone"},
    "/recipient/address": {"category": "basic.address", "required": True},
    "/items/*/sku": {"category": "none", "pattern": "^[A-Z0-9-]{1,32}$"},
    "/items/*/quantity": {"category": "none", "type": "integer"},
    "/currency": {"category": "none", "enum": ["CNY", "USD"]},
    "/note": {"category": "none", "max_length": 200},
    "/delivery/window": {"category": "none", "max_length": 20},
}


def body(items: int = 2) -> str:
    """The order as the app sends it; with more `items` it grows by some 75 bytes for each."""
    order = {**ORDER, "items": [ORDER["items"][place % 2] for place in range(items)]}
    return json.dumps(order, ensure_ascii=False, separators=(",", ":"))


def leaves_of(value: Any) -> int:
    """How many scalars a JSON value holds."""
    if isinstance(value, dict):
        return sum(map(leaves_of, value.values()))
    return sum(map(leaves_of, value)) if isinstance(value, list) else 1


def manifest(base_url: str) -> dict[str, Any]:
    """The partner with its two routes."""
    routes = {f"parcels-{seal}": _route(seal) for seal in (NONE, BODY)}
    return a_manifest(PARTNER, base_url=base_url, routes=Only(routes))


def _route(seal: str) -> dict[str, Any]:
    return {
        "match": f"POST /{seal}/parcels",
        "purpose": f"{PURPOSE}@1",
        "ground": "core-function",
        "seal": seal,
        "retention": "30d",
        # A copy each: the documents allow no alias.
        "send": deepcopy(_SEND),
        "receive": {"/tracking_number": {"reference": True}, "/status": {}},
    }
