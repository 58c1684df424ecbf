"""What a route may be under the policy: purpose, ground, kind, seal, subject, and its siblings."""

from collections import defaultdict
from collections.abc import Iterator

from gateway.errors import Problem
from gateway.model.ids import NO_CATEGORY
from gateway.model.policy import Purpose
from gateway.model.recipients import ReceivedFile, Route, Seal, SubjectFrom
from gateway.policy.check_fields import Place, a_kind, check_fields, declared_fields
from gateway.policy.check_tokens import check_tokens
from gateway.policy.jwks import can_seal
from gateway.policy.routes import parameters_of, shape_of
from gateway.policy.selectors import overlaps, parse_selector
from gateway.policy.words import instead, listed, named, nearest

# Transforms that make something of a person, and not of a value.
_ONE_PERSON = ("pseudonym", "token")


def check_route(place: Place) -> Iterator[Problem]:
    """Everything that is wrong with one route under the policy."""
    yield from _purpose(place)
    yield from _ground(place)
    yield from _seal(place)
    yield from _parameters(place)
    yield from _subject(place)
    yield from _selectors(place)
    yield from _bulk(place)
    yield from check_fields(place)
    yield from check_tokens(place)


def _purpose(place: Place) -> Iterator[Problem]:
    route, purpose = place.route, place.purpose
    if not route.purpose or not place.rules.purposes:
        return
    if purpose is None:
        message = f"purpose {named(route.purpose)} is not declared, {_purpose_advice(place)}"
        yield place.problem(("purpose",), message)
        return
    yield from _version(place, purpose)
    kind = place.partner.kind
    if kind not in purpose.kinds:
        open_to = listed(sorted(purpose.kinds))
        message = f'"{purpose.id}" is not open to {a_kind(kind)}, only to kind {open_to}, write '
        yield place.problem(("purpose",), f"{message}a purpose that is (S3)")
    elif place.kind is not None and place.kind.deidentified and not purpose.deidentified:
        message = f'{a_kind(kind)} gets de-identified data only, and "{purpose.id}" is not, write '
        yield place.problem(("purpose",), f"{message}a purpose that is (C6)")


def _purpose_advice(place: Place) -> str:
    """The closest purpose, else the first one that is open to this kind of recipient."""
    purposes = place.rules.purposes
    fitting = [one.id for one in purposes.values() if place.partner.kind in one.kinds]
    close = nearest(place.route.purpose, purposes) or next(iter(fitting), None)
    if close is None:
        return "declare it in purposes.yaml"
    version = next(one.version for one in purposes.values() if one.id == close)
    return f'write "{close}@{version}" or declare it'


def _version(place: Place, purpose: Purpose) -> Iterator[Problem]:
    written = place.route.purpose_version
    right = f'write "{purpose.id}@{purpose.version}"'
    if written == 0:
        message = f"the purpose has no version, {right} (C6)"
        yield place.problem(("purpose",), message)
    elif written > purpose.version:
        message = f'version {written} of "{purpose.id}" does not exist, {right}'
        yield place.problem(("purpose",), message)
    elif written < purpose.version:
        # S2: the set loads, so that one old manifest does not stop all others.
        message = (
            f'version {written} of "{purpose.id}" is over and its shares are refused, {right} '
            "once the recipient has agreed to it (S2)"
        )
        yield place.problem(("purpose",), message, warning=True)


def _ground(place: Place) -> Iterator[Problem]:
    ground, purpose = place.route.ground, place.purpose
    if not ground or not place.rules.grounds:
        return
    if ground not in place.rules.grounds:
        advice = instead(ground, place.rules.grounds)
        message = f"ground {named(ground)} is not declared, {advice} (S1)"
        yield place.problem(("ground",), message)
    elif purpose is not None and ground not in purpose.grounds:
        grounds = listed(purpose.grounds)
        message = f'"{purpose.id}" cannot rest on "{ground}", write {grounds} (S1)'
        yield place.problem(("ground",), message)


def _seal(place: Place) -> Iterator[Problem]:
    route, kind, partner = place.route, place.kind, place.partner
    if kind is not None and kind.sealed and route.seal is not Seal.BODY:
        message = f"{a_kind(kind.kind)} gets everything sealed, write seal: body (D2)"
        yield place.problem(("seal",), message)
    sealing = route.seal is Seal.BODY or (
        route.seal is Seal.FIELDS and any(field.sealed for field in route.send)
    )
    known = partner.keys is None or not partner.keys.startswith("https:")
    if sealing and known and not can_seal(partner.jwks, route.purpose):
        message = (
            f'no key of "{partner.id}" can seal for "{route.purpose}" and its shares are refused, '
            "ask for a use: enc key that is free or bound to it (S4d)"
        )
        yield place.problem(("seal",), message, warning=True)


