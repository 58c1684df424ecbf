"""
Refusals and errors.

    Reason                 every code of the contract (§6), with status, order and clauses
    GatewayError           something gone wrong
      CallerError          the caller's input; carries a Reason
      PartnerFailed        the partner
        PartnerUnreachable   no request byte was handed over
        PartnerTimeout       it may have arrived
        PartnerCut           the connection broke after the request left
        PartnerResponseRefused  it arrived, and the answer may not pass
      StoreFailed          the store cannot write or read
        Fenced               an intent behind its subject's fence
        Stale                facts changed since the decision; decide again
        SchemaTooNew         the database is newer than the program
      LedgerContradiction  the ledger contradicts itself: the process stops
      ConfigError          wrong use or broken configuration; holds every problem

Messages name a field, a partner, a rule and what to write instead. They hold
no value.
"""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """
    Every refusal code, in the order in which they count: of several that
    apply, the first here is the one that is answered.
    """

    TOKEN_MISSING = "token-missing"
    TOKEN_INVALID = "token-invalid"
    PURPOSE_MISSING = "purpose-missing"
    SERVICE_NOT_PERMITTED = "service-not-permitted"
    PARTNER_UNKNOWN = "partner-unknown"
    ROUTE_NOT_DECLARED = "route-not-declared"
    SUBJECT_MISSING = "subject-missing"
    SUBJECT_MALFORMED = "subject-malformed"
    BODY_TYPE_UNSUPPORTED = "body-type-unsupported"
    BODY_TOO_LARGE = "body-too-large"
    BODY_MALFORMED = "body-malformed"
    BODY_TOO_DEEP = "body-too-deep"
    SUBJECT_ERASED = "subject-erased"
    SUBJECT_RESTRICTED = "subject-restricted"
    PARTNER_NOT_ACTIVE = "partner-not-active"
    PARTNER_SUSPENDED = "partner-suspended"
    AGREEMENT_MISSING = "agreement-missing"
    AGREEMENT_EXPIRED = "agreement-expired"
    PURPOSE_UNKNOWN = "purpose-unknown"
    PURPOSE_NOT_PERMITTED = "purpose-not-permitted"
    GROUND_NOT_PERMITTED = "ground-not-permitted"
    EVIDENCE_MISSING = "evidence-missing"
    EVIDENCE_NOT_VALID = "evidence-not-valid"
    OPTED_OUT = "opted-out"
    GUARDIAN_CONSENT_MISSING = "guardian-consent-missing"
    CONSENT_MISSING = "consent-missing"
    CONSENT_WITHDRAWN = "consent-withdrawn"
    CONSENT_STALE = "consent-stale"
    SEPARATE_CONSENT_MISSING = "separate-consent-missing"
    CROSS_BORDER_CONSENT_MISSING = "cross-border-consent-missing"
    TERRITORY_NOT_PERMITTED = "territory-not-permitted"
    UNDECLARED_FIELDS = "undeclared-fields"
    REQUIRED_FIELD_MISSING = "required-field-missing"
    FIELD_TYPE_MISMATCH = "field-type-mismatch"
    PERSONAL_DATA_DETECTED = "personal-data-detected"
    IDEMPOTENCY_IN_PROGRESS = "idempotency-in-progress"
    IDEMPOTENCY_MISMATCH = "idempotency-mismatch"
    RATE_LIMITED = "rate-limited"
    SEALING_KEY_MISSING = "sealing-key-missing"
    LEDGER_UNAVAILABLE = "ledger-unavailable"
    PARTNER_UNREACHABLE = "partner-unreachable"
    PARTNER_RESPONSE_REFUSED = "partner-response-refused"
    PARTNER_TIMEOUT = "partner-timeout"
    OUTCOME_UNKNOWN = "outcome-unknown"
    # /v1 only
    REQUEST_INVALID = "request-invalid"
    NOT_FOUND = "not-found"
    CASE_OPEN = "case-open"
    NOTICE_SETTLED = "notice-settled"


@dataclass(frozen=True, slots=True)
class ReasonInfo:
    """What the contract and the documentation say about one code."""

    status: int
    title: str
    clauses: tuple[str, ...]
    remedy: str
    """What the caller can do, in general; a refusal may say it more exactly."""


