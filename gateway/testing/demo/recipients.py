"""
Who receives: some recipients of the default set, brought to loopback.

Each gets an address with a certificate of a small authority, fresh key pairs
of which the gateway sees the public halves, and a secret that the gateway must
show. Their manifests stay as they are but for those; one more is a courier
whose agreement is over.
"""

import base64
import itertools
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml import YAML

from gateway.testing.authority import Authority, IssuedCertificate
from gateway.testing.builders import write_manifest
from gateway.testing.keys import Curve, PartnerKeys
from gateway.testing.partner import FakePartner
from gateway.testing.received import Received

Answer = Callable[[str, int], dict[str, Any]]
"""From a path and a running number to what the recipient answers."""

SECRETS = "secrets"


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What one recipient is like, besides its manifest."""

    partner: str
    purposes: Mapping[str, str]
    """Beginning of a path to the purpose that this endpoint takes data for."""
    answer: Answer
    references: frozenset[str]
    """Members of its answers that are its own ids of records."""
    curve: Curve = "X25519"
    bound_keys: tuple[str, ...] = ()
    """Purposes that have an encryption key of their own."""
    mutual_tls: bool = False
    pinned: bool = False
    secret_in_file: bool = False

    def purpose(self, method: str, target: str) -> str:
        """The purpose of an endpoint; what no endpoint takes has none."""
        found = (purpose for start, purpose in self.purposes.items() if target.startswith(start))
        return next(found, "none-of-ours")


def _courier(path: str, n: int) -> dict[str, Any]:
    if path.startswith("/v2/callbacks"):
        return {"callback": f"CB{n:08d}", "agent": {"name": "周师傅", "phone": "13800000417"}}
    return {
        "tracking_number": f"SP{n:010d}",
        "status": "created",
        "depot": "HZ-04",
        "courier": {"name": "周师傅", "phone": "13800000417"},
    }


def _payments(path: str, n: int) -> dict[str, Any]:
    return {"charge": f"ch_{n:012d}", "status": "captured", "bank": {"score": 61, "branch": "0417"}}


def _advertising(path: str, n: int) -> dict[str, Any]:
    return {"event_id": f"ev-{n:010d}", "audience": ["tea", "outdoor"], "bid_fen": 12}


def _accounts(path: str, n: int) -> dict[str, Any]:
    if path.startswith("/v1/bindings"):
        avatar = "https://media.link-id.example/avatars/d41d8c.webp"
        known = {"real_name": "欧阳某", "friends": ["lk-77", "lk-78"]}
        return {"binding": f"lb_{n:010d}", "nickname": "远山", "avatar": avatar} | known
    return {"result": "ok", "trust": 77, "seen_with": ["lk-12"]}


def _parcels(path: str, n: int) -> dict[str, Any]:
    return {"parcel": f"IP{n:09d}SG", "status": "accepted", "inspector": {"name": "Tan W."}}


def _court(path: str, n: int) -> dict[str, Any]:
    return {"receipt": f"CC-2026-{n:05d}", "clerk": {"name": "Li", "room": "4.17"}}


ROLES = (
    Role(
        partner="swift-parcel",
        purposes={"/v2/shipments": "order-fulfilment", "/v2/callbacks": "customer-support"},
        answer=_courier,
        references=frozenset({"tracking_number", "callback"}),
        pinned=True,
    ),
    Role(
        partner="harbour-pay",
        purposes={"/api/v1/charges": "payment"},
        answer=_payments,
        references=frozenset({"charge"}),
        bound_keys=("payment",),
        mutual_tls=True,
        secret_in_file=True,
    ),
    Role(
        partner="bright-reach",
        purposes={"/v3/events": "advertising"},
        answer=_advertising,
        references=frozenset({"event_id"}),
    ),
    Role(
        partner="link-id",
        purposes={"/v1/": "account-login"},
        answer=_accounts,
        references=frozenset({"binding"}),
    ),
    Role(
        partner="island-post",
        purposes={"/v1/parcels": "order-fulfilment"},
        answer=_parcels,
        references=frozenset({"parcel"}),
        curve="P-256",
    ),
    Role(
        partner="city-court",
        purposes={"/v1/disclosures": "legal-demand"},
        answer=_court,
        references=frozenset({"receipt"}),
        mutual_tls=True,
        secret_in_file=True,
    ),
)

FORMER = Role(
    partner="past-parcel",
    purposes={"/v2/shipments": "order-fulfilment"},
    answer=_courier,
    references=frozenset({"tracking_number"}),
)
"""A courier whose agreement ended yesterday; its manifest is a copy of swift-parcel's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One recipient that runs."""

    role: Role
    fake: FakePartner
    manifest: Mapping[str, Any]
    """As it lies in the home."""
    environment: Mapping[str, str] = field(repr=False)
    """Variables that hold its secret, if it is not in a file."""
    credential: tuple[str, str] = field(repr=False)
    """The header, and its value, by which the gateway proves itself here."""

    @property
    def id(self) -> str:
        """The partner's id."""
        return self.role.partner

    @property
    def kind(self) -> str:
        """Its kind, as the manifest says."""
        return str(self.manifest["kind"])


