"""Which files of the repository become pages of the site, and where each link goes.

Texts become pages. A file that a text links to and that is no text becomes a page that shows it; a folder becomes a list of what is in it.
So no link leads out of the site, and none needs a host that might not be there.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from tools.tidy import ROOT

NAV = ROOT / "docs" / "nav.toml"
SHOWN_BYTES_MAX = 60_000
"""Bytes. Reason: a larger file makes a page that nobody reads and that is slow to open; it is copied as it is."""
ALIKE = frozenset((".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp"))
"""Pictures: they are copied."""
HIDDEN = frozenset(("__pycache__", "node_modules", "build", "dist", "target"))


class Group(NamedTuple):
    """Some pages of a section, under a heading of their own or none."""

    title: str
    pages: tuple[str, ...]


class Section(NamedTuple):
    """One part of the navigation."""

    title: str
    groups: tuple[Group, ...]


class BrokenLink(Exception):
    """A link that leads nowhere. The site is not made with one."""


def sections(path: Path = NAV, root: Path = ROOT) -> tuple[Section, ...]:
    """The navigation as docs/nav.toml has it; a pattern stands for all pages that fit, in the order of their names."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(_section(one, root) for one in table["section"])


def _section(table: dict[str, object], root: Path) -> Section:
    own = [table] if "pages" in table else []
    inner = table.get("group", [])
    groups = [*own, *(inner if isinstance(inner, list) else [])]
    return Section(str(table["title"]), tuple(Group("" if one is table else str(one["title"]), tuple(_pages(one["pages"], root))) for one in groups))


def _pages(patterns: object, root: Path) -> Iterator[str]:
    for pattern in patterns if isinstance(patterns, list) else ():
        found = sorted(path.relative_to(root).as_posix() for path in root.glob(pattern))
        if not found:
            raise BrokenLink(f"docs/nav.toml names {pattern}, which is not there")
        yield from found


@cache
def address(name: str) -> str:
    """Where a file or folder of the repository stands in the site."""
    path = PurePosixPath(name)
    if path.suffix in ALIKE:
        return f"files/{name}"
    if path.suffix != ".md":
        return f"files/{name}.html"
    inner = path.relative_to("docs") if path.parts[0] == "docs" else path
    is_main = path.parts[0] in {"docs", "spec", "rfcs"} or len(path.parts) == 1
    stem = "index" if inner.name == "README.md" and len(inner.parts) > 1 else inner.stem.lower() if len(path.parts) == 1 else inner.stem
    page = (inner.parent / f"{stem}.html").as_posix()
    return page if is_main else f"files/{page}"


class Target(NamedTuple):
    """What a link means: a file or folder of the repository (or "" for an address elsewhere), the address to write, and its anchor."""

    name: str
    address: str
    anchor: str


def resolve(link: str, source: str, root: Path = ROOT) -> Target:
    """A link in the text ``source``. Relative links must lead to a file or folder of this repository."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return Target("", link, "")
    name = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(parts.path))) if parts.path else source
    there = root / name
    if name.startswith("..") or not there.exists():
        raise BrokenLink(f"{source}: the link {link} leads nowhere")
    if there.is_dir() and (there / "README.md").is_file():
        name = posixpath.join(name, "README.md")
    elif there.is_dir():
        name += "/"
    return Target(name, relative(page_of(name, root), address(source)) + (f"#{parts.fragment}" if parts.fragment else ""), parts.fragment)


def page_of(name: str, root: Path = ROOT) -> str:
    if name.endswith("/"):
        return f"files/{name}index.html"
    if is_raw(name, root):
        return f"files/{name}"
    return address(name)


def is_raw(name: str, root: Path = ROOT) -> bool:
    """Is the file copied as it is: a picture, too long, or no text."""
    path = root / name
    if path.suffix == ".md" or name.endswith("/"):
        return False
    return path.suffix in ALIKE or path.stat().st_size > SHOWN_BYTES_MAX or b"\0" in path.read_bytes()


def relative(to: str, at: str) -> str:
    """From the page ``at`` up to the top of the site, and down again."""
    return "../" * at.count("/") + quote(to)


def listing(name: str, root: Path = ROOT) -> list[str]:
    """What is in a folder, folders first."""
    inner = [path for path in (root / name).iterdir() if not path.name.startswith(".") and path.name not in HIDDEN]
    return [path.relative_to(root).as_posix() + ("/" if path.is_dir() else "") for path in sorted(inner, key=lambda path: (path.is_file(), path.name))]
