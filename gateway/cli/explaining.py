"""Behind `gateway explain`: the decision and the fate of each field, without side effects."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gateway.access.scopes import ALL, SHARE, Service
from gateway.cli.comparing import last_edition
from gateway.cli.fates import needed_changes, told_fields
from gateway.cli.looking import no_key
from gateway.decide.explain import explain
from gateway.errors import CallerError
from gateway.flows.editions import held_by
from gateway.flows.evidence import registered
from gateway.flows.gateway import Partners
from gateway.flows.incoming import Draft, Incoming, read_draft
from gateway.flows.outbound import cut, require_key
from gateway.flows.published import with_current_keys
from gateway.flows.subjects import Subjects
from gateway.model.consent import SubjectFacts
from gateway.model.shares import Permitted, Refused
from gateway.shape import Context, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody wants to know before they send it."""

    partner: str
    method: str
    path: str
    purpose: str
    subject: str
    body: bytes | None
    ground: str | None
    evidence: str | None

    def __repr__(self) -> str:
        return "<Question>"


async def explained(home: Path, question: Question) -> dict[str, Any]:
    """
    The decision, check by check, and each field's fate.

    Raises `CallerError` where the request cannot even be read, `ConfigError`
    for a broken home.
    """
    from gateway.keyring import FileKeyring
    from gateway.wiring import load_config, read_documents, store_of, utc_now

    config = load_config(home)
    keys = FileKeyring(home / "keys")
    documents = read_documents(config, keys)
    limits = Limits(depth=config["limits.depth"], bytes=config["limits.body"])
    draft = read_draft(_incoming(question), documents.prepared, limits)
    facts = [SubjectFacts() for _ in draft.ask.subjects]
    suspended, evidence, policy = False, None, documents.policy
    if config.database.exists():
        store = store_of(config)
        await store.open_for_reading()
        try:
            people = Subjects(store, keys, no_key, utc_now, capacity=100)
            facts = [(await people.get(one)).facts for one in draft.ask.subjects]
            evidence = await registered(draft.ask, store, people, keys.secret("evidence"))
            states = Partners(await store.partner_states())
            suspended = states.state(draft.partner.partner.id).suspended
            keyed = with_current_keys(documents.prepared, await store.published_keys(), utc_now())
            draft = read_draft(_incoming(question), keyed, limits)
            last = await last_edition(store)
            held = held_by(policy, last, config, now=utc_now())
            policy = replace(policy, widened=held)
        finally:
            await store.close()
    told = explain(
        draft.ask,
        policy=policy,
        partner=draft.partner.partner,
        route=draft.route.route if draft.route else None,
        suspended=suspended,
        facts=facts,
        evidence=evidence,
        now=utc_now(),
    )
    only = told.decision.categories if isinstance(told.decision, Permitted) else None
    fields = told_fields(draft, _context(draft), home, only=only)
    final = _with_fields(told.decision, draft)
    return {
        **_decided(final),
        "changes": needed_changes(told.steps, fields, draft, final),
        "checks": _steps(told.steps),
        "fields": fields,
    }


def _with_fields(decision: Permitted | Refused, draft: Draft) -> Permitted | Refused:
    """The decision, once the fields and the key that seals them have been judged as well."""
    if isinstance(decision, Refused) or draft.route is None:
        return decision
    try:
        cut(draft, draft.route, decision, _context(draft))
        require_key(draft, draft.route)
    except CallerError as error:
        return Refused(
            reason=error.reason, detail=error.detail, clauses=error.clauses, remedy=error.remedy
        )
    return decision


def _incoming(question: Question) -> Incoming:
    from datetime import UTC, datetime
    from urllib.parse import quote

    headers = {
        "sharing-purpose": [question.purpose],
        "sharing-subject": [quote(question.subject, safe="")],
    }
    if question.ground:
        headers["sharing-ground"] = [question.ground]
    if question.evidence:
        headers["sharing-evidence"] = [question.evidence]
    if question.body is not None:
        headers["content-type"] = ["application/json"]
    path, _, query = question.path.partition("?")
    return Incoming(
        service=Service(
            issuer="explain",
            name="explain",
            scopes=frozenset({SHARE}),
            partners=ALL,
            purposes=ALL,
            grounds=frozenset({question.ground}) if question.ground else None,
            expires=datetime.now(UTC),
        ),
        method=question.method,
        partner=question.partner,
        path=path,
        query=query,
        headers=headers,
        body=question.body,
        share="explain",
    )


def _decided(decision: Permitted | Refused) -> dict[str, Any]:
    match decision:
        case Permitted():
            return {"decision": "permitted", "ground": decision.ground}
        case Refused():
            return {
                "decision": "refused",
                "code": decision.reason.value,
                "detail": decision.detail,
                "clause": list(decision.clauses),
                "remedy": decision.remedy,
            }


def _steps(steps: Any) -> list[dict[str, Any]]:
    return [
        {
            "check": step.check,
            "result": step.result.value,
            "clause": list(step.clauses),
            "why": step.why,
        }
        for step in steps
    ]


def _context(draft: Draft) -> Context:
    from gateway.wiring import utc_now

    return Context(
        partner=draft.partner.partner.id,
        hash_key=bytes(32),
        pseudonym=lambda value: "pseudonym",
        token=lambda field, value: "token",
        seal=lambda pointer, text: "sealed",
        today=utc_now().date(),
    )
