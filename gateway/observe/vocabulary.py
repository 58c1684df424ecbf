"""Every event that the gateway logs, and every key that may stand beside one."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.observe.shapes import (
    Shape,
    flag,
    identifier,
    moment,
    number,
    place,
    problems,
    several,
    token,
    why,
    word,
)

UNLISTED_EVENT = "unlisted-event"
LIBRARY_LOG = "library-log"
CRASH = "crash"

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "started": "The process began; versions and addresses.",
        "ready": "Both listeners accept.",
        "draining": "SIGTERM came; shares in flight end.",
        "stopped": "The process ended in order.",
        "config-invalid": "The configuration or a document is broken; the process does not start.",
        "policy-loaded": "A policy set is in force.",
        "policy-waits": "A loaded edition is not yet effective; the one before stays in force.",
        "policy-widened": "A wider edition is in force; consents from before it do not count.",
        "policy-widened-unnumbered": "Documents widen sharing under the number they had before.",
        "policy-reload-failed": "A reload found problems; the old set stays in force.",
        "share": "One share came to its end: carried, refused or failed.",
        "share-queued": "A share was queued (`Prefer: respond-async`).",
        "share-tried": "A queued share was tried; it is tried again or has failed.",
        "bulk": "A bulk request came to its end.",
        "request": "A request of `/v1` or of the public listener came to its end.",
        "request-failed": "A request ended in an internal error.",
        "consent-recorded": "A consent was recorded.",
        "consent-withdrawn": "A consent was withdrawn.",
        "evidence-registered": "Evidence was registered.",
        "subject-read": "A subject's records were read.",
        "token-redeemed": "A token was redeemed by its recipient.",
        "case-opened": "A case was accepted; its fence is in the ledger.",
        "mass-case": "A mass case was opened, approved, begun, stopped, or is over.",
        "deletion-asked": "A request from outside to delete a person was judged (DDRF, OpenDSR).",
        "status-told": "Who asked in OpenDSR was called back, or could not be reached.",
        "case-closed": "A case came to its end.",
        "case-refused": "A request was refused, on a stated ground.",
        "resolution-forgotten": "What a person settled a notice on was destroyed.",
        "notice-sent": "A notice was delivered.",
        "notice-failed": "A notice was not delivered; it is tried again or is a person's task.",
        "notice-reminded": "A recipient was reminded of a notice, under the same id.",
        "notice-escalated": "A notice waits for a person: nobody else brings it further.",
        "notices-hastened": "A recipient answers again; what waited for another try goes out.",
        "case-due": "The deadline of an open case comes near.",
        "case-overdue": "An open case is past its deadline.",
        "receipt": "A recipient's receipt was judged.",
        "callback": "A recipient called back about a notice, and was believed.",
        "partner-suspended": "A partner was suspended.",
        "partner-resumed": "A partner was resumed.",
        "partner-changed": "A partner's manifest changed; its epoch rose.",
        "sharing-stopped": "The kill switch: nothing leaves to anybody.",
        "sharing-resumed": "The kill switch was taken back.",
        "partner-left-alone": "A partner failed every time, and is left alone for a while.",
        "partner-answers": "A partner that was left alone answers again.",
        "agreement-ending": "An agreement ends within 60, 30 or 7 days.",
        "partner-failed": "A partner could not be reached, did not answer, or answered wrongly.",
        "key-seen": "A partner's key was seen for the first time.",
        "key-released": "A person let a partner's new key be used before its hold was over.",
        "keys-changed": "Which of a partner's keys by URL are used changed.",
        "key-rotated": "One of the gateway's own keys was rotated.",
        "keys-rewrapped": "Keys of people were wrapped under the epoch in force.",
        "epoch-destroyed": "An epoch's key was destroyed: what only it wrapped never opens again.",
        "revocations-broken": "The list of revoked tokens cannot be read; the old one goes on.",
        "revocations-changed": "The list of revoked tokens and services changed.",
        "keys-stale": "A JWK Set could not be fetched; the old one goes on, or there is none.",
        "open-intents-closed": "Intents of a dead process were closed as `unknown`.",
        "checkpoint": "A checkpoint was signed.",
        "ledger-pruned": "Leaves past their term were pruned; their hashes stay.",
        "kept-head-missing": "The last signed checkpoint was not in `keys/`; "
        "the database's was put there.",
        "ledger-unavailable": "The ledger cannot be written; shares are refused.",
        "ledger-recovered": "The ledger can be written again.",
        "witness-cosigned": "A witness cosigned for the first time, or again after it failed.",
        "witness-failed": "A witness did not cosign a checkpoint; it is asked again.",
        "witness-contradicts": "A witness says that it knows another ledger than this one.",
        "ledger-contradiction": "The ledger contradicts itself; the process stops.",
        "store-failed": "The store could not do something else than append.",
        "outcome-lost": "An outcome could not be recorded; its intent reads `unknown`.",
        "worker-failed": "A worker met an error and goes on.",
        "slow": "Something took longer than it should.",
        "demo": "A step of the demonstration.",
        LIBRARY_LOG: "A library logged something; its text is left out.",
        CRASH: "An error that nobody caught.",
        UNLISTED_EVENT: "The program logged an event that is not listed; its text is left out.",
    }
)

_IDENTIFIERS = ("partner", "purpose", "route", "ground", "category", "edition", "recipient")
_TOKENS = (
    *("share", "leaf", "case", "notice", "consent", "evidence", "receipt", "digest", "kid"),
    *("thumbprint", "request", "version", "territory"),
)
_WORDS = (
    *("outcome", "reason", "code", "clause", "state", "kind", "protocol", "method", "disclosed"),
    *("listener", "worker", "task", "use", "setting", "error", "logger", "step", "what"),
)
_PLACES = ("address", "source", "where", "url", "service", "issuer", "witness")
_NUMBERS = (
    *("milliseconds", "upstream_milliseconds", "commit_milliseconds", "seconds", "status"),
    *("count", "fields", "sent", "dropped", "records", "refused", "batch", "size", "index"),
    *("bytes", "attempt", "retry_after", "purpose_version", "open_intents", "queued", "pid"),
    *("workers", "partners", "routes", "unlisted", "days"),
)
_FLAGS = ("ready", "replayed", "strict", "changed", "sealed")
_MOMENTS = ("due", "effective", "expires", "deadline")

KEYS: Mapping[str, Shape] = MappingProxyType(
    {
        **dict.fromkeys(_IDENTIFIERS, identifier),
        **dict.fromkeys(_TOKENS, token),
        **dict.fromkeys(_WORDS, word),
        **dict.fromkeys(_PLACES, place),
        **dict.fromkeys(_NUMBERS, number),
        **dict.fromkeys(_FLAGS, flag),
        **dict.fromkeys(_MOMENTS, moment),
        "categories": several(identifier),
        "clauses": several(word),
        "caused_by": several(word),
        "frames": several(place),
        "problems": problems,
        "why": why,
    }
)
