"""``mpp serve``: who calls is known, and the installed tools are served until the agent leaves."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext

from mpp.cli.calling import user_name
from mpp.cli.options import home, in_shell
from mpp.cli.run_options import read_workspace, TOKEN_FILE_BYTES_MAX
from mpp.cli.screen import note, put_json
from mpp.errors import MppError, Refused
from mpp.files import read_stream
from mpp.host.agent_identity import identify_fully, IdentityRequest, read_behalf
from mpp.host.agent_signing import AgentSigning
from mpp.host.agent_store import AgentStore
from mpp.host.backend import open_backend, ServeOptions
from mpp.host.home import Home
from mpp.host.once import SpentHere
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.installed import installed_version
from mpp.model.value import value
from mpp.protocol.mcp.ports import Caller
from mpp.serve.stdio import serve_stdio
from mpp.stages.sandbox import Zygote

_HTTP_ONLY = ("require_token", "oauth", "tls_cert", "tls_key", "behind_proxy", "hosts", "origins", "rate", "tenant_rate")


@value
class Given:
    """The options of the command, as they were written."""

    agent: str
    agent_token_file: str
    agent_key: str
    passphrase_file: str | None
    user: str
    workspace: str
    search_mode: bool
    plain_names: bool
    listen: str
    require_token: bool
    oauth: str
    tls_cert: str
    tls_key: str
    behind_proxy: bool
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    rate: int
    tenant_rate: int
    as_json: bool


def serve(given: Given, zygote: Zygote) -> None:
    """Serve until the agent has left. ``zygote`` starts meanwhile."""
    place, clock, random = home(), SystemClock(), SystemRandom()
    _judge_options(given)
    who = _caller(given.agent, given.agent_token_file, given.user)
    signing = _signing(who, given.agent_key, given.passphrase_file, given.user) if given.agent_key else None
    if signing is not None and given.listen:
        raise Refused("usage.option", "--agent-key is for one agent on standard input", where="--agent-key", hint="give each agent a token: mpp token add")
    options = ServeOptions(
        workspace=read_workspace(given.workspace), search_mode=given.search_mode, plain_names=given.plain_names, signing=signing, zygote=zygote
    )  # fmt: skip
    if options.workspace and not os.path.isdir(options.workspace):
        raise Refused(
            "usage.no_file", "the workspace is not there, or is no folder", where=given.workspace, hint="make it, or name another one with --workspace"
        )  # fmt: skip
    with open_backend(place, options, environment=os.environ, told=_not_served) as backend, _following(place):
        if not given.listen:
            if sys.stdin.isatty():
                note("Waiting for an agent's messages on standard input. An agent's program starts this by itself: see `mpp connect`; Ctrl-C ends it.")
            serve_stdio(backend, who, clock, random, version=_version())
            return
        from mpp.serve.http_server import HttpOptions, serve_http  # noqa: PLC0415 - an HTTP server is slow to import, and an agent starts this for itself

        http = HttpOptions(
            home=place, listen=given.listen, require_token=given.require_token, oauth=given.oauth, tls_cert=given.tls_cert, tls_key=given.tls_key,
            behind_proxy=given.behind_proxy, hosts=given.hosts, origins=given.origins, rate=given.rate, tenant_rate=given.tenant_rate, local=who, told=note,
        )  # fmt: skip
        serve_http(backend, http, clock, random, say=note, listening=_told if given.as_json else None, version=_version())


def _judge_options(given: Given) -> None:
    if not given.listen and (given.as_json or any(getattr(given, name) for name in _HTTP_ONLY)):
        raise Refused("usage.option", "one of these options is for HTTP", hint="give --http, or leave it out")


def _not_served(name: str, fault: MppError) -> None:
    """Its tools are just not there for the agent. Who looks for them reads what this process says, which clients keep."""
    note(f"{name} is not served: {fault.message} [{fault.code}]" + (f"; {fault.hint}" if fault.hint else ""))


def _following(place: Home) -> AbstractContextManager[None]:
    """What a registry withdraws is stopped while this host serves. Where none is known, nothing is followed."""
    if not os.path.lexists(place.registries):
        return nullcontext()
    from mpp.cli.registry.following import following  # noqa: PLC0415 - brings an HTTP client, and most hosts have no registry

    return following(place, note)


def _told(url: str, is_open: bool) -> None:
    put_json({"ok": True, "url": url, "token_needed": not is_open, "pid": os.getpid()})
    sys.stdout.flush()


def _caller(agent: str, token_file: str, user: str) -> Caller:
    """Who calls through this process: what its owner says, and what a token proves."""
    behalf = (read_behalf(f"user:{user}"),) if user else ()
    token = read_stream(token_file, TOKEN_FILE_BYTES_MAX).decode("utf-8", "replace").strip() if token_file else ""
    request = IdentityRequest(launched=agent, behalf=behalf, token=token)
    # No proof is taken here, so nothing is spent.
    found = identify_fully(request, AgentStore(home().agents).load(), None, SpentHere(), SystemClock().now())
    # Attack: ``--user boss`` by which an agent that starts this would be whom a policy allows. Who runs this counts; the name is shown as what it is.
    return Caller(agent=found.identity, user=user_name())


def _signing(who: Caller, key_file: str, passphrase_file: str | None, user: str) -> AgentSigning:
    """Attack on oneself: a sealed key that asks for its passphrase where the agent's messages come from. It is asked for at a terminal or in a file only."""
    from mpp.cli.agent_keys import load_key  # noqa: PLC0415 - brings what opens key files, and most agents have none

    if not who.agent.name:
        raise Refused("usage.option", "--agent-key goes with --agent NAME", hint="say which agent the key is of")
    signer, agents = load_key(key_file, "agent", passphrase_file), AgentStore(home().agents)
    known = agents.load().agents.get(who.agent.name)
    if known is None or signer.public_key not in known.keys:
        # It may become known while this runs. Until then the agent is told at each call, and its owner only here.
        note(f"note: this host knows no such key of {who.agent.name}: each call is refused until `mpp agent add {who.agent.name} --key {in_shell(key_file)}`")
    return AgentSigning(who.agent.name, signer, agents, behalf=(read_behalf(f"user:{user}"),) if user else ())


def _version() -> str:
    return installed_version("model-package-protocol") or "0"
