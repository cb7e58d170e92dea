"""The templates of alerts in both languages, in Jinja2: the first line is the title, the others are what follows.

A line without words vanishes, so that a condition may take a whole line. Lines after the title stand in a fixed order:
what was seen, what it blocks, what was done, what comes next, the sentence that people filter by.
docs/alerts.md lists the facts.
"""

from __future__ import annotations

from watchkeeper.domain.alert_moments import Moment
from watchkeeper.domain.messages import MessageLanguage

_EN = {
    Moment.OPENED: """\
! {{ what }}{% if object %} · {{ object }}{% endif %} · {{ age }}
{% if standing %}{{ standing }}{% endif %}
Seen: {{ opened_at }}{% if cause %} · {{ cause }}{% endif %}{% if evidence %} · {{ evidence }}{% endif %}
{% if symptoms == 1 %}Behind it: 1 more incident{% elif symptoms %}Behind it: {{ symptoms }} more incidents{% endif %}
{% if flapping %}It comes and goes: this is told once until it stays away.{% endif %}
{% if repair %}Done: {{ repair }}{% endif %}
{% if next_at %}Next: {{ next_person }} is told at {{ next_at }} unless somebody acknowledges.{% endif %}
{{ sentence }}
""",
    Moment.ESCALATED: """\
! No reply, now to {{ owner }} · {{ what }}{% if object %} · {{ object }}{% endif %} · {{ age }}
{% if standing %}{{ standing }}{% endif %}
Seen: {{ opened_at }}{% if cause %} · {{ cause }}{% endif %}{% if evidence %} · {{ evidence }}{% endif %}
{% if symptoms == 1 %}Behind it: 1 more incident{% elif symptoms %}Behind it: {{ symptoms }} more incidents{% endif %}
{% if repair %}Done: {{ repair }}{% endif %}
{% if next_at %}Next: {{ next_person }} is told at {{ next_at }} unless somebody acknowledges.{% endif %}
{{ sentence }}
""",
    Moment.APPROVAL: """\
! Approve a repair: {{ action }}{% if object %} · {{ object }}{% endif %}
{% if standing %}{{ standing }}{% endif %}
Because: {{ what }}, for {{ age }}{% if cause %} · {{ cause }}{% endif %}{% if evidence %} · {{ evidence }}{% endif %}
Plan {{ plan }}{% if expires_at %}, open until {{ expires_at }}{% endif %}
If nobody decides, nothing is done and the job stays as it is.
{{ sentence }}
""",
    Moment.RESOLVED: """\
✓ {{ what }}: over{% if object %} · {{ object }}{% endif %} · after {{ lasted }}
Since: {{ resolved_at }}
{% if repair %}Done: {{ repair }}{% endif %}
{% if resolved_by %}Closed by: {{ resolved_by }}{% endif %}
""",
    Moment.STORM: """\
! {{ count }} alerts, 1 cause: {{ what }}{% if cause %} · {{ cause }}{% endif %}
Since: {{ opened_at }}
{% for each in objects %}{{ each }}
{% endfor %}
{% if more %}and {{ more }} more{% endif %}
{{ sentence }}
""",
    Moment.DIGEST: """\
{{ count }} alerts together: {{ why }}
{% for each in objects %}{{ each }}
{% endfor %}
{% if more %}and {{ more }} more{% endif %}
""",
    Moment.NOTICE: """\
{{ subject }}
{{ text }}
""",
    Moment.TEST: """\
Test of the channel {{ channel }}
Nothing is wrong: {{ actor }} asked for this at {{ at }}.
""",
}

