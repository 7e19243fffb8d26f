"""Clients besides the suite: the inspector in its eras over both transports, the Python SDK, the clients of frameworks, and frameworks with MPP inside."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from interop.environments import environment
from interop.home import MPP, FailedError, HomeFolder
from interop.npm import Npm

HERE = Path(__file__).resolve().parent
INSPECTOR = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
ERAS = ("legacy", "auto", "modern")
FRAMEWORKS = ("langchain", "pydantic", "openai", "agent_framework", "semantic_kernel", "autogen", "crewai")
CLIENTS = ("langchain", "pydantic", "openai")
SECONDS_MAX = 180
TOOLS_LEAST = 20


class Met(NamedTuple):
    """One client, and what is wrong; empty: nothing."""

    name: str
    wrong: str


def inspector(npm: Npm, home: HomeFolder, url: str) -> Iterator[Met]:
    """tools/list and tools/call, in each era over each transport."""
    stdio = [str(MPP), "serve", "--plain-names", "-e", f"MPP_HOME={home.environment['MPP_HOME']}"]
    for transport, target in (("stdio", stdio), ("http", [url, "--transport", "http"])):
        for era in ERAS:
            command = [*npm.node(INSPECTOR), "--cli", *target, "--protocol-era", era, "--format", "json", "-q"]
            yield Met(f"inspector, {era}, {transport}", _inspected(command, home))


def _inspected(command: list[str], home: HomeFolder) -> str:
    listed = _json([*command, "--method", "tools/list"], home)
    names = [tool["name"] for tool in listed["result"]["tools"]] if "result" in listed else []
    if len(names) < TOOLS_LEAST or names != sorted(names):
        return f"tools/list: {listed}"[:500]
    called = _json([*command, "--method", "tools/call", "--tool-name", "add", "--tool-arg", "a=2", "b=3"], home)
    found = called.get("result", {}).get("structuredContent")
    return "" if found == {"sum": 5} else f"tools/call: {called}"[:500]


def _json(command: list[str], home: HomeFolder) -> dict[str, Any]:
    # The inspector keeps settings in the home of whoever runs it. It gets a home of its own.
    done = _run(command, {**home.environment, "HOME": str(home.folder)})
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"stdout": done.stdout[-300:], "stderr": done.stderr[-300:]}
    return found


def sdk(environments: Path, home: HomeFolder, url: str) -> Iterator[Met]:
    """The official Python SDK over both transports, in each of its modes."""
    python, script = environment(environments, "sdk"), HERE / "clients" / "sdk_client.py"
    for transport, more in (("stdio", []), ("http", [url])):
        yield Met(f"Python SDK, three modes, {transport}", _script([str(python), str(script), home.environment["MPP_HOME"], str(MPP), *more], home))


def clients(environments: Path, home: HomeFolder) -> Iterator[Met]:
    """The MCP clients of frameworks, over stdio."""
    for name in CLIENTS:
        script = HERE / "clients" / f"{name}_client.py"
        yield Met(f"MCP client of {name}, stdio", _script([str(environment(environments, name)), str(script), home.environment["MPP_HOME"], str(MPP)], home))


def frameworks(environments: Path, home: HomeFolder) -> Iterator[Met]:
    """MPP inside of frameworks, without a server."""
    for name in FRAMEWORKS:
        script = HERE / "frameworks" / f"{name}_tools.py"
        yield Met(f"adapter for {name}", _script([str(environment(environments, name)), str(script), home.environment["MPP_HOME"]], home))


def _script(command: list[str], home: HomeFolder) -> str:
    done = _run(command, home.environment)
    return "" if done.returncode == 0 else (done.stderr or done.stdout)[-500:] or f"exit code {done.returncode}"


def _run(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=SECONDS_MAX, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise FailedError(f"{command[0]} is not here") from None
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"not done within {SECONDS_MAX} seconds")
