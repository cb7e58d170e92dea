"""Each attempt has a workspace of its own, which tells the agent its job and keeps others out."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from agents.living import Run
from watchkeeper.agents.user import AgentUser, agent_user, python_for
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.agents.workspace_files import JobOrder
from watchkeeper.domain.errors import SettingError

ENVIRON = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "WATCHKEEPER_DATABASE_URL": "postgresql://secret"}


def order(payload: Any = None, **changes: Any) -> JobOrder:
    facts: dict[str, Any] = {
        "job_id": "6f1c",
        "project_id": "demo",
        "epoch": 3,
        "attempt": 2,
        "payload": {"prompt": "Write a report.\n"} if payload is None else payload,
        "record": {"id": "6f1c", "kind": "report"},
        "url": "http://127.0.0.1:1",
        "token": "wk-job-token",
        "worker_id": "w-1",
    }
    return JobOrder(**(facts | changes))


@pytest.fixture
def workspaces(place: Path, user: AgentUser) -> Workspaces:
    home = place / "home"
    home.mkdir()
    return Workspaces(home, user, place / "system")


def test_path_has_no_place_that_the_agent_cannot_enter(workspaces: Workspaces, place: Path) -> None:
    """A directory of the supervisor's PATH that is closed to the agent's user is left out of the agent's."""
    if not workspaces.user.other:
        pytest.skip("nothing is closed to one's own user")
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    workspace = workspaces.prepare(order(), {"PATH": f"{closed}:/usr/bin:/no/such/place:/bin"})
    assert workspace.environment["PATH"] == f"{workspaces.cli.bin}:/usr/bin:/bin"


def test_the_agent_finds_its_job(workspaces: Workspaces, run: Run) -> None:
    """Prompt, payload and job lie in the agent's directory, and its environment says where."""
    workspace = workspaces.prepare(order(), ENVIRON)
    script = 'cat "$WATCHKEEPER_PROMPT" payload.json job.json; echo; env; touch new "$TMPDIR/t" "$HOME/h"'
    session = run(script, environment=workspace.environment, workspace=workspace.path)
    assert session.wait(20)
    text = "\n".join(line.text for line in session.stdout().lines())
    assert text.startswith("Write a report.\n{")
    assert '"kind": "report"' in text
    variables = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("WATCHKEEPER_"))
    assert variables.pop("WATCHKEEPER_SESSION")
    assert variables == {
        "WATCHKEEPER_HOME": str(workspace.attempt_dir / "state"),
        "WATCHKEEPER_WORKSPACE": str(workspace.path),
        "WATCHKEEPER_URL": "http://127.0.0.1:1",
        "WATCHKEEPER_TOKEN": "wk-job-token",
        "WATCHKEEPER_JOB_ID": "6f1c",
        "WATCHKEEPER_PROJECT_ID": "demo",
        "WATCHKEEPER_ATTEMPT": "2",
        "WATCHKEEPER_GATE_ROUND": "0",
        "WATCHKEEPER_WORKER_ID": "w-1",
        "WATCHKEEPER_PAYLOAD": str(workspace.path / "payload.json"),
        "WATCHKEEPER_PROMPT": str(workspace.path / "prompt.md"),
    }
    assert (workspace.path / "new").exists()
    assert session.stderr().lines() == []


def test_the_contract_cli_answers_the_agent(workspaces: Workspaces, run: Run) -> None:
    """`watchkeeper` in the agent's PATH runs as the agent's user and speaks JSON, the server being away."""
    workspace = workspaces.prepare(order(), ENVIRON)
    session = run("watchkeeper touch --help", environment=workspace.environment, workspace=workspace.path)
    assert session.wait(20)
    end = session.ended()
    assert end is not None
    assert end.exit_code == 0, session.stderr().lines()
    answer = json.loads(session.stdout().lines()[0].text)
    assert answer["ok"]


def test_only_the_agent_can_look_into_its_workspace(workspaces: Workspaces, user: AgentUser) -> None:
    """The four places are 0700 and the agent's; what holds them is ours, so that they cannot be exchanged."""
    workspace = workspaces.prepare(order(), ENVIRON)
    for directory in workspace.attempt_dir.iterdir():
        about = directory.stat()
        assert (stat.S_IMODE(about.st_mode), about.st_uid) == (0o700, user.uid), directory
    for file in workspace.path.iterdir():
        assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_uid) == (0o600, user.uid)
    assert workspace.attempt_dir.stat().st_uid == os.geteuid()


