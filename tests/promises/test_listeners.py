"""Two listeners, and what each of them never answers (contract §4)."""

import json
import re
from typing import Any

import pytest

from gateway.errors import REASONS
from tests.marks import promise
from tests.promises import shared
from tests.promises.conftest import OpenHouse
from tests.promises.house import House, a_courier, problem_of
from tests.promises.manifests import a_plain

pytestmark = shared.IN_ONE_LOOP
houses, gateway, open_house = shared.houses, shared.gateway, shared.open_house

INTERNAL = (
    "/share/swift-parcel/v2/shipments/LO-1",
    "/v1/partners",
    "/v1/ledger/entries",
    "/v1/subjects/u-1/disclosures",
    "/console",
    "/metrics",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/problems/consent-missing",
)
PUBLIC = (
    "/.well-known/jwks.json",
    "/receipts",
    "/callbacks/standard-webhooks/0123456789abcdef0123456789abcdef",
    "/tokens/redeem",
    "/ledger/checkpoint",
    "/dsrdelete.json",
    "/.well-known/dsrdelete.json",
    "/ddrf",
)


@promise("P3")
@pytest.mark.parametrize("path", INTERNAL)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_nothing_internal_answers_on_the_public_listener(
    path: str, method: str, gateway: House
) -> None:
    """Partners find nothing there, token or not."""
    reply = await gateway.public(path, method=method, body=None if method == "GET" else {})
    told = await gateway._partner.request(
        method, path, None, headers={"Authorization": f"Bearer {gateway.token()}"}
    )

    assert (reply.status, told.status) == (404, 404)
    assert problem_of(reply)["code"] == "not-found"
    assert gateway.recipients["swift-parcel"].arrivals == []


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nothing_public_answers_on_the_internal_listener(
    path: str, method: str, gateway: House
) -> None:
    """Services find nothing there."""
    reply = await gateway.ask(method, path, None if method == "GET" else {})

    assert (reply.status, reply.code) == (404, "not-found")


@pytest.mark.parametrize("path", ["/", "//", "/nothing", "/v1", "/v1/", "/v2/partners", "/share"])
async def test_what_is_not_there_is_not_found(path: str, gateway: House) -> None:
    """Everywhere else is a problem document as well."""
    for reply in (await gateway.ask("GET", path), await gateway.public(path)):
        assert reply.status == 404
        assert problem_of(reply)["code"] == "not-found"


async def test_the_published_keys_are_one_for_each_use(gateway: House) -> None:
    """Grants, notices, checkpoints and certificates; no private member; not the issuer's."""
    reply = await gateway.public("/.well-known/jwks.json")
    keys = reply.json()["keys"]

    assert reply.headers["Content-Type"].startswith("application/")
    uses = sorted(key["kid"].partition("-")[0] for key in keys)
    assert uses == ["certificate", "checkpoint", "grant", "notice"]
    for key in keys:
        assert (key["kty"], key["crv"], key["use"]) == ("OKP", "Ed25519", "sig")
        assert set(key) <= {"kty", "crv", "x", "kid", "use", "alg"}
    files = sorted((gateway.folder / "keys").glob("*.jwk.json"))
    secrets = [json.loads(file.read_text())["d"] for file in files]
    issuer = [json.loads(f.read_text())["x"] for f in files if f.name.startswith("issuer")]
    assert len(issuer) == 1
    for secret in [*secrets, *issuer]:
        assert secret not in reply.body.decode()


async def test_the_issuers_key_is_nowhere_to_be_had(gateway: House) -> None:
    """The key that signs service tokens is on neither listener."""
    (file,) = (gateway.folder / "keys").glob("issuer*.jwk.json")
    public = json.loads(file.read_text())["x"]
    for path in (*INTERNAL, *PUBLIC):
        for reply in (await gateway.ask("GET", path), await gateway.public(path)):
            assert public not in reply.body.decode()


async def test_keys_of_a_home_are_its_own(open_house: OpenHouse) -> None:
    """Two homes share no key, and the files are readable by their owner only."""
    one, two = await open_house(a_courier()), await open_house(a_plain())
    sets = [
        {key["x"] for key in (await house.public("/.well-known/jwks.json")).json()["keys"]}
        for house in (one, two)
    ]
    modes = {
        path.stat().st_mode & 0o777 for path in (one.folder / "keys").rglob("*") if path.is_file()
    }

    assert not sets[0] & sets[1]
    assert modes == {0o600}


async def test_readiness_says_how_the_policy_stands(open_house: OpenHouse) -> None:
    """Exactly the members of the contract; an error after a reload that failed."""
    gateway = await open_house(a_courier())
    good = await gateway.ask("GET", "/readyz", token="")
    manifest = gateway.folder / "partners/swift-parcel.yaml"
    text = manifest.read_text()
    manifest.write_text(text.replace("order-fulfilment@1", "shipping@1"))
    await gateway.reload()
    bad = await gateway.ask("GET", "/readyz", token="")
    manifest.write_text(text)
    await gateway.reload()
    again = await gateway.ask("GET", "/readyz", token="")

    assert good.status == bad.status == 200
    assert set(good.json()) == {"ready", "policy"}
    assert set(good.json()["policy"]) == {"edition", "digest", "error"}
    assert good.json()["ready"] is True
    assert good.json()["policy"]["edition"] == "2026-1"
    assert re.fullmatch("[0-9a-f]{64}", good.json()["policy"]["digest"])
    assert good.json()["policy"]["error"] is None
    assert "swift-parcel.yaml:" in bad.json()["policy"]["error"]
    assert bad.json()["policy"]["digest"] == good.json()["policy"]["digest"]
    assert again.json() == good.json()


