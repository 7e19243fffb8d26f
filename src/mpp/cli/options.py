"""Options that several commands share, and how a FILE argument is found."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from datetime import datetime, UTC
from typing import TypeVar

import click

from mpp.errors import Refused
from mpp.host.home import Home, find_home
from mpp.host.system import FixedClock, SystemClock
from mpp.model.names import version_key

F = TypeVar("F", bound=Callable[..., object])

PASSPHRASE_BYTES_MAX = 1024
"""Bytes of a passphrase file. Reason: a passphrase is a line of text."""

FOLDER_ENTRIES_MAX = 100_000
"""Entries of a folder searched for NAME-*.mpp. Reason: bounds a wrong working directory."""

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
now_option = click.option(
    "--now", "now", metavar="TIME", default=None, help="Judge as if it were this time: 2026-11-21, 2026-11-21T10:00:00Z or seconds since 1970."
)
passphrase_option = click.option(
    "--passphrase-file", type=click.Path(dir_okay=False), default=None, help="Read the passphrase from the first line of this file instead of asking."
)


def home() -> Home:
    return find_home(os.environ)


def clock(now: str | None) -> SystemClock | FixedClock:
    """The system clock, or the moment the user gave."""
    if now is None:
        return SystemClock()
    return FixedClock(parse_time(now))


def parse_time(text: str) -> int:
    """Seconds since 1970 from an ISO date, date and time, or a number."""
    if re.fullmatch(r"[0-9]{1,12}", text):
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("usage.time", f"{text!r} is no time", hint="write 2026-11-21, 2026-11-21T10:00:00Z or seconds since 1970") from None
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return int(aware.timestamp())


def show_time(moment: int) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def find_package(file: str | None) -> str:
    """The path a FILE argument means: itself, the newest NAME-*.mpp for NAME.mpp, or the project's own package."""
    if file is None:
        return _of_project()
    if os.path.exists(file):
        return file
    folder, name = os.path.split(file)
    newest = _newest(folder or ".", name.removesuffix(".mpp"))
    if newest is None:
        raise Refused("usage.no_file", f"there is no file {file!r}", hint="build it with `mpp build`, or check the path")
    return os.path.join(folder, newest)


def _of_project() -> str:
    from mpp.author.build import output_name  # noqa: PLC0415 - only authors need it
    from mpp.author.project import find_project  # noqa: PLC0415

    project = find_project(os.getcwd())
    if project is None:
        raise Refused("usage.no_file", "no FILE is given and this is no project folder", hint="give the path of a .mpp file, or go to a project")
    path = os.path.join(project.root, output_name(project))
    if not os.path.exists(path):
        raise Refused("usage.no_file", f"the project has no {os.path.basename(path)} yet", where=project.root, hint="run `mpp build` first")
    return os.path.relpath(path) if not os.path.relpath(path).startswith("..") else path


def _newest(folder: str, stem: str) -> str | None:
    """The highest version of ``stem`` in ``folder``; the version decides, not the file's time."""
    try:
        names = os.listdir(folder)[:FOLDER_ENTRIES_MAX]
    except OSError:
        return None
    found = [
        (key, name) for name in names if name.startswith(stem + "-") and name.endswith(".mpp") if (key := version_key(name[len(stem) + 1 : -4])) is not None
    ]
    return max(found)[1] if found else None


def read_passphrase(path: str | None, *, confirm: bool, what: str) -> bytes:
    """From a file, or from the terminal; never from an argument, which other users could see."""
    if path is not None:
        from mpp.files import read_bounded  # noqa: PLC0415

        lines = read_bounded(path, PASSPHRASE_BYTES_MAX).splitlines()
        if not lines or not lines[0]:
            raise Refused("usage.passphrase", "the passphrase file is empty", where=path, hint="put the passphrase on its first line")
        return lines[0]
    if not sys.stdin.isatty():
        raise Refused("usage.passphrase", f"{what} needs a passphrase and there is no terminal to ask", hint="give --passphrase-file")
    text: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return text.encode("utf-8")
