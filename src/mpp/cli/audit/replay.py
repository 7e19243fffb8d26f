"""``mpp audit replay``."""

from __future__ import annotations

import click

from mpp.cli.audit.given import log_places
from mpp.cli.audit.vault_keys import entry_argument, key_option, load_vault_key, log_option, named_call, told_vault
from mpp.cli.options import find_package, home, json_option, passphrase_option
from mpp.cli.packages import take_package
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.host.audit.reader import LogReader
from mpp.host.audit.vault import open_call
from mpp.host.replaying import Replayed, replay


@click.command(name="replay")
@entry_argument
@key_option
@click.option("--package", "file", default=None, metavar="FILE", help="The package that ran. [default: that of the project you are in]")
@log_option
@passphrase_option
@json_option
def command(entry: str, key_file: str, file: str | None, folder: str, passphrase_file: str | None, as_json: bool) -> int:
    """Run the call that ENTRY belongs to once more, with what the vault kept of it, and say whether the tool writes the same.

    The package is verified and must be the very one that ran. The tool gets its recorded arguments, and its host calls are
    answered from the transcript: no network, no storage, no secret is touched, and no approval is spent. Only of a tool
    that its manifest calls deterministic does a difference say that something is wrong.

    \b
    Examples:
      mpp audit replay 1234 --key auditor.key --package hello-0.1.0.mpp
      mpp audit replay 1234 --key auditor.key --package hello-0.1.0.mpp --json

    \b
    Exit code:
      0    the same, or the tool is not deterministic
      27   a deterministic tool wrote something else; or the call cannot be run again
    """
    package = take_package(find_package(file), ask=False).package
    reader = LogReader(log_places(folder))
    opened = open_call(reader, named_call(reader, entry), load_vault_key(key_file, passphrase_file))
    found = replay(package, opened, reader.places, home())
    verdict = _verdict(found)
    seq = opened.call.intent.seq
    if not folder:
        told_vault("replayed", {"entry": seq, "verdict": verdict})
    if as_json:
        put_json({
            "ok": verdict != "different", "entry": seq, "invocation": opened.call.intent.event.invocation, "verdict": verdict,
            "deterministic": found.deterministic, "same": found.same, "why": found.why,
        })  # fmt: skip
    else:
        _say(seq, found)
    return Refused("audit.replay", "").exit_code if verdict == "different" else 0


def _verdict(found: Replayed) -> str:
    """``same`` and ``different`` are verdicts on the tool; ``none`` is said of one that never promised to do the same twice."""
    return ("same" if found.same else "different") if found.deterministic else "none"


def _say(seq: int, found: Replayed) -> None:
    if found.same:
        say(f"The same: run again, the call of entry {seq} writes exactly what was recorded.")
    else:
        say(f"Different: run again, the call of entry {seq} is not what was recorded: {found.why}.")
    if not found.deterministic:
        note("note: the tool is not deterministic by its manifest, so this is no verdict on it" + ("" if found.same else "; it differs, as it may"))
