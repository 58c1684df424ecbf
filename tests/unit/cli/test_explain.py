"""`gateway explain`: the decision, and the fate of each field, without side effects."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.marks import promise
from tests.unit.cli.calling import Done, a_courier_in, call

ORDER = {
    "recipient": {"name": "欧阳明", "phone": "13800138000", "address": "成都市锦江区1号"},
    "items": [{"sku": "TEA-01", "price": 39.9}],
    "birthday": "1990-05-01",
}

SHIPMENT = "POST /v2/shipments/LO-1"


def explain(home: Path, **changes: Any) -> Done:
    """What would become of the order."""
    body = home.parent / "order.json"
    body.write_text(json.dumps(changes.pop("body", ORDER), ensure_ascii=False), "utf-8")
    options = {
        "--partner": "swift-parcel",
        "--route": "POST /v2/shipments/order-1001",
        "--purpose": "order-fulfilment",
        "--subject": "user-42",
        "--body": str(body),
        **{f"--{name}": value for name, value in changes.items()},
    }
    arguments = [part for pair in options.items() for part in pair]
    return call("explain", *arguments, home=home, as_json=True)


def test_explain_tells_field_by_field(home: Path) -> None:
    """What leaves, how, under which clause; undeclared fields are named here and only here."""
    done = explain(home)
    value = done.json()
    fates = {one["pointer"]: one for one in value["fields"]}

    assert done.code == 0
    assert (value["decision"], value["ground"]) == ("permitted", "core-function")
    assert fates["/birthday"]["fate"] == "dropped"
    assert fates["/items/0/price"]["fate"] == "dropped"
    assert fates["/recipient/phone"]["fate"] == "sealed"
    assert fates["/recipient/phone"]["category"] == "basic.phone"
    assert fates["/recipient/name"]["fate"] not in ("dropped", "sealed")
    assert all(one["why"] for one in value["fields"])
    assert {"S4a", "S3"} <= {clause for one in value["checks"] for clause in one["clause"]}
    for secret in ("欧阳明", "13800138000", "锦江区", "1990"):
        assert secret not in done.said


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "payment"}, "purpose-not-permitted"),
        ({"purpose": "shipping"}, "purpose-unknown"),
        ({"ground": "dispute"}, "evidence-missing"),
        ({"ground": "dispute", "evidence": '"CASE"'}, "evidence-not-valid"),
        ({"partner": "nobody"}, "partner-unknown"),
        ({"route": "POST /v2/nothing"}, "route-not-declared"),
        ({"route": "GET /v2/shipments/x/y"}, "route-not-declared"),
        ({"subject": "x" * 257}, "subject-malformed"),
    ],
    ids=str,
)
def test_explain_says_why_not(changes: dict[str, str], code: str, home: Path) -> None:
    """A refusal is exit 1, with its code, clause and remedy."""
    done = explain(home, **changes)
    value = done.json()

    assert done.code == 1
    assert (value["decision"], value["code"]) == ("refused", code)
    assert value["remedy"]
    assert isinstance(value["clause"], list)


def test_explain_says_that_a_field_would_refuse(home: Path) -> None:
    """A share that would be refused for its fields is not explained as permitted."""
    done = explain(home, body={"recipient": {"name": "欧阳明"}})
    value = done.json()

    assert done.code == 1
    assert value["decision"] == "refused"
    assert value["code"] == "required-field-missing"


def test_each_field_names_its_rule_and_clauses(home: Path) -> None:
    """Of each value the line of the manifest is told that lets it out, or lacks it."""
    value = explain(home, route="POST /v2/shipments/order-1001?debug=1").json()
    fates = {one["pointer"]: one for one in value["fields"]}
    lines = (home / "partners/swift-parcel.yaml").read_text("utf-8").splitlines()

    def line_of(pointer: str) -> str:
        file, _, number = fates[pointer]["rule"].rpartition(":")
        assert file == "partners/swift-parcel.yaml"
        return lines[int(number) - 1].strip()

    assert line_of("/recipient/phone").startswith("/recipient/phone:")
    assert line_of("/items/0/sku").startswith("/items/*/sku:")
    assert "reference" in line_of("path.reference")
    assert line_of("/birthday").startswith("send:")
    assert fates["query.debug"]["fate"] == "dropped"
    assert fates["/recipient/phone"]["clauses"][0] == "S4d"
    assert {"C1", "C2"} <= set(fates["/recipient/phone"]["clauses"])
    assert all(one["clauses"] and one["refuses"] is None for one in value["fields"])


def test_explain_tells_all_that_would_have_to_change(home: Path) -> None:
    """Not only what refuses first: further checks and fields too, each with its remedy."""
    a_courier_in(home, territory="SG", agreement={"expires": date(2026, 8, 1)})
    body = {"note": "call 13800138000", "items": []}
    value = explain(home, ground="consent", route=SHIPMENT, body=body).json()

    assert value["code"] == "agreement-expired"
    assert [one["code"] for one in value["changes"]] == [
        "agreement-expired",
        "consent-missing",
        "separate-consent-missing",
        "cross-border-consent-missing",
        "required-field-missing",
        "personal-data-detected",
    ]
    assert "/recipient/address" in value["changes"][4]["detail"]
    assert all(one["remedy"] for one in value["changes"])
    assert "13800138000" not in json.dumps(value)


def test_nothing_has_to_change_for_what_is_permitted(home: Path) -> None:
    """A share that would leave needs nothing."""
    assert explain(home).json()["changes"] == []


def test_a_request_that_cannot_be_read_has_one_thing_to_change(home: Path) -> None:
    """What stands before every check is told alone."""
    value = explain(home, partner="nobody").json()

    assert [one["code"] for one in value["changes"]] == ["partner-unknown"]


def test_explain_of_a_sealed_body_says_that_all_of_it_is(home: Path) -> None:
    """Where the whole body is sealed, each value that leaves is told as sealed."""
    a_courier_in(home, routes={"create-shipment": {"seal": "body"}})
    fates = {one["pointer"]: one for one in explain(home, route=SHIPMENT).json()["fields"]}

    assert fates["/recipient/name"]["fate"] == "sealed"
    assert "mask-name" in fates["/recipient/name"]["why"]
    assert fates["/birthday"]["fate"] == "dropped"
    assert fates["path.reference"]["fate"] == "kept"


def test_explain_records_nothing(home: Path) -> None:
    """No file of the home changes, and there is no store where there was none."""
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    assert explain(home).code == 0
    assert explain(home, purpose="payment").code == 1

    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_explain_is_readable(home: Path) -> None:
    """Without `--json` it is a text for a person."""
    arguments = ("--partner", "swift-parcel", "--route", "POST /v2/shipments/x")
    done = call("explain", *arguments, "--purpose", "payment", "--subject", "u", home=home)

    assert done.code == 1
    assert "purpose-not-permitted" in done.out
    assert "S3" in done.out
    assert "what would have to change:\n  1. " in done.out


@promise("S4a")
def test_explain_knows_what_time_it_is(home: Path) -> None:
    """An agreement that is over is told as over."""
    a_courier_in(home, agreement={"expires": date(2026, 8, 1)})
    value = explain(home).json()

    assert (value["code"], value["clause"]) == ("agreement-expired", ["S4a"])
