"""
What `gateway explain` says of each value, and of all that would have to change.

A value goes by one rule: a field of the manifest, whose file and line are told,
or none, and then the line where it would have to stand.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from gateway.decide.explain import Step
from gateway.errors import REASONS, CallerError, Reason
from gateway.flows.incoming import Draft
from gateway.flows.outbound import require_key
from gateway.flows.prepare import PreparedRoute
from gateway.model.ids import CategoryId, ClauseId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Seal
from gateway.model.shares import Decision, Refused
from gateway.policy.documents import Document, scan_document
from gateway.shape import Context, FieldFate

_SEALED = ClauseId("S4d")
# In a manifest the header parameters stand under another name than in a leaf.
_PARTS = {"path": "path", "query": "query", "header": "headers"}


def told_fields(
    draft: Draft, context: Context, home: Path, *, only: frozenset[CategoryId] | None
) -> list[dict[str, Any]]:
    """
    Every value that came and every one that is missing, with its fate; none where
    there is no route. `only`: the categories to which evidence limits the share (D2).

    Values themselves are never in it.
    """
    route = draft.route
    if route is None:
        return []
    rules = _Rules(home, route)
    return [
        _told(fate, rules.place_of(fate), draft.policy.policy)
        for fate in _fates(draft, route, context, only)
    ]


def _fates(
    draft: Draft, route: PreparedRoute, context: Context, only: frozenset[CategoryId] | None
) -> Iterator[FieldFate]:
    query = parse_qsl(draft.incoming.query, keep_blank_values=True)
    yield from route.path.explain(list(draft.params.items()), context, only=only)
    yield from route.query.explain(query, context, only=only)
    yield from route.headers.explain([], context, only=only)
    if draft.content_type is None:
        yield from (one for one in route.send.explain({}, context, only=only) if one.refuses)
        return
    sealed = route.route.seal is Seal.BODY
    for fate in route.send.explain(draft.document, context, only=only):
        yield _with_the_body(fate) if sealed and fate.fate != "dropped" else fate


def _with_the_body(fate: FieldFate) -> FieldFate:
    return FieldFate(
        pointer=fate.pointer,
        selector=fate.selector,
        category=fate.category,
        fate="sealed",
        why=f"{fate.why}, sealed with the whole body",
        clause=_SEALED,
    )


def _told(fate: FieldFate, rule: str, policy: PolicySet) -> dict[str, Any]:
    category = policy.categories.get(fate.category) if fate.category else None
    clauses = (fate.clause, *(category.clauses if category else ()))
    return {
        "pointer": fate.pointer,
        "selector": fate.selector,
        "category": fate.category,
        "fate": fate.fate,
        "why": fate.why,
        "clause": fate.clause,
        "clauses": list(dict.fromkeys(clauses)),
        "rule": rule,
        "refuses": fate.refuses.value if fate.refuses else None,
    }


class _Rules:
    """Where the manifest declares the fields of one route."""

    def __init__(self, home: Path, route: PreparedRoute) -> None:
        self._route = route.route
        name = f"partners/{route.route.partner}.yaml"
        self._document = self._read(home, name)

    def _read(self, home: Path, name: str) -> Document:
        for path in (home / name, *sorted((home / "partners").glob("*.yaml"))):
            if path.is_file():
                document = scan_document(f"partners/{path.name}", path.read_bytes())
                root = document.root
                if isinstance(root, dict) and root.get("partner") == self._route.partner:
                    return document
        return scan_document(name, b"")

    def place_of(self, fate: FieldFate) -> str:
        """`partners/courier.yaml:21`: the field's own line, or where it would have to stand."""
        place, _, name = fate.pointer.partition(".")
        in_body = fate.pointer[:1] in ("", "/")
        part = "send" if in_body else _PARTS[place]
        key = self._written(part, name) if not in_body else fate.selector
        route: tuple[str, ...] = ("routes", self._route.id)
        path = (*route, part, key) if key is not None else (*route, part)
        problem = self._document.problem(path, "", at_key=True)
        return f"{problem.file}:{problem.line}"

    def _written(self, part: str, name: str) -> str | None:
        """As the manifest spells it; names of headers are equal in any case."""
        prefix = ("routes", self._route.id, part)
        known = [str(path[-1]) for path in self._document.keys if path[:-1] == prefix]
        return next((one for one in known if one.lower() == name.lower()), None)


def needed_changes(
    steps: Sequence[Step],
    fields: Iterable[Mapping[str, Any]],
    draft: Draft,
    decision: Decision,
) -> list[dict[str, Any]]:
    """
    All that stands against a share, in the order in which it counts: what the
    checks say, then fields, then a key that is missing. Empty: it would leave.

    What the share is refused for is among it, whoever found it.
    """
    changes = [
        change(step.refused.reason, step.refused.detail, step.clauses, step.refused.remedy)
        for step in steps
        if step.refused is not None
    ]
    changes += _of_fields(fields)
    if draft.route is not None:
        try:
            require_key(draft, draft.route)
        except CallerError as error:
            changes.append(change(error.reason, error.detail, error.clauses, error.remedy))
    if isinstance(decision, Refused) and not any(
        one["code"] == decision.reason.value for one in changes
    ):
        told = decision.detail, decision.clauses, decision.remedy
        changes.insert(0, change(decision.reason, *told))
    return changes


def _of_fields(fields: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    refusing: dict[Reason, list[str]] = {}
    for one in fields:
        if one["refuses"]:
            refusing.setdefault(Reason(one["refuses"]), []).append(one["pointer"])
    for reason in sorted(refusing, key=list(Reason).index):
        info = REASONS[reason]
        names = ", ".join(refusing[reason]) or "the whole body"
        yield change(reason, f"{info.title}: {names}", info.clauses, info.remedy)


def change(reason: Reason, detail: str, clauses: Iterable[str], remedy: str) -> dict[str, Any]:
    """One thing that would have to change, as `--json` has it."""
    return {
        "code": reason.value,
        "clause": list(clauses),
        "detail": detail,
        "remedy": remedy,
    }
