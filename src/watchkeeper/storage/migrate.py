"""Migrations: numbered, forward only, each in a transaction of its own, safe when several processes begin at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from typing import LiteralString

from watchkeeper.domain.errors import SettingError
from watchkeeper.storage.database import Connection, Database, fetch, fetch_one

_FILE = re.compile(r"^(\d{4})_(\w+)\.sql$")


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    text: LiteralString


def known_migrations() -> list[Migration]:
    """Give the migrations of this program in order."""
    found = []
    for file in (resources.files(__package__) / "sql" / "migrations").iterdir():
        if match := _FILE.match(file.name):
            # Ships with the package: as literal as SQL in the source would be.
            text = file.read_text(encoding="utf-8")
            found.append(Migration(int(match[1]), match[2], text))
    return sorted(found, key=lambda migration: migration.version)


async def applied_version(database: Database) -> int:
    """Give the schema's version, 0 for an empty database.

    Raises SettingError when the schema is newer than this program knows, or a restore has not come to its end.
    """
    async with database.transaction() as connection:
        await _demand_no_restore(connection)
        row = await fetch_one(connection, "migrations_table_exists")
        if row is None or not row["present"]:
            return 0
        row = await fetch_one(connection, "newest_migration")
    version = int(row["version"]) if row else 0
    newest = known_migrations()[-1].version
    if version > newest:
        raise SettingError(
            f"the database's schema is version {version}, this program knows {newest}",
            hint="Run the newer Watchkeeper, or restore a backup that this one wrote.",
        )
    return version


async def migrate(database: Database, *, restoring: bool = False) -> list[Migration]:
    """Bring the schema up to date and give what was applied; two at once wait for each other.

    Raises SettingError as `applied_version` does; a restore alone may migrate what it is restoring.
    """
    if not restoring:
        await applied_version(database)
    applied = []
    for migration in known_migrations():
        async with database.transaction() as connection:
            await fetch(connection, "lock_migrations")
            if not restoring:
                await _demand_no_restore(connection)
            await fetch(connection, "create_schema")
            await fetch(connection, "create_migrations_table")
            done = await fetch_one(connection, "migration_applied", {"version": migration.version})
            if done is not None:
                continue
            await connection.execute(migration.text, prepare=False)
            await fetch(
                connection, "record_migration", {"version": migration.version, "name": migration.name}
            )
        applied.append(migration)
    return applied


async def _demand_no_restore(connection: Connection) -> None:
    if await fetch_one(connection, "restore_mark"):
        raise SettingError(
            "this database is being restored, or its restore was broken off: nothing may use it yet",
            hint="Wait for 'watchkeeper db restore', or start it again.",
        )
