"""``mpp legacy add``."""

from __future__ import annotations

from dataclasses import replace

import click

from mpp.cli.agreeing import agreed, told, yes_option
from mpp.cli.calling import user_name
from mpp.cli.legacy.adding import around, logged_in, logged_out, look, says, server_of, Wish
from mpp.cli.legacy.shown import entry_json
from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, say, table
from mpp.errors import MppError, Refused
from mpp.host.legacy.looking import KIND, Seen
from mpp.host.legacy.types import Entry, Held, Login
from mpp.host.legacy.offers import PROMPT, RESOURCE, TEMPLATE
from mpp.host.legacy.pins import NEW
from mpp.host.legacy.shown import barrier_lines, callable_of, permissions
from mpp.host.sources.naming import public_name
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json


@click.command(name="add")
@click.argument("name")
@click.argument("words", nargs=-1, required=True, metavar="URL | -- COMMAND ARGS…")
@click.option("--read", "read", multiple=True, metavar="PATH", help="A folder or file that it may read. May be repeated.")
@click.option("--write", "write", multiple=True, metavar="PATH", help="A folder or file that it may change too. May be repeated.")
@click.option("--allow-host", "hosts", multiple=True, metavar="HOST:PORT", help="A host that it may reach, through the proxy of this host. May be repeated.")
@click.option("--env", "env", multiple=True, metavar="NAME", help="A variable that it is given; its value is stored with `mpp secret set NAME`.")
@click.option("--folder", default="", metavar="PATH", help="Start it in this folder, which it may read.")
@click.option("--header", "headers", multiple=True, metavar="HEADER", help="With an address: a header that carries a secret. May be repeated.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="Its secret, stored with `mpp secret set NAME --host … --header …`; one for each.")
@click.option("--oauth", is_flag=True, help="With an address: log in with OAuth 2.1, at the issuer that the server names.")
@click.option("--issuer", default="", metavar="URL", help="With --oauth: the issuer that you trust, where the server names several or none.")
@click.option("--client-id", default="", metavar="ID", help="With --oauth: as whom this host is registered there; without it, it registers itself.")
@click.option("--client-secret", default="", metavar="NAME", help="With --client-id: the client's secret, stored with `mpp secret set NAME`.")
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="With --oauth: what to ask for; what the server names without it. May be repeated.")
@click.option("--own", is_flag=True, help="With --client-secret: by the client's own right, without a person and a browser.")
@click.option("--unsandboxed", is_flag=True, help="Run it with all your rights. Recorded, and refused in fleet mode.")
@click.option("--no-start", is_flag=True, help="Do not start it now: its tools are pinned at the first list.")
@yes_option
@json_option
def command(
    name: str, words: tuple[str, ...], read: tuple[str, ...], write: tuple[str, ...], hosts: tuple[str, ...], env: tuple[str, ...], folder: str,
    headers: tuple[str, ...], secrets: tuple[str, ...], oauth: bool, issuer: str, client_id: str, client_secret: str, scopes: tuple[str, ...], own: bool, unsandboxed: bool, no_start: bool, yes: bool, as_json: bool,
) -> None:  # fmt: skip
    """Take an older MCP server in under NAME: a command after `--`, or the address of one over streamable HTTP.

    It gets an empty home, the system's folders to read, and what you name; nothing else of your files, and no host that you do
    not name. Files among the words of its command are shown to it. You see what it may use and agree; then it is started once,
    and each of its tools is pinned as it is described now. What it describes otherwise later is kept back until you look at it.

    ${NAME} in a word after the program, or behind the host of an address, stands for the value of a variable that --env names: it is
    put in at each start, and is kept nowhere but in `mpp secret`. A value for this server alone is stored as legacy-SERVER-NAME.

    With --oauth you see at which issuer you log in, and for what; after your yes its page is opened in a browser on this machine, by you.
    The tokens are sealed among the secrets of this home, renewed when they end, and never shown.

    \b
    Examples:
      mpp legacy add files --write ~/notes -- \\
          npx -y @modelcontextprotocol/server-filesystem@2025.8.21 ~/notes
      mpp legacy add weather --allow-host api.weather.gov:443 -- python3 weather.py
      mpp legacy add wiki https://mcp.example.com/mcp --header Authorization --secret WIKI_TOKEN
      mpp legacy add board https://mcp.example.com/mcp --oauth
      mpp legacy add crm --env CRM_KEY -- crm-server --key '${CRM_KEY}'

    \b
    Exit code:
      0   it was added
      1   it does not start, or this machine has nothing to hold it
      2   a name, path, host or command cannot be used
      3   a variable or secret is not stored
      22  nobody agreed
      30  it started, and did not speak as an MCP server does
    """
    wish = Wish(name=name, words=words, read=read, write=write, hosts=hosts, env=env, folder=folder, headers=headers, secrets=secrets, unsandboxed=unsandboxed)
    login = _login(oauth=oauth, of=Login(issuer=issuer, client_id=client_id, secret=client_secret, scopes=scopes, own=own))
    wish = replace(wish, login=login)
    clock = SystemClock()
    store, server = around().store, server_of(wish, by=user_name(), now=clock.now())
    if server.name in store.load():
        raise Refused("usage.legacy", f"there is a server {server.name!r} already", where="name", hint=f"remove it first: mpp legacy remove {server.name}")
    entry = Entry(server=server)
    if not as_json:
        table([*permissions(entry)], indent="")
    how = agreed(f"Start the older server {server.name}, which nobody verified, with that?", server.name, yes=yes)
    entry = replace(entry, server=replace(server, amr=how))
    seen = None if no_start else _looked(entry)
    if seen is not None:
        entry = _agreed_to(seen, yes=yes, as_json=as_json)
    store.put(entry)
    told(KIND, server.name, "added" if server.sandboxed else "added without a sandbox", how)
    _done(entry, seen, as_json=as_json)


