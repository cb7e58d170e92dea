"""How Codex and Claude Code are found and started, and what happens where they cannot be."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agents.living import Run
from waiting import wait_until
from watchkeeper.agents import agent_home, known, launch, program
from watchkeeper.agents.adapter import ContractServer, Setup, Turn
from watchkeeper.agents.agent_home import ThreadLocks
from watchkeeper.agents.session import EndReason
from watchkeeper.agents.user import SYSTEM_PATH, AgentUser, own_user
from watchkeeper.domain.errors import UsageError

FAKE = """#!/bin/sh
case "$1" in
  --version) echo "{name} {version}" ;;
  sandbox) {sandbox} ;;
esac
"""
CONTRACT = ContractServer("http://127.0.0.1:4711/mcp", "WATCHKEEPER_TOKEN")
Install = Callable[..., Setup]


@pytest.fixture
def install(place: Path, user: AgentUser) -> Install:
    """Put a program of this name, which knows --version and `sandbox`, where PATH leads; give the setup."""

    def put(
        name: str, version: str = "0.169.0", sandbox: str = "exit 0", script: str = FAKE, **setup: Any
    ) -> Setup:
        programs = place / "bin"
        programs.mkdir(exist_ok=True)
        programs.chmod(0o755)
        path = programs / name
        path.write_text(script.format(name=name, version=version, sandbox=sandbox))
        path.chmod(0o755)
        return Setup(user, place, f"{programs}:{SYSTEM_PATH}", **setup)

    return put


@pytest.fixture
def turn(work: Path) -> Turn:
    return Turn("do it", work, work, contract=CONTRACT)


def after(command: Any, flag: str) -> list[str]:
    return [value for name, value in pairwise(command) if name == flag]


def test_codex_is_started_with_settings_under_which_it_needs_nobody(install: Install, turn: Turn) -> None:
    """No approval, its sandbox, JSON, and the contract's server, without which no turn begins; no secret in argv."""
    agent = known.adapter("codex", install("codex", environ={"STUB_KEY": "s3cret"}, arguments=["-m", "m1"]))
    orders = agent.launch(turn)
    settings = dict(text.split("=", 1) for text in after(orders.command, "-c"))
    assert orders.command[1:3] == ["exec", "--json"]
    assert json.loads(settings["approval_policy"]) == "never"
    assert after(orders.command, "--sandbox") == ["workspace-write"]
    assert after(orders.command, "--cd") == [str(turn.workspace)]
    server = {name: json.loads(text) for name, text in settings.items() if name.startswith("mcp_servers.")}
    assert server["mcp_servers.watchkeeper.url"] == CONTRACT.url
    assert server["mcp_servers.watchkeeper.bearer_token_env_var"] == "WATCHKEEPER_TOKEN"
    assert server["mcp_servers.watchkeeper.required"] is True
    assert server["mcp_servers.watchkeeper.default_tools_approval_mode"] == "approve"
    assert orders.command[-3:] == ["-m", "m1", "-"]
    assert orders.stdin == "do it"
    assert orders.environment["STUB_KEY"] == "s3cret"
    assert "s3cret" not in " ".join(orders.command) + repr(orders)
    assert (orders.thread, orders.lock) == (None, None)


def test_codex_goes_on_with_a_thread(install: Install, turn: Turn) -> None:
    """A turn that names its thread resumes that one, never the last one, and holds its lock."""
    orders = known.adapter("codex", install("codex")).launch(replace(turn, thread="t-1"))
    assert orders.command[-3:] == ["resume", "t-1", "-"]
    assert orders.lock is not None


def test_claude_is_started_with_a_session_id_that_is_known_before(install: Install, turn: Turn) -> None:
    """A session that dies before its first line can be resumed all the same; the token stays in the environment."""
    agent = known.adapter("claude", install("claude", "2.1.330"))
    orders = agent.launch(replace(turn, cost=1.5))
    assert orders.thread is not None
    assert str(uuid.UUID(orders.thread)) == orders.thread
    assert after(orders.command, "--session-id") == [orders.thread]
    assert after(orders.command, "--max-budget-usd") == ["1.5000"]
    (config,) = (json.loads(text) for text in after(orders.command, "--mcp-config"))
    server = config["mcpServers"]["watchkeeper"]
    assert server["url"] == CONTRACT.url
    assert server["headers"] == {"Authorization": "Bearer ${WATCHKEEPER_TOKEN}"}
    again = agent.launch(replace(turn, thread=orders.thread))
    assert after(again.command, "--resume") == [orders.thread]
    assert "--session-id" not in again.command
    assert again.lock == orders.lock is not None