REASONS: dict[Reason, ReasonInfo] = {
    Reason.TOKEN_MISSING: ReasonInfo(
        401,
        "No service token",
        ("P3",),
        "Send Authorization: Bearer with a service token of a configured issuer.",
    ),
    Reason.TOKEN_INVALID: ReasonInfo(
        401,
        "The service token does not verify",
        ("P3",),
        "Get a fresh token from the issuer; check iss, aud, exp and the signing key.",
    ),
    Reason.PURPOSE_MISSING: ReasonInfo(
        400,
        "No purpose named",
        ("S1",),
        "Send Sharing-Purpose with the id of a declared purpose.",
    ),
    Reason.SERVICE_NOT_PERMITTED: ReasonInfo(
        403,
        "The service may not ask for this",
        ("P5",),
        "Ask the issuer for a token with this scope, partner, purpose and ground.",
    ),
    Reason.PARTNER_UNKNOWN: ReasonInfo(
        404,
        "No such recipient",
        ("S1",),
        "Name a partner that has a manifest; `gateway partner list` shows them.",
    ),
    Reason.ROUTE_NOT_DECLARED: ReasonInfo(
        404,
        "No declared route matches",
        ("S3",),
        "Use a method and path that the partner's manifest declares, spelled as it stands there.",
    ),
    Reason.SUBJECT_MISSING: ReasonInfo(
        400,
        "No subject named",
        ("R1",),
        "Name the person where the route says, by default in Sharing-Subject.",
    ),
    Reason.SUBJECT_MALFORMED: ReasonInfo(
        400,
        "The subject's id is malformed",
        ("R1",),
        "Send percent-encoded UTF-8 of 1 to 256 bytes.",
    ),
    Reason.BODY_TYPE_UNSUPPORTED: ReasonInfo(
        415,
        "This body type cannot be filtered",
        ("P6",),
        "Send application/json.",
    ),
    Reason.BODY_TOO_LARGE: ReasonInfo(
        413,
        "The body is too large",
        (),
        "Send less, or raise the route's limit.",
    ),
    Reason.BODY_MALFORMED: ReasonInfo(
        400,
        "The body is not valid",
        (),
        "Send one JSON object or array in UTF-8, as RFC 8259 has it.",
    ),
    Reason.BODY_TOO_DEEP: ReasonInfo(
        400,
        "The body is nested too deeply",
        (),
        "Nest at most as deep as the home allows (64 by default).",
    ),
    Reason.SUBJECT_ERASED: ReasonInfo(
        403,
        "The person was erased",
        ("A1", "R2"),
        "Nothing more can be shared of this person.",
    ),
    Reason.SUBJECT_RESTRICTED: ReasonInfo(
        403,
        "Sharing is restricted for this person",
        ("R5",),
        "Wait until the case that restricts it is closed or lifted.",
    ),
    Reason.PARTNER_NOT_ACTIVE: ReasonInfo(
        403,
        "The recipient is not active",
        ("S4a",),
        "Activate the partner first.",
    ),
    Reason.PARTNER_SUSPENDED: ReasonInfo(
        403,
        "The recipient is suspended",
        ("S4a",),
        "Wait until the partner is resumed (`gateway partner resume ID`).",
    ),
    Reason.AGREEMENT_MISSING: ReasonInfo(
        403,
        "No agreement on file",
        ("S4a",),
        "Sign a confidentiality agreement and name it in the manifest.",
    ),
    Reason.AGREEMENT_EXPIRED: ReasonInfo(
        403,
        "The agreement is over",
        ("S4a",),
        "Renew the agreement and its dates in the manifest.",
    ),
    Reason.PURPOSE_UNKNOWN: ReasonInfo(
        403,
        "The policy has no such purpose",
        ("S1", "S3"),
        "Name a purpose of the policy.",
    ),
    Reason.PURPOSE_NOT_PERMITTED: ReasonInfo(
        403,
        "This route is not for that purpose",
        ("S3",),
        "Use the purpose, and its version, that the route declares.",
    ),
    Reason.GROUND_NOT_PERMITTED: ReasonInfo(
        403,
        "That ground does not carry this purpose",
        ("S1",),
        "Name a ground that the purpose lists.",
    ),
    Reason.EVIDENCE_MISSING: ReasonInfo(
        403,
        "The ground needs evidence",
        ("S1",),
        "Send Sharing-Evidence.",
    ),
    Reason.EVIDENCE_NOT_VALID: ReasonInfo(
        403,
        "The evidence does not carry this share",
        ("S1", "S5", "D2"),
        "Register evidence for this partner, purpose, person and category with POST /v1/evidence.",
    ),
    Reason.OPTED_OUT: ReasonInfo(
        403,
        "The person objects to sale and sharing",
        ("C3", "R5"),
        "Do not share for this purpose while the objection stands.",
    ),
    Reason.GUARDIAN_CONSENT_MISSING: ReasonInfo(
        403,
        "A minor's share needs the guardian's consent",
        ("M1", "M2"),
        "Record the guardian's consent for this purpose.",
    ),
    Reason.CONSENT_MISSING: ReasonInfo(
        403,
        "No consent on record",
        ("S1", "C3"),
        "Ask the person, then record the consent with POST /v1/consents.",
    ),
    Reason.CONSENT_WITHDRAWN: ReasonInfo(
        403,
        "The consent was withdrawn",
        ("C3", "R5"),
        "Ask the person again; only a newer consent carries shares.",
    ),
    Reason.CONSENT_STALE: ReasonInfo(
        403,
        "The consent is for another version, or has run out",
        ("S2", "C6"),
        "Ask the person to agree to the purpose as it stands now.",
    ),
    Reason.SEPARATE_CONSENT_MISSING: ReasonInfo(
        403,
        "A separate consent is needed",
        ("C2", "C3"),
        "Ask for this on its own and record it with method separate, or scope sensitive.",
    ),
    Reason.CROSS_BORDER_CONSENT_MISSING: ReasonInfo(
        403,
        "Crossing the border needs its own consent",
        ("K1",),
        "Ask for it on its own and record it with scope cross-border.",
    ),
    Reason.TERRITORY_NOT_PERMITTED: ReasonInfo(
        403,
        "Data may not go to that territory",
        ("K1",),
        "Use a recipient in a territory that the policy allows.",
    ),
    Reason.UNDECLARED_FIELDS: ReasonInfo(
        422,
        "The body holds undeclared fields",
        ("P6", "S3"),
        "Send only declared fields, or drop Prefer: handling=strict.",
    ),
    Reason.REQUIRED_FIELD_MISSING: ReasonInfo(
        422,
        "A required field is missing",
        ("S3",),
        "Send every field that the route marks as required.",
    ),
    Reason.FIELD_TYPE_MISMATCH: ReasonInfo(
        422,
        "A declared field has another type",
        ("S3",),
        "Send the type, pattern and length that the manifest declares.",
    ),
    Reason.PERSONAL_DATA_DETECTED: ReasonInfo(
        422,
        "Free text holds personal data",
        ("P6",),
        "Take personal data out of the text.",
    ),
    Reason.IDEMPOTENCY_IN_PROGRESS: ReasonInfo(
        409,
        "The first request with this key still runs",
        (),
        "Wait for the first answer, then repeat.",
    ),
    Reason.IDEMPOTENCY_MISMATCH: ReasonInfo(
        422,
        "This key was used for another request",
        (),
        "Use a new Idempotency-Key for a new request.",
    ),
    Reason.RATE_LIMITED: ReasonInfo(
        429,
        "Too many requests",
        (),
        "Wait as long as Retry-After says.",
    ),
    Reason.SEALING_KEY_MISSING: ReasonInfo(
        503,
        "No key to seal for this recipient and purpose",
        ("S4d", "P1"),
        "Ask the partner for a `use: enc` key that is free or bound to this purpose.",
    ),
    Reason.LEDGER_UNAVAILABLE: ReasonInfo(
        503,
        "The ledger cannot be written",
        ("P4",),
        "Try again later; nothing left the gateway.",
    ),
    Reason.PARTNER_UNREACHABLE: ReasonInfo(
        502,
        "The recipient cannot be reached",
        ("P1",),
        "Try again; if it lasts, check the partner's address and the egress settings.",
    ),
    Reason.PARTNER_RESPONSE_REFUSED: ReasonInfo(
        502,
        "The recipient's answer may not pass",
        ("C5",),
        "Ask the partner to answer as its manifest declares. The data did arrive.",
    ),
    Reason.PARTNER_TIMEOUT: ReasonInfo(
        504,
        "The recipient did not answer in time",
        (),
        "It may have arrived: repeat only with the same Idempotency-Key at the partner.",
    ),
    Reason.OUTCOME_UNKNOWN: ReasonInfo(
        504,
        "Nobody knows whether it arrived",
        (),
        "It counts as disclosed: repeat only with the same Idempotency-Key at the partner.",
    ),
    Reason.REQUEST_INVALID: ReasonInfo(
        400,
        "The request is not valid",
        (),
        "Send what the OpenAPI document at /openapi.json describes.",
    ),
    Reason.NOT_FOUND: ReasonInfo(
        404,
        "There is nothing here",
        (),
        "Check the address.",
    ),
    Reason.CASE_OPEN: ReasonInfo(
        409,
        "The case is still open",
        ("R3",),
        "Wait until every notice is settled, or ask with interim=true.",
    ),
    Reason.NOTICE_SETTLED: ReasonInfo(
        409,
        "The notice is settled",
        ("R3",),
        "Nothing more is needed.",
    ),
}


