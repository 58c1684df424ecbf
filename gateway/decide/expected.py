"""Reads the answer that a decision case expects; how it is written stands in `case`."""

from collections.abc import Mapping
from dataclasses import replace

from gateway.decide.carriage import AS_IT_IS, NOTHING, SEALED, Carriage
from gateway.decide.case import Expected
from gateway.decide.casefields import (
    identifier_in,
    identifiers_in,
    known_fields,
    text_in,
)
from gateway.errors import Reason
from gateway.model.policy import LeafKind
from gateway.policy.reading import Node, maybe
from gateway.policy.transforms import TRANSFORMS

_ANSWERS = ("permitted", "refused", "loads")
_CARRIES = ("ground", "evidence", "categories")
_LEAVES = ("leaves", "returns", "terms", "leaf")
_MANNERS = (AS_IT_IS, SEALED, NOTHING, *TRANSFORMS)


def read_expected(node: Node) -> Expected | None:
    """The answer; None after telling what is wrong with it."""
    known = (*_ANSWERS, "clause", "also", *_CARRIES, *_LEAVES)
    fields = known_fields(node, known, required=("clause",))
    if len([answer for answer in _ANSWERS if answer in fields]) != 1:
        node.wrong("a case expects one answer, write permitted: true or refused: CODE")
        return None
    about = Expected(
        refused=None,
        clauses=_clauses(fields["clause"]) if "clause" in fields else (),
        also=_clauses(fields["also"]) if "also" in fields else (),
    )
    if "permitted" in fields:
        return _permission(fields, about)
    for name in (*_CARRIES, *_LEAVES):
        if name in fields:
            fields[name].misnamed(f'a refusal has no "{name}", remove it')
    return _refusal(fields, about) if "refused" in fields else _unloaded(fields, about)


def _permission(fields: Mapping[str, Node], about: Expected) -> Expected:
    if fields["permitted"].flag() is False:
        fields["permitted"].wrong("a refusal is told by its code, write refused: CODE")
    return replace(
        about,
        ground=identifier_in(fields, "ground"),
        evidence=text_in(fields, "evidence"),
        categories=identifiers_in(fields, "categories"),
        carriage=_carriage(fields),
    )


def _refusal(fields: Mapping[str, Node], about: Expected) -> Expected | None:
    reason = fields["refused"].member_of(Reason)
    return None if reason is None else replace(about, refused=reason)


def _unloaded(fields: Mapping[str, Node], about: Expected) -> Expected:
    if fields["loads"].flag() is True:
        fields["loads"].wrong("what loads is asked for a share, write permitted: true")
    return replace(about, loads=False)


def _carriage(fields: Mapping[str, Node]) -> Carriage:
    terms = (
        fields["terms"].fields(("retention", "onward", "territory")) if "terms" in fields else {}
    )
    return Carriage(
        leaves=_manners(fields["leaves"]) if "leaves" in fields else {},
        returns=maybe(fields, "returns", Node.words),
        retention=maybe(terms, "retention", Node.duration),
        onward=identifiers_in(terms, "onward"),
        territory=text_in(terms, "territory"),
        leaf=maybe(fields, "leaf", lambda leaf: leaf.member_of(LeafKind)),
    )


def _manners(node: Node) -> dict[str, str]:
    found = {name: member.choice(_MANNERS) for name, member in node.members().items()}
    return {name: manner for name, manner in found.items() if manner is not None}


def _clauses(node: Node) -> tuple[str, ...]:
    if isinstance(node.value, str):
        node = replace(node, value=[node.value])
    return node.clauses()
