"""
The protocol `ddrf`: IAB Tech Lab Data Deletion Request Framework 1.0, outwards
(STANDARDS §1; docs/protocols/ddrf.md).

    discovery    GET dsrdelete.json of the recipient's domain, kept for an hour
    submit       POST one rqJWT with one identifier; the answer is an acJWT
    submit …     the next identifier, until the recipient acknowledged each

Who is meant is said by the person's pseudonym for this recipient and by the
recipient's own ids, each a request of its own. The framework acknowledges, and has
no word for done: that takes a receipt, or a person.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from gateway.errors import GatewayError
from gateway.notices import ddrf_acknowledgements as acknowledgements
from gateway.notices.base import (
    AT_ONCE,
    Answered,
    Cached,
    CannotCarry,
    Dialect,
    Heard,
    Interpreted,
    Memory,
    Request,
    Telling,
)
from gateway.notices.ddrf_discovery import (
    FILE,
    DocumentRefused,
    Supported,
    domain_of,
    read_document,
)
from gateway.notices.ddrf_identifiers import all_said, forms_of, left, pair
from gateway.notices.ddrf_words import (
    TYP,
    Code,
    DdrfRefused,
    Identifier,
    id_claims,
    request_claims,
)
from gateway.notices.webhook import retry_after

NAME: Final = "ddrf"

FRESH: Final = timedelta(hours=1)
STALE: Final = timedelta(hours=23)
PROPAGATION_SECONDS: Final = 3600
"""How long who does not know our key is left alone: it may keep an old document of ours."""
AGAIN: Final = timedelta(hours=1)
"""Until a request is made again whose acknowledgement did not verify."""
MOST_UNVERIFIED: Final = 4

CONTENT_TYPE: Final = "application/jwt"
_ACCEPT = "application/jwt, application/json;q=0.9, text/plain;q=0.8"

Forms = Mapping[str, Supported]
"""In which type and format each kind of identifier goes to a recipient."""


def prepare(telling: Telling) -> Request:
    """The next request of a notice. Raises `CannotCarry`."""
    # Each try looks the document up: what the last one read may be another's by now.
    if telling.memory.get("step") != _step_of(telling):
        return _discovery(telling)
    number, identifier = next(left(telling), (-1, None))
    if identifier is None:
        raise CannotCarry("the recipient knows no identifier that it was ever given")
    return Request(
        url=telling.memory["endpoint"],
        headers=(("content-type", CONTENT_TYPE), ("accept", _ACCEPT)),
        body=_request_jwt(telling, number, identifier).encode("ascii"),
    )


def interpret(telling: Telling, answered: Answered) -> Interpreted:
    """What the recipient's document, or its answer to a request, means."""
    if answered.request.kind == "discovery":
        return _discovered(telling, answered)
    if answered.status == 410:
        return Interpreted(event=Heard.GONE, reason="gone", memory=_kept(telling))
    if not (200 <= answered.status < 300 or answered.status == 400):
        return _not_taken(telling, answered)
    taken = answered.status != 400
    try:
        code = _acknowledged(telling, answered)
    except GatewayError:
        return _unverified(telling) if taken else _not_taken(telling, answered)
    # A 400 over a good acknowledgement contradicts itself; it is asked again.
    if code is Code.RECEIVED:
        return _received(telling) if taken else _not_taken(telling, answered)
    return _refused(telling, code)


def _step_of(telling: Telling) -> str:
    return telling.attempt_at.isoformat()


def _discovery(telling: Telling) -> Request:
    anew = telling.memory.get("anew") == "1"
    return Request(
        url=discovery_url(telling.deletion.url or ""),
        headers=(("accept", "application/json"),),
        body=None,
        method="GET",
        kind="discovery",
        cached=Cached(key=FILE, fresh_for=FRESH, stale_for=STALE, anew=anew),
    )


def discovery_url(url: str) -> str:
    """
    Where a recipient's document is: the manifest's `url` where that names a file
    `.json`, else at the root of its host, as the framework has it.
    """
    parts = urlsplit(url)
    if parts.path.endswith(".json"):
        return url
    return f"{parts.scheme}://{parts.netloc}/{FILE}"


def _domain(telling: Telling) -> str:
    return telling.deletion.domain or domain_of(telling.deletion.url or "")


def _discovered(telling: Telling, answered: Answered) -> Interpreted:
    if answered.status in (404, 410):
        return Interpreted(event=Heard.GONE, reason="gone", memory=_kept(telling))
    if answered.status != 200:
        return _not_taken(telling, answered)
    try:
        document = read_document(answered.body, url=answered.request.url, domain=_domain(telling))
    except DocumentRefused as error:
        return Interpreted(event=None, reason=error.code, memory=_kept(telling))
    if document.endpoint is None:
        return _handed_over(telling, "ddrf-script")
    memory = _kept(telling) | {
        "step": _step_of(telling),
        "endpoint": document.endpoint,
        "keys": json.dumps(acknowledgements.usable_keys(document.keys)),
        "forms": json.dumps(forms_of(telling, document)),
    }
    if next(left(replace(telling, memory=memory)), None) is not None:
        return Interpreted(event=None, memory=memory, follow_up=AT_ONCE)
    if all_said(telling):
        return Interpreted(event=Heard.ACKNOWLEDGED, memory=_kept(telling))
    return _handed_over(telling, "ddrf-identifier")


