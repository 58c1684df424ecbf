"""
Corrections: who had which of the corrected fields, and how they are told
(contract §9; R1).

A change names a category of the policy, and means every field of exactly that
category; or a field as leaves name it (`/recipient/phone`, `query.email`), and
means it at every recipient in the scope. Two recipients may mean different things
by one name: where it is not of one category at all of them, the case names whose
field it is.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from gateway.cases.plan import PlannedNotice
from gateway.errors import CallerError, Reason
from gateway.model.cases import CaseScope, NewValue, Told
from gateway.model.ids import CategoryId
from gateway.model.recipients import Field, Route, TransformCall

MOST_CHANGES: Final = 50
LONGEST_TEXT: Final = 2000
"""Characters of one new value, so that each fits a notice when it is sealed."""

CHANGES_BUDGET: Final = 9_000
"""Bytes of new values in one notice, sealed; they share 20 kB with references and the rest."""
REFERENCES_BUDGET: Final = 6_000

# What sealing adds to a value: header, epk, nonce and tag, in base64url.
_SEAL_BYTES: Final = 700

_PLACES = ("/", "path.", "query.", "header.")

# Of these transforms a recipient has nothing that a new value would change.
_UNCHANGED = frozenset({"drop", "constant", "pseudonym"})

TOKEN: Final = "token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """One field of a recipient that a change is about, and what it is changed to."""

    selector: str
    category: CategoryId
    value: Any


def check_changes(
    changes: Mapping[str, Any] | None,
    scope: CaseScope,
    *,
    rectify: bool,
    categories: Collection[CategoryId],
    fields: Mapping[str, CategoryId],
) -> None:
    """
    Check what a correction changes, as the caller wrote it.

    `categories` are those of the policy, `fields` the declared ones of the
    recipients in the scope that mean one thing. Raises `CallerError` (`request-invalid`)
    with a sentence that says what to write; it names categories, fields and no value.
    """
    if not rectify:
        if changes is not None:
            raise _invalid("changes: only rectify changes something")
        return
    if not changes:
        raise _invalid("changes: rectify needs at least one category or field with its new value")
    if len(changes) > MOST_CHANGES:
        raise _invalid(f"changes: at most {MOST_CHANGES} at once")
    for name, value in changes.items():
        _check_name(name, scope, categories, fields)
        if len(str(value)) > LONGEST_TEXT:
            raise _invalid(f"changes: a new value has at most {LONGEST_TEXT} characters")


def _check_name(
    name: str,
    scope: CaseScope,
    categories: Collection[CategoryId],
    fields: Mapping[str, CategoryId],
) -> None:
    if name in categories:
        return
    # The name itself may be anything, also a value that was put in the wrong place.
    if not is_field(name):
        raise _invalid("changes: one of the names is no category of the policy and no field")
    if name in fields:
        return
    if scope.partners:
        raise _invalid("changes: one of the fields is declared by no recipient in scope.partners")
    told = "is declared by no recipient, or means different things to several"
    raise _invalid(f"changes: one of the fields {told}, name whose it is in scope.partners")


def is_field(name: str) -> bool:
    """Whether a name of a change is a field, as leaves name it."""
    return name.startswith(_PLACES)


def changed_categories(
    changes: Mapping[str, Any], fields: Mapping[str, CategoryId]
) -> frozenset[CategoryId]:
    """What a correction is about; it holds no value and may be shown."""
    return frozenset(fields[one] if one in fields else CategoryId(one) for one in changes)


def route_of(routes: Iterable[Route], purpose: str, names: Collection[str]) -> tuple[Route, ...]:
    """The routes by which a share for this purpose with these fields may have gone."""
    mine = [route for route in routes if route.purpose == purpose]
    fitting = [route for route in mine if set(names) <= {name for name, _ in route.named_fields()}]
    return tuple(fitting or mine)


def declared(routes: Iterable[Route], selector: str) -> tuple[Field, ...]:
    """How these routes declare a field; each different way once."""
    found: dict[tuple[Any, ...], Field] = {}
    for route in routes:
        for name, one in route.named_fields():
            if name == selector:
                found.setdefault((one.category, _written(one.transform)), one)
    return tuple(found.values())


def meant(
    changes: Mapping[str, Any],
    names: Iterable[str],
    categories: Mapping[str, frozenset[CategoryId]],
) -> Iterator[Meant]:
    """
    What the changes mean for a share with these fields. `categories`: those that
    each field is, or was, declared with. A change of a field counts before one of its category.
    """
    for name in names:
        mine = categories.get(name, frozenset())
        by_category = sorted(one for one in mine if one in changes)
        if name in changes:
            category = next(iter(sorted(mine)), CategoryId(""))
            yield Meant(selector=name, category=category, value=changes[name])
        elif by_category:
            category = by_category[0]
            yield Meant(selector=name, category=category, value=changes[category])


def form_of(then: Sequence[Field], now: Sequence[Field]) -> Field | None:
    """
    The declared field whose transform the new value goes through; None: nobody can say.

    The recipient never gets more than it had, nor more than it may get today: of
    two transforms the one that hides counts, and of two that hide differently none.
    """
    if len(then) > 1 or len(now) > 1:
        return None
    before, today = next(iter(then), None), next(iter(now), None)
    if before is None or today is None:
        return before or today
    if _written(before.transform) == _written(today.transform) or before.transform is None:
        return today
    return before if today.transform is None else None


def untouched(form: Field) -> bool:
    """Whether a recipient with this form of a field has nothing of the value."""
    return form.transform is not None and form.transform.name in _UNCHANGED


def by_token(form: Field) -> bool:
    """Whether the value stayed with the gateway: its recipient redeems the new one (S4c)."""
    return form.transform is not None and form.transform.name == TOKEN


def with_changes(
    planned: Iterable[PlannedNotice], values: Mapping[tuple[str, str], Sequence[NewValue]]
) -> tuple[PlannedNotice, ...]:
    """
    The notices with what each recipient is told, by (recipient, pseudonym); what does
    not fit goes on in further parts.
    """
    groups: dict[tuple[str, str], list[PlannedNotice]] = {}
    for one in planned:
        groups.setdefault((one.partner, one.told.pseudonym), []).append(one)
    return tuple(
        notice
        for key, group in groups.items()
        for notice in _shared_out(group, _chunks(values.get(key, ())))
    )


def only_changes(told: Told, values: Iterable[NewValue]) -> Told:
    """What is told, without what its recipient turned out not to have."""
    known = {(one.selector, one.purpose) for one in values}
    kept = tuple(one for one in told.changes if (one.selector, one.purpose) in known)
    return replace(told, changes=kept)


def _shared_out(
    group: Sequence[PlannedNotice], chunks: Sequence[tuple[NewValue, ...]]
) -> Iterator[PlannedNotice]:
    count = max(len(group), len(chunks))
    for number in range(count):
        first = group[number] if number < len(group) else group[0]
        told = first.told
        if number >= len(group):
            told = replace(told, references=())
        if count > 1:
            told = replace(told, part=number + 1, parts=count)
        changes = chunks[number] if number < len(chunks) else ()
        yield replace(first, told=replace(told, changes=changes))


def _chunks(values: Sequence[NewValue]) -> list[tuple[NewValue, ...]]:
    """Values in runs that fit a notice; a field stands once in each."""
    chunks: list[list[NewValue]] = []
    for value in values:
        size = _size(value)
        place = next(
            (
                one
                for one in chunks
                if sum(map(_size, one)) + size <= CHANGES_BUDGET
                and all(other.selector != value.selector for other in one)
            ),
            None,
        )
        if place is None:
            chunks.append([value])
        else:
            place.append(value)
    return [tuple(one) for one in chunks]


def _size(value: NewValue) -> int:
    """About how many bytes it takes in a notice: sealed, and the name of its field."""
    octets = len((value.value or "").encode()) + len(value.selector.encode()) + len(value.purpose)
    return _SEAL_BYTES + octets * 4 // 3 + len(json.dumps(value.selector))


def _written(transform: TransformCall | None) -> str | None:
    return None if transform is None else f"{transform.name}|{transform.argument!r}"


def _invalid(detail: str) -> CallerError:
    return CallerError(Reason.REQUEST_INVALID, detail)
