"""Categories, purposes, grounds and kinds of recipient."""

from gateway.model.policy import Kind, LeafKind
from gateway.policy.vocabulary import (
    read_categories,
    read_grounds,
    read_kinds,
    read_purposes,
)
from tests.unit.policy.builders import node


def test_categories_are_the_leaves_of_a_tree():
    """A category's id is its path in the tree, and it keeps the clauses of its groups (C1, C2)."""
    root, collector = node(
        "categories:\n"
        "  statistics: {title: S, personal: false, identifying: false, clauses: [C6]}\n"
        "  basic:\n"
        "    title: B\n"
        "    clauses: [C1]\n"
        "    contains:\n"
        "      phone: {title: P, sensitive: true, clauses: [C2]}\n"
        "      home: {title: H, contains: {street: {title: St}}}\n"
    )
    found = read_categories(root)
    assert collector.problems == []
    assert list(found) == ["statistics", "basic.phone", "basic.home.street"]
    assert found["basic.phone"].sensitive
    assert found["basic.phone"].clauses == ("C1", "C2")
    assert found["basic.home.street"].clauses == ("C1",)
    assert not found["statistics"].personal


def test_an_unmarked_category_is_personal_and_identifying():
    """What a category does not say of itself is read the careful way."""
    root, _ = node("categories: {a: {title: A, clauses: [C1]}}")
    category = read_categories(root)["a"]
    assert (category.personal, category.identifying, category.shareable) == (True, True, True)


def test_purposes_carry_their_terms():
    """A purpose says who may receive, on which grounds, and how it is recorded."""
    root, collector = node(
        "purposes:\n"
        "  moving:\n"
        "    {version: 2, title: M, core: true, grounds: [consent, agreement],\n"
        "     kinds: [successor],\n"
        "     leaf: transfer, active_choice: true, clauses: [T1-3]}\n"
    )
    purpose = read_purposes(root)["moving"]
    assert collector.problems == []
    assert (purpose.version, purpose.grounds) == (2, ("consent", "agreement"))
    assert purpose.kinds == {Kind.SUCCESSOR}
    assert purpose.leaf is LeafKind.TRANSFER
    assert (purpose.active_choice, purpose.sale, purpose.deidentified) == (True, False, False)


def test_a_purpose_with_a_mistake_keeps_its_id():
    """One mistake does not make the purpose unknown to every manifest that names it."""
    root, collector = node("purposes: {moving: {version: x}}")
    assert list(read_purposes(root)) == ["moving"]
    assert len(collector.problems) > 1


def test_grounds_say_what_must_prove_them():
    """Evidence, registration and minors are as the document says, closed by default (S5, M2)."""
    root, collector = node(
        "grounds:\n"
        "  dispute: {title: D, evidence: true, registered: true, clauses: [S1]}\n"
        "  law: {title: L, evidence: true, registered_kinds: [authority], minors: true,"
        " clauses: [S1]}\n"
    )
    found = read_grounds(root)
    assert collector.problems == []
    assert (found["dispute"].registered, found["dispute"].minors) == (True, False)
    assert found["law"].registered_kinds == {Kind.AUTHORITY}
    assert found["law"].minors


def test_every_kind_has_its_rule():
    """No kind of recipient goes without a rule."""
    root, collector = node("kinds: {partner: {categories_without_consent: [], clauses: [S3]}}")
    found = read_kinds(root)
    assert found[Kind.PARTNER].categories_without_consent == ()
    assert found[Kind.PARTNER].agreement
    missing = {one.message.split('"')[1] for one in collector.problems}
    assert missing == {kind.value for kind in Kind} - {"partner"}
