"""An agreement that ends soon is seen in time (S4a)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.calling import a_courier_in, call

LEFT = 20


def ends_in(days: int) -> dict[str, Any]:
    """The dates of an agreement that still covers so many days."""
    today = datetime.now(UTC).date()
    return {"signed": today - timedelta(days=90), "expires": today + timedelta(days=days)}


def test_check_tells_the_place_and_stays_strict(home: Path) -> None:
    """`check` says at `expires:` how many days are left, and `--strict` is no stricter there."""
    path = a_courier_in(home, agreement=ends_in(LEFT))
    lines = path.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "expires:" in text)
    done = call("check", "--strict", home=home)

    assert done.code == 0, done.said
    assert f"partners/swift-parcel.yaml:{line}:" in done.out
    assert f"the agreement ends in {LEFT} days" in done.out


@pytest.mark.parametrize(
    ("days", "shown"), [(61, ""), (60, "60 days left"), (1, "1 day left"), (0, "over")]
)
def test_partners_are_listed_with_the_days_left(home: Path, days: int, shown: str) -> None:
    """`partner list` and `partner show` tell how near the end of an agreement is."""
    agreement = ends_in(days)
    a_courier_in(home, agreement=agreement)
    listed = call("partner", "list", home=home).out
    one = call("partner", "show", "swift-parcel", home=home).out
    until = f"{agreement['expires']} ({shown})" if shown else f"{agreement['expires']}"

    for text in (listed, one):
        row = next(line for line in text.splitlines() if f"{agreement['expires']}" in line)
        assert until in row
        assert ("(" in row) is bool(shown)
