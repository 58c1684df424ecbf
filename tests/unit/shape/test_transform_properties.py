"""
What each transform may show at most, whatever the value: one property for each
of the fifteen, over names, numbers and signs of many scripts.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.transforms import TRANSFORMS
from gateway.seal.pseudonym import pseudonym
from gateway.shape import DROPPED, Context, Number, compile_transform
from gateway.shape.text import MAX_CLUSTER, ascii_digits, clusters, visible
from tests.marks import promise
from tests.unit.shape.builders import TODAY, a_call, a_context, a_field

SIGNS = "aZ -.,/\n\u200b\u200d\u202e\u2066\ufe0f\u0301e\u0308"
LETTERS = "王欧阳娜שרهןנ\u0645\u064b\u0928\u093fÉ\u00e9\U00020000Ⓛ😀👩🇨🇳"
DIGITS = "0123456789０１９٣٨"

people = st.text(st.sampled_from(LETTERS + SIGNS), max_size=30) | st.text(max_size=30)
numbers = st.text(st.sampled_from(DIGITS + SIGNS + "+()王"), max_size=40)
anything = people | numbers


def run(written: str | dict[str, Any], **how: Any) -> Callable[[Any], Any]:
    """A transform as a manifest writes it, ready to be given values."""
    call = a_call(written)
    assert call is not None
    transform = compile_transform(call, a_field("/x"))
    context = how.pop("context", None) or a_context(**how)
    return lambda value: transform(value, context)


PROVEN: set[str] = set()


def of(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Notes which transform a property is about."""
    PROVEN.add(name)
    return lambda test: test


@promise("P7", "C6")
@of("mask-name")
@given(people)
def test_a_masked_name_shows_its_first_character(name: str) -> None:
    """Of a name one character with its marks is left, and of one of one character none."""
    shown = run("mask-name")(name).rstrip("*")

    assert len(clusters(shown)) <= 1
    assert len(shown) <= MAX_CLUSTER
    if len(clusters(visible(name))) < 2:
        assert shown == ""


@promise("P7", "C2")
@of("mask-phone")
@given(numbers)
def test_a_masked_phone_shows_seven_digits(number: str) -> None:
    """Of a number at most seven digits are left, at least four are hidden, and nothing else shows."""
    shown = run("mask-phone")(number)
    if shown is DROPPED:
        return
    digits = [each for each in shown if each.isdecimal()]

    assert set(shown) <= set("0123456789+*")
    assert len(digits) <= 7
    assert shown.count("*") >= min(4, len(ascii_digits(number)))


@of("mask-email")
@given(people, st.sampled_from(["mail.example", "邮件.example", "a.b.example"]))
def test_a_masked_address_shows_its_domain(local: str, domain: str) -> None:
    """Of the part before the @ one character is left, and its length is not shown."""
    shown = run("mask-email")(f"{local}@{domain}")
    if shown is DROPPED:
        return
    before, _, behind = shown.partition("***@")

    assert behind == domain
    assert len(clusters(before)) <= 1


@promise("C2")
@of("mask-tail")
@given(anything, st.integers(1, 8))
def test_a_masked_tail_hides_what_it_says(text: str, count: int) -> None:
    """Of letters and digits, and of digits alone, at least so many are hidden as there are."""
    shown = run({"mask-tail": count})(text)
    left = shown.rstrip("*")

    assert visible(text).startswith(left)
    assert len(ascii_digits(left)) <= max(0, len(ascii_digits(text)) - count)
    assert len(clusters(left)) <= max(0, len(clusters(visible(text))) - count)


@of("truncate")
@given(anything, st.integers(1, 8))
def test_what_is_cut_off_does_not_show(text: str, count: int) -> None:
    """No more characters than declared are left, and none that cannot be seen among them."""
    shown = run({"truncate": count})(text)

    assert len(clusters(shown)) <= count
    assert not set(shown) & set("\u200b\u202e\u2066")
    assert run({"truncate": count})(shown) == shown


dates = st.dates(date(1900, 1, 1), date(2100, 1, 1))
FORMS = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "%Y-%m-%dT08:00:00Z")


@of("year")
@given(dates, dates, st.sampled_from(FORMS))
def test_days_of_one_year_look_the_same(one: date, other: date, form: str) -> None:
    """Two dates show the same exactly if their year is the same, in whatever digits."""
    year = run("year")
    wide = "".join(chr(0xFF10 + int(each)) if each.isdigit() else each for each in one.isoformat())

    assert year(one.strftime(form)) == year(wide) == f"{one.year:04d}"
    assert (year(one.strftime(form)) == year(other.isoformat())) is (one.year == other.year)


@of("age-band")
@given(dates, st.integers(1, 150))
def test_a_band_holds_the_age_and_is_as_wide_as_declared(born: date, width: int) -> None:
    """A band is never narrower than declared and shows nothing of the birthday."""
    band = run({"age-band": width})(born.isoformat())
    age = TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))
    if age < 0:
        assert band is DROPPED
        return
    low, high = map(int, band.split("-"))

    assert low <= age <= high
    assert high - low + 1 == width
    assert low % width == 0
    assert run({"age-band": width})(str(age)) == band


