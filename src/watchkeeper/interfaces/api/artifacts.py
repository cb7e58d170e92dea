"""Artifacts' bytes, handed out so that a browser that opens them runs nothing of theirs in our name."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.api.auth import Here
from watchkeeper.interfaces.api.documents import declared
from watchkeeper.interfaces.api.guarded import GuardedRoute
from watchkeeper.interfaces.api.ranges import not_there, streamed, wanted, without_secrets
from watchkeeper.services.artifact_store import ArtifactLostError

reads = APIRouter(prefix="/api/artifacts", tags=["artifacts"], route_class=GuardedRoute)

POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; media-src data:"
)
SHOWN_IN_A_BROWSER = re.compile(r"text/(?:html|plain|css|csv)|image/[\w.+-]+|application/(?:pdf|json)")
PARTS: dict[int | str, Any] = {
    206: {"description": "The range that was asked for.", "content": {"*/*": {"schema": {"type": "string"}}}},
    416: {"description": "The range begins past the end; `Content-Range` has the size."},
}
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}")


@reads.get("/{artifact_id}", **declared(Right.READ, name="download", plain="*/*", answers=PARTS))
async def artifact(artifact_id: str, access: Here, request: Request) -> Response:
    """Give an artifact's bytes, with the hash that was recorded as ETag; ranges are served.

    Of a file in which a secret is suspected, a copy without it: whole, without ETag, `Watchkeeper-Redacted: true`.
    """
    project = await access.project()
    row = await access.app.insights.artifact(project, artifact_id)
    if row["sha256"] is None:
        raise ArtifactLostError("this artifact stands at an address of its own; its bytes are not kept here")
    store, sha256, etag = access.app.artifacts, row["sha256"], f'"{row["sha256"]}"'
    size = await asyncio.to_thread(store.size, project, sha256)
    if size is None:
        raise ArtifactLostError(sha256=sha256)
    if row["secret_suspected"]:
        whole = await asyncio.to_thread(store.open, project, sha256)
        return without_secrets(whole, access.app.redactor, _headers(row["name"], row["media_type"], etag))
    part = wanted(request, size, etag)
    if part is None:
        return not_there(size)
    file = await asyncio.to_thread(store.open, project, sha256, part.start)
    headers = _headers(row["name"], row["media_type"], etag)
    return await asyncio.to_thread(streamed, file, part, size, headers)


def _headers(name: str, media_type: str | None, etag: str) -> dict[str, str]:
    kind = media_type if media_type and _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    return {
        "Content-Type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": disposition(name, shown=SHOWN_IN_A_BROWSER.fullmatch(kind) is not None),
        "ETag": etag,
    }


def disposition(name: str, *, shown: bool) -> str:
    """Give a Content-Disposition (RFC 6266) that no file name can break out of."""
    base = name.rsplit("/", 1)[-1]
    plain = re.sub(r"[^A-Za-z0-9 ._-]", "_", base)
    how = "inline" if shown else "attachment"
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(base, safe='')}"
