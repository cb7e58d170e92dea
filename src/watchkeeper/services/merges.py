"""Projects that are read as one: proposed where evidence of one root cause repeats, accepted and undone by people.

A merge is a pointer from project to project (docs/adr). No row moves; who may read one project reads no other by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from watchkeeper.domain.errors import Conflict, UsageError
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.principals import SYSTEM_PROJECT
from watchkeeper.domain.proposals import MERGE_PROJECTS, ProposalDraft, proposal_fingerprint
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.duties import Duty, Ran
from watchkeeper.services.proposals import Effect, propose
from watchkeeper.storage.database import Connection, Database, Row, fetch

ACTOR = "system:merges"
BATCH = 20
MAX_PROJECTS = 50


async def project_group(connection: Connection, project_id: str) -> list[str]:
    """Give the projects that reports of the whole read together with one, that one first."""
    rows = await fetch(connection, "project_group", {"project_id": project_id})
    return [row["project_id"] for row in rows] or [project_id]


async def merge(connection: Connection, subject: Mapping[str, Any]) -> dict[str, Any]:
    """Let projects be read as one; give what every pointer was before and is now.

    `subject` names the `projects`, and with `into` the one that they go by (the first without it). What was read
    together with one of them comes along. Raises UsageError for a wrong subject, Conflict where a project is gone or
    goes by another one's name already.
    """
    projects, into = _named(subject)
    rows = {
        row["project_id"]: row["merged_into"]
        for row in await fetch(connection, "lock_projects", {"projects": [*projects, into]})
    }
    if missing := {*projects, into} - rows.keys():
        raise Conflict(f"there is no project {min(missing)!r} any more")
    for project in (*projects, into):
        if rows[project] is not None:
            raise Conflict(f"{project!r} goes by {rows[project]!r} already: name that one")
    after = {project: None if project == into else into for project in rows}
    changed = {project: rows[project] for project in rows if rows[project] != after[project]}
    await _point(connection, {project: after[project] for project in changed})
    return {"into": into, "before": changed, "after": {project: after[project] for project in changed}}


async def unmerge(connection: Connection, effect: Mapping[str, Any]) -> None:
    """Give every pointer that a merge changed the value it had; projects that were removed since stay away.

    Raises Conflict where another merge has changed one of them since: that one is undone first.
    """
    after: dict[str, str | None] = effect["after"]
    rows = await fetch(connection, "lock_projects", {"projects": [*after]})
    present = {row["project_id"]: row["merged_into"] for row in rows if row["project_id"] in after}
    for project, pointer in present.items():
        if pointer != after[project]:
            raise Conflict(f"{project!r} was merged anew since; undo that first")
    alive = {row["project_id"] for row in rows}
    before = {project: effect["before"][project] for project in present}
    await _point(connection, {name: into if into in alive else None for name, into in before.items()})


MERGING = Effect(merge, unmerge, of_whole=True)


async def _point(connection: Connection, pointers: Mapping[str, str | None]) -> None:
    await fetch(connection, "point_projects", {"projects": [*pointers], "targets": [*pointers.values()]})


def _named(subject: Mapping[str, Any]) -> tuple[list[str], str]:
    projects, into = subject.get("projects"), subject.get("into")
    if not isinstance(projects, list) or not all(isinstance(name, str) for name in projects):
        raise UsageError("a merge names its 'projects' as a list")
    if not 2 <= len({*projects, *([into] if into else [])}) <= MAX_PROJECTS:
        raise UsageError(f"a merge is of 2 to {MAX_PROJECTS} projects")
    if into is not None and not isinstance(into, str):
        raise UsageError("'into' is the name of a project")
    if SYSTEM_PROJECT in projects or into == SYSTEM_PROJECT:
        raise UsageError(f"{SYSTEM_PROJECT!r} stands for itself")
    return projects, into or projects[0]


@dataclass(frozen=True, slots=True)
class MergeWatch:
    """Proposes a merge to the owners of `system` where several projects keep having one trouble."""

    database: Database
    redactor: Redactor
    policy: Callable[[], Policy] = Policy
    interval_seconds: float = 300.0

    def duty(self) -> Duty:
        return Duty("merges", self.run_once, self.interval_seconds)

    async def run_once(self) -> Ran:
        """Look once; a question that is undecided, or decided without new evidence since, is not asked again."""
        thresholds = self.policy().thresholds
        bounds = {
            "projects": thresholds.merge_projects,
            "incidents": thresholds.merge_incidents_per_project,
            "days": thresholds.merge_window_days,
            "limit": BATCH,
        }
        proposed = 0
        async with self.database.transaction() as connection:
            for row in await fetch(connection, "shared_causes", bounds):
                made = await propose(connection, self.redactor, _draft(row), actor=ACTOR)
                proposed += made.is_new
        return Ran({"merges_proposed": proposed})


def _draft(row: Row) -> ProposalDraft:
    rule, cause, projects = row["rule"], row["cause"], row["projects"][:MAX_PROJECTS]
    evidence = {project: row["evidence"][project] for project in projects}
    names = ", ".join(projects)
    return ProposalDraft(
        SYSTEM_PROJECT,
        MERGE_PROJECTS,
        decision=f"Read {names} as one project.",
        problem=f"{len(projects)} projects keep having '{rule}' of the cause '{cause}'.",
        recommendation="Merge them where one repair would mend all of them; else keep them apart.",
        reasoning="Repeated evidence shows the same root cause in each of them; subject.evidence names incidents.",
        options=("Merge them: reports of the whole read them together.", "Keep them apart."),
        landing_path="Accepting sets a pointer on each project; no row moves. 'proposal undo' takes it back.",
        feedback_if_rejected="Say what keeps the projects apart; the same is asked again only on new evidence.",
        fingerprint=proposal_fingerprint(SYSTEM_PROJECT, MERGE_PROJECTS, rule, cause),
        subject={"rule": rule, "cause": cause, "projects": projects, "evidence": evidence},
    )
