"""Removing a project takes everything of it, and nothing of others."""

from __future__ import annotations

import psycopg

from any_rows import add_row, tables
from watchkeeper.services.kinds import Kinds
from watchkeeper.storage.database import Database

STAYS = {"audit_events", "audit_seals", "audit_checkpoints"}
WITH_PROJECT = """
SELECT attrelid::regclass::text AS name FROM pg_attribute
 WHERE attname = 'project_id' AND attrelid = ('watchkeeper.' || %s)::regclass
"""


async def test_a_removed_project_leaves_only_its_trail(database: Database, database_url: str) -> None:
    """No table has a row of a removed project any more, the audit trail aside; its neighbour keeps all."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        places = [name for name in tables(connection) if connection.execute(WITH_PROJECT, (name,)).fetchone()]
        assert len(places) > 30
        for table in places:
            for project in ("mine", "theirs"):
                add_row(connection, table, project_id=project)
        # Two tables belong to a project by the row that they hang on.
        for child, key, parent in (
            ("session_events", "session_id", "agent_sessions"),
            ("approvals", "repair_id", "repair_actions"),
        ):
            connection.execute(
                f"UPDATE watchkeeper.{child} c SET {key} = p.id FROM watchkeeper.{parent} p"
                " WHERE p.project_id = c.project_id"
            )
        await Kinds(database).delete_project("mine", actor="t", reason="done", force=True)
        left = {
            table: connection.execute(
                f"SELECT count(*) FILTER (WHERE project_id = 'mine'),"
                f" count(*) FILTER (WHERE project_id = 'theirs') FROM watchkeeper.{table}"
            ).fetchone()
            for table in places
        }
    assert {table for table, (mine, _) in left.items() if mine} == STAYS
    assert {table for table, (_, theirs) in left.items() if theirs != 1} == set()
