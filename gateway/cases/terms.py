"""
What a recipient is told when the retention of a share is over (contract §9; P6).

A recipient knows a person by the pseudonym, for each alias another, and may have
several shares of that person for one purpose. Of these:

- while a share is in flight nothing is told; its end is waited for;
- where the retention of all is over, all are told, and the notice means
  everything that the recipient has of this pseudonym for this purpose;
- where some are still within their retention, the others are told by the
  recipient's own ids alone, and those of them that have no such id, or share it
  with one that may stay, wait until the last of these is over as well.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway.cases.plan import PlannedNotice
from gateway.model.cases import ToldShare
from gateway.model.ids import PartnerId, PurposeId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptShare:
    """A share of whose end its recipient has not been told."""

    seq: int
    alias: int
    """The row of the person's alias: one pseudonym."""
    purpose: PurposeId
    until: datetime | None
    """The end of its retention; None: it was declared without one, and never ends so."""
    in_flight: bool = False
    references: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is to be told now, by purpose, and what is looked at again, and when."""

    now: Mapping[PurposeId, tuple[int, ...]]
    later: Mapping[int, datetime]


def ended(shares: Iterable[KeptShare], *, now: datetime, by_reference: bool) -> Ended:
    """
    Which shares with one person and recipient are to be told as over at `now`.

    `by_reference`: whether this recipient's way of being told can name records
    alone, without meaning all else of the person too.
    """
    groups: defaultdict[tuple[PurposeId, int], list[KeptShare]] = defaultdict(list)
    for share in shares:
        groups[share.purpose, share.alias].append(share)
    told: defaultdict[PurposeId, list[int]] = defaultdict(list)
    later: dict[int, datetime] = {}
    for (purpose, _), group in groups.items():
        ends, waits = _split(group, now, by_reference)
        if ends:
            told[purpose] += ends
        later |= waits
    return Ended(now={purpose: tuple(sorted(seqs)) for purpose, seqs in told.items()}, later=later)


def _split(
    group: Sequence[KeptShare], now: datetime, by_reference: bool
) -> tuple[list[int], dict[int, datetime]]:
    if any(share.in_flight for share in group):
        # It may bring an id that tells it apart, or one that does not.
        return [], {}
    over = [share for share in group if share.until is not None and share.until <= now]
    stay = [share for share in group if share.until is not None and share.until > now]
    kept = {text for share in stay for text in share.references}
    last = max((share.until for share in stay if share.until), default=now)
    ends: list[int] = []
    waits: dict[int, datetime] = {}
    for share in over:
        if not stay or (by_reference and _told_apart(share.references, kept)):
            ends.append(share.seq)
        else:
            waits[share.seq] = last
    return ends, waits


def _told_apart(references: Sequence[str], kept: set[str]) -> bool:
    """Whether these ids name a record, and none that may stay."""
    return bool(references) and kept.isdisjoint(references)


def narrowed(
    planned: Iterable[PlannedNotice],
    shares: Sequence[ToldShare],
    *,
    staying: Collection[tuple[str, str, str]],
    naming: Collection[PartnerId],
) -> tuple[PlannedNotice, ...]:
    """
    The notices about `shares` that are over, each as narrow as it must be: where
    its recipient keeps something else of this pseudonym for one of the purposes
    (`staying`: recipient, pseudonym, purpose), it means its references alone.

    `naming`: the recipients that can be told so.
    """
    unnamed = {(share.partner, share.pseudonym) for share in shares if not share.references}

    def one(notice: PlannedNotice) -> PlannedNotice:
        partner, told = notice.partner, notice.told
        stays = any((partner, told.pseudonym, purpose) in staying for purpose in told.purposes)
        if stays and partner in naming and (partner, told.pseudonym) not in unnamed:
            return replace(notice, told=replace(told, only_references=True))
        return notice

    return tuple(one(notice) for notice in planned)
