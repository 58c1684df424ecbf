"""
Reads decision cases from a document, every mistake with its place.

What a case says, and how it is written, stands in `case`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from gateway.decide.case import (
    NOBODY,
    Case,
    CaseAsk,
    ConsentGiven,
    EvidenceGiven,
    Expected,
    FenceGiven,
    Given,
    PartnerGiven,
    PersonGiven,
)
from gateway.errors import ConfigError, Reason
from gateway.model.consent import By, Method, Scope
from gateway.model.policy import Kind
from gateway.model.recipients import State
from gateway.policy.documents import scan_document
from gateway.policy.reading import Node, root_of


def parse_cases(name: str, raw: bytes) -> tuple[Case, ...]:
    """
    Read the cases of one document, whose file is called `name` in messages.

    Raises `ConfigError` with every mistake, each at its line and column.
    """
    root, collector = root_of(scan_document(name, raw))
    # Where nothing could be read, the reason is told already.
    read = [] if root.value is None else [_case(node) for node in root.items()]
    if collector.problems:
        raise ConfigError(collector.problems)
    return tuple(case for case in read if case is not None)


def _case(node: Node) -> Case | None:
    fields = _fields(
        node, ("it", "now", "ask", "given", "expect"), required=("it", "now", "ask", "expect")
    )
    it = fields["it"].text() if "it" in fields else None
    now = fields["now"].moment() if "now" in fields else None
    ask = _ask(fields["ask"]) if "ask" in fields else None
    given = _given(fields["given"]) if "given" in fields else Given()
    expected = _expected(fields["expect"]) if "expect" in fields else None
    if it is None or now is None or ask is None or expected is None:
        return None
    place = node.collector.document.problem(node.path, it)
    return Case(
        file=place.file,
        line=place.line,
        column=place.column,
        it=it,
        now=now,
        ask=ask,
        given=given,
        expected=expected,
    )


def _ask(node: Node) -> CaseAsk | None:
    fields = _fields(
        node,
        ("partner", "route", "purpose", "ground", "evidence", "gpc", "subject"),
        required=("partner", "route", "purpose"),
    )
    partner, route = _identifier(fields, "partner"), _identifier(fields, "route")
    purpose = _purpose(fields["purpose"]) if "purpose" in fields else None
    if partner is None or route is None or purpose is None:
        return None
    return CaseAsk(
        partner=partner,
        route=route,
        purpose=purpose[0],
        purpose_version=purpose[1],
        ground=_identifier(fields, "ground"),
        evidence=_text(fields, "evidence"),
        gpc=_flag(fields, "gpc"),
        subjects=_subjects(fields["subject"]) if "subject" in fields else None,
    )


def _purpose(node: Node) -> tuple[str, int | None] | None:
    """`id` or `id@N`, as `Sharing-Purpose` has it."""
    text = node.text()
    if text is None:
        return None
    purpose, at, version = text.partition("@")
    if at and not (version.isascii() and version.isdigit()):
        node.wrong("the version of a purpose is a whole number, write it as order-fulfilment@1")
        return None
    if replace(node, value=purpose).identifier() is None:
        return None
    return purpose, int(version) if at else None


def _subjects(node: Node) -> tuple[str, ...]:
    if isinstance(node.value, list):
        return node.identifiers()
    name = node.identifier()
    return () if name is None or name == NOBODY else (name,)


_PERSON = ("erased", "minor", "opt_outs", "restricted", "consents")


def _given(node: Node) -> Given:
    fields = node.fields(
        (*_PERSON, "people", "evidence", "suspended", "partner", "route", "policy")
    )
    route = fields["route"].fields(("purpose", "purpose_version")) if "route" in fields else {}
    policy = fields["policy"].fields(("purpose_version",)) if "policy" in fields else {}
    people = fields["people"].members() if "people" in fields else {}
    return Given(
        everybody=_person(fields),
        people={name: _person(person.fields(_PERSON)) for name, person in people.items()},
        evidence=tuple(_evidence(item) for item in _items(fields, "evidence")),
        suspended=_flag(fields, "suspended"),
        partner=_partner(fields["partner"]) if "partner" in fields else PartnerGiven(),
        route_purpose=_identifier(route, "purpose"),
        route_version=_whole(route, "purpose_version"),
        policy_version=_whole(policy, "purpose_version"),
    )


def _person(fields: Mapping[str, Node]) -> PersonGiven:
    consents = [_consent(item) for item in _items(fields, "consents")]
    return PersonGiven(
        erased=_flag(fields, "erased"),
        minor=_flag(fields, "minor"),
        opt_outs=_identifiers(fields, "opt_outs") or (),
        restricted=tuple(_fence(item) for item in _items(fields, "restricted")),
        consents=tuple(consent for consent in consents if consent is not None),
    )


def _consent(node: Node) -> ConsentGiven | None:
    fields = _fields(
        node,
        (
            *("granted", "purpose", "version", "partner", "method", "by", "scope"),
            *("expires", "withdrawn"),
        ),
        required=("granted",),
    )
    granted = _moment(fields, "granted")
    if granted is None:
        return None
    return ConsentGiven(
        granted=granted,
        purpose=_identifier(fields, "purpose"),
        version=_whole(fields, "version"),
        partner=_identifier(fields, "partner"),
        method=(fields["method"].member_of(Method) if "method" in fields else None)
        or Method.EXPLICIT,
        by=(fields["by"].member_of(By) if "by" in fields else None) or By.SUBJECT,
        scope=fields["scope"].member_of(Scope) if "scope" in fields else None,
        expires=_moment(fields, "expires"),
        withdrawn=_moment(fields, "withdrawn"),
    )


def _fence(node: Node) -> FenceGiven:
    fields = node.fields(("partners", "purposes", "categories", "reason", "until_consent_after"))
    return FenceGiven(
        reason=_identifier(fields, "reason") or "restrict",
        partners=_identifiers(fields, "partners") or (),
        purposes=_identifiers(fields, "purposes") or (),
        categories=_identifiers(fields, "categories") or (),
        until_consent_after=_moment(fields, "until_consent_after"),
    )


def _evidence(node: Node) -> EvidenceGiven:
    fields = _fields(
        node,
        ("id", "type", "partner", "purposes", "people", "categories", "expires"),
        required=("id",),
    )
    return EvidenceGiven(
        id=_text(fields, "id") or "",
        type=_identifier(fields, "type") or "record",
        partner=_identifier(fields, "partner"),
        purposes=_identifiers(fields, "purposes"),
        people=_identifiers(fields, "people"),
        categories=_identifiers(fields, "categories"),
        expires=_moment(fields, "expires"),
    )


def _partner(node: Node) -> PartnerGiven:
    fields = node.fields(("kind", "state", "agreement", "territory", "accepted_edition"))
    agreement = fields.get("agreement")
    none_on_file = agreement is not None and agreement.value == NOBODY
    return PartnerGiven(
        kind=fields["kind"].member_of(Kind) if "kind" in fields else None,
        state=fields["state"].member_of(State) if "state" in fields else None,
        agreement=None if agreement is None or none_on_file else _agreement(agreement),
        no_agreement=none_on_file,
        territory=_text(fields, "territory"),
        accepted_edition=_text(fields, "accepted_edition"),
    )


def _agreement(node: Node) -> tuple[date, date] | None:
    fields = _fields(node, ("signed", "expires"), required=("signed", "expires"))
    signed = fields["signed"].day() if "signed" in fields else None
    expires = fields["expires"].day() if "expires" in fields else None
    return None if signed is None or expires is None else (signed, expires)


_ANSWERS = ("permitted", "refused")


def _expected(node: Node) -> Expected | None:
    fields = _fields(
        node, (*_ANSWERS, "clause", "ground", "evidence", "categories"), required=("clause",)
    )
    if len([answer for answer in _ANSWERS if answer in fields]) != 1:
        node.wrong("a case expects one answer, write permitted: true or refused: CODE")
        return None
    clauses = _clauses(fields["clause"]) if "clause" in fields else ()
    if "refused" in fields:
        return _refusal(fields, clauses)
    if fields["permitted"].flag() is False:
        fields["permitted"].wrong("a refusal is told by its code, write refused: CODE")
    return Expected(
        refused=None,
        clauses=clauses,
        ground=_identifier(fields, "ground"),
        evidence=_text(fields, "evidence"),
        categories=_identifiers(fields, "categories"),
    )


def _refusal(fields: Mapping[str, Node], clauses: tuple[str, ...]) -> Expected | None:
    for name in ("ground", "evidence", "categories"):
        if name in fields:
            fields[name].misnamed(f'a refusal has no "{name}", remove it')
    reason = fields["refused"].member_of(Reason)
    return None if reason is None else Expected(refused=reason, clauses=clauses)


def _clauses(node: Node) -> tuple[str, ...]:
    if isinstance(node.value, str):
        node = replace(node, value=[node.value])
    return node.clauses()


def _fields(node: Node, known: Iterable[str], *, required: Iterable[str]) -> Mapping[str, Node]:
    """The known keys of a mapping; what is missing is told where the mapping begins."""
    fields = node.fields(known)
    if isinstance(node.value, dict):
        for name in required:
            if name not in fields:
                node.wrong(f'"{name}" is missing, write {name}: …')
    return fields


# Optional fields of one type each; None where the field is absent or wrong.


def _text(fields: Mapping[str, Node], key: str) -> str | None:
    return fields[key].text() if key in fields else None


def _identifier(fields: Mapping[str, Node], key: str) -> str | None:
    return fields[key].identifier() if key in fields else None


def _identifiers(fields: Mapping[str, Node], key: str) -> tuple[str, ...] | None:
    return fields[key].identifiers() if key in fields else None


def _flag(fields: Mapping[str, Node], key: str) -> bool:
    return bool(fields[key].flag()) if key in fields else False


def _moment(fields: Mapping[str, Node], key: str) -> datetime | None:
    return fields[key].moment() if key in fields else None


def _whole(fields: Mapping[str, Node], key: str) -> int | None:
    return fields[key].whole() if key in fields else None


def _items(fields: Mapping[str, Node], key: str) -> Iterable[Node]:
    return fields[key].items() if key in fields else ()
