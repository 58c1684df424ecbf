"""
The documents of `policies/` together: edition, territories, rights, promises,
and the words that `vocabulary` reads. `check_rules` tells what must hold
between them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from gateway.errors import Problem
from gateway.model.ids import CategoryId, ClauseId, GroundId, PurposeId
from gateway.model.policy import (
    Category,
    Edition,
    Ground,
    Kind,
    KindRule,
    Promise,
    Purpose,
    Rights,
)
from gateway.policy import vocabulary
from gateway.policy.documents import Document
from gateway.policy.reading import Collector, Node, clauses, flag, maybe, read_or, root_of, text
from gateway.policy.words import named

ERASE_REASONS = (
    "user-request",
    "account-closed",
    "consent-withdrawn",
    "unlawful",
    "agreement-breached",
    "service-ended",
    "minor-without-consent",
    "retention-expired",
    "agreement-ended",
)
"""Every reason of an erasure (contract §9)."""

REFUSAL_GROUNDS = (
    "repetitive",
    "excessive-effort",
    "impractical",
    "national-security",
    "public-safety",
    "criminal-procedure",
    "bad-faith",
    "harm-to-others",
)
"""Every ground on which a request may be refused (contract §9, R7)."""

_RIGHTS = (
    "default_days",
    "days_by_reason",
    "scope_required",
    "announced_days",
    "tombstone_months",
    "refusal_grounds",
    "clauses",
)
_OPTIONAL = ("records_months", "reminders_days", "escalate_days")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Everything that `policies/` says."""

    edition: Edition
    territories: Mapping[str, bool]
    """Every known territory, and whether data may go there (K1)."""
    categories: Mapping[CategoryId, Category]
    purposes: Mapping[PurposeId, Purpose]
    grounds: Mapping[GroundId, Ground]
    kinds: Mapping[Kind, KindRule]
    rights: Rights
    promises: Mapping[ClauseId, Promise]


RULE_DOCUMENTS = (
    "categories.yaml",
    "edition.yaml",
    "grounds.yaml",
    "promises.yaml",
    "purposes.yaml",
    "recipients.yaml",
    "rights.yaml",
    "territories.yaml",
)
"""The names of the documents of which `policies/` consists."""


def read_rules(documents: Mapping[str, Document]) -> tuple[Rules, list[Problem]]:
    """
    What the documents say, by their names in `RULE_DOCUMENTS`, and all that is wrong.

    What an unreadable document says is empty in the result.
    """
    nodes: dict[str, Node] = {}
    collectors: list[Collector] = []
    for name in RULE_DOCUMENTS:
        if name in documents and documents[name].root is not None:
            nodes[name], collector = root_of(documents[name])
            collectors.append(collector)
    rules = _read(nodes)
    unread = [doc for name, doc in documents.items() if name not in nodes]
    problems = [problem for document in unread for problem in document.problems]
    problems += [problem for collector in collectors for problem in collector.problems]
    return rules, problems


def _read(nodes: Mapping[str, Node]) -> Rules:
    def of(name: str) -> Node | None:
        return nodes.get(f"{name}.yaml")

    categories, purposes, grounds = of("categories"), of("purposes"), of("grounds")
    kinds, territories, promises = of("recipients"), of("territories"), of("promises")
    return Rules(
        edition=_read_edition(of("edition")),
        territories=_read_territories(territories) if territories else {},
        categories=vocabulary.read_categories(categories) if categories else {},
        purposes=vocabulary.read_purposes(purposes) if purposes else {},
        grounds=vocabulary.read_grounds(grounds) if grounds else {},
        kinds=vocabulary.read_kinds(kinds) if kinds else {},
        rights=_read_rights(of("rights")),
        promises=_read_promises(promises) if promises else {},
    )


def _read_edition(node: Node | None) -> Edition:
    keys = ("number", "published", "effective", "title")
    fields = node.fields((*keys, "clauses"), required=keys) if node else {}
    if "clauses" in fields:
        fields["clauses"].clauses()
    return Edition(
        number=read_or(fields, "number", Node.identifier, ""),
        published=read_or(fields, "published", Node.day, date.min),
        effective=read_or(fields, "effective", Node.moment, datetime.min.replace(tzinfo=UTC)),
        title=text(fields, "title"),
    )


def _read_territories(node: Node) -> dict[str, bool]:
    keys = ("territories", "clauses")
    fields = node.fields(keys, required=keys)
    clauses(fields)
    found: dict[str, bool] = {}
    for code, member in fields["territories"].members().items() if "territories" in fields else ():
        if len(code) != 2 or not code.isascii() or not code.isupper():
            member.misnamed(f"{named(code)} is no territory, write an ISO 3166-1 code such as SG")
        found[code] = flag(member.fields(("allowed",), required=("allowed",)), "allowed", False)
    return found


def _read_rights(node: Node | None) -> Rights:
    fields = node.fields((*_RIGHTS, *_OPTIONAL), required=_RIGHTS) if node else {}
    clauses(fields)
    return Rights(
        default_days=read_or(fields, "default_days", Node.whole, 1),
        days_by_reason=maybe(fields, "days_by_reason", _read_days) or {},
        scope_required=frozenset(_chosen(fields, "scope_required", ERASE_REASONS)),
        announced_days=read_or(fields, "announced_days", Node.whole, 1),
        tombstone_months=read_or(fields, "tombstone_months", Node.whole, 1),
        refusal_grounds=_chosen(fields, "refusal_grounds", REFUSAL_GROUNDS),
        records_months=maybe(fields, "records_months", Node.whole),
        reminders_days=_reminders(fields),
        escalate_days=read_or(fields, "escalate_days", Node.whole, 1),
    )


def _reminders(fields: Mapping[str, Node]) -> tuple[int, ...]:
    """Days before a deadline, most first; left out: the usual ones. An empty list: none."""
    if "reminders_days" not in fields:
        return (7, 3, 1)
    days = [item.whole() for item in fields["reminders_days"].items()]
    return tuple(sorted({one for one in days if one is not None}, reverse=True))


def _read_days(node: Node) -> dict[str, int]:
    days = {reason: member.whole() for reason, member in node.fields(ERASE_REASONS).items()}
    return {reason: number for reason, number in days.items() if number is not None}


def _chosen(fields: Mapping[str, Node], key: str, options: tuple[str, ...]) -> tuple[str, ...]:
    items = fields[key].items() if key in fields else ()
    chosen = [item.choice(options) for item in items]
    return tuple(word for word in chosen if word is not None)


def _read_promises(node: Node) -> dict[ClauseId, Promise]:
    top = node.fields(("promises",), required=("promises",))
    members = top["promises"].members() if "promises" in top else {}
    return {ClauseId(key): _promise(ClauseId(key), member) for key, member in members.items()}


def _promise(clause: ClauseId, node: Node) -> Promise:
    keys = ("text", "status", "enforced_by", "no_decision")
    fields = node.fields((*keys, "missing"), required=("text", "status"))
    Node(collector=node.collector, path=node.path, value=[clause]).clauses()
    status = read_or(fields, "status", lambda word: word.choice(("kept", "partly")), "partly")
    if status == "partly" and "status" in fields and "missing" not in fields:
        node.misnamed(f"promise {clause} is kept partly, write what is missing under missing:")
    if status == "kept" and "missing" in fields:
        fields["missing"].misnamed("nothing is missing of what is kept, write status: partly")
    return Promise(
        id=clause,
        text=text(fields, "text"),
        status=status,
        missing=text(fields, "missing"),
        enforced_by=text(fields, "enforced_by"),
        no_decision=text(fields, "no_decision"),
    )
