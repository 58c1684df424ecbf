"""
The same steps for a real gateway and for the reference model, and the comparison
after each share: what arrived, the model permits; what it permits, arrived, with
every declared field and no other.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ruamel.yaml import YAML

from gateway.testing.builders import write_manifest
from gateway.testing.client import Reply
from gateway.testing.partner import FakePartner
from tests.promises import manifests as kinds
from tests.promises.house import PATH, House, a_courier, at_home, stamp
from tests.promises.reference_model import fields, objections
from tests.promises.reference_steps import GROUNDS, Step
from tests.promises.reference_world import Ask, Record, World

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
UNDECLARED = "UNDECLARED-5f1c"
FAR = date(9999, 1, 1)
VERIFIED = {"method": "app-session", "reference": "session-17"}


def a_crowd() -> Record:
    """A processor that is told of several people at once; each of them must pass."""
    return kinds.a_recipient(
        "crowd",
        kinds.a_route(
            "POST /v1/lists",
            "order-fulfilment@1",
            "core-function",
            subject={"from": "/people/*/id"},
            send={
                "/people/*/id": {"category": "network.account", "transform": "pseudonym"},
                "/people/*/address": {"category": "basic.address"},
            },
        ),
    )


MANIFESTS: tuple[Callable[[], Record], ...] = (
    a_courier,
    kinds.an_advertiser,
    kinds.a_locator,
    kinds.a_screener,
    kinds.a_court,
    kinds.a_post_abroad,
    kinds.an_institute,
    kinds.a_branch,
    kinds.a_successor,
    a_crowd,
)
PURPOSES = tuple(
    route["purpose"].partition("@")[0]
    for make in MANIFESTS
    for route in list(make()["routes"].values())[:1]
)
PATHS = {"swift-parcel": PATH, "mini-app": "/v1/orders/A-1"}
VALUES: Record = {
    "/event": "click",
    "/items/*/sku": "TEA-01",
    "/items/*/quantity": 2,
    "/total": 99.5,
    "/address": "四川省成都市锦江区1号",
}


class Disagreement(AssertionError):
    """The gateway and the model say different things of one share."""


class Run:
    """One sequence of steps on a house that is open; people are new in each."""

    def __init__(self, house: House, number: int, say: Callable[[str], None] = print) -> None:
        self.house, self.number, self.say = house, number, say
        self.ids = [recipient()["partner"] for recipient in MANIFESTS]
        self.shares = self.carried = 0
        self.codes: Counter[str] = Counter()

    async def begin(self, world: World | None = None) -> None:
        """The documents as they are in the repository, everybody in service, nobody known."""
        before = world
        self.world = World(
            rules=_rules(self.house, before.rules["edition"] if before else "2026-1"),
            recipients={make()["partner"]: make() for make in MANIFESTS},
        )
        for manifest in self.world.recipients.values():
            if manifest["kind"] != "branch":
                manifest["agreement"]["expires"] = FAR
            if manifest["kind"] == "successor":
                manifest["accepted_edition"] = self.world.rules["edition"]
        if before is None or self._touched(before):
            self.world.widened = dict(before.widened) if before else {}
            await self._written(self.ids)
        for id in before.suspended if before else ():
            await self.house.ask("POST", f"/v1/partners/{id}/resume")
        self.world.widened = before.widened if before else {}

    def _touched(self, before: World) -> bool:
        mine = self.world
        return (mine.recipients, mine.rules) != (before.recipients, before.rules)

    async def all(self, steps: Iterable[Step]) -> None:
        """Each step in turn. Raises `Disagreement`."""
        for name, how in steps:
            told = await getattr(self, f"_{name}")(**how)
            self.say(f"{stamp(self.now)} {name} {_short(how)} -> {told}")

    @property
    def now(self) -> datetime:
        """By the house's clock."""
        return self.house.clock()

    def who(self, number: int) -> str:
        """A person's id."""
        return f"r{self.number}-{number}"

    # What happens to people

    async def _consent(
        self,
        who: int,
        purpose: str,
        partner: int | None,
        older: int,
        ago: timedelta,
        lasts: timedelta | None,
        **how: Any,
    ) -> str:
        record = {
            "subject": self.who(who),
            "purpose": purpose,
            "partner": None if partner is None else self.ids[partner],
            "version": max(1, self.world.rules["purposes"][purpose]["version"] - older),
            "granted_at": self.now - ago,
            "expires": None if lasts is None else self.now - ago + lasts,
            **how,
        }
        body = {"evidence": "screen 4", "purpose_version": record["version"], **record}
        del body["version"]
        for key in ("granted_at", "expires"):
            body[key] = stamp(body[key]) if body[key] else None
        reply = await self.house.ask("POST", "/v1/consents", _present(body))
        if self._accepted(reply, who):
            added = {"id": reply.json()["ids"][0], "withdrawn": None}
            self.world.consents.append(record | added)
        return str(reply.status)

    async def _withdraw(self, which: int) -> str:
        mine = self.world.consents
        if not mine:
            return "there is none"
        one = mine[which % len(mine)]
        path = f"/v1/consents/{one['id']}/withdraw"
        reply = await self.house.ask("POST", path, {"notify": False})
        gone = self.world.person(one["subject"])["erased"]
        if reply.status != (404 if gone else 200):
            raise Disagreement(f"withdrawn of somebody erased: {gone}, answer: {reply!r}")
        one["withdrawn"] = one["withdrawn"] or self.now
        return f"{reply.status} {one['id']}"

    async def _facts(
        self, who: int, minor: bool | None, opt_out: tuple[str, ...] | None, alias: int | None
    ) -> str:
        body: Record = {"minor": minor, "opt_out": None if opt_out is None else list(opt_out)}
        if alias is not None and alias != who:
            body["aliases"] = [self.who(alias)]
        reply = await self.house.ask("PUT", f"/v1/subjects/{self.who(who)}", _present(body))
        if self._accepted(reply, who, *([alias] if "aliases" in body else [])):
            if "aliases" in body:
                self.world.same_person(self.who(who), self.who(alias or 0))
            person = self.world.person(self.who(who))
            person |= {} if minor is None else {"minor": minor}
            person |= {} if opt_out is None else {"opt_out": set(opt_out)}
        return str(reply.status)

    def _accepted(self, reply: Reply, *people: int) -> bool:
        """Nothing more is recorded of a person who was erased (A1), and of all others it is."""
        erased = any(self.world.person(self.who(one))["erased"] for one in people)
        if (reply.code == "subject-erased") is not erased or not (erased or reply.status < 300):
            raise Disagreement(f"recorded of somebody erased: {erased}, answer: {reply!r}")
        return not erased

    async def _erase(self, who: int) -> str:
        reply = await self._case(who, "user-request", {})
        self.world.person(self.who(who))["erased"] = True
        return repr(reply)

    async def _fence(self, who: int, reason: str, **parts: tuple[Any, ...]) -> str:
        parts["partners"] = tuple(self.ids[one] for one in parts["partners"])
        scope = {key: list(part) for key, part in parts.items() if part}
        if not scope:
            return "of nothing"
        reply = await self._case(who, reason, {"scope": scope})
        until = self.now if reason == "consent-withdrawn" else None
        # §9: what ran its time fences nothing; a withdrawal does until a newer consent, all
        # else while the case is open.
        stands = until or (reply.json().get("state") == "open" and reason != "retention-expired")
        if reply.status == 202 and stands:
            sides = [set(scope.get(key, ())) for key in ("partners", "purposes", "categories")]
            self.world.person(self.who(who))["fences"][reply.json()["case"]] = (*sides, until)
        return f"{reply.status} {reply.json().get('state')}"

    async def _case(self, who: int, reason: str, more: Record) -> Reply:
        body = {"action": "erase", "subject": self.who(who), "reason": reason, **more}
        verified = VERIFIED | {"at": stamp(self.now)}
        return await self.house.ask("POST", "/v1/cases", body | {"verified": verified})

    # What happens to recipients and documents

    async def _wait(self, time: timedelta) -> str:
        return stamp(self.house.clock.advance(time))

    async def _stop(self, partner: int, resume: bool) -> str:
        id, verb = self.ids[partner], "resume" if resume else "suspend"
        reply = await self.house.ask("POST", f"/v1/partners/{id}/{verb}")
        assert reply.status < 300
        (self.world.suspended.discard if resume else self.world.suspended.add)(id)
        return verb

    async def _manifest(self, partner: int, change: str) -> str:
        manifest = self.world.recipients[self.ids[partner]]
        manifest["state"] = "draft" if change == "draft" else "active"
        today = self.now.date()
        signed, ends = {
            "ended": (date(2026, 3, 1), today),
            "ends-today": (date(2026, 3, 1), today + timedelta(days=1)),
            "not-begun": (today + timedelta(days=1), FAR),
        }.get(change, (date(2026, 3, 1), FAR))
        terms = {"reference": "DPA-1", "signed": signed, "expires": ends}
        manifest["agreement"] = None if change == "none" else terms
        await self._written([self.ids[partner]])
        return change

    async def _version(self, purpose: str, follow: bool) -> str:
        self.world.rules["purposes"][purpose]["version"] += 1
        changed = []
        for id, manifest in self.world.recipients.items():
            for route in manifest["routes"].values():
                if follow and route["purpose"].startswith(f"{purpose}@"):
                    version = self.world.rules["purposes"][purpose]["version"]
                    route["purpose"] = f"{purpose}@{version}"
                    changed.append(id)
        await self._written(changed)
        return f"{len(changed)} manifests follow"

    async def _edition(self, widen: int, accepted: bool) -> str:
        """N1: the next number, in force at once, lets one recipient have a field more."""
        rules, manifest = self.world.rules, self.world.recipients[self.ids[widen]]
        (route,) = manifest["routes"].values()
        wider = "/wider" not in route["send"]
        route["send"]["/wider"] = {"category": "device.os"}
        rules["edition"] = f"2026-{int(rules['edition'].split('-')[1]) + 1}"
        successor = self.world.recipients["new-horizon"]
        if accepted:
            successor["accepted_edition"] = rules["edition"]
        if wider:
            pair = (manifest["partner"], route["purpose"].split("@")[0])
            self.world.widened[pair] = self.now
        await self._written([manifest["partner"], successor["partner"]])
        return f"edition {rules['edition']}, wider: {wider}"

    async def _written(self, recipients: Iterable[str]) -> None:
        """The documents as the world has them, read by the gateway."""
        policies, rules = self.house.folder / "policies", self.world.rules
        purposes = policies / "purposes.yaml"
        text = purposes.read_text("utf-8")
        for id, purpose in rules["purposes"].items():
            line = rf"\g<1>{purpose['version']}"
            text = re.sub(rf"(\n  {id}:\n    version: )\d+", line, text)
        purposes.write_text(text, "utf-8")
        edition = (policies / "edition.yaml").read_text("utf-8")
        if f"number: {rules['edition']}\n" not in edition:
            edition = re.sub(r"number: .*", f"number: {rules['edition']}", edition)
            edition = re.sub(r"effective: .*", f"effective: {stamp(self.now)}", edition)
            (policies / "edition.yaml").write_text(edition, "utf-8")
        for id in recipients:
            fake = self.house.recipients[id]
            manifest = at_home(self.world.recipients[id], fake.base_url)
            write_manifest(self.house.folder, fake, _present(manifest))
        assert await self.house.reload(), self.house.gateway.status.error

    # What is shared

    async def _evidence(
        self,
        partner: int,
        other_purpose: bool,
        who: int | None,
        categories: tuple[str, ...] | None,
        lasts: timedelta,
    ) -> str:
        (route,) = self.world.recipients[self.ids[partner]]["routes"].values()
        purpose = "payment" if other_purpose else route["purpose"].split("@")[0]
        record: Record = {
            "partner": self.ids[partner],
            "purposes": [purpose],
            "subjects": None if who is None else [self.who(who)],
            "categories": None if categories is None else list(categories),
        }
        expires = self.now + lasts
        body = _present({**record, "expires": stamp(expires)})
        id = (await self.house.evidence(**body)).strip('"')
        limit = None if categories is None else set(categories)
        self.world.evidence[id] = {**record, "categories": limit, "expires": expires}
        return id

    async def _share(
        self,
        partner: int,
        people: list[int],
        nobody: bool,
        purpose: str | None,
        version: int | None,
        ground: str | None,
        evidence: str | int | None,
        gpc: bool,
        token: str,
    ) -> str:
        id = self.ids[partner]
        ((route, declared),) = self.world.recipients[id]["routes"].items()
        own, _, at = declared["purpose"].partition("@")
        crowd = id == "crowd"
        ask = Ask(
            partner=id,
            route=route,
            purpose=purpose or own,
            people=[]
            if crowd and nobody
            else [self.who(n) for n in people[: None if crowd else 1]],
            version=None if version is None else max(1, int(at) + version),
            ground=ground,
            evidence=self._proof(evidence),
            gpc=gpc,
            may=_may(token, id, purpose or own),
        )
        leave = fields(self.world, ask)
        kept_back = [at for at in self.world.declared(ask) if at[0] != "/" and at not in leave]
        # §6: what a demand keeps back cannot stand in a path, and no path is without it.
        stands = objections(self.world, ask, self.now) or ["field-type-mismatch"] * bool(kept_back)
        fake = self.house.recipients[id]
        before = len(fake.received)
        reply = await self._asked(ask, declared)
        self.shares += 1
        self.codes[reply.code or "carried"] += 1
        self._compare(ask, stands, reply, fake, before)
        return f"{ask.people} {reply!r}"

    def _proof(self, evidence: str | int | None) -> str | None:
        known = list(self.world.evidence)
        if isinstance(evidence, int):
            return known[-1 - evidence % len(known)] if known else None
        return evidence

    async def _asked(self, ask: Ask, declared: Record) -> Reply:
        method, _, path = declared["match"].partition(" ")
        body = a_body(declared, ask)
        named = ask.purpose if ask.version is None else f"{ask.purpose}@{ask.version}"
        crowd = ask.partner == "crowd"
        return await self.house.share(
            ask.partner,
            PATHS.get(ask.partner, path),
            body,
            method=method,
            subject=None if crowd else ask.people[0],
            purpose=named,
            ground=ask.ground,
            evidence=ask.evidence and f'"{ask.evidence}"',
            headers={"Sec-GPC": "1"} if ask.gpc else None,
            token=self._token(ask.may),
        )

    def _token(self, may: Record) -> str:
        claims = {key: sorted(names) for key, names in may.items()}
        return self.house.token(**claims)

    def _compare(
        self, ask: Ask, stands: list[str], reply: Reply, fake: FakePartner, before: int
    ) -> None:
        arrived = fake.received[before:]
        if arrived and stands:
            raise Disagreement(f"let out what the model refuses: {ask}, {stands}")
        if fake.refused:
            raise Disagreement(f"arrived and does not verify: {fake.refused[-1].code}")
        if not arrived and reply.code != next(iter(stands), None):
            raise Disagreement(f"the model says {stands or 'carried'}, {ask}: {reply.json()}")
        if arrived:
            self.carried += 1
            (one,) = arrived
            came = set(_pointers(one.document))
            leave = fields(self.world, ask)
            wanted = {_selected(at, ask) for at in leave if at.startswith("/")}
            wanted = set().union(*wanted) if wanted else set()
            if UNDECLARED.encode() in one.request.body + one.body or came != wanted:
                raise Disagreement(f"other fields than declared: {came ^ wanted}, {ask}")


