"""Everything that can happen next, each with the sentence that a story tells of it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gateway.cases import states
from gateway.cases.plan import GRANT_LIFETIME
from gateway.cases.states import Event
from gateway.model.cases import Notice, NoticeState, Proof
from gateway.model.shares import Outcome
from tests.model.world import DEADLINE, MOMENTS, Disk, Rule, Share, Stage, World, notice_of, planned

Move = tuple[str, World]

MOST_CRASHES: Final = 1
PARTNER: Final = "recipient: "
"""How the sentence of a step begins that only a recipient takes."""


def moves(world: World, rules: frozenset[Rule]) -> Iterator[Move]:
    """Every step from here."""
    if world.broken is not None:
        return
    yield from _time(world)
    yield from _network(world)
    yield from _recipients(world)
    yield from _backup(world)
    if not world.running:
        yield "the process starts again", _started(world, rules)
        return
    if world.crashes < MOST_CRASHES:
        yield "kill -9", replace(_died(world), running=False, crashes=world.crashes + 1)
    if world.restored and Rule.REPLAY in rules:
        yield "the erasures are replayed from the export", _replayed(world)
        return
    for number, share in enumerate(world.shares):
        yield from _share(world, number, share, rules)
    yield from _case(world, rules)
    for number, notice in enumerate(world.disk.notices):
        yield from _notice(world, number, notice, rules)


# Shares ----------------------------------------------------------------------------


def _share(world: World, number: int, share: Share, rules: frozenset[Rule]) -> Iterator[Move]:
    name = f"share {number + 1} to {share.partner}"
    match share.stage:
        case Stage.NOT_YET if _permitted(world) and world.now < DEADLINE:
            yield f"{name} is decided", world.with_share(number, stage=Stage.DECIDED)
        case Stage.DECIDED if world.now < DEADLINE:
            yield from _recorded(world, number, name, rules)
        case Stage.RECORDED:
            yield from _sent(world, number, name, rules)
        case Stage.LEFT:
            for outcome in (Outcome.DELIVERED, Outcome.UNKNOWN):
                if outcome is Outcome.UNKNOWN or share.held:
                    ended = world.with_share(number, stage=Stage.ENDED, outcome=outcome.value)
                    yield f"the outcome of {name} is written: {outcome.value}", ended
        case _:
            return


def _permitted(world: World) -> bool:
    """Whether a share may be decided, and its intent be written under what was decided on."""
    return not world.disk.fenced and not world.disk.withdrawn and world.disk.key


def _recorded(world: World, number: int, name: str, rules: frozenset[Rule]) -> Iterator[Move]:
    if Rule.FENCE in rules and not _permitted(world):
        yield f"{name} is refused", world.with_share(number, stage=Stage.ENDED, outcome="refused")
        return
    after = world.with_share(number, stage=Stage.RECORDED, moment=world.moment)
    yield f"the intent of {name} is on the disk", after.with_disk(known=world.disk.known | {number})


def _sent(world: World, number: int, name: str, rules: frozenset[Rule]) -> Iterator[Move]:
    not_sent = world.with_share(number, stage=Stage.ENDED, outcome=Outcome.NOT_SENT.value)
    if (world.disk.fenced or world.disk.withdrawn) and Rule.LAST_LOOK in rules:
        yield f"{name} looks once more, and does not leave", not_sent
        return
    left = world.with_share(number, stage=Stage.LEFT, on_its_way=True)
    broken = "a share left after its consent was withdrawn" if world.disk.withdrawn else None
    broken = "a share left behind the fence" if world.asked else broken
    yield f"the first byte of {name} leaves", replace(left, broken=broken)


def _network(world: World) -> Iterator[Move]:
    for number, share in enumerate(world.shares):
        name = f"share {number + 1} to {share.partner}"
        if share.on_its_way:
            if MOMENTS[share.moment] + GRANT_LIFETIME > world.now:
                came = world.with_share(number, on_its_way=False, held=True)
                yield f"{PARTNER}{name} arrives", came
            yield f"{PARTNER}{name} is lost", world.with_share(number, on_its_way=False)


# The case --------------------------------------------------------------------------


def _case(world: World, rules: frozenset[Rule]) -> Iterator[Move]:
    disk = world.disk
    if _permitted(world) and not world.asked and world.now < DEADLINE:
        yield "the consent is withdrawn", world.with_disk(withdrawn=True)
    # Later than the deadline nobody asks: of the time only the order matters.
    if not disk.fenced and disk.key and not world.asked and world.now < DEADLINE:
        yield "202: the person is to be deleted", replace(_fenced(world), asked=True)
    if disk.fenced and not disk.planned:
        yield "the notices are planned", _planned(world, rules)
    if disk.planned and disk.key and not any(one.held for one in disk.notices):
        yield "the person's key is destroyed", _settled(world.with_disk(key=False), rules)


def _fenced(world: World) -> World:
    return world.with_disk(fenced=True)


def _planned(world: World, rules: frozenset[Rule]) -> World:
    hold = Rule.HOLD in rules
    again = Rule.TOLD_AGAIN in rules
    notices = []
    for one in planned(world):
        notice = notice_of(one, world, held=one.held and hold)
        notices.append(notice if again else replace(notice, resend_at=None))
    escrows = frozenset(notice.id for notice in notices)
    return _settled(world.with_disk(planned=True, notices=tuple(notices), escrows=escrows), rules)


def _settled(world: World, rules: frozenset[Rule]) -> World:
    """As the store has it: a settled notice takes its escrow along, and the last one the case."""
    disk = world.disk
    notices = tuple(
        replace(one, next_at=None, held=False) if one.settled else one for one in disk.notices
    )
    escrows = disk.escrows - {one.id for one in notices if one.settled}
    if Rule.ESCROW not in rules and not disk.key:
        escrows = frozenset()
    closed = disk.planned and not disk.key and all(one.settled for one in notices)
    return world.with_disk(notices=notices, escrows=escrows, closed=closed)


# Notices ---------------------------------------------------------------------------


def _notice(world: World, number: int, notice: Notice, rules: frozenset[Rule]) -> Iterator[Move]:
    if world.disk.closed:
        return
    if notice.held and _ended(world, notice.partner):
        yield f"the notice to {notice.partner} waits no longer", _released(world, number, rules)
    if notice.next_at is not None and notice.next_at <= world.now and not notice.held:
        yield from _told(world, number, notice, rules)
    if world.now >= notice.deadline and not notice.settled:
        after = states.apply(notice, Event.DEADLINE, now=world.now)
        if after != notice:
            yield f"the deadline of {notice.partner} is over", _changed(world, number, after, rules)
    if states.needs_person(notice, now=world.now):
        after = states.resolve(notice, NoticeState.COMPLETED.value, None, world.now)
        yield f"a person settles {notice.partner}", _changed(world, number, after, rules)


def _ended(world: World, partner: str) -> bool:
    open_ones = (Stage.RECORDED, Stage.LEFT)
    return not any(one.partner == partner and one.stage in open_ones for one in world.shares)


def _released(world: World, number: int, rules: frozenset[Rule]) -> World:
    notice = world.disk.notices[number]
    again = [one.resend_at for one in planned(world) if one.partner == notice.partner]
    resend_at = again[0] if again and Rule.TOLD_AGAIN in rules else None
    after = replace(notice, held=False, next_at=world.now, resend_at=resend_at)
    return _changed(world, number, after, rules)


def _told(world: World, number: int, notice: Notice, rules: frozenset[Rule]) -> Iterator[Move]:
    # Of the tries it only counts whether there was one.
    claimed = replace(notice, attempts=1)
    if notice.id not in world.disk.escrows:
        yield (
            f"{notice.partner} is to be told, and nothing is left that could be said",
            replace(world, broken="an escrow was destroyed before its recipient had settled"),
        )
        return
    unheard = states.touched(claimed, attempts=claimed.attempts, next_at=_retry(world, notice))
    yield f"{notice.partner} does not answer", _changed(world, number, unheard, rules)
    reached = states.apply(claimed, Event.ATTEMPTED_OK, now=world.now)
    reached = states.told_again(reached, attempts=claimed.attempts, now=world.now)
    after = _changed(_heard(world, notice), number, reached, rules)
    if any(one.partner == notice.partner and one.stage is Stage.RECORDED for one in world.shares):
        after = replace(after, broken="a notice overtook a share")
    yield f"{PARTNER}{notice.partner} is told, and deletes what it has", after


def _retry(world: World, notice: Notice) -> object:
    later = MOMENTS[min(world.moment + 1, len(MOMENTS) - 1)]
    return later if later < notice.deadline else None


def _heard(world: World, notice: Notice) -> World:
    shares = tuple(
        replace(one, held=False) if one.partner == notice.partner else one for one in world.shares
    )
    return replace(
        world,
        shares=shares,
        told=world.told | {notice.partner},
        receipts=world.receipts | {notice.id},
    )


def _recipients(world: World) -> Iterator[Move]:
    """A receipt arrives: an honest one, or one that was signed before anything was done."""
    if not world.running or world.restored:
        return
    for number, notice in enumerate(world.disk.notices):
        if notice.settled or not states.accepts_receipt(notice):
            continue
        if notice.id in world.receipts:
            after = states.apply(notice, Event.COMPLETED, now=world.now, proof=Proof.RECEIPT)
            said = f"{PARTNER}{notice.partner} signs that it is done"
            yield said, _changed(world, number, after, frozenset(Rule))


def _changed(world: World, number: int, notice: Notice, rules: frozenset[Rule]) -> World:
    return _settled(world.with_notice(number, notice), rules)


# Time, death, backups ---------------------------------------------------------------


def _time(world: World) -> Iterator[Move]:
    if world.moment + 1 < len(MOMENTS):
        later = replace(world, moment=world.moment + 1)
        yield f"the clock says {MOMENTS[later.moment]:%d %B %H:%M}", later


def _died(world: World) -> World:
    """What was in memory is gone: decisions, and who was to write an outcome."""
    shares = tuple(
        replace(one, stage=Stage.ENDED, outcome="refused") if one.stage is Stage.DECIDED else one
        for one in world.shares
    )
    return replace(world, shares=shares)


def _started(world: World, rules: frozenset[Rule]) -> World:
    """Open intents are closed before anything else happens."""
    outcome = Outcome.UNKNOWN if Rule.UNKNOWN in rules else Outcome.NOT_SENT
    open_ones = (Stage.RECORDED, Stage.LEFT)
    shares = tuple(
        replace(one, stage=Stage.ENDED, outcome=outcome.value) if one.stage in open_ones else one
        for one in world.shares
    )
    return replace(world, shares=shares, running=True)


def _backup(world: World) -> Iterator[Move]:
    if world.backups and world.copy is None and not world.disk.fenced and world.running:
        yield "a backup is made", replace(world, copy=world.disk)
    if world.copy is not None and not world.running and world.disk.fenced and not world.restored:
        # In its grave the dead process has no open share that the copy could not know of.
        yield "the backup is restored", replace(world, disk=_old(world.copy), restored=True)


def _old(copy: Disk) -> Disk:
    return replace(copy, notices=(), escrows=frozenset(), planned=False, closed=False)


def _replayed(world: World) -> World:
    """The missing leaves are appended, and whom the export erases is fenced and told again."""
    known = frozenset(
        number
        for number, one in enumerate(world.shares)
        if one.outcome not in (None, "refused") or one.stage in (Stage.RECORDED, Stage.LEFT)
    )
    replayed = replace(world, restored=False, replays=world.replays + 1)
    return replayed.with_disk(fenced=True, known=known)
