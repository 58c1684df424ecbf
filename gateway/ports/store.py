"""All stores in one."""

from typing import Protocol

from gateway.ports.cases import ActionStore, CaseStore
from gateway.ports.courses import CourseStore, OpenDsrStore, ProtocolStore
from gateway.ports.keys import EpochStore
from gateway.ports.ledger import LedgerStore, PruneStore, WitnessStore
from gateway.ports.mass import MassStore
from gateway.ports.partners import PartnerStore
from gateway.ports.people import CrowdStore
from gateway.ports.reports import HistoryStore, ReportStore
from gateway.ports.restoring import RestoreStore
from gateway.ports.shares import QueueStore, TokenStore
from gateway.ports.subjects import SubjectStore
from gateway.ports.terms import EditionStore, TermsStore


class Store(
    LedgerStore,
    SubjectStore,
    CrowdStore,
    QueueStore,
    TokenStore,
    PartnerStore,
    CaseStore,
    TermsStore,
    ActionStore,
    MassStore,
    EditionStore,
    HistoryStore,
    ReportStore,
    ProtocolStore,
    CourseStore,
    OpenDsrStore,
    WitnessStore,
    RestoreStore,
    PruneStore,
    EpochStore,
    Protocol,
):
    """One store for all of it, so that what must change together does."""

    async def start(self) -> None:
        """Open, migrate, and become the one owner. Raises `SchemaTooNew`, `StoreFailed`."""

    async def close(self) -> None:
        """Write what is queued, then close."""
