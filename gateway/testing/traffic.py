"""
What the app would send about a person: orders, payments, logins and the like.

Each function takes its randomness first, then the person, and gives the body
as plain JSON values, with all the surplus that real apps send.
"""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gateway.testing.people import Person, describe, device

_GOODS = (
    ("TEA-LJ-250", "明前龙井 250g", 16800),
    ("MUG-CEL-01", "青瓷杯", 5900),
    ("UMB-BLK-XL", "折叠伞", 7900),
    ("BK-ASYNC-3E", "异步编程（第三版）", 9900),
    ("SOCK-W-5", "羊毛袜五双装", 12900),
    ("LAMP-D2", "护眼台灯", 24900),
    ("PWR-20K", "充电宝 20000mAh", 18900),
    ("DOG-SNK-1K", "冻干狗粮 1kg", 13900),
)
_NOTES = ("请放驿站", "工作日送", "易碎，轻放", "门口有鞋柜", "不要打电话", "周末家里有人", "")
_TROUBLES = ("包裹三天没有更新", "收到的颜色不对", "想改收货地址", "发票抬头写错了", "退款没有到账")
_EVENTS = ("impression", "click", "add-to-cart", "purchase")
_CHANNELS = ("app", "mini-program", "web")


def order(
    rng: random.Random, person: Person, *, to: Person | None = None, goods: int | None = None
) -> dict[str, Any]:
    """A cart on its way to a courier; `to` is who gets it, if that is somebody else."""
    recipient = to or person
    items = cart(rng, goods or rng.randint(1, 4))
    return {
        "order_id": number(rng, "LO"),
        "recipient": describe(recipient) | {"address": recipient.address},
        "buyer": describe(person) | {"level": rng.choice(("silver", "gold", "black"))},
        "items": items,
        "total_fen": sum(item["price_fen"] * item["quantity"] for item in items),
        "note": rng.choice(_NOTES),
        "device": device(person),
        "internal": _internal(rng),
    }


def cart(rng: random.Random, goods: int) -> list[dict[str, Any]]:
    """Some goods, none of them twice."""
    return [
        {"sku": sku, "title": title, "price_fen": price, "quantity": rng.randint(1, 3)}
        for sku, title, price in rng.sample(_GOODS, min(goods, len(_GOODS)))
    ]


