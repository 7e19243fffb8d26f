"""The manual page, made of what each command says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from importlib.metadata import version

import click

_START = re.compile(r"^(?=[.'])")


def manual(root: click.Context) -> str:
    """All commands in one page."""
    lines = [
        f'.TH MPP 1 "" "mpp {version("model-package-protocol")}" "Model Package Protocol"',
        ".SH NAME",
        "mpp \\- make, check, run and serve tools of agents as signed packages",
        ".SH SYNOPSIS",
        ".B mpp",
        "COMMAND [OPTIONS] [ARGUMENTS]",
        ".SH DESCRIPTION",
        *_text(root.command.help or ""),
        ".SH COMMANDS",
        *_commands(root, "mpp"),
        ".SH SEE ALSO",
        "mpp help TOPIC",
    ]
    return "\n".join(lines) + "\n"


def _commands(context: click.Context, path: str) -> Iterator[str]:
    group = context.command
    if not isinstance(group, click.Group):
        return
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if found is None:
            continue
        inner = click.Context(found, info_name=name, parent=context)
        words = " ".join((path, name, *found.collect_usage_pieces(inner)))
        yield f".SS {_safe(words)}"
        yield from _text(found.help or "")
        yield from _options(found, inner)
        yield from _commands(inner, f"{path} {name}")


def _options(found: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in found.get_params(context):
        row = parameter.get_help_record(context)
        if row is not None and isinstance(parameter, click.Option):
            yield from (".TP", f".B {_safe(row[0])}", _safe(" ".join(row[1].split())))


def _text(text: str) -> Iterator[str]:
    """Paragraphs; those behind a ``\\b`` keep their lines."""
    for paragraph in cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b"):
            yield from (".PP", ".nf", *map(_safe, paragraph.split("\n")[1:]), ".fi")
        elif paragraph.strip():
            yield from (".PP", _safe(" ".join(paragraph.split())))


def _safe(text: str) -> str:
    """A line that the formatter takes as it stands."""
    plain = text.replace("\\", r"\e").replace("-", r"\-")
    return _START.sub(r"\\&", "".join(one if one.isascii() else f"\\[u{ord(one):04X}]" for one in plain))
