"""Shares as the demonstration compares them: one that arrived as it should, but for what is given."""

import json
from datetime import UTC, datetime
from typing import Any

from multidict import CIMultiDict

from gateway.testing.client import Reply
from gateway.testing.demo import plan
from gateway.testing.demo.manifests import route_of
from gateway.testing.demo.minimum import Arrival
from gateway.testing.demo.people_in_it import members
from gateway.testing.demo.recipients import ROLES, Recipient
from gateway.testing.demo.traffic import Sent
from gateway.testing.partner import FakePartner
from gateway.testing.received import RawRequest, Received

MANIFEST = {
    "partner": "swift-parcel",
    "upstream": {"base_url": "https://127.0.0.1:20000/api"},
    "routes": {
        "create-shipment": {
            "match": "POST /v2/shipments/{reference}",
            "purpose": "order-fulfilment@1",
            "seal": "fields",
            "send": {
                "/name": {"transform": "mask-name"},
                "/phone": {"sealed": True},
                "/items/*/sku": {},
            },
            "receive": {"/tracking_number": {}},
        }
    },
}
CREDENTIAL = ("Authorization", "Bearer right")
SENT = {"name": "欧阳明", "phone": "13800000000", "items": [{"sku": "TEA-01", "title": "茶"}]}
ARRIVED = {"name": "欧**", "phone": "13800000000", "items": [{"sku": "TEA-01"}]}


def an_arrival(
    document: Any = ARRIVED,
    *,
    wire: bytes = b'{"phone": "eyJhbGciOi..x.y.z"}',
    target: str = "/api/v2/shipments/LO-1",
    headers: dict[str, str] | None = None,
    answer: Any = None,
    sub: str = "somebody",
) -> Arrival:
    """A share that arrived as it should, but for what is given."""
    route = route_of(MANIFEST, "POST", target.partition("?")[0], "order-fulfilment")
    return Arrival(
        recipient=Recipient(
            role=ROLES[0],
            fake=FakePartner("swift-parcel"),
            manifest=MANIFEST,
            environment={},
            credential=CREDENTIAL,
        ),
        received=Received(
            request=RawRequest(
                order=1,
                at=datetime(2026, 11, 2, tzinfo=UTC),
                method="POST",
                target=target,
                headers=CIMultiDict(dict([CREDENTIAL]) if headers is None else headers),
                body=wire,
            ),
            claims={"sub": sub, "purpose": "order-fulfilment"},
            body=wire,
            document=document,
        ),
        declared=route,
        sent=a_sent(answer),
    )


def a_sent(answer: Any = None, *, repeated: Reply | None = None) -> Sent:
    """A share as the app sent it."""
    return Sent(
        planned=plan.Planned(
            service="shop",
            partner="swift-parcel",
            purpose="order-fulfilment",
            path="/v2/shipments/LO-1",
            body=SENT,
            member=members()[0],
            headers={},
        ),
        reply=Reply(
            status=200,
            headers=CIMultiDict({"Sharing-Id": "shr-1"}),
            body=json.dumps({} if answer is None else answer).encode(),
        ),
        repeated=repeated,
        seconds=0.1,
    )
