"""
How a recipient is told of a case, as a manifest writes it (contract §7: `deletion`).

Reading tells what is wrong with the terms by themselves. That what their protocol
cannot carry has another way is told here too: it needs nothing else of the set.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath

from gateway.model.cases import Action
from gateway.model.recipients import Deletion
from gateway.policy.protocols import (
    CARRIES,
    DDRF,
    MANUAL,
    OPENDSR,
    REST,
    SPOKEN,
    WEBHOOKS,
    carried,
    carries,
)
from gateway.policy.reading import Node, flag, maybe, read_or
from gateway.policy.rest_terms import check_answers, read_requests
from gateway.policy.upstreams import read_file_reference, read_reference, read_url
from gateway.policy.words import listed

PROTOCOLS = tuple(CARRIES)

_KEYS = (
    *("protocol", "url", "secret", "fallback", "acknowledge_within", "complete_within"),
    *("response_completes", "requests", "domain", "identifiers"),
    *("path", "certificate", "regulation"),
)
_FALLBACK = ("protocol", "url", "secret")
# Which protocols each further key is for.
_OF = {
    "response_completes": (REST,),
    "requests": (REST,),
    "domain": (DDRF, OPENDSR),
    "identifiers": (DDRF, OPENDSR),
    "path": (OPENDSR,),
    "certificate": (OPENDSR,),
    "regulation": (OPENDSR,),
}
_REGULATIONS = ("gdpr", "ccpa")

_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,99}){1,10}", re.ASCII)
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)


def read_terms(node: Node, folder: PurePath) -> Deletion | None:
    """The terms, or None where their protocol is missing or unknown."""
    fields = node.fields(_KEYS, required=("protocol",))
    protocol = read_or(fields, "protocol", lambda word: word.choice(PROTOCOLS), "")
    deletion = Deletion(
        protocol=protocol,
        url=read_or(
            fields, "url", lambda url: read_url(url, query=protocol not in (REST, OPENDSR)), ""
        )
        or None,
        secret=maybe(fields, "secret", lambda node: read_reference(node, folder)),
        acknowledge_within=maybe(fields, "acknowledge_within", Node.duration),
        complete_within=maybe(fields, "complete_within", Node.duration),
        response_completes=flag(fields, "response_completes", False),
        requests=maybe(fields, "requests", read_requests) or {},
        domain=maybe(fields, "domain", Node.text),
        identifiers=maybe(fields, "identifiers", _read_identifiers) or {},
        path=maybe(fields, "path", _read_path),
        certificate=maybe(fields, "certificate", lambda one: read_file_reference(one, folder)),
        regulation=maybe(fields, "regulation", lambda word: word.choice(_REGULATIONS)),
    )
    deletion = _with_fallback(deletion, fields, folder)
    if protocol:
        _check(deletion, fields)
    return deletion if protocol else None


def _read_identifiers(node: Node) -> dict[str, str]:
    fields = node.fields(("pseudonym", "reference"))
    found = {key: member.text() for key, member in fields.items()}
    return {key: text for key, text in found.items() if text is not None}


def _read_path(node: Node) -> str | None:
    text = node.text()
    if text is not None and not _PATH.fullmatch(text):
        node.wrong("a path begins with / and has no query, write /opendsr_requests")
        return None
    return text


def _with_fallback(deletion: Deletion, fields: Mapping[str, Node], folder: PurePath) -> Deletion:
    """`fallback: manual`, or the address of a webhook."""
    if "fallback" not in fields:
        return deletion
    node = fields["fallback"]
    if not isinstance(node.value, dict):
        return replace(deletion, fallback=node.choice((MANUAL,)))
    members = node.fields(_FALLBACK, required=("protocol", "url"))
    other = Deletion(
        protocol=read_or(members, "protocol", lambda word: word.choice((WEBHOOKS,)), ""),
        url=read_or(members, "url", lambda url: read_url(url, query=True), "") or None,
        secret=maybe(members, "secret", lambda node: read_reference(node, folder)),
    )
    known = other.protocol and other.url
    return replace(deletion, fallback=other.protocol, fallback_to=other) if known else deletion


def _check(deletion: Deletion, fields: Mapping[str, Node]) -> None:
    protocol = deletion.protocol
    if protocol != MANUAL and "url" not in fields:
        fields["protocol"].wrong(f"{protocol} needs an address, write url: https://… (R3)")
    for key, owners in _OF.items():
        if key in fields and protocol not in owners:
            completes = key == "response_completes"
            what = "completes by its answer" if completes else f"has {key}:"
            fields[key].misnamed(f"only protocol {listed(owners)} {what}, remove it")
    if protocol == REST:
        check_answers(deletion, fields)
    _check_domain(deletion, fields)
    if protocol == DDRF and not deletion.identifiers:
        fields["protocol"].warn(
            "names nobody by types of its dsrdelete.json, write identifiers: {pseudonym: TYPE}"
        )
    acknowledge, complete = deletion.acknowledge_within, deletion.complete_within
    if acknowledge is not None and complete is not None and acknowledge > complete:
        fields["acknowledge_within"].wrong("longer than complete_within, write less")
    _check_fallback(deletion, fields)


def _check_domain(deletion: Deletion, fields: Mapping[str, Node]) -> None:
    if deletion.domain is not None and not _DOMAIN.fullmatch(deletion.domain):
        fields["domain"].wrong("a domain is a host name in lower case, write vendor.example")


def _check_fallback(deletion: Deletion, fields: Mapping[str, Node]) -> None:
    """R3: what the protocol has no words for must have another way, written down."""
    missing = [action.value for action in Action if not carries(deletion, action)]
    if missing and "fallback" not in fields:
        fields["protocol"].wrong(
            f"{deletion.protocol} cannot carry {listed(missing)}, write fallback: manual, or "
            "fallback: {protocol: standard-webhooks, url: https://…} (R3)"
        )


def ways(partner: str, deletion: Deletion) -> Iterator[str]:
    """
    One sentence for each action that goes another way than by the protocol itself, and
    for a protocol that leaves its notices to be completed in another way.
    """
    for action in Action:
        way = carried(deletion, action)
        if way == deletion.protocol:
            continue
        if carries(deletion, action) and deletion.protocol not in SPOKEN:
            why = "is not spoken here"
        elif carries(deletion, action):
            why = "has no address"
        else:
            why = f"cannot carry {action.value}"
        told = "" if why.startswith("cannot") else f": {action.value}"
        yield f"{partner}: {deletion.protocol} {why}{told}; goes by {way}"
    if carried(deletion, Action.ERASE) == DDRF:
        yield f"{partner}: ddrf acknowledges and never completes; a receipt or a person does"
