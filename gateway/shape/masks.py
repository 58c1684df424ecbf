"""
Masks: a part of the value is shown, the rest is asterisks.

Every function states exactly what is left to see. Characters are counted as a
reader counts them (see `text`). None: the value is not of the kind that the
mask is for, and nothing of it is shown.
"""

from gateway.shape.text import MAX_CLUSTER, ascii_digits, clusters, counted, printed, visible

STAR = "*"

_PHONE_HEAD, _PHONE_HIDDEN, _PHONE_TAIL = 3, 4, 4
_MAX_PHONE_DIGITS = 20
_MAX_EMAIL = 320
_MAX_NAME = 1000
_MAX_LABEL = 63


def mask_name(text: str) -> str | None:
    """
    Shows the first character and how many there are: 欧阳明 -> 欧**. A name of
    one character is hidden whole. Spaces within count and are hidden. None: more
    than 1,000 code points, which is no name.
    """
    if len(text) > _MAX_NAME:
        return None
    parts = clusters(visible(text))
    if len(parts) < 2:
        return STAR * len(parts)
    return parts[0] + STAR * (len(parts) - 1)


def mask_phone(text: str) -> str | None:
    """
    Shows the first three and the last four of at least eleven digits, of fewer
    only the last four, and always hides at least four: 13800138000 ->
    138****8000, 4008001234 -> ******1234, 12345 -> ****5, 110 -> ***. Shows
    also how many digits there are and whether a plus came first; letters and
    other signs never.

    A mobile number of mainland China with its country code (+86, 0086 or 86)
    is masked like the same number without. None: no digits, or more than 20.
    """
    digits = ascii_digits(text)
    national = _without_country(digits)
    count = len(national)
    if not 0 < count <= _MAX_PHONE_DIGITS:
        return None
    head = _PHONE_HEAD if count >= _PHONE_HEAD + _PHONE_HIDDEN + _PHONE_TAIL else 0
    tail = max(0, min(_PHONE_TAIL, count - _PHONE_HIDDEN))
    plus = "+" if national == digits and text.lstrip().startswith(("+", "\uff0b")) else ""
    return plus + national[:head] + STAR * (count - head - tail) + national[count - tail :]


def _without_country(digits: str) -> str:
    for code in ("0086", "86"):
        rest = digits.removeprefix(code)
        if len(rest) == 11 < len(digits) and rest[0] == "1" and rest[1] in "3456789":
            return rest
    return digits


def mask_email(text: str) -> str | None:
    """
    Shows the first character before the @ and the domain: zhang@mail.example
    -> z***@mail.example. Always three asterisks, so the length is not shown; of
    one character before the @ nothing is. None: not an address with a domain
    of two labels or more.
    """
    local, _, domain = text.strip().rpartition("@")
    if not local or len(text) > _MAX_EMAIL or not _is_domain(domain):
        return None
    parts = clusters(visible(local))
    return (parts[0] if len(parts) > 1 else "") + STAR * 3 + "@" + domain


def _is_domain(domain: str) -> bool:
    labels = domain.split(".")
    return len(labels) > 1 and all(map(_is_label, labels))


def _is_label(label: str) -> bool:
    plain = label.replace("-", "")
    return len(label) <= _MAX_LABEL and plain.isalnum() and label[0] != "-" != label[-1]


def mask_tail(text: str, count: int) -> str:
    """
    Shows at most all but the last `count` letters and digits, and how many
    characters follow: A12345678 -> A1234**** for 4. A text that has no more is
    hidden whole.

    Spaces and punctuation do not count, so that none can be put behind what is
    to be hidden; of digits `count` are hidden too, also where letters follow
    them: 13800138000 home -> 1380013********* for 4.
    """
    parts = clusters(visible(text))
    last = [place for place, part in enumerate(parts) if counted(part)][-count - 1 :]
    digits = [place for place, part in enumerate(parts) if part[0].isdecimal()][-count - 1 :]
    shown = min(_after_first(last, count), _after_first(digits, count) if digits else len(parts))
    return "".join(parts[:shown]) + STAR * (len(parts) - shown)


def _after_first(places: list[int], count: int) -> int:
    """Where the last `count` of these places begin; 0: there are no more than `count`."""
    return places[1] if len(places) > count else 0


def truncate(text: str, count: int) -> str:
    """Shows the first `count` characters, and of a longer text not that there was more."""
    # What is cut off is not counted first: it may be long.
    return "".join(clusters(printed(text)[: count * MAX_CLUSTER])[:count])
