"""What a field that leaves as a token needs of its route (S4c)."""

from collections.abc import Iterator

from gateway.errors import Problem
from gateway.model.recipients import SubjectFrom, TokenTerms
from gateway.policy.check_fields import Place, declared_fields
from gateway.policy.selectors import EACH, parse_selector


def check_tokens(place: Place) -> Iterator[Problem]:
    """Everything that is wrong with the tokens of one route."""
    for declared in declared_fields(place):
        call = declared.field.transform
        if call is None or call.name != "token":
            continue
        path = (*declared.path, "transform")
        if not _names_one(place):
            message = (
                "a token is kept for one person, and dies with them, write subject: {from: header} "
                "on the route, or another transform (S4c)"
            )
            yield place.problem(path, message)
        if isinstance(call.argument, TokenTerms) and _outlasts(place, call.argument):
            message = (
                "the token would live longer than the recipient may keep data, and ends with "
                "that, write a shorter ttl (P6)"
            )
            yield place.problem(path, message, warning=True)


def _names_one(place: Place) -> bool:
    subject = place.route.subject
    if subject.source is SubjectFrom.POINTER:
        return EACH not in parse_selector(subject.name)
    return subject.source is not SubjectFrom.NONE


def _outlasts(place: Place, terms: TokenTerms) -> bool:
    return terms.ttl is not None and terms.ttl > place.route.retention
