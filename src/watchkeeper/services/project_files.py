"""What a removed project leaves in a home: its attempts with their sessions, its workspaces, stored files, a token."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from watchkeeper.agents.session import Session
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.services.artifact_store import checked_project
from watchkeeper.services.artifact_store_disk import DiskArtifactStore
from watchkeeper.services.supervision.place import place_lock
from watchkeeper.services.supervision.records import AttemptRecords, attempts_in


@dataclass(frozen=True)
class Removed:
    """`found` says whether anything was there; `held` counts attempts that a running worker has yet to end."""

    found: bool
    held: int


def remove_project_files(home: Path, project: str, workspaces: Workspaces) -> Removed:
    """End what lives of a removed project's sessions in a home and remove all its files there. Blocks.

    An attempt that is not over stays with its workspace while its worker runs: without the project's rows it has no
    lease, and the worker ends it. Raises UsageError for what is no project's name, OSError for what cannot be removed.
    """
    places = _places(home, project, workspaces)
    attempts = [_remove_attempts(place, project) for place in sorted((home / "sessions").glob("*/"))]
    held = sum(removed.held for removed in attempts)
    found = any(removed.found for removed in attempts) or any(place.exists() for place in places)
    token, own, _ = places
    token.unlink(missing_ok=True)
    DiskArtifactStore(home / "artifacts").remove_project(project)
    if not held and own.exists():
        shutil.rmtree(own)
    return Removed(found, held)


def has_project_files(home: Path, project: str, workspaces: Workspaces) -> bool:
    """Say whether anything of a project is in a home."""
    attempts = (one for place in (home / "sessions").glob("*/") for one in attempts_in(place))
    return any(place.exists() for place in _places(home, project, workspaces)) or any(
        _project_of(records) == project for records in attempts
    )


def _places(home: Path, project: str, workspaces: Workspaces) -> tuple[Path, Path, Path]:
    """Give where a project's token, workspaces and stored files lie."""
    token = home / f"worker-token-{checked_project(project)}"
    return (
        token,
        workspaces.of_project(project),
        DiskArtifactStore(home / "artifacts").project_folder(project),
    )


def _remove_attempts(place: Path, project: str) -> Removed:
    """Remove a project's attempts from one worker's place, and the place when nothing else is in it."""
    own = [records for records in attempts_in(place) if _project_of(records) == project]
    if not own:
        return Removed(found=False, held=0)
    with place_lock(place) as is_free:
        over = [records for records in own if is_free or records.is_over]
        gone = [_remove_attempt(records) for records in over]
        if is_free and not attempts_in(place):
            shutil.rmtree(place)
            place.with_name(f"{place.name}.lock").unlink(missing_ok=True)
    return Removed(found=True, held=len(own) - sum(gone))


def _project_of(records: AttemptRecords) -> object:
    return ((records.lease() or {}).get("job") or {}).get("project_id")


def _remove_attempt(records: AttemptRecords) -> bool:
    if records.session.is_dir():
        session = Session.adopt(records.session)
        if not session.prove_gone().gone:
            return False
        session.discard()
    shutil.rmtree(records.directory)
    return True
