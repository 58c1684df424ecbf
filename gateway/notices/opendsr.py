"""
The protocol `opendsr`: OpenDSR 2.0, outwards (STANDARDS §2; docs/protocols/opendsr.md).

    discovery     GET …/discovery of the recipient, kept for an hour
    certificate   GET the certificate that it names, verified for its domain, kept as long
    submit        POST …/requests: one request with all identities; a signed answer
    poll          GET …/requests/{id} from time to time, until its signed status is final

Beside them the recipient calls back. A request is `acknowledged` by a signed answer,
and `completed` by a signed status alone. Its id is of this telling: who is told anew is
asked under a new one, and what was signed for the old one counts no more.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from gateway.errors import GatewayError
from gateway.notices.base import (
    AT_ONCE,
    Answered,
    Cached,
    CallbackRefused,
    CannotCarry,
    Dialect,
    Interpreted,
    Request,
    Settles,
    Telling,
)
from gateway.notices.opendsr_answers import polled, reported, submitted
from gateway.notices.opendsr_identities import forms_of, identities
from gateway.notices.opendsr_memory import (
    KEY,
    base_url,
    domain_of,
    handed_over,
    id_of,
    kept,
    not_taken,
    requests_url,
    step_of,
    verified,
)
from gateway.notices.opendsr_signed import Unsigned
from gateway.notices.opendsr_words import (
    ERASURE,
    OpenDsrRefused,
    read_discovery,
    read_object,
    read_report,
    request_body,
)

NAME: Final = "opendsr"
REGULATION: Final = "gdpr"

FRESH: Final = timedelta(hours=1)
STALE: Final = timedelta(hours=23)

_JSON = (("accept", "application/json"),)


def prepare(telling: Telling) -> Request:
    """The next request of a notice. Raises `CannotCarry`."""
    memory = telling.memory
    # Each try looks the documents up: what the last one read may be another's by now.
    if memory.get("step") != step_of(telling):
        return _document(telling, f"{base_url(telling)}/discovery", "discovery")
    match memory.get("next"):
        case "certificate":
            return _document(telling, memory["certificate"], "certificate")
        case "submit":
            return _submit(telling)
        case _:
            url = f"{requests_url(telling)}/{id_of(telling)}"
            return Request(url=url, headers=_JSON, body=None, method="GET", kind="poll")


def interpret(telling: Telling, answered: Answered) -> Interpreted:
    """What the recipient's documents, its answer or a status mean."""
    match answered.request.kind:
        case "discovery":
            return _discovered(telling, answered)
        case "certificate":
            return _certified(telling, answered)
        case "submit":
            return submitted(telling, answered)
        case _:
            return polled(telling, answered)


def hear(telling: Telling, headers: Mapping[str, str], body: bytes) -> Interpreted:
    """
    What a callback means: verified over its raw bytes, then parsed (STANDARDS §2.3).
    Raises `CallbackRefused`.
    """
    try:
        message = verified(telling, headers, body, telling.attempt_at)
        report = read_report(read_object(body), domain=domain_of(telling))
    except Unsigned as error:
        raise CallbackRefused(str(error), status=error.status) from None
    except OpenDsrRefused as error:
        raise CallbackRefused(str(error), status=400) from None
    if report.request != telling.memory.get("id"):
        raise CallbackRefused("subject_request_id is another request's", status=403)
    if report.callback != telling.callback_url:
        raise CallbackRefused("status_callback_url is missing or another's", status=403)
    return reported(telling, message, report, telling.attempt_at)


def _document(telling: Telling, url: str, kind: str) -> Request:
    anew = telling.memory.get("anew") == "1"
    return Request(
        url=url,
        headers=_JSON if kind == "discovery" else (("accept", "*/*"),),
        body=None,
        method="GET",
        kind=kind,
        cached=Cached(key=f"{NAME}-{kind}", fresh_for=FRESH, stale_for=STALE, anew=anew),
    )


def _submit(telling: Telling) -> Request:
    whom = identities(telling)
    if not whom:
        raise CannotCarry("the recipient knows no identifier that it was ever given")
    body = request_body(
        id=id_of(telling),
        regulation=telling.deletion.regulation or REGULATION,
        identities=whom,
        submitted=telling.created,
        callbacks=_callbacks(telling),
    )
    headers = (("content-type", "application/json"), *_JSON)
    return Request(url=requests_url(telling), headers=headers, body=body)


def _callbacks(telling: Telling) -> tuple[str, ...]:
    """OpenDSR calls back over https; over http only who is itself reached so."""
    scheme = urlsplit(telling.callback_url).scheme
    fits = scheme in {"https", urlsplit(telling.deletion.url or "").scheme}
    return (telling.callback_url,) if fits else ()


def _discovered(telling: Telling, answered: Answered) -> Interpreted:
    if answered.status != 200:
        return not_taken(telling, answered)
    try:
        url, domain = answered.request.url, domain_of(telling)
        found = read_discovery(answered.body, url=url, domain=domain)
    except OpenDsrRefused:
        return Interpreted(event=None, reason="opendsr-document", memory=kept(telling))
    memory = kept(telling) | {"certificate": found.certificate, "next": "certificate"}
    if "sent" not in memory:
        if ERASURE not in found.types:
            return handed_over(telling, "opendsr-type")
        forms = forms_of(telling, found.identities)
        if forms is None:
            return handed_over(telling, "opendsr-identity")
        memory["forms"] = json.dumps(forms)
    memory["step"] = step_of(telling)
    return Interpreted(event=None, memory=memory, follow_up=AT_ONCE)


def _certified(telling: Telling, answered: Answered) -> Interpreted:
    """
    The key of the recipient's certificate. Without one it is told all the same, and
    nothing that it answers is believed.
    """
    memory = {name: one for name, one in telling.memory.items() if name not in KEY}
    memory["next"] = "poll" if "sent" in memory else "submit"
    certify = telling.tools.certify
    if certify is not None and answered.status == 200:
        try:
            key = certify(answered.body, domain_of(telling), telling.attempt_at)
        except GatewayError:
            memory["anew"] = "1"
        else:
            memory |= {"key": b64encode(key[0]).decode(), "until": key[1].isoformat()}
    return Interpreted(event=None, memory=memory, follow_up=AT_ONCE)


DIALECT: Final = Dialect(
    name=NAME,
    prepare=prepare,
    interpret=interpret,
    settles=Settles.SIGNATURE,
    remembers=True,
    hear=hear,
    heard_status=202,
)
