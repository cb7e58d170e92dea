"""From a view to an answer: templates in the reader's language, the headers of every page, fragments."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from gettext import NullTranslations
from typing import Any, Protocol, cast
from urllib.parse import quote, urlencode

from babel.lists import format_list
from fastapi import Request, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from watchkeeper.domain.principals import Principal
from watchkeeper.interfaces.console import format as shown
from watchkeeper.interfaces.console import words
from watchkeeper.interfaces.console.assets import Assets
from watchkeeper.interfaces.console.i18n import LANGUAGES, Language

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Under no-referrer a form's Origin is "null", and the same-origin check would refuse our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, Accept-Language",
}
FRAGMENT = "fragment"
"""The query parameter by which the script asks for a page's regions without the frame around them."""

TEXT_LIMIT = 300

# What stands before a tag on its line is the templates' own layout: a tenth of a page. Texts within <pre> are escaped.
_INDENTATION = re.compile(r"\n\s+(?=<)")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request as the console sees it. `principal` is None before login."""

    request: Request
    language: Language
    principal: Principal | None = None

    @property
    def wants_fragment(self) -> bool:
        return FRAGMENT in self.request.query_params

    @property
    def here(self) -> str:
        """The page's own address, to come back to; without what is no filter."""
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name != FRAGMENT]
        return address(self.request.url.path, dict(kept))


class _Translating(Protocol):
    def install_gettext_translations(self, translations: NullTranslations, newstyle: bool) -> None: ...


class Renderer:
    """The templates, once for each language."""

    def __init__(self, languages: Mapping[str, Language], assets: Assets) -> None:
        self._environments = {code: _environment(language, assets) for code, language in languages.items()}

    def page(
        self, visit: Visit, template: str, view: Mapping[str, Any], *, now: datetime, status: int = 200
    ) -> Response:
        """Render a page, or its regions alone; a fragment that has not changed answers 304."""
        environment = self._environments[visit.language.code]
        text = environment.get_template(template).render(
            **view,
            visit=visit,
            now=now,
            language=visit.language,
            layout="fragment.html" if visit.wants_fragment else "base.html",
        )
        body = _INDENTATION.sub("\n", text).encode()
        headers = dict(HEADERS)
        if visit.wants_fragment and status == 200:
            headers["ETag"] = etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
            if visit.request.headers.get("if-none-match") == etag:
                return Response(status_code=304, headers=headers)
        return Response(body, status, headers, "text/html; charset=utf-8")


def address(path: str, parameters: Mapping[str, object]) -> str:
    """Join a path and the parameters that say something."""
    # A template's "x if y" without an else is a value that prints as nothing.
    said = {name: text for name, value in parameters.items() if value is not None and (text := str(value))}
    return f"{path}?{urlencode(said)}" if said else path


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
    locale = language.locale
    environment.globals.update(
        languages=LANGUAGES, asset=assets.url, address=address, words=words, path=_path, when=when
    )
    environment.filters.update(
        span=lambda seconds: shown.span(seconds, locale),
        number=lambda value: shown.number(value, locale),
        size=lambda count: shown.size(count, locale),
        cut=lambda text, limit=TEXT_LIMIT: shown.cut(str(text), limit),
        clock=shown.clock,
        short=shown.short,
        machine=shown.machine,
        absolute=shown.absolute,
        listed=lambda texts: format_list(list(texts), locale=locale),
        translated=language.translations.gettext,
        pretty=pretty,
    )
    environment.globals["share"] = shown.share
    return environment


@pass_context
def when(context: Context, time: datetime | None) -> Markup:
    """Give a time as a page shows it: relative, with the absolute one in the title."""
    if time is None:
        return escape(shown.UNKNOWN)
    relative = shown.relative(time, context["now"], context["language"].locale)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        shown.machine(time), shown.absolute(time), relative
    )


def pretty(data: Any) -> str:
    """Give a document as indented JSON."""
    return json.dumps(data, ensure_ascii=False, indent=2, default=str)


def _path(text: object) -> str:
    return quote(str(text), safe="")
