"""`projects remove`: a project's rows, by the server or without it, and its files in this machine's home."""

from __future__ import annotations

import asyncio
from typing import Any

from watchkeeper import example
from watchkeeper.agents.user import agent_user
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.app import whole as root
from watchkeeper.domain.errors import NotFound, ServerUnreachable
from watchkeeper.example.placing import remove_commands
from watchkeeper.interfaces.cli.acting import Act
from watchkeeper.interfaces.cli.client import connected
from watchkeeper.interfaces.cli.local import URL, has_database, own_token, read_secret, with_database
from watchkeeper.interfaces.cli.output import show
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.services.project_files import Removed, has_project_files, remove_project_files
from watchkeeper.settings import Settings

ACTOR = "system:cli"


def remove_project(name: str, reason: str, act: Act, *, dry_run: bool, as_json: bool) -> None:
    """Remove it at the token's server; where that is this home's own, its files too, and without a server."""
    settings = Settings.read()
    is_here = _is_own_server(settings) and own_token(settings)[1]
    without_server = is_here and has_database(settings)
    missing: NotFound | None = None
    try:
        _remove_rows(settings, name, reason, act, without_server=without_server, dry_run=dry_run)
    except NotFound as error:
        missing = error
    if dry_run:
        if missing is not None and not (is_here and _has_files(settings, name)):
            raise missing
        plan = {"ok": True, "dry_run": True, "would": act.sentence}
        show(plan if as_json else None, as_json=as_json, empty=f"would {act.sentence}; nothing was done")
        return
    removed = _remove_files(settings, name) if is_here else Removed(found=False, held=0)
    if missing is not None and not removed.found:
        raise missing
    _tell(name, act, removed, as_json=as_json)


def _is_own_server(settings: Settings) -> bool:
    """Say whether the server that is asked is this home's own: no other was named."""
    return settings.url is None or settings.url.rstrip("/") == (
        read_secret(settings.home / URL) or ""
    ).rstrip("/")


def _remove_rows(
    settings: Settings, name: str, reason: str, act: Act, *, without_server: bool, dry_run: bool
) -> None:
    # Without the address that a running server leaves in the home, another's could answer at the usual one.
    if not without_server or settings.database_url or read_secret(settings.home / URL) is not None:
        try:
            with connected() as client:
                client.act(act.method, act.path, act.body, dry_run=dry_run, **act.query)
        except ServerUnreachable:
            if not without_server:
                raise
        else:
            return
    with with_database(begin(), note) as complete:
        asyncio.run(_remove_in_database(complete, name, reason, force="force" in act.query, dry_run=dry_run))


async def _remove_in_database(
    settings: Settings, name: str, reason: str, *, force: bool, dry_run: bool
) -> None:
    async with root.running(settings) as app:
        await app.kinds.delete_project(name, actor=ACTOR, reason=reason, force=force, dry_run=dry_run)


def _has_files(settings: Settings, name: str) -> bool:
    return has_project_files(settings.home, name, _workspaces(settings))


def _workspaces(settings: Settings) -> Workspaces:
    return Workspaces(settings.home, agent_user(settings.agent_user))


def _remove_files(settings: Settings, name: str) -> Removed:
    workspaces = _workspaces(settings)
    removed = remove_project_files(settings.home, name, workspaces)
    if name == example.PROJECT:
        remove_commands(workspaces.place)
    return removed


def _tell(name: str, act: Act, removed: Removed, *, as_json: bool) -> None:
    answer: dict[str, Any] = {"ok": True, "project_id": name, "deleted": True}
    answer |= {"files_removed": removed.found, "attempts_held": removed.held}
    text = f"done: {act.sentence}" + (" and its files on this machine" if removed.found else "")
    if removed.held:
        text += (
            f"\n{removed.held} of its attempts are not over yet: their worker ends them, "
            "and this command, given again then, removes their files"
        )
    show(answer if as_json else None, as_json=as_json, empty=text)
