"""docs/benchmarks.md, made from the figures of one run: ``benchmarks/results/published.json``, which ``make bench`` writes in that form.

The page says on what they were measured, under which load, against which version of each baseline, and what was promised and not kept.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from tools.tidy import ROOT

FIGURES = ROOT / "benchmarks" / "results" / "published.json"
FORMAT = 1
Json = dict[str, object]


class Row(NamedTuple):
    """One figure: ours, its baseline, and what was promised of their ratio."""

    what: str
    ours: str
    base: str
    ratio: str
    promised: str
    kept: bool | None
    note: str


class Part(NamedTuple):
    """The figures of one command."""

    title: str
    command: str
    load: str
    seconds: float
    rows: tuple[Row, ...]
    error: str


class WrongFigures(Exception):
    """A file that is not of the form that this reads."""


def number(found: object) -> str:
    """Three digits that count, and thousands set off."""
    if not isinstance(found, int | float) or isinstance(found, bool):
        return str(found or "")
    if found == 0 or abs(found) >= 100:
        return f"{found:,.0f}"
    return f"{found:.3g}"


def parts(document: Json) -> list[Part]:
    if document.get("format") != FORMAT:
        raise WrongFigures(f"benchmarks/results/published.json has format {document.get('format')}, and this page knows {FORMAT}")
    return [_part(one) for one in _list(document["parts"])]


def _part(found: Json) -> Part:
    load = f"{number(found['load_before'])} before, {number(found['load_after'])} after"
    rows = tuple(_row(one) for one in _list(found["rows"]))
    return Part(str(found["title"]), str(found["command"]), load, float(str(found["seconds"])), rows, str(found.get("error") or ""))


def _row(found: Json) -> Row:
    unit, kept = str(found.get("unit") or ""), found.get("kept")
    ours, base = (f"{number(found.get(name))} {unit}".strip() if found.get(name) is not None else "" for name in ("ours", "base"))
    named = str(found.get("baseline") or "")
    return Row(
        what=str(found["what"]),
        ours=ours,
        base=", ".join(text for text in (named, base) if text),
        ratio=number(found.get("ratio")),
        promised=str(found.get("promised") or ""),
        kept=kept if isinstance(kept, bool) else None,
        note=str(found.get("note") or ""),
    )


def _list(found: object) -> list[Json]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def page(made: str, text: str | None = None) -> str:
    if text is None and not FIGURES.is_file():
        return _NONE.format(made=made)
    document = json.loads(FIGURES.read_text(encoding="utf-8") if text is None else text)
    found = parts(document)
    kept = [row.kept for part in found for row in part.rows]
    head = _HEAD.format(made=made, date=document["date"], kept=kept.count(True), lost=kept.count(False), told=kept.count(None))
    about = [("date", document["date"]), *document["machine"].items()]
    facts = "\n".join(f"| {name} | {_cell(str(value))} |" for name, value in dict(about).items())
    versions = "\n".join(f"| {name} | {value} |" for name, value in sorted(document["versions"].items()))
    loads = "\n".join(f"| {part.title} | {part.load} | {part.seconds:.0f} s |" for part in found)
    where = (
        f"## On what\n\n| | |\n|---|---|\n{facts}\n\n| part | load, in the minute before and at its end | took |\n|---|---|---|\n{loads}\n\n"
        f"## Versions\n\n| software | version |\n|---|---|\n{versions}\n"
    )
    return "\n".join((head, *(_told(part) for part in found), where))


def _told(part: Part) -> str:
    out = f"## {part.title}\n\n```\n{part.command}\n```\n"
    if part.error:
        out += f"\nNot measured in this run: {part.error}\n"
    if part.rows:
        rows = "\n".join(
            "| " + " | ".join(map(_cell, (row.what, row.ours, row.base, row.ratio, row.promised, _word(row.kept), row.note))) + " |" for row in part.rows
        )
        out += f"\n| what | ours | baseline | ratio | promised | kept | note |\n|---|---|---|---|---|---|---|\n{rows}\n"
    return out


def _word(kept: bool | None) -> str:
    return {None: "", True: "yes", False: "**no**"}[kept]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


_HEAD = """# Benchmarks

{made}What MPP costs, beside something that you know. Measured on {date} by `make bench`: {kept} promises kept, {lost} not kept, {told} figures that are only told.

Each figure with a promise is a **ratio**: ours and the baseline took turns in the same run, so that a busy machine slows both alike. Ratios can be compared between machines; milliseconds cannot. Nothing here was chosen
afterwards, and what was not kept stands beside what was. How each thing is measured, why some promises are not kept, and what else was seen: [how to read the figures](../benchmarks/README.md).
"""

_NONE = """# Benchmarks

{made}No run of `make bench` has been published in this form yet. What was measured so far, with machine, date, load and baselines: [figures](../benchmarks/README.md).
"""
