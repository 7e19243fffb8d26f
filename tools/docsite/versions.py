"""The versions of the documentation that stand side by side: a folder for each, one list of them, and a page that leads to the newest.

What is there is what was made there: a version stays as long as its folder does.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

LIST = "versions.js"
"""A script and no JSON: a browser loads it from a folder on disk, too."""
PAGE = "versions.html"
VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-.]?(a|b|rc|dev|alpha|beta)[-.]?(\d{0,9}))?")


def newest_first(names: list[str]) -> list[str]:
    """Those that are versions; what is not finished yet comes after what is."""
    return sorted((name for name in names if VERSION.fullmatch(name)), key=_rank, reverse=True)


def _rank(name: str) -> tuple[int, int, int, int, str, int]:
    found = VERSION.fullmatch(name)
    if found is None:
        raise ValueError(name)
    major, minor, patch, kind, number = found.groups()
    return int(major), int(minor), int(patch), 0 if kind else 1, kind or "", int(number or 0)


def known(place: Path) -> list[str]:
    return newest_first([path.name for path in place.iterdir() if (path / "index.html").is_file()])


def write(place: Path) -> list[str]:
    """The list, the page with all of them, and the page that leads to the newest; the versions."""
    found = known(place)
    (place / LIST).write_text(f"window.mppVersions = {json.dumps(found)};\n", encoding="utf-8")
    rows = "\n".join(f'<li><a href="{escape(name)}/index.html">{escape(name)}</a>{" (the newest)" if name == found[0] else ""}</li>' for name in found)
    (place / PAGE).write_text(_page("Versions of the documentation", f"<ul>\n{rows}\n</ul>", found[0]), encoding="utf-8")
    to = f"{found[0]}/index.html"
    words = f'<p><a href="{escape(to)}">The newest, {escape(found[0])}</a></p>\n<p><a href="{PAGE}">All versions</a></p>'
    (place / "index.html").write_text(
        _page("MPP documentation", words, found[0], f'<meta http-equiv="refresh" content="0; url={escape(to)}">\n'), encoding="utf-8"
    )
    return found


def _page(title: str, body: str, newest: str, more: str = "") -> str:
    head = (
        f'<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n{more}'
    )
    sheet = f'<link rel="stylesheet" href="{escape(newest)}/assets/site.css">'
    return f'<!doctype html>\n<html lang="en">\n<head>\n{head}<title>{escape(title)}</title>\n{sheet}\n</head>\n<body>\n<main id="main">\n<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n'
