"""A backup taken while work goes on, and a database that comes back from it and stands still."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from conftest import TestServer
from raw_sql import rows
from services.handler_runs import until
from watchkeeper import app as root
from watchkeeper.app import App
from watchkeeper.domain.backups import EPOCH_JUMP, BackupUnusable
from watchkeeper.domain.claims import ClaimedJob
from watchkeeper.domain.errors import Conflict, SettingError, WatchkeeperError
from watchkeeper.domain.leases import LeaseToken
from watchkeeper.domain.principals import Role
from watchkeeper.services.duties import Duties, Duty, Ran
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.services.holding import Caller
from watchkeeper.services.restoration import read_backup
from watchkeeper.settings import Settings
from watchkeeper.storage import migrate as migrations
from watchkeeper.storage.jobs import Completion, HeldLease
from watchkeeper.storage.migrate import Migration, known_migrations
from watchkeeper.storage.pg_programs import find_program


def silent(sentence: str) -> None:
    """Nobody waits in front of a test."""


@pytest.fixture
def empty_url(server: TestServer) -> Iterator[str]:
    with server.database(empty=True) as url:
        yield url


@asynccontextmanager
async def at(url: str, home: Path) -> AsyncIterator[App]:
    async with root.running(Settings(home=home, database_url=url), migrated=False) as app:
        yield app


def lease_of(job: ClaimedJob) -> HeldLease:
    return HeldLease(job.seq, job.epoch, job.token.secret_hash)


@dataclass
class Before:
    """What stood in the backed-up database."""

    running: ClaimedJob
    ready: str
    completed: str
    path: Path


async def stored(app: App, job: ClaimedJob, content: bytes) -> str:
    """Keep a file as an artifact of a job that is held; give its hash."""
    blob = app.artifacts.put("p", [content])
    token = job.token.secret_hash
    await app.database.fetch(
        "add_artifact",
        {
            "project_id": "p",
            "seq": job.seq,
            "epoch": job.epoch,
            "token_hash": token,
            "kind": "html_page",
            "name": "index.html",
            "title": None,
            "media_type": "text/html",
            "sha256": blob.sha256,
            "bytes": blob.bytes,
            "secret_suspected": False,
        },
    )
    return blob.sha256


async def prepared(app: App, path: Path) -> Before:
    """One job runs, one is ready, one completed with a stored file; a backup of that."""
    made = await app.queue.enqueue("p", [JobRequest("k", {"n": n}) for n in range(3)], actor="t")
    done, running = await app.queue.claim("p", "w", None, limit=2, profile="runtime")
    await stored(app, done, b"<p>one</p>")
    await app.queue.complete("p", "worker:w", [Completion(lease_of(done))])
    await app.backups.take(path, silent)
    return Before(running, made[2].id, done.id, path)


@pytest.fixture(scope="module")
def kept(server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Before:
    """A backup that is taken once for the tests of this file."""
    place = tmp_path_factory.mktemp("kept")

    async def take(url: str) -> Before:
        async with at(url, place / "home") as app:
            await app.kinds.ensure_project("p")
            return await prepared(app, place / "backup")

    with server.database() as url:
        return asyncio.run(take(url))


@pytest.fixture
def before(kept: Before, tmp_path: Path) -> Before:
    """A copy of that backup, for this test to do with as it likes."""
    shutil.copytree(kept.path, tmp_path / "backup")
    return replace(kept, path=tmp_path / "backup")


@pytest.fixture
async def living(app: App, tmp_path: Path) -> Before:
    """A backup of this test's own database, where work goes on."""
    return await prepared(app, tmp_path / "backup")


async def state(app: App, job: str) -> tuple[str, str | None]:
    row = await app.insights.job("p", job)
    return row["state"], row["state_reason"]


