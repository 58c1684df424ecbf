"""
A server, its partners and its caller, for many tricks one after the other.

There are two: the world of `partners/`, and the world of addresses, in which each
case has a partner of its own and only 127.0.0.2 may be reached.
"""

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gateway.testing.builders import a_token, merged, write_yaml
from gateway.testing.server import GatewayProcess
from tests.bypass.calling import Answer, Caller, Told, call
from tests.bypass.reading import Ask, Case
from tests.bypass.recorder import Arrived, Opened, Recorder, opened
from tests.promises.house import GROUNDS, SCOPES, House, empty_home, stamp

PARTNERS = Path(__file__).with_name("partners")
PREFIX = "/base"
"""Below it lies each partner, so that who climbs out of a path is seen."""
LAWFUL = "127.0.0.2"
"""The only address that the world of addresses may reach."""

# Small, so that tricks with sizes cost little.
SETTINGS = {
    "GATEWAY_LIMITS__BODY": "256KiB",
    "GATEWAY_LIMITS__RESPONSE": "256KiB",
    "GATEWAY_LOG__LEVEL": "debug",
}
CLOSED = {
    "GATEWAY_EGRESS__ALLOW": f"{LAWFUL}/32",
    # Whom a guard would let through must not be saved by the scheme.
    "GATEWAY_EGRESS__PLAINTEXT": "0.0.0.0/0,::/0",
}
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of one trick."""

    told: Told
    arrived: tuple[Arrived, ...]
    opened: tuple[Opened, ...]
    raw: bytes = field(repr=False)
    connections: tuple[str, ...]
    sent: bytes = field(repr=False)
    """What the caller said, before anything was compressed."""
    late: bytes = field(repr=False)
    """What reached the partner after the trick before this one was over."""
    port: int
    """Of the recorder."""
    state: str | None = None
    """Of an asynchronous share, with its code."""


@dataclass(kw_only=True)
class World:
    """A running gateway and the recorder. Made by `opened_world`."""

    home: Path
    internal_url: str
    public_url: str
    recorder: Recorder
    declared: frozenset[str]
    """Headers that some route or proof may send."""
    logs: tuple[Path, ...] = ()
    _jwks: dict[str, Any] = field(default_factory=dict)
    _tokens: dict[str, str] = field(default_factory=dict)

    async def play(self, case: Case) -> Seen:
        """Try one trick."""
        late = bytes(self.recorder.raw)
        words = await self._prepare(case)
        caller = Caller(person=case.person, token=self.token, words=words)
        self.recorder.forget()
        self.recorder.expect(case.partner)
        for ask in case.before:
            await self._call(caller, ask)
        told = await self._call(caller, case.ask, answers=case.back.answers)
        state = await self._settled(told, case) if case.back.later else None
        await asyncio.sleep(0)
        arrived = tuple(self.recorder.arrived)
        seen = Seen(
            told=told,
            arrived=arrived,
            opened=tuple([await self._opened(one) for one in arrived]),
            raw=bytes(self.recorder.raw),
            connections=tuple(self.recorder.connections),
            sent=b"\n".join(map(caller.about, (*case.before, case.ask))),
            late=late,
            port=self.recorder.port,
            state=state,
        )
        self.recorder.forget()
        return seen

    def token(self, changes: Mapping[str, Any]) -> str:
        """A service's token that may share whatever its case does not take away."""
        key = json.dumps(changes, sort_keys=True)
        if key not in self._tokens:
            self._tokens[key] = a_token(self.home, **{"scope": ["share"], **changes})
        return self._tokens[key]

    async def _call(self, caller: Caller, ask: Ask, answers: int = 1) -> Told:
        return await call(
            self.internal_url,
            caller.written(ask),
            answers=answers,
            bodiless=ask.method == "HEAD",
            linger=bool(ask.raw),
        )

    async def _prepare(self, case: Case) -> dict[str, str]:
        """What must be known beforehand; what the case's placeholders stand for."""
        for consent in case.consents:
            await self._tell("/v1/consents", _consent(case, consent))
        words = {"port": str(self.recorder.port), "person": case.person, "ff": "\udcff"}
        for number, record in enumerate(case.evidence, 1):
            answer = await self._tell("/v1/evidence", _record(record))
            words[f"evidence-{number}"] = answer.problem()["evidence"]
        return words

    async def _tell(self, path: str, body: Mapping[str, Any]) -> Answer:
        answer = await self._api("POST", path, body)
        if answer.status >= 300:
            raise AssertionError(f"{path}: {answer.problem().get('detail')}")
        return answer

    async def _api(self, method: str, path: str, body: Any = None) -> Answer:
        token = self.token({"scope": list(SCOPES), "grounds": list(GROUNDS)})
        ask = Ask(target=path, method=method, purpose=None, subject=None, token=token)
        if body is not None:
            ask = Ask(
                target=path,
                method=method,
                purpose=None,
                subject=None,
                token=token,
                body={"json": body},
            )
        told = await call(self.internal_url, Caller(person="", token=self.token).written(ask))
        return told.answers[0]

    async def _settled(self, told: Told, case: Case) -> str:
        """How an asynchronous share ends."""
        share = told.answers[0].value("Sharing-Id") if told.answers else None
        for _ in range(300):
            found = (await self._api("GET", f"/v1/shares/{share}")).problem()
            if found.get("state") != "queued":
                return f"{found.get('state')} {found.get('code') or ''}".strip()
            await asyncio.sleep(_POLL_SECONDS)
        return "queued"

    async def _opened(self, arrived: Arrived) -> Opened:
        if not self._jwks:
            keys = f"{self.public_url}/.well-known/jwks.json"
            request = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: gateway.example\r\n\r\n"
            self._jwks = (await call(keys, request)).answers[0].problem()
        return opened(arrived, self.recorder.keys, jwks=self._jwks, issuer=self.public_url)