@of("region")
@given(st.sampled_from(["四川省成都市", "北京市朝阳区", "四川", "河北路", ""]), anything)
def test_a_region_is_a_name_of_the_list(start: str, rest: str) -> None:
    """Nothing of the address itself shows, only a province or a city that everybody knows."""
    shown = {run({"region": level})(start + "某路" + rest) for level in ("province", "city")}

    assert shown <= {"四川省", "四川省成都市", "北京市", "河北省", DROPPED}


@promise("C2")
@of("coarse-location")
@given(st.decimals(-90, 90, places=6), st.decimals(-180, 180, places=6), st.integers(0, 2))
def test_places_near_each_other_look_the_same(north: Any, east: Any, decimals: int) -> None:
    """No more places show than declared, and who stands half a step around shows the same."""
    coarse = run({"coarse-location": decimals})
    shown = coarse(f"{north:f},{east:f}")

    for number, exact in zip(shown.split(","), (north, east), strict=True):
        assert len(number.partition(".")[2]) <= decimals
        assert abs(float(number) - float(exact)) <= 0.5000001 * 10**-decimals
        assert coarse(Number(number)) == number
    assert coarse(shown) == shown


@of("ip-prefix")
@given(st.ip_addresses(), st.integers(1, 32), st.integers(0, 2**80 - 1))
def test_hosts_of_a_network_look_the_same(address: Any, bits: int, host: int) -> None:
    """Every host of the network that is left shows as the same, in either version."""
    shown = run({"ip-prefix": bits})(str(address))
    network = ip_network((ip_address(shown), bits if "." in shown else 48))
    neighbour = network[host % network.num_addresses]

    assert int(network.network_address) == int(ip_address(shown))
    assert run({"ip-prefix": bits})(str(neighbour)) in (shown, run({"ip-prefix": bits})(shown))


@promise("C6")
@of("hash")
@given(anything, anything)
def test_a_hash_tells_same_from_other_and_no_more(one: str, other: str) -> None:
    """Equal values hash alike at one recipient, at two never; the hash has always one length."""
    here, there = run("hash"), run("hash", partner="elsewhere")

    assert re.fullmatch("[0-9a-f]{64}", here(one))
    assert (here(one) == here(other)) is (one == other)
    assert here(one) != there(one)


@promise("C6")
@of("pseudonym")
@given(st.binary(min_size=32, max_size=32), st.text(min_size=1), st.text(min_size=1))
def test_a_pseudonym_is_stable_and_unlinkable(key: bytes, person: str, other: str) -> None:
    """One person has one pseudonym at a recipient, another at the next, and shares it with nobody."""

    def at(partner: str, subject_key: bytes) -> Callable[[Any], Any]:
        context: Context = replace(
            a_context(partner=partner),
            pseudonym=lambda subject: pseudonym(subject_key, partner, subject),
        )
        return run("pseudonym", context=context)

    here, there = at("courier", key), at("elsewhere", key)

    assert here(person) == here(person) == at("courier", key)(person)
    assert here(person) != there(person)
    assert (here(person) == here(other)) is (person == other)
    assert at("courier", bytes(each ^ 1 for each in key))(person) != here(person)
    assert re.fullmatch("[a-z2-7A-Z0-9]{26}", here(person))


@promise("S4c")
@of("token")
@given(anything, anything)
def test_a_token_says_nothing_of_its_value(one: str, other: str) -> None:
    """What leaves is what the vault answers; the value itself is in no part of it."""
    given_out = iter(range(10))
    token = run("token", token=lambda field, value: f"tok_{next(given_out)}")

    assert [token(one), token(one), token(other)] == ["tok_0", "tok_1", "tok_2"]


@of("constant")
@given(anything, anything | st.booleans())
def test_a_constant_is_always_the_same(one: Any, other: Any) -> None:
    """Whatever the value, the same leaves."""
    constant = run({"constant": "withheld"})

    assert constant(one) == constant(other) == "withheld"


@of("drop")
@given(anything | st.booleans() | st.none())
def test_what_is_dropped_never_leaves(value: Any) -> None:
    """Whatever the value, nothing leaves, not even null."""
    assert run("drop")(value) is DROPPED


def test_every_transform_has_its_property() -> None:
    """A transform of the policy without a property here fails."""
    assert set(TRANSFORMS) == PROVEN


WRITTEN: tuple[str | dict[str, Any], ...] = (
    *("mask-name", "mask-phone", "mask-email", "mask-tail", {"truncate": 2}, "year"),
    *("age-band", "region", "coarse-location", "ip-prefix"),
)


@given(st.from_regex(r"-?[1-9]\.[0-9]{1,10}[eE][+-]?[1-9]", fullmatch=True))
def test_a_number_with_an_exponent_is_not_read(spelled: str) -> None:
    """No transform counts the digits of a number that is written with an exponent."""
    for written in WRITTEN:
        assert run(written)(Number(spelled)) is DROPPED


@given(st.integers(10**10, 10**11), st.integers(1, 9))
def test_zeros_behind_a_point_hide_no_digit(number: int, zeros: int) -> None:
    """A telephone number as a decimal number is not shown because its zeros are hidden."""
    spelled = Number(f"{number}.{'0' * zeros}")
    for written in ("mask-phone", "mask-tail", "mask-name"):
        assert run(written)(spelled) is DROPPED
