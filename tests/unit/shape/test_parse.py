"""JSON that is exactly RFC 8259, and decompression that stays within bounds."""

import gzip
import json
import time
import zlib
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CallerError, Reason
from gateway.shape import Limits, Number, decode_content, parse_json
from gateway.shape.parse import MAX_NUMBER
from tests.unit.shape.builders import parsed

# Without the time, which would be another in each process that names the tests.
packed = partial(gzip.compress, mtime=0)


def refusal(body: bytes, **limits: int) -> CallerError:
    with pytest.raises(CallerError) as caught:
        parse_json(body, Limits(**limits))
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"{",
        b"{}}",
        b"[1,]",
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a" 1}',
        b"[01]",
        b"[1.]",
        b"[.5]",
        b"[+1]",
        b"[0x10]",
        b"[1e]",
        b"[-]",
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[tru]",
        b"[True]",
        b'["a\nb"]',
        b'["a\x00b"]',
        b'["a\x1fb"]',
        b"\x00[]",
        b"[]\x00",
        b"[]\x0c",
        b'["\\x41"]',
        b'["\\u12"]',
        b'["\\u00g0"]',
        b'["open',
        b"/* no */ []",
        b'["\xff"]',
        b'["\xc0\xaf"]',
        b'["\xed\xa0\x80"]',
        b"\xef\xbb\xbf{}",
        '["a"]'.encode("utf-16"),
        '["a"]'.encode("utf-16-le"),
        '["a"]'.encode("utf-32"),
        '["\u00fc"]'.encode("latin-1"),
        '["\u4e2d"]'.encode("gb18030"),
        b"[]\xc2\xa0",
    ],
)
def test_what_is_not_json_is_malformed(body):
    """Anything that RFC 8259 does not have, in any place, is refused as malformed."""
    assert refusal(body).reason is Reason.BODY_MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        r'["\ud800"]',
        r'["\udc00"]',
        r'["\ud800x"]',
        r'["\ud800\u0041"]',
        r'["\udc00\ud800"]',
        r'["\uD83D"]',
        r'["\ud83d\ud83d\ude00"]',
        r'{"\udfff":1}',
        r'{"a":"\ud800","a":1}',
        r'{"dropped":{"deep":["\ud800"]}}',
        r'["\\\ud800"]',
        r'["\ud83d\ude00\ude00"]',
    ],
)
def test_half_a_surrogate_pair_is_malformed_anywhere(text):
    """Half a surrogate pair is refused, also in a value that would have been dropped."""
    assert refusal(text.encode()).reason is Reason.BODY_MALFORMED


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'["\ud83d\ude00"]', "😀"),
        (r'["\uD83D\uDE00"]', "😀"),
        (r'["\\ud800"]', r"\ud800"),
        (r'["\u0000"]', "\0"),
        (r'["\u2028\ufeff\/"]', "\u2028\ufeff/"),
        ('["\u007f"]', "\x7f"),
    ],
)
def test_unusual_and_legal_text_is_carried(text, value):
    """Escaped NUL, whole surrogate pairs and other legal escapes are text like any other."""
    assert parsed(text) == [value]


@pytest.mark.parametrize("scalar", ['"a"', "1", "true", "null"])
def test_a_scalar_is_a_document(scalar):
    """A scalar alone parses, so that the filter can refuse it in its turn."""
    assert not isinstance(parsed(scalar), dict | list)


def test_the_last_of_a_repeated_key_counts():
    """Of a repeated key only the last value is in the document."""
    assert parsed('{"a":"first","b":1,"a":"last"}') == {"a": "last", "b": "1"}


@pytest.mark.parametrize(
    "spelling",
    [
        *("0", "-0", "1.10", "1e0", "1E+2", "-1.5e-7", "1e999999999"),
        *("9" * MAX_NUMBER, "0." + "1" * (MAX_NUMBER - 2), "-1e" + "1" * (MAX_NUMBER - 3)),
    ],
)
def test_numbers_keep_their_spelling(spelling):
    """A number is carried digit by digit, however large it is, up to the stated length."""
    (number,) = parsed(f"[{spelling}]")
    assert type(number) is Number
    assert number == spelling


