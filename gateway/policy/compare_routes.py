"""Comparing what one recipient gets for one purpose: its routes, before and after."""

from collections.abc import Iterator

from gateway.model.ids import GroundId
from gateway.model.policyset import PolicySet
from gateway.model.recipients import (
    ReceivedField,
    ReceivedFile,
    Route,
    Seal,
    SubjectFrom,
    SubjectPlace,
)
from gateway.policy.compare_fields import compare_fields, declared
from gateway.policy.differences import (
    LEVEL,
    NARROWER,
    UNKNOWN,
    WIDER,
    Difference,
    Site,
    Step,
    What,
    by_limit,
    by_size,
)
from gateway.policy.routes import shape_of

CONSENT = GroundId("consent")

# How much of a share is readable on the way and at the door of the recipient.
_SEALS = (Seal.BODY, Seal.FIELDS, Seal.NONE)


def compare_routes(
    site: Site,
    old: tuple[Route, ...],
    new: tuple[Route, ...],
    policies: tuple[PolicySet, PolicySet],
) -> Iterator[Difference]:
    """
    Every difference between the routes of one recipient for one purpose.

    Routes are the same if they have the same id, or else the same method and
    path: a route that is only renamed changes nothing.
    """
    same, gone, added = _matched(old, new)
    for before, after in same:
        yield from _compare_route(site.at(route=after.id), before, after, policies)
    for route in added:
        yield site.at(route=route.id).change(What.ROUTE, route.id, None, letting_out(route), WIDER)
    for route in gone:
        here = site.at(route=route.id)
        yield here.change(What.ROUTE, route.id, letting_out(route), None, NARROWER)


def letting_out(route: Route) -> str:
    """What a route lets out, in a line: its categories and its ground."""
    categories = sorted({field.category for field in declared(route).values()})
    return f"{', '.join(categories) or 'nothing'} on {route.ground}"


def counterpart(route: Route, others: tuple[Route, ...]) -> Route | None:
    """The one of `others`, all for its purpose, that is the same route in another edition."""
    alike = [one for one in others if one.purpose == route.purpose]
    by_id = (one for one in alike if _same_id(route, one))
    return next(by_id, None) or next((one for one in alike if same_template(route, one)), None)


def _matched(
    old: tuple[Route, ...], new: tuple[Route, ...]
) -> tuple[list[tuple[Route, Route]], list[Route], list[Route]]:
    """Routes that are the same, those that went and those that came."""
    same: list[tuple[Route, Route]] = []
    gone, added = list(old), list(new)
    for alike in (_same_id, same_template):
        for before in list(gone):
            after = next((one for one in added if alike(before, one)), None)
            if after is not None:
                same.append((before, after))
                gone.remove(before)
                added.remove(after)
    return same, gone, added


def _same_id(one: Route, other: Route) -> bool:
    return one.id == other.id


def same_template(one: Route, other: Route) -> bool:
    """Whether two routes answer to the same requests, apart from their purpose."""
    return (one.method, shape_of(one.path)) == (other.method, shape_of(other.path))


def _compare_route(
    site: Site, old: Route, new: Route, policies: tuple[PolicySet, PolicySet]
) -> Iterator[Difference]:
    versions = old.purpose_version, new.purpose_version
    yield from site.value(What.PURPOSE, "version", *versions, UNKNOWN)
    yield from site.value(What.GROUND, "default", old.ground, new.ground, _grounds)
    yield from site.value(What.RETENTION, "", old.retention, new.retention, by_size)
    yield from site.value(What.SEAL, "", old.seal, new.seal, _seals)
    yield from _compare_subjects(site, old.subject, new.subject)
    yield from compare_fields(site, old, new, policies)
    yield from _compare_received(site, old, new, policies)
    yield from _compare_details(site, old, new)


def _grounds(before: GroundId, after: GroundId) -> Step:
    """The person's own word asks for the most; no other two grounds can be compared."""
    if after == CONSENT:
        return NARROWER
    return WIDER if before == CONSENT else UNKNOWN


