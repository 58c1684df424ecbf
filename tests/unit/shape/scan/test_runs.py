"""Digits in groups."""

from tests.unit.shape.scan import found, kinds


def test_of_numbers_that_begin_alike_the_longest_is_taken():
    """A number that a longer one begins with, or ends with, is not cut out of it."""
    assert found("110105 19491231 002X") == [("resident-id", "110105 19491231 002X")]
    assert found("6222021234567890128") == [("bank-card", "6222021234567890128")]


def test_a_number_ends_where_a_group_does():
    """Eleven digits inside fifteen are no telephone number."""
    assert kinds("138001380001234") == []
    assert kinds("1380013 80001") == []


def test_dates_before_a_number_do_not_hide_it():
    """A number is found behind a date that is joined to it by a space."""
    assert found("2026-11-22 13800138000") == [("phone", "13800138000")]
    assert found("2026/11/22 4111111111111111") == [("bank-card", "4111111111111111")]


def test_digits_behind_a_point_are_no_number():
    """The places of a decimal fraction are none."""
    assert kinds("0.13800138000") == kinds("0.4111111111111111") == []


def test_chinese_numerals_count_as_digits():
    """A mobile number in Chinese numerals is found; a year or an amount is none."""
    assert found("打一三八零零一三八零零零吧") == [("phone", "一三八零零一三八零零零")]
    assert kinds("二零二六年一千三百八十") == []
