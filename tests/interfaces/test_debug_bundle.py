"""One file for a maintainer: what is needed to understand an installation, and no secret of it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from secret_examples import PLANTED
from watchkeeper.app.whole import App
from watchkeeper.domain.principals import Role
from watchkeeper.domain.redaction import Redactor
from watchkeeper.services.debug_bundle import MAX_BYTES, MAX_MEMBER_BYTES, DebugBundle
from watchkeeper.services.enqueueing import JobRequest

Run = Callable[..., subprocess.CompletedProcess[str]]
ENVIRONMENT_SECRET = "known/from=the+environment"
OWNER = "a-token-of-no-known-shape-4711"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with logs in which every planted secret stands, and some that only this home knows."""
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    (home / "owner-token").write_text(OWNER + "\n")
    said = "\n".join(f"line {number}: {text}" for number, (text, _) in enumerate(PLANTED.values()))
    encoded = OWNER.encode().hex()
    (home / "logs" / "serve.log").write_text(
        f"{said}\nowner {OWNER} {encoded} {ENVIRONMENT_SECRET}\nthe last line\n"
    )
    return home


@pytest.fixture
def run(home: Path, tmp_path: Path, database_url: str) -> Run:
    def bundle(*arguments: str, url: str | None = database_url) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "WATCHKEEPER_HOME": str(home),
            "SOME_API_KEY": ENVIRONMENT_SECRET,
            **({} if url is None else {"WATCHKEEPER_DATABASE_URL": url}),
        }
        command = [sys.executable, "-m", "watchkeeper", "debug", "bundle", *arguments]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    return bundle


def opened(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive.getmembers()}
        return {name.partition("/")[2]: file.read() for name, file in files.items() if file is not None}


async def test_it_holds_what_is_needed_and_no_secret(
    run: Run, app: App, tmp_path: Path, database_url: str
) -> None:
    """Versions, settings, diagnosis, tables, activity, audit and logs are there, hashed; planted secrets are not."""
    await app.identity.create_token("somebody", Role.VIEWER, "p", actor="test")
    texts = {"all": [text for text, _ in PLANTED.values()]}
    await app.queue.enqueue("p", [JobRequest("report", texts)], actor="test")
    with psycopg.connect(database_url) as idle:
        idle.execute("SELECT 'a value of a statement', 4711")
        done = run("--json", "out.tar.gz")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    path = tmp_path / "out.tar.gz"
    assert (answer["path"], answer["bytes"]) == (str(path), path.stat().st_size)
    assert path.stat().st_mode & 0o777 == 0o600
    found = opened(path)
    assert {
        *(
            "manifest.json",
            "machine.json",
            "settings.json",
            "doctor.json",
            "doctor-secrets.json",
            "queue-health.json",
        ),
        *("logs/serve.log", "database/server.json", "database/schema.json", "database/migrations.json"),
        *("database/tables.json", "database/activity.json", "database/switches.json", "database/leases.json"),
        "database/audit.json",
    } == set(found)
    assert answer["missing"] == []
    manifest = json.loads(found.pop("manifest.json"))
    assert {one["name"]: one["sha256"] for one in manifest["members"]} == {
        name: hashlib.sha256(data).hexdigest() for name, data in found.items()
    }
    _is_clean(found, psycopg.conninfo.conninfo_to_dict(database_url))


def _is_clean(found: dict[str, bytes], login: dict[str, Any]) -> None:
    secrets = [needle for _, needle in PLANTED.values()]
    secrets += [OWNER, OWNER.encode().hex(), ENVIRONMENT_SECRET, str(login["password"])]
    text = {name: data.decode() for name, data in found.items()}
    assert [(name, secret) for name in text for secret in secrets if secret in text[name]] == []
    assert text["logs/serve.log"].endswith("the last line\n")
    assert "token_created" in text["database/audit.json"]
    assert '"job_specs"' in text["database/tables.json"]
    assert "a value of a statement" not in text["database/activity.json"]
    assert "4711" not in text["database/activity.json"]
    assert "SELECT ?, ?" in text["database/activity.json"]


def test_it_works_with_the_database_away(run: Run, tmp_path: Path) -> None:
    """What this machine knows is there; that the database does not answer is said, in the file and to the person."""
    done = run("away.tar.gz", url="postgresql://wk:planted-away-pw@127.0.0.1:1/wk")
    assert done.returncode == 0, done.stderr
    assert "missing: database: " in done.stdout
    found = opened(tmp_path / "away.tar.gz")
    manifest = json.loads(found["manifest.json"])
    assert [one["what"] for one in manifest["missing"]] == ["database"]
    assert {"machine.json", "settings.json", "logs/serve.log", "doctor-secrets.json"} <= set(found)
    assert not [name for name, data in found.items() if b"planted-away-pw" in data]


def test_it_is_bounded(tmp_path: Path) -> None:
    """Of many and endless logs the ends are kept, as far as there is room; the rest is named as missing."""
    bundle = DebugBundle(Redactor(), datetime(2026, 11, 21, tzinfo=UTC))
    log = tmp_path / "endless.log"
    log.write_text("x" * (3 * MAX_MEMBER_BYTES // 2) + "\n" + ("y" * 99 + "\n") * (MAX_MEMBER_BYTES // 100))
    for number in range(MAX_BYTES // MAX_MEMBER_BYTES + 2):
        bundle.add_log(f"logs/{number}.log", log, 10**6)
    bundle.add_data("few.json", [1, 2])
    bundle.write(tmp_path / "big.tar.gz")
    found = opened(tmp_path / "big.tar.gz")
    assert sum(map(len, found.values())) <= MAX_BYTES
    assert found["logs/0.log"].startswith(b"y")
    assert found["logs/0.log"].endswith(b"y\n")
    assert [one["what"] for one in bundle.missing] == ["logs/9.log", "logs/10.log", "logs/11.log"]


def test_the_last_lines_are_kept(run: Run, home: Path, tmp_path: Path) -> None:
    """A person chooses how much of each log goes along."""
    (home / "logs" / "serve.log").write_text("one\ntwo\nthree\n")
    assert run("short.tar.gz", "--log-lines", "2", url=None).returncode == 0
    assert opened(tmp_path / "short.tar.gz")["logs/serve.log"] == b"two\nthree\n"


def test_nothing_is_overwritten_and_a_rehearsal_writes_nothing(run: Run, tmp_path: Path) -> None:
    """A file that is there stays; `--dry-run` tells what would be in it; a directory gets a name made of the time."""
    (tmp_path / "taken").write_text("mine")
    refused = run("taken", url=None)
    assert (refused.returncode, "is there already" in refused.stderr) == (2, True)
    assert (tmp_path / "taken").read_text() == "mine"
    before = sorted(tmp_path.iterdir())
    assert run("--dry-run", url=None).returncode == 0
    assert sorted(tmp_path.iterdir()) == before
    (tmp_path / "into").mkdir()
    assert run("into", url=None).returncode == 0
    (made,) = (tmp_path / "into").iterdir()
    assert "machine.json" in opened(made)
