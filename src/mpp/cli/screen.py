"""How results and errors look. Untrusted text never reaches the terminal with control characters."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

import click

from mpp.errors import Fault, MppError
from mpp.model.jsontext import Json

FINE, WRONG, CAREFUL, HEADING = "green", "red", "yellow", "cyan"
"""The palette: what went well, what was refused or is broken, what a person should look at, and headings. Nothing else is coloured."""

TICK, CROSS = "✓", "✗"
PLAIN = {TICK: "+", CROSS: "x"}
"""What stands for the marks on a screen that has only ASCII."""


def safe(text: str) -> str:
    """``text`` as one line, without what could move the cursor, recolour the screen or reverse the reading direction.

    Attack: a file name or a manifest that holds a line break could show a verdict of its own.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else _number(ord(c)) for c in text)


def _number(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Styled(str):
    """Text that we coloured ourselves, after making it safe."""

    __slots__ = ()


def say(*parts: str) -> None:
    """One line on standard output. Only what ``styled`` made keeps its colour."""
    click.echo("".join(part if isinstance(part, Styled) else safe(part) for part in parts), color=colours())


def styled(text: str, colour: str, *, bold: bool = False) -> str:
    """Coloured when the terminal and NO_COLOR allow it."""
    return Styled(click.style(safe(text), fg=colour, bold=bold or None)) if colours() else text


def mark(sign: str) -> str:
    """A tick or a cross, coloured, in characters that the screen has."""
    try:
        sign.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return styled(PLAIN[sign], FINE if sign == TICK else WRONG)
    return styled(sign, FINE if sign == TICK else WRONG)


def colours(stream: TextIO | None = None) -> bool:
    """NO_COLOR is stronger than all; FORCE_COLOR colours what goes into a pipe, such as the log of a build that shows colours."""
    if os.environ.get("NO_COLOR"):
        return False
    forced = os.environ.get("FORCE_COLOR", "")
    if forced:
        return forced not in {"0", "false"}
    return (stream or sys.stdout).isatty() and os.environ.get("TERM") != "dumb"


_WORDS = {"error:": WRONG, "warning:": CAREFUL, "hint:": HEADING}
"""First words of a line whose kind a person should see at a glance."""


def note(text: str) -> None:
    """One line for the person, off the results. Its first word is coloured where that says what kind of line it is."""
    first, blank, rest = text.partition(" ")
    colour = _WORDS.get(first)
    if colour is not None and colours(sys.stderr):
        click.echo(click.style(first, fg=colour, bold=True) + blank + safe(rest), err=True, color=True)
    else:
        click.echo(safe(text), err=True)


def put_json(document: Json) -> None:
    """One object on standard output."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=True))


def fault_json(fault: Fault) -> dict[str, Json]:
    return {"code": fault.code, "where": fault.where, "message": fault.message, "hint": fault.hint}


def error_json(error: MppError) -> dict[str, Json]:
    rows: list[Json] = [*(fault_json(fault) for fault in error.faults)]
    return {**fault_json(error.faults[0]), "stage": error.stage, "check": error.check, "exit_code": error.exit_code, "faults": rows}


def complain(error: MppError, *, as_json: bool) -> None:
    """The error on the screen: what, where, and what to do next."""
    if as_json:
        put_json({"ok": False, "error": error_json(error)})
        return
    for line in fault_lines(error.faults):
        note(line)


def fault_lines(faults: Iterable[Fault]) -> list[str]:
    """Lines without a line break. Further lines of a message, as compilers write them, stand indented below."""
    lines: list[str] = []
    for fault in faults:
        where = f" ({fault.where})" if fault.where else ""
        first, *more = fault.message.expandtabs().rstrip("\n").split("\n")
        lines.append(f"error: {first}{where} [{fault.code}]")
        lines.extend(f"       {line}" for line in more)
        if fault.hint:
            lines.append(f"hint:  {fault.hint}")
    return lines


_ENDS = {
    FINE: ("ok", "allow", "allowed", "connected", "current", "active", "holds", "served", "yes", "done"),
    CAREFUL: ("ask", "asked", "question", "stop", "stopped", "stale", "yanked", "deprecated", "outdated", "not connected", "waiting"),
    WRONG: ("deny", "denied", "refused", "revoked", "quarantined", "damaged", "missing", "broken", "cannot be read", "NONE"),
}
_COLOUR_OF = {word: colour for colour, words in _ENDS.items() for word in words}
"""Words for how something stands. They are ours wherever ``ending`` is called; never the words of a package."""


def ending(word: str) -> str:
    """A word of ours for how something stands, in the colour of its kind."""
    colour = _COLOUR_OF.get(word)
    return styled(word, colour) if colour is not None else word


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def _columns(cell: str) -> int:
    """How wide ``cell`` is on the screen."""
    return len(_COLOURS.sub("", cell)) if isinstance(cell, Styled) else len(safe(cell))


def table(rows: Sequence[tuple[str, ...]], *, indent: str = "  ", head: bool = False) -> None:
    """Columns as wide as their widest cell. With ``head`` the first row says what they are."""
    widths = [max(_columns(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for place, row in enumerate(rows):
        parts: list[str] = [indent]
        for number, (cell, width) in enumerate(zip(row, widths, strict=True)):
            is_last = not any(row[number + 1 :])
            shown = styled(cell, HEADING) if head and place == 0 else cell
            parts += [shown] if is_last else [shown, " " * (width - _columns(cell)), "  "]
            if is_last:
                break
        say(*parts)
