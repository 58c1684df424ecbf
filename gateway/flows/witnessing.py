"""
Asking a witness to cosign the newest checkpoint (C2SP tlog-witness).

    head -> proof from what it has -> ask -> verify -> keep

Nothing waits for it: shares are carried whether a witness answers or not. The
process may die at any `await`: a cosignature that was not kept is asked for again.

A witness may say that it knows a larger ledger than this one, or that a right proof
does not satisfy it. Then this copy is old or was rewritten, or the witness lies. Its word
alone is only told aloud. It is asked for the checkpoint that it has: one that is
signed by a key of this ledger, and that this ledger did not make, is evidence that
nobody could forge, and stops the process.
"""

import asyncio

from gateway.errors import GatewayError, PartnerFailed
from gateway.flows.gateway import Gateway
from gateway.flows.witnesses import Claim, Witness
from gateway.ledger import merkle
from gateway.ledger.checkpoint import Checkpoint, open_checkpoint, trusted_keys
from gateway.ledger.continuity import EVIDENCE, contradiction
from gateway.ledger.note import NoteInvalid
from gateway.ledger.witness import add_checkpoint, cosignature, newest_path, recorded_size
from gateway.ports import Answer, LedgerHead, Outgoing

# A 409 says where to begin; who changes its mind more often than this is failing.
MAX_TRIES = 3
TIMEOUT_SECONDS = 10.0
ANSWER_LIMIT_BYTES = 64 * 1024
# A cosignature says what was the newest when; so often it is asked for anew.
RENEW_SECONDS = 600.0


