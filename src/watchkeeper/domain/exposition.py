"""Metrics as Prometheus' text format 0.0.4: a name, a help and a type each, no timestamps.

Labels come from closed lists: never a pid, a command or a job. What was measured and is none is an explicit 0; what
could not be measured is absent, since a 0 would be a lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """A gauge: its name without the program's prefix, what it says, and its values by labels."""

    name: str
    help: str
    values: Mapping[tuple[tuple[str, str], ...], float]


def gauge(name: str, text: str, value: float) -> Metric:
    """Make a metric of one value."""
    return Metric(name, text, {(): value})


def by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    """Make a metric with a value for each of a label's."""
    return Metric(name, text, {((label, one),): value for one, value in values.items()})


def exposition(prefix: str, metrics: Iterable[Metric]) -> str:
    """Write metrics down, each with its help and type, under `prefix`."""
    lines: list[str] = []
    for metric in metrics:
        name = f"{prefix}_{metric.name}"
        lines += [f"# HELP {name} {metric.help}", f"# TYPE {name} gauge"]
        for labels, value in metric.values.items():
            shown = ",".join(f'{label}="{_escaped(said)}"' for label, said in labels)
            lines.append(f"{name}{{{shown}}} {value:.10g}" if shown else f"{name} {value:.10g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
