"""Completion in a shell: commands and options from their tables, and names of what this home has.

A shell asks on every press of a key, so commands are not imported for their names, nothing is written, nobody is asked, and whatever is wrong
in the home only means fewer words.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator

import click
from click.shell_completion import CompletionItem, get_completion_class, ShellComplete

from mpp.cli.app import app, COMMANDS
from mpp.cli.groups import Modules
from mpp.errors import MppError

ITEMS_MAX = 200
"""Words that are offered. Reason: a person reads a screen of them."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+/-]*")
"""What is offered at all. Attack: a name with a quote or a blank becomes part of a command line that a person then sends off."""

Source = Callable[[], Iterable[tuple[str, str]]]


def packages() -> Iterator[tuple[str, str]]:
    """Installed packages by alias and by id, with the version that is served."""
    from mpp.cli.options import home, trust_store  # noqa: PLC0415 - a shell that asks for an option needs no stores
    from mpp.host.store import PackageStore  # noqa: PLC0415
    from mpp.host.system import SystemClock  # noqa: PLC0415

    for row in PackageStore(home(), trust_store(), SystemClock()).all():
        if row.active:
            yield row.alias, f"{row.package_id} {row.version}"
            yield row.package_id, row.version


def publishers() -> Iterator[tuple[str, str]]:
    from mpp.cli.options import trust_store  # noqa: PLC0415 - as above

    for name, one in trust_store().load().publishers.items():
        yield name, one.chain.roots[-1].name


def pinned() -> Iterator[tuple[str, str]]:
    """What trust can be taken from: publishers and packages."""
    from mpp.cli.options import trust_store  # noqa: PLC0415 - as above

    yield from publishers()
    yield from ((name, "pinned") for name in trust_store().load().pins)


def questions() -> Iterator[tuple[str, str]]:
    """Calls that wait for an answer."""
    from mpp.cli.approval_home import opened, tenants  # noqa: PLC0415 - as above
    from mpp.cli.options import home  # noqa: PLC0415

    # To look must not make the store.
    if os.path.exists(home().approvals):
        with opened() as on:
            for tenant in tenants(on):
                yield from ((one.ref, f"{one.action.tool} of {one.action.package_id}") for one in on.approvals.pending(tenant, on.clock.now()))


def clients() -> Iterator[tuple[str, str]]:
    from mpp.host.clients.known import CLIENTS  # noqa: PLC0415 - as above

    yield from ((one.name, one.title) for one in CLIENTS)


def languages() -> Iterator[tuple[str, str]]:
    from mpp.author.languages.registry import NAMES as KNOWN  # noqa: PLC0415 - as above

    yield from ((name, "") for name in KNOWN)


def topics() -> Iterator[tuple[str, str]]:
    from mpp.cli.commands.help import TOPICS  # noqa: PLC0415 - as above

    yield from TOPICS.items()
    yield from COMMANDS.items()


def older_servers() -> Iterator[tuple[str, str]]:
    from mpp.cli.legacy.adding import around  # noqa: PLC0415 - as above

    yield from ((name, "") for name in around().store.load())


NAMES: dict[tuple[str, str], Source] = {
    ("run", "file"): packages, ("verify", "file"): packages, ("inspect", "file"): packages, ("update", "names"): packages, ("uninstall", "name"): packages,
    ("stop", "package"): packages, ("stop", "publisher"): publishers, ("policy explain", "package"): packages, ("trust remove", "what"): pinned, ("trust pin", "publisher"): publishers,
    ("install", "publisher"): publishers, ("approve answer", "ref"): questions, ("approve show", "ref"): questions, ("approve ask", "ref"): questions,
    ("connect", "client"): clients, ("protect", "client"): clients, ("init", "lang"): languages, ("help", "words"): topics,
    ("legacy show", "name"): older_servers, ("legacy test", "name"): older_servers, ("legacy approve", "name"): older_servers, ("legacy remove", "name"): older_servers,
}  # fmt: skip
"""What stands in an argument or an option of a command."""


def offered(source: Source, beginning: str) -> list[CompletionItem]:
    """The words of one source that begin so."""
    found: dict[str, str] = {}
    try:
        for word, about in source():
            if word.startswith(beginning) and _PLAIN.fullmatch(word) and len(found) < ITEMS_MAX:
                found.setdefault(word, "".join(one if one.isprintable() else "?" for one in about))
    except (MppError, OSError):
        # A damaged store is no matter of a press on the tabulator; the command itself will say it.
        pass
    return [CompletionItem(word, help=about or None) for word, about in found.items()]


class Completing(ShellComplete):
    """click's way through a command line, with our tables."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        try:
            return self._found(args, incomplete)
        except (MppError, click.ClickException):
            # Words before that are no command: nothing can be said about what follows.
            return []

    def _found(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import _resolve_context, _resolve_incomplete  # noqa: PLC0415 - the class that is replaced here uses them so

        context = _resolve_context(self.cli, self.ctx_args, self.prog_name, args)
        thing, incomplete = _resolve_incomplete(context, args, incomplete)
        path = context.command_path.partition(" ")[2]
        if isinstance(thing, click.Parameter):
            source = NAMES.get((path, thing.name or ""))
            found = offered(source, incomplete) if source else []
            # Files where nothing of that name is installed.
            return found or thing.shell_complete(context, incomplete) or ([CompletionItem(incomplete, type="file")] if _takes_files(thing) else [])
        if isinstance(thing, click.Group) and not incomplete.startswith("-"):
            return _commands(thing, context, path, incomplete)
        return thing.shell_complete(context, incomplete)


def _takes_files(thing: click.Parameter) -> bool:
    return thing.name in {"file", "files", "folder"}


def _commands(group: click.Group, context: click.Context, path: str, incomplete: str) -> list[CompletionItem]:
    """By the tables: to ask each command for its help would import all of them."""
    if group is app:
        listed = dict(COMMANDS)
    elif isinstance(group, Modules):
        listed = dict(group.listed)
    else:
        listed = {name: one.get_short_help_str(60) for name in group.list_commands(context) if (one := group.get_command(context, name)) is not None}
    found = [CompletionItem(name, help=about) for name, about in listed.items() if name.startswith(incomplete)]
    return [*found, *(offered(questions, incomplete) if path == "approve" else [])]


def variable_of(program: str) -> str:
    """The variable by which a shell asks ``program``."""
    return f"_{program.replace('-', '_').upper()}_COMPLETE"


def complete(program: str, instruction: str) -> int:
    """Answer a shell: its script (``bash_source``), or words (``bash_complete``)."""
    shell, _, what = instruction.partition("_")
    known = get_completion_class(shell)
    if known is None or what not in {"source", "complete"}:
        return 1
    ours: type[ShellComplete] = type(f"Our{known.__name__}", (Completing, known), {})
    found = ours(app, {}, program, variable_of(program))
    click.echo(found.source() if what == "source" else found.complete(), nl=what == "complete")
    return 0
