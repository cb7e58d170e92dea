"""What a reader of a page would see, and what not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.domain.visible_text import is_page, visible_page, visible_text

MARKER = "pending publish"


@pytest.mark.parametrize(
    "page",
    [
        "<p>Pending Publish",
        "<p>pending <b>pub</b>lish</p>",
        "<p>pending\n  publish</p>",
        "<p>pending&nbsp;publish</p>",
        "<p>pending<br>publish",
        "<p>pen&shy;ding pub\u200blish</p>",
        "<title>pending publish</title>",
        "<textarea>pending publish</textarea>",
        "<input value='pending publish'>",
        "<img src=x alt='Pending publish'>",
        "<p hidden>a<p>pending publish",
        "<div><p hidden>a</div>pending publish",
        "<ul><li hidden>a<li>pending publish</ul>",
        "<table><tr hidden><td>a<tr><td>pending publish</table>",
        "<script>x</script>pending publish",
        "<script>a</SCRIPT >pending publish",
        "<!-- a -->pending publish<!-- b -->",
        "<!-->pending publish",
        "<!--a--!>pending publish",
        "<div hidden><div></div></div>pending publish",
        "<img hidden>pending publish",
        "<input type=hidden value=x>pending publish",
        "<div style='color:red'>pending publish</div>",
        "<a title='>'>pending publish</a>",
        "</div>pending publish",
        "<div hidden></b></div>pending publish",
        "1 < 2 pending publish",
        "<p>pending publish <",
        "<template></template>pending publish",
        "<p style='display:none;display:block'>pending publish",
        "<p style='display:block!important;display:none'>pending publish",
        "<p style='--x:display:none'>pending publish",
        "<p style='--x:(;display:none)'>pending publish",
        "<p style='--x:[);display:none'>pending publish",
        "<p style='content:\";display:none;\"'>pending publish",
        "<p style='display:none;background:url(a\");display:block'>pending publish",
        "<p style='display:none;all:initial'>pending publish",
        "<p style='display:none;d\\69splay:block'>pending publish",
        "<p style='display:none;a{;}display:block'>pending publish",
        "<p style='display:\xa0none'>pending publish",
        "<p style='display:none foo'>pending publish",
        "<p hidden style='display:block'>pending publish",
        "<div style='visibility:hidden'><p style='visibility:visible'>pending publish</div>",
        "<p style='opacity:0'>pending publish",
        "<p style='font-size:0'>pending publish",
        "<iframe srcdoc='<p>pending publish</p>'></iframe>",
        "<iframe srcdoc='&lt;iframe srcdoc=&quot;pending publish&quot;>'></iframe>",
        "<iframe srcdoc='<title>pending publish</title>'></iframe>",
    ],
)
def test_what_a_reader_sees_is_found(page: str) -> None:
    """A marker that a browser would show is found, however the page is written."""
    assert visible_page(page).mentions(MARKER)


@pytest.mark.parametrize(
    "page",
    [
        "<!-- pending publish --><p>ok",
        "<!-- pending publish",
        "<script>var s = 'pending publish'</script>",
        "<script>if (a</b) x; pending publish</script>",
        "<style>/* pending publish */</style>",
        "<p hidden>pending publish</p>",
        "<p hidden=''><b>pending publish</b></p>",
        "<div hidden><div>a</div>pending publish</div>",
        "<div style='color:red; DISPLAY : none!important'>pending publish</div>",
        "<div style='display:/**/none'>pending publish</div>",
        "<div style='visibility:hidden'>pending publish</div>",
        "<div style='display:block;display:none'>pending publish</div>",
        "<div style='display:none!important;display:block'>pending publish</div>",
        "<div style='display:none; background:url(a;b)'>pending publish</div>",
        "<div style='visibility:hidden'><p style='color:red'>pending publish</p></div>",
        "<div style='display:none'><p style='display:block'>pending publish</p></div>",
        "<iframe hidden srcdoc='<p>pending publish</p>'></iframe>",
        "<iframe srcdoc='<p hidden>pending publish</p>'></iframe>",
        "<template><p>pending publish</p></template>",
        "<noscript>pending publish</noscript>",
        "<input type=hidden value='pending publish'>",
        "<p data-state='pending publish'>ok</p>",
        "<table><tr><td>pending<td>publish date</table>",
        "<p>pending</p><p>publish</p>",
        "<p class='pending publish",
        "<?xml pending publish ?>",
        "<!doctype pending publish>",
    ],
)
def test_what_a_reader_does_not_see_is_not_found(page: str) -> None:
    """A marker in a comment, a script or a hidden part blocks nobody."""
    assert not visible_page(page).mentions(MARKER)


def test_a_local_address_counts_in_links() -> None:
    """A page that links to a file on one machine is not published, though its text does not say so."""
    assert visible_page("<a href='pls_file://report'>report</a>").mentions("pls_file://")
    assert not visible_page("<a href='/pending publish'>report</a>").mentions("pending publish")
    assert visible_page("<p>this is local\u2011only").mentions("local-only")


@pytest.mark.parametrize(
    "page",
    [
        "",
        " \n",
        "<html><head><title>Dashboard</title></head><body></body></html>",
        "<div><p>&nbsp;</p></div>",
        "<p hidden>text</p>",
        "<!-- all of it -->",
        "<script></script>",
        "<script type='application/json'>{}</script>",
        "<template><script>run()</script></template>",
        "<div style='display:none'><img src=x></div>",
        "<div style='opacity:0'>x</div>",
        "<div style='opacity:0.0%'><img src=x></div>",
        "<div style='font-size:0px'>x</div>",
        "<div style='font-size:0'><p style='font-size:2em'>x</p></div>",
        "<div style='display:none;display:nonsense'>x</div>",
        "<iframe srcdoc=''></iframe>",
        "<iframe srcdoc='<p hidden>x</p>'></iframe>",
        "<img>",
        "<input type=hidden>",
        "<noscript>Turn on scripts</noscript>",
        "<style>p{}</style>",
    ],
)
def test_a_page_that_shows_nothing_is_empty(page: str) -> None:
    """A hollow page is known for what it is."""
    assert visible_page(page).is_empty


@pytest.mark.parametrize(
    "page",
    [
        "x",
        "<p>x",
        "<script>draw()</script>",
        "<script src=app.js></script>",
        "<script type=module src=app.js></script>",
        "<svg></svg>",
        "<canvas></canvas>",
        "<img src=a.png>",
        "<button></button>",
        "<iframe src=a></iframe>",
        "<div hidden><script>run()</script></div>",
        "<div style='opacity:0.5'>x</div>",
        "<div style='font-size:0'><img src=a.png></div>",
        "<div style='font-size:0'><p style='font-size:16px'>x</p></div>",
        "<div style='opacity:0;opacity:1'>x</div>",
        "<iframe srcdoc='x'></iframe>",
    ],
)
def test_a_page_that_draws_is_not_empty(page: str) -> None:
    """A picture, a control, or a script that may draw is something to be seen."""
    assert not visible_page(page).is_empty


def test_markdown_is_read_without_its_comments() -> None:
    """Markdown hides comments and nothing else."""
    assert not visible_text("# Title\n<!-- pending publish -->").mentions(MARKER)
    assert visible_text("# Title\n\n`pending\npublish`").mentions(MARKER)
    assert not visible_text("pending\n\npublish").mentions(MARKER)
    assert visible_text("<!-- a -->\n \u200b").is_empty


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<!DOCTYPE html><p>", True),
        ("\ufeff\n<!-- a --><html lang=en>", True),
        ("<header>", False),
        ("<!-- a", False),
        ("# Title", False),
        ("", False),
    ],
)
def test_a_page_is_known_by_its_beginning(text: str, answer: bool) -> None:
    """A file without a telling name is a page if it begins like one."""
    assert is_page(text) is answer


NOISE = ["color:red", "--x:display:none", "content:';display:none;'", "a:url(;display:none)", "b:[(;]);]", ""]
DISPLAYS = ["none", "block", "NONE", " inline flex ", "/**/none/**/"]


@given(
    st.lists(st.tuples(st.sampled_from(DISPLAYS), st.booleans(), st.sampled_from(NOISE)), max_size=6),
    st.booleans(),
)
def test_the_last_declaration_wins_and_an_important_one_before_it(
    declared: list[tuple[str, bool, str]], has_hidden: bool
) -> None:
    """Whatever stands between them, of several `display` that one counts which a browser takes."""
    style = ";".join(f"{noise};Display :{value}{'! Important' * urgent}" for value, urgent, noise in declared)
    urgent = [value for value, is_urgent, _ in declared if is_urgent]
    wins = (urgent or [value for value, _, _ in declared] or ["none" if has_hidden else "block"])[-1]
    page = visible_page(f'<p {"hidden" * has_hidden} style="{style}">pending publish</p>')
    is_hidden = "none" in wins.lower()
    assert page.mentions(MARKER) is not is_hidden
    assert page.is_empty is is_hidden


@given(st.text("display:none;block!mportan()[]{}\\'\"/*ul -", max_size=60))
def test_any_style_can_be_read(style: str) -> None:
    """No style, however broken, breaks the gate."""
    visible_page(f"<p style='{style}'>x")


@given(st.text("<>/!-='\"ab p hidden", max_size=60) | st.text(max_size=60))
def test_any_text_can_be_read(page: str) -> None:
    """No page, however broken, breaks the gate."""
    visible_page(page).mentions(MARKER)
    visible_text(page)
    is_page(page)


PIECES = [
    "<",
    "<a ",
    "<!--",
    "<!-- -->",
    "</",
    "</a>",
    "<a b='",
    '<a b="',
    "<a b=",
    "<div>",
    "<p>",
    "<li>",
    "<ul><div>",
]
PIECES += [
    "<script>",
    "<title>",
    "<script></script>",
    "&",
    "&amp",
    "<a b=c",
    "<?",
    "--",
    "<td></td>",
    "=",
    "<p hidden>",
]
PIECES += ["<ul><li>", "<b style='/*", "-", "\n", " ", "<b style='", "<iframe/srcdoc=", "<iframe srcdoc='"]
STYLES = [
    "display:none;",
    "/*",
    "(",
    "[",
    ")",
    "a",
    "url(",
    "url(a",
    "&quot;",
    "!important",
    "!",
    ":",
    "0",
    "--",
    " ",
]
PIECES += ["<iframe srcdoc=x>", *(f"<p style='{style}'>" for style in STYLES)]


@pytest.mark.parametrize("style", STYLES)
def test_time_grows_no_faster_than_a_style(style: str) -> None:
    """One element with a long style is read as fast as any page: no step is done again for each character."""
    began = time.process_time()
    visible_page("<p style='" + style * (200_000 // len(style)) + "'>x")
    visible_page("<p style='opacity:" + style * (200_000 // len(style)) + "'>x")
    visible_page("<p style='font-size:" + style * (200_000 // len(style)) + "'>x")
    assert time.process_time() - began < 1


@pytest.mark.parametrize("piece", PIECES)
def test_time_grows_no_faster_than_the_page(piece: str) -> None:
    """No page that an agent makes can keep the gate busy."""
    page = "<ul>" + "<div>" * 100 + piece * (200_000 // len(piece))
    began = time.process_time()
    visible_page(page)
    visible_text(page)
    is_page(page)
    assert time.process_time() - began < 1
