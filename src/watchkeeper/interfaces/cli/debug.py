"""`debug`: for who looks into an installation that misbehaves."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from watchkeeper.app import whole as root
from watchkeeper.domain.errors import SettingError, WatchkeeperError
from watchkeeper.domain.redaction import Redactor
from watchkeeper.interfaces.cli.acting import log_reason
from watchkeeper.interfaces.cli.local import embedded_server
from watchkeeper.interfaces.cli.options import DryRun, Json, LocalReason
from watchkeeper.interfaces.cli.output import show
from watchkeeper.interfaces.cli.starting import note
from watchkeeper.services.debug_bundle import DebugBundle
from watchkeeper.services.debug_parts import add_database, add_logs, add_machine
from watchkeeper.services.exposure import Exposure
from watchkeeper.services.known_secrets import known_secrets
from watchkeeper.settings import Settings

LOG_LINES = 2000

debug = typer.Typer(no_args_is_help=True, help="What a maintainer needs to see.")


@debug.callback()
def _group() -> None:
    """Keep `bundle` a subcommand though it is the only one."""


@debug.command()
def bundle(
    path: Annotated[
        Path | None,
        typer.Argument(help="A new file, or a directory for it; this one by default.", show_default=False),
    ] = None,
    log_lines: Annotated[int, typer.Option(min=0, help="How many last lines of each log.")] = LOG_LINES,
    reason: LocalReason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Put what a maintainer needs into one file, secrets taken out; works without the database, too."""
    settings = Settings.read()
    made_at = datetime.now(UTC)
    target = _target(path, made_at)
    if target.exists():
        raise SettingError(f"{target} is there already", hint="Name a file that is not.")
    found = asyncio.run(_collect(settings, made_at, log_lines))
    answer: dict[str, Any] = {"ok": True, "dry_run": dry_run, "path": str(target), **found.manifest()}
    told = f"{len(found.members)} parts"
    if not dry_run:
        log_reason("debug bundle", reason)
        answer["bytes"] = _write(found, target)
        told = f"{target}: {told}, {answer['bytes']:,} bytes; look through it before you send it to somebody"
    lines = [told, *(f"missing: {one['what']}: {one['why']}" for one in found.missing)]
    show(answer if as_json else None, as_json=as_json, empty="\n".join(lines))


def _target(path: Path | None, made_at: datetime) -> Path:
    name = f"watchkeeper-debug-{made_at:%Y%m%dT%H%M%SZ}.tar.gz"
    path = Path.cwd() if path is None else path.expanduser().absolute()
    return path / name if path.is_dir() else path


def _write(found: DebugBundle, target: Path) -> int:
    try:
        return found.write(target)
    except OSError as error:
        raise SettingError(
            f"{target} cannot be written: {error.strerror or os.strerror(error.errno or 0)}"
        ) from error


async def _collect(settings: Settings, made_at: datetime, log_lines: int) -> DebugBundle:
    try:
        complete = await asyncio.to_thread(_with_running_database, settings)
    except (WatchkeeperError, OSError) as error:
        found = DebugBundle(Redactor(known_secrets(settings)), made_at)
        await add_machine(found, settings, Exposure(settings).checks)
        found.lacks("database", str(error))
        await add_logs(found, settings, log_lines)
        return found
    app = root.build(complete)
    found = DebugBundle(app.redactor, made_at)
    await add_machine(found, complete, Exposure(complete).checks)
    await app.database.open()
    try:
        await add_database(found, app.database, app.diagnosis, app.insights)
    finally:
        await app.database.close()
    await add_logs(found, complete, log_lines)
    return found


def _with_running_database(settings: Settings) -> Settings:
    """Name the database that is set, or the home's own where it runs; starts nothing."""
    if settings.database_url is not None:
        return settings
    return replace(settings, database_url=embedded_server(settings, note).url())
