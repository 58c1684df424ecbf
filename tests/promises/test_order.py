"""Of several faults, the first in the contract's order is the one that is answered (§6)."""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import StoreFailed
from gateway.testing.keys import PartnerKeys
from tests.promises.conftest import OpenHouse
from tests.promises.house import GROUNDS, House
from tests.promises.manifests import a_recipient, a_route

# One purpose to which every rule applies at once.
PURPOSE = """
  everything:
    version: 1
    title: Whatever a rule can be about
    core: false
    separate_consent: true
    sale: true
    grounds: [consent, agreement]
    kinds: [processor]
    clauses: [S1]
"""


@dataclass
class Attempt:
    """A share that would be carried, until faults are put into it."""

    manifest: dict[str, Any] = field(
        default_factory=lambda: a_recipient(
            "courier",
            a_route(
                "POST /things",
                "everything@1",
                "agreement",
                seal="body",
                send={"/address": {"category": "basic.address", "required": True}},
            ),
        )
    )
    keys: PartnerKeys = field(default_factory=lambda: PartnerKeys.generate("courier"))
    settings: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=lambda: {"grounds": GROUNDS})
    facts: dict[str, Any] = field(default_factory=lambda: {"minor": False})
    consent: dict[str, Any] | None = field(
        default_factory=lambda: {"purpose": "everything", "method": "separate"}
    )
    request: dict[str, Any] = field(
        default_factory=lambda: {
            "path": "/things",
            "purpose": "everything",
            "evidence": '"AGREEMENT-1"',
            "body": {"address": "成都市"},
            "headers": {},
        }
    )
    token: str | None = None
    afterwards: list[Callable[[House], Awaitable[None]]] = field(default_factory=list)

    async def made(self, open_house: OpenHouse) -> Any:
        """Open the house, prepare the person, and ask."""
        house = await open_house(
            self.manifest, keys={"courier": self.keys}, settings=self.settings, edit=_declare
        )
        await house.facts(**self.facts)
        if self.consent is not None:
            await house.consent(**self.consent)
        for step in self.afterwards:
            await step(house)
        token = house.token(**self.claims) if self.token is None else self.token
        reply = await house.share("courier", token=token, **self.request)
        return reply, house.recipients["courier"].received


def _declare(home: Path) -> None:
    with (home / "policies/purposes.yaml").open("a", encoding="utf-8") as file:
        file.write(PURPOSE)


def asks(**changes: Any) -> Callable[[Attempt], None]:
    """A fault of the request."""
    return lambda attempt: attempt.request.update(changes)


def no_token(attempt: Attempt) -> None:
    """Nobody says who asks."""
    attempt.token = ""


def no_purpose(attempt: Attempt) -> None:
    """Nobody says why."""
    attempt.request["purpose"] = None


def not_this_service(attempt: Attempt) -> None:
    """The token names another partner."""
    attempt.claims["partners"] = ["somebody-else"]


def erased(attempt: Attempt) -> None:
    """The person is being deleted."""
    attempt.afterwards.append(lambda house: house.erase("u-1"))


def restricted(attempt: Attempt) -> None:
    """The person stands behind a fence."""
    attempt.afterwards.insert(0, lambda house: house.fence("u-1"))


def in_manifest(**changes: Any) -> Callable[[Attempt], None]:
    """A fault of the recipient."""
    return lambda attempt: attempt.manifest.update(changes)


def agreement_over(attempt: Attempt) -> None:
    """What was signed has run out."""
    attempt.manifest["agreement"]["expires"] = date(2026, 8, 1)


def wrong_purpose(attempt: Attempt) -> None:
    """The route is for something else."""
    attempt.request["purpose"] = "payment"


def objects(attempt: Attempt) -> None:
    """The browser says no."""
    attempt.request["headers"]["Sec-GPC"] = "1"


def under_age(attempt: Attempt) -> None:
    """The person is under 18, and nobody asked a guardian."""
    attempt.facts["minor"] = True


def no_consent(attempt: Attempt) -> None:
    """The person was never asked."""
    attempt.consent = None


def among_others(attempt: Attempt) -> None:
    """The person was asked together with other things."""
    if attempt.consent is not None:
        attempt.consent["method"] = "explicit"


def too_many(attempt: Attempt) -> None:
    """The gateway is full."""
    attempt.settings["GATEWAY_LIMITS__SHARES"] = "0"


def no_key(attempt: Attempt) -> None:
    """The recipient cannot open what is sealed for this purpose."""
    attempt.keys = PartnerKeys.generate("courier", purposes=("payment",))


def no_ledger(attempt: Attempt) -> None:
    """The disk is full."""

    async def fill(house: House) -> None:
        async def refuse(*anything: Any) -> Any:
            raise StoreFailed("the disk is full")

        store: Any = house.gateway.store
        store.intend = refuse

    attempt.afterwards.append(fill)


ORDER: Mapping[str, Callable[[Attempt], None]] = {
    "token-missing": no_token,
    "purpose-missing": no_purpose,
    "service-not-permitted": not_this_service,
    "route-not-declared": asks(path="/nothing"),
    "subject-missing": asks(subject=None),
    "body-malformed": asks(body=b"{"),
    "subject-erased": erased,
    "subject-restricted": restricted,
    "partner-suspended": in_manifest(state="suspended"),
    "agreement-expired": agreement_over,
    "purpose-not-permitted": wrong_purpose,
    "ground-not-permitted": asks(ground="dispute"),
    "evidence-missing": asks(evidence=None),
    "opted-out": objects,
    "guardian-consent-missing": under_age,
    "consent-missing": no_consent,
    "separate-consent-missing": among_others,
    "cross-border-consent-missing": in_manifest(territory="SG"),
    "required-field-missing": asks(body={}),
    "rate-limited": too_many,
    "sealing-key-missing": no_key,
    "ledger-unavailable": no_ledger,
}
CODES = list(ORDER)


def with_faults(*codes: str) -> Attempt:
    """An attempt with these faults; the earlier wins where two are about the same place."""
    attempt = Attempt()
    for code in sorted(codes, key=CODES.index, reverse=True):
        ORDER[code](attempt)
    return attempt


async def test_without_a_fault_it_is_carried(open_house: OpenHouse) -> None:
    """The share that all faults are put into is one that the gateway carries."""
    reply, received = await Attempt().made(open_house)

    assert reply.status == 200
    assert len(received) == 1


@pytest.mark.parametrize("code", CODES)
async def test_one_fault_alone_is_answered(code: str, open_house: OpenHouse) -> None:
    """Each fault by itself is found, and nothing reaches the recipient."""
    reply, received = await with_faults(code).made(open_house)

    assert reply.code == code
    assert received == []


@pytest.mark.parametrize("code", CODES)
async def test_of_all_later_faults_the_first_is_answered(code: str, open_house: OpenHouse) -> None:
    """A fault counts before every one that comes after it in the contract's order."""
    later = CODES[CODES.index(code) :]
    reply, received = await with_faults(*later).made(open_house)

    assert reply.code == code
    assert received == []


NEIGHBOURS = list(itertools.pairwise(CODES))


@pytest.mark.parametrize(("first", "second"), NEIGHBOURS, ids=" before ".join)
async def test_of_two_neighbours_the_first_is_answered(
    first: str, second: str, open_house: OpenHouse
) -> None:
    """Two faults next to each other in the order, and nothing else that could hide the second."""
    reply, _ = await with_faults(first, second).made(open_house)

    assert reply.code == first
