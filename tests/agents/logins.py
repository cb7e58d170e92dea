"""A provider of logins whose refresh tokens are good for one refresh, as those of real ones are."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

REFRESH_SECONDS = 0.3
"""How long a refresh takes: long enough for others to ask with the same token meanwhile."""


def token(number: int, expires: float) -> str:
    """Give an access token as Codex reads it: of an account, with an end."""
    account = {"chatgpt_account_id": "a", "chatgpt_plan_type": "pro", "chatgpt_user_id": "u"}
    claims = {
        "exp": int(expires),
        "n": number,
        "email": "a@b.example",
        "https://api.openai.com/auth": account,
    }
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*coded, "c2ln"])


class Logins:
    """Refreshes the one login that there is; `refused` counts those who came with a token used before."""

    def __init__(self) -> None:
        self.number = 0
        self.refused = 0
        self._lock = threading.Lock()
        logins = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
                """Nobody reads along."""

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                threading.Event().wait(REFRESH_SECONDS)
                status, told = logins.refresh(asked.get("refresh_token"))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}/oauth/token"

    def refresh(self, given: str) -> tuple[int, Any]:
        with self._lock:
            if given != f"r{self.number}":
                self.refused += 1
                return 401, {"error": {"code": "refresh_token_reused", "message": "was used before"}}
            self.number += 1
            fresh = token(self.number, time.time() + 3600)
            return 200, {"id_token": fresh, "access_token": fresh, "refresh_token": f"r{self.number}"}

    def expired(self) -> str:
        """Give the file of a login whose access token has just ended."""
        ended = token(self.number, time.time() - 10)
        tokens = {
            "id_token": ended,
            "access_token": ended,
            "refresh_token": f"r{self.number}",
            "account_id": "a",
        }
        return json.dumps({"auth_mode": "chatgpt", "tokens": tokens, "last_refresh": "2026-01-01T00:00:00Z"})

    def admits(self, bearer: str) -> bool:
        """Say whether a request's bearer is of the login as it is now."""
        claims = bearer.removeprefix("Bearer ").split(".")[1]
        known = json.loads(base64.urlsafe_b64decode(claims + "=="))
        return bool(known["n"] == self.number and known["exp"] > time.time())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
