"""Questions to tables: CSV files of a granted folder, asked in SQL. The database lives in memory and ends with the call."""

from __future__ import annotations

import csv
import os
import re
import sqlite3
from typing import Annotated, Any

from mpp_sdk import Description, Length, progress, Range, Structured, tool, ToolError

FOLDER = "/tables"
"""Where the tables are, as the guest sees it; the manifest asks to read it."""

ROWS_MAX = 200_000
"""Rows of one table. Reason: they are all in memory; bounds the time of a call."""

COLUMNS_MAX = 200
"""Columns of one table. Reason: more are a mistake in the file."""

File = Annotated[str, Description("A .csv file below the tables folder, such as sales.csv"), Length(1, 200)]


@tool(security_level="low")
def tables() -> list[str]:
    """Name the tables that there are."""
    found = []
    for place, _, names in os.walk(FOLDER):
        found += [os.path.relpath(os.path.join(place, name), FOLDER) for name in names if name.endswith(".csv")]
    return sorted(found)[:1_000]


@tool(security_level="low")
def describe(file: File) -> dict[str, Any]:
    """Say which columns a table has, and how many rows."""
    base = _loaded(file)
    columns = {name: kind for _, name, kind, *_ in base.execute("pragma table_info(data)")}
    (rows,) = base.execute("select count(*) from data").fetchone()
    return {"rows": rows, "columns": columns}


@tool(security_level="low")
def query(
    file: File,
    sql: Annotated[str, Description("A SELECT over the table `data`"), Length(1, 4_000)],
    most: Annotated[int, Description("Rows of the answer"), Range(1, 1_000)] = 100,
) -> Structured:
    """Ask a table in SQL. The table is called `data`; nothing that is asked changes the file."""
    base = _loaded(file)
    base.execute("pragma query_only = on")
    try:
        found = base.execute(sql)
        names = [one[0] for one in found.description or ()]
        rows = [list(row) for row in found.fetchmany(most)]
        more = found.fetchone() is not None
    except sqlite3.Error as fault:
        raise ToolError(f"the question is not one: {fault}") from None
    lines = [" | ".join(names), *(" | ".join(str(one) for one in row) for row in rows)]
    return Structured({"columns": names, "rows": rows, "more": more}, "\n".join(lines))


def _loaded(file: str) -> sqlite3.Connection:
    """The table in memory. Columns are numbers where all their values are."""
    base = sqlite3.connect(":memory:")
    try:
        with open(os.path.join(FOLDER, file), encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            names = _names(next(reader, []))
            base.execute(f"create table data ({', '.join(f'{name} numeric' for name in names)})")
            base.executemany(f"insert into data values ({', '.join('?' * len(names))})", _rows(reader, len(names)))  # noqa: S608 - only question marks
    except OSError as fault:
        raise ToolError(f"{file} cannot be read: {fault.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as fault:
        raise ToolError(f"{file} is no CSV file: {fault}") from None
    return base


def _names(head: list[str]) -> list[str]:
    """Column names as SQL takes them, each once. Attack: a head that holds SQL."""
    if not 0 < len(head) <= COLUMNS_MAX:
        raise ToolError(f"the table has {len(head)} columns; 1 to {COLUMNS_MAX} are read")
    names: list[str] = []
    for number, text in enumerate(head, 1):
        name = re.sub(r"\W+", "_", text.strip(), flags=re.ASCII).strip("_").lower() or f"column_{number}"
        names.append(f'"{name}"' if f'"{name}"' not in names else f'"{name}_{number}"')
    return names


def _rows(reader: Any, width: int) -> Any:
    for number, row in enumerate(reader, 1):
        if number > ROWS_MAX:
            raise ToolError(f"the table has more than {ROWS_MAX} rows")
        if number % 50_000 == 0:
            progress(number, message=f"{number} rows read")
        if row:
            yield (row + [""] * width)[:width]
