"""
Who the people of the demonstration are, and what each agreed to.

The choices follow from a person's number, so that they are the same each time
and every combination occurs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from gateway.testing.people import Person, people

COUNT = 40
LEAD = 0
"""Number of the person whom the story follows; agreed to everything."""


class Choice(StrEnum):
    """What somebody said when asked for consent."""

    YES = "yes"
    NO = "no"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person and their choices."""

    person: Person
    advertising: Choice
    binding: Choice
    """Logging in with an account held elsewhere."""
    abroad: Choice
    """Their data crossing the border."""
    guardian: Choice | None
    """What the guardian said; None for an adult."""

    @property
    def account(self) -> str:
        """The app's id of the person."""
        return self.person.account

    @property
    def adult(self) -> bool:
        """Whether their own consent counts."""
        return self.guardian is None


def members() -> list[Member]:
    """All of them; the one whom the story follows first."""
    return [_member(person) for person in people(COUNT)]


def _member(person: Person) -> Member:
    n = person.number
    if person.minor:
        said = Choice.YES if n < COUNT // 2 else Choice.NO
        return _said(person, Choice.NO, Choice.NO, Choice.NO, said)
    if n == LEAD:
        return _said(person, Choice.YES, Choice.YES, Choice.YES)
    advertising = (Choice.YES, Choice.YES, Choice.NO, Choice.YES, Choice.WITHDRAWN)[n % 5]
    binding = Choice.NO if n % 3 == 2 else Choice.YES
    abroad = Choice.YES if n % 2 == 0 else Choice.NO
    return _said(person, advertising, binding, abroad)


def _said(
    person: Person,
    advertising: Choice,
    binding: Choice,
    abroad: Choice,
    guardian: Choice | None = None,
) -> Member:
    return Member(
        person=person,
        advertising=advertising,
        binding=binding,
        abroad=abroad,
        guardian=guardian,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One consent as a service records it, and whether it is taken back afterwards."""

    body: dict[str, Any]
    withdrawn: bool


def consents(cast: list[Member], now: datetime) -> list[Consent]:
    """What the app recorded when it asked (contract §8), the oldest some weeks ago."""
    return [consent for member in cast for consent in _of(member, now)]


def _of(member: Member, now: datetime) -> Iterator[Consent]:
    given = now - timedelta(days=3 + member.person.number, hours=5)

    def consent(choice: Choice | None, purpose: str, **more: Any) -> Iterator[Consent]:
        if choice in (Choice.YES, Choice.WITHDRAWN):
            body = {
                "subject": member.account,
                "purpose": purpose,
                "purpose_version": 1,
                "granted_at": given.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "method": "explicit",
                "evidence": f"consent-screen-{member.person.number}",
            }
            yield Consent(body=body | more, withdrawn=choice is Choice.WITHDRAWN)

    yield from consent(member.advertising, "advertising", partner="bright-reach")
    yield from consent(member.binding, "account-login", partner="link-id")
    # A nickname is sensitive (C2): on the person's word it needs a word of its own.
    yield from consent(member.binding, "account-login", partner="link-id", scope="sensitive")
    yield from consent(
        member.abroad,
        "order-fulfilment",
        partner="island-post",
        scope="cross-border",
        method="separate",
    )
    yield from consent(member.guardian, "order-fulfilment", by="guardian")
