"""Ids. A `NewType` each, so that the type checker keeps them apart."""

from typing import NewType

PartnerId = NewType("PartnerId", str)
PurposeId = NewType("PurposeId", str)
RouteId = NewType("RouteId", str)
CategoryId = NewType("CategoryId", str)
GroundId = NewType("GroundId", str)
ClauseId = NewType("ClauseId", str)

ShareId = NewType("ShareId", str)
LeafId = NewType("LeafId", str)
ConsentId = NewType("ConsentId", str)
EvidenceId = NewType("EvidenceId", str)
CaseId = NewType("CaseId", str)
NoticeId = NewType("NoticeId", str)

SubjectId = NewType("SubjectId", str)
"""The app's own id of a person. Never on disk in the clear, never in a log."""

ID_PATTERN = r"[a-z0-9][a-z0-9.-]{0,62}"
"""What ids of partners, purposes, routes and categories look like (contract, introduction)."""

NO_CATEGORY = CategoryId("none")
"""The category of a field that says nothing about a person."""
