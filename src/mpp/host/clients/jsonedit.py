"""Adding members to an object of a JSON text, and taking some out, by place: every other byte stays, comments too."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TypeAlias

from mpp.host.clients.jsonspan import Node, TRIVIA, Tree
from mpp.model.jsontext import Json

_SAME_LINE = re.compile(r"(?:[ \t]*+(?://[^\r\n]*+|/\*[^*\r\n]*+(?:\*(?!/)[^*\r\n]*+)*\*/))*")
"""Comments that stand on the line of what they follow."""

_SPACE = re.compile(r"[ \t\r\n]*")
_LINE_END = re.compile(r"[ \t]*(?:\r?\n|//)")

Edit: TypeAlias = tuple[int, int, str]
"""From, to, and what stands there instead."""


def edited(text: str, edits: list[Edit]) -> str:
    """``text`` after all edits, none of which reaches into another."""
    for start, end, new in sorted(edits, key=lambda one: one[:2], reverse=True):
        text = text[:start] + new + text[end:]
    return text


class Style:
    """How a document is written: its line ends, its indentation, or all on one line."""

    def __init__(self, tree: Tree) -> None:
        text, root = tree.text, tree.root
        body = text[root.start : root.end]
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.compact = "\n" not in body and bool(root.members)
        self.separators = (", ", ": ")
        if self.compact:
            self.separators = (", " if ", " in body else ",", ": " if ": " in body else ":")
        self.unit = "  "
        for one in root.members:
            lead = text[text.rfind("\n", 0, one.start) + 1 : one.start]
            if lead and not lead.strip(" \t"):
                self.unit = lead
                break


def indent_at(text: str, at: int) -> str:
    """The white space with which the line of ``at`` begins."""
    start = text.rfind("\n", 0, at) + 1
    found = re.compile(r"[ \t]*").match(text, start)
    return found[0] if found else ""


def with_member(tree: Tree, holder: Node, key: str, item: Json, style: Style) -> str:
    """The text with ``key`` as the last member of ``holder``."""
    name = json.dumps(key, ensure_ascii=False)
    if _on_one_line(tree, holder, style):
        return with_raw_member(tree, holder, name + style.separators[1] + json.dumps(item, ensure_ascii=False, separators=style.separators), style)
    lines = json.dumps(item, ensure_ascii=False, indent=style.unit).split("\n")
    inner = style.newline + indent_at(tree.text, holder.start) + style.unit
    return with_raw_member(tree, holder, f"{name}: {inner.join(lines)}", style)


def _on_one_line(tree: Tree, holder: Node, style: Style) -> bool:
    return style.compact or (bool(holder.members) and "\n" not in tree.text[holder.start : holder.end])


def with_raw_member(tree: Tree, holder: Node, member: str, style: Style) -> str:
    """The same for a ``"key": value`` that stands ready as text."""
    text = tree.text
    one_line = _on_one_line(tree, holder, style)
    outer = indent_at(text, holder.start)
    lead = "" if one_line else style.newline + outer + style.unit
    if not holder.members:
        return _into_empty(text, holder, member, lead, "" if one_line else style.newline + outer)
    last = holder.members[-1]
    has_comma = last.comma >= 0
    after = last.comma + 1 if has_comma else last.node.end
    found = _SAME_LINE.match(text, after)
    at = found.end() if found else after
    piece = (lead or style.separators[0][1:]) + member
    if has_comma:
        return edited(text, [(at, at, piece + ",")])
    return edited(text, [(at, at, "," + piece)] if at == after else [(after, after, ","), (at, at, piece)])


def _into_empty(text: str, holder: Node, member: str, lead: str, tail: str) -> str:
    inside = text[holder.start + 1 : holder.end - 1]
    if not inside.strip():
        return edited(text, [(holder.start + 1, holder.end - 1, lead + member + tail)])
    # Comments stay; a comment to the end of the line is followed by one.
    kept = len(inside.rstrip())
    rest = inside[kept:]
    return edited(text, [(holder.start + 1 + kept, holder.end - 1, (lead or " ") + member + (rest if "\n" in rest or not tail else tail))])


def without_members(tree: Tree, gone: Iterable[tuple[Node, frozenset[str]]]) -> str:
    """The text without these members of these objects, none of which lies in another. Comments stay where they were."""
    return edited(tree.text, [edit for holder, keys in gone for edit in _taken_out(tree.text, holder, keys)])


def _taken_out(text: str, holder: Node, keys: frozenset[str]) -> list[Edit]:
    kept = [one for one in holder.members if one.key not in keys]
    cuts = [cut for index, one in enumerate(holder.members) if one.key in keys for cut in _cuts(text, holder, index)]
    if kept and holder.members[-1].key in keys and holder.members[-1].comma < 0:
        cuts.append((kept[-1].comma, kept[-1].comma + 1))
    edits = [(start, end, _left(text, start, end)) for start, end in _joined(cuts)]
    start, end = holder.start + 1, holder.end - 1
    inside = edited(text[start:end], [(at - start, to - start, new) for at, to, new in edits])
    return edits if kept or inside.strip() or not cuts else [(start, end, "")]


def _joined(cuts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Cuts that touch, as one."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(cuts):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _left(text: str, start: int, end: int) -> str:
    """What stays of a cut: the line end after a comment, where something else than a line end would follow it."""
    is_after_comment = "//" in text[text.rfind("\n", 0, start) + 1 : start]
    if not is_after_comment or _LINE_END.match(text, end):
        return ""
    found = _SPACE.match(text, start, end)
    return found[0] if found else ""


def _cuts(text: str, holder: Node, index: int) -> list[tuple[int, int]]:
    """What goes with one member: itself, its comma, and the white space before it where nothing follows on its line."""
    one = holder.members[index]
    end = one.node.end
    last = one.comma + 1 if one.comma >= 0 else end
    found = TRIVIA.match(text, last)
    following = found.end() if found else last
    has_line_end = "\n" in text[last:following]
    start = len(text[: one.start].rstrip(" \t\r\n"))
    if not has_line_end and text[following : following + 1] != "}":
        # The next member stands on the same line: the white space in front stays, that behind goes.
        start, last = one.start, last + len(text[last:following]) - len(text[last:following].lstrip(" \t"))
    if one.comma >= 0 and text[end : one.comma].strip():
        return [(start, end), (one.comma, last)]
    return [(start, last)]
