"""
A whole witness (C2SP tlog-witness), which can be told how to misbehave.

    async with FakeWitness() as witness:
        witness.trust(origin, jwks)
        …                                  # a gateway with witness.settings() asks it
        witness.misbehave(Misbehaviour.WRONG_SIGNATURE)

It keeps of each ledger the newest checkpoint it cosigned, on disk where it is given a
file, and writes it before it answers. Comparing and writing are one step.
"""

import asyncio
import json
import os
from base64 import b64encode
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.ledger.checkpoint import Checkpoint, open_checkpoint, trusted_keys
from gateway.ledger.encode import EMPTY_ROOT
from gateway.ledger.note import KeyType, NoteInvalid, SignedNote, Verifier, unbase64
from gateway.ledger.proofs import ProofInvalid, verify_consistency
from gateway.ledger.witness import SIZE_TYPE, newest_path
from gateway.testing.authority import IssuedCertificate
from gateway.testing.listener import Listener
from gateway.testing.ports import HOST

MAX_HASHES = 63


class Misbehaviour(StrEnum):
    """What a witness may do wrong."""

    WRONG_KEY = "signs with another key than its own, under its own name"
    WRONG_SIGNATURE = "gives a signature with one bit changed"
    TIME_ZERO = "signs for the time 0"
    LONG_AGO = "signs for a time that is a day ago"
    STALE = "gives its signature over the checkpoint of before"
    NOT_A_LINE = "answers with something that is no signature line"
    SIZE_TOO_LARGE = "says that it knows a larger ledger"
    SIZE_TOO_SMALL = "says that it knows a smaller ledger than it does, once"
    OTHER_ROOT = "says that a right proof is wrong"
    BROKEN = "answers 500"
    SILENT = "never answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of `add-checkpoint`, as it came."""

    old: int
    hashes: int
    origin: str
    size: int
    status: int


