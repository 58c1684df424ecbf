"""The page of the API: every endpoint, every address, and its examples as they are answered."""

import ast
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import TypeAdapter

from gateway import config as settings
from gateway import wiring
from gateway.access.scopes import SCOPES
from gateway.cli.start import make_home, mint
from gateway.testing.client import GatewayClient, Reply
from gateway.web import api, cases, keys, listeners, openapi, opendsr, reports
from gateway.workers.sequencer import catch_up
from tests.counterparts.opendsr import Authority, key_pem, own_key, pem_of
from tests.unit.docs.pages import REFERENCE, fences, named, only, sections, tables, text_of

API = REFERENCE / "api.md"
ENDPOINTS = (*api.ENDPOINTS, *cases.ENDPOINTS, *reports.ENDPOINTS, *keys.ENDPOINTS)
ENDPOINTS += opendsr.ENDPOINTS
AN_ID = re.compile(r"\b(?:con|ev|shr|case|ntc|leaf|mass)_[0-9a-f]{32}\b")


@dataclass(frozen=True)
class Message:
    """One request or answer of the page: its first line, headers and body."""

    first: str
    headers: Mapping[str, str]
    body: str

    @classmethod
    def of(cls, text: str) -> "Message":
        """Read it."""
        head, _, body = text.rstrip("\n").partition("\n\n")
        first, *lines = head.splitlines()
        return cls(first, dict(line.split(": ", 1) for line in lines), body)


def exchanges() -> list[tuple[Message, Message]]:
    """Every request of the page with the answer that follows it."""
    messages = [Message.of(fence.text) for fence in fences(API, "http")]
    return list(zip(messages[0::2], messages[1::2], strict=True))


def told() -> dict[str, str]:
    """What the page says of each endpoint, by method and path."""
    return {only(name): text for name, text in sections(API).items() if name.startswith("`")}


def requests(method: str, path: str) -> list[Message]:
    """The requests of the page that go to an endpoint."""
    form = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(f"{method} {path}"))
    return [one for one, _ in exchanges() if re.fullmatch(form, one.first.partition("?")[0])]


def test_every_endpoint_is_in_its_page_and_no_other() -> None:
    """Each endpoint has a section that names its scope and shows a request and an answer."""
    served = {
        f"{method.upper()} {path}"
        for path, operations in openapi.document()["paths"].items()
        for method in operations
    }

    assert set(told()) == served == {f"{one.method} {one.path}" for one in ENDPOINTS}
    for one in ENDPOINTS:
        assert f"Scope `{one.scope}`" in told()[f"{one.method} {one.path}"], one.path
        assert requests(one.method, one.path), one.path


def test_every_member_of_a_body_is_told() -> None:
    """What a body of `/v1` may hold is named in its section, or shown in its example."""
    with_body = [one for one in ENDPOINTS if one.body is not None]
    for one in with_body:
        shown = " ".join(request.body for request in requests(one.method, one.path))
        section = told()[f"{one.method} {one.path}"]
        members = {*named(section), *re.findall(r'"(\w+)":', shown)}
        assert members_of(one.body) <= members, one.path

    assert len(with_body) > 5


def members_of(body: Any) -> set[str]:
    """The members at the top of a body, or of one of many."""
    schema = TypeAdapter(body).json_schema()
    reference = next((one["$ref"] for one in schema.get("anyOf", ()) if "$ref" in one), None)
    whole = schema["$defs"][reference.rpartition("/")[2]] if reference else schema
    return set(whole["properties"])


def served_paths(kind: type) -> set[str]:
    """The addresses that a listener's own lines name."""
    tree = ast.parse(Path(str(listeners.__file__)).read_text(encoding="utf-8"))
    (listener,) = [
        node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    ]
    constants = [node.value for node in ast.walk(listener) if isinstance(node, ast.Constant)]
    return {text for text in map(str, constants) if re.match(r"/[\w.]", text)}


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[tuple[Any, GatewayClient, str]]:
    """A gateway on a fresh home: itself, a client of its internal listener, its public address."""
    make_home(tmp_path / "home")
    key = own_key("gateway")
    certificate = Authority().issued("app.example", key.public_key())
    (tmp_path / "opendsr.pem").write_text(pem_of(certificate), encoding="utf-8")
    (tmp_path / "opendsr.key").write_text(key_pem(key), encoding="utf-8")
    signing = {"CERTIFICATE": "../opendsr.pem", "KEY": "../opendsr.key"}
    environ = {f"GATEWAY_OPENDSR__{name}": path for name, path in signing.items()}
    config = settings.load(tmp_path / "home", environ)
    everything = {"partners": ("*",), "purposes": ("*",)}
    token = mint(tmp_path / "home", service="docs", scopes=SCOPES, **everything)
    async with wiring.opened(config) as gateway:
        runners = []
        for handler in (listeners.Internal(gateway), listeners.Public(gateway)):
            runner = web.ServerRunner(web.Server(handler))
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            runners.append(runner)
        internal, public = ("http://{}:{}".format(*one.addresses[0][:2]) for one in runners)
        async with GatewayClient(internal, token) as client:
            yield gateway, client, public
        for runner in runners:
            await runner.cleanup()


