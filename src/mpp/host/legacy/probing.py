"""What would hold a server on this machine: a program that does nothing is started as a server is. Spec: legacy V-26."""

from __future__ import annotations

from collections.abc import Mapping

from mpp.errors import MppError
from mpp.host.barriers import Fact, GOOD, NOTE
from mpp.host.legacy.launch import FILES
from mpp.host.legacy.plan import plan_of
from mpp.host.legacy.process import start_process
from mpp.host.legacy.types import Barriers, HostRule, Server, STDIO

NOTHING = "/bin/true"


def probe(server: Server, environment: Mapping[str, str], mpp_home: str, *, namespaces: bool = True, landlock: int = -1) -> Barriers:
    """The barriers that this server would have. Where it would not start at all, that of files is missing."""
    plain = Server(name=server.name, kind=STDIO, command=(NOTHING,), hosts=server.hosts, sandboxed=server.sandboxed)
    try:
        plan = plan_of(plain, {}, environment=environment, mpp_home=mpp_home, namespaces=namespaces, landlock=landlock)
        process = start_process(plan, lambda _listener: None)
    except MppError as fault:
        return Barriers(missing={FILES: fault.message})
    process.end()
    return process.barriers


def sandbox_of_servers(environment: Mapping[str, str], mpp_home: str) -> Fact:
    """A line of `mpp doctor`: what a server with a host to reach would be held by on this machine."""
    made = Server(name="trial", kind=STDIO, command=(NOTHING,), hosts=(HostRule(host="example.com", port=443),))
    found = probe(made, environment, mpp_home)
    held = ", ".join(f"{name} by {words}" for name, words in sorted(found.held.items()))
    missing = ", ".join(f"{name} ({words})" for name, words in sorted(found.missing.items()))
    if FILES in found.missing:
        return Fact(
            name="older servers", state=NOTE, text=f"cannot be held, so none is started in a sandbox: {missing}", remedy="see spec/legacy.md, section 3"
        )
    return Fact(name="older servers", state=NOTE if missing else GOOD, text=f"are held: {held}" + (f"; not held: {missing}" if missing else ""))
