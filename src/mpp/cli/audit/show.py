"""``mpp audit show``."""

from __future__ import annotations

import hashlib

import click

from mpp.cli.audit.entry_text import flat, line_json, say_line
from mpp.cli.audit.index_use import asked_index
from mpp.cli.audit.story import story_json, story_of, story_rows
from mpp.cli.options import home, json_option, show_time
from mpp.cli.screen import mark, note, put_json, say, table, TICK
from mpp.errors import Refused
from mpp.files import read_stream
from mpp.host.audit.commitments import matching
from mpp.host.audit.one_call import judged_beginning, lines_of_call, only_call
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.reader import LogReader
from mpp.limits import MIB
from mpp.model.jsontext import Json
from mpp.stages.audit import Line, glance, leaf_of, read_entry

ENTRY_DIGITS_MAX = 16
"""Digits of the number of an entry. Reason: the record has no larger one; what is longer is the id of a call."""

CHECKED_BYTES_MAX = 256 * MIB
"""Bytes of a file that is compared with a commitment. Reason: more than any tool takes or gives."""

IN, OUT = ("in",), ("out_raw", "out_shown")

Checks = list[tuple[tuple[str, ...], str]]
"""Names of commitments, and the file that should be one of them."""


@click.command(name="show")
@click.argument("what", metavar="ENTRY")
@click.option("--check-in", type=click.Path(dir_okay=False), default=None, metavar="FILE", help="Is this exactly what went in? The bytes of the arguments.")
@click.option("--check-out", type=click.Path(dir_okay=False), default=None, metavar="FILE", help="Is this exactly what came out?")
@json_option
def command(what: str, check_in: str | None, check_out: str | None, as_json: bool) -> None:
    """Show one entry, or the whole story of one call.

    ENTRY is the number of an entry, or the id of a call or its beginning. The story says who asked, which exact package, what it was allowed, who
    approved, what it used, and what went in and out: as commitments, which say nothing to whoever does not have the bytes.

    \b
    Examples:
      mpp audit show last
      mpp audit show 1234
      mpp audit show 3f2a90c1
      mpp audit show 3f2a90c1 --check-in arguments.json
      mpp audit show 3f2a90c1 --check-out answer.json
    """
    places = home().log
    if what == "last":
        what = str(max(0, LogReader(places).last()))
    checks: Checks = [(names, path) for names, path in ((IN, check_in), (OUT, check_out)) if path is not None]
    if what.isdecimal() and what.isascii() and len(what) <= ENTRY_DIGITS_MAX:
        _show_entry(places, int(what), checks, as_json=as_json)
    else:
        _show_call(places, what, checks, as_json=as_json)


def _show_entry(places: LogPlaces, seq: int, checks: Checks, *, as_json: bool) -> None:
    data = LogReader(places).line(seq)
    line = glance(data)
    if line is None:
        raise Refused("audit.entry", "this line is no entry", where=f"log entry {seq}", hint="see: mpp audit verify --deep")
    # The whole entry is shown: what is shown was read strictly.
    entry = read_entry(data, where=f"log entry {seq}")
    done = _checked(places, [line], checks)
    if as_json:
        put_json({"ok": True, **line_json(line), "prev": entry.prev, "leaf": leaf_of(data), "checks": done})
        return
    rows = [
        ("entry", str(entry.seq)), ("time", show_time(entry.event.at)), ("kind", entry.event.kind), ("tenant", entry.event.tenant),
        ("call", entry.event.invocation or "none"), ("leaf hash", entry.leaf), ("entry before", entry.prev), *flat(entry.event.body),
        *((f"commitment {name}", digest) for name, digest in entry.event.commit.items()),
    ]  # fmt: skip
    table(rows, indent="")
    _say_checks(done)


def _show_call(places: LogPlaces, beginning: str, checks: Checks, *, as_json: bool) -> None:
    wanted = judged_beginning(beginning)
    call = asked_index(places, lambda connection: only_call(connection, places, wanted))
    lines = lines_of_call(places, call)
    done = _checked(places, lines, checks)
    story = story_of(lines)
    if as_json:
        entries: list[Json] = [line_json(line) for line in lines]
        put_json({"ok": True, "call": call, "story": story_json(story), "entries": entries, "checks": done})
        return
    say(f"Call {call}")
    table(story_rows(story))
    say("")
    say("Its entries")
    for line in lines:
        say_line(line)
    _say_checks(done)


def _checked(places: LogPlaces, lines: list[Line], checks: Checks) -> list[Json]:
    """Each file against the commitment. One that does not fit is a refusal: a script must not read on."""
    done: list[Json] = []
    for names, path in checks:
        digest = hashlib.sha256(read_stream(path, CHECKED_BYTES_MAX)).hexdigest()
        # The entry that ran, if there is one: the decision before it may have been about another try.
        line = next((one for one in reversed(lines) if any(name in one.commit for name in names)), lines[0])
        name = matching(places, line, names, digest)
        if not name:
            hint = "every byte counts: compact JSON as it was sent, without a line feed at the end"
            raise Refused("audit.commitment", f"the file is not what entry {line.seq} commits to", where=path, hint=hint)
        done.append({"file": path, "entry": line.seq, "name": name, "fits": True})
    return done


def _say_checks(done: list[Json]) -> None:
    for one in done:
        if isinstance(one, dict):
            say(mark(TICK), f" {one['file']} is what entry {one['entry']} commits to as {one['name']}")
    if done:
        note("The entry itself is proven by: mpp audit prove ENTRY")
