"""``mpp audit report``."""

from __future__ import annotations

import json
import os

import click

from mpp.cli.audit.times import parse_since, parse_until
from mpp.cli.options import clock, home, json_option, now_option, shorter
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.files import make_private_folder, PRIVATE, write_atomic
from mpp.host.audit.compliance import compliance_report
from mpp.host.audit.reader import LogReader
from mpp.host.audit.verifying import DEEP, FAST
from mpp.stages.audit.report import Period, Report, report_html, report_json

NAME = "compliance-report"
FORMATS = ("html", "json")


@click.command(name="report")
@click.option("--since", default=None, metavar="TIME", help="From then on: 90d, 2026-01-01, 2026-01-01T10:00:00Z.")
@click.option("--until", default=None, metavar="TIME", help="Up to then; a date means the end of that day.")
@click.option("--format", "form", type=click.Choice(FORMATS), default=None, help="Write only this form.")
@click.option("--out", "out", type=click.Path(), default=None, metavar="PATH", help="With --format the file, else the folder for both.")
@click.option("--deep", is_flag=True, help="Verify every entry first, not only the seals of the segments.")
@now_option
@json_option
def command(since: str | None, until: str | None, form: str | None, out: str | None, deep: bool, now: str | None, as_json: bool) -> None:
    """Write a compliance report: what the record shows for GDPR, HIPAA, the EU AI Act and the NIST AI RMF, and what it cannot show.

    Each piece of evidence names its entries, so that it can be looked at and proven. The report never says that a law is kept: that is for people
    to judge, and the fields for what they must write are left blank and marked. The integrity of the record stands on its first page.

    \b
    Examples:
      mpp audit report --since 90d
      mpp audit report --since 2026-01-01 --until 2026-03-31 --out q1
      mpp audit report --format html --out report.html
    """
    places, moment = home().log, clock(now).now()
    if not LogReader(places).is_there():
        raise Refused("audit.empty", "there is no record yet", where=places.folder, hint="it begins with the first call: mpp run FILE")
    period = Period(since=parse_since(since, moment, "--since"), until=parse_until(until, moment, "--until"))
    report = compliance_report(places, period, moment, depth=DEEP if deep else FAST, told=_told)
    files = _write(report, form, out)
    if as_json:
        put_json({"ok": True, "files": [*files], "entries": report.entries.count, "integrity": report.integrity.level})
        return
    for path in files:
        say(f"Wrote {shorter(path)}")
    say(f"{report.entries.count:,} entries; the record is {report.integrity.level}.")
    note("It shows evidence and blanks. Whether a law is kept is for people to judge.")


def _told(count: int) -> None:
    note(f"Read: {count:,} entries")


def _write(report: Report, form: str | None, out: str | None) -> tuple[str, ...]:
    """Each file is there whole or not at all. It names people and tools: only its owner may read it."""
    if form is not None:
        files = {form: out or f"{NAME}.{form}"}
    else:
        folder = out or NAME
        make_private_folder(folder)
        files = {one: os.path.join(folder, f"{NAME}.{one}") for one in FORMATS}
    for one, path in files.items():
        text = report_html(report) if one == "html" else json.dumps(report_json(report), indent=2, ensure_ascii=True) + "\n"
        write_atomic(path, text.encode("utf-8", "backslashreplace"), PRIVATE)
    return tuple(files.values())
