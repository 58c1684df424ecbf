"""
What is handed on of a mass case: its certificate, the ids of its cases, and the proof
that one of them is part of it (K3, S4a, R3).

The ids pass by a page at a time, each page read as of one moment: a million of them are
never held. Once no case is added any more they are the same whenever they are read.
"""

from collections.abc import AsyncIterator
from typing import Any

from gateway.cases.certificate import MAY_NOT_BE_TOLD
from gateway.cases.mass_certificate import (
    FIXED,
    MASS_CERTIFICATE_TYPE,
    Tally,
    final,
    mass_claims,
)
from gateway.errors import CallerError, Reason
from gateway.flows import mass_records as records
from gateway.flows.gateway import Gateway
from gateway.flows.ledger import head_over_all
from gateway.ledger.merkle import Peaks
from gateway.ledger.passing import Passing, listed_hash
from gateway.model.mass import MassCase
from gateway.seal.jwk import load_private_jwk
from gateway.seal.jws import sign_jws

# How many cases are read in one go, with their notices.
PAGE = 500
# And how many ids alone.
IDS = 1000


async def certified(gateway: Gateway, id: str, *, interim: bool) -> str:
    """
    A mass case's certificate as it stands now. Raises `CallerError`: `not-found`, and
    `case-open` where it is not over and `interim` was not said.
    """
    await records.found(gateway, id)
    # What a colleague of this process wrote a moment ago is in it.
    await gateway.store.flush()
    tally, peaks = await _counted(gateway, (await records.found(gateway, id)).no)
    # Read behind its cases: it counts at least those that were there.
    mass = await records.found(gateway, id)
    if not interim and not final(mass, tally):
        raise _open(mass, tally)
    steps = await gateway.store.mass_steps(mass.no)
    head = await head_over_all(gateway)
    claims = mass_claims(
        mass,
        steps,
        tally,
        root=peaks.root().hex(),
        issuer=gateway.issuer,
        now=gateway.clock(),
        checkpoint_note=head.cosigned_note,
    )
    signer = load_private_jwk(gateway.keys.signing("certificate").private_jwk)
    return sign_jws(claims, signer, MASS_CERTIFICATE_TYPE)


async def _counted(gateway: Gateway, no: int) -> tuple[Tally, Peaks]:
    tally, peaks, last = Tally(), Peaks(), ""
    while True:
        page = await gateway.store.mass_page(no, last, PAGE, untold=MAY_NOT_BE_TOLD)
        tally.add(page)
        for id, _ in page.cases:
            peaks.add(listed_hash(id))
        if len(page.cases) < PAGE:
            return tally, peaks
        last = page.cases[-1][0]


def _open(mass: MassCase, tally: Tally) -> CallerError:
    return CallerError(
        Reason.CASE_OPEN,
        f"the mass case is {mass.state.value}, and {tally.cases['open']} of its cases are open",
    )


async def pages(gateway: Gateway, no: int) -> AsyncIterator[list[str]]:
    """The ids of its cases in ascending order, some at a time."""
    last = ""
    while some := await gateway.store.cases_of_mass(no, last, IDS):
        yield some
        last = some[-1]


async def fixed(gateway: Gateway, id: str) -> MassCase:
    """
    A mass case to which no case is added any more: its list of cases is what it will be.
    Raises `CallerError`: `not-found`, `case-open`.
    """
    mass = await records.found(gateway, id)
    if mass.state not in FIXED:
        raise CallerError(
            Reason.CASE_OPEN,
            f"the mass case is {mass.state.value}: the list of its cases still grows",
            remedy="Ask again once it is opened, closed or cancelled.",
        )
    await gateway.store.flush()
    return mass


async def belonging(gateway: Gateway, id: str, case: str) -> dict[str, Any]:
    """
    The proof that a case is one of a mass case's, under the root that its certificate
    has: RFC 6962 §2.1.1 over the ids of its cases in ascending order, each a leaf.

    Raises `CallerError`: `not-found` where it is not, `case-open` as `fixed`.
    """
    mass = await fixed(gateway, id)
    index, size = None, 0
    async for some in pages(gateway, mass.no):
        if case in some:
            index = size + some.index(case)
        size += len(some)
    if index is None:
        raise CallerError(Reason.NOT_FOUND, "the mass case has no such case")
    passing = Passing(index, size)
    async for some in pages(gateway, mass.no):
        passing.add(map(listed_hash, some))
    hashes = [one.hex() for one in passing.hashes()]
    return {"mass": mass.id, "case": case, "index": index, "size": size, "hashes": hashes}
