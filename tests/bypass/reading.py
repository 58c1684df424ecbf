"""A trick, read from its file. A key that is not known is a mistake."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from ruamel.yaml import YAML

CASES = Path(__file__).with_name("cases")
NOTHING = "nothing"

T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]


class CaseError(Exception):
    """A case that cannot be read; names its file and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is sent to the internal listener."""

    to: str = "depot"
    method: str = "POST"
    path: str = "/v1/things"
    """Behind `/share/{to}`, exactly as it goes out."""
    target: str | None = None
    """The whole request target, in place of `to` and `path`."""
    purpose: str | None = "order-fulfilment"
    subject: str | None = ""
    """Empty: a person of this case's own. None: no header."""
    headers: Pairs = ()
    type: str | None = "application/json"
    """Of a body; None: no `Content-Type`."""
    body: Any = None
    token: Mapping[str, Any] | str | None = field(default_factory=dict)
    """Changes of the claims; a text stands for itself; None: no token."""
    raw: tuple[Mapping[str, Any], ...] = ()
    """In place of all else: `{lines, body}` or `{bytes}`, one behind the other on one connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How the partner answers: as HTTP has it, or `raw`."""

    status: int = 200
    headers: Pairs = (("Content-Type", "application/json"),)
    body: Any = '{"id":"r-1","status":"ok"}'
    raw: Any = None
    close: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request as the partner must get it. What is None is not looked at."""

    target: str | None = None
    method: str | None = None
    body: Any = None
    opened: Any = None
    """The JSON values, sealed ones opened."""
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """None: it must not be there."""
    fields: tuple[str, ...] | None = None
    """Of the grant."""
    hidden: tuple[str, ...] = ()
    """Marks that stand in what was opened, and nowhere outside a seal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """What the caller must get."""

    status: int | None = None
    code: str | None = None
    body: Any = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    never: tuple[str, ...] = ()
    """Sent by the partner, and nowhere in what came back."""
    answers: int = 1
    lines: tuple[str, ...] | None = None
    """Of a bulk request: each line's code, or its status."""
    later: str | None = None
    """Of an asynchronous share: its state in the end, and with a blank its code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One trick."""

    kind: str
    """Its class: the name of the folder."""
    name: str
    it: str
    ask: Ask
    back: Back
    arrives: tuple[Arrival, ...]
    never: tuple[str, ...] = ()
    before: tuple[Ask, ...] = ()
    """Sent first; what becomes of it is looked at only for `never`."""
    partner: tuple[Reply, ...] = (Reply(),)
    """One for each request, the last one for all others."""
    consents: tuple[Mapping[str, Any], ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()
    """Registered beforehand; `{evidence-1}` stands for the first one's id in headers."""
    address: str | None = None
    """The partner's `base_url`; `{port}` is the recorder's. Only in the world of addresses."""
    names: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """To which addresses a name leads, at one look-up after the other."""

    @property
    def id(self) -> str:
        """`CLASS/NAME`."""
        return f"{self.kind}/{self.name}"

    @property
    def person(self) -> str:
        """Whom its shares are about, unless they say otherwise."""
        return f"u-{self.kind}-{self.name}"


def all_cases() -> list[Case]:
    """Every case, class by class. Raises `CaseError`."""
    return [read_case(path) for path in sorted(CASES.glob("*/*.yaml"))]


def read_case(path: Path) -> Case:
    """One case. Raises `CaseError`."""
    try:
        document = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
        return _case(path, document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CaseError(f"{path.parent.name}/{path.name}: {error}") from error


def _case(path: Path, document: dict[str, Any]) -> Case:
    given = dict(document)
    return _of(
        Case,
        {
            **given,
            "kind": path.parent.name,
            "name": path.stem,
            "ask": _ask(given["ask"]),
            "before": tuple(_ask(one) for one in given.get("before", ())),
            "back": _back(given["back"]),
            "arrives": tuple(_arrivals(given["arrives"])),
            "never": _marks(given.get("never", ())),
            "partner": tuple(_replies(given.get("partner", {}))),
            "consents": tuple(given.get("consents", ())),
            "evidence": tuple(given.get("evidence", ())),
            "names": {
                name: tuple(tuple(answer) for answer in answers)
                for name, answers in given.get("names", {}).items()
            },
        },
    )


def _ask(given: Mapping[str, Any]) -> Ask:
    raw = given.get("raw", ())
    parts = (raw,) if isinstance(raw, Mapping) else tuple(raw)
    return _of(Ask, {**given, "headers": _pairs(given.get("headers", {})), "raw": parts})


def _replies(given: Any) -> Iterator[Reply]:
    for one in given if isinstance(given, Sequence) else [given]:
        headers = {"headers": _pairs(one["headers"])} if "headers" in one else {}
        yield _of(Reply, {**one, **headers})


def _arrivals(given: Any) -> Iterator[Arrival]:
    """`nothing`; a body; a mapping; or a list of these."""
    if given == NOTHING:
        return
    for one in given if isinstance(given, list) else [given]:
        if isinstance(one, str):
            yield Arrival(body=one)
        else:
            told = one.get("fields")
            lists = {"fields": None if told is None else tuple(told)}
            yield _of(Arrival, {**one, **lists, "hidden": _marks(one.get("hidden", ()))})


def _back(given: Any) -> Back:
    """A status, the code of a refusal, or a mapping."""
    if isinstance(given, int):
        return Back(status=given)
    if isinstance(given, str):
        return Back(code=given)
    lines = given.get("lines")
    told = None if lines is None else tuple(map(str, lines))
    return _of(Back, {**given, "lines": told, "never": _marks(given.get("never", ()))})


def _marks(given: Sequence[Any]) -> tuple[str, ...]:
    if not all(isinstance(mark, str) for mark in given):
        raise ValueError("a mark is a text, write quotes")
    return tuple(given)


def _pairs(given: Any) -> Pairs:
    """Headers: a mapping, or where one comes twice a list of pairs."""
    rows = given.items() if isinstance(given, Mapping) else given
    return tuple((str(name), str(value)) for name, value in rows)


def _of(kind: type[T], given: Mapping[str, Any]) -> T:
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]  # only dataclasses come
    unknown = sorted(set(given) - known)
    if unknown:
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}")
    return kind(**given)
