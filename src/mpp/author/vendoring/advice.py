"""What to say to an author whose dependency has native code, or is not what its name says inside of a package."""

from __future__ import annotations

NATIVE: dict[str, str] = {
    "numpy": "native code cannot run in the sandbox; for small data take statistics, math and lists",
    "pandas": "native code cannot run in the sandbox; for tables take csv and sqlite3, or statistics",
    "scipy": "native code cannot run in the sandbox; math and statistics have the common functions",
    "polars": "native code cannot run in the sandbox; for tables take csv and sqlite3",
    "pillow": "native code cannot run in the sandbox; pypng reads and writes PNG in pure Python",
    "lxml": "native code cannot run in the sandbox; take xml.etree.ElementTree, or html.parser",
    "orjson": "native code cannot run in the sandbox; take json",
    "ujson": "native code cannot run in the sandbox; take json",
    "msgspec": "native code cannot run in the sandbox; mpp_sdk reads arguments into dataclasses",
    "pydantic-core": "leave pydantic out of the dependencies: mpp_sdk has the part of it that tools use, under the same name",
    "cryptography": "native code cannot run in the sandbox; hashlib, hmac and secrets have the common functions",
    "pynacl": "native code cannot run in the sandbox; hashlib, hmac and secrets have the common functions",
    "aiohttp": "native code cannot run in the sandbox; take mpp_sdk.http, requests or httpx",
    "grpcio": "native code cannot run in the sandbox; call the service over HTTP",
    "psycopg2": "native code cannot run in the sandbox, and there are no sockets but for HTTP; call a service over HTTP",
    "psycopg2-binary": "native code cannot run in the sandbox, and there are no sockets but for HTTP; call a service over HTTP",
    "regex": "native code cannot run in the sandbox; take re",
    "tiktoken": "native code cannot run in the sandbox; count with a pure-Python tokenizer",
}
NATIVE_OTHER = "native code cannot run in the sandbox: take a pure-Python library, or write the part in C, Rust or Go as a tool of its own"

# Never fetched, whatever an index offers under these names.
OURS = frozenset({"mpp-sdk"})
"""Attack: dependency confusion. The SDK comes with MPP itself; a package of its name on an index is somebody else's, or an older one."""

REPLACED: dict[str, str] = {
    "pydantic": "leave it out of the dependencies: mpp_sdk has the part of it that tools use, under the same name, in pure Python",
    "mcp": "leave it out, and change the import: mpp migrate source FILE",
    "fastmcp": "leave it out, and change the import: mpp migrate source FILE",
}


def advice(name: str) -> str:
    return NATIVE.get(name, NATIVE_OTHER)
