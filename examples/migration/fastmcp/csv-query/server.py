"""Questions to a table of sales."""

import csv
import io
from dataclasses import dataclass
from typing import Any, TypedDict

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("csv-query")

TABLE = """region,product,units,price
north,apple,10,1.5
north,pear,4,2.25
south,apple,7,1.4
south,plum,0,3
"""


@dataclass
class Column:
    name: str
    kind: str


class Total(TypedDict):
    key: str
    units: int
    value: float


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(TABLE)))


@mcp.tool()
def columns() -> list[Column]:
    """The columns of the table"""
    first = rows()[0]
    return [Column(name, "number" if first[name].replace(".", "").isdigit() else "text") for name in first]


@mcp.tool()
def select(where: dict[str, str] | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Rows of the table, those whose columns have some values

    Args:
        where: Column and value, all of which a row has
        limit: How many rows at most
    """
    found = [row for row in rows() if all(row.get(key) == value for key, value in (where or {}).items())]
    return [{**row, "units": int(row["units"]), "price": float(row["price"])} for row in found[:limit]]


@mcp.tool()
def total_by(column: str) -> list[Total]:
    """Units and value, summed by a column"""
    if column not in ("region", "product"):
        raise ValueError(f"there is no column {column!r} to sum by; take region or product")
    sums: dict[str, Total] = {}
    for row in rows():
        total = sums.setdefault(row[column], Total(key=row[column], units=0, value=0.0))
        total["units"] += int(row["units"])
        total["value"] += int(row["units"]) * float(row["price"])
    return sorted(sums.values(), key=lambda total: -total["value"])


@mcp.tool()
def largest() -> Total | None:
    """The product with the most value"""
    found = total_by("product")
    return found[0] if found else None


if __name__ == "__main__":
    mcp.run()
