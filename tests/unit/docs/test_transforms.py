"""The page of transforms against the transforms."""

import re
from datetime import date

import pytest

from gateway.model.ids import CategoryId
from gateway.model.recipients import Field, TransformCall
from gateway.policy.transforms import TRANSFORMS
from gateway.shape.context import Context
from gateway.shape.transforms import compile_transform
from tests.unit.docs.pages import REFERENCE, only, tables, text_of


def transform_rows() -> dict[str, dict[str, str]]:
    """The table of transforms, by name."""
    rows = tables(text_of(REFERENCE / "transforms.md"), "transform")
    return {only(row["transform"]): row for row in rows}


def test_every_transform_is_in_its_page_and_no_other() -> None:
    """Each transform has a row, with the default of its argument."""
    rows = transform_rows()

    assert list(rows) == list(TRANSFORMS)
    for name, rule in TRANSFORMS.items():
        told = re.search(r"default `([^`]+)`", rows[name]["argument"])
        assert (told[1] if told else None) == (str(rule.default) if rule.default else None), name
        if rule.default is None:
            required = rule.check(None) is not None
            assert ("required" in rows[name]["argument"]) is required, name


@pytest.mark.parametrize("name", TRANSFORMS)
def test_what_a_transform_desensitises_is_told(name: str) -> None:
    """The categories that a transform desensitises are those of its row, up to their limits."""
    cell, rule = transform_rows()[name]["desensitises"], TRANSFORMS[name]
    told = re.findall(r"`([a-z.]+)`(?: \(N ([≥≤]) (\d+)\))?", cell)

    assert (cell == "everything") is rule.removes
    if not rule.removes:
        assert {category for category, _, _ in told} == set(rule.softens)
    for category, sign, limit in told:
        fits = int(limit) if sign else rule.default
        assert rule.desensitises(CategoryId(category), fits)
        if sign:
            beyond = fits - 1 if sign == "≥" else fits + 1
            assert not rule.desensitises(CategoryId(category), beyond)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_what_a_transform_is_worth_on_deidentified_purposes_is_told(name: str) -> None:
    """Whether a transform keeps a person from being singled out is what its row says."""
    cell, rule = transform_rows()[name]["on a de-identified purpose"], TRANSFORMS[name]
    limit = re.search(r"N ([≥≤]) (\d+)", cell)
    identifies = rule.identifies(CategoryId("basic.address"), int(limit[2]) if limit else None)

    assert identifies is not cell.startswith("yes")
    assert rule.stable is ("lasting id" in cell)
    assert (cell == "where it desensitises") is (bool(rule.softens) and not rule.generalises)
    if limit:
        beyond = int(limit[2]) + (-1 if limit[1] == "≥" else 1)
        assert rule.identifies(CategoryId("basic.address"), beyond)


@pytest.mark.parametrize(
    "name", [name for name, row in transform_rows().items() if "→" in str(row)]
)
def test_the_example_of_a_transform_is_what_it_does(name: str) -> None:
    """Every example of the table comes out as it stands there."""
    found = re.fullmatch(r"(?:(\w+): )?`([^`]+)` → `([^`]+)`", transform_rows()[name]["example"])
    assert found is not None
    written, value, result = found.groups()
    argument = int(written) if written and written.isdigit() else written
    context = Context(
        partner="swift-parcel",
        hash_key=bytes(32),
        pseudonym=str,
        token=lambda field, value: "",
        seal=lambda pointer, text: "",
        today=date(2026, 11, 22),
    )
    field = Field(selector="/x", category=CategoryId("none"))

    assert compile_transform(TransformCall(name=name, argument=argument), field)(
        value, context
    ) == (result)


def test_transforms_with_a_fixed_outcome_have_an_example() -> None:
    """Only what depends on keys, and `drop`, goes without an example."""
    without = {name for name, row in transform_rows().items() if "→" not in row["example"]}

    assert without == {"hash", "pseudonym", "token", "drop"}
