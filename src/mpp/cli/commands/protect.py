"""``mpp protect``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import agreed, told, yes_option
from mpp.cli.calling import user_name
from mpp.cli.clients.checking import check
from mpp.cli.clients.here import client_for, config_option, files_of, given_of, tools
from mpp.cli.clients.pinning import pin
from mpp.cli.clients.plans import plan_json, servers, show_plan
from mpp.cli.options import json_option
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.host.clients.book import Book, Given
from mpp.host.clients.known import Client, find_client
from mpp.host.clients.planning import Plan
from mpp.host.clients.protection import Protection
from mpp.model.jsontext import Json, shown


@click.command(name="protect")
@click.argument("client", required=False, metavar="[CLIENT]")
@config_option
@yes_option
@click.option("--dry-run", is_flag=True, help="Show the plan, and do nothing.")
@click.option("--read", "read", multiple=True, metavar="NAME=PATH", help="Let a moved server read a folder or a file.")
@click.option("--write", "write", multiple=True, metavar="NAME=PATH", help="Let a moved server write there.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME=HOST[:PORT]", help="Let a moved server reach a host.")
@click.option("--skip", "skip", multiple=True, metavar="NAME", help="Leave this server where it is; it bypasses MPP. May be repeated.")
@click.option("--no-start", is_flag=True, help="Do not start moved servers now: their tools are pinned at the first list.")
@click.option("--check", "checking", is_flag=True, help="List the servers that bypass MPP; exit code 1 if there is one.")
@click.option("--undo", is_flag=True, help="Put the file back as it was, byte for byte.")
@click.option("--force", is_flag=True, help="With --undo: put the servers back into a file that was changed since.")
@json_option
def command(
    client: str | None,
    config: str | None,
    yes: bool,
    dry_run: bool,
    read: tuple[str, ...],
    write: tuple[str, ...],
    hosts: tuple[str, ...],
    skip: tuple[str, ...],
    no_start: bool,
    checking: bool,
    undo: bool,
    force: bool,
    as_json: bool,
) -> int:
    """Move all servers of a client behind MPP, in one step that can be undone.

    The plan is shown first. Each server is written into the list of `mpp legacy` under rules, secrets of its entry go into
    `mpp secret`, and the client's file gets one entry that starts `mpp serve` in place of them. The bytes of the file as it was are kept
    under $MPP_HOME/clients, readable by you alone; the secrets are still in them. Then each server is started once, and its tools
    are pinned as they are described now. Close the client before you run this.

    Without CLIENT, all clients that MPP knows are meant. Files of projects are changed only where --config names them.

    \b
    Exit code:
      0   done
      1   --check found a server that bypasses MPP, or a file cannot be read or used
      2   wrong call
      22  nobody agreed

    \b
    Examples:
      mpp protect claude
      mpp protect cursor --allow-host github=api.github.com --write files=/home/ada/notes
      mpp protect claude --skip browser
      mpp protect --check --json
      mpp protect claude --undo
    """
    if sum((checking, undo, dry_run)) > 1 or (force and not undo):
        raise Refused("usage.option", "--check, --undo and --dry-run exclude each other, and --force goes with --undo", hint="give one of them")
    if checking:
        return check(find_client(client) if client else None, config, as_json=as_json)
    targets = [(client_for(client, config), config)] if config else files_of(find_client(client) if client else None)
    if undo:
        _undo(targets, yes=yes, force=force, as_json=as_json)
    else:
        _protect(targets, given_of(read, write, hosts), skip, yes=yes, dry_run=dry_run, start=not no_start, as_json=as_json)
    return 0


def _protect(
    targets: list[tuple[Client, str]], given: dict[str, Given], skip: tuple[str, ...], *, yes: bool, dry_run: bool, start: bool, as_json: bool
) -> None:  # fmt: skip
    found, book = tools(given)
    rows: list[Json] = []
    changed = 0
    if skip:
        _must_be_there(skip, [Protection(client, path, found) for client, path in targets])
    for client, path in targets:
        protection = Protection(client, path, found)
        plan = protection.plan(skip)
        if not as_json:
            show_plan(plan, protection.place, book)
        row = plan_json(plan, protection.place, book)
        if not plan.moves and not dry_run:
            # What broke off earlier is finished; there is nothing to agree to.
            protection.apply(plan)
        elif not dry_run:
            row |= _moved(protection, plan, book, yes=yes, start=start, as_json=as_json)
            changed += 1
        rows.append(row)
    if as_json:
        put_json({"ok": True, "changed": changed, "files": rows})
    elif not targets:
        say("There is no file of a client that MPP knows.")


def _must_be_there(skip: tuple[str, ...], protections: list[Protection]) -> None:
    """Attack on oneself: a name that is written otherwise, and a server that is moved all the same."""
    there = {one.name for protection in protections for one in protection.plan().before.servers()}
    if missing := next((one for one in skip if one not in there), ""):
        raise Refused("usage.option", f"no server is called {shown(missing)!r}", where="--skip", hint="write the name as it stands in the client's file")


def _moved(protection: Protection, plan: Plan, book: Book, *, yes: bool, start: bool, as_json: bool) -> dict[str, Json]:
    """Ask, move, start once."""
    client = plan.before.client
    how = agreed(f"Move {servers(len(plan.moves))} of {client.title} behind MPP?", client.name, yes=yes)
    book.agreed(user_name(), how)
    change = protection.apply(plan)
    told("client", client.name, "protect", how)
    if not as_json:
        say(f"Moved {servers(len(plan.moves))}. {client.title} now starts MPP alone" + (f", and {servers(len(plan.left))} that stay." if plan.left else "."))
        note(f"Undo it with: mpp protect {client.name} --undo")
    new = [one.name for one in plan.moves if not one.is_known]
    return {"changed": True, "kept": change.folder if change else "", "started": pin(new, as_json=as_json) if start else []}


def _undo(targets: list[tuple[Client, str]], *, yes: bool, force: bool, as_json: bool) -> None:
    found, _ = tools(see=lambda: lambda _: ())
    rows: list[Json] = []
    for client, path in targets:
        protection = Protection(client, path, found)
        if not protection.is_changed and len(targets) > 1:
            continue
        protection.may_undo(force=force)
        # Attack: an agent that can call commands puts servers back out of reach of every rule.
        how = agreed(f"Put the servers of {client.title} back into {protection.place.path}? They will bypass MPP.", client.name, yes=yes)
        done = protection.undo(force=force)
        told("client", client.name, "unprotect", how)
        rows.append(
            {"client": client.name, "file": done.path, "servers": [*dict.fromkeys(done.servers)], "kept_secrets": [*done.kept_secrets], "earlier": done.earlier}
        )
        if not as_json:
            say(f"Put {servers(len(done.servers))} of {client.title} back: {done.path}")
            for name in done.kept_secrets:
                note(f"The secret {name} was stored anew since, and stays.")
            if done.earlier:
                note(f"{done.earlier} earlier changes of this file still hold; run the command again to undo the next.")
    if not rows:
        raise Refused("host.client_missing", "MPP has moved no server of any client", hint="see `mpp protect --check`")
    if as_json:
        put_json({"ok": True, "undone": rows})
