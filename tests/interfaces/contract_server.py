"""A small HTTP server that speaks the worker routes: true shapes, scripted troubles.

It keeps what it was sent (`seen`), and what an end of a job did, once per lease (`effects`).
"""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JOB = "0198c0de-0000-7000-8000-000000000001"
OTHER_JOB = "0198c0de-0000-7000-8000-000000000002"
TOKEN = "wk_worker_token_that_nobody_may_see"
EXPIRES = "2026-11-21T12:15:00+00:00"
CONTRACT = {"required_kinds": ["html_page"], "primary": {"kinds": ["html_page"], "min_bytes": 1}}
TERMINAL = {"complete", "fail", "release"}


@dataclass
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def verb(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def job(self) -> str:
        return self.path.split("/")[4]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lease(self) -> str | None:
        return self.headers.get("watchkeeper-lease")

    @property
    def files(self) -> dict[str, bytes]:
        """The files of a multipart body, by name, in their order."""
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        before, *parts, after = self.body.split(b"--" + boundary)
        assert (before, after) == (b"", b"--\r\n")
        return dict(_file(part) for part in parts)


def _file(part: bytes) -> tuple[str, bytes]:
    head, _, content = part.partition(b"\r\n\r\n")
    quoted = re.search(r'form-data; name="files"; filename="(.*)"', head.decode())[1]
    return re.sub(r"\\(.)", r"\1", quoted), content.removesuffix(b"\r\n")


@dataclass
class Trouble:
    """A scripted answer in place of the true one.

    `status` 0 cuts the connection, `act` does the work before the answer goes astray, `gate` holds it back.
    """

    status: int = 0
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    act: bool = False
    gate: Gate | None = None


class Gate:
    """Holds a request until the test lets it go on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def wait(self) -> None:
        self.reached.set()
        self.opened.wait(30)


def error(status: int, code: str, headers: dict[str, str] | None = None, **details: Any) -> Trouble:
    """An answer with an error of the table, as problem+json."""
    described = {"code": code, "message": f"it is {code}", "hint": "mend it"} | (
        {"details": details} if details else {}
    )
    problem = {
        "type": f"urn:watchkeeper:{code}",
        "title": code,
        "status": status,
        "detail": code,
        "code": code,
    }
    body = json.dumps(problem | {"ok": False, "error": described}).encode()
    return Trouble(status, body, {"Content-Type": "application/problem+json"} | (headers or {}))


def answer(status: int, value: Any, **headers: str) -> Trouble:
    return Trouble(status, json.dumps(value).encode(), {"Content-Type": "application/json"} | headers)


class ContractServer:
    """The server and its script: `troubles[verb]` are used up in order, then the true answers come."""

    def __init__(self, port: int = 0) -> None:
        self.seen: list[Seen] = []
        self.effects: dict[str, tuple[str, str, Any]] = {}
        self.jobs: deque[dict[str, Any]] = deque([claimed(JOB, "1.first-secret")])
        self.troubles: defaultdict[str, deque[Trouble]] = defaultdict(deque)
        self.always: dict[str, Trouble] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._http.daemon_threads = True
        self._http.contract = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def verbs(self) -> list[str]:
        return [seen.verb for seen in self.seen]

    def last(self, verb: str) -> Seen:
        return [seen for seen in self.seen if seen.verb == verb][-1]

    def drop_ends(self) -> None:
        """Drop every end of a job, and every upload, unheard."""
        for verb in (*TERMINAL, "files"):
            self.always[verb] = Trouble()

    def hear_again(self) -> None:
        self.always.clear()

    def stop(self) -> None:
        """Stop listening: from now on connections are refused."""
        if not self._thread.is_alive():
            return
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def true_answer(self, seen: Seen) -> tuple[int, Any]:
        if seen.verb in TERMINAL:
            return self._end(seen)
        if seen.verb == "files":
            return 200, {
                "ok": True,
                "artifacts": [_stored(*item) for item in seen.files.items()],
                "skipped": None,
            }
        if seen.verb == "claim":
            job = self.jobs.popleft() if self.jobs else None
            return 200, {"ok": True, "job": job, "no_job_count": 0 if job else 1, "declined": []}
        if seen.verb in {"doctor", "touch"}:
            return 200, TRUE_ANSWERS[seen.verb] | {"worker_id": seen.json["worker_id"]}
        return 200, TRUE_ANSWERS[seen.verb]

    def _end(self, seen: Seen) -> tuple[int, Any]:
        """End a job once per lease; tell the same again to who repeats it with that lease."""
        key = seen.lease or seen.headers.get("authorization", "")
        first = self.effects.setdefault(key, (seen.verb, seen.job, seen.json))
        if first[0] != seen.verb:
            return 409, {
                "ok": False,
                "error": {"code": "stale_lease", "message": "it ended", "hint": "claim again"},
            }
        if seen.verb == "complete":
            return 200, {"ok": True, "status": "completed", "verified": "artifact"}
        return 200, {"ok": True, "status": "pending", "next_run_at": EXPIRES}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        contract: ContractServer = self.server.contract  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        seen = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        contract.seen.append(seen)
        script = contract.troubles[seen.verb]
        trouble = script.popleft() if script else contract.always.get(seen.verb)
        if trouble is None:
            status, value = contract.true_answer(seen)
            trouble = answer(status, value)
        elif trouble.act:
            contract.true_answer(seen)
        if trouble.gate:
            trouble.gate.wait()
        self.close_connection = True
        if trouble.status:
            self._send(trouble)

    def _send(self, trouble: Trouble) -> None:
        self.send_response(trouble.status)
        headers = {"Content-Length": str(len(trouble.body))} | trouble.headers
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(trouble.body)

    do_GET = do_POST = _serve  # noqa: N815 - the names that the standard library calls

    def log_message(self, *_: Any) -> None:
        """Say nothing: the test's own assertions tell."""


def claimed(job_id: str, lease_token: str) -> dict[str, Any]:
    """A job as a claim hands it out."""
    return {
        "id": job_id,
        "external_id": f"foreign/{job_id[-4:]}",
        "kind": "report",
        "project_id": "default",
        "payload": {"topic": "看板"},
        "contract": CONTRACT,
        "attempt": 1,
        "deliverable_id": None,
        "lease_token": lease_token,
        "lease_expires_at": EXPIRES,
        "redelivered": False,
    }


def _stored(name: str, content: bytes) -> dict[str, Any]:
    artifact_id = f"art-{name.replace('/', '-')}"
    return {
        "id": artifact_id,
        "name": name,
        "kind": "html_page" if name.endswith(".html") else "other",
        "url": f"artifact:{artifact_id}",
        "sha256": "0" * 64,
        "bytes": len(content),
    }


TRUE_ANSWERS: dict[str, dict[str, Any]] = {
    "doctor": {
        "ok": True,
        "token_present": True,
        "touch": {"ok": True},
        "server": {"ok": True, "version": "0.1.0"},
        "database": {"ok": True},
        "checks": [{"name": "server", "ok": True, "detail": "it answers"}],
    },
    "touch": {"ok": True, "touched": True, "health": "ok", "touch_requested": False},
    "context": {
        "ok": True,
        "job": {"id": JOB, "kind": "report", "payload": {"topic": "看板"}},
        "contract": CONTRACT,
        "previous_attempts": [{"attempt": 1, "cause": "lease_lost"}],
        "lessons": [],
        "artifacts": [],
    },
    "progress": {
        "ok": True,
        "status": "running",
        "lease_expires_at": EXPIRES,
        "cancel_requested": False,
        "touch_requested": False,
    },
    "verify": {
        "ok": True,
        "http_status": 200,
        "file_count": 1,
        "files": [{"name": "index.html", "bytes": 12, "sha256": "0" * 64}],
        "output_hash": "1" * 64,
        "failed": [],
    },
}
