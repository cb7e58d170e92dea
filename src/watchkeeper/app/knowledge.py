"""What is learnt, proposed, asked and received."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watchkeeper.app.core import Core
from watchkeeper.domain.policies import Policy
from watchkeeper.domain.proposals import MERGE_PROJECTS
from watchkeeper.services.duties import Duty
from watchkeeper.services.learning import Learning
from watchkeeper.services.lessons import Lessons
from watchkeeper.services.merges import MERGING, MergeWatch
from watchkeeper.services.people import People
from watchkeeper.services.proposals import Proposals
from watchkeeper.services.signals import Signals


@dataclass(frozen=True, slots=True)
class KnowledgeParts:
    """The memory of an installation, and what it has to do with people."""

    learning: Learning
    lessons: Lessons
    merges: MergeWatch
    people: People
    proposals: Proposals
    signals: Signals

    def duties(self) -> list[Duty]:
        return [self.learning.duty(), self.people.duty(), self.merges.duty()]


def knowledge_parts(core: Core, policy: Callable[[], Policy] = Policy) -> KnowledgeParts:
    """Put together what remembers, asks and proposes."""
    database, redactor = core.database, core.redactor
    proposals = Proposals(database, redactor, {MERGE_PROJECTS: MERGING})
    return KnowledgeParts(
        learning=Learning(database),
        lessons=Lessons(database, redactor),
        merges=MergeWatch(database, redactor, policy),
        people=People(database, redactor, proposals),
        proposals=proposals,
        signals=Signals(database, redactor, core.queue),
    )
