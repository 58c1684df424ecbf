"""The gateway's own keys are rotated while it runs, and what they signed goes on being believed."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
from click.testing import CliRunner

from gateway import verifier
from gateway.cli import cli
from gateway.flows import keys
from gateway.keyring import FileKeyring
from gateway.testing.clock import Clock
from gateway.testing.partner import FakePartner
from tests.cases.house import CaseHouse
from tests.promises.house import problem_of

USES = ("grant", "notice", "checkpoint", "certificate")


async def rotated(house: CaseHouse, use: str, **body: Any) -> tuple[str, str]:
    """Rotate a key over HTTP; the kids of the one before and of the new one."""
    old = house.gateway.keys.signing(use).kid
    reply = await house.ask("POST", f"/v1/keys/{use}/rotate", body or None)
    assert reply.status == 200, reply.json()
    states = {one["kid"]: one["state"] for one in reply.json()["keys"]}
    new = house.gateway.keys.signing(use).kid
    assert (states[old], states[new]) == ("retired", "active")
    assert old != new
    return old, new


async def shown(house: CaseHouse) -> set[str]:
    """The kids that partners see."""
    jwks = (await house.public("/.well-known/jwks.json")).json()
    return {one["kid"] for one in jwks["keys"]}


def believe(house: CaseHouse) -> None:
    """Recipients fetch the gateway's keys anew."""
    for partner in house.recipients.values():
        partner.trust(issuer=house.public_url, jwks=house.gateway.keys.public_jwks())


async def test_a_grant_is_signed_by_the_new_key_from_the_next_share_on(
    house: CaseHouse, courier: FakePartner, clock: Clock
) -> None:
    """Both keys are shown while an old grant may be on its way, then the new one alone."""
    assert (await house.share()).status == 200
    old, new = await rotated(house, "grant")
    believe(house)
    assert (await house.share(subject="u-2")).status == 200
    grants = [one.request.headers["Sharing-Grant"] for one in courier.received]
    now = await shown(house)
    clock.advance(timedelta(minutes=10))

    assert [jwt.get_unverified_header(one)["kid"] for one in grants] == [old, new]
    assert {old, new} <= now
    assert await shown(house) == now - {old}
    leaves = [one for one in await house.leaves("key") if one.get("kid") in (old, new)]
    assert [(one["event"], one["kid"], one.get("actor")) for one in leaves] == [
        ("created", old, None),
        ("rotated", new, "order-service"),
        ("retired", old, "order-service"),
    ]


async def test_a_stolen_grants_key_is_gone_at_once(house: CaseHouse) -> None:
    """`at_once`: partners are shown the new one alone from the answer on."""
    old, new = await rotated(house, "grant", at_once=True)
    now = await shown(house)

    assert new in now
    assert old not in now
    reply = await house.ask("POST", "/v1/keys/checkpoint/rotate", {"at_once": True})
    assert reply.status == 400
    assert "further on" in problem_of(reply)["detail"]


async def test_a_notice_is_signed_anew_at_each_try(house: CaseHouse, courier: FakePartner) -> None:
    """After a rotation the next notice has the new key's signature, and is believed."""
    assert (await house.share()).status == 200
    await rotated(house, "notice")
    believe(house)
    await house.until_closed((await house.opened_case())["case"])

    assert [one.type for one in courier.notices.received] == ["subject.erase"]


async def test_what_was_signed_for_years_verifies_by_the_keys_of_today(
    house: CaseHouse, tmp_path: Path, clock: Clock
) -> None:
    """
    Certificates and a ledger whose checkpoints have two keys verify with the set that is
    shown years later, by the command and by the separate program.
    """
    assert (await house.share()).status == 200
    case = (await house.opened_case())["case"]
    await house.until_closed(case)
    await house.sequenced()
    before = (await house.ask("GET", f"/v1/cases/{case}/certificate")).body
    old = [await rotated(house, use) for use in ("certificate", "checkpoint")]
    await house.sequenced()
    after = (await house.ask("GET", f"/v1/cases/{case}/certificate")).body
    clock.advance(timedelta(days=3000))
    trust, bundle = tmp_path / "jwks.json", tmp_path / "bundle.jsonl"
    trust.write_bytes((await house.public("/.well-known/jwks.json")).body)
    command = ["--home", str(house.folder), "ledger", "export", str(bundle)]
    assert (await asyncio.to_thread(CliRunner().invoke, cli, command)).exit_code == 0
    files = {"before": before, "after": after}
    for name, token in files.items():
        (tmp_path / name).write_bytes(token)

    assert {kid for pair in old for kid in pair} <= await shown(house)
    for path in (bundle, tmp_path / "before", tmp_path / "after"):
        assert verifier.main([str(path), "--trust", str(trust)]) == 0


