"""``mpp serve``. What it does is in ``mpp.cli.serving``, which is loaded while the processes of the sandbox start."""

from __future__ import annotations

from contextlib import closing

import click

from mpp.cli.options import passphrase_option

LISTEN = "127.0.0.1:8808"
"""Where HTTP is served if nothing else is said."""


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
    # Imported here: what starts first below need not wait for the rest.
    from mpp.stages.sandbox import Zygote  # noqa: PLC0415

    with closing(Zygote()) as zygote:
        # It holds the loaded engine and nothing of anybody's; what runs in it waits for the verdict, as ever.
        zygote.start()
        from mpp.cli.serving import Given, serve  # noqa: PLC0415 - as above

        given = Given(
            agent=agent, agent_token_file=agent_token_file, agent_key=agent_key, passphrase_file=passphrase_file, user=user, workspace=workspace,
            search_mode=search_mode, plain_names=plain_names, listen=listen, require_token=require_token, oauth=oauth, tls_cert=tls_cert, tls_key=tls_key,
            behind_proxy=behind_proxy, hosts=hosts, origins=origins, rate=rate, tenant_rate=tenant_rate, as_json=as_json,
        )  # fmt: skip
        serve(given, zygote)
