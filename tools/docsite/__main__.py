"""Make the documentation site: static pages with search, in build/site, without network.

    python -m tools.docsite [--to DIR]

The pages of one version stand in a folder of its name; those of other versions beside it stay, and each page leads to them. Open
build/site/index.html, or put the folder onto any web server. A link that leads nowhere ends it, and nothing is kept.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jinja2
from markupsafe import Markup, escape

from mpp import __version__
from tools.docsite import tree, versions
from tools.docsite.text import LEVEL_OF_ENTRIES, Heading, Text, WrongText, code, render
from tools.docsite.tree import BrokenLink, Section
from tools.docsite.words import index
from tools.tidy import ROOT

THEME = Path(__file__).resolve().parent / "theme"
ASSETS = ("site.css", "site.js", "logo.svg")
OTHERS = "Files of the repository"


class Link(NamedTuple):
    """One line of the navigation, seen from a page."""

    title: str
    href: str
    here: bool


class Site:
    """All pages, found by following links from the navigation."""

    def __init__(self, root: Path = ROOT, nav: Path = tree.NAV) -> None:
        self.root = root
        self.sections: tuple[Section, ...] = tree.sections(nav, root)
        self.ordered = [page for section in self.sections for group in section.groups for page in group.pages]
        self.section_of = {page: section.title for section in self.sections for group in section.groups for page in group.pages}
        self.texts: dict[str, Text] = {}
        self.shown: set[str] = set()
        self.links: list[tuple[str, str, str]] = []
        self._read()

    def _read(self) -> None:
        waiting, seen = list(self.ordered), set(self.ordered)
        while waiting:
            name = waiting.pop()
            self.texts[name] = self._text(name)
            for target in sorted({to for source, to, _ in self.links if source == name}):
                if target.endswith(".md") and target not in seen:
                    seen.add(target)
                    waiting.append(target)
                elif not target.endswith(".md"):
                    self.shown.add(target)

    def _text(self, name: str) -> Text:
        def link(target: str) -> str:
            found = tree.resolve(target, name, self.root)
            if found.name:
                self.links.append((name, found.name, found.anchor))
            return found.address

        try:
            return render((self.root / name).read_text(encoding="utf-8"), link)
        except WrongText as fault:
            raise WrongText(f"{name}: {fault}") from fault

    def faults(self) -> list[str]:
        """Links to headings that are not there, two pages at one address, texts of docs/ and spec/ that nobody finds."""
        found = [
            f"{source}: the link to {to}#{anchor} names no heading"
            for source, to, anchor in self.links
            if anchor and to in self.texts and anchor not in self.texts[to].anchors
        ]
        places: dict[str, str] = {}
        for name in (*self.texts, *sorted(self.shown)):
            other = places.setdefault(tree.page_of(name, self.root).lower(), name)
            if other != name:
                found.append(f"{name} and {other} would be one page")
        lost = {path.relative_to(self.root).as_posix() for folder in ("docs", "spec") for path in (self.root / folder).rglob("*.md")} - set(self.ordered)
        return found + [f"{name} is not in docs/nav.toml" for name in sorted(lost)]

    def title(self, name: str) -> str:
        return self.texts[name].title or name

    def navigation(self, at: str, name: str) -> list[tuple[str, bool, list[tuple[str, list[Link]]]]]:
        """The sections as links from the page at ``at``; the one that holds the page is open."""
        found = []
        for section in self.sections:
            groups = [
                (group.title, [Link(self.title(page), tree.relative(tree.address(page), at), page == name) for page in group.pages]) for group in section.groups
            ]
            found.append((section.title, self.section_of.get(name) == section.title, groups))
        return found

    def around(self, name: str, at: str) -> tuple[Link | None, Link | None]:
        """The page before and the page after, in the order of the navigation."""
        if name not in self.section_of:
            return None, None
        place = self.ordered.index(name)
        before = self.ordered[place - 1] if place else ""
        after = self.ordered[place + 1] if place + 1 < len(self.ordered) else ""
        first, second = (Link(self.title(page), tree.relative(tree.address(page), at), here=False) if page else None for page in (before, after))
        return first, second

    def shown_as_it_is(self, name: str) -> Text:
        """The page of a folder, or of a file that is no text."""
        at = tree.page_of(name, self.root)
        if name.endswith("/"):
            rows = []
            for inner in tree.listing(name, self.root):
                known = inner in self.texts or inner in self.shown
                words = escape(inner.removeprefix(name))
                rows.append(f'<li><a href="{tree.relative(tree.page_of(inner, self.root), at)}">{words}</a></li>' if known else f"<li>{words}</li>")
            body = f"<p>A folder of the repository. What these pages speak of can be opened here; the rest is in a checkout.</p><ul>{''.join(rows)}</ul>"
        else:
            body = code((self.root / name).read_text(encoding="utf-8"), filename=Path(name).name)
        return Text(name, f"<h1><code>{escape(name)}</code></h1>{body}", (), frozenset())


def pages(site: Site) -> Iterator[tuple[str, bytes]]:
    """Every file of the site: its address and its bytes."""
    template = jinja2.Environment(loader=jinja2.FileSystemLoader(THEME), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True).get_template(
        "page.html"
    )
    assets = {name: (THEME / name).read_bytes() for name in ASSETS} | {"search-index.js": index(_searched(site)).encode()}
    # A changed style or script has another address, so that no browser shows a new page with an old one.
    mark = hashlib.sha256(b"".join(assets.values())).hexdigest()[:10]
    yield from ((f"assets/{name}", data) for name, data in assets.items())
    for name in (*site.texts, *sorted(site.shown)):
        at = tree.page_of(name, site.root)
        if name in site.shown and tree.is_raw(name, site.root):
            yield at, (site.root / name).read_bytes()
            continue
        text = site.texts.get(name) or site.shown_as_it_is(name)
        yield at, _framed(template, site, name, text, mark).encode()
    lost = Text("Not here", "<h1>Not here</h1><p>There is no such page. The search knows all of them.</p>", (), frozenset())
    yield "404.html", _framed(template, site, "", lost, mark, "404.html").encode()


def _searched(site: Site) -> Iterator[tuple[str, str, str, tuple[Heading, ...]]]:
    for name, text in site.texts.items():
        yield tree.address(name), text.title or name, site.section_of.get(name, OTHERS), text.headings


def _framed(template: jinja2.Template, site: Site, name: str, text: Text, mark: str, at: str = "") -> str:
    at = at or tree.page_of(name, site.root)
    before, after = site.around(name, at)
    home = tree.relative("index.html", at)
    return template.render(
        title=text.title,
        body=Markup(text.body),  # noqa: S704 - our own texts, rendered above
        section=site.section_of.get(name, OTHERS if name else ""),
        source=name,
        nav=site.navigation(at, name),
        contents=[heading for heading in text.headings if 1 < heading.level <= LEVEL_OF_ENTRIES],
        before=before,
        after=after,
        home=home,
        root=home.removesuffix("index.html"),
        mark=mark,
        version=__version__,
        is_home=at == "index.html",
    )


def make(target: Path, site: Site) -> int:
    """Write the site into a new folder beside ``target``, then put it in its place."""
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    count = 0
    for at, data in pages(site):
        path = fresh / at
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        count += at.endswith(".html")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return count


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.docsite", description="Make the documentation site.")
    parser.add_argument(
        "--to", type=Path, default=ROOT / "build" / "site", metavar="DIR", help="the folder in which this version is made, or replaced (build/site)"
    )
    asked = parser.parse_args(arguments)
    begun = time.monotonic()
    try:
        site = Site()
        faults = site.faults()
    except (BrokenLink, WrongText) as fault:
        faults = [str(fault)]
    for fault_found in faults:
        print(f"error: {fault_found}", file=sys.stderr)
    if faults:
        return 1
    count = make(asked.to / __version__, site)
    found = versions.write(asked.to)
    others = f"; beside it {', '.join(one for one in found if one != __version__)}" if len(found) > 1 else ""
    print(f"{count} pages of version {__version__} in {asked.to}, {time.monotonic() - begun:.1f} seconds{others}: open {asked.to}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
