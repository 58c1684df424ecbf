"""
Ways to take a rule out of a running gateway: a check of the engine that is not
asked, a step of a flow that does nothing, a mistake of a manifest that is only
a warning. Each is undone when the patch is.
"""

import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog

from gateway.access import scopes
from gateway.access.scopes import SCOPES, Service
from gateway.cases import states
from gateway.cli import comparing
from gateway.decide import consent, engine, evidence
from gateway.egress import tls
from gateway.errors import Problem
from gateway.flows import issuers, planning, prepare, share, subjects
from gateway.model.payload import Body
from gateway.observe import logs
from gateway.policy import check_rules
from gateway.policy.comparison import compare
from gateway.seal.storage import reveal
from gateway.shape import Received
from gateway.stores.sqlite import cases

Take = Callable[[pytest.MonkeyPatch], None]


def without_check(*names: str) -> Take:
    """The engine without these checks."""

    def take(patch: pytest.MonkeyPatch) -> None:
        left = tuple(check for check in engine.CHECKS if check.name not in names)
        assert len(left) == len(engine.CHECKS) - len(names)
        patch.setattr(engine, "CHECKS", left)

    return take


def told_as_warnings(module: Any, *names: str) -> Take:
    """What these checks of manifests find is only a warning, and the manifest loads."""

    def take(patch: pytest.MonkeyPatch) -> None:
        for name in names:
            patch.setattr(module, name, _lenient(getattr(module, name)))

    return take


def _lenient(check: Callable[..., Any]) -> Callable[..., Any]:
    def warned(*arguments: Any, **more: Any) -> Any:
        found = check(*arguments, **more)
        if isinstance(found, Problem):
            return replace(found, warning=True)
        return iter([replace(problem, warning=True) for problem in found])

    return warned


def blind_to_lack(lack: consent.Lack) -> Take:
    """No consent is refused for this."""

    def take(patch: pytest.MonkeyPatch) -> None:
        before = consent._lack

        def judged(*arguments: Any) -> Any:
            found = before(*arguments)
            return None if found is lack else found

        patch.setattr(consent, "_lack", judged)

    return take


def blind_to_withdrawals(patch: pytest.MonkeyPatch) -> None:
    """A consent that was withdrawn goes on counting."""
    before = consent._events

    def events(facts: Any, *more: Any) -> Any:
        kept = tuple(replace(one, withdrawn_at=None) for one in facts.consents)
        return before(replace(facts, consents=kept), *more)

    patch.setattr(consent, "_events", events)


def blind_to_age(patch: pytest.MonkeyPatch) -> None:
    """Everybody's own consent counts, of whatever age they are."""
    before = consent._events

    def events(facts: Any, *more: Any) -> Any:
        return before(replace(facts, minor=False), *more)

    patch.setattr(consent, "_events", events)


def doing_nothing(module: Any, name: str, answer: Any = None) -> Take:
    """An asynchronous step that does nothing."""

    async def nothing(*arguments: Any, **more: Any) -> Any:
        return answer

    return lambda patch: patch.setattr(module, name, nothing)


def answering(module: Any, name: str, answer: Any) -> Take:
    """A step that always gives this answer."""
    return lambda patch: patch.setattr(module, name, lambda *arguments, **more: answer)


def calling(module: Any, name: str, other: Callable[..., Any]) -> Take:
    """Another step in place of this one."""
    return lambda patch: patch.setattr(module, name, other)


def trusting_anybody(patch: pytest.MonkeyPatch) -> None:
    """TLS without a look at the other side's certificate."""
    before = tls._verifying

    def trusting(*arguments: Any) -> ssl.SSLContext:
        context = before(*arguments)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    patch.setattr(tls, "_verifying", trusting)


def storing_as_it_comes(patch: pytest.MonkeyPatch) -> None:
    """What is known of a person is stored as it was given."""
    patch.setattr(subjects, "protect", lambda key, text, aad, *, random: b"\0" + text)

    def revealed(key: bytes, blob: bytes, aad: bytes) -> bytes:
        return blob[1:] if blob[:1] == b"\0" else reveal(key, blob, aad)

    patch.setattr(subjects, "reveal", revealed)


def keeping_every_reference(patch: pytest.MonkeyPatch) -> None:
    """A recipient's own ids are kept on every route that asks for them."""
    patch.setattr(prepare, "_received", lambda route, purpose: route)


def logging_as_it_comes(patch: pytest.MonkeyPatch) -> None:
    """Log lines go out as they are, errors with all that they say."""
    patch.setattr(logs, "only_listed", structlog.processors.format_exc_info)


def believing_every_token(patch: pytest.MonkeyPatch) -> None:
    """A token is read and its signature is not."""

    async def anybody(self: issuers.Services, token: str) -> Service:
        return Service(
            issuer="nobody",
            name="somebody",
            scopes=frozenset(SCOPES),
            partners=scopes.ALL,
            purposes=scopes.ALL,
            grounds=None,
            expires=self._clock(),
        )

    patch.setattr(issuers.Services, "verify", anybody)


def fencing_nobody(patch: pytest.MonkeyPatch) -> None:
    """A case puts up no fence, and the person's keys stay."""
    for step in ("_fence", "_erase"):
        answering(cases, step, None)(patch)


def telling_of_every_demand(patch: pytest.MonkeyPatch) -> None:
    """Every registered record is one that the person may be told of."""
    before = evidence.carrying

    def told(*arguments: Any) -> Any:
        record = before(*arguments)
        return None if record is None else replace(record, may_tell_subject=True)

    patch.setattr(evidence, "carrying", told)


def passing_everything_back(patch: pytest.MonkeyPatch) -> None:
    """A recipient's answer reaches the app as it came."""

    def whole(route: Any, answer: Any, limits: Any) -> Received:
        body = Body(answer.body)
        return Received(
            body=body, references=(), fields=(), content_type="text/html", dropped=False
        )

    patch.setattr(share, "_filtered", whole)


def sending_at_once(patch: pytest.MonkeyPatch) -> None:
    """Notices of the end of the service do not wait for the announcement."""
    patch.setattr(planning, "earliest_send", lambda reason, announced, rights, accepted: accepted)


def seeing_no_difference(patch: pytest.MonkeyPatch) -> None:
    """Two editions are compared as if they said the same."""
    patch.setattr(comparing, "compare", lambda old, new: compare(old, old))


def backups_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A recipient that has completed has settled, whatever it says of its backups."""
    before = states.settled

    def settled(notice: Any, *, now: Any) -> bool:
        return before(replace(notice, backups_until=None), now=now)

    patch.setattr(states, "settled", settled)


def answering_late(patch: pytest.MonkeyPatch) -> None:
    """The documents may give a person's request more than thirty days."""
    patch.setattr(check_rules, "ANSWER_DAYS", 1000)
    patch.setattr(check_rules, "_rights", lambda rights, document: iter(()))


def both(*takes: Take) -> Take:
    """Several at once."""

    def take(patch: pytest.MonkeyPatch) -> None:
        for one in takes:
            one(patch)

    return take
