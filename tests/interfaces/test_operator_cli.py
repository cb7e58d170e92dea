"""The operators' commands as processes of their own, against a real server on a real database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.running_up import SOURCE
from waiting import wait_until

Run = Callable[..., subprocess.CompletedProcess[str]]


def watchkeeper(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchkeeper", *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    """A home with a database by URL and nothing else."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCE),
        "WATCHKEEPER_HOME": str(tmp_path / "home"),
        "WATCHKEEPER_DATABASE_URL": database_url,
    }


@pytest.fixture
def run(environ: dict[str, str]) -> Iterator[Run]:
    """Run commands as the owner, against a server that runs meanwhile."""
    made = watchkeeper(environ, "token", "create", "--owner")
    assert made.returncode == 0, made.stderr
    command = [sys.executable, "-m", "watchkeeper", "serve", "--port", "0"]
    server = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = Path(environ["WATCHKEEPER_HOME"]) / "url"
    wait_until(url.exists, 30, "the server's address")
    # The commands know the server only: what they do, they do over HTTP.
    asking = {name: value for name, value in environ.items() if name != "WATCHKEEPER_DATABASE_URL"}
    try:
        assert told(watchkeeper(asking, "projects", "create", "default", "--json"))["created"]
        yield lambda *arguments: watchkeeper(asking, *arguments)
    finally:
        server.terminate()
        assert server.wait(timeout=40) == 0


def told(done: subprocess.CompletedProcess[str]) -> Any:
    """Give what a command answered as JSON, after it went well."""
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_job_is_enqueued_moved_and_looked_at(run: Run) -> None:
    """An operator adds a job, pauses and resumes it, sees why, cancels it, and tries it again as a new job."""
    job = told(run("jobs", "enqueue", "page", '{"n": 1}', "--external-id", "one", "--json"))["job"]["id"]
    assert "done: pause job one" in run("jobs", "pause", "one", "--reason", "the data is wrong").stdout
    shown = told(run("jobs", "show", job, "--timeline", "--json"))
    assert (shown["state"], shown["state_reason"]) == ("paused", "operator")
    assert "the data is wrong" in {row["reason"] for row in shown["timeline"]}
    assert told(run("jobs", "resume", job, "--json"))["job"]["state"] == "pending"
    assert told(run("jobs", "cancel", job, "--json"))["job"]["state"] == "cancelled"
    again = told(run("jobs", "requeue", job, "--json"))["job"]["id"]
    assert [row["id"] for row in told(run("jobs", "list", "--json"))["jobs"]] == [again, job]
    table = run("jobs", "list", "--state", "cancelled").stdout
    assert job in table
    assert again not in table


def test_a_dry_run_says_what_would_be_done_and_does_nothing(run: Run) -> None:
    """With --dry-run an act is looked up and described; a wrong name is found out, and nothing changes."""
    job = told(run("jobs", "enqueue", "page", "--json"))["job"]["id"]
    said = run("jobs", "fail", job, "--dry-run").stdout
    assert said == f"would fail job {job} (now pending); nothing was done\n"
    assert told(run("jobs", "show", job, "--json"))["state"] == "pending"
    assert run("jobs", "fail", "no-such-job", "--dry-run").returncode == 3
    assert told(run("projects", "remove", "default", "--dry-run", "--json"))["dry_run"] is True
    assert told(run("projects", "list", "--json"))["projects"][0]["project_id"] == "default"


def test_kinds_queues_workers_and_switches(run: Run) -> None:
    """An operator declares and pauses a kind, reads why its jobs wait, and turns all claims off and on."""
    told(run("kinds", "declare", "page", '{"on_lost": "requeue", "max_attempts": 2}', "--json"))
    told(run("jobs", "enqueue", "page", "--json"))
    assert run("kinds", "pause", "page", "--reason", "a bad release").returncode == 0
    (kind,) = told(run("kinds", "list", "--json"))["kinds"]
    assert (kind["max_attempts"], kind["pause_reason"]) == (2, "a bad release")
    (queue,) = told(run("queue-health", "--json"))["queues"]
    assert queue["waiting_reasons"] == {"paused": 1}
    assert "why they wait" in run("queue-health").stdout
    refused = run("switch", "claims", "off")
    assert (refused.returncode, "--reason" in refused.stderr) == (2, True), (
        "nobody stops everything without a word"
    )
    assert told(run("switch", "claims", "off", "--reason", "a bad release", "--json"))["on"] is False
    assert told(run("switch", "claims", "on", "--json"))["on"] is True
    said = run("workers", "list").stdout
    assert said == "no workers in project 'default'; 'watchkeeper projects list' names the others\n"
    assert run("workers", "drain", "nobody").returncode == 3


def test_schedules_are_added_listed_and_removed(run: Run) -> None:
    """An operator schedules jobs in a time zone, sees when the next one comes, and takes the schedule away."""
    told(
        run(
            "schedules",
            "add",
            "team/nightly",
            "0 3 * * *",
            "page",
            '{"n": 1}',
            "--time-zone",
            "Asia/Taipei",
            "--json",
        )
    )
    (row,) = told(run("schedules", "list", "--json"))["schedules"]
    assert (row["name"], row["kind"], row["time_zone"]) == ("team/nightly", "page", "Asia/Taipei")
    assert "T19:00:00" in row["next_at"]
    assert "team/nightly" in run("schedules", "list").stdout
    assert run("schedules", "add", "bad", "every day", "page").returncode == 2
    assert "would remove" in run("schedules", "remove", "team/nightly", "--dry-run").stdout
    assert run("schedules", "remove", "team/nightly").returncode == 0
    assert run("schedules", "list").stdout == "no schedules\n"


