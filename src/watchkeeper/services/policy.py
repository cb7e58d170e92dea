"""The policy in force in this process."""

from __future__ import annotations

from watchkeeper.domain.policies import Policy


class Policies:
    """Holds the last good policy."""

    def __init__(self) -> None:
        self._current = Policy()

    def current(self) -> Policy:
        """Give the policy in force; cheap, and the same object until another is loaded."""
        return self._current
