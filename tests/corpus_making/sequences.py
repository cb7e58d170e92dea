"""The register of sequences: each makes a few rows of one class, one for each agent and version that it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from corpus_making.story import Story

Label = dict[str, Any]
ANY = ("codex", "claude", "command")
SPEAKING = ("codex", "claude")
ENDS_IT = ("interrupt_resume", "fresh_session", "kill")


@dataclass(frozen=True)
class Sequence:
    failure: str
    name: str
    agents: tuple[str, ...]
    tell: Callable[[Story], Label]


REGISTER: list[Sequence] = []


def sequence(failure: str, *agents: str) -> Callable[[Callable[[Story], Label]], Callable[[Story], Label]]:
    """Register a sequence of a class; its function's name and docstring are the rows' name and note."""

    def registered(tell: Callable[[Story], Label]) -> Callable[[Story], Label]:
        REGISTER.append(Sequence(failure, tell.__name__.replace("_", "-"), agents or ANY, tell))
        return tell

    return registered


def stuck(onset: float, within: float, action: str, *forbidden: str, **more: Any) -> Label:
    """Label a stuck row: since when, how long an answer is of use, and what is right."""
    onset = round(onset, 2)
    label: Label = {"stuck": True, "onset_t": onset, "latest_useful_t": round(onset + within, 2)}
    return label | {"right_action": action, "forbidden_actions": list(forbidden or ("kill",)), **more}


def well(*forbidden: str, action: str = "none") -> Label:
    """Label a row in which nothing is to be done, or only to be waited."""
    told = forbidden or (*ENDS_IT, "block_complete", "sweep")
    return {"stuck": False, "onset_t": None, "right_action": action, "forbidden_actions": list(told)}
