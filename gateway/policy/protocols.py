"""
Which protocol of a manifest carries what, and what goes another way
(contract §7 `deletion`, §9; STANDARDS §0.1).

`terms_for` is the one place that decides how a recipient is told of an action.
"""

from collections.abc import Mapping
from typing import Final

from gateway.model.cases import Action
from gateway.model.recipients import Deletion
from gateway.policy.templates import CHANGES, PSEUDONYM, names_in

WEBHOOKS: Final = "standard-webhooks"
DDRF: Final = "ddrf"
OPENDSR: Final = "opendsr"
REST: Final = "rest"
MANUAL: Final = "manual"

CARRIES: Final[Mapping[str, frozenset[Action]]] = {
    WEBHOOKS: frozenset(Action),
    DDRF: frozenset({Action.ERASE}),
    OPENDSR: frozenset({Action.ERASE}),
    REST: frozenset(Action),
    MANUAL: frozenset(Action),
}
"""Which actions each protocol has words for; of `rest` the manifest says which it uses."""

SPOKEN: Final = frozenset({WEBHOOKS, DDRF, OPENDSR, REST})
"""
The protocols that are carried by program (`gateway.notices.dialects.DIALECTS` has
the program of each); all others are a person's task.
"""


def carries(deletion: Deletion, action: Action) -> bool:
    """Whether these terms by themselves, no fallback counted, have words for an action."""
    if action not in CARRIES.get(deletion.protocol, ()):
        return False
    if deletion.protocol != REST:
        return True
    request = deletion.requests.get(action)
    # R1: a correction without its new values would correct nothing.
    return request is not None and (
        action is not Action.RECTIFY or CHANGES in names_in(request.body)
    )


def terms_for(deletion: Deletion | None, action: Action) -> Deletion | None:
    """
    The terms under which a program tells a recipient of an action: the manifest's
    own, else those of its fallback. None: a person does, because there is no
    address, no program that speaks the protocol, or nothing that carries it.
    """
    if deletion is None:
        return None
    if carries(deletion, action):
        return deletion if _by_program(deletion) else None
    other = deletion.fallback_to
    return other if other is not None and _by_program(other) and carries(other, action) else None


def carried(deletion: Deletion | None, action: Action) -> str:
    """The protocol by which a recipient is told of an action; `manual`: a person tells it."""
    terms = terms_for(deletion, action)
    return MANUAL if terms is None else terms.protocol


def by_records(terms: Deletion, action: Action) -> bool:
    """
    Whether these terms can name single records by the recipient's own ids and leave
    the rest of the person alone (P6).
    """
    if terms.protocol == WEBHOOKS:
        return True
    if terms.protocol in (DDRF, OPENDSR):
        return "reference" in terms.identifiers
    request = terms.requests.get(action)
    if request is None:
        return False
    used = {*names_in(request.path), *names_in(request.body)}
    return PSEUDONYM not in used


def _by_program(deletion: Deletion) -> bool:
    return deletion.url is not None and deletion.protocol in SPOKEN
