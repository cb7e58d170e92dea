"""Works the example project beside `up`: enqueues its jobs once, kills one worker, and tells what happens."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from watchkeeper import example
from watchkeeper.agents.session import Session
from watchkeeper.agents.user import AgentUser, agent_user, python_for
from watchkeeper.agents.workspace import Workspaces
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import SettingError
from watchkeeper.domain.jobs import JobState
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.example.placing import place_commands
from watchkeeper.interfaces.cli.local import read_url
from watchkeeper.interfaces.cli.processes import Child, Processes
from watchkeeper.interfaces.cli.screen import Screen
from watchkeeper.interfaces.cli.story import Story
from watchkeeper.services.enqueueing import JobRequest
from watchkeeper.storage.new_jobs import Enqueued

ACTOR = "system:example"
LOOK_SECONDS = 0.3
AUDIT_ROWS = 200
CLAIMED_WITHIN_SECONDS = 15.0
OTHER_MACHINE = "example-machine"
KILLED_AFTER_SECONDS = 1.5
"""Long enough that the job is seen at work, short enough that it is not done."""

StartWorker = Callable[..., Awaitable[Child]]


class ExampleRun:
    """One pass over the example; a pass that finds it worked already says so and ends."""

    def __init__(self, app: App, screen: Screen, start_worker: StartWorker, processes: Processes) -> None:
        self._app = app
        self._screen = screen
        self._start_worker = start_worker
        self._processes = processes
        self._machine = app.settings.home / OTHER_MACHINE
        self._user = agent_user(app.settings.agent_user)

    async def run(self) -> None:
        """Work the example until every job has ended or is held for a person."""
        # An earlier run may have been killed before it could tidy up.
        await asyncio.to_thread(_end_machine, self._machine, self._user)
        jobs = await self._enqueue()
        names = {job.seq: spec.name for job, spec in zip(jobs, example.jobs(), strict=True)}
        story = Story(names, self._say)
        states = await self._states()
        if all(states.get(seq) not in {JobState.PENDING, JobState.RUNNING} for seq in names):
            self._screen.say(
                "the example was worked before; 'watchkeeper projects remove example' removes it"
            )
            return
        self._screen.say("working the example: ten jobs, one lies, one loses its worker, one stumbles")
        telling = asyncio.create_task(self._tell(story), name="story")
        try:
            if not jobs[0].existing:
                await self._lose_a_worker(jobs[0])
            worker = await self._start_worker(
                self._app, "example", example.PROJECT, "--slots", "2", "--worker-id", "example-2"
            )
            await telling
        finally:
            telling.cancel()
        story.end()
        await self._processes.stop(worker)
        for ended in ("example-1", "example-2"):
            await self._app.fleet.leave(example.PROJECT, ended)
        self._screen.say(
            "'watchkeeper jobs list --project example' shows it again, 'projects remove example' removes it"
        )

    def _say(self, text: str, colour: str | None = None) -> None:
        self._screen.line("example", text, colour)

    async def _enqueue(self) -> Sequence[Enqueued]:
        await self._app.kinds.ensure_project(example.PROJECT, example.TITLE)
        for kind in example.KINDS:
            await self._app.kinds.declare(example.PROJECT, KindDeclaration.parse(kind), actor=ACTOR)
        runner = await asyncio.to_thread(self._runner)
        # Those that are there stay as they are, though by now the commands may lie elsewhere.
        rows, _ = await self._app.insights.jobs(example.PROJECT, limit=200)
        known = {row["external_id"]: Enqueued(row["id"], row["seq"], existing=True) for row in rows}
        new = [job for job in example.jobs() if job.name not in known]
        requests = [JobRequest(job.kind, job.payload(runner), external_id=job.name) for job in new]
        made = await self._app.queue.enqueue(example.PROJECT, requests, actor=ACTOR) if requests else []
        known |= {job.name: job_made for job, job_made in zip(new, made, strict=True)}
        return [known[job.name] for job in example.jobs()]

    def _runner(self) -> list[str]:
        """Give the command that runs the example's commands as the user that agents run as."""
        python = python_for(self._user)
        if python is None:
            raise SettingError(
                f"there is no Python 3.11 or newer that the user {self._user.name} can run",
                hint="Install one for all users (apt-get install python3), or set WATCHKEEPER_AGENT_USER.",
            )
        # Where agents' programs lie is a place that their user can enter; making the CLI there makes the place.
        programs = Workspaces(self._app.settings.home, self._user).cli.bin.parent.parent
        return [str(python), str(place_commands(programs))]

    async def _states(self) -> dict[int, JobState]:
        rows, _ = await self._app.insights.jobs(example.PROJECT, limit=200)
        return {row["seq"]: JobState(row["state"]) for row in rows}

    async def _tell(self, story: Story) -> None:
        while not story.is_over:
            await asyncio.sleep(LOOK_SECONDS)
            story.read(await self._app.insights.audit(example.PROJECT, limit=AUDIT_ROWS))

    async def _lose_a_worker(self, job: Enqueued) -> None:
        """Have a worker of a machine of its own claim the survey, and end that machine while it is at it."""
        arguments = ("--kind", example.SURVEY, "--slots", "1", "--worker-id", "example-1")
        surroundings = {
            "WATCHKEEPER_HOME": str(self._machine),
            "WATCHKEEPER_URL": read_url(self._app.settings),
        }
        doomed = await self._start_worker(self._app, "doomed", example.PROJECT, *arguments, **surroundings)
        try:
            async with asyncio.timeout(CLAIMED_WITHIN_SECONDS):
                while (await self._states()).get(job.seq) is JobState.PENDING:  # noqa: ASYNC110 - it is a row
                    await asyncio.sleep(LOOK_SECONDS)
            await asyncio.sleep(KILLED_AFTER_SECONDS)
            self._say(
                "now worker example-1 is killed in the middle of long-survey, as if its machine died",
                "warning",
            )
            await self._processes.kill(doomed)
        except TimeoutError:
            self._say("long-survey was not claimed in time; another worker does it", "warning")
            await self._processes.stop(doomed)
        await asyncio.to_thread(_end_machine, self._machine, self._user)


def _end_machine(machine: Path, user: AgentUser) -> None:
    """End what a killed worker left running, which another worker of its machine would adopt, and remove it all."""
    for directory in machine.glob("sessions/*/*/session"):
        Session.adopt(directory).prove_gone()
    if machine.exists():
        # Where the agents' user cannot enter the home, its workspaces lie elsewhere.
        shutil.rmtree(Workspaces(machine, user).place, ignore_errors=True)
    shutil.rmtree(machine, ignore_errors=True)
