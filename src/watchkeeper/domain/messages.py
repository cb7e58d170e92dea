"""What people are told and asked, in both languages: templates with `{facts}`, and nothing of the channel.

The drafts of the people who run such a fleet stand here as they wrote them; only their figures became facts.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class MessageLanguage(StrEnum):
    EN = "en"
    ZH_HANT = "zh_Hant"


class MessageName(StrEnum):
    """`blocked` is the escalation sentence; the others ask, remind, or tell a person what to do."""

    BLOCKED = "blocked"
    RETRIES_USED_UP = "retries_used_up"
    CONFIRM_THRESHOLDS = "confirm_thresholds"
    HANDLE_FETCH_FAILED = "handle_fetch_failed"
    ADOPT_WATCHDOG = "adopt_watchdog"
    CONFIRM_AUTHORITY = "confirm_authority"
    WHY_REJECTED = "why_rejected"
    WHAT_IS_MISSING = "what_is_missing"
    REVISE = "revise"
    REMINDER = "reminder"


REPLY_LINE = (
    "owner=<name>; adopt=watchdog_config|revise; alert_channel=<LINE/PLS ops>; "
    "first_metric=<lease_expiry|complete_rejected|artifact_missing|repeated_no_job>; blocker=<none/text>"
)
"""How an operator answers; domain/operator_replies.py reads it."""

_BLOCKED = (
    "PLS worker stability alert: worker is alive but project advancement is blocked. State={state}; job={job}; "
    "evidence={evidence}; next action={next_action}; owner={owner}; due={due}."
)

_EN: dict[MessageName, str] = {
    MessageName.BLOCKED: _BLOCKED,
    MessageName.RETRIES_USED_UP: (
        "Job {job} still fails after {retries} retries: it is marked stuck, with the whole command output at "
        "{evidence}. Whether to release or reclaim it is the supervisor's decision."
    ),
    MessageName.CONFIRM_THRESHOLDS: (
        "Codex Session / worker stability and self-repair are now a watchdog production pack. Please confirm the "
        "thresholds: claim without JSON for {claim_seconds} seconds, lease below {lease_minutes} minutes, running "
        "past lease + {past_minutes} minutes, artifact gate needs HTTP 200 + file list. Once confirmed, the next "
        "round can do DB/API/cron."
    ),
    MessageName.HANDLE_FETCH_FAILED: (
        "When you meet 500 TypeError fetch failed, do not fail at once: touch, sleep 3, retry once. If the primary "
        "artifact has no public URL or no HTTP 200, you must not complete."
    ),
    MessageName.ADOPT_WATCHDOG: (
        "Codex Session / worker stability has been put together as a watchdog pack. The point is not whether a worker "
        "woke, but whether it then moved its project: doctor/touch/claim/context/progress/artifact/complete each need "
        "a state, and a stuck claim/lease/queue must be caught.\n\nPlease reply before {due}:\n\n"
        + REPLY_LINE
    ),
    MessageName.CONFIRM_AUTHORITY: (
        "Please confirm whether this watchdog's D7 acceptance goes into ops:\n"
        "1. May a stale lease be released or reclaimed automatically?\n"
        "2. Should a stuck queue alert go to LINE, or to the dashboard only?\n"
        "3. When the artifact gate fails, should the worker pause, or retry once?"
    ),
    MessageName.WHY_REJECTED: (
        "Please tell us which threshold is too strict, which self-heal action has too much authority, and which event "
        "data cannot be had."
    ),
    MessageName.WHAT_IS_MISSING: (
        "Provide target alert channel, PLS backend table names, worker dashboard owner, and whether auto-release is "
        "allowed for expired leases."
    ),
    MessageName.REVISE: (
        "You answered adopt=revise. Please say what should change: which threshold is too strict, which action has "
        "too much authority, which event data cannot be had, which alert channel to use, and whether auto-release is "
        "allowed for expired leases."
    ),
    MessageName.REMINDER: "Reminder for {person}, due {due}: {question}",
}

_ZH_HANT: dict[MessageName, str] = {
    MessageName.BLOCKED: (
        "PLS worker 穩定性警示：worker 還活著，但專案推進受阻。狀態={state}；job={job}；證據={evidence}；"
        "下一步={next_action}；負責人={owner}；期限={due}。"
    ),
    MessageName.RETRIES_USED_UP: (
        "同一 job({job}){retries} 次 retry 仍失敗,已 mark stuck 並附 command output:{evidence};"
        "release/reclaim 交 supervisor。"
    ),
    MessageName.CONFIRM_THRESHOLDS: (
        "我已把 Codex Session / worker 穩定與自修復整理成 watchdog production pack。請確認門檻:"
        "claim {claim_seconds} 秒無 JSON、lease 小於 {lease_minutes} 分鐘、running 超過 lease+{past_minutes} 分鐘、"
        "artifact gate 必須 HTTP 200 + file list。通過後下一輪可做 DB/API/cron。"
    ),
    MessageName.HANDLE_FETCH_FAILED: (
        "遇到 500 TypeError fetch failed,不要直接失敗:先 touch、sleep 3、retry once;"
        "如果 primary artifact 沒有公開 URL 或沒有 HTTP 200,不得 complete。"
    ),
    MessageName.ADOPT_WATCHDOG: (
        "Codex Session / worker 穩定性這輪已整理成 watchdog pack。重點不是 worker 有沒有醒,而是醒來後是否真的推進專案:"
        "doctor/touch/claim/context/progress/artifact/complete 都要有狀態,claim/lease/queue stuck 要能被抓出來。\n\n"
        "請在 {due} 前回覆:\n\n" + REPLY_LINE
    ),
    MessageName.CONFIRM_AUTHORITY: (
        "請確認這個 watchdog 的 D7 驗收要不要接進 PLS ops:\n"
        "1. stale lease 是否允許自動 release/reclaim?\n"
        "2. queue stuck alert 要推 LINE 還是只進 dashboard?\n"
        "3. artifact gate fail 時,worker 應 pause 還是 retry 一次?"
    ),
    MessageName.WHY_REJECTED: "請回饋哪個門檻過嚴、哪個自癒動作權限過高、哪個事件資料無法取得。",
    MessageName.WHAT_IS_MISSING: (
        "請提供目標 alert channel、PLS 後台資料表名稱、worker dashboard 負責人,"
        "以及過期的 lease 是否允許 auto-release。"
    ),
    MessageName.REVISE: (
        "你回覆了 adopt=revise。請說明要改什麼:哪個門檻過嚴、哪個自癒動作權限過高、哪個事件資料無法取得、"
        "要用哪個 alert channel、過期的 lease 是否允許 auto-release。"
    ),
    MessageName.REMINDER: "提醒 {person}，期限 {due}：{question}",
}

MESSAGES: dict[MessageLanguage, dict[MessageName, str]] = {
    MessageLanguage.EN: _EN,
    MessageLanguage.ZH_HANT: _ZH_HANT,
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message in words: which it is, in which language, and what it says."""

    name: MessageName
    language: MessageLanguage
    text: str


def facts_of(name: MessageName) -> frozenset[str]:
    """Give the facts that a message needs."""
    return frozenset(fact for _, fact, _, _ in string.Formatter().parse(_EN[name]) if fact)


def message(
    name: MessageName,
    language: MessageLanguage = MessageLanguage.EN,
    facts: Mapping[str, object] | None = None,
) -> Message:
    """Put a message into words; raise KeyError for a fact that is missing. A fact's own braces stay as they are."""
    given = {fact: str((facts or {})[fact]) for fact in facts_of(name)}
    return Message(name, language, MESSAGES[language][name].format_map(given))
