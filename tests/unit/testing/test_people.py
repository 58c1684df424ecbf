"""Synthetic people look real, belong to nobody, and are the same each time."""

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from gateway.testing import traffic
from gateway.testing.people import Person, describe, people, person
from gateway.testing.search import Needles, search_bytes

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
DOCUMENTATION = [ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
CROWD = people(120)


def test_the_same_number_is_the_same_person() -> None:
    """A person does not depend on who was asked for before; another seed gives another."""
    assert person(7) == people(9)[7]
    assert person(7) != person(7, seed=1)
    assert len({one.account for one in CROWD}) == len(CROWD)


def test_they_look_like_people() -> None:
    """Names of one and two characters of surname, mobile numbers, addresses, places."""
    assert all(re.fullmatch(r"[\u4e00-\u9fff]{2,4}", one.name) for one in CROWD)
    assert any(one.name.startswith(("欧阳", "司马", "诸葛", "上官")) for one in CROWD)
    assert all(re.fullmatch(r"1[3-9]\d{9}", one.phone) for one in CROWD)
    assert all(re.fullmatch(r"\d{17}[\dX]", one.identity_number) for one in CROWD)
    assert all(one.address.startswith(one.place.province) for one in CROWD)
    assert all(18 < one.latitude < 54 and 73 < one.longitude < 135 for one in CROWD)
    assert {one.gender for one in CROWD} == {"female", "male"}
    assert [one.number for one in CROWD if one.minor] == [18, 37, 56, 75, 94, 113]


def test_they_belong_to_nobody() -> None:
    """Each identifier breaks a rule that a real one keeps."""
    for one in CROWD:
        assert one.phone[3:7] == "0000"
        assert not _valid_identity_number(one.identity_number)
        assert not _valid_card(one.bank_card)
        assert any(ip_address(one.ip) in network for network in DOCUMENTATION)
        assert one.email.endswith(".example")
        assert "拟路" in one.street


def test_the_checks_of_this_test_know_what_is_valid() -> None:
    """Published examples of valid numbers pass the rules that synthetic ones break."""
    assert _valid_identity_number("11010519491231002X")
    assert _valid_card("4111111111111111")


def test_a_person_prints_as_a_number() -> None:
    """A person in a failed assertion gives nothing away."""
    assert repr(CROWD[3]) == "<Person 3>"


def test_marks_are_what_singles_out() -> None:
    """What is searched for afterwards is long enough and different for everybody."""
    marks = {f"{one.number}/{k}": v for one in CROWD for k, v in one.marks().items()}
    long = [one for one in CROWD if len(one.name) > 2]

    assert Needles(marks)
    assert search_bytes(json.dumps(describe(long[0])).encode(), Needles(marks))
    assert {"phone", "name", "account", "street"} <= long[0].marks().keys()
    assert len(set(marks.values())) > len(marks) - len(long)


Body = Callable[[random.Random, Person], dict[str, Any]]
BODIES: dict[str, Body] = {
    "order": traffic.order,
    "payment": traffic.payment,
    "ticket": traffic.ticket,
    "search": traffic.search_nearby,
    "login": lambda rng, one: traffic.login(rng, one, AT),
    "ad": lambda rng, one: traffic.ad_event(rng, one, AT),
    "risk": lambda rng, one: traffic.risk_check(rng, one, AT),
    "refund": lambda rng, one: traffic.refund(rng, traffic.payment(rng, one)),
    "abroad": traffic.parcel_abroad,
    "purchase": lambda rng, one: traffic.purchase(rng, one, AT),
    "move": traffic.account_move,
    "court": lambda rng, one: traffic.court_file(rng, one, "2026/114"),
    "statistics": lambda rng, one: traffic.usage_statistics(rng, [one]),
}


@pytest.mark.parametrize("kind", BODIES)
def test_bodies_are_json_and_come_out_the_same(kind: str) -> None:
    """Each body can be sent as it is, and the same seed gives the same one."""
    make = BODIES[kind]
    first, again = make(random.Random(5), CROWD[1]), make(random.Random(5), CROWD[1])

    assert first == again == json.loads(json.dumps(first))
    assert make(random.Random(6), CROWD[1]) != first


@pytest.mark.parametrize("kind", sorted(set(BODIES) - {"login", "search"}))
def test_bodies_hold_more_than_any_partner_needs(kind: str) -> None:
    """Bodies carry surplus that must not leave, so that minimising has something to do."""
    text = json.dumps(BODIES[kind](random.Random(5), CROWD[1]), ensure_ascii=False)

    assert CROWD[1].identity_number in text
    assert CROWD[1].email in text


def test_an_order_may_be_for_somebody_else() -> None:
    """The buyer and the one who gets the parcel may be two people."""
    order = traffic.order(random.Random(1), CROWD[0], to=CROWD[1], goods=3)

    assert (order["recipient"]["name"], order["buyer"]["name"]) == (CROWD[1].name, CROWD[0].name)
    assert len(order["items"]) == 3
    assert order["total_fen"] == sum(i["price_fen"] * i["quantity"] for i in order["items"])


def _valid_identity_number(number: str) -> bool:
    """GB 11643: ISO 7064 MOD 11-2 over all 18 characters leaves 1."""
    values = [10 if character == "X" else int(character) for character in number]
    return sum(value * pow(2, 17 - place, 11) for place, value in enumerate(values)) % 11 == 1


def _valid_card(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = (digit * 2 for digit in digits[1::2])
    return (sum(digits[::2]) + sum(d // 10 + d % 10 for d in doubled)) % 10 == 0
