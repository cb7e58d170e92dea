"""What we answer in a chat, in both languages: templates with `{facts}`, whole sentences."""

from __future__ import annotations

from enum import StrEnum

from watchkeeper.domain.messages import MessageLanguage


class Reply(StrEnum):
    LINKED = "linked"
    CODE_UNKNOWN = "code_unknown"
    CODE_ELSEWHERE = "code_elsewhere"
    TOO_MANY_CODES = "too_many_codes"
    UNLINKED = "unlinked"
    NOT_LINKED = "not_linked"
    HELP = "help"
    STATUS = "status"
    RECORDED = "recorded"
    RECORDED_UNDECIDED = "recorded_undecided"
    REFUSED = "refused"
    ACKNOWLEDGED = "acknowledged"
    QUIETED = "quieted"
    CONFIRM = "confirm"
    DECIDED = "decided"
    ON_ITS_PAGE = "on_its_page"
    PRESENT = "present"
    BUTTON_UNKNOWN = "button_unknown"
    BUTTON_USED = "button_used"
    BUTTON_EXPIRED = "button_expired"
    BUTTON_OF_ANOTHER = "button_of_another"
    OUR_FAULT = "our_fault"


class Press(StrEnum):
    """What a button does. `approve` asks once more; `approve_now` is that second press."""

    ACKNOWLEDGE = "acknowledge"
    SHOW = "show"
    QUIET = "quiet"
    APPROVE = "approve"
    APPROVE_NOW = "approve_now"
    REJECT = "reject"


_EN: dict[Reply, str] = {
    Reply.LINKED: "Linked: here you are {name}. What you press counts as your word, as far as your role goes.",
    Reply.CODE_UNKNOWN: "This code is unknown, was used, or is older than ten minutes. Make a new one in Settings.",
    Reply.CODE_ELSEWHERE: "This code is for another project's chats.",
    Reply.TOO_MANY_CODES: "Too many wrong codes from here. Try again in ten minutes.",
    Reply.UNLINKED: "This account is linked to nobody any more.",
    Reply.NOT_LINKED: "I do not know who you are here. Make a code in Settings, and send it to me.",
    Reply.HELP: (
        "I understand: 'status'; a code from Settings, which links this account; 'unlink'; and replies such as "
        "'owner=...; adopt=...; blocker=...'."
    ),
    Reply.STATUS: (
        "{project}: {incidents} open incidents, {repairs} repairs wait for a word, {stuck} jobs stuck. As of {at}."
    ),
    Reply.RECORDED: "Recorded: {effect}.",
    Reply.RECORDED_UNDECIDED: "Recorded. The proposal itself is decided on its page.",
    Reply.REFUSED: "Not done: {why}.",
    Reply.ACKNOWLEDGED: "{name} takes care of it for four hours. {state}",
    Reply.QUIETED: "No word of it for four hours, says {name}. {state}",
    Reply.CONFIRM: "{state} Press once more within two minutes to approve it.",
    Reply.DECIDED: "{name} decided. {state}",
    Reply.ON_ITS_PAGE: "This is decided on its page, by who is logged in there. {state}",
    Reply.PRESENT: "{state}",
    Reply.BUTTON_UNKNOWN: "This button does nothing here: it is none of ours, or it was made long ago.",
    Reply.BUTTON_USED: "{name} pressed this at {at}. {state}",
    Reply.BUTTON_EXPIRED: "This button ran out at {at}. {state}",
    Reply.BUTTON_OF_ANOTHER: "This button is for another person. {state}",
    Reply.OUR_FAULT: "This failed on our side, and nothing was changed. Use the console.",
}

