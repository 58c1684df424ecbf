"""Reading a person's records is itself recorded (P3)."""

from gateway.errors import Reason, StoreFailed
from gateway.flows.answers import Declined, problem
from gateway.flows.clockwork import new_id
from gateway.flows.gateway import Gateway
from gateway.flows.subjects import Person
from gateway.ledger import entries
from gateway.ledger.encode import canonical


async def record_read(gateway: Gateway, person: Person, *, service: str, what: str) -> None:
    """
    One leaf for a read, durable before anything is shown; without a subject
    where the person is unknown or erased. Raises `Declined` where the disk does
    not take it: nobody reads unseen.
    """
    id = new_id("leaf", gateway.random)
    known = person.facts.known and not person.facts.erased
    leaf = entries.read(
        id=id,
        at=gateway.clock(),
        service=service,
        record=what,
        subject=entries.subject_mark(person.key, id) if known else None,
    )
    await _append(gateway, leaf, person.lookup if known else None)


async def record_list_read(gateway: Gateway, *, service: str, what: str) -> None:
    """
    One leaf for reading a list of people, which may be anybody; durable before
    the first is shown. Raises `Declined` as `record_read` does.
    """
    id = new_id("leaf", gateway.random)
    leaf = entries.read(id=id, at=gateway.clock(), service=service, record=what)
    await _append(gateway, leaf, None)


async def _append(gateway: Gateway, leaf: entries.Leaf, lookup: bytes | None) -> None:
    try:
        await gateway.store.append_read(canonical(leaf), lookup)
    except StoreFailed as error:
        raise Declined(problem(Reason.LEDGER_UNAVAILABLE)) from error
    gateway.appended.set()