def test_each_attempt_begins_afresh(workspaces: Workspaces) -> None:
    """A stale result of an earlier attempt is not there to be handed in again; not even with one epoch."""
    first = workspaces.prepare(order(), ENVIRON)
    (first.path / "artifacts.json").write_text("{}")
    for changes in ({"epoch": 4}, {"epoch": 3}):
        fresh = workspaces.prepare(order(**changes), ENVIRON)
        assert fresh.attempt_dir != first.attempt_dir
        assert not (fresh.path / "artifacts.json").exists()


def test_a_home_closed_to_the_agent_is_not_used(place: Path, user: AgentUser) -> None:
    """Where the agent's user cannot enter the home, workspaces stand in a directory of the system."""
    home = place / "closed"
    home.mkdir(mode=0o700)
    workspaces = Workspaces(home, user, place / "system")
    expected = place / "system" if user.other else home
    assert workspaces.prepare(order(), ENVIRON).path.is_relative_to(expected)


@pytest.mark.parametrize("name", ["../../etc", "a/b", "", ".", "x" * 300, "名"])
def test_an_id_cannot_name_another_place(workspaces: Workspaces, name: str) -> None:
    """Whatever a job or project is called, its workspace lies three levels below the root."""
    workspace = workspaces.prepare(order(job_id=name, project_id=name), ENVIRON)
    assert workspace.attempt_dir.parent.parent.parent == workspaces.root
    assert workspace.path.resolve().is_relative_to(workspaces.root.resolve())


def test_old_workspaces_are_removed_without_following_links(workspaces: Workspaces, place: Path) -> None:
    """Removal takes what the agent left, its links included, and nothing that they point to."""
    kept = place / "kept"
    kept.mkdir()
    (kept / "file").write_text("x")
    old = workspaces.prepare(order(), ENVIRON)
    (old.path / "link").symlink_to(kept)
    live = workspaces.prepare(order(job_id="live"), ENVIRON)
    assert workspaces.remove_older(time.time() - 60) == 0
    assert workspaces.remove_older(time.time() + 60, frozenset({live.attempt_dir})) == 1
    assert workspaces.existing() == [live.attempt_dir]
    assert (kept / "file").exists()
    assert not old.attempt_dir.parent.exists()


def test_a_workspace_that_cannot_be_removed_holds_up_no_other(
    workspaces: Workspaces, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The oldest one cannot go: it is named in the log, and the later ones go."""
    stuck = workspaces.prepare(order(job_id="stuck"), ENVIRON)
    workspaces.prepare(order(job_id="later"), ENVIRON)
    os.utime(stuck.attempt_dir, (1, 1))
    remove = workspaces.remove

    def refuse_the_stuck(attempt_dir: Path) -> None:
        if attempt_dir == stuck.attempt_dir:
            raise PermissionError(f"not permitted: {attempt_dir}")
        remove(attempt_dir)

    monkeypatch.setattr(workspaces, "remove", refuse_the_stuck)
    assert workspaces.remove_older(time.time() + 60) == 1
    assert workspaces.existing() == [stuck.attempt_dir]
    assert str(stuck.attempt_dir) in caplog.text


def test_nothing_else_is_removed(workspaces: Workspaces, place: Path) -> None:
    """A path that is no attempt's directory is refused."""
    with pytest.raises(ValueError, match="no attempt"):
        workspaces.remove(place)


def test_a_token_is_not_shown(workspaces: Workspaces) -> None:
    """Neither the order nor the workspace shows the job token when it is printed or logged."""
    workspace = workspaces.prepare(order(), ENVIRON)
    assert "wk-job-token" not in repr(workspace) + repr(order())


def test_an_unknown_agent_user_is_named() -> None:
    """A mistyped agent_user is told, with the name."""
    with pytest.raises(SettingError, match="no-such-user"):
        agent_user("no-such-user")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs agents as another user")
def test_root_runs_agents_as_somebody_else() -> None:
    """Without a setting, root's agents run as nobody; root itself has to be asked for by name."""
    assert agent_user(None).name in {"watchkeeper-agent", "nobody"}
    assert not agent_user("root").other


def test_a_python_is_found_that_the_agent_can_start(user: AgentUser) -> None:
    """The launcher's Python is one that really starts for the agent's user."""
    python = python_for(user)
    assert python is not None
    assert user.may_enter(python.parent) or not user.other
