"""``mpp help``: topics, codes, commands, and the manual page."""

from __future__ import annotations

import os

import click

from mpp.cli.explained import code_text, exit_codes_text
from mpp.cli.options import json_option
from mpp.cli.screen import put_json, say
from mpp.errors import Refused
from mpp.files import take
from mpp.limits import KIB
from mpp.model.fields import near
from mpp.model.jsontext import shown

TOPICS = {
    "start": "From nothing to a tool that an agent calls.",
    "trust": "Whom this machine believes.",
    "approval": "What needs a person.",
    "policy": "Who may run what.",
    "privacy": "What an agent never sees.",
    "record": "What happened, and how to prove it.",
    "registry": "Where packages come from by name.",
    "environment": "Variables that MPP reads.",
    "files": "What lies in $MPP_HOME.",
    "exit-codes": "What the number at the end of a command says.",
    "completion": "Completion in your shell, and the manual page.",
}
"""Each topic with a line about it. Its text is a file beside this package, but for exit-codes, which is made of the table of codes."""

TOPIC_BYTES_MAX = 16 * KIB
"""Bytes of one topic. Reason: a screen or two of text."""


@click.command(name="help")
@click.argument("words", nargs=-1, metavar="[TOPIC|CODE|COMMAND...]")
@click.option("--man", is_flag=True, help="Print a manual page of all commands, as man(1) reads it.")
@json_option
@click.pass_context
def command(context: click.Context, words: tuple[str, ...], man: bool, as_json: bool) -> None:
    """Explain a topic, a code of an error, or a command.

    \b
    Examples:
      mpp help
      mpp help trust
      mpp help publisher.unknown
      mpp help policy explain
      mpp help --man > mpp.1

    \b
    Exit code:
      0  there is such a topic, code or command
      2  there is not
    """
    root = context.find_root()
    if man:
        from mpp.cli.manual import manual  # noqa: PLC0415 - it loads every command

        text = manual(root)
    else:
        text = _explained(root, words)
    if as_json:
        put_json({"ok": True, "topic": " ".join(words) or ("man" if man else "help"), "text": text})
        return
    for line in text.rstrip("\n").split("\n"):
        say(line)


def _explained(root: click.Context, words: tuple[str, ...]) -> str:
    if not words:
        return _overview()
    if len(words) == 1 and words[0] in TOPICS:
        return topic_text(words[0])
    if len(words) == 1 and "." in words[0]:
        return code_text(words[0])
    return _command_text(root, words)


def _overview() -> str:
    rows = [f"  {name:<12} {about}" for name, about in TOPICS.items()]
    return "\n".join([
        "Topics:", *rows, "",
        "mpp help TOPIC          one of these",
        "mpp help CODE           what an error means, such as publisher.unknown",
        "mpp help COMMAND        the same as mpp COMMAND --help",
        "mpp --help              all commands",
    ])  # fmt: skip


def topic_text(name: str) -> str:
    if name == "exit-codes":
        return exit_codes_text()
    path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "topics", f"{name}.txt")
    return bytes(take(path, TOPIC_BYTES_MAX)).decode("utf-8")


def _command_text(root: click.Context, words: tuple[str, ...]) -> str:
    """What ``--help`` says of it. A word that is no command may be a topic."""
    context, found = root, root.command
    for word in words:
        inner = found.get_command(context, word) if isinstance(found, click.Group) else None
        if inner is None:
            known = [*TOPICS, *found.list_commands(context)] if isinstance(found, click.Group) else []
            hint = near(word, known) or "`mpp help` lists the topics, `mpp --help` the commands"
            raise Refused("usage.command", f"there is no topic, code or command {shown(' '.join(words))!r}", hint=hint)
        context = click.Context(inner, info_name=word, parent=context)
        found = inner
    return found.get_help(context)
