"""Topics of the change feed: all that a project does, or one thing that somebody looks at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from watchkeeper.domain.errors import UsageError
from watchkeeper.storage.database import Database

QUEUE = "queue"
"""The topic of all that the audit trail tells of a project."""

KINDS = ("job", "session", "incident", "repair")
MOST_OF_A_LISTENER = 20


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of a project that is watched by itself: changes that leave no audit row are told too."""

    kind: str
    project_id: str
    id: UUID

    @property
    def topic(self) -> str:
        return f"{self.kind}:{self.id}"


def things_of(topics: Iterable[str], project_id: str | None) -> frozenset[Thing]:
    """Read `job:ID` and the like; raise UsageError for a topic that there is not, or without a project."""
    asked = [topic for topic in topics if topic != QUEUE]
    if len(asked) > MOST_OF_A_LISTENER:
        raise UsageError(f"at most {MOST_OF_A_LISTENER} topics can be listened to at once")
    if asked and project_id is None:
        raise UsageError("a topic of one thing needs its project", hint="Add project=NAME.")
    return frozenset(_thing(topic, project_id or "") for topic in asked)


def _thing(topic: str, project_id: str) -> Thing:
    kind, _, name = topic.partition(":")
    try:
        if kind in KINDS:
            return Thing(kind, project_id, UUID(name))
    except ValueError:
        pass  # told below, as any other topic that there is not
    raise UsageError(f"there is no topic {topic[:80]!r}", hint=f"It is {QUEUE!r}, or KIND:ID with {KINDS}.")


class Watched:
    """The things that somebody listens to now, and the version of each at the last look."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: Counter[Thing] = Counter()
        self._versions: dict[Thing, str] = {}

    @contextmanager
    def by_one_more(self, things: frozenset[Thing]) -> Iterator[None]:
        """Watch things while one listener is there."""
        self._listeners.update(things)
        try:
            yield
        finally:
            for thing in things:
                self._listeners[thing] -= 1
                if not self._listeners[thing]:
                    del self._listeners[thing]
                    self._versions.pop(thing, None)

    def __contains__(self, key: object) -> bool:
        """Say whether somebody may still ask for it: a thing that nobody listens to any more is forgotten."""
        return not isinstance(key, Thing) or key in self._listeners

    async def changed(self) -> set[Thing]:
        """Look at all of them at once; give those that are not as they were at the look before, new ones with them."""
        if not (things := list(self._listeners)):
            return set()
        rows = await self._database.fetch(
            "watched_versions",
            {
                "kinds": [thing.kind for thing in things],
                "projects": [thing.project_id for thing in things],
                "ids": [thing.id for thing in things],
            },
        )
        found = {Thing(row["kind"], row["project_id"], row["id"]): row["version"] for row in rows}
        changed = {thing for thing, version in found.items() if self._versions.get(thing) != version}
        self._versions |= {thing: version for thing, version in found.items() if thing in self._listeners}
        return changed
