"""
The person who leaves: under which ids the app knows them, and what recipients
hold of them.

What the gateway does not know for itself it is told before: that a guest's
account is the same person, and that a courier once got a file about them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.testing.client import Reply
from gateway.testing.copies import Copy
from gateway.testing.demo.house import House
from gateway.testing.demo.people_in_it import LEAD, Member
from gateway.testing.demo.plan import parcels
from gateway.testing.demo.recipients import FORMER
from gateway.testing.demo.told import Told
from gateway.testing.demo.traffic import send

ALIAS = "lumen-guest-5f2c-000417"
"""The id under which the app knew the person before they signed up."""
FILE = "handed-over-as-a-file"
"""In place of a share id: this copy came by no share."""
_FILE_ID = "PP-ARCHIVE-2024-000417"
_FILE_AGE = timedelta(days=700)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """Somebody who wants to be deleted. Prints no data."""

    member: Member
    alias: Member
    """The same person under another id."""
    names: dict[str, frozenset[str]] = field(repr=False)
    """Recipient to the pseudonyms under which it knows the person."""

    @property
    def ids(self) -> tuple[str, str]:
        """The app's ids of the person."""
        return self.member.account, self.alias.account

    def copies(self, house: House) -> dict[str, list[Copy]]:
        """What each recipient holds of the person now."""
        return {
            one.id: [copy for copy in one.fake.copies if self._is_of(one.id, copy)]
            for one in house.everybody.values()
        }

    def held(self, house: House) -> dict[str, list[Copy]]:
        """
        What each recipient holds of the person, or held until a moment ago: whose
        agreement is over may have been told of that end first, and have deleted.
        """
        held = self.copies(house)
        former = house.former.id
        return held | {former: held[former] or [_file(self.member)]}

    def copies_of_others(self, house: House) -> dict[str, int]:
        """How many copies each recipient holds of everybody else."""
        of_person = self.copies(house)
        return {
            one.id: len(one.fake.copies) - len(of_person[one.id])
            for one in house.everybody.values()
        }

    def _is_of(self, partner: str, copy: Copy) -> bool:
        return copy.share == FILE or copy.subject in self.names.get(partner, ())


async def introduce(house: House, told: Told) -> Leaver:
    """
    Tell the gateway about the alias and the file, and send one parcel to the
    guest. Raises RuntimeError for anything that is not taken.
    """
    member = house.cast[LEAD]
    alias = replace(member, person=replace(member.person, account=ALIAS))
    known = await house.desk.put(f"/v1/subjects/{member.account}", {"aliases": [ALIAS]})
    _taken(known, 204)
    (parcel,) = parcels(alias, 1, datetime.now(UTC))
    told.later.append(await send(house.services["shop"], parcel))
    _taken(await house.desk.post("/v1/disclosures", _declared(member)), 201)
    house.former.fake.copies.keep(_file(member))
    ids = member.account, alias.account
    shares = {one.share for one in told.shares if one.planned.member.account in ids}
    return Leaver(member=member, alias=alias, names=_names(house, shares))


def _names(house: House, shares: set[str]) -> dict[str, frozenset[str]]:
    return {
        one.id: frozenset(
            str(copy.subject) for copy in one.fake.copies if copy.share in shares and copy.subject
        )
        for one in house.everybody.values()
    }


def _declared(member: Member) -> dict[str, Any]:
    """For `POST /v1/disclosures` (contract §8): what left before there was a gateway."""
    return {
        "subject": member.account,
        "partner": FORMER.partner,
        "purpose": "order-fulfilment",
        "at": _years_ago().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "fields": ["/name", "/phone", "/address"],
        "categories": ["basic.name", "basic.phone", "basic.address"],
        "references": [_FILE_ID],
    }


def _file(member: Member) -> Copy:
    person = member.person
    return Copy(
        share=FILE,
        subject=None,
        purpose="order-fulfilment",
        document={"name": person.name, "phone": person.phone, "address": person.address},
        references=frozenset({_FILE_ID}),
        at=_years_ago(),
    )


def _years_ago() -> datetime:
    return datetime.now(UTC) - _FILE_AGE


def _taken(reply: Reply, status: int) -> None:
    if reply.status != status:
        raise RuntimeError(f"the gateway answered {reply.status} {reply.code}, not {status}")


def marks_of(leaver: Leaver, held: dict[str, Sequence[Copy]], salt: str) -> dict[str, str]:
    """
    Label to value of everything that would lead back to the person: their own
    data, their ids, what recipients called them and their records, and the salt.
    """
    marks = dict(leaver.member.person.marks())
    marks |= {"alias": leaver.alias.account, "salt": salt}
    for partner, copies in held.items():
        marks |= {
            f"pseudonym {n} at {partner}": name
            for n, name in enumerate(sorted(leaver.names.get(partner, ())))
        }
        references = sorted({text for copy in copies for text in copy.references})
        marks |= {f"record {n} at {partner}": text for n, text in enumerate(references)}
    return marks
