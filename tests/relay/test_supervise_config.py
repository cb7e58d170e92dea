"""What the `helper` section of a config document adds to a heartbeat, and what a heartbeat tells of its steps."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from relay.conftest import Scenes

COUNTERS: dict[str, Any] = {"queues": [{"kind": "report", "ready": 3, "eligible_workers": 0}]}
NO_JOB = {"print": {"ok": True, "job": None}}


@pytest.mark.parametrize("by", ["command", "url"])
async def test_the_foreign_queue_s_counters_are_reported(scenes: Scenes, tmp_path: Path, by: str) -> None:
    """`metrics_command` or `metrics_url` gives them as one JSON object, with every heartbeat."""
    (tmp_path / "counters.json").write_text(json.dumps(COUNTERS))
    scene = scenes(claim=NO_JOB)
    url = scene.site.put("/counters", json.dumps(COUNTERS), "application/json")
    command = f"{sys.executable} -c 'print(open(\"{tmp_path / 'counters.json'}\").read())'"
    scene.config[f"metrics_{by}"] = {"command": command, "url": url}[by]
    await scene.heartbeat()
    (told,) = [body for body in scene.reports("health") if "queues" in body]
    assert told["queues"] == COUNTERS["queues"]


async def test_counters_that_cannot_be_had_hold_up_no_heartbeat(scenes: Scenes) -> None:
    """A command that fails is logged; the round goes on, and nothing is made up."""
    scene = scenes(claim=NO_JOB)
    scene.config["metrics_command"] = f"{sys.executable} -c 'raise SystemExit(3)'"
    await scene.heartbeat()
    assert scene.helper.commands == ["doctor", "touch", "claim"]
    assert not [body for body in scene.reports("health") if "queues" in body]


async def test_a_heartbeat_brings_along_what_its_steps_answered(scenes: Scenes) -> None:
    """The checks of a document are judged by it; what only the claimer may have is not in it."""
    scene = scenes(
        first={
            "claim": {"print": {"ok": True, "job": {"id": "A", "kind": "report", "lease_token": "s3cr3t"}}}
        }
    )
    await scene.heartbeat()
    answers = scene.reports("health")[-1]["answers"]
    assert answers["doctor"] == {"ok": True, "token_present": True, "touch": {"ok": True}}
    assert answers["touch"]["touched"] is True
    assert answers["claim"]["job"]["id"] == "A"
    assert "s3cr3t" not in json.dumps(answers)