class GatewayError(Exception):
    """Something gone wrong. `code` is a fixed word: metric label, log event, problem type."""

    code = "internal-error"


class CallerError(GatewayError):
    """What the caller sent cannot be carried. `detail` holds no value of a field."""

    def __init__(
        self,
        reason: Reason,
        detail: str = "",
        *,
        clauses: tuple[str, ...] | None = None,
        remedy: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        info = REASONS[reason]
        super().__init__(detail or info.title)
        self.reason = reason
        self.code = reason.value
        self.detail = detail or info.title
        self.clauses = info.clauses if clauses is None else clauses
        self.remedy = info.remedy if remedy is None else remedy
        self.retry_after = retry_after


class PartnerFailed(GatewayError):
    """The partner could not be reached, did not answer, or answered what may not pass."""

    code = "partner-failed"


class PartnerUnreachable(PartnerFailed):
    """No request byte was handed to an established connection."""

    code = Reason.PARTNER_UNREACHABLE.value


class PartnerTimeout(PartnerFailed):
    """The partner did not answer in time; what was sent may have arrived."""

    code = Reason.PARTNER_TIMEOUT.value


class PartnerCut(PartnerFailed):
    """The connection broke after the request began to leave; it may have arrived."""

    code = Reason.OUTCOME_UNKNOWN.value


class PartnerResponseRefused(PartnerFailed):
    """The partner answered, and the answer may not pass to the app (C5)."""

    code = Reason.PARTNER_RESPONSE_REFUSED.value


class StoreFailed(GatewayError):
    """The store could not do it; nothing of it is on disk."""

    code = Reason.LEDGER_UNAVAILABLE.value


class Fenced(StoreFailed):
    """An intent stands behind a fence of its subject (A1)."""

    code = Reason.SUBJECT_ERASED.value


class Stale(StoreFailed):
    """The subject's or the partner's epoch moved since the decision: decide again."""

    code = "stale"


class KeyTaken(GatewayError):
    """An idempotency key got a request's outcome meanwhile: look what it is."""

    code = Reason.IDEMPOTENCY_IN_PROGRESS.value


class SchemaTooNew(StoreFailed):
    """The database was written by a newer program."""

    code = "schema-too-new"


class LedgerContradiction(GatewayError):
    """The ledger contradicts itself. The process stops and says what, where and what to do."""

    code = "ledger-contradiction"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a document: where, what, and what to write instead."""

    file: str
    line: int
    column: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        kind = "warning: " if self.warning else ""
        return f"{self.file}:{self.line}:{self.column}: {kind}{self.message}"


class ConfigError(GatewayError):
    """Wrong use or broken configuration. Holds all problems at once."""

    code = "config-invalid"

    def __init__(self, problems: list[Problem] | str) -> None:
        self.problems = [] if isinstance(problems, str) else sorted(problems)
        text = problems if isinstance(problems, str) else "\n".join(map(str, self.problems))
        super().__init__(text)