def _request_jwt(telling: Telling, number: int, identifier: Identifier) -> str:
    sign, domain = telling.tools.sign_es256, telling.tools.domain
    if sign is None or not domain:
        raise CannotCarry("this gateway has no key or no domain for it")
    now = telling.attempt_at
    identity = id_claims(
        # One person's request has one id over all its tries; each transaction its own.
        jti=hashlib.sha256(telling.stable + number.to_bytes(4, "big")).hexdigest()[:32],
        iss=domain,
        sub=identifier,
        now=telling.created,
    )
    return sign(
        request_claims(
            jti=telling.fresh.hex(),
            iss=domain,
            aud=_domain(telling),
            sub=identifier,
            id_jwt=sign(identity, TYP),
            now=now,
        ),
        TYP,
    )


def _acknowledged(telling: Telling, answered: Answered) -> Code:
    verify = telling.tools.verify_jws
    if verify is None:
        raise DdrfRefused(Code.TOKEN, "nothing to verify with")
    return acknowledgements.acknowledged(
        answered.body,
        request=(answered.request.body or b"").decode("ascii"),
        keys=json.loads(telling.memory.get("keys", "[]")),
        verify=verify,
        host=urlsplit(discovery_url(telling.deletion.url or "")).hostname or "",
        named=telling.deletion.domain,
        domain=telling.tools.domain,
        now=answered.at,
    )


def _received(telling: Telling) -> Interpreted:
    """One identifier was acknowledged: the next one, or all are."""
    number, _ = next(left(telling))
    memory = dict(telling.memory)
    memory["done"] = f"{memory.get('done', '')} {number}".strip()
    if next(left(replace(telling, memory=memory)), None) is not None:
        return Interpreted(event=None, memory=memory, follow_up=AT_ONCE)
    return Interpreted(event=Heard.ACKNOWLEDGED, memory=_kept(telling, done=memory["done"]))


def _refused(telling: Telling, code: Code) -> Interpreted:
    """What a signed refusal asks for (STANDARDS §1.3)."""
    match code:
        case Code.TYPE | Code.FORMAT:
            return _another_identifier(telling)
        case Code.SIGNATURE if "signature" not in telling.memory:
            # It may still have our document of before.
            memory = _kept(telling, signature="1")
            return Interpreted(
                event=None, retry_after=PROPAGATION_SECONDS, reason="ddrf-2", memory=memory
            )
        case Code.TIMESTAMP if "clock" not in telling.memory:
            return Interpreted(event=None, reason="ddrf-6", memory=_kept(telling, clock="1"))
        case _:
            return _handed_over(telling, f"ddrf-{int(code)}")


def _another_identifier(telling: Telling) -> Interpreted:
    """Read its document anew, and take another identifier than the one that it refused."""
    _, identifier = next(left(telling))
    again = pair(Supported(type=identifier.type, format=identifier.format))
    refused = "\n".join((*telling.memory.get("refused", "").splitlines(), again))
    memory = _kept(telling, refused=refused, anew="1")
    return Interpreted(event=None, reason="ddrf-identifier", memory=memory, follow_up=AT_ONCE)


def _unverified(telling: Telling) -> Interpreted:
    """
    It took the request, and its acknowledgement does not verify: its keys may be
    others by now. Asked again with its document read anew, some times.
    """
    times = int(telling.memory.get("unverified", "0")) + 1
    memory = _kept(telling, unverified=str(times), anew="1")
    if times == 1:
        return Interpreted(event=None, memory=memory, follow_up=AT_ONCE)
    again = AGAIN if times <= MOST_UNVERIFIED else None
    return Interpreted(
        event=Heard.ATTEMPTED_OK, reason="ddrf-unverified", memory=memory, follow_up=again
    )


def _not_taken(telling: Telling, answered: Answered) -> Interpreted:
    return Interpreted(
        event=None,
        retry_after=retry_after(answered.headers, answered.at),
        reason=f"http-{answered.status}",
        memory=_kept(telling),
    )


def _handed_over(telling: Telling, reason: str) -> Interpreted:
    return Interpreted(event=None, reason=reason, memory=_kept(telling), hand_over=True)


_KEEP = ("done", "refused", "unverified", "signature", "clock")


def _kept(telling: Telling, **more: str) -> dict[str, str]:
    """What the next try needs; the document is looked up again."""
    before: Memory = telling.memory
    return {name: before[name] for name in _KEEP if name in before} | more


DIALECT: Final = Dialect(name=NAME, prepare=prepare, interpret=interpret, remembers=True)
