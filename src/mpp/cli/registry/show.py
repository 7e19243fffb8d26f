"""``mpp registry show``."""

from __future__ import annotations

import click

from mpp.cli.options import json_option, quoted, show_time
from mpp.cli.registry.list import row
from mpp.cli.screen import note, put_json, say
from mpp.cli.store.from_registry import age_words
from mpp.cli.store.registries import load_config, memory_of
from mpp.crypto.ed25519 import fingerprint
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json
from mpp.remote.memory import Memory


@click.command(name="show")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """Show what this machine knows of a registry (default: the usual one), and evidence against it. Nobody is asked.

    Evidence are two checkpoints that the registry signed and that cannot both be of one history. --json has both signed
    notes in full: whoever sees them can check them.

    \b
    Examples:
      mpp registry show
      mpp registry show corp --json
    """
    config = load_config()
    one = config.named(name) if name else config.usual
    memory = memory_of(one.registry_id).known()
    if as_json:
        put_json({"ok": True, **row(one, is_default=one.name == config.default), **_json(memory)})
        return
    say(f"{one.name}, {one.url}" + (" (the usual registry)" if one.name == config.default else ""))
    say(f"  fingerprint {fingerprint(one.registry_id)}")
    say(f"  calls itself {quoted(memory.chain.newest.name)}, root version {memory.chain.newest.version}")
    for space in one.namespaces:
        say(f"  {space}* is looked up there and nowhere else")
    if memory.note:
        say(f"  log {memory.size} entries, state of {show_time(memory.at)} ({age_words(SystemClock().now() - memory.at)} ago)")
    else:
        say("  nothing of its log was seen yet")
    for found in memory.evidence:
        say(f"  EVIDENCE of {show_time(found.at)}: {found.why}")
    if memory.evidence:
        note("It has shown two histories. Install nothing from it, and show others the notes: mpp registry show --json")


def _json(memory: Memory) -> dict[str, Json]:
    evidence: list[Json] = [{"at": one.at, "why": one.why, "before": one.before, "after": one.after} for one in memory.evidence]
    return {
        "calls_itself": memory.chain.newest.name, "root_version": memory.chain.newest.version, "log_size": memory.size, "checkpoint_at": memory.at,
        "checkpoint": memory.note, "evidence": evidence,
    }  # fmt: skip
