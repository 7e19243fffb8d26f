"""``mpp registry login``."""

from __future__ import annotations

import os
import sys

import click

from mpp.author.keys import key_is_sealed
from mpp.cli.options import home, json_option, passphrase_option
from mpp.cli.registry.as_publisher import asking, SECOND
from mpp.cli.screen import note, put_json, say
from mpp.cli.store.registries import drop_login, load_config, put_login
from mpp.errors import Refused
from mpp.files import is_private, read_stream
from mpp.remote.config import Registry
from mpp.remote.limits import TOKEN_CHARS_MAX


@click.command(name="login")
@click.argument("name", required=False)
@click.option("--key", default="", metavar="FILE", type=click.Path(dir_okay=False), help="Sign each request with this release key.")
@click.option("--token-file", default="", metavar="FILE", help="Send the token on the first line of this file or pipe; - is standard input.")
@click.option("--site", is_flag=True, help="Open the registry's web site for yourself instead: print an address that logs a browser in, once.")
@passphrase_option
@click.option("--logout", is_flag=True, help="Forget how you logged in.")
@json_option
def command(name: str | None, key: str, token_file: str, site: bool, passphrase_file: str | None, logout: bool, as_json: bool) -> None:
    """Say with which key or token you ask a private registry (default: the usual one).

    A signed request is worth nothing to whoever overhears it, so a key is better than a token. Either is kept with the
    sealed secrets of this home, for this registry alone; it is sent to no other address, also not by a redirect. Without
    an option, your own release key is taken.

    With --site nothing is kept here: your key signs one request that names this registry and its address, and the address
    that is printed logs the browser that opens it in for an hour, to look and not to change. It works once, for two
    minutes. Nothing on a page is ever signed: a page that asks you to is not the registry's.

    \b
    Examples:
      mpp registry login corp
      mpp registry login corp --key ~/.mpp/keys/publisher.key
      mpp registry login corp --token-file - < token.txt
      mpp registry login corp --logout
      mpp registry login corp --site
      mpp registry login corp --site --key ~/.mpp/keys/second.key
    """
    config = load_config()
    one = config.named(name) if name else config.usual
    if site:
        _open_site(one, key, passphrase_file, alone=not (token_file or logout), as_json=as_json)
        return
    if sum((bool(key), bool(token_file), logout)) > 1:
        raise Refused("usage.option", "--key, --token-file and --logout exclude each other", hint="give one of them")
    if logout:
        done, how = drop_login(one), "nothing"
    elif token_file:
        put_login(one, f"token:{_token(token_file)}")
        done, how = True, "a token"
    else:
        put_login(one, f"key:{_key(key)}")
        done, how = True, "a key"
    if as_json:
        put_json({"ok": True, "registry": one.name, "registry_id": one.registry_id, "login": how, "changed": done})
        return
    say(f"{'Logged out of' if logout else 'Logged in to'} {one.name}" + ("." if logout else f" with {how}."))
    if not one.private and not logout:
        note(f"{one.name} is not marked as private: it is asked without. `mpp registry add {one.url} --name {one.name} --private` marks it.")


def _open_site(one: Registry, key: str, passphrase_file: str | None, *, alone: bool, as_json: bool) -> None:
    """The address is made here: a registry that would name another one gets no browser of ours."""
    if not alone:
        raise Refused("usage.option", "--site goes without --token-file and --logout", hint="give --site, and --key if it is another key")
    found = asking(one, os.path.expanduser(key) or None, passphrase_file, role=SECOND).site_entry()
    address = f"{one.url}/me/enter?code={found.code}"
    if as_json:
        put_json({"ok": True, "registry": one.name, "address": address, "expires_at": found.expires_at})
        return
    say(address)
    note("Open it in a browser within two minutes; it works once. Whoever opens it first is logged in as you, so pass it on to nobody.")


def _key(path: str) -> str:
    path = os.path.abspath(os.path.expanduser(path or os.path.join(home().keys, "publisher.key")))
    if not os.path.exists(path):
        raise Refused("usage.no_file", "there is no key file", where=path, hint="make keys with `mpp keygen`, or name your release key with --key")
    if key_is_sealed(path):
        note("The key has a passphrase: a serving host cannot ask for it, and will not follow this registry.")
    return path


def _token(path: str) -> str:
    """Never from an argument, which other users could see."""
    if path == "-":
        lines = sys.stdin.readline(TOKEN_CHARS_MAX + 2).splitlines()
    else:
        if os.path.isfile(path) and not is_private(path):
            note(f"warning: other users can read the token; run: chmod 600 {path}")
        lines = read_stream(path, TOKEN_CHARS_MAX).decode("ascii", "replace").splitlines()
    token = lines[0].strip() if lines else ""
    # Attack on oneself: a token with a space or a line end would be two headers.
    if not token or len(token) > TOKEN_CHARS_MAX or not token.isascii() or not token.isprintable() or " " in token:
        raise Refused("usage.registry", "there is no token on the first line", hint="give a file or a pipe whose first line is the token alone")
    return token
