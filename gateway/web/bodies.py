"""Bodies of `/v1`, as they are sent; each turns itself into what a flow takes."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from gateway.errors import CallerError, Reason
from gateway.flows.consents import NewConsent
from gateway.flows.gateway import Gateway
from gateway.flows.people import Declared, FactChanges
from gateway.model.consent import By, Method, Scope
from gateway.model.ids import (
    ID_PATTERN,
    CategoryId,
    GroundId,
    PartnerId,
    PurposeId,
    SubjectId,
)
from gateway.model.payload import Private
from gateway.web.requests import Strict, moment

Moment = Annotated[datetime, BeforeValidator(moment)]
"""RFC 3339 with `Z` or an offset."""

Id = Annotated[str, Field(pattern=f"^{ID_PATTERN}$")]
Subject = Annotated[str, Field(min_length=1, max_length=256)]
Version = Annotated[int, Field(ge=1, le=1_000_000)]
Text = Annotated[str, Field(max_length=2000)]
OneLine = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*$",
    ),
]
"""Why, in one line for people: it stands in tables on terminals, which obey control characters."""
Selector = Annotated[
    str,
    Field(max_length=500, pattern=r"^(?:(?:/[^/\x00-\x1f\x7f]*)+|(?:path|query|header)\.[\w-]+)$"),
]
"""A field as a leaf names it: a pointer, or a parameter such as `path.reference`."""


def subject_id(text: str) -> SubjectId:
    """A subject as a value that does not print itself. Raises `SUBJECT_MALFORMED`."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        size = 0
    if not 1 <= size <= 256:
        raise CallerError(Reason.SUBJECT_MALFORMED)
    return SubjectId(Private(text))


class ConsentBody(Strict):
    """`POST /v1/consents`: one of them, or an array."""

    subject: Subject
    purpose: Id
    purpose_version: Version
    granted_at: Moment
    method: Literal["explicit", "separate", "implied"]
    evidence: Text
    partner: Id | None = None
    by: Literal["subject", "guardian"] = "subject"
    scope: Literal["cross-border", "sensitive"] | None = None
    expires: Moment | None = None
    fields: Annotated[list[Selector], Field(min_length=1, max_length=1000)] | None = None

    def new(self) -> NewConsent:
        """For the flow."""
        return NewConsent(
            subject=subject_id(self.subject),
            purpose=PurposeId(self.purpose),
            purpose_version=self.purpose_version,
            partner=PartnerId(self.partner) if self.partner else None,
            granted_at=self.granted_at,
            method=Method(self.method),
            by=By(self.by),
            scope=Scope(self.scope) if self.scope else None,
            evidence=self.evidence,
            expires=self.expires,
            fields=None if self.fields is None else tuple(dict.fromkeys(self.fields)),
        )


class WithdrawBody(Strict):
    """`POST /v1/consents/{id}/withdraw`."""

    notify: bool = False


class SubjectBody(Strict):
    """`PUT /v1/subjects/{subject}`."""

    minor: bool | None = None
    territory: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    opt_out: list[Id] | None = None
    aliases: Annotated[list[Subject], Field(max_length=100)] = Field(default_factory=list)

    def changes(self) -> FactChanges:
        """For the flow."""
        return FactChanges(
            minor=self.minor,
            territory=self.territory,
            opt_out=None if self.opt_out is None else tuple(self.opt_out),
            aliases=tuple(subject_id(alias) for alias in self.aliases),
        )


class EvidenceBody(Strict):
    """`POST /v1/evidence`."""

    type: Annotated[str, Field(min_length=1, max_length=100)]
    reference: Annotated[str, Field(min_length=1, max_length=2000)]
    partner: Id
    purposes: Annotated[list[Id], Field(min_length=1)]
    subjects: list[Subject] | None = None
    categories: list[Id] | None = None
    expires: Moment
    may_tell_subject: bool


class DisclosureBody(Strict):
    """`POST /v1/disclosures`: one of them, or an array."""

    subject: Subject
    partner: Id
    purpose: Id
    at: Moment
    purpose_version: Version | None = None
    ground: Id | None = None
    fields: Annotated[list[Selector], Field(max_length=1000)] = Field(default_factory=list)
    categories: list[Id] = Field(default_factory=list)
    retention_until: Moment | None = None
    references: list[Annotated[str, Field(max_length=1000)]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _not_backwards(self) -> "DisclosureBody":
        if self.retention_until is not None and self.retention_until < self.at:
            raise ValueError("retention_until lies before at")
        return self

    def declared(self, gateway: Gateway) -> Declared:
        """For the flow. Raises `REQUEST_INVALID` for names that the policy does not have."""
        policy = gateway.policy.policy
        partner, purpose = PartnerId(self.partner), PurposeId(self.purpose)
        if partner not in policy.partners:
            raise CallerError(Reason.REQUEST_INVALID, "partner has no manifest")
        if purpose not in policy.purposes:
            raise CallerError(Reason.REQUEST_INVALID, "purpose is not one of the policy's")
        # What stands in a leaf can never be erased: names of the policy only.
        if self.ground is not None and GroundId(self.ground) not in policy.grounds:
            raise CallerError(Reason.REQUEST_INVALID, "ground is not one of the policy's")
        unknown = [one for one in self.categories if CategoryId(one) not in policy.categories]
        if unknown:
            raise CallerError(Reason.REQUEST_INVALID, "categories holds one that is not known")
        if self.at > gateway.clock():
            raise CallerError(Reason.REQUEST_INVALID, "at lies in the future")
        known = policy.purposes[purpose]
        return Declared(
            subject=subject_id(self.subject),
            partner=partner,
            purpose=purpose,
            purpose_version=self.purpose_version or known.version,
            ground=GroundId(self.ground or known.grounds[0]),
            fields=tuple(self.fields),
            categories=tuple(CategoryId(one) for one in self.categories),
            at=self.at,
            retention_until=self.retention_until or self.at,
            ends=self.retention_until is not None,
            references=tuple(self.references),
        )
