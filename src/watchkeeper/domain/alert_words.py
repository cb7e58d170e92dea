"""The words of alerts in both languages: what each rule found, in a few words, how long ago, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.rules.names import RepairAction, RuleName

_N, _R = RuleName, RepairAction

FOUND: dict[RuleName, tuple[str, str]] = {
    _N.LEASE_NEAR_EXPIRY: ("Lease about to end", "租用即將到期"),
    _N.LEASE_EXPIRED: ("Lease expired", "租用已失效"),
    _N.QUEUE_STUCK: ("Queue stuck", "佇列停滯"),
    _N.CLAIM_NO_OUTPUT: ("Claim gave no answer", "領取工作沒有回應"),
    _N.FETCH_FAILED: ("Server not reached", "無法連上伺服器"),
    _N.CLAIM_LOOP_IDLE: ("Worker finds no job", "Worker 一直領不到工作"),
    _N.MISSING_WORKER_KIND: ("No worker for this kind", "沒有能做這類工作的 worker"),
    _N.ARTIFACT_GATE_FAILED: ("Evidence refused", "證據未通過檢查"),
    _N.ARTIFACT_MISSING: ("Artifact missing", "缺少成果檔案"),
    _N.COMPLETE_REJECTED: ("Completion rejected", "完成回報被拒絕"),
    _N.JOB_NOT_FOUND_AFTER_CLAIM: ("Claimed job is gone", "已領取的工作不見了"),
    _N.MISSING_DELIVERABLE_ID: ("Deliverable id missing", "缺少交付項目編號"),
    _N.SILENT_LOOP: ("Busy without progress", "忙碌但沒有進展"),
    _N.DOCTOR_FAILED: ("Worker's check failed", "Worker 自我檢查失敗"),
    _N.TOUCH_FAILED: ("Heartbeat refused", "心跳被拒絕"),
    _N.MULTIPLE_PRIMARY_JOBS: ("Two jobs at once", "同時持有多項工作"),
    _N.SECRET_EXPOSED: ("Secret exposed", "機密外洩"),
    _N.HIDDEN_FAILURE: ("Hidden failure", "隱藏的失敗"),
    _N.SESSION_STALLED: ("Session stalled", "工作階段停滯"),
    _N.TOOL_LOOP: ("Tool called in a loop", "重複呼叫同一工具"),
    _N.TOKEN_BUDGET_EXCEEDED: ("Token budget used up", "Token 預算用盡"),
    _N.SESSION_ORPHANED: ("Session left behind", "遺留的工作階段"),
    _N.CRASH_LOOP: ("Crashes again and again", "反覆當掉"),
    _N.ARTIFACT_LOST: ("Stored file lost", "已儲存的檔案遺失"),
    _N.WATCHDOG_BLIND: ("Watchdog is blind", "看門狗看不見"),
    _N.HOST_ORPHAN_BROWSER: ("Orphaned browsers on host", "主機上有遺留的瀏覽器"),
    _N.HOST_CI_SATURATION: ("CI overloads the host", "CI 讓主機超載"),
    _N.HOST_MONITOR_MISSING: ("Host is not watched", "主機沒有監看資料"),
    _N.HOST_MONITOR_STALE: ("Host's scan is too old", "主機掃描資料過舊"),
}
"""At most 26 characters: with the job and the age the first line stays below 60."""

DONE: dict[RepairAction, tuple[str, str]] = {
    _R.RETOUCH: ("retouch", "重新回報心跳"),
    _R.ASK_RENEWAL: ("ask for a renewal", "請求更新租用"),
    _R.RETRY_COMMAND: ("retry the command", "重試指令"),
    _R.RELEASE: ("release the job", "釋出工作"),
    _R.RECLAIM: ("reclaim the job", "收回工作"),
    _R.MARK_STALE: ("mark the lease stale", "將租用標為失效"),
    _R.REQUEUE: ("requeue the job", "工作重新排隊"),
    _R.RESUME: ("resume the job", "恢復工作"),
    _R.PAUSE: ("pause the job", "暫停工作"),
    _R.FAIL: ("fail the job", "將工作標為失敗"),
    _R.PAUSE_KIND: ("pause the kind", "暫停這類工作"),
    _R.FAIL_KIND: ("fail jobs of the kind", "將這類工作標為失敗"),
    _R.PROPOSE: ("make a proposal", "提出建議"),
    _R.PUBLISH_ARTIFACT: ("publish the artifact", "發布成果檔案"),
    _R.BLOCK_COMPLETE: ("block the completion", "擋下完成回報"),
    _R.REPAIR_CONTRACT: ("repair the contract", "修復合約回報"),
    _R.STOP_WORKER: ("stop the worker", "停止 worker"),
    _R.RESUME_WORKER: ("resume the worker", "恢復 worker"),
    _R.INTERRUPT_SESSION: ("interrupt the session", "中斷工作階段"),
    _R.SWEEP_SESSION: ("sweep the session", "清理工作階段"),
    _R.FREEZE_VERDICTS: ("freeze verdicts", "凍結判定"),
    _R.ALERT: ("tell people", "通知人員"),
    _R.END_ORPHAN: ("end a left-over process", "結束殘留的程序"),
}


def found(rule: str, language: MessageLanguage) -> str:
    """Say what a rule found; its name for one of a newer program."""
    words = FOUND.get(RuleName(rule)) if rule in set(RuleName) else None
    return rule if words is None else words[_place(language)]


def action(name: str, language: MessageLanguage) -> str:
    """Name a repair's action."""
    words = DONE.get(RepairAction(name)) if name in set(RepairAction) else None
    return name if words is None else words[_place(language)]


def lasting(time: timedelta, language: MessageLanguage) -> str:
    """Say how long something lasts, in its two largest units."""
    minutes = max(0, int(time.total_seconds())) // 60
    if not minutes:
        return ("less than 1m", "不到 1 分鐘")[_place(language)]
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    units = ((days, "d", "天"), (hours, "h", "小時"), (rest, "m", "分鐘"))
    said = [unit for unit in units if unit[0]][:2]
    if language is MessageLanguage.EN:
        return " ".join(f"{count}{short}" for count, short, _ in said)
    return " ".join(f"{count} {word}" for count, _, word in said)


def clock(at: datetime, time_zone: str) -> str:
    """Say a time with the name of its zone, which a message that travels needs."""
    return f"{at.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M} {time_zone}"


def _place(language: MessageLanguage) -> int:
    return 0 if language is MessageLanguage.EN else 1
