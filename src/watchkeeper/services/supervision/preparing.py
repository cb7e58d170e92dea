"""What comes before an attempt's first turn: no former attempt lives, and what the job is and had is known."""

from __future__ import annotations

from typing import Any

from watchkeeper.domain.sessions.prompts import first_prompt, fresh_prompt, resumed_prompt
from watchkeeper.services.supervision.conversation import Conversation
from watchkeeper.services.supervision.former import Inheritance, former_attempts_gone, inherited
from watchkeeper.services.supervision.means import Means
from watchkeeper.services.supervision.records import AttemptRecords
from watchkeeper.services.supervision.turns import TurnOrder

LIMITS = ("tokens_limit", "cost_limit")


class FormerLives(Exception):
    """Processes of a former attempt at the job could not be ended."""


class Preparing:
    """The beginning of one attempt. What it finds is kept in `facts` and on disk, for who adopts the attempt."""

    def __init__(
        self, means: Means, records: AttemptRecords, facts: dict[str, Any], conversation: Conversation
    ) -> None:
        self._means = means
        self._records = records
        self._facts = facts
        self._job = facts["job"]
        self._known = conversation

    def former(self) -> Inheritance | None:
        """End what lives of former attempts, and give what they left to go on with. Blocks; raises FormerLives."""
        if not former_attempts_gone(self._records, self._job["id"]):
            raise FormerLives
        if not self._means.adapter.converses:
            return None
        return inherited(self._records, self._means.adapter.name, self._means.workspaces.user.uid)

    async def ask_context(self) -> None:
        """Ask what a conversing agent's supervisor has to know of the job. Raises ServerUnreachable and Refused."""
        context = await self._means.desk.context(self._job["id"], self._facts["lease"])
        before = context.get("previous_attempts") or ()
        noted: dict[str, Any] = {
            "limits": {name: value for name in LIMITS if (value := context["job"].get(name)) is not None},
            "lessons": context.get("lessons") or [],
            "lost": sum(attempt.get("outcome") == "lost" for attempt in before),
        }
        self._facts |= noted
        self._records.note(**noted)

    def first_order(self, former: Inheritance | None) -> TurnOrder:
        """Give the first turn of the attempt, in the thread of a former one where there is one to resume.

        Attempts lost elsewhere count as restarts too. Raises UsageError for a job that tells an agent nothing.
        """
        if not self._means.adapter.converses:
            return TurnOrder("")
        first, known = self.prompt(), self._known
        if former is not None:
            known.take_over(former.conversation)
        known.restarts = max(known.restarts, int(self._facts.get("lost", 0)))
        self._records.write_thread(known.record())
        if former is None:
            return TurnOrder(first)
        because = "an earlier attempt at this job ended before its work was done"
        return TurnOrder(resumed_prompt(because) if known.resumes else fresh_prompt(first, because))

    def prompt(self) -> str:
        task = self._means.desk.task(self._job)
        has_tools = self._means.contract_host is not None
        return first_prompt(task, self._facts.get("lessons") or (), has_tools=has_tools)
