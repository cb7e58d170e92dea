"""`artifacts`: whether what the jobs produced is still there, at the machine that has database and store."""

from __future__ import annotations

import asyncio

import typer

from watchkeeper.app import whole as root
from watchkeeper.domain.errors import EXIT_CODE
from watchkeeper.interfaces.cli.local import with_database
from watchkeeper.interfaces.cli.options import Json
from watchkeeper.interfaces.cli.output import show, write
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.services.artifact_verification import Verified
from watchkeeper.settings import Settings

artifacts = typer.Typer(no_args_is_help=True, help="Stored artifacts: verify.")

ACTOR = "system:cli"
LOST = {
    "artifact": "id",
    "project": "project_id",
    "job": "job_id",
    "name": "name",
    "is": "how",
    "bytes": "bytes",
    "sha256": "sha256",
}


@artifacts.callback()
def group() -> None:
    """Keep the group a group while it has one command."""


@artifacts.command()
def verify(as_json: Json = False) -> None:
    """Read every stored file again: is it there, and is it what was stored? Exit code 3 where one is not."""
    with with_database(begin(), note) as settings:
        verified = asyncio.run(_verify(settings))
    if as_json:
        show({"ok": verified.ok, **verified.to_json()}, as_json=True)
    else:
        if verified.lost:
            show(verified.lost_artifacts, as_json=False, columns=LOST)
        write(
            f"{verified.files:,} files verified: {verified.lost:,} artifacts lost, "
            f"{verified.found_again:,} found again; {verified.unnamed:,} files belong to none"
        )
    if not verified.ok:
        raise typer.Exit(EXIT_CODE["conflict"])


async def _verify(settings: Settings) -> Verified:
    async with root.running(settings) as app:
        return await app.verification.run(ACTOR, note)
