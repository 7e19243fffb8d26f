"""How an entry looks: one line in a list, all of it, and as JSON."""

from __future__ import annotations

import json

import click

from mpp.cli.options import show_time
from mpp.cli.screen import ending, say
from mpp.model.jsontext import Json
from mpp.stages.audit import Line, Told, told_of

KIND_COLUMNS = 16
"""Columns of the kind. Reason: the longest has as many."""

NAME_CHARS = 60
"""Characters of a name in a list. Reason: a name of a hostile entry must not push the rest off the screen."""

DIGEST_DIGITS = 12
"""Digits of a digest in a list. Reason: enough to tell them apart; `mpp audit show` has all."""

Facts = list[tuple[str, str]]


def line_json(line: Line) -> dict[str, Json]:
    return {
        "seq": line.seq, "at": line.at, "time": show_time(line.at), "kind": line.kind, "tenant": line.tenant, "invocation": line.invocation,
        "body": line.body, "commit": line.commit,
    }  # fmt: skip


def put_line_json(line: Line) -> None:
    """One object in one line."""
    click.echo(json.dumps(line_json(line), ensure_ascii=True))


def say_line(line: Line) -> None:
    kind, about = cut(line.kind, KIND_COLUMNS), in_short(line, told_of(line))
    say(f"{line.seq:>8}  {show_time(line.at)}  ", ending(kind), (" " * (KIND_COLUMNS - len(kind)) + f"  {about}").rstrip())


def in_short(line: Line, said: Told) -> str:
    """What an entry says, in the order in which one asks."""
    what = "/".join(cut(one) for one in (said.package, said.tool) if one)
    end = said.outcome or said.code or said.effect
    parts = [
        what,
        f"agent {cut(said.agent)}" if said.agent else "",
        cut(end),
        f"by {cut(', '.join(said.approvers))}" if said.approvers else "",
        f"hosts {cut(', '.join(said.hosts))}" if said.hosts else "",
        f"risk {said.risk}" if said.risk is not None and line.kind == "decision" else "",
        f"[call {line.invocation[:8]}]" if line.invocation else "",
    ]
    return "  ".join(part for part in parts if part)


def cut(text: str, most: int = NAME_CHARS) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def flat(found: Json, path: str = "") -> Facts:
    """A body as rows of a path and a value."""
    if isinstance(found, dict) and found:
        return [row for key, item in found.items() for row in flat(item, f"{path}.{key}" if path else key)]
    if isinstance(found, list) and any(isinstance(item, (dict, list)) for item in found):
        return [row for number, item in enumerate(found) for row in flat(item, f"{path}[{number}]")]
    if isinstance(found, list):
        return [(path, ", ".join(str(item) for item in found) or "none")]
    return [(path, found if isinstance(found, str) else json.dumps(found))]
