"""``mpp audit export``."""

from __future__ import annotations

import os
import sys

import click

from mpp.cli.options import home, json_option, shorter
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.files import PRIVATE
from mpp.host.audit.exporting import copy_log, copy_tlog, lines_between
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader

TOLD_EVERY = 50_000
"""Entries after which a word is said. Reason: a second or two."""


@click.command(name="export")
@click.option("--to", "folder", type=click.Path(file_okay=False), default=None, metavar="FOLDER", help="Copy the whole record into this folder.")
@click.option("--tlog", is_flag=True, help="Write it as C2SP tlog-tiles: checkpoint, tiles and entry bundles, for any client of that format.")
@click.option("--from", "begin", type=click.IntRange(0), default=None, metavar="ENTRY", help="Write entries as JSON lines, from this one on.")
@click.option("--to-entry", "end", type=click.IntRange(0), default=None, metavar="ENTRY", help="The last entry to write.")
@click.option("--out", "out", type=click.Path(dir_okay=False), default=None, metavar="FILE", help="The file for JSON lines, instead of standard output.")
@json_option
def command(folder: str | None, tlog: bool, begin: int | None, end: int | None, out: str | None, as_json: bool) -> None:
    """Copy the record, to keep it elsewhere or to hand it to an auditor.

    With --to, all segments, seals, tiles and checkpoints are copied; `mpp audit verify FOLDER` verifies such a copy. Once more into the same folder
    copies only what is new. Without --to, the lines of the entries are written exactly as they stand in the record; a part of it can be
    read, but only a proof (`mpp audit prove`) shows that an entry is in the record. The keys, the salts and the vault stay here.

    \b
    Examples:
      mpp audit export --to /media/backup/audit
      mpp audit export --to audit-tiles --tlog
      mpp audit export --from 1000 --to-entry 1999 --out part.jsonl
    """
    places = home().log
    if not LogReader(places).is_there():
        raise Refused("audit.empty", "there is no record yet", where=places.folder, hint="it begins with the first call: mpp run FILE")
    if folder is not None:
        if begin is not None or end is not None or out is not None:
            raise Refused("usage.option", "--to copies all of it; --from, --to-entry and --out write lines", hint="give one or the other")
        _copy(places, folder, tlog=tlog, as_json=as_json)
        return
    if tlog or (begin is None and end is None and out is None):
        raise Refused("usage.option", "nothing says where to", hint="give --to FOLDER, or --from ENTRY for JSON lines")
    if as_json and out is None:
        raise Refused("usage.option", "--json needs --out: the lines go to standard output", hint="give --out FILE")
    _write_lines(places, begin or 0, end, out, as_json=as_json)


def _copy(places: LogPlaces, folder: str, *, tlog: bool, as_json: bool) -> None:
    told = 0

    def tell(done: int, of: int) -> None:
        nonlocal told
        if tlog and done - told >= TOLD_EVERY:
            told = done
            note(f"Written: {done:,} of {of:,} entries")

    path = os.path.abspath(folder)
    done = copy_tlog(places, path, tell) if tlog else copy_log(places, path, tell)
    if as_json:
        put_json({"ok": True, "folder": folder, "files": done.files, "written": done.written, "size": done.size})
        return
    say(f"Copied to {shorter(folder)}: {done.files:,} files, {done.written:,} of them new; its checkpoint covers {done.size:,} entries.")
    if not tlog:
        note(f"Verify it: mpp audit verify {shorter(folder)}")


def _write_lines(places: LogPlaces, begin: int, end: int | None, out: str | None, *, as_json: bool) -> None:
    if out is None:
        stream = sys.stdout.buffer
        for line in lines_between(places, begin, end):
            stream.write(line + b"\n")
        stream.flush()
        return
    count = _write_file(places, begin, end, out)
    if as_json:
        put_json({"ok": True, "file": out, "entries": count})
    else:
        say(f"Wrote {count:,} entries to {shorter(out)}.")


def _write_file(places: LogPlaces, begin: int, end: int | None, out: str) -> int:
    """Line by line, however many there are; in its place only when it is whole."""
    count, temporary = 0, f"{out}.{os.urandom(6).hex()}.tmp"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    try:
        with os.fdopen(fd, "wb") as stream:
            for line in lines_between(places, begin, end):
                stream.write(line + b"\n")
                count += 1
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, out)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)
    return count
