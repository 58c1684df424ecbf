"""
What all protocols have in common (contract §9, STANDARDS §0.1, §0.2).

A protocol is a `Dialect`: plain functions over frozen values. It reads no clock,
draws no randomness, signs nothing by itself and opens no connection: what it needs
for a try is a `Telling`, what it wants sent is a `Request`, and what came back is an
`Answered`. A try is a loop that the flow runs (`gateway.flows.notices`):

    request     = dialect.prepare(telling)
    answered    = the recipient's answer to it, or a cached one
    interpreted = dialect.interpret(telling, answered)
    again with telling.memory = interpreted.memory while interpreted.follow_up is zero

To add a protocol:

1. A module here with `prepare` and `interpret`, `hear` where the recipient calls back,
   and one `Dialect` made of them, in `gateway.notices.dialects.DIALECTS`.
2. Its name in `SPOKEN` of `gateway.policy.protocols`; which actions it has words for
   stands there in `CARRIES`.
3. What its manifests must say beyond `url` and `secret`: a field of
   `gateway.model.recipients.Deletion` with a default, read by
   `gateway.policy.notice_terms` and kept by `gateway.flows.deletion_terms`, so that it
   is known also when the manifest is gone.
4. What it needs signed or verified: a callable of `Tools`, built in
   `gateway.flows.telling`; here nothing may import `gateway.seal`.

The flow, and no protocol, sees to retries, deadlines, claims, leaves, the store, the
order of shares and notices, and that nothing is settled on less than `settles` allows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from gateway.errors import GatewayError
from gateway.model.cases import Action, Told
from gateway.model.recipients import Deletion
from gateway.policy.protocols import (
    CARRIES,
    MANUAL,
    REST,
    SPOKEN,
    WEBHOOKS,
    by_records,
    carried,
    carries,
    terms_for,
)

__all__ = [
    "AT_ONCE",
    "CARRIES",
    "MANUAL",
    "NOTHING_KEPT",
    "NOT_FOUND",
    "REST",
    "SPOKEN",
    "WEBHOOKS",
    "Answered",
    "Cached",
    "CallbackRefused",
    "CannotCarry",
    "Dialect",
    "Heard",
    "Interpreted",
    "Request",
    "Settles",
    "Sign",
    "Signed",
    "Telling",
    "Tools",
    "by_records",
    "carried",
    "carries",
    "terms_for",
]

Sign = Callable[[str, int, bytes], str]
"""From webhook id, Unix seconds and body to one entry of `webhook-signature`."""

Memory = Mapping[str, str]
"""What earlier steps of a notice kept, in the protocol's own words. Small: some kB."""

NOTHING_KEPT: Final[Memory] = {}
AT_ONCE: Final = timedelta(0)

NOT_FOUND: Final = "not-found"
"""Reason of a `completed` where the recipient knows nobody of that name."""


class Settles(StrEnum):
    """What a protocol can finish by itself, without a receipt or a person."""

    NONE = "none"
    """It says at most that it took the notice."""
    RESPONSE = "response"
    """Its answer may complete a notice, where the manifest says `response_completes: true`."""
    SIGNATURE = "signature"
    """Its own signed messages complete a notice; each comes with `Interpreted.signed`."""


class Heard(StrEnum):
    """What a recipient can say of a notice, in the words of the events of `cases`."""

    ATTEMPTED_OK = "attempted-ok"
    """It took the notice, and said nothing of it."""
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in-progress"
    PARTIAL = "partial"
    REFUSED = "refused"
    COMPLETED = "completed"
    GONE = "gone"
    """It is not there any more: the tries end, a person takes over."""


class CannotCarry(GatewayError):
    """
    This notice cannot be told in this protocol; raised by `prepare`. A person's task.
    The message holds no identifier.
    """

    code = "notice-not-carried"


