"""Settings, problems, metrics and log lines: the pages against the program."""

import ast
import json
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gateway import config as settings
from gateway.access.scopes import SCOPES
from gateway.errors import REASONS, Reason
from gateway.model.settings import IssuerConfig, WitnessConfig
from gateway.observe.logs import only_listed
from gateway.observe.metrics import METRICS
from gateway.observe.vocabulary import EVENTS, KEYS
from tests.unit.docs.pages import (
    REFERENCE,
    ROOT,
    everywhere,
    fences,
    named,
    only,
    prose,
    sections,
    tables,
    text_of,
)


def test_every_setting_is_in_its_page_and_no_other() -> None:
    """Each setting has a row with its variable, its default and a unit, and each row a setting."""
    rows = tables(text_of(REFERENCE / "settings.md"), "setting")
    told = {only(row["setting"]): (only(row["variable"]), row["default"]) for row in rows}
    has = {
        f"{one.section}.{one.key}": (one.variable, f"`{one.default}`" if one.default else "empty")
        for one in settings.SETTINGS
    }

    assert told == has
    assert all(row["unit"] and row["meaning"] for row in rows)


def test_every_key_of_an_issuer_is_in_the_page_of_settings() -> None:
    """What an `[[issuer]]` is made of is told, and the examples are settings that load."""
    page = REFERENCE / "settings.md"

    assert {only(row["key"]) for row in tables(text_of(page), "key")} == {
        field.name for kind in (IssuerConfig, WitnessConfig) for field in fields(kind)
    }
    assert set(SCOPES) <= set(named(prose(page)))


def test_settings_in_the_documents_load(tmp_path: Path) -> None:
    """Every piece of `gateway.toml` in the documents is one that the gateway takes."""
    shown = everywhere("toml")

    assert shown
    for fence in shown:
        (tmp_path / "gateway.toml").write_text(fence.text, encoding="utf-8")
        assert settings.load(tmp_path, {}).home == tmp_path
        assert tomllib.loads(fence.text)


def test_every_code_is_in_its_page_and_no_other() -> None:
    """Each code has a row with its status, clauses and remedy, in the order in which they count."""
    rows = tables(text_of(REFERENCE / "problems.md"), "code")
    told = [(only(row["code"]), row["status"], row["clauses"], row["remedy"]) for row in rows]

    assert told == [
        (reason.value, str(info.status), " ".join(info.clauses) or "—", info.remedy)
        for reason, info in REASONS.items()
    ]
    assert [row[0] for row in told] == list(Reason)
    assert all(row["when"] for row in rows)


def test_every_metric_is_in_its_page_and_no_other() -> None:
    """Each metric has a row with its kind and labels, and the text names no other metric."""
    text = text_of(REFERENCE / "metrics.md")
    told = {
        only(row["metric"]): (row["kind"], tuple(named(row["labels"])))
        for row in tables(text, "metric")
    }

    assert told == {one.name: (one.kind, one.labels) for one in METRICS}
    assert set(re.findall(r"\bgateway_[a-z_]+", text)) == set(told)


@dataclass
class Written:
    """How the program's own lines log one event: at which levels, with which keys outright."""

    levels: set[str]
    keys: set[str]


def written_events() -> dict[str, Written]:
    """Every event that a line of the program logs."""
    found: dict[str, Written] = {}
    for path in (ROOT / "gateway").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if "log" in text else ():
            match node:
                case ast.Call(
                    func=ast.Attribute(
                        value=logger,
                        attr="debug" | "info" | "warning" | "error" | "exception" as method,
                    ),
                    args=[ast.Constant(value=str(event)), *_],
                    keywords=words,
                ) if "log" in ast.unparse(logger):
                    written = found.setdefault(event, Written(set(), set()))
                    written.levels.add("error" if method == "exception" else method)
                    written.keys |= {word.arg for word in words if word.arg}
    return found


def test_every_log_event_is_in_its_page_and_no_other() -> None:
    """Events that are written stand in one table with level and keys, those that only might be in
    another; together they are the closed list."""
    here, later = sections(REFERENCE / "logs.md")["Events"].split("These are on the list as well")
    told = {only(row["event"]): row for row in tables(here, "event")}
    not_yet = {only(row["event"]): row["when"] for row in tables(later, "event")}
    written = written_events()
    # These three are made by the logging itself.
    others = {"library-log", "crash", "unlisted-event"}

    assert told.keys() == written.keys() | others
    for name, event in written.items():
        assert set(told[name]["level"].split(", ")) == event.levels, name
        assert event.keys <= set(named(told[name]["keys"])) <= KEYS.keys(), name
    assert not_yet == {name: EVENTS[name] for name in EVENTS.keys() - told.keys()}


def test_every_log_key_is_in_its_page_and_no_other() -> None:
    """Each key has a row with its form; keys of one form in the page have one in the program."""
    text = text_of(REFERENCE / "logs.md")
    rows = tables(text, "key")
    forms: dict[str, set[Any]] = {}
    for row in rows:
        shape = KEYS[only(row["key"])]
        forms.setdefault(row["form"], set()).add(
            shape.__closure__[0].cell_contents if shape.__closure__ else shape
        )

    assert [only(row["key"]) for row in rows] == list(KEYS)
    assert all(len(shapes) == 1 for shapes in forms.values()), forms
    plain = {form for form in forms if not form.startswith("list of ")}
    assert plain == {row["form"] for row in tables(text, "form")}


def test_the_log_line_that_is_shown_is_one_that_gets_out() -> None:
    """The example of a line passes the closed lists as it stands."""
    (fence,) = fences(REFERENCE / "logs.md", "json")
    line = json.loads(fence.text)
    inside = {name: value for name, value in line.items() if name not in ("level", "at")}

    assert only_listed(None, "info", dict(inside)) == inside
    assert "?" not in line.values()
