"""
Something valid, with the one thing changed that the test is about.

Changes are merged into what is there: mappings member by member, anything else
replaced. `REMOVE` takes a member away, `Only(...)` puts a mapping in place of
another as a whole.
"""

import asyncio
import json
import shutil
import tomllib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final

import jwt
from ruamel.yaml import YAML

from gateway.testing.partner import FakePartner
from gateway.testing.processes import gateway_command, gateway_environment

REMOVE: Final = object()

_MOST_WRITTEN = 1000
_WRITTEN: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Only:
    """This mapping and nothing of the one before it."""

    value: Mapping[str, Any]


def a_manifest(partner: str = "swift-parcel", *, base_url: str, **changes: Any) -> dict[str, Any]:
    """
    A courier's manifest (contract §7): one route, `create-shipment`, which takes
    `traffic.order` under `order-fulfilment`, seals the telephone number, and is told
    to delete by Standard Webhooks.

        a_manifest(base_url=url, agreement={"expires": date(2026, 1, 10)})
        a_manifest(base_url=url, routes={"create-shipment": {"retention": "1d"}})
    """
    manifest: dict[str, Any] = {
        "partner": partner,
        "name": "Swift Parcel Co.",
        "owner": "logistics",
        "kind": "processor",
        "territory": "CN",
        "contact": f"privacy@{partner}.example",
        "agreement": {
            "reference": "DPA-2026-014",
            "signed": date(2026, 3, 1),
            "expires": date(2028, 3, 1),
            "onward": [],
        },
        "keys": f"keys/{partner}.jwks.json",
        "upstream": {"base_url": base_url, "timeout": "5s"},
        "routes": {"create-shipment": a_route()},
        "deletion": {
            "protocol": "standard-webhooks",
            "url": f"{base_url}/privacy/notices",
            "fallback": "manual",
            "acknowledge_within": "3d",
            "complete_within": "15d",
        },
    }
    return merged(manifest, changes)


