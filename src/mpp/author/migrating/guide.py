"""The README of a project that was begun from a server: what is drafted, by which evidence, and what a person must still answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from mpp.author.migrating.draft import Draft, Identity, Row
from mpp.author.migrating.evidence import Observed
from mpp.model.jsontext import shown

T = TypeVar("T")

ROWS_MAX = 200
"""Rows of one table. Reason: what a person goes through; more are counted."""

CELL_CHARS = 300
"""Characters of one cell. Reason: a table must stay one."""


def guide(identity: Identity, server: str, command: Sequence[str], draft: Draft, seen: Observed, *, has_calls: bool) -> str:
    parts = [
        f"# {identity.name}",
        f"Begun from the MCP server `{_cell(server)}`, started as `{_cell(' '.join(command))}`. The manifest is a draft; the tools in `src/main.c` answer that they are not ported yet.",
        _next(has_calls=has_calls),
        _tools(draft),
        _evidence(draft, seen),
        _questions(seen),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _next(*, has_calls: bool) -> str:
    recorded = (
        "`calls.jsonl` holds what the server answered while it was looked at."
        if has_calls
        else "Record what the server answers first: `mpp replay record --out calls.jsonl --calls wanted.jsonl -- <server command>`."
    )
    return "\n".join((
        "## What to do next",
        "",
        "1. Go through the questions below, and take out of `manifest.json` what the tools do not need.",
        f"2. {recorded}",
        "3. Port the tools in `src/main.c`, one at a time, and build: `mpp build`.",
        "4. Compare: `mpp replay run calls.jsonl --against FILE.mpp --yes --out got.jsonl`, then `mpp replay diff calls.jsonl got.jsonl`.",
    ))  # fmt: skip


def _tools(draft: Draft) -> str:
    lines = ["## Tools", "", f"{len(draft.tools)} tools: {', '.join(f'`{name}`' for name in draft.tools)}." if draft.tools else "The server lists no tool."]
    lines += [f"- `{_cell(old)}` is `{new}` here: a manifest allows fewer characters, and no two names that differ by case." for old, new in draft.renamed]
    if draft.changes:
        lines += ["", "What had to be changed in their definitions:", "", *(f"- {_cell(change)}" for change in _most(draft.changes))]
    if draft.faults:
        lines += [
            "",
            "What `mpp build` will still refuse:",
            "",
            *(f"- `{_cell(fault.where or '/')}`: {_cell(fault.message)} [{fault.code}]" for fault in draft.faults),
        ]
    lines += [
        "",
        "`security_level` follows what the server says of each tool (read only: low, destructive: high, else medium). A server says of itself what it likes: look at each.",
    ]
    return "\n".join(lines)


def _evidence(draft: Draft, seen: Observed) -> str:
    lines = ["## Capabilities, and the evidence for each", "", _how_seen(seen)]
    if draft.rows:
        lines += ["", "| capability | in the draft | evidence |", "|---|---|---|", *map(_row, _most(draft.rows))]
        lines += [f"\n… and {len(draft.rows) - ROWS_MAX} more."] if len(draft.rows) > ROWS_MAX else []
    return "\n".join(lines)


def _how_seen(seen: Observed) -> str:
    if not seen.traced:
        return "Nothing was traced, so hosts and files are unknown and the draft asks for none. `mpp migrate inspect --trace` looks while the server runs."
    calls = (
        f"{seen.calls} call{'s' * (seen.calls != 1)}"
        if seen.calls
        else "no call: only its start and its list of tools were seen, give it calls with --call or --calls"
    )
    words = f"Seen with strace while the server and its children ran, with {calls}. What the server did not do then is not here."
    if seen.cut:
        words += " The trace was too long, and its end was not read."
    return words + " Left out: the system, the language, installed libraries and the server's own code."


def _row(row: Row) -> str:
    return f"| `{_cell(row.what)}` | {'yes' if row.drafted else 'no'} | {_cell(row.evidence)} |"


def _questions(seen: Observed) -> str:
    has_writes, has_reads = bool(seen.writes), bool(seen.reads)
    others = seen.programs[1:]
    asked = [
        (
            "Which hosts does it speak to?",
            _seen_or(seen.hosts, seen, "no name was looked up"),
            "Narrow each with ports, methods and paths. A host that is chosen by an argument cannot be declared.",
        ),
        (
            "Which files does it read?",
            _seen_or(seen.reads, seen, "none of its own was seen"),
            "Name folders of data, not the home. What is only configuration can be packed as an asset." if has_reads else "",
        ),
        (
            "Which files does it write?",
            _seen_or(seen.writes, seen, "none was seen"),
            "If one tool alone keeps state, `storage.kv` needs no folder at all." if has_writes else "",
        ),
        (
            "Which environment variables does it read?",
            _list(seen.variables) if seen.variables else "none was found in its sources" if seen.sources else "unknown: its sources were not found",
            "Which are set and read cannot be seen from outside; only names in sources are found. For keys take `secrets`.",
        ),
        (
            "Does it start other programs?",
            _list(others) if others else "none was seen" if seen.traced else "unknown",
            "A package starts none: what they do must be ported." if others else "",
        ),
        (
            "Does it keep state between calls in memory?",
            "unknown: this cannot be seen from outside",
            "A package is started anew for each call. `storage.kv` keeps what one tool stores for that tool; tools that share state share a folder.",
        ),
    ]
    lines = ["## Open questions", ""]
    for question, answer, advice in asked:
        lines.append(f"- **{question}** {_cell(answer)}.{' ' + advice if advice else ''}")
    return "\n".join(lines)


def _seen_or(found: Sequence[str], seen: Observed, nothing: str) -> str:
    return _list(found) if found else nothing if seen.traced else "unknown"


def _list(found: Sequence[str]) -> str:
    return ", ".join(found[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")


def _cell(text: str) -> str:
    """Attack: a name of a file or a tool that ends the cell, or that the page takes for a picture or a link. What stays is printable ASCII."""
    return shown(text, CELL_CHARS).replace("|", "\\x7c").replace("`", "\\x60").replace("<", "\\x3c").replace("![", "!\\x5b")


def _most(found: Iterable[T]) -> list[T]:
    return [*found][:ROWS_MAX]
