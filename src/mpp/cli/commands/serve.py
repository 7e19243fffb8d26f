"""``mpp serve``."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import PackageNotFoundError, version

import click

from mpp.cli.calling import user_name
from mpp.cli.options import home, passphrase_option
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
from mpp.protocol.mcp.ports import Caller
from mpp.serve.stdio import serve_stdio

LISTEN = "127.0.0.1:8808"
"""Where HTTP is served if nothing else is said."""

_HTTP_ONLY = ("require_token", "oauth", "tls_cert", "tls_key", "behind_proxy", "hosts", "origins", "rate", "tenant_rate")


@click.command(name="serve")
@click.option("--agent", default="", metavar="NAME", help="The agent that calls, as you say. A token of its own says it better.")
@click.option("--agent-token-file", default="", metavar="FILE", help="A file with the agent's token.")
@click.option("--agent-key", default="", metavar="FILE", help="With --agent: the agent's key, which signs a proof for each call. Not over HTTP.")
@passphrase_option
@click.option("--user", default="", metavar="NAME", help="For whom the agent acts, as you say.")
@click.option("--workspace", default="", metavar="FOLDER", type=click.Path(file_okay=False), help="The folder that ${workspace} in a manifest stands for.")
@click.option("--search-mode", is_flag=True, help="Offer two tools, one to find and one to call the others, in place of all.")
@click.option("--plain-names", is_flag=True, help="Offer a tool under its own name, without the package's, where no other has it.")
@click.option(
    "--http",
    "listen",
    is_flag=False,
    flag_value=LISTEN,
    default="",
    metavar="[ADDRESS:PORT]",
    help=f"Serve over HTTP in place of standard input; {LISTEN} if no address is given.",
)
@click.option("--require-token", is_flag=True, help="With --http: nobody calls without a token, also not from this machine.")
@click.option("--oauth", default="", metavar="FILE", help="With --http: believe access tokens of the issuers in this file.")
@click.option("--tls-cert", default="", metavar="FILE", help="With --http: the certificate, as PEM.")
@click.option("--tls-key", default="", metavar="FILE", help="With --http: its key, as PEM.")
@click.option("--behind-proxy", is_flag=True, help="With --http: another server speaks TLS in front of this one.")
@click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="With --http: a name under which this server is reached. May be repeated.")
@click.option("--allow-origin", "origins", multiple=True, metavar="URL", help="With --http: a web page that may call. May be repeated.")
@click.option("--rate", type=click.IntRange(min=0), default=0, metavar="N", help="With --http: requests a minute of each token; 0: no bound.")
@click.option("--tenant-rate", type=click.IntRange(min=0), default=0, metavar="N", help="With --http: requests a minute of each tenant; 0: no bound.")
@click.option("--json", "as_json", is_flag=True, help="With --http: print one JSON object with the address when it listens.")
def command(
    agent: str, agent_token_file: str, agent_key: str, passphrase_file: str | None, user: str, workspace: str, search_mode: bool, plain_names: bool, listen: str, require_token: bool, oauth: str,
    tls_cert: str, tls_key: str, behind_proxy: bool, hosts: tuple[str, ...], origins: tuple[str, ...], rate: int, tenant_rate: int, as_json: bool,
) -> None:  # fmt: skip
    """Serve the tools of the installed packages to an agent, over the Model Context Protocol.

    An agent starts this command by itself and speaks with it over standard input and output; `mpp connect` writes that
    into its settings. Each call is judged by policy and your approvals, runs in the sandbox, passes the privacy filter and
    is recorded, as with `mpp run`. What a person must decide is asked through the agent's program where policy allows
    that; else the agent gets a reference, and the question waits for `mpp approve`.

    With --http many agents are served. Without a token only programs of this machine are let in.

    \b
    Examples:
      mpp serve
      mpp serve --agent assistant --workspace ~/notes
      mpp serve --agent assistant --agent-key ~/.mpp/keys/agent-assistant.key
      mpp serve --search-mode
      mpp serve --http
      mpp serve --http 0.0.0.0:8808 --tls-cert cert.pem --tls-key key.pem \\
          --allow-host tools.example.com

    \b
    Exit code:
      0        the agent has left, or the process was asked to end
      1        this machine cannot serve: a file, an address, the sandbox
      2        options that do not go together
      25       the agent is not who it says
    """
    place, clock, random = home(), SystemClock(), SystemRandom()
    given = {
        "require_token": require_token, "oauth": oauth, "tls_cert": tls_cert, "tls_key": tls_key, "behind_proxy": behind_proxy,
        "hosts": hosts, "origins": origins, "rate": rate, "tenant_rate": tenant_rate,
    }  # fmt: skip
    if not listen and (as_json or any(given[name] for name in _HTTP_ONLY)):
        raise Refused("usage.option", "one of these options is for HTTP", hint="give --http, or leave it out")
    who = _caller(agent, agent_token_file, user)
    signing = _signing(who, agent_key, passphrase_file, user) if agent_key else None
    if signing is not None and listen:
        raise Refused("usage.option", "--agent-key is for one agent on standard input", where="--agent-key", hint="give each agent a token: mpp token add")
    options = ServeOptions(workspace=read_workspace(workspace), search_mode=search_mode, plain_names=plain_names, signing=signing)
    if options.workspace and not os.path.isdir(options.workspace):
        raise Refused("usage.no_file", "the workspace is not there, or is no folder", where=workspace, hint="make it, or name another one with --workspace")
    with open_backend(place, options, environment=os.environ, told=_not_served) as backend, _following(place):
        if not listen:
            if sys.stdin.isatty():
                note("Waiting for an agent's messages on standard input. An agent's program starts this by itself: see `mpp connect`; Ctrl-C ends it.")
            serve_stdio(backend, who, clock, random, version=_version())
            return
        from mpp.serve.http_server import HttpOptions, serve_http  # noqa: PLC0415 - an HTTP server is slow to import, and an agent starts this for itself

        http = HttpOptions(
            home=place, listen=listen, require_token=require_token, oauth=oauth, tls_cert=tls_cert, tls_key=tls_key, behind_proxy=behind_proxy,
            hosts=hosts, origins=origins, rate=rate, tenant_rate=tenant_rate, local=who, told=note,
        )  # fmt: skip
        serve_http(backend, http, clock, random, say=note, listening=_told if as_json else None, version=_version())


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
    signer = load_key(key_file, "agent", passphrase_file)
    return AgentSigning(who.agent.name, signer, AgentStore(home().agents), behalf=(read_behalf(f"user:{user}"),) if user else ())


def _version() -> str:
    try:
        return version("model-package-protocol")
    except PackageNotFoundError:
        return "0"