def _seals(before: Seal, after: Seal) -> Step:
    return by_size(_SEALS.index(before), _SEALS.index(after))


def _compare_subjects(site: Site, old: SubjectPlace, new: SubjectPlace) -> Iterator[Difference]:
    """Whose consent is asked for: nobody's is the widest, somebody else's cannot be compared."""
    if SubjectFrom.NONE in (old.source, new.source):
        step = WIDER if new.source is SubjectFrom.NONE else NARROWER
    else:
        step = UNKNOWN
    yield from site.value(What.ROUTE, "subject", _named(old), _named(new), step)


def _named(place: SubjectPlace) -> str:
    return f"{place.source} {place.name}".strip()


def _compare_details(site: Site, old: Route, new: Route) -> Iterator[Difference]:
    detail = What.DETAIL
    yield from site.value(detail, "id", old.id, new.id, LEVEL)
    yield from site.value(detail, "match", _match(old), _match(new), LEVEL)
    yield from site.value(detail, "idempotency", old.idempotency, new.idempotency, LEVEL)
    yield from site.value(detail, "body_limit", old.body_limit, new.body_limit, LEVEL)
    yield from site.value(detail, "bulk", old.bulk_records, new.bulk_records, LEVEL)
    headers = frozenset(old.receive_headers), frozenset(new.receive_headers)
    yield from site.value(detail, "receive_headers", *headers, LEVEL)


def _match(route: Route) -> str:
    return f"{route.method} /{'/'.join(route.path)}"


def _compare_received(
    site: Site, old: Route, new: Route, policies: tuple[PolicySet, PolicySet]
) -> Iterator[Difference]:
    """What comes back: more about the person (C5), or less by which a notice could name it (R3)."""
    if isinstance(old.receive, ReceivedFile) or isinstance(new.receive, ReceivedFile):
        yield from _compare_files(site, old, new)
        return
    before = {field.selector: field for field in old.receive or ()}
    after = {field.selector: field for field in new.receive or ()}
    for name in sorted(before.keys() | after.keys()):
        yield from _compare_answer(site, name, before.get(name), after.get(name), policies)


def _compare_files(site: Site, old: Route, new: Route) -> Iterator[Difference]:
    one, other = old.receive, new.receive
    if one is None or other is None:
        step = WIDER if one is None else NARROWER
    elif isinstance(one, ReceivedFile) and isinstance(other, ReceivedFile):
        step = by_size(one.max_bytes, other.max_bytes) if one.content == other.content else UNKNOWN
    else:
        step = UNKNOWN
    if one != other:
        yield site.change(What.RECEIVED, "", _received(one), _received(other), step)


def _received(receive: tuple[ReceivedField, ...] | ReceivedFile | None) -> str:
    match receive:
        case None:
            return "the status"
        case ReceivedFile():
            return f"{receive.content} up to {receive.max_bytes} bytes"
        case _:
            return "fields"


def _compare_answer(
    site: Site,
    name: str,
    before: ReceivedField | None,
    after: ReceivedField | None,
    policies: tuple[PolicySet, PolicySet],
) -> Iterator[Difference]:
    if before is None or after is None:
        about = any(map(_about_a_person, policies, (before, after)))
        step = (WIDER if before is None else NARROWER) if about else LEVEL
        yield site.change(What.RECEIVED, name, _answer(before), _answer(after), step)
    else:
        categories = before.category, after.category
        yield from site.value(What.RECEIVED, f"{name} category", *categories, UNKNOWN)
        sizes = before.max_length, after.max_length
        yield from site.value(What.RECEIVED, f"{name} max_length", *sizes, by_limit)
    references = bool(before and before.reference), bool(after and after.reference)
    yield from site.flag(What.DELETION, f"{name} reference", *references, wide=False)


def _about_a_person(policy: PolicySet, field: ReceivedField | None) -> bool:
    if field is None or field.category is None:
        return False
    known = policy.categories.get(field.category)
    return known is None or known.personal


def _answer(field: ReceivedField | None) -> str | None:
    return None if field is None else field.category or "no category"
