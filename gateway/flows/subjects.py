"""
People, as flows see them: found by a keyed hash, opened with their own key,
kept in a bounded memory, thrown out of it by every change.
"""

import asyncio
import hashlib
import hmac
import json
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from gateway.flows.clockwork import parse_stamp, stamp
from gateway.model.consent import By, Consent, Fence, Method, Scope, SubjectFacts
from gateway.model.ids import CategoryId, ConsentId, PartnerId, PurposeId, SubjectId
from gateway.ports import (
    Clock,
    ConsentRow,
    FenceRow,
    Keyring,
    Random,
    Recorded,
    Store,
    SubjectRow,
    SubjectState,
)
from gateway.seal.storage import protect, reveal


@dataclass(slots=True, weakref_slot=True, eq=False)
class Person:
    """
    One person, opened. Shared by everything that speaks of them at the moment.

    `stale` is set by every change from elsewhere; whoever holds a stale person
    must look again before anything leaves.
    """

    id: SubjectId
    lookup: bytes
    mark: bytes
    key: bytes = field(repr=False)
    row: SubjectRow | None
    """None: erased; nothing is stored."""
    facts: SubjectFacts
    stale: bool = False
    aliases: tuple[bytes, ...] = ()

    def recorded(self, recorded: Recorded) -> None:
        """The person's row is durable now."""
        if self.row is not None and self.row.no is None and recorded.subject is not None:
            self.row = replace(self.row, no=recorded.subject)
            self.facts = replace(self.facts, known=True)

    @property
    def number(self) -> int | None:
        """The stored row's number."""
        return self.row.no if self.row is not None else None

    def protect(self, value: Any, label: str, random: Random) -> bytes:
        """A JSON value under the person's key, bound to what it is."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return protect(self.key, text, label.encode(), random=random)

    def reveal(self, blob: bytes, label: str) -> Any:
        """The JSON value again. Raises `SealBroken`."""
        return json.loads(reveal(self.key, blob, label.encode()))


class Subjects:
    """Loads people, keeps the recent ones, and forgets them when told."""

    def __init__(
        self, store: Store, keys: Keyring, random: Random, clock: Clock, *, capacity: int
    ) -> None:
        self._store = store
        self._random = random
        self._clock = clock
        self._capacity = capacity
        self._lookup_key = keys.secret("lookup")
        self._tombstone_key = keys.secret("tombstone")
        self._wrap_key = keys.secret("wrap")
        self._fence_key = keys.secret("fence")
        # `_live` finds every person that anybody holds, so that a change reaches
        # them all; `_recent` keeps the last ones from being thrown away.
        self._live: WeakValueDictionary[bytes, Person] = WeakValueDictionary()
        self._recent: OrderedDict[bytes, Person] = OrderedDict()
        self._loading: dict[bytes, asyncio.Future[Person]] = {}

    def lookup(self, subject: str) -> bytes:
        """The keyed hash under which a person is found."""
        return hmac.digest(self._lookup_key, subject.encode(), hashlib.sha256)

    def mark(self, subject: str) -> bytes:
        """What a tombstone of this person holds: HMAC(tombstone key, subject)."""
        return hmac.digest(self._tombstone_key, subject.encode(), hashlib.sha256)

    async def get(self, subject: SubjectId) -> Person:
        """
        The person with this id; an unknown one has the defaults and a key that
        is stored with the first thing that is stored of them.
        """
        lookup = self.lookup(subject)
        while True:
            person = self._live.get(lookup)
            if person is not None:
                self._keep(person)
                return person
            # Shielded: many may wait for one load, and one of them may be cancelled.
            person = await asyncio.shield(self._loading.get(lookup) or self._begin(subject, lookup))
            if not person.stale:
                return person

    def forget(self, person: Person) -> None:
        """Something about this person changed: whoever holds it must look again."""
        for lookup in (person.lookup, *person.aliases):
            self._recent.pop(lookup, None)
            # Who is being read now may be read as they were before the change.
            self._loading.pop(lookup, None)
            known = self._live.pop(lookup, None)
            if known is not None:
                known.stale = True
        person.stale = True

    def forget_lookup(self, lookup: bytes) -> None:
        """The person with this look-up mark is gone."""
        self._recent.pop(lookup, None)
        self._loading.pop(lookup, None)
        known = self._live.pop(lookup, None)
        if known is not None:
            known.stale = True

    def forget_all(self) -> None:
        """Look at everybody anew."""
        self._loading.clear()
        for person in list(self._live.values()):
            self.forget(person)

    def _begin(self, subject: SubjectId, lookup: bytes) -> "asyncio.Future[Person]":
        loading = asyncio.ensure_future(self._load(subject, lookup))
        self._loading[lookup] = loading
        loading.add_done_callback(lambda ended: self._loaded(lookup, ended))
        return loading

    def _loaded(self, lookup: bytes, ended: "asyncio.Future[Person]") -> None:
        current = self._loading.get(lookup) is ended
        if current:
            del self._loading[lookup]
        if ended.cancelled() or ended.exception() is not None:
            return
        person = ended.result()
        if not current:
            person.stale = True
        elif person.row is not None:
            self._keep(person)

    async def _load(self, subject: SubjectId, lookup: bytes) -> Person:
        mark = self.mark(subject)
        state = await self._store.subject(lookup)
        if state is None:
            if await self._store.tombstoned(mark, now=self._clock()):
                return Person(
                    id=subject,
                    lookup=lookup,
                    mark=mark,
                    key=b"",
                    row=None,
                    facts=SubjectFacts(erased=True),
                )
            return self._unknown(subject, lookup, mark)
        return self._open(subject, state, mark)

    def _keep(self, person: Person) -> None:
        self._live[person.lookup] = person
        self._recent[person.lookup] = person
        self._recent.move_to_end(person.lookup)
        while len(self._recent) > self._capacity:
            self._recent.popitem(last=False)

    def _unknown(self, subject: SubjectId, lookup: bytes, mark: bytes) -> Person:
        key = self._random(32)
        row = self.new_row(subject, lookup, key)
        return Person(id=subject, lookup=lookup, mark=mark, key=key, row=row, facts=SubjectFacts())

    def new_row(self, subject: str, lookup: bytes, key: bytes) -> SubjectRow:
        """A row for a person of whom nothing is stored yet."""
        return SubjectRow(
            lookup=lookup,
            key=protect(self._wrap_key, key, b"subject-key|" + lookup, random=self._random),
            facts=self.seal_facts(key, {"id": subject}),
        )

    def seal_facts(self, key: bytes, facts: dict[str, Any]) -> bytes:
        """A row's facts under the subject's key."""
        text = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
        return protect(key, text, b"facts", random=self._random)

    def open_row(self, row: SubjectRow) -> tuple[bytes, dict[str, Any]]:
        """A row's key and facts. Raises `SealBroken`."""
        key = reveal(self._wrap_key, row.key, b"subject-key|" + row.lookup)
        facts: dict[str, Any] = json.loads(reveal(key, row.facts, b"facts"))
        return key, facts

    def seal_fence(self, fence: dict[str, Any]) -> bytes:
        """A fence's scope, under the home's key."""
        return protect(self._fence_key, json.dumps(fence).encode(), b"fence", random=self._random)

    def _open(self, subject: SubjectId, state: SubjectState, mark: bytes) -> Person:
        row = state.row
        key, own = self.open_row(row)
        facts = [own, *(self.open_row(alias)[1] for alias in state.aliases)]
        consents = tuple(open_consent(key, stored) for stored in state.consents)
        return Person(
            id=subject,
            lookup=row.lookup,
            mark=mark,
            key=key,
            row=row,
            facts=SubjectFacts(
                known=True,
                erased=row.erased,
                fences=tuple(self._fence(stored) for stored in state.fences),
                minor=any(one.get("minor") for one in facts),
                territory=next((t for one in facts if (t := one.get("territory"))), None),
                opt_outs=frozenset(o for one in facts for o in one.get("opt_out", ())),
                consents=consents,
                epoch=row.epoch,
            ),
            aliases=tuple(alias.lookup for alias in state.aliases),
        )

    def _fence(self, stored: FenceRow) -> Fence:
        value = json.loads(reveal(self._fence_key, stored.sealed, b"fence"))
        return Fence(
            reason=value["reason"],
            partners=frozenset(PartnerId(p) for p in value.get("partners", ())),
            purposes=frozenset(PurposeId(p) for p in value.get("purposes", ())),
            categories=frozenset(CategoryId(c) for c in value.get("categories", ())),
            until_consent=bool(value.get("until_consent")),
            since=parse_stamp(value["since"]) if value.get("since") else None,
        )


