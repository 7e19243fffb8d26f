"""Options that several commands share, and how a FILE argument is found."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
from collections.abc import Callable
from datetime import datetime, UTC
from typing import TYPE_CHECKING, TypeVar

import click

from mpp.cli.screen import note, safe
from mpp.errors import HostFailed, MppError, Refused
from mpp.host.home import Home, find_home
from mpp.host.system import FixedClock, SystemClock
from mpp.model.jsontext import shown
from mpp.model.names import version_key

if TYPE_CHECKING:
    from mpp.host.trust_store import TrustStore

F = TypeVar("F", bound=Callable[..., object])

PASSPHRASE_BYTES_MAX = 1024
"""Bytes of a passphrase file. Reason: a passphrase is a line of text."""

FOLDER_ENTRIES_MAX = 100_000
"""Entries of a folder searched for NAME-*.mpp. Reason: bounds a wrong working directory."""

TIME_MAX = 253402300799
"""Latest time that can be given: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

SECONDS_MIN = 10**9
"""Least number that an option takes as seconds since 1970. Reason: a smaller one is a date without its dashes."""

NAME_COLUMNS = 60
"""Columns of a publisher's name on the screen. Reason: with the words before it, no line reaches 80 columns and wraps."""

EPOCH_VARIABLE = "SOURCE_DATE_EPOCH"

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
now_option = click.option(
    "--now", "now", metavar="TIME", default=None, help="Judge as if it were this time: 2026-11-21, 2026-11-21T10:00:00Z or seconds since 1970."
)
passphrase_option = click.option(
    "--passphrase-file", type=click.Path(dir_okay=False), default=None, help="Read the passphrase from the first line of this file or pipe instead of asking."
)


MACHINE_FOLDER = "/etc/mpp"
"""Where an administrator fixes the settings of a machine. Neither a variable nor an option names another."""


def home() -> Home:
    """``$MPP_HOME``; or the home that the administrator of this machine has fixed, wherever that variable leads."""
    fixed = _fixed_home()
    return Home(path=fixed) if fixed else find_home(os.environ)


def _has_settings() -> bool:
    # Most machines have none, and reading them brings the whole of policy, which `mpp verify` does without.
    return os.path.lexists(MACHINE_FOLDER) or "mpp.host.fleet" in sys.modules


def _fixed_home() -> str:
    if not _has_settings():
        return ""
    from mpp.host.fleet import fleet_settings, home_of  # noqa: PLC0415

    return home_of(fleet_settings())


def is_fleet() -> bool:
    """Is this machine one of a fleet, by its administrator's settings?"""
    if not _has_settings():
        return False
    from mpp.host.fleet import fleet_settings  # noqa: PLC0415

    return fleet_settings().is_fleet


def trust_store() -> TrustStore:
    """Whom this home trusts. On a machine of a fleet nobody is asked about a publisher."""
    from mpp.host.trust_store import TrustStore  # noqa: PLC0415 - brings the cryptography, which help texts do without

    return TrustStore(home().trust, known_only=is_fleet())


def here() -> str:
    """The current folder."""
    try:
        return os.getcwd()
    except OSError:
        raise HostFailed("host.file", "the folder you are in is no longer there", hint="go to another folder with cd") from None


def shorter(path: str) -> str:
    """``path`` as a person would write it from here."""
    try:
        found = os.path.relpath(path)
    except (OSError, ValueError):
        return path
    return path if found.startswith("..") or len(path) < len(found) else found


