"""How the reports say things: in the words of people, not of manifests."""

from datetime import timedelta

from gateway.model.ids import CategoryId
from gateway.model.policy import Category, Kind
from gateway.model.policyset import PolicySet
from gateway.model.recipients import Field, Route, Seal, TransformCall

KINDS = {
    Kind.AFFILIATE: "Company of our group",
    Kind.PARTNER: "Business partner",
    Kind.PROCESSOR: "Processor, on our instructions",
    Kind.BRANCH: "Branch of the same application",
    Kind.AUTHORITY: "Authority",
    Kind.RESEARCH: "Research institute",
    Kind.SUCCESSOR: "New holder of a business",
}

TRANSFORMS = {
    "mask-name": "masked",
    "mask-phone": "masked",
    "mask-email": "masked",
    "mask-tail": "masked",
    "truncate": "shortened",
    "year": "the year only",
    "age-band": "the age group only",
    "region": "the region only",
    "coarse-location": "approximate only",
    "ip-prefix": "the network part only",
    "hash": "as a code that only this recipient gets",
    "pseudonym": "under a pseudonym that only this recipient gets",
    "token": "as a token, which is opened at our gateway only",
    "constant": "replaced by a fixed text",
    "drop": "left out",
}

OUTCOMES = {
    "delivered": "received",
    "timeout": "may have been received",
    "unknown": "may have been received",
    "open": "on its way",
    "not-sent": "not sent",
}


def how(field: Field, route: Route) -> str | None:
    """How one field leaves; None where nothing of it does."""
    if field.transform is not None and field.transform.name == "drop":
        return None
    changed = None if field.transform is None else transformed(field.transform)
    sealed = field.sealed or route.seal is Seal.BODY
    encrypted = "encrypted for the recipient" if sealed else None
    return ", ".join(part for part in (changed, encrypted) if part) or "unchanged"


def transformed(call: TransformCall) -> str:
    """What a transform does to a value."""
    return TRANSFORMS.get(call.name, "changed")


def category(policy: PolicySet, id: str) -> str:
    """A category's title; one that is not known any more by its id."""
    known = policy.categories.get(CategoryId(id))
    return known.title if known else id


def tells_of_people(known: Category | None) -> bool:
    """Whether a category belongs into a report: all but what is about nobody at all."""
    return known is None or known.id != "none"


def span(time: timedelta) -> str:
    """A time that data may be kept: `30 days`."""
    seconds = round(time.total_seconds())
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= size and seconds % size == 0:
            return plural(seconds // size, unit)
    return plural(seconds, "second")


def plural(count: int, noun: str, many: str | None = None) -> str:
    """A count with its noun: `1 day`, `2 days`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def moment(stamp: str) -> str:
    """A time of a JSON value for people: `2026-03-01 12:00 UTC`."""
    return f"{stamp[:10]} {stamp[11:16]} UTC" if len(stamp) > 15 else stamp
