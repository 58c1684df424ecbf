"""
A manifest: one recipient, who it is, what it may get, how it is told to delete
(contract §7).

Reading tells what is wrong with the manifest by itself; `check` tells what is
wrong with it under the policy.
"""

import hashlib
from datetime import timedelta
from pathlib import PurePath

from gateway.errors import Problem
from gateway.model.ids import PartnerId
from gateway.model.policy import Kind
from gateway.model.recipients import Agreement, Partner, State
from gateway.policy.documents import Document
from gateway.policy.notice_terms import PROTOCOLS, read_terms
from gateway.policy.reading import Node, maybe, read_or, root_of, text
from gateway.policy.routes import read_routes
from gateway.policy.upstreams import read_upstream, read_url

__all__ = ["KEYS_HOLD", "PROTOCOLS", "read_manifest"]

_MANIFEST = (
    "partner",
    "name",
    "owner",
    "kind",
    "territory",
    "contact",
    "state",
    "agreement",
    "accepted_edition",
    "keys",
    "keys_hold",
    "upstream",
    "routes",
    "deletion",
)
_REQUIRED = ("partner", "kind", "territory")
KEYS_HOLD = timedelta(hours=24)


def read_manifest(
    document: Document, raw: bytes, *, folder: PurePath
) -> tuple[Partner | None, list[Problem]]:
    """
    The recipient that a manifest declares, and all that is wrong with it.

    None if the recipient has no id or no kind. Paths are made absolute against
    `folder`. `jwks` is left empty: the key file is for who may read files.
    """
    if document.root is None:
        return None, list(document.problems)
    node, collector = root_of(document)
    fields = node.fields(_MANIFEST, required=_REQUIRED)
    partner_id = PartnerId(read_or(fields, "partner", Node.identifier, ""))
    kind = maybe(fields, "kind", lambda word: word.member_of(Kind))
    for key, clause in (("owner", "P4"), ("contact", "R1")):
        if key not in fields and "partner" in fields:
            fields["partner"].warn(f'"{key}" is missing, write {key}: … ({clause})')
    partner = Partner(
        id=partner_id,
        name=text(fields, "name") or partner_id,
        owner=text(fields, "owner"),
        kind=kind or Kind.PARTNER,
        territory=text(fields, "territory"),
        contact=text(fields, "contact"),
        state=read_or(fields, "state", lambda word: word.member_of(State), State.ACTIVE),
        agreement=maybe(fields, "agreement", _read_agreement),
        keys=maybe(fields, "keys", lambda node: _read_keys(node, folder)),
        keys_hold=read_or(fields, "keys_hold", Node.duration, KEYS_HOLD),
        jwks={"keys": []},
        upstream=maybe(fields, "upstream", lambda node: read_upstream(node, folder)),
        routes=maybe(fields, "routes", lambda node: read_routes(node, partner_id)) or (),
        deletion=maybe(fields, "deletion", lambda node: read_terms(node, folder)),
        accepted_edition=text(fields, "accepted_edition") or None,
        source=document.name,
        digest=hashlib.sha256(raw).hexdigest(),
    )
    if "keys_hold" in fields and not _by_url(partner.keys):
        fields["keys_hold"].warn("only keys by an https address are held, remove it")
    if partner.routes and "upstream" not in fields:
        fields["routes"].misnamed('"upstream" is missing, write upstream: {base_url: https://…}')
    return partner if partner_id and kind else None, collector.problems


def _by_url(keys: str | None) -> bool:
    return keys is not None and keys.startswith("https:")


def _read_agreement(node: Node) -> Agreement | None:
    keys = ("reference", "signed", "expires")
    fields = node.fields((*keys, "onward"), required=keys)
    reference = text(fields, "reference")
    signed = maybe(fields, "signed", Node.day)
    expires = maybe(fields, "expires", Node.day)
    onward = maybe(fields, "onward", Node.identifiers) or ()
    if signed is None or expires is None:
        return None
    if expires <= signed:
        message = "the agreement expires before it begins, write a day after signed (S4a)"
        fields["expires"].wrong(message)
    return Agreement(
        reference=reference, signed=signed, expires=expires, onward=tuple(map(PartnerId, onward))
    )


def _read_keys(node: Node, folder: PurePath) -> str | None:
    """The key file's path, made absolute, or an https address."""
    text = node.text()
    if text is None:
        return None
    if text.startswith("https://"):
        return read_url(node, query=True)
    if "://" in text or text.startswith(("env:", "file:")):
        node.wrong('"keys" names a file or an https address, write keys/PARTNER.jwks.json')
        return None
    return str(folder / text)
