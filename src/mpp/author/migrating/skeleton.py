"""The folder of a project that was begun from a server: that of `mpp init`, with the draft in it."""

from __future__ import annotations

import os
import re

from mpp.author.migrating.draft import Draft, Identity
from mpp.author.scaffold import create_project, guess_publisher, NewProject
from mpp.errors import Refused
from mpp.files import write_atomic
from mpp.model.jsontext import shown

_DASHES = re.compile(r"[^a-z0-9]+")

_HEAD = """/* {name}: begun from an MCP server by `mpp migrate inspect`.
 *
 * Each tool of the manifest has a function here. Until it is ported it says that it is not. The adapter
 * (mpp.h, mpp.c) speaks JSON-RPC with the host and has functions to read arguments and to answer.
 */
#include "mpp.h"
"""

_TOOL = """
static void {function}(const mpp_call *call, mpp_reply *reply)
{{
    (void)call;
    mpp_fail(reply, mpp_c("{tool} is not ported yet"));
}}
"""


def identity_of(server: str, out: str, package_id: str, publisher: str) -> Identity:
    """What the project is called: by the folder that is wished for, else by the server."""
    name = _DASHES.sub("-", (os.path.basename(os.path.abspath(out)) if out else server).lower()).strip("-")
    name = name.lstrip("-0123456789")[:64].strip("-") or "ported-server"
    return Identity(name=name, package_id=package_id or f"com.example.{name}", publisher=publisher or guess_publisher())


def write_skeleton(identity: Identity, parent: str, draft: Draft, readme: str) -> NewProject:
    """Make the project, or refuse where the folder exists."""
    if not draft.tools:
        raise Refused("usage.file", "the server lists no tool, so there is nothing to begin", where=shown(identity.name), hint="run its command by hand")
    made = create_project(identity.name, lang="c", parent=parent, package_id=identity.package_id, publisher=identity.publisher)
    contents = {"manifest.json": draft.manifest, "README.md": readme.encode("utf-8"), "src/main.c": main_source(identity.name, draft.tools)}
    for name, data in contents.items():
        write_atomic(os.path.join(made.folder, *name.split("/")), data)
    for name in ("requests.jsonl", "replies.jsonl"):
        os.unlink(os.path.join(made.folder, "tests", name))
    os.rmdir(os.path.join(made.folder, "tests"))
    return made


def main_source(name: str, tools: tuple[str, ...]) -> bytes:
    """A function and a row of the table for each tool. Names of tools are letters, digits and ``_.-``, so they are sound in a C string."""
    functions = {tool: f"tool_{number}_{re.sub(r'[^A-Za-z0-9]', '_', tool)}" for number, tool in enumerate(tools, 1)}
    rows = "".join(f'    {{"{tool}", {function}}},\n' for tool, function in functions.items())
    table = f"\nstatic const mpp_tool tools[] = {{\n{rows}}};\n"
    end = "\nint main(void)\n{\n    return mpp_main(tools, sizeof tools / sizeof tools[0]);\n}\n"
    return (_HEAD.format(name=name) + "".join(_TOOL.format(function=function, tool=tool) for tool, function in functions.items()) + table + end).encode("ascii")
