"""What a starter is told: the command, its variables, and what it may see. It is plain enough for a process that imports nothing else."""

from __future__ import annotations

import errno
import json
from typing import NamedTuple

from mpp.host.legacy.limits import PLAN_BYTES_MAX


class Shown(NamedTuple):
    """One path that the server sees under its own name."""

    path: str
    write: bool = False


class LaunchPlan(NamedTuple):
    """Everything in it is judged already."""

    command: tuple[str, ...]
    """The program by its whole path, then its words."""
    env: tuple[tuple[str, str], ...]
    home: str
    """Its home folder, as it sees it."""
    folder: str = ""
    """Where it is started; in its home if empty."""
    shown: tuple[Shown, ...] = ()
    system: tuple[str, ...] = ()
    """System folders and files: to read, and to start programs from."""
    devices: tuple[str, ...] = ()
    sandboxed: bool = True
    namespaces: bool = True
    """Are namespaces to be tried?"""
    landlock: int = -1
    """What to take for the version of Landlock; -1 asks the kernel."""
    proxied: bool = False
    """May it reach hosts, through the proxy?"""
    port: int = 0
    """Where the proxy listens, if the server has no network of its own."""
    name: str = "mcp"
    is_temporary: bool = False
    """Is its home a folder of this machine, to be removed at the end?"""

    def variables(self, port: int) -> dict[str, str]:
        """With the way to the proxy, for programs that look for one."""
        found = dict(self.env)
        if self.proxied and self.sandboxed and port:
            address = f"http://127.0.0.1:{port}"
            found |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), address) | {"NODE_USE_ENV_PROXY": "1"}
            found |= {"NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}
        return found


def write_plan(plan: LaunchPlan) -> bytes:
    data = json.dumps(plan._asdict()).encode("utf-8") + b"\n"
    if len(data) > PLAN_BYTES_MAX:
        raise OSError(errno.E2BIG, "the command and its variables are too long")
    return data


def read_plan(data: bytes) -> LaunchPlan:
    """What ``write_plan`` wrote: it comes from our own host."""
    found = json.loads(data)
    return LaunchPlan(
        command=tuple(found["command"]),
        env=tuple((name, text) for name, text in found["env"]),
        home=found["home"],
        folder=found["folder"],
        shown=tuple(Shown(*one) for one in found["shown"]),
        system=tuple(found["system"]),
        devices=tuple(found["devices"]),
        sandboxed=found["sandboxed"],
        namespaces=found["namespaces"],
        landlock=found["landlock"],
        proxied=found["proxied"],
        port=found["port"],
        name=found["name"],
        is_temporary=found["is_temporary"],
    )