class WitnessFailed(GatewayError):
    """A witness did not cosign, for a reason that says nothing about the ledger."""

    code = "witness-failed"

    def __init__(self, what: str, status: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        """A fixed word: `unreachable`, `refused` or `invalid`."""
        self.status = status


class WitnessContradicts(GatewayError):
    """A witness says what cannot be true if this ledger is whole and its newest."""

    code = "witness-contradicts"

    def __init__(self, claim: Claim, size: int) -> None:
        super().__init__(claim.value)
        self.claim = claim
        self.size = size


async def ask(gateway: Gateway, witness: Witness) -> None:
    """
    Ask one witness once, and note what became of it.

    Raises `StoreFailed` where a cosignature cannot be kept, and
    `LedgerContradiction` where the witness shows evidence of one.
    """
    try:
        size = await _cosigned(gateway, witness)
    except WitnessContradicts as said:
        _contradicted(gateway, witness, said)
        await _look_at_evidence(gateway, witness)
    except WitnessFailed as failed:
        _failed(gateway, witness, failed)
    else:
        _succeeded(gateway, witness, size)


async def _cosigned(gateway: Gateway, witness: Witness) -> int:
    """Have the newest checkpoint cosigned and keep the line; its size."""
    for _ in range(MAX_TRIES):
        head = await gateway.store.head()
        old = min(witness.recorded, head.size)
        answer = await _called(
            gateway, "POST", f"{witness.url}/add-checkpoint", await _body(gateway, head, old)
        )
        match answer.status:
            case 200:
                await _keep(gateway, witness, head, answer)
                return head.size
            case 409:
                witness.recorded = await _corrected(gateway, answer, head, old)
            case 422:
                raise WitnessContradicts(Claim.CONFLICT, head.size)
            case status:
                raise WitnessFailed("refused", status)
    raise WitnessFailed("refused", 409)


async def _body(gateway: Gateway, head: LedgerHead, old: int) -> bytes:
    proof: list[bytes] = []
    if 0 < old < head.size:
        tiles = await gateway.store.tiles(merkle.consistency_tiles(old, head.size))
        proof = merkle.consistency(tiles, old, head.size)
    return add_checkpoint(old, proof, head.note)


async def _corrected(gateway: Gateway, answer: Answer, head: LedgerHead, old: int) -> int:
    """The size from which to go on after a 409. Raises `WitnessContradicts`, `WitnessFailed`."""
    size = recorded_size(answer.body, answer.headers.get("Content-Type", ""))
    if size is None and old != head.size:
        raise WitnessFailed("invalid", 409)
    if size is None or size == old == head.size:
        # Some witnesses answer so where the size is right and the root another.
        raise WitnessContradicts(Claim.CONFLICT, head.size)
    # The ledger may have grown meanwhile, and an earlier call of ours gone through.
    if size > (await gateway.store.head()).size:
        raise WitnessContradicts(Claim.AHEAD, size)
    return size


async def _keep(gateway: Gateway, witness: Witness, head: LedgerHead, answer: Answer) -> None:
    try:
        given = cosignature(answer.body, head.note, witness.verifier, now=gateway.clock())
    except NoteInvalid as error:
        raise WitnessFailed("invalid", answer.status) from error
    quorum = gateway.witnesses.quorum
    await gateway.store.keep_cosignature(head, str(witness.verifier), given.line, quorum)


async def _look_at_evidence(gateway: Gateway, witness: Witness) -> None:
    """
    Ask for the checkpoint that the witness has, and compare it with the ledger.

    Raises `LedgerContradiction` for one that our own key signed and that is not ours.
    """
    url = f"{witness.url}/{newest_path(gateway.config.origin)}"
    try:
        answer = await _called(gateway, "GET", url, None)
        keys = trusted_keys(gateway.keys.public_jwks(), gateway.config.origin)
        shown = open_checkpoint(answer.body, keys)
    except (WitnessFailed, NoteInvalid):
        # Nothing that anybody would have to believe.
        return
    if await made(gateway, shown):
        return
    raise contradiction(
        f"the witness {witness.name} has a checkpoint of {shown.size} leaves with the root "
        f"{shown.root.hex()}, signed by this ledger's own key, and this ledger has no such root",
        url,
        f"{EVIDENCE}, and of what this address shows; put the newest copy of data/ back",
    )


async def made(gateway: Gateway, shown: Checkpoint) -> bool:
    """Whether a checkpoint is of this ledger as it now stands: a beginning of it, or all."""
    head = await gateway.store.head()
    if shown.size > head.size:
        return False
    tiles = await gateway.store.tiles(merkle.edge(shown.size))
    return merkle.root(tiles, shown.size) == shown.root


async def _called(gateway: Gateway, method: str, url: str, body: bytes | None) -> Answer:
    headers = (("Content-Type", "text/plain; charset=utf-8"),) if body is not None else ()
    try:
        return await gateway.egress.ask(
            Outgoing(
                method=method,
                url=url,
                headers=headers,
                body=body,
                timeout_seconds=TIMEOUT_SECONDS,
                connect_timeout_seconds=TIMEOUT_SECONDS,
                response_limit=ANSWER_LIMIT_BYTES,
            )
        )
    # A `ValueError` is a URL that cannot be asked for.
    except (PartnerFailed, ValueError) as error:
        raise WitnessFailed("unreachable") from error


def _succeeded(gateway: Gateway, witness: Witness, size: int) -> None:
    now = asyncio.get_running_loop().time()
    if witness.failures or witness.asked < 0:
        gateway.log.info("witness-cosigned", witness=witness.name, size=size)
    witness.recorded = witness.asked = size
    witness.cosigned = max(witness.cosigned, size)
    witness.failures, witness.due, witness.claim = 0, now, None
    witness.renew = now + RENEW_SECONDS
    gateway.metrics.witness(witness.name, "cosigned", size=size, contradicts=False)


def _failed(gateway: Gateway, witness: Witness, failed: WitnessFailed) -> None:
    pause = _put_off(gateway, witness)
    gateway.log.warning(
        "witness-failed",
        witness=witness.name,
        what=failed.what,
        attempt=witness.failures,
        retry_after=pause,
        **({} if failed.status is None else {"status": failed.status}),
    )
    gateway.metrics.witness(witness.name, failed.what, contradicts=witness.claim is not None)


def _contradicted(gateway: Gateway, witness: Witness, said: WitnessContradicts) -> None:
    witness.claim = said.claim
    pause = _put_off(gateway, witness)
    gateway.log.error(
        "witness-contradicts",
        witness=witness.name,
        what=said.claim.value,
        size=said.size,
        retry_after=pause,
    )
    gateway.metrics.witness(witness.name, "contradicts", contradicts=True)


def _put_off(gateway: Gateway, witness: Witness) -> float:
    jitter = int.from_bytes(gateway.random(4), "big") / 2**32
    return witness.failed(asyncio.get_running_loop().time(), jitter)
