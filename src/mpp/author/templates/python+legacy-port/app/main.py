"""A server written for FastMCP. One import was changed: it was `from mcp.server.fastmcp import FastMCP`."""

from typing import Literal

from mpp_sdk.fastmcp import FastMCP
from pydantic import BaseModel, Field

mcp = FastMCP("units")

FACTORS = {"km": 1000.0, "m": 1.0, "mi": 1609.344, "ft": 0.3048}


class Length(BaseModel):
    value: float = Field(description="How many")
    unit: Literal["km", "m", "mi", "ft"] = Field(description="Of which unit")


@mcp.tool()
def convert(length: Length, to: Literal["km", "m", "mi", "ft"]) -> str:
    """Convert a length into another unit."""
    return f"{length.value * FACTORS[length.unit] / FACTORS[to]:.3f} {to}"


if __name__ == "__main__":
    mcp.run()
