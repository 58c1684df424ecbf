"""What to try while the demonstration stays up."""

import asyncio
import shlex
from typing import Any

from gateway.testing.demo.house import House, Service, token_of
from gateway.testing.demo.people_in_it import LEAD

VISITOR = Service(
    name="visitor",
    partners=("*",),
    purposes=("*",),
    scopes=("share", "explain", "subject:read", "case:read", "ledger:read", "partner:read"),
)
_ORDER = (
    '{"recipient": {"name": "欧阳明", "phone": "13800000000", "address": "杭州市听雨拟路1号"}, '
    '"items": [{"sku": "TEA-01", "price_fen": 3900}], "birthday": "1990-05-01"}'
)


def places(house: House) -> dict[str, Any]:
    """Where everything is, for a program."""
    return {
        "home": str(house.home),
        "internal": house.gateway.internal_url,
        "public": house.gateway.public_url,
        "recipients": {one.id: one.fake.base_url for one in house.recipients.values()},
        "token": token_of(house.home, VISITOR),
    }


async def stay(house: House, until: asyncio.Event) -> None:
    """Say where everything is, and wait."""
    say = house.screen.line
    say()
    say(house.screen.strong("It stays up until Ctrl-C."))
    say(f"  home          {house.home}")
    say(f"  internal      {house.gateway.internal_url}")
    say(f"  public        {house.gateway.public_url}")
    for recipient in house.recipients.values():
        say(f"  {recipient.id:<13} {recipient.fake.base_url}")
    say()
    for line in _to_try(house):
        say(line)
    await until.wait()


def _to_try(house: House) -> list[str]:
    gone, here = house.cast[LEAD].account, house.cast[LEAD + 1].account
    curl = "curl -sw '\\n' -H \"Authorization: Bearer $TOKEN\""
    order = (
        f"{curl} $GATEWAY/share/swift-parcel/v2/shipments/LO-1"
        ' -H "Content-Type: application/json" -H "Sharing-Subject: user-42"'
    )
    body = f"-d {shlex.quote(_ORDER)}"
    return [
        f"GATEWAY={house.gateway.internal_url}",
        f"TOKEN={token_of(house.home, VISITOR)}",
        "",
        "# a share; the courier answers",
        f'{order} -H "Sharing-Purpose: order-fulfilment" {body}',
        "# the same for another purpose; refused, with the clause",
        f'{order} -H "Sharing-Purpose: advertising" {body}',
        "# who has one person's data",
        f"{curl} $GATEWAY/v1/subjects/{here}/disclosures",
        "# a share of the person who was deleted; refused",
        f'{order.replace("user-42", gone)} -H "Sharing-Purpose: order-fulfilment" {body}',
        "# the deletion",
        f"{curl} $GATEWAY/v1/cases",
    ]
