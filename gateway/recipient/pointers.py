"""JSON Pointers (RFC 6901) into a received body."""

import re
from typing import Any

from gateway.recipient.arguments import check_text
from gateway.recipient.errors import RecipientError

_POINTER = re.compile(r"(/([^~/]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")


def resolve(document: Any, pointer: str) -> Any:
    """
    The value at `pointer`; the empty pointer is the whole document.

    Raises pointer-malformed or field-missing.
    """
    if not _POINTER.fullmatch(check_text(pointer, "the pointer")):
        raise RecipientError("pointer-malformed")
    value = document
    for token in pointer.split("/")[1:]:
        value = _step(value, token.replace("~1", "/").replace("~0", "~"))
    return value


def _step(value: Any, token: str) -> Any:
    if isinstance(value, dict) and token in value:
        return value[token]
    if isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
        return value[int(token)]
    raise RecipientError("field-missing")