def a_body(route: Record, ask: Ask) -> Any:
    """Every declared field, the one that an edition may add, and undeclared ones everywhere."""
    body: Record = {"undeclared": UNDECLARED, "wider": "HarmonyOS"}
    for selector in route["send"]:
        _set(body, selector.split("/")[1:], VALUES.get(selector, "北京"), ask)
    return body


def _set(holder: Record, tokens: list[str], value: Any, ask: Ask) -> None:
    first, *rest = tokens
    if not rest:
        holder[first] = value
    elif rest[0] == "*":
        length = len(ask.people) if first == "people" else 1
        rows = holder.setdefault(first, [{"undeclared": UNDECLARED} for _ in range(length)])
        for row, id in zip(rows, ask.people, strict=False):
            _set(row, rest[1:], id if rest[1:] == ["id"] else value, ask)
    else:
        _set(holder.setdefault(first, {"undeclared": UNDECLARED}), rest, value, ask)


def _selected(selector: str, ask: Ask) -> frozenset[str]:
    """The places that a selector names in `a_body`."""
    several = range(len(ask.people) if selector.startswith("/people/") else 1)
    return frozenset(selector.replace("*", str(index)) for index in several)


def _pointers(document: Any, at: str = "") -> Iterator[str]:
    match document:
        case dict():
            for key, value in document.items():
                yield from _pointers(value, f"{at}/{key}")
        case list():
            for index, value in enumerate(document):
                yield from _pointers(value, f"{at}/{index}")
        case _:
            yield at


