"""ARTIFACTS_JSON: reading it, and putting the files that its entries name into the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from watchkeeper.domain.errors import UsageError
from watchkeeper.interfaces.cli.contract.answers import Json, Reply
from watchkeeper.interfaces.cli.contract.multipart import body_of
from watchkeeper.interfaces.cli.contract.server import Patience, Server, Tokens
from watchkeeper.interfaces.cli.contract.uploads import UploadFile, collect

STORE_SECONDS = 120.0
"""How long the store may take to hash and sync what it was sent."""


def read_artifacts(value: Any) -> list[Json]:
    """Take a list of artifacts, or an object with one under `artifacts`; raise UsageError for others."""
    artifacts = value.get("artifacts") if isinstance(value, dict) else value
    if not isinstance(artifacts, list):
        raise UsageError(
            "ARTIFACTS_JSON must be a list, or an object with a list under 'artifacts'",
            hint='For example [{"kind": "html_page", "path": "index.html", "primary": true}]; [] for none.',
        )
    for number, artifact in enumerate(artifacts):
        if not isinstance(artifact, dict):
            raise UsageError(f"artifact {number} must be an object")
        for name in ("url", "path", "artifact_id"):
            if artifact.get(name, name) is None:
                del artifact[name]
        if "path" in artifact:
            if not isinstance(artifact["path"], str) or not artifact["path"]:
                raise UsageError(f"the path of artifact {number} must be a text")
            if "artifact_id" in artifact or "url" in artifact:
                raise UsageError(
                    f"artifact {number} has a path and also a url or artifact_id; give one of them"
                )
    return artifacts


def files_of(artifact: Json, workspace: Path | None) -> list[UploadFile]:
    """List the files of an artifact that is given by its path."""
    return collect([artifact["path"]], workspace)


def upload(server: Server, job: str, files: list[UploadFile], tokens: Tokens) -> Reply:
    """Send files to the job's store."""
    patience = Patience(answer_seconds=STORE_SECONDS)
    return server.ask(f"/api/worker/jobs/{quote(job, safe='')}/files", body_of(files), tokens, patience)


def upload_paths(
    server: Server, job: str, artifacts: list[Json], tokens: Tokens, workspace: Path | None
) -> tuple[list[Json], Reply | None]:
    """Upload every artifact that is given by its path; give the artifacts with ids in their place.

    The second value is the answer that refused an upload, if one did. Raises ServerUnreachable, UsageError.
    """
    uploaded: list[Json] = []
    for artifact in artifacts:
        if "path" not in artifact:
            uploaded.append(artifact)
            continue
        files = files_of(artifact, workspace)
        reply = upload(server, job, files, tokens)
        if reply.code == "stale_lease":
            # Perhaps this very command ended the job before, and its answer was lost: the server knows.
            return [_by_name(artifact) for artifact in artifacts], None
        if not reply.ok:
            return artifacts, reply
        stored = reply.answer.get("artifacts")
        if not isinstance(stored, list) or not stored:
            return artifacts, _not_stored(artifact, reply)
        uploaded.append(_with_id(artifact, files, stored))
    return uploaded, None


def _by_name(artifact: Json) -> Json:
    """Name a file as an upload would: where it stands on this machine is nothing that the server takes."""
    return {**artifact, "path": Path(artifact["path"]).resolve().name} if "path" in artifact else artifact


def _with_id(artifact: Json, files: list[UploadFile], stored: list[Json]) -> Json:
    kept = {name: value for name, value in artifact.items() if name != "path"}
    names = [file.name for file in files]
    opened = _opened(names, stored)
    if len(names) > 1:
        kept.setdefault("files", names)
    return {**kept, "artifact_id": opened["id"]}


def _opened(names: list[str], stored: list[Json]) -> Json:
    """Choose which of a directory's artifacts stands for it: index.html, the only page, or the first."""
    if len(stored) != len(names):
        return stored[0]
    pages = [name for name in names if name.endswith((".html", ".htm"))]
    chosen = "index.html" if "index.html" in names else pages[0] if len(pages) == 1 else names[0]
    # An answer without names keeps the order of the upload.
    in_order = stored[names.index(chosen)]
    return next((artifact for artifact in stored if artifact.get("name") == chosen), in_order)


def _not_stored(artifact: Json, reply: Reply) -> Reply:
    skipped = reply.answer.get("skipped")
    reason = skipped.get("reason") if isinstance(skipped, dict) else None
    error = {
        "code": "contract_rejected",
        "message": f"{artifact['path']!r} was not stored: {reason or 'the server gave no reason'}",
        "hint": "Give the artifact by a url, or upload where the job has a deliverable.",
        "details": {"skipped": skipped, "failed": []},
    }
    return Reply({"ok": False, "error": error}, reply.status)
