"""The real Codex and Claude Code, as tests/agents_npm pins them, in front of a scripted model."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from watchkeeper.agents import known
from watchkeeper.agents.adapter import Setup
from watchkeeper.agents.user import SYSTEM_PATH, AgentUser, agent_user, own_user
from watchkeeper.domain.errors import UsageError

PROGRAMS = Path(__file__).parents[1] / "agents_npm" / "node_modules" / ".bin"
REAL = ("codex", "claude")
NAMES = {"codex": "Codex", "claude": "Claude Code"}


def needed(agent: str) -> None:
    """Skip the test where this agent is not installed."""
    if not (PROGRAMS / agent).exists():
        pytest.skip(f"needs {NAMES[agent]}: scripts/npm-under-test")


def user_of_agents() -> AgentUser:
    """Give the user that agents run as here: our own one, where the other could not enter this clone."""
    usual = agent_user(None)
    return usual if usual.may_enter(PROGRAMS.resolve()) else own_user()


def setup_for(agent: str, model: str, place: Path) -> Setup:
    """Give a setup in which an agent talks to the model at this address, and gives up soon."""
    needed(agent)
    user = user_of_agents()
    home = place / "agents" / agent
    home.mkdir(parents=True, exist_ok=True)
    os.chown(home, user.uid, user.gid)
    setup = Setup(user, place, f"{PROGRAMS}:{os.environ.get('PATH', SYSTEM_PATH)}")
    if agent == "claude":
        named = {"CLAUDE_CONFIG_DIR": str(home), "ANTHROPIC_BASE_URL": model, "ANTHROPIC_API_KEY": "k"}
        return replace(setup, environ={**named, "CLAUDE_CODE_MAX_RETRIES": "1"})
    provider = {
        "name": '"stub"',
        "base_url": f'"{model}/v1"',
        "env_key": '"STUB_KEY"',
        "wire_api": '"responses"',
        "request_max_retries": "0",
        "stream_max_retries": "1",
    }
    told = ", ".join(f"{name} = {value}" for name, value in provider.items())
    chosen = ['model="scripted"', 'model_provider="stub"', f"model_providers.stub={{{told}}}"]
    arguments = [part for one in chosen for part in ("-c", one)]
    setup = replace(setup, environ={"CODEX_HOME": str(home), "STUB_KEY": "k"}, arguments=arguments)
    return (
        setup
        if sandboxed(setup)
        else replace(setup, arguments=[*arguments, "--sandbox", "danger-full-access"])
    )


_SANDBOXED: dict[int, bool] = {}


def sandboxed(setup: Setup) -> bool:
    """Say whether Codex can make its sandbox here, as a container does not always allow; asked once for each user."""
    user = setup.user.uid
    if user not in _SANDBOXED:
        try:
            known.adapter("codex", setup)
        except UsageError as refused:
            if "sandbox" not in refused.message:
                raise
            _SANDBOXED[user] = False
        else:
            _SANDBOXED[user] = True
    return _SANDBOXED[user]