class FakeWitness:
    """One witness on a port of its own. `async with` starts and stops it."""

    def __init__(
        self,
        name: str = "witness.example/w1",
        *,
        key: Ed25519PrivateKey | None = None,
        file: Path | None = None,
        tls: IssuedCertificate | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`file`: where its record is kept over restarts; None: in memory. `tls` None: http."""
        self.name = name
        self.asked: list[Asked] = []
        self._key = key or Ed25519PrivateKey.generate()
        self._other = Ed25519PrivateKey.generate()
        self._file, self._clock, self._tls = file, clock, tls
        self._logs: dict[str, list[Verifier]] = {}
        self._record: dict[str, str] = {}
        self._wrong: deque[Misbehaviour] = deque()
        self._always: Misbehaviour | None = None
        self._turn = asyncio.Lock()
        self._listener: Listener | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Its submission prefix, which is also the one under which it shows checkpoints."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self._port}"

    @property
    def vkey(self) -> str:
        """Its public key as text (C2SP signed-note)."""
        return str(Verifier(self.name, self._key.public_key(), KeyType.COSIGNATURE))

    def table(self) -> str:
        """Its table for `gateway.toml`."""
        return f'\n[[witness]]\nurl = "{self.url}"\nkey = "{self.vkey}"\n'

    def trust(self, origin: str, jwks: Mapping[str, Any]) -> None:
        """From now on it cosigns for this ledger, signed by these keys."""
        self._logs[origin] = trusted_keys(jwks, origin)

    def misbehave(self, *wrong: Misbehaviour) -> None:
        """Do these, each once, in this order."""
        self._wrong.extend(wrong)

    def misbehave_always(self, wrong: Misbehaviour | None) -> None:
        """Do this until told otherwise; None: behave."""
        self._always = wrong

    def newest(self, origin: str) -> Checkpoint | None:
        """What it has of a ledger."""
        note = self._record.get(origin)
        return None if note is None else open_checkpoint(note, self._logs[origin])

    def remember(self, origin: str, note: str) -> None:
        """Take a checkpoint as the newest, as if it had been asked to cosign it."""
        self._keep(origin, note)

    async def __aenter__(self) -> "FakeWitness":
        if self._file is not None and self._file.exists():
            self._record = json.loads(self._file.read_text(encoding="utf-8"))
        tls = self._tls.server_context() if self._tls else None
        self._listener = await Listener.start(
            self._answer, connected=lambda: None, port=self._port, tls=tls
        )
        self._port = self._listener.port
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            await self._listener.stop()

    async def _answer(self, request: web.Request, listener: Listener) -> web.StreamResponse:
        if request.method == "GET":
            return self._shown(request.path)
        if (request.method, request.path) != ("POST", "/add-checkpoint"):
            return web.Response(status=404)
        wrong = self._wrong.popleft() if self._wrong else self._always
        if wrong is Misbehaviour.SILENT:
            await listener.released.wait()
        if wrong is Misbehaviour.BROKEN:
            return web.Response(status=500)
        return await self._add(await request.read(), wrong)

    def _shown(self, path: str) -> web.Response:
        for origin, note in self._record.items():
            if path == f"/{newest_path(origin)}":
                return web.Response(text=note + self._line(note, None))
        return web.Response(status=404)

    async def _add(self, body: bytes, wrong: Misbehaviour | None) -> web.Response:
        try:
            old, hashes, note = _taken_apart(body)
            origin = SignedNote.parse(note).text.partition("\n")[0]
        except (ValueError, NoteInvalid):
            return web.Response(status=400)
        if origin not in self._logs:
            return web.Response(status=404)
        try:
            checkpoint = open_checkpoint(note, self._logs[origin])
        except NoteInvalid:
            return web.Response(status=403)
        # Checked and written as one: nobody comes between.
        async with self._turn:
            answer = self._decided(old, hashes, checkpoint, note, wrong)
        asked = Asked(
            old=old,
            hashes=len(hashes),
            origin=origin,
            size=checkpoint.size,
            status=answer.status,
        )
        self.asked.append(asked)
        return answer

    def _decided(
        self,
        old: int,
        hashes: list[bytes],
        new: Checkpoint,
        note: str,
        wrong: Misbehaviour | None,
    ) -> web.Response:
        if old > new.size:
            return web.Response(status=400)
        known = self.newest(new.origin) or Checkpoint(origin=new.origin, size=0, root=EMPTY_ROOT)
        if wrong is Misbehaviour.SIZE_TOO_LARGE:
            return _conflict(new.size + 7)
        if wrong is Misbehaviour.SIZE_TOO_SMALL:
            return _conflict(max(1, new.size // 2))
        if old != known.size:
            return _conflict(known.size)
        if wrong is Misbehaviour.OTHER_ROOT or not _continues(known, new, hashes):
            return web.Response(status=422)
        if wrong is None:
            self._keep(new.origin, note)
        return web.Response(text=self._line(note, wrong))

    def _keep(self, origin: str, note: str) -> None:
        record = {**self._record, origin: note}
        if self._file is not None:
            part = self._file.with_name(self._file.name + ".part")
            with part.open("w", encoding="utf-8") as out:
                json.dump(record, out)
                out.flush()
                os.fsync(out.fileno())
            part.replace(self._file)
        self._record = record

    def _line(self, note: str, wrong: Misbehaviour | None) -> str:
        if wrong is Misbehaviour.NOT_A_LINE:
            return "thank you\n"
        text = SignedNote.parse(note).text
        if wrong is Misbehaviour.STALE:
            text = SignedNote.parse(self._record[text.partition("\n")[0]]).text
        at = int(self._clock().timestamp())
        if wrong is Misbehaviour.TIME_ZERO:
            at = 0
        elif wrong is Misbehaviour.LONG_AGO:
            at -= 86_400
        key = self._other if wrong is Misbehaviour.WRONG_KEY else self._key
        signature = key.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        if wrong is Misbehaviour.WRONG_SIGNATURE:
            signature = bytes([signature[0] ^ 1]) + signature[1:]
        verifier = Verifier(self.name, self._key.public_key(), KeyType.COSIGNATURE)
        blob = b64encode(verifier.key_id + at.to_bytes(8, "big") + signature).decode("ascii")
        return f"\u2014 {self.name} {blob}\n"


def _taken_apart(body: bytes) -> tuple[int, list[bytes], str]:
    """The old size, the proof and the note. Raises `ValueError`, `NoteInvalid`."""
    head, gap, note = body.decode().partition("\n\n")
    first, *lines = head.split("\n")
    word, _, digits = first.partition(" ")
    if word != "old" or not gap or str(int(digits)) != digits or len(lines) > MAX_HASHES:
        raise ValueError("not a request of C2SP tlog-witness")
    return int(digits), [unbase64(line) for line in lines], note


def _continues(known: Checkpoint, new: Checkpoint, hashes: list[bytes]) -> bool:
    if known.size == 0:
        return not hashes and (new.size > 0 or new.root == EMPTY_ROOT)
    try:
        verify_consistency(known.size, new.size, hashes, known.root, new.root)
    except ProofInvalid:
        return False
    return True


def _conflict(size: int) -> web.Response:
    return web.Response(status=409, body=f"{size}\n".encode(), headers={"Content-Type": SIZE_TYPE})