@pytest.mark.parametrize(
    "spelling",
    [
        *("9" * (MAX_NUMBER + 1), "0." + "1" * (MAX_NUMBER - 1), "-1e" + "1" * (MAX_NUMBER - 2)),
        "7" * 1_000_000,
    ],
    ids=len,
)
@pytest.mark.parametrize("before", [0, 1, 1999, 2000, 3999])
def test_a_longer_number_is_refused(spelling, before):
    """A number beyond the stated length is malformed wherever it stands, and found in no time."""
    begun = time.perf_counter()
    error = refusal(f'["{"x" * before}", {{"a": {spelling}}}]'.encode())
    assert error.reason is Reason.BODY_MALFORMED
    assert str(MAX_NUMBER) in str(error)
    assert time.perf_counter() - begun < 2


def test_a_long_text_of_digits_is_no_number():
    """Only numbers are measured: a text may have as many digits as it likes."""
    assert parsed('["' + "7" * 9000 + '"]') == ["7" * 9000]
    assert parsed('["' + "7" * 9000 + '", 1]') == ["7" * 9000, "1"]


def test_depth_counts_from_one():
    """A scalar in one array is at depth one; the limit itself still passes."""
    assert parsed("[1]", depth=1) == ["1"]
    assert parsed('{"a":{"b":1}}', depth=2) == {"a": {"b": "1"}}
    assert refusal(b"[[1]]", depth=1).reason is Reason.BODY_TOO_DEEP
    assert refusal(b'{"a":[1]}', depth=1).reason is Reason.BODY_TOO_DEEP


@pytest.mark.parametrize("depth", [64, 65])
@pytest.mark.parametrize("opening", ["[", '{"k":'])
def test_the_default_limit_is_64(depth, opening):
    """Sixty-four levels pass, sixty-five do not, of arrays as of objects."""
    closing = "]" if opening == "[" else "}"
    body = (opening * depth + "1" + closing * depth).encode()
    if depth == 64:
        assert parsed(body) is not None
    else:
        assert refusal(body).reason is Reason.BODY_TOO_DEEP


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b"[" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[[]," * 50_000 + b"1" + b"]" * 50_000,
        b'{"\\"[":' * 100_000,
        b"[" * 100_000 + b"x" + b"]" * 100_000,
    ],
)
def test_a_hundred_thousand_brackets_are_refused_at_once(body):
    """A hundred thousand brackets are too deep, and finding that out takes no time."""
    begun = time.perf_counter()
    error = refusal(body)
    assert error.reason is Reason.BODY_TOO_DEEP
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(
    "body",
    [b"]" * 100_000, b"[]" * 100_000, b'"' + b'\\"' * 200_000, b'["' + b'\\"[' * 100_000],
)
def test_hostile_nonsense_is_refused_at_once(body):
    """Brackets and quotation marks that mean nothing are malformed, in linear time."""
    begun = time.perf_counter()
    assert refusal(body).reason is Reason.BODY_MALFORMED
    assert time.perf_counter() - begun < 2


def test_a_higher_limit_never_ends_in_a_recursion_error():
    """A home that allows more depth than the scanner can do still answers too deep."""
    error = refusal(b"[" * 50_000 + b"]" * 50_000, depth=60_000)
    assert error.reason is Reason.BODY_TOO_DEEP


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('ab[]{}",:\\\u4e2d')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from('[{"\\')), inner),
    max_leaves=60,
)


