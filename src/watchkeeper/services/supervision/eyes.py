"""The eyes on an attempt's turns: output, events, processes and workspace, and the job's limits held against them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from watchkeeper.agents.session import Session
from watchkeeper.domain.known_values import secret_variables, secrets_passed_on
from watchkeeper.domain.redaction import Redactor
from watchkeeper.domain.sessions.facts import (
    ArtifactChecked,
    ContractCall,
    Interrupted,
    LeaseChanged,
    SessionFact,
)
from watchkeeper.domain.sessions.tools_seen import Call
from watchkeeper.domain.sessions.watch import SessionWatch
from watchkeeper.services.known_secrets import secrets_of_home
from watchkeeper.services.supervision.budgets import passed_limit
from watchkeeper.services.supervision.clock import SteadyClock
from watchkeeper.services.supervision.contract_host import ContractSession
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.following import Following, Seen
from watchkeeper.services.supervision.footprint import Footprint
from watchkeeper.services.supervision.kept_end import KeptEnd
from watchkeeper.services.supervision.means import Means
from watchkeeper.services.supervision.observing import Beside
from watchkeeper.services.supervision.output_watch import OutputWatch
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.seams import SessionLog
from watchkeeper.services.supervision.server_link import Json
from watchkeeper.services.supervision.session_requests import left_of
from watchkeeper.services.supervision.steps import GiveUp
from watchkeeper.services.supervision.transcript_look import TranscriptLook
from watchkeeper.services.supervision.turn_watch import TurnWatch
from watchkeeper.services.supervision.turns import Turns


class Eyes:
    """What is seen of one attempt. `on_thread` of a turn is called before anything is made of a thread's name."""

    def __init__(
        self,
        means: Means,
        records: AttemptRecords,
        facts: dict[str, Any],
        conversation: Conversation,
        turns: Turns,
        kept: KeptEnd,
    ) -> None:
        self._means = means
        self._records = records
        self._facts = facts
        self._job: Json = facts["job"]
        self._conversation = conversation
        self._turns = turns
        self._kept = kept
        self._clock = SteadyClock()
        self._log: SessionLog | None = None
        self._watch: SessionWatch | None = None
        self._following: Following | None = None
        self._footprint: Footprint | None = None

    def contract_session(self) -> ContractSession:
        """Give who calls the contract's tools with the job token of a turn."""
        session = ContractSession(
            str(self._job["id"]), self._turns.workspace(), self._called, self._kept.keep
        )
        return self._means.desk.guest(session)

    def on(self, session: Session, look_at_clocks: Callable[[], None]) -> Following:
        """Begin to follow a turn, one that was adopted too. Blocks."""
        redactor = Redactor(self._secrets())
        if self._log is None:
            facts = {
                "agent": self._conversation.agent,
                "workspace": str(self._turns.workspace()),
                "place": str(self._records.directory),
                "host_id": socket.gethostname(),
            }
            self._log = self._means.session_records.begin(self._job, self._facts["lease"], facts)
        if not self._means.adapter.converses:
            self._tell(session)
            seen = Seen(OutputWatch(session, self._records.directory, redactor))
        else:
            seen = self._seen(session, redactor, self._log)
        config = self._means.config
        self._footprint = Footprint(session, config.limits, self._means.picture, config.sample_seconds)
        self._following = Following(
            str(self._job["id"]),
            session,
            seen,
            self._clock,
            look_at_clocks,
            self._over_limit,
            self._footprint.look_seconds,
        )
        return self._following

    def interrupted(self) -> None:
        """Take in that the turn is asked to end, from outside."""
        self._put(Interrupted())

    def lease_renewed(self) -> None:
        """Take in a renewal; a quiet session is not looked at for that."""
        self._put(LeaseChanged("renewed", int(self._job["epoch"]), self._means.worker_id), wakes=False)

    def lease_gone(self, *changes: str) -> None:
        """Take in that the lease ran out (`expired`), or is somebody else's then (`taken_over`)."""
        for change in changes:
            self._put(LeaseChanged(change, int(self._job["epoch"])))

    def gate_answered(self, failed: Sequence[Json]) -> None:
        """Take in what the gate said of the results of the turn that is over."""
        names = tuple(str(check.get("check")) for check in failed)
        following = self._following
        if names and following is not None and following.seen.watch is not None:
            following.seen.watch.put(ArtifactChecked(failed=names))
            following.final = following.seen.watch.verdict()

    def over(self, failure: str | None) -> None:
        """Tell the record that the session is over."""
        if self._log is None or self._following is None:
            return
        end, report = self._following.session.ended(), self._following.session.swept()
        self._log.over(
            {
                "left": None if report is None else left_of(report),
                "exit_code": None if end is None else end.exit_code,
                "exit_signal": None if end is None else end.signal,
                "failure_class": failure,
                "tokens": self._conversation.all_tokens,
                "cost": self._conversation.all_cost,
                "restarts": self._conversation.restarts,
            }
        )

    def output(self) -> Json | None:
        """Give what the last turn said, as it is noted before the attempt's end is told."""
        following = self._following
        if following is None:
            return None
        end, output = following.session.ended(), following.seen.output
        told: Json = output.taken_out | ({"output_cut": output.cut} if output.cut else {})
        return told | {
            "exit_code": None if end is None else end.exit_code,
            "wall_seconds": None if end is None else end.wall_seconds,
            "cpu_seconds": None if end is None else end.cpu_seconds,
            "stdout": output.tail("stdout"),
            "stderr": output.tail("stderr"),
        }

    def _seen(self, session: Session, redactor: Redactor, log: SessionLog) -> Seen:
        known = self._conversation
        if self._watch is not None:
            known.recent = [list(call) for call in self._watch.recent]
            self._records.keep_thread(known.record())
        minutes = self._job.get("tool_limit_minutes")
        watch = SessionWatch(
            self._means.config.session_limits,
            restarts=known.restarts,
            tool_limit_seconds=None if minutes is None else float(minutes) * 60,
            recent=[Call(*call) for call in known.recent] if known.resumes is not None else (),
        )
        self._watch = watch
        transcript = TranscriptLook(self._transcript, self._means.adapter.tally())
        means = self._means
        beside = Beside(
            session, self._turns.workspace(), transcript, means.picture, means.config.sample_seconds
        )

        def on_thread() -> None:
            self._records.keep_thread(known.record())
            self._tell()

        reading = TurnWatch(
            means.adapter, known, watch, log, redactor, self._clock, on_thread, means.adapter.login
        )
        reading.put(LeaseChanged("claimed", int(self._job["epoch"]), means.worker_id))
        output = OutputWatch(session, self._records.directory, redactor, reading)
        reading.catch_up(output.written_at, beside.moved_at)
        self._tell(session)
        return Seen(output, reading, beside)

    def _tell(self, session: Session | None = None) -> None:
        """Tell the record what holds of the thread, and of a turn's process."""
        known = self._conversation
        facts: dict[str, Any] = {
            "cli_version": known.version or self._means.adapter.version,
            "thread_id": known.thread,
            "restarts": known.restarts,
            "tokens": known.all_tokens,
            "cost": known.all_cost,
            "turns": len(self._records.earlier_sessions) + 1,
        }
        if not self._means.adapter.measured:
            facts["untried_version"] = facts["cli_version"] or "not told"
        if session is not None and (agent := session.agent) is not None:
            facts |= agent._asdict()
        if self._log is not None:
            self._log.note(facts)

    def _transcript(self) -> Path | None:
        thread = self._conversation.thread
        if thread is None:
            return None
        return self._means.adapter.transcript(self._turns.turn(""), thread)

    def _called(self, call: ContractCall, thread: str | None) -> None:  # noqa: ARG002 - the stream tells it too
        self._kept.heard(call)
        self._put(call)

    def _put(self, fact: SessionFact, *, wakes: bool = True) -> None:
        following = self._following
        if following is not None and following.seen.watch is not None:
            following.seen.watch.put(fact, wakes=wakes)

    def _over_limit(self) -> GiveUp | None:
        """Name the job's limit that is passed; in a thread."""
        beside = self._following.seen.beside if self._following is not None else None
        passed = None if self._footprint is None else self._footprint.passed()
        return passed or passed_limit(
            self._facts.get("limits") or {},
            self._conversation,
            None if beside is None else beside.workspace,
            self._means.config.workspace_limit_bytes,
        )

    def _secrets(self) -> list[str]:
        config = self._means.config
        own = [*secret_variables(os.environ).values(), *secrets_of_home(config.home)]
        own += secrets_passed_on(config.agent_environ).values()
        tokens = [self._facts.get("job_token") or "", self._facts["lease"]]
        return [value for value in (*own, *tokens, *config.own_secrets) if value]
