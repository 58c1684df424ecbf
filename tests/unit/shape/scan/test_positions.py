"""Coordinates in free text."""

import pytest

from tests.marks import promise
from tests.unit.shape.scan import found, kinds


@promise("P6")
@pytest.mark.parametrize(
    "place",
    [
        "31.2304, 121.4737",
        "31.2304,121.4737",
        "121.4737 31.2304",
        "-33.8688, 151.2093",
        "31.2304° N, 121.4737° E",
        "52,5200° N; 13,4050° O",
        "N31.2304 E121.4737",
        "31°13'49\"N 121°28'25\"E",
        "31°13′49″N，121°28′25″E",
        "北纬31.2304度，东经121.4737度",
        "lat: 31.2304, lon: 121.4737",
        "lat 31.23\nlng 121.47",
        "latitude is 31.2304 and longitude 121.4737",
        "经度121.4737 纬度31.2304",
        "Breite 52.5200, Länge 13.4050",
    ],
)
def test_places_are_found(place):
    """A pair of coordinates is found, whole, as maps, phones and atlases write it."""
    assert found(f"we are {place} now") == [("coordinates", place)]


def test_a_word_makes_a_place_of_rougher_numbers():
    """Behind a word for a place two decimals are enough."""
    assert kinds("12.34, 56.78") == []
    assert kinds("GPS 12.34, 56.78") == kinds("坐标：12.34,56.78") == ["coordinates"]


@pytest.mark.parametrize(
    "text",
    [
        "31.2304",
        "31.2, 121.4",
        "191.2304, 121.4737",
        "91.2304, 121.4737",
        "12.345, 67.89",
        "5 N, 10 E",
        "1.2304.5, 6.4737.8",
        "29.90 CNY, 2 pieces",
        "latest 31.23 longest 121.47",
    ],
)
def test_other_pairs_are_left(text):
    """One number, rough numbers, and numbers outside the globe are no place."""
    assert kinds(text) == []
