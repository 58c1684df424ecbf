"""Times as they are written and read."""

from datetime import UTC, datetime

import pytest

from gateway.flows.clockwork import parse_stamp, stamp


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00.000Z", "0999-12-31T23:59:59.999Z"])
def test_a_year_has_four_digits(text: str) -> None:
    """What is written of a time before the year 1000 can be read again."""
    assert stamp(parse_stamp(text)) == text


def test_the_ends_of_the_calendar_are_times() -> None:
    """Also the first and the last moment that there is."""
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        written = stamp(moment)
        assert parse_stamp(written) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)
