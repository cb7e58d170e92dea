"""The README's Python example is run as it stands there."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

README = Path(__file__).parents[2] / "README.md"


async def test_the_python_example_enqueues_works_and_completes(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who copies the example gets a job that is added with their own transaction, worked, and verified."""
    monkeypatch.setenv("WATCHKEEPER_DATABASE_URL", database_url)
    monkeypatch.setenv("WATCHKEEPER_HOME", str(tmp_path))
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    example: dict[str, Any] = {}
    exec(compile(code, str(README), "exec"), example)
    connection: Any = await psycopg.AsyncConnection.connect(database_url, row_factory=psycopg.rows.dict_row)
    async with connection:
        async with connection.transaction():
            await example["add"](connection)
        async with example["worker"], asyncio.timeout(30):
            ask = "SELECT state, state_reason, verified FROM watchkeeper.jobs"
            await connection.set_autocommit(True)
            found = None
            while found is None or found["state"] in {"pending", "running"}:
                found = await (await connection.execute(ask)).fetchone()
                await asyncio.sleep(0)
    assert found == {"state": "completed", "state_reason": None, "verified": "artifact"}
