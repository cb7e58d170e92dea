"""What a text in a chat asks of us. All other talk of people is none of our business, and is not kept."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from watchkeeper.domain.operator_replies import looks_like_reply

CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: nothing in it is read as something else."""

CODE_GROUPS, CODE_GROUP_CHARS = 2, 5
_GROUP = f"[{CODE_LETTERS}]{{{CODE_GROUP_CHARS}}}"
_CODE = re.compile(rf"(?:/?(?:LINK|START|連結)(?:@\w+)?\s+)?(WK(?:-{_GROUP}){{{CODE_GROUPS}}})")
_COMMAND = re.compile(r"/?(\w+)(?:@\w+)?")


class Wish(StrEnum):
    LINK = "link"
    UNLINK = "unlink"
    STATUS = "status"
    HELP = "help"
    REPLY = "reply"
    PRESS = "press"


WORDS: dict[str, Wish] = {
    "status": Wish.STATUS,
    "狀態": Wish.STATUS,
    "help": Wish.HELP,
    "start": Wish.HELP,
    "link": Wish.HELP,
    "說明": Wish.HELP,
    "unlink": Wish.UNLINK,
    "取消連結": Wish.UNLINK,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish, with the text that belongs to it: a code, or a reply as it was written."""

    wish: Wish
    text: str = ""


def asked_by(text: str, *, is_private: bool) -> Asked | None:
    """Read a text; None for what is not meant for us. Who writes to us alone gets help with anything else."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if (code := _CODE.fullmatch(plain.upper())) is not None:
        return Asked(Wish.LINK, code[1])
    if looks_like_reply(text):
        return Asked(Wish.REPLY, text)
    word = _COMMAND.fullmatch(plain.casefold())
    if word is not None and (wish := WORDS.get(word[1])) is not None:
        return Asked(wish)
    return Asked(Wish.HELP) if is_private else None
