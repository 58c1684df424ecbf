"""The request line, taken as it stands."""

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.errors import CallerError
from gateway.web.requests import query_of, target, whole_number


@pytest.mark.parametrize(
    ("raw", "path", "query"),
    [
        ("/share/p/x", "/share/p/x", ""),
        ("/share/p/../x", "/share/p/../x", ""),
        ("//share//p", "//share//p", ""),
        ("/share/p/%2e%2e/x", "/share/p/%2e%2e/x", ""),
        ("/x?", "/x", ""),
        ("/x?a=1?b=2", "/x", "a=1?b=2"),
        ("/x?a=%2F%3F", "/x", "a=%2F%3F"),
        ("http://gateway.example/share/p?q=1", "/share/p", "q=1"),
        ("http://gateway.example", "/", ""),
        ("*", "/", ""),
    ],
)
def test_a_target_is_not_normalised(raw: str, path: str, query: str) -> None:
    """Neither dots nor slashes nor encodings are touched; an absolute form loses its host."""
    assert target(make_mocked_request("GET", raw)) == (path, query)


@pytest.mark.parametrize(
    ("raw", "parameters"),
    [
        ("/x", {}),
        ("/x?a=1&b=", {"a": "1", "b": ""}),
        ("/x?a=1&a=2", {"a": "1"}),
        ("/x?a=%E6%AC%A7+x", {"a": "欧 x"}),
    ],
)
def test_a_query_is_read_once(raw: str, parameters: dict[str, str]) -> None:
    """Of several values under one name the first counts."""
    assert query_of(make_mocked_request("GET", raw)) == parameters


def test_a_query_that_is_no_text_is_refused() -> None:
    """Bytes that are not UTF-8 are nobody's parameter."""
    with pytest.raises(CallerError) as raised:
        query_of(make_mocked_request("GET", "/x?a=%FF"))
    assert raised.value.code == "request-invalid"


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("12345678901234567", 12345678901234567)]
)
def test_a_whole_number_is_read(text: str, number: int) -> None:
    """Digits, and no more than fit."""
    assert whole_number({"n": text}, "n") == number


@pytest.mark.parametrize("text", ["-1", "+1", "1.0", "1e3", " 1", "١", "²", "0x1", "1" * 18, "one"])
def test_what_counts_nothing_is_refused(text: str) -> None:
    """Signs, fractions, other digits and huge numbers are refused by the parameter's name."""
    with pytest.raises(CallerError, match=r"^limit: "):
        whole_number({"limit": text}, "limit")


@pytest.mark.parametrize("query", [{}, {"limit": ""}])
def test_nothing_counts_as_absent(query: dict[str, str]) -> None:
    """An empty parameter is as if it were not there."""
    assert whole_number(query, "limit") is None
