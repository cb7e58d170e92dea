"""Whether a database lets somebody in who brings no password."""

from __future__ import annotations

from pathlib import Path

import psycopg

PASSWORDLESS = frozenset({"trust", "peer", "ident"})
PROBE_SECONDS = 3

NO_PASSFILE = "/dev/null/none"
"""A path where no file can be: none is read, and libpq is silent, which warns of one that is not a plain file."""


def opens_without_password(url: str) -> bool:
    """Try to log in without a password; False where that is refused, or nobody answers. Blocks."""
    address = psycopg.conninfo.make_conninfo(
        url, password="", passfile=NO_PASSFILE, connect_timeout=PROBE_SECONDS
    )
    try:
        psycopg.connect(address).close()
    except psycopg.Error:
        return False
    return True


def passwordless_rules(cluster: Path) -> list[str]:
    """Give the lines of a cluster's pg_hba.conf that let somebody in by name alone; none where it cannot be read."""
    try:
        lines = (cluster / "pg_hba.conf").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    rules = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return [" ".join(rule) for rule in rules if PASSWORDLESS & set(rule[3:])]