def _parameters(place: Place) -> Iterator[Problem]:
    route = place.route
    if not route.method:
        return
    names = parameters_of(route.path)
    for name in names:
        if name not in route.path_fields:
            message = f"{{{name}}} has no category, write path: {{{name}: {{category: …}}}} (C1)"
            yield place.problem(("match",), message)
    for name in route.path_fields:
        if name not in names:
            message = f"the path has no parameter {{{name}}}, remove it, or write it in match:"
            yield place.problem(("path", name), message, at_key=True)


def _subject(place: Place) -> Iterator[Problem]:
    subject, names = place.route.subject, parameters_of(place.route.path)
    if subject.source is SubjectFrom.PATH and place.route.method and subject.name not in names:
        advice = f"write path.{names[0]}" if names else "write from: header"
        message = f"the path has no parameter {named(subject.name)}, {advice}"
        yield place.problem(("subject",), message)
    if subject.source is not SubjectFrom.NONE:
        return
    # R1: who says nothing about a person may leave the person out, and nobody else.
    for declared in declared_fields(place):
        category = place.rules.categories.get(declared.field.category)
        if category is not None and category.personal:
            message = (
                f"nobody is named, and {category.id} is about somebody, write "
                "subject: {from: header} on the route (R1)"
            )
            yield place.problem((*declared.path, "category"), message)


def _selectors(place: Place) -> Iterator[Problem]:
    route = place.route
    received = route.receive if isinstance(route.receive, tuple) else ()
    parts = {
        "send": [field.selector for field in route.send],
        "receive": [field.selector for field in received],
    }
    for part, selectors in parts.items():
        for first, second in overlaps(selectors):
            message = f'"{second}" names the same values as "{first}", keep one of the two'
            yield place.problem((part, second), message, at_key=True)


def _bulk(place: Place) -> Iterator[Problem]:
    if place.route.bulk_records is None:
        return
    yield from _bulk_whole(place)
    yield from _bulk_subject(place)


def _bulk_whole(place: Place) -> Iterator[Problem]:
    """What stands once for all records of a batch can be about none of their people."""
    for declared in declared_fields(place):
        if declared.part == "send":
            continue
        field = declared.field
        if field.category != NO_CATEGORY:
            message = (
                f"{declared.part} is the same for all records of a batch and {field.category} is "
                "not, move the field to send:, or write category: none (R1)"
            )
            yield place.problem((*declared.path, "category"), message)
        elif field.transform is not None and field.transform.name in _ONE_PERSON:
            message = (
                f'"{field.transform.name}" needs one person, and {declared.part} is the same for '
                "all records of a batch, move the field to send:"
            )
            yield place.problem((*declared.path, "transform"), message)
    if isinstance(place.route.receive, ReceivedFile):
        message = "of the answer to a batch nothing but the status comes back, remove receive:"
        yield place.problem(("receive",), message)


def _bulk_subject(place: Place) -> Iterator[Problem]:
    route = place.route
    if route.subject.source is SubjectFrom.NONE:
        return
    if route.subject.source is not SubjectFrom.POINTER or "*" in parse_selector(route.subject.name):
        message = "in bulk each line names one person, write subject: {from: /pointer}"
        yield place.problem(("subject",), message)
        return
    received = route.receive if isinstance(route.receive, tuple) else ()
    told = any(field.reference for field in received) or any(
        field.selector == route.subject.name
        and field.transform is not None
        and field.transform.name == "pseudonym"
        for field in route.send
    )
    # R3: otherwise nobody could tell the recipient later whom to delete.
    if not told:
        message = (
            f'the recipient could not tell whose each line is, write "{route.subject.name}" with '
            "transform: pseudonym, or take back a field with reference: true (R3)"
        )
        yield place.problem(("bulk",), message)


def check_siblings(places: list[Place]) -> Iterator[Problem]:
    """Routes of one partner that the same request would match (contract §6)."""
    found: dict[tuple[str, tuple[str, ...], str], list[Route]] = defaultdict(list)
    for place in places:
        route = place.route
        if not route.method or not route.purpose:
            continue
        key = (route.method, shape_of(route.path), route.purpose)
        if found[key]:
            message = (
                f'route "{found[key][0].id}" has the same method, path and purpose, write another '
                "purpose, or make one route of the two"
            )
            yield place.problem(("match",), message)
        found[key].append(route)
