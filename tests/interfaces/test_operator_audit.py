"""`audit` as a person runs it, at the machine that has the key."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audit_trail import attack, seal_all, write
from e2e.running_up import SOURCE
from watchkeeper.app.whole import App


@pytest.fixture
async def sealed(app: App) -> App:
    await write(app.database, 3)
    await seal_all(app)
    return app


def watchkeeper(app: App, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCE),
        "WATCHKEEPER_HOME": str(app.settings.home),
        "WATCHKEEPER_DATABASE_URL": str(app.settings.database_url),
    }
    return subprocess.run(
        [sys.executable, "-m", "watchkeeper", "audit", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def told(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


async def test_verify_says_that_nothing_is_wrong(sealed: App) -> None:
    """An honest trail ends with exit code 0 and says what was looked at."""
    done = watchkeeper(sealed, "verify")
    assert done.returncode == 0
    assert "nothing is wrong" in done.stdout
    assert told(watchkeeper(sealed, "verify", "--json"))["rows"] == 3


async def test_verify_names_the_bad_row(sealed: App) -> None:
    """A tampered trail ends with exit code 3, and the row stands in the answer, for people and for programs."""
    await attack(sealed.database, "UPDATE watchkeeper.audit_events SET actor = 'x' WHERE seq = 2")
    answer = told(watchkeeper(sealed, "verify", "--json"), code=3)
    [finding] = answer["findings"]
    assert (finding["what"], finding["seal"], finding["row"], finding["seq"]) == ("edited", 1, 2, 2)
    done = watchkeeper(sealed, "verify")
    assert done.returncode == 3
    assert "edited" in done.stdout


async def test_without_any_key_verify_says_what_is_needed(sealed: App) -> None:
    """Who has only the database is told to bring the public key, and is not told that all is well."""
    for path in (sealed.audit_files.key, sealed.audit_files.trusted):
        path.unlink()
    done = watchkeeper(sealed, "verify")
    assert done.returncode == 2
    assert "audit-keys.pub" in done.stderr


async def test_a_lost_key_is_followed_by_a_new_one(sealed: App) -> None:
    """With `timeline` a home without the key goes on; the old public key still counts for what it signed."""
    sealed.audit_files.key.unlink()
    dry = told(watchkeeper(sealed, "timeline", "--reason", "lost", "--dry-run", "--json"))
    assert dry["dry_run"]
    assert told(watchkeeper(sealed, "timeline", "--reason", "lost", "--json"))["timeline"] == 2
    answer = told(watchkeeper(sealed, "verify", "--json"))
    assert answer["ok"]
    assert answer["seals"] == 2


async def test_nobody_else_may_read_what_audit_writes(sealed: App, tmp_path: Path) -> None:
    """Exports and the last verification have mode 0600 whatever the umask is: they hold the whole trail."""
    former = os.umask(0)
    try:
        assert watchkeeper(sealed, "export", "--out", str(tmp_path / "trail.jsonl.gz")).returncode == 0
        assert watchkeeper(sealed, "verify").returncode == 0
    finally:
        os.umask(former)
    for path in (tmp_path / "trail.jsonl.gz", sealed.audit_files.verified):
        assert path.stat().st_mode & 0o777 == 0o600
