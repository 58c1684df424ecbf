"""
What arrived at the recipients, compared with what was declared and what was sent.

Each function gives the problems it found, as words without any data in them,
and how many things it looked at.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gateway.testing.demo.documents import Leaf, at, leaves
from gateway.testing.demo.house import House
from gateway.testing.demo.manifests import Declared, route_of
from gateway.testing.demo.recipients import Recipient
from gateway.testing.demo.traffic import Sent
from gateway.testing.received import RawRequest, Received

# What any HTTP client says of a message, and what the contract (§6) adds.
_MESSAGE = frozenset({"host", "content-length", "content-type", "accept", "user-agent"})
_CONTRACT = frozenset({"sharing-id", "sharing-grant", "content-digest"})
_OF_EVERY_CLIENT = _MESSAGE | _CONTRACT | {"accept-encoding", "connection"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a comparison gives."""

    problems: list[str]
    looked_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A share at a recipient, beside the share that the app sent."""

    recipient: Recipient
    received: Received
    declared: Declared
    sent: Sent

    @property
    def wire(self) -> RawRequest:
        """The request, seals closed."""
        return self.received.request

    def unsealed(self) -> list[Leaf]:
        """The values, seals opened."""
        return list(leaves(self.received.document))


def arrivals(house: House, sent: Sequence[Sent]) -> Iterator[Arrival]:
    """Every accepted share with what the app sent. Raises LookupError for one that nobody sent."""
    by_share = {one.share: one for one in sent if one.share}
    for recipient in house.recipients.values():
        for received in recipient.fake.received:
            if received.share not in by_share:
                raise LookupError(f"{recipient.id} received a share that no service sent")
            purpose = str(received.claims["purpose"])
            request = received.request
            yield Arrival(
                recipient=recipient,
                received=received,
                declared=route_of(recipient.manifest, request.method, request.target, purpose),
                sent=by_share[received.share],
            )


def undeclared(all_of: Sequence[Arrival]) -> Found:
    """Fields, parameters and headers that arrived and stand in no manifest."""
    problems, count = [], 0
    for one in all_of:
        fields = [leaf.selector for leaf in one.unsealed()]
        query = [name for name, _ in parse_qsl(urlsplit(one.wire.target).query)]
        headers = [name.lower() for name in one.wire.headers]
        allowed = _OF_EVERY_CLIENT | one.declared.headers | {one.recipient.credential[0].lower()}
        allowed |= {(one.declared.idempotency or "host").lower()}
        count += len(fields) + len(query) + len(headers)
        problems += [f"field {name}" for name in fields if name not in one.declared.fields]
        problems += [f"query {name}" for name in query if name not in one.declared.query]
        problems += [f"header {name}" for name in headers if name not in allowed]
    return Found(problems, count)


def altered(all_of: Sequence[Arrival]) -> Found:
    """Values that no transform is declared for, and that are not what the app sent."""
    problems, count = [], 0
    for one in all_of:
        for leaf in one.unsealed():
            if leaf.selector in one.declared.fields and one.declared.as_sent(leaf.selector):
                count += 1
                if not _same_in(one.sent.planned.body, leaf):
                    problems.append(f"{one.recipient.id} {leaf.selector} is not as sent")
    return Found(problems, count)


def _same_in(body: Mapping[str, Any], leaf: Leaf) -> bool:
    try:
        return bool(at(body, leaf.pointer) == leaf.value)
    except KeyError:
        return False


def unsealed_on_the_wire(all_of: Sequence[Arrival]) -> Found:
    """Sealed fields and bodies that could be read by whoever carried them."""
    problems, count = [], 0
    for one in all_of:
        if one.declared.seal == "body":
            count += 1
            if one.wire.headers.get("Content-Type") != "application/jose" or _is_json(one.wire):
                problems.append(f"{one.recipient.id}: the body came open")
        for leaf in one.unsealed():
            if leaf.selector in one.declared.sealed:
                count += 1
                if str(leaf.value).encode() in one.wire.body:
                    problems.append(f"{one.recipient.id}: {leaf.selector} came open")
    return Found(problems, count)


def _is_json(wire: RawRequest) -> bool:
    try:
        json.loads(wire.body)
    except ValueError:
        return False
    return True


def unmasked(all_of: Sequence[Arrival]) -> Found:
    """Names that a courier reads and that show more than their first character (P7)."""
    problems, count = [], 0
    for one in all_of:
        for leaf in one.unsealed():
            rule = one.declared.fields.get(leaf.selector, {})
            if rule.get("transform") == "mask-name":
                name = str(at(one.sent.planned.body, leaf.pointer))
                count += 1
                if leaf.value != name[0] + "*" * (len(name) - 1):
                    problems.append(f"{one.recipient.id}: {leaf.selector} shows too much")
    return Found(problems, count)


def wrong_proof(all_of: Sequence[Arrival]) -> Found:
    """Requests without the recipient's own credential, or without the certificate it wants."""
    problems = []
    for one in all_of:
        name, value = one.recipient.credential
        if one.wire.headers.get(name) != value:
            problems.append(f"{one.recipient.id}: another credential")
        if one.recipient.role.mutual_tls and not one.wire.client_certificate:
            problems.append(f"{one.recipient.id}: no client certificate")
    return Found(problems, len(all_of))


def linkable(all_of: Sequence[Arrival]) -> Found:
    """
    People whom two recipients know by the same pseudonym, or one by two.

    Looked at are the pseudonyms in grants.
    """
    known: dict[tuple[str, str], set[str]] = {}
    for one in all_of:
        key = one.recipient.id, one.sent.planned.member.account
        known.setdefault(key, set()).add(str(one.received.claims.get("sub")))
    counted = Counter(name for names in known.values() for name in names)
    problems = [
        "a person has two pseudonyms at one recipient" for n in known.values() if len(n) > 1
    ]
    problems += ["two recipients know one pseudonym" for times in counted.values() if times > 1]
    return Found(problems, len(counted))


def came_back(all_of: Sequence[Arrival]) -> Found:
    """Values of recipients' answers that got to the app and stand in no manifest (C5)."""
    problems, count = [], 0
    for one in all_of:
        body = one.sent.reply.body
        for leaf in leaves(json.loads(body) if body else {}):
            count += 1
            if leaf.selector not in one.declared.receive:
                problems.append(f"{one.recipient.id}: {leaf.selector} came back")
    return Found(problems, count)


def sent_twice(sent: Sequence[Sent], count_of: Callable[[str], int]) -> Found:
    """
    Shares repeated under their key that arrived twice, or were answered otherwise.

    `count_of`: how often a share id arrived anywhere.
    """
    problems, count = [], 0
    for one in sent:
        if one.repeated is not None:
            count += 1
            same = (one.repeated.status, one.repeated.share, one.repeated.body)
            if same != (one.reply.status, one.reply.share, one.reply.body):
                problems.append("the second answer is another one")
            if count_of(one.share) != 1:
                problems.append("it arrived twice")
    return Found(problems, count)


def grant_hash(wire: RawRequest) -> str:
    """What a leaf says of the grant that came with a request: its SHA-256 in hex (§10)."""
    return hashlib.sha256(wire.headers.get("Sharing-Grant", "").encode()).hexdigest()