class CallbackRefused(GatewayError):
    """
    A callback is not believed; raised by `hear`. Nothing of it counts.

    `status`: 400 malformed, 401 not signed by whom it must be, 403 not this notice's.
    The message names the header or member, never its value.
    """

    code = "callback-refused"

    def __init__(self, message: str, *, status: int = 401) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a protocol cannot do by itself. All are plain and quick: no I/O."""

    sign_webhook: Sign
    """The `v1a` signature, by the gateway's key `notice-…`."""
    sign_shared: Sign | None = None
    """The `v1` one, where the manifest names a secret. Raises `GatewayError`, `ValueError`."""
    sign_jws: Callable[[Mapping[str, Any], str], str] | None = None
    """From claims and `typ` to a compact JWS by the key `notice-…` (EdDSA, with its `kid`)."""
    sign_es256: Callable[[Mapping[str, Any], str], str] | None = None
    """The same by the P-256 key of the gateway's dsrdelete.json (ES256), for `ddrf`."""
    domain: str = ""
    """The gateway's own domain there."""
    verify_jws: Callable[[str, Mapping[str, Any], str], Mapping[str, Any]] | None = None
    """
    From a compact JWS, a public JWK Set and the `typ` that it must have to its claims.
    `kid` chooses the key, and `alg` is the key's, never the message's. Who says so, when
    and for whom is the dialect's to check. Raises `GatewayError` where it does not verify.
    """
    certify: Callable[[bytes, str, datetime], tuple[bytes, datetime]] | None = None
    """
    From a certificate, the domain that it must be of, and now, to its public key (SPKI,
    DER) and its end. Raises `GatewayError` where it is not to be believed.
    """
    verify_certified: Callable[[bytes, str, bytes], None] | None = None
    """Such a key, a base64 signature and what it must be over. Raises `GatewayError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Everything that one step of a notice needs. Prints nothing of the person."""

    notice: str
    """The notice's id, stable over all tries."""
    action: Action
    told: Told = field(repr=False)
    """
    What the notice says: the person's pseudonym for this recipient and the recipient's
    own ids (references). Nothing else may identify the person to it (STANDARDS §0 no. 8).
    """
    issuer: str
    """How partners reach the public listener; `iss` of what is signed."""
    partner: str
    deletion: Deletion
    """The terms of the manifest under which it is told (of the fallback, where that carries it)."""
    deadline: datetime
    created: datetime
    """When the case was accepted; the same in every try."""
    attempt_at: datetime
    """Now."""
    receipts_url: str
    callback_url: str
    """
    `{issuer}/callbacks/{protocol}/{128 random bits}` of this notice, the same in every
    try. Empty where the dialect has no `hear`.
    """
    stable: bytes = field(repr=False)
    """16 bytes that look random and are the same in every try: for ids that must not change."""
    fresh: bytes = field(repr=False)
    """16 random bytes, others in every step."""
    tools: Tools = field(repr=False)
    again: str = ""
    """Other for each time that the recipient is told anew; empty the first time."""
    memory: Memory = field(default_factory=dict, repr=False)
    """
    What earlier steps kept; empty at the first, and when a person, or a share that
    ended unknown, has the recipient told anew. Sealed under the notice's escrow key
    and destroyed with it. A try that dies loses what its own steps kept.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """
    An answer that serves all notices of a recipient for a while (discovery documents).

    Kept in memory only, per recipient and `key`. A 200 is kept if its interpretation
    goes on at once; others never.
    """

    key: str
    fresh_for: timedelta
    stale_for: timedelta = timedelta(0)
    """How long after that it still serves where the recipient cannot be reached."""
    anew: bool = False
    """Do not serve what is kept: ask (and keep the answer)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    One request, ready to leave. Prints where to and never what.

    The proof of the manifest's `upstream.auth` is added where the url has the origin
    of `upstream.base_url`; a redirect is an answer like others, never followed.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes | None = field(repr=False)
    method: str = "POST"
    kind: str = "submit"
    """Which step it is, in the protocol's own words: `discovery`, `submit`, `poll`."""
    cached: Cached | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What came back for a request. At most 64 KiB of body; nothing of it is believed yet."""

    request: Request
    """As it was sent (or, of a cached answer, as it would have been)."""
    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Names in any case."""
    body: bytes = field(repr=False)
    at: datetime
    """When it came; of a cached answer long ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A message signed by the recipient in the protocol's own way, verified by the dialect."""

    id: str
    """Its own id (`jti`, or request id and state): the same one twice changes nothing."""
    token: str = field(repr=False)
    """
    The signed text as it is kept for ever and shown in the case's certificate. It must
    hold nothing of the person: where the message does, give another text that proves
    it, such as the hash of the body and the signature.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreted:
    """
    What an answer means.

    `event` None and `follow_up` None: the notice was not taken and is tried again,
    with growing pauses, until its deadline. A `completed` that the protocol may not
    say (`Settles`) counts as `in-progress`.
    """

    event: str | None
    """A `Heard`."""
    retry_after: int | None = None
    """Whole seconds that the recipient asks to be left alone for."""
    reason: str | None = None
    """A fixed word for people, never the recipient's own text: `gone`, `http-503`, `not-found`."""
    backups_until: date | None = None
    """With `completed`: until when backups may still hold the data (R4), a UTC day or a time."""
    signed: Signed | None = None
    """The signed message that says so, where the protocol has them."""
    memory: Memory | None = field(default=None, repr=False)
    """What the next steps need, in place of what was kept so far; None: as it was."""
    follow_up: timedelta | None = None
    """
    When `prepare` is asked for the next step: `AT_ONCE` in this same try, else after
    so long (polling), for as long as the notice is not settled. None: there is none.
    An `event` may come with it.
    """
    hand_over: bool = False
    """No program brings it further: a person's task, with what the `reason` says in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """
    A protocol.

    `prepare` makes the next request out of what is known; raises `CannotCarry`.
    `interpret` says what an answer means, `hear` what a call of the recipient means
    (`POST` to `telling.callback_url`; raw headers in any case and raw body; raises
    `CallbackRefused`; of the result `follow_up` counts and `retry_after` does not).
    None of them does I/O, and all give the same for the same arguments.
    """

    name: str
    prepare: Callable[[Telling], Request]
    interpret: Callable[[Telling, Answered], Interpreted]
    settles: Settles = Settles.NONE
    remembers: bool = False
    """Whether `memory` is kept from try to try. It costs a read and a write each."""
    hear: Callable[[Telling, Mapping[str, str], bytes], Interpreted] | None = None
    heard_status: int = 200
    """With which status a callback is answered that was believed (OpenDSR: 202)."""

    @property
    def actions(self) -> frozenset[Action]:
        """The actions that it has words for."""
        return CARRIES[self.name]
