"""A company's own request tool drives the gateway in OpenDSR (R2, R6)."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.config import load
from gateway.errors import ConfigError
from gateway.flows import opendsr_calls, opendsr_keys
from gateway.testing.behaviour import Delay
from gateway.testing.client import Reply
from gateway.testing.clock import Clock
from gateway.testing.notices import acknowledge_only
from gateway.workers.opendsr import call_back
from tests.cases.house import CaseHouse
from tests.counterparts.opendsr import Authority, Controller, key_pem, own_key, pem_of
from tests.marks import promise
from tests.opendsr.house import OpenDsrHouse
from tests.promises.house import a_courier, empty_home

BASE = "/v1/opendsr"
DOMAIN = "app.example"


class Tool:
    """A request tool of the company's own: a controller with a service token."""

    def __init__(self, house: CaseHouse, controller: Controller) -> None:
        self.house = house
        self.controller = controller

    async def ask(self, request: dict[str, Any], *, path: str = "requests", **more: Any) -> Reply:
        """`POST` a request."""
        return await self.house.ask("POST", f"{BASE}/{path}", request, **more)

    async def taken(self, request: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A request that is taken: the members of its answer, verified."""
        reply = await self.ask(request, **more)
        assert reply.status == 201, reply.body
        return self.controller.verified(reply.headers, reply.body)

    async def status(self, id: str) -> str:
        """The verified status of a request."""
        reply = await self.house.ask("GET", f"{BASE}/requests/{id}")
        members = self.controller.verified(reply.headers, reply.body)
        found: str = members["request_status"]
        return found

    async def cases(self) -> list[dict[str, Any]]:
        """All cases."""
        found: list[dict[str, Any]] = (await self.house.ask("GET", "/v1/cases")).json()["cases"]
        return found


def certified(home: Path, authority: Authority) -> None:
    """Give a home a certificate of this authority, and have it take requests."""
    key = own_key("gateway")
    certificate = authority.issued(DOMAIN, key.public_key())
    (home / "keys" / "opendsr.pem").write_text(pem_of(certificate), "utf-8")
    (home / "keys" / "opendsr.key").write_text(key_pem(key), "utf-8")
    settings = home / "gateway.toml"
    table = (
        f'\n[opendsr]\ndomain = "{DOMAIN}"\n'
        'certificate = "keys/opendsr.pem"\nkey = "keys/opendsr.key"\n'
    )
    settings.write_text(settings.read_text("utf-8") + table, "utf-8")


@pytest.fixture
async def tool(tmp_path: Path, clock: Clock) -> AsyncIterator[Tool]:
    """A tool, and a gateway that takes its requests and calls it back."""
    authority = Authority()
    house = OpenDsrHouse(empty_home(tmp_path / "home"), clock)
    async with Controller(domain=DOMAIN, authority=authority) as controller, house:
        await house.open([a_courier()], edit=lambda home: certified(home, authority))
        calling = asyncio.create_task(call_back(house.gateway))
        found = Tool(house, controller)
        discovered = await house.ask("GET", f"{BASE}/discovery")
        url = discovered.json()["processor_certificate"]
        pem = await house.ask("GET", "/" + url.split("/", 3)[3])
        controller.trust(pem.body)
        controller.verified(discovered.headers, discovered.body)
        yield found
        house.gateway.stopping.set()
        await calling


@promise("R2")
async def test_a_request_is_a_case_and_its_status_is_called_back(tool: Tool) -> None:
    """
    A tool's request erases the person; its signed answer, its status and the callbacks
    say how far that is, and it is completed when every recipient settled.
    """
    house, controller = tool.house, tool.controller
    house.recipients["swift-parcel"].notices.plan = acknowledge_only()
    assert (await house.share()).status == 200
    request = controller.request("u-1")
    answer = await tool.taken(request)
    (case,) = await tool.cases()

    assert answer["subject_request_id"] == request["subject_request_id"]
    assert json.loads(b64decode(answer["encoded_request"])) == request
    assert (answer["controller_id"], answer["expected_completion_time"]) == (
        "order-service",
        case["deadline"],
    )
    assert (case["action"], case["reason"]) == ("erase", "user-request")
    assert (await house.share()).code == "subject-erased"

    await controller.until_called(1)
    assert await tool.status(request["subject_request_id"]) == "in_progress"
    courier = house.recipients["swift-parcel"]
    notice = await house.until(case["case"], attempts=1)
    await house.receipt(house.signed(courier, notice["notice"], "completed"))
    await controller.until_called(2)
    assert await tool.status(request["subject_request_id"]) == "completed"
    told = [one.members for one in controller.called]
    assert [one["request_status"] for one in told] == ["in_progress", "completed"]
    assert {one["subject_request_id"] for one in told} == {request["subject_request_id"]}


async def test_the_same_request_is_one_request(tool: Tool) -> None:
    """
    The same id again, also after a restart, is the same case and answer; for somebody
    else it is refused, and another service does not know it.
    """
    controller, house = tool.controller, tool.house
    request = controller.request("u-1", status_callback_urls=None)
    first = await tool.taken(request)
    await house.restart()
    assert await tool.taken(request) == first
    id = request["subject_request_id"]
    other = await tool.ask(controller.request("u-2", subject_request_id=id))
    stranger = house.token(service="another")
    unknown = await house.ask("GET", f"{BASE}/requests/{id}", token=stranger)

    assert (other.status, other.json()["error"]["code"]) == (400, 400)
    assert unknown.status == 404
    assert len(await tool.cases()) == 1

    house.clock.advance(timedelta(hours=24))
    await opendsr_calls.forget(house.gateway)
    late = await house.ask("POST", f"{BASE}/requests", request, token=house.token())
    assert late.status == 400
    assert await tool.status(id) == "completed"


async def test_a_silent_tool_holds_up_no_other(tool: Tool) -> None:
    """Where nobody answers, a few calls wait; who asked from elsewhere is called back at once."""
    released, controller = asyncio.Event(), tool.controller

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        dead = [f"http://127.0.0.1:{port}/{number}" for number in range(24)]
        for number, url in enumerate(dead):
            asked = controller.request(f"u-{number}", status_callback_urls=[url])
            await tool.taken(asked)
        await tool.taken(controller.request("u-99"))
        tool.house.gateway.case_changed()
        try:
            async with asyncio.timeout(10):
                while not controller.called:
                    await asyncio.sleep(0.02)
        finally:
            released.set()

    assert controller.called


async def test_older_names_and_later_members_are_taken(tool: Tool) -> None:
    """Routes of OpenGDPR go on, and members that are not known are passed over."""
    controller = tool.controller
    more = controller.request("u-1", extensions={"other.example": {"x": 1}}, priority="high")
    await tool.taken(more, path="opengdpr_requests")
    reply = await tool.house.ask("GET", f"{BASE}/opendsr_requests/{more['subject_request_id']}")
    assert controller.verified(reply.headers, reply.body)["request_status"] == "completed"


async def test_a_second_request_joins_the_first(tool: Tool) -> None:
    """While a first case still waits for a share in flight, a second request is that case."""
    controller, house = tool.controller, tool.house
    courier = house.recipients["swift-parcel"]
    courier.script.next(Delay(0.3))
    sharing = asyncio.create_task(house.share())
    while not courier.arrivals:
        await asyncio.sleep(0.01)
    requests = [controller.request("u-1", status_callback_urls=None) for _ in range(2)]
    answers = [await tool.taken(one) for one in (*requests, requests[1])]
    states = [await tool.status(one["subject_request_id"]) for one in requests]
    assert (await sharing).status == 200

    assert answers[1] == answers[2]
    assert states == ["pending", "pending"]
    assert len(await tool.cases()) == 1


async def test_an_erasure_cannot_be_cancelled(tool: Tool) -> None:
    """From its acceptance on it is under way: 409, and 404 for a request that never was."""
    request = tool.controller.request("u-1")
    await tool.taken(request)
    tried = [request["subject_request_id"], "a7551968-d5d6-44b2-9831-815ac9017798"]
    replies = [await tool.house.ask("DELETE", f"{BASE}/requests/{id}") for id in tried]
    assert [one.status for one in replies] == [409, 404]
    assert replies[0].json()["error"]["code"] == 409


async def test_who_cannot_be_called_back_is_called_again(tool: Tool) -> None:
    """A callback that fails is repeated; an address that is not to be reached holds up nobody."""
    controller = tool.controller
    controller.refuse = 1
    urls = ["https://10.0.0.1/never", controller.callback_url]
    request = controller.request("nobody-yet", status_callback_urls=urls)
    with capture_logs() as lines:
        await tool.taken(request)
        for _ in range(200):
            if controller.called:
                break
            tool.house.clock.advance(seconds=6)
            tool.house.gateway.case_changed()
            await asyncio.sleep(0.02)
    assert [one.members["request_status"] for one in controller.called] == ["completed"]
    assert {one["outcome"] for one in lines if one["event"] == "status-told"} == {"failed"}


async def test_what_is_wrong_is_refused_in_the_frameworks_words(tool: Tool) -> None:
    """Each mistake is a 400 with `error` and without the person; no case is opened."""
    request, mark = tool.controller.request, "subject-5f2e8a41c7"
    raw = {"identity_type": "controller_customer_id", "identity_format": "raw"}
    two = [{**raw, "identity_value": one} for one in (mark, "u-2")]
    tried = {
        "type": request(mark, subject_request_type="access"),
        "id": request(mark, subject_request_id=mark),
        "upper": request(mark, subject_request_id="A7551968-D5D6-44B2-9831-815AC9017798"),
        "nobody": request(mark, subject_identities=[]),
        "mail": request(mark, subject_identities=[{**two[0], "identity_type": "email"}]),
        "hashed": request(mark, subject_identities=[{**two[0], "identity_format": "sha256"}]),
        "two": request(mark, subject_identities=two),
        "time": request(mark, submitted_time="yesterday"),
        "callbacks": request(
            mark, status_callback_urls=[f"https://a.example/{n}" for n in "123456"]
        ),
        "scheme": request(mark, status_callback_urls=["file:///etc/passwd"]),
    }
    for name, one in tried.items():
        reply = await tool.ask(one)
        assert (reply.status, reply.code) == (400, "request-invalid"), name
        assert reply.json()["error"]["code"] == 400, name
        assert mark not in reply.body.decode(), name
    twice = b'{"subject_request_type": "access", "subject_request_type": "erasure"}'
    assert (await tool.ask(twice)).status == 400  # type: ignore[arg-type]
    assert (await tool.ask(request(mark), token=tool.house.token(scope="case:read"))).status == 403
    assert await tool.cases() == []


async def test_without_a_certificate_nobody_is_answered(tmp_path: Path, clock: Clock) -> None:
    """Where answers cannot be signed, OpenDSR is not there; half of it does not start."""
    house = OpenDsrHouse(empty_home(tmp_path / "home"), clock)
    async with house:
        await house.open([])
        for path in ("discovery", "certificate", "requests/x"):
            assert (await house.ask("GET", f"{BASE}/{path}")).status == 404
        await house.stop()
        with pytest.raises(ConfigError, match="write both, or neither"):
            load(house.folder, {"GATEWAY_OPENDSR__KEY": "keys/opendsr.key"})
        certified(house.folder, Authority())
        (house.folder / "keys" / "opendsr.key").write_text(key_pem(own_key("next")), "utf-8")
        await house.start()
        with pytest.raises(ConfigError, match="the key is not the certificate's"):
            opendsr_keys.check(house.gateway)
