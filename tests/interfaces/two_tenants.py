"""Two projects in one installation: `p` asks, and `q` has a marker in every text of every table."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import psycopg
from psycopg import sql

from any_rows import add_row
from interfaces.console_project import fill
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role

MARKER = "zztheirs"

OF_TENANTS = """
SELECT DISTINCT table_name FROM information_schema.columns
  JOIN information_schema.tables USING (table_schema, table_name)
 WHERE table_schema = 'watchkeeper' AND column_name = 'project_id' AND table_type = 'BASE TABLE'
   AND table_name !~ '^audit_events_' ORDER BY 1
"""
TEXTS = """
SELECT column_name, data_type FROM information_schema.columns
 WHERE table_schema = 'watchkeeper' AND table_name = %s AND column_name <> 'project_id'
   AND data_type IN ('text', 'jsonb', 'ARRAY')
"""
MARKED = {
    "text": sql.SQL("coalesce({column} || {marker}, {marker} || gen_random_uuid())"),
    "jsonb": sql.SQL("jsonb_build_object({marker}, {column})"),
    "ARRAY": sql.SQL("array_append({column}, {marker})"),
}
NO_TEXT_OF_ITS_OWN = {"badge_keys", "login_codes", "console_sessions", "lesson_uses", "principals", "tokens"}
"""Their texts are closed lists or names that are planted with a token."""


OTHERS = {
    "act_id": ("bulk_acts", "id"),
    "packet_id": ("host_packets", "id"),
    "remediation_id": ("host_remediations", "id"),
    "window_id": ("maintenance_windows", "id"),
    "link_id": ("chat_links", "id"),
    "channel": ("chat_doors", "channel"),
    "share_id": ("share_links", "id"),
    "view_id": ("saved_views", "id"),
    "row": ("audit_events", "(extract(epoch FROM at) * 1000000)::bigint"),
}


@dataclass(frozen=True)
class Theirs:
    """What somebody of `p` may have heard of in `q`."""

    job: str
    external_id: str
    artifact: str
    token: str
    schedule: str
    kind: str
    worker: str
    channel: str
    alert: str
    incident: str
    lesson: str
    proposal: str
    people_sync: str
    signal: str
    repair: str
    session: str
    late: str
    rule: str
    job_ids: list[str]
    others: dict[str, str]
    """What stands in the addresses of bulk acts, windows, chats, shares, views and the trail, by its name."""


async def plant(app: App, url: str) -> Theirs:
    """Fill `q`, mark all of its texts, and give its names."""
    await fill(app, url, "q")
    made = await app.identity.create_token(f"{MARKER}-lin", Role.OWNER, "q", actor="test")
    with psycopg.connect(url) as connection:
        tables = [row[0] for row in connection.execute(OF_TENANTS)]
        assert len(tables) > 30
        for table in tables:
            here = sql.SQL("SELECT 1 FROM watchkeeper.{} WHERE project_id = 'q'").format(
                sql.Identifier(table)
            )
            if connection.execute(here).fetchone() is None:
                add_row(connection, table, project_id="q")
        unmarked = {table for table in tables if not _mark(connection, table)}
        assert unmarked <= NO_TEXT_OF_ITS_OWN, unmarked
        return _names(connection, str(made.id))


def _mark(connection: psycopg.Connection, table: str) -> int:
    """Put the marker into every text of a table's rows that no CHECK holds to a list; give how many columns took it."""
    connection.execute("SET session_replication_role = replica")
    marked = 0
    for column, kind in connection.execute(TEXTS, (table,)).fetchall():
        value = MARKED[kind].format(column=sql.Identifier(column), marker=sql.Literal(MARKER))
        update = sql.SQL("UPDATE watchkeeper.{} SET {} = {} WHERE project_id = 'q'").format(
            sql.Identifier(table), sql.Identifier(column), value
        )
        try:
            with connection.transaction():
                connection.execute(update)
            marked += 1
        except psycopg.errors.CheckViolation:
            continue
    connection.execute("SET session_replication_role = origin")
    return marked


def _names(connection: psycopg.Connection, token: str) -> Theirs:
    def one(statement: str) -> str:
        row = connection.execute(statement.encode()).fetchone()
        assert row is not None
        return str(row[0])

    job = one("SELECT id FROM watchkeeper.jobs WHERE project_id = 'q' AND state = 'running' LIMIT 1")
    ids = connection.execute("SELECT id::text FROM watchkeeper.job_specs WHERE project_id = 'q'").fetchall()
    return Theirs(
        job,
        one(f"SELECT external_id FROM watchkeeper.job_specs WHERE id = '{job}'"),
        one("SELECT id FROM watchkeeper.artifacts WHERE project_id = 'q' AND sha256 IS NOT NULL LIMIT 1"),
        token,
        one("SELECT name FROM watchkeeper.schedules WHERE project_id = 'q' LIMIT 1"),
        one("SELECT kind FROM watchkeeper.job_kinds WHERE project_id = 'q' LIMIT 1"),
        one("SELECT worker_id FROM watchkeeper.workers WHERE project_id = 'q' LIMIT 1"),
        one("SELECT name FROM watchkeeper.alert_channels WHERE project_id = 'q' LIMIT 1"),
        one("SELECT id FROM watchkeeper.alerts WHERE project_id = 'q' LIMIT 1"),
        one("SELECT id FROM watchkeeper.watchdog_incidents WHERE project_id = 'q' LIMIT 1"),
        *(
            one(f"SELECT id FROM watchkeeper.{table} WHERE project_id = 'q' LIMIT 1")
            for table in ("lessons", "proposals", "people_syncs", "signals")
        ),
        one("SELECT id FROM watchkeeper.repair_actions WHERE project_id = 'q' LIMIT 1"),
        one("SELECT id FROM watchkeeper.agent_sessions WHERE project_id = 'q' LIMIT 1"),
        one("SELECT id FROM watchkeeper.reconcile_items WHERE project_id = 'q' LIMIT 1"),
        one("SELECT rule FROM watchkeeper.repair_breakers WHERE project_id = 'q' LIMIT 1"),
        [row[0] for row in ids],
        {
            name: one(f"SELECT {column} FROM watchkeeper.{table} WHERE project_id = 'q' LIMIT 1")
            for name, (table, column) in OTHERS.items()
        },
    )


def absent(name: str) -> str:
    """Give a name of the same shape that nobody has."""
    return str(uuid4()) if len(name) == 36 and name.count("-") == 4 else name[::-1]
