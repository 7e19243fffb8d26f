"""A README of a stranger as harmless markup: no HTML of its own, no images, no addresses but of the web and of mail."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from mpp_registry.web.limits import README_BYTES_MAX, README_LINES_MAX, README_NESTING_MAX, README_SIGNS_MAX, READMES_KEPT
from mpp.pages.texts import seen

TAGS = frozenset((
    "a", "blockquote", "br", "code", "del", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead",
    "tr", "ul",
))  # fmt: skip
ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}}
SCHEMES = frozenset(("https", "http", "mailto"))
SIGNS = "[]|*_~`<&!\\>"
"""What Markdown looks at."""

TOP_LEVEL = 2
"""Levels by which headings move down. Reason: the page has the first two itself, and a reader by ear goes by them."""


def _reader() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "maxNesting": README_NESTING_MAX}).enable(["table", "strikethrough"])
    made.add_render_rule("image", _no_image)
    return made


def _no_image(_self: object, tokens: Sequence[Token], index: int, *_more: object) -> str:
    """Attack: an image from elsewhere tells its server who reads this page, and can change after it was looked at."""
    return str(Markup("<span>[image: {}]</span>").format(tokens[index].content or "no description"))


_MARKDOWN = _reader()


@lru_cache(READMES_KEPT)
def readme_markup(data: bytes) -> Markup:
    """The README as markup, cut where it is too long."""
    text = seen_readme(data[:README_BYTES_MAX])
    # Attack: a README that is nothing but signs, so that each visit costs seconds.
    if text.count("\n") > README_LINES_MAX or sum(map(text.count, SIGNS)) > README_SIGNS_MAX:
        return plain_markup(text)
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + TOP_LEVEL, 6)}"
    made = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    clean = nh3.clean(
        made,
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        url_schemes=set(SCHEMES),
        link_rel="nofollow noopener noreferrer",
        attribute_filter=_address,
    )
    # What comes out of the cleaner is the only text of a stranger that is not escaped.
    return Markup(clean)  # noqa: S704 - nh3 let through the tags above and nothing else


def _address(tag: str, name: str, item: str) -> str | None:
    """Attack: an address without a scheme leads into the registry itself, to a page of an administrator."""
    if (tag, name) == ("a", "href"):
        return item if item.partition(":")[0].lower() in SCHEMES else None
    return item


def seen_readme(data: bytes) -> str:
    """Attack: a README of hidden characters for a model that reads the page. They are written out, and each line end is one of ours."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return "\n".join(map(seen, text.split("\n")))


def plain_markup(text: str) -> Markup:
    return Markup("<pre>{}</pre>").format(text)