@pytest.mark.parametrize(
    ("agent", "arguments", "absent"),
    [
        ("codex", ["--sandbox", "danger-full-access"], "workspace-write"),
        ("codex", ["-c", 'sandbox_mode="read-only"'], "workspace-write"),
        ("claude", ["--permission-mode", "bypassPermissions"], "acceptEdits"),
    ],
)
def test_what_the_operator_chose_is_not_chosen_again(
    install: Install, turn: Turn, agent: str, arguments: list[str], absent: str
) -> None:
    """Another sandbox or other permissions are the operator's word, given on the command line of the worker."""
    setup = install(agent, sandbox="exit 1", arguments=arguments)
    command = known.adapter(agent, setup).launch(turn).command
    assert absent not in command
    assert " ".join(arguments) in " ".join(command)


def test_without_its_sandbox_codex_is_not_started_by_itself(install: Install) -> None:
    """Where the sandbox cannot be made a person chooses; full access is never taken silently."""
    setup = install("codex", sandbox="echo no user namespaces >&2; exit 1")
    with pytest.raises(UsageError, match="no user namespaces") as refused:
        known.adapter("codex", setup)
    assert "--sandbox danger-full-access" in refused.value.advice


@pytest.mark.parametrize("agent", ["codex", "claude"])
def test_a_program_that_is_not_there_is_told_as_such(place: Path, user: AgentUser, agent: str) -> None:
    """The refusal says that PATH has none, and what to do."""
    with pytest.raises(UsageError, match=f"{agent} is not installed"):
        known.adapter(agent, Setup(user, place, str(place)))


def test_a_program_that_is_not_executable_is_told_as_such(install: Install) -> None:
    """It is there, and its mode is what has to be mended."""
    setup = install("claude")
    (setup.place / "bin" / "claude").chmod(0o644)
    with pytest.raises(UsageError, match="not executable"):
        known.adapter("claude", setup)