def in_shell(path: str) -> str:
    """``path`` as one word of a command that can be copied into a shell."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def plain(text: str, option: str, most: int) -> str:
    """Free text of an option: one printable line, because others will see it and it is signed."""
    from mpp.crypto.roots import is_plain_line  # noqa: PLC0415 - brings the cryptography, which help texts do without

    if len(text) > most or not text.isprintable() or not is_plain_line(text):
        message = f"{option} takes one line of at most {most} printable characters, words with one space between them"
        raise Refused("usage.text", message, hint="write it in plain letters")
    return text


def quoted(name: str, columns: int = NAME_COLUMNS) -> str:
    """A publisher's name between quotation marks, cut to ``columns``.

    Attack: a long name wraps, and its second half stands on a line of its own as if we had written it.
    """
    whole = safe(repr(name))
    room = columns - 2
    for kept, character in enumerate(whole):
        # Some characters take two columns; none takes more.
        room -= 1 if character.isascii() else 2
        if room < 0:
            return whole[:kept] + "…" + whole[0]
    return whole


def clock(now: str | None, where: str = "--now") -> SystemClock | FixedClock:
    """The system clock, or the moment the user gave."""
    if not now:
        return SystemClock()
    return FixedClock(parse_time(now, where))


def parse_time(text: str, where: str) -> int:
    """Seconds since 1970 from an ISO date (20261231 is one), date and time, or a number that can be nothing else."""
    wrong = Refused(
        "usage.time", f"{shown(text)!r} is no time", where=where, hint="write 2026-11-21, 2026-11-21T10:00:00Z or seconds since 1970, from 1000000000 on"
    )
    if re.fullmatch(r"[0-9]{1,12}", text) and (where == EPOCH_VARIABLE or int(text) >= SECONDS_MIN):
        moment = int(text)
    else:
        try:
            found = datetime.fromisoformat(text)
            moment = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            raise wrong from None
    if not 0 <= moment <= TIME_MAX:
        raise wrong
    return moment


def show_time(moment: int) -> str:
    return datetime.fromtimestamp(moment, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def find_package(file: str | None) -> str:
    """The path a FILE argument means: itself, the newest NAME-*.mpp for NAME.mpp, the package of a project folder, or what is installed under that name."""
    if file is None or os.path.isdir(file):
        return _of_project(file)
    if os.path.exists(file):
        return file
    folder, name = os.path.split(file)
    newest = newest_file(folder or ".", name.removesuffix(".mpp"))
    installed = "" if newest is not None or folder or name.endswith(".mpp") else _installed(name)
    if newest is None and not installed:
        hint = "build it with `mpp build`, check the path, or see `mpp list` for what is installed"
        raise Refused("usage.no_file", f"there is no file {shown(file)!r}", hint=_near_installed(name, folder) or hint)
    return installed or os.path.join(folder, newest or "")


def _near_installed(name: str, folder: str) -> str:
    """A package that is installed here and was perhaps meant, or a file that lies there."""
    from mpp.model.fields import near  # noqa: PLC0415 - only on a fault

    with contextlib.suppress(MppError, OSError):
        files = [one for one in os.listdir(folder or ".")[:FOLDER_ENTRIES_MAX] if one.endswith(".mpp")]
        guess = near(name, [*(_known_names() if not folder else ()), *files, *(one.partition("-")[0] for one in files)])
        return f"{guess} `mpp list` shows what is installed" if guess else ""
    return ""


def _known_names() -> set[str]:
    """Aliases and ids of what is installed."""
    if not os.path.exists(home().lockfile):
        return set()
    from mpp.host.store import PackageStore  # noqa: PLC0415 - most commands are given a file
    from mpp.host.system import SystemClock  # noqa: PLC0415

    return {name for row in PackageStore(home(), trust_store(), SystemClock()).all() for name in (row.package_id, row.alias)}


def _installed(name: str) -> str:
    """The file of an installed package, by alias or id, with or without ``@VERSION``; empty where there is none. It is verified like any other file."""
    if not os.path.exists(home().lockfile):
        return ""
    from mpp.host.store import PackageStore  # noqa: PLC0415 - most commands are given a file
    from mpp.host.system import SystemClock  # noqa: PLC0415

    store = PackageStore(home(), trust_store(), SystemClock())
    known = {name for row in store.all() for name in (row.package_id, row.alias)}
    return store.path(store.find(name)) if name.partition("@")[0] in known else ""


def _of_project(folder: str | None) -> str:
    from mpp.author.build import output_name  # noqa: PLC0415 - only authors need it
    from mpp.author.project import find_project, read_project  # noqa: PLC0415

    # A folder that is named means itself; only where none is named is the project looked for upwards.
    project = find_project(here()) if folder is None else read_project(folder) if os.path.isfile(os.path.join(folder, "manifest.json")) else None
    if project is None:
        what = "no FILE is given, and you are not in a project folder" if folder is None else f"{shown(folder)!r} is a folder, and no project"
        raise Refused("usage.no_file", what, hint="give the path of a .mpp file, or go to the folder that `mpp init` made")
    path = os.path.join(project.root, output_name(project))
    if not os.path.exists(path):
        raise Refused("usage.no_file", f"the project has no {os.path.basename(path)} yet", where=project.root, hint="run `mpp build` first")
    return shorter(path)


def newest_file(folder: str, stem: str) -> str | None:
    """The highest version of ``stem`` in ``folder``; the version decides, not the file's time."""
    try:
        names = os.listdir(folder)[:FOLDER_ENTRIES_MAX]
    except OSError:
        return None
    ours = (name for name in names if name.startswith(stem + "-") and name.endswith(".mpp") and os.path.isfile(os.path.join(folder, name)))
    found = [(key, name) for name in ours if (key := version_key(name[len(stem) + 1 : -4])) is not None]
    return max(found)[1] if found else None


def read_passphrase(path: str | None, *, confirm: bool, what: str) -> bytes:
    """From a file, or from the terminal; never from an argument, which other users could see."""
    if path is not None:
        from mpp.files import is_private, read_stream  # noqa: PLC0415

        if os.path.isfile(path) and not is_private(path):
            note(f"warning: other users can read the passphrase; run: chmod 600 {in_shell(path)}")
        lines = read_stream(path, PASSPHRASE_BYTES_MAX).splitlines()
        if not lines or not lines[0]:
            raise Refused("usage.passphrase", "the passphrase file is empty", where=path, hint="put the passphrase on its first line")
        return lines[0]
    if not sys.stdin.isatty():
        hint = "give --passphrase-file FILE" + (", or --no-passphrase for a key that lies open" if confirm else "")
        raise Refused("usage.passphrase", f"there is no terminal to ask for the passphrase of {what}", hint=hint)
    try:
        text: str = click.prompt(f"Passphrase for {safe(what)}", hide_input=True, confirmation_prompt=confirm, err=True)
        return text.encode("utf-8")
    except UnicodeError:
        raise Refused("usage.passphrase", "the passphrase is no readable text", hint="set the terminal to UTF-8, or give --passphrase-file") from None
