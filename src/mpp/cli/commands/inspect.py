"""``mpp inspect``."""

from __future__ import annotations

import os

import click

from mpp.author.report import Report, examine
from mpp.cli.inspect_json import diff_json, publisher_of, report_json
from mpp.cli.inspect_text import show_diff, show_lookalikes, show_report
from mpp.cli.options import find_package, json_option, trust_store
from mpp.cli.screen import put_json
from mpp.errors import MppError
from mpp.files import take
from mpp.stages.archive.limits import TOTAL_BYTES_MAX
from mpp.stages.gatekeeper import known_lookalikes


@click.command(name="inspect")
@click.argument("file", required=False)
@click.option("--diff", "other", default=None, metavar="OTHER", help="Show what changed from FILE to OTHER, and what OTHER newly asks for.")
@json_option
def command(file: str | None, other: str | None, as_json: bool) -> None:
    """Show what FILE (default: the package of the project you are in) is, holds and asks for. Nothing in it is run or trusted.

    \b
    Examples:
      mpp inspect
      mpp inspect hello-0.1.0.mpp
      mpp inspect hello-0.1.0.mpp --diff hello-0.2.0.mpp
    """
    path = find_package(file)
    report = _look(path)
    if other is None:
        if as_json:
            put_json({**report_json(path, report), "lookalikes": [{"id": name, "publisher": owner} for name, owner in _lookalikes(report)]})
        else:
            show_report(os.path.basename(path), report)
            show_lookalikes(_lookalikes(report))
        return
    other_path = find_package(other)
    second = _look(other_path)
    if as_json:
        put_json(diff_json(path, report, other_path, second))
    else:
        show_diff(path, report, other_path, second)


def _lookalikes(report: Report) -> tuple[tuple[str, str], ...]:
    """Ids of others, known here, for which this one could be mistaken; none where this machine's trust cannot be read."""
    try:
        trust = trust_store().load()
    except MppError:
        return ()
    return () if report.manifest is None else known_lookalikes(report.manifest.package_id, publisher_of(report) or "", trust)


def _look(path: str) -> Report:
    return examine(take(path, TOTAL_BYTES_MAX))