def test_a_program_of_another_users_home_is_told_as_such(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the operator's PATH, but not in the agent's: the refusal names the place and the user."""
    setup = install("codex")
    monkeypatch.setenv("PATH", f"{setup.place / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(UsageError, match=rf"{setup.place}/bin/codex, which user .* may not enter"):
        known.adapter("codex", replace(setup, path=str(tmp_path)))


def test_a_program_that_asks_a_question_does_not_hang_the_worker(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets no answer and a bounded time, then the worker says what it waits for."""
    monkeypatch.setattr(program, "PROBE_SECONDS", 0.2)
    with pytest.raises(UsageError, match="does it ask a question"):
        known.adapter(
            "claude", install("claude", script="#!/bin/sh\nprintf 'Accept? [y/N] '; exec sleep 60\n")
        )


def test_a_program_that_cannot_be_run_is_told_as_such(install: Install) -> None:
    """The interpreter that a script names is not there."""
    with pytest.raises(UsageError, match="cannot be started"):
        known.adapter("claude", install("claude", script="#!/no/such/interpreter\n"))


@pytest.mark.parametrize(("version", "found"), [("99.0.1", "99.0.1"), ("nightly", None)])
def test_a_version_that_was_never_tried_is_accepted_and_logged(
    install: Install, caplog: pytest.LogCaptureFixture, version: str, found: str | None
) -> None:
    """The agent works with the newest table, and the log says that nobody has tried this version."""
    agent = known.adapter("claude", install("claude", version))
    assert (agent.version, agent.measured) == (found, False)
    assert "agent_version_unmeasured" in caplog.text


def test_an_update_of_the_program_is_noticed_at_the_next_turn(install: Install, turn: Turn) -> None:
    """A worker runs for weeks, and the agent is updated meanwhile: its lines are read by its new version's table."""
    agent = known.adapter("claude", install("claude", "2.1.330"))
    assert agent.measured
    install("claude", "3.0.0-of-another-length")
    agent.launch(turn)
    assert (agent.version, agent.measured) == ("3.0.0", False)


@pytest.mark.parametrize(
    ("agent", "native"),
    [
        ("codex", "@openai/codex-linux-{arch}/vendor/{machine}-unknown-linux-musl/bin/codex"),
        ("codex", "@openai/codex/node_modules/@openai/codex-linux-{arch}/vendor/x/bin/codex"),
        ("codex", "@openai/codex/vendor/{machine}-unknown-linux-musl/bin/codex"),
        ("claude", "@anthropic-ai/claude-code-linux-{arch}/claude"),
        ("claude", "@anthropic-ai/claude-code-linux-{arch}-musl/claude"),
    ],
)
def test_the_native_program_is_started_not_npms_launcher(install: Install, agent: str, native: str) -> None:
    """A SIGKILL of the launcher would leave the real agent behind."""
    setup = install(agent)
    modules = setup.place / "node_modules"
    package = modules / ("@openai/codex" if agent == "codex" else "@anthropic-ai/claude-code")
    machine = os.uname().machine
    path = modules / native.format(arch=program.ARCHITECTURES[machine], machine=machine)
    for directory in (package / "bin", path.parent):
        directory.mkdir(parents=True, exist_ok=True)
    (package / "package.json").write_text("{}")
    launcher = shutil.move(setup.place / "bin" / agent, package / "bin" / f"{agent}.js")
    (setup.place / "bin" / agent).symlink_to(launcher)
    shutil.copy("/bin/true", path)
    found = program.Program(agent, setup)
    assert found.path == path


def test_all_sessions_of_an_agent_share_one_home(install: Install, turn: Turn) -> None:
    """One login serves them all, and a refresh of it is seen by all; the operator may name the place."""
    setup = install("codex")
    named = known.adapter("codex", replace(setup, environ={"CODEX_HOME": "/srv/codex"}))
    assert named.launch(turn).environment["CODEX_HOME"] == "/srv/codex"
    homes = {known.adapter("codex", setup).launch(turn).environment["CODEX_HOME"] for _ in range(2)}
    assert len(homes) == 1


def test_an_agent_user_without_a_home_gets_one_that_is_its_own(place: Path, user: AgentUser) -> None:
    """The directory is made once, for this user alone; made again it stays as it is."""
    homeless = replace(user, home="/nonexistent")
    setup = Setup(homeless, place, SYSTEM_PATH)
    for _ in range(2):
        made = agent_home.agent_home(setup, "codex", "CODEX_HOME", ".codex")
    assert made == place / "agents" / "codex"
    assert (made.stat().st_uid, made.stat().st_mode & 0o777) == (user.uid, 0o700)
    own = agent_home.agent_home(replace(setup, user=replace(own_user(), home=str(place))), "x", "X", ".x")
    assert own == place / ".x"


def test_the_transcript_is_found_by_its_thread(install: Install, turn: Turn) -> None:
    """Both agents' own files are found; a thread's name leads nowhere else."""
    setup = install("codex")
    install("claude")
    home = setup.place / "kept"
    rollout = home / "sessions/2026/11/21/rollout-2026-11-21T20-03-40-t-1.jsonl"
    transcript = home / "projects/-work/t-1.jsonl"
    for path in (rollout, transcript):
        path.parent.mkdir(parents=True)
        path.touch()
    setup = replace(setup, environ={"CODEX_HOME": str(home), "CLAUDE_CONFIG_DIR": str(home)})
    for name, expected in (("codex", rollout), ("claude", transcript)):
        agent = known.adapter(name, setup)
        assert agent.transcript(turn, "t-1") == expected
        assert agent.transcript(turn, "t-2") is None
        assert agent.transcript(turn, "*") is None
        assert agent.transcript(turn, "../-work/t-1") is None


def test_two_sessions_never_hold_one_thread(run: Run, place: Path) -> None:
    """The second says at once that it is in use and starts no agent; it may begin when all of the first is gone."""
    lock = place / "thread.lock"
    first = run("sleep 60", lock=lock)
    second = run("echo two", lock=lock)
    ended = wait_until(second.ended)
    assert ended.reason is EndReason.NOT_STARTED
    assert "in use" in ended.error
    first.interrupt("test")
    third = run("echo three", lock=lock)
    assert wait_until(third.ended, timeout=20.0).exit_code == 0


def test_locks_of_threads_that_nobody_used_for_long_are_removed(install: Install) -> None:
    """A lock that is held stays, however old; the names are hashes, whatever a thread is called."""
    setup = install("claude")
    locks = ThreadLocks(setup, "claude")
    old, held, new = (locks.of(name) for name in ("../../old", "held", "new"))
    assert old.parent == setup.place / "threads" / "claude"
    for path in (old, held):
        os.utime(path, (0, time.time() - agent_home.UNUSED_SECONDS - 1))
    descriptor = launch.hold(str(held))
    ThreadLocks(setup, "claude")
    os.close(descriptor)
    assert [path.exists() for path in (old, held, new)] == [False, True, True]


def test_a_plain_command_is_started_as_the_job_names_it(place: Path, user: AgentUser, turn: Turn) -> None:
    """The job's own command, else the worker's."""
    agent = known.adapter("command", Setup(user, place, SYSTEM_PATH, arguments=["make"]))
    assert agent.launch(turn).command == ["make"]
    assert agent.launch(replace(turn, payload={"command": ["a", "b"]})).command == ["a", "b"]
