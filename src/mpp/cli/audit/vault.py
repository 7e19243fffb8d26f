"""``mpp audit vault``."""

from __future__ import annotations

import click

from mpp.cli.agreeing import agreed, yes_option
from mpp.cli.audit.given import log_places
from mpp.cli.audit.vault_keys import entry_argument, key_option, load_vault_key, log_option, make_vault_key, named_call, read_recipient, told_vault
from mpp.cli.options import home, json_option, passphrase_option, plain, quoted, read_passphrase, show_time
from mpp.cli.screen import note, put_json, safe, say, table
from mpp.crypto import base64text
from mpp.errors import Refused
from mpp.files import PRIVATE, write_atomic
from mpp.host.audit.reader import LogReader
from mpp.host.audit.vault import Opened, open_call
from mpp.host.audit.vault_store import VaultConfig, config_path, judge_usable, load_config, records, remove_config, save_config
from mpp.host.system import SystemRandom
from mpp.model.jsontext import Json, shown
from mpp.stages.audit import ARGUMENTS, KEEPS, Payload, RESULT, read_transcript

TEXT_COLUMNS_MAX = 2000
"""Characters of arguments or a result that are shown on the screen. Reason: more is for a file; see --out."""

NAME_MAX = 64
"""Characters of the name of a recipient's key. Reason: it stands in the file's name and on the screen."""

DEFAULT_KEEP = (ARGUMENTS, RESULT)


@click.group(name="vault", no_args_is_help=True)
def command() -> None:
    """Keep what goes in and out of calls, sealed for somebody who may look at it later. Off unless you turn it on.

    The record itself never holds arguments or results, only commitments to them. With the vault on, each call leaves one
    sealed file beside it. This host cannot open it; the recipient can, until the call is erased (`mpp audit erase`).

    \b
    Examples:
      mpp audit vault keygen auditor -o auditor.key
      mpp audit vault on --recipient BASE64 --keep arguments,result,transcript
      mpp audit vault open 1234 --key auditor.key
    """


@command.command(name="keygen", short_help="Make the key of a recipient.")
@click.argument("name")
@click.option("-o", "--output", required=True, metavar="FILE", type=click.Path(dir_okay=False), help="The file for the private key. It is never overwritten.")
@click.option("--no-passphrase", is_flag=True, help="Leave the private key readable to whoever can read the file.")
@passphrase_option
@json_option
def keygen(name: str, output: str, no_passphrase: bool, passphrase_file: str | None, as_json: bool) -> None:
    """Make the key pair of the recipient NAME. Do it on the recipient's own machine: the host needs the public half only.

    Who loses the private half loses what the vault keeps.

    \b
    Example:
      mpp audit vault keygen auditor -o auditor.key
    """
    plain(name, "NAME", NAME_MAX)
    passphrase = None if no_passphrase else read_passphrase(passphrase_file, confirm=True, what="the recipient's new key")
    public = base64text.encode(make_vault_key(output, passphrase, SystemRandom()))
    if as_json:
        put_json({"ok": True, "name": name, "public_key": public, "file": output, "sealed": not no_passphrase})
        return
    say(f"Recipient    {quoted(name)}")
    say(f"Public key   {public}")
    say(f"File         {output}")
    note(f"On the host whose calls are to be kept: mpp audit vault on --recipient {public}")
    if no_passphrase:
        note("warning: the private key is not sealed; whoever reads the file can open what the vault keeps")


@command.command(name="on", short_help="Keep payloads from the next call on.")
@click.option("--recipient", required=True, metavar="BASE64", help="The public key of who may open what is kept.")
@click.option("--keep", default=",".join(DEFAULT_KEEP), show_default=True, metavar="LIST", help=f"What to keep, with commas between: {', '.join(KEEPS)}.")
@yes_option
@json_option
def on(recipient: str, keep: str, yes: bool, as_json: bool) -> None:
    """Keep the payloads of calls from the next one on, sealed for one recipient, after a person said yes.

    arguments, transcript and result are what `mpp audit replay` needs; paths are the very files and addresses, which the
    record only counts. While the vault is on, a call that could not be kept is refused before it runs.

    \b
    Example:
      mpp audit vault on --recipient BASE64 --keep arguments,result,transcript,paths
    """
    config = VaultConfig(recipient=read_recipient(recipient), keep=_read_keep(keep))
    places = home().log
    judge_usable(places, config)
    words = ", ".join(config.keep)
    # Attack: an agent that can call commands has the payloads of everybody kept for a key of its own.
    how = agreed(f"Keep {words} of all calls from now on, for whoever holds the private key to {recipient}?", recipient, yes=yes)
    save_config(places, config)
    told_vault("on", {"recipient": recipient, "keep": [*config.keep], "amr": how})
    if as_json:
        put_json({"ok": True, "on": True, "recipient": recipient, "keep": [*config.keep]})
        return
    say(f"The vault keeps {words} from the next call on, for {recipient}.")
    note("This host cannot open what it keeps. It ends with: mpp audit vault off")


def _read_keep(text: str) -> tuple[str, ...]:
    found = dict.fromkeys(word.strip() for word in text.split(","))
    wrong = [word for word in found if word not in KEEPS]
    if wrong:
        raise Refused("usage.option", f"--keep {shown(wrong[0])!r} is nothing that can be kept", where="--keep", hint=f"name some of: {', '.join(KEEPS)}")
    return tuple(word for word in KEEPS if word in found)