def payment(
    rng: random.Random, person: Person, paid_order: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A charge for an order."""
    paid = paid_order or order(rng, person)
    return {
        "payment_reference": number(rng, "PAY"),
        "order_id": paid["order_id"],
        "amount_fen": paid["total_fen"],
        "currency": "CNY",
        "card": {"number": person.bank_card, "holder": person.name},
        "payer": describe(person),
        "device": device(person),
        "internal": _internal(rng),
    }


def refund(rng: random.Random, paid: dict[str, Any]) -> dict[str, Any]:
    """Money back for a payment."""
    return {
        "amount_fen": rng.randint(1, paid["amount_fen"]),
        "reason": rng.choice(("returned", "cancelled", "duplicate", "other")),
        "payer": paid["payer"],
        "internal": _internal(rng),
    }


def parcel_abroad(
    rng: random.Random, person: Person, *, to: Person | None = None
) -> dict[str, Any]:
    """An order that crosses a border, with what customs wants to know."""
    body = order(rng, person, to=to)
    codes = rng.sample(("09021090", "69111019", "66019100", "85076000"), len(body["items"]))
    body["customs"] = [
        {"code": code, "value": item["price_fen"] / 100, "declarant": person.name}
        for code, item in zip(codes, body["items"], strict=True)
    ]
    return body


def login(rng: random.Random, person: Person, at: datetime) -> dict[str, Any]:
    """A sign-in with an affiliate's account."""
    return {
        "account": person.account,
        "nickname": person.nickname,
        "avatar": person.avatar,
        "phone": person.phone,
        "at": _time(at),
        "device": device(person),
        "session": {"token": f"{rng.getrandbits(128):032x}", "channel": rng.choice(_CHANNELS)},
    }


def ad_event(rng: random.Random, person: Person, at: datetime) -> dict[str, Any]:
    """What an advertiser would like to know."""
    return {
        "event": rng.choice(_EVENTS),
        "at": _time(at),
        "campaign": f"cmp-{rng.randrange(10_000):04d}",
        "device": device(person),
        "location": location(person),
        "profile": describe(person) | {"interests": rng.sample(("茶", "户外", "母婴", "数码"), 2)},
    }


def ticket(rng: random.Random, person: Person) -> dict[str, Any]:
    """A question to customer support, with the phone number in the free text, as people do."""
    return {
        "ticket_id": number(rng, "TK"),
        "subject_line": rng.choice(_TROUBLES),
        "message": f"{rng.choice(_TROUBLES)}，请打{person.phone}联系我，{person.name}",
        "contact": describe(person),
        "device": device(person),
        "internal": _internal(rng),
    }


def risk_check(rng: random.Random, person: Person, at: datetime) -> dict[str, Any]:
    """What a fraud screening looks at."""
    return {
        "check_id": number(rng, "RC"),
        "account": person.account,
        "device": device(person),
        "amount_fen": rng.randint(100, 500_000),
        "at": _time(at),
        "profile": describe(person),
        "location": location(person),
    }


def search_nearby(rng: random.Random, person: Person) -> dict[str, Any]:
    """Where somebody is, and what they look for there."""
    return {
        "query": rng.choice(("咖啡", "药店", "充电桩", "快递柜")),
        "radius_metres": rng.choice((500, 1000, 3000)),
        "location": location(person),
        "account": person.account,
        "device": device(person),
    }


def usage_statistics(rng: random.Random, people: Sequence[Person]) -> dict[str, Any]:
    """Counts over many, with one sample that should not be in there."""
    return {
        "day": "2026-11-01",
        "users": len(people),
        "orders": rng.randint(len(people), 5 * len(people) + 1),
        "by_city": {person.place.city: rng.randint(1, 900) for person in people},
        "sample": describe(people[0]) if people else None,
    }


def purchase(rng: random.Random, person: Person, at: datetime) -> dict[str, Any]:
    """One purchase for research, with everything that would make it somebody's."""
    bought = cart(rng, rng.randint(1, 4))
    return {
        "month": at.astimezone(UTC).strftime("%Y-%m"),
        "gender": person.gender,
        "address": person.address,
        "total": sum(item["price_fen"] * item["quantity"] for item in bought) / 100,
        "items": len(bought),
        "buyer": describe(person),
        "device": device(person),
    }


def account_move(rng: random.Random, person: Person, orders: int = 2) -> dict[str, Any]:
    """A whole account on its way to a successor."""
    return {
        **describe(person),
        "address": person.address,
        "orders": [{"order_id": number(rng, "LO"), "items": cart(rng, 2)} for _ in range(orders)],
        "internal": _internal(rng),
    }


def court_file(rng: random.Random, person: Person, demand: str) -> dict[str, Any]:
    """What an authority asked for under `demand`, and what it did not ask for."""
    return {
        "demand": demand,
        "person": describe(person) | {"address": person.address},
        "network": {"ip": person.ip},
        "device": device(person),
        "orders": [{"order": number(rng, "LO")} for _ in range(2)],
        "payments": [{"payer": person.bank_card}],
        "internal": _internal(rng),
    }


def location(person: Person) -> dict[str, Any]:
    """To the metre, and by district."""
    return {
        "latitude": person.latitude,
        "longitude": person.longitude,
        "city": person.place.city,
        "district": person.place.district,
    }


def number(rng: random.Random, prefix: str) -> str:
    """The number of an order, a payment or a ticket, such as `LO-20261101-481207`."""
    return f"{prefix}-202611{rng.randint(1, 30):02d}-{rng.randrange(10**6):06d}"


def _internal(rng: random.Random) -> dict[str, Any]:
    """What no partner has any business with."""
    return {"risk_score": rng.randint(1, 99), "segment": rng.choice(("A3", "B1", "C7"))}


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
