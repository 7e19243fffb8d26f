"""Books a table: log lines, progress, and a question to the person."""

from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel, Field

mcp = FastMCP("booking")

FULL = {"2026-05-01"}


class Alternative(BaseModel):
    accept: bool = Field(description="Take another day?")
    day: str = Field(default="2026-05-02", description="Which day")


@mcp.tool()
async def book_table(day: str, people: int, ctx: Context) -> str:
    """Book a table"""
    await ctx.info(f"Looking for a table for {people}")
    await ctx.report_progress(1, 2, "looking")
    if day in FULL:
        answer = await ctx.elicit(message=f"No table for {people} on {day}. Another day?", schema=Alternative)
        if answer.action != "accept" or not answer.data.accept:
            return "Nothing booked"
        day = answer.data.day
    await ctx.report_progress(2, 2, "booked")
    return f"Booked for {people} on {day}"


@mcp.tool()
async def seats(ctx: Context, room: str = "garden") -> int:
    """How many seats a room has"""
    await ctx.debug(f"asked for {room}")
    return {"garden": 40, "hall": 60}[room]


if __name__ == "__main__":
    mcp.run()
