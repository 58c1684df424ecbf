"""The store itself: its parts put together, and its life."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from gateway.errors import LedgerContradiction, StoreFailed
from gateway.stores.sqlite.actions import ActionPart
from gateway.stores.sqlite.base import utc_now
from gateway.stores.sqlite.cases import CasePart
from gateway.stores.sqlite.counting import CountingPart
from gateway.stores.sqlite.courses import CoursePart
from gateway.stores.sqlite.crowds import CrowdPart
from gateway.stores.sqlite.database import Ownership, check_version, connect, migrate
from gateway.stores.sqlite.editions import EditionPart
from gateway.stores.sqlite.epochs import EpochPart
from gateway.stores.sqlite.ledger import LedgerPart
from gateway.stores.sqlite.mass import MassPart
from gateway.stores.sqlite.opendsr import OpenDsrPart
from gateway.stores.sqlite.people import PeoplePart
from gateway.stores.sqlite.protocols import ProtocolPart
from gateway.stores.sqlite.pruning import PruningPart
from gateway.stores.sqlite.published import PublishedPart
from gateway.stores.sqlite.queue import PartnerPart, QueuePart
from gateway.stores.sqlite.reader import Reader
from gateway.stores.sqlite.reports import ReportPart
from gateway.stores.sqlite.restoring import RestorePart
from gateway.stores.sqlite.terms import TermsPart
from gateway.stores.sqlite.tokens import TokenPart
from gateway.stores.sqlite.witness import WitnessPart
from gateway.stores.sqlite.writer import Meter, Writer


class SQLiteStore(
    LedgerPart,
    PeoplePart,
    CrowdPart,
    QueuePart,
    PartnerPart,
    CasePart,
    TokenPart,
    TermsPart,
    EditionPart,
    ReportPart,
    PublishedPart,
    PruningPart,
    ProtocolPart,
    CoursePart,
    OpenDsrPart,
    EpochPart,
    WitnessPart,
    RestorePart,
    ActionPart,
    MassPart,
    CountingPart,
):
    """
    Implements `Store` on one SQLite file in WAL mode with full sync.

    One process owns it at a time (a lock beside the file); readers of other
    processes may look on (`open_for_reading`).
    """

    def __init__(
        self,
        path: Path,
        *,
        meter: Meter | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__()
        self.clock = clock
        self.path = path
        self._meter = meter
        self._ownership = Ownership(path.with_name(path.name + ".owner"))

    @property
    def lock_path(self) -> Path:
        """The file whose lock makes the owner."""
        return self.path.with_name(self.path.name + ".owner")

    @property
    def started(self) -> bool:
        """Whether there is anything to close."""
        return hasattr(self, "reader")

    def when_contradicted(self, tell: Callable[[LedgerContradiction], None]) -> None:
        """Tell `tell` when the ledger contradicts itself."""
        self.on_contradiction = tell

    async def start(self) -> None:
        """See `Store.start`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailed(f"cannot make the folder of {self.path.name}") from error
        self._ownership.take()
        try:
            migrate(self.path)
            reader = Reader()
            await reader.open(self.path)
        except BaseException:
            self._ownership.release()
            raise
        self.writer = Writer(lambda: connect(self.path), self._meter, self.contradiction)
        self.reader = reader

    async def open_for_reading(self) -> None:
        """Open beside the owner, to look only. Raises `SchemaTooNew`, `StoreFailed`."""
        check_version(self.path)
        self.reader = Reader()
        await self.reader.open(self.path)

    async def close(self) -> None:
        """See `Store.close`."""
        if hasattr(self, "writer"):
            await self.close_ledger()
            await self.writer.close()
        await self.reader.close()
        self._ownership.release()
