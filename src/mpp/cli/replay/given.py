"""Options that name calls and servers, for the commands that make calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from mpp.cli.screen import note, safe
from mpp.errors import Refused
from mpp.host.replays.calls import Call, Recorded
from mpp.host.replays.limits import CALL_SECONDS
from mpp.host.replays.running import calls_of
from mpp.model.jsontext import read, shown

F = TypeVar("F", bound=Callable[..., object])

SECONDS_MAX = 600
"""Seconds that one call may be given. Reason: the most that a package may have, too."""

call_option = click.option("--call", "call_texts", multiple=True, metavar="TOOL=JSON", help="A call to make: the tool, and its arguments. May be repeated.")
calls_option = click.option(
    "--calls", "calls_file", default="", metavar="FILE", help="Calls to make: a line each, as in a recording; answers in it are passed over."
)
seconds_option = click.option(
    "--timeout",
    "seconds",
    type=click.IntRange(1, SECONDS_MAX),
    default=CALL_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long one answer may take.",
)
resume_option = click.option("--resume", is_flag=True, help="Go on with a file that was begun: what is in it is not asked again.")
server_argument = click.argument("server", nargs=-1, type=click.UNPROCESSED)


def read_calls(texts: tuple[str, ...], file: str) -> list[Call]:
    """Those of the file first, then those of the command line."""
    return [*(calls_of(file) if file else []), *map(_call, texts)]


def _call(text: str) -> Call:
    tool, _, written = text.partition("=")
    found = read(written.encode("utf-8"), family="call", where="--call") if written else {}
    if not tool or not isinstance(found, dict):
        raise Refused("usage.option", f"{shown(text)!r} is no call", where="--call", hint="""write a tool and an object: --call 'echo={"message": "hi"}'""")
    return Call(tool=tool, arguments=found)


def needs_server(server: tuple[str, ...]) -> tuple[str, ...]:
    if not server:
        raise Refused("usage.syntax", "no server is named", hint="write its command after two dashes: -- npx some-mcp-server")
    return server


def tell(number: int, answer: Recorded) -> None:
    """A line for whoever waits."""
    how = "an error" if answer.error is not None else "a result that says it failed" if answer.failed else "a result"
    note(f"{number:>5}  {safe(answer.call.tool)}: {how}")