def consent_value(consent: Consent) -> dict[str, Any]:
    """A consent as it is stored (sealed) and shown."""
    return {
        "id": consent.id,
        "purpose": consent.purpose,
        "purpose_version": consent.purpose_version,
        "partner": consent.partner,
        "granted_at": stamp(consent.granted_at),
        "method": consent.method.value,
        "by": consent.by.value,
        "scope": consent.scope.value if consent.scope else None,
        "evidence": consent.evidence,
        "expires": stamp(consent.expires) if consent.expires else None,
        "withdrawn_at": stamp(consent.withdrawn_at) if consent.withdrawn_at else None,
    }


def seal_consent(key: bytes, consent: Consent, random: Random) -> bytes:
    """A consent under its subject's key, bound to its id."""
    text = json.dumps(consent_value(consent), ensure_ascii=False).encode()
    return protect(key, text, b"consent|" + consent.id.encode(), random=random)


def open_consent(key: bytes, row: ConsentRow) -> Consent:
    """A stored consent again. Raises `SealBroken`."""
    value = json.loads(reveal(key, row.sealed, b"consent|" + row.id.encode()))
    return Consent(
        id=ConsentId(value["id"]),
        purpose=PurposeId(value["purpose"]),
        purpose_version=value["purpose_version"],
        partner=PartnerId(value["partner"]) if value["partner"] else None,
        granted_at=parse_stamp(value["granted_at"]),
        method=Method(value["method"]),
        by=By(value["by"]),
        scope=Scope(value["scope"]) if value["scope"] else None,
        evidence=value["evidence"],
        expires=_moment(value["expires"]),
        withdrawn_at=_moment(value["withdrawn_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return parse_stamp(text) if text else None
