"""``mpp dev --native``: a Python tool as a plain process of the author, with all of the author's rights and none of the sandbox.

For a debugger, and to see whether a fault is the tool's or the sandbox's. It gets no secrets, no storage and no host.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from mpp.author.languages.python_names import LIBRARIES, SOURCES
from mpp.author.limits import COMPILER_OUTPUT_MAX, NATIVE_REPLY_BYTES_MAX
from mpp.author.project import Project
from mpp.author.running import clean_environment
from mpp.author.vendoring.sdk import sdk_folder
from mpp.errors import Refused, ToolFailed
from mpp.model.value import value

_START = """
import importlib, sys
sys.path[:0] = sys.argv[1].split('|')
module = importlib.import_module(sys.argv[2])
if hasattr(module, 'mpp_main'):
    sys.exit(module.mpp_main())
import mpp_sdk
sys.exit(mpp_sdk.serve())
"""


@value
class NativeReply:
    line: bytes
    """What it wrote, not yet judged."""
    stderr: str


def python_of(root: str) -> str:
    """The project's own environment, which has its dependencies, or the Python that runs MPP."""
    own = os.path.join(root, ".venv", "bin", "python")
    return own if os.path.isfile(own) else sys.executable


def run_native(project: Project, tool: str, arguments: bytes, *, invocation: str, seconds: float) -> NativeReply:
    """One call in a process of its own. ``arguments`` are JSON."""
    entry = os.path.join(project.root, SOURCES, "main.py")
    if not os.path.isfile(entry):
        raise Refused("project.entrypoint", "--native runs app/main.py, which is not there", where=project.root, hint="leave --native out")
    folders = (os.path.join(project.root, SOURCES), sdk_folder(), os.path.join(project.root, LIBRARIES))
    params = {"name": tool, "arguments": json.loads(arguments or b"{}"), "_meta": {"invocation": invocation, "tool": tool, "tenant": "development"}}
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, ensure_ascii=False).encode() + b"\n"
    env = clean_environment(os.path.expanduser("~"), {"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"})
    try:
        done = subprocess.run(
            [python_of(project.root), "-c", _START, "|".join(folders), "main"], cwd=project.root, env=env, input=request, capture_output=True, timeout=seconds, check=False
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ToolFailed("tool.deadline", f"did not answer in {seconds:g} seconds", where=tool, hint="raise timeout_ms, or do less") from None
    said = done.stderr[-COMPILER_OUTPUT_MAX:].decode("utf-8", "replace")
    if done.returncode != 0:
        raise ToolFailed("tool.exit", f"ended with {done.returncode}\n{said}", where=tool, hint="mend what it says")
    if len(done.stdout) > NATIVE_REPLY_BYTES_MAX:
        raise ToolFailed("tool.output", "wrote more than a reply may have", where=tool, hint="answer with less")
    return NativeReply(line=done.stdout, stderr=said)
