"""Whom a document is about."""

import pytest

from gateway.errors import CallerError, Reason
from gateway.shape import subjects_in
from tests.unit.shape.builders import parsed


def found(document: str, selector: str) -> list[str]:
    return subjects_in(parsed(document), selector)


def refused(document: str, selector: str) -> CallerError:
    with pytest.raises(CallerError) as caught:
        found(document, selector)
    return caught.value


@pytest.mark.parametrize(
    ("document", "selector", "subjects"),
    [
        ('{"user":"u1"}', "/user", ["u1"]),
        ('{"user":{"id":17}}', "/user/id", ["17"]),
        ('{"user":12345678901234567890}', "/user", ["12345678901234567890"]),
        ('{"users":["u1","u2"]}', "/users/*", ["u1", "u2"]),
        ('{"users":[{"id":"u1"},{"id":"u2"},{"id":"u1"}]}', "/users/*/id", ["u1", "u2"]),
        ('{"user":"%s"}' % ("欧" * 85), "/user", ["欧" * 85]),
    ],
)
def test_subjects_are_found(document, selector, subjects):
    """The persons a document names are found, each once, in order."""
    assert found(document, selector) == subjects


@pytest.mark.parametrize(
    ("document", "selector"),
    [
        ("{}", "/user"),
        ('{"user":null}', "/user"),
        ('{"users":[]}', "/users/*"),
        ('{"users":{}}', "/users/*"),
        ('{"users":[{"id":"u1"},{}]}', "/users/*/id"),
        ('"u1"', "/user"),
    ],
)
def test_nobody_is_not_somebody(document, selector):
    """Where nobody is named, or one element names nobody, the subject is missing."""
    assert refused(document, selector).reason is Reason.SUBJECT_MISSING


@pytest.mark.parametrize(
    "value", ['""', "true", "{}", '["secret"]', '{"id":"secret"}', '"%s"' % ("欧" * 86), "1" * 257]
)
def test_a_malformed_subject_is_refused(value):
    """An empty id, one of another type or of more than 256 bytes is malformed."""
    error = refused(f'{{"user":{value}}}', "/user")
    assert error.reason is Reason.SUBJECT_MALFORMED
    assert "secret" not in error.detail


def test_subjects_do_not_print():
    """A subject id shows nothing where it is printed for debugging."""
    assert "u1" not in repr(subjects_in(parsed('{"user":"u1"}'), "/user"))