async def test_a_backup_comes_back_elsewhere_and_stands_still(
    before: Before, empty_url: str, tmp_path: Path
) -> None:
    """Rows and files are there again; what ran is paused as restored; nothing is handed out until it is resumed."""
    async with at(empty_url, tmp_path / "other") as there:
        restored = await there.restoration.restore(before.path, silent)
        assert (restored.jobs_paused, restored.timeline) == (1, 2)
        assert await state(there, before.running.id) == ("paused", "restored")
        assert await state(there, before.ready) == ("pending", None)
        assert await state(there, before.completed) == ("completed", None)
        assert (await there.verification.run("t", silent)).files == 1
        assert await there.queue.claim("p", "w", None, profile="runtime") == []
        health = await there.insights.queue_health("p")
        assert health["queues"][0]["waiting_reasons"] == {"claims_off": 1, "paused": 1}
        assert "nothing moves until" in health["standstill"]
        checks = {check.name: check for check in await there.diagnosis.system()}
        assert not checks["standstill"].ok
        with pytest.raises(Conflict, match="stands still"):
            await there.kinds.set_switch("claims", is_on=True, actor="t", reason="I know better")

        resumed = await there.standstill.resume(actor="t", reason="looked around")
        assert (resumed.jobs, resumed.switches) == (1, ["actions", "claims"])
        assert await state(there, before.running.id) == ("pending", None)
        claimed = await there.queue.claim("p", "w", None, limit=5, profile="runtime")
        assert {job.id for job in claimed} == {before.running.id, before.ready}
        assert all(job.epoch > EPOCH_JUMP for job in claimed)
        with pytest.raises(Conflict, match="Nothing stands still"):
            await there.standstill.resume(actor="t", reason="again")
        told = await rows(
            there.database, "SELECT event, reason FROM watchkeeper.audit_events WHERE event LIKE 'database%%'"
        )
        assert [row["event"] for row in told] == ["database_restored", "database_resumed"]
        [attempt] = (await there.insights.job("p", before.running.id))["attempts"][:1]
        assert (attempt["outcome"], attempt["cause"]) == ("paused", "infrastructure")


async def test_a_backup_is_one_snapshot_and_holds_no_secret_of_the_home(
    app: App, living: Before, settings: Settings
) -> None:
    """The manifest counts what the dump has; the owner's token is not in it, and nobody else may read it."""
    (settings.home / "owner-token").write_text("wk_secret\n")
    path = living.path.with_name("again")
    await app.queue.enqueue("p", [JobRequest("k")], actor="t")
    manifest = (await app.backups.take(path, silent)).manifest
    assert (manifest.tables["job_specs"], manifest.files, manifest.lost) == (4, 1, 0)
    assert manifest.schema == known_migrations()[-1].version
    files = [file for file in path.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"manifest.json", "database.dump", "artifacts.jsonl"}
    assert len(files) == 4
    assert all(b"wk_secret" not in file.read_bytes() for file in files)
    assert path.stat().st_mode & 0o777 == 0o700
    assert not path.with_name("again.partial").exists()


async def test_a_backup_says_which_files_were_gone(app: App, living: Before) -> None:
    """A file that is lost already does not keep the rest from being saved, and is counted."""
    [row] = await rows(app.database, "SELECT sha256 FROM watchkeeper.artifacts")
    stored = app.settings.home / "artifacts" / "p" / row["sha256"][:2] / row["sha256"]
    stored.chmod(0o600)
    stored.write_bytes(b"something else")
    said: list[str] = []
    manifest = (await app.backups.take(living.path.with_name("torn"), said.append)).manifest
    assert (manifest.files, manifest.lost) == (0, 1)
    assert any("gone or changed" in sentence for sentence in said)


def left_behind(folder: Path) -> Path:
    left = folder / "next.partial"
    (left / "artifacts").mkdir(parents=True)
    (left / "database.dump").write_bytes(b"half of it")
    return left


async def test_a_backup_does_not_write_over_anything(app: App, living: Before, tmp_path: Path) -> None:
    """A path that is taken is refused; what a killed backup left is cleared away."""
    with pytest.raises(SettingError, match="is there already"):
        await app.backups.take(living.path, silent)
    with pytest.raises(SettingError, match="is not a directory"):
        await app.backups.take(tmp_path / "nowhere" / "backup", silent)
    left = left_behind(tmp_path)
    await app.backups.take(tmp_path / "next", silent)
    assert not left.exists()


