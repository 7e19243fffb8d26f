"""Uvicorn with httptools and uvloop, and an application that says one constant text: the floor below every front in Python over HTTP."""

from __future__ import annotations

import sys
from typing import Any

import uvicorn

BODY = b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"5"}],"isError":false}}'
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]}


async def hello(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send(START)
    await send({"type": "http.response.body", "body": BODY, "more_body": False})


uvicorn.run(hello, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False, lifespan="off", server_header=False, date_header=False)
