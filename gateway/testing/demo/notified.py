"""What recipients were told: every notice as it came, compared with what they hold."""

from collections.abc import Iterator, Sequence
from itertools import chain

from gateway.testing.demo.asking import Asked
from gateway.testing.demo.house import House
from gateway.testing.demo.traffic import Sent
from gateway.testing.demo.troubles import DOWN, OUTSIDE, SLOW, SLOW_SECONDS, SUSPENDED
from gateway.testing.notices import NoticeReceived
from gateway.testing.search import Needles, search_bytes

# The members of `data` in a notice (contract §9); `changes` is for rectifications.
_MEMBERS = frozenset(
    {"notice", "issuer", "partner", "subject", "references", "purposes", "categories"}
    | {"deadline", "receipts"}
)


def check(house: House, asked: Asked, on_the_way: Sequence[Sent], outages: int) -> None:
    """Claim what must be true of the notices that reached recipients."""
    came = {one.id: one.fake.notices.received for one in house.everybody.values()}
    verified = [one for one in chain(*came.values()) if one.verified]
    refused = [f"{one.notice} {one.code}" for one in chain(*came.values()) if one.code]
    house.claims.none_of(
        "each recipient verified its notice by the gateway's public key",
        refused,
        len(verified),
        "notices, each with its Ed25519 signature",
    )
    house.claims.none_of(
        "each names the person by that recipient's own pseudonym and ids, and all of these",
        list(misnamed(house, asked)),
        len(verified),
        "notices",
    )
    _check_nothing_else(house, asked, verified)
    check_order(house, on_the_way)
    _check_down(house, came[DOWN], outages)
    for partner, why in (
        (SUSPENDED, "which is suspended"),
        (OUTSIDE, "whose agreement is over and whose data came as a file"),
    ):
        deleted = sum(one.deleted for one in came[partner])
        house.claims.check(
            f"{partner}, {why}, was told all the same",
            deleted == len(asked.held[partner]) > 0,
            f"and deleted {deleted}",
        )


def misnamed(house: House, asked: Asked) -> Iterator[str]:
    """Recipients whose notices do not name just what they hold of the person."""
    for recipient in house.everybody.values():
        told = [one.data for one in recipient.fake.notices.received if one.verified]
        held = asked.held[recipient.id]
        if not told:
            continue
        names = {one["subject"] for one in told}
        known = {copy.subject for copy in held if copy.subject}
        if known and names != known:
            yield f"{recipient.id}: another pseudonym"
        references = {text for one in told for text in one["references"]}
        if references != {text for copy in held for text in copy.references}:
            yield f"{recipient.id}: other references"


def _check_nothing_else(house: House, asked: Asked, verified: Sequence[NoticeReceived]) -> None:
    marks = asked.leaver.member.person.marks() | {"alias": asked.leaver.alias.account}
    needles = Needles(marks)
    found = [hit.label for one in verified for hit in search_bytes(one.raw, needles)]
    found += [name for one in verified for name in one.data.keys() - _MEMBERS]
    house.claims.none_of(
        "and nothing else of the person, in any encoding",
        found,
        len(verified) * len(marks),
        "values searched for",
    )


def check_order(house: House, on_the_way: Sequence[Sent]) -> None:
    """Claim that no notice overtook a share: the slow one's waited for the last answer."""
    fake = house.recipients[SLOW].fake
    shares = {one.share for one in on_the_way}
    arrived = [one for one in fake.received if one.share in shares]
    notices = [one for one in fake.notices.received if one.verified]
    answered = max((one.request.at.timestamp() for one in arrived), default=0) + SLOW_SECONDS
    first = min((one.at.timestamp() for one in notices), default=0)
    house.claims.check(
        f"no notice overtook a share: {SLOW} was told when its last one had been answered",
        all(one.carried for one in on_the_way)
        and len(arrived) == len(on_the_way) > 0
        and first >= answered,
        f"{len(arrived)} answered, the notice {first - answered:.2f} s later, with their ids in it",
    )


def _check_down(house: House, came: Sequence[NoticeReceived], outages: int) -> None:
    ids, bodies = {one.notice for one in came}, {one.raw for one in came}
    house.claims.check(
        f"{DOWN}, which was down, was told again until it listened: one id, the same bytes",
        len(came) == outages + 1 and len(ids) == len(bodies) == 1 and came[-1].verified,
        f"{outages} × 503, then {came[-1].deleted if came else 0} deleted",
    )
