"""The API as callers of each role see it, over a real database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
from fastapi import FastAPI

from interfaces.contract_schemas import holds
from waiting import wait_until
from watchkeeper.app.whole import App
from watchkeeper.domain.errors import HTTP_STATUS
from watchkeeper.domain.kinds import KindDeclaration
from watchkeeper.domain.principals import Role
from watchkeeper.interfaces.api.app import create_app
from watchkeeper.interfaces.api.limits import ApiLimits
from watchkeeper.interfaces.api.state import ApiState
from watchkeeper.services.failed_logins import LoginPatience
from watchkeeper.settings import Settings

PAGE = b"<!doctype html><title>Queues</title><h1>Queues</h1><p>All is well.</p>"
PATIENT = ApiLimits(logins=LoginPatience(free_failures=10_000))
SPECIAL = {"usage": {400, 405, 413, 415, 422}}


@dataclass
class Answered:
    """One answer, read as JSON."""

    status: int
    body: dict[str, Any]
    headers: httpx2.Headers

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])

    @property
    def job(self) -> dict[str, Any]:
        return dict(self.body["job"])


@dataclass
class Api:
    """A server in this process and a client of it."""

    app: App
    http: httpx2.AsyncClient
    state: ApiState
    tokens: dict[str, str] = field(default_factory=dict)

    async def token(self, role: str, project: str | None = "p", name: str | None = None) -> str:
        """Give a token of a role, making it at first use."""
        key = f"{role}-{project}-{name}"
        if key not in self.tokens:
            made = await self.app.identity.create_token(name or key, Role(role), project, actor="test")
            self.tokens[key] = made.secret
        return self.tokens[key]

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        role: str = "owner",
        token: str | None = None,
        lease: str | None = None,
        key: str | None = "",
        **options: Any,
    ) -> Answered:
        """Send a request; an idempotency key is made unless `key` is given, or None for no key."""
        headers = dict(options.pop("headers", {}))
        if (token := token or (await self.token(role) if role else None)) is not None:
            headers.setdefault("Authorization", f"Bearer {token}")
        if lease is not None:
            headers["Watchkeeper-Lease"] = lease
        if key is not None and method != "GET" and "/worker/" not in path:
            headers["Idempotency-Key"] = key or uuid4().hex
        if body is not None:
            options["json"] = body
        response = await self.http.request(method, path, headers=headers, **options)
        answered = Answered(response.status_code, response.json(), response.headers)
        check_form(answered)
        return answered

    async def get(self, path: str, **options: Any) -> Answered:
        return await self.ask("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answered:
        return await self.ask("POST", path, body, **options)

    async def worker(self, verb: str, worker: str = "w1", **body: Any) -> Answered:
        """Send a command that comes before a job, and hold its answer to the published form."""
        answered = await self.post(f"/api/worker/{verb}", {"worker_id": worker, **body}, role="worker")
        holds(f"contract-{verb}.json", contract_part(answered.body))
        return answered

    async def command(self, verb: str, job: dict[str, Any], **body: Any) -> Answered:
        """Send a command of a claimed job under its lease, and hold its answer to the published form."""
        method, sent = ("GET", None) if verb == "context" else ("POST", body)
        answered = await self.ask(
            method, f"/api/worker/jobs/{job['id']}/{verb}", sent, role="worker", lease=job["lease_token"]
        )
        holds(f"contract-{verb}.json", contract_part(answered.body))
        return answered

    async def upload(self, job: dict[str, Any], **named: bytes) -> Answered:
        """Upload files by name; two underscores stand for the dot of a suffix."""
        files = [("files", (name.replace("__", "."), content)) for name, content in named.items()]
        answered = await self.ask(
            "POST",
            f"/api/worker/jobs/{job['id']}/files",
            role="worker",
            lease=job["lease_token"],
            files=files,
        )
        holds("contract-upload-files.json", contract_part(answered.body))
        return answered

    async def enqueue(self, kind: str = "report", **fields: Any) -> str:
        return str((await self.post("/api/jobs", {"kind": kind, **fields})).job["id"])

    async def declare(self, name: str = "report", **fields: Any) -> None:
        await self.app.kinds.declare("p", KindDeclaration.parse({"name": name, **fields}), actor="test")

    async def claimed(self, kind: str = "report", worker: str = "w1", **fields: Any) -> dict[str, Any]:
        """Give a job that was just enqueued and claimed."""
        await self.enqueue(kind, **fields)
        return (await self.worker("claim", worker, kinds=[kind])).job


def contract_part(body: dict[str, Any]) -> dict[str, Any]:
    """Give what the contract CLI passes on of an answer."""
    problem = {"type", "title", "status", "detail", "instance", "code"}
    return body if body["ok"] else {name: value for name, value in body.items() if name not in problem}


def check_form(answered: Answered) -> None:
    """Fail unless an answer is `ok: true`, or a problem whose parts agree with each other and the table."""
    assert "Traceback" not in json.dumps(answered.body)
    if answered.status < 400:
        assert "ok" in answered.body or "openapi" in answered.body
        return
    body = answered.body
    assert answered.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "code"} <= set(body)
    assert body["ok"] is False
    assert body["status"] == answered.status
    assert body["code"] == body["error"]["code"]
    assert body["detail"] == body["error"]["message"]
    assert body["error"]["hint"]
    assert answered.status in SPECIAL.get(answered.code, {HTTP_STATUS[answered.code]})
    holds("error.json", contract_part(body))


async def somebody_waits(settings: Settings) -> None:
    """Wait until a claim waits for work."""

    def asleep() -> bool:
        with psycopg.connect(str(settings.database_url)) as connection:
            return connection.execute("SELECT 1 FROM watchkeeper.sleepers").fetchone() is not None

    await asyncio.to_thread(wait_until, asleep, 20, "a claim to wait")


@asynccontextmanager
async def serving(app: App, limits: ApiLimits = PATIENT) -> AsyncIterator[Api]:
    """Give an API over opened services, in this process."""
    server = create_app(app, limits=limits)
    async with client_of(server) as http:
        yield Api(app, http, server.state.watchkeeper)


@asynccontextmanager
async def client_of(server: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(server, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://watchkeeper.test") as http:
        yield http


async def raw(api: Api, path: str, content: Any, headers: dict[str, str] | None = None) -> Answered:
    """Send bytes as they are."""
    sent = {"Authorization": f"Bearer {await api.token('owner')}", "Content-Type": "application/json"}
    sent |= headers or {}
    response = await api.http.post(path, content=content, headers=sent)
    answered = Answered(response.status_code, response.json(), response.headers)
    check_form(answered)
    return answered
