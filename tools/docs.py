"""Check the texts: every relative link leads somewhere, every command and option that is named exists, the made pages are current.

A command is named where a code span or a line of a code block begins with ``mpp``.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import click

from tools import reference
from tools.tidy import ROOT, Finding

SKIPPED = frozenset((".git", ".venv", "build", "dist", "node_modules", "templates", "__pycache__", "vectors"))

_FENCE = re.compile(r"^ *(```|~~~).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]\n]*\]\(([^()\s]+)(?: +\"[^\"]*\")?\)|^\[[^\]]+\]: +(\S+)", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:")
_HEADING = re.compile(r"^#+ +(.+?) *#*$", re.MULTILINE)
_WORD = re.compile(r"[a-z][a-z0-9-]*")
_PROMPT = re.compile(r"^ *(?:\$ +)?(mpp .*)$", re.MULTILINE)


class Use(NamedTuple):
    """One command line as a text names it."""

    line: int
    text: str


def texts() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*.md")):
        if not SKIPPED.intersection(path.relative_to(ROOT).parts):
            yield path


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def broken_links(path: Path) -> Iterator[Finding]:
    """Relative links to a file that is not there, or to a heading that is not in it."""
    text = path.read_text(encoding="utf-8")
    prose = _SPAN.sub(_blank, _FENCE.sub(_blank, text))
    for match in _LINK.finditer(prose):
        target = match[1] or match[2]
        if not _ELSEWHERE.match(target):
            name, _, anchor = target.partition("#")
            there = path.parent / unquote(name) if name else path
            line = prose.count("\n", 0, match.start()) + 1
            if not there.exists():
                yield Finding(str(path), line, f"the link {target} leads nowhere")
            elif anchor and there.suffix == ".md" and anchor not in anchors(there.read_text(encoding="utf-8")):
                yield Finding(str(path), line, f"the link {target} names no heading")


def anchors(text: str) -> frozenset[str]:
    """The names that headings get: lower case, spaces to dashes, no punctuation."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(_FENCE.sub(_blank, text)))
    return frozenset(words)


def uses(text: str) -> Iterator[Use]:
    """The command lines that a text names."""
    for fence in _FENCE.finditer(text):
        for match in _PROMPT.finditer(fence[0]):
            yield Use(text.count("\n", 0, fence.start() + match.start()) + 1, match[1])
    for span in _SPAN.finditer(_FENCE.sub(_blank, text)):
        if span[1].startswith("mpp "):
            yield Use(text.count("\n", 0, span.start()) + 1, span[1])


def wrong_use(use: str, top: click.Command) -> str:
    """What in ``use`` does not exist: the first wrong command or option, or nothing."""
    # What stands behind "--" is another program's.
    words = re.split(r"\s+#|\s+→|\s--\s|[|;&>]", use)[0].replace("[", " ").replace("]", " ").split()[1:]
    command = top
    while words and isinstance(command, click.Group) and _WORD.fullmatch(words[0]):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return f"there is no command {words[0]!r}"
        command, words = found, words[1:]
    known = {
        "--help",
        *(name for option in command.params for name in (*option.opts, *option.secondary_opts)),
        *(name for option in top.params for name in option.opts),
    }
    named = (re.split(r"[=,]", word.rstrip(".,:)"))[0] for word in words if re.match(r"--?[a-z]", word))
    return next((f"{command.name} has no option {word}" for word in named if word not in known), "")


def wrong_uses(path: Path, top: click.Command, planned: frozenset[str]) -> Iterator[Finding]:
    for use in uses(path.read_text(encoding="utf-8")):
        first = (*use.text.split()[1:2], "")[0]
        fault = "" if first in planned else wrong_use(use.text, top)
        if fault:
            yield Finding(str(path), use.line, f"{textwrap.shorten(use.text, 60)}: {fault}")


PLANNED: frozenset[str] = frozenset()
"""Commands that texts may name before they exist; empty when all is built."""


def findings() -> list[Finding]:
    top = reference.find_command()
    found: list[Finding] = []
    for path in texts():
        found.extend(broken_links(path))
        if top is not None:
            found.extend(wrong_uses(path, top, PLANNED))
    found.extend(Finding(f"docs/reference/{name}", 1, "is out of date: run python -m tools.reference") for name in reference.stale())
    return found


def main() -> int:
    found = findings()
    for one in found:
        print(f"error: {one}", file=sys.stderr)
    if not found:
        print(f"docs: {sum(1 for _ in texts())} texts, all links and commands exist")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
