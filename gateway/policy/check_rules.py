"""What must hold between the documents of `policies/`."""

from collections.abc import Iterator, Mapping, Sized

from gateway.errors import Problem
from gateway.model.ids import CategoryId
from gateway.model.policy import Ground, Purpose, Rights
from gateway.policy.documents import Document, Path, Value
from gateway.policy.reading import CLAUSE
from gateway.policy.rules import Rules
from gateway.policy.words import instead, named, nearest

# R6: a person is answered within 30 days. These reasons are a person's request.
ANSWER_DAYS = 30
# What was provided to others stays on record for three years at least.
RECORDS_MONTHS = 36
REQUESTS = (
    "user-request",
    "account-closed",
    "consent-withdrawn",
    "unlawful",
    "agreement-breached",
)
# M3: what is held of a minor without consent goes first.
SHORTEST = "minor-without-consent"
# C2: "a password can never be declared shareable, in any manifest".
PASSWORD = CategoryId("network.password")


def check_rules(rules: Rules, documents: Mapping[str, Document]) -> Iterator[Problem]:
    """Everything that is wrong between the rules; an unreadable document is passed over."""
    readable = {name: doc for name, doc in documents.items() if doc.root is not None}
    yield from _empty(rules, readable)
    if "categories.yaml" in readable:
        yield from _graded(rules, readable["categories.yaml"])
    if "purposes.yaml" in readable:
        for purpose in rules.purposes.values():
            yield from _purpose(purpose, rules, readable["purposes.yaml"])
    if "grounds.yaml" in readable:
        for ground in rules.grounds.values():
            yield from _ground(ground, readable["grounds.yaml"])
    if "recipients.yaml" in readable and rules.categories:
        yield from _trees(rules, readable["recipients.yaml"])
    if "rights.yaml" in readable:
        yield from _rights(rules.rights, readable["rights.yaml"])
    if rules.promises:
        for document in readable.values():
            yield from _citations(rules, document)


def _empty(rules: Rules, readable: Mapping[str, Document]) -> Iterator[Problem]:
    """
    A document that declares nothing. Against an empty catalog nothing could be
    checked, so a set without one must never load.
    """
    declared: Mapping[str, Sized] = {
        "categories": rules.categories,
        "purposes": rules.purposes,
        "grounds": rules.grounds,
        "territories": rules.territories,
        "promises": rules.promises,
    }
    for key, found in declared.items():
        document = readable.get(f"{key}.yaml")
        if document is not None and not found and _is_mapping(document, key):
            yield document.problem(
                (key,), f"{key} declares nothing, write at least one", at_key=True
            )


def _is_mapping(document: Document, key: str) -> bool:
    """What is no mapping at all was told as that already."""
    return isinstance(document.root, dict) and isinstance(document.root.get(key), dict)


def _graded(rules: Rules, document: Document) -> Iterator[Problem]:
    """C2: the published policy itself says that a password is nobody else's business."""
    category = rules.categories.get(PASSWORD)
    if category is not None and category.shareable:
        places = {path[-1]: path for path in document.keys if _names(path, category.id)}
        path = next(iter(places.values()), ("categories",))
        message = f"{category.id} is never shared with anybody, write shareable: false (C2)"
        yield document.problem(path, message, at_key=True)


def _names(path: Path, category: CategoryId) -> bool:
    """Whether a key of the tree is that of a category: `contains` stands between the levels."""
    return (
        path[:1] == ("categories",)
        and ".".join(str(part) for part in path[1:] if part != "contains") == category
    )


def _purpose(purpose: Purpose, rules: Rules, document: Document) -> Iterator[Problem]:
    place: Path = ("purposes", purpose.id)
    for index, ground_id in enumerate(purpose.grounds):
        ground = rules.grounds.get(ground_id)
        at = (*place, "grounds", index)
        if ground is None and rules.grounds:
            advice = instead(ground_id, rules.grounds)
            yield document.problem(at, f"ground {named(ground_id)} is not declared, {advice}")
        # S5: protecting rights is never a reason to earn.
        if ground is not None and purpose.commercial and not ground.commercial:
            message = f'ground "{ground_id}" never carries a commercial purpose, remove it (S5)'
            yield document.problem(at, message)
    # C3: an additional function runs on what the person switched on.
    if purpose.grounds and not purpose.core and "consent" not in purpose.grounds:
        message = "an additional purpose runs on the person's consent, write consent too (C3)"
        yield document.problem((*place, "grounds"), message)


def _ground(ground: Ground, document: Document) -> Iterator[Problem]:
    if ground.registered and not ground.evidence:
        message = "registered evidence is evidence, write evidence: true, or registered: false"
        yield document.problem(("grounds", ground.id, "registered"), message)


def _trees(rules: Rules, document: Document) -> Iterator[Problem]:
    tops = sorted({category.split(".")[0] for category in rules.categories})
    for rule in rules.kinds.values():
        for index, tree in enumerate(rule.categories_without_consent or ()):
            if not any(within(category, tree) for category in rules.categories):
                yield document.problem(
                    ("kinds", rule.kind.value, "categories_without_consent", index),
                    f"category {named(tree)} is not declared, {instead(tree, tops)}",
                )


def within(category: CategoryId, tree: CategoryId) -> bool:
    """Whether `category` is `tree`, or stands under it."""
    return category == tree or category.startswith(f"{tree}.")


def _rights(rights: Rights, document: Document) -> Iterator[Problem]:
    late = f"a person is answered within {ANSWER_DAYS} days, write less (R6)"
    if rights.default_days > ANSWER_DAYS:
        yield document.problem(("default_days",), late)
    for reason in REQUESTS:
        if rights.days_by_reason.get(reason, 0) > ANSWER_DAYS:
            yield document.problem(("days_by_reason", reason), late)
    if rights.announced_days < ANSWER_DAYS:
        message = f"an end is announced at least {ANSWER_DAYS} days ahead, write more (K3)"
        yield document.problem(("announced_days",), message)
    if rights.records_months is not None and rights.records_months < RECORDS_MONTHS:
        message = (
            f"records of what was provided are kept at least {RECORDS_MONTHS} months, write more "
            "(Network Data Security Regulations, Art. 12)"
        )
        yield document.problem(("records_months",), message)
    yield from _shortest(rights, document)


def _shortest(rights: Rights, document: Document) -> Iterator[Problem]:
    days = rights.days_by_reason
    others = [rights.default_days, *(days[reason] for reason in days if reason != SHORTEST)]
    if days.get(SHORTEST, rights.default_days + 1) > min(others):
        message = f"{SHORTEST} has the shortest deadline, write {min(others)} or less (M3)"
        yield document.problem(("days_by_reason", SHORTEST), message)


def _citations(rules: Rules, document: Document) -> Iterator[Problem]:
    for path, cited in cited_clauses(document.root):
        if CLAUSE.fullmatch(cited) and cited not in rules.promises:
            close = nearest(cited, rules.promises)
            advice = f'write "{close}"' if close else "write the id of a row of promises.yaml"
            yield document.problem(path, f"clause {named(cited)} is no promise, {advice}")


def cited_clauses(value: Value, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every element of every `clauses:` list below `value`, with its path."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from cited_clauses(item, (*path, index))
    elif isinstance(value, dict):
        for key, member in value.items():
            if key == "clauses" and isinstance(member, list):
                for index, item in enumerate(member):
                    if isinstance(item, str):
                        yield (*path, key, index), item
            else:
                yield from cited_clauses(member, (*path, key))
