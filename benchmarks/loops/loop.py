"""The loop in Python."""

from typing import TypedDict

from mpp_sdk import tool


class Sum(TypedDict):
    sum: int


@tool(security_level="low")
def loop(n: int) -> Sum:
    """Run a loop so often."""
    x, total = 2463534242, 0
    for _ in range(n):
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        total += x & 255
    return {"sum": total & 0xFFFFFFFF}