async def test_a_gateway_that_drains_is_not_ready(open_house: OpenHouse) -> None:
    """From SIGTERM on nobody should send more."""
    gateway = await open_house(a_courier())
    gateway.gateway.stopping.set()
    reply = await gateway.ask("GET", "/readyz", token="")
    gateway.gateway.stopping.clear()

    assert (reply.status, reply.json()["ready"]) == (503, False)


async def test_health_is_that_it_answers(gateway: House) -> None:
    """`/healthz` needs no token."""
    assert (await gateway.ask("GET", "/healthz", token="")).status == 200
    assert (await gateway.ask("HEAD", "/healthz", token="")).status == 200


@promise("P2")
async def test_metrics_count_by_closed_sets_of_labels(open_house: OpenHouse) -> None:
    """Partners and purposes of the policy, codes of the contract; nothing a caller made up."""
    gateway = await open_house(a_courier())
    await gateway.share()
    await gateway.share(purpose="made-up-purpose")
    await gateway.share("made-up-partner", subject="marked-person")
    await gateway.share(token="made-up-token")
    reply = await gateway.ask("GET", "/metrics", token="")
    text = reply.body.decode()
    carried = re.search(r"^gateway_shares_total\{(.*)\} 1\.0$", text, re.MULTILINE)
    refused = dict(
        re.findall(r'^gateway_refusals_total\{.*code="([a-z-]+)".*\} (\S+)$', text, re.M)
    )

    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith(("text/plain", "application/openmetrics"))
    assert carried
    labels = dict(re.findall(r'(\w+)="([^"]*)"', carried[1]))
    assert labels == {
        "partner": "swift-parcel",
        "purpose": "order-fulfilment",
        "outcome": "delivered",
    }
    assert refused == {"purpose-unknown": "1.0", "partner-unknown": "1.0", "token-invalid": "1.0"}
    assert "made-up" not in text
    assert "marked" not in text


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


async def test_the_openapi_document_describes_what_is_there(gateway: House) -> None:
    """OpenAPI 3.1, every operation reachable, every reference resolved, every code listed."""
    reply = await gateway.ask("GET", "/openapi.json", token="")
    document = reply.json()
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]

    assert reply.headers["Content-Type"].startswith("application/json")
    assert document["openapi"].startswith("3.1")
    assert {"title", "version"} <= set(document["info"])
    assert set(codes) == {reason.value for reason in REASONS}
    for path, item in document["paths"].items():
        named = set(re.findall(r"\{(\w+)\}", path))
        for method, operation in item.items():
            assert method in ("get", "put", "post", "delete", "patch")
            assert operation["responses"]
            inside = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert inside == named
            target = re.sub(r"\{\w+\}", "x", path)
            found = await gateway.ask(method.upper(), target, token="")
            assert found.code == "token-missing", (method, path)
    for node in _walk(document):
        if isinstance(node.get("$ref"), str):
            place: Any = document
            for part in node["$ref"].removeprefix("#/").split("/"):
                place = place[part]


async def test_an_endpoint_that_does_not_take_a_method_is_not_there(gateway: House) -> None:
    """DELETE of anything is not found."""
    for path in ("/v1/partners/swift-parcel", "/v1/consents", "/readyz", "/healthz"):
        assert (await gateway.ask("DELETE", path)).status == 404


async def test_partners_are_listed_and_shown(open_house: OpenHouse) -> None:
    """What a recipient may get is told to whoever may read it."""
    gateway = await open_house(a_courier())
    every = (await gateway.ask("GET", "/v1/partners")).json()["partners"]
    one = (await gateway.ask("GET", "/v1/partners/swift-parcel")).json()
    nobody = await gateway.ask("GET", "/v1/partners/nobody")

    assert every == [one]
    assert (one["partner"], one["state"], one["kind"]) == ("swift-parcel", "active", "processor")
    assert one["agreement"]["expires"] == "2028-03-01"
    assert one["routes"][0]["purpose"] == "order-fulfilment@1"
    assert (nobody.status, nobody.code) == (404, "not-found")


@promise("S4a")
async def test_a_suspended_partner_gets_nothing_until_it_is_resumed(open_house: OpenHouse) -> None:
    """Suspension acts on the next share, survives a restart, and is undone by resume."""
    gateway = await open_house(a_courier())
    first = await gateway.share()
    suspended = await gateway.ask("POST", "/v1/partners/swift-parcel/suspend")
    refused = await gateway.share()
    await gateway.restart()
    still = await gateway.share()
    resumed = await gateway.ask("POST", "/v1/partners/swift-parcel/resume")
    again = await gateway.share()

    assert (first.status, again.status) == (200, 200)
    assert refused.code == still.code == "partner-suspended"
    assert refused.clause == ["S4a"]
    assert (suspended.json()["state"], resumed.json()["state"]) == ("suspended", "active")
    assert (await gateway.ask("POST", "/v1/partners/nobody/suspend")).status == 404


async def test_resuming_does_not_overrule_the_manifest(open_house: OpenHouse) -> None:
    """A partner whose manifest says suspended stays so."""
    house = await open_house(a_courier(state="suspended"))
    reply = await house.ask("POST", "/v1/partners/swift-parcel/resume")

    assert reply.json()["state"] == "suspended"
    assert (await house.share()).code == "partner-suspended"


async def test_answers_do_not_say_what_they_are_made_of(open_house: OpenHouse) -> None:
    """No version of a library stands in any answer."""
    gateway = await open_house(a_courier())
    for reply in (
        await gateway.share(),
        await gateway.share(token=""),
        await gateway.ask("GET", "/readyz"),
        await gateway.public("/.well-known/jwks.json"),
        await gateway.public("/nothing"),
    ):
        assert "python" not in str(dict(reply.headers)).lower()
        assert "aiohttp" not in str(dict(reply.headers)).lower()