def _consent(case: Case, consent: Mapping[str, Any]) -> dict[str, Any]:
    granted = stamp(datetime.now(UTC).replace(microsecond=0))
    base = {"subject": case.person, "purpose_version": 1, "method": "explicit", "evidence": "box 2"}
    return {**base, "granted_at": granted, **consent}


def _record(record: Mapping[str, Any]) -> dict[str, Any]:
    base = {"type": "case-file", "reference": "CASE-7", "may_tell_subject": True}
    return {**base, "expires": "2099-01-01T00:00:00Z", **record}


Engine = Callable[[Path, Mapping[str, str], Mapping[str, Any]], Any]
"""A home, its settings, and where names lead -> an async context: the server's two URLs, its logs."""


@contextlib.asynccontextmanager
async def process(
    home: Path, settings: Mapping[str, str], names: Mapping[str, Any]
) -> AsyncIterator[tuple[str, str, tuple[Path, ...]]]:
    """The real server, `gateway serve`, as a process of its own."""
    command = None
    if names:
        serving = [sys.executable, "-m", "tests.bypass.serving"]
        command = [*serving, json.dumps(names), "--home", str(home), "serve"]
    gateway = GatewayProcess(home, settings=settings, command=command, logs=home.parent / "logs")
    async with gateway:
        yield gateway.internal_url, gateway.public_url, (gateway.stdout, gateway.stderr)


@contextlib.asynccontextmanager
async def in_process(
    home: Path, settings: Mapping[str, str], names: Mapping[str, Any]
) -> AsyncIterator[tuple[str, str, tuple[Path, ...]]]:
    """The same gateway in this process, where a part of it can be replaced."""
    house = House(home, lambda: datetime.now(UTC))  # type: ignore[arg-type]
    async with house:
        await house.open((), settings=settings)
        async with house.courier_at_work():
            yield house.internal_url, house.public_url, ()


@contextlib.asynccontextmanager
async def opened_world(
    folder: Path, cases: Iterable[Case] = (), *, engine: Engine = process
) -> AsyncIterator[World]:
    """
    The world of `partners/`. With `cases` that have an address: the world of
    addresses, with a partner for each.
    """
    addressed = [case for case in cases if case.address is not None]
    recorder = Recorder(("127.0.0.1", LAWFUL, "::1") if addressed else ("127.0.0.1",))
    await recorder.start()
    try:
        home = empty_home(folder / "home")
        manifests = (
            [_addressed(case, recorder.port) for case in addressed]
            if addressed
            else [_standing(document, recorder.port) for document in _documents()]
        )
        _write(home, recorder, manifests)
        names = {name: answers for case in addressed for name, answers in case.names.items()}
        settings = {**SETTINGS, **(CLOSED if addressed else {})}
        async with engine(home, settings, names) as (internal, public, logs):
            yield World(
                home=home,
                internal_url=internal,
                public_url=public,
                recorder=recorder,
                declared=frozenset(_headers(manifests)),
                logs=logs,
            )
    finally:
        await recorder.stop()


def _documents() -> list[dict[str, Any]]:
    yaml = YAML(typ="safe", pure=True)
    return [yaml.load(path.read_text("utf-8")) for path in sorted(PARTNERS.glob("*.yaml"))]


def _standing(document: Mapping[str, Any], port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}{PREFIX}/{document['partner']}"
    return merged(document, {"upstream": {"base_url": url}, "keys": "keys/recorder.jwks.json"})


def _addressed(case: Case, port: int) -> dict[str, Any]:
    """A partner for one case, at the address that it names."""
    base = next(one for one in _documents() if one["partner"] == "elsewhere")
    url = (case.address or "").replace("{port}", str(port))
    there = {"partner": case.ask.to, "keys": "keys/recorder.jwks.json"}
    return merged(base, {**there, "upstream": {"base_url": url}})


def _write(home: Path, recorder: Recorder, manifests: Iterable[Mapping[str, Any]]) -> None:
    keys = home / "partners" / "keys"
    keys.mkdir(parents=True, exist_ok=True)
    (keys / "recorder.jwks.json").write_text(json.dumps(recorder.keys.public_jwks()), "utf-8")
    for manifest in manifests:
        write_yaml(home / "partners" / f"{manifest['partner']}.yaml", manifest)


def _headers(manifests: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    for manifest in manifests:
        for route in manifest["routes"].values():
            yield from (name.lower() for name in route.get("headers", {}))
            yield from (name.lower() for name in [route.get("idempotency")] if name)


def apart(cases: Iterable[Case]) -> tuple[list[Case], list[Case]]:
    """Those of the world of partners, and those of the world of addresses."""
    by = itertools.groupby(sorted(cases, key=_has_address), key=_has_address)
    found = {has: list(some) for has, some in by}
    return found.get(False, []), found.get(True, [])


def _has_address(case: Case) -> bool:
    return case.address is not None
