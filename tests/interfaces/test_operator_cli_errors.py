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
        (["jobs", "enqueue", "page", "@nowhere.json"], "nowhere.json cannot be read"),
        (["work"], "a worker needs one of --agent and --app"),
        (["work", "--agent", "codx"], "there is no agent 'codx'"),
        (["work", "--app", "no_such_module:worker"], "'no_such_module' cannot be imported"),
        (["serve"], "no database is set"),
        (["serve", "--port", "99999"], "Invalid value for '--port'"),
        (["up", "--port", "99999"], "Invalid value for '--port'"),
        (["config", "check", "nowhere.toml"], "nowhere.toml cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_explained(home: Path, arguments: list[str], said: str) -> None:
    """A mistake in what was typed is named, with exit code 2 and no traceback."""
    more = {"WATCHKEEPER_DATABASE_URL": "postgresql://nowhere.invalid/x"} if "--app" in arguments else {}
    done = command(home, *arguments, **more)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


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
    """A database that does not answer is said so, in one line."""
    done = command(home, "db", "migrate", WATCHKEEPER_DATABASE_URL="postgresql://x@127.0.0.1:1/x")
    assert done.returncode == 5
    assert "the database cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


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
    assert (wrong.returncode, "did you mean log_level?" in wrong.stderr) == (2, True)
