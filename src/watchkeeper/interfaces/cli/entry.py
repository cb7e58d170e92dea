"""How a person gets in: the owner's token of this home, a worker's token, and one-time links to the console."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from watchkeeper.app.whole import App
from watchkeeper.domain.errors import StaleLease, Unauthenticated
from watchkeeper.domain.principals import Principal, Role
from watchkeeper.interfaces.cli.local import OWNER_FILE, read_secret, write_secret

OWNER = "owner"
ACTOR = "system:up"


async def owner_of(app: App, home: Path) -> Principal:
    """Give the owner whose token this home holds, making token and file where there is none that lives."""
    secret = await _living_token(app, home / OWNER_FILE)
    if secret is None:
        secret = (await app.identity.create_token(OWNER, Role.OWNER, None, actor=ACTOR)).secret
        write_secret(home / OWNER_FILE, secret)
    return await app.identity.authenticate(secret)


async def worker_token(app: App, home: Path, project_id: str) -> Path:
    """Give the file that holds a worker's token for a project, making both where there is none that lives."""
    path = home / f"worker-token-{project_id}"
    if await _living_token(app, path) is None:
        name = f"up-{project_id}"
        token = await app.identity.create_token(name, Role.WORKER, project_id, actor=ACTOR)
        write_secret(path, token.secret)
    return path


async def login_link(app: App, principal: Principal, url: str) -> str:
    """Make a link that opens the console once, within ten minutes."""
    code = await app.login_links.create_code(principal)
    return f"{url.rstrip('/')}/login?code={quote(code.code)}"


async def _living_token(app: App, path: Path) -> str | None:
    secret = read_secret(path)
    if secret is None:
        return None
    try:
        await app.identity.authenticate(secret)
    except (Unauthenticated, StaleLease):
        return None
    return secret
