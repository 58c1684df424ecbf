"""Mass cases: one decision about many people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.model.mass import Expected, MassCase, MassPage, MassPlace, MassStep, Reached


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMass:
    """A mass case on its way into the store, with what each of its cases needs."""

    mass: MassCase
    key: bytes
    """Its own key, wrapped."""
    sealed: bytes
    """Reference and exemptions, under that key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPerson:
    """One id of a list: whose it is, where they are known, and the id, sealed."""

    person: int | None
    mark: bytes
    """Tells repeats apart within this list."""
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MassPerson:
    """One of those whose case is not open yet."""

    place: int
    person: int | None
    sealed: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedMass:
    """What becomes of a mass case, with its leaves."""

    mass: MassCase
    leaves: tuple[bytes, ...] = ()
    destroy: bool = False
    """Nothing of its list is to be opened any more."""


ChangeMass = Callable[[MassCase], ChangedMass]
"""A plain function: what becomes of a mass case."""


class MassStore(Protocol):
    """Mass cases, and who waits for the case of their own (K3, S4a)."""

    async def new_mass(self, new: NewMass, leaves: Sequence[bytes]) -> MassCase:
        """Store a mass case with its leaves, durably; as it is stored, with its number."""

    async def mass(self, id: str) -> MassCase | None:
        """One of them."""

    async def masses(self, limit: int) -> list[MassCase]:
        """Those that anybody may see, newest first."""

    async def unfinished_masses(self) -> list[MassCase]:
        """Those with which anything is left to be done, oldest first."""

    async def mass_details(self, no: int) -> tuple[bytes, bytes] | None:
        """Its wrapped key and what each of its cases needs, sealed; None: both are gone."""

    async def change_mass(self, id: str, change: ChangeMass) -> MassCase | None:
        """
        Change one in one go with its leaves; as it is then, None where there is none.
        What `change` raises is raised here, and nothing is changed.
        """

    async def list_people(self, no: int, people: Sequence[ListedPerson]) -> int:
        """Put some of a list behind those that wait; how many of them were new."""

    async def people_chosen(
        self, mass: MassCase, after: int, limit: int, *, ending: bool
    ) -> tuple[list[int], int | None]:
        """
        Look at so many living people behind a number: those whom the mass case means,
        and the last one looked at, None where nobody is left. `ending`: only of whom
        a recipient was not told the end yet.
        """

    async def gather_people(
        self, mass: MassCase, people: Sequence[int], gathered: int | None
    ) -> int:
        """
        Let people wait, and note up to whom was looked; how many of them were new.
        Nothing, and 0, where the mass case is not as it was read.
        """

    async def mass_people(self, no: int, limit: int) -> list[MassPerson]:
        """The first of those who wait."""

    async def count_mass_people(self, no: int) -> int:
        """How many wait."""

    async def pass_mass_person(self, at: MassPlace) -> None:
        """There is nothing left to be told of somebody: they wait no longer."""

    async def forget_mass_people(self, mass: MassCase, limit: int) -> bool:
        """
        Destroy so many of those who wait; true while there may be more. After the last
        of them the key and the details are destroyed, and one that was dropped is gone.
        """

    async def drop_unreceived(self) -> None:
        """After a crash: no list is on its way in any more."""

    async def recipient_behind(self, now: datetime, most: int, without: Sequence[str]) -> bool:
        """Whether a recipient, but for those `without`, has so many notices due, or more."""

    async def expected_of_mass(self, mass: MassCase, *, ending: bool) -> list[Expected]:
        """What each recipient would be told, as the ledger stands."""

    async def reached_by_mass(self, no: int) -> list[Reached]:
        """How its notices stand, by recipient and state."""

    async def mass_is_over(self, no: int) -> bool:
        """Whether every case of it that was opened is over."""

    async def mass_steps(self, no: int) -> list[MassStep]:
        """What happened to it, in the order of the ledger."""

    async def cases_of_mass(self, no: int, after: str, limit: int) -> list[str]:
        """So many ids of its cases behind an id, in ascending order."""

    async def mass_page(self, no: int, after: str, limit: int, *, untold: str) -> MassPage:
        """
        So many of its cases behind an id, in ascending order, with their notices, all as
        of one moment. Exempt notices with the reason `untold` are left out.
        """
