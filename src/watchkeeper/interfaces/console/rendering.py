"""From a view to an answer: templates in the reader's language, the headers of every page, fragments."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from gettext import NullTranslations
from typing import Any, Protocol, cast
from urllib.parse import quote
from uuid import uuid4

from babel.lists import format_list
from fastapi import Response
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from watchkeeper.domain.cause_words import cause
from watchkeeper.domain.messages import MessageLanguage
from watchkeeper.domain.principals import Right
from watchkeeper.interfaces.console import format as shown
from watchkeeper.interfaces.console import host_words, trouble, words
from watchkeeper.interfaces.console.acts.act import Act
from watchkeeper.interfaces.console.acts.done import UNDO_SECONDS
from watchkeeper.interfaces.console.assets import Assets
from watchkeeper.interfaces.console.evidence_words import in_words
from watchkeeper.interfaces.console.ground import View
from watchkeeper.interfaces.console.headers import HEADERS
from watchkeeper.interfaces.console.i18n import DEFAULT, LANGUAGES, Language
from watchkeeper.interfaces.console.navigation import Navigation
from watchkeeper.interfaces.console.visit import Visit, address
from watchkeeper.interfaces.console.written_words import rule, target, tell

TEXT_LIMIT = 300

# What stands before a tag on its line is the templates' own layout: a tenth of a page. Texts within <pre> are escaped.
_INDENTATION = re.compile(r"\n\s+(?=<)")

# Signs that turn the order in which a text is read, so that a name shows as another one. Scripts that are written from
# right to left need none of them.
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class _Translating(Protocol):
    def install_gettext_translations(self, translations: NullTranslations, newstyle: bool) -> None: ...


class Renderer:
    """The templates, once for each language."""

    def __init__(
        self,
        languages: Mapping[str, Language],
        assets: Assets,
        navigation: Navigation,
        acts: Mapping[str, Act],
    ) -> None:
        self._environments = {code: _environment(language, assets) for code, language in languages.items()}
        for environment in self._environments.values():
            environment.globals.update(
                navigation=navigation, acts=acts, trouble=trouble, host_words=host_words
            )

    def page(self, visit: Visit, view: View, *, now: datetime) -> Response:
        """Render a page, or its regions alone; a fragment that has not changed answers 304."""
        environment = self._environments[visit.language.code]
        visit = view.seen or visit
        text = environment.get_template(view.template).render(
            **view.facts,
            visit=visit,
            now=now,
            language=visit.language,
            layout="fragment.html" if visit.wants_fragment else view.layout or "base.html",
        )
        body = _TURNING.sub("\N{REPLACEMENT CHARACTER}", _INDENTATION.sub("\n", text)).encode()
        headers = dict(HEADERS)
        if visit.wants_fragment and view.status == 200:
            headers["ETag"] = etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
            if visit.request.headers.get("if-none-match") == etag:
                return Response(status_code=304, headers=headers)
        return Response(body, view.status, headers, "text/html; charset=utf-8")


def _environment(language: Language, assets: Assets) -> Environment:
    environment = Environment(
        loader=PackageLoader("watchkeeper.interfaces.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    # The extension brings the method; the annotations of Jinja2 do not know of it.
    cast("_Translating", environment).install_gettext_translations(language.translations, newstyle=True)
    environment.globals.update(
        languages=LANGUAGES,
        asset=assets.url,
        address=address,
        words=words,
        path=_path,
        when=when,
        Right=Right,
        new_key=lambda: uuid4().hex,
        undo_seconds=UNDO_SECONDS,
    )
    environment.filters.update(_filters(language))
    environment.globals["share"] = shown.share
    return environment


def _filters(language: Language) -> dict[str, Callable[..., Any]]:
    locale, said = language.locale, language.translations.gettext
    return {
        "span": lambda seconds: shown.span(seconds, locale),
        "number": lambda value: shown.number(value, locale),
        "size": lambda count: shown.size(count, locale),
        "cut": lambda text, limit=TEXT_LIMIT: shown.cut(str(text), limit),
        "clock": _clock,
        "short": shown.short,
        "machine": shown.machine,
        "absolute": _absolute,
        "listed": lambda texts: format_list(list(texts), locale=locale),
        "translated": said,
        "pretty": pretty,
        "evidence": lambda because: in_words(str(because), said),
        "without_ways": without_ways,
        "who": lambda actor: str(actor).removeprefix("principal:"),
        "told": lambda text, limit=TEXT_LIMIT: told(str(text), language, limit),
        "cause": lambda name: cause(str(name), MessageLanguage(language.code)),
        "rule": lambda name: rule(str(name), language) or str(name),
        "target": lambda named: (
            target(f"{named['what']} {named['id']}", language) or f"{named['what']} {named['id']}"
        ),
    }


def told(text: str, language: Language, limit: int) -> Markup:
    """Say what the program wrote down in the reader's language; words of another form keep their own."""
    if (words_of := tell(text, language)) is not None:
        return escape(shown.cut(words_of, limit))
    if language.code == DEFAULT:
        return escape(shown.cut(text, limit))
    return Markup('<span lang="en">{}</span>').format(shown.cut(text, limit))


@pass_context
def when(context: Context, time: datetime | None) -> Markup:
    """Give a time as a page shows it: relative, with the absolute one in the title."""
    if time is None:
        return escape(shown.UNKNOWN)
    relative = shown.relative(time, context["now"], context["language"].locale)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        shown.machine(time), _absolute(context, time), relative
    )


@pass_context
def _absolute(context: Context, time: datetime) -> str:
    return shown.absolute(time, context["visit"].zone)


@pass_context
def _clock(context: Context, time: datetime) -> str:
    return shown.clock(time, context["visit"].zone)


_WAYS = re.compile(r"<form\b.*?</form>|<nav\b.*?</nav>|<a class=\"(?:act|quiet)[^>]*>.*?</a>", re.DOTALL)
_LINK = re.compile(r"<(/?)a\b[^>]*>")


def without_ways(page: str) -> Markup:
    """Take forms, navigation and links out of a rendered page: what others sent stands in it escaped."""
    return Markup(_LINK.sub(r"<\1span>", _WAYS.sub("", page)))  # noqa: S704 - rendered, so escaped


def pretty(data: Any) -> str:
    """Give a document as indented JSON."""
    return json.dumps(data, ensure_ascii=False, indent=2, default=str)


def _path(text: object) -> str:
    return quote(str(text), safe="")
