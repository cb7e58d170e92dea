"""What an operator meets who asks for the wrong thing: one clear line, what to do, an exit code that tells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.running_up import command

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["jobs", "lst"], "Did you mean 'list'?"),
        (["jobs", "list", "--limt", "3"], "No such option: --limt"),
        (["jobs", "list", "--limit", "many"], "Invalid value for '--limit'"),
        (["jobs", "enqueue", "page", "{not json"], "PAYLOAD is not JSON"),
        (["jobs", "enqueue", "page", "@nowhere.json"], "the file 'nowhere.json' cannot be read"),
        (
            ["jobs", "enqueue", "page", '{"a": "\udcff"}'],
            "argument 4 holds the byte 0xff, which is not UTF-8",
        ),
        (["jobs", "show", "\udcff"], "argument 3 holds the byte 0xff"),
        (["jobs", "list", "--kind", "\udcff", "--json"], "argument 4 holds the byte 0xff"),
        (["jobs", "cancel", "x", "--reason", "\udcff"], "argument 5 holds the byte 0xff"),
        (["jobs", "enqueue", "page", "[" * 100_000], "PAYLOAD is nested too deeply"),
        (["jobs", "enqueue", "page", "[" * 101 + "]" * 101], "PAYLOAD is nested more than 100 deep"),
        (["jobs", "enqueue", "page", '{"a": 1e999}'], "PAYLOAD is not JSON: the number 1e999 is too large"),
        (["jobs", "enqueue", "page", '{"b": NaN}'], "PAYLOAD is not JSON: NaN is no JSON value"),
        (["jobs", "enqueue", "page", r'"\ud800"'], "PAYLOAD holds half a surrogate pair"),
        (["jobs", "enqueue", "page", "--contract", "{no"], "--contract is not JSON"),
        (["kinds", "declare", "page", '{"a": -1e999}'], "DECLARATION is not JSON"),
        (["schedules", "add", "s", "* * * * *", "page", "[" * 100_000], "PAYLOAD is nested too deeply"),
        (["work"], "a worker needs one of --agent and --app"),
        (["work", "--agent", "codx"], "there is no agent 'codx'"),
        (["work", "--app", "no_such_module:worker"], "'no_such_module' cannot be imported"),
        (["serve"], "no database is set"),
        (["serve", "--port", "99999"], "Invalid value for '--port'"),
        (["up", "--port", "99999"], "Invalid value for '--port'"),
        (["config", "check", "nowhere.toml"], "nowhere.toml cannot be read"),
    ],
    ids=lambda value: ascii(" ".join(value))[:60] if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_explained(home: Path, arguments: list[str], said: str) -> None:
    """A mistake in what was typed is named, with exit code 2 and no traceback."""
    more = {"WATCHKEEPER_DATABASE_URL": "postgresql://nowhere.invalid/x"} if "--app" in arguments else {}
    done = command(home, *arguments, **more)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "variable", "value"),
    [
        (["up"], "DATABASE_URL", "mysql://me:precious@x"),
        (["serve"], "DATABASE_URL", "postgres//me:precious@x"),
        (["db", "status"], "DATABASE_URL", "postgresql://me:precious@x/y?nonsense=1"),
        (["jobs", "list"], "URL", "localhost:8470"),
        (["jobs", "list"], "URL", "ftp://x"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_a_mistyped_address_is_named(home: Path, arguments: list[str], variable: str, value: str) -> None:
    """An address that cannot be meant is a wrong setting, named with its variable and without its password."""
    done = command(home, *arguments, **{f"WATCHKEEPER_{variable}": value})
    assert done.returncode == 2, done.stdout + done.stderr
    assert f"WATCHKEEPER_{variable}" in done.stderr
    assert "precious" not in done.stdout + done.stderr


def test_a_project_that_is_no_text_is_refused(home: Path) -> None:
    """A byte that is no UTF-8 in WATCHKEEPER_PROJECT_ID is named before anything is sent."""
    done = command(home, "jobs", "list", WATCHKEEPER_TOKEN="wko_x", WATCHKEEPER_PROJECT_ID="\udcff")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "the project's name is not UTF-8" in done.stderr


def test_nothing_typed_shows_the_help_and_no_complaint(home: Path) -> None:
    """`watchkeeper` alone shows what there is, and does not call it an error."""
    done = command(home)
    assert done.returncode == 2
    assert "queue-health" in done.stdout + done.stderr
    assert "malformed" not in done.stderr


@pytest.mark.parametrize("arguments", [["jobs", "list"], ["work", "--agent", "command"]], ids=" ".join)
def test_a_garbled_token_is_named_and_never_shown(home: Path, arguments: list[str]) -> None:
    """A token with a line too many is a wrong setting, not an absent server, and no word of it is printed."""
    done = command(home, *arguments, WATCHKEEPER_TOKEN="done: made\nwkw_precious")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "WATCHKEEPER_TOKEN holds characters that no token has" in done.stderr
    assert "precious" not in done.stdout + done.stderr


def test_an_absent_server_is_exit_code_4(home: Path) -> None:
    """Where no server answers, the address is named; with --json the same comes as JSON on stdout."""
    more = {"WATCHKEEPER_URL": NOWHERE, "WATCHKEEPER_TOKEN": "wko_x"}
    done = command(home, "jobs", "list", **more)
    assert done.returncode == 4
    assert f"the server at {NOWHERE} cannot be reached" in done.stderr
    as_json = command(home, "jobs", "list", "--json", **more)
    assert as_json.returncode == 4
    assert json.loads(as_json.stdout)["error"]["code"] == "server_unreachable"


def test_a_missing_token_is_exit_code_3(home: Path) -> None:
    """Without any token the places that were looked at are named."""
    done = command(home, "jobs", "list")
    assert done.returncode == 3
    assert f"{home / 'owner-token'} is not there" in done.stderr


def test_an_absent_database_is_exit_code_5(home: Path) -> None:
    """A database that does not answer is said so, in one line, with what stands in the way."""
    done = command(home, "db", "migrate", WATCHKEEPER_DATABASE_URL="postgresql://x@127.0.0.1:1/x")
    assert done.returncode == 5
    assert "the database cannot be reached" in done.stderr
    assert "Connection refused" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert "Traceback" not in done.stderr


def test_the_state_of_an_absent_database_is_exit_code_5(home: Path) -> None:
    """`db status` says that the database does not answer, and ends with the code of a database that failed."""
    done = command(home, "db", "status", "--json", WATCHKEEPER_DATABASE_URL="postgresql://x@127.0.0.1:1/x")
    assert done.returncode == 5
    status = json.loads(done.stdout)
    assert (status["ok"], status["answers"]) == (False, False)


def test_settings_are_shown_with_their_source_and_without_passwords(home: Path, tmp_path: Path) -> None:
    """`config show` tells what holds and from where; a password is not shown."""
    document = tmp_path / "watchkeeper.toml"
    document.write_text('log_level = "warning"\n')
    more = {
        "WATCHKEEPER_CONFIG": str(document),
        "WATCHKEEPER_DATABASE_URL": "postgresql://me:s3cret@db/watchkeeper",
    }
    assert command(home, "config", "check", str(document)).returncode == 0
    shown = json.loads(command(home, "config", "show", "--json", **more).stdout)["settings"]
    by_name = {row["setting"]: row for row in shown}
    assert by_name["log_level"] == {"setting": "log_level", "value": "warning", "source": str(document)}
    assert by_name["database_url"]["source"] == "WATCHKEEPER_DATABASE_URL"
    assert "s3cret" not in json.dumps(shown)
    document.write_text('log_levl = "warning"\n')
    wrong = command(home, "config", "check", str(document))
    assert (wrong.returncode, "did you mean 'log_level'?" in wrong.stderr) == (2, True)


def test_a_policy_is_shown_with_its_lines_and_refused_with_its_errors(home: Path, tmp_path: Path) -> None:
    """`config check` and `config show` tell all errors with their places, and where each value of a policy stands."""
    document = tmp_path / "watchkeeper.yaml"
    document.write_text("owner: ana\nthresholds:\n  queue_stuck_minutes: 15\nlog_level: warning\n")
    more = {"WATCHKEEPER_CONFIG": str(document)}
    assert json.loads(command(home, "config", "check", str(document), "--json").stdout)["ok"] is True
    shown = json.loads(command(home, "config", "show", "--json", **more).stdout)
    values = {row["key"]: row for row in shown["policy"]["values"]}
    assert values["owner"] == {"key": "owner", "value": "ana", "source": "watchkeeper.yaml:1"}
    assert values["thresholds.queue_stuck_seconds"]["source"] == "watchkeeper.yaml:3"
    assert values["timezone"]["source"] == "default"
    document.write_text("ownr: ana\nthresholds:\n  queue_stuck_minutes: 15 min\nlog_levl: warning\n")
    for words in (["check", str(document)], ["show"]):
        wrong = command(home, "config", *words, **more)
        lines = [line.strip() for line in wrong.stderr.splitlines() if line.startswith("  line")]
        assert wrong.returncode == 2
        assert [line.split(":")[0] for line in lines] == [
            "line 1, column 1",
            "line 3, column 24",
            "line 4, column 1",
        ]
