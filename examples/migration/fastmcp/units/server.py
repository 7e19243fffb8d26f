"""Converts units: choices, limits and defaults."""

from enum import Enum
from typing import Annotated, Literal, Optional

from mcp.server.fastmcp import FastMCP
from pydantic import Field

mcp = FastMCP("units")

METRES = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "ft": 0.3048}


class Length(Enum):
    METRE = "m"
    KILOMETRE = "km"
    MILE = "mi"
    FOOT = "ft"


@mcp.tool()
def convert_length(
    value: Annotated[float, Field(description="How much", ge=0)],
    source: Length,
    target: Length = Length.METRE,
    digits: Annotated[int, Field(description="Digits after the point", ge=0, le=12)] = 3,
) -> float:
    """Convert a length"""
    return round(value * METRES[source.value] / METRES[target.value], digits)


@mcp.tool()
def convert_temperature(value: float, source: Literal["C", "F", "K"], target: Literal["C", "F", "K"] = "C") -> str:
    """Convert a temperature"""
    kelvin = {"C": value + 273.15, "F": (value - 32) * 5 / 9 + 273.15, "K": value}[source]
    found = {"C": kelvin - 273.15, "F": (kelvin - 273.15) * 9 / 5 + 32, "K": kelvin}[target]
    return f"{found:.2f} {target}"


@mcp.tool()
def describe_units(unit: Optional[Length] = None, verbose: bool = False, tags: set[str] = set()) -> dict[str, str]:
    """What units there are"""
    chosen = [unit] if unit is not None else list(Length)
    words = {one.value: one.name.lower() + (f" = {METRES[one.value]} m" if verbose else "") for one in chosen}
    return {**words, **{tag: "tag" for tag in sorted(tags)}}


@mcp.tool()
def pick(size: int | str | None = None, pair: tuple[int, str] = (1, "a")) -> str:
    """Give back what was picked"""
    return f"{size!r} {pair!r}"


if __name__ == "__main__":
    mcp.run()
