"""What a declared field may be under the policy: the promises C1, C2, C6, D2, P6, S3 and S4d."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import Problem
from gateway.model.ids import NO_CATEGORY, GroundId
from gateway.model.policy import Category, Kind, KindRule, Purpose
from gateway.model.recipients import Field, Partner, Route, Seal
from gateway.policy.check_rules import within
from gateway.policy.documents import Document, Path
from gateway.policy.names import looks_personal
from gateway.policy.rules import Rules
from gateway.policy.transforms import TRANSFORMS, desensitising
from gateway.policy.words import instead, listed, named

CONSENT = GroundId("consent")
# How many transforms a message names before it gets hard to read.
_NAMED = 4
# What keeps a text from saying anything.
_BOUNDS = ("enum", "pattern", "max_length", "scan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A route in its manifest, with what the policy says about it."""

    rules: Rules
    partner: Partner
    route: Route
    document: Document

    @property
    def kind(self) -> KindRule | None:
        """The rule of the recipient's kind."""
        return self.rules.kinds.get(self.partner.kind)

    @property
    def purpose(self) -> Purpose | None:
        """The route's purpose, if the policy has it."""
        return self.rules.purposes.get(self.route.purpose)

    def writes(self, declared: "Declared", key: str) -> bool:
        """Whether the manifest says anything under `key` of a field."""
        return ("routes", self.route.id, *declared.path, key) in self.document.keys

    def problem(
        self, path: Path, message: str, *, at_key: bool = False, warning: bool = False
    ) -> Problem:
        """A problem at `path` below the route."""
        whole = ("routes", self.route.id, *path)
        return self.document.problem(whole, message, at_key=at_key, warning=warning)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A field, and where it is declared."""

    field: Field
    part: str
    """`send`, `path`, `query` or `headers`."""
    path: Path

    @property
    def sealed(self) -> bool:
        """Whether the manifest asks for it to be sealed by itself."""
        return self.field.sealed

    @property
    def dropped(self) -> bool:
        """Whether nothing of it ever leaves."""
        return self.field.transform is not None and self.field.transform.name == "drop"


_A_KIND = {
    Kind.AFFILIATE: "an affiliate",
    Kind.AUTHORITY: "an authority",
    Kind.RESEARCH: "a recipient of kind research",
}


def a_kind(kind: Kind) -> str:
    """A recipient of `kind`, in words."""
    return _A_KIND.get(kind, f"a {kind.value}")


def declared_fields(place: Place) -> Iterator[Declared]:
    """Every field of the route that may leave, with where it is declared."""
    for field in place.route.send:
        yield Declared(field=field, part="send", path=("send", field.selector))
    parts = {
        "path": place.route.path_fields,
        "query": place.route.query_fields,
        "headers": place.route.header_fields,
    }
    for part, fields in parts.items():
        written = _written_names(place, part)
        for name, field in fields.items():
            yield Declared(field=field, part=part, path=(part, written.get(name, name)))


def _written_names(place: Place, part: str) -> dict[str, str]:
    """How the manifest spells each header; its canonical name is in lower case."""
    prefix = ("routes", place.route.id, part)
    keys = [path[-1] for path in place.document.keys if path[:-1] == prefix]
    return {str(key).lower() if part == "headers" else str(key): str(key) for key in keys}


def check_fields(place: Place) -> Iterator[Problem]:
    """Everything that is wrong with the fields of one route."""
    for declared in declared_fields(place):
        category = place.rules.categories.get(declared.field.category)
        if category is not None:
            yield from _shareable(place, declared.path, category)
            yield from _sensitive(place, declared, category)
            yield from _deidentified(place, declared, category)
            yield from _consented(place, declared, category)
            yield from _demanded(place, declared, category)
        elif place.rules.categories:
            yield _unknown(place, declared.path, declared.field.category)
        yield from _sealed(place, declared)
        yield from _required(place, declared)
        yield from _free_text(place, declared)
    yield from _check_received(place)


def _check_received(place: Place) -> Iterator[Problem]:
    received = place.route.receive
    for field in received if isinstance(received, tuple) else ():
        if field.category is None:
            continue
        path = ("receive", field.selector)
        category = place.rules.categories.get(field.category)
        if category is not None:
            yield from _shareable(place, path, category)
        elif place.rules.categories:
            yield _unknown(place, path, field.category)
    for field in received if isinstance(received, tuple) else ():
        # C6: an id of the record would lead back to the person.
        if field.reference and place.purpose is not None and place.purpose.deidentified:
            message = (
                f"{place.purpose.id} is de-identified and no id of a record is kept of it, "
                "remove reference: (C6)"
            )
            yield place.problem(("receive", field.selector, "reference"), message, warning=True)


def _unknown(place: Place, path: Path, written: str) -> Problem:
    known = place.rules.categories
    inside = [category for category in known if category.startswith(f"{written}.")]
    advice = f"write {listed(inside)}" if inside else instead(written, known)
    message = f"category {named(written)} is not declared, {advice} (C1)"
    return place.problem((*path, "category"), message)


def _shareable(place: Place, path: Path, category: Category) -> Iterator[Problem]:
    # C2: whatever is done to it, and whoever asks.
    if not category.shareable:
        message = f"{category.id} is never shared with anybody, remove the field (C2)"
        yield place.problem((*path, "category"), message)


def _sensitive(place: Place, declared: Declared, category: Category) -> Iterator[Problem]:
    """S4d: a sensitive field leaves desensitised, as a token, or sealed."""
    if not category.sensitive or not category.shareable or _is_sealed(place.route, declared):
        return
    field = declared.field
    rule = TRANSFORMS[field.transform.name] if field.transform is not None else None
    if rule is None or field.transform is None:
        if place.writes(declared, "transform"):
            return  # It is wrong by itself, and told.
        yield place.problem(
            (*declared.path, "category"),
            f"{category.id} is sensitive and leaves as it is, {_way_out(declared, category)} (S4d)",
        )
    elif not rule.desensitises(category.id, field.transform.argument):
        yield place.problem(
            (*declared.path, "transform"),
            f'"{rule.name}" as written does not desensitise {category.id}, '
            f"{_way_out(declared, category)} (S4d)",
        )


def _is_sealed(route: Route, declared: Declared) -> bool:
    if declared.part != "send":
        return False
    return route.seal is Seal.BODY or (route.seal is Seal.FIELDS and declared.sealed)


def _way_out(declared: Declared, category: Category) -> str:
    # `hash` and `pseudonym` make another thing of the value; whoever needs it reads on below.
    fitting = [name for name in desensitising(category.id) if name not in ("hash", "pseudonym")]
    advice = f"write transform: {listed(fitting[:_NAMED])}"
    if declared.part == "send":
        return f"{advice}, or sealed: true with seal: fields"
    return f"{advice} (only the body can be sealed)"


def _deidentified(place: Place, declared: Declared, category: Category) -> Iterator[Problem]:
    """C6: nothing that singles a person out, and no stable id, sealed or not."""
    purpose, call = place.purpose, declared.field.transform
    if purpose is None or not purpose.deidentified or declared.dropped:
        return
    rule = TRANSFORMS[call.name] if call is not None else None
    if rule is not None and rule.stable:
        message = (
            f'"{rule.name}" gives each person a lasting id, and {purpose.id} is de-identified, '
            "write another transform, or drop (C6)"
        )
        yield place.problem((*declared.path, "transform"), message)
    elif category.identifying and not (
        rule is not None and call is not None and not rule.identifies(category.id, call.argument)
    ):
        generalising = [rule.name for rule in TRANSFORMS.values() if rule.generalises]
        message = (
            f"{category.id} singles a person out, and {purpose.id} is de-identified, write "
            f"transform: {listed(generalising)}, or drop (C6)"
        )
        yield place.problem((*declared.path, "category"), message)


def _consented(place: Place, declared: Declared, category: Category) -> Iterator[Problem]:
    """S3: without consent some kinds get certain trees of categories only."""
    allowed = place.kind.categories_without_consent if place.kind is not None else None
    if allowed is None or not category.personal or declared.dropped:
        return
    if place.route.ground in ("", CONSENT) or any(within(category.id, tree) for tree in allowed):
        return
    message = (
        f"{a_kind(place.partner.kind)} gets {category.id} only with consent, write "
        "ground: consent, or kind: processor for who acts on our instructions (S3)"
    )
    yield place.problem((*declared.path, "category"), message)


def _demanded(place: Place, declared: Declared, category: Category) -> Iterator[Problem]:
    """D2: what cannot be sealed does not go where everything is sealed."""
    kind = place.kind
    if kind is None or not kind.sealed or declared.part == "send" or declared.dropped:
        return
    if category.personal:
        message = (
            f"{category.id} would leave unsealed here, and {a_kind(kind.kind)} gets "
            "nothing unsealed, move it to send: (D2)"
        )
        yield place.problem((*declared.path, "category"), message)


def _sealed(place: Place, declared: Declared) -> Iterator[Problem]:
    if not declared.sealed:
        return
    path = (*declared.path, "sealed")
    if declared.part != "send":
        message = "only the body can be sealed, remove sealed: here, or move the field to send:"
        yield place.problem(path, message)
    elif place.route.seal is Seal.NONE:
        message = "nothing is sealed under seal: none, write seal: fields on the route (S4d)"
        yield place.problem(path, message)


def _required(place: Place, declared: Declared) -> Iterator[Problem]:
    if declared.field.required and declared.dropped:
        message = "the field is required and dropped, remove one of the two"
        yield place.problem((*declared.path, "required"), message)


def _free_text(place: Place, declared: Declared) -> Iterator[Problem]:
    """P6, C1: what says nothing about a person should not be able to."""
    field = declared.field
    if field.category != NO_CATEGORY or field.enum is not None:
        return
    if looks_personal(field.selector) and field.type != "boolean":
        message = (
            f'"{field.selector}" looks personal and is declared none, write its category, or '
            "an enum of what it can be (C1)"
        )
        yield place.problem(declared.path, message, at_key=True, warning=True)
    if declared.part in ("send", "query") and _unbounded(place, declared):
        message = (
            f'"{field.selector}" is text that can say anything, write enum, pattern, max_length '
            "or scan, or another type (P6)"
        )
        yield place.problem(declared.path, message, at_key=True, warning=True)


def _unbounded(place: Place, declared: Declared) -> bool:
    field = declared.field
    if field.type != "string" and place.writes(declared, "type"):
        return False
    # A bound that is written and wrong is told already.
    return not any(place.writes(declared, key) for key in (*_BOUNDS, "transform"))
