"""What an operator answers: `owner=...; adopt=...; alert_channel=...; first_metric=...; blocker=...`, in any order.

People type this on a phone: case, spaces, full-width signs and missing parts are no mistake; an unknown word is.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import asdict, dataclass
from enum import StrEnum

from watchkeeper.domain.errors import UsageError
from watchkeeper.domain.messages import REPLY_LINE
from watchkeeper.domain.rules.names import RuleName
from watchkeeper.domain.suggestions import did_you_mean, shown

MAX_REPLY_CHARS = 4_000

METRICS: dict[str, RuleName] = {
    "lease_expiry": RuleName.LEASE_NEAR_EXPIRY,
    "lease_expiring_with_claimed_job": RuleName.LEASE_NEAR_EXPIRY,
    "repeated_no_job": RuleName.CLAIM_LOOP_IDLE,
    "artifact_gate": RuleName.ARTIFACT_GATE_FAILED,
    **{rule.value: rule for rule in RuleName},
}
"""The metrics that may come first, each with the rule that watches it."""

NONE_WORDS = frozenset({"", "none", "no", "n/a", "-", "無", "没有", "沒有"})


class Adoption(StrEnum):
    WATCHDOG_CONFIG = "watchdog_config"
    REVISE = "revise"


class ReplyKey(StrEnum):
    OWNER = "owner"
    ADOPT = "adopt"
    ALERT_CHANNEL = "alert_channel"
    FIRST_METRIC = "first_metric"
    BLOCKER = "blocker"


REVISION_ASKS = ("threshold", "authority", "data", "alert channel", "auto-release")
"""What has to be said by who answers `adopt=revise`."""


class NoReply(UsageError):
    """This is no reply to the question that was asked."""

    hint = f"Answer with {REPLY_LINE}"


@dataclass(frozen=True, slots=True)
class OperatorReply:
    """What was said; None for what was not. `blocker` None with `blocker_told` says that nothing is in the way."""

    owner: str | None = None
    adopt: Adoption | None = None
    alert_channel: str | None = None
    first_metric: RuleName | None = None
    blocker: str | None = None
    blocker_told: bool = False

    @property
    def asks(self) -> tuple[str, ...]:
        """Give what is to be asked next."""
        return REVISION_ASKS if self.adopt is Adoption.REVISE else ()

    def to_json(self) -> dict[str, str | bool | None]:
        return asdict(self)


_PARTS = re.compile("[;\uff1b\n\r]")
_SIGNS = re.compile("[=\uff1d]")
_WORD_GAPS = re.compile(r"[\s\-_]+")


def looks_like_reply(text: str) -> bool:
    """Say whether a text means to be a reply of this form: then what is wrong in it is told."""
    first = _SIGNS.split(text, maxsplit=1)
    return len(first) == 2 and _word(first[0]) in set(ReplyKey)


def parse_reply(text: str) -> OperatorReply:
    """Read a reply; raise NoReply for an unknown key or word, with the one that was probably meant."""
    if len(text) > MAX_REPLY_CHARS:
        raise NoReply(f"a reply has at most {MAX_REPLY_CHARS:,} characters")
    said: dict[ReplyKey, str] = {}
    last: ReplyKey | None = None
    for part in filter(None, map(str.strip, _PARTS.split(text))):
        name, *value = _SIGNS.split(part, maxsplit=1)
        if not value and last is ReplyKey.BLOCKER:
            said[last] += f"; {part}"  # people write sentences there
            continue
        last = _key(name, has_value=bool(value))
        if last in said:
            raise NoReply(f"'{last}' is said twice")
        said[last] = _bare(value[0])
    if not said:
        raise NoReply("the reply says nothing")
    return _reply(said)


def _key(name: str, *, has_value: bool) -> ReplyKey:
    if not has_value:
        raise NoReply(f"{shown(name)} is no 'key=value'")
    word = _word(name)
    if word not in set(ReplyKey):
        raise NoReply(f"unknown key {shown(name.strip())}; {did_you_mean(word, list(ReplyKey))}")
    return ReplyKey(word)


def _reply(said: dict[ReplyKey, str]) -> OperatorReply:
    adopt, metric = said.get(ReplyKey.ADOPT), said.get(ReplyKey.FIRST_METRIC)
    if adopt is not None and (adopt := _word(adopt)) not in set(Adoption):
        raise NoReply(f"adopt is not {shown(said[ReplyKey.ADOPT])}; {did_you_mean(adopt, list(Adoption))}")
    if metric is not None and (metric := _word(metric)) not in METRICS:
        raise NoReply(
            f"there is no metric {shown(said[ReplyKey.FIRST_METRIC])}; {did_you_mean(metric, METRICS)}"
        )
    blocker = said.get(ReplyKey.BLOCKER)
    return OperatorReply(
        said.get(ReplyKey.OWNER) or None,
        None if adopt is None else Adoption(adopt),
        said.get(ReplyKey.ALERT_CHANNEL) or None,
        None if metric is None else METRICS[metric],
        None if blocker is None or blocker.casefold() in NONE_WORDS else blocker,
        blocker is not None,
    )


def _word(text: str) -> str:
    """Give a word as it is compared: small letters, one `_` for blanks and hyphens, full-width letters made narrow."""
    return _WORD_GAPS.sub("_", unicodedata.normalize("NFKC", text).strip().casefold())


def _bare(value: str) -> str:
    """Take off the blanks, and the angle brackets of the template that some leave around their answer."""
    value = value.strip()
    return value[1:-1].strip() if len(value) > 1 and value[0] == "<" and value[-1] == ">" else value