@command.command(name="off", short_help="Keep nothing from the next call on.")
@yes_option
@json_option
def off(yes: bool, as_json: bool) -> None:
    """Keep no payloads from the next call on, after a person said yes. What was kept stays until it is erased.

    \b
    Example:
      mpp audit vault off
    """
    places = home().log
    # Attack: an agent that turns the vault off before it does what should be seen.
    how = agreed("Keep nothing of calls from now on?", config_path(places), yes=yes)
    changed = remove_config(places)
    if changed:
        told_vault("off", {"amr": how})
    if as_json:
        put_json({"ok": True, "on": False, "changed": changed})
        return
    say("The vault is off. What it kept is still there." if changed else "The vault was off already.")


@command.command(name="status", short_help="Show whether payloads are kept, and for whom.")
@json_option
def status(as_json: bool) -> None:
    """Show whether payloads are kept, for whom, and how much is there.

    \b
    Example:
      mpp audit vault status --json
    """
    places = home().log
    config, (count, size) = load_config(places), records(places)
    if as_json:
        about: dict[str, Json] = {} if config is None else {"recipient": base64text.encode(config.recipient), "keep": [*config.keep]}
        put_json({"ok": True, "on": config is not None, **about, "records": count, "bytes": size})
        return
    if config is None:
        say("The vault is off: nothing of what goes in and out of calls is kept.")
    else:
        say(f"The vault keeps {', '.join(config.keep)}, for {base64text.encode(config.recipient)}.")
    say(f"There are {count} records with {size} bytes in {places.vault}.")


@command.command(name="open", short_help="Open what was kept of one call.")
@entry_argument
@key_option
@click.option("--out", default="", metavar="FILE", type=click.Path(dir_okay=False), help="Write all of it to FILE, as JSON, for your eyes only.")
@log_option
@passphrase_option
@json_option
def open_(entry: str, key_file: str, out: str, folder: str, passphrase_file: str | None, as_json: bool) -> int:
    """Open what the vault kept of the call that ENTRY belongs to (its number, or the id of the call), and compare it with what the record committed to.

    This home's record says who opened what. With --log, which is for copies, nothing is recorded.

    \b
    Examples:
      mpp audit vault open 1234 --key auditor.key
      mpp audit vault open 1234 --key auditor.key --log ./copy/audit --out call.json
    """
    reader = LogReader(log_places(folder))
    opened = open_call(reader, named_call(reader, entry), load_vault_key(key_file, passphrase_file))
    intent = opened.call.intent
    if not folder:
        told_vault("opened", {"entry": intent.seq, "holds": opened.holds})
    if out:
        write_atomic(out, opened.data + b"\n", PRIVATE, replace=False)
    if as_json:
        put_json({"ok": opened.holds, **_json(opened), "file": out or None})
    else:
        _say(opened, out)
    return 0 if opened.holds else Refused("audit.vault", "").exit_code


def _json(opened: Opened) -> dict[str, Json]:
    intent, payload = opened.call.intent, opened.payload
    checked: dict[str, Json] = dict(opened.checked)
    return {
        "entry": intent.seq, "invocation": intent.event.invocation, "package": intent.event.body.get("package"), "tool": payload.tool,
        "ended": payload.ended, "checked": checked,
        "arguments": _text(payload.sent.arguments) if payload.sent is not None else None,
        "result": _text(payload.answered.raw) if payload.answered is not None else None,
        **_more_json(payload),
    }  # fmt: skip


def _more_json(payload: Payload) -> dict[str, Json]:
    places, transcript = payload.places, payload.transcript
    calls = len(read_transcript(transcript.data, where="transcript")) if transcript is not None else None
    return {
        "host_calls": calls, "transcript_cut": transcript.cut if transcript is not None else None,
        "paths": None if places is None else {
            "folders": [*places.folders], "read": [*places.files_read], "written": [*places.files_written], "urls": [*places.addresses]
        },
    }  # fmt: skip


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


WORDS = {True: "as the record committed to", False: "NOT what the record committed to", None: "not in the record, or not kept, or erased"}
NAMES = {"in": "arguments", "out_raw": "result", "out_shown": "shown", "record": "sealed file"}


def _say(opened: Opened, out: str) -> None:
    intent, payload = opened.call.intent, opened.payload
    say(f"Entry        {intent.seq}, {show_time(intent.event.at)}")
    say(f"Call         {shown(str(intent.event.body.get('package')))} {safe(payload.tool)}, {intent.event.invocation}")
    if payload.sent is not None:
        say(f"Arguments    {_cut(payload.sent.arguments)}")
    if payload.answered is not None:
        say(f"Result       {_cut(payload.answered.raw)}" + (f" (ended with {safe(payload.ended)})" if payload.ended else ""))
    more = _more_json(payload)
    if payload.transcript is not None:
        say(f"Host calls   {more['host_calls']}" + (f", cut: {payload.transcript.cut}" if payload.transcript.cut else ""))
    if payload.places is not None:
        places = payload.places
        for name, found in (("folder", places.folders), ("read", places.files_read), ("written", places.files_written), ("address", places.addresses)):
            for one in found:
                say(f"{name:<12} {safe(one)}")
    table([(NAMES[name], WORDS[fits]) for name, fits in opened.checked.items()])
    if out:
        note(f"All of it is in {out}.")


def _cut(data: bytes) -> str:
    text = safe(_text(data).rstrip("\n"))
    return text if len(text) <= TEXT_COLUMNS_MAX else text[:TEXT_COLUMNS_MAX] + "… (all of it with --out)"
