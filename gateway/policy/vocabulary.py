"""
The words of the policy: categories, purposes, grounds and kinds of recipient,
read from `categories.yaml`, `purposes.yaml`, `grounds.yaml`, `recipients.yaml`.

An entry with a mistake is still read, with the closed reading of what is wrong,
so that its id stays known and the rest of the set can be checked. Whatever is
wrong stops the set from loading.
"""

from collections.abc import Iterator

from gateway.model.ids import CategoryId, ClauseId, GroundId, PurposeId
from gateway.model.policy import Category, Ground, Kind, KindRule, LeafKind, Purpose
from gateway.policy.reading import Node, clauses, flag, maybe, read_or, text

_GROUP = ("title", "clauses", "contains")
_CATEGORY = ("title", "clauses", "sensitive", "shareable", "identifying", "personal")
_PURPOSE = (
    "version",
    "title",
    "core",
    "grounds",
    "kinds",
    "commercial",
    "separate_consent",
    "active_choice",
    "sale",
    "deidentified",
    "leaf",
    "clauses",
)
_GROUND = (
    "title",
    "evidence",
    "registered",
    "registered_kinds",
    "commercial",
    "minors",
    "clauses",
)
_KIND = (
    "agreement",
    "categories_without_consent",
    "sealed",
    "registered_demand",
    "deidentified",
    "accepts_edition",
    "clauses",
)


def read_categories(node: Node) -> dict[CategoryId, Category]:
    """The category catalog, a tree whose leaves are the categories (C1)."""
    top = node.fields(("categories",), required=("categories",))
    if "categories" not in top:
        return {}
    return {
        category.id: category
        for category in _categories(top["categories"], prefix="", inherited=())
    }


def _categories(node: Node, *, prefix: str, inherited: tuple[ClauseId, ...]) -> Iterator[Category]:
    for name, member in node.members().items():
        member_id = f"{prefix}{name}"
        if isinstance(member.value, dict) and "contains" in member.value:
            fields = member.fields(_GROUP, required=("title",))
            text(fields, "title")
            own = inherited + clauses(fields)
            yield from _categories(fields["contains"], prefix=f"{member_id}.", inherited=own)
        else:
            yield _category(member, CategoryId(member_id), inherited)


def _category(node: Node, category: CategoryId, inherited: tuple[ClauseId, ...]) -> Category:
    required = ("title",) if inherited else ("title", "clauses")
    fields = node.fields(_CATEGORY, required=required)
    node.child(node.key, category).identifier()
    return Category(
        id=category,
        title=text(fields, "title"),
        sensitive=flag(fields, "sensitive", False),
        shareable=flag(fields, "shareable", True),
        identifying=flag(fields, "identifying", True),
        personal=flag(fields, "personal", True),
        clauses=inherited + clauses(fields),
    )


def read_purposes(node: Node) -> dict[PurposeId, Purpose]:
    """Why data may leave (S1, S3, C3, C6)."""
    return {purpose.id: purpose for purpose in map(_purpose, _entries(node, "purposes"))}


def _purpose(node: Node) -> Purpose:
    required = ("version", "title", "core", "grounds", "kinds", "clauses")
    fields = node.fields(_PURPOSE, required=required)
    for key, noun, clause in (("grounds", "ground", "S1"), ("kinds", "kind", "S3")):
        if key in fields and fields[key].value == []:
            fields[key].wrong(
                f"nothing can ever leave for it, write at least one {noun} ({clause})"
            )
    return Purpose(
        id=PurposeId(node.key),
        version=read_or(fields, "version", Node.whole, 1),
        title=text(fields, "title"),
        core=flag(fields, "core", False),
        grounds=tuple(GroundId(word) for word in maybe(fields, "grounds", Node.identifiers) or ()),
        kinds=maybe(fields, "kinds", _kinds) or frozenset(),
        commercial=flag(fields, "commercial", False),
        separate_consent=flag(fields, "separate_consent", False),
        active_choice=flag(fields, "active_choice", False),
        sale=flag(fields, "sale", False),
        deidentified=flag(fields, "deidentified", False),
        leaf=read_or(fields, "leaf", lambda leaf: leaf.member_of(LeafKind), LeafKind.INTENT),
        clauses=clauses(fields),
    )


def _kinds(node: Node) -> frozenset[Kind]:
    found = [item.member_of(Kind) for item in node.items()]
    return frozenset(kind for kind in found if kind is not None)


def read_grounds(node: Node) -> dict[GroundId, Ground]:
    """The lawful bases (S1), and what must prove each (S5)."""
    return {ground.id: ground for ground in map(_ground, _entries(node, "grounds"))}


def _ground(node: Node) -> Ground:
    fields = node.fields(_GROUND, required=("title", "evidence", "clauses"))
    return Ground(
        id=GroundId(node.key),
        title=text(fields, "title"),
        evidence=flag(fields, "evidence", True),
        registered=flag(fields, "registered", False),
        registered_kinds=maybe(fields, "registered_kinds", _kinds) or frozenset(),
        commercial=flag(fields, "commercial", True),
        minors=flag(fields, "minors", False),
        clauses=clauses(fields),
    )


def read_kinds(node: Node) -> dict[Kind, KindRule]:
    """What holds for every recipient of a kind; each kind has its rule."""
    top = node.fields(("kinds",), required=("kinds",))
    if "kinds" not in top:
        return {}
    fields = top["kinds"].fields([kind.value for kind in Kind], required=[k.value for k in Kind])
    rules = [_kind(Kind(key), member) for key, member in fields.items()]
    return {rule.kind: rule for rule in rules}


def _kind(kind: Kind, node: Node) -> KindRule:
    fields = node.fields(_KIND, required=("clauses",))
    return KindRule(
        kind=kind,
        agreement=flag(fields, "agreement", True),
        categories_without_consent=maybe(fields, "categories_without_consent", _trees),
        sealed=flag(fields, "sealed", False),
        registered_demand=flag(fields, "registered_demand", False),
        deidentified=flag(fields, "deidentified", False),
        accepts_edition=flag(fields, "accepts_edition", False),
        clauses=clauses(fields),
    )


def _trees(node: Node) -> tuple[CategoryId, ...]:
    return tuple(CategoryId(tree) for tree in node.identifiers())


def _entries(node: Node, key: str) -> list[Node]:
    """The members of the mapping under `key`, each of whose keys is an id."""
    top = node.fields((key,), required=(key,))
    if key not in top:
        return []
    members = list(top[key].members().values())
    for member in members:
        member.child(member.key, member.key).identifier()
    return members
