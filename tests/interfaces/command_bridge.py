"""Operators' commands run in this process, against the server of a test."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
import typer

from interfaces.api_client import Api
from watchkeeper.interfaces.cli import main


class Bridge(httpx2.BaseTransport):
    """Carries what a command sends to the server of this test, and notes the routes that it asked for."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._loop = asyncio.get_running_loop()
        self.asked: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        sent = self._api.http.request(
            request.method, str(request.url), headers=request.headers, content=request.read()
        )
        response = asyncio.run_coroutine_threadsafe(sent, self._loop).result(30)
        return httpx2.Response(response.status_code, headers=response.headers, content=response.content)


class Commands:
    """The program as it stands, with every request that it sends carried to the server of this test."""

    def __init__(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        self.bridge = Bridge(api)
        self._monkeypatch, self._capsys = monkeypatch, capsys
        client, build = httpx2.Client, main.program
        self.known = commands()
        monkeypatch.setattr(main, "program", cache(lambda name: typer.main.get_command(build(name))))
        monkeypatch.setattr(httpx2, "Client", lambda **given: client(**{**given, "transport": self.bridge}))
        # A thread of this process can hear no signal of its own, as a drill wants to.
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        monkeypatch.setenv("WATCHKEEPER_HOME", str(home))
        monkeypatch.setenv("WATCHKEEPER_URL", "http://watchkeeper.test")

    async def run(self, token: str | None, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run one with `--json` and give its exit code and its answer."""
        self._monkeypatch.delenv("WATCHKEEPER_TOKEN", raising=False)
        if token is not None:
            self._monkeypatch.setenv("WATCHKEEPER_TOKEN", token)
        self._monkeypatch.setattr(sys, "argv", ["watchkeeper", *arguments, "--json"])
        self.bridge.asked.clear()
        exit_code = await asyncio.to_thread(main.run)
        answer = json.loads(self._capsys.readouterr().out)
        return exit_code, answer if isinstance(answer, dict) else {"ok": True, "rows": answer}


def commands() -> dict[str, Any]:
    """Give each command with what it is made of, as the program builds them."""
    built: Any = typer.main.get_command(main.program(""))
    return {
        f"{name} {sub}" if sub else name: part
        for name, command in built.commands.items()
        for sub, part in (getattr(command, "commands", None) or {"": command}).items()
    }


def code_of(answer: dict[str, Any]) -> str:
    return str(answer.get("error", {}).get("code", "ok"))
