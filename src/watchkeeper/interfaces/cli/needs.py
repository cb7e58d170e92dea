"""What each operators' command needs: a route of the API, whose right decides, or something of this machine.

A command that stands here not at all is closed: the tests fail on it.
"""

from __future__ import annotations

from enum import StrEnum


class Local(StrEnum):
    """What a command needs of this machine instead of a right: who may read it may run the command."""

    NOTHING = "nothing"
    HOME = "the home"
    DATABASE = "the home and its database, or the address of one"
    WORKER = "a worker's token, or with --app the database"


NEEDS: dict[str, str | Local] = {
    "up": Local.DATABASE,
    "stop": Local.HOME,
    "login": Local.DATABASE,
    "serve": Local.DATABASE,
    "watch": Local.DATABASE,
    "work": Local.WORKER,
    "relay": Local.WORKER,
    "supervise": Local.WORKER,
    "jobs list": "GET /api/jobs",
    "jobs late": "GET /api/reconcile",
    "jobs show": "GET /api/jobs/{job}",
    "jobs enqueue": "POST /api/jobs",
    "jobs cancel": "POST /api/jobs/{job}/cancel",
    "jobs pause": "POST /api/jobs/{job}/pause",
    "jobs resume": "POST /api/jobs/{job}/resume",
    "jobs requeue": "POST /api/jobs/{job}/requeue",
    "jobs fail": "POST /api/jobs/{job}/fail",
    "kinds list": "GET /api/kinds",
    "kinds declare": "POST /api/kinds",
    "kinds pause": "POST /api/kinds/{kind}/pause",
    "kinds resume": "POST /api/kinds/{kind}/resume",
    "schedules list": "GET /api/schedules",
    "schedules add": "POST /api/schedules",
    "schedules remove": "DELETE /api/schedules/{name}",
    "projects list": "GET /api/projects",
    "projects create": "POST /api/projects",
    "projects pause": "POST /api/projects/{project_id}/pause",
    "projects resume": "POST /api/projects/{project_id}/resume",
    "projects remove": "DELETE /api/projects/{project_id}",
    "workers list": "GET /api/workers",
    "workers drain": "POST /api/workers/{worker_id}/drain",
    "workers resume": "POST /api/workers/{worker_id}/resume",
    "alert list": "GET /api/alerts",
    "alert show": "GET /api/alerts/{alert_id}",
    "alert why": "GET /api/alerts/of/{incident_id}",
    "alert ack": "POST /api/alerts/{alert_id}/acknowledge",
    "alert test": "POST /api/alerts/test",
    "channel list": "GET /api/channels",
    "channel on": "POST /api/channels",
    "channel off": "POST /api/channels/{name}/off",
    "channel test": "POST /api/channels/{name}/test",
    "queue-health": "GET /api/watchdog/queue-health",
    "why": "GET /api/why/{subject}",
    "switch": "POST /api/switches/{name}",
    "lesson list": "GET /api/lessons",
    "lesson show": "GET /api/lessons/{lesson_id}",
    "lesson import": "POST /api/lessons",
    "lesson export": "GET /api/lessons/{lesson_id}",
    "lesson publish": "POST /api/lessons/{lesson_id}/publish",
    "lesson retire": "POST /api/lessons/{lesson_id}/retire",
    "proposal list": "GET /api/proposals",
    "proposal show": "GET /api/proposals/{proposal_id}",
    "proposal make": "POST /api/proposals",
    "proposal accept": "POST /api/proposals/{proposal_id}/accept",
    "proposal reject": "POST /api/proposals/{proposal_id}/reject",
    "proposal undo": "POST /api/proposals/{proposal_id}/undo",
    "people list": "GET /api/people-syncs",
    "people show": "GET /api/people-syncs/{sync_id}",
    "people ask": "POST /api/people-syncs",
    "people answer": "POST /api/people-syncs/{sync_id}/answer",
    "people reply": "POST /api/operator-replies",
    "people message": Local.NOTHING,
    "signal list": "GET /api/signals",
    "signal show": "GET /api/signals/{signal_id}",
    "signal chain": "GET /api/signals/{signal_id}/chain",
    "signal send": "POST /api/signals",
    "signal adoption": "POST /api/signals/{signal_id}/adoption",
    "signal value": "POST /api/signals/{signal_id}/value",
    "token create": "POST /api/tokens",
    "token list": "GET /api/tokens",
    "token rotate": "POST /api/tokens/{token_id}/rotate",
    "token revoke": "DELETE /api/tokens/{token_id}",
    "audit verify": Local.DATABASE,
    "audit timeline": Local.DATABASE,
    "audit export": Local.DATABASE,
    "audit archive": Local.DATABASE,
    "artifacts verify": Local.DATABASE,
    "db migrate": Local.DATABASE,
    "db status": Local.DATABASE,
    "db backup": Local.DATABASE,
    "db restore": Local.DATABASE,
    "db resume": Local.DATABASE,
    "db shell": Local.DATABASE,
    "db stop": Local.DATABASE,
    "config check": Local.NOTHING,
    "config show": Local.HOME,
    "debug bundle": Local.HOME,
}
"""Of `token create` this is without --owner, which needs the database."""
