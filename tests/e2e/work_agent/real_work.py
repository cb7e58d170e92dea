"""Real agents under a real supervisor: a worker of theirs, a scripted model before them, jobs for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.real_agents import setup_for, user_of_agents
from e2e.running_up import SOURCE
from e2e.work_agent.desk import PAGE, Desk, Worker
from stubmodel.script import Contract, Script, Shell
from stubmodel.server import StubModel
from watchkeeper.agents.user import AgentUser

PAGE_WANTED = {"required_kinds": ["html_page"]}
WRITE_PAGE = Shell(f"echo '{PAGE}' > index.html")
WRITE_HOLLOW = Shell(": > index.html")
HAND_IN = Contract(
    "complete",
    {"summary": "a page", "artifacts": [{"kind": "html_page", "path": "index.html", "primary": True}]},
)

SOON: dict[str, Any] = {"settle_seconds": 0.2}
"""Thresholds so small that a test need not wait; each names those that it is about."""


@dataclass
class RealWork:
    """One project's desk, with workers that run real agents."""

    desk: Desk
    model: StubModel
    address: str = ""

    def worker(self, agent: str, script: Script, **config: Any) -> Worker:
        """Start a worker of this agent before a script, at `address` if that is where the model is said to be."""
        address = self.address = config.pop("address", None) or self.model.serve(script)
        setup = setup_for(agent, address, self.desk.place)
        told = {
            "agent": agent,
            "arguments": list(setup.arguments),
            "agent_environ": dict(setup.environ),
            "agent_user": setup.user.name if not setup.user.other else None,
            "contract_tools": True,
            "grace_seconds": 3.0,
            "sample_seconds": 0.5,
        }
        limits = SOON | config.pop("session_limits", {})
        return self.desk.worker(**(told | config | {"session_limits": limits}))

    def command(self, agent: str, script: Script) -> Worker:
        """Start a worker as a person does: by `watchkeeper work`, with what the agent needs on its command line."""
        desk = self.desk
        setup = setup_for(agent, self.model.serve(script), desk.place)
        token = desk.place / "worker.token"
        token.touch(mode=0o600)
        token.write_text(desk.token())
        named = [part for name in setup.environ for part in ("--agent-env", name)]
        command = ["work", "--agent", agent, "--token-file", str(token), *named, "--", *setup.arguments]
        own = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SOURCE),
            "WATCHKEEPER_HOME": str(desk.place / "home"),
        }
        if not setup.user.other:
            own["WATCHKEEPER_AGENT_USER"] = setup.user.name
        log = desk.place / "work.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "watchkeeper", *command],
                env={**own, **setup.environ, "WATCHKEEPER_URL": desk.url, "WATCHKEEPER_LOG_FORMAT": "json"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        desk.workers.append(Worker(process, log))
        return desk.workers[-1]

    def put(self, more: dict[str, Any] | None = None, **job: Any) -> str:
        """Put in a job that asks for a page; `more` stands in its payload."""
        payload = {"prompt": "Make a page about queues."} | (more or {})
        return self.desk.put(None, payload=payload, contract=PAGE_WANTED, **job)

    def over(self, job: str, *states: str, timeout: float = 60.0) -> dict[str, Any]:
        """Wait for the job's end, at which no harmless word of the agent was taken for a secret."""
        done = self.desk.wait_for(job, *(states or ("completed", "stuck", "failed")), timeout=timeout)
        assert "[redacted:" not in json.dumps(self.desk.ask("GET", f"/api/jobs/{job}/timeline"))
        return done


def clone_for_agents(place: Path, user: AgentUser | None = None) -> Path:
    """Make a repository with one commit that belongs to the agents' user, by default the real ones'."""
    user = user or user_of_agents()
    clone = place / "clone"
    clone.mkdir(mode=0o755)
    os.chown(clone, user.uid, user.gid)
    script = (
        "git init -q -b main . && echo hello > README && git add README && "
        "git -c user.name=a -c user.email=a@example.org commit -qm first"
    )
    identity: dict[str, Any] = {"user": user.uid, "group": user.gid, "extra_groups": []} if user.other else {}
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    subprocess.run(["sh", "-c", script], cwd=clone, env=environment, check=True, **identity)
    return clone


def agents_of(desk: Desk, job: str = "") -> list[int]:
    """Give the pids of the agents' own processes, of every turn that was begun, or of one job's, in their order."""
    begun = desk.place.glob(f"home*/sessions/*/{job}*/session*/started.json")
    found = sorted(begun, key=lambda path: path.stat().st_mtime)
    return [json.loads(path.read_text())["agent"]["pid"] for path in found]


def outputs_of(desk: Desk) -> str:
    """Give all that the agents have printed."""
    found = desk.place.glob("home*/sessions/*/*/session*/stdout")
    return "\n".join(path.read_text(errors="replace") for path in found)


def steps_files(real: RealWork) -> list[Path]:
    """Give the files in which the agents' commands note their steps; what vanishes meanwhile is passed over."""
    places = os.walk(real.desk.place)
    return [Path(root, "steps") for root, _, names in places if root.endswith("/work") and "steps" in names]