class Page:
    """The page's examples against a gateway; remembers which id of the page is which."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def real(self, text: str) -> str:
        """What the page says, with the ids that there are."""
        return AN_ID.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def check(self, told: Message, reply: Reply, where: str) -> None:
        """Compare an answer: status, headers and form."""
        assert str(reply.status) == told.first.split()[0], (where, reply.body)
        for name, value in told.headers.items():
            shown = reply.headers[name].partition(";")[0]
            assert AN_ID.sub("", shown) == AN_ID.sub("", value), where
        if reply.headers.get("Content-Type", "").startswith("text/event-stream"):
            self.alike(_events(told.body), _events(reply.body.decode()), where)
        elif reply.headers.get("Content-Type", "") == "application/x-ndjson":
            told_lines, lines = (
                [json.loads(line) for line in text.splitlines()]
                for text in (told.body, reply.body.decode())
            )
            # The lines are alike among themselves; the last one is not.
            self.alike([*told_lines[:-1]], [*lines[:-1]], where)
            self.alike(told_lines[-1], lines[-1], where)
        elif told.body.startswith("{"):
            self.alike(json.loads(told.body), reply.json(), where)
        else:
            assert bool(told.body) is bool(reply.body), where

    def alike(self, told: Any, got: Any, where: str) -> None:
        """Compare the form of two JSON values, and learn ids."""
        assert type(told) is type(got), (where, told, got)
        if isinstance(told, dict):
            assert told.keys() == got.keys(), where
            for name in told:
                self.alike(told[name], got[name], f"{where} {name}")
        elif isinstance(told, list) and told:
            assert got, where
            self.alike(told[0], got[0], where)
        elif isinstance(told, str) and AN_ID.fullmatch(told):
            self.ids[told] = got


def _events(text: str) -> list[Any]:
    events = [dict(line.split(": ", 1) for line in one.splitlines()) for one in _blocks(text)]
    return [{**event, "data": json.loads(event["data"])} for event in events]


def _blocks(text: str) -> Sequence[str]:
    return [block for block in text.strip().split("\n\n") if block.startswith("id: ")]


async def test_the_examples_of_the_page_are_what_the_gateway_answers(
    running: tuple[Any, GatewayClient, str],
) -> None:
    """Every request of the page, in its order, gets an answer of the status and form shown."""
    gateway, client, _ = running
    page = Page()
    for request, answer in exchanges():
        method, path = page.real(request.first).split(" ", 1)
        body = request.body.encode() if request.body else None
        reply = await client.request(method, path, body, headers=request.headers)
        page.check(answer, reply, request.first)
        await gateway.store.flush()
        await catch_up(gateway)


async def test_the_problem_that_is_shown_is_the_one_that_is_answered(
    running: tuple[Any, GatewayClient, str],
) -> None:
    """The example of a problem is what a share without consent gets, word for word."""
    (told,) = fences(REFERENCE / "problems.md", "json")
    _, client, _ = running
    reply = await client.share(
        "bright-reach", "/v3/events", {"event": "click"}, purpose="advertising", subject="user-77"
    )
    expected = json.loads(told.text)
    rows = tables(text_of(REFERENCE / "problems.md"), "member")

    assert reply.json() | {"share": ""} == expected | {"share": ""}
    assert [only(row["member"]) for row in rows] == list(expected)


async def test_nothing_of_one_listener_answers_on_the_other(
    running: tuple[Any, GatewayClient, str],
) -> None:
    """Every address of the page answers where the page says, and not on the other listener."""
    _, client, public = running
    # These two have nothing to show yet: no witness, and no share is named.
    nothing = {"/ledger/checkpoint/witnessed", "/ledger/proof/"}
    outside = served_paths(listeners.Public)
    assert nothing <= outside
    outside -= nothing
    inside = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/partners"}
    assert inside - {"/v1/partners"} <= served_paths(listeners.Internal)
    async with GatewayClient(public, client.token) as partner:
        for path in sorted(inside | outside):
            method = "POST" if path in ("/receipts", "/tokens/redeem") else "GET"
            here = await client.request(method, path)
            there = await partner.request(method, path)
            assert (here.status == 404, there.status == 404) == (path in outside, path in inside)
