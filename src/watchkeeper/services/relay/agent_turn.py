"""The one turn of an agent in a heartbeat: its session started, and the eyes on it that every agent session has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from watchkeeper.agents.adapter import Adapter, ContractServer, Launch, Setup, Turn
from watchkeeper.agents.known import adapter
from watchkeeper.agents.session import Session, SessionSpec
from watchkeeper.agents.user import SYSTEM_PATH
from watchkeeper.agents.workspace import Workspace, Workspaces
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.facts import ContractCall
from watchkeeper.domain.sessions.limits import SessionLimits
from watchkeeper.domain.sessions.prompts import foreign_prompt
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.services.relay.asking import ForeignSession
from watchkeeper.services.relay.held import HeldJob
from watchkeeper.services.relay.work_place import WorkPlace
from watchkeeper.services.supervision.clock import SteadyClock
from watchkeeper.services.supervision.contract_host import ContractHost
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.following import Following, Seen
from watchkeeper.services.supervision.observing import Beside, Picture
from watchkeeper.services.supervision.output_watch import OutputWatch
from watchkeeper.services.supervision.seams import Unrecorded
from watchkeeper.services.supervision.transcript_look import TranscriptLook
from watchkeeper.services.supervision.turn_watch import TurnWatch
from watchkeeper.services.supervision.turns import TOKEN_VARIABLE


@dataclass(frozen=True, kw_only=True)
class AgentOrder:
    """Which agent does the work. `arguments` are further ones of its program, `environ` variables that it gets.

    `linger_seconds`: how long it may live on once its job is done. `host`, not started, serves it the contract's tools.
    """

    name: str
    host: ContractHost
    path: str = SYSTEM_PATH
    arguments: Sequence[str] = ()
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: SessionLimits = field(default_factory=SessionLimits)
    sample_seconds: float = 10.0
    linger_seconds: float = 30.0
    adapter_of: Callable[[str, Setup], Adapter] = adapter


@dataclass(frozen=True)
class ServedAgent:
    """An agent that was found and tried, and whose tools are served."""

    order: AgentOrder
    adapter: Adapter


@contextmanager
def served(order: AgentOrder | None, place: Path, workspaces: Workspaces) -> Iterator[ServedAgent | None]:
    """Serve an agent its tools; None for none. Blocks a while. Raises UsageError where it cannot be started."""
    if order is None:
        yield None
        return
    path = workspaces.user.reachable(order.path)
    setup = Setup(workspaces.user, workspaces.open_place(), path, order.environ, order.arguments)
    made = order.adapter_of(order.name, setup)
    order.host.start(place)
    try:
        yield ServedAgent(order, made)
    finally:
        order.host.stop()


class AgentTurn:
    """One turn. `workspace` is where its agent works, `directory` its session's, `following` what is seen of it."""

    workspace: Path
    directory: Path
    following: Following

    def __init__(
        self, places: WorkPlace, agent: ServedAgent, redactor: Redactor, cap: float, token: str
    ) -> None:
        self._places = places
        self._agent = agent
        self._redactor = redactor
        self._cap = cap
        self._token = token
        self._conversation = Conversation(agent.adapter.name)
        self._watch: TurnWatch | None = None

    def start(self, held: HeldJob, asks: ForeignSession) -> Following:
        """Start it; blocks. Raises UsageError for orders that no agent can be given, OSError and SessionError."""
        order = self._places.order(held)
        self.directory, ready = self._places.prepare(order)
        self.workspace = ready.path
        turn = Turn(
            prompt=foreign_prompt(order.record),
            workspace=ready.path,
            state=ready.agent_state,
            payload=order.payload,
            contract=ContractServer(self._agent.order.host.address, TOKEN_VARIABLE),
        )
        launch = self._agent.adapter.launch(turn)
        self._conversation.thread = launch.thread
        self._agent.order.host.register(self._token, replace(asks, workspace=ready.path))
        session = Session.start(self._spec(launch, ready, held))
        self.following = Following(
            held.id, session, self._seen(session, turn), SteadyClock(), lambda: None, lambda: None
        )
        return self.following

    def called(self, call: ContractCall, thread: str | None) -> None:  # noqa: ARG002 - the stream tells it too
        """Take in a call of the contract's tools, from any thread."""
        if self._watch is not None:
            self._watch.put(call)

    def _spec(self, launch: Launch, ready: Workspace, held: HeldJob) -> SessionSpec:
        stdin = None if launch.stdin is None else self._places.write_stdin(self.directory, launch.stdin)
        return SessionSpec(
            directory=self.directory,
            command=launch.command,
            environment={**ready.environment, **launch.environment, TOKEN_VARIABLE: self._token},
            workspace=ready.path,
            user=self._places.workspaces.user,
            home=self._places.place.home,
            stdin=stdin,
            lock=launch.lock,
            hard_cap_seconds=self._cap,
            facts={"job": held.id},
        )

    def _seen(self, session: Session, turn: Turn) -> Seen:
        agent, known = self._agent, self._conversation
        self._watch = TurnWatch(
            agent.adapter,
            known,
            SessionWatch(agent.order.limits),
            Unrecorded(),
            self._redactor,
            SteadyClock(),
            lambda: None,
        )

        def transcript() -> Path | None:
            return None if known.thread is None else agent.adapter.transcript(turn, known.thread)

        look = TranscriptLook(transcript, agent.adapter.tally())
        beside = Beside(session, turn.workspace, look, Picture(), agent.order.sample_seconds)
        output = OutputWatch(session, session.directory, self._redactor, self._watch)
        return Seen(output, self._watch, beside)
