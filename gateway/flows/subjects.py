"""
People, as flows see them: found by a keyed hash, opened with their own key,
kept in a bounded memory, thrown out of it by every change.
"""

import asyncio
import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from gateway.flows.clockwork import parse_stamp, stamp
from gateway.flows.wrapping import unwrapped, wrapped
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
from gateway.seal.pseudonym import pseudonym
from gateway.seal.storage import protect, reveal

# Kept: `json.dumps` with arguments makes an encoder for each call.
_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


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
    _pseudonyms: dict[PartnerId, str] = field(default_factory=dict, repr=False)

    def recorded(self, recorded: Recorded) -> None:
        """The person's row is durable now."""
        if self.row is not None and self.row.no is None and recorded.subject is not None:
            self.row = replace(self.row, no=recorded.subject)
            self.facts = replace(self.facts, known=True)

    def pseudonym(self, partner: PartnerId) -> str:
        """How the person is called towards a partner; kept, and forgotten, with the person."""
        known = self._pseudonyms.get(partner)
        if known is None:
            known = self._pseudonyms[partner] = pseudonym(self.key, partner)
        return known

    @property
    def number(self) -> int | None:
        """The stored row's number."""
        return self.row.no if self.row is not None else None

    def protect(self, value: Any, label: str, random: Random) -> bytes:
        """A JSON value under the person's key, bound to what it is."""
        return protect(self.key, _text(value).encode(), label.encode(), random=random)

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
        self._keys = keys
        self._fence_key = keys.secret("fence")
        # `_live` finds every person that anybody holds, so that a change reaches
        # them all; `_recent` keeps the last ones from being thrown away.
        self._live: WeakValueDictionary[bytes, Person] = WeakValueDictionary()
        # By id, so that who comes again is found without making their hash.
        self._recent: OrderedDict[SubjectId, Person] = OrderedDict()
        self._loading: dict[bytes, asyncio.Future[Person]] = {}
        self._crowds: set[asyncio.Task[None]] = set()

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
        recent = self._recent.get(subject)
        if recent is not None and not recent.stale:
            self._recent.move_to_end(subject)
            return recent
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

    async def crowd(self, subjects: Sequence[SubjectId]) -> list[Person]:
        """
        Many people, as `get` gives each of them; the store is asked once.

        Who was not in memory is not kept there for later: a million who pass by
        once would drive out those who come again.
        """
        found = self._begin_many(dict.fromkeys(subjects))
        return [await self._one_of(one, found[one]) for one in subjects]

    async def _one_of(self, subject: SubjectId, found: "Person | asyncio.Future[Person]") -> Person:
        # Shielded: many may wait for one load, and one of them may be cancelled.
        person = found if isinstance(found, Person) else await asyncio.shield(found)
        # Whoever changed while they were read is read again, by themselves.
        return await self.get(subject) if person.stale else person

    def _begin_many(
        self, subjects: Iterable[SubjectId]
    ) -> "dict[SubjectId, Person | asyncio.Future[Person]]":
        """These people, or their loading, begun in one go where it is not under way."""
        loop = asyncio.get_running_loop()
        found: dict[SubjectId, Person | asyncio.Future[Person]] = {}
        begun: dict[bytes, tuple[SubjectId, asyncio.Future[Person]]] = {}
        for subject in subjects:
            recent = self._recent.get(subject)
            if recent is not None and not recent.stale:
                found[subject] = recent
                continue
            lookup = self.lookup(subject)
            known = self._live.get(lookup) or self._loading.get(lookup)
            if known is None:
                known = loop.create_future()
                self._expect(lookup, known, keep=False)
                begun[lookup] = (subject, known)
            found[subject] = known
        if begun:
            # Its own task: who waits for it may be cancelled.
            task = loop.create_task(self._load_many(begun))
            self._crowds.add(task)
            task.add_done_callback(self._crowds.discard)
        return found

    async def _load_many(
        self, begun: "Mapping[bytes, tuple[SubjectId, asyncio.Future[Person]]]"
    ) -> None:
        try:
            marks = {lookup: self.mark(subject) for lookup, (subject, _) in begun.items()}
            states, dead = await self._store.people_by_mark(
                tuple(marks), tuple(marks.values()), now=self._clock()
            )
            for lookup, (subject, future) in begun.items():
                mark, state = marks[lookup], states.get(lookup)
                if not future.done():
                    future.set_result(self._made(subject, lookup, mark, state, mark in dead))
        except BaseException as error:
            for _, future in begun.values():
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise

    async def to_write(self, subjects: Sequence[SubjectId]) -> list[Person]:
        """
        Many people at once, as far as it takes to store something of them: key, row
        and whether they are erased. They are the caller's own and in nobody's memory;
        of somebody new, what is stored is what the store takes first.
        """
        lookups = {one: self.lookup(one) for one in subjects}
        marks = {one: self.mark(one) for one in lookups}
        rows, kept_out = await self._store.rows_by_mark(
            tuple(lookups.values()), tuple(marks.values())
        )
        people = {}
        for one, lookup in lookups.items():
            row = rows.get(lookup)
            if row is not None:
                people[one] = self._stored(one, row, marks[one])
            elif marks[one] in kept_out:
                people[one] = await self.get(one)
            else:
                people[one] = self._unknown(one, lookup, marks[one])
        return [people[one] for one in subjects]

    def _stored(self, subject: SubjectId, row: SubjectRow, mark: bytes) -> Person:
        key = unwrapped(self._keys, b"subject-key|" + row.lookup, row.key)
        facts = SubjectFacts(known=True, erased=row.erased, epoch=row.epoch)
        return Person(id=subject, lookup=row.lookup, mark=mark, key=key, row=row, facts=facts)

    def forget(self, person: Person) -> None:
        """Something about this person changed: whoever holds it must look again."""
        for lookup in (person.lookup, *person.aliases):
            self.forget_lookup(lookup)
        person.stale = True

    def forget_lookup(self, lookup: bytes) -> None:
        """The person with this look-up mark is gone, or changed."""
        # Who is being read now may be read as they were before the change.
        self._loading.pop(lookup, None)
        # Whoever is recent is live as well: what is held here keeps them so.
        known = self._live.pop(lookup, None)
        if known is not None:
            known.stale = True
            self._recent.pop(known.id, None)

    def forget_all(self) -> None:
        """Look at everybody anew."""
        self._loading.clear()
        for person in list(self._live.values()):
            self.forget(person)

    def _begin(self, subject: SubjectId, lookup: bytes) -> "asyncio.Future[Person]":
        loading = asyncio.ensure_future(self._load(subject, lookup))
        self._expect(lookup, loading, keep=True)
        return loading

    def _expect(self, lookup: bytes, loading: "asyncio.Future[Person]", *, keep: bool) -> None:
        self._loading[lookup] = loading
        loading.add_done_callback(lambda ended: self._loaded(lookup, ended, keep))

    def _loaded(self, lookup: bytes, ended: "asyncio.Future[Person]", keep: bool) -> None:
        current = self._loading.get(lookup) is ended
        if current:
            del self._loading[lookup]
        if ended.cancelled() or ended.exception() is not None:
            return
        person = ended.result()
        if not current:
            person.stale = True
        elif person.row is not None and keep:
            self._keep(person)
        elif person.row is not None:
            self._live[lookup] = person

    async def _load(self, subject: SubjectId, lookup: bytes) -> Person:
        mark = self.mark(subject)
        state = await self._store.subject(lookup)
        dead = state is None and await self._store.tombstoned(mark, now=self._clock())
        return self._made(subject, lookup, mark, state, dead)

    def _made(
        self,
        subject: SubjectId,
        lookup: bytes,
        mark: bytes,
        state: SubjectState | None,
        dead: bool,
    ) -> Person:
        if state is not None:
            return self._open(subject, state, mark)
        if not dead:
            return self._unknown(subject, lookup, mark)
        facts = SubjectFacts(erased=True)
        return Person(id=subject, lookup=lookup, mark=mark, key=b"", row=None, facts=facts)

    def facts_of(self, state: SubjectState) -> SubjectFacts:
        """What is known of a stored person, whoever it is. Raises `SealBroken`."""
        _, own = self.open_row(state.row)
        return self._open(SubjectId(own["id"]), state, b"").facts

    def _keep(self, person: Person) -> None:
        self._live[person.lookup] = person
        self._recent[person.id] = person
        self._recent.move_to_end(person.id)
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
            key=wrapped(self._keys, b"subject-key|" + lookup, key, self._random),
            facts=self.seal_facts(key, {"id": subject}),
        )

    def seal_facts(self, key: bytes, facts: dict[str, Any]) -> bytes:
        """A row's facts under the subject's key."""
        return protect(key, _text(facts).encode(), b"facts", random=self._random)

    def open_row(self, row: SubjectRow) -> tuple[bytes, dict[str, Any]]:
        """A row's key and facts. Raises `SealBroken`."""
        key = unwrapped(self._keys, b"subject-key|" + row.lookup, row.key)
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
        "fields": None if consent.fields is None else list(consent.fields),
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
        # Consents of the version before had none.
        fields=None if value.get("fields") is None else tuple(value["fields"]),
    )


def _moment(text: str | None) -> datetime | None:
    return parse_stamp(text) if text else None
