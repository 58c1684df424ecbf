"""
Reads decision cases from a document, every mistake with its place.

What a case says, and how it is written, stands in `case`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from gateway.decide.case import (
    NOBODY,
    Case,
    CaseAsk,
    ConsentGiven,
    EvidenceGiven,
    FenceGiven,
    Given,
    PartnerGiven,
    PersonGiven,
    RouteGiven,
)
from gateway.decide.casefields import (
    flag_in,
    identifier_in,
    identifiers_in,
    items_in,
    known_fields,
    moment_in,
    text_in,
    whole_in,
)
from gateway.decide.expected import read_expected
from gateway.errors import ConfigError
from gateway.model.consent import By, Method, Scope
from gateway.model.policy import Kind
from gateway.model.recipients import Seal, State, SubjectFrom
from gateway.policy.documents import scan_document
from gateway.policy.fields import read_receive, read_send
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
    fields = known_fields(
        node, ("it", "now", "ask", "given", "expect"), required=("it", "now", "ask", "expect")
    )
    it = fields["it"].text() if "it" in fields else None
    now = fields["now"].moment() if "now" in fields else None
    ask = _ask(fields["ask"]) if "ask" in fields else None
    given = _given(fields["given"]) if "given" in fields else Given()
    expected = read_expected(fields["expect"]) if "expect" in fields else None
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
    fields = known_fields(
        node,
        ("partner", "route", "purpose", "ground", "evidence", "gpc", "subject"),
        required=("partner", "route", "purpose"),
    )
    partner, route = identifier_in(fields, "partner"), identifier_in(fields, "route")
    purpose = _purpose(fields["purpose"]) if "purpose" in fields else None
    if partner is None or route is None or purpose is None:
        return None
    return CaseAsk(
        partner=partner,
        route=route,
        purpose=purpose[0],
        purpose_version=purpose[1],
        ground=identifier_in(fields, "ground"),
        evidence=text_in(fields, "evidence"),
        gpc=flag_in(fields, "gpc"),
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
    policy = fields["policy"].fields(("purpose_version", "widened")) if "policy" in fields else {}
    people = fields["people"].members() if "people" in fields else {}
    return Given(
        everybody=_person(fields),
        people={name: _person(person.fields(_PERSON)) for name, person in people.items()},
        evidence=tuple(_evidence(item) for item in items_in(fields, "evidence")),
        suspended=flag_in(fields, "suspended"),
        partner=_partner(fields["partner"]) if "partner" in fields else PartnerGiven(),
        route=_route(fields["route"]) if "route" in fields else RouteGiven(),
        policy_version=whole_in(policy, "purpose_version"),
        widened=moment_in(policy, "widened"),
    )


def _person(fields: Mapping[str, Node]) -> PersonGiven:
    consents = [_consent(item) for item in items_in(fields, "consents")]
    return PersonGiven(
        erased=flag_in(fields, "erased"),
        minor=flag_in(fields, "minor"),
        opt_outs=identifiers_in(fields, "opt_outs") or (),
        restricted=tuple(_fence(item) for item in items_in(fields, "restricted")),
        consents=tuple(consent for consent in consents if consent is not None),
    )


def _consent(node: Node) -> ConsentGiven | None:
    fields = known_fields(
        node,
        (
            *("granted", "purpose", "version", "partner", "method", "by", "scope"),
            *("expires", "withdrawn", "fields"),
        ),
        required=("granted",),
    )
    granted = moment_in(fields, "granted")
    if granted is None:
        return None
    return ConsentGiven(
        granted=granted,
        purpose=identifier_in(fields, "purpose"),
        version=whole_in(fields, "version"),
        partner=identifier_in(fields, "partner"),
        method=(fields["method"].member_of(Method) if "method" in fields else None)
        or Method.EXPLICIT,
        by=(fields["by"].member_of(By) if "by" in fields else None) or By.SUBJECT,
        scope=fields["scope"].member_of(Scope) if "scope" in fields else None,
        expires=moment_in(fields, "expires"),
        withdrawn=moment_in(fields, "withdrawn"),
        fields=fields["fields"].words() if "fields" in fields else None,
    )


def _fence(node: Node) -> FenceGiven:
    fields = node.fields(("partners", "purposes", "categories", "reason", "until_consent_after"))
    return FenceGiven(
        reason=identifier_in(fields, "reason") or "restrict",
        partners=identifiers_in(fields, "partners") or (),
        purposes=identifiers_in(fields, "purposes") or (),
        categories=identifiers_in(fields, "categories") or (),
        until_consent_after=moment_in(fields, "until_consent_after"),
    )


def _evidence(node: Node) -> EvidenceGiven:
    fields = known_fields(
        node,
        ("id", "type", "partner", "purposes", "people", "categories", "expires"),
        required=("id",),
    )
    return EvidenceGiven(
        id=text_in(fields, "id") or "",
        type=identifier_in(fields, "type") or "record",
        partner=identifier_in(fields, "partner"),
        purposes=identifiers_in(fields, "purposes"),
        people=identifiers_in(fields, "people"),
        categories=identifiers_in(fields, "categories"),
        expires=moment_in(fields, "expires"),
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
        territory=text_in(fields, "territory"),
        accepted_edition=text_in(fields, "accepted_edition"),
    )


def _route(node: Node) -> RouteGiven:
    fields = node.fields(("purpose", "purpose_version", "send", "receive", "seal", "subject"))
    received = read_receive(fields["receive"]) if "receive" in fields else ()
    place = fields["subject"].choice(("header", "none")) if "subject" in fields else None
    return RouteGiven(
        purpose=identifier_in(fields, "purpose"),
        version=whole_in(fields, "purpose_version"),
        send=read_send(fields["send"]) if "send" in fields else (),
        receive=received if isinstance(received, tuple) else (),
        seal=fields["seal"].member_of(Seal) if "seal" in fields else None,
        subject=None if place is None else SubjectFrom(place),
    )


def _agreement(node: Node) -> tuple[date, date] | None:
    fields = known_fields(node, ("signed", "expires"), required=("signed", "expires"))
    signed = fields["signed"].day() if "signed" in fields else None
    expires = fields["expires"].day() if "expires" in fields else None
    return None if signed is None or expires is None else (signed, expires)