@given(JSON, st.integers(1, 6))
def test_the_depth_found_is_the_depth_there_is(document, limit):
    """Brackets inside strings never count, brackets outside always do."""
    body = json.dumps(document).encode()
    if depth_of(document) > limit:
        assert refusal(body, depth=limit).reason is Reason.BODY_TOO_DEEP
    else:
        assert json.dumps(parse_json(body, Limits(depth=limit)), default=str) is not None


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(JSON)
def test_parsing_agrees_with_the_standard_library(document):
    """What parses is what the standard library reads, with numbers as they are written."""
    text = json.dumps(document, ensure_ascii=len(repr(document)) % 2 == 0)
    expected = json.loads(text, parse_int=lambda digits: Number(digits))
    assert parsed(text) == expected


def test_size_is_checked_before_anything_else():
    """One byte over the limit is too large, whatever it holds."""
    assert parsed("[1]", bytes=3) == ["1"]
    assert refusal(b"[1] ", bytes=3).reason is Reason.BODY_TOO_LARGE


@pytest.mark.parametrize("body", [b'["secret" x', b'["secret\xff"]', b"[NaN, 'secret']"])
def test_errors_carry_nothing_of_the_body(body):
    """Neither the error nor anything chained to it holds what was sent."""
    error = refusal(body)
    assert "secret" not in f"{error!r} {error.detail} {error.__dict__}"
    assert error.__cause__ is None
    assert error.__context__ is None


def decoded(body: bytes, encoding: str, limit: int = 1000) -> bytes | Reason:
    try:
        return decode_content(body, encoding, limit)
    except CallerError as error:
        return error.reason


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("X-GZIP ", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_known_codings_are_undone(encoding, encode):
    """gzip and deflate, in both shapes it is sent in, are undone; identity is nothing to undo."""
    assert decoded(encode(b'{"a":1}'), encoding) == b'{"a":1}'


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "gzip,deflate", "*"])
def test_other_codings_are_unsupported(encoding):
    """Any other coding, and any chain of codings, is refused before it is looked at."""
    assert decoded(b"x", encoding) is Reason.BODY_TYPE_UNSUPPORTED


def test_a_bomb_is_too_large():
    """Ten megabytes of zeros in ten kilobytes stop at the limit."""
    bomb = packed(bytes(10_000_000))
    assert decoded(bomb, "gzip", limit=100_000) is Reason.BODY_TOO_LARGE
    assert decoded(zlib.compress(bytes(10_000_000)), "deflate", 100_000) is Reason.BODY_TOO_LARGE


def test_the_limit_holds_to_the_byte():
    """As many bytes as allowed pass, one more does not, also over several members."""
    assert decoded(packed(bytes(1000)), "gzip") == bytes(1000)
    assert decoded(packed(bytes(1001)), "gzip") is Reason.BODY_TOO_LARGE
    two = packed(bytes(500))
    assert decoded(two + two, "gzip") == bytes(1000)
    assert decoded(two + two + packed(b"x"), "gzip") is Reason.BODY_TOO_LARGE
    assert decoded(bytes(1001), "identity") is Reason.BODY_TOO_LARGE


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b""),
        ("gzip", b"{}"),
        ("gzip", packed(b"{}")[:-1]),
        ("gzip", packed(b"{}")[:-8] + bytes(8)),
        ("gzip", packed(b"{}") + b"garbage"),
        ("gzip", packed(b"{}") + b"\0"),
        ("gzip", zlib.compress(b"{}")),
        ("gzip", packed(b"{}") * 17),
        ("deflate", b""),
        ("deflate", zlib.compress(b"{}")[:-1]),
        ("deflate", zlib.compress(b"{}") + b"x"),
        ("deflate", zlib.compress(b"{}") + zlib.compress(b"{}")),
        ("deflate", packed(b"{}")),
    ],
)
def test_a_stream_that_is_not_whole_is_malformed(encoding, body):
    """Truncated, damaged or followed by anything: the compressed body is refused."""
    assert decoded(body, encoding) is Reason.BODY_MALFORMED


def test_a_million_empty_members_are_no_hang():
    """A body of nothing but empty gzip members is refused at once."""
    begun = time.perf_counter()
    assert decoded(packed(b"") * 100_000, "gzip", 10**7) is Reason.BODY_MALFORMED
    assert time.perf_counter() - begun < 1
