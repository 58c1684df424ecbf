"""What the form of a leaf must be, whatever the leaves around it say."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from gateway.ledger.encode import LedgerEncodeError, canonical
from gateway.ledger.leaf import REQUIRED, Kind
from gateway.model.shares import Outcome

_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_KINDS: Final = frozenset(Kind)
_OUTCOMES: Final = frozenset(Outcome)


class Wrong(Exception):
    """What is wrong with the leaf at hand."""


def parse(leaf: bytes | Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """A leaf's members and the bytes that are hashed, which must be canonical. Raises `Wrong`."""
    try:
        members = json.loads(leaf.decode()) if isinstance(leaf, bytes) else dict(leaf)
        data = canonical(members)
    except LedgerEncodeError as error:
        raise Wrong(f"it holds {error}") from error
    except (ValueError, RecursionError) as error:
        raise Wrong("it is no JSON in UTF-8") from error
    if not isinstance(members, dict):
        raise Wrong("it is no JSON object")
    if isinstance(leaf, bytes) and data != leaf:
        raise Wrong("it is not in canonical form")
    return members, data


def kind_of(leaf: Mapping[str, Any]) -> Kind:
    """A leaf's kind. Raises `Wrong`."""
    kind = leaf.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Wrong("it is of no known kind")
    return Kind(kind)


def check_members(kind: Kind, leaf: dict[str, Any]) -> None:
    """Raise `Wrong` where a leaf is not complete for its kind."""
    if not all(map(_sound, leaf.values())):
        raise Wrong("it holds something else than strings, integers, booleans, lists, objects")
    if not isinstance(leaf.get("id"), str) or not leaf["id"]:
        raise Wrong("it has no id")
    if not _is_time(leaf.get("at")):
        raise Wrong("its time `at` is not of the form 2026-03-01T12:00:00.123Z")
    if missing := REQUIRED[kind] - leaf.keys():
        raise Wrong(f"it has no {min(missing)}, and is of kind {kind}")
    if not all(isinstance(leaf.get(name, ""), str) for name in ("share", "partner", "outcome")):
        raise Wrong("its share, partner or outcome is no text")
    if kind is Kind.OUTCOME and leaf["outcome"] not in _OUTCOMES:
        raise Wrong("its outcome is not known")


def _sound(value: Any) -> bool:
    match value:
        case str() | int():
            return True
        case list():
            return all(map(_sound, value))
        case dict():
            return all(map(_sound, value.values()))
        case _:
            return False


def _is_time(text: Any) -> bool:
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