def _may(token: str, partner: str, purpose: str) -> Record:
    match token:
        case "all":
            return {"grounds": set(GROUNDS)}
        case "default":
            return {}
        case "other-partners":
            return {"grounds": set(GROUNDS), "partners": {"somebody-else"}}
        case "other-purposes":
            return {"grounds": set(GROUNDS), "purposes": {"something-else"}}
        case _:
            return {
                "grounds": {"consent", "core-function"},
                "partners": {partner},
                "purposes": {purpose},
            }


def _present(values: Record) -> Record:
    return {key: value for key, value in values.items() if value is not None}


def _short(how: Record) -> str:
    return " ".join(
        f"{key}={value}" for key, value in how.items() if value not in (None, False, ())
    )


def _rules(house: House, edition: str) -> Record:
    """What the model needs of `policies/`, read as plain YAML."""
    folder = house.folder / "policies"
    purposes = _yaml(folder / "purposes.yaml")["purposes"]
    for purpose in purposes.values():
        purpose["version"] = 1
    territories = _yaml(folder / "territories.yaml")["territories"]
    return {
        "home": "CN",
        "edition": edition,
        "allowed": {code for code, one in territories.items() if one["allowed"]},
        "sensitive": {
            "basic.phone",
            "network.nickname",
            "network.password",
            "location.precise",
            "transaction.payment",
        },
        "purposes": purposes,
    }


def _yaml(path: Any) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
