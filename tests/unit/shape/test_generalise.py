"""Coarser values, and never finer ones."""

from datetime import date, timedelta
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.shape.generalise import age_band, coarse_location, ip_prefix, read_date, year
from tests.unit.shape.builders import TODAY


@pytest.mark.parametrize(
    "text",
    [
        "1990-05-17",
        "1990-05-17T08:00:00Z",
        "1990-05-17 08:00:00.5+08:00",
        "19900517",
        "1990/5/17",
        "1990.05.17",
        "1990年5月17日",
        "17.5.1990",
        " 1990-05-17 ",
        "１９９０年５月１７日",
        "١٩٩٠-٠٥-١٧",
        "\u200e1990-05-17\u200f",
    ],
)
def test_dates_are_read_as_people_write_them(text):
    """A date in any of the usual forms is the same date, and its year is all that is shown."""
    assert read_date(text) == date(1990, 5, 17)
    assert year(text) == "1990"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17 May 1990",
        "1990-13-01",
        "1990-02-30",
        "1990-5-17",
        "90-05-17",
        "1990-05-17 at noon",
        "1990-05-17T" + "0" * 100,
        "643420800",
        "1990-05-17" + " " * 100,
    ],
)
def test_what_is_no_date_has_no_year(text):
    """A text that is not a date of a known form shows nothing."""
    assert year(text) is None


@pytest.mark.parametrize(
    ("text", "shown"), [("1990", "1990"), ("1990-05", "1990"), ("1990年", "1990")]
)
def test_a_year_stays_a_year(text, shown):
    """A date that is already coarse stays as coarse as it is."""
    assert year(text) == shown


@pytest.mark.parametrize(
    ("text", "width", "band"),
    [
        ("34", 10, "30-39"),
        ("30", 10, "30-39"),
        ("0", 10, "0-9"),
        ("34", 5, "30-34"),
        ("17", 18, "0-17"),
        ("1990-11-22", 10, "30-39"),
        ("1996-11-22", 10, "30-39"),
        ("1996-11-23", 10, "20-29"),
        ("2026-11-22", 10, "0-9"),
        ("2026-11-23", 10, None),
        ("1990", 10, None),
        ("151", 10, None),
        ("34.5", 10, None),
        ("young", 10, None),
        ("1800-01-01", 10, None),
    ],
)
def test_an_age_becomes_a_span_of_years(text, width, band):
    """An age, or a date of birth as of today, shows as the span that holds it."""
    assert age_band(text, width, today=TODAY) == band


@given(st.integers(0, 140), st.integers(1, 60), st.integers(0, 360))
def test_the_span_holds_the_age(age, width, days):
    """The span always holds the age and is always as wide as declared."""
    born = date(TODAY.year - age, TODAY.month, TODAY.day) - timedelta(days=days)
    band = age_band(born.isoformat(), width, today=TODAY)
    assert band is not None
    low, high = map(int, band.split("-"))
    assert low <= age <= high
    assert high - low == width - 1


@pytest.mark.parametrize(
    ("text", "decimals", "coarse"),
    [
        ("31.2304", 1, "31.2"),
        ("31.2304", 2, "31.23"),
        ("31.2304", 0, "31"),
        ("-0.04", 1, "0.0"),
        ("31", 1, "31"),
        ("31.2", 2, "31.2"),
        ("31.2304,121.4737", 1, "31.2,121.5"),
        ("121.4737, 31.2304", 1, "121.5,31.2"),
        ("-33.8688,151.2093", 0, "-34,151"),
        ("181", 1, None),
        ("31.2304,", 1, None),
        ("91,121", 1, None),
        ("31,121,5", 1, None),
        ("3.1e1", 1, None),
        ("1" * 50, 1, None),
        ("31.2304 N", 1, None),
        ("near the river", 1, None),
        ("３１．２３０４，１２１．４７３７", 1, "31.2,121.5"),
    ],
)
def test_coordinates_are_rounded(text, decimals, coarse):
    """Coordinates, alone or in pairs, are rounded; what is none is not shown."""
    assert coarse_location(text, decimals) == coarse


@given(st.decimals(-90, 90, places=6), st.integers(0, 2))
def test_rounding_never_narrows(latitude, decimals):
    """No more places are shown than declared, and the value moves by half a step at most."""
    coarse = coarse_location(format(latitude, "f"), decimals)
    assert coarse is not None
    assert len(coarse.partition(".")[2]) <= decimals
    assert abs(float(coarse) - float(latitude)) <= 0.5000001 * 10**-decimals


@pytest.mark.parametrize(
    ("text", "bits", "shown"),
    [
        ("203.0.113.7", 24, "203.0.113.0"),
        ("203.0.113.7", 16, "203.0.0.0"),
        ("2001:db8:1:2:3:4:5:6", 24, "2001:db8:1::"),
        ("::ffff:203.0.113.7", 24, "203.0.113.0"),
        ("2002:cb00:7107::1", 24, "203.0.113.0"),
        ("64:ff9b::203.0.113.7", 24, "64:ff9b::"),
        ("fe80::1%eth0", 24, None),
        ("203.0.113.7:443", 24, None),
        ("203.0.113", 24, None),
        ("::ffff:203.0.113.7%x", 24, None),
        ("host.example", 24, None),
    ],
)
def test_an_address_shows_its_network(text, bits, shown):
    """Of an address the network is left; an IPv4 address inside an IPv6 one counts as such."""
    assert ip_prefix(text, bits) == shown


@given(st.ip_addresses(), st.integers(1, 32))
def test_hosts_of_one_network_look_the_same(address, bits):
    """What is shown is the same for every host of the network."""
    shown = ip_prefix(str(address), bits)
    assert shown is not None
    kept = bits if "." in shown else 48
    network = ip_network((ip_address(shown), kept))
    assert ip_prefix(str(network[-1]), bits) in (shown, ip_prefix(shown, bits))
