"""Markdown to the inside of a page: links that fit the site, anchors at headings, coloured code, and the words for the search."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import pygments  # type: ignore[import-untyped]
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

TAGS = frozenset(
    ("a", "b", "br", "details", "div", "em", "h1", "h2", "img", "kbd", "p", "picture", "small", "source", "span", "strong", "sub", "summary", "sup")
)
"""What a text may hold of HTML. Anything else is a mistake, such as a <placeholder> outside of a code span, which a reader would not see."""
WORDS_SHOWN = 220
LEVEL_OF_ENTRIES = 3
"""Headings to this level are found by the search, and stand beside the page."""

_TAG = re.compile(r"</?([a-zA-Z][\w-]*)[^>]*>")
_ATTRIBUTE = re.compile(r"""\b(href|src|srcset)=(["'])(.*?)\2""")
_SPACE = re.compile(r"\s+")

Link = Callable[[str], str]


class Heading(NamedTuple):
    """A heading of a page, and what stands below it, as plain words."""

    level: int
    anchor: str
    title: str
    words: str


class Text(NamedTuple):
    """One page without its frame."""

    title: str
    body: str
    headings: tuple[Heading, ...]
    anchors: frozenset[str]


class WrongText(Exception):
    """A text that cannot be shown as it is meant."""


def render(text: str, link: Link) -> Text:
    """The page of a Markdown text; ``link`` turns what the text links to into an address of the site."""
    reader = MarkdownIt("commonmark", {"html": True, "highlight": None}).enable(["table", "strikethrough"])
    tokens = reader.parse(text)
    headings = list(_headings(tokens))
    anchors = {heading.anchor for heading in headings}
    for token in _all(tokens):
        _link(token, link)
        anchors |= set(re.findall(r'\bid="([^"]+)"', token.content)) if token.type.startswith("html_") else set()
    body = "".join(_fence(token) if token.type in {"fence", "code_block"} else reader.renderer.render([token], reader.options, {}) for token in tokens)
    title = headings[0].title if headings else ""
    body = body.replace("<table>", '<div class="table" tabindex="0" role="region" aria-label="table"><table>').replace("</table>", "</table></div>")
    return Text(title, _mark(body), tuple(headings), frozenset(anchors))


def _all(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _link(token: Token, link: Link) -> None:
    for name in ("href", "src"):
        if name in token.attrs:
            token.attrs[name] = link(str(token.attrs[name]))
            if "://" in str(token.attrs[name]):
                token.attrs["rel"] = "noopener noreferrer"
    if token.type in {"html_inline", "html_block"}:
        for tag in _TAG.findall(token.content):
            if tag.lower() not in TAGS:
                raise WrongText(f"the tag <{tag}> is not shown: put it into a code span")
        token.content = _ATTRIBUTE.sub(lambda found: f'{found[1]}="{html.escape(link(html.unescape(found[3])))}"', token.content)


def _headings(tokens: list[Token]) -> Iterator[Heading]:
    """Each heading gets its anchor, as the usual viewers name it; the words below it are gathered up to the next one."""
    seen: dict[str, int] = {}
    places = [at for at, token in enumerate(tokens) if token.type == "heading_open"]
    for at, end in pairwise([*places, len(tokens)]):
        title = _plain(tokens[at + 1])
        base = re.sub(r"[^\w\- ]", "", tokens[at + 1].content.lower()).replace(" ", "-")
        count = seen[base] = seen.get(base, -1) + 1
        anchor = f"{base}-{count}" if count else base
        tokens[at].attrs["id"] = anchor
        words = " ".join(
            _plain(token) if token.type == "inline" else token.content for token in tokens[at + 2 : end] if token.type in {"inline", "fence", "code_block"}
        )
        yield Heading(int(tokens[at].tag[1]), anchor, title, _SPACE.sub(" ", words).strip())


def _plain(token: Token) -> str:
    return "".join(child.content if child.type in {"text", "code_inline"} else " " if child.type.endswith("break") else "" for child in token.children or ())


def _mark(body: str) -> str:
    """A sign beside each heading of level 2 and 3 that leads to itself."""
    return re.sub(
        r'<(h[23]) id="([^"]+)">(.*?)</\1>',
        r'<\1 id="\2">\3 <a class="self" href="#\2" aria-label="Link to this section">#</a></\1>',
        body,
    )


def _fence(token: Token) -> str:
    words = token.info.split()
    return code(token.content, words[0] if words else "")


def code(text: str, language: str = "", filename: str = "") -> str:
    """A block of code, coloured where its language is known."""
    try:
        lexer = get_lexer_for_filename(filename, text) if filename else get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False)
    shown = pygments.highlight(text, lexer, HtmlFormatter(nowrap=True))
    return f'<div class="code"><pre tabindex="0"><code>{shown}</code></pre></div>\n'
