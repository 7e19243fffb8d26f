"""The same ``add`` on fastmcp, as its documentation shows it."""

from __future__ import annotations

import sys

from fastmcp import FastMCP

server = FastMCP("add")


@server.tool
def add(a: int, b: int) -> int:
    return a + b


if len(sys.argv) > 1:
    server.run(transport="http", host="127.0.0.1", port=int(sys.argv[1]), show_banner=False, log_level="error")
else:
    server.run(show_banner=False, log_level="error")
