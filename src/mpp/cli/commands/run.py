"""``mpp run``. What it does is in ``mpp.cli.running``, which is loaded while the processes of the sandbox start."""

from __future__ import annotations

from contextlib import closing

import click

from mpp.cli.options import json_option, passphrase_option


@click.command(name="run")
@click.argument("file", required=False)
@click.option("--tool", "tool_name", default="", metavar="NAME", help="The tool to call; may be left out when the package has one.")
@click.option("--args", "arguments", default="{}", metavar="JSON|@FILE|-", help="The arguments: a JSON object, @FILE, or - for standard input.")
@click.option("--yes", is_flag=True, help="You are the person who approves this call; recorded as such. Counts up to security level medium.")
@click.option("--map", "maps", multiple=True, metavar="GUEST=HOST", help="Give the folder or file HOST in place of a declared path. May be repeated.")
@click.option("--workspace", default="", metavar="FOLDER", type=click.Path(file_okay=False), help="The folder that ${workspace} in a manifest stands for.")
@click.option("--timeout", "timeout_ms", type=click.IntRange(1, 600_000), default=None, metavar="MS", help="A shorter time limit than the manifest's.")
@click.option("--agent", default="", metavar="NAME", help="The agent on whose behalf you call.")
@click.option("--agent-key", default="", metavar="FILE", help="With --agent: the agent's key, which signs a proof for this very call.")
@click.option("--agent-token-file", default="", metavar="FILE", help="A file with the agent's token, in place of a key.")
@click.option("--agent-statement", default="", metavar="FILE", help="With --agent-key: the statement by which an organisation vouches for the key.")
@click.option("--agent-id-token", default="", metavar="FILE", help="With --agent-key: the ID token of an OIDC issuer, bound to the key.")
@click.option("--delegation", "delegations", multiple=True, metavar="FILE", help="With --agent-key: by which the agent acts for somebody; the first one first.")
@click.option("--on-behalf-of", "behalf", multiple=True, metavar="user:NAME|agent:NAME", help="For whom the agent acts, the nearest first.")
@passphrase_option
@click.option("--explain", is_flag=True, help="Show each stage with its time, who decided, and what the tool used.")
@json_option
def command(
    file: str | None, tool_name: str, arguments: str, yes: bool, maps: tuple[str, ...], workspace: str, timeout_ms: int | None, agent: str, agent_key: str,
    agent_token_file: str, agent_statement: str, agent_id_token: str, delegations: tuple[str, ...], behalf: tuple[str, ...], passphrase_file: str | None, explain: bool, as_json: bool,
) -> int:  # fmt: skip
    """Verify FILE (default: the package of the project you are in) and call one of its tools in the sandbox.

    The tool gets what its manifest declares, as far as policy allows it and you agree, and nothing else. Policy decides
    whether you are asked; without one, what is low in risk runs by itself once you have agreed to what the package declares.
    In a project, a build that is not signed yet runs in development mode: without secrets, with a storage of its own. What
    the tool says is shown without personal data and secrets; `mpp privacy patterns` lists what is searched for.

    \b
    Examples:
      mpp run hello-0.1.0.mpp --args '{"name": "Ada"}'
      mpp run notes.mpp --tool search --args @request.json --workspace ~/notes --explain
      mpp run crm.mpp --tool lookup --agent assistant --agent-key assistant.key
      echo '{"name": "Ada"}' | mpp run --args - --json

    \b
    Exit code:
      0        the tool answered
      11 … 20  the package was refused, as by `mpp verify`
      21, 22   the call was refused, or a yes did not count here
      23       policy denies the call
      24       a person must approve the call, or said no
      25       the agent is not who it says
      30       the tool failed, or says that it could not do it
    """
    # Imported here: a stranger reads --help, and what starts first below need not wait for the rest.
    from mpp.stages.sandbox import Zygote  # noqa: PLC0415

    with closing(Zygote()) as zygote:
        # It holds the loaded engine and nothing of anybody's; what runs in it waits for the verdict, as ever.
        zygote.start()
        from mpp.cli.run_options import AgentOptions  # noqa: PLC0415 - as above
        from mpp.cli.running import call_package, Given  # noqa: PLC0415 - as above

        options = AgentOptions(
            name=agent, key_file=agent_key, passphrase_file=passphrase_file, token_file=agent_token_file, statement_file=agent_statement,
            id_token_file=agent_id_token, delegations=delegations, behalf=behalf,
        )  # fmt: skip
        given = Given(
            file=file, tool=tool_name, arguments=arguments, maps=maps, workspace=workspace, agent=options, yes=yes, timeout_ms=timeout_ms or 0, as_json=as_json,
            explain=explain,
        )  # fmt: skip
        return call_package(given, zygote)
