"""`db`: the database itself, at this machine: its schema, its state, a shell in it, its end."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from dataclasses import replace
from typing import Annotated, Any

import typer

from watchkeeper.app.core import artifact_store, database_config
from watchkeeper.domain.addresses import without_password
from watchkeeper.domain.errors import DatabaseUnavailable, SettingError, WatchkeeperError
from watchkeeper.interfaces.cli import backups
from watchkeeper.interfaces.cli.acting import log_reason
from watchkeeper.interfaces.cli.local import embedded_server, with_database
from watchkeeper.interfaces.cli.options import DryRun, Json, LocalReason
from watchkeeper.interfaces.cli.output import show
from watchkeeper.interfaces.cli.starting import begin, note
from watchkeeper.services.policy_holders import policy_holders, told_of
from watchkeeper.services.restore_note import RestoreNote
from watchkeeper.services.standstill import Standstill, standing_still
from watchkeeper.settings import Settings
from watchkeeper.storage.binaries import find
from watchkeeper.storage.database import Database
from watchkeeper.storage.migrate import applied_version, known_migrations, migrate

db = typer.Typer(
    no_args_is_help=True, help="The database: migrate, status, backup, restore, resume, shell, stop."
)
db.command("backup")(backups.backup)
db.command("restore")(backups.restore)
db.command("resume")(backups.resume)


@db.command("migrate")
def migrate_schema(reason: LocalReason = None, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Bring the schema up to date; safe while older processes run."""
    with with_database(begin(), note) as settings:
        if not dry_run:
            log_reason("db migrate", reason)
        before, applied = asyncio.run(_migrate(settings, dry_run=dry_run))
    names = [f"{migration.version:04d}_{migration.name}" for migration in known_migrations()]
    waiting = names[before:] if dry_run else applied
    answer = {
        "ok": True,
        "dry_run": dry_run,
        "version": before,
        "would_apply" if dry_run else "applied": waiting,
    }
    word = "would apply" if dry_run else "applied"
    text = f"{word}: {', '.join(waiting)}" if waiting else "the schema is up to date"
    show(answer if as_json else None, as_json=as_json, empty=text)


@db.command()
def status(as_json: Json = False) -> None:
    """Say where database and artifacts are, whether the database answers, and which schema it has; starts nothing.

    Exit code 5 where a database that is set, or runs, does not answer.
    """
    settings = begin()
    answer: dict[str, Any] = {"ok": True, "source": "WATCHKEEPER_DATABASE_URL"}
    url = settings.database_url
    if url is None:
        server = embedded_server(settings, note)
        found = server.status()
        answer |= {
            "source": "embedded",
            "state": found.state,
            "directory": str(found.place or found.data_dir),
            "postgresql": found.written_by,
            "programs": str(server.binaries.directory),
            "pid": found.pid,
            "users": [f"{user.command} (pid {user.pid})" for user in found.users],
        }
        url = server.url() if found.state == "running" else None
    if url is not None:
        answer |= asyncio.run(_schema(url, settings))
    elif (left := RestoreNote.of(settings).read()) is not None:
        answer["stands_still"] = left
    answer["artifacts"] = artifact_store(settings)[0].place
    show(answer, as_json=as_json)
    if not answer["ok"]:
        raise typer.Exit(5)


@db.command()
def shell(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[-- PSQL ARGS]", help="Passed on to psql.")
    ] = None,
) -> None:
    """Open psql on the database."""
    settings = begin()
    with with_database(settings, note) as complete:
        psql = _psql(settings)
        address, password = without_password(str(complete.database_url))
        # The password goes through the environment: command lines are for all to read.
        environment = os.environ if password is None else {**os.environ, "PGPASSWORD": password}
        command = [psql, "--dbname", address, *(arguments or [])]
        done = subprocess.run(command, env=environment, check=False)
    raise typer.Exit(done.returncode)


@db.command("stop")
def stop_server(
    force: Annotated[bool, typer.Option("--force", help="End the sessions of those who use it.")] = False,
    reason: LocalReason = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Stop the embedded server, unless somebody uses it."""
    settings = begin()
    if settings.database_url is not None:
        raise SettingError("the database is not the embedded one", hint="Stop it where it was started.")
    server = embedded_server(settings, note)
    if dry_run:
        found = server.status()
        answer = {"ok": True, "dry_run": True, "state": found.state, "users": len(found.users)}
        text = f"it is {found.state} and has {len(found.users)} users; nothing was done"
    else:
        log_reason("db stop", reason)
        stopped = server.stop(force=force)
        answer = {"ok": True, "stopped": stopped}
        text = "stopped" if stopped else "no server was running"
    show(answer if as_json else None, as_json=as_json, empty=text)


async def _migrate(settings: Settings, *, dry_run: bool) -> tuple[int, list[str]]:
    database = Database(database_config(settings))
    await database.open()
    try:
        before = await applied_version(database)
        applied = [] if dry_run else await migrate(database)
        return before, [f"{migration.version:04d}_{migration.name}" for migration in applied]
    finally:
        await database.close()


async def _schema(url: str, settings: Settings) -> dict[str, Any]:
    known = known_migrations()[-1].version
    database = Database(database_config(replace(settings, database_url=url)))
    await database.open()
    try:
        version = await applied_version(database)
        still = await Standstill(database).look() if version == known else None
        holders = await policy_holders(database) if version == known else []
    except WatchkeeperError as error:
        return {"ok": False, "answers": not isinstance(error, DatabaseUnavailable), "problem": error.message}
    finally:
        await database.close()
    answer: dict[str, Any] = {
        "answers": True,
        "schema": version,
        "newest_schema": known,
        "up_to_date": version == known,
    }
    if holders:
        answer["policy"] = told_of(holders)[1]
    return answer if still is None else answer | {"stands_still": standing_still(still)}


def _psql(settings: Settings) -> str:
    try:
        own = find(settings.postgres_bin).program("psql")
    except SettingError:
        own = None
    psql = str(own) if own is not None else shutil.which("psql")
    if psql is None:
        raise SettingError(
            "there is no psql on this machine", hint="apt-get install postgresql-client brings it."
        )
    return psql