async def test_services_have_a_day_to_fetch_tokens_of_the_new_issuer_key(
    house: CaseHouse, clock: Clock
) -> None:
    """A token of the old key is taken for a day, or no more at all; one of the new at once."""
    old = house.token(ttl=timedelta(days=9))
    await rotated(house, "issuer")
    assert (await house.share(token=old)).status == 200
    assert (await house.share(token=house.token())).status == 200
    clock.advance(timedelta(days=1))
    await house.gateway.services.refresh()
    newer = house.token()
    assert (await house.share(token=old)).status == 401
    assert (await house.share(token=newer)).status == 200
    await rotated(house, "issuer", at_once=True)

    assert (await house.share(token=newer)).status == 401
    assert (await house.share(token=house.token())).status == 200


async def test_only_who_holds_the_home_may_change_its_keys(house: CaseHouse) -> None:
    """Neither a token of another issuer, whatever it names, nor one without the scope; no leaf."""
    kids = [row.kid for row in house.gateway.keys.signing_keys()]
    leaves = len(await house.leaves())
    lacking = house.token(scope=("partner:read", "case:write"))
    refused = await house.ask("POST", "/v1/keys/grant/rotate", token=lacking)
    services = house.gateway.services
    services._own = {}  # type: ignore[attr-defined]
    stranger = await house.ask("POST", "/v1/keys/grant/rotate")

    assert (refused.status, stranger.status) == (403, 403)
    assert "home's own issuer" in problem_of(stranger)["detail"]
    assert [row.kid for row in house.gateway.keys.signing_keys()] == kids
    assert len(await house.leaves()) == leaves


async def test_a_use_that_there_is_not_is_refused(house: CaseHouse) -> None:
    """Which there are is said."""
    reply = await house.ask("POST", "/v1/keys/everything/rotate")

    assert reply.status == 400
    assert "grant, notice" in problem_of(reply)["detail"]


async def test_the_command_rotates_a_home_that_is_stopped(house: CaseHouse) -> None:
    """Files, leaf and list are as after a rotation of a running one, also for an epoch."""
    await house.stop()
    done = await asyncio.to_thread(keys_command, house, "rotate", "--use", "epoch")
    found = await asyncio.to_thread(keys_command, house, "list")
    await house.start()
    leaves = {(one["event"], one["use"]) for one in await house.leaves("key")}

    assert {("rotated", "epoch"), ("destroyed", "epoch")} <= leaves
    assert [one["kid"] for one in done] == ["epoch-000002"]
    assert [one["kid"] for one in found if one["use"] == "epoch"] == ["epoch-000002"]
    assert {one["use"] for one in found} == {*USES, "issuer", "epoch"}
    for one in found:
        if one["use"] != "epoch" and one["state"] == "active":
            assert one["kid"] == house.gateway.keys.signing(one["use"]).kid


def keys_command(house: CaseHouse, *words: str) -> list[dict[str, Any]]:
    """`gateway keys …`; what it prints."""
    done = CliRunner().invoke(cli, ["--home", str(house.folder), "--json", "keys", *words])
    assert done.exit_code == 0, done.output
    # The log of a gateway that opens for a moment goes to standard error.
    found: list[dict[str, Any]] = json.loads(done.stdout)["keys"]
    return found


async def test_a_key_that_was_made_without_the_ledger_is_told_at_the_next_start(
    house: CaseHouse,
) -> None:
    """A process that died between the file and the leaf leaves no key that the ledger lacks."""
    await house.stop()
    kid = FileKeyring(house.folder / "keys", house.clock).rotate("notice", bytes_of).kid
    await house.start()
    told = [one["event"] for one in await house.leaves("key") if one.get("kid") == kid]
    await house.restart()
    again = [one["event"] for one in await house.leaves("key") if one.get("kid") == kid]

    assert told == again == ["rotated"]
    known = {one["kid"] for one in await keys.listed(house.gateway.store, house.gateway.keys)}
    assert kid in known


def bytes_of(count: int) -> bytes:
    """Bytes that are no secret."""
    return bytes(range(count))
