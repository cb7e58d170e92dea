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
ICON = "icon.svg"
MOST_COUNTED = 100
"""From here on the icon says "99+"."""

COUNT = (
    '<circle cx="17" cy="17" r="7" fill="#a5302a"/><text x="17" y="20.2" font-family="sans-serif" font-size="9" '
    'font-weight="700" text-anchor="middle" fill="#fff">%s</text>'
)
_FOR_EVER = "public, max-age=31536000, immutable"


class Assets:
    """The static files of the package, in memory: they are a few kilobytes."""

    def __init__(self) -> None:
        folder = resources.files(__package__) / "static"
        self._content = {name: (folder / name).read_bytes() for name in MEDIA_TYPES}
        self._digests = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._content.items()}

    def url(self, name: str, count: int = 0) -> str:
        """Give the address of a file, new with every change of its content; that of the icon may carry a count."""
        counted = f"&n={min(count, MOST_COUNTED)}" if count else ""
        return f"/static/{name}?v={self._digests[name]}{counted}"

    def content(self, name: str) -> bytes:
        return self._content[name]

    async def serve(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._content:
            return Response("There is no such file.\n", 404, media_type="text/plain")
        is_current = request.query_params.get("v") == self._digests[name]
        headers = {
            "Cache-Control": _FOR_EVER if is_current else "public, no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        content = self._content[name]
        if name == ICON and (count := _count(request.query_params.get("n"))):
            content = content.replace(b"</svg>", (COUNT % count).encode() + b"</svg>")
        return Response(content, media_type=MEDIA_TYPES[name], headers=headers)


def _count(text: str | None) -> str:
    """Read how many the icon shows; what is no number is none."""
    if text is None or not text.isascii() or not text.isdigit():
        return ""
    number = int(text[:4])
    return "" if not number else str(number) if number < MOST_COUNTED else f"{MOST_COUNTED - 1}+"
