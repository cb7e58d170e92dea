"""The follow latch of a live session's lines, as the browser runs it, for any course of events."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.interfaces import console

NODE = shutil.which("node")
SCRIPT = Path(console.__file__).parent / "static" / "follow.js"
PROGRAM = """
const vm = require("node:vm"), fs = require("node:fs"), readline = require("node:readline");
vm.runInThisContext(fs.readFileSync(process.argv[1], "utf8") + "; globalThis.latch = latch;");
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let state = { following: true, fresh: 0 };
  console.log(JSON.stringify(JSON.parse(line).map((event) => (state = latch(state, event)))));
});
"""
EVENTS = st.lists(
    st.one_of(
        st.builds(lambda n: {"kind": "lines", "count": n}, st.integers(1, 50)),
        st.builds(lambda end, up: {"kind": "scroll", "atEnd": end, "up": up}, st.booleans(), st.booleans()),
        st.just({"kind": "jump"}),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def node() -> Iterator[subprocess.Popen[str]]:
    """The page's own script in an interpreter; each line of events is answered with the state after each."""
    command = [str(NODE), "-e", PROGRAM, str(SCRIPT)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def after(node: subprocess.Popen[str], events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    assert node.stdin is not None
    assert node.stdout is not None
    node.stdin.write(json.dumps(events) + "\n")
    node.stdin.flush()
    states: list[dict[str, Any]] = json.loads(node.stdout.readline())
    return states


@pytest.mark.skipif(NODE is None, reason="needs Node")
@given(EVENTS)
def test_nothing_moves_under_who_has_scrolled_up(
    node: subprocess.Popen[str], events: list[dict[str, Any]]
) -> None:
    """Following ends by scrolling up, begins again at the end or by the button, and no new line goes uncounted."""
    following, fresh = True, 0
    for event, state in zip(events, after(node, events), strict=True):
        match event["kind"]:
            case "lines":
                fresh = 0 if following else fresh + event["count"]
            case "scroll" if event["atEnd"]:
                following, fresh = True, 0
            case "scroll" if event["up"]:
                following = False
            case "jump":
                following, fresh = True, 0
        assert state == {"following": following, "fresh": fresh}
