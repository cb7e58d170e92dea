"""The console's own style, script and icon: read once, served under a name that follows their content."""

from __future__ import annotations

import hashlib
from importlib import resources

from fastapi import Request, Response

MEDIA_TYPES = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "follow.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


class Assets:
    """The static files of the package, in memory: they are a few kilobytes."""

    def __init__(self) -> None:
        folder = resources.files(__package__) / "static"
        self._content = {name: (folder / name).read_bytes() for name in MEDIA_TYPES}
        self._digests = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._content.items()}

    def url(self, name: str) -> str:
        """Give the address of a file, new with every change of its content."""
        return f"/static/{name}?v={self._digests[name]}"

    async def serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._content:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        is_current = request.query_params.get("v") == self._digests[name]
        headers = {
            "Cache-Control": _FOR_EVER if is_current else "public, no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        return Response(self._content[name], media_type=MEDIA_TYPES[name], headers=headers)
