"""Families: programs that outlive their sessions, told by what they are and how they were started, never by name alone.

The signatures of automated browsers are those of Playwright, Puppeteer and the MCP servers around them: a person's own
browser has none of them. The marks of CI are those by which runners find their own strays (actions/runner, Jenkins'
ProcessTreeKiller, act_runner, GitLab's runner).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from watchkeeper.domain.host_guard.seen import Seen


class Family(StrEnum):
    """`browser` is an automated one; `other` is everything that has no family of its own."""

    BROWSER = "browser"
    AGENT = "agent"
    OTHER = "other"


BROWSER_COMMS = re.compile(
    r"(chrom|headless_shell|google-chrome|msedge|firefox|camoufox|webkit|MiniBrowser)", re.IGNORECASE
)
AGENT_COMMS = frozenset({"codex", "claude", "opencode", "gemini", "aider", "goose"})
INTERPRETERS = frozenset(
    {"node", "bun", "deno", "python", "python3", "MainThread", "npm", "npx", "uvx", "uv"}
)
AGENT_PROGRAMS = re.compile(
    r"(^|/)(codex|claude|opencode|mcp-server[\w.-]*|playwright-mcp|chrome-devtools-mcp)(\.js|$)"
)

AUTOMATED = (
    "--headless",
    "--remote-debugging-pipe",
    "--remote-debugging-port",
    "--enable-automation",
)
AUTOMATED_PROFILES = re.compile(
    r"--user-data-dir=\S*(playwright_\w+dev_profile-|puppeteer_dev_\w+_profile-|ms-playwright|mcp-chrome|"
    r"agent-browser-chrome-|chrome-devtools-mcp)"
)

CI_PROGRAMS = re.compile(
    r"^(Runner\.(Worker|Listener)|gitlab-runner|act_runner|buildkite-agent|woodpecker-agent|forgejo-runner)"
)
CI_COMMANDS = re.compile(r"(^|/)(agent|remoting|swarm-client)\.jar$")
CI_CGROUPS = re.compile(
    r"(actions\.runner|gitlab-runner|act_runner|buildkite|woodpecker|forgejo-runner|jenkins)", re.IGNORECASE
)
CI_VARIABLES = frozenset(
    {
        "RUNNER_TRACKING_ID",
        "GITHUB_ACTIONS",
        "GITEA_ACTIONS",
        "GITLAB_CI",
        "CI",
        "JENKINS_NODE_COOKIE",
        "BUILD_ID",
        "BUILDKITE",
    }
)


def is_of_interest(comm: str) -> bool:
    """Say by its short name alone whether a process is worth being read further."""
    return bool(
        BROWSER_COMMS.search(comm)
        or CI_PROGRAMS.match(comm)
        or comm in AGENT_COMMS
        or comm in INTERPRETERS
        or comm == "java"
    )


def family_of(process: Seen) -> Family:
    """Give the family of a process; a browser that nothing shows to be automated is a person's, and has none."""
    command = process.command or ()
    if BROWSER_COMMS.search(process.comm):
        return Family.BROWSER if _is_automated(command) else Family.OTHER
    if process.comm in AGENT_COMMS or any(AGENT_PROGRAMS.search(word) for word in command[:3]):
        return Family.AGENT
    return Family.OTHER


def is_browser_main(process: Seen) -> bool:
    """Say whether it is a browser itself and none of its own children, which end with it."""
    return family_of(process) is Family.BROWSER and not any(
        word.startswith("--type=") for word in process.command or ()
    )


def ci_marks(process: Seen) -> tuple[str, ...]:
    """Name what shows that a process is a CI runner, or was started by one; empty where nothing does."""
    return tuple(_marks(process))


def _is_automated(command: tuple[str, ...]) -> bool:
    return any(word.startswith(AUTOMATED) or AUTOMATED_PROFILES.match(word) for word in command)


def _marks(process: Seen) -> Iterable[str]:
    if CI_PROGRAMS.match(process.comm):
        yield f"program {process.comm}"
    elif any(CI_COMMANDS.search(word) for word in process.command or ()):
        yield "command agent.jar"
    if process.cgroup is not None and CI_CGROUPS.search(process.cgroup):
        yield "cgroup of a runner"
    for name in sorted(process.ci_variables):
        yield f"variable {name}"
