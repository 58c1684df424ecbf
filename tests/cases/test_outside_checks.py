"""An honest notice and certificate need nothing of ours to be checked, and only honest ones pass."""

import asyncio
import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateway import verifier
from gateway.cases.certificate import CertificateInvalid, verify_certificate
from gateway.recipient import RecipientError, verify_notice
from gateway.testing.builders import a_manifest
from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from tests.acceptance.commands import Done, run
from tests.cases.forging import b64, ed25519, resigned, told, un64
from tests.cases.house import CaseHouse
from tests.marks import promise
from tests.promises.house import empty_home
from tests.promises.manifests import NOWHERE

SHARED = "whsec_" + base64.b64encode(b"a shared secret of 32 bytes only").decode()


async def test_a_notice_verifies_with_the_standards_own_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where a secret is shared, the library of Standard Webhooks verifies the notice as it
    came; the recipient kit does by the published key; neither one that was changed.
    """
    monkeypatch.setenv("COURIER_WEBHOOK_SECRET", SHARED)
    # The library reads the machine's clock.
    house = CaseHouse(empty_home(tmp_path / "home"), Clock(datetime.now(UTC)))
    secret = {"secret": "env:COURIER_WEBHOOK_SECRET"}
    async with house:
        await house.open([a_manifest("swift-parcel", base_url=NOWHERE, deletion=secret)])
        courier = house.recipients["swift-parcel"]
        assert (await house.share()).status == 200
        opened = await house.opened_case()
        await house.until_closed(opened["case"])
        jwks = (await house.public("/.well-known/jwks.json")).json()
    (came,) = courier.notices.received
    headers = {name.lower(): value for name, value in came.headers.items()}
    changed = came.raw.replace(b"subject.erase", b"subject.erasf")

    data = Webhook(SHARED).verify(came.raw, headers)["data"]
    assert data["notice"] == opened["notices"][0]["notice"] == headers["webhook-id"]
    assert [one.partition(",")[0] for one in headers["webhook-signature"].split()] == ["v1a", "v1"]
    assert verify_notice(headers, came.raw, jwks, now=house.clock())["notice"] == data["notice"]
    for body, secret_of in ((changed, SHARED), (came.raw, SHARED.replace("whsec_Y", "whsec_Z"))):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret_of).verify(body, headers)
    with pytest.raises(RecipientError):
        verify_notice(headers, changed, jwks, now=house.clock())


@promise("R3")
async def test_a_certificate_is_believed_by_trusted_keys_alone(
    house: CaseHouse, courier: FakePartner, tmp_path: Path
) -> None:
    """
    A real certificate verifies with the public keys, by the command and by the separate
    program; one that was changed, or signed by a key that came in the file, by neither.
    """
    case, notice = await told(house, courier)
    await house.receipt(house.signed(courier, notice, "completed"))
    await house.until_closed(case)
    reply = await house.ask("GET", f"/v1/cases/{case}/certificate")
    trust = tmp_path / "jwks.json"
    trust.write_bytes((await house.public("/.well-known/jwks.json")).body)
    good = reply.body.decode()
    forger = courier.keys.signature
    public = {name: value for name, value in forger.items() if name != "d"}
    head, body, mark = good.split(".")
    claims = json.loads(un64(body)) | {"reason": "unlawful"}
    broken = {
        "a changed claim": f"{head}.{b64(claims)}.{mark}",
        "a key that came in it": resigned(good, ed25519(forger), jwk=public),
        "a key of its own name": resigned(good, ed25519(forger), kid="certificate-9", jwk=public),
    }

    assert verdicts(good, trust) == [True, True]
    assert (await command(house, good, tmp_path)).code == 0
    for name, token in broken.items():
        assert verdicts(token, trust) == [False, False], name
    assert (await command(house, broken["a key that came in it"], tmp_path)).code == 1


def verdicts(token: str, trust: Path) -> list[bool]:
    """Whether a certificate verifies: by the gateway's own check, and by the separate program."""
    file = trust.with_name("case.jws")
    file.write_text(token, encoding="ascii")
    try:
        own = bool(verify_certificate(token, json.loads(trust.read_bytes())))
    except CertificateInvalid:
        own = False
    return [own, verifier.main([str(file), "--trust", str(trust)]) == 0]


async def command(house: CaseHouse, token: str, folder: Path) -> Done:
    """`gateway case verify`, by the keys of the home."""
    file = folder / "case.jws"
    file.write_text(token, encoding="ascii")
    return await asyncio.to_thread(run, "case", "verify", file, home=house.folder)
