"""The server as a process: where it listens, what it streams, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from interfaces.api_client import Api, somebody_waits
from waiting import wait_until
from watchkeeper.domain.errors import SettingError
from watchkeeper.interfaces.api.server import listen
from watchkeeper.interfaces.api.uploads import _make_folder, remove_left_overs
from watchkeeper.settings import Settings

PROGRAM = """
import asyncio, sys
from watchkeeper import logs
from watchkeeper.app.whole import running
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.server import run_server
from watchkeeper.settings import Settings

async def main():
    async with running(Settings.read()) as app:
        await run_server(create_app(app), port=int(sys.argv[1]))

logs.configure(level="info", form="json", redact=lambda told: told)
asyncio.run(main())
print("ended well")
"""


@asynccontextmanager
async def server_process(settings: Settings, port: int = 0) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the server as a process of its own and end it in the end."""
    environment = {
        **os.environ,
        "WATCHKEEPER_HOME": str(settings.home),
        "WATCHKEEPER_DATABASE_URL": str(settings.database_url),
        "WATCHKEEPER_LOG_FORMAT": "json",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        str(port),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def url_of(home: Path, process: asyncio.subprocess.Process) -> str:
    def found() -> str | None:
        path = home / "url"
        return path.read_text().strip() if path.exists() else None

    assert process.returncode is None
    return str(await asyncio.to_thread(wait_until, found, 30, "the server's address"))


@asynccontextmanager
async def talking(url: str, token: str) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as http:
        yield http


async def next_event(lines: AsyncIterator[str]) -> dict[str, str]:
    event: dict[str, str] = {}
    async for line in lines:
        if not line and event:
            return event
        name, _, value = line.partition(":")
        if name:
            event[name] = value.strip()
    raise AssertionError("the stream ended")


async def test_a_server_says_where_it_is_streams_changes_and_ends_well(api: Api, settings: Settings) -> None:
    """It writes its address, tells of changes without any data, and on SIGTERM lets all waiting requests go."""
    token, worker = await api.token("viewer"), await api.token("worker")
    async with server_process(settings) as process:
        url = await url_of(settings.home, process)
        async with talking(url, token) as http, http.stream("GET", "/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.aiter_lines()
            first = await next_event(lines)
            await api.enqueue(payload={"words": "that nobody may see"})
            seen = await next_event(lines)
            assert all(event["event"] == "changed" for event in [first, seen])
            told = [json.loads(event["data"]) for event in [first, seen]]
            assert all(set(event) == {"topic", "version", "time"} for event in told)
            assert told[1]["version"] > told[0]["version"]
            await api.worker("claim")
            async with talking(url, worker) as waiting:
                body = {"worker_id": "w9", "wait_seconds": 600}
                claim = asyncio.create_task(waiting.post("/api/worker/claim", json=body))
                await somebody_waits(settings)
                process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(15):
                    assert (await claim).json()["job"] is None
                    async for _ in lines:
                        continue
                    output = (await process.communicate())[0].decode()
        assert process.returncode == 0, output
        assert "ended well" in output
        assert "Traceback" not in output
        assert not (settings.home / "url").exists()


async def test_a_taken_port_is_said_clearly(tmp_path: Path) -> None:
    """Which port, and which setting changes it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingError) as refused:
            listen(Settings(home=tmp_path), "127.0.0.1", port)
    assert str(port) in refused.value.message
    assert "WATCHKEEPER_PORT" in refused.value.advice


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_address_open_to_others_needs_a_proxy(tmp_path: Path, host: str) -> None:
    """Without TLS the server listens on this machine only, unless it is declared to stand behind a proxy."""
    with pytest.raises(SettingError, match="other machines"):
        listen(Settings(home=tmp_path), host, 0)


def test_no_address_at_all_is_said_clearly(tmp_path: Path) -> None:
    """A port that this user may not have, a host that is none."""
    told = Settings(home=tmp_path, behind_proxy=True)
    with pytest.raises(SettingError, match=r"no address|cannot listen"):
        listen(told, "256.256.256.256", 0)


def test_uploads_that_a_killed_server_left_are_removed(tmp_path: Path) -> None:
    """What nobody writes any more goes when a server begins; an upload under way stays."""
    left, (used, lock) = tmp_path / ".upload-left", _make_folder(tmp_path)
    left.mkdir()
    (left / "0").write_bytes(b"half a file")
    remove_left_overs(tmp_path)
    assert (left.exists(), used.exists()) == (False, True)
    os.close(lock)


async def test_the_limit_of_a_body_holds_on_a_real_socket(api: Api, settings: Settings) -> None:
    """A body over the limit gets its 413 even while the client still sends."""
    token = await api.token("owner")
    async with (
        server_process(settings) as process,
        talking(await url_of(settings.home, process), token) as http,
    ):
        answered = await http.post("/api/jobs", json={"kind": "a", "payload": "x" * (3 * 1024 * 1024)})
        assert (answered.status_code, answered.json()["code"]) == (413, "usage")
        assert (await http.get("/readyz")).json()["ok"] is True


async def test_a_second_server_of_a_home_leaves_the_first_one_s_address(api: Api, settings: Settings) -> None:
    """Commands go on finding the server that was there first, while the second runs and after it."""
    async with server_process(settings) as first:
        url = await url_of(settings.home, first)
        async with server_process(settings) as second:
            assert second.stdout is not None
            while b"server_listening" not in (line := await second.stdout.readline()):
                assert line
            assert (settings.home / "url").read_text().strip() == url
            second.terminate()
            await second.wait()
        assert (settings.home / "url").read_text().strip() == url