def build(role: Role, authority: Authority, folder: Path) -> FakePartner:
    """A recipient of this role, not yet started, with keys and a certificate of its own."""
    certificate = authority.issue(folder / role.partner)
    numbers = itertools.count(1)

    def respond(received: Received) -> dict[str, Any]:
        return role.answer(received.request.target, next(numbers))

    return FakePartner(
        role.partner,
        purpose=role.purpose,
        keys=PartnerKeys.generate(role.partner, curve=role.curve, purposes=role.bound_keys),
        respond=respond,
        reference_names=role.references,
        tls=certificate,
        client_ca=certificate.ca if role.mutual_tls else None,
    )


def onboard(home: Path, role: Role, fake: FakePartner, own: IssuedCertificate) -> Recipient:
    """
    Rewrite a started recipient's manifest for loopback and put its public keys beside it.

    `own` is the gateway's certificate, which it shows where both sides must.
    """
    manifest = _read(home / "partners" / f"{role.partner}.yaml")
    upstream = manifest["upstream"]
    # The path of the partner's own API stays; the place moves.
    upstream["base_url"] = fake.base_url + urlsplit(upstream["base_url"]).path
    if "url" in manifest["deletion"]:
        manifest["deletion"]["url"] = fake.notices_url
    upstream["tls"] = _tls(home, role, fake, own)
    secret = secrets.token_urlsafe(24)
    environment = _place_secret(home, role, upstream["auth"], secret)
    write_manifest(home, fake, manifest)
    return Recipient(
        role=role,
        fake=fake,
        manifest=manifest,
        environment=environment,
        credential=_credential(upstream["auth"], secret),
    )


def former(home: Path, today: date) -> None:
    """Put the manifest of the courier whose agreement is over into the home."""
    manifest = _read(home / "partners" / "swift-parcel.yaml")
    manifest |= {
        "partner": FORMER.partner,
        "name": "Past Parcel Ltd.",
        "contact": f"privacy@{FORMER.partner}.example",
        "keys": f"keys/{FORMER.partner}.jwks.json",
        "upstream": manifest["upstream"] | {"auth": {"bearer": "env:PAST_PARCEL_TOKEN"}},
        "agreement": {
            "reference": "DPA-2024-002",
            "signed": today - timedelta(days=731),
            "expires": today - timedelta(days=1),
        },
    }
    with (home / "partners" / f"{FORMER.partner}.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(manifest, file)


def _read(path: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = YAML(typ="safe", pure=True).load(path)
    return manifest


def _tls(home: Path, role: Role, fake: FakePartner, own: IssuedCertificate) -> dict[str, Any]:
    """The `tls` of a manifest; `write_manifest` names the root of the recipient's certificate."""
    tls: dict[str, Any] = {}
    if role.pinned and fake.tls is not None:
        tls["pins"] = [fake.tls.pin]
    if role.mutual_tls:
        tls["cert"], tls["key"] = f"file:{own.cert}", f"file:{own.key}"
    return tls


def _place_secret(home: Path, role: Role, auth: dict[str, Any], secret: str) -> dict[str, str]:
    """Put a secret where the manifest looks for it; the environment that this takes."""
    holder, member = _reference(auth)
    if not role.secret_in_file:
        return {holder[member].removeprefix("env:"): secret}
    folder = home / "partners" / SECRETS
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / role.partner
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret)
    holder[member] = f"file:{SECRETS}/{role.partner}"
    return {}


def _reference(auth: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Which member of `auth` holds the reference to the secret."""
    for holder in (auth, *(inner for inner in auth.values() if isinstance(inner, dict))):
        for name, value in holder.items():
            if isinstance(value, str) and value.startswith("env:"):
                return holder, name
    raise ValueError("the manifest's auth names no secret in the environment")


def _credential(auth: Mapping[str, Any], secret: str) -> tuple[str, str]:
    match auth:
        case {"bearer": _}:
            return "Authorization", f"Bearer {secret}"
        case {"basic": {"user": user}}:
            both = base64.b64encode(f"{user}:{secret}".encode()).decode("ascii")
            return "Authorization", f"Basic {both}"
        case {"header": {"name": name}}:
            return str(name), secret
        case _:
            raise ValueError("the manifest's auth is of a form that no recipient here checks")