def a_route(**changes: Any) -> dict[str, Any]:
    """The route `POST /v2/shipments/{reference}` of a courier."""
    route: dict[str, Any] = {
        "match": "POST /v2/shipments/{reference}",
        "purpose": "order-fulfilment@1",
        "ground": "core-function",
        "seal": "fields",
        "retention": "30d",
        "path": {"reference": {"category": "none", "pattern": "^[A-Z0-9-]{1,32}$"}},
        "send": {
            "/recipient/name": {"category": "basic.name", "transform": "mask-name"},
            "/recipient/phone": {"category": "basic.phone", "sealed": True},
            "/recipient/address": {"category": "basic.address", "required": True},
            "/items/*/sku": {"category": "none", "pattern": "^[A-Z0-9-]{1,32}$"},
            "/items/*/quantity": {"category": "none", "type": "integer"},
            "/note": {"category": "none", "max_length": 200, "scan": "block"},
        },
        "receive": {"/tracking_number": {"reference": True}, "/status": {}},
    }
    return merged(route, changes)


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `changes` merged in, as the module says; neither is altered."""
    result = dict(base)
    for name, change in changes.items():
        before = result.get(name)
        if change is REMOVE:
            result.pop(name, None)
        elif isinstance(change, Only):
            result[name] = dict(change.value)
        elif isinstance(change, Mapping) and isinstance(before, Mapping):
            result[name] = merged(before, change)
        else:
            result[name] = change
    return result


def write_manifest(
    home: Path, partner: FakePartner, manifest: Mapping[str, Any] | None = None
) -> Path:
    """
    Onboard `partner` into a home: `partners/ID.yaml`, its public keys, and the root
    of its TLS certificate, which the manifest then names. The path of the manifest.

    Without a `manifest` it gets the courier's. Replaces what was there.
    """
    document = dict(manifest or a_manifest(partner.id, base_url=partner.base_url))
    keys = home / "partners" / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    jwks = json.dumps(partner.keys.public_jwks(), indent=2)
    (keys / f"{partner.id}.jwks.json").write_text(jwks, encoding="utf-8")
    if partner.tls is not None:
        root = keys / f"{partner.id}.ca.pem"
        shutil.copyfile(partner.tls.ca, root)
        tls = {"tls": {"ca": f"file:keys/{root.name}"}}
        document["upstream"] = merged(tls, document["upstream"])
    return write_yaml(home / "partners" / f"{partner.id}.yaml", document)


def write_yaml(path: Path, document: Mapping[str, Any]) -> Path:
    """Write a policy or partner document."""
    members = [_member({name: value}) for name, value in sorted(document.items())]
    path.write_text("".join(members) or "{}\n", encoding="utf-8")
    return path


def _member(member: dict[str, Any]) -> str:
    """
    One member of a document as YAML. Writing it takes longer than all else in a home,
    and one home's routes are mostly those of the last.
    """
    shown = repr(member)
    if shown not in _WRITTEN:
        yaml = YAML(typ="safe", pure=True)
        yaml.default_flow_style = False
        yaml.allow_unicode = True
        # The readers of documents refuse anchors; a test may use one mapping in two places.
        yaml.representer.ignore_aliases = lambda *_: True
        text = StringIO()
        yaml.dump(member, text)
        if len(_WRITTEN) >= _MOST_WRITTEN:
            _WRITTEN.clear()
        _WRITTEN[shown] = text.getvalue()
    return _WRITTEN[shown]


async def a_home(
    folder: Path,
    partners: Iterable[FakePartner] = (),
    *,
    default_partners: bool = False,
    template: Path | None = None,
) -> Path:
    """
    A home in `folder`, made by `gateway init` or copied from a `template` that
    was, with a manifest for each of `partners`.

    Without `default_partners` the manifests of the default set are taken out,
    with the decision cases that ask for them. Raises RuntimeError with the
    command's own words if it fails.
    """
    if template is None:
        await _init(folder)
    else:
        shutil.copytree(template, folder, dirs_exist_ok=True)
    if not default_partners:
        _empty(folder / "partners")
        _empty(folder / "policies" / "cases")
    for partner in partners:
        write_manifest(folder, partner)
    return folder


def a_token(
    home: Path,
    *,
    service: str = "order-service",
    scope: Sequence[str] = ("share",),
    partners: Sequence[str] | None = ("*",),
    purposes: Sequence[str] | None = ("*",),
    grounds: Sequence[str] | None = None,
    now: datetime | None = None,
    ttl: timedelta = timedelta(hours=1),
    **claims: Any,
) -> str:
    """
    A service token (contract §5) by the home's own issuer key, `keys/issuer*.jwk.json`,
    for the issuer and audience of `gateway.toml`.

    None leaves a claim out. `claims` come on top, `REMOVE` taking one away, so that
    a test can be wrong in one thing.
    """
    issued = now or datetime.now(UTC)
    settings = issuer_settings(home)
    named = {"partners": partners, "purposes": purposes, "grounds": grounds}
    body: dict[str, Any] = {
        "iss": settings["iss"],
        "aud": settings["aud"],
        "sub": service,
        "jti": str(uuid.uuid4()),
        "iat": int(issued.timestamp()),
        "nbf": int(issued.timestamp()),
        "exp": int((issued + ttl).timestamp()),
        "scope": " ".join(scope),
        **{name: list(value) for name, value in named.items() if value is not None},
    }
    return sign_token(issuer_key(home), merged(body, claims))


def sign_token(key: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """A JWT over `claims` by a private JWK, with the key's own `alg` and `kid`."""
    private = jwt.PyJWK.from_dict(dict(key))
    headers = {"kid": key["kid"]} if "kid" in key else None
    return jwt.encode(dict(claims), private, algorithm=key["alg"], headers=headers)


def issuer_key(home: Path) -> dict[str, Any]:
    """The private key, not retired, that signs the home's own service tokens."""
    for path in sorted((home / "keys").glob("issuer*.jwk.json"), reverse=True):
        key: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if not key.get("retired"):
            return key
    raise FileNotFoundError("the home has no keys/issuer*.jwk.json")


def issuer_settings(home: Path) -> dict[str, Any]:
    """The first `[[issuer]]` of `gateway.toml`."""
    with (home / "gateway.toml").open("rb") as file:
        settings: dict[str, Any] = tomllib.load(file)["issuer"][0]
    return settings


async def _init(folder: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *gateway_command("init", str(folder)),
        env=gateway_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, problems = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"gateway init failed: {problems.decode(errors='replace')[-2000:]}")


def _empty(folder: Path) -> None:
    for path in folder.glob("*.yaml"):
        path.unlink()
