"""One turn of a real agent in a session of its own, and what its stream meant."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agents.real_agents import setup_for
from agents.stream_words import word
from stubmodel.script import Script
from stubmodel.server import StubModel
from waiting import wait_until
from watchkeeper.agents import known
from watchkeeper.agents.adapter import Adapter, ContractServer, Setup, Turn
from watchkeeper.agents.session import End, Session, SessionSpec
from watchkeeper.domain.sessions.events import Began, SessionEvent

PATIENCE_SECONDS = 60.0


def nobody_listens() -> str:
    """Give an address at which a connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


@dataclass
class Played:
    """A turn that was begun."""

    session: Session
    agent: Adapter
    turn: Turn
    events: list[SessionEvent] = field(default_factory=list)
    complaints: list[SessionEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stdout, self._stderr = self.session.stdout(), self.session.stderr()

    def look(self) -> list[SessionEvent]:
        """Read what has come since; give all events so far."""
        for line in self._stdout.lines():
            self.events += self.agent.read(line.text)
        for line in self._stderr.lines():
            self.complaints += self.agent.read_error(line.text)
        return self.events

    def until(self, seen: Callable[[list[SessionEvent]], Any], what: str) -> None:
        wait_until(lambda: seen(self.look()), PATIENCE_SECONDS, what)

    @property
    def written(self) -> str:
        """Give the agent's own transcript: what it would remember after a kill, later than what it does."""
        path = self.agent.transcript(self.turn, self.thread) if "began" in self.words else None
        return path.read_text() if path is not None else ""

    def end(self) -> End:
        """Wait for the end of the turn and of all that it started."""
        ended = wait_until(self.session.ended, PATIENCE_SECONDS, "the agent's end")
        wait_until(lambda: not self.session.alive, PATIENCE_SECONDS, "the sweep")
        self.look()
        return ended

    @property
    def words(self) -> list[str]:
        return [word(event) for event in self.events]

    @property
    def thread(self) -> str:
        return next(event.thread for event in self.events if isinstance(event, Began) and event.thread)


class Stage:
    """Where real agents are played; all that was begun is proven gone at the end."""

    def __init__(self, model: StubModel) -> None:
        self._model = model
        self._place = Path(tempfile.mkdtemp(prefix="wk-")).resolve()
        self._place.chmod(0o755)
        self._begun: list[Session] = []

    def _setup(self, agent: str, script: Script | None) -> Setup:
        address = nobody_listens() if script is None else self._model.serve(script)
        return setup_for(agent, address, self._place)

    def begin(
        self,
        agent: str,
        script: Script | None,
        *,
        thread: str | None = None,
        contract: ContractServer | None = None,
        given: Callable[[Setup], Setup] = lambda setup: setup,
        **changes: Any,
    ) -> Played:
        """Begin a turn at a script; without one nobody listens where the model should be. `given` changes the setup."""
        setup = given(self._setup(agent, script))
        work = self._place / "work"
        work.mkdir(exist_ok=True)
        os.chown(work, setup.user.uid, setup.user.gid)
        adapter = known.adapter(agent, setup)
        turn = Turn("Do the work.", work, work, thread=thread, contract=contract)
        orders = adapter.launch(turn)
        prompt = self._place / f"prompt-{len(self._begun)}"
        prompt.write_text(orders.stdin or "")
        environment = {"PATH": setup.path, "HOME": str(self._place / "agents" / agent), **orders.environment}
        spec = SessionSpec(
            directory=self._place / f"session-{len(self._begun)}",
            command=orders.command,
            environment={**environment, "CONTRACT_TOKEN": "t"},
            workspace=work,
            user=setup.user,
            home=self._place,
            stdin=prompt,
            lock=orders.lock,
            hard_cap_seconds=PATIENCE_SECONDS,
            grace_seconds=5.0,
            kill_seconds=2.0,
        )
        session = Session.start(replace(spec, **changes))
        self._begun.append(session)
        return Played(session, adapter, turn)

    def until_asked(self, script: Script) -> None:
        """Wait until an agent has asked the model of this script."""
        (name,) = [name for name, served in self._model.scripts.items() if served is script]
        wait_until(lambda: self._model.asked[name], PATIENCE_SECONDS, "the agent's question")

    @property
    def work(self) -> Path:
        return self._place / "work"

    def close(self) -> None:
        for session in self._begun:
            assert session.prove_gone().gone
            session.discard()
        shutil.rmtree(self._place)
