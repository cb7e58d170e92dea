"""Heads of the audit chain are sent to a place of the operator's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from audit_trail import seal_all, seals, write
from watchkeeper.app.whole import App
from watchkeeper.services.audit_webhook import AuditWebhook


class Receiver(HTTPServer):
    """Keeps what is posted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.posted: list[dict[str, object]] = []
        self.answer = 204


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.answer == 204:
            self.server.posted.append(json.loads(body))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_each_new_head_is_posted_once(app: App, receiver: Receiver) -> None:
    """The operator's receiver learns the number and hash of the newest anchored seal."""
    webhook = AuditWebhook(f"http://127.0.0.1:{receiver.server_port}/heads", app.audit_sealer)
    await write(app.database)
    await seal_all(app)
    for _ in range(2):
        await webhook.run_once()
    [seal] = await seals(app.database)
    assert receiver.posted == [{"type": "head", "number": 1, "timeline": 1, "hash": seal["hash"].hex()}]


async def test_a_receiver_that_is_away_hurts_nothing(
    app: App, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused post is logged once, without the address, and stops neither sealing nor the anchor file."""
    receiver.answer = 500
    webhook = AuditWebhook(f"http://127.0.0.1:{receiver.server_port}/s3cr3t-path", app.audit_sealer)
    await write(app.database)
    await seal_all(app)
    for _ in range(3):
        await webhook.run_once()
    said = caplog.text
    assert said.count("audit_webhook_failed") == 1
    assert "s3cr3t-path" not in said
    assert app.audit_files.anchor.read_text().count("\n") == 1
