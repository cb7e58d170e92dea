"""Decision records: what is advised where nothing may be done by itself, and how it was decided."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

MAX_OPTIONS = 20
MAX_SUBJECT_CHARS = 16_000

MERGE_PROJECTS = "merge_projects"
"""The kind of proposal whose acceptance makes several projects be read as one."""


class AdoptionStatus(StrEnum):
    """`withdrawn`: what it was about is over before anybody decided; `undone`: accepted, and taken back."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class ProposalDraft:
    """A decision as it is put before people.

    `decision` says in a sentence what would be decided; `feedback_if_rejected` what to tell where it is not.
    `fingerprint` names the question: it is asked once, until somebody decides. `subject` is JSON for programs.
    """

    project_id: str
    kind: str
    decision: str
    problem: str
    recommendation: str
    reasoning: str
    options: tuple[str, ...] = ()
    landing_path: str | None = None
    feedback_if_rejected: str | None = None
    fingerprint: str | None = None
    subject: Mapping[str, Any] = field(default_factory=dict)
    incident_id: UUID | None = None
    job_id: UUID | None = None


def proposal_fingerprint(project_id: str, kind: str, *about: str) -> str:
    """Give the SHA-256 by which two proposals are the same question."""
    return hashlib.sha256(json.dumps([project_id, kind, *about], ensure_ascii=False).encode()).hexdigest()
