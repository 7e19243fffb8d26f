"""The report as one static page: no script, nothing from elsewhere, readable on paper and by a screen reader. Pure.

Attack: names in the record were chosen by publishers and agents. Each text is escaped, and what is not printable is written in ASCII;
should a mistake remain, the page's own content policy runs and loads nothing.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import datetime, UTC
from itertools import groupby

from mpp.stages.audit.report.page_style import STYLE
from mpp.stages.audit.report.types import Control, Evidence, Inventory, Ref, Report

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_COMMAND = re.compile(r"`([^`]{1,200})`")
EMPTY_FIELD = "blank: to be written by a person"


def report_html(report: Report) -> str:
    groups = [(framework, list(controls)) for framework, controls in groupby(report.controls, key=lambda one: one.framework)]
    body = [
        "<h1>What the record of calls shows</h1>",
        _summary(report),
        *(f'<p class="note">{_words(one)}</p>' for one in report.notes),
        _contents(groups, report.inventories),
        *(_framework(number, framework, controls) for number, (framework, controls) in enumerate(groups)),
        *(_inventory(number, one) for number, one in enumerate(report.inventories)),
    ]
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>Record of calls: evidence per control</title><style>{STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n' + "\n".join(body) + "\n</main></body></html>\n"


def _safe(text: str) -> str:
    """Text as it is shown: one line, nothing that reverses or hides."""
    plain = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return html.escape(plain, quote=True)


def _words(text: str) -> str:
    """A sentence of ours, in which commands stand in backticks."""
    return _COMMAND.sub(r'<code class="command">\1</code>', _safe(text))


def _time(moment: int | None) -> str:
    if moment is None:
        return "no limit"
    found = datetime.fromtimestamp(moment, tz=UTC)
    return f'<time datetime="{found.strftime("%Y-%m-%dT%H:%M:%SZ")}">{found.strftime("%Y-%m-%d %H:%M:%S")} UTC</time>'


def _summary(report: Report) -> str:
    integrity = report.integrity
    level = f'<strong class="level {_level(integrity.level)}">{_safe(integrity.level)}</strong>'
    rows = (
        ("Made", _time(report.made_at)),
        ("Period", f"{_time(report.period.since)} to {_time(report.period.until)}"),
        ("Entries", f"{report.entries.count:,} {_span(report.entries)}"),
        ("Log id", f"<code>{_safe(integrity.log_id) or 'unknown'}</code>"),
        ("Integrity", f"{level} for {integrity.entries:,} entries: {_safe(integrity.reason)}"),
    )
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows) + "</dl>"


def _level(level: str) -> str:
    return "bad" if level == "broken" else "doubt" if level == "chained" else "good"


def _span(evidence: Evidence) -> str:
    if evidence.first is None or evidence.last is None:
        return ""
    return f"({_ref(evidence.first)} to {_ref(evidence.last)})"


def _ref(ref: Ref | None) -> str:
    return "none" if ref is None else f"#{ref.seq}, {_time(ref.at)}"


def _contents(groups: list[tuple[str, list[Control]]], inventories: Iterable[Inventory]) -> str:
    items = [f'<li><a href="#f{number}">{_safe(framework)}</a>: {", ".join(_safe(one.id) for one in controls)}</li>'
             for number, (framework, controls) in enumerate(groups)]  # fmt: skip
    items += [f'<li><a href="#i{number}">{_safe(one.title)}</a></li>' for number, one in enumerate(inventories)]
    return f'<nav aria-label="Contents"><ul>{"".join(items)}</ul></nav>'


def _framework(number: int, framework: str, controls: list[Control]) -> str:
    return f'<section aria-labelledby="f{number}"><h2 id="f{number}">{_safe(framework)}</h2>' + "".join(map(_control, controls)) + "</section>"


def _control(control: Control) -> str:
    verdict = "The record has entries that bear on it." if control.has_evidence else "The record has no entry that bears on it."
    missing = "".join(f"<li>{_words(one)}</li>" for one in control.missing)
    blanks = "".join(f'<tr><th scope="row">{_safe(one)}</th><td class="blank">{EMPTY_FIELD}</td></tr>' for one in control.blanks)
    return (
        f"<article><h3>{_safe(control.id)} {_safe(control.title)}</h3>"
        f"<p><strong>It asks:</strong> {_safe(control.asks)}</p><p><strong>What the record holds:</strong> {_safe(control.shows)} {verdict}</p>"
        f"{_evidence(control)}"
        f"<h4>What it does not show</h4><ul>{missing}</ul>"
        f'<table class="blanks"><caption>For a person to fill in: {_safe(control.id)}</caption><tbody>{blanks}</tbody></table></article>'
    )


def _evidence(control: Control) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_safe(one.words)}</th><td class="number">{one.count:,}</td><td>{_ref(one.first)}</td><td>{_ref(one.last)}</td>'
        f"<td>{' '.join(f'#{seq}' for seq in one.examples) or 'none'}</td></tr>"
        for one in control.evidence
    )
    return _table(f"Evidence: {control.id}", ("Entries", "Count", "First", "Last", "Some of them"), rows)


def _inventory(number: int, inventory: Inventory) -> str:
    rows = "".join(
        f'<tr><th scope="row">{_safe(one.name)}</th><td class="number">{one.count:,}</td><td>{_ref(one.first)}</td><td>{_ref(one.last)}</td></tr>'
        for one in inventory.rows
    )
    more = f"<p>{inventory.more:,} more entries have names for which there is no room here.</p>" if inventory.more else ""
    none = "<p>None in this period.</p>" if not rows else ""
    table = _table(inventory.title, ("Name", "Count", "First", "Last"), rows) if rows else ""
    return f'<section aria-labelledby="i{number}"><h2 id="i{number}">{_safe(inventory.title)}</h2>{table}{none}{more}</section>'


def _table(caption: str, heads: tuple[str, ...], rows: str) -> str:
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    # It can be scrolled by keys alone, also where it is wider than the screen.
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{_safe(caption)}"><table><caption>{_safe(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
