"""At which moment of a trouble a message is sent: each has its own template, and its own manners."""

from __future__ import annotations

from enum import StrEnum


class Moment(StrEnum):
    """`opened` tells of a trouble for the first time, `escalated` again; `storm` and `digest` stand for many."""

    OPENED = "opened"
    ESCALATED = "escalated"
    APPROVAL = "approval"
    RESOLVED = "resolved"
    STORM = "storm"
    DIGEST = "digest"
    NOTICE = "notice"
    TEST = "test"


OF_AN_INCIDENT = frozenset({Moment.OPENED, Moment.ESCALATED, Moment.APPROVAL})
"""What opens a story that is over some time, and is then told to be over."""