async def test_a_full_disk_is_seen_before_the_dump(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is too little room the command says how much it needs, and leaves nothing."""
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000})())
    with pytest.raises(SettingError, match="MiB are needed"):
        await app.backups.take(tmp_path / "backup", silent)
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


def test_an_older_pg_dump_than_the_server_is_refused_by_name() -> None:
    """The person learns which version is needed and how to get it."""
    with pytest.raises(
        SettingError, match=r"of PostgreSQL 99, and the newest pg_dump here is of \d+"
    ) as refused:
        find_program("pg_dump", 99)
    assert "postgresql-client-99" in refused.value.advice


def change_manifest(path: Path, **changes: object) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | changes))


def truncate_dump(path: Path) -> None:
    with (path / "database.dump").open("r+b") as file:
        file.truncate(1000)


def flip_dump(path: Path) -> None:
    content = bytearray((path / "database.dump").read_bytes())
    content[len(content) // 2] ^= 1
    (path / "database.dump").write_bytes(content)


def lose_file(path: Path) -> None:
    next(file for file in (path / "artifacts").rglob("*") if file.is_file()).unlink()


def change_file(path: Path) -> None:
    file = next(file for file in (path / "artifacts").rglob("*") if file.is_file())
    file.write_bytes(b"<p>two</p>")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: (path / "manifest.json").unlink(), "is not a backup"),
        (lambda path: (path / "manifest.json").write_text("{"), "is not JSON"),
        (lambda path: change_manifest(path, format=99), "format 99, this program knows 1"),
        (lambda path: change_manifest(path, schema=9999), "version 9999, this program knows"),
        (lambda path: change_manifest(path, dump=None), "is damaged"),
        (truncate_dump, "1,000 bytes instead of"),
        (flip_dump, "SHA-256 differs"),
    ],
    ids=["none", "broken", "format", "schema", "damaged", "short", "changed"],
)
async def test_a_backup_that_is_not_what_was_written_is_refused(
    before: Before, damage: Callable[[Path], object], said: str
) -> None:
    """Each way in which a backup can be wrong is named before anything is done."""
    damage(before.path)
    with pytest.raises(BackupUnusable, match=said):
        await read_backup(before.path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: change_manifest(path, tables={"job_specs": 17}), "3 rows instead of 17"),
        (lose_file, "cannot be read"),
        (change_file, "is not what was written"),
    ],
    ids=["counts", "lost", "swapped"],
)
async def test_a_restore_that_fails_half_way_is_seen_and_started_again(
    before: Before, empty_url: str, tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    """What is found while restoring leaves a database that nobody may use until a better backup is restored."""
    better = tmp_path / "better"
    shutil.copytree(before.path, better)
    damage(before.path)
    async with at(empty_url, tmp_path / "other") as there:
        with pytest.raises(BackupUnusable, match=said):
            await there.restoration.restore(before.path, silent)
        for use in (migrations.migrate, migrations.applied_version):
            with pytest.raises(SettingError, match="restore was broken off"):
                await use(there.database)
        await there.restoration.restore(better, silent)
        assert await state(there, before.ready) == ("pending", None)


LOADER_WAITS = """
SELECT 1 FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'watchkeeper-dump' AND wait_event_type = 'Lock'
"""


async def test_a_killed_restore_is_seen_and_started_again(
    before: Before, empty_url: str, tmp_path: Path
) -> None:
    """After SIGKILL nobody may use the half of a database, though its loader goes on; the next restore ends that."""
    environment = {
        **os.environ,
        "WATCHKEEPER_HOME": str(tmp_path / "cli"),
        "WATCHKEEPER_DATABASE_URL": empty_url,
    }
    async with at(empty_url, tmp_path / "other") as there, there.database.connection() as obstacle:
        await obstacle.execute("BEGIN")
        await obstacle.execute("CREATE SCHEMA watchkeeper")
        killed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "watchkeeper", "db", "restore", str(before.path)), env=environment
        )
        await until(lambda: _any(there, LOADER_WAITS), "the loader to meet the obstacle")
        killed.kill()
        await killed.wait()
        await obstacle.execute("ROLLBACK")
        with pytest.raises(SettingError, match="restore was broken off"):
            await migrations.migrate(there.database)
        assert (await there.restoration.restore(before.path, silent)).jobs_paused == 1
        assert await state(there, before.running.id) == ("paused", "restored")


async def _any(app: App, question: str) -> bool:
    return bool(await rows(app.database, question))


async def test_only_an_empty_database_is_restored_into(app: App, living: Before) -> None:
    """Nobody's data is overwritten."""
    with pytest.raises(SettingError, match="not empty"):
        await app.restoration.restore(living.path, silent)
    with pytest.raises(SettingError, match="not empty"):
        await app.restoration.check(living.path)


async def test_two_restores_at_once_are_one_too_many(before: Before, empty_url: str, tmp_path: Path) -> None:
    """The second is told so, and the first goes on."""
    async with at(empty_url, tmp_path / "other") as there, there.database.connection() as first:
        await first.execute("SELECT pg_advisory_lock(hashtextextended('watchkeeper.restore', 0))")
        with pytest.raises(Conflict, match="another restore"):
            await there.restoration.restore(before.path, silent)


async def test_an_older_backup_is_migrated_forward(
    before: Before, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of yesterday's schema comes back with today's."""
    newer = [*known_migrations(), Migration(9000, "later", "CREATE TABLE watchkeeper.later (id integer)")]
    monkeypatch.setattr(migrations, "known_migrations", lambda: newer)
    async with at(empty_url, tmp_path / "other") as there:
        assert (await there.restoration.restore(before.path, silent)).migrations == 1
        assert await migrations.applied_version(there.database) == 9000


async def test_what_was_of_the_moment_does_not_come_back(
    app: App, living: Before, empty_url: str, tmp_path: Path
) -> None:
    """Login sessions, requests under way, parked pools and the tokens of attempts end with the restore."""
    owner = await app.identity.create_token("o", Role.OWNER, None, actor="t")
    [principal] = await rows(
        app.database, "SELECT principal_id AS id FROM watchkeeper.tokens WHERE id = %(id)s", {"id": owner.id}
    )
    where = {"principal": principal["id"], "seq": living.running.seq}
    for statement in (
        "INSERT INTO watchkeeper.pool_parks (project_id, pool, until, reason) VALUES ('p', 'x', now(), 'quota')",
        (
            "INSERT INTO watchkeeper.idempotency_records (project_id, principal_id, route, key, request_hash)"
            " VALUES ('p', %(principal)s, 'r', 'k', '')"
        ),
        (
            "INSERT INTO watchkeeper.console_sessions (secret_hash, principal_id, role, expires_at)"
            " VALUES ('s', %(principal)s, 'owner', now() + interval '1 hour')"
        ),
        (
            "INSERT INTO watchkeeper.tokens (principal_id, role, project_id, secret_hash, job_seq, job_epoch)"
            " VALUES (%(principal)s, 'worker', 'p', 'h', %(seq)s, 2)"
        ),
    ):
        await rows(app.database, statement, where)
    path = living.path.with_name("more")
    await app.backups.take(path, silent)
    async with at(empty_url, tmp_path / "other") as there:
        assert (await there.restoration.restore(path, silent)).job_tokens_revoked == 1
        for table in ("pool_parks", "idempotency_records", "console_sessions"):
            assert await rows(there.database, f"SELECT 1 FROM watchkeeper.{table}") == [], table
        live = "SELECT job_seq FROM watchkeeper.tokens WHERE revoked_at IS NULL"
        assert await rows(there.database, live) == [{"job_seq": None}]


async def test_duties_rest_until_it_is_resumed(before: Before, empty_url: str, tmp_path: Path) -> None:
    """While it stands still a due job is not promoted; the duties that move nothing go on."""
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(before.path, silent)
        ran: list[str] = []

        def duty(name: str, *, when_still: bool) -> Duty:
            async def run_once() -> Ran:
                ran.append(name)
                return Ran({})

            return Duty(name, run_once, 0.01, when_still=when_still)

        duties = Duties(
            duty("moves", when_still=False),
            duty("looks", when_still=True),
            stands_still=there.standstill.holds,
        )
        duties.start()
        await until(lambda: _is(ran.count("looks") > 3), "the harmless duty")
        assert "moves" not in ran
        await there.standstill.resume(actor="t", reason="go")
        await until(lambda: _is("moves" in ran), "the other one")
        await duties.stop()


async def _is(condition: bool) -> bool:
    return condition


async def test_a_person_may_keep_the_jobs_that_ran(before: Before, empty_url: str, tmp_path: Path) -> None:
    """With keep_paused they wait for a person, who resumes each like any paused job."""
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(before.path, silent)
        assert (await there.standstill.resume(actor="t", reason="go", keep_paused=True)).jobs == 0
        assert await state(there, before.running.id) == ("paused", "restored")
        await there.operations.move("p", before.running.id, "resume", actor="t", reason="checked")
        assert await state(there, before.running.id) == ("pending", None)


async def test_claims_that_were_off_at_the_backup_stay_off(
    app: App, living: Before, empty_url: str, tmp_path: Path
) -> None:
    """A brake that a person had put on is not taken off by the resume."""
    await app.kinds.set_switch("claims", is_on=False, actor="t", reason="holiday")
    path = living.path.with_name("braked")
    await app.backups.take(path, silent)
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(path, silent)
        assert (await there.standstill.resume(actor="t", reason="go")).switches == ["actions"]
        assert await there.queue.claim("p", "w", None, profile="runtime") == []


async def late(app: App, job: str, token: LeaseToken, summary: str) -> str:
    """Send a completion as a worker with a lease of before the disaster; give the error's code."""
    principal = await app.identity.authenticate(
        (await app.identity.create_token(f"w-{summary}", Role.WORKER, "p", actor="t")).secret
    )
    caller = Caller(principal, "p", str(token))
    with pytest.raises(WatchkeeperError) as refused:
        await app.contract.complete(
            caller, job, summary, [{"kind": "html_page", "url": "https://x.example/"}]
        )
    return refused.value.code


async def test_completions_from_a_lost_future_are_refused_and_kept(
    app: App, living: Before, empty_url: str, tmp_path: Path
) -> None:
    """A lease from before the backup, one from after it, and a job from after it: refused, and kept for a person."""
    [newer] = await app.queue.claim("p", "w2", None, profile="runtime")
    [made] = await app.queue.enqueue("p", [JobRequest("k", {"n": 9})], actor="t")
    [unknown] = await app.queue.claim("p", "w3", None, profile="runtime")
    assert unknown.id == made.id
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(living.path, silent)
        assert await late(there, living.running.id, living.running.token, "known") == "stale_lease"
        assert await late(there, newer.id, newer.token, "newer") == "stale_lease"
        for _ in range(2):
            assert await late(there, unknown.id, unknown.token, "unknown") == "job_not_found"
        items = await there.late.list("p", 10)
        assert [item["body"]["summary"] for item in items] == ["unknown", "newer", "known"]
        assert all(item["body"]["artifacts"][0]["url"] == "https://x.example/" for item in items)
        assert str(items[0]["job_id"]) == unknown.id


async def test_what_a_restore_may_have_lost_is_kept_up_to_a_bound(
    app: App, living: Before, empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker cannot fill the disk with jobs that nobody knows; where nothing was restored, nothing is kept."""
    stranger = "019aa5c0-7f3e-7d52-9e1b-5c1d6a0b2f1"
    assert await late(app, f"{stranger}0", living.running.token, "before") == "job_not_found"
    assert await app.late.list("p", 10) == []
    monkeypatch.setattr("watchkeeper.services.late.MOST_UNKNOWN", 2)
    async with at(empty_url, tmp_path / "other") as there:
        await there.restoration.restore(living.path, silent)
        for n in range(4):
            await late(there, f"{stranger}{n}", living.running.token, f"n{n}")
        assert [item["body"]["summary"] for item in await there.late.list("p", 10)] == ["n1", "n0"]
