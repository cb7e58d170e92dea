"""One line of an agent's JSON stream: read whatever it holds, never an error, never slower than its length."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import Any

from watchkeeper.agents.verdicts import plain
from watchkeeper.domain.sessions.events import SessionEvent, ToolClosed, ToolOpened

SAID_CHARACTERS = 65_536
"""How much of one message is told; the stream's own file keeps the whole."""

COUNTABLE = 1e15

CUT_CHARACTERS = 64 * 1024
"""An unreadable line longer than this was cut by whoever follows the output, not by its writer's death."""

HEAD_CHARACTERS = 4000

SHOWN_CHARACTERS = 4000
"""How much of a call and of its result is given to be shown: far more than is kept, so that no secret is cut in two
before it is found.
"""

THREAD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")

COMMANDS = frozenset({"context", "progress", "upload-files", "verify", "complete", "fail", "release"})
SERVER = "watchkeeper"
"""What agents know the contract's MCP server by."""


def parsed(line: str) -> dict[str, Any] | None:
    """Give the object that a line holds; None where it is none: half a line, a text, something else."""
    # A look at the first character spares a long text between the events the way through the parser.
    if not line.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def part(given: object, key: str) -> dict[str, Any]:
    """Give an object within an object; an empty one where there is none."""
    found = given.get(key) if isinstance(given, dict) else None
    return found if isinstance(found, dict) else {}


def word(given: dict[str, Any], key: str) -> str:
    """Give a text of an object; an empty one where there is none."""
    found = given.get(key)
    return found if isinstance(found, str) else ""


def number(given: dict[str, Any], key: str) -> float | None:
    """Give a number of an object; None where there is none, or none that can be counted with."""
    found = given.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < COUNTABLE:
        return None
    return found


def whole(given: dict[str, Any], key: str) -> int:
    """Give a count of an object; 0 where there is none."""
    return int(number(given, key) or 0)


def thread_id(given: dict[str, Any], key: str) -> str | None:
    """Give a thread's id of an object, if it can be one: it becomes an argument and part of a file's name."""
    found = word(given, key)
    return found if THREAD.fullmatch(found) else None


def said(text: str) -> str:
    return plain(text[:SAID_CHARACTERS])


def digest(*parts: object) -> str:
    """Give a short digest: the same for the same tool and arguments, whatever order its keys have."""
    found = blake2b(digest_size=8)
    for one in parts:
        text = one if isinstance(one, str) else json.dumps(one, sort_keys=True)
        found.update(text.encode("utf-8", "surrogatepass"))
        found.update(b"\0")
    return found.hexdigest()


def shown_call(given: object) -> str:
    """Give a command, or arguments as JSON, from its beginning.

    Lines and quotes stand as themselves: behind the `n` of an escape no secret is known by how it begins.
    """
    if isinstance(given, dict):
        # The end of a long argument is never shown; what it costs to write it down is spared.
        given = {key: _head(value) for key, value in given.items()}
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False) if given else ""
    if not isinstance(given, str):
        text = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], " "), text)
    return plain(_head(text))


def shown_result(given: object) -> str:
    """Give the end of what a tool gave: a text, or the texts of a list of blocks."""
    if isinstance(given, list):
        texts = [word(one, "text") for one in given if isinstance(one, dict)]
        given = "\n".join(text for text in texts if text)
    return plain(_tail(given)).strip() if isinstance(given, str) else ""


def _tail(text: str) -> str:
    """Give the end of a text from the beginning of a line, or at least of a word, outside of any key.

    Half a token or the end of a key without its beginning looks like no secret to anybody.
    """
    start = len(text) - SHOWN_CHARACTERS
    if start <= 0:
        return text
    if (begun := text.rfind(_KEY_BEGINS, 0, start + len(_KEY_BEGINS))) >= 0:
        ended = text.find(_KEY_ENDS, begun)
        start = len(text) if ended < 0 else max(start, ended + len(_KEY_ENDS))
    space = _SPACE.search(text, start)
    broken = text.find("\n", start, start + SHOWN_CHARACTERS // 2)
    return text[broken + 1 :] if broken >= 0 else text[space.end() :] if space else ""


_KEY_BEGINS, _KEY_ENDS = "-----BEGIN ", "-----END "
_SPACE = re.compile(r"\s")
_ESCAPE = re.compile(r'\\(["nrtbf])')
_ESCAPED = {"n": "\n", '"': '"', "t": "\t"}


def _head(given: Any) -> Any:
    return given[:SHOWN_CHARACTERS] if isinstance(given, str) else given


def contract_command(server: str, tool: str) -> str | None:
    """Give the contract's command that a tool of an MCP server is; None for other servers and tools."""
    command = tool.replace("_", "-")
    return command if server == SERVER and command in COMMANDS else None


def of_cut_line(line: str, opened: re.Pattern[str], closed: re.Pattern[str]) -> list[SessionEvent]:
    """Read what the head of an overlong line still tells, so that no tool stays open for it.

    The patterns find the id of a call that is opened or closed; a short line was cut by its writer's death, and tells
    nothing.
    """
    if len(line) < CUT_CHARACTERS:
        return []
    if found := closed.search(line, 0, HEAD_CHARACTERS):
        return [ToolClosed(found[1], digest(line))]
    if found := opened.search(line, 0, HEAD_CHARACTERS):
        return [ToolOpened(found[1], "overlong", digest(line))]
    return []
