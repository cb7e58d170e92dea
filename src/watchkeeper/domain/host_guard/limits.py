"""How often, and how far, the host guard may act. Every process reads its settings, so that nothing else is here."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.domain.errors import SettingError


@dataclass(frozen=True, slots=True)
class Limits:
    """How often and how far; times in seconds. `post_checks`: so long after the act it is looked again."""

    most_targets: int = 8
    runs_per_hour: int = 2
    cool_down: float = 1800.0
    post_checks: tuple[int, ...] = (30, 300, 1800)

    def __post_init__(self) -> None:
        if self.most_targets < 1 or self.runs_per_hour < 1 or self.cool_down < 0:
            raise SettingError(
                "the host guard's limits are at least 1, and its time to cool down is not negative"
            )
        if len(self.post_checks) != 3 or sorted({0, *self.post_checks}) != [0, *self.post_checks]:
            raise SettingError("host_post_check_seconds are three times, each later than the one before")