def test_a_job_that_waits_says_why(run: Run) -> None:
    """`jobs show` names the waiting reason of a job, from the closed list, whatever it waits for."""
    told(run("kinds", "declare", "page", '{"on_lost": "requeue"}', "--json"))
    made = ["jobs", "enqueue", "page", "{}", "--json", "--external-id"]
    told(run(*made, "soon", "--run-at", "2190-01-31T08:00:00Z"))
    told(run(*made, "now"))
    told(run(*made, "held"))
    told(run("jobs", "pause", "held", "--json"))

    def why(job: str) -> str | None:
        return str(told(run("jobs", "show", job, "--json"))["waiting_reason"])

    assert (why("soon"), why("now"), why("held")) == ("not_due", "no_eligible_worker", "paused")
    assert "no_eligible_worker" in run("jobs", "show", "now").stdout
    told(run("kinds", "pause", "page", "--json"))
    assert why("now") == "paused"
    told(run("switch", "claims", "off", "--reason", "look", "--json"))
    assert (why("now"), why("soon")) == ("claims_off", "not_due")
    told(run("jobs", "cancel", "now", "--json"))
    assert why("now") == "None"


def test_tokens_are_made_listed_and_revoked(run: Run) -> None:
    """A token's secret is shown once; a revoked one opens nothing more."""
    token = told(run("token", "create", "codex-1", "--role", "worker", "--json"))["token"]
    assert token["project_id"] == "default"
    listed = run("token", "list", "--json").stdout
    assert token["id"] in listed
    assert token["secret"] not in listed
    assert run("token", "revoke", token["id"], "--reason", "lost").returncode == 0
    assert run("token", "revoke", token["id"]).returncode == 3
    assert run("token", "create", "codex-2").returncode == 2


def test_a_new_token_can_be_sent_to_a_file(run: Run) -> None:
    """`token create ... > FILE` writes the token and nothing else, so that a worker can be given that file."""
    written = run("token", "create", "codex-3", "--role", "worker").stdout
    assert written.startswith("wk")
    assert len(written.split()) == 1


def test_the_owners_token_is_rotated_where_it_lies(run: Run, environ: dict[str, str]) -> None:
    """Rotated from the home that holds it, the file holds the new one; another's rotation leaves it alone."""
    path = Path(environ["WATCHKEEPER_HOME"]) / "owner-token"
    before = path.read_text().strip()
    assert "would rotate the token in use" in run("token", "rotate", "--dry-run").stdout
    new = told(run("token", "rotate", "--overlap", "0", "--reason", "leaked", "--json"))["token"]
    assert path.read_text().strip() == new["secret"] != before
    assert path.stat().st_mode & 0o777 == 0o600
    bot = told(run("token", "create", "bot", "--role", "viewer", "--kind", "service", "--json"))["token"]
    rotated = run("token", "rotate", bot["id"]).stdout
    assert (rotated.startswith("wkv_"), len(rotated.split())) == (True, 1)
    assert path.read_text().strip() == new["secret"]
    (listed,) = [row for row in told(run("token", "list", "--json"))["tokens"] if row["id"] == bot["id"]]
    assert (listed["kind"], listed["expires_at"] is None) == ("service", False)


def test_other_owners_can_be_ended_with_the_lost_one(run: Run, environ: dict[str, str]) -> None:
    """`--revoke-others` ends every other owner's token, and says so; without it they live on."""
    path = Path(environ["WATCHKEEPER_HOME"]) / "owner-token"
    before = path.read_text().strip()
    told(watchkeeper(environ, "token", "create", "chen", "--owner", "--json"))
    lost = {**environ, "WATCHKEEPER_TOKEN": before}
    assert watchkeeper(lost, "projects", "list").returncode == 0
    assert watchkeeper(environ, "token", "create", "--owner", "--revoke-others", "--dry-run").returncode == 0
    made = told(watchkeeper(environ, "token", "create", "--owner", "--revoke-others", "--json"))
    assert made["revoked"] == 2
    assert watchkeeper(lost, "projects", "list").returncode == 3
    assert run("projects", "list").returncode == 0
    assert run("token", "create", "x", "--role", "viewer", "--revoke-others").returncode == 2


def test_a_lost_owner_token_is_made_anew_on_the_servers_machine(environ: dict[str, str]) -> None:
    """Who may read the database makes a new owner's token without any; the home keeps it closed to others."""
    made = told(watchkeeper(environ, "token", "create", "--owner", "--json"))
    path = Path(made["file"])
    assert path.read_text().strip() == made["secret"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_schema_is_looked_at_without_being_changed(environ: dict[str, str]) -> None:
    """`db status` tells the schema's version; `db migrate` has nothing to do on a fresh one; psql opens."""
    status = told(watchkeeper(environ, "db", "status", "--json"))
    assert status["up_to_date"] is True
    assert told(watchkeeper(environ, "db", "migrate", "--json"))["applied"] == []
    shell = watchkeeper(environ, "db", "shell", "--", "-Atc", "SELECT count(*) FROM watchkeeper.jobs")
    assert shell.stdout == "0\n"
    assert watchkeeper(environ, "db", "stop").returncode == 2


def test_why_is_a_table_for_people_and_the_same_as_json(run: Run) -> None:
    """The reason, what would change it, and each fact with its age; --json has it all; an unknown name is refused."""
    job = told(run("jobs", "enqueue", "report", "--json"))["job"]["id"]
    table = run("why", job)
    assert table.returncode == 0, table.stderr
    for words in ("no_eligible_worker", "what would change it", "a worker that registers", "age"):
        assert words in table.stdout
    assert told(run("why", job, "--json"))["reason"] == "no_eligible_worker"
    assert told(run("why", "report", "--of", "kind", "--json"))["queues"][0]["ready"] == 1
    assert "nobody" in run("why", "nobody").stderr
