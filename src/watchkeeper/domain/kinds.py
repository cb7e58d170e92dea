"""The declaration of a kind of job: its contract, lease, clocks and limits, and what a lost lease means."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from watchkeeper.domain.contracts import ResultContract
from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.jobs import OnLost
from watchkeeper.domain.suggestions import did_you_mean, shown

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
LEASES = ("session", "runtime")
SECRETS = ("flag", "refuse")
MAX_MINUTES = 60.0 * 24 * 366


@dataclass(frozen=True, slots=True)
class KindDeclaration:
    """One declared kind. None is no limit; for lease and lease_seconds, what the worker's profile has."""

    name: str
    contract: ResultContract | None = None
    lease: str | None = None
    lease_seconds: int | None = None
    on_lost: OnLost = OnLost.REQUEUE
    max_attempts: int = 3
    max_lost_leases: int = 3
    progress_deadline_minutes: float | None = None
    hard_cap_minutes: float | None = None
    tool_limit_minutes: float | None = None
    concurrency: int | None = None
    priority: int = 0
    tokens_limit: int | None = None
    cost_limit: Decimal | None = None
    persona: str | None = None
    secrets: str = "flag"

    @classmethod
    def parse(cls, given: object) -> KindDeclaration:
        """Read a declaration, from a config section, a decorator or a request.

        Raises UsageError that names the key, InvalidContract for the contract within. A key set to None
        counts as left out.
        """
        if not isinstance(given, Mapping):
            raise UsageError(f"a kind is an object, not {shown(given)}")
        for key in given:
            if key not in _READERS:
                message = f"a kind has no key {shown(key)}; {did_you_mean(str(key), _READERS)}"
                raise UsageError(message, key=str(key))
        if given.get("name") is None:
            raise UsageError("a kind needs a 'name'", key="name")
        return cls(**{key: _READERS[key](key, value) for key, value in given.items() if value is not None})

    def to_json(self) -> dict[str, Any]:
        """Give the declaration as `parse` reads it."""
        fields = asdict(self)
        fields["contract"] = self.contract.to_json() if self.contract else None
        fields["cost_limit"] = str(self.cost_limit) if self.cost_limit is not None else None
        fields["on_lost"] = self.on_lost.value
        return fields


def checked_kind_name(given: object, key: str = "kind") -> str:
    """Give the name of a kind as it is; raise UsageError where it is not one."""
    if not isinstance(given, str) or not NAME.fullmatch(given):
        raise UsageError(
            f"'{key}' is 1 to 100 letters, digits and _ . : - after a letter or digit; not {shown(given)}",
            key=key,
        )
    return given


def _name(key: str, given: object) -> str:
    return checked_kind_name(given, key)


def _contract(_key: str, given: object) -> ResultContract:
    return given if isinstance(given, ResultContract) else ResultContract.parse(given)


def _whole(least: int, most: int) -> Callable[[str, object], int]:
    def read(key: str, given: object) -> int:
        if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
            raise UsageError(f"'{key}' is a whole number from {least} to {most}, not {shown(given)}", key=key)
        return given

    return read


def _minutes(key: str, given: object) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool) and 0 < given <= MAX_MINUTES:
        return float(given)
    raise UsageError(
        f"'{key}' is a number of minutes above 0, at most {MAX_MINUTES:g}, not {shown(given)}", key=key
    )


def _cost(key: str, given: object) -> Decimal:
    message = f"'{key}' is an amount of money above 0, not {shown(given)}"
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        raise UsageError(message, key=key)
    if isinstance(given, float) and not math.isfinite(given):
        raise UsageError(message, key=key)
    try:
        amount = Decimal(str(given)[:60])
    except InvalidOperation:
        raise UsageError(message, key=key) from None
    if not amount.is_finite() or not 0 < amount < 10**12:
        raise UsageError(message, key=key)
    return amount


def _one_of(*choices: str) -> Callable[[str, object], str]:
    def read(key: str, given: object) -> str:
        if isinstance(given, str) and given in choices:
            return str(given)
        raise UsageError(f"'{key}' is one of {', '.join(choices)}; not {shown(given)}", key=key)

    return read


def _on_lost(key: str, given: object) -> OnLost:
    return OnLost(_one_of(*(choice.value for choice in OnLost))(key, given))


def _persona(key: str, given: object) -> str:
    if not isinstance(given, str) or not given.strip() or len(given) > 200 or not given.isprintable():
        raise UsageError(f"'{key}' is one line of at most 200 characters, not {shown(given)}", key=key)
    return given.strip()


_READERS: dict[str, Callable[[str, object], Any]] = {
    "name": _name,
    "contract": _contract,
    "lease": _one_of(*LEASES),
    "lease_seconds": _whole(2, 86_400),
    "on_lost": _on_lost,
    "max_attempts": _whole(1, 1_000),
    "max_lost_leases": _whole(1, 1_000),
    "progress_deadline_minutes": _minutes,
    "hard_cap_minutes": _minutes,
    "tool_limit_minutes": _minutes,
    "concurrency": _whole(1, 1_000_000),
    "priority": _whole(-32_768, 32_767),
    "tokens_limit": _whole(1, 2**62),
    "cost_limit": _cost,
    "persona": _persona,
    "secrets": _one_of(*SECRETS),
}