_ZH_HANT = {
    Moment.OPENED: """\
! {{ what }}{% if object %} · {{ object }}{% endif %} · {{ age }}
{% if standing %}{{ standing }}{% endif %}
發現：{{ opened_at }}{% if cause %} · {{ cause }}{% endif %}{% if evidence %} · {{ evidence }}{% endif %}
{% if symptoms %}連帶影響：另有 {{ symptoms }} 起事故{% endif %}
{% if flapping %}這個問題時好時壞：在它不再出現之前只通知一次。{% endif %}
{% if repair %}已處理：{{ repair }}{% endif %}
{% if next_at %}接下來：若無人接手，{{ next_at }} 將通知 {{ next_person }}。{% endif %}
{{ sentence }}
""",
    Moment.ESCALATED: """\
! 無人回應，轉給 {{ owner }} · {{ what }}{% if object %} · {{ object }}{% endif %} · {{ age }}
{% if standing %}{{ standing }}{% endif %}
發現：{{ opened_at }}{% if cause %} · {{ cause }}{% endif %}{% if evidence %} · {{ evidence }}{% endif %}
{% if symptoms %}連帶影響：另有 {{ symptoms }} 起事故{% endif %}
{% if repair %}已處理：{{ repair }}{% endif %}
{% if next_at %}接下來：若無人接手，{{ next_at }} 將通知 {{ next_person }}。{% endif %}
{{ sentence }}
""",
    Moment.APPROVAL: """\
! 請核准修復：{{ action }}{% if object %} · {{ object }}{% endif %}
{% if standing %}{{ standing }}{% endif %}
原因：{{ what }}，已 {{ age }}{% if cause %} · {{ cause }}{% endif %}{% if evidence %} · {{ evidence }}{% endif %}
計畫 {{ plan }}{% if expires_at %}，有效至 {{ expires_at }}{% endif %}
若無人決定，就不會執行任何動作，工作維持現狀。
{{ sentence }}
""",
    Moment.RESOLVED: """\
✓ {{ what }}：已解除{% if object %} · {{ object }}{% endif %} · 歷時 {{ lasted }}
解除時間：{{ resolved_at }}
{% if repair %}已處理：{{ repair }}{% endif %}
{% if resolved_by %}結案者：{{ resolved_by }}{% endif %}
""",
    Moment.STORM: """\
! {{ count }} 則警示，同一原因：{{ what }}{% if cause %} · {{ cause }}{% endif %}
開始：{{ opened_at }}
{% for each in objects %}{{ each }}
{% endfor %}
{% if more %}另有 {{ more }} 則{% endif %}
{{ sentence }}
""",
    Moment.DIGEST: """\
{{ count }} 則警示彙整：{{ why }}
{% for each in objects %}{{ each }}
{% endfor %}
{% if more %}另有 {{ more }} 則{% endif %}
""",
    Moment.NOTICE: """\
{{ subject }}
{{ text }}
""",
    Moment.TEST: """\
頻道 {{ channel }} 測試
一切正常：{{ actor }} 於 {{ at }} 要求測試。
""",
}

TEMPLATES: dict[MessageLanguage, dict[Moment, str]] = {
    MessageLanguage.EN: _EN,
    MessageLanguage.ZH_HANT: _ZH_HANT,
}

WORDS: dict[str, tuple[str, str]] = {
    "job": ("job {name}", "工作 {name}"),
    "worker": ("worker {name}", "worker {name}"),
    "kind": ("kind {name}", "類別 {name}"),
    "acknowledged": ("{who} takes care until {until}.", "{who} 已接手，至 {until}。"),
    "repairing": ("A repair is under way.", "正在修復。"),
    "approved": ("The repair was approved by {who}.", "{who} 已核准修復。"),
    "rejected": ("The repair was rejected by {who}.", "{who} 已拒絕修復。"),
    "withdrawn": ("The repair was withdrawn.", "修復已撤回。"),
    "expired": ("The repair's time to be approved is over.", "修復的核准期限已過。"),
    "over": ("It is over since {until}.", "已於 {until} 解除。"),
    "success": ("{action} (it helped)", "{action}（成功）"),
    "failed": ("{action} (it did not help)", "{action}（無效）"),
    "needs_human": ("{action} (a person has to look)", "{action}（需要人員處理）"),
    "capped": ("more than this channel carries in an hour", "超過此頻道每小時的上限"),
    "quota": ("this month's messages are nearly used up", "本月訊息額度即將用盡"),
    "broken": (
        "(The template of '{moment}' is broken: {problem}. This is the plain sentence.)",
        "（「{moment}」的範本有誤：{problem}。以下為原始內容。）",
    ),
    "open": ("Open", "開啟"),
    "review": ("Review", "檢視"),
}
"""Words that stand in for a fact, in both languages."""


def said(word: str, language: MessageLanguage, **facts: str) -> str:
    """Give one of the words with its facts in it."""
    text = WORDS[word][0 if language is MessageLanguage.EN else 1]
    return text.format(**facts)