def _login(*, oauth: bool, of: Login) -> Login | None:
    if not oauth and of != Login(issuer=""):
        raise Refused("usage.legacy", "what a login is like is said with --oauth", where="--oauth", hint="add --oauth, or leave the rest out")
    return of if oauth else None


def _looked(entry: Entry) -> Seen:
    """With a login before, where there is one; it is given back if nothing comes of it."""
    if entry.server.login is None:
        return look(entry)
    logged_in(entry.server, 0, show_page)
    try:
        return look(entry)
    except MppError:
        logged_out(entry.server)
        raise


def show_page(address: str) -> None:
    """On standard error: nobody pipes it away, and it is no result."""
    note("Open this page in a browser on this machine, and log in there:")
    note(address)


def _agreed_to(seen: Seen, *, yes: bool, as_json: bool) -> Entry:
    """With pins. What a person should look at is asked about; without a yes nothing is pinned, and nothing can be called."""
    remarks = seen.judged.remarks
    for one in remarks if not as_json else ():
        note(f"warning: {one}")
    if remarks and not yes:
        try:
            agreed(f"A model would read {len(remarks)} such places of this server. Take its tools all the same?", seen.judged.entry.server.name, yes=None)
        except Refused:
            kept = tuple(Held(name=one.name, why=NEW) for one in seen.judged.fresh)
            return replace(seen.judged.entry, pins=(), held=(*kept, *seen.judged.entry.held))
    return seen.judged.entry


def _done(entry: Entry, seen: Seen | None, *, as_json: bool) -> None:
    name = entry.server.name
    if as_json:
        remarks: list[Json] = [] if seen is None else [*seen.judged.remarks]
        put_json({"ok": True, "server": entry_json(entry, None if seen is None else seen.barriers), "remarks": remarks})
        return
    if seen is None:
        say(f"Added {name}. Its tools are pinned when it is listed first.")
        return
    tools = callable_of(entry)
    say(f"Added {name}, which calls itself {says(seen)!r}: {len(tools)} tools, not verified, pinned as they are described now.")
    table([(public_name(name, one), "") for one in tools])
    for kind, word in ((PROMPT, "prompts"), (RESOURCE, "resources"), (TEMPLATE, "templates of resources")):
        if others := callable_of(entry, kind):
            say(f"  {word}: {len(others)}")
    for held in entry.held:
        say(f"  kept back: {held.name}: {held.why}")
    table([*barrier_lines(seen.barriers)], indent="  ")
