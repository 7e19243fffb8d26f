"""``mpp secret``."""

from __future__ import annotations

import os
import shlex
import shutil
import sys

import click

from mpp.cli.options import home, in_shell, json_option, show_time
from mpp.cli.screen import note, put_json, safe, say, table
from mpp.errors import Refused
from mpp.files import is_private, read_stream
from mpp.host.secret_entry import SECRET_BYTES_MAX, SecretEntry, binding_words, make_entry, same_binding
from mpp.host.secret_store import SecretStore, open_secrets
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json

STAND_IN = "x"
"""Stands for a value that is not there yet, so that everything else is judged before somebody is asked for it."""


@click.group(name="secret", no_args_is_help=True, short_help="Store the secrets and settings that tools may use.")
def command() -> None:
    """Store the secrets and settings that tools may use.

    A secret with a host and a header is put into requests to that host by MPP itself; the tool never sees it. Without
    them it is the value of an environment variable that a package declares, and the tool can read it.

    \b
    Examples:
      mpp secret set CRM_TOKEN --host api.example.com --header Authorization
      mpp secret set REGION --stdin < region.txt
      mpp secret list
      mpp secret rm CRM_TOKEN
    """


@command.command(name="set", short_help="Store a value, or the command that prints it.")
@click.argument("name")
@click.argument("more", nargs=-1, metavar=" ")
@click.option("--host", default="", metavar="H[:PORT]", help="Send it to this host only; needs --header.")
@click.option("--header", default="", metavar="X", help="Send it in this header only; needs --host.")
@click.option(
    "--package", "packages", multiple=True, metavar="ID", help="Keep it for this package; may be given again. [default: any that a person consents to]"
)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the value from standard input.")
@click.option("--file", "file", type=click.Path(dir_okay=False), default=None, help="Read the value from this file or pipe.")
@click.option("--command", "program", default="", metavar="CMD", help="Store this command; it prints the value each time it is needed.")
@click.option("--replace", is_flag=True, help="Replace what is stored under the name together with its host, header and packages.")
@json_option
def set_(
    name: str,
    more: tuple[str, ...],
    host: str,
    header: str,
    packages: tuple[str, ...],
    from_stdin: bool,
    file: str | None,
    program: str,
    replace: bool,
    as_json: bool,
) -> None:
    """Store a value under NAME. It is asked for on the terminal, unless --stdin, --file or --command says where it is.

    A value cannot stand on the command line: it would be in the history of the shell and in the list of processes.
    For a name that is stored already, a new value alone keeps the binding; another binding needs --replace.

    \b
    Examples:
      mpp secret set CRM_TOKEN --host api.example.com --header Authorization --package com.example.crm
      mpp secret set CRM_TOKEN --command "pass show crm/token"
    """
    if more:
        # Attack on oneself: the usual answer to a word too many would show it once more.
        message = "a value cannot stand on the command line: other users saw it there, and the shell keeps it"
        raise Refused("usage.secret", message, hint="take a new value if this one was real, then give the name alone, --stdin or --file FILE")
    if sum((from_stdin, file is not None, bool(program))) > 1:
        raise Refused("usage.option", "--stdin, --file and --command exclude each other", hint="give one of them")
    store, now, kind = open_secrets(home()), SystemClock().now(), "command" if program else "literal"
    known = store.load().get(name)
    if known is not None and not (host or header or packages or replace):
        host, header, packages = known.host, known.header, known.packages
    wanted = make_entry(name, STAND_IN, created=now, kind=kind, host=host, header=header, packages=packages)
    if known is not None and not replace and not same_binding(known, wanted):
        raise Refused("secret.exists", f"the secret is stored already, {binding_words(known)}", where=name, hint="give --replace to bind it anew")
    text = _program(program, name) if program else _value(name, file, from_stdin=from_stdin)
    entry = make_entry(name, text, created=now, kind=kind, host=wanted.host, header=wanted.header, packages=wanted.packages)
    store.put(entry, replace=replace)
    if as_json:
        put_json({"ok": True, "changed": name, "secret": _shown(entry), "key": store.key_source})
        return
    say(f"Stored {name}, {binding_words(entry)}.")
    if not entry.host:
        note("A tool that is given it can read it. With --host and --header MPP sends it and the tool never sees it.")
    note("See `mpp secret list`.")


def _value(name: str, file: str | None, *, from_stdin: bool) -> str:
    """The value, without the one line end that editors and echo put at its end."""
    if from_stdin:
        data = sys.stdin.buffer.read(SECRET_BYTES_MAX + 3)
    elif file is not None:
        if os.path.isfile(file) and not is_private(file):
            note(f"warning: other users can read the secret; run: chmod 600 {in_shell(file)}")
        data = read_stream(file, SECRET_BYTES_MAX + 2)
    else:
        return _asked(name)
    try:
        return data.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("secret.value", "the secret is not UTF-8 text", where=name, hint="store it in a text form such as base64") from None


def _asked(name: str) -> str:
    if not sys.stdin.isatty():
        hint = "give --stdin, --file FILE or --command CMD"
        raise Refused("usage.secret", "there is no terminal to ask for the value", where=name, hint=hint)
    try:
        text: str = click.prompt(f"Value of {safe(name)} (not shown)", hide_input=True, confirmation_prompt=True, err=True)
    except UnicodeError:
        raise Refused("usage.secret", "what was typed is no readable text", where=name, hint="set the terminal to UTF-8, or give --stdin") from None
    return text


def _program(written: str, name: str) -> str:
    """The words of the command, the program by its full path.

    Attack: a program of the same name that lies earlier in the path on the day the secret is needed.
    """
    try:
        words = shlex.split(written)
    except ValueError:
        raise Refused("usage.option", "--command has an open quotation mark", where=name, hint="close it, or escape it with a backslash") from None
    found = shutil.which(words[0]) if words else None
    if found is None:
        raise Refused("usage.option", "--command names no program that is here", where=name, hint="give its full path")
    return shlex.join([os.path.abspath(found), *words[1:]])


@command.command(name="list", short_help="Show which secrets are stored, never their values.")
@json_option
def list_(as_json: bool) -> None:
    """Show which secrets are stored, where each may go, and since when. Values are never shown.

    \b
    Example:
      mpp secret list --json
    """
    store: SecretStore = open_secrets(home())
    entries = [entry for _, entry in sorted(store.load().items())]
    if as_json:
        rows: list[Json] = [_shown(entry) for entry in entries]
        put_json({"ok": True, "file": store.path, "key": store.key_source, "secrets": rows})
        return
    if not entries:
        say("No secret is stored yet. `mpp secret set NAME` stores one.")
        return
    table([(entry.name, entry.kind, show_time(entry.created), binding_words(entry)) for entry in entries], indent="")


def _shown(entry: SecretEntry) -> Json:
    # Neither the value nor its length, nor a digest: short ones could be guessed from it. A command may hold a secret too.
    packages: list[Json] = [*entry.packages]
    return {"name": entry.name, "kind": entry.kind, "host": entry.host, "header": entry.header, "packages": packages, "created": entry.created}


@command.command(short_help="Remove a secret.")
@click.argument("name")
@json_option
def rm(name: str, as_json: bool) -> None:
    """Remove what is stored under NAME.

    \b
    Example:
      mpp secret rm CRM_TOKEN
    """
    open_secrets(home()).remove(name)
    if as_json:
        put_json({"ok": True, "changed": name})
        return
    say(f"Removed {name}.")
    note("It stays valid where it was used; revoke it there too if it may be known to others.")
