"""What an agent asks of the heartbeat that it works in: one command of the contract at a time, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchkeeper.domain.errors import WatchkeeperError
from watchkeeper.domain.heartbeat_steps import Checked, Command, Ending, Uploaded, Verdict
from watchkeeper.domain.helper_answers import HelperAnswers, Reply
from watchkeeper.services.relay.relaying import REFUSALS
from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.services.supervision.server_link import Refused

Json = dict[str, Any]
GRANTED = frozenset({Verdict.COMPLETED, Verdict.QUEUED, Verdict.FAILED, Verdict.RELEASED})


@dataclass(frozen=True)
class Question:
    """One call of a tool, `verify` without a command; whoever called waits for `future`, in another thread."""

    command: Command | None
    body: Json
    workspace: Path
    future: Future[Json] = field(default_factory=Future)

    def is_waited_for(self) -> bool:
        """Take it up; False where nobody waits any more. Once only."""
        return self.future.set_running_or_notify_cancel()

    def grant(self, answer: Json) -> None:
        with suppress(InvalidStateError):  # nobody waits any more
            self.future.set_result(answer)

    def refuse(self, error: WatchkeeperError) -> None:
        with suppress(InvalidStateError):  # nobody waits any more
            self.future.set_exception(error)

    def settle(
        self, told: Reply | Ending | Uploaded | Checked, answers: HelperAnswers, files: Sequence[Json] = ()
    ) -> None:
        """Answer with what became of it; `files` are those that were uploaded, with their addresses."""
        if isinstance(told, Checked):
            self.grant({"failed": [] if told.passed else [{"detail": told.detail}]})
        elif isinstance(told, Uploaded):
            if told.is_there:
                self.grant({"artifacts": list(files)})
            else:
                self.refuse(_refused("conflict", told.detail))
        elif isinstance(told, Ending):
            if told.verdict in GRANTED:
                self.grant({"status": told.verdict.value})
            else:
                self.refuse(_refused(REFUSALS.get(told.verdict, "worker_stopped"), told.detail))
        elif told.is_ok:
            self.grant({"answer": answers.without_secrets(told.answer)})
        else:
            self.refuse(_refused("server_unreachable" if told.failed_on_the_wire else "conflict", told.why))


@dataclass(frozen=True)
class ForeignSession(ContractSession):
    """A session at work on a foreign job. `put` hands a question to the heartbeat."""

    put: Callable[[Question], None] = field(kw_only=True)

    def ask(self, command: Command | None, body: Json) -> Future[Json]:
        """Ask for a command, `verify` without one; from any thread, without blocking."""
        question = Question(command, body, self.workspace or Path())
        self.put(question)
        return question.future


def _refused(code: str, why: str) -> Refused:
    return Refused(0, code, why, {})
