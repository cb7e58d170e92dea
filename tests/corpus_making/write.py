"""Writes the generated part of tests/corpus anew: `python tests/corpus_making/write.py`. The same each time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from corpus_making import (
    afterwards,
    broken,
    ends,
    healthy,
    healthy_work,
    job_faults,
    providers,
    silences,
    standing,
)
from corpus_making.recorded import recorded_rows
from corpus_making.sequences import REGISTER, Label
from corpus_making.story import VERSIONS, Story

CORPUS = Path(__file__).parents[1] / "corpus"
TOLD = (afterwards, broken, ends, healthy, healthy_work, job_faults, providers, silences, standing)
"""The modules that register sequences."""


def rows() -> Iterator[tuple[str, str]]:
    """Give every row: its file below the corpus, and its text."""
    for one in REGISTER:
        for number, agent in enumerate(one.agents):
            name = f"{one.name}-{agent}"
            if one.agents[:number].count(agent):
                name += f"-{one.agents[: number + 1].count(agent)}"
            seed = Random(crc32(f"{one.failure}/{name}".encode()))
            version = seed.choice(VERSIONS[agent])
            story = Story(agent, version, seed)
            label = one.tell(story) | {"note": (one.tell.__doc__ or "").strip()}
            yield f"{one.failure}/{name}.jsonl", _text(one.failure, agent, version, label, story.facts)
    for failure, name, agent, label, facts in recorded_rows():
        version = "0.169.0" if agent == "codex" else "2.1.197"
        yield f"{failure}/{name}.jsonl", _text(failure, agent, version, label, facts)


def _text(failure: str, agent: str, version: str, label: Label, facts: list[dict[str, Any]]) -> str:
    told = {"class": failure, "agent": agent, "cli_version": version} | label
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in ({"label": told}, *facts))


def is_written(file: Path) -> bool:
    """Say whether a row was written by hand: no program makes it anew."""
    return file.name.startswith("written-")


def write() -> None:
    """Write all rows, and remove what is generated no more."""
    made = dict(rows())
    for name, text in made.items():
        file = CORPUS / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for file in CORPUS.rglob("*.jsonl"):
        if not is_written(file) and file.relative_to(CORPUS).as_posix() not in made:
            file.unlink()


if __name__ == "__main__":
    write()
