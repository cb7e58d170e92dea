"""An agent as an MCP server sees it: the official client's calls, over HTTP or stdio."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

SOURCE = Path(__file__).parents[1] / "src"


@dataclass
class Agent:
    """One connection of an agent's MCP client; `heard` is what calls said while they went on."""

    client: Client
    heard: list[str] = field(default_factory=list)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; give its JSON, whose `ok` the protocol's own flag must match."""
        return _read(await self.text(tool, **arguments))

    async def text(self, tool: str, **arguments: Any) -> str:
        """Call a tool; give the text that the agent's model would read."""

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            self.heard.append(message or "")

        meta = cast("Any", {"threadId": "thread-1"})
        result = await self.client.call_tool(tool, arguments, progress_callback=hear, meta=meta)
        (content,) = result.content
        text = str(content.text)
        assert _read(text)["ok"] is not result.is_error
        return text

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must be refused; give the error, which says what to do."""
        answer = await self.call(tool, **arguments)
        assert answer["ok"] is False, answer
        error = answer["error"]
        assert all(error[part] for part in ("code", "message", "hint"))
        return cast("dict[str, Any]", error)


def _read(text: str) -> dict[str, Any]:
    fenced = re.search(r"^<data-(\w+)>\n(.*)\n</data-\1>$", text, re.MULTILINE | re.DOTALL)
    return cast("dict[str, Any]", json.loads(fenced[2] if fenced else text))


@asynccontextmanager
async def agent_over_http(address: str, token: str, mode: str = "auto") -> AsyncIterator[Agent]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http:
        transport = streamable_http_client(address, http_client=http)
        async with Client(transport, mode=cast("Any", mode), cache=None) as client:
            yield Agent(client)


@asynccontextmanager
async def agent_over_stdio(
    *arguments: str, directory: Path, mode: str = "auto", **environment: str
) -> AsyncIterator[Agent]:
    """Start `watchkeeper mcp ...` as an agent's client does, and speak to it."""
    order = StdioServerParameters(
        command=sys.executable,
        args=["-m", "watchkeeper", "mcp", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), **environment},
        cwd=str(directory),
    )
    async with Client(stdio_client(order), mode=cast("Any", mode), cache=None) as client:
        yield Agent(client)