_ZH_HANT: dict[Reply, str] = {
    Reply.LINKED: "已連結：您在這裡是 {name}。您按下的按鈕視同您本人的決定，並以您的角色權限為限。",
    Reply.CODE_UNKNOWN: "此代碼不存在、已使用過，或已超過十分鐘。請在「設定」中重新產生。",
    Reply.CODE_ELSEWHERE: "此代碼屬於其他專案的聊天室。",
    Reply.TOO_MANY_CODES: "此處輸入錯誤代碼的次數過多。請於十分鐘後再試。",
    Reply.UNLINKED: "此帳號已不再連結至任何人。",
    Reply.NOT_LINKED: "我不知道您是誰。請在「設定」中產生代碼並傳送給我。",
    Reply.HELP: (
        "我看得懂：「status」；「設定」中的代碼，用來連結此帳號；「unlink」；"
        "以及「owner=...; adopt=...; blocker=...」這樣的回覆。"
    ),
    Reply.STATUS: "{project}：{incidents} 件未解決的事故，{repairs} 項修復等待核准，{stuck} 個工作卡住。時間：{at}。",
    Reply.RECORDED: "已記錄：{effect}。",
    Reply.RECORDED_UNDECIDED: "已記錄。提案本身請在其頁面上決定。",
    Reply.REFUSED: "未執行：{why}。",
    Reply.ACKNOWLEDGED: "{name} 接手處理四小時。{state}",
    Reply.QUIETED: "{name} 要求四小時內不再通知。{state}",
    Reply.CONFIRM: "{state} 請在兩分鐘內再按一次以核准。",
    Reply.DECIDED: "{name} 已決定。{state}",
    Reply.ON_ITS_PAGE: "此項須由登入者在其頁面上決定。{state}",
    Reply.PRESENT: "{state}",
    Reply.BUTTON_UNKNOWN: "此按鈕在這裡沒有作用：它不是我們的，或是很久以前的。",
    Reply.BUTTON_USED: "{name} 已於 {at} 按下。{state}",
    Reply.BUTTON_EXPIRED: "此按鈕已於 {at} 失效。{state}",
    Reply.BUTTON_OF_ANOTHER: "此按鈕是給另一個人的。{state}",
    Reply.OUR_FAULT: "我們這邊發生錯誤，沒有任何變更。請使用主控台。",
}

REPLIES = {MessageLanguage.EN: _EN, MessageLanguage.ZH_HANT: _ZH_HANT}

LABELS: dict[MessageLanguage, dict[Press, str]] = {
    MessageLanguage.EN: {
        Press.ACKNOWLEDGE: "Acknowledge",
        Press.SHOW: "What now?",
        Press.QUIET: "Legit silence",
        Press.APPROVE: "Approve",
        Press.APPROVE_NOW: "Yes, approve",
        Press.REJECT: "Reject",
    },
    MessageLanguage.ZH_HANT: {
        Press.ACKNOWLEDGE: "接手",
        Press.SHOW: "目前狀況",
        Press.QUIET: "正常安靜",
        Press.APPROVE: "核准",
        Press.APPROVE_NOW: "確定核准",
        Press.REJECT: "拒絕",
    },
}
INCIDENT_STATES = {
    MessageLanguage.EN: "The incident {rule} is {state}{by}.",
    MessageLanguage.ZH_HANT: "事故 {rule} 目前為 {state}{by}。",
}
REPAIR_STATES = {
    MessageLanguage.EN: "The repair {action} of {target} is {state}{by}.",
    MessageLanguage.ZH_HANT: "對 {target} 的修復 {action} 目前為 {state}{by}。",
}
BY = {MessageLanguage.EN: ", by {name}", MessageLanguage.ZH_HANT: "（{name}）"}


def replied(reply: Reply, language: MessageLanguage, **facts: object) -> str:
    """Put an answer into words; a fact's own braces stay as they are."""
    return REPLIES[language][reply].format_map({name: str(value) for name, value in facts.items()})


def bare_name(actor: str) -> str:
    """Give the name of an actor of the trail, as people know it."""
    return actor.removeprefix("principal:").rpartition("/")[2]


def present(what: str, language: MessageLanguage, *, by: str | None, **facts: object) -> str:
    """Say how it stands with an incident or a repair, and who brought it there."""
    sentences = REPAIR_STATES if what == "repair" else INCIDENT_STATES
    told_by = "" if by is None else BY[language].format_map({"name": bare_name(by)})
    told = {name: str(value) for name, value in facts.items()}
    return sentences[language].format_map({**told, "by": told_by})
